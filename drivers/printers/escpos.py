"""A receipt printer on a link: asked before, written to, asked again (escpos.md §4, §5).

    DLE EOT 1…4 -> 1 byte each    in 300 ms, else it does not tell
    document
    GS r 1      -> 1 byte         when everything before it was worked off
    DLE EOT 1…4                   whether it really came out

A printer that never answered is believed blindly (`status=auto`): write-only USB clones are common. One that once
answered, or must (`status=yes`), and is silent now is OFFLINE. ESC/POS knows no document, so a paper end in the middle
leaves half a receipt: the caller prints a copy, and nothing fiscal depends on it.
The link is opened for a job and closed after it, so that a printer may be unplugged, moved and shared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivers.errors import Fault
from drivers.links.wire import RecordedLink
from drivers.printers import NotPrinted, PaperState, Trouble, status
from drivers.printers.job import DRAWERS, Look, document, warm
from drivers.printers.job import test_page as pages_of
from drivers.printers.letters import Page

ANSWER = 0.3
"""Seconds for an answer to DLE EOT."""
ENDED = b"\x1dr\x01"
"""Transmit status, when its turn comes."""
PIECE = 512
"""Bytes of one write: a printer that stops taking bytes is noticed after one piece."""
PAUSE = 1.0
"""Seconds between two looks at a printer that works."""
WORK = 4.0
"""Seconds for GS r on top of the bytes' own time: paper leaves at 50 mm/s at the slowest."""
NEVER = PaperState(told=True, trouble=Trouble.OFFLINE)
WORDS = {
    Trouble.OFFLINE: "the receipt printer does not answer or is offline: switch it on, check its cable",
    Trouble.PAPER_OUT: "the receipt printer is out of paper",
    Trouble.COVER_OPEN: "the receipt printer's cover is open",
    Trouble.CUTTER: "the receipt printer's cutter is jammed",
    Trouble.HEAD: "the receipt printer's mechanism reports an error",
}


@dataclass(frozen=True)
class Manner:
    """How to speak to the printer: `status` is auto, yes or no; `drawer` 2, 5 or none; `byte_time` seconds a byte."""

    status: str = "auto"
    drawer: str = "2"
    byte_time: float = 0.0


class EscposPrinter:
    """One printer; answers `drivers.printers.Printer`, `Tells` and `Kicks`. Not thread-safe."""

    def __init__(self, link: RecordedLink, look: Look, manner: Manner) -> None:
        self._link = link
        self._look = look
        self._manner = manner
        self._answers = manner.status == "yes"
        self._counts: bool | None = None
        """Whether it answers GS r; None before it was asked."""
        self._inbox = bytearray()
        self.width = look.columns

    @property
    def name(self) -> str:
        return self._link.name

    @property
    def drawer(self) -> bool:
        return self._manner.drawer != "none"

    def print(self, rows: Sequence[str], qr: str = "") -> None:
        self._send(document(rows, qr, self._look))

    def print_pages(self, pages: Sequence[Page]) -> None:
        """The alphabet under each page. Raises `NotPrinted`."""
        self._send(pages_of(pages, self._look))

    def open_drawer(self) -> None:
        """One pulse. Without paper or with an open cover too: a printer that says so gets the pulse of real time."""
        pulse, at_once = DRAWERS[self._manner.drawer]
        if not pulse:
            return
        try:
            self._link.open()
            state = self._ask()
            if state is NEVER:
                raise NotPrinted(Trouble.OFFLINE, WORDS[Trouble.OFFLINE], begun=False)
            if state.trouble is not None:
                self._link.write(at_once)
                self._ask()
                return
            self._link.write(pulse + (ENDED if self._asks_the_end else b""))
            if self._answers:
                self._wait(len(pulse))
        except NotPrinted:
            raise
        except Fault as fault:
            raise NotPrinted(Trouble.OFFLINE, f"the drawer was not opened: {fault.what}", begun=False) from fault
        finally:
            self._link.close()

    def state(self) -> PaperState:
        """The printer now. It takes a third of a second where the printer is silent."""
        warm()
        if self._manner.status == "no":
            return PaperState()
        try:
            self._link.open()
            return self._ask()
        except Fault:
            return NEVER
        finally:
            self._link.close()

    # -- one job ------------------------------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        begun = False
        try:
            self._link.open()
            self._refuse(self._ask(), begun=False)
            if self._asks_the_end:
                # In one stream with the document: what loses the end of it loses the question too.
                data += ENDED
            for start in range(0, len(data), PIECE):
                self._link.write(data[start : start + PIECE])
                begun = True
            if self._answers:
                self._wait(len(data))
                self._refuse(self._ask(), begun=True)
        except NotPrinted:
            raise
        except Fault as fault:
            self._link.close()
            trouble = self.state().trouble or Trouble.OFFLINE if begun else Trouble.OFFLINE
            raise NotPrinted(trouble, f"{WORDS[trouble]} ({fault.what})", begun=begun) from fault
        finally:
            self._link.close()

    @property
    def _asks_the_end(self) -> bool:
        return self._answers and self._counts is not False

    def _refuse(self, state: PaperState, *, begun: bool) -> None:
        if state.trouble is not None:
            raise NotPrinted(state.trouble, WORDS[state.trouble], begun=begun)

    def _ask(self, *, flush: bool = True) -> PaperState:
        """All four answers; without a `flush` an answer to GS r among them is kept.

        A silent printer that has answered before is OFFLINE.
        """
        if self._manner.status == "no":
            return PaperState()
        answers: dict[int, int] = {}
        for n in (1, 4, 2, 3):
            if flush:
                self._flush()
            self._link.write(bytes((0x10, 0x04, n)))
            byte = self._answer(status.is_status, ANSWER)
            if byte is None:
                if not answers:
                    return NEVER if self._answers else PaperState()
                continue
            answers[n] = byte
        self._answers = True
        return status.read(answers)

    def _wait(self, sent: int) -> None:
        """Until the printer says that everything is worked off, or tells what stops it. Raises `NotPrinted`.

        The question went with the document and is put once: an answer to a second one would not say that what was lost
        before it came out. A printer that never knew the question is not waited for again.
        """
        if not self._asks_the_end:
            return
        end = time.monotonic() + WORK + sent * self._manner.byte_time
        while time.monotonic() < end:
            if self._answer(status.is_queued, PAUSE) is not None:
                self._counts = True
                return
            self._refuse(self._ask(flush=False), begun=True)
        if self._counts:
            raise NotPrinted(Trouble.OFFLINE, "the receipt printer took the receipt and fell silent", begun=True)
        self._counts = False

    def _answer(self, fits: Callable[[int], bool], seconds: float) -> int | None:
        """The first byte that `fits`; others keep. None on silence."""
        end = time.monotonic() + seconds
        while True:
            for place, byte in enumerate(self._inbox):
                if fits(byte):
                    del self._inbox[place]
                    return byte
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._inbox += self._link.read(left)

    def _flush(self) -> None:
        self._inbox.clear()
        self._link.flush_input()
