"""Working offline as the till tells it (cashier-flow.md VI). What the driver alone answers for is in tests/prro."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from drivers.clock import KYIV
from drivers.errors import Fault
from drivers.prro.documents import Act
from drivers.prro.keys import ring
from drivers.prro.offline import unbroken
from drivers.prro.signing import Signer
from drivers.prro.store import Stage
from drivers.registrar import Mode
from drivers.road import walk
from kiosk.ledger.records import ReceiptState
from kiosk.till.errors import Refusal
from kiosk.till.notices import NOTICE
from kiosk.till.offline import Alert, Kind
from kiosk.till.trouble import Branch, Verdict
from tests.contract.memory import MemoryJournal
from tests.prro.registrar.world import storno
from tests.till.offline.conftest import OpenShop
from tests.till.offline.rig import BREAD, MILK, PrroShop

HOUR = 3600.0
AWAY = 31.0
"""Seconds after which the line is asked for again in the background."""


def refusal(shop: PrroShop) -> Refusal:
    shop.till.sale.enter(BREAD)
    with pytest.raises(Refusal) as caught:
        shop.till.sale.ready()
    shop.till.sale.clear()
    return caught.value


def notices(shop: PrroShop, about: str = "") -> list[str]:
    found = [record.detail["about"] for record in shop.ledger.audit.records(action=NOTICE)]
    return [one for one in found if not about or one == about]


def test_vi_1_the_link_goes_before_the_document_and_the_buyer_has_an_offline_receipt(shop: PrroShop) -> None:
    shop.till.sale.enter(BREAD)
    quote = shop.till.sale.ready()
    shop.emulator.unplug()
    before = shop.clock.monotonic()
    paid = shop.till.sale.pay(received=quote.cash_due)
    assert shop.clock.monotonic() - before <= 7
    assert paid.state is ReceiptState.DONE
    (document,) = paid.documents
    assert document.result is not None
    assert document.result.number.count(".") == 2
    assert document.result.evidence["offline"] == 1
    shop.emulator.replug()
    shop.home()
    assert shop.sales == [2550]


@pytest.mark.parametrize("processed", [False, True], ids=["not processed", "processed"])
def test_vi_1_the_link_goes_after_the_document_and_the_outcome_is_unknown(shop: PrroShop, processed: bool) -> None:
    """Others go on offline meanwhile; the lost one is found out with nobody asking, and there is one of it."""
    shop.emulator.add_fault("F11", "doc", when="after" if processed else "before")
    before = shop.clock.monotonic()
    paid = shop.sell(MILK)
    assert shop.clock.monotonic() - before <= 7
    assert paid.state is ReceiptState.UNKNOWN
    assert shop.look().mode is Mode.OFFLINE
    other = shop.sell(BREAD)
    assert other.state is ReceiptState.DONE, other.fault
    shop.till.unknowns.when_well(shop.till.status.view())
    shop.emulator.replug()
    shop.home()
    found = shop.till.unknowns.when_well(shop.till.status.view())
    assert [str(item.state) for item in found] == ["done"]
    assert sorted(shop.sales) == [2550, 4199]
    assert not shop.ledger.receipts.unsettled()


def test_vi_1_a_line_that_swallows_everything(open_shop: OpenShop) -> None:
    """The document is processed, its answer and the answer to the question about it never come."""
    shop = open_shop(options={"read_ms": 300, "command_ms": 300})
    shop.emulator.add_fault("F2", "doc", seconds=5)
    shop.emulator.add_fault("F2", "cmd", seconds=5)
    paid = shop.sell()
    assert paid.state in (ReceiptState.UNKNOWN, ReceiptState.DONE)
    shop.till.fiscal.recover()
    shop.home()
    assert shop.sales == [2550]


def test_vi_2_a_sale_at_thirty_six_hours_and_none_after(shop: PrroShop) -> None:
    shop.emulator.unplug()
    shop.sell()
    began = shop.look().since
    assert began is not None
    shop.clock.advance(20 * HOUR)
    shop.new_day()
    limit = began + timedelta(hours=36)
    shop.clock.advance((limit - timedelta(seconds=20) - shop.clock.world()).total_seconds())
    assert shop.look().sells
    assert shop.sell().state is ReceiptState.DONE
    shop.clock.advance((limit + timedelta(seconds=1) - shop.clock.world()).total_seconds())
    # Nobody has asked the registrar yet: the driver holds the limit by itself, the basket comes back.
    paid = shop.sell()
    assert paid.state is ReceiptState.FAILED
    assert paid.fault is not None
    assert paid.fault.code == "OFFLINE_LIMIT"
    shop.till.sale.clear()
    assert shop.look().mode is Mode.BLOCKED
    told = refusal(shop)
    assert told.code == "OFFLINE_BLOCKED"
    assert "Offline time is used up" in told.message
    shop.emulator.replug()
    shop.home()
    assert shop.sell().state is ReceiptState.DONE
    assert len(shop.sales) == 3


def test_vi_2_a_month_of_ten_spans_resets_at_midnight_on_the_first_in_kyiv(shop: PrroShop) -> None:
    for _ in range(10):
        shop.emulator.unplug()
        shop.sell()
        shop.clock.advance(16.7 * HOUR)
        shop.emulator.replug()
        shop.home()
        shop.new_day()
    shop.emulator.unplug()
    shop.sell()
    left = shop.look().month_left
    assert left is not None
    assert timedelta() < left < timedelta(hours=1.5)
    shop.clock.advance(left.total_seconds() + 5)
    assert shop.look().mode is Mode.BLOCKED
    assert refusal(shop).code == "OFFLINE_BLOCKED"
    shop.emulator.replug()
    shop.home()
    # A session that runs over the 1st: the month begins again at midnight in Kyiv while it lasts.
    month = datetime(2026, 4, 1, tzinfo=KYIV)
    shop.clock.advance((month - timedelta(hours=2) - shop.clock.world()).total_seconds())
    shop.emulator.replug()
    shop.look()
    shop.new_day()
    shop.emulator.unplug()
    before = refused_or_done(shop)
    shop.clock.advance((month + timedelta(minutes=5) - shop.clock.world()).total_seconds())
    after = shop.look()
    assert before == "OFFLINE_LIMIT"
    assert after.sells
    assert shop.sell().state is ReceiptState.DONE


def refused_or_done(shop: PrroShop) -> str:
    """The fault's code of a sale that is tried, "" when it was made."""
    shop.clock.advance(AWAY)
    try:
        paid = shop.sell()
    except Refusal as refused:
        shop.till.sale.clear()
        shop.look()
        return "OFFLINE_LIMIT" if refused.code == "OFFLINE_BLOCKED" else refused.code
    if paid.state is not ReceiptState.DONE:
        shop.till.sale.clear()
    return paid.fault.code if paid.fault is not None else ""


def test_vi_3_the_bar_is_the_sum_of_the_stored_notices(shop: PrroShop) -> None:
    for minutes in (20, 45):
        shop.emulator.unplug()
        shop.sell()
        shop.clock.advance(minutes * 60)
        shop.sell()
        shop.emulator.replug()
        shop.home()
    shop.emulator.unplug()
    shop.sell()
    shop.clock.advance(610)
    seen = shop.look()
    store = shop.store
    moments = [
        entry.moment
        for seq in range(1, 60)
        if (entry := store.entry(seq)) and entry.act in (Act.BEGIN_OFFLINE, Act.END_OFFLINE) and entry.standing
    ]
    assert len(moments) == 5
    now = shop.clock.world()
    spans = [(moments[0], moments[1]), (moments[2], moments[3]), (moments[4], now)]
    summed = sum((end - begin for begin, end in spans), timedelta())
    assert seen.since == moments[4]
    assert seen.lasted is not None
    assert seen.session_left is not None
    assert seen.month_left is not None
    for shown, true in (
        (seen.lasted, now - moments[4]),
        (timedelta(hours=36) - seen.session_left, now - moments[4]),
        (timedelta(hours=168) - seen.month_left, summed),
    ):
        assert abs(shown - true) < timedelta(seconds=1)
    # A minute later the figures move by a minute though nobody asked the registrar.
    shop.clock.advance(60)
    later = shop.seen()
    assert later.session_left is not None
    assert timedelta(seconds=59) < seen.session_left - later.session_left < timedelta(seconds=62)


def test_vi_4_without_the_right_no_offline_document_and_the_text_about_the_form(open_shop: OpenShop) -> None:
    shop = open_shop({"offline": 0})
    shop.emulator.unplug()
    paid = shop.sell()
    assert paid.state is ReceiptState.FAILED
    assert paid.fault is not None
    assert paid.fault.code == "OFFLINE_FORBIDDEN"
    shop.till.sale.clear()
    assert shop.look().why == "OFFLINE_FORBIDDEN"
    assert "1-ПРРО" in refusal(shop).message
    assert shop.store.session() is None
    shop.emulator.replug()
    shop.home()
    assert shop.sell().state is ReceiptState.DONE
    assert shop.sales == [2550]


def test_vi_5_a_hundred_documents_of_a_day_go_home_in_order(shop: PrroShop) -> None:
    """Sales, a return, a cash-in, a storno, Z and the next opening."""
    shop.emulator.unplug()
    shop.sell()
    shop.look()
    assert shop.till.cash.put_in(shop.binding, 50_000).done
    for _ in range(60):
        assert shop.sell().state is ReceiptState.DONE
        shop.clock.advance(2)
    sale = shop.sell(MILK).receipt
    refunds = shop.till.refunds
    back = refunds.refund(refunds.take_all(refunds.draft(sale.id)), reason="Wrong goods")
    assert back.state is ReceiptState.DONE, back.fault
    last = shop.sell().documents[0].result
    assert last is not None
    shop.call(lambda registrar: walk(registrar, storno(last.number), MemoryJournal(), shop.clock))
    shop.new_day()
    for _ in range(35):
        assert shop.sell().state is ReceiptState.DONE
    session = shop.store.session()
    entries = shop.store.in_session(session.id, Stage.OFFLINE_QUEUED)
    assert len(entries) >= 100
    assert unbroken(entries)
    assert all(early.moment < late.moment for early, late in pairwise(entries))
    shop.emulator.replug()
    shop.home()
    journal = shop.emulator.registers()["journal"]
    assert [entry["number"] for entry in journal] == list(range(1, len(journal) + 1))
    assert [entry["fiscal"] for entry in journal[1:-1]] == [entry.fiscal for entry in entries]
    kinds = {entry["kind"] for entry in journal}
    assert {"SALE", "REFUND", "STORNO", "CASH_IN", "Z_REPORT", "OPEN_SHIFT"} <= {kind.upper() for kind in kinds}, kinds


def test_vi_6_a_refused_document_stops_there_and_nothing_is_lost(shop: PrroShop) -> None:
    shop.emulator.unplug()
    for _ in range(45):
        shop.sell()
    shop.emulator.replug()
    shop.emulator.add_fault("package", "pck", position=40, code=9, text="Помилки валідації XML")
    shop.clock.advance(AWAY)
    seen = shop.look()
    assert seen.mode is Mode.REJECTED
    assert seen.refused is not None
    assert "Помилки валідації XML" in seen.refused.text
    assert not seen.refused.text.startswith("document")
    assert seen.refused.kind == "sale"
    assert (seen.sent, seen.queued) == (40, 6)
    assert seen.refused.number == shop.server[-1]["number"] + 1
    assert [alert.what for alert in shop.till.offline.alerts()] == [Kind.STARTED, Kind.REJECTED]
    told = refusal(shop)
    assert "refused an offline document" in told.message
    queue = [entry.signed for entry in shop.store.in_session(shop.store.session().id, Stage.OFFLINE_QUEUED)]
    shop.restart()
    assert shop.look().mode is Mode.REJECTED
    assert shop.alerts() == [], "a restart tells nothing twice"
    again = [entry.signed for entry in shop.store.in_session(shop.store.session().id, Stage.OFFLINE_QUEUED)]
    assert again == queue
    shop.emulator.add_fault("package", "pck", position=0, code=9, text="Помилки валідації XML")
    with pytest.raises(Fault):
        shop.till.offline.send_again(shop.binding)
    assert shop.seen().mode is Mode.REJECTED
    sent = shop.till.offline.send_again(shop.binding)
    assert sent is not None
    assert sent.mode is Mode.ONLINE
    assert shop.sales == [2550] * 45
    assert notices(shop, "offline_rejected") == ["offline_rejected"]


def test_vi_6_support_gets_copies_and_the_queue_keeps_all(shop: PrroShop) -> None:
    shop.emulator.unplug()
    shop.sell()
    shop.emulator.replug()
    shop.emulator.add_fault("package", "pck", position=0, code=9, text="помилка")
    shop.clock.advance(AWAY)
    assert shop.look().mode is Mode.REJECTED
    made = shop.till.offline.export(shop.binding, shop.folder / "stick")
    assert made.files == 2
    assert len(list(made.folder.iterdir())) == 2
    assert shop.look().queued == 2
    blocked = shop.folder / "file"
    blocked.write_text("not a folder")
    with pytest.raises(Refusal) as caught:
        shop.till.offline.export(shop.binding, blocked)
    assert caught.value.code == "NO_PLACE"
    assert shop.till.offline.send_again(shop.binding) is not None
    assert shop.sales == [2550]


def test_vi_7_the_link_comes_back_in_the_middle_of_a_basket(shop: PrroShop) -> None:
    shop.emulator.unplug()
    shop.sell()
    shop.till.sale.enter(MILK)
    shop.emulator.replug()
    shop.home()
    assert shop.till.sale.basket.total == 4199, "the basket in hand is as it was"
    paid = shop.till.sale.pay(received=4199)
    assert paid.documents[0].result is not None
    assert "." not in paid.documents[0].result.number
    assert shop.sales == [2550, 4199]


def test_vi_8_a_refusal_by_the_server_is_no_offline_work(shop: PrroShop) -> None:
    shop.emulator.add_fault("refusal", "doc", code=9, text="Помилки валідації XML")
    paid = shop.sell()
    assert paid.state is ReceiptState.FAILED
    assert shop.look().mode is Mode.ONLINE
    assert shop.store.session() is None
    assert shop.till.sale.basket.total == 2550, "the basket is back"
    assert shop.till.sale.pay(received=2550).state is ReceiptState.DONE
    assert shop.sales == [2550]


def test_vi_9_the_receipt_of_the_till_is_marked_and_numbered(shop: PrroShop) -> None:
    shop.emulator.unplug()
    paid = shop.sell()
    result = paid.documents[0].result
    assert result is not None
    tape = (shop.folder / "tape.txt").read_text(encoding="utf-8")
    assert "ОФЛАЙН" in tape
    session, number, control = result.number.split(".")
    assert result.number in tape
    assert (number, session.isdigit()) == ("2", True)
    assert 1 <= int(control) <= 9999


# -- warnings -------------------------------------------------------------------------------------------------------


def test_each_threshold_is_told_once_and_a_restart_repeats_none(shop: PrroShop) -> None:
    shop.emulator.unplug()
    shop.sell()
    assert shop.alerts() == [Alert(Kind.STARTED)]
    assert shop.alerts() == []
    began = shop.seen().since
    assert began is not None
    heard: list[tuple[Kind, int]] = []
    for hours in (23.9, 24.1, 24.2, 31.9, 32.1, 34.9, 35.1, 35.7, 35.8, 35.9):
        shop.clock.advance((began + timedelta(hours=hours) - shop.clock.world()).total_seconds())
        heard += [(one.what, round(hours * 10)) for one in shop.alerts()]
        if hours in (24.1, 35.8):
            shop.restart()
            shop.look()
    assert heard == [(Kind.SESSION, 241), (Kind.SESSION, 321), (Kind.SESSION, 351), (Kind.SESSION, 358)]
    assert notices(shop) == ["offline_session", "offline_started"], "the owner hears at the start and at 4 h"
    shop.clock.advance(HOUR)
    assert [one.what for one in shop.alerts()] == [Kind.BLOCKED]
    assert shop.alerts() == []
    shop.emulator.replug()
    shop.home()
    shop.emulator.unplug()
    shop.new_day()
    assert [one.what for one in shop.alerts()] == [Kind.STARTED], "the next session is told anew"


def test_a_till_that_was_off_tells_the_narrowest_threshold_alone(shop: PrroShop) -> None:
    shop.emulator.unplug()
    shop.sell()
    shop.alerts()
    shop.clock.advance(35.5 * HOUR)
    (one,) = shop.alerts()
    assert one.what is Kind.SESSION
    assert one.left is not None
    assert one.left < timedelta(minutes=31)
    assert notices(shop) == ["offline_session", "offline_started"]


# -- selling while documents go home --------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [False, True])
def test_selling_during_synchronisation_is_the_owners_choice(
    shop: PrroShop, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    from drivers.prro import line as registrar_line
    from drivers.prro import offline

    monkeypatch.setattr(registrar_line, "SHORT_QUEUE", 3)
    monkeypatch.setattr(registrar_line, "SLICE", 0.0001)
    monkeypatch.setattr(offline, "PACKAGE_DOCUMENTS", 3)
    shop.allow(sell_while_syncing=allowed)
    shop.emulator.unplug()
    for _ in range(8):
        shop.sell()
    shop.emulator.replug()
    shop.clock.advance(AWAY)
    seen = shop.look()
    assert seen.mode is Mode.SYNCING
    assert (seen.sent, seen.queued) == (3, 6)
    if allowed:
        assert shop.sell().state is ReceiptState.DONE
    else:
        told = refusal(shop)
        assert (told.code, told.values["sent"], told.values["all"]) == ("SYNCING", 3, 9)
    shop.home(seconds=1)
    assert len(shop.sales) == 8 + allowed
    numbers = [entry["number"] for entry in shop.emulator.registers()["journal"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert shop.sell().state is ReceiptState.DONE


# -- bad input of the issue -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-30, 30], ids=["behind", "ahead"])
def test_a_wrong_clock_is_told_and_the_times_still_increase(shop: PrroShop, minutes: int) -> None:
    shop.clock.skew = timedelta(minutes=minutes)
    shop.clock.advance(AWAY + 60)
    assert shop.sell().state is ReceiptState.DONE
    view = shop.till.status.view()
    shop.look()
    view = shop.till.status.view()
    assert view.clock_offset is not None
    assert abs(abs(view.clock_offset) - timedelta(minutes=30)) < timedelta(minutes=1)
    shop.emulator.unplug()
    for _ in range(3):
        assert shop.sell().state is ReceiptState.DONE
    entries = shop.store.in_session(shop.store.session().id, Stage.OFFLINE_QUEUED)
    assert all(early.moment < late.moment for early, late in pairwise(entries))
    shop.emulator.replug()
    shop.home()
    assert shop.sales == [2550] * 4


def test_the_number_range_is_empty(shop: PrroShop) -> None:
    def forget(registrar: object) -> None:
        with shop.store.step("test"):
            shop.store.learn(pair=None)

    shop.call(forget)
    shop.emulator.unplug()
    assert shop.sell().fault.code == "OFFLINE_NUMBERS"  # type: ignore[union-attr]
    shop.till.sale.clear()
    seen = shop.look()
    assert (seen.mode, seen.numbers, seen.why) == (Mode.BLOCKED, 0, "OFFLINE_NUMBERS")
    assert "numbers are used up" in refusal(shop).message
    assert [one.what for one in shop.till.offline.alerts()] == [Kind.BLOCKED]


def test_the_server_closed_the_offline_session(shop: PrroShop) -> None:
    shop.emulator.unplug()
    shop.sell()
    shop.emulator.close_offline_session()
    shop.emulator.replug()
    for _ in range(6):
        shop.clock.advance(AWAY)
        seen = shop.look()
    if seen.mode is Mode.REJECTED:
        assert seen.refused is not None
        assert refusal(shop).code == "OFFLINE_BLOCKED"
        assert shop.store.count_in_session(shop.store.session().id, Stage.OFFLINE_QUEUED) == 2
    else:
        assert shop.sales == [2550]


def test_the_package_is_refused_in_its_middle_by_a_cut_line(shop: PrroShop) -> None:
    shop.emulator.unplug()
    for _ in range(4):
        shop.sell()
    shop.emulator.replug()
    shop.emulator.add_fault("F11", "pck", when="after")
    shop.clock.advance(AWAY)
    assert shop.look().mode in (Mode.OFFLINE, Mode.BLOCKED)
    shop.emulator.replug()
    shop.home()
    assert shop.sales == [2550] * 4


def test_the_certificate_expires_while_offline(shop: PrroShop) -> None:
    """What was signed in time waits and goes home; nothing more is signed, and the cashier is told why."""
    shop.emulator.unplug()
    shop.sell()
    identity = shop.emulator.demo.cashier
    soon = replace(identity.certificate, not_after=shop.clock.world() + timedelta(hours=1))
    ring.put(shop.keys.folder, "cashier", Signer(identity.key, soon))
    assert shop.sell().state is ReceiptState.DONE
    shop.clock.advance(3700)
    shop.till.sale.enter(BREAD)
    paid = shop.till.sale.pay(received=2550)
    assert paid.state is ReceiptState.FAILED
    assert paid.fault is not None
    assert paid.fault.code == "CERTIFICATE_EXPIRED"
    assert shop.till.sale.basket.total == 2550, "the basket is back"
    shop.look()
    view = shop.till.status.view()
    assert "CERTIFICATE_EXPIRED" in view.blocks
    steps = shop.till.trouble.tree(shop.binding, view)
    assert [(step.branch, step.code) for step in steps if step.verdict is Verdict.HERE] == [
        (Branch.KEY, "CERTIFICATE_EXPIRED")
    ]
    shop.keys.unlock("cashier")
    shop.emulator.replug()
    shop.home()
    assert shop.sales == [2550, 2550], "what was signed in time came home"
