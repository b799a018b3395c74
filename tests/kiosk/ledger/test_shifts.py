"""Shifts and their sums."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.document import CardSlip, Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.registrar import Result, State
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import BindingRole, DocumentState, ReceiptState, Shift, Sums
from tests.kiosk.ledger.world import START, WORKPLACE, Shop, TestClock, build

SLIP = CardSlip(rrn="123456789012", auth_code="A1B2C3", pan_mask="****1234", terminal="T1", payment_system="VISA")


def cash(amount: int) -> Payment:
    return Payment(form=PaymentForm.CASH, amount=amount)


def card(amount: int, slip: CardSlip | None = SLIP) -> Payment:
    return Payment(form=PaymentForm.CARD, amount=amount, card=slip)


def settle(shop: Shop, document: Document, state: DocumentState = DocumentState.REGISTERED) -> None:
    shop.ledger.receipts.add_document(shop.record(document))
    if state is DocumentState.CANCELLED:
        # Registered first, then taken back by a storno.
        shop.ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, Result(State.REGISTERED))
        shop.ledger.receipts.cancel(document.id)
        return
    shop.ledger.receipts.settle_document(document.id, state, Result(State(str(state))))


def trade(kind: DocumentKind, *lines: tuple[int, str], payments: tuple[Payment, ...], **rest: Any) -> Document:
    document = Document(
        id=uuid.uuid4(),
        kind=kind,
        lines=tuple(
            Line(code=str(n), name="Товар", quantity=1000, price=price, sum=price, tax=tax)
            for n, (price, tax) in enumerate(lines)
        ),
        payments=payments,
        original=Original(number="1") if kind is DocumentKind.REFUND else None,
        **rest,
    )
    document.check()
    return document


def test_a_shift_opens_is_seen_by_the_device_and_closes(shop: Shop) -> None:
    shifts = shop.ledger.shifts
    assert shifts.open_shift(shop.binding.id) == shop.shift == shifts.get(shop.shift.id)
    assert shop.shift.is_open
    assert shifts.last_closed(shop.binding.id) is None
    device = START + timedelta(minutes=5)
    shifts.device_opened(shop.shift.id, device, "ДТ0001")
    shifts.device_opened(shop.shift.id, device + timedelta(hours=1), "ДТ0002")
    seen = shifts.get(shop.shift.id)
    assert (seen.device_opened_at, seen.serial) == (device, "ДТ0001")
    end = START + timedelta(hours=9)
    closing = {"counted": {"500": 2}, "difference": -100}
    shifts.close(shop.shift.id, by=shop.cashier.id, at=end, z_number=17, cash_left=5000, closing=closing)
    closed = shifts.get(shop.shift.id)
    assert not closed.is_open
    assert (closed.closed_at, closed.z_number, closed.cash_left, closed.closing) == (end, 17, 5000, closing)
    assert closed.closed_by == shop.cashier.id
    assert shifts.open_shift(shop.binding.id) is None
    assert shifts.last_closed(shop.binding.id) == closed


def test_a_registrar_has_one_open_shift_and_closes_it_once(shop: Shop) -> None:
    shifts = shop.ledger.shifts
    with pytest.raises(LedgerError) as caught:
        shifts.open(replace(shop.shift, id=0))
    assert caught.value.code == "shift_open"
    arguments: dict[str, Any] = {"by": shop.cashier.id, "at": START, "z_number": 1, "cash_left": 0, "closing": {}}
    shifts.close(shop.shift.id, **arguments)
    with pytest.raises(LedgerError) as caught:
        shifts.close(shop.shift.id, **arguments)
    assert caught.value.code == "shift_closed"
    second = shifts.open(replace(shop.shift, id=0, checks=({"line": 1, "state": "green"},)))
    assert second.id != shop.shift.id
    assert shifts.get(second.id).checks == ({"line": 1, "state": "green"},)
    first = shifts.last_closed(shop.binding.id)
    assert first is not None
    assert first.id == shop.shift.id


def test_an_unknown_shift_is_refused(shop: Shop) -> None:
    for call in (shop.ledger.shifts.get, shop.ledger.shifts.sums):
        with pytest.raises(LedgerError, match="no shift 99"):
            call(99)
    with pytest.raises(LedgerError, match="no shift 99"):
        shop.ledger.shifts.device_opened(99, START, "x")


def test_an_empty_shift_has_no_money(shop: Shop) -> None:
    assert shop.ledger.shifts.sums(shop.shift.id) == Sums()


def test_sums_of_a_day(shop: Shop) -> None:
    settle(shop, Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=50_000))
    settle(shop, trade(DocumentKind.SALE, (2500, "А"), (1000, "Б"), payments=(cash(5000),)))
    settle(shop, trade(DocumentKind.SALE, (10_000, "А"), payments=(card(6000), cash(4000)), discount=0))
    settle(shop, trade(DocumentKind.SALE, (333, "А"), payments=(cash(350),), rounding=17))
    settle(shop, trade(DocumentKind.SALE, (200, "Б"), payments=(card(200, None),)))
    settle(shop, trade(DocumentKind.REFUND, (1030, "А"), payments=(cash(1000),), rounding=-30))
    settle(shop, trade(DocumentKind.REFUND, (500, "А"), payments=(card(500),)), DocumentState.NOT_PRINTED)
    settle(shop, trade(DocumentKind.SALE, (9999, "А"), payments=(cash(9999),)), DocumentState.REJECTED)
    settle(shop, trade(DocumentKind.SALE, (8888, "А"), payments=(cash(8888),)), DocumentState.UNKNOWN)
    settle(shop, Document(id=uuid.uuid4(), kind=DocumentKind.CASH_OUT, amount=700))
    assert shop.ledger.shifts.sums(shop.shift.id) == Sums(
        sales_by_form={"cash": 3500 + 4000 + 350, "card": 6000 + 200},
        refunds_by_form={"cash": 1000, "card": 500},
        sales_by_tax={"А": 2500 + 10_000 + 333, "Б": 1200},
        refunds_by_tax={"А": 1530},
        cash_in=50_000,
        cash_out=700,
        rounding=17 + 30,
        receipts=4,
        refunds=2,
        manual_cards=6000 - 500,
    )


def test_a_discount_on_the_receipt_is_spread_over_the_tax_letters(shop: Shop) -> None:
    settle(shop, trade(DocumentKind.SALE, (1000, "А"), (500, "Б"), (1, "В"), payments=(cash(1401),), discount=100))
    taxes = shop.ledger.shifts.sums(shop.shift.id).sales_by_tax
    assert taxes == {"А": 1000 - 67, "Б": 500 - 33, "В": 1}
    assert sum(taxes.values()) == 1401


def test_iv_2_the_red_line_is_apart(shop: Shop) -> None:
    receipt = shop.receipt(shop.line(shop.bread, 2000), shop.line(shop.paper, position=2), cash=5000, change=1800)
    shop.do(receipt)
    sums = shop.ledger.shifts.sums(shop.shift.id)
    assert sums.sales_by_form == {"cash": 2500}
    assert sums.nonfiscal_cash == 700
    assert sums.receipts == 1


def test_red_refunds_and_failed_receipts_count_right(shop: Shop) -> None:
    sale = shop.sell(shop.paper, 3000)
    assert shop.ledger.shifts.sums(shop.shift.id) == Sums(nonfiscal_cash=2100)
    shop.do(shop.refund(sale, 1000), [])
    assert shop.ledger.shifts.sums(shop.shift.id) == Sums(nonfiscal_cash=1400)
    failed = shop.receipt(shop.line(shop.paper))
    shop.ledger.receipts.begin(failed, [], [])
    assert shop.ledger.shifts.sums(shop.shift.id) == Sums(nonfiscal_cash=1400)
    shop.ledger.receipts.finish(failed.id, ReceiptState.FAILED)
    assert shop.ledger.shifts.sums(shop.shift.id) == Sums(nonfiscal_cash=1400)


def test_red_lines_of_two_enterprises_go_to_their_own_shifts(shop: Shop) -> None:
    other = shop.ledger.shop.add_enterprise("ФОП", "3250719843")
    binding = shop.ledger.shop.bind(other.id, WORKPLACE, "datecs+serial:///dev/second", BindingRole.ACTIVE)
    second = shop.ledger.shifts.open(Shift(0, binding.id, other.id, WORKPLACE, shop.cashier.id, shop.clock.now()))
    theirs = replace(shop.line(shop.paper, 2000, position=2), enterprise_id=other.id)
    shop.do(shop.receipt(shop.line(shop.paper), theirs))
    assert shop.ledger.shifts.sums(shop.shift.id).nonfiscal_cash == 700
    assert shop.ledger.shifts.sums(second.id).nonfiscal_cash == 1400


def test_another_shift_is_not_counted(shop: Shop) -> None:
    shop.sell(shop.bread)
    shop.ledger.shifts.close(
        shop.shift.id, by=shop.cashier.id, at=shop.clock.now(), z_number=1, cash_left=0, closing={}
    )
    old = shop.shift
    shop.shift = shop.ledger.shifts.open(replace(shop.shift, id=0))
    shop.sell(shop.bread, 3000)
    shop.sell(shop.paper)
    assert shop.ledger.shifts.sums(old.id).sales_by_form == {"cash": 1250}
    sums = shop.ledger.shifts.sums(shop.shift.id)
    assert (sums.sales_by_form, sums.nonfiscal_cash) == ({"cash": 3750}, 700)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Document, DocumentState]:
    kind = draw(st.sampled_from((DocumentKind.SALE, DocumentKind.REFUND, DocumentKind.CASH_IN, DocumentKind.CASH_OUT)))
    state = draw(st.sampled_from([state for state in DocumentState if state is not DocumentState.PENDING]))
    if kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
        return Document(id=uuid.uuid4(), kind=kind, amount=draw(st.integers(1, 10**6))), state
    lines = draw(st.lists(st.tuples(st.integers(100, 10**6), st.sampled_from("АБВГ")), min_size=1, max_size=5))
    total = sum(price for price, _ in lines)
    discount = draw(st.integers(0, total // 2))
    rounding = draw(st.integers(-24, 25))
    due = total - discount + rounding
    by_card = draw(st.integers(0, due))
    change = draw(st.integers(0, 5000)) if kind is DocumentKind.SALE and by_card < due else 0
    rows = [card(by_card, draw(st.sampled_from((SLIP, None))))] if by_card else []
    rows += [cash(due - by_card + change)] if due > by_card else []
    return trade(kind, *lines, payments=tuple(rows), discount=discount, rounding=rounding), state


@settings(max_examples=20, deadline=None)
@given(st.lists(documents(), max_size=8))
def test_vii_2_sums_are_the_sums_of_the_documents(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[Document, DocumentState]]
) -> None:
    shop = build(Path(tmp_path_factory.mktemp("day")) / "ledger.db", TestClock())
    expected: dict[str, Counter[str]] = {}
    for document, state in made:
        settle(shop, document, state)
        if state not in (DocumentState.REGISTERED, DocumentState.NOT_PRINTED):
            continue
        forms = expected.setdefault(f"{document.kind} form", Counter())
        for payment in document.payments:
            forms[payment.form] += payment.amount
        forms["cash"] -= document.change
        expected.setdefault(f"{document.kind} total", Counter())["total"] += document.total
        expected.setdefault("all", Counter())[document.kind] += document.amount or 1
    sums = shop.ledger.shifts.sums(shop.shift.id)
    shop.ledger.close()
    counts = expected.get("all", Counter())
    assert sums.sales_by_form == +expected.get("sale form", Counter())
    assert sums.refunds_by_form == +expected.get("refund form", Counter())
    assert sum(sums.sales_by_tax.values()) == expected.get("sale total", Counter())["total"]
    assert sum(sums.refunds_by_tax.values()) == expected.get("refund total", Counter())["total"]
    assert (sums.receipts, sums.refunds) == (counts[DocumentKind.SALE], counts[DocumentKind.REFUND])
    assert (sums.cash_in, sums.cash_out) == (counts[DocumentKind.CASH_IN], counts[DocumentKind.CASH_OUT])
