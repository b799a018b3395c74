"""What the owner is to read: stored in the audit, shown when the owner comes to the till."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from drivers.clock import kyiv
from kiosk.ledger.records import AuditRecord
from kiosk.till.errors import N_
from kiosk.till.workplace import Workplace

NOTICE = "owner_notice"
"""Audit action; `about` in its detail says what the notice is about."""
READ_SETTING = "owner_notices_read"
MOST = 200
"""Notices looked at: far more than a day or an absent owner gathers."""
TEXTS: Mapping[str, str] = {
    "key_expires": N_("Registrar {registrar}: the key works until {date}, {days} days left"),
    "offline_started": N_("Registrar {registrar}: work without the internet began"),
    "offline_session": N_("Registrar {registrar}: {session_left} minutes of offline work in a row were left"),
    "offline_month": N_("Registrar {registrar}: {month_left} minutes of offline work in the month were left"),
    "offline_blocked": N_("Registrar {registrar}: selling stopped, there was no link and no offline work ({why})"),
    "offline_rejected": N_("Registrar {registrar}: the server refused the offline document {document}: {text}"),
}
"""The sentences, message ids; a notice about anything else is shown where it belongs."""


class Notices:
    """The owner's notices of this shop."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def once_a_day(self, about: str, registrar: str, detail: Mapping[str, Any]) -> bool:
        """Leave a notice unless the same was left today (Kyiv's day); tells whether it was left (II-3)."""
        today = kyiv(self._workplace.clock.now()).date()
        for record in self._workplace.ledger.audit.records(action=NOTICE, limit=MOST):
            if kyiv(record.at).date() != today:
                break
            if (record.detail.get("about"), record.detail.get("registrar")) == (about, registrar):
                return False
        self._workplace.audit(NOTICE, {"about": about, "registrar": registrar} | dict(detail))
        return True

    def unread(self) -> Sequence[AuditRecord]:
        """What the owner has not read yet, oldest first."""
        read = self._workplace.ledger.shop.setting(READ_SETTING)
        since = datetime.fromisoformat(read) if read else None
        found = self._workplace.ledger.audit.records(action=NOTICE, limit=MOST)
        return [
            record
            for record in reversed(found)
            if record.detail.get("about") in TEXTS and (since is None or record.at > since)
        ]

    def read(self, last: AuditRecord) -> None:
        """The owner has read everything up to this one."""
        self._workplace.ledger.shop.set_setting(READ_SETTING, last.at.isoformat())
