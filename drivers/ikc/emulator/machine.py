"""The whole virtual device: packets, dialogue, repeated NUM, STATUS and RESERVE, faults, power (ikc.md §2-4, §8).

Options: serial, fiscal_number, clock (Kyiv time), cash (kopecks in the drawer), unfiscalised=1, unpersonalised=1,
near_end=1, link=0, firmware (ЕП-09; ЕП-11 adds the CRC to every reply), capacity (articles), jumper=1 (command 2 works
on a fiscal unit), x_when_expired=1 (X report and cash in drawer after 24 hours too), print_ms (how long paper takes,
with SYN every 200 ms), gap_ms (a longer silence inside a packet is NAKed; 40 on paper, off unless asked for, because a
pty and a busy host stretch the gaps).

Decisions where the page is silent: STATUS bit 5 waits until an open receipt is finished; a printer that stops before
anything was done answers RESULT 1 or 2 without RESERVE bit 1, and the command must be repeated; one that stops after it
answers with bit 1 and without data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from drivers.emulation.books import Books
from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.machine import Action, Deaf, Send, Work
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.mishaps import cut, hang, strike
from drivers.ikc.emulator.commands import ALWAYS, COMMANDS, QR, allowed, blocks_due
from drivers.ikc.emulator.fields import Reader, Refused
from drivers.ikc.emulator.memory import Article, Memory
from drivers.ikc.emulator.packets import ACK, ENQ, NAK, SYN, Garbled, Inbox, Packet, answer
from drivers.ikc.emulator.printer import Printer

OPTIONS = (
    "serial", "fiscal_number", "clock", "cash", "unfiscalised", "unpersonalised", "near_end", "link", "firmware",
    "capacity", "jumper", "x_when_expired", "print_ms", "gap_ms",
)  # fmt: skip
LINE = ("baud", "realtime", "delay_ms", "chunk", "seed")
SYN_EVERY = 0.2
BLOCK = 64
BLOCK_PATIENCE = 3.0
"""Seconds of silence after which the device no longer waits for a block."""
STOPS = {"F9": 2, "F10": 1, "F19": 8, "F23": 4}
"""Faults that stop a command in its middle, and their RESULT."""
_NAMING = (8, 18, 34)
"""Commands whose last field is an article's code."""
FIRMWARES = ("ЕП-09", "ЕП-11")


def build(
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> IkcMachine:
    """A device from its options. Raises ValueError for an unknown option or a bad value."""
    if strange := sorted(set(options) - set(OPTIONS) - set(LINE)):
        raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join((*OPTIONS, *LINE))}")
    firmware = options.get("firmware", FIRMWARES[0])
    if firmware not in FIRMWARES:
        raise ValueError(f"firmware is one of {', '.join(FIRMWARES)}, not {firmware!r}")
    saved = state.load()
    memory = Memory() if saved is None else Memory.restore(saved)
    if saved is None:
        _furnish(memory, options, wall)
        state.save(memory.dump())
    printer = Printer(
        memory,
        tape,
        wall,
        capacity=int(options.get("capacity", "10000")),
        jumper=options.get("jumper", "0") == "1",
        firmware=firmware,
    )
    return IkcMachine(printer, state, plan, options)


def _furnish(memory: Memory, options: Mapping[str, str], wall: Callable[[], datetime]) -> None:
    books = memory.books
    books.serial = options.get("serial", books.serial)
    books.fiscal_number = options.get("fiscal_number", books.fiscal_number)
    memory.fiscalised = options.get("unfiscalised", "0") != "1"
    books.personalised = options.get("unpersonalised", "0") != "1"
    books.near_end = options.get("near_end", "0") == "1"
    books.link = options.get("link", "1") == "1"
    books.drawer = books.day.opening = int(options.get("cash", "0"))
    if "clock" in options:
        start = datetime.fromisoformat(options["clock"]).replace(tzinfo=ZoneInfo("Europe/Kyiv"))
        books.clock_offset = (start - wall()).total_seconds()


class IkcMachine:
    """Packets, memory and mains of one device."""

    def __init__(self, printer: Printer, state: StateFile, plan: FaultPlan, options: Mapping[str, str]) -> None:
        self.printer = printer
        self.plan = plan
        self._state = state
        self._baud = int(options.get("baud", "9600"))
        self._always_crc = printer.firmware == "ЕП-11"
        self._x_when_expired = options.get("x_when_expired", "0") == "1"
        self._print_time = int(options.get("print_ms", "0")) / 1000
        self._gap = int(options.get("gap_ms", "0")) / 1000
        self._inbox = Inbox()
        self._heard = 0.0
        self._last: tuple[int, int, bytes] | None = None
        self._packet = Packet(0, 0, b"")
        self._due: tuple[Packet, int, bytes] | None = None
        self._block = b""
        self._passwords = list(printer.memory.passwords)
        self._shelf: dict[str, Memory] = {}

    # -- line -----------------------------------------------------------------------------------------------------

    def line_matches(self, speed: int, parity: str, stop_bits: int) -> bool:
        return (speed, parity, stop_bits) == (self._baud, "N", 1)

    def receive(self, data: bytes) -> Iterator[Action]:
        now = time.monotonic()
        silence, self._heard = now - self._heard, now
        if self._gap and self._inbox.inside and silence > self._gap:
            self._inbox.clear()
            yield Send(NAK)
        if self._due is not None and silence > BLOCK_PATIENCE:
            self._due = None
        if self._due is not None:
            yield from self._take_block(data)
            return
        for packet in self._inbox.take(data):
            if isinstance(packet, Garbled):
                yield Send(NAK)
            elif self._last is not None and (packet.num, packet.code) == self._last[:2]:
                yield Send(ACK)
                yield Send(self._last[2])
            elif packet.code == QR and (size := blocks_due(packet.params)):
                yield Send(ACK)
                self._due, self._block = (packet, size, b""), b""
                yield Send(ENQ)
            else:
                yield from self._handle(packet)

    def _take_block(self, data: bytes) -> Iterator[Action]:
        """Blocks of 64 bytes and the byte that makes their sum 0, the last one filled up (§3.5)."""
        assert self._due is not None
        packet, size, content = self._due
        self._block += data
        if len(self._block) <= BLOCK:
            return
        block, self._block = self._block[: BLOCK + 1], b""
        if sum(block) & 0xFF:
            yield Send(NAK)
            return
        content += block[:-1]
        if len(content) < size:
            self._due = (packet, size, content)
            yield Send(ACK)
            yield Send(ENQ)
            return
        self._due = None
        whole = Packet(packet.num, packet.code, packet.params + content[:size], packet.crc)
        yield from self._handle(whole)

    def _handle(self, packet: Packet) -> Iterator[Action]:
        self._packet = packet
        faults = {fault.id: fault for fault in self.plan.take(str(packet.code))}
        if "F1" in faults:
            return
        if "F4" in faults:
            yield Send(NAK)
            return
        if "F20" in faults:
            yield Send(b"AT\r\r\nERROR\r\n")
        if "F7" in faults:
            yield Send(self._wire(Packet((packet.num + 40) & 0xFF, packet.code, b""), 0, 0, b"\x2a\0\0\0"))
        yield Send(ACK)
        yield from strike(self, faults, before=True)
        if cut(faults, before=True):
            return
        stopped = next((result for fault, result in STOPS.items() if fault in faults), 0)
        reply = self._answer(packet, faults, stopped)
        self._last = (packet.num, packet.code, reply)
        yield from strike(self, faults, before=False)
        if cut(faults, before=False):
            return
        if stopped and any(not faults[fault].before for fault in STOPS if fault in faults):
            reply = self._wire(packet, self._status(), stopped, b"")
            self._last = (packet.num, packet.code, reply)
        if "F2" in faults:
            return
        if (stuck := faults.get("F6")) is not None:
            yield from hang(stuck, SYN, SYN_EVERY)
            return
        slow = faults["F5"].seconds if "F5" in faults else 0.0
        command = COMMANDS.get(packet.code)
        slow += self._print_time if command is not None and command.prints else 0.0
        if slow:
            yield Work(slow, SYN, SYN_EVERY)
            # A packet that came meanwhile was answered with SYN and is to be sent again.
            yield Deaf()
        if "F3" in faults:
            end = len(reply) - (5 if packet.crc or self._always_crc else 3)
            yield Send(reply[:end] + bytes([reply[end] ^ 1]) + reply[end + 1 :])
            return
        if "F22" in faults:
            reply = self._wire(Packet(packet.num, 1, b"", packet.crc), 0, 0, b"\x01\x01\x20")
            self._last = (packet.num, packet.code, reply)
        yield Send(reply)

    # -- execution ------------------------------------------------------------------------------------------------

    def _answer(self, packet: Packet, faults: Mapping[str, Fault], stopped: int) -> bytes:
        command = COMMANDS.get(packet.code)
        status = self._status()
        if command is None:
            return self._wire(packet, status | 0x80, 0, b"")
        before = any(faults[fault].before for fault in STOPS if fault in faults)
        if before and packet.code not in ALWAYS:
            return self._wire(packet, status, stopped, b"")
        if not allowed(packet.code, status, x_when_expired=self._x_when_expired):
            return self._wire(packet, status, 0, b"")
        self.printer.books.transmit(self.printer.now())
        self.printer.holding = bool(stopped) and not before
        result, data = 0, b""
        try:
            data = command.run(self.printer, Reader(packet.params))
        except Refused as refusal:
            result = refusal.result
        finally:
            self.printer.holding = False
        if not command.reads:
            self._save()
        # What an executed command itself brought about (the end of a shift that waited for its receipt) or cured (Z)
        # is not in its own reply: STATUS without RESULT would say that it was not executed.
        return self._wire(packet, status & self._status(), result, data)

    def _wire(self, packet: Packet, status: int, result: int, data: bytes) -> bytes:
        state = bytes([status, result, self._reserve()])
        return answer(packet.num, packet.code, state, data, with_crc=packet.crc or self._always_crc)

    def _status(self) -> int:
        printer, books = self.printer, self.printer.books
        expired = printer.memory.receipt is None and books.shift_expired(printer.now())
        return (
            0x01 * (not books.paper or books.cover)
            | 0x04 * (books.fm_full or books.hardware)
            | 0x08 * books.clock_behind(printer.now())
            | 0x20 * expired
        )

    def _reserve(self) -> int:
        printer, memory, books = self.printer, self.printer.memory, self.printer.books
        receipt = memory.receipt
        return (
            0x01 * (memory.report is not None)
            | 0x02 * bool(memory.unprinted)
            | 0x04 * (not books.paper)
            | 0x08 * (receipt is not None and receipt.refund)
            | 0x10 * memory.fiscalised
            | 0x20 * printer.shift_open
            | 0x40 * (receipt is not None)
            | 0x80 * (not books.personalised)
        )

    # -- the world ------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Last NUM, login and half a packet are lost; the books and the unpaid receipt stay."""
        self._inbox.clear()
        self._last = self._due = None
        saved = self._state.load()
        if saved is not None:
            self.printer.memory = Memory.restore(saved)
        self.printer.cashier = None
        self.printer.display[:] = ["", ""]

    def power_on(self) -> None:
        if self.printer.memory.receipt is not None:
            self.printer.tape.print(["*** ПАДІННЯ НАПРУГИ ***"])
        self._go_on()

    def _go_on(self) -> None:
        self.printer.finish_printing()
        self._save()

    def later(self, what: str) -> None:
        if what == "paper":
            self.set_paper(True)
        elif what == "cover":
            self.set_cover(False)
        elif what == "link":
            self.set_link(True)
        elif what == "password":
            self.printer.memory.passwords = list(self._passwords)
            self._save()
        elif what == "heal":
            self.printer.books.heal()
            self.printer.memory.passwords = list(self._passwords)
            self.set_link(True)
            self._save()
            self._go_on()

    def afflict(self, fault: str) -> None:
        memory, books = self.printer.memory, self.printer.books
        if fault == "F14":
            books.fall_silent(self.printer.now())
        elif fault == "F16":
            self._take_article()
        elif fault == "F17":
            self._passwords = list(memory.passwords)
            memory.passwords = [value ^ 9999 for value in memory.passwords]
        elif fault == "F18":
            books.drawer = 0
        elif fault == "F19":
            books.fm_full = True
        elif fault == "F23":
            books.hardware = True
        self._save()

    def _take_article(self) -> None:
        """Somebody else's article, already sold, sits under the code that is asked about, or under every code."""
        articles = self.printer.memory.articles
        codes = list(articles)
        if self._packet.code in _NAMING:
            codes = [str(int.from_bytes(self._packet.params[-6:], "little"))]
        for code in codes:
            tax = 1 if code not in articles or articles[code].tax == 0 else 0
            articles[code] = Article("ЧУЖИЙ АРТИКУЛ", 100, tax, touched=True, quantity=1000, sold=100)

    def set_serial(self, serial: str) -> None:
        """Another unit; the one that was unplugged keeps its memory on the shelf."""
        former = self.printer.memory
        self._shelf[former.books.serial] = former
        stranger = Memory(books=Books(serial=serial, fiscal_number="3000099999"))
        self.printer.memory = self._shelf.pop(serial, stranger)
        self._save()
        self.power_off()

    def set_paper(self, present: bool) -> None:
        self.printer.books.paper = present
        self._go_on()

    def set_cover(self, opened: bool) -> None:
        self.printer.books.cover = opened
        self._go_on()

    def set_link(self, up: bool) -> None:
        self.printer.books.link = up
        self.printer.transmit()
        self._save()

    def advance_clock(self, seconds: float) -> None:
        self.printer.books.clock_offset += seconds
        self._save()

    def registers(self) -> dict[str, Any]:
        memory = self.printer.memory
        return memory.books.registers(
            last_document=memory.packet,
            open_receipt=memory.receipt is not None,
            articles=len(memory.articles),
            display=list(self.printer.display),
        )

    def _save(self) -> None:
        if self._state.kept:
            self._state.save(self.printer.memory.dump())
