"""The USB link through pyusb itself, on a virtual bus."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import usb.backend.libusb1

from drivers.errors import Code, DifferentDevice, Existence, Invalid, LinkLost, Unreachable
from drivers.links import usb as usb_link
from drivers.links.usb import UsbLink
from drivers.registry import connect, parse_url
from tests.usbbus import IN, OUT, Plugged, Shape, VirtualBus

IDS = (0xFFFF, 0x1C01)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualBus]:
    bus = VirtualBus()
    monkeypatch.setattr(usb.backend.libusb1, "get_backend", lambda: bus)
    yield bus
    bus.close()


@pytest.fixture
def machine(bus: VirtualBus) -> tuple[Plugged, socket.socket]:
    return bus.plug(Shape(), "A1", 1)


def test_bytes_both_ways(machine: tuple[Plugged, socket.socket]) -> None:
    device, pipe = machine
    link = UsbLink(*IDS)
    link.open()
    link.open()
    question = bytes(range(256)) * 4
    link.write(question)
    heard = b""
    while len(heard) < len(question):
        heard += pipe.recv(4096)
    assert heard == question
    pipe.sendall(b"answer")
    assert link.read(1) == b"answer"
    assert link.name == "usb ffff:1c01:A1", "the first one met is the one"
    link.close()
    assert device.claimed == {} and device.log == ["close", "claim 0", "release 0", "close"]
    with pytest.raises(LinkLost):
        link.read(0)


def test_silence_ends_in_time_and_old_bytes_are_flushed(machine: tuple[Plugged, socket.socket]) -> None:
    _, pipe = machine
    pipe.sendall(b"yesterday's answer")
    link = UsbLink(*IDS)
    link.open()
    begin = time.monotonic()
    assert link.read(0.05) == b""
    assert 0.04 < time.monotonic() - begin < 2
    pipe.sendall(b"stale")
    link.flush_input()
    assert link.read(0) == b""
    link.close()


def test_a_kernel_driver_gives_way_and_comes_back(bus: VirtualBus) -> None:
    device, _pipe = bus.plug(Shape(kernel=frozenset({0})), "", 1)
    link = UsbLink(*IDS)
    link.open()
    assert device.kernel == set()
    link.close()
    assert device.kernel == {0} and device.log == ["close", "detach 0", "claim 0", "release 0", "attach 0", "close"]


def test_the_register_of_a_composite_device(bus: VirtualBus) -> None:
    """CDC control without bulk endpoints, its data interface, then the gateway: the first pair is the register."""
    shape = Shape(product=0x1C05, interfaces=((2, ()), (0x0A, (IN, OUT)), (0x0A, (0x83, 0x04))), configured=False)
    device, pipe = bus.plug(shape, "E07", 1)
    link = UsbLink.at("ffff:1C05")
    link.open()
    assert device.log == ["close", "configuration 1", "claim 1"], "only a device without a configuration gets one"
    link.write(b"?")
    assert pipe.recv(10) == b"?"
    link.close()


def test_one_owner(machine: tuple[Plugged, socket.socket]) -> None:
    first, second = UsbLink(*IDS), UsbLink(*IDS)
    first.open()
    with pytest.raises(Unreachable) as caught:
        second.open()
    assert caught.value.code is Code.BUSY
    first.close()
    second.open()
    second.close()


@pytest.mark.parametrize("serial", ["A1", ""])
def test_back_on_another_port_it_is_the_same_device(bus: VirtualBus, serial: str) -> None:
    device, _pipe = bus.plug(Shape(), serial, 1)
    link = UsbLink(*IDS)
    link.open()
    bus.unplug(device)
    with pytest.raises(LinkLost) as lost:
        link.read(1)
    assert lost.value.document is Existence.UNKNOWN
    with pytest.raises(Unreachable) as absent:
        link.open()
    assert absent.value.code is Code.OFFLINE and "not plugged in" in absent.value.what
    _again, other_pipe = bus.plug(Shape(), serial, 7)
    link.open()
    other_pipe.sendall(b"hello")
    assert link.read(1) == b"hello"
    link.close()


def test_another_serial_is_refused(bus: VirtualBus) -> None:
    device, _pipe = bus.plug(Shape(), "A1", 1)
    link = UsbLink(*IDS)
    link.open()
    bus.unplug(device)
    with pytest.raises(LinkLost):
        link.write(b"?")
    stranger, _other_pipe = bus.plug(Shape(), "B2", 1)
    with pytest.raises(DifferentDevice) as caught:
        link.open()
    assert (caught.value.serial, caught.value.document) == ("B2", Existence.NO)
    assert stranger.log == ["close"], "its serial was read and nothing more"


def test_no_rights_yet_is_not_another_device(bus: VirtualBus) -> None:
    bus.plug(Shape(owned=False), "A1", 1)
    with pytest.raises(Unreachable) as caught:
        UsbLink.at("ffff:1c01:A1").open()
    assert "udev" in caught.value.what


def test_twins_need_a_serial(bus: VirtualBus) -> None:
    pairs = [bus.plug(Shape(), serial, port) for port, serial in enumerate(("A1", "B2"))]
    with pytest.raises(Unreachable) as caught:
        UsbLink(*IDS).open()
    assert "A1" in caught.value.what and "B2" in caught.value.what
    link = UsbLink.at("ffff:1c01:B2")
    link.open()
    assert pairs[1][0].claimed and not pairs[0][0].claimed
    link.close()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (Shape(owned=False), "udev"),
        (Shape(interfaces=((3, (IN,)),)), "bulk endpoints"),
        (replace(Shape(), interfaces=()), "bulk endpoints"),
    ],
)
def test_a_device_that_cannot_be_used(bus: VirtualBus, shape: Shape, words: str) -> None:
    device, _pipe = bus.plug(shape, "", 1)
    with pytest.raises(Unreachable) as caught:
        UsbLink(*IDS).open()
    assert words in caught.value.what and not device.claimed


def test_no_strings_no_serial(bus: VirtualBus) -> None:
    _device, _pipe = bus.plug(Shape(strings=False), "A1", 1)
    link = UsbLink(*IDS)
    link.open()
    assert link.name == "usb ffff:1c01"
    link.close()


def test_a_stall_loses_the_link_and_is_cleared(machine: tuple[Plugged, socket.socket]) -> None:
    device, pipe = machine
    link = UsbLink(*IDS)
    link.open()
    device.stalled = True
    with pytest.raises(LinkLost):
        link.read(1)
    assert not device.stalled and not device.claimed
    link.open()
    pipe.sendall(b"well again")
    assert link.read(1) == b"well again"
    link.close()


def test_pulled_out_while_waiting(bus: VirtualBus) -> None:
    device, _pipe = bus.plug(Shape(), "A1", 1)
    link = UsbLink(*IDS)
    link.open()
    timer = threading.Timer(0.05, bus.unplug, [device])
    timer.start()
    begin = time.monotonic()
    with pytest.raises(LinkLost):
        link.read(30)
    assert time.monotonic() - begin < 10
    timer.join()


def test_a_device_that_takes_nothing(machine: tuple[Plugged, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb_link, "WRITE_TIMEOUT", 0.1)
    link = UsbLink(*IDS)
    link.open()
    with pytest.raises(LinkLost) as caught:
        link.write(bytes(50_000_000))
    assert "takes no bytes" in caught.value.what


def test_without_libusb(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("libusb1", "libusb0", "openusb"):
        __import__(f"usb.backend.{name}")
        monkeypatch.setattr(getattr(usb.backend, name), "get_backend", lambda: None)
    with pytest.raises(Unreachable) as caught:
        UsbLink(*IDS).open()
    assert "libusb-1.0-0" in caught.value.what


@pytest.mark.parametrize("address", ["ffff", "fffff:1c01", "ffff:1c01:", "/dev/usb/lp0", "gggg:1c01"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(Invalid):
        UsbLink.at(address)


def test_the_url_form() -> None:
    url = parse_url("ikc+usb://ffff:1c01:00012?serial=AB1")
    assert (url.transport, url.address, dict(url.options)) == ("usb", "ffff:1c01:00012", {"serial": "AB1"})
    with pytest.raises(Invalid):
        connect("datecs+usb://nonsense")
