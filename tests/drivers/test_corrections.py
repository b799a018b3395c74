"""Discount and rounding of a receipt, spread over its lines."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from drivers.corrections import by_tax, per_line
from drivers.document import Document, DocumentKind, Line, Payment, PaymentForm

PRICES = st.lists(st.tuples(st.integers(1, 100_000), st.integers(0, 100_000)), min_size=1, max_size=6)


def receipt(prices: list[tuple[int, int]], discount: int, rounding: int) -> Document:
    lines = tuple(
        Line(
            code=str(index), name="Товар", quantity=1000, price=price, sum=price - min(off, price), tax="А",
            discount=min(off, price),
        )
        for index, (price, off) in enumerate(prices)
    )  # fmt: skip
    document = Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=lines)
    discount = min(discount, document.total)
    rounding = max(rounding, discount - document.total)
    due = document.total - discount + rounding
    payments = (Payment(form=PaymentForm.CASH, amount=due),) if due else ()
    return Document(
        id=document.id, kind=document.kind, lines=lines, discount=discount, rounding=rounding, payments=payments
    )


@given(PRICES, st.integers(0, 300_000), st.integers(-99, 99))
def test_lines_add_up_and_none_is_below_zero(prices: list[tuple[int, int]], discount: int, rounding: int) -> None:
    document = receipt(prices, discount, rounding)
    document.check()
    corrections = per_line(document)
    sums = [line.price + correction for line, correction in zip(document.lines, corrections, strict=True)]
    assert sum(sums) == document.due
    assert min(sums) >= 0


def test_in_proportion() -> None:
    assert per_line(receipt([(1000, 0), (3000, 100)], 390, 0)) == [-100, -390]


def test_nothing_to_spread() -> None:
    assert per_line(receipt([(1000, 0), (3000, 100)], 0, 0)) == [0, -100]


@given(PRICES, st.integers(0, 300_000), st.integers(-99, 99))
def test_turnover_by_tax_adds_up(prices: list[tuple[int, int]], discount: int, rounding: int) -> None:
    document = receipt(prices, discount, rounding)
    told = by_tax(document)
    assert told == {} if not document.discount and not document.rounding else sum(told.values()) == document.due


def test_turnover_by_tax_follows_the_lines() -> None:
    def line(price: int, tax: str) -> Line:
        return Line(code=tax, name="Товар", quantity=1000, price=price, sum=price, tax=tax)

    payments = (Payment(form=PaymentForm.CASH, amount=900),)
    lines = (line(600, "А"), line(300, "БГ"), line(100, "А"))
    document = Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=lines, discount=100, payments=payments)
    assert by_tax(document) == {"А": 630, "БГ": 270}
    assert by_tax(document, 1) == {"А": 630, "Б": 270}
    plain = Document(
        id=uuid.uuid4(), kind=DocumentKind.SALE, lines=lines, payments=(Payment(form=PaymentForm.CASH, amount=1000),)
    )
    assert by_tax(plain) == {}
    assert by_tax(plain, 1) == {"А": 700, "Б": 300}, "a line of two letters is counted under the first"
