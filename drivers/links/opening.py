"""Transport and address of a registrar URL -> a link, not opened yet."""

from __future__ import annotations

from drivers.errors import Code, Invalid
from drivers.links import Link
from drivers.links.serial import SerialLink
from drivers.links.tcp import TcpLink
from drivers.links.usb import UsbLink


def link_to(
    transport: str, address: str, *, baud: int, parity: str = "N", stop_bits: int = 1, default_port: int = 0
) -> Link:
    """A serial port, a TCP address or a USB device (`drivers.links.usb`). `default_port` 0: the port must be written.

    Raises `Invalid`.
    """
    if transport == "serial":
        return SerialLink(address, baud=baud, parity=parity, stop_bits=stop_bits)
    if transport == "usb":
        return UsbLink.at(address)
    if transport != "tcp":
        raise Invalid(Code.BAD_FIELD, f"this registrar speaks over serial, usb or tcp, not {transport!r}")
    host, colon, port = address.rpartition(":")
    if not colon and default_port:
        host, port = address, str(default_port)
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 0x10000):
        raise Invalid(Code.BAD_FIELD, f"{address!r} is not host:port")
    return TcpLink(host, int(port))
