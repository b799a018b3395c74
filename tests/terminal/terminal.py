"""A terminal as a cashier has it: the real program on a pseudo-terminal, a screen of cells, keys and a finger."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from fcntl import ioctl
from pathlib import Path

import pyte

KEYS = {
    "F1": "\x1bOP", "F2": "\x1bOQ", "F3": "\x1bOR", "F4": "\x1bOS", "F5": "\x1b[15~", "F6": "\x1b[17~",
    "F7": "\x1b[18~", "F8": "\x1b[19~", "F9": "\x1b[20~", "F10": "\x1b[21~", "F11": "\x1b[23~", "F12": "\x1b[24~",
    "Enter": "\r", "Ctrl+Enter": "\n", "Esc": "\x1b", "Tab": "\t", "Up": "\x1b[A", "Down": "\x1b[B",
    "Del": "\x1b[3~", "Backspace": "\x7f", "Ctrl+Z": "\x1a",
}  # fmt: skip
"""What a terminal sends; Ctrl+Enter arrives as LF where the terminal has no richer protocol."""
HERE = Path(__file__).parents[2]
PATIENCE = 40.0
"""Seconds until a picture must have come; only a broken program needs them."""


FINGER = 0.3
"""Seconds between two presses of a quick person: the till takes a quicker repeat for a held key."""
SAME_KEY = 0.9
"""The same for one F-key or Ctrl-key twice, where a held key could do harm."""


class Terminal:
    """One program on its own terminal of `columns` × `rows` cells."""

    def __init__(
        self, arguments: Sequence[str], *, columns: int = 80, rows: int = 25, environment: dict[str, str] | None = None
    ) -> None:
        self._master, slave = os.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave, stdout=slave, stderr=slave, close_fds=True, start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color", "PYTHONPATH": str(HERE)} | (environment or {}),
        )  # fmt: skip
        os.close(slave)
        self._pressed = ("", 0.0)

    def close(self) -> None:
        """End the program as an operator would; a stuck one is killed. A second call does nothing."""
        if self._master < 0:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)
        self._master = -1

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def key(self, name: str) -> None:
        """One key press; a name of `KEYS`, or the text itself, at the pace of a quick person."""
        pause = 0.0 if name not in KEYS else SAME_KEY if name == self._pressed[0] and name[0] in "FC" else FINGER
        self._read(max(0.0, self._pressed[1] + pause - time.monotonic()))
        self._pressed = (name, time.monotonic())
        os.write(self._master, KEYS.get(name, name).encode())

    def type(self, text: str) -> None:
        """Characters one by one, as a person types them."""
        for character in text:
            self.key(character)
            self._read(0.05)

    def scan(self, text: str) -> None:
        """What a scanner in keyboard mode sends: all at once, then Enter."""
        os.write(self._master, text.encode() + b"\r")

    def touch(self, text: str, *, nth: int = 0) -> None:
        """A finger on the place where `text` stands (the `nth` from the top, -1 is the lowest)."""
        self.wait(lambda: bool(self.places(text)), f"{text!r} to touch")
        self._read(FINGER)
        column, row = self.places(text)[nth]
        column += len(text) // 2
        self.touch_cell(column, row)

    def touch_cell(self, column: int, row: int) -> None:
        for state in ("M", "m"):
            os.write(self._master, f"\x1b[<0;{column + 1};{row + 1}{state}".encode())
        self._read(0.05)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Cells (column, row) at which `text` begins."""
        return [
            (column, row)
            for row, line in enumerate(self.screen.display)
            for column in range(len(line))
            if line.startswith(text, column)
        ]

    def shows(self, text: str) -> None:
        """Wait until `text` is on the screen."""
        self.wait(lambda: text in self.text, f"{text!r}")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or self._process.poll() is not None:
                raise AssertionError(f"waited in vain for {what}; the screen was:\n{self.text}")
            self._read(0.2)

    def _read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                return
            try:
                self._stream.feed(os.read(self._master, 65536))
            except OSError:
                return
