"""The Datecs packet (datecs-fp3530t.md §2), pure functions over bytes.

    host -> printer   01 LEN SEQ CMD DATA…                        05 BCC4 03
    printer -> host   01 LEN SEQ CMD DATA… 04 ST0 ST1 ST2 ST3 ST4 ST5 05 BCC4 03
    printer -> host   15 (NAK: bad packet, send it again)   16 (SYN: working, wait)

LEN is 20h plus the count of bytes from LEN to 05; BCC is the 16-bit sum of the same bytes as four nibbles + 30h.
What a bad cable does to it: a lost byte shifts LEN against 05, a flipped bit breaks BCC, a burst leaves half a frame
before the next 01, an echo returns our own request (no 04 and no status), a stale frame carries a former SEQ.
"""

from __future__ import annotations

from dataclasses import dataclass

PREAMBLE, SEPARATOR, POSTAMBLE, TERMINATOR = 0x01, 0x04, 0x05, 0x03
NAK, SYN, ESCAPE = 0x15, 0x16, 0x10
SEQ_FIRST, SEQ_LAST = 0x20, 0x7F
MAX_DATA = 218
STATUS_LENGTH = 6
_PLAIN = (0x09, 0x0A)


@dataclass(frozen=True)
class Reply:
    """A whole, checked reply."""

    seq: int
    command: int
    data: bytes
    status: bytes


@dataclass(frozen=True)
class Nak:
    """The printer refused the packet's form; nothing was executed."""


@dataclass(frozen=True)
class Syn:
    """The printer is working on the command."""


@dataclass(frozen=True)
class Broken:
    """Bytes that begin like a frame and are none."""

    why: str


Event = Reply | Nak | Syn | Broken


def request(
    seq: int, command: int, data: bytes = b"", *, last_command: int = SEQ_LAST, max_data: int = MAX_DATA
) -> bytes:
    """One request frame. Raises ValueError when a field is out of range or the data are too long.

    The Krypton dialect takes commands up to FFh and one data byte more (datecs-krypton.md §2).
    """
    if not SEQ_FIRST <= seq <= SEQ_LAST or not 0x20 <= command <= last_command:
        raise ValueError(f"SEQ is 20h…7Fh and CMD 20h…{last_command:X}h")
    payload = escape(data)
    if len(payload) > max_data:
        raise ValueError(f"{len(payload)} data bytes, at most {max_data}")
    body = bytes((0x20 + 4 + len(payload), seq, command)) + payload + bytes((POSTAMBLE,))
    return bytes((PREAMBLE,)) + body + checksum(body) + bytes((TERMINATOR,))


def checksum(body: bytes) -> bytes:
    """BCC: the 16-bit sum of `body` as four characters '0'…'?'."""
    total = sum(body) & 0xFFFF
    return bytes(0x30 + (total >> shift & 0xF) for shift in (12, 8, 4, 0))


def escape(data: bytes) -> bytes:
    """Control bytes other than TAB and LF travel as 10h, byte + 40h."""
    return b"".join(
        bytes((ESCAPE, byte + 0x40)) if byte < 0x20 and byte not in _PLAIN else bytes((byte,)) for byte in data
    )


def unescape(data: bytes) -> bytes:
    """The reverse of `escape`."""
    result = bytearray()
    position = 0
    while position < len(data):
        byte = data[position]
        if byte == ESCAPE and position + 1 < len(data):
            position += 1
            byte = data[position] - 0x40 & 0xFF
        result.append(byte)
        position += 1
    return bytes(result)


class Parser:
    """Bytes in, events out; keeps an unfinished frame until the rest comes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and is not whole yet."""
        return bool(self._buffer)

    def reset(self) -> None:
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Event]:
        self._buffer += data
        events: list[Event] = []
        while self._buffer:
            first = self._buffer[0]
            if first == PREAMBLE:
                event = self._frame()
                if event is None:
                    break
                events.append(event)
                continue
            del self._buffer[0]
            if first == NAK:
                events.append(Nak())
            elif first == SYN:
                events.append(Syn())
        return events

    def _frame(self) -> Event | None:
        """The frame at the start of the buffer, or None while it is incomplete."""
        if len(self._buffer) < 2:
            return None
        length = self._buffer[1] - 0x20
        if length < 4:
            return self._drop("LEN is out of range")
        if len(self._buffer) < length + 6:
            return None
        body = bytes(self._buffer[1 : 1 + length])
        tail = bytes(self._buffer[1 + length : 6 + length])
        if body[-1] != POSTAMBLE or tail[4] != TERMINATOR:
            return self._drop("no 05 or 03 where LEN says")
        if tail[:4] != checksum(body):
            return self._drop("BCC does not match")
        if length < 4 + STATUS_LENGTH + 1 or body[-2 - STATUS_LENGTH] != SEPARATOR:
            return self._drop("no status: an echo of a request")
        del self._buffer[: length + 6]
        return Reply(body[1], body[2], unescape(body[3 : -2 - STATUS_LENGTH]), body[-1 - STATUS_LENGTH : -1])

    def _drop(self, why: str) -> Broken:
        del self._buffer[0]
        return Broken(why)
