"""Packets of the Krypton dialect in words (datecs-krypton.md §2, §5): for the evidence, not for the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drivers.datecs.describe import requests
from drivers.datecs.frame import Nak, Parser, Reply
from drivers.describing import Described, named, readable
from drivers.krypton import commands as c

NAMES: Mapping[int, tuple[str, tuple[str, ...]]] = {
    c.SET_CLOCK: ("set clock", ("date", "time")),
    c.CLOCK: ("clock", ()),
    c.PROGRAM_ARTICLE: ("article", ("code", "name", "tax", "department", "modifiers", "unit")),
    c.FIND_ARTICLE: ("find article", ("code",)),
    c.PAYMENT_FORM: ("payment form", ("number",)),
    c.FACTORY_NUMBER: ("factory number", ()),
    c.FISCAL_NUMBER: ("fiscal number", ()),
    c.TAX_RATE: ("tax rate", ("number",)),
    c.SLIP_OPEN: ("open slip", ()),
    c.TEXT: ("text line", ("text",)),
    c.RECEIPT_OPEN: ("open receipt", ("operator", "till", "return")),
    c.SELL: ("sell", ("code", "quantity", "price")),
    c.CLOSE: ("close receipt", ()),
    c.PAY: ("pay", ("form", "amount")),
    c.CORRECT: ("discount or surcharge", ("kind", "amount")),
    c.CANCEL: ("cancel receipt", ()),
    c.TOTAL: ("total", ()),
    c.CASH: ("service cash", ("amount",)),
    c.IDENTIFY: ("identify", ()),
    c.DISPLAY: ("display", ("line", "text")),
    c.DRAWER: ("open drawer", ()),
    c.REPORT: ("report", ("kind",)),
    c.REPRINT: ("copy of receipt", ()),
    c.DAY_SUMS: ("sums of the day", ("source", "number")),
    c.RECEIPT_SUMS: ("sums of the receipt", ("source", "number")),
    c.COUNTER: ("counter", ("number",)),
    c.MODEM: ("modem", ("what",)),
}


def describe(direction: str, data: bytes) -> list[Described]:
    """Answers `drivers.describing.Describer`."""
    return list(_requests(data) if direction == ">" else _replies(data))


def _requests(data: bytes) -> Iterator[Described]:
    for command, payload in requests(data):
        name, names = NAMES.get(command, (f"command {command:02X}h", ()))
        yield Described(name, named(("password", *names), readable(payload, "cp1251").split(";")[:-1]))


def _replies(data: bytes) -> Iterator[Described]:
    for event in Parser().feed(data):
        if isinstance(event, Reply):
            name, _ = NAMES.get(event.command, (f"command {event.command:02X}h", ()))
            code, *fields = readable(event.data, "cp1251").split(";")
            yield Described(name, named((), fields[:-1]), "" if code == "0000" else f"error {code}")
        elif isinstance(event, Nak):
            yield Described("NAK", refusal="the packet was not understood")
