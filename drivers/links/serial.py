"""A serial port (RS-232, USB-COM or a pseudo-terminal) through pyserial.

Opened exclusively (usb-udev.md, "Opening a port safely"): `flock` always, `TIOCEXCL` too on real ports. On a
pseudo-terminal TIOCEXCL would outlive a killed till, because the emulator keeps the line open.
DTR and RTS stay as the kernel raises them unless a driver asks otherwise (Datecs and IKC must not be toggled).
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import termios
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import Code, LinkLost, Unreachable

if TYPE_CHECKING:
    import serial

WRITE_TIMEOUT = 5.0
"""Seconds that a write may wait for the port before the link counts as lost."""


class SerialLink:
    """One serial port. `parity` is N, E or O; `stop_bits` 1 or 2."""

    def __init__(self, path: str, *, baud: int = 19200, parity: str = "N", stop_bits: int = 1) -> None:
        self._path = path
        self._baud = baud
        self._parity = parity
        self._stop_bits = stop_bits
        self._port: serial.Serial | None = None

    @property
    def name(self) -> str:
        return self._path

    def open(self) -> None:
        if self._port is not None:
            return
        import serial

        # A pseudo-terminal has no parity, and asking for it twice is an error there.
        pseudo = os.path.realpath(self._path).startswith("/dev/pts/")
        try:
            port = serial.Serial(
                self._path,
                self._baud,
                parity="N" if pseudo else self._parity,
                stopbits=self._stop_bits,
                timeout=0,
                write_timeout=WRITE_TIMEOUT,
                exclusive=True,
            )
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            if getattr(error, "errno", None) in (errno.EAGAIN, errno.EBUSY):
                raise Unreachable(Code.BUSY, f"another program holds {self._path}") from error
            raise Unreachable(Code.OFFLINE, f"cannot open {self._path}: {error}") from error
        if not pseudo:
            with suppress(OSError):  # a port without the ioctl is still guarded by flock
                fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        self._port = port
        self.flush_input()

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError):  # the device may be gone already
                port.close()

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        del shown
        import serial

        port = self._live()
        try:
            port.write(data)
        except (serial.SerialException, OSError, termios.error) as error:
            raise self._lost(error) from error

    def read(self, timeout: float) -> bytes:
        port = self._live()
        try:
            ready, _, _ = select.select([port.fileno()], [], [], max(0.0, timeout))
            if not ready:
                return b""
            data = os.read(port.fileno(), 4096)
        except (OSError, ValueError) as error:
            raise self._lost(error) from error
        if not data:
            raise self._lost("the port is readable but empty: unplugged")
        return data

    def flush_input(self) -> None:
        try:
            termios.tcflush(self._live().fileno(), termios.TCIFLUSH)
        except (OSError, termios.error) as error:
            raise self._lost(error) from error

    def exists(self) -> bool:
        """Whether the device node is there at all."""
        return Path(self._path).exists()

    def _live(self) -> serial.Serial:
        if self._port is None:
            raise LinkLost(Code.OFFLINE, f"{self._path} is not open")
        return self._port

    def _lost(self, why: object) -> LinkLost:
        self.close()
        return LinkLost(Code.OFFLINE, f"{self._path} is gone: {why}")
