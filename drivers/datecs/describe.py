"""Packets of the classic Datecs in words (datecs-fp3530t.md §2, §5): for the evidence, not for the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drivers.datecs import commands as c
from drivers.datecs.frame import POSTAMBLE, PREAMBLE, Broken, Nak, Parser, Reply, unescape
from drivers.describing import Described, named, readable

NAMES: Mapping[int, tuple[str, tuple[str, ...]]] = {
    c.CLEAR_DISPLAY: ("clear display", ()),
    c.DISPLAY_LOWER: ("display, lower line", ("text",)),
    c.DISPLAY_UPPER: ("display, upper line", ("text",)),
    c.SLIP_OPEN: ("open slip", ()),
    c.SLIP_LINE: ("slip line", ("text",)),
    c.SLIP_CLOSE: ("close slip", ()),
    c.SALE_OPEN: ("open sale", ("operator", "password", "till", "invoice")),
    c.RETURN_OPEN: ("open return", ("operator", "password", "till", "invoice")),
    c.SELL: ("sell", ("article*quantity#price,discount",)),
    c.SUBTOTAL: ("subtotal", ("print, display, correction",)),
    c.PAY: ("pay", ("form and amount",)),
    c.TEXT: ("text line", ("text",)),
    c.CLOSE: ("close receipt", ()),
    c.CANCEL: ("cancel receipt", ()),
    c.SET_CLOCK: ("set clock", ("time",)),
    c.CLOCK: ("clock", ("time",)),
    c.TAX_SUMS: ("sums by tax", ("what",)),
    c.CORRECTIONS: ("corrections", ()),
    c.REPORT: ("day report", ("password", "kind")),
    c.CASH: ("service cash", ("amount",)),
    c.LAST_Z: ("last Z", ("what",)),
    c.STATUS: ("status", ("what",)),
    c.TRANSACTION: ("state of receipt", ("what",)),
    c.IDENTIFY: ("identify", ("what",)),
    c.TAX_RATES: ("tax rates", ()),
    c.TAX_NUMBER: ("tax number", ()),
    c.DRAWER: ("open drawer", ("pulse",)),
    c.ARTICLE: ("article", ("programming",)),
    c.COPY: ("copy of receipt", ("count",)),
    c.DAY_SUMS: ("sums of the day", ()),
    c.LAST_DOCUMENT: ("last document", ()),
    c.BEEP: ("beep", ()),
}
SPLIT = frozenset({c.SALE_OPEN, c.RETURN_OPEN, c.REPORT})
"""Commands whose data are a plain list with commas."""


def describe(direction: str, data: bytes) -> list[Described]:
    """Answers `drivers.describing.Describer`. Text is shown as Windows-1251, the usual page."""
    return list(_requests(data) if direction == ">" else _replies(data))


def requests(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Commands and data of the request packets in the bytes."""
    position = data.find(PREAMBLE)
    while position >= 0 and position + 4 <= len(data):
        end = position + 1 + max(data[position + 1] - 0x20, 4)
        if end <= len(data) and data[end - 1] == POSTAMBLE:
            yield data[position + 3], unescape(data[position + 4 : end - 1])
        position = data.find(PREAMBLE, max(end, position + 1))


def _requests(data: bytes) -> Iterator[Described]:
    for command, payload in requests(data):
        name, names = NAMES.get(command, (f"command {command}", ()))
        text = readable(payload, "cp1251")
        values = text.split(",") if command in SPLIT else [text] if text else []
        yield Described(name, named(names, values))


def _replies(data: bytes) -> Iterator[Described]:
    for event in Parser().feed(data):
        if isinstance(event, Reply):
            name, _ = NAMES.get(event.command, (f"command {event.command}", ()))
            text = readable(event.data, "cp1251")
            refused = "general error" if event.status[0] & 0x20 else ""
            fields = [("answer", text)] if text else []
            yield Described(name, (*fields, ("status", event.status.hex(" "))), refused)
        elif isinstance(event, Nak):
            yield Described("NAK", refusal="the packet was not understood")
        elif isinstance(event, Broken):
            yield Described("?", (("broken", event.why),))
