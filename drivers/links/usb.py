"""A bulk pipe to a USB device that no serial driver serves (IKC's WinUSB variant, ESC/POS printers), through pyusb.

    family+usb://VID:PID            the only device with these ids
    family+usb://VID:PID:SERIAL     the one with this serial string in its USB descriptor

VID and PID are four hexadecimal digits, e.g. `ikc+usb://ffff:1c01`. The serial in the address chooses among twins; the
option `serial=` of a registrar URL is the factory number that the registrar itself tells, as on every link. Bus and
port do not matter: a device that comes back on another port is the same one by its serial, and whatever was met first
binds the link, so that another unit with the same ids is refused (`DifferentDevice`) before a byte is sent.

The first interface with a bulk endpoint each way is used: on the composite IKC-E07 that is the register, not the
gateway (usb-udev.md). A kernel driver that holds it (cdc_acm, usblp) is detached and given back at the end.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.errors import Code, DifferentDevice, Existence, Invalid, LinkLost, Unreachable

if TYPE_CHECKING:
    import usb.core

WRITE_TIMEOUT = 5.0
"""Seconds that a write may take before the link counts as lost."""
READ_SIZE = 4096
"""Bytes of one read: a multiple of every bulk packet size, or the device could overflow it."""
FLUSH_READS = 64
"""Reads that a flush makes at most: a device that never stops talking must not hold the till."""
_ADDRESS = re.compile(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?::([^/]+))?")


@dataclass(frozen=True)
class Pipe:
    """Numbers of the interface and of its two bulk endpoints."""

    interface: int
    alternate: int
    incoming: int
    outgoing: int


class UsbLink:
    """One USB device. `serial`: its descriptor's serial string, "" for the first that is met."""

    def __init__(self, vendor: int, product: int, serial: str = "") -> None:
        self._vendor = vendor
        self._product = product
        self._serial = serial
        self._device: usb.core.Device | None = None
        self._pipe = Pipe(0, 0, 0, 0)
        self._detached: list[int] = []

    @classmethod
    def at(cls, address: str) -> UsbLink:
        """From `VID:PID` or `VID:PID:SERIAL`. Raises `Invalid`."""
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise Invalid(Code.BAD_FIELD, f"{address!r} is not a USB device: write VID:PID, e.g. ffff:1c01")
        return cls(int(found[1], 16), int(found[2], 16), found[3] or "")

    @property
    def name(self) -> str:
        tail = f":{self._serial}" if self._serial else ""
        return f"usb {self._vendor:04x}:{self._product:04x}{tail}"

    def open(self) -> None:
        if self._device is not None:
            return
        import usb.core
        import usb.util

        try:
            device, serial = self._find()
            try:
                self._claim(device)
            except BaseException:
                self._let_go(device)
                raise
        except usb.core.NoBackendError as error:
            raise Unreachable(Code.OFFLINE, "USB needs libusb: install Debian's libusb-1.0-0") from error
        except usb.core.USBError as error:
            if error.errno == errno.EBUSY:
                raise Unreachable(Code.BUSY, f"another program holds {self.name}") from error
            if error.errno in (errno.EACCES, errno.EPERM):
                raise Unreachable(Code.OFFLINE, f"no right to open {self.name}: copy the rules of udev/") from error
            raise Unreachable(Code.OFFLINE, f"cannot open {self.name}: {error}") from error
        self._device, self._serial = device, serial
        self.flush_input()

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            self._let_go(device)

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        del shown
        import usb.core

        device = self._live()
        deadline = time.monotonic() + WRITE_TIMEOUT
        sent = 0
        while sent < len(data):
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._lost("the device takes no bytes")
            try:
                sent += device.write(self._pipe.outgoing, data[sent:], _milliseconds(left))
            except usb.core.USBTimeoutError as error:
                raise self._lost("the device takes no bytes") from error
            except usb.core.USBError as error:
                raise self._lost(error, self._pipe.outgoing) from error

    def read(self, timeout: float) -> bytes:
        import usb.core

        device = self._live()
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                data = bytes(device.read(self._pipe.incoming, READ_SIZE, _milliseconds(left)))
            except usb.core.USBTimeoutError:
                return b""
            except usb.core.USBError as error:
                raise self._lost(error, self._pipe.incoming) from error
            if data or left <= 0:
                return data
            # An empty packet ends a transfer of full packets and says nothing.

    def flush_input(self) -> None:
        for _ in range(FLUSH_READS):
            if not self.read(0):
                break

    # -- parts ----------------------------------------------------------------------------------------------------

    def _find(self) -> tuple[usb.core.Device, str]:
        """The device and its serial string. Raises `Unreachable` and `DifferentDevice`."""
        import usb.core

        found = list(usb.core.find(find_all=True, idVendor=self._vendor, idProduct=self._product))
        if not found:
            raise Unreachable(Code.OFFLINE, f"{self.name} is not plugged in")
        known = [(device, serial_of(device)) for device in found]
        mine = [pair for pair in known if pair[1] == self._serial] if self._serial else known
        if not mine:
            others = ", ".join(serial or "one without a serial" for _, serial in known)
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"{others} is plugged in where {self.name} is expected",
                serial=known[0][1],
                existence=Existence.NO,
            )
        if len(mine) > 1:
            serials = ", ".join(serial or "one without a serial" for _, serial in mine)
            raise Unreachable(
                Code.OFFLINE, f"{len(mine)} devices are {self.name}: write the serial of one after the ids ({serials})"
            )
        return mine[0]

    def _claim(self, device: usb.core.Device) -> None:
        import usb.core
        import usb.util

        try:
            configuration = device.get_active_configuration()
        except usb.core.USBError:
            # Only a device without a configuration gets one: setting it anew would reset the other interfaces.
            device.set_configuration()
            configuration = device.get_active_configuration()
        pipe = next(pipes(configuration), None)
        if pipe is None:
            raise Unreachable(Code.OFFLINE, f"{self.name} has no interface with bulk endpoints both ways")
        with suppress(NotImplementedError):  # a system that has no kernel drivers for it
            if device.is_kernel_driver_active(pipe.interface):
                device.detach_kernel_driver(pipe.interface)
                self._detached.append(pipe.interface)
        usb.util.claim_interface(device, pipe.interface)
        if pipe.alternate:
            device.set_interface_altsetting(pipe.interface, pipe.alternate)
        self._pipe = pipe

    def _let_go(self, device: usb.core.Device) -> None:
        import usb.core
        import usb.util

        with suppress(usb.core.USBError):  # the device may be gone already
            usb.util.release_interface(device, self._pipe.interface)
        for interface in self._detached:
            with suppress(usb.core.USBError, NotImplementedError):
                device.attach_kernel_driver(interface)
        self._detached.clear()
        with suppress(usb.core.USBError):
            usb.util.dispose_resources(device)

    def _live(self) -> usb.core.Device:
        if self._device is None:
            raise LinkLost(Code.OFFLINE, f"{self.name} is not open")
        return self._device

    def _lost(self, why: object, endpoint: int = 0) -> LinkLost:
        import usb.core

        if self._device is not None and getattr(why, "errno", None) == errno.EPIPE:
            with suppress(usb.core.USBError):  # or the next one to open it would find the endpoint halted
                self._device.clear_halt(endpoint)
        self.close()
        return LinkLost(Code.OFFLINE, f"{self.name} is gone: {why}")


def pipes(configuration: Any) -> Iterator[Pipe]:
    """Interfaces with a bulk endpoint each way, in their order."""
    import usb.util

    for interface in configuration:
        ends: dict[int, int] = {}
        for endpoint in interface:
            if usb.util.endpoint_type(endpoint.bmAttributes) == usb.util.ENDPOINT_TYPE_BULK:
                ends.setdefault(usb.util.endpoint_direction(endpoint.bEndpointAddress), endpoint.bEndpointAddress)
        if len(ends) == 2:
            yield Pipe(
                interface.bInterfaceNumber,
                interface.bAlternateSetting,
                ends[usb.util.ENDPOINT_IN],
                ends[usb.util.ENDPOINT_OUT],
            )


def serial_of(device: usb.core.Device) -> str:
    """The serial string of a device, "" where it has none. Raises `USBError` where this user may not open it.

    Right after plugging in, udev may not have given the rights yet: that must not look like a device without a serial.
    """
    import usb.core

    try:
        device.get_active_configuration()
    except usb.core.USBError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise
    return text_of(device, "serial_number")


def text_of(device: usb.core.Device, name: str) -> str:
    """A string of the descriptor: `serial_number`, `product` or `manufacturer`. Leaves the device closed."""
    import usb.core
    import usb.util

    try:
        return str(getattr(device, name) or "").strip("\x00 ")
    except (usb.core.USBError, ValueError, NotImplementedError):
        return ""
    finally:
        with suppress(usb.core.USBError):
            usb.util.dispose_resources(device)


def _milliseconds(seconds: float) -> int:
    """For libusb 0 means for ever."""
    return max(1, round(seconds * 1000))
