"""The device's side of the Krypton packet (datecs-krypton.md §2).

request  01 LEN SEQ CMD DATA            05 BCC4 03
reply    01 LEN SEQ CMD DATA 04 ST0-ST5 05 BCC4 03

LEN counts from itself to 05 inclusive, plus 20h: a request carries up to 219 bytes of data, a reply up to 212. Nothing
below 20h but 01, 04, 05 and 03 in their places occurs in a packet, so a preamble always starts a new one and a
terminator always ends one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

NAK = b"\x15"
SYN = b"\x16"
PREAMBLE, SEPARATOR, POSTAMBLE, TERMINATOR = 0x01, 0x04, 0x05, 0x03
REPLY_LIMIT = 212


@dataclass(frozen=True)
class Packet:
    seq: int
    cmd: int
    data: bytes


class Garbled:
    """A packet of a wrong form: answered with NAK."""


def checksum(block: bytes) -> bytes:
    """The 16-bit sum as four nibbles, most significant first, each plus 30h."""
    total = sum(block) & 0xFFFF
    return bytes(0x30 | (total >> shift) & 0x0F for shift in (12, 8, 4, 0))


def packet(block: bytes) -> Packet | Garbled:
    """What stands between a preamble and its terminator, the terminator included."""
    body, bcc = block[:-5], block[-5:-1]
    if len(body) < 4 or block[-1] != TERMINATOR or body[0] != 0x20 + len(body) or body[-1] != POSTAMBLE:
        return Garbled()
    seq, cmd, data = body[1], body[2], body[3:-1]
    if bcc != checksum(body) or not 0x20 <= seq <= 0x7F or cmd < 0x20 or any(value < 0x20 for value in data):
        return Garbled()
    return Packet(seq, cmd, data)


class Inbox:
    """Cuts packets out of a byte stream; bytes before a preamble are line noise."""

    def __init__(self) -> None:
        self._block: bytearray | None = None

    def clear(self) -> None:
        self._block = None

    def take(self, more: bytes) -> Iterator[Packet | Garbled]:
        for value in more:
            if value == PREAMBLE:
                self._block = bytearray()
            elif self._block is not None:
                self._block.append(value)
                expected = max(self._block[0] - 0x20, 4) + 5
                if value == TERMINATOR or len(self._block) >= expected:
                    whole, self._block = bytes(self._block), None
                    yield packet(whole)


def answer(seq: int, cmd: int, data: bytes, status: bytes) -> bytes:
    """One reply. Raises ValueError for data that do not fit."""
    if len(data) > REPLY_LIMIT:
        raise ValueError(f"{len(data)} bytes do not fit into a reply of {REPLY_LIMIT}")
    body = bytes([0x20 + 11 + len(data), seq, cmd]) + data + bytes([SEPARATOR]) + status + bytes([POSTAMBLE])
    return bytes([PREAMBLE]) + body + checksum(body) + bytes([TERMINATOR])
