"""Baskets, receipts with their lines, fiscal documents with their money, and non-fiscal slips."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Act, Base, Key, Plain


class BasketRow(Base):
    """A basket as it was last shown."""

    __tablename__ = "baskets"

    id: Mapped[Act]
    workplace: Mapped[str] = mapped_column(index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime]
    note: Mapped[str]


OPEN_RECEIPT = text("state IN ('pending', 'unknown')")
"""Questions use this very text: with bound values SQLite would not see that the partial index answers them."""


class ReceiptRow(Base):
    """What the buyer and the cashier did. `total` and `due` are kept for the search by sum."""

    __tablename__ = "receipts"

    id: Mapped[Act]
    number: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[str]
    state: Mapped[str]
    workplace: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    payments: Mapped[str] = mapped_column(Text)
    discount: Mapped[int]
    rounding: Mapped[int]
    change: Mapped[int]
    total: Mapped[int] = mapped_column(index=True)
    due: Mapped[int] = mapped_column(index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    original_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipts.id"), index=True)
    reason: Mapped[str]
    basket_id: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_receipts_open", "workplace", "number", sqlite_where=OPEN_RECEIPT, postgresql_where=OPEN_RECEIPT),
    )


class LineRow(Base):
    """A good of a receipt. The check is the last guard: no more can come back than was sold."""

    __tablename__ = "receipt_lines"

    id: Mapped[Key]
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"))
    position: Mapped[int]
    good_id: Mapped[int | None] = mapped_column(ForeignKey("goods.id"))
    code: Mapped[str]
    name: Mapped[str]
    unit: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[int]
    sum: Mapped[int]
    tax: Mapped[str]
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    discount: Mapped[int]
    fiscal: Mapped[bool]
    ground: Mapped[str]
    uktzed: Mapped[str]
    barcode: Mapped[str]
    excise: Mapped[Any] = mapped_column(Plain)
    department: Mapped[int]
    returned: Mapped[int]
    sale_line: Mapped[int | None] = mapped_column(ForeignKey("receipt_lines.id"))

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("returned >= 0 AND returned <= quantity", name="returned"),
        Index("uq_receipt_lines_position", "receipt_id", "position", unique=True),
    )


OPEN_DOCUMENT = text("state IN ('pending', 'unknown')")
NUMBERED = text("number <> ''")


class DocumentRow(Base):
    """A document for a registrar. `seq` is the order of making, `done_seq` the order of registration."""

    __tablename__ = "fiscal_documents"

    id: Mapped[Act]
    seq: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[str]
    state: Mapped[str]
    binding_id: Mapped[int] = mapped_column(ForeignKey("bindings.id"))
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]
    document: Mapped[str] = mapped_column(Text)
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shifts.id"))
    receipt_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipts.id"), index=True)
    result: Mapped[str | None] = mapped_column(Text)
    number: Mapped[str]
    done_seq: Mapped[int | None]
    note: Mapped[str]

    __table_args__ = (
        Index("ix_fiscal_documents_shift_id", "shift_id", "seq"),
        Index("ix_fiscal_documents_done", "binding_id", "done_seq"),
        Index(
            "ix_fiscal_documents_number",
            "number",
            sqlite_where=NUMBERED,
            postgresql_where=NUMBERED,
        ),
        Index("ix_fiscal_documents_open", "seq", sqlite_where=OPEN_DOCUMENT, postgresql_where=OPEN_DOCUMENT),
    )


class DocumentMoneyRow(Base):
    """The money of a document, taken apart once (`kiosk.ledger.money`), so that a shift's sums need no JSON."""

    __tablename__ = "document_money"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("fiscal_documents.id"), primary_key=True)
    what: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    amount: Mapped[int]


class NonfiscalRow(Base):
    """Cash of a receipt's non-fiscal lines, by enterprise, in the shift that was open for it; refunds are negative."""

    __tablename__ = "nonfiscal_parts"

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"), primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"), primary_key=True)
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shifts.id"), index=True)
    cash: Mapped[int]


class SlipRow(Base):
    """A non-fiscal slip (товарний чек)."""

    __tablename__ = "slips"

    id: Mapped[Act]
    seq: Mapped[int] = mapped_column(unique=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"), index=True)
    lines: Mapped[Any] = mapped_column(Plain)
    printed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_slips_waiting",
            "seq",
            sqlite_where=text("printed_at IS NULL"),
            postgresql_where=text("printed_at IS NULL"),
        ),
    )
