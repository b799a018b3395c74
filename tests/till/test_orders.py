"""Advances, final settlements and debts (cashier-flow.md IV.5), on a hardware registrar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from drivers.document import DocumentKind, Stage
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import FiscalDocument, ReceiptState
from kiosk.till.cash import DEBT_REASON
from kiosk.till.errors import Refusal
from kiosk.till.payment import Wish
from kiosk.till.sale import Paid
from tests.contract.bench import Family, emulator_bench
from tests.till.orders import PROMISE, furnish, order, settle, take
from tests.till.shop.conftest import found, server, shop
from tests.till.shop.rig import SLIP, Shop
from tests.till.test_families import FAMILIES

__all__ = ["found", "server", "shop"]


@pytest.fixture
def day(shop: Shop) -> Shop:
    furnish(shop)
    shop.begin()
    return shop


def only(paid: Paid) -> FiscalDocument:
    assert paid.state is ReceiptState.DONE, paid.fault
    (document,) = paid.documents
    return document


def number_of(document: FiscalDocument) -> str:
    assert document.result is not None
    return document.result.number


def tape(server: EmulatorServer) -> str:
    return (Path(server.address).parent / "tape.txt").read_text(encoding="utf-8")


def test_iv_19_advance_and_final_on_hardware(day: Shop, server: EmulatorServer) -> None:
    before = day.till.reports.x(day.binding).totals.sales
    first = only(order(day, number="15"))
    assert [line.name for line in first.document.lines] == ["Аванс за: Диван", "Аванс за: Лампа"]
    assert [line.sum for line in first.document.lines] == [24_000, 6_000]
    assert (first.document.due, first.document.paid) == (30_000, 30_000)
    assert day.stock("70") == 5_000, "the goods are still here"
    last = only(settle(day, "15"))
    assert [(line.name, line.quantity, line.price) for line in last.document.lines] == [
        ("Диван", 1_000, 80_000),
        ("Лампа", 2_000, 10_000),
    ]
    assert last.document.due == 70_000
    paper = tape(server)
    for words in ("Аванс за: Диван", "Повна вартість 1 000,00", "Залишок до сплати 700,00", "Замовлення № 15",
                  f"Аванс 300,00, чек № {number_of(first)}", "До сплати 700,00"):  # fmt: skip
        assert words in paper, words
    assert day.stock("70") == 4_000 and day.stock("71") == 3_000
    done = day.till.advances.by_number("15")
    assert done is not None and done.closed_at is not None
    assert [part.stage for part in done.parts] == [Stage.PREPAYMENT, Stage.FINAL]
    assert day.till.advances.open_orders() == []
    report = day.till.reports.x(day.binding)
    assert report.totals.sales - before == 100_000
    assert report.agrees, [row for row in report.rows if row.difference]


def test_parts_that_follow_add_up_and_the_rest_may_be_nothing(day: Shop) -> None:
    order(day, 33_333, number="15")
    take(day, "15")
    second = only(day.till.advances.pay(Wish(66_667), received=66_667))
    assert second.document.total == 66_667 and second.document.lines[0].name == "Аванс за: Диван"
    last = only(settle(day, "15"))
    assert (last.document.due, last.document.payments) == (0, ())
    assert [(line.price, line.sum) for line in last.document.lines] == [(80_000, 0), (10_000, 0)]
    report = day.till.reports.x(day.binding)
    assert report.totals.sales == 100_000 and report.agrees
    assert report.totals.sales_by_tax == {"А": 80_000, "Б": 20_000}


def test_iv_20_the_refund_of_an_advance_names_its_number(day: Shop, server: EmulatorServer) -> None:
    first = only(order(day, number="15"))
    (waiting,) = day.till.advances.open_orders("15")
    back = day.till.give_back.next(waiting.id)
    assert (back.number, back.cash, back.missing_cash) == (number_of(first), 30_000, 0)
    with pytest.raises(Refusal, match="NO_REASON"):
        day.till.give_back.give(waiting.id, reason=" ")
    done = day.till.give_back.give(waiting.id, reason="The buyer changed their mind")
    assert done.state is ReceiptState.DONE, done.fault
    (refund,) = done.documents
    assert refund.document.original is not None and refund.document.original.number == number_of(first)
    assert refund.document.due == 30_000
    assert f"Повернення по чеку №{number_of(first)}" in tape(server)
    assert day.till.advances.open_orders() == []
    with pytest.raises(Refusal, match="NOTHING_PAID"):
        day.till.give_back.give(waiting.id, reason="twice")
    report = day.till.reports.x(day.binding)
    assert (report.totals.sales, report.totals.refunded, report.agrees) == (30_000, 30_000, True)


def test_a_settled_order_goes_back_from_its_last_receipt_on(day: Shop) -> None:
    first, last = only(order(day, number="15")), only(settle(day, "15"))
    found = day.till.advances.by_number("15")
    assert found is not None
    for number in (number_of(last), number_of(first)):
        done = day.till.give_back.give(found.id, reason="Wrong goods")
        assert done.state is ReceiptState.DONE, done.fault
        original = done.documents[0].document.original
        assert original is not None and original.number == number
    assert (day.stock("70"), day.stock("71")) == (5_000, 5_000)
    report = day.till.reports.x(day.binding)
    assert report.totals.refunded == 100_000 and report.agrees
    closed = day.till.advances.by_number("15")
    assert closed is not None and closed.closed_at is not None and closed.paid == 0


def test_an_order_whose_settlement_went_back_can_be_settled_again(day: Shop) -> None:
    order(day, number="15"), settle(day, "15")
    found = day.till.advances.by_number("15")
    assert found is not None
    day.till.give_back.give(found.id, reason="Wrong goods")
    assert only(settle(day, "15")).document.due == 70_000


def test_a_receipt_of_an_order_is_not_returned_line_by_line(day: Shop) -> None:
    paid = order(day, number="15")
    with pytest.raises(Refusal, match="ORDER_RECEIPT"):
        day.till.refunds.draft(paid.receipt.id)


def test_iv_21_a_debt_is_never_a_service_cash_in(day: Shop, server: EmulatorServer) -> None:
    first = only(order(day, 40_000, number="15", later=True))
    assert [(line.name, line.sum) for line in first.document.lines] == [("Диван", 32_000), ("Лампа", 8_000)]
    assert "Борг 600,00" in tape(server) and "до сплати пізніше 480,00" in tape(server)
    assert (day.stock("70"), day.till.advances.debts()) == (4_000, 60_000)
    sent = day.till.fiscal.issued
    for words in (DEBT_REASON, "погашення боргу", "Повернення заборгованості", "аванс Петренка", "repays a DEBT"):
        with pytest.raises(Refusal, match="DEBT_IS_SALE"):
            day.till.cash.put_in(day.binding, 60_000, note=words)
    assert day.till.fiscal.issued == sent
    kinds = [item.kind for item in day.ledger.receipts.documents(day.ledger.shifts.open_shift(day.binding.id).id)]  # type: ignore[union-attr]
    assert kinds == [DocumentKind.CASH_IN, DocumentKind.SALE]
    part = take_part(day, "15", 10_000)
    assert [line.name for line in part.document.lines] == ["Оплата за: Диван", "Оплата за: Лампа"]
    last = only(settle(day, "15"))
    assert last.kind is DocumentKind.SALE and last.document.due == 50_000
    assert (day.stock("70"), day.till.advances.debts()) == (4_000, 0)
    report = day.till.reports.x(day.binding)
    assert (report.totals.sales, report.totals.cash_in) == (100_000, 50_000)
    assert report.agrees and day.till.advances.open_orders() == []
    put = day.till.cash.put_in(day.binding, 100, note="Change is added")
    assert put.done


def take_part(shop: Shop, number: str, amount: int) -> FiscalDocument:
    take(shop, number)
    (found,) = shop.till.advances.open_orders(number)
    return only(shop.till.advances.pay(Wish(amount, later=found.later), received=amount))


def test_an_order_s_basket_is_frozen_and_put_back_by_clearing(day: Shop) -> None:
    order(day, number="15")
    take(day, "15")
    sale = day.till.sale
    for act in (
        lambda: sale.enter("1"),
        lambda: sale.set_quantity(5_000),
        sale.remove,
        lambda: sale.customer(None),
        lambda: sale.toggle_red(reason="x"),
        lambda: sale.pay(received=70_000),
    ):
        with pytest.raises(Refusal, match="ORDER_BASKET"):
            act()
    sale.clear()
    assert sale.basket.order is None
    (found,) = day.till.advances.open_orders()
    assert found.rest == 70_000


def test_an_order_is_found_by_number_customer_card_name_and_note(day: Shop) -> None:
    (regular,) = day.till.sale.find_customers("Постійний")
    day.till.sale.customer(regular)
    order(day, 10_000, codes=("4820000000703",), number="А-7", buyer="Петренко, 2-й під’їзд")
    with pytest.raises(Refusal, match="NUMBER_TAKEN"):
        order(day, 10_000, number="А-7")
    day.till.sale.clear()
    for text in ("А-7", "CARD-777", "постійний", "Петренко"):
        assert [one.number for one in day.till.advances.open_orders(text)] == ["А-7"], text
    assert [one.number for one in day.till.advances.open_orders(customer=regular)] == ["А-7"]
    assert day.till.advances.open_orders("Б") == []
    (found,) = day.till.advances.open_orders()
    assert found.total == 76_000, "the customer's discount is in the promise"
    day.till.advances.take_in_hand(found.id)
    assert day.till.sale.basket.rest == 66_000
    for record in day.ledger.journal.records():
        assert "Петренко".encode() not in record.payload


@pytest.mark.parametrize("amount", [0, -1, 100_001])
def test_a_part_is_more_than_nothing_and_at_most_the_rest(day: Shop, amount: int) -> None:
    with pytest.raises(Refusal, match="PART_ABOVE_REST"):
        order(day, amount)
    assert day.till.advances.open_orders() == []


def test_what_cannot_be_promised_is_refused(day: Shop) -> None:
    with pytest.raises(Refusal, match="ONE_ENTERPRISE"):
        order(day, 100, codes=("4820000000703", "5"))
    day.till.sale.clear()
    with pytest.raises(Refusal, match="NO_DEBT"):
        order(day, 100_000, later=True)
    assert len(day.till.sale.basket.lines) == 2, "the basket is kept"


def test_card_and_rounding_of_a_part(day: Shop) -> None:
    for code in PROMISE:
        day.till.sale.enter(code)
    wish = Wish(30_033, number="15")
    first = only(day.till.advances.pay(wish, card=10_000, slip=SLIP, received=20_050))
    assert (first.document.rounding, first.document.due) == (17, 30_050)
    last = only(settle(day, "15"))
    assert last.document.total == 69_967 and last.document.due == 69_950
    found = day.till.advances.by_number("15")
    assert found is not None
    day.till.give_back.give(found.id, reason="x")
    with pytest.raises(Refusal, match="NO_SLIP"):
        day.till.give_back.give(found.id, reason="x")
    back = day.till.give_back.give(found.id, reason="x", slip=SLIP)
    payments = back.documents[0].document.payments
    assert [(one.form, one.amount) for one in payments] == [("card", 10_000), ("cash", 20_050)]
    assert day.till.reports.x(day.binding).agrees


def test_a_refused_advance_leaves_no_order_and_the_basket(day: Shop, server: EmulatorServer) -> None:
    server.set_paper(False)
    paid = order(day, number="15")
    assert paid.state is ReceiptState.FAILED
    assert day.till.advances.by_number("15") is None
    assert len(day.till.sale.basket.lines) == 2
    server.set_paper(True)
    only(order(day, number="15", codes=()))


def test_a_till_that_moved_elsewhere_is_noticed(day: Shop) -> None:
    order(day, number="15")
    take(day, "15")
    basket = day.till.sale.basket
    day.till.advances.pay(Wish(10_000), received=10_000)
    day.till.sale.take_in_hand(replace(basket, id=uuid4()))
    with pytest.raises(Refusal, match="ORDER_MOVED"):
        day.till.advances.pay(received=70_000)


@pytest.mark.parametrize("family", [one for one in FAMILIES if one.scheme != "prro"], ids=lambda family: family.scheme)
def test_iv_19_on_every_hardware_family(family: Family, tmp_path: Path) -> None:
    """Advance 300 of 1 000, then 700; and the whole price in advance, then a receipt of nothing."""
    with emulator_bench(family, tmp_path / "registrar") as bench:
        shop = Shop(tmp_path / "shop", bench.url)
        try:
            furnish(shop)
            shop.begin()
            first = only(order(shop, number="1"))
            last = only(settle(shop, "1"))
            assert (first.document.due, last.document.due) == (30_000, 70_000)
            order(shop, 100_000, number="2")
            assert only(settle(shop, "2")).document.due == 0
            found = shop.till.advances.by_number("1")
            assert found is not None
            assert shop.till.give_back.give(found.id, reason="x").state is ReceiptState.DONE
            report = shop.till.reports.x(shop.binding)
            assert report.totals.sales == 200_000
            assert report.agrees, [row for row in report.rows if row.difference]
        finally:
            shop.close()
