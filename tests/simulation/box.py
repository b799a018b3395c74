"""A virtual registrar on a virtual cable, in this process and in virtual time: no thread, no pty, no waiting.

    till ─► drivers ─► RecordedLink ─► Cable ═══ bytes ═══► Box ─► the family's emulator (`drivers.emulation.machine`)

`Box` does for a machine what `drivers.emulation.server.EmulatorServer` does in real time: it carries out the actions
that the machine yields, one by one, at their times. `Cable` is the `drivers.links.Link` that the wire log's `tap` puts
in place of the port.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from drivers.emulation.command import FAMILIES
from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.machine import (
    Action,
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
from drivers.emulation.memory import StateFile, Tape
from drivers.errors import Code, LinkLost, Unreachable
from tests.simulation.world import Dead, World

DTR_DROP = 2.0
"""Seconds without a host on a serial line after which its DTR counts as dropped (emulators.md §1)."""
BYTE = {"serial": 10 / 19200, "tcp": 1e-5}
"""Seconds that one byte takes."""


class Box:
    """One device with its mains and its socket."""

    def __init__(
        self, world: World, family: str, options: dict[str, str], *, transport: str, state: StateFile | None = None
    ) -> None:
        self.world = world
        self.family = family
        self.serial_line = transport == "serial"
        self.byte = BYTE[transport]
        module, _, name = FAMILIES[family].partition(":")
        self.plan = FaultPlan()
        self.tape = Tape()
        build = getattr(import_module(module), name)
        self.machine: Machine = build(options, state or StateFile(None), self.tape, self.plan, world.true_now)
        self.powered = True
        self.plugged = True
        self.loose = False
        """The plug is out on the far side: the port is there, and nothing comes through."""
        self.hung_up = False
        self.heard: deque[tuple[float, bytes]] = deque()
        """What is on its way to the host, with the time of its arrival."""
        self.received = bytearray()
        """Every byte that the device was sent since the last look."""
        self.spoil: Callable[[bytes], bytes] | None = None
        """Noise on the way to the host."""
        self.watch: Callable[[Box], None] = lambda box: None
        """Called whenever the machine took a step."""
        self._inbox = bytearray()
        self._running: Iterator[Action] | None = None
        self._wake = 0.0
        self._work: Work | None = None
        self._work_until = 0.0
        self._alarms: list[tuple[float, Callable[[], None]]] = []
        self._generation = 0
        self._free = 0.0
        self._host = False
        world.actors.append(self)

    # -- the world's clock ----------------------------------------------------------------------------------------

    def due(self) -> float | None:
        found = [when for when, _ in self._alarms]
        if self._running is not None or self._inbox:
            found.append(self._wake)
        return min(found, default=None)

    def act(self) -> None:
        now = self.world.time
        due = [alarm for alarm in self._alarms if alarm[0] <= now]
        self._alarms = [alarm for alarm in self._alarms if alarm[0] > now]
        for _, ring in due:
            ring()
        if (self._running is not None or self._inbox) and self._wake <= now:
            self._step()

    def take(self, data: bytes) -> None:
        """Bytes of the host."""
        if self.powered:
            self.received += data
            if not self._inbox and self._running is None:
                self._wake = self.world.time
            self._inbox += data

    def _step(self) -> None:
        generation = self._generation
        if self._work is not None:
            if self.world.time < self._work_until:
                self._filler(self._work)
                return
            self._work = None
        if self._running is None:
            data = bytes(self._inbox)
            self._inbox.clear()
            self._running = iter(self.machine.receive(data))
        try:
            action = next(self._running)
        except StopIteration:
            self._running = None
            self.watch(self)
            return
        self.watch(self)
        self._carry_out(action)
        if self._generation != generation:
            self._running = None

    def _carry_out(self, action: Action) -> None:
        if isinstance(action, Send):
            self._emit(action.data)
        elif isinstance(action, Work):
            self._work, self._work_until = action, self.world.time + action.seconds
            self._filler(action)
        elif isinstance(action, Deaf):
            self._inbox.clear()
        elif isinstance(action, HangUp):
            self.hung_up = True
        elif isinstance(action, PowerOff):
            self.power_off()
            self._later(action.restore_after, self._unless_touched(self.power_on))
        elif isinstance(action, Unplug):
            self.unplug()
            self._later(action.restore_after, self._unless_touched(partial(self.replug, action.serial)))
        elif isinstance(action, Later):
            self._later(action.seconds, partial(self.machine.later, action.what))

    def _filler(self, work: Work) -> None:
        self._emit(work.filler)
        self._wake = min(self.world.time + work.every, max(self._work_until, self.world.time))

    def _emit(self, data: bytes) -> None:
        """Put an answer on the line behind what is on it already."""
        self._free = max(self._free, self.world.time) + len(data) * self.byte
        if self.loose or not self.plugged:
            return
        if self.spoil is not None:
            data = self.spoil(data)
        if data:
            self.heard.append((self._free, data))

    # -- the hands ------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        if not self.powered:
            return
        self.powered = False
        self._stop()
        self.heard.clear()
        self.machine.power_off()
        if self.on_network:
            self.hung_up = True

    def power_on(self) -> None:
        if not self.powered:
            self.powered = True
            self._stop()
            self.machine.power_on()

    def unplug(self) -> None:
        if self.plugged:
            self.plugged = False
            self._stop()
            self.heard.clear()
            self.hung_up = True
            self.host(False)

    def replug(self, serial: str = "") -> None:
        if serial:
            self.machine.set_serial(serial)
        if not self.plugged:
            self.plugged = True
            self._stop()

    def replug_own(self, serial: str) -> None:
        """The unit that belongs here is back, whatever stood in its place."""
        if self.serial() != serial:
            self.machine.set_serial(serial)
            self._stop()
        self.replug()

    def host(self, present: bool) -> None:
        """Somebody opened or closed the other end of the line."""
        if present == self._host:
            return
        self._host = present
        if isinstance(self.machine, WatchesHost):
            device = self.machine
            if present:
                device.set_dtr(True, serial=self.serial_line)
            elif self.serial_line and self.plugged:
                self._later(DTR_DROP, lambda: None if self._host else device.set_dtr(False, serial=True))
            else:
                device.set_dtr(False, serial=self.serial_line)

    def set_link(self, up: bool) -> None:
        if isinstance(self.machine, Transmits):
            self.machine.set_link(up)

    def fault(self, id: str, command: str = "*", **how: Any) -> None:
        self.plan.add(Fault(id, command, **how))

    def forget_faults(self) -> None:
        """What has not happened yet will not."""
        self.plan = FaultPlan()
        self.machine.plan = self.plan

    @property
    def on_network(self) -> bool:
        return isinstance(self.machine, OnNetwork) and self.machine.on_network

    # -- what it remembers ----------------------------------------------------------------------------------------

    def registers(self) -> dict[str, Any]:
        return self.machine.registers()

    def serial(self) -> str:
        return str(self._memory().serial)

    def journal(self) -> list[dict[str, Any]]:
        """The device's own list of documents, not a copy."""
        found: list[dict[str, Any]] = self._memory().journal
        return found

    def _memory(self) -> Any:
        machine: Any = self.machine
        for name in ("printer", "till", "device"):
            if hasattr(machine, name):
                memory = getattr(machine, name).memory
                return getattr(memory, "books", memory)
        raise AttributeError("a machine without a memory")

    # -- parts ----------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._generation += 1
        self._running = None
        self._work = None
        self._inbox.clear()

    def _later(self, seconds: float | None, ring: Callable[[], None]) -> None:
        if seconds is not None:
            self._alarms.append((self.world.time + seconds, ring))

    def _unless_touched(self, act: Callable[[], None]) -> Callable[[], None]:
        generation = self._generation

        def ring() -> None:
            if self._generation == generation:
                act()

        return ring


class Cable:
    """The till's end of the line."""

    def __init__(self, box: Box, name: str) -> None:
        self._box = box
        self._name = name
        self._open = False
        self.sent: list[bytearray] = []
        """What really went onto the line, one entry a write."""

    @property
    def name(self) -> str:
        return self._name

    def open(self) -> None:
        self._alive()
        if self._open:
            return
        box = self._box
        if not box.plugged or (not box.powered and box.on_network):
            raise Unreachable(Code.OFFLINE, f"cannot open {self._name}: nobody is there")
        self._open = True
        box.hung_up = False
        box.heard.clear()
        box.host(True)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._box.host(False)

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        """Every byte is a point of the world: a cable is pulled in the middle of a frame, too."""
        del shown
        world = self._box.world
        world.point("wire", f"write {self._name}")
        self._connected()
        self.sent.append(bytearray())
        while data:
            free = world.pass_points("wire", len(data))
            self._carry(data[:free])
            data = data[free:]
            if data:
                world.point("wire", f"byte to {self._name}")
                self._connected()
                self._carry(data[:1])
                data = data[1:]

    def _carry(self, data: bytes) -> None:
        box = self._box
        self.sent[-1] += data
        box.world.advance(len(data) * box.byte)
        if box.plugged and not box.loose:
            box.take(data)

    def read(self, timeout: float) -> bytes:
        box, world = self._box, self._box.world
        self._alive()
        self._connected()
        deadline = world.time + max(0.0, timeout)
        while True:
            ready = b""
            while box.heard and box.heard[0][0] <= world.time:
                ready += box.heard.popleft()[1]
            if ready:
                world.point("wire", f"read {self._name}")
                return ready
            if not self._open or box.hung_up:
                self._connected()
            arrival = box.heard[0][0] if box.heard else None
            due = world.next_due()
            soonest = min((when for when in (arrival, due[0] if due else None) if when is not None), default=None)
            if soonest is None or soonest > deadline:
                world.advance_to(deadline)
                return b""
            world.advance_to(soonest)

    def flush_input(self) -> None:
        self._alive()
        self._connected()
        while self._box.heard and self._box.heard[0][0] <= self._box.world.time:
            self._box.heard.popleft()

    def _alive(self) -> None:
        if self._box.world.dead:
            raise Dead

    def _connected(self) -> None:
        if not self._open:
            raise LinkLost(Code.OFFLINE, f"{self._name} is not open")
        if self._box.hung_up and not self._box.heard:
            self.close()
            raise LinkLost(Code.OFFLINE, f"{self._name} is gone")
