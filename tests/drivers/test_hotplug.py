"""Hot-plug: what udev's words mean, and a real event of this machine's kernel where a test may cause one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from drivers.errors import Invalid
from drivers.links.hotplug import Change, HotPlug, change_of

USB = {
    "SUBSYSTEM": "usb",
    "DEVTYPE": "usb_device",
    "DEVNAME": "/dev/bus/usb/001/007",
    "ID_VENDOR_ID": "ffff",
    "ID_MODEL_ID": "1c01",
    "ID_SERIAL_SHORT": "00012",
}
TTY = {"SUBSYSTEM": "tty", "DEVNAME": "/dev/ttyUSB0", "ID_VENDOR_ID": "0403", "ID_MODEL_ID": "6001"}


def test_a_device_without_a_serial_driver() -> None:
    assert change_of("add", USB) == Change(True, "usb:ffff:1c01:00012", "ffff", "1c01", "00012")
    assert change_of("remove", {**USB, "ID_SERIAL_SHORT": ""}) == Change(False, "usb:ffff:1c01", "ffff", "1c01", "")


def test_a_serial_port() -> None:
    assert change_of("add", TTY) == Change(True, "/dev/ttyUSB0", "0403", "6001", "")
    assert change_of("remove", {**TTY, "DEVNAME": "ttyACM1"}) == Change(False, "/dev/ttyACM1", "0403", "6001", "")


def test_the_kernels_own_words() -> None:
    plain = {"SUBSYSTEM": "usb", "DEVTYPE": "usb_device", "PRODUCT": "4d8/a/100"}
    assert change_of("add", plain) == Change(True, "usb:04d8:000a", "04d8", "000a", "")


@pytest.mark.parametrize(
    ("action", "properties"),
    [
        ("change", USB),
        ("bind", USB),
        ("add", {**USB, "DEVTYPE": "usb_interface"}),
        ("add", {**TTY, "DEVNAME": "/dev/tty1"}),
        ("add", {"SUBSYSTEM": "block", "DEVNAME": "/dev/sda"}),
        ("add", {"SUBSYSTEM": "usb", "DEVTYPE": "usb_device"}),
        ("add", {}),
    ],
)
def test_what_is_no_device_of_ours(action: str, properties: dict[str, str]) -> None:
    assert change_of(action, properties) is None


def test_the_same_device_on_another_port() -> None:
    first = Change(True, "/dev/ttyUSB0", "0403", "6001", "A1")
    assert first.is_same(Change(True, "/dev/ttyUSB7", "0403", "6001", "A1"))
    assert not first.is_same(Change(True, "/dev/ttyUSB0", "0403", "6001", "B2"))


def test_a_real_event() -> None:
    """A console of this machine is announced anew: heard, and told to be none of ours."""
    pyudev = pytest.importorskip("pyudev", reason="pyudev is not installed (extra hotplug)")
    event = Path("/sys/class/tty/tty0/uevent")
    with HotPlug("kernel") as plugs:
        watch = pyudev.Monitor.from_netlink(pyudev.Context(), source="kernel")
        watch.filter_by("tty")
        watch.start()
        try:
            event.write_text("add")
        except OSError as error:
            pytest.skip(f"this user may cause no event: {error}")
        seen = watch.poll(2)
        if seen is None:
            pytest.skip("this machine's kernel tells nothing to a container")
        assert change_of(seen.action, dict(seen.properties)) is None
        begin = time.monotonic()
        assert plugs.wait(0.2) is None
        assert 0.1 < time.monotonic() - begin < 5


def test_without_pyudev(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyudev", None)
    with pytest.raises(Invalid) as caught:
        HotPlug()
    assert "hotplug" in caught.value.what
