"""Cash days."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Base, Key, Plain


class ShiftRow(Base):
    """One open shift a registrar."""

    __tablename__ = "shifts"

    id: Mapped[Key]
    binding_id: Mapped[int] = mapped_column(ForeignKey("bindings.id"))
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    workplace: Mapped[str]
    opened_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[datetime]
    float_: Mapped[int] = mapped_column("float")
    device_opened_at: Mapped[datetime | None]
    serial: Mapped[str]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    closed_at: Mapped[datetime | None]
    z_number: Mapped[int | None]
    cash_left: Mapped[int]
    checks: Mapped[Any] = mapped_column(Plain)
    closing: Mapped[Any] = mapped_column(Plain)

    __table_args__ = (
        Index("ix_shifts_binding_id", "binding_id", "id"),
        Index(
            "uq_shifts_open",
            "binding_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
