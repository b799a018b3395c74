"""Goods of the till -> article numbers of Maria (maria.md §4: FISC registers the article with its first sale).

The registrar keeps name, taxes and divisibility of a number from its first sale to Z and refuses another good under it
(SOFTDIFART), so a number needs no storage: it follows from a hash, and a refusal moves the good to its next number.
"""

from __future__ import annotations

import zlib

from drivers.maria.commands import Good

FISC_NUMBERS = 9_999
CODE_NUMBERS = 999_999_999
"""Four digits of FISC, nine of FICD."""

Key = tuple[str, str, str, bool]
"""The till's code, printed name, tax letters, divisible."""


def key(code: str, good: Good) -> Key:
    return code, good.name, "".join(tax.letter for tax in good.taxes), good.quantity % 1000 != 0


class Articles:
    """Numbers given in this process; conflicts with what the registrar remembers are learnt by its refusals."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Key], int] = {}
        self._tries: dict[tuple[int, Key], int] = {}

    def forget(self) -> None:
        """After a Z every number is free again."""
        self._numbers.clear()
        self._tries.clear()

    def number(self, good: Key, limit: int) -> int:
        """1 … `limit`, another for every good."""
        place = (limit, good)
        if place not in self._numbers:
            taken = set(self._numbers.values())
            while True:
                text = "\0".join((*good[:3], str(good[3]), str(self._tries.get(place, 0))))
                found = 1 + zlib.crc32(text.encode()) % limit
                if found not in taken:
                    break
                self._tries[place] = self._tries.get(place, 0) + 1
            self._numbers[place] = found
        return self._numbers[place]

    def conflict(self, good: Key, limit: int) -> None:
        """The registrar knows another good under this number."""
        place = (limit, good)
        self._numbers.pop(place, None)
        self._tries[place] = self._tries.get(place, 0) + 1
