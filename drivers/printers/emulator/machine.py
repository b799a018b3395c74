"""The virtual printer: paper, cover, drawer, code pages, status; faults by plan (escpos.md §2, §4, §5, §7).

Options: `model` (epson, chinese, kr306, ocd, rp326, star: the numbers of its code pages), `columns`, `dots`,
`mute=1` (never answers: a write-only clone), `lossy=1` (what waits in the buffer at a paper end is lost), `near=1`
(the roll is near its end), `picture=FOLDER` (a PNG of each document).
Commands for a fault plan: text, line, qr, raster, cut, drawer, init, status, queued.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from drivers.emulation.faults import FaultPlan
from drivers.emulation.machine import Action, Send
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.mishaps import cut as cut_off
from drivers.emulation.mishaps import hang, strike
from drivers.printers.emulator.sheet import Piece, Sheet, paint
from drivers.printers.emulator.stream import Order, RealTime, take

OPTIONS = ("model", "columns", "dots", "mute", "lossy", "near", "picture", "serial")
LINE = ("baud", "realtime", "delay_ms", "chunk", "seed")
PAGES: Mapping[str, Mapping[int, str]] = {
    "epson": {0: "cp437", 17: "cp866", 44: "cp1125", 46: "cp1251"},
    "chinese": {0: "cp437", 17: "cp866", 59: "cp866", 73: "cp1251"},
    "kr306": {0: "cp437", 37: "cp866", 51: "cp1251"},
    "ocd": {0: "cp437", 11: "cp866", 12: "cp1251"},
    "rp326": {0: "cp437", 7: "cp866", 6: "cp1251"},
    "star": {0: "cp437", 10: "cp866", 34: "cp1251"},
}
FINE = 0x12


def build(options: Mapping[str, str], state: StateFile, tape: Tape, plan: FaultPlan) -> EscposMachine:
    """A printer from its options. Raises ValueError for an unknown option or a bad value."""
    del state  # A printer remembers nothing that the mains do not keep.
    if strange := sorted(set(options) - set(OPTIONS) - set(LINE)):
        raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join((*OPTIONS, *LINE))}")
    model = options.get("model", "epson")
    if model not in PAGES:
        raise ValueError(f"model is one of {', '.join(PAGES)}, not {model!r}")
    columns, dots = int(options.get("columns", "48")), int(options.get("dots", "576"))
    if not 16 <= columns <= 96 or not 128 <= dots <= 1024:
        raise ValueError("columns are 16..96, dots 128..1024")
    machine = EscposMachine(model, columns, dots, tape, plan, options.get("serial", "RP-0001"))
    machine.mute = options.get("mute", "0") == "1"
    machine.lossy = options.get("lossy", "0") == "1"
    machine.near_end = options.get("near", "0") == "1"
    if folder := options.get("picture", ""):
        machine.pictures = Path(folder)
    return machine


class EscposMachine:
    """One printer. `lines` of the tape are what a person reads on its paper."""

    def __init__(self, model: str, columns: int, dots: int, tape: Tape, plan: FaultPlan, serial: str) -> None:
        self.plan = plan
        self.tape = tape
        self.serial = serial
        self.mute = self.lossy = self.near_end = False
        self.pictures: Path | None = None
        self.paper, self.cover_open, self.jammed, self.hot = True, False, False, False
        self.documents = self.pulses = 0
        self.strange: list[bytes] = []
        """Commands that this printer does not know: a driver sends none."""
        self._model = model
        self._columns, self._dots = columns, dots
        self._sheet = Sheet(columns)
        self._buffer = bytearray()
        self._real_time = RealTime()
        self._owed: list[bytes] = []
        self._reset()

    def _reset(self) -> None:
        self._codec = "cp437"
        self._chinese = self._model == "chinese"
        self._line = ""
        self._align, self._bold, self._high, self._wide = 0, False, 1, 1
        self._qr, self._module = b"", 3

    # -- what the server calls ------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> Iterator[Action]:
        for what, number in self._real_time.feed(data):
            if what == "drawer":
                yield from self._pulse(number)
            elif not self.mute:
                yield from self._struck("status", partial(self._answer, self._status(number)))
        self._buffer += data
        yield from self._print()

    def line_matches(self, speed: int, parity: str, stop_bits: int) -> bool:
        return True

    def power_off(self) -> None:
        """The buffer and all modes are lost."""
        self._buffer.clear()
        self._owed.clear()
        self._real_time = RealTime()
        self._reset()

    def power_on(self) -> None:
        self._reset()

    def later(self, what: str) -> None:
        if what == "paper":
            self.set_paper(True)
        elif what == "cover":
            self.set_cover(False)
        elif what == "heal":
            self.jammed = self.hot = False
            self._go_on()

    def set_serial(self, serial: str) -> None:
        self.serial = serial

    def set_paper(self, present: bool) -> None:
        self.paper = present
        if not present and self.lossy:
            self._buffer.clear()
        self._go_on()

    def set_cover(self, opened: bool) -> None:
        self.cover_open = opened
        self._go_on()

    def advance_clock(self, seconds: float) -> None:
        """A printer has no clock."""

    def afflict(self, fault: str) -> None:
        if fault == "F23":
            self.jammed = True
        elif fault == "F19":
            self.hot = True

    def registers(self) -> dict[str, Any]:
        return {
            "documents": self.documents,
            "pulses": self.pulses,
            "paper": self.paper,
            "cover_open": self.cover_open,
            "waiting": len(self._buffer),
            "strange": [data.hex() for data in self.strange],
        }

    @staticmethod
    def _answer(byte: int) -> list[Action]:
        return [Send(bytes([byte]))]

    # -- printing -------------------------------------------------------------------------------------------------

    def stopped(self) -> bool:
        """Whether nothing is printed now; the buffer waits."""
        return not self.paper or self.cover_open or self.jammed or self.hot

    def _status(self, n: int) -> int:
        if n == 1:
            return FINE | (0x08 if self.stopped() else 0)
        if n == 2:
            error = 0x40 if self.jammed or self.hot else 0
            return FINE | (0x04 if self.cover_open else 0) | (0 if self.paper else 0x20) | error
        if n == 3:
            return FINE | (0x08 if self.jammed else 0) | (0x40 if self.hot else 0)
        return FINE | (0x0C if self.near_end or not self.paper else 0) | (0 if self.paper else 0x60)

    def _go_on(self) -> None:
        """The buffer is worked off when the cause is gone; what is owed to the host goes with its next bytes."""
        self._owed += [action.data for action in self._work_off() if isinstance(action, Send)]

    def _print(self) -> Iterator[Action]:
        while self._owed:
            yield Send(self._owed.pop(0))
        yield from self._work_off()

    def _work_off(self) -> Iterator[Action]:
        if self.stopped():
            return
        for order in take(self._buffer):
            yield from self._obey(order)
            if self.stopped():
                if self.lossy:
                    self._buffer.clear()
                return

    def _struck(self, name: str, effect: Callable[[], list[Action]]) -> Iterator[Action]:
        """A command with the faults that a plan has for it on both sides of its effect."""
        faults = {fault.id: fault for fault in self.plan.take(name)}
        if "F6" in faults:
            yield from hang(faults["F6"], b"", 0.05)
        if "F1" in faults:
            return
        yield from strike(self, faults, before=True)
        if cut_off(faults, before=True):
            return
        yield from effect()
        yield from strike(self, faults, before=False)

    def _obey(self, order: Order) -> Iterator[Action]:
        p = order.parameters
        match order.name:
            case "text":
                yield from self._struck("text", lambda: self._type(order.data))
            case "LF":
                yield from self._struck("line", self._feed)
            case "ESC @":
                yield from self._struck("init", self._begin)
            case "ESC t":
                self._codec = PAGES[self._model].get(p[0], self._codec)
            case "FS .":
                self._chinese = False
            case "FS &":
                self._chinese = True
            case "ESC a":
                self._align = {0: 0, 48: 0, 1: 1, 49: 1, 2: 2, 50: 2}.get(p[0], self._align)
            case "ESC E" | "ESC G":
                self._bold = bool(p[0] & 1)
            case "ESC !":
                self._bold, self._high, self._wide = bool(p[0] & 8), 1 + bool(p[0] & 16), 1 + bool(p[0] & 32)
            case "GS !":
                self._high, self._wide = (p[0] & 7) + 1, (p[0] >> 4 & 7) + 1
            case "ESC d" | "ESC J":
                if self._line:
                    self._feed()
                self._write([""] * (p[0] if order.name == "ESC d" else p[0] // 30))
            case "ESC p":
                yield from self._pulse(p[0] & 1)
            case "GS V":
                yield from self._struck("cut", self._cut)
            case "GS ( k":
                yield from self._code(order.data)
            case "GS k":
                self._put(Piece("barcode", order.data.decode("latin-1"), self._align))
            case "GS v":
                width = (p[2] + 256 * p[3]) * 8
                picture = Piece("raster", align=self._align, width=width, rows=order.data)
                yield from self._struck("raster", lambda: self._put(picture))
            case "GS r":
                if not self.mute:
                    low = 0x03 if self.near_end else 0
                    yield from self._struck("queued", partial(self._answer, low))
            case "strange":
                self.strange.append(p)
            case _:
                """Spacing, fonts and the like change nothing that a tape shows."""

    def _begin(self) -> list[Action]:
        self._reset()
        return []

    def _type(self, data: bytes) -> list[Action]:
        if self._chinese and any(byte >= 0x80 for byte in data):
            self._line += data.decode("gb18030", "replace")
        else:
            self._line += data.decode(self._codec, "replace")
        return []

    def _feed(self) -> list[Action]:
        self._put(Piece("text", self._line, self._align, self._bold, self._high, self._wide))
        self._line = ""
        return []

    def _put(self, piece: Piece) -> list[Action]:
        self._write(self._sheet.add(piece))
        return []

    def _write(self, lines: list[str]) -> None:
        self.tape.print(lines)

    def _cut(self) -> list[Action]:
        if self._line:
            self._feed()
        self.documents += 1
        self._write(["-" * 5 + " cut " + "-" * (self._columns - 10)])
        if self.pictures is not None:
            paint(self._sheet.pieces, self._columns, self._dots, self.pictures / f"{self.documents:04}.png")
        self._sheet = Sheet(self._columns)
        return []

    def _pulse(self, pin: int) -> Iterator[Action]:
        def kick() -> list[Action]:
            self.pulses += 1
            self._write([f"[DRAWER {5 if pin else 2}]"])
            return []

        yield from self._struck("drawer", kick)

    def _code(self, data: bytes) -> Iterator[Action]:
        """GS ( k: 31 41 model, 31 43 size, 31 45 level, 31 50 30 store, 31 51 30 print; only in this order (§3)."""
        function = data[:2]
        if function == b"1A":
            self._qr = b""
        elif function == b"1C":
            self._module = data[2]
        elif function == b"1P":
            self._qr = data[3:]
        elif function == b"1Q" and self._qr:
            piece = Piece("qr", self._qr.decode("utf-8", "replace"), self._align, module=self._module)
            yield from self._struck("qr", lambda: self._put(piece))
