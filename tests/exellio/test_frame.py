"""The vectors of exellio.md A.3 both ways, and what the dialect reads differently."""

from __future__ import annotations

import pytest

from drivers.datecs import commands
from drivers.datecs.dialect import CLASSIC, EXELLIO
from drivers.datecs.frame import Parser, Reply, request
from drivers.datecs.status import Flags
from drivers.errors import Code, Invalid
from drivers.registry import connect

REQUESTS = {
    "status": (commands.STATUS, "X", "01 25 31 4A 58 05 30 30 3F 3D 03"),
    "return": (
        commands.RETURN_OPEN,
        commands.open_receipt(1, "0000", 1),
        "01 36 33 55 30 30 30 30 31 2C 30 30 30 30 2C 30 30 30 30 31 2C 49 05 30 34 33 32 03",
    ),
    "card": (commands.PAY, commands.pay("card", 2500), "01 2B 34 35 09 44 32 35 2E 30 30 05 30 31 3D 3B 03"),
    "cash out": (commands.CASH, commands.money(-5000), "01 2A 35 46 2D 35 30 2E 30 30 05 30 31 3C 3A 03"),
    "copy": (commands.COPY, "1", "01 25 36 6D 31 05 30 30 3F 3E 03"),
    "drawer": (commands.DRAWER, "", "01 24 37 6A 05 30 30 3C 3A 03"),
}
IDLE = "01 31 31 4A 80 80 80 80 80 BA 04 80 80 80 80 80 BA 05 30 37 32 39 03"
COVER = "01 31 32 4A 80 A0 80 80 80 BA 04 80 A0 80 80 80 BA 05 30 37 36 3A 03"
RETURN = "01 34 33 55 30 30 30 33 2C 30 30 30 31 04 80 88 88 80 80 BA 05 30 35 3B 3F 03"
CASH = (
    "01 4A 35 46 50 2C 2B 30 30 30 30 35 30 30 30 2C 2B 30 30 30 31 30 30 30 30 2C 2B 30 30 30 30 35 30 30 30 "
    "04 80 80 80 80 80 BA 05 30 39 3E 38 03"
)


def reply(frame: str) -> Reply:
    (event,) = Parser().feed(bytes.fromhex(frame))
    assert isinstance(event, Reply)
    return event


@pytest.mark.parametrize(("command", "data", "frame"), REQUESTS.values(), ids=REQUESTS.keys())
def test_requests(command: int, data: str, frame: str) -> None:
    wire = bytes.fromhex(frame)
    assert request(wire[2], command, data.encode("cp1251")) == wire


def test_idle() -> None:
    flags = Flags(reply(IDLE).status, EXELLIO)
    assert flags.blocks() == () and not flags.slip_open and flags.fiscalised


def test_an_open_cover_is_no_open_slip() -> None:
    status = reply(COVER).status
    assert Flags(status, EXELLIO).cover_open and not Flags(status, EXELLIO).slip_open
    assert Flags(status, EXELLIO).blocks() == (Code.COVER_OPEN,)
    assert Flags(status, CLASSIC).slip_open and not Flags(status, CLASSIC).cover_open


def test_an_open_return() -> None:
    assert Flags(reply(RETURN).status, EXELLIO).return_open


def test_cash() -> None:
    assert commands.cash_state(reply(CASH).data.decode()) == commands.CashState(True, 5000, 10000, 5000)


def test_paper_and_display() -> None:
    low = Flags(bytes.fromhex("80 80 82 80 80 BA"), EXELLIO)
    assert low.paper_low and low.obstacle() is None
    journal = Flags(bytes.fromhex("80 80 84 80 80 BA"), EXELLIO)
    assert journal.obstacle() == (Code.PAPER_OUT, "out of journal paper")
    assert Flags(bytes.fromhex("88 80 80 80 80 BA"), EXELLIO).warnings() == ("no customer display",)
    assert Flags(bytes.fromhex("88 80 86 80 80 BA"), CLASSIC).obstacle() is None


def test_programmable_forms_are_options() -> None:
    registrar = connect("exellio+tcp://10.0.0.7?certificate=I&iban=J")
    assert (registrar.capabilities.family, registrar.capabilities.max_payments) == ("exellio", 8)
    assert registrar.capabilities.line_length == 34
    with pytest.raises(Invalid):
        connect("exellio+tcp://10.0.0.7?certificate=Z")
    with pytest.raises(Invalid):
        connect("datecs+tcp://10.0.0.7:9100?certificate=I")
    with pytest.raises(Invalid):
        connect("datecs+tcp://10.0.0.7")
