"""The till's arithmetic and reading, without ledger or registrar."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.document import CardSlip, PaymentForm
from kiosk.ledger.records import Customer, Good, Role, User
from kiosk.till import basket as baskets
from kiosk.till import money, payment, rules, scan
from kiosk.till.basket import Basket
from kiosk.till.errors import Refusal
from kiosk.till.rights import TABLE, Grant, Right, grant, may_approve
from kiosk.till.rounding import round_cash

BREAD = Good(1, "1001", "Хліб", 2550, 1, barcode="4820000000017")
CHEESE = Good(2, "2001", "Сир", 19990, 1, weighed=True, unit="кг")
BAG = Good(3, "3001", "Пакет", 300, 1, fiscal=False, ground="exempt_art9")
FOREIGN = Good(4, "4001", "Мед", 12000, 2)
SLIP = CardSlip(
    rrn="123456789012", auth_code="A1B2C3", pan_mask="XXXXXXXXXXXX1234", terminal="T0000001", payment_system="VISA"
)


def empty() -> Basket:
    return Basket(uuid.uuid4())


# -- rounding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", range(100))
def test_iv_15_every_ending_of_kopiykas_by_the_table(ending: int) -> None:
    """IV-15: the table of IV.4 for steps 10 and 50."""
    fifty = 0 if ending < 25 else 50 if ending < 75 else 100
    ten = ending // 10 * 10 + (10 if ending % 10 >= 5 else 0)
    assert round_cash(12300 + ending, 50) == 12300 + fifty
    assert round_cash(12300 + ending, 10) == 12300 + ten
    assert round_cash(12300 + ending, 0) == 12300 + ending


def test_rounding_never_gives_goods_away() -> None:
    assert round_cash(24, 50) == 24
    assert round_cash(4, 10) == 4


@pytest.mark.parametrize(
    ("day", "step"), [(date(2019, 9, 30), 0), (date(2019, 10, 1), 10), (date(2025, 9, 30), 10), (date(2025, 10, 1), 50)]
)
def test_the_step_follows_its_dates(day: date, step: int) -> None:
    assert rules.rounding_step(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)) == step


def test_a_rule_begins_at_midnight_in_kyiv() -> None:
    """30.09.2025 21:30 UTC is 01.10.2025 00:30 in Kyiv."""
    assert rules.rounding_step(datetime(2025, 9, 30, 21, 30, tzinfo=UTC)) == 50


# -- money as typed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "kopecks"), [("1", 100), ("1.5", 150), ("1,05", 105), ("12 345,60", 1234560)])
def test_money_is_read(text: str, kopecks: int) -> None:
    assert money.read_money(text) == kopecks


@pytest.mark.parametrize("text", ["", "0", "-5", "1.234", "1e5", "NaN", "١٢", "1.2.3", "9999999999", "0,00"])
def test_nonsense_is_no_money(text: str) -> None:
    with pytest.raises(Refusal):
        money.read_money(text)


@pytest.mark.parametrize("text", ["0", "-1", "10000", "1.5", "", "abc", "0,0"])
def test_nonsense_is_no_quantity_of_pieces(text: str) -> None:
    with pytest.raises(Refusal):
        value = money.read_quantity(text, whole=True)
        money.check_quantity(value, whole=True)


@given(st.integers(0, 10**12))
def test_money_goes_back_to_itself(kopecks: int) -> None:
    shown = money.hryvnias(kopecks)
    assert int(shown.replace("\u00a0", "").replace(",", "")) == kopecks


# -- scanning ----------------------------------------------------------------------------------------------------------


def test_a_weight_label_is_read() -> None:
    twelve = "200200100275"
    entry = scan.read(twelve + scan.ean_check(twelve))
    assert (entry.kind, entry.codes[1], entry.quantity) == (scan.Kind.WEIGHT, "2001", 275)


def test_a_weight_label_of_nothing_is_refused() -> None:
    twelve = "200200100000"
    with pytest.raises(Refusal, match="ZERO_WEIGHT"):
        scan.read(twelve + scan.ean_check(twelve))


def test_cyrillic_by_key_position_is_read_as_latin() -> None:
    """A Code 128 scan `abc123` under a Ukrainian layout arrives as `фис123` (kiosk-platform.md §3)."""
    assert "abc123" in scan.read("фис123").codes


def test_a_receipt_barcode_goes_back_to_its_number() -> None:
    entry = scan.read(scan.receipt_barcode(1234567))
    assert (entry.kind, entry.receipt) == (scan.Kind.RECEIPT, 1234567)


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "7" * 10_000, "0*482"])
def test_bad_scans_are_refused(text: str) -> None:
    with pytest.raises(Refusal):
        entry = scan.read(text)
        money.check_quantity(entry.quantity, whole=False)


def test_quantity_before_the_code() -> None:
    entry = scan.read("3*4820000000017")
    assert (entry.quantity, entry.codes[0]) == (3000, "4820000000017")


def test_aim_prefix_is_stripped() -> None:
    assert scan.read("]E04820000000017").codes[0] == "4820000000017"


@given(st.text(max_size=300))
def test_whatever_is_scanned_is_read_or_refused(text: str) -> None:
    with suppress(Refusal):
        assert scan.read(text).text


# -- basket ------------------------------------------------------------------------------------------------------------


def test_iv_5_weighed_sum() -> None:
    """IV-5: 0.275 kg × 199.90 = 54.97."""
    basket = baskets.add(empty(), CHEESE, 275)
    assert basket.total == 5497


def test_the_same_piece_grows() -> None:
    basket = baskets.add(baskets.add(empty(), BREAD, 1000), BREAD, 2000)
    assert [line.quantity for line in basket.lines] == [3000]


def test_discounts_are_not_added_up() -> None:
    basket = baskets.with_customer(baskets.add(empty(), BREAD, 2000), Customer(1, "c", "n", 500))
    assert basket.discounts == 255
    assert baskets.set_discount(basket, percent=1000).discounts == 510
    assert baskets.set_discount(basket, kopecks=100).discounts == 255


@pytest.mark.parametrize("quantity", [0, -1000, 10_000_000, 500])
def test_absurd_quantities_are_refused(quantity: int) -> None:
    with pytest.raises(Refusal):
        baskets.add(empty(), BREAD, quantity)


def test_a_price_of_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match="NO_PRICE"):
        baskets.add(empty(), replace(BREAD, price=0), 1000)


def test_a_basket_survives_its_json() -> None:
    basket = baskets.add(baskets.add(empty(), BREAD, 1000), BAG, 1000)
    assert baskets.decode(baskets.encode(basket)) == basket


# -- payment -----------------------------------------------------------------------------------------------------------


def test_iv_16_card_only_is_never_rounded() -> None:
    basket = baskets.add(empty(), CHEESE, 275)
    plan = payment.plan(basket, step=50, card=5497, slip=SLIP)
    assert plan.quote.rounding == 0
    assert plan.fiscal[1].rounding == 0


def test_iv_17_mixed_rounds_the_cash_row_only() -> None:
    basket = baskets.add(empty(), CHEESE, 275)
    plan = payment.plan(basket, step=50, card=2000, slip=SLIP, received=3500)
    amounts = {item.form: item.amount for item in plan.fiscal[1].payments}
    assert amounts == {PaymentForm.CARD: 2000, PaymentForm.CASH: 3500}
    assert plan.fiscal[1].rounding == 3


def test_iv_11_sixty_by_card_and_forty_in_cash() -> None:
    basket = baskets.add(empty(), replace(BREAD, price=10_000), 1000)
    plan = payment.plan(basket, step=50, card=6000, slip=SLIP, received=4000)
    assert [(item.form, item.amount) for item in plan.fiscal[1].payments] == [
        (PaymentForm.CARD, 6000),
        (PaymentForm.CASH, 4000),
    ]


def test_red_goods_take_no_card() -> None:
    basket = baskets.add(baskets.add(empty(), BREAD, 1000), BAG, 1000)
    with pytest.raises(Refusal, match="CARD_ABOVE_DUE"):
        payment.quote(basket, step=50, card=2850)
    plan = payment.plan(basket, step=50, card=2550, slip=SLIP, received=300)
    assert plan.nonfiscal is not None
    assert plan.nonfiscal.due == 300


def test_iv_10_a_card_needs_its_slip() -> None:
    basket = baskets.add(empty(), BREAD, 1000)
    with pytest.raises(Refusal, match="NO_SLIP"):
        payment.plan(basket, step=50, card=2550)
    assert payment.plan(basket, step=50, card=2550, cashless=True).tendered[0].name == "Безготівкова"


@pytest.mark.parametrize("field", ["rrn", "auth_code", "last_digits", "payment_system", "terminal"])
def test_iv_10_every_field_of_the_slip_is_checked(field: str) -> None:
    good = {
        "rrn": "123456789012",
        "auth_code": "a1b2c3",
        "last_digits": "1234",
        "payment_system": "VISA",
        "terminal": "T0000001",
    }
    assert payment.read_slip(**good).auth_code == "A1B2C3"
    with pytest.raises(Refusal) as caught:
        payment.read_slip(**{**good, field: ""})
    assert caught.value.values["field"] == field


@given(
    st.lists(st.tuples(st.sampled_from([BREAD, CHEESE, BAG, FOREIGN]), st.integers(1, 20)), min_size=1, max_size=12),
    st.integers(0, 10_000_000), st.integers(0, 5000), st.sampled_from([0, 10, 50]), st.integers(0, 100),
)  # fmt: skip
def test_parts_add_up_to_what_the_buyer_paid(
    goods: list[tuple[Good, int]], card: int, extra: int, step: int, percent: int
) -> None:
    basket = empty()
    for good, count in goods:
        basket = baskets.add(basket, good, count * 1000)
    basket = baskets.set_discount(basket, percent=percent * 100, whole_receipt=True)
    card = min(card, basket.fiscal)
    due = payment.quote(basket, step=step, card=card).cash_due
    plan = payment.plan(basket, step=step, card=card, slip=SLIP if card else None, received=due + extra)
    parts = [*plan.fiscal.values(), *([plan.nonfiscal] if plan.nonfiscal else [])]
    assert sum(part.total for part in parts) == basket.total
    assert sum(part.due for part in parts) == plan.quote.due == card + due
    assert plan.quote.change == extra
    for part in plan.fiscal.values():
        paid = sum(item.amount for item in part.payments)
        assert paid in (part.due, part.due + extra)


# -- rights ------------------------------------------------------------------------------------------------------------


def test_every_right_has_its_row() -> None:
    assert set(TABLE) == set(Right)


@pytest.mark.parametrize(
    ("role", "right", "given"),
    [
        (Role.CASHIER, Right.SELL, Grant.YES),
        (Role.OWNER, Right.SELL, Grant.NO),
        (Role.TECHNICIAN, Right.Z_REPORT, Grant.NO),
        (Role.CASHIER, Right.REFUND_WITHOUT_RECEIPT, Grant.NO),
        (Role.SENIOR, Right.REFUND_WITHOUT_RECEIPT, Grant.PIN),
        (Role.CASHIER, Right.STORNO, Grant.SENIOR),
        (Role.CASHIER, Right.NONFISCAL, Grant.NO),
        (Role.SENIOR, Right.NONFISCAL, Grant.PIN),
        (Role.OWNER, Right.RESOLVE, Grant.YES),
        (Role.AUDITOR, Right.SELL, Grant.NO),
    ],
)
def test_the_table_of_rights(role: Role, right: Right, given: Grant) -> None:
    """cashier-flow.md I, "Roles to build"."""
    assert grant(User(1, "n", role), right) is given


def test_what_was_taken_is_gone() -> None:
    senior = User(1, "n", Role.SENIOR, denied=frozenset({"storno"}))
    assert grant(senior, Right.STORNO) is Grant.NO
    assert not may_approve(senior, Right.STORNO)
    assert grant(User(1, "n", Role.SENIOR, active=False), Right.SELL) is Grant.NO
