"""Packets of IKC in words (ikc.md §2, §5): for the evidence, not for the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drivers.describing import Described, readable
from drivers.ikc import commands as c
from drivers.ikc.frame import DLE, ETX, STX, Broken, Nak, Parser, Reply

NAMES: Mapping[int, str] = {
    c.STATUS: "status", c.GET_DATE: "date", c.SET_DATE: "set date", c.GET_TIME: "time", c.SET_TIME: "set time",
    c.LOGIN: "cashier's login", c.PAYOUT_LINE: "return line", c.X_REPORT: "X report", c.COMMENT: "comment",
    c.Z_REPORT: "Z report", c.CANCEL: "cancel receipt", c.CASH_IN: "service cash-in", c.SALE_LINE: "sale line",
    c.PAYMENT: "payment", c.CASH_OUT: "service cash-out", c.DISPLAY: "display", c.DRAWER: "open drawer",
    c.REPRINT: "copy of receipt", c.CASH_SUM: "cash", c.DISCOUNT: "discount", c.SERVICE_LINE: "slip line",
    c.DAY_DATA: "sums of the day", c.RECEIPT: "receipt's sums", c.TAX_RATES: "tax rates", c.PAPER: "paper",
    c.MODEM: "modem",
}  # fmt: skip


def describe(direction: str, data: bytes) -> list[Described]:
    """Answers `drivers.describing.Describer`. Text is code page 866."""
    return list(_requests(data) if direction == ">" else _replies(data))


def _requests(data: bytes) -> Iterator[Described]:
    start, position = bytes((DLE, STX)), 0
    while (position := data.find(start, position)) >= 0:
        body = bytearray()
        position += 2
        while position < len(data):
            pair = data[position : position + 2]
            if pair == bytes((DLE, ETX)):
                break
            body.append(data[position])
            position += 2 if pair == bytes((DLE, DLE)) else 1
        if len(body) >= 3:
            payload = bytes(body[2:-1])
            fields = (("parameters", readable(payload, "cp866")), ("hex", payload.hex(" "))) if payload else ()
            yield Described(NAMES.get(body[1], f"command {body[1]}"), fields)


def _replies(data: bytes) -> Iterator[Described]:
    for event in Parser().feed(data):
        if isinstance(event, Reply):
            fields = (("answer", readable(event.data, "cp866")), ("hex", event.data.hex(" "))) if event.data else ()
            name = NAMES.get(event.code, f"command {event.code}")
            yield Described(name, fields, f"result {event.result}" if event.result else "")
        elif isinstance(event, Nak):
            yield Described("NAK", refusal="the packet was not understood")
        elif isinstance(event, Broken):
            yield Described("?", (("broken", event.why),))
