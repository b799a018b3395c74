"""A printer that is a text file: for the demo, for tests, and for who wants receipts in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drivers.printers import QR_ROW, NotPrinted, Trouble


def told(rows: Sequence[str], qr: str = "") -> str:
    """Rows as plain text, the code as the link that it holds."""
    return "\n".join(f"[ QR ] {qr}" if row == QR_ROW else row for row in rows)


class TextTape:
    """Appends every document to a file, a dashed line after each."""

    def __init__(self, path: Path, width: int = 42) -> None:
        self._path = path
        self.width = width

    def print(self, rows: Sequence[str], qr: str = "") -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as tape:
                tape.write(told(rows, qr) + "\n" + "- " * (self.width // 2) + "\n")
        except OSError as error:
            raise NotPrinted(Trouble.OFFLINE, f"the tape {self._path} takes no rows: {error}", begun=False) from error
