"""Text of Maria: code page 866, і as Latin i, no bytes FDh…FFh (maria.md §2)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from drivers.errors import Code, Invalid

_SPELLING = str.maketrans(
    {"і": "i", "І": "I", "ґ": "г", "Ґ": "Г", "ʼ": "'", "’": "'", "′": "'", "«": '"', "»": '"', "“": '"', "”": '"',
     "–": "-", "—": "-", "\u00a0": " ", "\u202f": " ", "₴": "г"}
)  # fmt: skip
"""Letters without a place on the page; old firmware has no і of its own, so Latin i prints right on every unit."""
_FREE = bytes.maketrans(b"\xfd\xfe\xff", b"   ")


def encode(text: str, field: str = "") -> bytes:
    """Bytes of `text`. Raises `Invalid` that names the first character without a place."""
    text = text.translate(_SPELLING)
    try:
        return text.encode("cp866").translate(_FREE)
    except UnicodeEncodeError as error:
        raise Invalid(
            Code.BAD_FIELD, f"the registrar cannot print the character {text[error.start]!r}", field=field
        ) from error


def decode(data: bytes) -> str:
    """Text of an answer; і stays the Latin i that came."""
    return data.decode("cp866")


def padded(text: str, width: int) -> bytes:
    """Exactly `width` bytes: cut or filled with spaces."""
    return encode(text)[:width].ljust(width)


def lines(texts: Iterable[str], width: int) -> list[str]:
    """Texts wrapped at `width` characters; blank lines stay."""
    wrapped: list[str] = []
    for text in texts:
        wrapped += textwrap.wrap(text, width) or [""]
    return wrapped
