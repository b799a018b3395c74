"""The whole virtual device: packets, duplicate SEQ, password, status, faults, power (datecs-krypton.md §2-3, §8).

Options: serial, fiscal_number, clock (Kyiv time), cash (kopecks in the drawer), unfiscalised=1, near_end=1, link=0,
password, model (FP-T88; FP-3141T counts E2;3 one ahead), forms (names of the ten payment forms, by comma: the first
letters decide which is cash and card), capacity, midnight=1 (0405 on the next date), z_when_silent=0 (no Z after
72 hours), keep_receipt=0 (an open receipt does not survive the mains), print_ms (how long ST1.6 stays).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from drivers.emulation.books import Books
from drivers.emulation.faults import FaultPlan
from drivers.emulation.machine import Action, Send, Work
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.mishaps import cut, hang, strike
from drivers.krypton.emulator.commands import COMMANDS
from drivers.krypton.emulator.fields import Fields
from drivers.krypton.emulator.memory import Article, Form, Memory
from drivers.krypton.emulator.packets import NAK, SYN, Garbled, Inbox, Packet, answer
from drivers.krypton.emulator.printer import Printer, Refused

OPTIONS = (
    "serial", "fiscal_number", "clock", "cash", "unfiscalised", "near_end", "link", "password", "model", "forms",
    "capacity", "midnight", "z_when_silent", "keep_receipt", "print_ms",
)  # fmt: skip
LINE = ("baud", "realtime", "delay_ms", "chunk", "seed")
FORMS = ("Готівка", "КАРТКА", "КРЕДИТ", "ЧЕК")
KINDS = {"готівка": "cash", "картка": "card", "кредит": "credit", "чек": "cheque"}
FORMS_COUNT = 10
SYN_EVERY = 0.06
CLOCK = 0x21
_NAMING = (0x24, 0x25, 0x64)
"""Commands whose first field is an article's code."""


def build(
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> KryptonMachine:
    """A device from its options. Raises ValueError for an unknown option or a bad value."""
    if strange := sorted(set(options) - set(OPTIONS) - set(LINE)):
        raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join((*OPTIONS, *LINE))}")
    saved = state.load()
    memory = Memory() if saved is None else Memory.restore(saved)
    if saved is None:
        _furnish(memory, options, wall)
        state.save(memory.dump())
    model = options.get("model", "FP-T88")
    printer = Printer(
        memory,
        tape,
        wall,
        capacity=int(options.get("capacity", "18182")),
        model=model,
        next_number=model.startswith("FP-3141"),
        midnight=options.get("midnight", "0") == "1",
        z_when_silent=options.get("z_when_silent", "1") == "1",
    )
    return KryptonMachine(
        printer,
        state,
        plan,
        baud=int(options.get("baud", "115200")),
        keep_receipt=options.get("keep_receipt", "1") == "1",
        print_time=int(options.get("print_ms", "0")) / 1000,
    )


def _furnish(memory: Memory, options: Mapping[str, str], wall: Callable[[], datetime]) -> None:
    books = memory.books
    books.serial = options.get("serial", books.serial)
    books.fiscal_number = options.get("fiscal_number", books.fiscal_number)
    books.personalised = options.get("unfiscalised", "0") != "1"
    books.near_end = options.get("near_end", "0") == "1"
    books.link = options.get("link", "1") == "1"
    books.drawer = books.day.opening = int(options.get("cash", "0"))
    if "clock" in options:
        start = datetime.fromisoformat(options["clock"]).replace(tzinfo=ZoneInfo("Europe/Kyiv"))
        books.clock_offset = (start - wall()).total_seconds()
    memory.password = options.get("password", memory.password)
    names = options["forms"].split(",") if "forms" in options else list(FORMS)
    if len(names) > FORMS_COUNT:
        raise ValueError(f"a device has {FORMS_COUNT} payment forms, not {len(names)}")
    names += [""] * (FORMS_COUNT - len(names))
    memory.forms = [_form(name, number) for number, name in enumerate(names)]


def _form(name: str, number: int) -> Form:
    kind = KINDS.get(name.casefold(), f"form{number}")
    return Form(0x83 if kind == "cash" else 0x03 if name else 0x00, name, kind)


class KryptonMachine:
    """Packets, memory and mains of one device."""

    def __init__(
        self, printer: Printer, state: StateFile, plan: FaultPlan, *, baud: int, keep_receipt: bool, print_time: float
    ) -> None:
        self.printer = printer
        self.plan = plan
        self._state = state
        self._baud = baud
        self._keep_receipt = keep_receipt
        self._print_time = print_time
        self._printing_until = 0.0
        self._inbox = Inbox()
        self._last: tuple[int, bytes] | None = None
        self._packet = Packet(0x20, 0x28, b"")
        self._password = printer.memory.password
        self._shelf: dict[str, Memory] = {}

    # -- line -----------------------------------------------------------------------------------------------------

    def line_matches(self, speed: int, parity: str, stop_bits: int) -> bool:
        return (speed, parity, stop_bits) == (self._baud, "N", 1)

    def receive(self, data: bytes) -> Iterator[Action]:
        for packet in self._inbox.take(data):
            if isinstance(packet, Garbled):
                yield Send(NAK)
            elif self._last is not None and packet.seq == self._last[0]:
                yield Send(self._last[1])
            else:
                yield from self._handle(packet)

    def _handle(self, packet: Packet) -> Iterator[Action]:
        self._packet = packet
        faults = {fault.id: fault for fault in self.plan.take(f"{packet.cmd:02X}")}
        if "F1" in faults:
            return
        if "F4" in faults:
            yield Send(NAK)
            return
        if "F20" in faults:
            yield Send(b"AT\r\r\nERROR\r\n")
        if "F7" in faults:
            other = 0x20 + (packet.seq - 0x20 + 40) % 0x60
            yield Send(answer(other, packet.cmd, b"0000;42;", self._status()))
        yield from strike(self, faults, before=True)
        if cut(faults, before=True):
            return
        body, prints = self._execute(packet)
        reply = answer(packet.seq, packet.cmd, body, self._status(printing=prints))
        self._last = (packet.seq, reply)
        yield from strike(self, faults, before=False)
        if cut(faults, before=False):
            return
        if {"F9", "F10", "F23"} & faults.keys():
            # The state changed while the answer was on its way: the status bytes tell.
            reply = answer(packet.seq, packet.cmd, body, self._status(printing=prints))
            self._last = (packet.seq, reply)
        if "F2" in faults:
            return
        if (stuck := faults.get("F6")) is not None:
            yield from hang(stuck, SYN, SYN_EVERY)
            return
        if (slow := faults.get("F5")) is not None:
            yield Work(slow.seconds, SYN, SYN_EVERY)
        if "F3" in faults:
            yield Send(reply[:-3] + bytes([reply[-3] ^ 1]) + reply[-2:])
            return
        if "F22" in faults:
            foreign = answer(packet.seq, CLOCK, b"0000;010120;0000;", self._status())
            self._last = (packet.seq, foreign)
            reply = foreign
        yield Send(reply)

    # -- execution ------------------------------------------------------------------------------------------------

    def _execute(self, packet: Packet) -> tuple[bytes, bool]:
        """Data of the reply, and whether it was printed."""
        memory = self.printer.memory
        memory.books.transmit(self.printer.now())
        command = COMMANDS.get(packet.cmd)
        fields: tuple[str, ...] = ()
        code, prints = "0000", False
        try:
            if command is None:
                raise Refused("0002")
            password, _, rest = packet.data.decode("cp1251", errors="replace").partition(";")
            if password != memory.password:
                raise Refused("0006")
            if memory.season and not command.reads:
                raise Refused("0D07")
            printed = len(self.printer.tape.lines)
            x_report = packet.cmd == 0xA1 and rest == "1;"
            fields = tuple(command.run(self.printer, Fields(rest)))
            # A Z report answers when its paper is out, everything else while it is being printed (captured).
            prints = command.prints or x_report or (packet.cmd == 0x6E and len(self.printer.tape.lines) > printed)
        except Refused as refusal:
            code = refusal.code
        if command is not None and not command.reads:
            self._save()
        if prints:
            self._printing_until = time.monotonic() + self._print_time
        return ";".join((code, *fields, "")).encode("cp1251", errors="replace"), prints

    def _status(self, *, printing: bool = False) -> bytes:
        memory = self.printer.memory
        books, receipt = memory.books, memory.receipt
        first = 0x10 if books.cover or not books.paper else 0
        first |= 0x40 if books.hardware else 0
        second = books.near_end | (0 if books.paper else 0x04) | (0x10 if books.cover else 0)
        second |= 0x40 if printing or time.monotonic() < self._printing_until else 0
        third = memory.state | (0x10 if receipt is not None and receipt.refund else 0)
        # ST4 is not documented; B3h is what a healthy personalised unit shows.
        fifth = 0x33 if books.personalised else 0x03
        return bytes(0x80 | value for value in (first, second, third, 0, fifth, 0))

    # -- the world ------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """The memory of the last SEQ and half a packet are lost; the books and, if so built, the receipt stay."""
        self._inbox.clear()
        self._last = None
        self._printing_until = 0.0
        saved = self._state.load()
        if saved is not None:
            self.printer.memory = Memory.restore(saved)
        self.printer.display[:] = ["", ""]

    def power_on(self) -> None:
        memory = self.printer.memory
        if memory.receipt is not None:
            self.printer.tape.print(["*** ПАДІННЯ НАПРУГИ ***"])
            if self._keep_receipt:
                self._printing_until = time.monotonic() + self._print_time
            else:
                self.printer.drop_receipt()
        if memory.slip is not None and not self._keep_receipt:
            memory.slip = None
        self._save()

    def later(self, what: str) -> None:
        if what == "paper":
            self.set_paper(True)
        elif what == "cover":
            self.set_cover(False)
        elif what == "link":
            self.set_link(True)
        elif what == "password":
            self.printer.memory.password = self._password
            self._save()
        elif what == "season":
            self.printer.memory.season = False
            self._save()
        elif what == "heal":
            self.printer.books.heal()
            self.printer.memory.season = False
            self.printer.memory.password = self._password
            self.set_link(True)
            self._save()

    def afflict(self, fault: str) -> None:
        memory, books = self.printer.memory, self.printer.memory.books
        if fault == "F14":
            books.fall_silent(self.printer.now())
        elif fault == "F16":
            self._take_article()
        elif fault == "F17":
            self._password = memory.password
            memory.password = "999999" if memory.password != "999999" else "111111"
        elif fault == "F18":
            books.drawer = 0
        elif fault == "F19":
            books.fm_full = True
        elif fault == "F23":
            books.hardware = True
        elif fault == "F24":
            memory.season = True
        self._save()

    def _take_article(self) -> None:
        """Somebody else's article, already sold, sits under the code that is asked about, or under every code."""
        memory = self.printer.memory
        codes = list(memory.articles)
        if self._packet.cmd in _NAMING and (parts := self._packet.data.decode("cp1251", "replace").split(";"))[1:]:
            codes = [parts[1].lstrip("0")] if parts[1].isdigit() else []
        for code in codes:
            old = memory.articles.get(code)
            index = old.index if old is not None else len(memory.articles) + 1
            tax = 1 if old is None or old.tax == 0 else 0
            memory.articles[code] = Article(index, "ЧУЖИЙ АРТИКУЛ", tax, 1, "шт", quantity=1000)

    def set_serial(self, serial: str) -> None:
        """Another unit; the one that was unplugged keeps its memory on the shelf."""
        former = self.printer.memory
        self._shelf[former.books.serial] = former
        stranger = Memory(books=Books(serial=serial, fiscal_number="3000099999"), forms=former.forms)
        self.printer.memory = self._shelf.pop(serial, stranger)
        self._save()
        self.power_off()

    def set_paper(self, present: bool) -> None:
        self.printer.books.paper = present
        self._save()

    def set_cover(self, opened: bool) -> None:
        self.printer.books.cover = opened
        self._save()

    def set_link(self, up: bool) -> None:
        self.printer.books.link = up
        self.printer.books.transmit(self.printer.now())
        self._save()

    def advance_clock(self, seconds: float) -> None:
        self.printer.books.clock_offset += seconds
        self._save()

    def registers(self) -> dict[str, Any]:
        memory = self.printer.memory
        return memory.books.registers(
            last_document=memory.last_number,
            open_receipt=memory.receipt is not None,
            articles=len(memory.articles),
            display=list(self.printer.display),
        )

    def _save(self) -> None:
        self._state.save(self.printer.memory.dump())
