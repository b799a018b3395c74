"""Command 53: what the modem tells and does (ikc.md §5).

request  2 programming password, 2 length, tag, parameters      data  1 result, 2 length, data

Decisions where the page is silent: what is not there (a packet, a block, a tag) is result 1; a tag whose parameters
have a wrong length too; the struct of tag 4 has its members in the page's order: 6 BCD bytes DDMMYYhhmmss of the first
unsent packet (zeros: none), 4 last written, 4 last signed, 4 last sent, 4 ID_DEV, 4 ID_SAM, 1 result of the acquirer's
session; a packet's text is PC866, filled up with zeros to whole blocks of 128 bytes.
"""

from __future__ import annotations

from datetime import datetime

from drivers.ikc.emulator.fields import LENGTH, Reader, Refused, day_bytes, encode, numbers, packed
from drivers.ikc.emulator.memory import PROGRAMMING
from drivers.ikc.emulator.printer import Printer

OK, ABSENT, NOT_NOW, TIMEOUT = 0, 1, 251, 254
BLOCK = 128
ID_DEV, ID_SAM = 411_123_233, 1_050_451


def modem(printer: Printer, params: Reader) -> bytes:
    printer.need_password(PROGRAMMING, params.number(2))
    length = params.number(2)
    if length != params.left or length == 0:
        raise Refused(LENGTH)
    tag = params.number(1)
    result, data = _act(printer, tag, params.raw(length - 1))
    return bytes([result]) + len(data).to_bytes(2, "little") + data


def _act(printer: Printer, tag: int, data: bytes) -> tuple[int, bytes]:
    size = {1: 0, 2: 0, 3: 6, 4: 0, 5: 0, 8: 0, 9: 5}.get(tag)
    if tag == 10:  # a task for the maker's service; this modem has nothing to do
        return OK, b""
    if size is None or size != len(data):
        return ABSENT, b""
    memory = printer.memory
    if tag in (1, 2):
        if tag == 1 and (memory.receipt is not None or memory.report is not None):
            return NOT_NOW, b""
        printer.transmit()
        return (OK if memory.books.link else TIMEOUT), b""
    if tag == 3:
        return _block(printer, int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little"))
    if tag == 4:
        return OK, _state(printer)
    if tag == 5:
        link = "ЗВ'ЯЗОК Є" if memory.books.link else "НЕМАЄ ЗВ'ЯЗКУ"
        return OK, encode(f"{link}, НЕ ПЕРЕДАНО {memory.packet - memory.sent}")
    if tag == 9:
        return _find(printer, data)
    return OK, b""


def _block(printer: Printer, number: int, block: int) -> tuple[int, bytes]:
    lines = printer.memory.copies.get(str(number))
    content = b"" if lines is None else encode("\r\n".join(lines))
    part = content[block * BLOCK : (block + 1) * BLOCK]
    return (OK, part.ljust(BLOCK, b"\0")) if part else (ABSENT, b"")


def _find(printer: Printer, data: bytes) -> tuple[int, bytes]:
    """By Z (0: the current shift), type (1 sale, 2 payout) and the receipt's number among its type since Z."""
    shift = int.from_bytes(data[:2], "little") or printer.books.z_number + 1
    key = f"{shift}:{data[2]}:{int.from_bytes(data[3:], 'little')}"
    number = printer.memory.found.get(key)
    return (ABSENT, b"") if number is None else (OK, numbers(4, number))


def _state(printer: Printer) -> bytes:
    memory = printer.memory
    since = memory.books.waiting_since
    at = datetime.fromisoformat(since) if since else None
    first = bytes(6) if at is None else day_bytes(at) + packed(at.hour, at.minute, at.second)
    result = OK if memory.books.link else TIMEOUT
    return first + numbers(4, memory.packet, memory.signed, memory.sent, ID_DEV, ID_SAM) + bytes([result])
