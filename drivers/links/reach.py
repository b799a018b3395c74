"""Whether a host can be reached at all (one TCP connection, no byte sent), and where a name leads."""

from __future__ import annotations

import socket
import time


def latency(host: str, port: int, timeout: float) -> float | None:
    """Seconds that a connection took, or None when there was none within `timeout` seconds."""
    start = time.monotonic()
    try:
        with socket.create_connection((host, port), timeout):
            return time.monotonic() - start
    except OSError:
        return None


def addresses(host: str) -> list[str]:
    """Addresses of a name or of an address, sorted; empty where it does not resolve."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(place[0]).partition("%")[0] for *_, place in found})
