"""The bench: one registrar of any family on a line, with everything that a test may do to it.

A family describes itself in a `Family`; whoever has an emulator that runs under `EmulatorServer` gets the whole bench
from `EmulatorBench`. A family with another kind of emulator (HTTP, a fiscal server) writes its own `Bench`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from drivers.emulation.command import build, timing
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import Line, PtyLine, TcpLine
from drivers.emulation.machine import Machine
from drivers.emulation.server import EmulatorServer
from tests.usbbus import UsbLine, VirtualBus


@dataclass(frozen=True)
class Family:
    """What the contract must know about one family of registrars.

    `url` is formatted with `address` (line) of the emulator; give it the shortest patience that the driver offers.
    `commands` names the device's own commands by their part in a document: open, line, pay, close, cash, z.
    `faults` are the ids of the catalogue that the emulator can inject. `texts` are expected on the tape by topic:
    uktzed, excise, original; with the value that the test uses in place of `{}`. `misread` undoes what the device's
    code page does to letters on paper.
    """

    scheme: str
    url: str
    commands: Mapping[str, str]
    faults: frozenset[str]
    texts: Mapping[str, str]
    first_serial: str
    other_serial: str
    options: Mapping[str, str] = field(default_factory=dict)
    line: str = "pty"
    misread: Mapping[int, int] = field(default_factory=dict)
    unprintable: str = "Суші 寿司"
    refuses_after_hours: float = 24
    covers: bool = True
    exclusive: bool = True
    secret: str = "0000"
    sets_clock: bool = True


class Bench(Protocol):
    """A running registrar and the hands that may touch it."""

    family: Family

    @property
    def url(self) -> str: ...

    def registers(self) -> dict[str, Any]:
        """The device's own figures: sales_turnover, refunds_turnover, sales_by_tax, sales_by_form, refunds_by_form,
        cash_in, cash_out, drawer, z_number, serial, open_receipt, journal [{number, kind, amount}]; kopecks."""

    def fault(self, id: str, command: str = "*", **how: Any) -> None: ...

    def tape(self) -> str:
        """All that was printed."""

    def power(self, on: bool) -> None: ...

    def unplug(self) -> None: ...

    def replug(self, serial: str = "") -> None: ...

    def paper(self, present: bool) -> None: ...

    def cover(self, opened: bool) -> None: ...

    def advance_clock(self, seconds: float) -> None: ...


class EmulatorBench:
    """A bench around an `EmulatorServer`."""

    def __init__(self, family: Family, server: EmulatorServer, tape: Path) -> None:
        self.family = family
        self._server = server
        self._tape = tape

    @property
    def url(self) -> str:
        return self.family.url.format(address=self._server.address)

    def registers(self) -> dict[str, Any]:
        return self._server.registers()

    def fault(self, id: str, command: str = "*", **how: Any) -> None:
        self._server.add_fault(id, command, **how)

    def tape(self) -> str:
        text = self._tape.read_text(encoding="utf-8") if self._tape.exists() else ""
        return text.translate(self.family.misread)

    def power(self, on: bool) -> None:
        (self._server.power_on if on else self._server.power_off)()

    def unplug(self) -> None:
        self._server.unplug()

    def replug(self, serial: str = "") -> None:
        self._server.replug(serial)

    def paper(self, present: bool) -> None:
        self._server.set_paper(present)

    def cover(self, opened: bool) -> None:
        self._server.set_cover(opened)

    def advance_clock(self, seconds: float) -> None:
        self._server.advance_clock(seconds)

    def heal(self) -> None:
        self._server.heal()


@contextmanager
def emulator_bench(family: Family, folder: Path, **options: str) -> Iterator[EmulatorBench]:
    """Start the family's emulator on its usual line; it stops with the context."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**family.options, **options}
    tape = folder / "tape.txt"
    machine = build(family.scheme, settings, folder / "state.json", tape, FaultPlan())
    with line_of(family, folder, machine) as line, EmulatorServer(machine, line, timing(settings)) as server:
        yield EmulatorBench(family, server, tape)


@contextmanager
def line_of(family: Family, folder: Path, machine: Machine) -> Iterator[Line]:
    """The family's usual line: a pseudo-terminal, TCP, or USB under pyusb itself, whose serial is the machine's."""
    if family.line != "usb":
        yield PtyLine(folder / "tty") if family.line == "pty" else TcpLine(0)
        return
    bus = VirtualBus()
    with mock.patch("usb.backend.libusb1.get_backend", lambda: bus):
        yield UsbLine(bus, lambda: str(machine.registers()["serial"]))
    bus.close()
