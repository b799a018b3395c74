"""Any basket: valid by our rules and by the official schema, sums to the kopeck, read back as it was written."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.document import DocumentKind, Payment, PaymentForm
from drivers.errors import Code, Invalid
from drivers.prro.documents import (
    MAX_BYTES,
    PAYMENT_NAMES,
    Act,
    begin_offline,
    build,
    end_offline,
    open_shift,
    read_document,
)
from drivers.prro.documents.body import ADVANCE
from drivers.prro.documents.numbers import kopecks, money, scaled
from drivers.prro.documents.structure import validate
from drivers.prro.documents.text import fit
from drivers.prro.documents.xml import read, write
from tests.prro.documents.random_shop import some_heading, some_receipt
from tests.prro.documents.shop import SHOP, SLIP, by_schema, heading, line, paid, sale


@given(st.randoms(use_true_random=False), st.sampled_from([DocumentKind.SALE, DocumentKind.REFUND]))
def test_any_basket(chance: random.Random, kind: DocumentKind) -> None:
    document = some_receipt(chance, kind)
    head = some_heading(chance, 7)
    data = build(SHOP, head, document)
    by_schema(data)
    tree = read(data)
    validate(tree)
    assert write(tree) == data, "nothing is lost between bytes and tree"

    record = read_document(data)
    assert record.act is (Act.SALE if kind is DocumentKind.SALE else Act.REFUND)
    assert (record.uid, record.number) == (str(head.uid).upper(), 7)
    assert (record.moment, record.outlet) == (head.moment, SHOP)
    assert record.total is not None
    assert record.total.money == record.money == document.due
    assert record.total.rounding == document.rounding
    assert record.total.sum == (document.total if document.part else document.due)
    assert record.total.discount == document.discount + sum(line.discount for line in document.lines)

    # payments: cash is one row, every other payment its own
    assert sum(row.sum for row in record.pays) == document.due
    for form in PaymentForm:
        rows = [row for row in record.pays if row.code == PAYMENT_NAMES[form].code]
        assert sum(row.sum for row in rows) == document.paid_by(form) - (
            document.change if form is PaymentForm.CASH else 0
        )
    cards = [payment.card for payment in document.payments if payment.card is not None]
    slips = [slip for row in record.pays for slip in row.slips]
    assert [(slip.rrn, slip.auth_code, slip.pan_mask, slip.fee) for slip in slips] == [
        (card.rrn, card.auth_code, card.pan_mask, card.fee) for card in cards
    ]

    # goods
    assert len(record.rows) == len(document.lines)
    for row, given_line in zip(record.rows, document.lines, strict=True):
        assert row.name.removeprefix(ADVANCE) == fit(given_line.name, "name")
        assert (row.code, row.quantity, row.price) == (given_line.code, given_line.quantity, given_line.price)
        assert (row.letters, row.uktzed, row.dkpp) == (given_line.tax, given_line.uktzed, given_line.dkpp)
        assert (row.stamps, row.barcode, row.comment) == (given_line.excise, given_line.barcode, given_line.comment)
        assert row.cost == given_line.sum + given_line.discount
        assert row.discount >= given_line.discount
    if document.part is not None:
        assert sum(row.part or 0 for row in record.rows) == document.part.amount

    # taxes: each inside its base, all bases inside the money
    for tax in record.taxes:
        paid_for = sum(
            row.cost - row.discount if row.part is None else row.part
            for row in record.rows
            if tax.letter in row.letters
        )
        levies = sum(other.sum for other in record.taxes if other.kind > 0)
        assert paid_for - (levies if tax.kind == 0 else 0) <= tax.source <= paid_for
        assert tax.turnover == sum(row.cost for row in record.rows if tax.letter in row.letters)


@given(st.integers(-(10**12), 10**12))
def test_amounts_there_and_back(amount: int) -> None:
    assert kopecks(money(amount)) == amount


@pytest.mark.parametrize(
    ("text", "expected"), [("5", 500), ("5.0", 500), ("-0.15", -15), ("1.005", 101), ("+2.5", 250), ("0.00", 0)]
)
def test_amounts_of_other_programs(text: str, expected: int) -> None:
    assert kopecks(text) == expected
    assert scaled("2", 1000) == 2000


@pytest.mark.parametrize(
    "text",
    ["", "5,00", "1e5", "NaN", "abc", "--1.00", "²5.00", "9" * 40, "1" * 5000 + ".00"],
    ids=lambda text: text[:9],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        kopecks(text)


def test_a_receipt_of_500_lines() -> None:
    document = sale(*(line(f"Товар з довгою назвою номер {number}", 100 + number) for number in range(500)))
    data = build(SHOP, heading(1), document)
    by_schema(data)
    assert len(data) < MAX_BYTES
    assert len(read_document(data).rows) == 500


def test_a_receipt_too_large_for_the_server_says_what_to_do() -> None:
    document = sale(*(line("Ж" * 250, 100 + number) for number in range(500)))
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), document)
    assert caught.value.code is Code.OVERFLOW
    assert "190" in caught.value.what and "two receipts" in caught.value.what


def test_the_same_stamp_twice() -> None:
    bottle = line("Коньяк", 100, tax="АГ", excise=("AAAB123456",))
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(bottle, bottle))
    assert caught.value.field == "lines[1].excise" and "AAAB123456" in caught.value.what


def test_a_wrong_code_is_refused_with_the_good() -> None:
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(line("Хліб", 100), line("Сир", 100, uktzed="12345")))
    assert caught.value.field == "lines[1]" and "Сир" in caught.value.what and "UKTZED" in caught.value.what


def test_an_open_card_number_goes_nowhere() -> None:
    card = msgspec.structs.replace(SLIP, pan_mask="4149499912341713")
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(line("Хліб", 100), payments=(paid(100, PaymentForm.CARD, card=card),)))
    assert caught.value.field == "payments[0].card.pan_mask"
    assert "4149499912341713" not in str(caught.value)


@pytest.mark.parametrize("payments", [(paid(115, PaymentForm.CARD),), (paid(115, PaymentForm.IBAN),)])
def test_only_cash_is_rounded(payments: tuple[Payment, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(line("Хліб", 100), rounding=15, payments=payments))
    assert caught.value.field == "rounding"


def test_nothing_is_rounded_down_to_nothing() -> None:
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(line("Хліб", 24), rounding=-24, payments=(paid(1),)))
    assert caught.value.field == "rounding"


def test_mixed_payment_rounds_the_cash_row_only() -> None:
    document = sale(line("Хліб", 10010), rounding=-10, payments=(paid(6000, PaymentForm.CARD), paid(4000)))
    record = read_document(build(SHOP, heading(1), document))
    assert [(row.code, row.sum) for row in record.pays] == [(301, 6000), (0, 4000)]
    assert record.total is not None and (record.total.exact, record.total.sum) == (10010, 10000)
    assert record.taxes[0].source == 10010, "taxes are counted on the exact sum"


def test_a_whole_receipt_discount_is_spread_over_the_rows() -> None:
    document = sale(line("А", 100), line("Б", 100), line("В", 100), discount=100)
    rows = read_document(build(SHOP, heading(1), document)).rows
    assert [row.discount for row in rows] == [34, 33, 33]


def test_a_test_registrar_marks_its_documents_but_not_the_offline_frame() -> None:
    shop = replace(SHOP, testing=True)
    assert b"<TESTING>true</TESTING>" in open_shift(shop, heading(1))
    assert b"<TESTING>true</TESTING>" in build(shop, heading(2, place=2), sale(line("Хліб", 100)))
    for data in (begin_offline(shop, heading(1, place=1)), end_offline(shop, heading(3, place=3, previous="a" * 64))):
        by_schema(data)
        assert b"TESTING" not in data


@pytest.mark.parametrize(
    "mark", [{"place": 1}, {"place": 0}, {"place": 2, "previous": "a" * 64}], ids=["first", "none", "hash too early"]
)
def test_a_sale_out_of_place_in_its_offline_session(mark: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        build(SHOP, heading(2, **mark), sale(line("Хліб", 100)))


def test_damaged_numbers_of_an_offline_session_are_refused_and_not_shown() -> None:
    head = heading(2, place=2)
    assert head.offline is not None
    with pytest.raises(Invalid) as caught:
        build(SHOP, replace(head, offline=replace(head.offline, seed="2718\u0662")), sale(line("Хліб", 100)))
    assert "2718" not in str(caught.value)


def test_a_name_keeps_the_spaces_at_its_ends() -> None:
    assert read_document(build(SHOP, heading(1), sale(line(" Хліб ", 100)))).rows[0].name == " Хліб "


def test_the_offline_frame_needs_a_session() -> None:
    for builder in (begin_offline, end_offline):
        with pytest.raises(Invalid):
            builder(SHOP, heading(2))
    with pytest.raises(Invalid):
        begin_offline(SHOP, heading(2, place=2))


def test_a_receipt_given_away_has_a_payment_row_of_zero() -> None:
    document = sale(line("Подарунок", 100, percent=100_00))
    data = build(SHOP, heading(1), document)
    by_schema(data)
    record = read_document(data)
    assert (record.money, [row.sum for row in record.pays]) == (0, [0])
