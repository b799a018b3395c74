"""Putting the till together: ledger, registrars' workers, rooms. Imported after the first paint, on the till thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from drivers.clock import Clock, SystemClock
from drivers.worker import Worker
from kiosk.config import Settings
from kiosk.desks import worker
from kiosk.evidence.book import ANCHOR, Book, EvidenceError, anchored, reader
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import AuditRecord, Binding
from kiosk.ledger.store import SqlLedger, open_ledger
from kiosk.till.paper import paper_wanted
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace

RESTORE_PLAN = "restore.json"
"""A restore that a power cut has interrupted (`kiosk.backup.restore`)."""
AT_START = 5_000
"""Journal records that a start verifies at most: a busy week of them, and what is left over is the next start's."""
log = logging.getLogger(__name__)


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
    try:
        ledger.journal.verify(most=AT_START)
    except LedgerError:
        # Nothing may be sold on a journal that does not hold together.
        ledger.close()
        raise
    if settings.demo:
        from kiosk.ledger.demo import fill

        fill(ledger, workplace=settings.workplace, registrar_url=settings.registrar, signers=signers)

    try:
        book = Book(settings.folder / "evidence.db")
    except EvidenceError as error:
        ledger.close()
        raise LedgerError("evidence", str(error)) from error
    _watch_evidence(book, ledger, clock)

    def access(binding: Binding) -> Worker:
        paper = paper_wanted(ledger, settings.workplace)
        return worker(binding, clock, settings=settings, paper=paper, book=book)

    place = Workplace(ledger, settings, clock, access, book)
    if (settings.folder / "backup").is_dir():
        from kiosk.backup.identity import Place
        from kiosk.backup.permit import Permit

        place.gate = Permit(ledger, Place(settings.folder / "backup"), clock)
    return Till(place)


def _watch_evidence(book: Book, ledger: SqlLedger, clock: Clock) -> None:
    """The ledger remembers the evidence's last record: a book that was cut short or replaced goes to the audit."""
    connection = reader(book.path)
    try:
        flaw = anchored(connection, ledger.shop.setting(ANCHOR))
    finally:
        connection.close()
    if flaw is not None:
        log.error("evidence: %s", flaw.why)
        detail = {"record": flaw.seq, "why": flaw.why}
        ledger.audit.add(AuditRecord(clock.now(), None, "evidence_flaw", detail, allowed=False))

    def remember(anchor: str) -> None:
        try:
            ledger.shop.set_setting(ANCHOR, anchor)
        except LedgerError as error:
            log.warning("the ledger does not remember the evidence's end: %s", error.what)

    book.on_close = remember


def check(settings: Settings, clock: Clock | None = None) -> int:
    """Open the ledger, look at every page, verify the whole journal; returns its records. Raises `LedgerError`."""
    ledger = open_ledger(settings.ledger_url, clock or SystemClock())
    try:
        ledger.database.look_through()
        return ledger.journal.verify(full=True)
    finally:
        ledger.close()
