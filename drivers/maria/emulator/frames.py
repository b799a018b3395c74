"""The device's side of the Maria frame (maria.md §2).

FD payload LEN FE [CRClo CRChi]

The payload has 4 to 252 bytes of 00h-FCh, LEN is its length plus one and may itself be FDh. The two bytes of
CRC-16/KERMIT over FD...FE follow when the host switched them on, and always follow `CSIN`.
"""

from __future__ import annotations

from dataclasses import dataclass

BEGIN, END = 0xFD, 0xFE
PAYLOAD_MIN, PAYLOAD_MAX = 4, 252


@dataclass(frozen=True)
class Command:
    """A whole frame: four letters and what follows them."""

    name: str
    params: bytes


@dataclass(frozen=True)
class Broken:
    """A frame that is refused: SOFTBLOCK or SOFTBADCS."""

    why: str


def crc(data: bytes) -> int:
    """x^16+x^12+x^5+1 reflected, from 0: "123456789" gives 2189h."""
    value = 0
    for byte in data:
        value ^= byte
        a = (value ^ (value << 4)) & 0xFF
        value = ((value >> 8) ^ (a << 8) ^ (a << 3) ^ (a >> 4)) & 0xFFFF
    return value


def frame(payload: bytes, *, with_crc: bool) -> bytes:
    """What the device sends; FDh-FFh inside a text become spaces."""
    safe = bytes(0x20 if value >= BEGIN else value for value in payload)
    if len(safe) > PAYLOAD_MAX:
        raise ValueError(f"{len(safe)} bytes do not fit into a frame of {PAYLOAD_MAX}")
    whole = bytes([BEGIN]) + safe + bytes([len(safe) + 1, END])
    return whole + crc(whole).to_bytes(2, "little") if with_crc else whole


class Inbox:
    """Cuts frames out of single bytes; whatever stands between frames is noise."""

    def __init__(self) -> None:
        self._body: bytearray | None = None
        self._tail: bytearray | None = None

    def clear(self) -> None:
        self._body = self._tail = None

    def push(self, byte: int, *, with_crc: bool) -> Command | Broken | None:
        """One more byte; what it completes."""
        body = self._body
        if body is None:
            if byte == BEGIN:
                self._body = bytearray()
            return None
        if self._tail is not None:
            self._tail.append(byte)
            return self._complete(bytes(self._tail)) if len(self._tail) == 2 else None
        if byte == END:
            if with_crc or body.startswith(b"CSIN"):
                self._tail = bytearray()
                return None
            return self._complete(None)
        if byte == BEGIN and len(body) != PAYLOAD_MAX:
            body.clear()
            return None
        body.append(byte)
        if len(body) > PAYLOAD_MAX + 1:
            self._body = None
        return None

    def _complete(self, tail: bytes | None) -> Command | Broken:
        body = bytes(self._body or b"")
        self.clear()
        payload = body[:-1]
        if len(payload) < PAYLOAD_MIN or body[-1] != len(body) or any(value > 0xFC for value in payload):
            return Broken("SOFTBLOCK")
        if tail is not None and int.from_bytes(tail, "little") != crc(bytes([BEGIN]) + body + bytes([END])):
            return Broken("SOFTBADCS")
        return Command(payload[:4].decode("cp866"), payload[4:])
