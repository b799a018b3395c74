"""VII-2: a Z-report is the sum of the shift's documents, for every tax and every form of payment.

`KASA_SHIFTS=1000` plays that many random shifts; a slice of them by default. A failure names its seed.
"""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest
from msgspec.structs import replace

from drivers.document import DocumentKind, Original
from drivers.errors import Invalid
from drivers.prro.documents import Act, Record, Side, build, figures, read_document, z_report
from tests.prro.documents.random_shop import some_heading, some_receipt
from tests.prro.documents.shop import SHOP, act, by_schema, heading, line, sale

SHIFTS = int(os.environ.get("KASA_SHIFTS", "25"))


def play(chance: random.Random) -> tuple[list[Record], list[Record]]:
    """A random shift, and the documents of it that count by the words of the reference."""
    documents: list[Record] = []
    counting: list[Record] = []
    last: Record | None = None
    for number in range(1, chance.randint(2, 25)):
        kind = chance.choice(
            [DocumentKind.SALE] * 5
            + [DocumentKind.REFUND] * 2
            + [DocumentKind.CASH_IN, DocumentKind.CASH_OUT, DocumentKind.STORNO]
        )
        if kind is DocumentKind.STORNO:
            if last is None:
                continue
            document = act(kind, original=Original(number=last.fiscal_number))
            counting.remove(last)
            last = None
        elif kind in (DocumentKind.SALE, DocumentKind.REFUND):
            document = some_receipt(chance, kind)
        else:
            document = act(kind, amount=chance.randint(1, 10**6))
        data = build(SHOP, some_heading(chance, number), document)
        record = read_document(data, f"8340{number}")
        documents.append(record)
        if kind is not DocumentKind.STORNO:
            counting.append(record)
            last = record
    return documents, counting


Counts = tuple[int, int, Counter[tuple[int, str]], Counter[tuple[object, ...]]]
"""Money, receipts, money by form, sums by tax."""


def expected(counting: list[Record], act_: Act) -> Counts:
    pays: Counter[tuple[int, str]] = Counter()
    taxes: Counter[tuple[object, ...]] = Counter()
    money = count = 0
    for record in counting:
        if record.act is act_:
            money += sum(row.sum for row in record.pays)
            count += 1
            for pay in record.pays:
                pays[pay.code, pay.name] += pay.sum
            for tax in record.taxes:
                for what in ("turnover", "source", "sum"):
                    taxes[tax.kind, tax.letter, tax.percent, what] += getattr(tax, what)
    return money, count, +pays, +taxes


def told(side: Side) -> Counts:
    pays: Counter[tuple[int, str]] = Counter()
    taxes: Counter[tuple[object, ...]] = Counter()
    for pay in side.pays:
        pays[pay.code, pay.name] += pay.sum
    for tax in side.taxes:
        for what in ("turnover", "source", "sum"):
            taxes[tax.kind, tax.letter, tax.percent, what] += getattr(tax, what)
    return side.sum, side.count, +pays, +taxes


@pytest.mark.parametrize("seed", range(SHIFTS))
def test_vii_2_z_is_the_sum_of_the_shift(seed: int) -> None:
    chance = random.Random(seed)
    documents, counting = play(chance)
    chance.shuffle(documents)
    data = z_report(SHOP, heading(99), figures(documents))
    by_schema(data)
    shift = read_document(data).figures
    assert shift is not None
    assert told(shift.sales) == expected(counting, Act.SALE)
    assert told(shift.refunds) == expected(counting, Act.REFUND)
    assert shift.sales.rounding == sum(
        record.total.rounding for record in counting if record.act is Act.SALE and record.total is not None
    )
    assert shift.cash_in == sum(record.money for record in counting if record.act is Act.CASH_IN)
    assert shift.cash_out == sum(record.money for record in counting if record.act is Act.CASH_OUT)
    cash = {Act.SALE: 1, Act.REFUND: -1}
    drawer = sum(cash[r.act] * row.sum for r in counting if r.act in cash for row in r.pays if row.code == 0)
    assert shift.drawer(777) == 777 + shift.cash_in - shift.cash_out + drawer
    counted = figures(documents)
    assert sum(money for _, money in counted.sales.by_letters) == counted.sales.exact


def three() -> list[Record]:
    sales = [build(SHOP, heading(number), sale(line("Хліб", 5000))) for number in (1, 2, 3)]
    return [read_document(data, f"70{number}") for number, data in enumerate(sales)]


def test_taxes_are_summed_not_computed_anew() -> None:
    assert [tax.sum for tax in figures(three()[:2]).sales.taxes] == [1666]


def test_what_does_not_count() -> None:
    one, two, last = three()
    undone = read_document(build(SHOP, heading(4), act(DocumentKind.STORNO, original=Original(number="702"))), "703")
    assert figures([one, two, last, undone]).sales.count == 2
    assert figures([one, two, last, undone]).stornos == 1
    assert figures([one, replace(two, revoked=True), last]).sales.count == 2
    assert figures([one, two, last], without=[two.uid.lower()]).sales.count == 2
    assert figures([replace(one, offline=True), two, last]).offline == 1


def test_a_storno_of_a_document_that_is_missing_makes_no_figures() -> None:
    undone = read_document(build(SHOP, heading(4), act(DocumentKind.STORNO, original=Original(number="702"))), "703")
    with pytest.raises(Invalid, match="702"):
        figures([three()[0], undone])
