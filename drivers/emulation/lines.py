"""Where an emulator listens: a pseudo-terminal under a stable name, or its TCP twin (emulators.md §1)."""

from __future__ import annotations

import ctypes
import os
import pty
import select
import socket
import struct
import termios
import tty
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_SPEEDS = {
    getattr(termios, name): int(name[1:]) for name in dir(termios) if name.startswith("B") and name[1:].isdigit()
}
_IN_CLOSE = 0x08 | 0x10
_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


class Line(Protocol):
    """Where a device is plugged in."""

    @property
    def address(self) -> str:
        """What a host opens."""

    def plug(self) -> None: ...

    def unplug(self) -> None: ...

    def fileno(self) -> int:
        """What to wait on for bytes of the host; -1 while unplugged."""

    def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def hang_up(self) -> None:
        """Close the host's connection; nothing where a line has none."""

    def watched(self) -> list[int]:
        """What else wakes the server: the host comes or goes."""

    def host_present(self) -> bool: ...

    def settings(self) -> tuple[int, str, int] | None:
        """Speed, parity and stop bits that the host set; None where a line has none."""


class _Openers:
    """Counts who holds a node open, by inotify: a pty tells its master nothing about that."""

    def __init__(self, node: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0 or libc.inotify_add_watch(self.descriptor, os.fsencode(node), _IN_OPEN | _IN_CLOSE) < 0:
            raise OSError(ctypes.get_errno(), f"cannot watch {node}")
        self._count = 0

    def count(self) -> int:
        with suppress(BlockingIOError):
            while events := os.read(self.descriptor, 4096):
                while events:
                    _, mask, _, name = _EVENT.unpack_from(events)
                    events = events[_EVENT.size + name :]
                    self._count += 1 if mask & _IN_OPEN else -1 if mask & _IN_CLOSE else 0
        return self._count

    def close(self) -> None:
        os.close(self.descriptor)


FULL = 5.0
"""Seconds that a full line is waited for; what nobody reads for longer is lost, as on a wire."""


class PtyLine:
    """A pty whose slave is published as the symlink `path`; it stays open here, else the master sees EIO."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._master = -1
        self._slave = -1
        self._openers: _Openers | None = None

    @property
    def address(self) -> str:
        return str(self._path)

    def plug(self) -> None:
        self._master, self._slave = pty.openpty()
        # The host may discard what it wrote between the server's select and its read: no read may wait for more.
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)
        self._invite_settings()
        self._openers = _Openers(os.ttyname(self._slave))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.rename(self._path)

    def unplug(self) -> None:
        if self._master < 0:
            return
        self._path.unlink(missing_ok=True)
        if self._openers is not None:
            self._openers.close()
            self._openers = None
        for end in (self._slave, self._master):
            with suppress(OSError):  # an end that is gone needs no closing
                os.close(end)
        self._master = self._slave = -1

    def fileno(self) -> int:
        """What to wait on; -1 while unplugged."""
        return self._master

    def read(self) -> bytes:
        with suppress(OSError):
            return os.read(self._master, 4096)
        return b""

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with suppress(OSError):  # the host is gone; the device does not care
            while view:
                try:
                    view = view[os.write(self._master, view) :]
                except BlockingIOError:
                    if not select.select([], [self._master], [], FULL)[1]:
                        return

    def hang_up(self) -> None:
        """A wire has no connection to close."""

    def watched(self) -> list[int]:
        """What else wakes the server: the host comes or goes."""
        return [self._openers.descriptor] if self._openers is not None else []

    def host_present(self) -> bool:
        present = self._openers is not None and self._openers.count() > 0
        if not present and self._slave >= 0:
            self._invite_settings()
        return present

    def _invite_settings(self) -> None:
        """Let the host's next setting succeed. Linux drops PARENB on a pty, and the C library then reports EINVAL
        when nothing else was changed either; INPCK means nothing here and every host clears it."""
        flags = termios.tcgetattr(self._slave)
        if not flags[0] & termios.INPCK:
            flags[0] |= termios.INPCK
            termios.tcsetattr(self._slave, termios.TCSANOW, flags)

    def settings(self) -> tuple[int, str, int] | None:
        """Speed, parity and stop bits that the host set on its end. Linux clears PARENB on every pty, so that an
        even or odd parity reads as none; speed and stop bits are told truly."""
        self._invite_settings()
        flags = termios.tcgetattr(self._slave)
        parity = "N" if not flags[2] & termios.PARENB else "O" if flags[2] & termios.PARODD else "E"
        return _SPEEDS.get(flags[4], 0), parity, 2 if flags[2] & termios.CSTOPB else 1


class TcpLine:
    """A TCP server for one client at a time; port 0 takes a free one."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._host = host
        self._port = port
        self._server: socket.socket | None = None
        self._client: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"{self._host}:{self._port}"

    def plug(self) -> None:
        self._server = socket.create_server((self._host, self._port))
        self._port = self._server.getsockname()[1]

    def unplug(self) -> None:
        # The door first: a client that was cut off must not slip back in.
        for end in (self._server, self._client):
            if end is not None:
                end.close()
        self._client = self._server = None

    def fileno(self) -> int:
        live = self._client or self._server
        return live.fileno() if live else -1

    def read(self) -> bytes:
        if self._client is None and self._server is not None:
            self._client, _ = self._server.accept()
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        data = b""
        if self._client is not None:
            with suppress(OSError):
                data = self._client.recv(4096)
            if not data:
                self.hang_up()
        return data

    def write(self, data: bytes) -> None:
        if self._client is not None:
            with suppress(OSError):  # the host is gone; the device does not care
                self._client.sendall(data)

    def hang_up(self) -> None:
        """Close the connection; the next client may come."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def watched(self) -> list[int]:
        return []

    def host_present(self) -> bool:
        return self._client is not None

    def settings(self) -> tuple[int, str, int] | None:
        return None
