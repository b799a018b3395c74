"""Parameters of a Maria command (maria.md §4): fixed widths, no separators, CP866."""

from __future__ import annotations

import re

from drivers.maria.emulator.till import Refused


class Fields:
    """Parameters of one command, taken from the left by width. Raises Refused SOFTPARAM."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def left(self) -> int:
        return len(self._data)

    def text(self, width: int) -> str:
        if len(self._data) < width:
            raise Refused("SOFTPARAM")
        field, self._data = self._data[:width], self._data[width:]
        return field.decode("cp866")

    def rest(self, limit: int) -> str:
        """Everything that follows, up to `limit` bytes."""
        if len(self._data) > limit:
            raise Refused("SOFTPARAM")
        return self.text(len(self._data))

    def number(self, width: int, pattern: str = "[0-9]+") -> int:
        field = self.text(width)
        if not re.fullmatch(pattern, field):
            raise Refused("SOFTPARAM")
        return int(field)

    def letter(self, letters: str) -> str:
        field = self.text(1)
        if field not in letters:
            raise Refused("SOFTPARAM")
        return field

    def long_values(self) -> list[str]:
        """Values that each begin with their length in two digits (304T)."""
        values = []
        while self._data:
            values.append(self.text(self.number(2)))
        return values

    def end(self) -> None:
        if self._data:
            raise Refused("SOFTPARAM")
