"""Flat cost, proved without a stopwatch: no question of the till's day reads a whole table that grows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from drivers.document import Document, DocumentKind
from drivers.registrar import Result, State
from kiosk.ledger.records import DocumentState
from tests.kiosk.ledger.world import START, WORKPLACE, Shop

GROWING = ("receipts", "receipt_lines", "fiscal_documents", "document_money", "nonfiscal_parts", "slips", "journal",
           "audit", "goods")  # fmt: skip

LAST = "FROM journal ORDER BY journal.seq DESC\n LIMIT ? OFFSET ?"
"""The last link: SQLite calls it a scan, but it walks the key from its end and stops at the first record."""

SHORT = ("ix_receipts_open", "ix_fiscal_documents_open", "ix_slips_waiting")
"""Partial indexes that hold only what is open now."""


def day(shop: Shop) -> dict[str, Callable[[], object]]:
    ledger, sale = shop.ledger, shop.sell(shop.bread, 3000)
    (document,) = ledger.receipts.documents_of(sale.id)
    journal = ledger.journal.of(shop.binding.id)
    moved = shop.record(Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=1))
    return {
        "barcode": lambda: ledger.goods.by_barcode("4820000000017"),
        "code": lambda: ledger.goods.by_code("1"),
        "search by part": lambda: ledger.goods.search("ліб"),
        "search two letters": lambda: ledger.goods.search("хл га"),
        "search one letter": lambda: ledger.goods.search("х"),
        "page": lambda: ledger.goods.page("1", 60),
        "sale": lambda: shop.sell(shop.bread),
        "refund": lambda: shop.do(shop.refund(sale, 1000)),
        "red sale": lambda: shop.sell(shop.paper),
        "settled": lambda: journal.settled(document.document),
        "open intent": lambda: journal.open_intent(document.document),
        "outcome": lambda: journal.outcome(document.document, Result(State.REGISTERED)),
        "verify": ledger.journal.verify,
        "add document": lambda: ledger.receipts.add_document(moved),
        "settle": lambda: ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, document.result),
        "sums": lambda: ledger.shifts.sums(shop.shift.id),
        "by number": lambda: ledger.receipts.by_number(1),
        "by document number": lambda: ledger.receipts.by_document_number("1"),
        "find by sum": lambda: ledger.receipts.find(total=1250),
        "find by time": lambda: ledger.receipts.find(since=START),
        "unfinished": lambda: ledger.receipts.unfinished(WORKPLACE),
        "unsettled": ledger.receipts.unsettled,
        "unsettled here": lambda: ledger.receipts.unsettled(shop.binding.id),
        "last document": lambda: ledger.receipts.last_document(shop.binding.id),
        "documents of the shift": lambda: ledger.receipts.documents(shop.shift.id),
        "not printed": lambda: ledger.receipts.not_printed(shop.shift.id),
        "waiting slips": ledger.receipts.waiting_slips,
        "audit": lambda: ledger.audit.records(action="login"),
    }


def plans(shop: Shop, act: Callable[[], object]) -> list[tuple[str, str]]:
    """Every statement of the act with each step of its plan."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, ___: object, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            asked.append((statement, parameters[0] if many else parameters))

    engine = shop.ledger.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with shop.ledger.database.read() as connection:
        return [
            (statement, step[3])
            for statement, parameters in asked
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


def test_no_table_that_grows_is_read_through(shop: Shop) -> None:
    for name, act in day(shop).items():
        found = plans(shop, act)
        assert found, name
        for statement, step in found:
            if statement.endswith(LAST):
                continue
            # A walk along an index may stop early only where the question has a limit.
            early = "INDEX" in step and ("LIMIT" in statement or step.endswith(SHORT))
            scans = [table for table in GROWING if step.split()[:2] == ["SCAN", table] and not early]
            assert not scans, f"{name}: {step}: {statement}"
