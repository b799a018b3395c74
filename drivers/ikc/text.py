"""Text of IKC: code page 866, bytes 32…252, і as Latin i (ikc.md §2)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from drivers.errors import Code, Invalid

_SPELLING = str.maketrans(
    {"і": "i", "І": "I", "ґ": "г", "Ґ": "Г", "ʼ": "'", "’": "'", "‘": "'", "′": "'", "«": '"', "»": '"', "“": '"',
     "”": '"', "„": '"', "–": "-", "—": "-", "…": ".", "\u00a0": " ", "\u202f": " ", "₴": "г"}
)  # fmt: skip
"""Letters without a place on the page and the signs that goods are full of."""
LAST = 252


def encode(text: str, field: str = "") -> bytes:
    """Bytes of `text`. Raises `Invalid` that names the first character without a place."""
    text = text.translate(_SPELLING)
    try:
        data = text.encode("cp866")
    except UnicodeEncodeError as error:
        raise Invalid(
            Code.BAD_FIELD, f"the registrar cannot print the character {text[error.start]!r}", field=field
        ) from error
    for position, byte in enumerate(data):
        if not 32 <= byte <= LAST:
            raise Invalid(Code.BAD_FIELD, f"the registrar cannot print {text[position]!r}", field=field)
    return data


def decode(data: bytes) -> str:
    """Text of a reply; і stays the Latin i that came."""
    return data.decode("cp866")


def lines(texts: Iterable[str], width: int) -> list[str]:
    """Texts that are not blank, wrapped at `width` characters."""
    return [line for text in texts for line in textwrap.wrap(text, width)]
