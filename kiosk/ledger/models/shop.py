"""Enterprises, the registrars bound to them, who holds a registrar, and settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Base, Key, Plain


class EnterpriseRow(Base):
    __tablename__ = "enterprises"

    id: Mapped[Key]
    name: Mapped[str]
    tax_number: Mapped[str] = mapped_column(Text, unique=True)


class BindingRow(Base):
    """One active registrar for an enterprise at a workplace (cashier-flow.md X.2)."""

    __tablename__ = "bindings"

    id: Mapped[Key]
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    workplace: Mapped[str]
    url: Mapped[str]
    role: Mapped[str]
    serial: Mapped[str]
    fiscal_number: Mapped[str]
    model: Mapped[str]
    signers: Mapped[Any] = mapped_column(Plain)

    __table_args__ = (
        Index(
            "uq_bindings_active",
            "enterprise_id",
            "workplace",
            unique=True,
            sqlite_where=text("role = 'active'"),
            postgresql_where=text("role = 'active'"),
        ),
    )


class LeaseRow(Base):
    __tablename__ = "leases"

    serial: Mapped[str] = mapped_column(Text, primary_key=True)
    workplace: Mapped[str]
    user_name: Mapped[str]
    since: Mapped[datetime]


class SettingRow(Base):
    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str]
