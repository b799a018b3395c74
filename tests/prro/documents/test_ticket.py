"""The server's tickets (fiscal-server.md §1.4): tolerant of zeros that fell off, strict about whose they are."""

from __future__ import annotations

import uuid

import pytest

from drivers.errors import Invalid
from drivers.prro.documents import read_ticket
from drivers.prro.documents.numbers import day, hour
from tests.prro.documents.shop import official

UID = uuid.UUID("0f8b6a10-0000-4000-8000-000000000501")
TICKET = """<?xml version="1.0" encoding="windows-1251"?>
<TICKET xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="ticket01.xsd">
  <UID>0F8B6A10-0000-4000-8000-000000000501</UID><ORDERDATE>5032026</ORDERDATE><ORDERTIME>90000</ORDERTIME>
  <ORDERNUM>501</ORDERNUM><ORDERTAXNUM>834000501</ORDERTAXNUM>
  <OFFLINESESSIONID>48866</OFFLINESESSIONID><OFFLINESEED>271828182845904</OFFLINESEED>
  <ERRORCODE>0</ERRORCODE><VER>1</VER>
</TICKET>"""


def test_the_example() -> None:
    ticket = read_ticket(TICKET.encode("cp1251"))
    assert ticket.moment is not None
    assert (day(ticket.moment), hour(ticket.moment)) == ("05032026", "090000")
    assert (ticket.number, ticket.fiscal_number) == (501, "834000501")
    assert (ticket.session, ticket.seed, ticket.error, ticket.version) == ("48866", "271828182845904", 0, "1")
    assert ticket.accepts(UID, 501)
    assert "271828182845904" not in repr(ticket), "the seed is a secret"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<ORDERNUM>501", "<ORDERNUM>502"),
        ("000000000501</UID>", "000000000502</UID>"),
        ("<ERRORCODE>0", "<ERRORCODE>7"),
        ("<ORDERTAXNUM>834000501</ORDERTAXNUM>", ""),
    ],
    ids=["another number", "another document", "an error", "no fiscal number"],
)
def test_what_registers_nothing(old: str, new: str) -> None:
    assert old in TICKET
    assert not read_ticket(TICKET.replace(old, new).encode("cp1251")).accepts(UID, 501)


def test_a_ticket_without_an_error_code_registers() -> None:
    assert read_ticket(TICKET.replace("<ERRORCODE>0</ERRORCODE>", "").encode("cp1251")).accepts(UID, 501)


@pytest.mark.parametrize(("clock", "expected"), [("0", "000000"), ("905", "000905"), ("235959", "235959")])
def test_midnight_has_lost_its_zeros(clock: str, expected: str) -> None:
    moment = read_ticket(TICKET.replace(">90000<", f">{clock}<").encode("cp1251")).moment
    assert moment is not None and hour(moment) == expected


def test_a_date_beyond_repair_does_not_lose_the_number() -> None:
    ticket = read_ticket(TICKET.replace(">5032026<", ">99992026<").encode("cp1251"))
    assert ticket.moment is None and ticket.accepts(UID, 501)


def test_a_refusal() -> None:
    text = TICKET.replace("<ERRORCODE>0</ERRORCODE>", "<ERRORCODE>7</ERRORCODE><ERRORTEXT>Номер</ERRORTEXT>")
    ticket = read_ticket(text.encode("cp1251"))
    assert (ticket.error, ticket.error_text) == (7, "Номер")
    assert ticket.answers(UID, 501)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OK",
        b"\x30\x82",
        TICKET.replace("<ORDERNUM>501</ORDERNUM>", "").encode("cp1251"),
        TICKET.replace("<ORDERNUM>501", "<ORDERNUM>five").encode("cp1251"),
        TICKET.replace("TICKET", "CHECK").encode("cp1251"),
        TICKET.encode("cp1251")[:300],
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_what_is_no_ticket(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_ticket(data)


def test_the_official_example() -> None:
    ticket = read_ticket(official("ticket01.xml"))
    assert (ticket.number, ticket.error, ticket.session) == (12345678, 1, "2378946")
    assert "не зареєстрований" in ticket.error_text
