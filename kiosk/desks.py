"""From a binding to the one worker that owns its registrar; the serial number once met binds the driver to the unit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from drivers.clock import Clock
from drivers.links.wire import WireLog
from drivers.registry import connect
from drivers.worker import Worker
from kiosk.ledger.records import Binding

if TYPE_CHECKING:
    from kiosk.evidence.book import Book


def bound_url(binding: Binding) -> str:
    """The binding's URL with the serial number of the unit it belongs to (same unit, or the driver refuses)."""
    if not binding.serial or "serial=" in binding.url:
        return binding.url
    return f"{binding.url}{'&' if '?' in binding.url else '?'}serial={quote(binding.serial)}"


def worker(binding: Binding, clock: Clock, log: WireLog | None = None, book: Book | None = None) -> Worker:
    """A worker for the registrar of a binding; opens nothing yet. Raises `Invalid` for a wrong URL.

    With a `book` every byte both ways goes into the evidence.
    """
    log = log or WireLog(clock)
    if book is not None:
        from kiosk.evidence.book import Channel

        parts = urlsplit(binding.url)
        # The address without options: they hold passwords.
        source = f"{binding.id} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        log.sink = book.sink(Channel.REGISTRAR, source, parts.scheme.partition("+")[0], binding=binding.id)
    return Worker(connect(bound_url(binding), clock=clock, log=log), f"registrar-{binding.id}")
