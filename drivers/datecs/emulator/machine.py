"""The whole virtual printer: packets, duplicate SEQ, faults by plan, power (datecs-fp3530t.md §2, §8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from drivers.datecs.emulator.commands import COMMANDS
from drivers.datecs.emulator.dialect import ACCOUNTING_CODES, CLASSIC, EXELLIO, Dialect
from drivers.datecs.emulator.memory import LETTERS, Article, Memory
from drivers.datecs.emulator.packets import NAK, SYN, Garbled, Inbox, Packet, answer
from drivers.datecs.emulator.printer import SILENCE_LIMIT, CoverOpen, Forbidden, NoPaper, Overflowed, Printer, Syntax
from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.machine import Action, Later, PowerOff, Send, Unplug, Work
from drivers.emulation.memory import StateFile, Tape

OPTIONS = ("serial", "fiscal_number", "codepage", "clock", "cash", "capacity", "unfiscalised")
EXELLIO_OPTIONS = (*OPTIONS, "model", "near_end", "journal_out", "journal_near", "no_display", "link")
LINE = ("baud", "realtime", "delay_ms", "chunk", "seed")
SYN_EVERY = 0.06
ASKING = frozenset({62, 64, 65, 67, 68, 74, 76, 83, 90, 97, 99, 103, 110, 112, 113})
"""Commands that change nothing worth keeping."""
_TO_DOS = {value: value - 0x40 for value in range(0xC0, 0x100)} | {
    0xA8: 0x85, 0xAA: 0xC0, 0xAF: 0xC2, 0xB8: 0xA5, 0xBA: 0xC1, 0xBF: 0xC3, 0xB2: 0x49, 0xB3: 0x69,
}  # fmt: skip
_FROM_DOS = {
    **{value + 0x80: value + 0xC0 for value in range(0x40)},
    0xC0: 0xAA, 0xC2: 0xAF, 0xC1: 0xBA, 0xC3: 0xBF,
}  # fmt: skip


def build(
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DatecsMachine:
    """A printer from its options. Raises ValueError for an unknown option or a bad value."""
    return _build(CLASSIC, OPTIONS, options, state, tape, plan, wall)


def build_exellio(
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DatecsMachine:
    """An Exellio; `model` is FP-700 or, with accounting codes of nine digits, FP-2000. Raises ValueError."""
    model = options.get("model", "FP-700")
    if model not in ("FP-700", "FP-2000"):
        raise ValueError(f"model is FP-700 or FP-2000, not {model!r}")
    dialect = replace(EXELLIO, code_limit=ACCOUNTING_CODES) if model == "FP-2000" else EXELLIO
    return _build(dialect, EXELLIO_OPTIONS, options, state, tape, plan, wall)


def _build(
    dialect: Dialect,
    known: tuple[str, ...],
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime],
) -> DatecsMachine:
    if strange := sorted(set(options) - set(known) - set(LINE)):
        raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join((*known, *LINE))}")
    saved = state.load()
    memory = Memory() if saved is None else Memory.restore(saved)
    if saved is None:
        memory.serial = options.get("serial", memory.serial)
        memory.fiscal_number = options.get("fiscal_number", memory.fiscal_number)
        memory.drawer = int(options.get("cash", "0"))
        memory.fiscalised = options.get("unfiscalised", "0") != "1"
        memory.near_end = options.get("near_end", "0") == "1"
        memory.journal_out = options.get("journal_out", "0") == "1"
        memory.journal_near = options.get("journal_near", "0") == "1"
        memory.no_display = options.get("no_display", "0") == "1"
        memory.link = options.get("link", "1") == "1"
        if "clock" in options:
            start = datetime.fromisoformat(options["clock"]).replace(tzinfo=ZoneInfo("Europe/Kyiv"))
            memory.clock_offset = (start - wall()).total_seconds()
        state.save(memory.dump())
    codepage = options.get("codepage", "cp1251")
    if codepage not in ("cp1251", "datecs_dos"):
        raise ValueError(f"codepage is cp1251 or datecs_dos, not {codepage!r}")
    printer = Printer(memory, tape, wall, int(options.get("capacity", "11800")), dialect)
    return DatecsMachine(printer, state, plan, codepage=codepage, baud=int(options.get("baud", dialect.baud)))


class DatecsMachine:
    """Packets, memory and mains of one printer."""

    def __init__(self, printer: Printer, state: StateFile, plan: FaultPlan, *, codepage: str, baud: int) -> None:
        self.printer = printer
        self.plan = plan
        self._state = state
        self._codepage = codepage
        self._baud = baud
        self._inbox = Inbox()
        self._last: tuple[int, bytes] | None = None
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
        faults = {fault.id: fault for fault in self.plan.take(str(packet.cmd))}
        if "F1" in faults:
            return
        if "F4" in faults:
            yield Send(NAK)
            return
        if "F20" in faults:
            yield Send(b"AT\r\r\nERROR\r\n")
        if "F7" in faults:
            other = 0x20 + (packet.seq - 0x20 + 40) % 0x5F
            yield Send(answer(other, packet.cmd, b"00042", self._status()))
        yield from self._disasters(faults, before=True)
        if self._cut(faults, before=True):
            return
        reply = self._execute(packet)
        self._last = (packet.seq, reply)
        yield from self._disasters(faults, before=False)
        if self._cut(faults, before=False):
            return
        if {"F9", "F10", "F19", "F23"} & faults.keys():
            # The state changed while the answer was on its way: the status bytes tell.
            body = reply[4:-13]
            reply = answer(packet.seq, packet.cmd, body, self._status())
            self._last = (packet.seq, reply)
        if "F2" in faults:
            return
        if (stuck := faults.get("F6")) is not None:
            # Somebody pulls the plug after a while, or the printer hangs for ever.
            yield Work(float("inf") if stuck.restore_after is None else stuck.restore_after, SYN, SYN_EVERY)
            yield PowerOff(0.0)
            return
        if (slow := faults.get("F5")) is not None:
            yield Work(slow.seconds, SYN, SYN_EVERY)
        if "F3" in faults:
            yield Send(reply[:-3] + bytes([reply[-3] ^ 1]) + reply[-2:])
            return
        if "F22" in faults:
            yield Send(answer(packet.seq, 0x3E, b"01-01-20 00:00:00", self._status()))
            self._last = (packet.seq, answer(packet.seq, 0x3E, b"01-01-20 00:00:00", self._status()))
            return
        yield Send(reply)

    def _cut(self, faults: Mapping[str, Fault], *, before: bool) -> bool:
        """Whether mains or cable went on this side of the effect."""
        return any(name in faults and faults[name].before == before for name in ("F8", "F11", "F12"))

    def _disasters(self, faults: Mapping[str, Fault], *, before: bool) -> Iterator[Action]:
        for fault in faults.values():
            if fault.before != before:
                continue
            if fault.id == "F8":
                yield PowerOff(fault.restore_after)
            elif fault.id in ("F11", "F12"):
                yield Unplug(fault.restore_after, fault.serial)
            elif fault.id == "F9":
                self.set_paper(False)
                if fault.restore_after is not None:
                    yield Later(fault.restore_after, "paper")
            elif fault.id == "F10":
                self.set_cover(True)
                if fault.restore_after is not None:
                    yield Later(fault.restore_after, "cover")
            elif fault.id in ("F13", "F15"):
                self.advance_clock(fault.seconds)
            elif fault.id == "F14" and self.printer.dialect.modem:
                self.set_link(False)
                self.printer.memory.waiting_since = (self.printer.now() - SILENCE_LIMIT).isoformat()
                if fault.restore_after is not None:
                    yield Later(fault.restore_after, "link")
            elif fault.id == "F16":
                self._take_articles()
            elif fault.id == "F17":
                self.printer.memory.passwords = {str(operator): "9999" for operator in range(1, 17)}
            elif fault.id == "F18":
                self.printer.memory.drawer = 0
            elif fault.id == "F19":
                self.printer.memory.fm_full = True
            elif fault.id == "F23":
                self.printer.memory.hardware = True

    def _take_articles(self) -> None:
        """Somebody else's goods, already sold, sit under every code of the table, or under code 1 of an empty one."""
        articles = self.printer.memory.articles
        for code in list(articles) or ["1"]:
            tax = LETTERS[1] if code not in articles or articles[code].tax == LETTERS[0] else LETTERS[0]
            articles[code] = Article(tax, 1, 100, "ЧУЖИЙ АРТИКУЛ", quantity=1000, turnover=100)

    # -- execution ------------------------------------------------------------------------------------------------

    def _execute(self, packet: Packet) -> bytes:
        first = second = third = 0
        text = ""
        handler = COMMANDS.get(packet.cmd)
        if handler is None:
            first |= 0x22
        else:
            try:
                text = handler(self.printer, self._decode(packet.data))
            except Syntax:
                first |= 0x21
            except Forbidden:
                first, second = first | 0x20, second | 0x02
            except Overflowed:
                first, second = first | 0x20, second | 0x03
            except CoverOpen:
                first, second = first | 0x20, second | 0x02
            except NoPaper:
                first, third = first | 0x20, third | 0x01
        if packet.cmd not in ASKING:
            self._save()
        status = self._status(first, second, third)
        data = status if packet.cmd == 74 and not first & 0x03 else self._encode(text)
        return answer(packet.seq, packet.cmd, data, status)

    def _status(self, first: int = 0, second: int = 0, third: int = 0) -> bytes:
        memory = self.printer.memory
        receipt = memory.receipt
        fourth = 0
        if self.printer.dialect.cover_bit:
            first |= 0x08 if memory.no_display else 0
            second |= 0x20 if memory.cover else 0
            third |= 0x02 * memory.near_end | 0x05 * memory.journal_out | 0x10 * memory.journal_near
        elif memory.cover:
            first, third = first | 0x10, third | 0x01
        if not memory.paper:
            third |= 0x01
        if receipt is not None:
            third |= 0x08
            second |= 0x08 if receipt.refund else 0
        if memory.slip is not None:
            third |= 0x20
        if memory.hardware:
            fourth |= 0x21
        if memory.fm_full:
            fourth |= 0x30
        if memory.fm_near:
            fourth |= 0x08
        if first & 0x13 or second & 0x13 or third & 0x01:
            first |= 0x20
        fifth = 0x3A if memory.fiscalised else 0x12
        return bytes(0x80 | value for value in (first, second, third, 0, fourth, fifth))

    def _decode(self, data: bytes) -> str:
        if self._codepage == "datecs_dos":
            data = bytes(_FROM_DOS.get(value, value) for value in data)
        return data.decode("cp1251", errors="replace")

    def _encode(self, text: str) -> bytes:
        data = text.encode("cp1251", errors="replace")
        return bytes(_TO_DOS.get(value, value) for value in data) if self._codepage == "datecs_dos" else data

    def _save(self) -> None:
        if self._state.kept:
            self._state.save(self.printer.memory.dump())

    # -- the world ------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """The memory of the last SEQ and half a packet are lost; registers and the open receipt stay."""
        self._inbox.clear()
        self._last = None
        self.printer.wrong_passwords = 0
        saved = self._state.load()
        if saved is not None:
            self.printer.memory = Memory.restore(saved)

    def power_on(self) -> None:
        if self.printer.memory.receipt is not None:
            self.printer.tape.print(["*** ПАДІННЯ НАПРУГИ ***"])

    def later(self, what: str) -> None:
        if what == "paper":
            self.set_paper(True)
        elif what == "link":
            self.set_link(True)
        elif what == "cover":
            self.set_cover(False)
        else:
            self.printer.memory.fm_full = self.printer.memory.hardware = False
            self.set_link(True)

    def set_serial(self, serial: str) -> None:
        """The units that were unplugged keep their memories on the shelf."""
        self._shelf[self.printer.memory.serial] = self.printer.memory
        self.printer.memory = self._shelf.pop(serial, Memory(serial=serial, fiscal_number="3000099999"))
        self._save()  # else losing power would bring the former unit back
        self.power_off()

    def set_paper(self, present: bool) -> None:
        self.printer.memory.paper = present
        self._save()

    def set_cover(self, opened: bool) -> None:
        self.printer.memory.cover = opened
        self._save()

    def set_link(self, up: bool) -> None:
        """The line to the tax service; everything that waited goes as soon as it is back."""
        self.printer.memory.link = up
        if up:
            self.printer.memory.waiting_since = ""
        self._save()

    def advance_clock(self, seconds: float) -> None:
        self.printer.memory.clock_offset += seconds
        self._save()

    def registers(self) -> dict[str, Any]:
        memory, day = self.printer.memory, self.printer.memory.day
        return {
            "serial": memory.serial,
            "sales_turnover": sum(day.sold.values()),
            "refunds_turnover": sum(day.returned.values()),
            "sales_by_tax": dict(day.sold),
            "refunds_by_tax": dict(day.returned),
            "sales_by_form": dict(day.paid),
            "refunds_by_form": dict(day.repaid),
            "cash_in": day.cash_in,
            "cash_out": day.cash_out,
            "drawer": memory.drawer,
            "last_document": memory.last_document,
            "receipts": memory.receipts,
            "z_number": memory.z_number,
            "open_receipt": memory.receipt is not None,
            "articles": len(memory.articles),
            "display": list(self.printer.display),
            "journal": [dict(entry) for entry in memory.journal],
        }
