"""People who may log in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Base, Key, Plain


class UserRow(Base):
    """A person; `badge` is unique where there is one."""

    __tablename__ = "users"

    id: Mapped[Key]
    name: Mapped[str]
    role: Mapped[str]
    badge: Mapped[str]
    pin_hash: Mapped[str]
    pin_failures: Mapped[int]
    pin_blocked_until: Mapped[datetime | None]
    denied: Mapped[Any] = mapped_column(Plain)
    key_id: Mapped[str]
    active: Mapped[bool]

    __table_args__ = (
        Index(
            "uq_users_badge",
            "badge",
            unique=True,
            sqlite_where=text("badge <> ''"),
            postgresql_where=text("badge <> ''"),
        ),
    )
