"""Opening a software registrar's shift: the document first, then the float (cashier-flow.md III)."""

from __future__ import annotations

import uuid

import pytest

from drivers.document import Document, DocumentKind
from drivers.errors import Code
from drivers.road import walk
from kiosk.ledger.records import DocumentState
from kiosk.till.errors import Doubt, Refusal
from kiosk.till.keys import KeyView
from tests.contract.memory import MemoryJournal
from tests.till.prro.rig import FN, Software


def ready(shop: Software) -> KeyView:
    shop.login()
    return shop.unlock()


def test_iii_1_the_opening_and_the_float_have_the_servers_numbers_in_the_ledger(shop: Software) -> None:
    ready(shop)
    opened = shop.till.shifts.open(shop.binding, counted=30_000, float_=30_000, reason="Розмін")
    assert opened.opening is not None and opened.cash_in is not None and opened.shift is not None
    told = [(entry["kind"], entry["fiscal"], entry["amount"]) for entry in shop.stream]
    numbers = [item.result.number for item in (opened.opening, opened.cash_in) if item.result is not None]
    assert told == [("OPEN_SHIFT", numbers[0], 0), ("SERVICE_DEPOSIT", numbers[1], 30_000)] or told == [
        ("OPEN_SHIFT", numbers[0], 0),
        ("CASH_IN", numbers[1], 30_000),
    ]
    stored = shop.ledger.receipts.documents(opened.shift.id)
    assert [(item.kind, item.state) for item in stored] == [
        (DocumentKind.OPEN_SHIFT, DocumentState.REGISTERED),
        (DocumentKind.CASH_IN, DocumentState.REGISTERED),
    ]
    for item in stored:
        assert item.result is not None
        assert (item.result.serial, item.result.fiscal_number) == (FN, FN)
        assert len(str(item.result.evidence["uid"])) == 36
        events = [record.event for record in shop.ledger.journal.records(item.id)]
        assert events == ["intent", "outcome"]
    assert opened.shift.device_opened_at == stored[0].result.at if stored[0].result else False
    assert opened.shift.float_ == 30_000


def test_without_a_float_only_the_opening_is_sent(shop: Software) -> None:
    ready(shop)
    opened = shop.till.shifts.open(shop.binding, counted=0, float_=0)
    assert opened.cash_in is None and opened.shift is not None
    assert shop.kinds == ["open_shift"]
    assert shop.till.shifts.float_waiting(shop.binding) == 0
    assert shop.sold("1").due == 2550


def test_iii_2_a_refused_opening_sends_no_cash_in_and_opens_nothing(shop: Software) -> None:
    ready(shop)
    shop.emulator.add_fault("refusal", "doc", code=9, text="Документ не прийнято")
    opened = shop.till.shifts.open(shop.binding, counted=30_000, float_=30_000, reason="Розмін")
    assert opened.shift is None and opened.cash_in is None and opened.opening is not None
    assert opened.opening.state is DocumentState.REJECTED
    assert opened.opening.result is not None and opened.opening.result.fault is not None
    assert opened.opening.result.fault.code == Code.DOCUMENT_REFUSED
    assert shop.till.shifts.current(shop.binding) is None
    assert shop.stream == []
    again = shop.till.shifts.open(shop.binding, counted=30_000, float_=30_000, reason="Розмін")
    assert again.shift is not None
    assert len(shop.stream) == 2


def test_iii_2_a_refused_float_leaves_the_shift_open_and_is_offered_again(shop: Software) -> None:
    """The server has opened the shift: the books may not say otherwise."""
    ready(shop)
    shop.emulator.add_fault("refusal", "doc", code=9, text="Документ не прийнято", nth=2)
    opened = shop.till.shifts.open(shop.binding, counted=30_000, float_=30_000, reason="Розмін")
    assert opened.shift is not None and opened.shift.is_open and opened.cash_in is not None
    assert opened.cash_in.state is DocumentState.REJECTED
    assert shop.till.shifts.float_waiting(shop.binding) == 30_000
    assert shop.till.shifts.put_float(shop.binding).done
    assert shop.till.shifts.float_waiting(shop.binding) == 0
    with pytest.raises(Refusal, match="NO_FLOAT"):
        shop.till.shifts.put_float(shop.binding)
    assert shop.till.cash.available(shop.binding) == 30_000
    shop.agrees()


@pytest.mark.parametrize("fault", ["F1", "F2", "F3", "F8", "F11", "F20"])
def test_iii_5_a_lost_reply_is_asked_for_before_any_retry_and_never_opens_twice(fault: str, shop: Software) -> None:
    ready(shop)
    how = {"F2": {"seconds": 4.0}, "F8": {"when": "after"}, "F11": {"when": "after"}, "F20": {"when": "after"}}
    shop.emulator.add_fault(fault, "doc:CHECK", **how.get(fault, {}))
    opened = shop.till.shifts.open(shop.binding, counted=30_000, float_=30_000, reason="Розмін")
    assert opened.opening is not None
    if opened.opening.state is DocumentState.UNKNOWN:
        assert opened.shift is None and opened.cash_in is None
        with pytest.raises(Doubt):
            shop.till.shifts.open(shop.binding, counted=30_000, float_=30_000, reason="Розмін")
        shop.emulator.power_on()
        shop.emulator.replug()
        shop.till.unknowns.ask(opened.opening.id)
        assert shop.till.shifts.current(shop.binding) is not None
        assert shop.till.shifts.float_waiting(shop.binding) == 30_000
        shop.till.shifts.put_float(shop.binding)
    assert shop.kinds.count("open_shift") == 1
    assert len(shop.stream) == 2
    shop.agrees()


def test_a_new_shift_begins_with_nothing_and_proposes_the_counted_cash(shop: Software) -> None:
    shop.begin(20_000)
    shop.sold("1")
    left = shop.till.closing.z(shop.binding, counted=22_550).shift.cash_left
    assert left == shop.till.shifts.left_at_close(shop.binding) == 22_550
    assert shop.till.shifts.held(shop.binding) == 0
    shop.unlock()
    opened = shop.till.shifts.open(shop.binding, counted=left, float_=left)
    assert opened.shift is not None
    assert shop.till.cash.available(shop.binding) == left
    report = shop.till.reports.x(shop.binding)
    assert report.agrees, report.rows
    shop.agrees()


def test_the_float_that_was_taken_out_again_does_not_wait(shop: Software) -> None:
    shop.begin(20_000)
    shop.till.cash.take_out(shop.binding, 20_000)
    assert shop.till.shifts.float_waiting(shop.binding) == 0


def open_unknown_to_the_books(shop: Software) -> None:
    """The registrar opens its shift without this ledger: what a restored backup meets."""
    document = Document(id=uuid.uuid4(), kind=DocumentKind.OPEN_SHIFT)
    access = shop.till.workplace.desk(shop.binding).access
    assert access.call(lambda registrar: walk(registrar, document, MemoryJournal(), shop.clock)).done


def test_a_shift_that_the_books_do_not_know_is_gone_on_with_and_closed(shop: Software) -> None:
    ready(shop)
    with pytest.raises(Refusal, match="SHIFT_CLOSED"):
        shop.till.shifts.adopt(shop.binding)
    open_unknown_to_the_books(shop)
    opened = shop.till.shifts.open(shop.binding, counted=0, float_=0)
    assert opened.shift is None and opened.opening is not None and opened.opening.result is not None
    assert opened.opening.result.fault is not None and opened.opening.result.fault.code == Code.SHIFT_OPEN
    shift = shop.till.shifts.adopt(shop.binding)
    assert shift.device_opened_at is not None and shift.device_opened_at <= shift.opened_at
    with pytest.raises(Refusal, match="SHIFT_OPEN"):
        shop.till.shifts.adopt(shop.binding)
    shop.sold("1")
    assert shop.till.closing.z(shop.binding, counted=0).document.done
    assert shop.kinds == ["open_shift", "sale", "z_report", "close_shift"]
