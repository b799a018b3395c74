"""How names are compared and sorted; SQLite does neither for Cyrillic, so both forms are stored.

Source: kiosk-platform.md §1.8.

`fold` makes two spellings equal; `sort_key` turns a folded name into text whose code points sort as the Ukrainian
alphabet does (by code points «ґ є і ї» come after «я»). The key maps letter by letter, so a prefix stays a prefix.
"""

from __future__ import annotations

import unicodedata

APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ`‘´ʹˈ′＇", "'"))
"""People type any of these in «м'ята» and «об'єм»."""
ALPHABET = "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя" + "ёъыэ"
ORDER = str.maketrans({letter: chr(0x0500 + place) for place, letter in enumerate(ALPHABET)} | {"'": None})
"""The letters in their order, moved to a block that no goods are named in and that still takes two bytes a letter.

An apostrophe has no place in the order, so «м'ята» stands after «молоко».
"""
LONGEST = 250
"""Longest name of a good (drivers.document.Name); a longer search text matches nothing."""
BEYOND = "\U0010ffff"
"""Sorts after every letter: the end of a prefix range."""


def fold(text: str) -> str:
    """Case folded, composed, one apostrophe, single spaces; control characters and lone surrogates become spaces."""
    clean = text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
    return " ".join(unicodedata.normalize("NFC", clean).translate(APOSTROPHES).casefold().split())


def sort_key(folded: str) -> str:
    """What a folded name sorts by."""
    return folded.translate(ORDER)
