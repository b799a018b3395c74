"""A scripted peer on a real pseudo-terminal: bytes in, bytes out, written by the test that uses it."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Respond = Callable[[bytes], bytes]
"""Gets every chunk that arrives and returns what to send back now."""


@contextmanager
def pty_peer(respond: Respond) -> Iterator[str]:
    """The path of a serial line with `respond` at the other end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stop, wake = os.pipe()

    def serve() -> None:
        while True:
            ready, _, _ = select.select([master, stop], [], [])
            if stop in ready:
                return
            answer = respond(os.read(master, 4096))
            if answer:
                os.write(master, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.write(wake, b"x")
        thread.join(5)
        for descriptor in (master, slave, stop, wake):
            os.close(descriptor)
