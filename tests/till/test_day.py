"""A cashier's day at the till's own door: ledger, registrar and what the cashier is told agree to the kopeck."""

from __future__ import annotations

import json

import pytest

from drivers.document import DocumentKind
from drivers.emulation.faults import Fault
from drivers.worker import Worker
from kiosk.ledger.records import DocumentState, Receipt, ReceiptState
from kiosk.till.errors import Doubt
from kiosk.till.sale import Happened
from kiosk.till.status import StatusView
from kiosk.till.till import Till
from tests.till.conftest import Shop


def test_a_day_from_float_to_z(shop: Shop) -> None:
    till, binding = shop.till, shop.till.workplace.main_binding()
    for code in ("4820000000017", "4820000000024", "3*4820000000017"):
        assert till.sale.enter(code).happened is Happened.ADDED
    assert till.sale.enter("CARD-1").happened is Happened.CUSTOMER
    due = till.sale.ready().due
    paid = till.sale.pay(received=20_000)
    assert paid.state is ReceiptState.DONE
    assert paid.change == 20_000 - due
    assert not till.sale.basket.lines

    sale = till.refunds.by_code(str(paid.receipt.number))[0]
    draft = till.refunds.draft(sale.id)
    bread = next(line for line in sale.lines if line.code == "1001")
    assert bread.id is not None
    draft = till.refunds.take(draft, bread.id, 1000)
    assert all(check.passed for check in till.refunds.checks(draft))
    back = till.refunds.refund(draft, reason="Goods of poor quality")
    assert back.state is ReceiptState.DONE

    report = till.reports.x(binding)
    assert report.agrees, [row for row in report.rows if row.difference]
    out = till.cash.take_out(binding, till.cash.available(binding) - 5_000)
    assert out.state is DocumentState.REGISTERED
    compared = till.closing.compare(binding, counted=5_000, terminal=0)
    assert compared.agrees, compared
    closed = till.closing.z(binding, counted=5_000, terminal=0)
    assert closed.document.done
    assert not closed.shift.is_open
    assert closed.shift.cash_left == 5_000
    registers = shop.emulator.machine.registers()
    assert registers["drawer"] == 5_000
    documents = till.workplace.ledger.receipts.documents(closed.shift.id)
    assert [item.kind for item in documents] == [
        DocumentKind.CASH_IN, DocumentKind.SALE, DocumentKind.REFUND, DocumentKind.CASH_OUT, DocumentKind.Z_REPORT,
    ]  # fmt: skip


def test_iv_2_a_mixed_basket_is_one_document_and_one_slip(shop: Shop) -> None:
    """IV-2: two green lines and one red."""
    till = shop.till
    for code in ("4820000000017", "4820000000024", "4820000000031"):
        till.sale.enter(code)
    paid = till.sale.pay(received=10_000)
    assert paid.state is ReceiptState.DONE
    (document,) = paid.documents
    (slip,) = paid.slips
    assert [line.name for line in document.document.lines] == ["Хліб білий", "Молоко 2,5%"]
    assert any("Пакет паперовий" in line for line in slip.lines)
    assert slip.printed_at is not None
    assert document.document.due + 300 + (paid.receipt.rounding - document.document.rounding) == paid.receipt.due
    for record in till.workplace.ledger.journal.records():
        assert "Пакет" not in json.dumps(json.loads(record.payload), ensure_ascii=False)


def test_a_killed_till_comes_back_to_the_same_basket(shop: Shop) -> None:
    shop.till.sale.enter("2*4820000000017")
    before = shop.till.sale.basket
    shop.till.workplace.close()
    again = shop.start()
    again.people.login_badge("B-OLENA")
    assert again.sale.basket == before


def test_paper_put_back_answers_the_open_question_by_itself(shop: Shop) -> None:
    """Paper ends between payment and close: the receipt is paid in the device, and is finished once paper is in."""
    till, server = shop.till, shop.emulator
    till.sale.enter("4820000000017")
    server.machine.plan.add(Fault("F9", command="53", when="after"))
    paid = till.sale.pay(received=3_000)
    assert paid.state is ReceiptState.UNKNOWN
    with pytest.raises(Doubt):
        till.sale.enter("4820000000024")
        till.sale.ready()
    assert till.unknowns.when_well(_looked(till)) == ()
    server.set_paper(True)
    (found,) = till.unknowns.when_well(_looked(till))
    assert isinstance(found, Receipt)
    assert found.state is ReceiptState.DONE
    assert till.unknowns.when_well(_looked(till)) == ()
    assert server.machine.registers()["sales_turnover"] == 2_500


def _looked(till: Till) -> StatusView:
    """The bar after the registrar was asked."""
    worker = till.workplace.desk(till.workplace.main_binding()).access
    assert isinstance(worker, Worker)
    worker.refresh().result()
    return till.status.view()
