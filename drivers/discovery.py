"""What is plugged in: ports and the registrars that answer on them, identification commands only.

A port is a device path, `host:port`, or `usb:VID:PID[:SERIAL]` for a USB device that no serial driver serves.

Rules of usb-udev.md, "Detection without harm": excluded ports are never touched, an echo is no answer, every port has
a bound, ports are tried in parallel and protocols on one port in series.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.clock import Clock
from drivers.errors import Code, Fault, Invalid
from drivers.links.wire import WireLog
from drivers.registrar import Info
from drivers.registry import connect

SPEEDS = (19200, 115200, 9600, 57600, 38400)
"""Speeds of the Datecs packets: the defaults of the classic dialect (datecs-fp3530t.md §9) and of Krypton first."""
BOUND = "cap=2&silence_ms=200&attempts=2"
"""Options that bound every question of a probe: a printer at rest answers within 60 ms (datecs-fp3530t.md §1), and a
port full of noise must not hold the others."""
RARE_BOUND = "cap=2&silence_ms=200&attempts=1"
"""The same at a speed that somebody has set: seldom, so once."""
MARIA_FIRST = "wait=0&drop=no&cap=3"
"""Maria's first call: the two bytes of the tuning, 0.7 s, for a device that waits for them."""
MARIA_BOUND = "wait=2&cap=3"
"""Her second: whoever was left in the middle of something wakes by a pause without DTR, which takes seconds."""
IKC_SPEEDS = (9600, 19200, 38400)
"""Speeds of IKC, the one after initialisation first (ikc.md §1)."""
IKC_BOUND = "cap=1&silence_ms=200&attempts=2"
"""The same for IKC, which says within 40 ms that it heard (ikc.md §3)."""
HTTP_BOUND = "cap=2"
HTTP_PORT = "80"
"""TCP port of Help Micro (helpmicro.md §1); asked there before any packet is sent."""
EXELLIO_PORT = "9100"
"""TCP port of the Exellio printers (exellio.md A.1); no classic printer has one of its own."""
TERMINALS = ("11ca", "079b", "0b00")
"""USB vendors of card terminals: never probed (usb-udev.md, table)."""
SCANNERS = ("05e0", "0c2e", "05f9", "1eab")
"""USB vendors of barcode scanners (Zebra, Honeywell, Datalogic, Newland): never probed, whatever their mode."""
BARE = {"ffff:1c01", "ffff:1c05", "0483:5740", "04d8:000a", "fff0:0100"}
"""USB ids of registrars that are probed without a serial driver (usb-udev.md, table)."""
PRINTER_CLASS = 0x07
SHOWN = 64
"""Bytes of an attempt that are shown each way; noise has no end."""


@dataclass(frozen=True)
class Attempt:
    """One protocol at one speed: how it ended, and in hex what was asked and what came back, repeats included."""

    url: str
    ended: str
    asked: str
    answered: str


@dataclass(frozen=True)
class UsbDevice:
    """A USB device that no serial port of this machine stands for. `port` is what `detect` takes.

    `kind`: registrar (by its ids), printer or unknown; `driver`: a kernel driver holds it.
    """

    port: str
    kind: str
    product: str
    serial: str
    driver: bool


@dataclass(frozen=True)
class Finding:
    """One port and what happened on it. `url` is ready for the configuration when a registrar answered."""

    port: str
    url: str = ""
    info: Info | None = None
    tried: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    wire: str = field(default="", repr=False)


def ports() -> list[str]:
    """Serial ports of this machine by their most lasting names; card terminals and scanners left out."""
    return sorted(map(_lasting_name, nodes()))


def nodes() -> list[str]:
    """The same by the names of the kernel."""
    from serial.tools import list_ports

    found = [port for port in list_ports.comports() if f"{port.vid or 0:04x}" not in TERMINALS + SCANNERS]
    return [port.device for port in found if port.vid is not None or port.hwid != "n/a"]


def usb_devices() -> list[UsbDevice]:
    """USB devices with a bulk pipe and without a serial port, known registrars first; empty without libusb."""
    import usb.core
    from serial.tools import list_ports

    from drivers.links.usb import pipes, text_of

    served = {(port.vid, port.pid, port.serial_number or "") for port in list_ports.comports() if port.vid is not None}
    try:
        devices = list(usb.core.find(find_all=True))
    except usb.core.NoBackendError:
        return []
    found = []
    for device in devices:
        if f"{device.idVendor:04x}" in TERMINALS + SCANNERS:
            continue
        try:
            interfaces = [interface for configuration in device for interface in configuration]
            numbers = [pipe.interface for configuration in device for pipe in pipes(configuration)]
        except usb.core.USBError:
            continue
        ids = f"{device.idVendor:04x}:{device.idProduct:04x}"
        printer = any(interface.bInterfaceClass == PRINTER_CLASS for interface in interfaces)
        own = any(interface.bInterfaceClass in (0x0A, 0xFF) for interface in interfaces)
        serial = text_of(device, "serial_number")
        if not numbers or not (printer or own) or (device.idVendor, device.idProduct, serial) in served:
            continue
        kind = "registrar" if ids in BARE else "printer" if printer else "unknown"
        held = _held(device, numbers[0])
        found.append(
            UsbDevice(f"usb:{ids}" + (f":{serial}" if serial else ""), kind, text_of(device, "product"), serial, held)
        )
    return sorted(found, key=lambda device: (device.kind != "registrar", device.port))


def detect(where: Sequence[str], clock: Clock, *, exclude: Sequence[str] = ()) -> list[Finding]:
    """Try every port of `where` in parallel. A registrar's own protocol reply decides, not its USB id."""
    wanted = [port for port in where if port not in exclude]
    if not wanted:
        return []
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        return list(pool.map(lambda port: _probe(port, clock), wanted))


def _probe(port: str, clock: Clock) -> Finding:
    """All protocols of one port in series."""
    tried: list[str] = []
    attempts: list[Attempt] = []
    logs: list[WireLog] = []
    for url, answered_only in _candidates(port):
        if answered_only and not (tried and tried[-1].endswith(Code.FRAME)):
            continue
        log = WireLog(clock)
        logs.append(log)
        try:
            registrar = connect(url, clock=clock, log=log, record=False)
            try:
                return Finding(
                    port, _lasting(url), registrar.info(), (*tried, _lasting(url)), tuple(attempts), _wire(logs)
                )
            finally:
                registrar.close()
        except Fault as fault:
            tried.append(f"{_lasting(url)}: {fault.code}")
            attempts.append(Attempt(_lasting(url), str(fault.code), _hex(log, ">"), _hex(log, "<")))
            if not log.sent:
                # The port itself does not open: another speed will not change that.
                break
    return Finding(port, tried=tuple(tried), attempts=tuple(attempts), wire=_wire(logs))


def _candidates(port: str) -> list[tuple[str, bool]]:
    """URLs to try, and whether to try them only when the one before was answered by something else.

    A Krypton registrar answers the classic question in its own way, so silence rules it out at that speed. Exellio
    answers as the classic printer does: only its TCP port tells it from one, on a serial line a person decides.
    """
    if port.startswith("usb:"):
        where = f"usb://{port.removeprefix('usb:')}?"
        ikc = (f"ikc+{where}{IKC_BOUND}", False)
        classic_ones = [(f"datecs+{where}{BOUND}", False), (f"krypton+{where}{BOUND}", True)]
        # VID FFFF is IKC's own (usb-udev.md): its question first, there.
        return [ikc, *classic_ones] if port.startswith("usb:ffff:") else [*classic_ones, ikc]
    if ":" not in port and not port.startswith("/"):
        raise Invalid(Code.BAD_FIELD, f"{port!r} is neither a device path nor host:port nor usb:VID:PID")
    if port.startswith("/"):
        return _serial_line(f"serial://{port}?")
    classic = "exellio" if port.endswith(f":{EXELLIO_PORT}") else "datecs"
    where = f"tcp://{port}?"
    packets = [*_packets(classic, f"{where}{BOUND}"), (f"ikc+{where}{IKC_BOUND}", False)]
    maria = (f"maria+{where}{MARIA_BOUND}", False)
    # The login of the factory: a device with another one is named by its refusal (PASSWORD) and nothing more is sent.
    web = (f"helpmicro+http://{port}?{HTTP_BOUND}", False)
    return [web, *packets, maria] if port.endswith(f":{HTTP_PORT}") else [*packets, web, maria]


def _serial_line(where: str) -> list[tuple[str, bool]]:
    """Every family as it left the factory, then the speeds that a person may have set, then the slow way to Maria."""
    usual = [packet for speed in SPEEDS[:2] for packet in _packets("datecs", f"{where}baud={speed}&{BOUND}")]
    usual += [(f"ikc+{where}baud={IKC_SPEEDS[0]}&{IKC_BOUND}", False), (f"maria+{where}{MARIA_FIRST}", False)]
    rare = [packet for speed in SPEEDS[2:] for packet in _packets("datecs", f"{where}baud={speed}&{RARE_BOUND}")]
    rare += [(f"ikc+{where}baud={speed}&{IKC_BOUND}", False) for speed in IKC_SPEEDS[1:]]
    return [*usual, *rare, (f"maria+{where}{MARIA_BOUND}", False)]


def _packets(classic: str, rest: str) -> list[tuple[str, bool]]:
    return [(f"{classic}+{rest}", False), (f"krypton+{rest}", True)]


def _wire(logs: Sequence[WireLog]) -> str:
    return "\n".join(filter(None, (log.tail(40) for log in logs)))


def _hex(log: WireLog, direction: str) -> str:
    """All that went one way, as hex; how much was left out stands at the end."""
    data = b"".join(exchange.data for exchange in log if exchange.direction == direction)
    rest = f" … and {len(data) - SHOWN} bytes" if len(data) > SHOWN else ""
    return data[:SHOWN].hex(" ").upper() + rest


def _held(device: Any, interface: int) -> bool:
    """Whether a kernel driver holds the interface; unknown counts as no."""
    import usb.core
    import usb.util

    try:
        return bool(device.is_kernel_driver_active(interface))
    except (usb.core.USBError, NotImplementedError):
        return False
    finally:
        usb.util.dispose_resources(device)


def _lasting(url: str) -> str:
    """The URL for the configuration, without the haste of probing."""
    for bound in (MARIA_FIRST, MARIA_BOUND, IKC_BOUND, RARE_BOUND, BOUND, HTTP_BOUND):
        url = url.removesuffix(bound)
    return url.rstrip("?&")


def _lasting_name(device: str) -> str:
    """/dev/serial/by-id, else by-path, else the node itself (usb-udev.md, "Rules file")."""
    for folder in ("/dev/serial/by-id", "/dev/serial/by-path"):
        for link in sorted(Path(folder).glob("*")) if Path(folder).is_dir() else ():
            if str(link.resolve()) == device:
                return str(link)
    return device
