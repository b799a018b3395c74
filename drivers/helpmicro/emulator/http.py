"""The device's small HTTP/1.1 server: requests out of a byte stream, answers into it (helpmicro.md §1).

METHOD SP target SP HTTP/1.x CRLF *(name: value CRLF) CRLF [body of Content-Length bytes]

It knows no chunked bodies and never says 100 Continue.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

HEAD_LIMIT = 8192
BODY_LIMIT = 1 << 18
REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 411: "Length Required",
    413: "Payload Too Large", 500: "Internal Server Error",
}  # fmt: skip
_START = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/1\.[01]")


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Bad:
    """No request; `status` says why. The connection is of no more use."""

    status: int


def parse_head(head: bytes) -> Request | Bad:
    """Request line and headers without the empty line."""
    lines = head.decode("latin-1").split("\r\n")
    start = _START.fullmatch(lines[0])
    if start is None:
        return Bad(400)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            return Bad(400)
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        return Bad(411)
    length = headers.get("content-length", "0")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        return Bad(400)
    if int(length) > BODY_LIMIT:
        return Bad(413)
    return Request(start[1], start[2], headers)


class Inbox:
    """Cuts requests out of one connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._head: Request | None = None

    def clear(self) -> None:
        self._buffer, self._head = b"", None

    def take(self, data: bytes) -> Iterator[Request | Bad]:
        self._buffer += data
        while True:
            if self._head is None:
                self._buffer = self._buffer.lstrip(b"\r\n")
                head, end, rest = self._buffer.partition(b"\r\n\r\n")
                if len(head) > HEAD_LIMIT or not end:
                    if len(head) > HEAD_LIMIT:
                        self.clear()
                        yield Bad(400)
                    return
                parsed = parse_head(head)
                if isinstance(parsed, Bad):
                    self.clear()
                    yield parsed
                    return
                self._head, self._buffer = parsed, rest
            request, length = self._head, int(self._head.headers.get("content-length", "0"))
            if len(self._buffer) < length:
                return
            body, self._buffer = self._buffer[:length], self._buffer[length:]
            self._head = None
            yield Request(request.method, request.target, request.headers, body)


def answer(
    status: int, body: bytes = b"", extra: Sequence[tuple[str, str]] = (), *, kind: str = "application/json",
    deflate: bool = False,
) -> bytes:  # fmt: skip
    """One answer; its headers are as careless as the device's."""
    headers = [("Server", "HTROM"), ("Content-Type", kind), *extra]
    if deflate and body:
        body = zlib.compress(body)
        headers.append(("Content-Encoding", "deflate"))
    headers.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}:{value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {REASONS[status]}\r\n{head}\r\n".encode("latin-1") + body
