"""Refunds: never more than was sold, whatever fails and whoever hurries (cashier-flow.md V)."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from drivers.registrar import Result, State
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import DocumentState, Receipt, ReceiptState
from tests.kiosk.ledger.world import Shop, TestClock, build


def returned(shop: Shop, sale: Receipt) -> int:
    return shop.ledger.receipts.receipt(sale.id).lines[0].returned


def test_v_1_a_second_full_return_is_impossible(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 2000)
    back = shop.do(shop.refund(sale, 2000))
    assert back.state is ReceiptState.DONE
    assert returned(shop, sale) == 2000
    assert shop.stock(shop.bread) == 10_000
    with pytest.raises(LedgerError) as caught:
        shop.ledger.receipts.begin(shop.refund(sale, 1), [], [])
    assert caught.value.code == "returned"
    assert "2000 sold, 2000 returned already" in caught.value.what


def test_v_2_one_of_five(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 5000)
    shop.do(shop.refund(sale, 1000))
    assert (returned(shop, sale), shop.stock(shop.bread)) == (1000, 6_000)
    with pytest.raises(LedgerError):
        shop.ledger.receipts.begin(shop.refund(sale, 4001), [], [])
    shop.do(shop.refund(sale, 4000))
    assert (returned(shop, sale), shop.stock(shop.bread)) == (5000, 10_000)


def test_a_refund_under_way_holds_its_quantity(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 2000)
    first = shop.refund(sale, 1500)
    shop.ledger.receipts.begin(first, [], [])
    assert returned(shop, sale) == 1500
    with pytest.raises(LedgerError):
        shop.ledger.receipts.begin(shop.refund(sale, 501), [], [])
    shop.ledger.receipts.finish(first.id, ReceiptState.UNKNOWN)
    assert returned(shop, sale) == 1500
    shop.ledger.receipts.finish(first.id, ReceiptState.FAILED)
    shop.ledger.receipts.finish(first.id, ReceiptState.FAILED)
    assert (returned(shop, sale), shop.stock(shop.bread)) == (0, 8_000)
    shop.do(shop.refund(sale, 2000))


def test_two_rows_of_one_line_count_together(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 2000)
    row = shop.refund(sale, 1001).lines[0]
    both = shop.receipt(row, replace(row, position=2), original=sale)
    with pytest.raises(LedgerError, match="1001 returned already"):
        shop.ledger.receipts.begin(both, [], [])
    assert returned(shop, sale) == 0


def test_v_8_the_kind_of_a_line_cannot_change(shop: Shop) -> None:
    sale = shop.sell(shop.paper)
    line = replace(shop.refund(sale, 1000).lines[0], fiscal=True)
    with pytest.raises(LedgerError) as caught:
        shop.ledger.receipts.begin(shop.receipt(line, original=sale), [], [])
    assert caught.value.code == "kind"


def test_only_lines_of_a_done_sale_come_back(shop: Shop) -> None:
    begin = shop.ledger.receipts.begin
    pending = shop.ledger.receipts.begin(shop.receipt(shop.line(shop.paper)), [], [])
    sale, other = shop.sell(shop.bread), shop.sell(shop.bread)
    refund = shop.do(shop.refund(other, 500))
    wrong = {
        "pending": shop.refund(pending, 1),
        "a refund": shop.refund(refund, 1),
        "nothing": replace(shop.refund(sale, 1), original_id=uuid.uuid4()),
        "another's line": replace(shop.refund(other, 1), original_id=sale.id),
        "no line": shop.receipt(shop.line(shop.bread, 1), original=sale),
        "no sale": replace(shop.refund(sale, 1), original_id=None),
    }
    for name, receipt in wrong.items():
        with pytest.raises(LedgerError):
            begin(receipt, [], [])
        assert returned(shop, sale) == 0, name


def test_a_refund_without_a_receipt_ties_to_nothing(shop: Shop) -> None:
    from kiosk.ledger.records import ReceiptKind

    back = shop.do(shop.receipt(shop.line(shop.bread, 1000), kind=ReceiptKind.REFUND))
    assert back.original_id is None
    assert shop.stock(shop.bread) == 11_000


def test_the_book_itself_refuses_more_than_was_sold(shop: Shop) -> None:
    from sqlalchemy import text

    shop.sell(shop.bread)
    with pytest.raises(LedgerError) as caught, shop.ledger.database.write() as connection:
        connection.execute(text("UPDATE receipt_lines SET returned = quantity + 1"))
    assert caught.value.code == "integrity"


def test_many_hands_at_once_return_no_more_than_was_sold(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 5000)
    refunds = [shop.refund(sale, 1000) for _ in range(16)]
    start = threading.Barrier(len(refunds))
    outcomes: list[str] = []

    def go(receipt: Receipt) -> None:
        start.wait()
        try:
            shop.ledger.receipts.begin(receipt, [], [])
            outcomes.append("begun")
        except LedgerError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=go, args=(receipt,)) for receipt in refunds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["begun"] * 5 + ["returned"] * 11
    assert returned(shop, sale) == 5000


class Counter(RuleBasedStateMachine):
    """Sales and refunds that begin, wait, fail and succeed in any order, against a plain model."""

    sales = Bundle("sales")
    refunds = Bundle("refunds")
    folder: Path

    @initialize()
    def open(self) -> None:
        self.shop = build(self.folder / f"{uuid.uuid4()}.db", TestClock())
        self.back: dict[uuid.UUID, int] = {}
        self.sold: dict[uuid.UUID, Receipt] = {}
        self.bread = 10_000

    @rule(target=sales, quantity=st.integers(1, 3000))
    def sell(self, quantity: int) -> Receipt:
        sale = self.shop.sell(self.shop.bread, quantity)
        self.back[sale.id] = 0
        self.sold[sale.id] = sale
        self.bread -= quantity
        return sale

    @rule(target=refunds, sale=sales, quantity=st.integers(1, 3000))
    def begin(self, sale: Receipt, quantity: int) -> tuple[Receipt, bool]:
        refund = self.shop.refund(sale, quantity)
        documents = [self.shop.document(refund)]
        fits = self.back[sale.id] + quantity <= sale.lines[0].quantity
        try:
            self.shop.ledger.receipts.begin(refund, documents, [])
        except LedgerError as error:
            assert error.code == "returned"
            assert not fits
            return refund, False
        assert fits
        self.back[sale.id] += quantity
        return refund, True

    @rule(refund=consumes(refunds), wait=st.booleans(), good=st.booleans())
    def end(self, refund: tuple[Receipt, bool], wait: bool, good: bool) -> None:
        receipt, begun = refund
        if not begun:
            return
        receipts = self.shop.ledger.receipts
        (document,) = receipts.documents_of(receipt.id)
        if wait:
            receipts.settle_document(document.id, DocumentState.UNKNOWN, Result(State.UNKNOWN))
            receipts.finish(receipt.id, ReceiptState.UNKNOWN)
        state = DocumentState.REGISTERED if good else DocumentState.REJECTED
        receipts.settle_document(document.id, state, Result(State(str(state))))
        for _ in range(2):
            receipts.finish(receipt.id, ReceiptState.DONE if good else ReceiptState.FAILED)
        quantity = receipt.lines[0].quantity
        assert receipt.original_id is not None
        if good:
            self.bread += quantity
        else:
            self.back[receipt.original_id] -= quantity

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "shop"):
            return
        for sale in self.sold.values():
            line = self.shop.ledger.receipts.receipt(sale.id).lines[0]
            assert line.returned == self.back[sale.id] <= line.quantity
        assert self.shop.stock(self.shop.bread) == self.bread

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.ledger.close()


def test_any_order_of_refunds_keeps_the_books(tmp_path: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    class Here(Counter):
        folder = tmp_path

    run_state_machine_as_test(Here, settings=settings(max_examples=12, stateful_step_count=12, deadline=None))
