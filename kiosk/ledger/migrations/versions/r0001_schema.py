"""The whole schema: people, shop, goods, shifts, receipts, journal, audit.

A revision is written out and never refers to today's models, so that it makes the same tables for ever.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(27)
EXACT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

SEARCH = (
    """CREATE VIRTUAL TABLE goods_fts USING fts5(
        words, content='goods', content_rowid='id', tokenize='trigram case_sensitive 1')""",
    """CREATE TRIGGER goods_fts_insert AFTER INSERT ON goods BEGIN
        INSERT INTO goods_fts(rowid, words) VALUES (new.id, new.words); END""",
    """CREATE TRIGGER goods_fts_delete AFTER DELETE ON goods BEGIN
        INSERT INTO goods_fts(goods_fts, rowid, words) VALUES ('delete', old.id, old.words); END""",
    """CREATE TRIGGER goods_fts_update AFTER UPDATE OF words ON goods WHEN old.words <> new.words BEGIN
        INSERT INTO goods_fts(goods_fts, rowid, words) VALUES ('delete', old.id, old.words);
        INSERT INTO goods_fts(rowid, words) VALUES (new.id, new.words); END""",
)
"""FTS5 with trigrams; a change of stock or price does not touch it."""

SQLITE_BOOK = (
    """CREATE TRIGGER {book}_no_update BEFORE UPDATE ON {book}
        BEGIN SELECT RAISE(ABORT, '{book} is append-only'); END""",
    """CREATE TRIGGER {book}_no_delete BEFORE DELETE ON {book}
        BEGIN SELECT RAISE(ABORT, '{book} is append-only'); END""",
    # REPLACE would delete without firing the trigger above, so a record must be the next one.
    """CREATE TRIGGER {book}_next BEFORE INSERT ON {book}
        WHEN new.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM {book})
        BEGIN SELECT RAISE(ABORT, '{book} is append-only'); END""",
)
POSTGRESQL_REFUSE = """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"""
POSTGRESQL_BOOK = (
    "CREATE TRIGGER {book}_no_change BEFORE UPDATE OR DELETE ON {book} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER {book}_no_truncate BEFORE TRUNCATE ON {book} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)


def upgrade() -> None:
    _tables()
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(POSTGRESQL_REFUSE)
    for statement in SEARCH if sqlite else ():
        op.execute(statement)
    for book in ("journal", "audit"):
        for statement in SQLITE_BOOK if sqlite else POSTGRESQL_BOOK:
            op.execute(statement.format(book=book))


def _tables() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", WHOLE, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("user_id", WHOLE, nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_action", "audit", ["action", "seq"])
    op.create_table(
        "customers",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_ci", sa.Text(), nullable=False),
        sa.Column("name_key", EXACT, nullable=False),
        sa.Column("discount", WHOLE, nullable=False),
        sa.CheckConstraint("discount BETWEEN 0 AND 10000", name=op.f("ck_customers_discount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("card", name=op.f("uq_customers_card")),
    )
    op.create_index(op.f("ix_customers_name_key"), "customers", ["name_key"])
    op.create_table(
        "enterprises",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tax_number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprises")),
        sa.UniqueConstraint("tax_number", name=op.f("uq_enterprises_tax_number")),
    )
    op.create_table(
        "journal",
        sa.Column("seq", WHOLE, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("binding_id", WHOLE, nullable=False),
        sa.Column("document_hash", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("event IN ('intent', 'outcome', 'decision')", name=op.f("ck_journal_event")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
    )
    op.create_index("ix_journal_document_id", "journal", ["document_id", "seq"])
    op.create_table(
        "leases",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("workplace", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_leases")),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "users",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("badge", sa.Text(), nullable=False),
        sa.Column("pin_hash", sa.Text(), nullable=False),
        sa.Column("pin_failures", WHOLE, nullable=False),
        sa.Column("pin_blocked_until", MOMENT, nullable=True),
        sa.Column("denied", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(
        "uq_users_badge",
        "users",
        ["badge"],
        unique=True,
        sqlite_where=sa.text("badge <> ''"),
        postgresql_where=sa.text("badge <> ''"),
    )
    op.create_table(
        "baskets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workplace", sa.Text(), nullable=False),
        sa.Column("user_id", WHOLE, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_baskets_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baskets")),
    )
    op.create_index(op.f("ix_baskets_workplace"), "baskets", ["workplace"])
    op.create_table(
        "bindings",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("workplace", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("fiscal_number", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("signers", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_bindings_enterprise_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bindings")),
    )
    op.create_index(
        "uq_bindings_active",
        "bindings",
        ["enterprise_id", "workplace"],
        unique=True,
        sqlite_where=sa.text("role = 'active'"),
        postgresql_where=sa.text("role = 'active'"),
    )
    op.create_table(
        "goods",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("code", EXACT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("name_key", EXACT, nullable=False),
        sa.Column("price", WHOLE, nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("barcode", EXACT, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("tax", sa.Text(), nullable=False),
        sa.Column("uktzed", sa.Text(), nullable=False),
        sa.Column("excisable", sa.Boolean(), nullable=False),
        sa.Column("adult", sa.Boolean(), nullable=False),
        sa.Column("weighed", sa.Boolean(), nullable=False),
        sa.Column("fiscal", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("department", WHOLE, nullable=False),
        sa.Column("stock", WHOLE, nullable=False),
        sa.CheckConstraint("fiscal OR ground <> ''", name=op.f("ck_goods_ground")),
        sa.CheckConstraint("fiscal OR NOT excisable", name=op.f("ck_goods_excisable")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_goods_price")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_goods_enterprise_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods")),
        sa.UniqueConstraint("code", name=op.f("uq_goods_code")),
    )
    op.create_index(op.f("ix_goods_barcode"), "goods", ["barcode"])
    op.create_index("ix_goods_name_key", "goods", ["name_key", "id"])
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("workplace", sa.Text(), nullable=False),
        sa.Column("user_id", WHOLE, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("payments", sa.Text(), nullable=False),
        sa.Column("discount", WHOLE, nullable=False),
        sa.Column("rounding", WHOLE, nullable=False),
        sa.Column("change", WHOLE, nullable=False),
        sa.Column("total", WHOLE, nullable=False),
        sa.Column("due", WHOLE, nullable=False),
        sa.Column("customer_id", WHOLE, nullable=True),
        sa.Column("original_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("basket_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_receipts_customer_id")),
        sa.ForeignKeyConstraint(["original_id"], ["receipts.id"], name=op.f("fk_receipts_original_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_receipts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("number", name=op.f("uq_receipts_number")),
    )
    op.create_index(op.f("ix_receipts_at"), "receipts", ["at"])
    op.create_index(op.f("ix_receipts_customer_id"), "receipts", ["customer_id"])
    op.create_index(op.f("ix_receipts_due"), "receipts", ["due"])
    op.create_index(
        "ix_receipts_open",
        "receipts",
        ["workplace", "number"],
        sqlite_where=sa.text("state IN ('pending', 'unknown')"),
        postgresql_where=sa.text("state IN ('pending', 'unknown')"),
    )
    op.create_index(op.f("ix_receipts_original_id"), "receipts", ["original_id"])
    op.create_index(op.f("ix_receipts_total"), "receipts", ["total"])
    op.create_table(
        "receipt_lines",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("good_id", WHOLE, nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("price", WHOLE, nullable=False),
        sa.Column("sum", WHOLE, nullable=False),
        sa.Column("tax", sa.Text(), nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("discount", WHOLE, nullable=False),
        sa.Column("fiscal", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("uktzed", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=False),
        sa.Column("excise", sa.Text(), nullable=False),
        sa.Column("department", WHOLE, nullable=False),
        sa.Column("returned", WHOLE, nullable=False),
        sa.Column("sale_line", WHOLE, nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_receipt_lines_quantity")),
        sa.CheckConstraint("returned >= 0 AND returned <= quantity", name=op.f("ck_receipt_lines_returned")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_receipt_lines_enterprise_id")),
        sa.ForeignKeyConstraint(["good_id"], ["goods.id"], name=op.f("fk_receipt_lines_good_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_receipt_lines_receipt_id")),
        sa.ForeignKeyConstraint(["sale_line"], ["receipt_lines.id"], name=op.f("fk_receipt_lines_sale_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_lines")),
    )
    op.create_index("uq_receipt_lines_position", "receipt_lines", ["receipt_id", "position"], unique=True)
    op.create_table(
        "shifts",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("binding_id", WHOLE, nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("workplace", sa.Text(), nullable=False),
        sa.Column("opened_by", WHOLE, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("float", WHOLE, nullable=False),
        sa.Column("device_opened_at", MOMENT, nullable=True),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("closed_by", WHOLE, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("z_number", WHOLE, nullable=True),
        sa.Column("cash_left", WHOLE, nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["binding_id"], ["bindings.id"], name=op.f("fk_shifts_binding_id")),
        sa.ForeignKeyConstraint(["closed_by"], ["users.id"], name=op.f("fk_shifts_closed_by")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_shifts_enterprise_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name=op.f("fk_shifts_opened_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index("ix_shifts_binding_id", "shifts", ["binding_id", "id"])
    op.create_index(
        "uq_shifts_open",
        "shifts",
        ["binding_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "slips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("printed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_slips_receipt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slips")),
        sa.UniqueConstraint("seq", name=op.f("uq_slips_seq")),
    )
    op.create_index(op.f("ix_slips_receipt_id"), "slips", ["receipt_id"])
    op.create_index(
        "ix_slips_waiting",
        "slips",
        ["seq"],
        sqlite_where=sa.text("printed_at IS NULL"),
        postgresql_where=sa.text("printed_at IS NULL"),
    )
    op.create_table(
        "fiscal_documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("binding_id", WHOLE, nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("user_id", WHOLE, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("shift_id", WHOLE, nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("done_seq", WHOLE, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["binding_id"], ["bindings.id"], name=op.f("fk_fiscal_documents_binding_id")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_fiscal_documents_enterprise_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_fiscal_documents_receipt_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_fiscal_documents_shift_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_fiscal_documents_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fiscal_documents")),
        sa.UniqueConstraint("seq", name=op.f("uq_fiscal_documents_seq")),
    )
    op.create_index("ix_fiscal_documents_done", "fiscal_documents", ["binding_id", "done_seq"])
    op.create_index(
        "ix_fiscal_documents_number",
        "fiscal_documents",
        ["number"],
        sqlite_where=sa.text("number <> ''"),
        postgresql_where=sa.text("number <> ''"),
    )
    op.create_index(
        "ix_fiscal_documents_open",
        "fiscal_documents",
        ["seq"],
        sqlite_where=sa.text("state IN ('pending', 'unknown')"),
        postgresql_where=sa.text("state IN ('pending', 'unknown')"),
    )
    op.create_index(op.f("ix_fiscal_documents_receipt_id"), "fiscal_documents", ["receipt_id"])
    op.create_index("ix_fiscal_documents_shift_id", "fiscal_documents", ["shift_id", "seq"])
    op.create_table(
        "nonfiscal_parts",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("shift_id", WHOLE, nullable=True),
        sa.Column("cash", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_nonfiscal_parts_enterprise_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_nonfiscal_parts_receipt_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_nonfiscal_parts_shift_id")),
        sa.PrimaryKeyConstraint("receipt_id", "enterprise_id", name=op.f("pk_nonfiscal_parts")),
    )
    op.create_index(op.f("ix_nonfiscal_parts_shift_id"), "nonfiscal_parts", ["shift_id"])
    op.create_table(
        "document_money",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["fiscal_documents.id"], name=op.f("fk_document_money_document_id")),
        sa.PrimaryKeyConstraint("document_id", "what", "name", name=op.f("pk_document_money")),
    )
