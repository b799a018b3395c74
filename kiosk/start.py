"""Putting the till together: ledger, registrars' workers, rooms. Imported after the first paint, on the till thread."""

from __future__ import annotations

from drivers.clock import Clock, SystemClock
from kiosk.config import Settings
from kiosk.desks import worker
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.store import open_ledger
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace

AT_START = 5_000
"""Journal records that a start verifies at most: a busy week of them, and what is left over is the next start's."""


def open_till(settings: Settings, clock: Clock | None = None) -> Till:
    """The till of this workplace. Raises `LedgerError` for a ledger that cannot be used; the file is left untouched."""
    clock = clock or SystemClock()
    settings.folder.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(settings.ledger_url, clock)
    try:
        ledger.journal.verify(most=AT_START)
    except LedgerError:
        # Nothing may be sold on a journal that does not hold together.
        ledger.close()
        raise
    if settings.demo:
        from kiosk.ledger.demo import fill

        fill(ledger, workplace=settings.workplace, registrar_url=settings.registrar)

    return Till(Workplace(ledger, settings, clock, lambda binding: worker(binding, clock)))


def check(settings: Settings, clock: Clock | None = None) -> int:
    """Open the ledger, look at every page, verify the whole journal; returns its records. Raises `LedgerError`."""
    ledger = open_ledger(settings.ledger_url, clock or SystemClock())
    try:
        ledger.database.look_through()
        return ledger.journal.verify(full=True)
    finally:
        ledger.close()
