"""Excise stamps that were sold. One that is out cannot be sold again: the unique index is the last guard."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Base, Exact, Key

OUT = text("refund_id IS NULL")


class StampRow(Base):
    """`stamp` is the number in one alphabet, for comparison; `refund_id` the refund that brought it back."""

    __tablename__ = "stamps"

    id: Mapped[Key]
    stamp: Mapped[Exact]
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"), index=True)
    refund_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipts.id"))

    __table_args__ = (Index("uq_stamps_out", "stamp", unique=True, sqlite_where=OUT, postgresql_where=OUT),)
