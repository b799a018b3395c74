"""The audit: who did or tried what. Append-only like the journal, without a chain."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, select

from kiosk.ledger.engine import Database
from kiosk.ledger.models import AuditRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import AuditRecord

AUDIT = table(AuditRow)


class SqlAudit:
    """Answers `kiosk.ledger.interface.Audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: AuditRecord) -> None:
        with self._database.write() as connection:
            last = connection.execute(select(func.max(AuditRow.seq))).scalar_one()
            connection.execute(
                insert(AUDIT).values(
                    seq=(last or 0) + 1,
                    at=record.at,
                    user_id=record.user_id,
                    action=record.action,
                    detail=dict(record.detail),
                    allowed=record.allowed,
                )
            )

    def records(self, *, action: str | None = None, limit: int = 100) -> Sequence[AuditRecord]:
        query = select(AUDIT).order_by(AuditRow.seq.desc()).limit(limit)
        if action is not None:
            query = query.where(AuditRow.action == action)
        with self._database.read() as connection:
            return [
                AuditRecord(row.at, row.user_id, row.action, row.detail, row.seq, row.allowed)
                for row in connection.execute(query)
            ]
