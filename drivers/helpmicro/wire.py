"""HTTP/1.1 as this device speaks it (helpmicro.md §1), pure functions over bytes.

    POST /cgi/chk HTTP/1.1        HTTP/1.1 200 OK
    Host: 10.0.0.8                Content-Length: 97
    Authorization: Digest …
                                  {"id":301,"no":18,…}
    {"F":[…]}

The device's headers are sloppy, so a reply is read leniently: lines end with or without CR, names may have spaces
around them and any letter case, a body ends by its length, by chunks or with the connection. What a bad network does to
it: a body that is cut short, a connection that closes in silence, a proxy's page where JSON belongs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_BODY = 32 << 20
"""Bytes of a reply at most: a whole journal is far shorter."""
MAX_HEAD = 64 << 10
_STATUS = re.compile(rb"^\s*HTTP/\d(?:\.\d)?\s+(\d{3})")
_END_OF_HEAD = re.compile(rb"\r?\n[ \t]*\r?\n")
_ANSWER = re.compile(rb'(response="|cnonce=")([0-9a-f]+)(")')


@dataclass(frozen=True)
class Reply:
    """A whole reply; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stays: bool
    """Whether the connection may be used again."""


def request(method: str, target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bytes:
    """The bytes of one request."""
    head = [method.encode() + b" " + target + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def masked(data: bytes) -> bytes:
    """The request for the wire log: the digest's answer and its salt would let a short password be guessed."""
    return _ANSWER.sub(lambda found: found[1] + b"*" * len(found[2]) + found[3], data)


class Parser:
    """Bytes in, one reply out. `feed` returns None until it is whole; `end` tells that the connection closed."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Reply | None:
        """Raises ValueError for what is no HTTP reply."""
        self._buffer += data
        return self._whole(ended=False)

    def end(self) -> Reply | None:
        """The reply whose body ended with the connection; None when it was cut short."""
        return self._whole(ended=True)

    def _whole(self, *, ended: bool) -> Reply | None:
        found = _END_OF_HEAD.search(self._buffer)
        if found is None:
            if len(self._buffer) > MAX_HEAD or not b"HTTP/".startswith(self._buffer.lstrip()[:5]):
                raise ValueError("no HTTP reply")
            return None
        status, headers = _head(self._buffer[: found.start()])
        if status == 100:
            self._buffer = self._buffer[found.end() :]
            return self._whole(ended=ended) if self._buffer else None
        named = dict(headers)
        rest = self._buffer[found.end() :]
        if len(rest) > MAX_BODY:
            raise ValueError("a reply without an end")
        stays = "close" not in named.get("connection", "").lower()
        if status in (204, 304):
            return Reply(status, headers, b"", stays)
        if "chunked" in named.get("transfer-encoding", "").lower():
            body = _chunks(rest)
            return None if body is None else Reply(status, headers, body, stays)
        length = named.get("content-length", "")
        if length.isascii() and length.isdigit():
            return Reply(status, headers, rest[: int(length)], stays) if len(rest) >= int(length) else None
        return Reply(status, headers, rest, False) if ended else None


def _head(data: bytes) -> tuple[int, tuple[tuple[str, str], ...]]:
    first, *lines = data.decode("latin-1").split("\n")
    found = _STATUS.match(first.encode("latin-1"))
    if found is None:
        raise ValueError("no HTTP reply")
    pairs = (line.partition(":") for line in lines if ":" in line)
    return int(found[1]), tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)


def _chunks(data: bytes) -> bytes | None:
    """The body in chunks; None while it is not whole. Raises ValueError for a bad size."""
    body = b""
    while True:
        line, found, rest = data.partition(b"\n")
        if not found:
            return None
        size = int(line.split(b";")[0].strip() or b"0", 16)
        if size == 0:
            return body
        if len(rest) < size:
            return None
        body += rest[:size]
        data = rest[size:].lstrip(b"\r\n")
