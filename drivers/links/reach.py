"""Whether a host can be reached at all: one TCP connection, no byte sent."""

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
