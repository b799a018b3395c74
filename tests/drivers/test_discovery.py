"""Detection without harm (usb-udev.md): what answers is found, everything else is left alone within a bound."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.discovery import IKC_SPEEDS, SPEEDS, detect, ports, usb_devices
from drivers.emulation.command import build
from drivers.emulation.faults import FaultPlan
from drivers.emulation.server import EmulatorServer
from drivers.errors import Invalid
from drivers.registry import connect
from tests.conftest import Launch
from tests.usbbus import IN, OUT, Shape, UsbLine, VirtualBus

BOUND = 2.5 * len(SPEEDS) + 1.5 * len(IKC_SPEEDS) + 12
"""Seconds that one port may take at most: 2 a speed of the Datecs packets, 1 of IKC, and the tuning of Maria, twice."""


@contextmanager
def port(answer: Callable[[bytes], bytes], every: float | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A port with something else on it; `every` seconds it speaks unasked. Yields its path and what it heard."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    heard: list[bytes] = []
    stop_read, stop_write = os.pipe()

    def serve() -> None:
        while True:
            ready, _, _ = select.select([master, stop_read], [], [], every)
            if stop_read in ready:
                return
            data = os.read(master, 4096) if ready else b""
            if data:
                heard.append(data)
            if select.select([], [master], [], 0)[1]:
                os.write(master, answer(data))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave), heard
    finally:
        os.write(stop_write, b"!")
        thread.join()
        for end in (master, slave, stop_read, stop_write):
            os.close(end)


def test_found_at_its_own_speed(launch: Launch) -> None:
    slow, fast = launch(baud=19200), launch(baud=38400, serial="CD00000002")
    first, second = detect([slow.address, fast.address], SystemClock())
    assert first.info is not None and first.info.serial == "AB12345678"
    assert first.url == f"datecs+serial://{slow.address}?baud=19200"
    assert second.info is not None and second.info.serial == "CD00000002"
    assert second.url == f"datecs+serial://{fast.address}?baud=38400" and len(second.tried) == 7


@pytest.mark.parametrize(
    ("answer", "every"),
    [
        (lambda data: data, None),
        (lambda data: b"", None),
        (lambda data: b"AT\r\r\nERROR\r\n", None),
        (lambda data: os.urandom(200), 0.01),
        (lambda data: b"\x16", 0.01),
        (lambda data: b"\x15", None),
        (lambda data: b"\x01\xff" + b"x" * 20, 0.05),
        (lambda data: b"" if data else b"4820000000000\r", 0.05),
        (lambda data: b"" if data else b"\x02S  0.250kg\r\n", 0.02),
    ],
    ids=["echo", "silence", "modem", "noise", "syn-flood", "nak", "endless-frames", "scanner", "scale"],
)
def test_nothing_here_within_the_bound(answer: Callable[[bytes], bytes], every: float | None) -> None:
    with port(answer, every) as (path, heard):
        begin = time.monotonic()
        (finding,) = detect([path], SystemClock())
        assert time.monotonic() - begin < BOUND
        assert finding.info is None and finding.url == "" and len(finding.tried) >= len(SPEEDS) + 1
        assert finding.wire
    commands = {data[3] for data in heard if data.startswith(b"\x01") and len(data) > 3}
    assert 74 in commands and commands <= {74, 0x80}, "only harmless questions may go to a stranger"
    assert not any(word in b"".join(heard) for word in (b"UPAS", b"CSIN", b"CANC")), "and of Maria's no more than SYNC"


def test_excluded_and_missing_ports_are_not_touched(launch: Launch) -> None:
    server = launch()
    with port(lambda data: b"") as (path, heard):
        findings = detect([path, server.address, "/dev/no-such-port"], SystemClock(), exclude=[path])
    assert heard == []
    assert [finding.info is not None for finding in findings] == [True, False]
    assert len(findings[1].tried) == 1, "a port that does not open is tried once"
    assert detect([path], SystemClock(), exclude=[path]) == []


def test_a_port_is_a_path_or_an_address() -> None:
    with pytest.raises(Invalid):
        detect(["COM1"], SystemClock())


def test_ports_of_this_machine_are_paths() -> None:
    assert all(name.startswith("/dev/") for name in ports())


def test_what_came_back_is_told_in_hex() -> None:
    with port(lambda data: b"ERROR\r\n") as (path, _):
        (finding,) = detect([path], SystemClock())
    assert [attempt.ended for attempt in finding.attempts] == [text.rpartition(" ")[2] for text in finding.tried]
    assert all(attempt.asked.startswith("01 ") for attempt in finding.attempts if attempt.url.startswith("datecs"))
    assert all("45 52 52 4F 52 0D 0A" in attempt.answered for attempt in finding.attempts)
    with port(lambda data: os.urandom(200), 0.01) as (path, _):
        (noisy,) = detect([path], SystemClock())
    assert all(len(attempt.answered) < 3 * 64 + 40 for attempt in noisy.attempts)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualBus]:
    bus = VirtualBus()
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda: bus)
    yield bus
    bus.close()


def test_a_registrar_without_a_serial_driver(bus: VirtualBus, tmp_path: Path) -> None:
    """Found on the bus, questioned through pyusb, and its URL opens it."""
    machine = build("datecs", {}, None, None, FaultPlan())
    with EmulatorServer(machine, UsbLine(bus, lambda: "AB12345678")) as server:
        (device,) = usb_devices()
        assert (device.port, device.kind, device.driver) == ("usb:ffff:1c01:AB12345678", "registrar", False)
        assert bus.devices[0].log and not bus.devices[0].claimed, "listing leaves it free"
        (finding,) = detect([device.port], SystemClock())
        assert finding.info is not None and finding.info.serial == "AB12345678"
        assert finding.url == "datecs+usb://ffff:1c01:AB12345678"
        registrar = connect(finding.url)
        assert registrar.info() == finding.info
        registrar.close()
        assert server.registers()["journal"] == []


def test_usb_devices_that_are_listed_only(bus: VirtualBus) -> None:
    bus.plug(Shape(0x04B8, 0x0202, interfaces=((0x07, (IN, OUT)),), kernel=frozenset({0})), "P1", 1)
    bus.plug(Shape(0x1234, 0x5678), "", 2)
    bus.plug(Shape(0x11CA, 0x0220), "T1", 3)  # a card terminal
    bus.plug(Shape(0x0C2E, 0x0B6A), "S1", 4)  # a scanner
    bus.plug(Shape(0x046D, 0xC31C, interfaces=((3, (IN,)),)), "", 5)  # a keyboard
    bus.plug(Shape(0x0781, 0x5567, interfaces=((8, (IN, OUT)),)), "U1", 6)  # a memory stick
    found = {device.port: (device.kind, device.driver) for device in usb_devices()}
    assert found == {"usb:04b8:0202:P1": ("printer", True), "usb:1234:5678": ("unknown", False)}
    assert bus.devices[2].log == [] and bus.devices[3].log == [], "not even their strings are read"


def test_a_usb_device_that_is_no_registrar(bus: VirtualBus) -> None:
    bus.plug(Shape(), "X", 1)
    begin = time.monotonic()
    (finding,) = detect(["usb:ffff:1c01"], SystemClock())
    assert finding.info is None and finding.attempts and time.monotonic() - begin < BOUND
