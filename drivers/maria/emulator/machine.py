"""The whole virtual device: DTR and auto-baud, dialogue, login, key, faults by plan, power (maria.md §1-3, §8).

Options: model (304 or 301), serial, fiscal_number, clock (Kyiv time), cash (kopecks in the drawer), key (0 off, 1 work,
2 X, 4 Z, 8 program), strict_key=1 (X and Z want their own position), password, article_mode, forms (what the three
non-cash sums of COMP are, in its order; credit,card,cheque), capacity, unfiscalised=1 (training), unpersonalised=1
(a 304T that the tax service does not know), near_end=1, link=0, z_when_silent=0 (no Z after 72 hours),
selftest_ms (how long it is deaf after DTR rises).

Decisions where the dossier is silent: over TCP the device is connected as soon as the connection is, and sends nothing
by itself; CSIN is answered with CRC in both directions, as it is sent; a broken frame gets its word and READY without
WAIT and leaves an open receipt alone.
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
from drivers.maria.emulator.commands import COMMANDS
from drivers.maria.emulator.fields import Fields
from drivers.maria.emulator.frames import Broken, Command, Inbox, frame
from drivers.maria.emulator.memory import LETTERS, Article, Memory, Scheme, Session
from drivers.maria.emulator.till import WORK, Refused, Till

OPTIONS = (
    "model", "serial", "fiscal_number", "clock", "cash", "key", "strict_key", "password", "article_mode", "forms",
    "capacity", "unfiscalised", "unpersonalised", "near_end", "link", "z_when_silent", "selftest_ms",
)  # fmt: skip
LINE = ("baud", "realtime", "delay_ms", "chunk", "seed")
SPEEDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115_200)
KEY_OFF = 0
BUSY_EVERY = 2.0
TUNE = 0x55
ALWAYS = ("CSIN", "SYNC", "CONF", "CONf", "GETD", "GLCN", "CNAL", "CANC", "UPAS")
"""What works with the key off."""


def build(
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> MariaMachine:
    """A device from its options. Raises ValueError for an unknown option or a bad value."""
    if strange := sorted(set(options) - set(OPTIONS) - set(LINE)):
        raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join((*OPTIONS, *LINE))}")
    model = options.get("model", "304")
    if model not in ("301", "304"):
        raise ValueError(f"model is 301 or 304, not {model!r}")
    forms = options.get("forms", "credit,card,cheque").split(",")
    if len(forms) != 3:
        raise ValueError("forms are three names: non-cash 3, 2 and 1")
    saved = state.load()
    memory = Memory() if saved is None else Memory.restore(saved)
    if saved is None:
        _furnish(memory, options, wall)
        state.save(memory.dump())
    till = Till(
        memory,
        tape,
        wall,
        model=model,
        forms=(forms[0], forms[1], forms[2]),
        capacity=int(options.get("capacity", "15516")),
        strict_key=options.get("strict_key", "0") == "1",
        z_when_silent=options.get("z_when_silent", "1") == "1",
    )
    return MariaMachine(
        till,
        state,
        plan,
        unpersonalised=options.get("unpersonalised", "0") == "1",
        selftest=int(options.get("selftest_ms", "0")) / 1000,
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
    memory.key = int(options.get("key", "1"))
    memory.password = options.get("password", memory.password)
    memory.article_mode = options.get("article_mode", "0")
    memory.schemes = _schemes()


def _schemes() -> list[Scheme]:
    """А to Г are programmed and embedded in the price, the others are free."""
    rates = {"А": 2000, "Б": 700, "В": 0, "Г": 1400}
    return [
        Scheme("20200101" if letter in rates else "00000000", 0, rates.get(letter, 0), f"ПДВ {letter}")
        for letter in LETTERS
    ]


class MariaMachine:
    """Line, dialogue and mains of one device."""

    def __init__(self, till: Till, state: StateFile, plan: FaultPlan, *, unpersonalised: bool, selftest: float) -> None:
        self.till = till
        self.plan = plan
        self._state = state
        self._unpersonalised = unpersonalised
        self._inbox = Inbox()
        self._dtr = False
        self._serial = True
        self._tuned = False
        self._tunes = 0
        self._speed = 0
        self._line_speed = 0
        self._powered = True
        self._selftest = selftest
        self._awake_at = 0.0
        self._command = Command("    ", b"")
        self._password = till.memory.password
        self._shelf: dict[str, Memory] = {}
        if till.memory.unfinished:
            till.roll_back()
            self._save()

    # -- line -----------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._powered and self._dtr and (self._tuned or not self._serial)

    def set_dtr(self, present: bool, *, serial: bool = True) -> None:
        """`present` False: DTR has been down for longer than two seconds, or the TCP connection is closed."""
        self._serial = serial
        if self._dtr and not present:
            self._disconnect()
        if present and not self._dtr:
            self._awake_at = time.monotonic() + self._selftest
        self._dtr = present

    def _disconnect(self) -> None:
        """Login, CRC and the speed are gone, and the open receipt with them."""
        self.till.roll_back()
        self.till.session = Session()
        self._inbox.clear()
        self._tuned = False
        self._tunes = 0
        self._save()

    def line_matches(self, speed: int, parity: str, stop_bits: int) -> bool:
        """8E2 at any speed of the list until it is tuned, then at that one. A pty hides the parity, so N may be E."""
        self._line_speed = speed
        if stop_bits != 2 or parity == "O" or speed not in SPEEDS:
            return False
        return not self._tuned or speed == self._speed

    def receive(self, data: bytes) -> Iterator[Action]:
        for byte in data:
            if not self.connected:
                yield from self._tune(byte)
                continue
            found = self._inbox.push(byte, with_crc=self.till.session.crc)
            if found is not None:
                # The device is deaf from here to READY: whatever else came with this frame is lost.
                yield from self._answer(found)
                return

    def _tune(self, byte: int) -> Iterator[Action]:
        """Two U: the first gives the speed, the second proves it."""
        if not (self._dtr and self._serial and self._powered) or time.monotonic() < self._awake_at:
            return
        self._tunes = self._tunes + 1 if byte == TUNE else 0
        if self._tunes == 2:
            self._tuned, self._speed, self._tunes = True, self._line_speed, 0
            yield self._say("READY")

    def _say(self, *words: str, with_crc: bool | None = None) -> Send:
        crc = self.till.session.crc if with_crc is None else with_crc
        return Send(b"".join(frame(word.encode(), with_crc=crc) for word in words))

    def _answer(self, found: Command | Broken) -> Iterator[Action]:
        if isinstance(found, Broken):
            yield Deaf()
            yield self._say(found.why, "READY")
            return
        faults = {fault.id: fault for fault in self.plan.take(found.name)}
        if "F1" in faults:
            return
        if "F4" in faults:
            yield Deaf()
            yield self._say("SOFTBLOCK", "READY")
            return
        yield from self._dialogue(found, faults)

    def _dialogue(self, command: Command, faults: Mapping[str, Fault]) -> Iterator[Action]:
        self._command = command
        with_crc = self.till.session.crc or command.name == "CSIN"
        if "F20" in faults:
            yield Send(b"AT\r\r\nERROR\r\n")
        if "F7" in faults:
            yield self._say("DONE", "READY", with_crc=with_crc)
        lost = faults.get("F2")
        if lost is None or not lost.before:
            yield self._say("WAIT", with_crc=with_crc)
        yield from strike(self, faults, before=True)
        if cut(faults, before=True):
            return
        frames = self._execute(command)
        yield from strike(self, faults, before=False)
        if cut(faults, before=False) or lost is not None:
            return
        if {"F9", "F10"} & faults.keys() and b"DONE" in frames:
            frames.insert(frames.index(b"DONE"), b"HARDPAPER" if "F9" in faults else b"HARDPOINT")
        working = frame(b"WRK", with_crc=with_crc)
        if (stuck := faults.get("F6")) is not None:
            yield from hang(stuck, working, BUSY_EVERY)
            return
        if (slow := faults.get("F5")) is not None:
            yield Work(slow.seconds, working, min(BUSY_EVERY, max(slow.seconds / 4, 0.05)))
        with_crc = self.till.session.crc or command.name == "CSIN"
        for payload in frames:
            whole = bytearray(frame(payload, with_crc=with_crc))
            if "F3" in faults:
                whole[len(payload) + 1] ^= 1
            yield Send(bytes(whole))
        yield Deaf()
        yield self._say("READY", with_crc=with_crc)

    # -- execution ------------------------------------------------------------------------------------------------

    def _execute(self, command: Command) -> list[bytes]:
        """Payloads between WAIT and READY."""
        till = self.till
        till.books.transmit(till.now())
        known = COMMANDS.get(command.name)
        frames: list[bytes] = []
        try:
            if known is None or (known.new and till.model == "301"):
                raise Refused("SOFTCOMMAN")
            if till.memory.key == KEY_OFF and command.name not in ALWAYS:
                raise Refused("SOFTSYSLOC")
            if known.login and till.session.cashier is None:
                raise Refused("SOFTUPAS")
            if known.work and till.memory.key != WORK:
                raise Refused("SOFTSLWORK")
            if known.work and self._unpersonalised and till.model == "304":
                raise Refused("SOFTpNPRSN")
            data = known.run(till, Fields(command.params))
        except Refused as refusal:
            if known is not None and known.receipt:
                till.roll_back()
            frames += [word.encode() for word in refusal.words]
        else:
            till.memory.last_command = command.name
            frames += [word.encode() for word in known.busy]
            if data is not None:
                frames.append((known.reply or command.name).encode() + data)
            if known.busy and till.books.near_end:
                frames.append(b"HARDPAPER")
            if till.training:
                frames.append(b"SOFTREGIST")
            frames.append(b"DONE")
        self._save()
        return frames

    # -- the world ------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Login, CRC mode, connection and the open receipt are lost."""
        self._powered = False
        self._inbox.clear()
        self._tuned = False
        self._tunes = 0
        unfinished = self.till.memory.unfinished
        self.till.session = Session()
        saved = self._state.load()
        if saved is not None:
            self.till.memory = Memory.restore(saved)
        self.till.memory.unfinished = unfinished
        self.till.indicators[:] = ["", "", ""]

    def power_on(self) -> None:
        """The unfinished receipt is rolled back, and the paper says so."""
        self._powered = True
        self.till.roll_back()
        self._save()

    def later(self, what: str) -> None:
        if what == "paper":
            self.set_paper(True)
        elif what == "cover":
            self.set_cover(False)
        elif what == "link":
            self.set_link(True)
        elif what == "password":
            self.till.memory.password = self._password
            self._save()
        elif what == "heal":
            self.till.books.heal()
            self.till.memory.password = self._password
            self.set_link(True)
            self._save()

    def afflict(self, fault: str) -> None:
        memory, books = self.till.memory, self.till.books
        if fault == "F14":
            books.fall_silent(self.till.now())
        elif fault == "F16":
            self._take_articles()
        elif fault == "F17":
            self._password = memory.password
            memory.password = "9999999999"
        elif fault == "F18":
            books.day.opening = max(0, books.day.opening - books.drawer)
            books.drawer = 0
        elif fault == "F19":
            books.fm_full = True
        elif fault == "F23":
            books.hardware = True
        self._save()

    def _take_articles(self) -> None:
        """Somebody else's goods, already sold, sit under the code of this line, or under every code of the table."""
        codes = list(self.till.memory.articles)
        name, params = self._command.name, self._command.params
        if name in ("FISC", "BFIS") and params[85:89].isdigit():
            codes = [str(int(params[85:89]))]
        elif name in ("FICD", "BFCD") and params[52:61].isdigit():
            codes = [str(int(params[52:61]))]
        for code in codes:
            self.till.memory.articles[code] = Article("ЧУЖИЙ АРТИКУЛ", "Б", "1", sold=True)

    def set_serial(self, serial: str) -> None:
        """Another unit; the one that was unplugged keeps its memory on the shelf."""
        former = self.till.memory
        former.unfinished = False
        self._shelf[former.books.serial] = former
        stranger = Memory(books=Books(serial=serial, fiscal_number="3000099999"), schemes=_schemes())
        self.till.memory = self._shelf.pop(serial, stranger)
        self.till.session = Session()
        self._tuned = False
        self._inbox.clear()
        self._save()

    def set_key(self, position: int) -> None:
        """Turn the key: 0 off, 1 work, 2 X, 4 Z, 8 program."""
        self.till.memory.key = position
        self._save()

    def set_paper(self, present: bool) -> None:
        self.till.books.paper = present
        self._save()

    def set_cover(self, opened: bool) -> None:
        self.till.books.cover = opened
        self._save()

    def set_link(self, up: bool) -> None:
        self.till.books.link = up
        self.till.books.transmit(self.till.now())
        self._save()

    def advance_clock(self, seconds: float) -> None:
        self.till.books.clock_offset += seconds
        self._save()

    def registers(self) -> dict[str, Any]:
        memory = self.till.memory
        return memory.books.registers(
            last_document=memory.receipt_number,
            open_receipt=self.till.session.receipt is not None,
            articles=len(memory.articles),
            display=list(self.till.indicators),
        )

    def _save(self) -> None:
        self._state.save(self.till.memory.dump())
