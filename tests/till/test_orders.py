"""Advances, final settlements and debts (cashier-flow.md IV.5), on a hardware registrar."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.document import DocumentKind, Stage
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import FiscalDocument, ReceiptState
from kiosk.till.cash import DEBT_REASON
from kiosk.till.errors import Refusal
from kiosk.till.sale import Paid
from tests.conftest import Launch
from tests.till.orders import furnish, order, settle, take
from tests.till.shop.conftest import Found, found, server, shop
from tests.till.shop.rig import Shop

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
