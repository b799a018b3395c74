"""Prices paid in several receipts (orders with their parts), and excise stamps that are out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(27)
EXACT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", EXACT, nullable=False),
        sa.Column("later", sa.Boolean(), nullable=False),
        sa.Column("workplace", sa.Text(), nullable=False),
        sa.Column("enterprise_id", WHOLE, nullable=False),
        sa.Column("user_id", WHOLE, nullable=False),
        sa.Column("customer_id", WHOLE, nullable=True),
        sa.Column("buyer", sa.Text(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("total", WHOLE, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.CheckConstraint("total > 0", name=op.f("ck_orders_total")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id")),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprises.id"], name=op.f("fk_orders_enterprise_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_orders_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    still = sa.text("closed_at IS NULL")
    op.create_index("ix_orders_open", "orders", ["opened_at"], sqlite_where=still, postgresql_where=still)
    op.create_table(
        "order_parts",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("amount", WHOLE, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_order_parts_amount")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_parts_order_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_order_parts_receipt_id")),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_order_parts")),
    )
    op.create_index(op.f("ix_order_parts_order_id"), "order_parts", ["order_id"])
    op.create_table(
        "stamps",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("stamp", EXACT, nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_stamps_receipt_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["receipts.id"], name=op.f("fk_stamps_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stamps")),
    )
    op.create_index(op.f("ix_stamps_receipt_id"), "stamps", ["receipt_id"])
    out = sa.text("refund_id IS NULL")
    op.create_index("uq_stamps_out", "stamps", ["stamp"], unique=True, sqlite_where=out, postgresql_where=out)
