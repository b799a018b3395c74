"""Devices as they come and go, told by udev through pyudev (extra `hotplug`; imported only where it is used).

Nothing depends on it: a link that lost its device finds it again by its name or its USB serial whenever it is opened.
With it, a technician sees a device the moment it is plugged in, and a till need not try in vain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.errors import Code, Invalid

PORTS = ("ttyUSB", "ttyACM")


@dataclass(frozen=True)
class Change:
    """A device came (`present`) or went. `port`: what `drivers.discovery.detect` takes. `serial`: of its descriptor."""

    present: bool
    port: str
    vendor: str
    product: str
    serial: str

    def is_same(self, other: Change) -> bool:
        """Whether it is the same device, whatever port it was plugged into. Without serials only the ids tell."""
        return (self.vendor, self.product, self.serial) == (other.vendor, other.product, other.serial)


class HotPlug:
    """Changes of USB devices and their serial ports from now on. Use as a context manager.

    `source` "udev" tells a device when its rules have run and its names exist; "kernel" is for machines without udev.
    Raises `Invalid` where pyudev or libudev is missing.
    """

    def __init__(self, source: str = "udev") -> None:
        try:
            import pyudev

            self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source=source)
        except ImportError as error:
            raise Invalid(
                Code.UNSUPPORTED, "watching needs pyudev and libudev: install kasa-kiosk with the extra hotplug"
            ) from error
        for subsystem in ("tty", "usb"):
            self._monitor.filter_by(subsystem)
        self._monitor.start()

    def __enter__(self) -> HotPlug:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        # pyudev closes its socket with the last reference and has no other way.
        del self._monitor

    def wait(self, timeout: float) -> Change | None:
        """The next change, or None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            device = self._monitor.poll(max(0.0, deadline - time.monotonic()))
            if device is None:
                return None
            change = change_of(device.action, dict(device.properties))
            if change is not None:
                return change


def change_of(action: str, properties: Mapping[str, str]) -> Change | None:
    """What an event of udev means; None for what is no device of ours."""
    if action not in ("add", "remove"):
        return None
    present = action == "add"
    subsystem, node = properties.get("SUBSYSTEM", ""), properties.get("DEVNAME", "")
    vendor, product = properties.get("ID_VENDOR_ID", ""), properties.get("ID_MODEL_ID", "")
    serial = properties.get("ID_SERIAL_SHORT", "")
    if subsystem == "tty":
        name = node.rpartition("/")[2]
        if not name.startswith(PORTS):
            return None
        port = node if node.startswith("/") else f"/dev/{node}"
        return Change(present, port, vendor, product, serial)
    if subsystem != "usb" or properties.get("DEVTYPE") != "usb_device":
        return None
    # The kernel's own words, where no rule has run: PRODUCT=ffff/1c01/100.
    parts = properties.get("PRODUCT", "").split("/")
    if not vendor and len(parts) == 3:
        vendor, product = parts[0].zfill(4), parts[1].zfill(4)
    if not vendor:
        return None
    return Change(present, f"usb:{vendor}:{product}" + (f":{serial}" if serial else ""), vendor, product, serial)
