"""The append-only books: the fiscal journal in its hash chain, and the audit. Triggers refuse to change a record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kiosk.ledger.models.base import Base, Moment, Plain, Whole


class JournalRow(Base):
    """One link of the chain. `at` is kept as the text that was hashed."""

    __tablename__ = "journal"

    seq: Mapped[int] = mapped_column(Whole, primary_key=True, autoincrement=False)
    at: Mapped[str]
    event: Mapped[str]
    document_id: Mapped[UUID]
    binding_id: Mapped[int]
    document_hash: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (
        CheckConstraint("event IN ('intent', 'outcome', 'decision')", name="event"),
        Index("ix_journal_document_id", "document_id", "seq"),
    )


class AuditRow(Base):
    """Who did or tried what. No foreign key: an audit record outlives everything."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(Whole, primary_key=True, autoincrement=False)
    at: Mapped[Any] = mapped_column(Moment)
    user_id: Mapped[int | None]
    action: Mapped[str]
    detail: Mapped[Any] = mapped_column(Plain)
    allowed: Mapped[bool]

    __table_args__ = (Index("ix_audit_action", "action", "seq"),)
