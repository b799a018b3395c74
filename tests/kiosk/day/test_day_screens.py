"""Cash movements, X, the closing wizard and unknown outcomes on the screen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import DocumentState
from kiosk.screens.closing import ClosingScreen, Step
from kiosk.widgets.notice import Notice
from tests.kiosk.day.pilot import Day, day
from tests.till.shop.rig import Shop

SIZES = [(80, 25), (64, 18)]


def kinds(server: EmulatorServer) -> list[str]:
    return [entry["kind"] for entry in server.registers()["journal"]]


async def at(one: Day, wanted: Step) -> None:
    await one.until(lambda: isinstance(one.app.screen, ClosingScreen) and one.app.screen.step is wanted)
    await one.settle()


# -- service cash -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_cash_in_by_fingers_shows_its_document_number(
    size: tuple[int, int], shop: Shop, server: EmulatorServer
) -> None:
    shop.begin(float_=10_000)
    async with day(shop, "cash", size=size, out=False) as one:
        one.fits()
        await one.sees("Cash in the registrar", "100,00 UAH")
        await one.digits("123#")
        await one.on("ConfirmDialog")
        await one.touch("yes")
        await one.on("MessageDialog")
        await one.sees("123,00", f"No. {server.registers()['last_document']}")
        await one.touch("yes")
        assert one.answers == [True]
    assert server.registers()["cash_in"] == 22_300


async def test_vii3_cash_out_above_the_registrars_cash_is_refused_with_what_is_available(
    shop: Shop, server: EmulatorServer
) -> None:
    shop.begin(float_=30_000)
    async with day(shop, "cash", out=True) as one:
        await one.type("300,01")
        await one.press("enter")
        await one.confirm()
        note = one.app.screen.query_one("#note", Notice)
        await one.until(lambda: note.text)
        assert "holds 300,00" in note.text.replace("\u00a0", " ")
        assert "at most 300,00" in note.advice.replace("\u00a0", " ")
        await one.key("all")
        await one.press("f6")
        await one.confirm()
        await one.on("MessageDialog")
    assert server.registers()["cash_out"] == 30_000
    assert kinds(server) == ["CASH_IN", "CASH_OUT"]


async def test_cash_out_above_the_limit_asks_a_senior(shop: Shop, server: EmulatorServer) -> None:
    shop.begin(float_=600_000)
    async with day(shop, "cash", out=True) as one:
        await one.sees("Up to 5 000,00")
        await one.type("5000,01")
        await one.press("f6")
        await one.approve()
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.confirm()
        await one.on("MessageDialog")
    assert server.registers()["cash_out"] == 500_001


@pytest.mark.parametrize("typed", ["", "0", "abc", "1,234", "999999999999"])
async def test_a_sum_that_makes_no_sense_is_refused_where_it_was_typed(typed: str, shop: Shop) -> None:
    shop.begin()
    async with day(shop, "cash", out=False) as one:
        await one.type(typed)
        await one.press("enter")
        assert one.name == "CashScreen"
        await one.until(lambda: one.app.screen.query_one("#note").text)  # type: ignore[attr-defined]


async def test_a_lost_reply_of_a_cash_in_leads_to_the_unknown_outcomes(shop: Shop, server: EmulatorServer) -> None:
    shop.begin(float_=0)
    async with day(shop, "cash", out=False) as one:
        await one.type("50")
        await one.press("f6")
        await one.on("ConfirmDialog")
        server.add_fault("F11", "70", nth=2, when="after")  # the first 70 only reads
        await one.press("ctrl+enter")
        await one.on("MessageDialog")
        await one.sees("UNKNOWN", "Repeat nothing")
        await one.press("enter")
        await one.on("UnknownScreen")
        await one.sees("Service cash-in", "50,00")
        server.replug()
        await one.press("f5")
        await one.on("MessageDialog")
        await one.sees("It was registered")
    assert kinds(server) == ["CASH_IN"]


# -- X ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_vii1_x_shows_both_books_and_changes_nothing(
    size: tuple[int, int], shop: Shop, server: EmulatorServer
) -> None:
    shop.begin()
    shop.sold("2*1", "2", card=2000)
    before = server.registers()
    async with day(shop, "x_report", size=size) as one:
        one.fits()
        await one.sees("Registrar and program agree", "Sales card", "20,00")
        first = one.text
        await one.press("f6")
        await one.sees("Registrar and program agree")
        await one.press("f6")
        await one.sees("Registrar and program agree")
        assert one.text.split("\n")[3:9] == first.split("\n")[3:9]
    assert server.registers() == before
    tape = server.machine.printer.tape.lines  # type: ignore[attr-defined]
    assert sum("X-ЗВІТ" in line for line in tape) == 2


async def test_x_shows_a_difference_with_its_sign(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    shop.sold("1")
    server.machine.printer.memory.drawer += 700  # type: ignore[attr-defined]
    async with day(shop, "x_report") as one:
        await one.sees("Registrar and program differ", "+7,00")


async def test_a_silent_registrar_is_told_at_the_x(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    server.unplug()
    async with day(shop, "x_report") as one:
        await one.on("MessageDialog")
        await one.sees("The registrar does not answer", "Check that it is switched on")


# -- closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_wizard_from_count_to_summary_by_keys(
    size: tuple[int, int], shop: Shop, server: EmulatorServer
) -> None:
    shop.begin(float_=50_000)
    shop.sold("2*1", "5")  # 51.00 fiscal, 50.00 not
    shop.allow(change_left=20_000)
    async with day(shop, "closing", size=size) as one:
        await at(one, Step.COUNT)
        one.fits()
        await one.press("down")
        await one.type("1")  # 500
        await one.press("enter", "enter")
        await one.type("1")  # 100
        await one.press("down", "down", "down", "down", "down", "down")
        await one.type("1")  # 1 hryvnia
        await one.sees("Counted: 601,00")
        await one.press("f6")
        await at(one, Step.COMPARE)
        one.fits()
        await one.sees("Everything agrees")
        await one.press("f7")
        await one.on("AskNumber")
        await one.type("0")
        await one.press("enter")
        await at(one, Step.COMPARE)
        await one.press("f6")
        await at(one, Step.CASH_OUT)
        await one.sees("351,00")
        await one.press("f6")
        await one.confirm()
        await one.on("MessageDialog")
        await one.press("enter")
        await at(one, Step.Z)
        one.fits()
        await one.press("f6")
        await one.on("ConfirmDialog")
        await one.press("enter")  # a plain Enter is "no"
        await at(one, Step.Z)
        assert server.registers()["z_number"] == 0
        await one.press("f6")
        await one.on("ConfirmDialog")
        for _ in range(20):  # held
            await one.pilot.press("ctrl+enter")
        await one.settle()
        await at(one, Step.SUMMARY)
        one.fits()
        await one.sees("Z report No.", "Left in the registrar")
    assert kinds(server)[-2:] == ["CASH_OUT", "Z"]
    assert server.registers()["drawer"] == 20_000
    shop.till = shop._open()
    closed = shop.ledger.shifts.last_closed(shop.binding.id)
    assert closed is not None
    assert (closed.closing["counted"], closed.closing["terminal"], closed.cash_left) == (60_100, 0, 20_000)


async def test_the_wizard_by_fingers_with_a_difference_and_a_skipped_step(shop: Shop, server: EmulatorServer) -> None:
    shop.begin(float_=10_000)
    async with day(shop, "closing") as one:
        await at(one, Step.COUNT)
        await one.row("#count", 4)
        await one.digits("1")
        await one.touch("go")
        await at(one, Step.COMPARE)
        await one.sees("Shortage in the drawer: 50,00")
        await one.touch("go")
        await one.on("AskText")
        await one.row("#offers", 0)
        await at(one, Step.CASH_OUT)
        await one.key("skip")
        await one.on("ChooseDialog")
        await one.row("#rows", 1)
        await at(one, Step.Z)
        await one.touch("go")
        await one.on("ConfirmDialog")
        await one.touch("yes")
        await at(one, Step.SUMMARY)
        await one.sees("Difference of the count", "-50,00")
        await one.touch("go")
        await one.until(lambda: one.name != "ClosingScreen")
        assert one.answers == [True]
    shop.till = shop._open()
    closed = shop.ledger.shifts.last_closed(shop.binding.id)
    assert closed is not None
    assert "Shortage" in closed.closing["reason"]
    assert "count in the morning" in closed.closing["reason"]


async def test_step_1_holds_until_the_problems_are_solved(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    shop.till.sale.enter("1")
    async with day(shop, "closing") as one:
        await at(one, Step.PROBLEMS)
        await one.sees("A basket of 25,50 UAH is open")
        await one.press("f6")
        await at(one, Step.PROBLEMS)
        await one.press("enter")
        await one.on("MessageDialog")
        await one.press("enter")
        await one.app.work(shop.till.sale.clear)
        await one.press("f5", "f6")
        await at(one, Step.COUNT)
    assert server.registers()["z_number"] == 0


async def test_vii4_over_24_hours_the_wizard_makes_the_z_and_keeps_the_basket(
    shop: Shop, server: EmulatorServer
) -> None:
    shop.begin(float_=10_000)
    shop.till.sale.enter("1")
    shop.clock.ahead = timedelta(hours=24, minutes=1)
    server.advance_clock(86_460)
    async with day(shop, "closing") as one:
        await at(one, Step.PROBLEMS)
        await one.sees("over 24 hours", "since")
        await one.press("f6")
        await at(one, Step.COUNT)
        await one.press("f8")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.Z)
        await one.press("f6")
        await one.confirm()
        await at(one, Step.SUMMARY)
    assert kinds(server)[-1] == "Z"
    shop.till = shop._open()
    shop.login()
    assert shop.till.sale.basket.lines


async def test_vii6_a_computer_a_day_ahead_is_told_and_nothing_sent(shop: Shop, server: EmulatorServer) -> None:
    shop.begin(float_=10_000)
    shop.clock.ahead = timedelta(days=1)
    server_z = server.registers()["z_number"]
    async with day(shop, "closing") as one:
        await at(one, Step.COUNT)
        await one.press("f8")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.Z)
        await one.press("f6")
        await one.confirm()
        await one.on("MessageDialog")
        words = one.words
        assert "is later than the registrar's" in words
        assert "Nothing was sent" in words
    assert server.registers()["z_number"] == server_z


@pytest.mark.parametrize("when", ["before", "after"])
async def test_vii8_paper_out_in_the_middle_of_a_z_is_told_well(when: str, shop: Shop, server: EmulatorServer) -> None:
    shop.begin(float_=10_000)
    async with day(shop, "closing") as one:
        await at(one, Step.COUNT)
        await one.press("f8")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.CASH_OUT)
        await one.press("f8")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.Z)
        server.add_fault("F9", "69", when=when)
        await one.press("f6")
        await one.confirm()
        if when == "after":
            await at(one, Step.SUMMARY)
            await one.sees("The Z was counted and the shift is closed", "paper was not printed")
        else:
            await one.on("MessageDialog")
            words = one.words
            assert "out of paper" in words
            assert "No fiscal receipt was made" in words
            assert "Put in a new roll" in words
            await one.press("enter")
            server.set_paper(True)
            await at(one, Step.Z)
            await one.press("f6")
            await one.confirm()
            await at(one, Step.SUMMARY)
    assert server.registers()["z_number"] == 1


async def test_another_unit_is_named_at_the_z_and_not_touched(shop: Shop, server: EmulatorServer) -> None:
    shop.begin(float_=10_000)
    async with day(shop, "closing") as one:
        await at(one, Step.COUNT)
        for _ in range(2):
            await one.press("f8")
            await one.on("ChooseDialog")
            await one.press("enter")
        await at(one, Step.Z)
        server.unplug()
        server.replug("ZZ00000001")
        await one.press("f6")
        await one.confirm()
        await one.on("MessageDialog")
        if "does not answer" in one.text:  # the cable was seen to be gone first
            await one.press("enter", "f6")
            await one.confirm()
            await one.on("MessageDialog")
        await one.sees("Another registrar answers", "Connect the right registrar")
    assert server.registers()["journal"] == []


# -- unknown ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(shop: Shop, server: EmulatorServer) -> Shop:
    shop.begin()
    server.add_fault("F11", "56", when="after")
    shop.sell("1")
    server.replug()
    server.machine.printer.memory.last_document += 2  # type: ignore[attr-defined]
    return shop


@pytest.mark.parametrize("size", SIZES)
async def test_both_readings_stand_side_by_side_and_a_senior_decides(
    size: tuple[int, int], doubtful: Shop, server: EmulatorServer
) -> None:
    async with day(doubtful, "unknown", size=size) as one:
        one.fits()
        await one.press("f5")
        await one.sees("Last document number", "Sales of the day", "25,50", "Before", "After")
        await one.sees("F7:", "F8:")
        await one.key("registered")
        await one.on("AskNumber")
        await one.press("enter")
        await one.on("AskText")
        await one.type("paper")
        await one.press("enter")
        await one.approve()
        await one.confirm()
        await one.on("MessageDialog")
        await one.sees("It was registered, document No. 4")
        await one.press("enter")
        await one.sees("No outcome is unknown")
    doubtful.till = doubtful._open()
    (record,) = doubtful.ledger.audit.records(action="resolve")[:1]
    assert record.detail["by"] == "Ігор"
    assert doubtful.ledger.receipts.by_document_number("4")


async def test_decided_as_not_registered_by_fingers_the_basket_comes_back(doubtful: Shop) -> None:
    async with day(doubtful, "unknown") as one:
        await one.key("not_registered")
        await one.on("AskText")
        await one.row("#offers", 2)
        if one.name == "AskText":
            await one.row("#offers", 1)
        await one.approve()
        await one.on("ConfirmDialog")
        await one.touch("yes")
        await one.on("MessageDialog")
        await one.sees("It was not registered", "The basket is back")
    doubtful.till = doubtful._open()
    doubtful.login()
    assert [line.good.code for line in doubtful.till.sale.basket.lines] == ["1"]
    documents = doubtful.ledger.receipts.unfinished("Каса 1")
    assert documents == []


async def test_asking_again_needs_nobodys_help(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    server.add_fault("F11", "56", when="after")
    paid = shop.sell("1")
    assert paid.documents[0].state is DocumentState.UNKNOWN
    async with day(shop, "unknown") as one:
        await one.sees("The registrar does not answer")
        server.replug()
        await one.key("again")
        await one.on("MessageDialog")
        await one.sees("It was registered", "Do not repeat it")
    assert kinds(server).count("SALE") == 1


async def test_every_screen_of_the_day_speaks_ukrainian(shop: Shop) -> None:
    shop.begin()
    shop.sold("1")
    async with day(shop, "x_report", language="uk") as one:
        await one.sees("X-звіт", "Реєстратор", "Програма")
