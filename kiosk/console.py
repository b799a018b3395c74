"""Textual driver for the bare Linux console: fingers and the scanner are read from evdev (kiosk-platform.md §2.2, §3).

    TEXTUAL_DRIVER=kiosk.console:ConsoleDriver   KASA_TOUCH=/dev/pos/touch   KASA_SCANNER=/dev/pos/scanner

A touch becomes MouseMove, MouseDown, MouseUp at its cell. The scanner is grabbed, so that nothing of it reaches the
console whatever the keymap, and its key codes are read as a US keyboard: one scan, one message. A device that goes
away is opened again when it comes back. `KASA_TOUCH_TURN` (0, 90, 180, 270) turns a panel that is mounted turned;
`KASA_TOUCH_RANGE` (left,right,top,bottom in device units) is its two-point calibration.

An event is `struct input_event`: seconds and microseconds (native long), type, code, value.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import selectors
import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from textual import events
from textual.drivers.linux_driver import LinuxDriver

from kiosk.widgets.scan import Scanned

log = logging.getLogger("kiosk.console")

EVENT = struct.Struct("llHHi")
EV_SYN, EV_KEY, EV_ABS = 0, 1, 3
SYN_REPORT, SYN_DROPPED = 0, 3
ABS_X, ABS_Y = 0, 1
BTN_LEFT, BTN_TOUCH = 0x110, 0x14A
EVIOCGABS = 0x80184540
EVIOCGRAB = 0x40044590
AXIS = struct.Struct("6i")

DEBOUNCE = 0.05
"""Seconds after a release in which another contact is a bouncing finger (40-60 ms)."""
SILENCE = 0.06
"""Seconds of silence that end a scan of a reader without a suffix."""
BACKOFF = 0.5
"""Seconds between two tries to open a device."""


@dataclass(frozen=True)
class InputEvent:
    """One evdev event; `at` seconds of the kernel's clock."""

    at: float
    type: int
    code: int
    value: int


def parse(data: bytes) -> tuple[list[InputEvent], bytes]:
    """Whole events of what was read, and the bytes of a torn last one."""
    whole = len(data) // EVENT.size * EVENT.size
    found = [
        InputEvent(seconds + micros / 1_000_000, kind, code, value)
        for seconds, micros, kind, code, value in EVENT.iter_unpack(data[:whole])
    ]
    return found, data[whole:]


# -- touch --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Panel:
    """Where a panel's values lie: device units at the left, right, top and bottom edge; `turn` degrees clockwise."""

    left: int
    right: int
    top: int
    bottom: int
    turn: int = 0

    def cell(self, x: int, y: int, columns: int, rows: int) -> tuple[int, int]:
        """The cell under a device position, always inside the screen."""
        across, down = _share(x, self.left, self.right), _share(y, self.top, self.bottom)
        if self.turn == 90:
            across, down = 1 - down, across
        elif self.turn == 180:
            across, down = 1 - across, 1 - down
        elif self.turn == 270:
            across, down = down, 1 - across
        return (
            max(0, min(columns - 1, int(across * columns))),
            max(0, min(rows - 1, int(down * rows))),
        )


def _share(value: int, low: int, high: int) -> float:
    """Where `value` lies between two edges, 0…1 for the unit's own width; edges may be swapped."""
    if high >= low:
        return (value - low) / (high - low + 1)
    return (low - value) / (low - high + 1)


@dataclass(frozen=True)
class Touched:
    """A finger came down, moved or left, at a device position."""

    kind: str
    x: int
    y: int


@dataclass
class Fingers:
    """Contacts out of events; single touch, as every panel emulates it."""

    x: int = 0
    y: int = 0
    down: bool = False
    _wanted: bool = False
    _moved: bool = False
    _left_at: float = -1.0
    _lost: bool = False

    def feed(self, batch: Iterable[InputEvent]) -> list[Touched]:
        """What happened, complete reports only; a bounce within `DEBOUNCE` of a release is ignored."""
        found: list[Touched] = []
        for event in batch:
            if event.type == EV_ABS and event.code in (ABS_X, ABS_Y):
                if event.code == ABS_X:
                    self.x = event.value
                else:
                    self.y = event.value
                self._moved = True
            elif event.type == EV_KEY and event.code in (BTN_TOUCH, BTN_LEFT):
                self._wanted = event.value != 0
            elif event.type == EV_SYN and event.code == SYN_DROPPED:
                self._lost = True
            elif event.type == EV_SYN and event.code == SYN_REPORT:
                found += self._report(event.at)
        return found

    def _report(self, at: float) -> list[Touched]:
        moved, self._moved = self._moved, False
        if self._lost:
            # The kernel dropped events: where the finger is now is not known, so it is lifted.
            self._lost = self._wanted = False
        if self._wanted and not self.down:
            if self._left_at >= 0 and at - self._left_at < DEBOUNCE:
                return []
            self.down = True
            return [Touched("down", self.x, self.y)]
        if not self._wanted and self.down:
            self.down = False
            self._left_at = at
            return [Touched("up", self.x, self.y)]
        return [Touched("move", self.x, self.y)] if moved and self.down else []


# -- scanner ------------------------------------------------------------------------------------------------------

_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)
_PAD = {71: "7", 72: "8", 73: "9", 74: "-", 75: "4", 76: "5", 77: "6", 78: "+", 79: "1", 80: "2", 81: "3", 82: "0"}
PLAIN: Mapping[int, str] = {
    **{start + index: letter for start, plain, _ in _ROWS for index, letter in enumerate(plain)},
    **_PAD,
    55: "*",
    57: " ",
    83: ".",
    98: "/",
}
"""US layout by key code of linux/input-event-codes.h."""
SHIFTED: Mapping[int, str] = {
    **PLAIN,
    **{start + index: letter for start, _, shifted in _ROWS for index, letter in enumerate(shifted)},
}
SHIFTS, CONTROLS, CAPS = frozenset({42, 54}), frozenset({29, 97}), 58
ENDS = frozenset({28, 96, 15})
"""Enter, keypad Enter, Tab."""
GROUP_SEPARATOR = 27
"""Ctrl+] is FNC1 (0x1D) of GS1 codes on most wedges."""
LONGEST = 12_000


@dataclass
class Wedge:
    """Scans out of a keyboard-wedge reader's events."""

    text: str = ""
    last: float = 0.0
    _held: set[int] = field(default_factory=set)
    _caps: bool = False

    def feed(self, batch: Iterable[InputEvent]) -> list[str]:
        """Scans that ended; auto-repeat (value 2) is no key."""
        found: list[str] = []
        for event in batch:
            if event.type == EV_SYN and event.code == SYN_DROPPED:
                # Half a code is worse than none: the cashier scans again.
                self.text = ""
                self._held.clear()
            if event.type != EV_KEY:
                continue
            if event.code in SHIFTS or event.code in CONTROLS:
                (self._held.add if event.value else self._held.discard)(event.code)
            elif event.value == 1:
                if self.text and event.at - self.last > SILENCE:
                    found += self.flush()
                self.last = event.at
                if event.code in ENDS:
                    found += self.flush()
                elif event.code == CAPS:
                    self._caps = not self._caps
                elif len(self.text) < LONGEST:
                    self.text += self._letter(event.code)
        return found

    def _letter(self, code: int) -> str:
        if self._held & CONTROLS:
            return "\x1d" if code == GROUP_SEPARATOR else ""
        letter = (SHIFTED if self._held & SHIFTS else PLAIN).get(code, "")
        return letter.swapcase() if self._caps and letter.isalpha() else letter

    def flush(self) -> list[str]:
        """What is there so far, as a scan."""
        text, self.text = self.text, ""
        return [text] if text else []


# -- devices ------------------------------------------------------------------------------------------------------


class Decoder(Protocol):
    """What a reader does with its device's events."""

    def opened(self, device: int) -> None: ...

    def took(self, batch: Sequence[InputEvent]) -> None: ...

    def silent(self) -> None:
        """Nothing came for `SILENCE`."""


class Reader:
    """A thread that reads one device and opens it again when it comes back."""

    def __init__(self, path: Path, decoder: Decoder) -> None:
        self._path = path
        self._decoder = decoder
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"evdev {path.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        os.write(self._wake_write, b"x")
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        while not self._woken(0):
            try:
                device = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                if self._woken(BACKOFF):
                    return
                continue
            try:
                self._decoder.opened(device)
                if self._read(device):
                    return
            except OSError as error:
                if error.errno not in (errno.ENODEV, errno.EIO):
                    log.warning("%s: %s", self._path, error.strerror)
            finally:
                os.close(device)
            if self._woken(BACKOFF):
                return

    def _read(self, device: int) -> bool:
        """Read until the device goes away (False) or the driver stops (True). Raises OSError (ENODEV)."""
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(device, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            waiting = False
            while True:
                ready = selector.select(SILENCE if waiting else None)
                if any(key.fd == self._wake_read for key, _ in ready):
                    return True
                if not ready:
                    self._decoder.silent()
                    waiting = False
                    continue
                data = os.read(device, EVENT.size * 64)
                if not data:
                    return False
                batch, rest = parse(rest + data)
                self._decoder.took(batch)
                waiting = True

    def _woken(self, patience: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            return bool(selector.select(patience))


class TouchDecoder:
    """Contacts to mouse events at cells; `size` tells columns and rows now."""

    def __init__(
        self, send: Callable[[events.MouseEvent], None], size: Callable[[], tuple[int, int]], panel: Panel
    ) -> None:
        self._send = send
        self._size = size
        self._panel = panel
        self._fingers = Fingers()

    def opened(self, device: int) -> None:
        """Ask the panel for its range, unless a calibration gave one."""
        self._fingers = Fingers()
        if self._panel.right == self._panel.left:
            (left, right), (top, bottom) = axis(device, ABS_X), axis(device, ABS_Y)
            self._panel = Panel(left, right, top, bottom, self._panel.turn)

    def took(self, batch: Sequence[InputEvent]) -> None:
        for touched in self._fingers.feed(batch):
            x, y = self._panel.cell(touched.x, touched.y, *self._size())
            if touched.kind != "up":
                # The application learns first which widget is under the finger.
                self._send(_mouse(events.MouseMove, x, y, 1 if touched.kind == "move" else 0))
            if touched.kind == "down":
                self._send(_mouse(events.MouseDown, x, y, 1))
            elif touched.kind == "up":
                self._send(_mouse(events.MouseUp, x, y, 1))

    def silent(self) -> None:
        """A finger may rest."""


class ScannerDecoder:
    """A grabbed wedge scanner to whole scans."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._wedge = Wedge()

    def opened(self, device: int) -> None:
        """Take the reader for ourselves. Raises OSError when another program holds it."""
        self._wedge = Wedge()
        try:
            fcntl.ioctl(device, EVIOCGRAB, 1)
        except OSError as error:
            if error.errno not in (errno.ENOTTY, errno.EINVAL):
                raise

    def took(self, batch: Sequence[InputEvent]) -> None:
        for text in self._wedge.feed(batch):
            self._send(text)

    def silent(self) -> None:
        for text in self._wedge.flush():
            self._send(text)


def axis(device: int, code: int) -> tuple[int, int]:
    """(smallest, largest) value of an axis. Raises OSError for what is no absolute device."""
    answer = fcntl.ioctl(device, EVIOCGABS + code, bytes(AXIS.size))
    _value, low, high, _fuzz, _flat, _resolution = AXIS.unpack(answer)
    return low, high


def _mouse(kind: type[events.MouseEvent], x: int, y: int, button: int) -> events.MouseEvent:
    return kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y)


# -- output -------------------------------------------------------------------------------------------------------

_OSC = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_RESET = re.compile(r"\x1b\[0m\x1b\[([0-9;]+)m")


def slim(data: str) -> str:
    """Output that a console understands, in fewer bytes: no OSC, a reset and its successor in one SGR."""
    return _RESET.sub("\x1b[0;\\1m", _OSC.sub("", data))


def panel_of(environment: Mapping[str, str]) -> Panel:
    """The panel as the environment describes it. Raises ValueError for nonsense."""
    turn = int(environment.get("KASA_TOUCH_TURN", "0"))
    if turn not in (0, 90, 180, 270):
        raise ValueError(f"KASA_TOUCH_TURN is 0, 90, 180 or 270, not {turn}")
    numbers = [int(part) for part in environment.get("KASA_TOUCH_RANGE", "0,0,0,0").split(",")]
    if len(numbers) != 4:
        raise ValueError("KASA_TOUCH_RANGE is left,right,top,bottom")
    left, right, top, bottom = numbers
    return Panel(left, right, top, bottom, turn)


class ConsoleDriver(LinuxDriver):
    """The terminal's keyboard as usual, fingers and scanner from evdev, no escape code that a console lacks."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._readers: list[Reader] = []

    def _enable_mouse_support(self) -> None:
        """Textual calls this twice at its start: the readers are begun once."""
        if self._readers:
            return
        scanner = os.environ.get("KASA_SCANNER", "/dev/pos/scanner")
        touch = os.environ.get("KASA_TOUCH", "/dev/pos/touch")
        fingers = TouchDecoder(self.process_message, self._get_terminal_size, panel_of(os.environ))
        self._readers = [
            Reader(Path(touch), fingers),
            Reader(Path(scanner), ScannerDecoder(lambda text: self.send_message(Scanned(text)))),
        ]
        for reader in self._readers:
            reader.start()

    def _disable_mouse_support(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            reader.stop()

    def _request_terminal_sync_mode_support(self) -> None:
        """A console has none."""

    def _query_in_band_window_resize(self) -> None:
        """A console has none; SIGWINCH tells of another font."""

    def _enable_bracketed_paste(self) -> None:
        """A console has none."""

    def _disable_bracketed_paste(self) -> None:
        """A console has none."""

    def write(self, data: str) -> None:
        super().write(slim(data))
