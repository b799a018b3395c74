"""What the software registrar puts on paper, and what it remembers of that.

Fiscal is what the server or the offline session holds; paper comes after it and changes nothing but a word. A paper
that is asked for again is a КОПІЯ (fiscal-server.md §7.4), unless it is certain that nothing of it was ever sent to a
printer by this process: then it is the first one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from drivers.document import Document
from drivers.errors import Code, Fault, Invalid
from drivers.printers import Kicks, NotPrinted, PaperState, Printer, Tells, Trouble
from drivers.printers.files import Shelf
from drivers.prro.documents import Act, qr_text, read_document
from drivers.prro.documents.forms import ShiftNotes, form
from drivers.prro.store import Entry, Store
from drivers.registrar import Status

log = logging.getLogger(__name__)

MAKER = "Kasa Kiosk"
BUYERS = frozenset({Act.SALE, Act.REFUND})
LOOK_EVERY = 30.0
"""Seconds between two questions to an idle printer: one that is off costs a second each."""
STILL = 5.0
"""Seconds that a printer which did not answer is taken for off."""
MOST_FRESH = 500
"""Documents that are remembered as never sent to a printer; older ones are copies."""


def shift_notes(store: Store, shift: int) -> ShiftNotes:
    """What a report tells beside its figures (§7.5): when the shift was opened, the last receipt of it."""
    opened: datetime | None = None
    last: Entry | None = None
    for entry in store.of_shift(shift):
        if entry.act is Act.OPEN_SHIFT and opened is None:
            opened = entry.moment
        elif entry.act in BUYERS:
            last = entry
    if last is None:
        return ShiftNotes(opened_at=opened)
    return ShiftNotes(opened_at=opened, last_number=last.fiscal, last_at=last.moment)


class Papers:
    """One registrar's paper. `wanted` False: buyers take their receipt from the screen, only other papers come out."""

    def __init__(self, printer: Printer | None, shelf: Shelf | None, store: Callable[[], Store]) -> None:
        self._printer = printer
        self._store = store
        self._shelf = shelf
        self.wanted = True
        self._fresh: dict[str, None] = {}
        self._state = PaperState()
        self._looked = float("-inf")

    @property
    def width(self) -> int:
        return self._printer.width if self._printer is not None else 42

    @property
    def there(self) -> bool:
        """Whether there is a printer at all."""
        return self._printer is not None

    @property
    def kicks(self) -> bool:
        """Whether it opens a drawer."""
        return self._kicker() is not None

    def _kicker(self) -> Kicks | None:
        printer: object = self._printer
        return printer if isinstance(printer, Kicks) and printer.drawer else None

    def printer(self) -> Printer:
        """Raises `Invalid` where there is none."""
        if self._printer is None:
            raise Invalid(Code.UNSUPPORTED, "this registrar has no printer")
        return self._printer

    def open_drawer(self) -> None:
        """Raises `Invalid` without a drawer, `NotPrinted` when the printer does not answer."""
        kicker = self._kicker()
        if kicker is None:
            raise Invalid(Code.UNSUPPORTED, "a software registrar has no drawer of its own")
        if self._state.trouble is Trouble.OFFLINE and time.monotonic() - self._looked < STILL:
            # The receipt has just waited for this printer in vain: the buyer does not wait once more.
            raise NotPrinted(Trouble.OFFLINE, "the receipt printer with the drawer does not answer", begun=False)
        kicker.open_drawer()

    def rows(self, entry: Entry, document: Document | None = None, *, copy: bool = False) -> tuple[Sequence[str], str]:
        """The form of a document that stands, and what its code says. `document` has the shop's own words."""
        record = read_document(entry.xml, entry.fiscal)
        rows = form(
            record,
            width=self.width,
            maker=MAKER,
            copy=copy,
            header=document.header if document is not None else (),
            footer=document.footer if document is not None else (),
            notes=shift_notes(self._store(), entry.shift) if entry.act is Act.Z_REPORT else None,
        )
        return rows, qr_text(record)

    def issue(self, document: Document, entry: Entry) -> bool:
        """The paper of an act that was just registered; False when it is owed."""
        self._keep(document, entry)
        if self._printer is None or entry.act is Act.STORNO:
            return True
        if not self.wanted and entry.act in BUYERS:
            self._not_begun(entry)
            return True
        try:
            self._printer.print(*self.rows(entry, document))
        except (Fault, OSError) as fault:
            if not isinstance(fault, NotPrinted) or not fault.begun:
                self._not_begun(entry)
            self._met(fault)
            log.warning("document %s is registered and not printed: %s", entry.fiscal, fault)
            return False
        return True

    def _keep(self, document: Document, entry: Entry) -> None:
        """The buyer's receipt as a file; a full disk loses the file and nothing else."""
        if self._shelf is None or entry.act not in BUYERS:
            return
        try:
            rows, qr = self.rows(entry, document)
            self._shelf.keep(entry.fiscal, entry.moment, rows, qr, self.width)
        except (Fault, OSError) as fault:
            log.warning("the file of receipt %s was not written: %s", entry.fiscal, fault)

    def again(self, document: Document | None, entry: Entry) -> None:
        """The paper of an earlier document. Raises `Invalid` and `NotPrinted`."""
        printer = self.printer()
        copy = entry.request not in self._fresh
        try:
            printer.print(*self.rows(entry, document, copy=copy))
        except NotPrinted as fault:
            if fault.begun:
                self._fresh.pop(entry.request, None)
            self._met(fault)
            raise
        self._fresh.pop(entry.request, None)
        self._looked = float("-inf")

    def told(self, status: Status) -> Status:
        """The status with what the printer says of itself; a printer never blocks a software registrar."""
        printer: object = self._printer
        if isinstance(printer, Tells) and time.monotonic() - self._looked >= LOOK_EVERY:
            self._state = printer.state()
            self._looked = time.monotonic()
        state = self._state
        trouble = state.trouble
        return replace(
            status,
            paper_out=trouble is Trouble.PAPER_OUT,
            cover_open=trouble is Trouble.COVER_OPEN,
            paper_low=state.paper_low,
            warnings=status.warnings + ((f"receipt printer: {trouble}",) if trouble is not None else ()),
        )

    def _not_begun(self, entry: Entry) -> None:
        self._fresh[entry.request] = None
        if len(self._fresh) > MOST_FRESH:
            del self._fresh[next(iter(self._fresh))]

    def _met(self, fault: BaseException) -> None:
        """What a failed print tells is news of the printer too."""
        if isinstance(fault, NotPrinted):
            self._state = PaperState(told=True, trouble=fault.trouble)
            self._looked = time.monotonic()
