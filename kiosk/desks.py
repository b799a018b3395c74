"""From a binding to the one worker that owns its registrar; the serial number once met binds the driver to the unit."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from drivers.clock import Clock
from drivers.links.wire import WireLog
from drivers.registrar import PrintsApart
from drivers.registry import connect
from drivers.worker import Worker
from kiosk.config import Settings
from kiosk.ledger.records import Binding


def bound_url(binding: Binding) -> str:
    """The binding's URL with the serial number of the unit it belongs to (same unit, or the driver refuses)."""
    if not binding.serial or "serial=" in binding.url:
        return binding.url
    return f"{binding.url}{'&' if '?' in binding.url else '?'}serial={quote(binding.serial)}"


def with_paper(url: str, settings: Settings) -> str:
    """The URL of a software registrar with this workplace's printer and folder; what the URL says itself stays."""
    if not url.startswith("prro+"):
        return url
    has = dict(parse_qsl(urlsplit(url).query))
    wanted = {}
    if settings.printer and "printer" not in has and "tape" not in has:
        wanted["printer"] = settings.printer
    if settings.receipts and "files" not in has:
        wanted |= {"files": settings.receipts} | ({"pictures": "yes"} if settings.receipt_pictures else {})
    return f"{url}{'&' if '?' in url else '?'}{urlencode(wanted)}" if wanted else url


def worker(
    binding: Binding, clock: Clock, log: WireLog | None = None, *, settings: Settings | None = None, paper: bool = True
) -> Worker:
    """A worker for the registrar of a binding; opens nothing yet. Raises `Invalid` for a wrong URL.

    `settings` bring the receipt printer of a software registrar; `paper` False: buyers take the code from the screen.
    """
    url = bound_url(binding)
    registrar = connect(with_paper(url, settings) if settings else url, clock=clock, log=log or WireLog(clock))
    if registrar.capabilities.prints_apart and isinstance(registrar, PrintsApart):
        registrar.set_paper(paper)
    return Worker(registrar, f"registrar-{binding.id}")
