"""A USB bus without hardware: a backend under pyusb itself, with devices that emulators stand behind.

`VirtualBus` answers pyusb as libusb does: descriptors, string requests, claims that exclude each other, kernel drivers
that must be detached, timeouts, stalls, and ENODEV for whoever still holds a device that was pulled out.
"""

from __future__ import annotations

import array
import errno
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

import usb.backend
import usb.core

IN, OUT = 0x81, 0x02
PACKET = 64


@dataclass
class Shape:
    """What the descriptors tell. `interfaces`: class and endpoint addresses (bulk) of each; `kernel`: interfaces that a
    kernel driver holds."""

    vendor: int = 0xFFFF
    product: int = 0x1C01
    interfaces: tuple[tuple[int, tuple[int, ...]], ...] = ((0xFF, (IN, OUT)),)
    kernel: frozenset[int] = frozenset()
    configured: bool = True
    strings: bool = True
    owned: bool = True
    """Whether this user may open it."""


@dataclass(eq=False)
class Plugged:
    """A device in a port."""

    shape: Shape
    serial: str
    port: int
    address: int
    pipe: socket.socket
    configuration: int = 0
    kernel: set[int] = field(default_factory=set)
    claimed: dict[int, Handle] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    gone: bool = False
    stalled: bool = False


@dataclass(eq=False)
class Handle:
    """One opening of a device."""

    device: Plugged


class VirtualBus(usb.backend.IBackend):  # type: ignore[misc]
    """All ports of a machine."""

    def __init__(self) -> None:
        self.devices: list[Plugged] = []
        self._lock = threading.RLock()
        self._addresses = 0
        self._ends: list[socket.socket] = []

    # -- hands ----------------------------------------------------------------------------------------------------

    def plug(self, shape: Shape, serial: str, port: int) -> tuple[Plugged, socket.socket]:
        """The device, and the end of its pipe that the machine inside talks through."""
        host, machine = socket.socketpair()
        self._ends += [host, machine]
        with self._lock:
            self._addresses += 1
            device = Plugged(shape, serial, port, self._addresses, host, int(shape.configured), set(shape.kernel))
            self.devices.append(device)
        return device, machine

    def close(self) -> None:
        """Release what the test left behind."""
        for end in self._ends:
            end.close()

    def unplug(self, device: Plugged) -> None:
        with self._lock:
            device.gone = True
            self.devices.remove(device)
        with suppress(OSError):
            device.pipe.shutdown(socket.SHUT_RDWR)

    # -- what pyusb asks -------------------------------------------------------------------------------------------

    def enumerate_devices(self) -> Iterator[Plugged]:
        return iter(list(self.devices))

    def get_parent(self, dev: Plugged) -> None:
        return None

    def get_device_descriptor(self, dev: Plugged) -> SimpleNamespace:
        number = 3 if dev.serial else 0
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0,
            bMaxPacketSize0=64, idVendor=dev.shape.vendor, idProduct=dev.shape.product, bcdDevice=0x100,
            iManufacturer=1, iProduct=2, iSerialNumber=number, bNumConfigurations=1,
            address=dev.address, bus=1, port_number=dev.port, port_numbers=(dev.port,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: Plugged, config: int) -> SimpleNamespace:
        if config:
            raise IndexError(config)
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=9, bNumInterfaces=len(dev.shape.interfaces),
            bConfigurationValue=1, iConfiguration=0, bmAttributes=0x80, bMaxPower=50, extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: Plugged, intf: int, alt: int, config: int) -> SimpleNamespace:
        if config or alt or intf >= len(dev.shape.interfaces):
            raise IndexError(intf)
        kind, ends = dev.shape.interfaces[intf]
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=intf, bAlternateSetting=0, bNumEndpoints=len(ends),
            bInterfaceClass=kind, bInterfaceSubClass=0, bInterfaceProtocol=0, iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: Plugged, ep: int, intf: int, alt: int, config: int) -> SimpleNamespace:
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=dev.shape.interfaces[intf][1][ep], bmAttributes=2,
            wMaxPacketSize=PACKET, bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: Plugged) -> Handle:
        self._there(dev)
        if not dev.shape.owned:
            raise usb.core.USBError("Access denied (insufficient permissions)", -3, errno.EACCES)
        return Handle(dev)

    def close_device(self, handle: Handle) -> None:
        for interface in [number for number, owner in handle.device.claimed.items() if owner is handle]:
            del handle.device.claimed[interface]
        handle.device.log.append("close")

    def get_configuration(self, handle: Handle) -> int:
        return handle.device.configuration

    def set_configuration(self, handle: Handle, config_value: int) -> None:
        self._there(handle.device)
        handle.device.configuration = config_value
        handle.device.log.append(f"configuration {config_value}")

    def set_interface_altsetting(self, handle: Handle, intf: int, altsetting: int) -> None:
        self._there(handle.device)

    def claim_interface(self, handle: Handle, intf: int) -> None:
        device = self._there(handle.device)
        if intf in device.kernel or device.claimed.get(intf, handle) is not handle:
            raise usb.core.USBError("Resource busy", -6, errno.EBUSY)
        device.claimed[intf] = handle
        device.log.append(f"claim {intf}")

    def release_interface(self, handle: Handle, intf: int) -> None:
        device = self._there(handle.device)
        del device.claimed[intf]
        device.log.append(f"release {intf}")

    def is_kernel_driver_active(self, handle: Handle, intf: int) -> bool:
        return intf in self._there(handle.device).kernel

    def detach_kernel_driver(self, handle: Handle, intf: int) -> None:
        self._there(handle.device).kernel.remove(intf)
        handle.device.log.append(f"detach {intf}")

    def attach_kernel_driver(self, handle: Handle, intf: int) -> None:
        self._there(handle.device).kernel.add(intf)
        handle.device.log.append(f"attach {intf}")

    def clear_halt(self, handle: Handle, ep: int) -> None:
        self._there(handle.device).stalled = False

    def bulk_write(self, handle: Handle, ep: int, intf: int, data: array.array[int], timeout: int) -> int:
        device = self._ready(handle, ep, intf)
        _, ready, _ = select.select([], [device.pipe], [], timeout / 1000)
        if not ready:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        try:
            # At most a few packets a transfer, so that a caller must go on with the rest.
            return device.pipe.send(data.tobytes()[: 4 * PACKET])
        except OSError as error:
            raise _absent() from error

    def bulk_read(self, handle: Handle, ep: int, intf: int, buff: array.array[int], timeout: int) -> int:
        device = self._ready(handle, ep, intf)
        try:
            ready, _, _ = select.select([device.pipe], [], [], timeout / 1000)
            data = device.pipe.recv(min(PACKET, len(buff))) if ready else None
        except OSError as error:
            raise _absent() from error
        if data == b"" or device.gone:
            raise _absent()
        if data is None:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        buff[: len(data)] = array.array("B", data)
        return len(data)

    def ctrl_transfer(
        self, handle: Handle, kind: int, request: int, value: int, index: int, data: array.array[int], timeout: int
    ) -> int:
        device = self._there(handle.device)
        assert (kind, request, value >> 8) == (0x80, 6, 3), "only strings are asked for"
        if not device.shape.strings:
            raise usb.core.USBError("Pipe error", -9, errno.EPIPE)
        texts = {1: "Maker", 2: "Registrar", 3: device.serial}
        body = b"\x09\x04" if not value & 0xFF else texts[value & 0xFF].encode("utf-16-le")
        answer = bytes((len(body) + 2, 3)) + body
        data[: len(answer)] = array.array("B", answer)
        return len(answer)

    def _there(self, device: Plugged) -> Plugged:
        if device.gone:
            raise _absent()
        return device

    def _ready(self, handle: Handle, ep: int, intf: int) -> Plugged:
        device = self._there(handle.device)
        assert device.claimed.get(intf) is handle, "a transfer without a claim"
        assert ep in device.shape.interfaces[intf][1]
        if device.stalled:
            raise usb.core.USBError("Pipe error", -9, errno.EPIPE)
        return device


def _absent() -> usb.core.USBError:
    return usb.core.USBError("No such device (it may have been disconnected)", -4, errno.ENODEV)


class UsbLine:
    """The line of an emulator that is plugged into a `VirtualBus`; comes back on another port each time."""

    def __init__(self, bus: VirtualBus, serial: Callable[[], str], shape: Shape | None = None) -> None:
        self._bus = bus
        self._serial = serial
        self._shape = shape or Shape()
        self._port = 0
        self.device: Plugged | None = None
        self._pipe: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"{self._shape.vendor:04x}:{self._shape.product:04x}"

    def plug(self) -> None:
        self._port += 1
        self.device, self._pipe = self._bus.plug(self._shape, self._serial(), self._port)

    def unplug(self) -> None:
        if self.device is None or self._pipe is None:
            return
        self._bus.unplug(self.device)
        self._pipe.close()
        self.device = self._pipe = None

    def fileno(self) -> int:
        return -1 if self._pipe is None else self._pipe.fileno()

    def read(self) -> bytes:
        with suppress(OSError):
            return self._pipe.recv(4096) if self._pipe is not None else b""
        return b""

    def write(self, data: bytes) -> None:
        if self._pipe is not None:
            with suppress(OSError):
                self._pipe.sendall(data)

    def hang_up(self) -> None:
        """A device on a bus has no connection to close."""

    def watched(self) -> list[int]:
        return []

    def host_present(self) -> bool:
        return self.device is not None and bool(self.device.claimed)

    def settings(self) -> tuple[int, str, int] | None:
        return None
