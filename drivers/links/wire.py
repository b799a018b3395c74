"""The wire log: every byte both ways, in a bounded ring, secrets masked by the driver that knows where they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from drivers.clock import Clock
from drivers.links import Link

FLUSH_READS = 16
"""Reads of a flush that are logged; what still comes after them is noise."""


@dataclass(frozen=True)
class Exchange:
    """Bytes that went one way. `direction` is `>` to the device, `<` from it, `#` a remark."""

    at: datetime
    direction: str
    data: bytes
    note: str = ""

    def __str__(self) -> str:
        body = self.data.hex(" ").upper() if self.data else self.note
        return f"{self.at:%H:%M:%S.%f} {self.direction} {body}"


MOST_BYTES = 4 * 1024 * 1024
"""Bytes that a log keeps at most: a packet of offline documents is two thousand times a serial command."""


class WireLog:
    """The last `size` exchanges of one device, `most` bytes in all. Counts all bytes ever moved for efficiency figures.

    `tap` may put something between the log and the link: a recorder, or a recording in place of the link. `sink` gets
    every exchange as the ring does, outgoing ones before they leave: what it raises keeps them from leaving.
    """

    def __init__(
        self, clock: Clock, size: int = 2000, tap: Callable[[Link], Link] | None = None, most: int = MOST_BYTES
    ) -> None:
        self._clock = clock
        self.tap = tap
        self._ring: deque[Exchange] = deque()
        self._size = size
        self._most = most
        self._kept = 0
        self.sink: Callable[[Exchange], None] | None = None
        self.branch: Callable[[str], Callable[[Exchange], None]] | None = None
        """Makes the sink of another device that this registrar uses, by what it is."""
        self.sent = 0
        self.received = 0
        self.note: Callable[..., None] | None = None
        """Where a recorder takes exchanges of the web; bytes of a link it taps itself."""

    # -- exchanges of the web -------------------------------------------------------------------------------------

    def asked(self, url: str, kind: str, body: bytes, shown: bytes | None = None) -> None:
        """A request went out; `shown` is its body with secrets masked."""
        self.remark(f"POST {url} {kind} {len(body)}")
        self.to_device(body, shown)
        self._noted("post", url, kind, (body if shown is None else shown).hex())

    def answered(self, status: int, shown: bytes) -> None:
        """The whole answer came; `shown` is its body with secrets masked."""
        self.remark(f"HTTP {status}")
        self.from_device(shown)
        self._noted("answer", status, shown.hex())

    def unanswered(self, why: str) -> None:
        """No whole answer came. `why` begins with `not sent` where the request did not go out."""
        self.remark(why)
        self._noted("post!", why)

    def _noted(self, *what: object) -> None:
        if self.note is not None:
            self.note(*what)

    # -- bytes ----------------------------------------------------------------------------------------------------

    def to_device(self, data: bytes, shown: bytes | None) -> None:
        self._keep(Exchange(self._clock.now(), ">", data if shown is None else shown))
        self.sent += len(data)

    def from_device(self, data: bytes) -> None:
        self.received += len(data)
        self._keep(Exchange(self._clock.now(), "<", data))

    def remark(self, note: str) -> None:
        self._keep(Exchange(self._clock.now(), "#", b"", note))

    def _keep(self, exchange: Exchange) -> None:
        """The newest exchange always stays, the oldest make room for it."""
        if self.sink is not None:
            self.sink(exchange)
        self._put(exchange)

    def _put(self, exchange: Exchange) -> None:
        self._ring.append(exchange)
        self._kept += len(exchange.data)
        while len(self._ring) > self._size or (self._kept > self._most and len(self._ring) > 1):
            self._kept -= len(self._ring.popleft().data)

    def beside(self, what: str) -> WireLog:
        """The log of another device that the registrar uses (a printer): one ring for the technician, but the owner
        reads apart what went to whom."""
        log = WireLog(self._clock, tap=self.tap)
        log.note = self.note
        apart = self.branch(what) if self.branch is not None else None

        def both(exchange: Exchange) -> None:
            if apart is not None:
                apart(exchange)
            self._put(exchange)

        log.sink = both
        return log

    def clear(self) -> None:
        """Forget the ring; the counters go on."""
        self._ring.clear()
        self._kept = 0

    def __iter__(self) -> Iterator[Exchange]:
        return iter(tuple(self._ring))

    def tail(self, count: int) -> str:
        """The last `count` exchanges as text, oldest first."""
        return "\n".join(str(exchange) for exchange in tuple(self._ring)[-count:])


class RecordedLink:
    """Any link with a wire log beside it."""

    def __init__(self, link: Link, log: WireLog) -> None:
        self._link = log.tap(link) if log.tap is not None else link
        self.log = log

    @property
    def name(self) -> str:
        return self._link.name

    def open(self) -> None:
        self._link.open()
        self.log.remark(f"open {self.name}")

    def close(self) -> None:
        self._link.close()
        self.log.remark("close")

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        self.log.to_device(data, shown)
        self._link.write(data, shown)

    def read(self, timeout: float) -> bytes:
        data = self._link.read(timeout)
        if data:
            self.log.from_device(data)
        return data

    def flush_input(self) -> None:
        """Stale bytes are forgotten by the driver, not by the log."""
        for _ in range(FLUSH_READS):
            if not self.read(0):
                return
        self._link.flush_input()
