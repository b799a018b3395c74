"""The device's side of the IKC packet (ikc.md §2-3).

request  10 02 NUM CODE [PARAMS]                     CS 10 03 [CRClo CRChi]
reply    10 02 NUM CODE STATUS RESULT RESERVE [DATA] CS 10 03 [CRClo CRChi]

Every 10h from NUM to CS stands twice on the wire. NUM ... CS add up to 0 modulo 256. The CRC is CRC-16/KERMIT of
NUM ... CS and ETX, each byte once; its bytes are accepted in both orders, and a wrong CRC is ignored, because CS
already guards the packet and the maker's own samples disagree about the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

DLE, STX, ETX = 0x10, 0x02, 0x03
ENQ, ACK, NAK, SYN = b"\x05", b"\x06", b"\x15", b"\x16"
PACKET_LIMIT = 1024
"""Bytes from NUM to CS; the longest command of the page carries 512 bytes of a QR code."""


@dataclass(frozen=True)
class Packet:
    """`crc`: the host sent a CRC, and so will the device."""

    num: int
    code: int
    params: bytes
    crc: bool = False


class Garbled:
    """A packet of a wrong form: answered with NAK and forgotten."""


def kermit(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return value


def crc(body: bytes) -> bytes:
    """Of NUM ... CS, un-doubled; the low byte first."""
    return kermit(body + bytes([ETX])).to_bytes(2, "little")


def answer(num: int, code: int, state: bytes, data: bytes = b"", *, with_crc: bool = False) -> bytes:
    """One reply; `state` is STATUS, RESULT, RESERVE."""
    body = bytes([num, code]) + state + data
    body += bytes([-sum(body) & 0xFF])
    wire = bytes([DLE, STX]) + body.replace(b"\x10", b"\x10\x10") + bytes([DLE, ETX])
    return wire + crc(body) if with_crc else wire


def packet(body: bytes) -> Packet | Garbled:
    """NUM ... CS, un-doubled."""
    if len(body) < 3 or sum(body) & 0xFF:
        return Garbled()
    return Packet(body[0], body[1], body[2:-1])


class Inbox:
    """Cuts packets out of a byte stream. Bytes between packets are noise, but for a CRC behind its own packet."""

    def __init__(self) -> None:
        self._body: bytearray | None = None
        self._escaped = False
        self._tail = b""

    @property
    def inside(self) -> bool:
        """Whether a packet has begun and not ended."""
        return self._body is not None

    def clear(self) -> None:
        self._body = None
        self._escaped = False
        self._tail = b""

    def take(self, data: bytes) -> Iterator[Packet | Garbled]:
        place = 0
        while place < len(data):
            value = data[place]
            place += 1
            if self._body is None:
                if self._tail and self._is_crc(data[place - 1 : place + 1], data[place + 1 : place + 3]):
                    place += 1
                elif self._escaped and value == STX:
                    self._body, self._escaped = bytearray(), False
                else:
                    self._escaped = value == DLE
                self._tail = b""
            elif (done := self._inside(value)) is not None:
                if isinstance(done, Packet):
                    has_crc = self._is_crc(data[place : place + 2], data[place + 2 : place + 4])
                    place += 2 * has_crc
                    self._tail = b"" if has_crc else self._tail
                    done = replace(done, crc=has_crc)
                yield done

    def _is_crc(self, two: bytes, beyond: bytes) -> bool:
        """Whether two bytes behind a packet are its CRC. One that reads as a packet's start is told by what follows:
        a packet has more than its two first bytes, another packet begins behind a CRC."""
        if two not in (self._tail, self._tail[::-1]):
            return False
        return two != bytes([DLE, STX]) or beyond in (b"", bytes([DLE, STX]))

    def _inside(self, value: int) -> Garbled | Packet | None:
        assert self._body is not None
        if not self._escaped:
            if value == DLE:
                self._escaped = True
            else:
                self._body.append(value)
        else:
            self._escaped = False
            if value == DLE:
                self._body.append(value)
            elif value == ETX:
                body, self._body = bytes(self._body), None
                self._tail = crc(body)
                return packet(body)
            elif value == STX:
                # The host broke off and begins anew.
                self._body = bytearray()
            else:
                self._body = None
                return Garbled()
        if self._body is not None and len(self._body) > PACKET_LIMIT:
            self._body = None
            return Garbled()
        return None
