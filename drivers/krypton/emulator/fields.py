"""Fields of a Krypton request (datecs-krypton.md §2, §4), read from left to right.

The fields are numbered from 1 after the password; one that does not read is refused with NN03, one with an impossible
value with NN04.
"""

from __future__ import annotations

import re

from drivers.krypton.emulator.printer import Refused

_MONEY = re.compile(r"(-?)(\d{1,8})(?:\.(\d{1,2}))?")
_SIGNED = re.compile(r"([+-]?)(\d{1,8})(?:\.(\d{1,2}))?")
_QUANTITY = re.compile(r"(\d{1,6})(?:\.(\d{1,3}))?")


class Fields:
    """Fields of one request, read from left to right; each ends with a semicolon."""

    def __init__(self, text: str) -> None:
        *self._fields, self._rest = text.split(";")
        self._at = 0

    def text(self, limit: int, pattern: str = ".*") -> str:
        """The next field. Raises Refused."""
        self._at += 1
        if not self._fields:
            raise self.bad_form()
        field = self._fields.pop(0)
        if len(field) > limit or not re.fullmatch(pattern, field):
            raise self.bad_form()
        return field

    def number(self, low: int, high: int) -> int:
        value = int(self.text(14, r"\d+"))
        if not low <= value <= high:
            raise self.bad_value()
        return value

    def kopecks(self) -> int:
        found = self._match(_MONEY)
        return int(found[1] + found[2]) * 100 + int(found[1] + (found[3] or "").ljust(2, "0"))

    def signed(self) -> int:
        """±v.vv in hundredths."""
        found = self._match(_SIGNED)
        value = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
        return -value if found[1] == "-" else value

    def thousandths(self) -> int:
        found = self._match(_QUANTITY)
        return int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))

    def end(self) -> None:
        """Nothing more may follow."""
        if self._fields or self._rest:
            self._at += 1
            raise self.bad_form()

    def bad_form(self) -> Refused:
        return Refused(f"{self._at:02X}03")

    def bad_value(self) -> Refused:
        return Refused(f"{self._at:02X}04")

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.fullmatch(self.text(16))
        if found is None:
            raise self.bad_form()
        return found
