"""What a storno, an opening document and a change of keys do to the books."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from drivers.document import Document, DocumentKind
from drivers.registrar import Result, State
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import DocumentState, Receipt, ReceiptState
from tests.kiosk.ledger.world import Shop


def document_of(shop: Shop, receipt: Receipt) -> uuid.UUID:
    (document,) = shop.ledger.receipts.documents_of(receipt.id)
    return document.id


def test_v_6_a_cancelled_sale_gives_back_stock_and_sums_and_stays_in_the_books(shop: Shop) -> None:
    before = shop.ledger.shifts.sums(shop.shift.id)
    sale = shop.sell(shop.bread, 2000)
    for _ in range(2):
        cancelled = shop.ledger.receipts.cancel(document_of(shop, sale))
        assert cancelled.state is DocumentState.CANCELLED and cancelled.settled and not cancelled.done
    assert cancelled.result is not None and cancelled.result.number == "1"
    assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.CANCELLED
    assert shop.stock(shop.bread) == 10_000
    assert shop.ledger.shifts.sums(shop.shift.id) == before
    assert shop.ledger.receipts.find() == []
    assert [one.id for one in shop.ledger.receipts.by_document_number("1")] == [sale.id]
    assert shop.ledger.receipts.unfinished(sale.workplace) == []
    with pytest.raises(LedgerError, match="needs a sale that is done"):
        shop.ledger.receipts.begin(shop.refund(sale, 1000), [], [])
    with pytest.raises(LedgerError, match="cannot become"):
        shop.ledger.receipts.settle_document(cancelled.id, DocumentState.REGISTERED, Result(State.REGISTERED))
    with pytest.raises(LedgerError, match="cannot become"):
        shop.ledger.receipts.finish(sale.id, ReceiptState.DONE)


def test_a_cancelled_refund_frees_what_it_had_returned(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 2000)
    back = shop.do(shop.refund(sale, 1500), number="2")
    shop.ledger.receipts.cancel(document_of(shop, back))
    assert shop.ledger.receipts.receipt(sale.id).lines[0].returned == 0
    assert shop.stock(shop.bread) == 8_000
    assert shop.ledger.receipts.refunds_of(sale.id) == []
    assert shop.do(shop.refund(sale, 2000), number="3").state is ReceiptState.DONE


def test_what_was_returned_in_part_or_never_registered_cannot_be_cancelled(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 2000)
    shop.do(shop.refund(sale, 500), number="2")
    with pytest.raises(LedgerError, match="something of the sale"):
        shop.ledger.receipts.cancel(document_of(shop, sale))
    assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.DONE
    cash = shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=700))
    shop.ledger.receipts.add_document(cash)
    with pytest.raises(LedgerError, match="nothing to cancel"):
        shop.ledger.receipts.cancel(cash.id)
    with pytest.raises(LedgerError, match="no document"):
        shop.ledger.receipts.cancel(uuid.uuid4())


def test_a_receipt_with_another_registered_document_is_not_cancelled_by_one(shop: Shop) -> None:
    receipt = shop.receipt(shop.line(shop.bread, 2000))
    first, second = shop.document(receipt), shop.document(receipt)
    shop.do(receipt, [first, second])
    with pytest.raises(LedgerError, match="other documents"):
        shop.ledger.receipts.cancel(first.id)
    assert shop.ledger.receipts.document(first.id).state is DocumentState.REGISTERED, "all or nothing"


def test_an_opening_document_opens_one_shift_however_often_it_is_settled(shop: Shop) -> None:
    draft = replace(shop.shift, id=0, closed_at=None)
    opening = replace(shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.OPEN_SHIFT)), shift_id=None)
    shop.ledger.receipts.add_document(opening)
    with pytest.raises(LedgerError, match="open already"):
        shop.ledger.shifts.open_by(opening.id, draft)
    assert shop.ledger.receipts.document(opening.id).shift_id is None
    shop.ledger.shifts.close(
        shop.shift.id, by=shop.cashier.id, at=shop.clock.now(), z_number=1, cash_left=0, closing={}
    )
    opened = shop.ledger.shifts.open_by(opening.id, draft)
    assert shop.ledger.shifts.open_by(opening.id, draft) == opened
    assert shop.ledger.receipts.document(opening.id).shift_id == opened.id
    shop.ledger.shifts.close(opened.id, by=shop.cashier.id, at=shop.clock.now(), z_number=2, cash_left=0, closing={})
    assert not shop.ledger.shifts.open_by(opening.id, draft).is_open
    with pytest.raises(LedgerError, match="no document"):
        shop.ledger.shifts.open_by(uuid.uuid4(), draft)


def test_signers_are_added_and_a_key_is_changed_in_the_address(shop: Shop) -> None:
    number = shop.binding.id
    shop.ledger.shop.know_signers(number, ["b", "a"])
    assert shop.ledger.shop.know_signers(number, ["b"]).signers == {"a", "b"}
    changed = shop.ledger.shop.rekey(number, "prro+https://fs.example/fs?key=new")
    assert changed == replace(shop.ledger.shop.binding(number), url="prro+https://fs.example/fs?key=new")
    assert changed.signers == {"a", "b"}
