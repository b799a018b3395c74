"""Runs one virtual device on one line, in a thread, with the hooks that tests and trainers need."""

from __future__ import annotations

import os
import random
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from drivers.emulation.faults import Fault
from drivers.emulation.lines import Line, PtyLine
from drivers.emulation.machine import (
    Deaf,
    HangUp,
    Later,
    Machine,
    OnNetwork,
    PowerOff,
    Send,
    Transmits,
    Unplug,
    WatchesHost,
    Work,
)

BITS_A_BYTE = 10
SLICE = 0.002
"""Seconds of line time that a paced write carries: finer than any host timeout, coarser than the timer's error."""
DTR_DROP = 2.0
"""Seconds without a host on a pty after which its DTR counts as dropped (emulators.md §1)."""


@dataclass(frozen=True)
class Timing:
    """How the answers come: `realtime` paces bytes at `baud`; `delay` seconds before an answer; `chunk` bytes a write
    (0: all at once, -1: random sizes from `seed`)."""

    realtime: bool = False
    baud: int = 19200
    delay: float = 0.0
    chunk: int = 0
    seed: int = 0


class EmulatorServer:
    """A device that listens. Use as a context manager, or `start()` and `stop()`."""

    def __init__(self, machine: Machine, line: Line, timing: Timing | None = None) -> None:
        self.machine = machine
        self._line = line
        self._timing = timing or Timing()
        self._random = random.Random(self._timing.seed)
        self._lock = threading.RLock()
        self._wake_read, self._wake_write = os.pipe()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._powered = True
        self._plugged = False
        self._generation = 0
        self._line_free = 0.0
        self._alarms: list[tuple[float, Callable[[], None]]] = []
        self._present = False
        self._absent_since: float | None = None

    @property
    def address(self) -> str:
        return self._line.address

    def __enter__(self) -> EmulatorServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns when the line can be opened."""
        self.replug()
        self._thread = threading.Thread(target=self._serve, name="emulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
        self.unplug()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def power_off(self) -> None:
        with self._lock:
            self._powered = False
            self._generation += 1
            if self._on_network:
                self._line.unplug()
            self.machine.power_off()
        self._wake()

    def power_on(self) -> None:
        with self._lock:
            if not self._powered:
                self._powered = True
                self._generation += 1
                self.machine.power_on()
                if self._on_network and self._plugged:
                    self._line.plug()
        self._wake()

    @property
    def _on_network(self) -> bool:
        return isinstance(self.machine, OnNetwork) and self.machine.on_network

    def unplug(self) -> None:
        with self._lock:
            self._generation += 1
            self._plugged = False
            self._line.unplug()
            self._watch_host()
        self._wake()

    def replug(self, serial: str = "") -> None:
        with self._lock:
            if serial:
                self.machine.set_serial(serial)
            if not self._plugged:
                self._generation += 1
                if self._powered or not self._on_network:
                    self._line.plug()
                self._plugged = True
        self._wake()

    def set_paper(self, present: bool) -> None:
        with self._lock:
            self.machine.set_paper(present)

    def set_cover(self, opened: bool) -> None:
        with self._lock:
            self.machine.set_cover(opened)

    def heal(self) -> None:
        """A technician repairs what a fault broke inside (F19, F23); the registers stay."""
        with self._lock:
            self.machine.later("heal")

    def advance_clock(self, seconds: float) -> None:
        with self._lock:
            self.machine.advance_clock(seconds)

    def set_dtr(self, present: bool) -> None:
        """Raise or drop (for long enough) the host's DTR by hand. Raises ValueError for a device that has no DTR."""
        with self._lock:
            if not isinstance(self.machine, WatchesHost):
                raise ValueError("this device does not look at DTR")
            self.machine.set_dtr(present, serial=isinstance(self._line, PtyLine))

    def set_link(self, up: bool) -> None:
        """The line to the tax service. Raises ValueError for a device that has no modem."""
        with self._lock:
            if not isinstance(self.machine, Transmits):
                raise ValueError("this device has no modem")
            self.machine.set_link(up)

    def add_fault(self, id: str, command: str = "*", **how: Any) -> None:
        with self._lock:
            self.machine.plan.add(Fault(id, command, **how))

    def registers(self) -> dict[str, Any]:
        with self._lock:
            return self.machine.registers()

    def _wake(self) -> None:
        os.write(self._wake_write, b"!")

    def _serve(self) -> None:
        while not self._stopping:
            with self._lock:
                wait = self._ring_alarms()
                self._watch_host()
                if self._absent_since is not None:
                    left = max(0.0, self._absent_since + DTR_DROP - time.monotonic())
                    wait = left if wait is None else min(wait, left)
                watched = [self._wake_read]
                line = -1
                if self._plugged and self._line.fileno() >= 0:
                    line = self._line.fileno()
                    watched += [line, *self._line.watched()]
            try:
                ready, _, _ = select.select(watched, [], [], wait)
            except OSError:
                # The cable was pulled between looking and waiting: its descriptor is closed.
                continue
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
                continue
            if line in ready:
                self._receive()

    def _watch_host(self) -> None:
        """Tell a device that watches DTR when a host opens its end, and when one has been away for long enough."""
        if not isinstance(self.machine, WatchesHost):
            return
        serial = isinstance(self._line, PtyLine)
        present = self._plugged and self._line.host_present()
        if present and not self._present:
            self._absent_since = None
            self.machine.set_dtr(True, serial=serial)
        elif self._present and not present:
            self._absent_since = time.monotonic()
        self._present = present
        if self._absent_since is not None and (
            not serial or not self._plugged or time.monotonic() >= self._absent_since + DTR_DROP
        ):
            # A connection that is closed, or a cable that is out, needs no waiting.
            self._absent_since = None
            self.machine.set_dtr(False, serial=serial)

    def _receive(self) -> None:
        with self._lock:
            if not self._plugged:
                return
            data = self._line.read()
            self._watch_host()
            if not data or not self._powered:
                return
            settings = self._line.settings()
            if settings is not None and not self.machine.line_matches(*settings):
                # A UART at another speed frames garbage; the device never sees a packet and does not answer.
                return
            generation = self._generation
            if self._timing.realtime:
                self._line_free = time.monotonic() + len(data) * BITS_A_BYTE / self._timing.baud
                self._pause(self._line_free - time.monotonic(), generation)
            for action in self.machine.receive(data):
                if self._generation != generation or self._stopping:
                    return
                if isinstance(action, Send):
                    self._send(action.data, generation)
                elif isinstance(action, Work):
                    self._work(action, generation)
                elif isinstance(action, Deaf):
                    self._ignore_pending()
                elif isinstance(action, HangUp):
                    self._line.hang_up()
                    self._watch_host()
                elif isinstance(action, PowerOff):
                    self.power_off()
                    self._later(action.restore_after, self._unless_touched(self.power_on))
                elif isinstance(action, Unplug):
                    self.unplug()
                    back = partial(self.replug, action.serial)
                    self._later(action.restore_after, self._unless_touched(back))
                elif isinstance(action, Later):
                    self._later(action.seconds, partial(self.machine.later, action.what))

    def _ignore_pending(self) -> None:
        while self._plugged and (line := self._line.fileno()) >= 0 and select.select([line], [], [], 0)[0]:
            if not self._line.read():
                return

    def _send(self, data: bytes, generation: int) -> None:
        self._pause(self._timing.delay, generation)
        # The device answers at once: what this program needs to think is not the line's time.
        now = time.monotonic()
        due = min(now, max(self._line_free, now - SLICE))
        while data and self._generation == generation:
            size = self._timing.chunk
            size = self._random.randint(1, 8) if size < 0 else size or len(data)
            if self._timing.realtime:
                # By an absolute schedule, so that the timer's own lateness does not add up over a frame.
                size = min(size, max(1, round(SLICE * self._timing.baud / BITS_A_BYTE)))
                due += len(data[:size]) * BITS_A_BYTE / self._timing.baud
                self._pause(due - time.monotonic(), generation)
            self._line.write(data[:size])
            data = data[size:]
        self._line_free = due

    def _work(self, work: Work, generation: int) -> None:
        """SYN after SYN until the time is over, the mains go or the server stops."""
        end = time.monotonic() + work.seconds
        while time.monotonic() < end and self._generation == generation and not self._stopping:
            self._line.write(work.filler)
            self._pause(work.every, generation)

    def _pause(self, seconds: float, generation: int) -> None:
        """Wait with the lock released, so that hooks can cut the device off in the middle."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._generation == generation and not self._stopping:
            self._lock.release()
            try:
                if select.select([self._wake_read], [], [], left)[0]:
                    os.read(self._wake_read, 4096)
            finally:
                self._lock.acquire()

    def _later(self, seconds: float | None, act: Callable[[], None]) -> None:
        if seconds is not None:
            self._alarms.append((time.monotonic() + seconds, act))

    def _unless_touched(self, act: Callable[[], None]) -> Callable[[], None]:
        """`act`, unless somebody has cut, plugged or switched on by hand in the meantime."""
        generation = self._generation

        def ring() -> None:
            if self._generation == generation:
                act()

        return ring

    def _ring_alarms(self) -> float | None:
        """Run what is due; seconds until the next, None when there is none."""
        now = time.monotonic()
        due = [alarm for alarm in self._alarms if alarm[0] <= now]
        self._alarms = [alarm for alarm in self._alarms if alarm[0] > now]
        for _, act in due:
            act()
        return min((when - now for when, _ in self._alarms), default=None)
