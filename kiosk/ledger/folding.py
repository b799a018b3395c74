"""How names are compared: SQLite folds no Cyrillic, so the folded form is stored (kiosk-platform.md §1.8)."""

from __future__ import annotations

import unicodedata

APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ`‘´ʹˈ′＇", "'"))
"""People type any of these in «м'ята» and «об'єм»."""
LONGEST = 250
"""Longest name of a good (drivers.document.Name); a longer search text matches nothing."""
BEYOND = "\U0010ffff"
"""Sorts after every letter: the end of a prefix range."""


def fold(text: str) -> str:
    """Case folded, composed, one apostrophe, single spaces; control characters and lone surrogates become spaces."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(unicodedata.normalize("NFC", clean).translate(APOSTROPHES).casefold().split())
