"""Text on the wire: code pages of the printer (datecs-fp3530t.md §4) and lines of its width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from drivers.errors import Code, Invalid

CODEPAGES = ("cp1251", "datecs_dos")
_TYPOGRAPHY = str.maketrans({"ʼ": "'", "\u00a0": " ", "\u202f": " ", "′": "'"})
_PLAIN = str.maketrans(
    {"№": "N", "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "…": "."}
)
"""Signs that the DOS page lacks and a plain one says as well; goods are full of them."""
_DOS = {byte: byte - 0x40 for byte in range(0xC0, 0x100)} | {
    0xA8: 0x85,
    0xAA: 0xC0,
    0xAF: 0xC2,
    0xB8: 0xA5,
    0xBA: 0xC1,
    0xBF: 0xC3,
    0xB2: 0x49,
    0xB3: 0x69,
    0xA5: 0x83,  # Ґ and ґ have no place on the page: Г and г, as the sources leave them unmapped
    0xB4: 0xA3,
}
_FROM_DOS = {dos: byte for byte, dos in _DOS.items() if dos >= 0x80 and byte not in (0xA5, 0xB4, 0xA8, 0xB8)}


def encode(text: str, codepage: str, field: str = "") -> bytes:
    """Bytes of `text` on the printer's page. Raises `Invalid` that names the first character without a place."""
    text = text.translate(_TYPOGRAPHY)
    if codepage != "cp1251":
        text = text.translate(_PLAIN)
    try:
        data = text.encode("cp1251")
    except UnicodeEncodeError as error:
        raise Invalid(
            Code.BAD_FIELD, f"the registrar cannot print the character {text[error.start]!r}", field=field
        ) from error
    if codepage == "cp1251":
        return data
    lost = next((index for index, byte in enumerate(data) if byte >= 0x80 and byte not in _DOS), None)
    if lost is not None:
        raise Invalid(Code.BAD_FIELD, f"the registrar cannot print the character {text[lost]!r}", field=field)
    return bytes(_DOS.get(byte, byte) for byte in data)


def decode(data: bytes, codepage: str) -> str:
    """Text of a reply; unknown bytes show as replacement characters."""
    if codepage != "cp1251":
        data = bytes(_FROM_DOS.get(byte, byte) for byte in data)
    return data.decode("cp1251", errors="replace")


def lines(texts: Iterable[str], width: int) -> list[str]:
    """Texts wrapped at `width` characters; blank lines stay."""
    wrapped: list[str] = []
    for text in texts:
        wrapped += textwrap.wrap(text, width) or [""]
    return wrapped
