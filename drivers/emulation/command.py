"""`registrar emulate`: a virtual registrar as a program."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from drivers.emulation.faults import FaultPlan, load
from drivers.emulation.lines import PtyLine, TcpLine
from drivers.emulation.machine import Machine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer, Timing

FAMILIES: Mapping[str, str] = {
    "datecs": "drivers.datecs.emulator.machine:build",
    "exellio": "drivers.datecs.emulator.machine:build_exellio",
    "helpmicro": "drivers.helpmicro.emulator.machine:build",
    "ikc": "drivers.ikc.emulator.machine:build",
    "krypton": "drivers.krypton.emulator.machine:build",
    "maria": "drivers.maria.emulator.machine:build",
    "escpos": "drivers.printers.emulator.machine:build",
}
HTTP = frozenset({"helpmicro"})
"""Families that have an address on the network and no serial line."""
SERVERS: Mapping[str, str] = {"prro": "drivers.prro.emulator.web:build"}
"""Families that are no device on a line but a server of their own on a port."""
TIMING = ("realtime", "baud", "delay_ms", "chunk", "seed")
Build = Callable[[Mapping[str, str], StateFile, Tape, FaultPlan], Machine]


def build(scheme: str, options: Mapping[str, str], state: Path | None, tape: Path | None, plan: FaultPlan) -> Machine:
    """The machine of a family. Raises ValueError for an unknown family or option."""
    where = FAMILIES.get(scheme)
    if where is None:
        raise ValueError(f"no emulator for {scheme!r}; known: {', '.join(sorted((*FAMILIES, *SERVERS)))}")
    module, _, name = where.partition(":")
    make: Build = getattr(import_module(module), name)
    return make(options, StateFile(state), Tape(tape), plan)


def timing(options: Mapping[str, str]) -> Timing:
    """Packet timing from options. Raises ValueError."""
    numbers = {name: int(options[name]) for name in TIMING if name in options}
    return Timing(
        realtime=bool(numbers.get("realtime", 0)),
        baud=numbers.get("baud", 19200),
        delay=numbers.get("delay_ms", 0) / 1000,
        chunk=numbers.get("chunk", 0),
        seed=numbers.get("seed", 0),
    )


@contextmanager
def running(where: str, options: Mapping[str, str]) -> Iterator[str]:
    """The registrar URL of an emulator: `where` itself when it is one, else a new machine of that family."""
    if "+" in where:
        yield where
        return
    machine = build(where, options, None, None, FaultPlan())
    with TemporaryDirectory() as folder:
        line, transport = (TcpLine(0), "http") if where in HTTP else (PtyLine(Path(folder) / "tty"), "serial")
        with EmulatorServer(machine, line, timing(options)) as server:
            yield f"{where}+{transport}://{server.address}"


def serve(
    scheme: str,
    *,
    link: str | None = None,
    port: int | None = None,
    state: Path | None = None,
    tape: Path | None = None,
    faults: Path | None = None,
    options: Mapping[str, str] | None = None,
    as_json: bool = False,
) -> int:
    """Listen until SIGTERM or SIGINT; prints one line `ready WHERE` as soon as a host may connect."""
    options = options or {}
    if scheme in SERVERS:
        if link is not None:
            raise ValueError(f"the emulator of {scheme!r} is a server: give --port")
        plan = load(faults) if faults else FaultPlan()
        return _run(_server(scheme, options, port or 0, state, tape, plan), as_json=as_json)
    if link is not None and scheme in HTTP:
        raise ValueError(f"{scheme} answers HTTP only: give it a --port")
    machine = build(scheme, options, state, tape, load(faults) if faults else FaultPlan())
    line = PtyLine(Path(link)) if link is not None else TcpLine(port or 0)
    prefix = "http://" if scheme in HTTP else ""
    return _run(EmulatorServer(machine, line, timing(options)), as_json=as_json, prefix=prefix)


class Running(Protocol):
    """A virtual registrar that listens while the context is open."""

    @property
    def address(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


def _server(
    scheme: str, options: Mapping[str, str], port: int, state: Path | None, tape: Path | None, plan: FaultPlan
) -> Running:
    module, _, name = SERVERS[scheme].partition(":")
    make: Callable[..., Running] = getattr(import_module(module), name)
    return make(options, port=port, state=state, tape=Tape(tape), plan=plan)


def _run(server: Running, *, as_json: bool, prefix: str = "") -> int:
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server.start()
    try:
        where = f"{prefix}{server.address}"
        sys.stdout.write((json.dumps({"ready": where}) if as_json else f"ready {where}") + "\n")
        sys.stdout.flush()
        signal.sigwait(signals)
    finally:
        server.stop()
    return 0
