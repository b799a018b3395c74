"""From a binding to the one worker that owns its registrar; the serial number once met binds the driver to the unit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from drivers.clock import Clock
from drivers.links.wire import WireLog
from drivers.registrar import PrintsApart
from drivers.registry import connect
from drivers.worker import Worker
from kiosk.config import Settings
from kiosk.ledger.records import Binding

if TYPE_CHECKING:
    from kiosk.evidence.book import Book, Sink


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
    binding: Binding,
    clock: Clock,
    log: WireLog | None = None,
    *,
    settings: Settings | None = None,
    paper: bool = True,
    book: Book | None = None,
) -> Worker:
    """A worker for the registrar of a binding; opens nothing yet. Raises `Invalid` for a wrong URL.

    `settings` bring the receipt printer of a software registrar; `paper` False: buyers take the code from the screen.
    With a `book` every byte both ways goes into the evidence.
    """
    log = log or WireLog(clock)
    if book is not None:
        from kiosk.evidence.book import Channel

        log.sink = _evidence(book, binding)
        log.branch = lambda what: book.sink(Channel.PRINTER, f"{binding.id} {what}", what)
    url = bound_url(binding)
    registrar = connect(with_paper(url, settings) if settings else url, clock=clock, log=log)
    if registrar.capabilities.prints_apart and isinstance(registrar, PrintsApart):
        registrar.set_paper(paper)
    return Worker(registrar, f"registrar-{binding.id}")


def _evidence(book: Book, binding: Binding) -> Sink:
    """A registrar's way into the evidence, under its address without options: they hold passwords."""
    from kiosk.evidence.book import Channel

    parts = urlsplit(binding.url)
    source = f"{binding.id} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return book.sink(Channel.REGISTRAR, source, parts.scheme.partition("+")[0], binding=binding.id)
