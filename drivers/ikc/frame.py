"""The IKC packet (ikc.md §2), pure functions over bytes.

    host -> device   10 02 NUM CODE PARAMETERS… CS 10 03 [CRC-lo CRC-hi]
    device -> host   10 02 NUM CODE STATUS RESULT RESERVE DATA… CS 10 03 [CRC-lo CRC-hi]
    device -> host   06 (ACK: taken)  15 (NAK: bad CS or gap, forgotten)  16 (SYN: busy)  05 (ENQ: next block)

A 10h between the two pairs travels doubled; CS makes the sum of NUM … CS a multiple of 256, doubled copies not
counted. The optional CRC-16/KERMIT covers NUM … CS and the 03. What a bad cable does to it: a flipped bit breaks CS, a
lost byte leaves a 10h with a stranger behind it, a burst leaves half a frame before the next 10 02, an echo returns our
own request (too short, or with our parameters where STATUS belongs), a stale frame carries a former NUM.
"""

from __future__ import annotations

from dataclasses import dataclass

DLE, STX, ETX = 0x10, 0x02, 0x03
ENQ, ACK, NAK, SYN = 0x05, 0x06, 0x15, 0x16
MAX_FRAME = 1200
"""Un-doubled bytes of a reply at most: more is noise that never ends. The longest documented is far shorter."""
_HEAD = 5
"""NUM, CODE, STATUS, RESULT, RESERVE."""


@dataclass(frozen=True)
class Reply:
    """A whole, checked reply."""

    num: int
    code: int
    status: int
    result: int
    reserve: int
    data: bytes


@dataclass(frozen=True)
class Ack:
    """The device took the packet."""


@dataclass(frozen=True)
class Nak:
    """The device refused the packet's form and forgot it."""


@dataclass(frozen=True)
class Syn:
    """The device is working: on this packet after ACK, else on the one before."""


@dataclass(frozen=True)
class Broken:
    """Bytes that begin like a frame and are none."""

    why: str


Event = Reply | Ack | Nak | Syn | Broken
_SIGNALS: dict[int, Event] = {ACK: Ack(), NAK: Nak(), SYN: Syn()}


def request(num: int, code: int, parameters: bytes = b"", *, checked: bool = False) -> bytes:
    """One request frame, with the CRC where `checked`. Raises ValueError when a field is no byte."""
    if not 0 <= num <= 0xFF or not 0 <= code <= 0xFF:
        raise ValueError("NUM and CODE are single bytes")
    body = bytes((num, code)) + parameters
    body += bytes((checksum(body),))
    packet = bytes((DLE, STX)) + body.replace(b"\x10", b"\x10\x10") + bytes((DLE, ETX))
    return packet + crc16(body + bytes((ETX,))).to_bytes(2, "little") if checked else packet


def checksum(body: bytes) -> int:
    """CS of the bytes from NUM on."""
    return -sum(body) & 0xFF


def crc16(data: bytes) -> int:
    """CRC-16/KERMIT."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value


class Parser:
    """Bytes in, events out; keeps an unfinished frame until the rest comes.

    Newer firmware sends a CRC after every reply (§2): the two bytes behind a frame are passed over when they are that
    CRC in either order, and read as signals otherwise. CS has proven the frame already.
    """

    def __init__(self) -> None:
        self._body: bytearray | None = None
        self._escaped = False
        self._tail = b""
        self._held = b""

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and is not whole yet."""
        return self._body is not None

    def reset(self) -> None:
        """Forget half a frame. A CRC that is still on its way is waited for all the same."""
        self._body = None
        self._escaped = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for byte in data:
            if self._tail:
                self._after_frame(byte, events)
            else:
                self._take(byte, events)
        return events

    def _after_frame(self, byte: int, events: list[Event]) -> None:
        held = self._held + bytes((byte,))
        if held in (self._tail, self._tail[::-1]):
            self._tail = self._held = b""
        elif len(held) == 1 and byte in self._tail:
            self._held = held
        else:
            self._tail = self._held = b""
            for again in held:
                self._take(again, events)

    def _take(self, byte: int, events: list[Event]) -> None:
        if self._body is None:
            if self._escaped and byte == STX:
                self._body = bytearray()
            elif byte in _SIGNALS:
                events.append(_SIGNALS[byte])
            self._escaped = byte == DLE
        elif not self._escaped:
            if byte == DLE:
                self._escaped = True
            else:
                self._add(byte, events)
        else:
            self._escaped = False
            if byte == DLE:
                self._add(byte, events)
            elif byte == ETX:
                body, self._body = bytes(self._body), None
                events.append(self._whole(body))
            elif byte == STX:
                self._body = bytearray()
                events.append(Broken("a frame began inside another"))
            else:
                self._body = None
                events.append(Broken("a single 10h inside a frame"))

    def _add(self, byte: int, events: list[Event]) -> None:
        assert self._body is not None
        self._body.append(byte)
        if len(self._body) > MAX_FRAME:
            self._body = None
            events.append(Broken("a frame without an end"))

    def _whole(self, body: bytes) -> Event:
        if sum(body) & 0xFF:
            return Broken("CS does not match")
        if len(body) <= _HEAD:
            return Broken("too short for a reply: an echo of a request")
        self._tail = crc16(body + bytes((ETX,))).to_bytes(2, "little")
        num, code, status, result, reserve = body[:_HEAD]
        return Reply(num, code, status, result, reserve, body[_HEAD:-1])
