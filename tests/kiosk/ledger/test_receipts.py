"""Baskets, receipts, documents, slips: what each act books, and what it refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from drivers.document import Document, DocumentKind
from drivers.registrar import Result, State
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import BasketState, DocumentState, ReceiptKind, ReceiptState
from tests.kiosk.ledger.world import START, WORKPLACE, Shop

DONE = Result(State.REGISTERED, number="17", at=START, total=1250, evidence={"seq": 4})


def test_baskets_are_kept_by_workplace(shop: Shop) -> None:
    receipts = shop.ledger.receipts
    first, second = shop.basket(), shop.basket()
    changed = replace(first, state=BasketState.PARKED, content=b"\x00\xff", note="пані в червоному", changed_at=START)
    receipts.save_basket(changed)
    assert receipts.baskets(WORKPLACE) == [changed, second]
    assert receipts.baskets("каса-2") == []
    receipts.drop_basket(first.id)
    receipts.drop_basket(first.id)
    assert receipts.baskets(WORKPLACE) == [second]


def test_begin_stores_all_of_a_receipt(shop: Shop) -> None:
    basket = shop.basket()
    customer = shop.ledger.goods.add_customer("29", "Віра")
    lines = (
        replace(shop.line(shop.bread, 2000, discount=100), excise=("АААА123456", "АААА123457"), uktzed="2203000100"),
        shop.line(shop.paper, position=2),
    )
    receipt = shop.receipt(*lines, basket=basket.id, change=900, customer_id=customer.id)
    document = shop.document(receipt)
    slip = shop.slip(receipt, "Газета", "7.00")
    begun = shop.ledger.receipts.begin(receipt, [document], [slip])
    ids = [line.id for line in begun.lines]
    assert None not in ids
    expected = replace(
        receipt, number=1, lines=tuple(replace(line, id=id_) for line, id_ in zip(lines, ids, strict=True))
    )
    assert begun == expected == shop.ledger.receipts.receipt(receipt.id) == shop.ledger.receipts.by_number(1)
    assert shop.ledger.receipts.documents_of(receipt.id) == [document]
    assert shop.ledger.receipts.document(document.id) == document
    assert shop.ledger.receipts.documents(shop.shift.id) == [document]
    assert shop.ledger.receipts.slips_of(receipt.id) == [slip]
    assert [basket.state for basket in shop.ledger.receipts.baskets(WORKPLACE)] == [BasketState.PAYING]
    assert shop.ledger.receipts.unsettled() == [document]
    assert shop.ledger.receipts.unfinished(WORKPLACE) == [begun]
    assert shop.stock(shop.bread) == 10_000


def test_numbers_count_from_one(shop: Shop) -> None:
    assert [shop.sell(shop.bread).number for _ in range(3)] == [1, 2, 3]
    assert shop.ledger.receipts.by_number(4) is None


def test_done_books_stock_and_drops_the_basket(shop: Shop) -> None:
    basket = shop.basket()
    receipt = shop.receipt(shop.line(shop.bread, 2000), shop.line(shop.paper, 1000, position=2), basket=basket.id)
    done = shop.do(receipt)
    assert done.state is ReceiptState.DONE
    assert shop.ledger.receipts.baskets(WORKPLACE) == []
    assert (shop.stock(shop.bread), shop.stock(shop.paper)) == (8_000, 4_000)
    assert shop.ledger.receipts.finish(receipt.id, ReceiptState.DONE) == done
    assert shop.stock(shop.bread) == 8_000
    assert shop.ledger.receipts.unfinished(WORKPLACE) == []


def test_failed_gives_the_basket_back_and_books_nothing(shop: Shop) -> None:
    basket = shop.basket()
    receipt = shop.receipt(shop.line(shop.bread), basket=basket.id)
    document = shop.document(receipt)
    shop.ledger.receipts.begin(receipt, [document], [])
    shop.ledger.receipts.settle_document(document.id, DocumentState.REJECTED, Result(State.REJECTED))
    failed = shop.ledger.receipts.finish(receipt.id, ReceiptState.FAILED)
    assert failed.state is ReceiptState.FAILED
    assert shop.ledger.receipts.finish(receipt.id, ReceiptState.FAILED) == failed
    assert shop.ledger.receipts.baskets(WORKPLACE) == [basket]
    assert shop.stock(shop.bread) == 10_000
    again = shop.receipt(shop.line(shop.bread), basket=basket.id)
    assert shop.do(again).number == 2


def test_unknown_books_nothing_and_waits_for_the_truth(shop: Shop) -> None:
    basket = shop.basket()
    receipt = shop.receipt(shop.line(shop.bread), basket=basket.id)
    document = shop.document(receipt)
    shop.ledger.receipts.begin(receipt, [document], [])
    shop.ledger.receipts.settle_document(document.id, DocumentState.UNKNOWN, Result(State.UNKNOWN))
    waiting = shop.ledger.receipts.finish(receipt.id, ReceiptState.UNKNOWN)
    assert shop.ledger.receipts.finish(receipt.id, ReceiptState.UNKNOWN) == waiting
    assert shop.ledger.receipts.unfinished(WORKPLACE) == [waiting]
    assert shop.ledger.receipts.baskets(WORKPLACE)[0].state is BasketState.PAYING
    assert shop.stock(shop.bread) == 10_000
    shop.ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, DONE)
    assert shop.ledger.receipts.finish(receipt.id, ReceiptState.DONE).state is ReceiptState.DONE
    assert shop.stock(shop.bread) == 9_000


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ReceiptState.DONE, ReceiptState.FAILED),
        (ReceiptState.DONE, ReceiptState.UNKNOWN),
        (ReceiptState.FAILED, ReceiptState.DONE),
        (ReceiptState.FAILED, ReceiptState.UNKNOWN),
        (ReceiptState.UNKNOWN, ReceiptState.PENDING),
    ],
)
def test_an_end_is_an_end(shop: Shop, first: ReceiptState, second: ReceiptState) -> None:
    receipt = shop.receipt(shop.line(shop.paper))
    shop.ledger.receipts.begin(receipt, [], [])
    shop.ledger.receipts.finish(receipt.id, first)
    stock = shop.stock(shop.paper)
    with pytest.raises(LedgerError, match="cannot become"):
        shop.ledger.receipts.finish(receipt.id, second)
    assert shop.stock(shop.paper) == stock
    assert shop.ledger.receipts.receipt(receipt.id).state is first


@pytest.mark.parametrize(
    ("document_state", "end"),
    [
        (DocumentState.PENDING, ReceiptState.DONE),
        (DocumentState.UNKNOWN, ReceiptState.DONE),
        (DocumentState.REJECTED, ReceiptState.DONE),
        (DocumentState.PENDING, ReceiptState.FAILED),
        (DocumentState.UNKNOWN, ReceiptState.FAILED),
        (DocumentState.REGISTERED, ReceiptState.FAILED),
        (DocumentState.NOT_PRINTED, ReceiptState.FAILED),
    ],
)
def test_a_receipt_says_what_its_documents_say(shop: Shop, document_state: DocumentState, end: ReceiptState) -> None:
    receipt = shop.receipt(shop.line(shop.bread))
    document = shop.document(receipt)
    shop.ledger.receipts.begin(receipt, [document], [])
    if document_state is not DocumentState.PENDING:
        shop.ledger.receipts.settle_document(document.id, document_state, Result(State(str(document_state))))
    with pytest.raises(LedgerError) as caught:
        shop.ledger.receipts.finish(receipt.id, end)
    assert caught.value.code == "documents"
    assert shop.ledger.receipts.receipt(receipt.id).state is ReceiptState.PENDING


def test_one_press_one_receipt(shop: Shop) -> None:
    basket = shop.basket()
    first = shop.receipt(shop.line(shop.bread), basket=basket.id)
    shop.ledger.receipts.begin(first, [], [])
    for act in (
        lambda: shop.ledger.receipts.begin(shop.receipt(shop.line(shop.bread), basket=basket.id), [], []),
        lambda: shop.ledger.receipts.save_basket(basket),
        lambda: shop.ledger.receipts.drop_basket(basket.id),
    ):
        with pytest.raises(LedgerError, match="being paid"):
            act()
    assert len(shop.ledger.receipts.unfinished(WORKPLACE)) == 1


def wrong_acts(shop: Shop) -> dict[str, Callable[[], object]]:
    receipt = shop.receipt(shop.line(shop.bread))
    document = shop.document(receipt)
    begin = shop.ledger.receipts.begin
    other = uuid.uuid4()
    return {
        "no lines": lambda: begin(replace(receipt, lines=()), [], []),
        "an unknown basket": lambda: begin(replace(receipt, basket_id=other), [], []),
        "another receipt's document": lambda: begin(receipt, [replace(document, receipt_id=other)], []),
        "a settled document": lambda: begin(receipt, [replace(document, state=DocumentState.REGISTERED)], []),
        "a document of another id": lambda: begin(receipt, [replace(document, id=other)], []),
        "a document of another kind": lambda: begin(receipt, [replace(document, kind=DocumentKind.REFUND)], []),
        "another receipt's slip": lambda: begin(receipt, [], [replace(shop.slip(receipt), receipt_id=other)]),
        "an unknown cashier": lambda: begin(replace(receipt, user_id=99), [document], []),
        "a sale of a sale": lambda: begin(replace(receipt, original_id=other), [document], []),
        "a document twice": lambda: begin(receipt, [document, document], []),
    }


@pytest.mark.parametrize(
    "name",
    [
        "no lines",
        "an unknown basket",
        "another receipt's document",
        "a settled document",
        "a document of another id",
        "a document of another kind",
        "another receipt's slip",
        "an unknown cashier",
        "a sale of a sale",
        "a document twice",
    ],
)
def test_a_wrong_receipt_is_refused_whole(shop: Shop, name: str) -> None:
    with pytest.raises(LedgerError):
        wrong_acts(shop)[name]()
    assert shop.ledger.receipts.unfinished(WORKPLACE) == []
    assert shop.ledger.receipts.unsettled() == []
    assert shop.sell(shop.bread).number == 1


def test_a_receipt_begins_once(shop: Shop) -> None:
    receipt = shop.receipt(shop.line(shop.paper))
    shop.ledger.receipts.begin(receipt, [], [])
    with pytest.raises(LedgerError, match="begun already"):
        shop.ledger.receipts.begin(receipt, [], [])


def test_documents_without_receipt(shop: Shop) -> None:
    receipts = shop.ledger.receipts
    moved = shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=500))
    z = shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.Z_REPORT))
    receipts.add_document(moved)
    receipts.add_document(z)
    assert receipts.unsettled(shop.binding.id) == receipts.documents(shop.shift.id) == [moved, z]
    assert receipts.unsettled(99) == []
    assert receipts.last_document(shop.binding.id) is None
    with pytest.raises(LedgerError):
        receipts.add_document(moved)
    receipts.settle_document(z.id, DocumentState.REGISTERED, replace(DONE, number="2"))
    receipts.settle_document(moved.id, DocumentState.NOT_PRINTED, replace(DONE, number="3"), "без паперу")
    last = receipts.last_document(shop.binding.id)
    assert last == receipts.document(moved.id)
    assert last is not None
    assert (last.note, last.result) == ("без паперу", replace(DONE, number="3"))
    assert receipts.unsettled() == []
    with pytest.raises(LedgerError, match="receipt"):
        receipts.add_document(replace(shop.record(moved.document), receipt_id=uuid.uuid4()))


@pytest.mark.parametrize("after", [DocumentState.REJECTED, DocumentState.UNKNOWN, DocumentState.PENDING])
def test_what_is_registered_stays_registered(shop: Shop, after: DocumentState) -> None:
    document = shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=500))
    shop.ledger.receipts.add_document(document)
    shop.ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, DONE)
    with pytest.raises(LedgerError, match="cannot become"):
        shop.ledger.receipts.settle_document(document.id, after, Result(State.REJECTED))
    shop.ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, DONE)
    stored = shop.ledger.receipts.document(document.id)
    assert (stored.state, stored.result) == (DocumentState.REGISTERED, DONE)


def test_a_rejected_document_may_be_tried_again(shop: Shop) -> None:
    document = shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=500))
    shop.ledger.receipts.add_document(document)
    shop.ledger.receipts.settle_document(document.id, DocumentState.REJECTED, None, "не надсилалось")
    assert shop.ledger.receipts.document(document.id).note == "не надсилалось"
    shop.ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, DONE)
    assert shop.ledger.receipts.document(document.id).done


def test_unknown_ids_are_refused(shop: Shop) -> None:
    nobody = uuid.uuid4()
    receipts = shop.ledger.receipts
    for call in (
        lambda: receipts.receipt(nobody),
        lambda: receipts.document(nobody),
        lambda: receipts.finish(nobody, ReceiptState.DONE),
        lambda: receipts.settle_document(nobody, DocumentState.REJECTED, None),
        lambda: receipts.slip_printed(nobody, START),
    ):
        with pytest.raises(LedgerError, match=str(nobody)):
            call()


def test_slips_wait_for_a_printer_once_the_receipt_is_done(shop: Shop) -> None:
    receipts = shop.ledger.receipts
    made = [shop.receipt(shop.line(shop.paper)) for _ in range(3)]
    slips = [shop.slip(receipt, "Газета 7.00") for receipt in made]
    for receipt, slip in zip(made, slips, strict=True):
        receipts.begin(receipt, [], [slip])
    assert receipts.waiting_slips() == []
    receipts.finish(made[1].id, ReceiptState.DONE)
    receipts.finish(made[0].id, ReceiptState.DONE)
    receipts.finish(made[2].id, ReceiptState.FAILED)
    assert receipts.waiting_slips() == slips[:2]
    receipts.slip_printed(slips[0].id, START)
    receipts.slip_printed(slips[0].id, START + timedelta(hours=1))
    assert receipts.waiting_slips() == [slips[1]]
    assert receipts.slips_of(made[0].id) == [replace(slips[0], printed_at=START)]


def test_a_sale_is_found_by_its_documents_number(shop: Shop) -> None:
    first = shop.do(shop.receipt(shop.line(shop.bread)), number="100")
    second = shop.do(shop.receipt(shop.line(shop.bread)), number="100")
    other = shop.do(shop.receipt(shop.line(shop.bread)), number="101")
    shop.do(shop.refund(other, 1000), number="100")
    assert shop.ledger.receipts.by_document_number("100") == [second, first]
    assert shop.ledger.receipts.by_document_number("999") == []
    assert shop.ledger.receipts.by_document_number("") == []


def test_find(shop: Shop) -> None:
    find = shop.ledger.receipts.find
    customer = shop.ledger.goods.add_customer("29", "Віра")
    one = shop.sell(shop.bread, 1000)
    two = shop.do(shop.receipt(shop.line(shop.bread, 3000), customer_id=customer.id))
    red = shop.sell(shop.paper)
    rounded = shop.do(shop.receipt(shop.line(shop.bread, 1013), rounding=-16))
    shop.do(shop.refund(two, 1000))
    shop.ledger.receipts.begin(shop.receipt(shop.line(shop.paper)), [], [])
    two = shop.ledger.receipts.receipt(two.id)
    assert find() == [rounded, red, two, one]
    assert find(limit=2) == [rounded, red]
    assert find(total=3750) == [two]
    assert (rounded.total, rounded.due) == (1266, 1250)
    assert find(total=1250) == [rounded, one]
    assert find(total=1266) == [rounded]
    assert find(customer_id=customer.id) == [two]
    assert find(since=two.at, until=rounded.at) == [red, two]
    assert find(workplace="каса-2") == []
    assert find(workplace=WORKPLACE, total=700) == [red]


def test_kinds_are_kept_apart(shop: Shop) -> None:
    sale = shop.sell(shop.bread, 2000)
    back = shop.do(shop.refund(sale, 500))
    assert back.kind is ReceiptKind.REFUND
    assert shop.ledger.receipts.by_number(back.number) == back
    assert [receipt.number for receipt in shop.ledger.receipts.find()] == [sale.number]
