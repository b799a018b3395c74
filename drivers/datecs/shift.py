"""What the printer and this driver know about the shift (datecs-fp3530t.md §8, "24 h").

The protocol has no field for it: the day registers say whether a shift is open, and a bare "not allowed" is all that
the 24-hour block shows. When it was opened is known only where this driver saw the first document itself; else the day
of the last Z (64) is the earliest possible one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from drivers.clock import KYIV
from drivers.datecs import commands
from drivers.datecs.session import Session

LONGEST = timedelta(hours=24)
"""Longest shift (registrars/README.md §4, row "shift > 24 h")."""


class Shift:
    """The shift of one printer. `now` gives the printer's own time, aware."""

    def __init__(self, session: Session, now: Callable[[], datetime]) -> None:
        self._session = session
        self._now = now
        self._closed = False
        self.opened_at: datetime | None = None

    def forget(self) -> None:
        """Another session or another unit: what was seen does not count any more."""
        self._closed = False
        self.opened_at = None

    def is_open(self, sums: commands.DaySums, cash: commands.CashState) -> bool:
        """From the day registers: receipts, returns or cash since the last Z."""
        ask = self._session.ask
        opened = (
            any(sums.by_form.values())
            or cash.cash_in > 0
            or cash.cash_out > 0
            or commands.number(commands.fields(ask(commands.CORRECTIONS), 4)[3]) > 0
            or any(commands.tax_sums(ask(commands.TAX_SUMS, "1")).values())
        )
        self._closed = not opened
        if not opened:
            self.opened_at = None
        return opened

    def document_made(self, at: datetime) -> None:
        """A document of ours: the first one after a closed shift opened the next."""
        if self._closed:
            self._closed = False
            self.opened_at = at

    def z_made(self) -> None:
        self._closed = True
        self.opened_at = None

    def expired(self) -> bool:
        """Whether the 24-hour block can be the reason of a refusal; asks the printer."""
        ask = self._session.ask
        opened_at = self.opened_at
        if not self.is_open(commands.day_sums(ask(commands.DAY_SUMS)), commands.cash_state(ask(commands.CASH))):
            return False
        if opened_at is None:
            last_z = commands.last_z_day(self._session.ask_if_known(commands.LAST_Z, "0"))
            if last_z is None:
                return True
            opened_at = datetime.combine(last_z, time(), KYIV)
        return self._now() - opened_at >= LONGEST
