"""The arithmetic of returns by parts: whatever the parts, what goes back adds up to what was paid."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.document import line_sum
from kiosk.ledger.records import ReceiptLine
from kiosk.till.receipts import returned_line
from kiosk.till.repay import Share, repay
from kiosk.till.rounding import round_cash


@settings(deadline=None)
@given(
    values=st.lists(st.integers(1, 50_000), min_size=1, max_size=12),
    by_card=st.floats(0, 1),
    step=st.sampled_from((0, 10, 50)),
)
def test_the_parts_add_up_to_what_was_paid_by_each_means(values: list[int], by_card: float, step: int) -> None:
    sold = sum(values)
    card = int(sold * by_card)
    share = Share(sold=sold, cashless=card, cash=round_cash(sold - card, step))
    paid = share.left
    for number, value in enumerate(values, 1):
        money = repay(share, value, last=number == len(values), step=step)
        assert money.cashless >= 0
        assert money.cash >= 0
        share = replace(
            share,
            back=share.back + value,
            cashless_back=share.cashless_back + money.cashless,
            cash_back=share.cash_back + money.cash,
        )
        assert share.cashless_back <= card
        assert share.cashless_back + share.cash_back <= paid
    assert (share.cashless_back, share.cash_back) == (share.cashless, share.cash)


def test_goods_that_cost_nothing_give_nothing_back() -> None:
    """A 1-kopeck good sold with a discount of 1 kopeck, beside others."""
    share = Share(sold=2_500, cash=2_500)
    assert repay(share, 0, last=False, step=0).cash == 0


@settings(deadline=None)
@given(
    values=st.lists(st.integers(1, 50_000), min_size=1, max_size=8),
    chosen=st.lists(st.floats(0, 1), min_size=8, max_size=8),
    step=st.sampled_from((0, 10, 50)),
)
def test_changed_means_never_pay_out_more_than_was_paid(values: list[int], chosen: list[float], step: int) -> None:
    sold = sum(values)
    share = Share(sold=sold, cashless=sold // 2, cash=round_cash(sold - sold // 2, step))
    paid = share.left
    for number, value in enumerate(values, 1):
        most = min(value, share.cashless_left)
        money = repay(share, value, last=number == len(values), step=step, cashless=int(most * chosen[number - 1]))
        share = replace(
            share,
            back=share.back + value,
            cashless_back=share.cashless_back + money.cashless,
            cash_back=share.cash_back + money.cash,
        )
        assert 0 <= share.cashless_back <= share.cashless
        assert share.cashless_back + share.cash_back <= paid


@settings(deadline=None)
@given(
    price=st.integers(1, 100_000),
    parts=st.lists(st.integers(1, 3000), min_size=1, max_size=6),
    discount=st.integers(0, 100_000),
)
def test_parts_of_a_line_never_add_up_to_more_than_it_cost(price: int, parts: list[int], discount: int) -> None:
    quantity = sum(parts)
    gross = line_sum(price, quantity)
    off = min(discount, gross)
    line = ReceiptLine(1, 1, "1", "Сир", "кг", quantity, price, gross - off, "А", 1, discount=off, id=1)
    back = 0
    for part in parts:
        returned = returned_line(line, part, 1)
        assert returned.sum == line_sum(price, part) - returned.discount
        assert returned.discount >= 0
        back += returned.sum
        line = replace(line, returned=line.returned + part)
    assert line.sum - len(parts) <= back <= line.sum
    if all(part % 1000 == 0 for part in parts):
        assert back == line.sum
