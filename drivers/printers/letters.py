"""Letters for a printer's code page: which page, and what to do about a letter that it lacks (escpos.md §2).

Real CP866 has Є є Ї ї and none of І і Ґ ґ; no page here has ₴. `fitted` writes a row with what the page has, as
shops in the field do (a Latin i for і); where that would not be read as the same word, a row may be drawn instead.
"""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from drivers.errors import Code, Invalid

LOOK_ALIKE = {
    "І": "I", "і": "i", "Ї": "I", "ї": "i", "Є": "E", "є": "e", "Ґ": "Г", "ґ": "г", "₴": "грн",
    "’": "'", "ʼ": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "—": "-", "–": "-", "−": "-", "…": "...", "№": "N", "•": "*", "×": "x", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
}  # fmt: skip
UKRAINIAN = "АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯабвгґдеєжзиіїйклмнопрстуфхцчшщьюя"


@dataclass(frozen=True)
class Page:
    """A code page: Python's codec and the number that `ESC t` knows it by, 0..255."""

    codec: str
    number: int

    def lacks(self, text: str) -> str:
        """Characters of `text` that the page does not have."""
        return "".join(character for character in text if not self._has(character))

    def _has(self, character: str) -> bool:
        try:
            return len(character.encode(self.codec)) == 1
        except UnicodeEncodeError:
            return False

    def encode(self, text: str) -> bytes:
        """Bytes of a row; what the page lacks is written as it looks, or as a question mark.

        A control character becomes a space: the name of a good must not be able to command the printer.
        """
        plain = "".join(character if ord(character) >= 0x20 and character != "\x7f" else " " for character in text)
        return fitted(plain, self).encode(self.codec, "replace")


@cache
def profiles() -> dict[str, tuple[Page, ...]]:
    """Profiles by name, the best page of each first."""
    plain = tomllib.loads(files("drivers.printers").joinpath("profiles.toml").read_text(encoding="utf-8"))
    return {name: tuple(Page(codec, number) for codec, number in table["pages"]) for name, table in plain.items()}


def page_of(profile: str, wanted: str = "") -> Page:
    """The page to print with: `wanted` is a codec of the profile (`cp866`) or any codec and number (`cp1251:46`).

    Raises `Invalid`.
    """
    known = profiles().get(profile)
    if known is None:
        names = ", ".join(profiles())
        raise Invalid(Code.BAD_FIELD, f"no printer profile {profile!r}; known: {names}", field="profile")
    if not wanted:
        return known[0]
    codec, colon, number = wanted.partition(":")
    if not colon:
        found = next((page for page in known if page.codec == codec), None)
        if found is None:
            pages = ", ".join(page.codec for page in known)
            raise Invalid(Code.BAD_FIELD, f"profile {profile} has the pages {pages}, not {codec!r}", field="codepage")
        return found
    if not (number.isascii() and number.isdigit() and int(number) < 256 and _single_byte(codec)):
        raise Invalid(
            Code.BAD_FIELD, f"codepage is a codec and its number, e.g. cp1251:46, not {wanted!r}", field="codepage"
        )
    return Page(codec, int(number))


def _single_byte(codec: str) -> bool:
    try:
        return len("Ж".encode(codec)) == 1
    except (LookupError, UnicodeEncodeError):
        return False


def fitted(text: str, page: Page) -> str:
    """`text` with what the page has. A row stays as long as it was where its own spaces allow it."""
    if not page.lacks(text):
        return text
    out = "".join(character if not page.lacks(character) else _like(character, page) for character in text)
    grown = len(out) - len(text)
    while grown > 0 and "   " in out.strip():
        # A column grew: its filling gives way, so that sums stay in their place.
        start = len(out) - len(out.lstrip())
        place = out.index("   ", start)
        out = out[:place] + out[place + 1 :]
        grown -= 1
    return out


def _like(character: str, page: Page) -> str:
    for candidate in (LOOK_ALIKE.get(character, ""), unicodedata.normalize("NFKD", character)[0]):
        if candidate and not page.lacks(candidate):
            return candidate
    return "?"
