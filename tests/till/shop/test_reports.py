"""X, service cash, Z and their guards (cashier-flow.md VII), rights and leases (I) on a hardware registrar."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.document import DocumentKind
from drivers.emulation.server import EmulatorServer
from kiosk.config import Policy
from kiosk.ledger.records import DocumentState, ReceiptState
from kiosk.till.act import Act
from kiosk.till.errors import Denied, Refusal
from kiosk.till.rights import Right
from tests.conftest import Launch
from tests.till.shop.conftest import Found
from tests.till.shop.rig import SLIP, Shop

DAY = timedelta(hours=24, minutes=1)


def test_vii1_x_twice_is_identical_and_changes_nothing(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    shop.sold("2*1", "2")
    before = server.registers()
    first = till.reports.x(shop.binding)
    second = till.reports.x(shop.binding)
    assert first == second
    assert first.agrees
    assert server.registers() == before
    tape = server.machine.printer.tape.lines  # type: ignore[attr-defined]
    assert sum("X-ЗВІТ" in line for line in tape) == 2


def test_vii3_cash_out_above_the_registrars_cash_is_refused_here_with_what_is_available(
    shop: Shop, server: EmulatorServer
) -> None:
    till = shop.begin(float_=30_000)
    journal = len(server.registers()["journal"])
    with pytest.raises(Refusal) as refused:
        till.cash.take_out(shop.binding, 30_001)
    assert refused.value.code == "CASH_SHORT"
    assert refused.value.values["available"] == 30_000
    assert len(server.registers()["journal"]) == journal
    assert till.cash.take_out(shop.binding, 30_000).state is DocumentState.REGISTERED


def test_cash_out_above_the_limit_needs_a_senior(shop: Shop) -> None:
    till = shop.begin(float_=600_000)
    with pytest.raises(Denied):
        till.cash.take_out(shop.binding, 500_001)
    out = till.cash.take_out(shop.binding, 500_001, approval=shop.helps(Right.CASH_OUT_ANY))
    assert out.state is DocumentState.REGISTERED


def test_vii4_over_24_hours_only_a_z_is_possible_and_then_everything_again(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    till.sale.enter("1")
    shop.clock.ahead = DAY
    server.advance_clock(DAY.total_seconds())
    for act in (
        till.sale.ready,
        lambda: till.cash.put_in(shop.binding, 100),
        lambda: till.cash.take_out(shop.binding, 100),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "SHIFT_EXPIRED"
    assert till.checklist.run(shop.binding, seals=True).action == "z"
    assert till.closing.z(shop.binding).document.done
    till.shifts.open(shop.binding, counted=50_000, float_=0)
    assert till.sale.basket.lines, "the basket is kept"
    assert till.sale.pay(received=2550).state is ReceiptState.DONE


def test_vii4_the_registrars_own_24_hour_block_is_told_as_such(shop: Shop, server: EmulatorServer) -> None:
    """The till's clock did not see the day pass, the registrar's did."""
    till = shop.begin()
    shop.sold("1")
    server.advance_clock(DAY.total_seconds())
    paid = shop.sell("1")
    assert paid.state is ReceiptState.FAILED
    assert paid.fault is not None
    assert paid.fault.code == "SHIFT_EXPIRED"
    assert till.sale.basket.lines


def test_vii6_a_computer_a_day_ahead_makes_no_z(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    shop.sold("1")
    shop.clock.ahead = timedelta(days=1)
    with pytest.raises(Refusal) as refused:
        till.closing.z(shop.binding)
    assert refused.value.code == "CLOCK_AHEAD"
    assert server.registers()["z_number"] == 0
    shop.clock.ahead = timedelta()
    assert till.closing.z(shop.binding).document.done


@pytest.mark.parametrize("when", ["before", "after"])
def test_vii8_paper_out_in_the_middle_of_a_z_makes_no_second_z_number(
    when: str, shop: Shop, server: EmulatorServer
) -> None:
    till = shop.begin()
    shop.sold("1")
    server.add_fault("F9", "69", when=when)
    closed = till.closing.z(shop.binding, counted=1)
    if when == "after":
        assert closed.document.state is DocumentState.NOT_PRINTED
        assert (closed.shift.z_number, server.registers()["z_number"]) == (1, 1)
        assert till.shifts.current(shop.binding) is None
        return
    assert closed.document.state is DocumentState.REJECTED
    assert closed.document.result is not None
    assert closed.document.result.fault is not None
    assert closed.document.result.fault.code == "PAPER_OUT"
    assert closed.shift.is_open
    assert server.registers()["z_number"] == 0
    server.set_paper(True)
    again = till.closing.z(shop.binding, counted=1)
    assert (again.shift.z_number, server.registers()["z_number"]) == (1, 1)


def test_a_z_waits_for_unknown_outcomes_and_baskets(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    till.sale.enter("1")
    with pytest.raises(Refusal) as basket:
        till.closing.z(shop.binding)
    assert basket.value.code == "UNRESOLVED"
    till.sale.park()
    with pytest.raises(Refusal):
        till.closing.z(shop.binding)
    assert [problem.action for problem in till.closing.problems(shop.binding)] == ["parked"]
    till.sale.recall(till.sale.parked()[0][0].id)
    till.sale.clear()
    assert till.closing.problems(shop.binding) == []


def test_the_cash_of_the_registrar_is_expected_over_a_z(shop: Shop, server: EmulatorServer) -> None:
    """A hardware registrar keeps its cash: the next shift begins with it, checklist or none."""
    till = shop.begin(float_=10_000)
    shop.sold("1")
    till.closing.z(shop.binding)
    assert server.registers()["drawer"] == 12_550
    till.shifts.open(shop.binding, counted=12_550, float_=0)
    shop.sold("1")
    assert till.reports.x(shop.binding).agrees
    compared = till.closing.compare(shop.binding, counted=15_100, terminal=0)
    assert compared.agrees, compared


def test_cards_are_compared_with_the_terminals_own_total(shop: Shop) -> None:
    till = shop.begin(float_=0)
    sale = shop.sold("2*1", card=-1)
    draft = till.refunds.take(till.refunds.draft(sale.id), sale.lines[0].id or 0, 1000)
    till.refunds.refund(draft, reason="Wrong goods", slip=SLIP)
    compared = till.closing.compare(shop.binding, counted=0, terminal=5_100)
    assert (compared.card_till, compared.card_difference) == (2_550, 2_550)
    assert till.closing.compare(shop.binding, counted=0, terminal=2_550).agrees


def test_a_refused_float_leaves_no_shift_open(shop: Shop, server: EmulatorServer) -> None:
    shop.login()
    server.set_paper(False)
    opened = shop.till.shifts.open(shop.binding, counted=5_000, float_=5_000, reason="розмін")
    assert opened.cash_in is not None
    assert opened.cash_in.state is DocumentState.REJECTED
    assert shop.till.shifts.current(shop.binding) is None
    server.set_paper(True)
    again = shop.till.shifts.open(shop.binding, counted=5_000, float_=5_000, reason="розмін")
    assert again.cash_in is not None
    assert again.cash_in.done
    assert server.registers()["cash_in"] == 5_000


# -- rights, keys, leases ---------------------------------------------------------------------------------------------


def test_i3_without_the_right_no_call_cancels_and_the_audit_knows(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    shop.sold("1")
    with shop.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE users SET denied = '[\"storno\"]' WHERE name = 'Ігор'")
    shop.login("Ігор")
    before = server.registers()
    helper = shop.helps(Right.STORNO, "Марія")
    act = Act("Wrong sum", 2000, "готівка")
    draft = till.refunds.take_all(till.refunds.draft(till.refunds.recent()[0].id))
    for call in (
        till.sale.storno,
        lambda: till.sale.storno(helper),
        till.corrections.last,
        lambda: till.corrections.correct(draft, act),
        lambda: till.corrections.correct(draft, act, approval=helper),
    ):
        with pytest.raises(Denied) as denied:
            call()
        assert denied.value.right == "storno"
    assert server.registers() == before
    tried = [record for record in shop.ledger.audit.records(action="storno") if not record.allowed]
    assert len(tried) == 5
    assert {record.user_id for record in tried} == {shop.user("Ігор").id}
    assert all(record.at is not None for record in tried)


def test_a_hardware_registrar_corrects_by_refund_and_act(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    sale = shop.sold("2*1", "5")
    with pytest.raises(Refusal) as refused:
        till.sale.storno(shop.helps(Right.STORNO))
    assert refused.value.code == "NO_STORNO"
    draft = till.corrections.last()
    assert draft.sale.id == sale.id
    with pytest.raises(Denied):
        till.corrections.correct(draft, Act("Wrong sum", 2000, "готівка"))
    done = till.corrections.correct(
        draft, Act("Wrong sum", 2000, "готівка", "пробито двічі"), approval=shop.helps(Right.STORNO)
    )
    assert done.state is ReceiptState.DONE
    till.sale.print_slips()
    assert shop.ledger.receipts.waiting_slips() == []
    tape = "\n".join(server.machine.printer.tape.lines)  # type: ignore[attr-defined]
    number = shop.ledger.receipts.documents_of(sale.id)[0].result
    assert number is not None
    for words in (
        "АКТ про помилкову суму розрахунку", f"Помилковий чек: {number.number}", "Помилкова сума: 101,00",
        "Правильна сума: 20,00", "Пояснення: пробито двічі", "Підпис касира",
    ):  # fmt: skip
        assert words in tape
    assert server.registers()["refunds_turnover"] == 5100
    with pytest.raises(Refusal) as again:
        till.corrections.last()
    assert again.value.code == "RETURNED"


def test_the_act_is_stored_with_the_refund_and_waits_for_paper(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin(name="Ігор")
    shop.sold("1")
    server.add_fault("F9", "56", when="after")
    done = till.corrections.correct(till.corrections.last(), Act("Double receipt", 0, "продажу не було"))
    assert done.state is ReceiptState.DONE
    assert till.sale.print_slips() == 1
    shop.restart()
    server.set_paper(True)
    shop.login("Ігор")
    assert shop.till.sale.print_slips() == 0


def test_i5_a_second_workplace_is_told_who_holds_the_registrar_where_and_since_when(
    shop: Shop, server: EmulatorServer, found: Found
) -> None:
    till = shop.begin()
    shop.sold("1")
    lease = shop.ledger.shop.lease(shop.binding.serial)
    assert lease is not None
    shop.clock.ahead = timedelta(hours=1)
    shop.sold("1")
    assert shop.ledger.shop.lease(shop.binding.serial) == lease, "since when stays true"
    with shop.ledger.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO bindings (enterprise_id, workplace, url, role, serial, fiscal_number, model, signers)"
            " SELECT enterprise_id, 'Каса 2', url, role, serial, fiscal_number, model, signers FROM bindings"
        )
    other = Shop(shop.folder, shop.url, workplace="Каса 2", clock=shop.clock)
    try:
        other.login("Ігор")
        journal = server.registers()["journal"]
        with pytest.raises(Refusal) as refused:
            other.till.shifts.open(other.binding, counted=0, float_=0)
        assert refused.value.code == "HELD_ELSEWHERE"
        told = refused.value.values
        assert (told["workplace"], told["user"], told["since"]) == ("Каса 1", "Олена", lease.since)
        assert server.registers()["journal"] == journal
        shop.clock.ahead = timedelta()
        till.closing.z(shop.binding)
        other.till.shifts.open(other.binding, counted=0, float_=0)
    finally:
        other.close()


def test_a_z_of_another_cashiers_shift_needs_a_senior(shop: Shop) -> None:
    shop.begin()
    shop.ledger.people.add("Друга", shop.user("Олена").role, badge="BADGE-2")
    shop.till.people.logout()
    shop.till.people.login_badge("BADGE-2")
    with pytest.raises(Denied):
        shop.till.closing.z(shop.binding)
    closed = shop.till.closing.z(shop.binding, approval=shop.helps(Right.Z_REPORT_ANY))
    assert closed.document.kind is DocumentKind.Z_REPORT
    assert closed.document.done


def test_change_stays_in_the_drawer_by_policy(server: EmulatorServer, found: Found) -> None:
    shop = found(server, policy=Policy(change_left=20_000))
    till = shop.begin(float_=50_000)
    assert till.closing.proposed_cash_out(shop.binding) == 30_000
    assert till.closing.cash_out(shop.binding, 30_000).done
    assert till.closing.z(shop.binding).shift.cash_left == 20_000


def test_another_unit_on_the_line_ends_the_day_there(shop: Shop, server: EmulatorServer, launch: Launch) -> None:
    """The same serial number is required to go on with a shift, in the same run and after a restart."""
    till = shop.begin()
    shop.sold("1")
    serial = shop.binding.serial
    server.unplug()
    server.replug("ZZ00000001")
    till.sale.enter("1")
    paid = till.sale.pay(received=2550)
    assert paid.state is not ReceiptState.DONE
    assert paid.fault is not None
    assert paid.fault.code == "DIFFERENT_DEVICE"
    assert server.registers()["journal"] == []
    shop.restart()
    shop.login()
    line = shop.till.checklist.run(shop.binding, seals=True).line("link")
    assert line.colour.value == "red"
    assert dict(line.values) | {"bound": serial, "serial": "ZZ00000001"} == dict(line.values)
    again = shop.sell("1") if not shop.till.sale.basket.lines else shop.till.sale.pay(received=2550)
    assert again.fault is not None
    assert again.fault.code == "DIFFERENT_DEVICE"
    assert server.registers()["journal"] == []
