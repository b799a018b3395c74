"""The device's side of the packet (datecs-fp3530t.md §2): requests out of a byte stream, replies into bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

NAK = b"\x15"
SYN = b"\x16"


@dataclass(frozen=True)
class Packet:
    seq: int
    cmd: int
    data: bytes


class Garbled:
    """A packet with a wrong form: answered with NAK."""


def sum16(block: bytes) -> bytes:
    """Four nibbles of the 16-bit sum, most significant first, each plus 30h."""
    return b"".join(bytes([0x30 + int(digit, 16)]) for digit in f"{sum(block) % 65536:04x}")


class Inbox:
    """Collects bytes until a packet is whole."""

    def __init__(self) -> None:
        self._bytes = b""

    def clear(self) -> None:
        self._bytes = b""

    def take(self, more: bytes) -> Iterator[Packet | Garbled]:
        self._bytes += more
        while (begin := self._bytes.find(b"\x01")) >= 0:
            block = self._bytes[begin + 1 :]
            if not block:
                return
            length = block[0] - 0x20
            if length < 4 or length > 222:
                self._bytes = block
                yield Garbled()
                continue
            if len(block) < length + 5:
                # A terminator in the data area cannot be: the length byte must have been hit.
                if block.endswith(b"\x03"):
                    self._bytes = b""
                    yield Garbled()
                return
            framed, bcc, end = block[:length], block[length : length + 4], block[length + 4]
            if framed[-1] != 0x05 or bcc != sum16(framed) or end != 0x03:
                self._bytes = b""
                yield Garbled()
                return
            self._bytes = block[length + 5 :]
            yield Packet(framed[1], framed[2], plain(framed[3:-1]))
        self._bytes = b""


def plain(data: bytes) -> bytes:
    """Undo the 10h escape."""
    out = b""
    escaped = False
    for value in data:
        if escaped:
            out += bytes([(value - 0x40) % 256])
            escaped = False
        elif value == 0x10:
            escaped = True
        else:
            out += bytes([value])
    return out


def answer(seq: int, cmd: int, data: bytes, status: bytes) -> bytes:
    """One reply frame."""
    block = bytes([0x20 + 11 + len(data), seq, cmd]) + data + b"\x04" + status + b"\x05"
    return b"\x01" + block + sum16(block) + b"\x03"
