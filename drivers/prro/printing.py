"""Paper is somebody else's: the registrar hands over rows, and a printer's failure never touches the fiscal result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from drivers.errors import Code, Existence, Fault
from drivers.prro.documents.forms import QR_ROW


class Printer(Protocol):
    """Where rows go. Raises `Fault` when they did not reach paper."""

    @property
    def width(self) -> int:
        """Characters in a row."""

    def print(self, rows: Sequence[str], qr: str = "") -> None:
        """`qr` is what the code in the place of `QR_ROW` says, "" for a form without one."""


class TextTape:
    """A printer that is a text file: for the demo, for tests, and for who wants receipts in files."""

    def __init__(self, path: Path, width: int = 42) -> None:
        self._path = path
        self.width = width

    def print(self, rows: Sequence[str], qr: str = "") -> None:
        text = "\n".join(f"[ QR ] {qr}" if row == QR_ROW else row for row in rows)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as tape:
                tape.write(text + "\n" + "- " * (self.width // 2) + "\n")
        except OSError as error:
            raise Fault(
                Code.PRINTER, f"the tape {self._path} takes no rows: {error}", existence=Existence.YES
            ) from error
