"""From a binding to the one worker that owns its registrar; the serial number once met binds the driver to the unit."""

from __future__ import annotations

from urllib.parse import quote

from drivers.clock import Clock
from drivers.links.wire import WireLog
from drivers.registry import connect
from drivers.worker import Worker
from kiosk.ledger.records import Binding


def bound_url(binding: Binding) -> str:
    """The binding's URL with the serial number of the unit it belongs to (same unit, or the driver refuses)."""
    if not binding.serial or "serial=" in binding.url:
        return binding.url
    return f"{binding.url}{'&' if '?' in binding.url else '?'}serial={quote(binding.serial)}"


def worker(binding: Binding, clock: Clock, log: WireLog | None = None) -> Worker:
    """A worker for the registrar of a binding; opens nothing yet. Raises `Invalid` for a wrong URL."""
    return Worker(connect(bound_url(binding), clock=clock, log=log or WireLog(clock)), f"registrar-{binding.id}")
