"""Replies as different firmware gives them, passwords as the log keeps them, text as the page takes it."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.datecs import commands, text
from drivers.datecs.commands import CashState, Transaction
from drivers.datecs.proof import Reading, judge
from drivers.document import Document, DocumentKind
from drivers.errors import Invalid, LinkLost
from drivers.registrar import State
from tests.contract.suite import act, refund, sale


@pytest.mark.parametrize(
    ("reply", "kopecks"),
    [
        ("+00003000", 3000),
        ("-00000050", -50),
        ("3000", 3000),
        ("0000000000", 0),
        ("30.00", 3000),
        ("30.0", 3000),
        ("30.", 3000),
        ("-0.05", -5),
        ("+12.50", 1250),
        (" 12.50 ", 1250),
        ("P+100", 100),
        ("12.500", 1250),
    ],
)
def test_money_of_any_firmware(reply: str, kopecks: int) -> None:
    assert commands.kopecks(reply) == kopecks


@pytest.mark.parametrize(
    "reply", ["", "-", ".", "1e5", "1.5E400", "9.9E999999", "NaN", "Infinity", "12,5", "١٢", "1_0"]
)
def test_what_is_no_money(reply: str) -> None:
    with pytest.raises(LinkLost):
        commands.kopecks(reply)


@given(st.text(max_size=213))
def test_no_reply_surprises(reply: str) -> None:
    """Any text is a value or one of the named faults."""
    readers = (
        commands.kopecks, commands.number, commands.transaction, commands.day_sums, commands.tax_sums,
        commands.cash_state, commands.article, commands.identity, commands.clock,
    )  # fmt: skip
    for reader in readers:
        try:
            reader(reply)
        except LinkLost as fault:
            assert fault.code == "FRAME"
    commands.last_z_day(reply)
    commands.tax_number(reply)
    assert commands.article_capacity(reply, 5) > 0


def test_replies() -> None:
    assert commands.transaction("1,0001,+00002500,+00000000") == Transaction(True, 1, 2500, 0)
    assert commands.transaction("0,0003,25.00") == Transaction(False, 3, 2500, 0)
    assert commands.cash_state("P,+00010000,+00000000,-00000500") == CashState(True, 10000, 0, 500)
    assert commands.cash_state("P+00010000,0,0") == CashState(True, 10000, 0, 0)
    assert commands.cash_state("F") == CashState(False, 0, 0, 0)
    assert commands.cash_state("F,5,0,0").drawer == 5
    assert commands.day_sums("1,2,3,4,0005,0006").by_form == {"cash": 1, "credit": 2, "card": 3, "cheque": 4}
    assert commands.tax_sums("0,1,2,3,4") == {"-": 0, "А": 1, "Б": 2, "В": 3, "Г": 4}
    assert commands.clock("07-03-24 10:15:30") == datetime(2024, 3, 7, 10, 15, 30)  # noqa: DTZ001 - the printer's own
    assert commands.clock("07-03-24 10:15") == datetime(2024, 3, 7, 10, 15)  # noqa: DTZ001 - the printer's own
    assert commands.last_z_day("0007,0,0,0,241126") == date(2026, 11, 24)
    assert commands.last_z_day("0000") is None and commands.last_z_day("0,999999") is None
    assert commands.tax_number("ПН 1234567890") == "1234567890"
    assert commands.identity("1.31 12Mar10 1200,FFFF,00000000,2,AB12345678").fiscal_memory == ""
    found = commands.article("P12,А,1,12.50,2.000,+00002500,0.000,0,Сир, твердий")
    assert found is not None and (found.sold, found.price, found.name) == (True, 1250, "Сир, твердий")
    assert commands.article("F") is None


@pytest.mark.parametrize(
    ("command", "data", "shown"),
    [
        (48, "00001,1234,00001,I", "00001,****,00001,I"),
        (85, "00001,1234,00001,I", "00001,****,00001,I"),
        (69, "1234,0", "****,0"),
        (69, "1234", "****"),
        (107, "PА7,1,12.50,1234,Сир,1234", "PА7,1,12.50,****,Сир,1234"),
        (107, "C7,12.50,1234", "C7,12.50,****"),
        (107, "DA,1234", "DA,****"),
        (107, "R1234", "R1234"),
        (58, "1234*1.000", "1234*1.000"),
        (54, "a,1234,b,1234", "a,1234,b,1234"),
    ],
)
def test_the_log_hides_the_password_by_its_place(command: int, data: str, shown: str) -> None:
    assert commands.masked(command, data.encode("cp1251")) == shown.encode("cp1251")


@pytest.mark.parametrize("page", text.CODEPAGES)
def test_ukrainian_goes_and_comes(page: str) -> None:
    letters = "АБВГДЕЄЖЗИЙКЛМНОПРСТУФХЦЧШЩЬЮЯабвгдеєжзийклмнопрстуфхцчшщьюяЇї 0-9 ,.%*"
    assert text.decode(text.encode(letters, page), page) == letters
    encoded = text.encode("Іі", page)
    assert encoded == (b"\xb2\xb3" if page == "cp1251" else b"Ii")
    assert text.decode(text.encode("Пʼять\u00a0літрів", page), page).startswith("П'ять")


def test_the_dos_page_letter_by_letter() -> None:
    assert text.encode("АЯая", "datecs_dos") == b"\x80\x9f\xa0\xbf"
    assert text.encode("ЄЇєї", "datecs_dos") == b"\xc0\xc2\xc1\xc3"
    assert text.encode("«Рошен» №1 — 5", "datecs_dos") == text.encode('"Рошен" N1 - 5', "datecs_dos")


@pytest.mark.parametrize(("page", "letter"), [("cp1251", "寿"), ("datecs_dos", "寿"), ("datecs_dos", "€")])
def test_a_letter_without_a_place_is_named(page: str, letter: str) -> None:
    with pytest.raises(Invalid, match=letter):
        text.encode(f"суп {letter}", page, "name")


@given(st.text(max_size=60), st.sampled_from(text.CODEPAGES))
def test_any_text_is_encoded_or_refused(words: str, page: str) -> None:
    try:
        data = text.encode(words, page, "name")
    except Invalid as fault:
        assert fault.field == "name"
        return
    assert len(data) == len(words)
    text.decode(data, page)


BEFORE = Reading("AB", last=10, z_number=3, paid=5000, refunded=100, drawer=900, cash_in=200, cash_out=50, amount=2500)
ONE = sale()


@pytest.mark.parametrize(
    ("document", "moves", "state"),
    [
        (ONE, {}, State.REJECTED),
        (ONE, {"last": 11, "paid": 7500}, State.REGISTERED),
        (ONE, {"last": 11, "paid": 8000, "amount": 2500}, State.REGISTERED),
        # The number moved by a slip, and the amount of 76 is that of the receipt before.
        (ONE, {"last": 11, "amount": 2500}, State.UNKNOWN),
        (ONE, {"last": 11, "paid": 6000, "amount": 1000}, State.UNKNOWN),
        (ONE, {"last": 12, "paid": 7500}, State.UNKNOWN),
        (ONE, {"last": 9}, State.UNKNOWN),
        (ONE, {"last": 11, "paid": 0, "z_number": 4}, State.UNKNOWN),
        (refund(), {"last": 11, "refunded": 2600}, State.REGISTERED),
        (refund(), {"last": 11, "paid": 7500}, State.UNKNOWN),
        (act(DocumentKind.ZERO), {"last": 11}, State.REGISTERED),
        (act(DocumentKind.CASH_IN, 70), {"cash_in": 270}, State.REGISTERED),
        (act(DocumentKind.CASH_IN, 70), {"cash_in": 340}, State.UNKNOWN),
        (act(DocumentKind.CASH_IN, 70), {"last": 11}, State.REJECTED),
        (act(DocumentKind.CASH_OUT, 70), {"cash_out": 120}, State.REGISTERED),
        (act(DocumentKind.Z_REPORT), {"z_number": 4}, State.REGISTERED),
        (act(DocumentKind.Z_REPORT), {"z_number": 3}, State.REJECTED),
        (act(DocumentKind.Z_REPORT), {"z_number": 5}, State.UNKNOWN),
    ],
)
def test_the_verdict(document: Document, moves: dict[str, int], state: State) -> None:
    after = Reading.from_json({**BEFORE.to_json(), "amount": 0, **moves})
    found, why = judge(document, BEFORE, after)
    assert found is state and why


def test_a_snapshot_of_an_older_version_is_read() -> None:
    old = {name: value for name, value in BEFORE.to_json().items() if name != "at"}
    assert Reading.from_json(old) == BEFORE


def test_discounts_go_out_as_sums() -> None:
    assert commands.sell(7, 275, 105) == "7*0.275;-1.05"
    assert commands.subtotal(-1000, printed=True) == "10;-10.00"
    assert commands.subtotal(2) == "00;+0.02"
    assert commands.pay("card", 5) == "\tD0.05"
