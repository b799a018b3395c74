"""Prices that are paid in several receipts: an order with its goods, and the receipts that belong to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Act, Base, Exact, Plain

OPEN_ORDER = text("closed_at IS NULL")


class OrderRow(Base):
    """What was promised. `later`: the goods left with the first receipt. `buyer` is a name for people, never sent."""

    __tablename__ = "orders"

    id: Mapped[Act]
    number: Mapped[Exact] = mapped_column(unique=True)
    later: Mapped[bool]
    workplace: Mapped[str]
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    buyer: Mapped[str]
    lines: Mapped[Any] = mapped_column(Plain)
    total: Mapped[int]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("total > 0", name="total"),
        Index("ix_orders_open", "opened_at", sqlite_where=OPEN_ORDER, postgresql_where=OPEN_ORDER),
    )


class OrderPartRow(Base):
    """A receipt of an order. A refund bears the stage of what it gives back; its receipt's kind tells it apart."""

    __tablename__ = "order_parts"

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    stage: Mapped[str] = mapped_column(Text)
    amount: Mapped[int]

    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)
