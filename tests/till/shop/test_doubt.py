"""Replies that are lost, readings that disagree, and who may decide (cashier-flow.md VIII.5, VIII.6)."""

from __future__ import annotations

import json

import pytest

from drivers.datecs.session import ATTEMPTS
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import DocumentState, ReceiptState
from kiosk.till.errors import Denied, Doubt, Refusal
from kiosk.till.rights import Right
from tests.till.shop.rig import Shop


def kinds(server: EmulatorServer) -> list[str]:
    return [entry["kind"] for entry in server.registers()["journal"]]


def test_viii5_reply_lost_after_the_receipt_was_closed_is_adopted_not_repeated(
    shop: Shop, server: EmulatorServer
) -> None:
    shop.begin()
    server.add_fault("F11", "56", when="after", restore_after=0.3)
    paid = shop.sell("2*1", "2")
    assert paid.state is ReceiptState.DONE
    assert kinds(server).count("SALE") == 1
    (document,) = paid.documents
    assert document.result is not None
    entry = server.registers()["journal"][-1]
    tape = server.machine.printer.tape.lines  # type: ignore[attr-defined]
    # Paper, memory and program agree.
    assert document.result.number == str(entry["number"])
    assert document.document.due == entry["amount"] == server.registers()["sales_turnover"]
    assert sum(line.startswith("#DOC") and " SALE " in line for line in tape) == 1
    assert shop.till.reports.x(shop.binding).agrees


def test_reply_lost_before_the_receipt_is_proven_not_done_and_sent_once_more_with_the_same_id(
    shop: Shop, server: EmulatorServer
) -> None:
    shop.begin()
    for nth in range(1, ATTEMPTS + 1):
        server.add_fault("F1", "48", nth=nth)
    paid = shop.sell("1")
    assert paid.state is ReceiptState.DONE
    assert kinds(server).count("SALE") == 1
    events = [record.event for record in shop.ledger.journal.records(paid.documents[0].id)]
    assert events.count("intent") == 2
    assert {record.document_id for record in shop.ledger.journal.records()} >= {paid.documents[0].id}


def test_a_receipt_that_the_disk_left_unbooked_is_booked_by_the_closing(
    shop: Shop, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is registered and settled, then the disk fails before the receipt's own row is written."""
    shop.begin()

    def fail(*_: object) -> None:
        raise LedgerError("storage", "the database did not take the change: disk I/O error")

    with monkeypatch.context() as patch, pytest.raises(LedgerError):
        patch.setattr(shop.ledger.receipts, "finish", fail)
        shop.sell("1")
    (open_,) = shop.ledger.receipts.unfinished(shop.till.workplace.settings.workplace)
    assert open_.state is ReceiptState.PENDING and kinds(server).count("SALE") == 1
    assert not [one for one in shop.till.closing.problems(shop.binding) if one.action == "unknown"]
    assert shop.ledger.receipts.receipt(open_.id).state is ReceiptState.DONE
    assert kinds(server).count("SALE") == 1, "nothing is sent for it"


@pytest.fixture
def doubtful(shop: Shop, server: EmulatorServer) -> Shop:
    """A sale whose receipt was closed, the cable pulled, and other documents made behind the till's back."""
    shop.begin()
    server.add_fault("F11", "56", when="after")
    paid = shop.sell("1")
    assert paid.state is ReceiptState.UNKNOWN
    server.replug()
    server.machine.printer.memory.last_document += 2  # type: ignore[attr-defined]
    return shop


def test_an_undecidable_outcome_blocks_sales_until_a_senior_resolves_it(doubtful: Shop, server: EmulatorServer) -> None:
    shop, till = doubtful, doubtful.till
    (item,) = till.unknowns.items()
    assert till.unknowns.ask(item.document.id).state is DocumentState.UNKNOWN
    till.sale.enter("2")
    for act in (
        till.sale.ready,
        lambda: till.cash.put_in(shop.binding, 100),
        lambda: till.closing.z(shop.binding),
    ):
        with pytest.raises(Doubt):
            act()
    (item,) = till.unknowns.items()
    assert int(item.after["last"]) - int(item.before["last"]) == 3
    assert item.after["paid"] == int(item.before["paid"]) + 2550
    document = item.document.id
    with pytest.raises(Denied):
        till.unknowns.decide(document, registered=True, reason="папір лежить", number="4")
    shop.login("Ігор")
    for number in ("", "abc"):
        with pytest.raises(Refusal) as refused:
            till.unknowns.decide(document, registered=True, reason="папір лежить", number=number)
        assert refused.value.code == "NO_NUMBER"
    with pytest.raises(Refusal):
        till.unknowns.decide(document, registered=True, reason="  ", number="4")
    decided = till.unknowns.decide(document, registered=True, reason="папір лежить", number="4")
    assert decided.state is DocumentState.REGISTERED
    assert till.unknowns.items() == []
    assert shop.ledger.receipts.by_document_number("4")[0].state is ReceiptState.DONE
    record = next(one for one in shop.ledger.journal.records(document) if one.event == "decision")
    assert json.loads(record.payload)["reason"] == "папір лежить"
    (audit,) = shop.ledger.audit.records(action="resolve")[:1]
    assert audit.user_id == shop.user("Ігор").id
    assert shop.sold("1")
    with pytest.raises(Refusal):
        till.unknowns.decide(document, registered=False, reason="ще раз")


def test_decided_as_not_registered_the_basket_comes_back(doubtful: Shop) -> None:
    till = doubtful.till
    (item,) = till.unknowns.items()
    helped = doubtful.helps(Right.RESOLVE)
    decided = till.unknowns.decide(item.document.id, registered=False, reason="чека немає", approval=helped)
    assert decided.state is DocumentState.REJECTED
    assert [line.good.code for line in till.sale.basket.lines] == ["1"]
    assert till.sale.ready().due == 2550


def test_an_unknown_return_keeps_its_goods_reserved_until_it_is_known(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    sale = shop.sold("2*1")
    server.add_fault("F11", "56", when="after")
    draft = till.refunds.take(till.refunds.draft(sale.id), sale.lines[0].id or 0, 1000)
    done = till.refunds.refund(draft, reason="Wrong goods")
    assert done.state is ReceiptState.UNKNOWN
    assert till.refunds.draft(sale.id).sale.lines[0].returned == 1000
    server.replug()
    (item,) = till.unknowns.items()
    assert till.unknowns.ask(item.document.id).done
    assert shop.ledger.receipts.receipt(done.receipt.id).state is ReceiptState.DONE
    assert kinds(server).count("REFUND") == 1


def test_an_unknown_z_closes_the_shift_when_it_is_found_out(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    shop.sold("1")
    server.add_fault("F11", "69", when="after")
    closed = till.closing.z(shop.binding, counted=52_550, reason="усе добре")
    assert closed.document.state is DocumentState.UNKNOWN
    assert closed.shift.is_open
    server.replug()
    shop.restart().fiscal.recover()
    assert shop.till.shifts.current(shop.binding) is None
    shift = shop.ledger.shifts.get(closed.shift.id)
    assert (shift.z_number, shift.cash_left, shift.closing["counted"]) == (1, 52_550, 52_550)
    assert shop.ledger.shop.lease(shop.binding.serial) is None
    assert server.registers()["z_number"] == 1


def test_a_decided_z_has_its_number(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin(name="Ігор")
    server.add_fault("F11", "69", when="after")
    closed = till.closing.z(shop.binding)
    assert closed.document.state is DocumentState.UNKNOWN
    till.unknowns.decide(closed.document.id, registered=True, reason="папір лежить", number="1")
    assert shop.ledger.shifts.get(closed.shift.id).z_number == 1
    assert till.shifts.current(shop.binding) is None
