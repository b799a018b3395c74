"""What is plugged in: serial ports and the registrars that answer on them, identification commands only.

Rules of usb-udev.md, "Detection without harm": excluded ports are never touched, an echo is no answer, every port has
a bound, ports are tried in parallel and protocols on one port in series.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from drivers.clock import Clock
from drivers.errors import Code, Fault, Invalid, LinkLost, Unreachable
from drivers.links.wire import WireLog
from drivers.registrar import Info
from drivers.registry import connect

SPEEDS = (19200, 115200, 9600, 57600, 38400)
"""Speeds of the classic Datecs dialect, the default first (datecs-fp3530t.md §9)."""
BOUND = "cap=2&silence_ms=250"
"""Options that bound every question of a probe: a printer at rest answers within 60 ms (datecs-fp3530t.md §1), and a
port full of noise must not hold the others."""
TERMINALS = ("11ca", "079b", "0b00")
"""USB vendors of card terminals: never probed (usb-udev.md, table)."""


@dataclass(frozen=True)
class Finding:
    """One port and what happened on it. `url` is ready for the configuration when a registrar answered."""

    port: str
    url: str = ""
    info: Info | None = None
    tried: tuple[str, ...] = ()
    wire: str = field(default="", repr=False)


def ports() -> list[str]:
    """Serial ports of this machine by their most lasting names; card terminals left out."""
    from serial.tools import list_ports

    found = [port for port in list_ports.comports() if f"{port.vid or 0:04x}" not in TERMINALS]
    return sorted(_lasting_name(port.device) for port in found if port.vid is not None or port.hwid != "n/a")


def detect(where: Sequence[str], clock: Clock, *, exclude: Sequence[str] = ()) -> list[Finding]:
    """Try every port of `where` in parallel. A registrar's own protocol reply decides, not its USB id."""
    wanted = [port for port in where if port not in exclude]
    if not wanted:
        return []
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        return list(pool.map(lambda port: _probe(port, clock), wanted))


def _probe(port: str, clock: Clock) -> Finding:
    """All protocols and speeds of one port in series."""
    tried: list[str] = []
    log = WireLog(clock)
    for url in _candidates(port):
        try:
            registrar = connect(url, clock=clock, log=log)
            try:
                return Finding(port, _lasting(url), registrar.info(), (*tried, _lasting(url)), log.tail(40))
            finally:
                registrar.close()
        except Fault as fault:
            tried.append(f"{_lasting(url)}: {fault.code}")
            if isinstance(fault, Unreachable) and not isinstance(fault.__cause__, LinkLost):
                # The port itself does not open: another speed will not change that.
                break
    return Finding(port, tried=tuple(tried), wire=log.tail(40))


def _candidates(port: str) -> list[str]:
    if ":" in port and not port.startswith("/"):
        return [f"datecs+tcp://{port}?{BOUND}"]
    if not port.startswith("/"):
        raise Invalid(Code.BAD_FIELD, f"{port!r} is neither a device path nor host:port")
    return [f"datecs+serial://{port}?baud={speed}&{BOUND}" for speed in SPEEDS]


def _lasting(url: str) -> str:
    """The URL for the configuration, without the haste of probing."""
    return url.removesuffix(BOUND).rstrip("?&")


def _lasting_name(device: str) -> str:
    """/dev/serial/by-id, else by-path, else the node itself (usb-udev.md, "Rules file")."""
    for folder in ("/dev/serial/by-id", "/dev/serial/by-path"):
        for link in sorted(Path(folder).glob("*")) if Path(folder).is_dir() else ():
            if str(link.resolve()) == device:
                return str(link)
    return device
