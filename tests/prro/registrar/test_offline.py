"""Working offline and coming home (cashier-flow.md VI, fiscal-server.md §6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from drivers.clock import KYIV
from drivers.document import DocumentKind
from drivers.prro.documents import Act, read_document
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.offline import unbroken
from drivers.prro.rules import elapsed, month_start
from drivers.prro.store import Entry, Stage
from drivers.registrar import Mode, State
from tests.prro.registrar.world import Shop, VirtualClock, act, cash_in, line, refund, sale, storno, z_report

HOUR = 3600.0


def queue(shop: Shop) -> list[Entry]:
    store = shop.registrar._desk.store
    session = store.session()
    return store.in_session(session.id, Stage.OFFLINE_QUEUED, Stage.OFFLINE_SENT) if session else []


def mode(shop: Shop) -> Mode:
    offline = shop.registrar.status().offline
    assert offline is not None
    return offline.mode


def test_vi_1_no_link_gives_an_offline_receipt_within_seven_seconds(day: Shop) -> None:
    day.must(sale())
    day.emulator.unplug()
    before = day.clock.monotonic()
    result = day.must(sale())
    assert day.clock.monotonic() - before <= 7
    assert result.number.count(".") == 2 and result.warnings
    day.emulator.replug()
    assert day.registrar.synchronise()
    assert day.kinds.count("sale") == 2
    assert len({entry["fiscal"] for entry in day.ledger}) == len(day.ledger)


@pytest.mark.parametrize("processed", [False, True], ids=["not processed", "processed"])
def test_vi_1_a_lost_answer_is_unknown_and_one_document(day: Shop, processed: bool) -> None:
    """The answer is lost and the link with it: the till says НЕВІДОМО, and after the link there is one document."""
    day.must(sale())
    document = sale(line(price=7777))
    day.emulator.add_fault("F11", "doc", when="after" if processed else "before")
    result = day.do(document)
    assert result.state is State.UNKNOWN, result
    assert not queue(day), "nothing went offline for a document that may exist"
    day.emulator.replug()
    assert day.must(document).total == 15554
    assert [entry["amount"] for entry in day.ledger].count(15554) == 1


@pytest.mark.parametrize("processed", [False, True], ids=["not processed", "processed"])
def test_vi_1_others_go_on_offline_after_a_lost_answer(day: Shop, processed: bool) -> None:
    """The lost document keeps its number and is asked for before anything is delivered (§6.8)."""
    lost = sale(line(price=7777))
    day.emulator.add_fault("F11", "doc", when="after" if processed else "before")
    assert day.do(lost).state is State.UNKNOWN
    other = day.must(sale(line(price=1111)))
    first = queue(day)[0]
    attempt = day.registrar._desk.store.attempts(str(lost.id))[0]
    assert (first.act, first.number) == (Act.BEGIN_OFFLINE, attempt.number + 1)
    assert day.do(lost).state is State.UNKNOWN
    day.emulator.replug()
    found = day.must(lost)
    amounts = [entry["amount"] for entry in day.emulator.registers()["journal"]]
    assert (amounts.count(15554), amounts.count(2222)) == (1, 1)
    assert not any(entry["revoked"] for entry in day.emulator.registers()["journal"])
    assert found.number.count(".") == 0 and other.number.count(".") == 2
    day.must(z_report())


@pytest.mark.parametrize("processed", [False, True], ids=["not processed", "processed"])
def test_a_lost_document_issued_again_is_taken_back_only_where_it_exists(
    emulator: FiscalEmulator, open_shop: Callable[..., Shop], processed: bool
) -> None:
    """REVOKELASTONLINEDOC only after comparing UIDs (§6.8)."""
    shop = open_shop(emulator, lost="reissue", doubt_ms=2000)
    shop.open()
    earlier = shop.must(sale())
    emulator.add_fault("F11", "doc", when="after" if processed else "before")
    document = sale(line(price=7777))
    result = shop.must(document)
    assert result.number.count(".") == 2
    emulator.replug()
    assert shop.registrar.synchronise()
    # This server wants the lost number before the session (the unsolved case of §6.8): it is told what was sent, and
    # takes it back as the one that it had.
    revoked = [entry for entry in emulator.registers()["journal"] if entry["revoked"]]
    assert [entry["amount"] for entry in revoked] == [15554]
    flags = [b"REVOKELASTONLINEDOC>true" in each.data for each in shop.log if b"REVOKELASTONLINEDOC" in each.data]
    assert flags == ([True] if processed else [False, True])
    assert [entry["amount"] for entry in shop.ledger].count(15554) == 1
    assert earlier.number in {entry["fiscal"] for entry in shop.ledger}
    assert shop.do(document) == result
    assert shop.must(z_report()).totals.sales == 2500 + 15554  # type: ignore[union-attr]


@pytest.mark.parametrize("processed", [False, True], ids=["not processed", "processed"])
def test_cash_of_a_lost_refund_is_promised_to_nobody_else(day: Shop, processed: bool) -> None:
    """A cash-out made offline after it would be refused at home, and with it everything that follows."""
    day.must(cash_in(3000))
    sold = day.must(sale(line(price=7777)))
    held = day.registrar.cash_in_drawer()
    lost = refund(sold.number, line(price=7777))
    day.emulator.add_fault("F11", "doc", when="after" if processed else "before")
    assert day.do(lost, patience=0).state is State.UNKNOWN
    assert day.registrar.cash_in_drawer() == day.registrar.status().drawer == held - lost.due
    day.refused(act(DocumentKind.CASH_OUT, held), "INSUFFICIENT_CASH")
    day.must(act(DocumentKind.CASH_OUT, 3000))
    day.emulator.replug()
    day.clock.advance(DEAD_ENOUGH)
    day.must(lost)
    assert day.registrar.synchronise()
    assert day.registrar.cash_in_drawer() == held - lost.due - 3000


@pytest.mark.parametrize("processed", [False, True], ids=["not processed", "processed"])
def test_no_z_while_a_receipt_of_the_shift_is_lost(day: Shop, processed: bool) -> None:
    """Only the server knows whether it counts: a Z made now could never be delivered."""
    lost = sale(line(price=7777))
    day.emulator.add_fault("F11", "doc", when="after" if processed else "before")
    assert day.do(lost, patience=0).state is State.UNKNOWN
    day.refused(z_report(), "UNRESOLVED")
    day.must(sale(line(price=1111)))
    day.refused(z_report(), "UNRESOLVED")
    day.emulator.replug()
    day.clock.advance(DEAD_ENOUGH)
    day.must(lost)
    assert day.must(z_report()).totals.sales == 2222 + 15554  # type: ignore[union-attr]


def test_a_lost_opening_is_never_followed_by_anything_offline(shop: Shop) -> None:
    """§6.8, third row: keep resolving; and no sale into a shift that may not exist."""
    shop.must(act(DocumentKind.OPEN_SHIFT))
    shop.must(z_report())
    document = act(DocumentKind.OPEN_SHIFT)
    shop.emulator.add_fault("F11", "doc", when="after")
    assert shop.do(document).state is State.UNKNOWN
    shop.refused(act(DocumentKind.OPEN_SHIFT), "UNRESOLVED")
    shop.emulator.replug()
    shop.must(document)
    assert shop.kinds.count("open_shift") == 2 or len(shop.ledger) == 4


def test_vi_2_thirty_six_hours_and_not_a_second_more(day: Shop) -> None:
    day.emulator.unplug()
    day.must(sale())
    day.must(z_report())
    began = queue(day)[0].moment
    day.clock.advance((began + timedelta(hours=36) - timedelta(seconds=30) - day.clock.world()).total_seconds())
    day.must(act(DocumentKind.OPEN_SHIFT))
    status = day.registrar.status()
    assert status.offline is not None and status.offline.session_left is not None
    assert timedelta() < status.offline.session_left < timedelta(seconds=31)
    offline = day.registrar._offline
    offline.check(began + timedelta(hours=36))
    day.clock.advance(40)
    count = len(queue(day))
    day.refused(sale(), "OFFLINE_LIMIT")
    assert mode(day) is Mode.BLOCKED and len(queue(day)) == count
    day.restart()
    day.refused(sale(), "OFFLINE_LIMIT")
    day.emulator.replug()
    day.clock.advance(DEAD_ENOUGH)
    assert day.registrar.synchronise()
    day.must(sale())


DEAD_ENOUGH = 10.0


def test_vi_2_the_month_is_the_sum_of_its_spans_and_resets_in_a_running_session(
    server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop], clock: VirtualClock
) -> None:
    emulator = server()
    shop = open_shop(emulator)
    shop.open()
    for _ in range(10):
        emulator.unplug()
        shop.must(sale(line(price=100, quantity=1000)))
        clock.advance(16.7 * HOUR)
        emulator.replug()
        assert shop.registrar.synchronise()
        if shop.registrar.status().shift_opened_at is not None:
            shop.must(z_report())
            shop.open()
    left = shop.registrar._offline.budget(clock.world()).month_left
    assert timedelta(minutes=0) < left < timedelta(hours=1.2)
    emulator.unplug()
    shop.must(sale(line(price=100, quantity=1000)))
    clock.advance(left.total_seconds() + 60)
    shop.refused(sale(), "OFFLINE_LIMIT")
    # The 1st comes while the session lasts: the month's time is counted anew from midnight in Kyiv.
    begin = queue(shop)[0].moment
    midnight = datetime(2026, 4, 1, tzinfo=KYIV)
    offline = shop.registrar._offline
    before, after = offline.budget(midnight - timedelta(seconds=1)), offline.budget(midnight + timedelta(minutes=5))
    assert before.month_left < timedelta()
    assert after.month_used == timedelta(minutes=5) and after.session_used == midnight + timedelta(minutes=5) - begin


def test_vi_3_figures_are_the_sums_of_the_notices(day: Shop) -> None:
    for minutes in (20, 45):
        day.emulator.unplug()
        day.must(sale())
        day.clock.advance(minutes * 60)
        day.must(sale())
        day.emulator.replug()
        day.clock.advance(DEAD_ENOUGH)
        day.must(sale())
    day.emulator.unplug()
    day.must(sale())
    day.clock.advance(600)
    store = day.registrar._desk.store
    notices = [
        entry.moment
        for seq in range(1, 60)
        if (entry := store.entry(seq)) and entry.act in (Act.BEGIN_OFFLINE, Act.END_OFFLINE) and entry.standing
    ]
    assert len(notices) == 5
    now = day.clock.world()
    summed = (notices[1] - notices[0]) + (notices[3] - notices[2]) + (now - notices[4])
    status = day.registrar.status().offline
    assert status is not None and status.month_left is not None and status.session_left is not None
    assert abs(timedelta(hours=168) - status.month_left - summed) < timedelta(seconds=1)
    assert abs(timedelta(hours=36) - status.session_left - (now - notices[4])) < timedelta(seconds=1)
    assert status.queued == 2 and status.since == notices[4]


def test_vi_4_without_the_right_nothing_is_made_offline(
    server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop]
) -> None:
    emulator = server(offline=0)
    shop = open_shop(emulator)
    shop.open()
    emulator.unplug()
    result = shop.refused(sale(), "OFFLINE_FORBIDDEN")
    assert result.fault is not None and "1-ПРРО" in result.fault.what
    assert not queue(shop) and mode(shop) is Mode.BLOCKED
    assert "OFFLINE_FORBIDDEN" in shop.registrar.status().blocks
    emulator.replug()
    shop.clock.advance(DEAD_ENOUGH)
    shop.must(sale())


def test_no_numbers_no_offline(emulator: FiscalEmulator, shop: Shop) -> None:
    """The range is empty: the server has given no pair."""
    shop.open()
    with shop.registrar._desk.store.step("test"):
        shop.registrar._desk.store.learn(pair=None)
    emulator.unplug()
    shop.refused(sale(), "OFFLINE_NUMBERS")
    status = shop.registrar.status().offline
    assert status is not None and status.numbers_left == 0


def test_vi_5_a_hundred_documents_of_every_kind_come_home_in_order(day: Shop) -> None:
    day.emulator.unplug()
    day.must(cash_in(100_000))
    numbers = []
    for number in range(85):
        numbers.append(day.must(sale(line(price=100 + number, quantity=1000))).number)
        day.clock.advance(2)
    day.must(refund(numbers[3], line(price=103, quantity=1000)))
    last = day.must(sale(line(price=5000, quantity=1000)))
    day.must(storno(last.number))
    totals = day.registrar.totals()
    assert totals.sales == sum(100 + number for number in range(85)) and totals.refunded == 103
    assert day.must(z_report()).totals == totals
    day.must(act(DocumentKind.OPEN_SHIFT))
    for number in range(10):
        day.must(sale(line(price=200 + number, quantity=1000)))
    entries = queue(day)
    assert len(entries) == 1 + 1 + 85 + 3 + 2 + 1 + 10
    assert unbroken(entries)
    moments = [entry.moment for entry in entries]
    assert all(early < late for early, late in pairwise(moments))
    stored = {entry.seq: entry.signed for entry in entries if entry.act is not Act.BEGIN_OFFLINE}
    seen: list[tuple[int, int]] = []
    day.emulator.replug()
    assert day.registrar.synchronise(lambda sent, total: seen.append((sent, total)))
    assert seen[0][0] == 0 and seen[-1][0] == len(entries) + 1 and seen == sorted(seen)
    journal = day.emulator.registers()["journal"]
    assert [entry["number"] for entry in journal] == list(range(1, len(journal) + 1))
    assert [entry["fiscal"] for entry in journal[1:-1]] == [entry.fiscal for entry in entries]
    store = day.registrar._desk.store
    for seq, signed in stored.items():
        kept = store.entry(seq)
        assert kept is not None and kept.signed == signed and kept.stage is Stage.OFFLINE_SENT
    assert day.registrar.totals().sales == day.emulator.registers()["sales_turnover"]
    assert day.must(sale()).number.count(".") == 0
    assert mode(day) is Mode.ONLINE


def test_vi_6_a_refusal_in_the_middle_stops_there(day: Shop) -> None:
    day.emulator.unplug()
    for number in range(60):
        day.must(sale(line(price=100 + number, quantity=1000)))
    entries = queue(day)
    day.emulator.replug()
    day.emulator.add_fault("package", "pck", position=40, code=9, text="Помилки валідації XML")
    with pytest.raises(Exception, match="refused an offline document"):
        day.registrar.synchronise()
    states = [entry.stage for entry in queue(day)]
    delivered = states.count(Stage.OFFLINE_SENT)
    assert delivered == 40 and states[:40] == [Stage.OFFLINE_SENT] * 40
    assert len(day.emulator.registers()["journal"]) == 1 + delivered
    status = day.registrar.status()
    assert status.offline is not None and status.offline.mode is Mode.REJECTED
    assert str(entries[delivered].number) in status.offline.reason and "валідації" in status.offline.reason
    assert "SYNC_REJECTED" in status.blocks
    day.refused(sale(), "SYNC_REJECTED")
    day.restart()
    again = queue(day)
    assert [(entry.seq, entry.signed) for entry in again[delivered:]] == [
        (entry.seq, entry.signed) for entry in entries[delivered:]
    ]
    day.clock.advance(60)
    assert mode(day) is Mode.REJECTED, "nothing goes on by itself"
    assert day.registrar.synchronise(again=True)
    assert [entry["amount"] for entry in day.ledger if entry["kind"] == "SALE"] == [100 + n for n in range(60)]
    assert unbroken(entries)


def test_vi_6_what_stands_before_the_refused_one_is_delivered(day: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes a package as a whole or not at all (§6.6): the sound part goes apart."""
    day.emulator.unplug()
    for number in range(6):
        day.must(sale(line(price=100 + number, quantity=1000)))
    day.emulator.replug()
    day.emulator.add_fault("package", "pck", position=0, code=9, text="помилка")
    refuse = day.emulator.server.refuse_package
    from drivers.prro.emulator import refusals

    def whole(position: int, refusal: refusals.Refused) -> None:
        def answer(sender: object, parts: object) -> None:
            day.emulator.server._deliver = usual  # type: ignore[method-assign]
            raise refusals.located(4, 9999, refusal)

        usual = day.emulator.server._deliver
        day.emulator.server._deliver = answer  # type: ignore[method-assign,assignment]

    monkeypatch.setattr(day.emulator.server, "refuse_package", whole)
    assert refuse is not None
    with pytest.raises(Exception, match="refused an offline document"):
        day.registrar.synchronise()
    stages = [entry.stage for entry in queue(day)]
    assert stages == [Stage.OFFLINE_SENT] * 4 + [Stage.OFFLINE_QUEUED] * 3
    assert day.registrar.synchronise(again=True)
    assert day.kinds.count("sale") == 6


def test_vi_7_home_without_a_key_pressed(day: Shop) -> None:
    day.emulator.unplug()
    day.must(sale())
    assert mode(day) is Mode.OFFLINE
    day.emulator.replug()
    for _ in range(5):
        day.clock.advance(15)
        found = mode(day)
    assert found is Mode.ONLINE
    assert day.kinds[-1] != "sale" and day.kinds.count("sale") == 1


@pytest.mark.parametrize("code", [3, 5, 9, 11])
def test_vi_8_a_refusal_is_no_reason_to_go_offline(day: Shop, code: int) -> None:
    day.emulator.add_fault("refusal", "doc", code=code, text="Помилки валідації XML")
    result = day.do(sale())
    assert result.state is State.REJECTED and result.fault is not None
    assert not queue(day) and mode(day) is Mode.ONLINE
    day.must(sale())
    numbers = [entry["number"] for entry in day.ledger]
    assert numbers == list(range(1, len(numbers) + 1)), "the refused number was used again"


def test_vi_9_the_printed_offline_receipt(day: Shop) -> None:
    day.emulator.unplug()
    result = day.must(sale())
    assert "ОФЛАЙН" in day.tape and result.number in day.tape
    control = result.number.rpartition(".")[2]
    assert f"Контрольне число{control:>26}" in day.tape.replace("\n", "") or control in day.tape
    assert "fn=4000123456" in str(result.evidence["qr"])


def test_opening_offline_with_a_stored_pair(shop: Shop) -> None:
    """§6.9: the shift is closed, the server is away, the numbers are there."""
    shop.open()
    shop.must(z_report())
    shop.emulator.unplug()
    shop.must(act(DocumentKind.OPEN_SHIFT))
    shop.must(sale())
    shop.must(z_report())
    shop.emulator.replug()
    assert shop.registrar.synchronise()
    assert shop.emulator.registers()["shift_open"] is False
    shop.open()


def test_the_line_breaks_between_z_and_the_closing(day: Shop) -> None:
    day.must(sale())
    day.emulator.add_fault("F11", "doc:CloseShift", when="before")
    document = z_report()
    first = day.do(document)
    assert first.state is State.UNKNOWN
    day.emulator.replug()
    assert day.must(document).totals is not None
    assert day.emulator.registers()["shift_open"] is False
    assert len(day.ledger) == 4


def test_the_end_of_a_session_is_answered_and_the_answer_lost(day: Shop) -> None:
    day.emulator.unplug()
    day.must(sale())
    day.emulator.replug()
    day.emulator.add_fault("F2", "pck", seconds=3)
    day.restart(package_ms=300)
    assert day.registrar.synchronise()
    assert mode(day) is Mode.ONLINE and day.kinds.count("sale") == 1
    day.must(sale())


def test_a_package_drops_before_it_is_processed(day: Shop) -> None:
    day.emulator.unplug()
    day.must(sale())
    day.emulator.replug()
    day.emulator.add_fault("F1", "pck")
    assert day.registrar.synchronise()
    assert day.kinds.count("sale") == 1


def test_the_server_closed_the_session_by_itself(day: Shop) -> None:
    """Bad input of the issue: nothing lost, the cashier told; with the old pair the server takes it back (§2.6)."""
    day.emulator.unplug()
    day.must(sale())
    day.emulator.close_offline_session()
    day.emulator.replug()
    day.clock.advance(DEAD_ENOUGH)
    result = day.do(sale())
    assert result.done or (result.fault is not None and result.fault.code == "SYNC_REJECTED")
    assert len(queue(day)) == 2 or day.kinds.count("sale") == 2


def test_a_long_queue_goes_home_in_slices_and_lets_sales_through(day: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from drivers.prro import line as registrar_line
    from drivers.prro import offline

    monkeypatch.setattr(registrar_line, "SHORT_QUEUE", 5)
    monkeypatch.setattr(registrar_line, "SLICE", 0.0001)
    monkeypatch.setattr(offline, "PACKAGE_DOCUMENTS", 3)
    day.emulator.unplug()
    for _ in range(10):
        day.must(sale())
    day.emulator.replug()
    day.clock.advance(40)
    during = day.must(sale())
    assert during.number.count(".") == 2
    modes = []
    for _ in range(30):
        day.clock.advance(5)
        modes.append(mode(day))
    assert modes[-1] is Mode.ONLINE and Mode.SYNCING in modes
    assert day.kinds.count("sale") == 11


def test_time_counts_by_real_hours() -> None:
    spring = datetime(2026, 3, 29, 1, 0, tzinfo=KYIV)
    assert elapsed([(spring, None)], datetime(2026, 3, 29, 6, 0, tzinfo=KYIV)) == timedelta(hours=4)
    assert month_start(datetime(2026, 3, 31, 22, 0, tzinfo=KYIV)) == datetime(2026, 3, 1, tzinfo=KYIV)


def test_a_seed_never_reaches_the_log(day: Shop) -> None:
    pair = day.registrar._desk.store.pair
    assert pair is not None
    seed = pair.seed.encode()
    day.emulator.unplug()
    day.must(sale())
    day.emulator.replug()
    day.registrar.synchronise()
    assert all(seed not in exchange.data for exchange in day.log)
    assert any(b"*" * len(seed) in exchange.data for exchange in day.log)
    documents = [read_document(entry.xml) for entry in day.registrar._desk.store.of_shift(1)]
    assert all(pair.seed not in repr(each) for each in documents)
