"""Paper for the registrars that have none of their own: rows in, a printer, a text file or a picture out.

    printer = at("escpos+tcp://10.0.0.9:9100?profile=epson", log)     drivers.printers.address
    printer.print(rows, qr)

Whoever lays out a document hands over rows of at most `printer.width` characters; one of them may be `QR_ROW`, in whose
place the code is printed. Rows hold no printer's command. Printing never decides anything about a fiscal document: a
failure is `NotPrinted`, and what was registered before it stays registered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from drivers.errors import Code, Existence, Fault

QR_ROW = "\x1cQR"
"""The row where the QR code belongs. It holds a control character, so no name of a good can pass for it."""
LOUD = frozenset({"ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ", "КОПІЯ", "ФІСКАЛЬНИЙ ЧЕК", "ВИДАТКОВИЙ ЧЕК", "ФІСКАЛЬНИЙ ЗВІТ"})
"""Rows that are printed twice as high (fiscal-server.md §7.4: the mark of a test document is large)."""


class Trouble(StrEnum):
    """Why a printer does not print (escpos.md §4)."""

    OFFLINE = "offline"
    """Switched off, unplugged, its feed key held, or it fell silent."""
    PAPER_OUT = "paper out"
    COVER_OPEN = "cover open"
    CUTTER = "cutter"
    HEAD = "head"
    """The head is hot, or the mechanism reports an error."""


CODES = {
    Trouble.OFFLINE: Code.PRINTER,
    Trouble.PAPER_OUT: Code.PAPER_OUT,
    Trouble.COVER_OPEN: Code.COVER_OPEN,
    Trouble.CUTTER: Code.CUTTER,
    Trouble.HEAD: Code.PRINTER,
}


class NotPrinted(Fault):
    """The rows did not all reach paper. `begun` says whether some of them may have.

    `document` is NO: printing makes no fiscal document, and undoes none.
    """

    existence = Existence.NO

    def __init__(self, trouble: Trouble, what: str, *, begun: bool, wire: str = "") -> None:
        super().__init__(CODES[trouble], what, raw=str(trouble), wire=wire)
        self.trouble = trouble
        self.begun = begun


@dataclass(frozen=True)
class PaperState:
    """What a printer tells of itself. `told` is False for one that does not answer status questions."""

    told: bool = False
    trouble: Trouble | None = None
    paper_low: bool = False


class Printer(Protocol):
    """Where rows go. Raises `NotPrinted` when they did not reach paper. Not thread-safe."""

    @property
    def width(self) -> int:
        """Characters in a row."""

    def print(self, rows: Sequence[str], qr: str = "") -> None:
        """`qr` is what the code in the place of `QR_ROW` says, "" for a form without one."""


@runtime_checkable
class Tells(Protocol):
    """A printer that can be asked how it is."""

    def state(self) -> PaperState:
        """Never raises: a printer that is not there is OFFLINE."""


@runtime_checkable
class Kicks(Protocol):
    """A printer with a cash drawer on its socket."""

    @property
    def drawer(self) -> bool:
        """Whether a drawer is there, as far as the settings know."""

    def open_drawer(self) -> None:
        """Raises `NotPrinted`."""
