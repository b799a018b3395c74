"""Requests to a provider's time-stamp and status servers over httpx, with a guard on addresses (signing.md §12).

The addresses come out of a certificate file, which anybody can make: only http(s) to public addresses is allowed, no
redirects, a short answer, a short wait. The demo may also reach the loopback.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drivers.prro.signing.timestamp import Post

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 256 * 1024


def poster(client: httpx.Client, *, seconds: float = 2.0, loopback: bool = False) -> Post:
    """A `Post` over `client`, whose connection stays open between receipts. The whole exchange takes `seconds` at most
    (checked between pieces of the answer)."""

    def post(url: str, body: bytes, content_type: str) -> bytes:
        import httpx

        check_address(url, loopback=loopback)
        deadline = time.monotonic() + seconds
        answer = bytearray()
        try:
            with client.stream(
                "POST",
                url,
                content=body,
                headers={"Content-Type": content_type},
                timeout=seconds,
                follow_redirects=False,
            ) as response:
                if response.status_code != 200:
                    raise ConnectionError(f"HTTP {response.status_code}")
                for piece in response.iter_bytes():
                    answer += piece
                    if len(answer) > MAX_ANSWER:
                        raise ConnectionError("the answer is too long")
                    if time.monotonic() > deadline:
                        raise TimeoutError("the answer takes too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        return bytes(answer)

    return post


def check_address(url: str, *, loopback: bool = False) -> None:
    """Raises PermissionError unless `url` is http(s) to public addresses (with `loopback`, also to this machine),
    and OSError when its name does not resolve."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise PermissionError(f"{url!r} is no address") from error
    if parts.scheme not in ("http", "https") or not host:
        raise PermissionError(f"{url!r} is no web address")
    try:
        found = socket.getaddrinfo(host, port or 80, type=socket.SOCK_STREAM)
    except (UnicodeError, OSError) as error:
        raise OSError(f"{host} does not resolve: {error}") from error
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not (address.is_global or (loopback and address.is_loopback)):
            raise PermissionError(f"{host} leads to {address}, which is not public")
