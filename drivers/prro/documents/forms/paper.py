"""Rows of a narrow paper: nothing is ever cut off, what does not fit goes on in the next row."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTHS = (32, 42, 48)
"""Characters a row on the papers in use: 58 mm, 80 mm in font A with margins, 80 mm (escpos.md)."""
NARROWEST = 24


class Paper:
    """Collects rows of at most `width` characters. Raises `ValueError` for a width no receipt fits."""

    def __init__(self, width: int) -> None:
        if width < NARROWEST:
            raise ValueError(f"a receipt needs at least {NARROWEST} characters a row, not {width}")
        self.width = width
        self.rows: list[str] = []

    def add(self, text: str) -> None:
        """From the left, wrapped."""
        self.rows += self._wrapped(text)

    def centre(self, text: str) -> None:
        """In the middle, wrapped."""
        self.rows += [row.center(self.width).rstrip() for row in self._wrapped(text)]

    def pair(self, left: str, right: str) -> None:
        """Left and right in one row; a long left side is wrapped and the right side ends its last row."""
        rows = self._wrapped(left) or [""]
        if len(rows[-1]) + 1 + len(right) > self.width:
            rows.append("")
        rows[-1] += right.rjust(self.width - len(rows[-1]))
        self.rows += rows

    def rule(self) -> None:
        self.rows.append("-" * self.width)

    def special(self, row: str) -> None:
        """A row that is a sign for the printer, not text."""
        self.rows.append(row)

    def all(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(text)

    def _wrapped(self, text: str) -> list[str]:
        return textwrap.wrap(text, self.width, break_on_hyphens=False)
