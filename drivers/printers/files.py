"""Receipts as files: text, and a picture that a phone shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drivers.clock import kyiv
from drivers.printers.tape import told


@dataclass(frozen=True)
class Shelf:
    """A folder that gets a file for each receipt: `2026-03-05 834000504.txt`, and with `pictures` a PNG beside it."""

    folder: Path
    pictures: bool = False

    def keep(self, number: str, at: datetime, rows: Sequence[str], qr: str, width: int) -> list[Path]:
        """Write it; the same receipt again replaces its files. Raises OSError, and `Invalid` without a font."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{kyiv(at):%Y-%m-%d} {re.sub(r'[^0-9A-Za-z.-]', '_', number)}"
        written = [write_text(self.folder / f"{name}.txt", rows, qr)]
        if self.pictures:
            written.append(write_picture(self.folder / f"{name}.png", rows, qr, width))
        return written


def write_text(path: Path, rows: Sequence[str], qr: str) -> Path:
    """Rows as text, whole or not at all. Raises OSError."""
    return _whole(path, (told(rows, qr) + "\n").encode())


def write_picture(path: Path, rows: Sequence[str], qr: str, width: int) -> Path:
    """Rows as a PNG, whole or not at all. Raises OSError, and `Invalid` where there is no font."""
    from io import BytesIO

    from drivers.printers.picture import receipt_picture

    out = BytesIO()
    receipt_picture(rows, qr, columns=width).save(out, "PNG", optimize=True)
    return _whole(path, out.getvalue())


def _whole(path: Path, data: bytes) -> Path:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.replace(path)
    return path
