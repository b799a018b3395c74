"""The port of the fiscal server: HTTP/1.1, connections that can all be broken at once."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from drivers.prro.emulator.requests import MAX_SIZE, PATHS, TEXT, Answer, Request

CERTIFICATION = ("/ca/tsp", "/ca/ocsp")
PATIENCE = 5.0
"""Seconds to wait for the port of a predecessor."""
_MOST = 4 * MAX_SIZE
"""How much of an oversized body is read before it is refused."""


class Cut(Exception):
    """The connection ends without an answer."""


class Site(Protocol):
    """What answers behind the port."""

    def exchange(self, request: Request, cut: threading.Event) -> Answer:
        """Raises Cut when no answer is to be given."""

    def now(self) -> datetime: ...


class Listener(ThreadingTCPServer):
    """A listening port with its connections, which can all be broken at once."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, site: Site, cut: threading.Event) -> None:
        """`cut` is set when everything that waits has to end. Raises OSError when the port stays taken."""
        self.site = site
        self.cut = cut
        self._open: set[socket.socket] = set()
        self._broken: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                super().__init__(("127.0.0.1", port), _Handler)
                return
            except OSError:
                # The same port again after a cut: the kernel may need a moment to let it go.
                if not port or time.monotonic() > deadline:
                    raise
                self.cut.wait(0.02)

    def listen(self) -> None:
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="fiscal-server", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Refuse and reset."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            self.reset(connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
            broken = request in self._broken
            self._broken.discard(request)
        if broken:
            self.close_request(request)  # without the farewell of a shutdown: the client sees a reset
        else:
            super().shutdown_request(request)

    def reset(self, connection: socket.socket) -> None:
        """End a connection as a pulled cable or a dead process would: with RST. A reader on this side ends at once."""
        with self._guard:
            self._broken.add(connection)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdigit()):
            self._answer(Answer(400, TEXT, "Потрібен Content-Length".encode()), close=True)
            return
        length = int(size)
        body = self.rfile.read(min(length, _MOST))
        if len(body) < length:
            if length > _MOST:
                self._answer(Answer(416, TEXT, f"Розмір повідомлення {length} байт завеликий".encode()), close=True)
            self.close_connection = True
            return
        if parts.path not in (*PATHS, *CERTIFICATION):
            self._answer(Answer(403, TEXT, f"Невідома адреса {parts.path}".encode()))
            return
        request = Request(
            path=parts.path,
            content_type=self.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            encoding=self.headers.get("Content-Encoding", "").strip().lower(),
            body=body,
            as_json=parse_qs(parts.query).get("resultAsJson", ["false"])[-1].lower() == "true",
        )
        try:
            self._answer(self.server.site.exchange(request, self.server.cut))
        except Cut:
            self.close_connection = True
            self.server.reset(self.connection)

    def _refuse_method(self) -> None:
        known = urlsplit(self.path).path in (*PATHS, *CERTIFICATION)
        text = "Підтримується лише метод POST" if known else "Невідома адреса"
        self._answer(Answer(405 if known else 403, TEXT, text.encode()), close=True)

    do_GET = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = _refuse_method

    def _answer(self, answer: Answer, *, close: bool = False) -> None:
        self.send_response(answer.status)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        if answer.status != 204 and self.command != "HEAD":
            self.wfile.write(answer.body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header tells the server's own time, by which clients measure their drift."""
        return format_datetime(self.server.site.now().replace(microsecond=0), usegmt=True)

    def version_string(self) -> str:
        return "FSKO"

    def log_message(self, format: str, *args: Any) -> None:
        """The tape is the log."""
