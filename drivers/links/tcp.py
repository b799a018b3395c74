"""A TCP stream: a registrar with Ethernet, a serial-to-LAN converter, or an emulator's twin."""

from __future__ import annotations

import select
import socket
from contextlib import suppress

from drivers.errors import Code, LinkLost, Unreachable

CONNECT_TIMEOUT = 3.0
"""Seconds to wait for the connection; a registrar stands in the same room."""
FLUSH_READS = 64
"""Reads that a flush makes at most: a peer that never stops talking must not hold the till."""


class TcpLink:
    """One TCP connection to `host:port`."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None
        self.patience = CONNECT_TIMEOUT
        """Seconds to wait for the connection."""

    @property
    def name(self) -> str:
        return f"{self._host}:{self._port}"

    def open(self) -> None:
        if self._socket is not None:
            return
        try:
            connection = socket.create_connection((self._host, self._port), self.patience)
        except OSError as error:
            raise Unreachable(Code.OFFLINE, f"cannot connect to {self.name}: {error}") from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(CONNECT_TIMEOUT)
        self._socket = connection

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            with suppress(OSError):  # the peer may be gone already
                connection.close()

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        del shown
        try:
            self._live().sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def read(self, timeout: float) -> bytes:
        connection = self._live()
        try:
            ready, _, _ = select.select([connection], [], [], max(0.0, timeout))
            if not ready:
                return b""
            data = connection.recv(4096)
        except (OSError, ValueError) as error:
            raise self._lost(error) from error
        if not data:
            raise self._lost("closed by the other end")
        return data

    def flush_input(self) -> None:
        connection = self._live()
        try:
            for _ in range(FLUSH_READS):
                if not select.select([connection], [], [], 0)[0]:
                    break
                if not connection.recv(4096):
                    raise self._lost("closed by the other end")
        except OSError as error:
            raise self._lost(error) from error

    def _live(self) -> socket.socket:
        if self._socket is None:
            raise LinkLost(Code.OFFLINE, f"{self.name} is not connected")
        return self._socket

    def _lost(self, why: object) -> LinkLost:
        self.close()
        return LinkLost(Code.OFFLINE, f"{self.name} is gone: {why}")
