"""One worker owns one device: calls queue up, one thread runs them, callers never wait on a port.

`submit()` gives a Future; `last` is the latest status, answered from memory while a document runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from drivers.errors import Fault
from drivers.registrar import Registrar, Status

T = TypeVar("T")


class Worker:
    """The single owner of a registrar."""

    def __init__(self, registrar: Registrar, name: str = "registrar") -> None:
        self._registrar = registrar
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._guard = threading.Lock()
        self._pending = 0
        self.last: Status | None = None
        self.capabilities = registrar.capabilities
        self.check = registrar.check

    @property
    def busy(self) -> bool:
        """Whether a call is running or queued."""
        with self._guard:
            return self._pending > 0

    def submit(self, work: Callable[[Registrar], T]) -> Future[T]:
        """Queue `work` for the device's thread."""
        with self._guard:
            self._pending += 1
        return self._pool.submit(self._run, work)

    def call(self, work: Callable[[Registrar], T]) -> T:
        """Run `work` on the device's thread and wait; never from the event loop."""
        return self.submit(work).result()

    def refresh(self) -> Future[Status]:
        """Ask the device for its status and remember the answer; unreachable is an answer too."""
        return self.submit(self._status)

    def close(self) -> None:
        """Finish what is queued, release the link, stop."""
        self._pool.submit(self._registrar.close)
        self._pool.shutdown(wait=True)

    def _run(self, work: Callable[[Registrar], T]) -> T:
        try:
            return work(self._registrar)
        finally:
            with self._guard:
                self._pending -= 1

    def _status(self, registrar: Registrar) -> Status:
        try:
            self.last = registrar.status()
        except Fault as fault:
            self.last = Status(reachable=False, blocks=(str(fault.code),), raw=str(fault))
        return self.last
