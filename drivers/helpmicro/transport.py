"""The transport under httpx: one connection, every byte in the wire log, no repeats of its own (helpmicro.md §1).

httpx brings the digest and the decoding of bodies; its own transport would refuse sloppy headers and hide the bytes.
"""

from __future__ import annotations

from contextlib import suppress

import httpx

from drivers.clock import Clock
from drivers.errors import Code, LinkLost
from drivers.helpmicro.wire import Parser, Reply, masked, request
from drivers.links import Link

KEPT = frozenset({"content-type", "content-encoding", "www-authenticate"})
"""Headers that httpx is to see; a wrong length or date must not stop it."""


class LinkTransport(httpx.BaseTransport):
    """Requests over one link, which stays open while the device allows it."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock

    def handle_request(self, outgoing: httpx.Request) -> httpx.Response:
        """Raises `Unreachable` where nothing was sent, else `LinkLost`."""
        data = request(outgoing.method, outgoing.url.raw_path, outgoing.headers.raw, outgoing.read())
        patience = float(outgoing.extensions["timeout"]["read"])
        self._fresh()
        try:
            self._link.write(data, masked(data))
            reply = self._reply(patience, f"{outgoing.method} {outgoing.url.raw_path.decode()}")
        except LinkLost:
            self._link.close()
            raise
        if not reply.stays:
            self._link.close()
        headers = [(name, value) for name, value in reply.headers if name in KEPT]
        try:
            return httpx.Response(reply.status, headers=headers, content=reply.body)
        except httpx.DecodingError as error:
            raise LinkLost(Code.FRAME, f"the registrar's answer cannot be unpacked: {error}") from error

    def _fresh(self) -> None:
        """An open connection with nothing in it. One that the device closed in the meantime is opened anew."""
        with suppress(LinkLost):
            self._link.open()
            self._link.flush_input()
            return
        self._link.close()
        self._link.open()

    def _reply(self, patience: float, what: str) -> Reply:
        parser = Parser()
        deadline = self._clock.monotonic() + patience
        try:
            while (left := deadline - self._clock.monotonic()) > 0:
                try:
                    data = self._link.read(left)
                except LinkLost:
                    reply = parser.end()
                    if reply is None:
                        raise
                    return reply
                if data and (reply := parser.feed(data)) is not None:
                    return reply
        except ValueError as error:
            raise LinkLost(Code.FRAME, f"{self._link.name} does not speak HTTP: {error}", command=what) from error
        raise LinkLost(Code.TIMEOUT_UNKNOWN, f"no answer to {what} from {self._link.name}", command=what)
