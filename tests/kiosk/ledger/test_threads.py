"""The till's thread and the devices' threads at once, in one program and in two."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from drivers.document import Document, DocumentKind
from drivers.errors import Invalid
from drivers.registrar import Result, State
from kiosk.ledger.records import AuditRecord, Lease
from kiosk.ledger.store import SqlLedger, open_ledger
from tests.kiosk.ledger.world import START, WORKPLACE, Shop, TestClock

ROUNDS = 25


def together(acts: Sequence[Callable[[], object]]) -> None:
    """Run all at once; any exception of any thread fails the test."""
    start = threading.Barrier(len(acts))
    failures: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def append(ledger: SqlLedger, binding_id: int) -> None:
    journal = ledger.journal.of(binding_id)
    for _ in range(ROUNDS):
        document = Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=1)
        journal.intent(document, {"last": 1})
        journal.outcome(document, Result(State.REGISTERED))


def test_sales_journal_audit_and_reading_at_once(shop: Shop) -> None:
    def sell() -> None:
        for _ in range(ROUNDS):
            shop.sell(shop.bread)

    def audit() -> None:
        for number in range(ROUNDS):
            shop.ledger.audit.add(AuditRecord(START, None, "login", {"n": number}))

    def look() -> None:
        for _ in range(ROUNDS):
            sums = shop.ledger.shifts.sums(shop.shift.id)
            assert sum(sums.sales_by_form.values()) == sum(sums.sales_by_tax.values()) == 1250 * sums.receipts
            assert shop.ledger.goods.search("хліб") != []
            shop.ledger.journal.verify()

    together([sell, sell, audit, look, look, lambda: append(shop.ledger, shop.binding.id)])
    assert shop.ledger.journal.verify(full=True) == 2 * 3 * ROUNDS
    assert [receipt.number for receipt in shop.ledger.receipts.find()] == list(range(2 * ROUNDS, 0, -1))
    assert len(shop.ledger.audit.records(limit=1000)) == ROUNDS
    assert shop.stock(shop.bread) == 10_000 - 1000 * 2 * ROUNDS


def test_two_programs_write_one_chain(shop: Shop, path: Path) -> None:
    with open_ledger(path, TestClock()) as other:
        together([lambda: append(shop.ledger, shop.binding.id), lambda: append(other, shop.binding.id)])
        assert other.journal.verify(full=True) == 4 * ROUNDS


def test_one_document_from_two_threads_is_intended_once(shop: Shop) -> None:
    document = Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=1)
    refused: list[Invalid] = []

    def intend() -> None:
        try:
            shop.ledger.journal.of(shop.binding.id).intent(document, {"last": 1})
        except Invalid as error:
            refused.append(error)

    together([intend] * 8)
    assert len(refused) == 7
    assert len(shop.ledger.journal.records(document.id)) == 1


def test_one_basket_from_two_threads_is_paid_once(shop: Shop) -> None:
    from kiosk.ledger.errors import LedgerError

    basket = shop.basket()
    refused: list[LedgerError] = []

    def pay() -> None:
        try:
            shop.ledger.receipts.begin(shop.receipt(shop.line(shop.bread), basket=basket.id), [], [])
        except LedgerError as error:
            refused.append(error)

    together([pay] * 8)
    assert len(refused) == 7
    assert len(shop.ledger.receipts.unfinished(WORKPLACE)) == 1


def test_one_registrar_is_leased_to_one_workplace(shop: Shop) -> None:
    held: set[str] = set()
    together(
        [
            lambda place=place: held.add(  # type: ignore[misc]
                shop.ledger.shop.take_lease(Lease("ДТ0001", place, "хтось", START)).workplace
            )
            for place in ("каса-1", "каса-2", "каса-3", "каса-4")
        ]
    )
    assert len(held) == 1
