"""What can go wrong with the till's memory.

LedgerError            a change that the books forbid; nothing was changed
├── Damaged            the database or the journal's chain is damaged; the file is left untouched
└── Newer              the database was made by a newer version; the file is left untouched
"""

from __future__ import annotations


class LedgerError(Exception):
    """A change that the books forbid. `code` is stable; the text is English for the log."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


class Damaged(LedgerError):
    """The file does not hold together; nobody may write to it."""


class Newer(LedgerError):
    """A newer version of the program made this database."""
