"""A virtual printer on each line that a real one may hang on, and the driver's end of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import usb.backend.libusb1

from drivers.clock import SystemClock
from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.lines import PtyLine, TcpLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from drivers.links.wire import WireLog
from drivers.printers.address import at
from drivers.printers.emulator.machine import EscposMachine, build
from drivers.printers.escpos import EscposPrinter
from tests.usbbus import IN, OUT, Shape, UsbLine, VirtualBus

PRINTER = Shape(vendor=0x04B8, product=0x0E15, interfaces=((0x07, (IN, OUT)),), kernel=frozenset({0}))


@dataclass
class Rig:
    """A printer, its machine and what went over the wire."""

    printer: EscposPrinter
    server: EmulatorServer
    machine: EscposMachine
    log: WireLog
    url: str

    @property
    def lines(self) -> list[str]:
        return self.machine.tape.lines

    @property
    def paper(self) -> str:
        return "\n".join(self.lines)

    def fault(self, id: str, command: str, **how: Any) -> None:
        self.machine.plan.add(Fault(id, command, **how))


Plug = Callable[..., Rig]


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    """`plug("tcp", {"model": "chinese"}, "profile=chinese")`: a machine with options, a driver with its own."""
    with ExitStack() as stack:

        def start(transport: str = "serial", machine: dict[str, Any] | None = None, query: str = "") -> Rig:
            settings = {name: str(value) for name, value in (machine or {}).items()}
            made = build(settings, StateFile(None), Tape(tmp_path / "paper.txt"), FaultPlan())
            line: Any
            if transport == "serial":
                line = PtyLine(tmp_path / "printer")
            elif transport == "tcp":
                line = TcpLine(0)
            else:
                bus = VirtualBus()
                monkeypatch.setattr(usb.backend.libusb1, "get_backend", lambda: bus)
                stack.callback(bus.close)
                line = UsbLine(bus, lambda: made.serial, PRINTER)
            server = stack.enter_context(EmulatorServer(made, line))
            url = f"escpos+{transport}://{server.address}" + (f"?{query}" if query else "")
            log = WireLog(SystemClock())
            printer = at(url, log)
            assert isinstance(printer, EscposPrinter)
            return Rig(printer, server, made, log, url)

        yield start
