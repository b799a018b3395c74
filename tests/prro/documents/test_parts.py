"""Prepayment and settlement (cashier-flow.md IV.5, IV-19, IV-20; fiscal-server.md §3.9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.document import (
    Advance,
    Document,
    DocumentKind,
    Original,
    PartPayment,
    Stage,
    line_sum,
)
from drivers.errors import Invalid
from drivers.prro.documents import Record, build, figures, read_document
from tests.prro.documents.shop import SHOP, by_schema, heading, line, paid, sale


def part(stage: Stage, amount: int, *advances: int) -> PartPayment:
    numbers = tuple(Advance(number=f"83400050{place}", amount=sum_) for place, sum_ in enumerate(advances))
    return PartPayment(stage=stage, amount=amount, advances=numbers)


def issued(document: Document, number: int = 1) -> Record:
    data = build(SHOP, heading(number), document)
    by_schema(data)
    return read_document(data, str(number))


def test_iv_19_an_advance_of_300_then_the_rest_of_1000() -> None:
    wardrobe = line("Шафа", 100000)
    advance = issued(sale(wardrobe, part=part(Stage.PREPAYMENT, 30000)), 1)
    final = issued(sale(wardrobe, part=part(Stage.FINAL, 70000, 30000)), 2)
    assert advance.rows[0].name == "Аванс за: Шафа" and final.rows[0].name == "Шафа"
    assert (advance.money, advance.rows[0].part, advance.rows[0].cost) == (30000, 30000, 100000)
    assert final.total is not None
    assert (final.money, final.total.sum, final.total.prepayment) == (70000, 100000, "834000500")
    assert [tax.source for tax in (*advance.taxes, *final.taxes)] == [30000, 70000]
    assert [tax.turnover for tax in (*advance.taxes, *final.taxes)] == [100000, 100000]
    shift = figures([advance, final])
    assert (shift.sales.sum, shift.sales.pays[0].sum) == (100000, 100000)
    assert shift.sales.by_letters == (("А", 100000),)


def test_iv_20_a_refund_of_an_advance_names_it() -> None:
    document = sale(
        line("Шафа", 100000),
        kind=DocumentKind.REFUND,
        original=Original(number="834000500"),
        part=part(Stage.PREPAYMENT, 30000),
    )
    record = issued(document)
    assert (record.original, record.money) == ("834000500", 30000)
    assert record.total is not None and record.total.stage is Stage.PREPAYMENT


def test_the_official_numbers_with_rounding() -> None:
    document = sale(line("Послуга", 5900), part=part(Stage.PREPAYMENT, 2534), rounding=-4, payments=(paid(2530),))
    data = build(SHOP, heading(1), document).decode("cp1251")
    assert "<SUM>59.00</SUM><RNDSUM>0.04</RNDSUM><NORNDSUM>25.34</NORNDSUM><PARTPAYTYPE>1</PARTPAYTYPE>" in data
    assert "<PARTPAYSUM>25.30</PARTPAYSUM></CHECKTOTAL>" in data


def test_a_settlement_of_nothing_is_still_a_receipt() -> None:
    record = issued(sale(line("Шафа", 100000), part=part(Stage.FINAL, 0, 60000, 40000)))
    assert record.money == 0 and [row.sum for row in record.pays] == [0]
    assert record.total is not None and record.total.prepayment == "834000500", "the first advance is the prepayment"


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=6), st.data())
def test_the_parts_of_every_line_make_its_price(prices: list[int], data: st.DataObject) -> None:
    lines = [line(f"Товар {place}", price) for place, price in enumerate(prices)]
    left, taken = sum(prices), list[int]()
    records = []
    while left and len(taken) < 4:
        amount = data.draw(st.integers(1, left))
        stage = Stage.NEXT if taken else Stage.PREPAYMENT
        records.append(issued(sale(*lines, part=part(stage, amount, *taken)), len(taken) + 1))
        taken.append(amount)
        left -= amount
    records.append(issued(sale(*lines, part=part(Stage.FINAL, left, *taken)), 9))
    for place, price in enumerate(prices):
        assert sum(record.rows[place].part or 0 for record in records) == line_sum(price, 1000)
    assert figures(records).sales.sum == sum(prices)


@pytest.mark.parametrize(
    "wrong",
    [
        part(Stage.PREPAYMENT, 0),
        part(Stage.PREPAYMENT, 100001),
        part(Stage.PREPAYMENT, 10, 10),
        part(Stage.NEXT, 10),
        part(Stage.NEXT, 70001, 30000),
        part(Stage.FINAL, 69999, 30000),
        part(Stage.FINAL, 100000),
    ],
)
def test_parts_that_do_not_add_up(wrong: PartPayment) -> None:
    with pytest.raises(Invalid) as caught:
        sale(line("Шафа", 100000), part=wrong)
    assert caught.value.field.startswith("part")
