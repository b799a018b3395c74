"""Bytes of the host -> commands (escpos.md §2–§4). A command is (name, its parameters, its data).

10 04 n · 10 14 1 m t            real time: acted on when they arrive, wherever they stand
1B · 1C · 1D letter parameters   the rest waits its turn in the buffer
1D 28 k pL pH …                  p = pL + 256 pH bytes follow
1D 76 30 m xL xH yL yH …         x bytes a row, y rows
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

DLE, ESC, FS, GS = 0x10, 0x1B, 0x1C, 0x1D
PARAMETERS = {
    ESC: {
        "@": 0, "2": 0, "!": 1, "3": 1, " ": 1, "-": 1, "E": 1, "G": 1, "J": 1, "M": 1, "R": 1, "a": 1, "d": 1, "t": 1,
        "{": 1, "V": 1, "=": 1, "p": 3, "c": 2, "$": 2, "\\": 2,
    },
    FS: {".": 0, "&": 0, "!": 1, "C": 1},
    GS: {"!": 1, "B": 1, "H": 1, "I": 1, "a": 1, "f": 1, "h": 1, "r": 1, "w": 1, "L": 2, "W": 2, "P": 2},
}  # fmt: skip
"""How many bytes follow the letter of a command of fixed length."""
NAMES = {ESC: "ESC", FS: "FS", GS: "GS", DLE: "DLE"}


@dataclass(frozen=True)
class Order:
    """One command, or with the name `text` a run of printable bytes."""

    name: str
    parameters: bytes = b""
    data: bytes = b""


def take(buffer: bytearray) -> Iterator[Order]:
    """Every whole command at the head of the buffer, removed from it as it is given; half a command stays."""
    while buffer:
        size, order = _first(buffer)
        if not size:
            return
        del buffer[:size]
        yield order


def _first(buffer: bytearray) -> tuple[int, Order]:
    """Length of the first command and what it is; 0 while it is not whole."""
    head = buffer[0]
    if head >= 0x20:
        end = 1
        while end < len(buffer) and buffer[end] >= 0x20:
            end += 1
        return end, Order("text", data=bytes(buffer[:end]))
    if head not in NAMES:
        return 1, Order({0x0A: "LF", 0x0D: "CR", 0x09: "HT"}.get(head, "control"), bytes([head]))
    if len(buffer) < 2:
        return 0, Order("")
    letter = chr(buffer[1])
    name = f"{NAMES[head]} {letter}"
    if head == DLE:
        # Acted on already, when it came.
        size = {0x04: 3, 0x14: 5}.get(buffer[1], 2)
        return (size if len(buffer) >= size else 0), Order("real time", bytes(buffer[1:size]))
    if head == GS and letter == "(":
        return _counted(buffer, 5, 3, f"GS ( {chr(buffer[2])}" if len(buffer) > 2 else "")
    if head == GS and letter == "V":
        if len(buffer) < 3:
            return 0, Order("")
        size = 4 if buffer[2] in (65, 66, 97, 98) else 3
        return (size if len(buffer) >= size else 0), Order(name, bytes(buffer[2:size]))
    if head == GS and letter == "v":
        if len(buffer) < 8:
            return 0, Order("")
        size = 8 + (buffer[4] + 256 * buffer[5]) * (buffer[6] + 256 * buffer[7])
        return (size if len(buffer) >= size else 0), Order(name, bytes(buffer[2:8]), bytes(buffer[8:size]))
    if head == GS and letter == "k":
        return _barcode(buffer)
    fixed = PARAMETERS[head].get(letter)
    if fixed is None:
        return 2, Order("strange", bytes(buffer[:2]))
    size = 2 + fixed
    return (size if len(buffer) >= size else 0), Order(name, bytes(buffer[2:size]))


def _counted(buffer: bytearray, head: int, place: int, name: str) -> tuple[int, Order]:
    if len(buffer) < head:
        return 0, Order("")
    size = head + buffer[place] + 256 * buffer[place + 1]
    return (size if len(buffer) >= size else 0), Order(name, data=bytes(buffer[head:size]))


def _barcode(buffer: bytearray) -> tuple[int, Order]:
    """Form A (m up to 6) ends with NUL, form B (m from 65) tells its length."""
    if len(buffer) < 4:
        return 0, Order("")
    if buffer[2] >= 65:
        size = 4 + buffer[3]
        return (size if len(buffer) >= size else 0), Order("GS k", bytes(buffer[2:3]), bytes(buffer[4:size]))
    end = buffer.find(0, 3)
    return (end + 1 if end >= 0 else 0), Order("GS k", bytes(buffer[2:3]), bytes(buffer[3:end]))


class RealTime:
    """Finds `10 04 n` and `10 14 1 m t` in what arrives, over the borders of reads and inside other data."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[tuple[str, int]]:
        """("status", n) or ("drawer", m) for each one that is whole now."""
        seen = self._tail + data
        place = 0
        while (place := seen.find(DLE, place)) >= 0:
            rest = seen[place:]
            if rest[1:2] == b"\x04":
                if len(rest) < 3:
                    break
                if 1 <= rest[2] <= 4:
                    yield "status", rest[2]
                place += 3
            elif rest[1:2] == b"\x14":
                if len(rest) < 5:
                    break
                if rest[2] == 1 and rest[3] in (0, 1):
                    yield "drawer", rest[3]
                place += 5
            elif len(rest) < 2:
                break
            else:
                place += 1
        self._tail = seen[place:] if place >= 0 else b""
