"""The Maria frame (maria.md §2), pure functions over bytes.

    both directions   FD payload LEN FE [CRClo CRChi]

LEN is the payload's length + 1 and comes after the payload. Payload bytes are 00h…FCh; the CRC (KERMIT over FD…FE) is
there when `CSIN1` switched it on. What a bad cable does to it: a lost byte breaks LEN, a lost FE joins two frames
(an FD inside shows it), a flipped bit breaks parity or the CRC; bytes between frames are noise, or a CRC nobody checks.
"""

from __future__ import annotations

from dataclasses import dataclass

START, END = 0xFD, 0xFE
MIN_PAYLOAD, MIN_ANSWER, MAX_PAYLOAD = 4, 3, 252
TUNE = b"U"
"""One of the two bytes 55h that tune the device's speed (§1)."""
RESYNC = bytes((START, START, END, END, END, END))
"""Ends any half-received frame; the device answers SOFTBLOCK or READY (§3)."""


@dataclass(frozen=True)
class Frame:
    """A whole, checked frame."""

    payload: bytes


@dataclass(frozen=True)
class Broken:
    """Bytes that begin like a frame and are none."""

    why: str


Event = Frame | Broken


def crc(data: bytes) -> bytes:
    """CRC-16/KERMIT, low byte first; the CRC of data with their own CRC is 0."""
    value = 0
    for byte in data:
        value ^= byte
        low = (value ^ value << 4) & 0xFF
        value = (value >> 8 ^ low << 8 ^ low << 3 ^ low >> 4) & 0xFFFF
    return bytes((value & 0xFF, value >> 8))


def frame(payload: bytes, *, checked: bool = False) -> bytes:
    """One frame to the device. Raises ValueError when the payload is too short, too long or holds FDh…FFh."""
    if not MIN_PAYLOAD <= len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"{len(payload)} payload bytes, allowed {MIN_PAYLOAD}…{MAX_PAYLOAD}")
    if max(payload) >= START:
        raise ValueError("payload bytes are 00h…FCh")
    body = bytes((START,)) + payload + bytes((len(payload) + 1, END))
    return body + crc(body) if checked else body


class Parser:
    """Bytes in, events out. `checked`: every frame must carry its CRC; otherwise bytes after FE are passed over."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.checked = False

    def reset(self) -> None:
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Event]:
        self._buffer += data
        events: list[Event] = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        start = self._buffer.find(START)
        if start < 0:
            self._buffer.clear()
            return None
        del self._buffer[:start]
        for position in range(1, len(self._buffer)):
            byte = self._buffer[position]
            if byte == START and position != MAX_PAYLOAD + 1:  # there it is the LEN of the longest payload
                return self._drop(position, "FD inside a frame")
            if byte == END:
                return self._whole(position)
            if position > MAX_PAYLOAD + 1:
                return self._drop(position, "no FE where a frame must end")
        return None

    def _whole(self, end: int) -> Event | None:
        size = end + 1 + (2 if self.checked else 0)
        if len(self._buffer) < size:
            return None
        whole = bytes(self._buffer[:size])
        payload = whole[1 : end - 1]
        if len(payload) < MIN_ANSWER or whole[end - 1] != len(payload) + 1:
            return self._drop(end + 1, "LEN does not match")
        if self.checked and any(crc(whole)):
            return self._drop(end + 1, "CRC does not match")
        del self._buffer[:size]
        return Frame(payload)

    def _drop(self, count: int, why: str) -> Broken:
        del self._buffer[:count]
        return Broken(why)
