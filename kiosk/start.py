"""Putting the till together: ledger, registrars' workers, rooms. Imported after the first paint, on the till thread."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.clock import Clock, SystemClock
from drivers.worker import Worker
from kiosk.config import Settings
from kiosk.desks import worker
from kiosk.ledger.records import Binding
from kiosk.ledger.store import open_ledger
from kiosk.till.paper import paper_wanted
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace

RESTORE_PLAN = "restore.json"
"""A restore that a power cut has interrupted (`kiosk.backup.restore`)."""


def open_till(settings: Settings, clock: Clock | None = None, *, signers: Sequence[str] = ()) -> Till:
    """The till of this workplace. Raises `LedgerError` for a ledger that cannot be used; the file is left untouched.

    `signers`: keys of the demo that its fiscal server has registered.
    """
    clock = clock or SystemClock()
    settings.folder.mkdir(parents=True, exist_ok=True)
    if (settings.folder / RESTORE_PLAN).exists():
        from kiosk.backup import restore

        restore.resume(settings.folder)
    ledger = open_ledger(settings.ledger_url, clock)
    if settings.demo:
        from kiosk.ledger.demo import fill

        fill(ledger, workplace=settings.workplace, registrar_url=settings.registrar, signers=signers)

    def access(binding: Binding) -> Worker:
        return worker(binding, clock, settings=settings, paper=paper_wanted(ledger, settings.workplace))

    place = Workplace(ledger, settings, clock, access)
    if (settings.folder / "backup").is_dir():
        from kiosk.backup.identity import Place
        from kiosk.backup.permit import Permit

        place.gate = Permit(ledger, Place(settings.folder / "backup"), clock)
    return Till(place)


def check(settings: Settings, clock: Clock | None = None) -> int:
    """Open the ledger, verify the whole journal; returns its records. Raises `LedgerError`."""
    ledger = open_ledger(settings.ledger_url, clock or SystemClock())
    try:
        return ledger.journal.verify(full=True)
    finally:
        ledger.close()
