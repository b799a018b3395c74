"""Parameters as the device reads them: little-endian numbers, BCD dates, PC866 text (ikc.md §2)."""

from __future__ import annotations

from datetime import date, datetime

BIT31 = 0x8000_0000


class Refused(Exception):
    """Nothing was done; `result` is RESULT of the reply (§4)."""

    def __init__(self, result: int) -> None:
        super().__init__(result)
        self.result = result


LENGTH, PASSWORD, NUMBER, TAX, FORM, CHARACTERS, DATE = 20, 21, 22, 23, 24, 25, 30


class Reader:
    """Takes one parameter after the other; parameters of a wrong total length are refused as a wrong string length,
    the only length that the list of results knows."""

    def __init__(self, params: bytes) -> None:
        self._params = params
        self._place = 0

    @property
    def left(self) -> int:
        return len(self._params) - self._place

    def raw(self, size: int) -> bytes:
        if size > self.left:
            raise Refused(LENGTH)
        self._place += size
        return self._params[self._place - size : self._place]

    def number(self, size: int) -> int:
        return int.from_bytes(self.raw(size), "little")

    def text(self, length: int, limit: int) -> str:
        """Raises Refused for a length over the limit and for bytes that are no characters."""
        if length > limit:
            raise Refused(LENGTH)
        return decode(self.raw(length))

    def date(self) -> date:
        day, month, year = (unpacked(value) for value in self.raw(3))
        try:
            return date(2000 + year, month, day)
        except ValueError:
            raise Refused(DATE) from None

    def end(self) -> None:
        if self.left:
            raise Refused(LENGTH)


def decode(data: bytes) -> str:
    if any(not 32 <= value <= 252 for value in data):
        raise Refused(CHARACTERS)
    return data.decode("cp866")


def encode(text: str) -> bytes:
    return text.translate(str.maketrans("ІіҐґ№", "IiГгN")).encode("cp866", errors="replace")


def unpacked(value: int) -> int:
    """A BCD byte. Raises Refused."""
    if value >> 4 > 9 or value & 0x0F > 9:
        raise Refused(DATE)
    return (value >> 4) * 10 + (value & 0x0F)


def packed(*values: int) -> bytes:
    return bytes(value // 10 << 4 | value % 10 for value in values)


def day_bytes(at: datetime | date) -> bytes:
    return packed(at.day, at.month, at.year % 100)


def numbers(size: int, *values: int) -> bytes:
    """Little-endian; a sum under zero carries bit 31, as everywhere in this protocol."""
    return b"".join(((-value | BIT31) if value < 0 else value).to_bytes(size, "little") for value in values)


def counted(text: str) -> bytes:
    data = encode(text)[:255]
    return bytes([len(data)]) + data
