"""Online: every act is one document with the server's number; a doubt is asked about, never repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from drivers.document import Advance, DocumentKind, PartPayment, Payment, PaymentForm, Stage
from drivers.errors import Code, Invalid
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.keys import ring
from drivers.prro.signing import Signer
from drivers.prro.store import Stage as Fate
from drivers.registrar import State
from tests.prro.registrar.world import (
    CARD,
    Shop,
    act,
    cash_in,
    cash_out,
    line,
    refund,
    sale,
    storno,
    z_report,
)


def test_a_whole_day(shop: Shop) -> None:
    opened = shop.open()
    shop.must(cash_in(50_000))
    sold = shop.must(sale(line(), line("Молоко", 4299, 1000, tax="Б")))
    shop.must(refund(sold.number, line(quantity=1000)))
    shop.must(cash_out(10_000))
    last = shop.must(sale())
    shop.must(storno(last.number))
    totals = shop.registrar.totals()
    registers = shop.emulator.registers()
    assert totals.sales == registers["sales_turnover"] == 6799
    assert totals.refunded == registers["refunds_turnover"] == 1250
    assert totals.drawer == registers["drawer"] == 50_000 + 6799 - 1250 - 10_000
    assert shop.registrar.server_totals() == {
        "sales": 6799, "refunds": 1250, "cash_in": 50_000, "cash_out": 10_000, "sales_count": 1, "refunds_count": 1,
    }  # fmt: skip
    closed = shop.must(z_report())
    assert closed.totals == totals
    assert shop.emulator.registers()["shift_open"] is False
    numbers = [entry["number"] for entry in shop.ledger]
    assert numbers == list(range(1, len(numbers) + 1))
    assert opened.number == shop.ledger[0]["fiscal"]
    shop.must(act(DocumentKind.OPEN_SHIFT))


def test_iii_1_the_opening_and_the_float_have_the_servers_numbers(shop: Shop) -> None:
    opened, put = shop.open(), shop.must(cash_in(30_000))
    assert [entry["fiscal"] for entry in shop.ledger] == [opened.number, put.number]
    store = shop.registrar._desk.store
    for result in (opened, put):
        entry = store.by_fiscal(result.number)
        assert entry is not None and entry.ticket and entry.stage is Fate.ACCEPTED


def test_iii_2_a_refused_opening_is_followed_by_no_cash_in(shop: Shop) -> None:
    shop.emulator.add_fault("refusal", "doc:OpenShift", code=2, text="Немає доступу")
    shop.refused(act(DocumentKind.OPEN_SHIFT), "ACCESS_DENIED")
    shop.refused(cash_in(30_000), "SHIFT_CLOSED")
    assert shop.ledger == []


@pytest.mark.parametrize("fault", ["F1", "F2", "F3", "F7", "F20", "F23"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_iii_5_a_lost_answer_to_the_opening_is_asked_about(shop: Shop, fault: str, when: str) -> None:
    if fault in ("F1", "F2", "F3") and when == "before":
        pytest.skip("this fault has one side")
    shop.emulator.add_fault(fault, "doc:OpenShift", when=when, seconds=2.5)
    shop.must(act(DocumentKind.OPEN_SHIFT))
    assert shop.kinds == ["open_shift"]
    assert shop.registrar._desk.store.shift() is not None
    shop.must(sale())
    pair = shop.registrar._desk.store.pair
    assert pair is not None, "the offline numbers came by the state"


@pytest.mark.parametrize("command", ["doc:CheckGoods", "doc:CheckReturn", "doc:ServiceDeposit", "doc:ServiceIssue"])
@pytest.mark.parametrize(
    ("fault", "when"),
    [("F1", "after"), ("F2", "after"), ("F3", "after"), ("F7", "before"), ("F7", "after"), ("F20", "before"),
     ("F20", "after"), ("F22", "after"), ("F23", "before"), ("F23", "after")],
)  # fmt: skip
def test_a_lost_answer_to_anything_is_asked_about(day: Shop, command: str, fault: str, when: str) -> None:
    day.must(cash_in(100_000))
    sold = day.must(sale())
    document = {
        "doc:CheckGoods": lambda: sale(line(price=7777, quantity=1000)),
        "doc:CheckReturn": lambda: refund(sold.number, line(quantity=1000)),
        "doc:ServiceDeposit": lambda: cash_in(7777),
        "doc:ServiceIssue": lambda: cash_out(7777),
    }[command]()
    before = len(day.ledger)
    day.emulator.add_fault(fault, command, when=when, seconds=2.5)
    first = day.must(document)
    assert len(day.ledger) == before + 1
    assert day.do(document) == first
    assert day.ledger[-1]["fiscal"] == first.number


@pytest.mark.parametrize("command", ["doc:ZREP", "doc:CloseShift"])
@pytest.mark.parametrize(("fault", "when"), [("F1", "after"), ("F2", "after"), ("F20", "after"), ("F23", "before")])
def test_a_lost_answer_to_the_closing(day: Shop, command: str, fault: str, when: str) -> None:
    day.must(sale())
    day.emulator.add_fault(fault, command, when=when, seconds=2.5)
    result = day.must(z_report())
    assert day.kinds == ["open_shift", "sale", "z_report", "close_shift"]
    assert result.number == day.ledger[2]["fiscal"]


def test_v_3_more_cash_than_this_shift_has(day: Shop) -> None:
    sold = day.must(sale(line(price=15_000, quantity=1000)))
    day.must(z_report())
    day.open()
    before = day.sent()
    back = refund(sold.number, line(price=15_000, quantity=1000))
    day.refused(back, "INSUFFICIENT_CASH")
    assert day.sent() == before, "refused before anything was sent"
    day.must(cash_in(15_000))
    day.must(back)
    assert day.kinds[-2:] == ["cash_in", "refund"]


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_v_6_storno_of_the_last(day: Shop, offline: bool) -> None:
    day.must(cash_in(500))
    before = day.registrar.totals()
    if offline:
        day.emulator.unplug()
        day.must(cash_in(1))
        before = day.registrar.totals()
    last = day.must(sale())
    assert day.registrar.totals() != before
    gone = day.must(storno(last.number))
    assert gone.done and day.registrar.totals() == before
    assert last.number not in day.tape.rpartition("- - -")[2]
    if offline:
        day.emulator.replug()
        assert day.registrar.synchronise()
    cancelled = [entry for entry in day.emulator.registers()["journal"] if entry["storned"]]
    assert [entry["fiscal"] for entry in cancelled] == [last.number]
    assert day.emulator.registers()["sales_turnover"] == 0
    assert day.must(z_report()).totals == before


def test_v_7_only_the_last_and_only_in_an_open_shift(day: Shop) -> None:
    first, second = day.must(sale()), day.must(sale())
    day.refused(storno(first.number), "NOT_LAST")
    gone = day.must(storno(second.number))
    day.refused(storno(gone.number), "NOT_LAST")
    third = day.must(sale())
    day.must(z_report())
    day.refused(storno(third.number), "SHIFT_CLOSED")
    day.open()
    day.refused(storno(third.number), "NOT_LAST")


def test_v_9_a_receipt_of_another_registrar(
    server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop]
) -> None:
    emulator = server(registrars=2)
    one = open_shop(emulator)
    two = open_shop(emulator, name="two", fn="4000123457")
    one.open()
    two.open()
    sold = one.must(sale())
    two.must(cash_in(10_000))
    at = "2026-03-05T10:00:00+02:00"
    two.must(refund(sold.number, fiscal_number="4000123456", at=at))
    assert emulator.registers(4000123457)["refunds_turnover"] == 2500
    xml = two.registrar._desk.store.last()
    assert xml is not None and f"<ORDERRETNUM>{sold.number}<".encode() in xml.xml
    assert b"<ORDERRETCASHREGNUM>4000123456<" in xml.xml
    two.refused(refund(sold.number, fiscal_number="4000999999", at=at), "TAXPAYER")


def test_part_payments(day: Shop) -> None:
    first = day.must(sale(line(price=10_000, quantity=1000), part=PartPayment(stage=Stage.PREPAYMENT, amount=4_000)))
    day.must(
        sale(
            line(price=10_000, quantity=1000),
            part=PartPayment(stage=Stage.FINAL, amount=6_000, advances=(Advance(number=first.number, amount=4_000),)),
        )
    )
    assert day.registrar.totals().sales == day.emulator.registers()["sales_turnover"] == 10_000
    day.must(z_report())


def test_cards_certificates_and_change(day: Shop) -> None:
    card = Payment(form=PaymentForm.CARD, amount=1000, card=CARD)
    result = day.must(sale(payments=(Payment(form=PaymentForm.CASH, amount=2000), card)))
    assert (result.total, result.change) == (2500, 500)
    assert day.registrar.totals().drawer == 1500
    day.must(sale(payments=(Payment(form=PaymentForm.CERTIFICATE, amount=2500),)))
    assert dict(day.registrar.totals().sales_by_form) == {"cash": 1500, "card": 1000, "certificate": 2500}
    day.must(z_report())


def test_rounding_has_its_three_sums(day: Shop) -> None:
    result = day.must(sale(line(price=7735, quantity=1000), rounding=15))
    assert result.total == 7750
    assert day.emulator.registers()["sales_turnover"] == day.registrar.totals().sales == 7750
    day.must(z_report())


def test_x_resets_nothing(day: Shop) -> None:
    day.must(sale())
    first, second = day.registrar.x_report(), day.registrar.x_report()
    assert first == second and first.sales == 2500
    assert len(day.ledger) == 2 and "СЛУЖБОВИЙ ДОКУМЕНТ" in day.tape


def test_a_shift_of_a_day_wants_a_z(day: Shop) -> None:
    day.must(sale())
    day.clock.advance(24 * 3600 + 1)
    day.refused(sale(), "SHIFT_EXPIRED")
    assert "SHIFT_EXPIRED" in day.registrar.status().blocks
    day.must(z_report())
    day.open()
    day.must(sale())


def test_test_documents(server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop]) -> None:
    emulator = server()
    shop = open_shop(emulator, testing="yes")
    shop.open()
    shop.must(sale())
    assert all(entry["testing"] for entry in shop.ledger)
    assert "ТЕСТОВИЙ" in shop.tape and "ФІСКАЛЬНИЙ ЧЕК" not in shop.tape.replace("НЕФІСКАЛЬНИЙ", "")
    shop.restart(testing="no")
    shop.refused(sale(), "WRONG_STATE")
    shop.restart(testing="yes")
    emulator.unplug()
    shop.must(sale())
    emulator.replug()
    assert shop.registrar.synchronise()
    shop.must(z_report())


# -- keys -------------------------------------------------------------------------------------------------------------


def test_a_locked_key_is_refused_before_anything_is_sent(day: Shop) -> None:
    day.keys.lock("cashier")
    before = day.sent()
    result = day.do(sale())
    assert result.state is State.REJECTED and result.fault is not None and result.fault.code == Code.KEY_LOCKED
    assert day.sent() == before
    assert "KEY_LOCKED" in day.registrar.status().blocks
    day.keys.unlock("cashier")
    day.must(sale())
    assert day.registrar.status().key_until is not None


def test_viii_3_the_senior_closes_a_shift_of_another_key(
    emulator: FiscalEmulator, open_shop: Callable[..., Shop]
) -> None:
    one = open_shop(emulator)
    one.open()
    one.must(sale())
    one.restart(key="second")
    one.refused(sale(), "ACCESS_DENIED")
    one.refused(z_report(), "ACCESS_DENIED")
    one.restart(key="senior")
    one.refused(sale(), "ACCESS_DENIED")
    one.must(z_report())
    one.open()
    one.must(sale())


def test_a_withdrawn_key(day: Shop) -> None:
    day.emulator.withdraw_operator("cashier")
    day.refused(sale(), "ACCESS_DENIED")
    assert len(day.ledger) == 1


def test_a_certificate_that_cannot_be_checked_is_the_servers_fault(day: Shop) -> None:
    """Code 12 by the server's fault lets the work go on offline (§8.3); any other code 12 does not."""
    day.emulator.add_fault("unchecked", "doc")
    assert day.must(sale()).number.count(".") == 2


def test_a_key_that_expires_while_offline(day: Shop) -> None:
    day.emulator.unplug()
    day.must(sale())
    identity = day.emulator.demo.cashier
    soon = replace(identity.certificate, not_after=day.clock.world() + timedelta(hours=1))
    ring.put(day.keys.folder, "cashier", Signer(identity.key, soon))
    day.must(sale())
    assert day.registrar.status().key_until == soon.not_after
    day.clock.advance(3700)
    day.refused(sale(), "CERTIFICATE_EXPIRED")
    assert "CERTIFICATE_EXPIRED" in day.registrar.status().blocks
    day.keys.unlock("cashier")
    day.emulator.replug()
    day.clock.advance(10)
    assert day.registrar.synchronise()
    assert day.kinds.count("sale") == 2, "what was signed in time came home"


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_wrong_goes_by_the_servers(shop: Shop, hours: int) -> None:
    shop.clock.skew = timedelta(hours=hours)
    shop.restart()
    shop.open()
    result = shop.must(sale())
    assert result.at is not None and abs(result.at - shop.clock.world()) < timedelta(seconds=5)
    assert any("clock" in warning for warning in shop.registrar.status().warnings)


def test_the_servers_clock_jumps_between_documents(day: Shop) -> None:
    day.must(sale())
    day.emulator.advance_clock(3600)
    day.must(sale())
    day.emulator.advance_clock(-1800)
    result = day.do(sale())
    assert result.state is State.REJECTED and result.fault is not None and result.fault.code == Code.CLOCK
    assert len(day.ledger) == 3


def test_a_clock_that_goes_back_offline(day: Shop) -> None:
    day.emulator.unplug()
    first = day.must(sale())
    day.clock.skew = timedelta(minutes=-5)
    second = day.must(sale())
    assert first.at is not None and second.at is not None and second.at > first.at
    day.clock.skew = timedelta(hours=-5)
    day.refused(sale(), "CLOCK")
    day.clock.skew = timedelta()
    day.must(sale())


def test_the_server_is_ahead_another_device_works(day: Shop) -> None:
    day.must(sale())
    day.emulator.foreign_document()
    result = day.do(sale())
    assert result.state is State.REJECTED and result.fault is not None
    assert result.fault.code == Code.DIFFERENT_DEVICE
    day.clock.advance(60)
    assert "DIFFERENT_DEVICE" in day.registrar.status().blocks
    assert len(day.ledger) == 3
    assert day.do(sale()).state is State.REJECTED, "it does not go on by itself"
    day.registrar.take_over()
    day.must(sale())


def test_two_tills_of_one_registrar(emulator: FiscalEmulator, open_shop: Callable[..., Shop]) -> None:
    one, two = open_shop(emulator, name="one"), open_shop(emulator, name="two")
    one.open()
    one.must(sale())
    result = two.do(sale())
    assert result.state is State.REJECTED and result.fault is not None and result.fault.code == Code.DIFFERENT_DEVICE
    two.registrar.take_over()
    status = two.registrar.status()
    assert status.shift_open and status.drawer == 2500, "the open shift came over with its documents"
    two.must(sale())
    result = one.do(sale())
    assert result.state is State.REJECTED and result.fault is not None and result.fault.code == Code.DIFFERENT_DEVICE
    assert two.must(z_report()).totals.sales == 5000  # type: ignore[union-attr]


def test_the_server_is_behind(day: Shop) -> None:
    day.must(sale())
    day.must(sale())
    day.emulator.lose_documents(1)
    result = day.do(sale())
    assert result.done or result.state is State.REJECTED
    day.must(sale())
    numbers = [entry["number"] for entry in day.ledger]
    assert numbers == list(range(1, len(numbers) + 1))


def test_another_device_took_the_very_number(day: Shop) -> None:
    day.emulator.add_fault("F12", "doc", serial="other till")
    document = sale()
    result = day.do(document)
    assert result.state is State.REJECTED and result.fault is not None, result
    assert result.fault.code == Code.DIFFERENT_DEVICE
    assert day.kinds.count("sale") <= 1
    day.registrar.take_over()
    assert day.must(document).number == day.ledger[-1]["fiscal"]


def test_the_number_was_taken_while_the_answer_was_lost(day: Shop) -> None:
    """The reply is lost, and under our number stands a stranger's document: ours certainly does not exist."""
    day.emulator.add_fault("F1", "doc")
    day.emulator.add_fault("F12", "cmd:DocumentInfoByLocalNum", serial="other till")
    document = sale(line(price=7777))
    result = day.do(document)
    assert result.state is State.REJECTED and result.fault is not None
    day.registrar.take_over()
    day.must(document)
    assert [entry["amount"] for entry in day.ledger].count(15554) == 1


def test_five_hundred_lines(day: Shop) -> None:
    lines = [line(f"Товар з доволі довгою назвою номер {number}", 100 + number, 1000) for number in range(500)]
    document = sale(*lines)
    try:
        result = day.do(document)
    except Invalid as fault:
        assert fault.code is Code.OVERFLOW and "split" in fault.what
        assert len(day.ledger) == 1
    else:
        assert result.done and day.registrar.totals().sales == document.due
    day.must(sale())


def test_emoji_fall_out_and_strange_letters_are_named(day: Shop) -> None:
    day.must(sale(line("Кава ☕ “Ранок” ₴")))
    with pytest.raises(Invalid) as caught:
        day.do(sale(line("Суші 寿司", code="77")))
    assert "name" in caught.value.field and "Суші" in caught.value.what


def test_the_registry_data_change(day: Shop) -> None:
    """Code 9 about registration data: read `Objects` anew, build again under the same number (§8.2)."""
    facts = day.emulator.server.rules.access.facts()
    facts.point = "Магазин «Нова ялинка»"
    with day.emulator.server.store.transaction():
        day.emulator.server.store.put_facts(facts)
    day.must(sale())
    assert [entry["number"] for entry in day.ledger] == [1, 2]


def test_a_full_disk(day: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from drivers.prro import store

    def full(database: sqlite3.Connection, step: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", full)
        day.refused(sale(), "JOURNAL_FULL")
    assert len(day.ledger) == 1
    day.must(sale())


def test_a_memory_of_another_program_or_a_newer_one(shop: Shop) -> None:
    from pathlib import Path

    shop.open()
    path = shop.registrar._desk.store.path
    shop.registrar.close()
    for each in path.parent.glob("*-wal"):
        each.unlink()
    kept = b"not a database at all" * 100
    Path(path).write_bytes(kept)
    shop.restart()
    with pytest.raises(Invalid) as caught:
        shop.registrar.status()
    assert caught.value.code is Code.FM_ERROR
    assert Path(path).read_bytes() == kept, "left as it was"


def test_the_memory_has_one_owner(shop: Shop) -> None:
    from drivers.errors import Unreachable
    from drivers.registry import connect

    shop.open()
    other = connect(shop.url, clock=shop.clock)
    with pytest.raises(Unreachable) as caught:
        other.info()
    assert caught.value.code is Code.BUSY
    shop.registrar.close()
    assert other.info().serial == "4000123456"
    other.close()


def test_a_paper_jam_touches_nothing(day: Shop, tmp_path: object) -> None:
    day.restart(tape=str(day.folder))
    result = day.do(sale())
    assert result.state is State.REGISTERED_NOT_PRINTED
    assert day.kinds.count("sale") == 1


@pytest.mark.parametrize("options", [{"refusals": "ticket"}, {"numbers": "strings"}, {"enums": "numbers"},
                                     {"ticket": "kupyna,key"}, {"ticket": "unsorted,wrapped,null"}])  # fmt: skip
def test_a_server_of_other_manners(
    server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop], options: dict[str, str]
) -> None:
    emulator = server(**options)
    shop = open_shop(emulator)
    shop.open()
    sold = shop.must(sale())
    emulator.add_fault("F2", "doc", seconds=2.5)
    shop.must(refund(sold.number, line(quantity=1000)))
    emulator.unplug()
    shop.must(sale())
    emulator.replug()
    assert shop.registrar.synchronise()
    shop.must(z_report())
    assert len(shop.ledger) == 8


def test_a_ticket_of_a_stranger_is_not_believed(
    server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop(server(ticket="broken"))
    result = shop.do(act(DocumentKind.OPEN_SHIFT))
    assert result.done, "the document was found by asking, not by the ticket"
    entry = shop.registrar._desk.store.by_fiscal(result.number)
    assert entry is not None and not entry.ticket
