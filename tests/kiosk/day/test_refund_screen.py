"""*Повернення* and *Виправлення помилки* on the screen, by keys alone and by fingers alone."""

from __future__ import annotations

import pytest

from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import ReceiptState
from kiosk.screens.refund import RefundScreen, Step
from kiosk.till.scan import receipt_barcode
from tests.kiosk.day.pilot import Day, day
from tests.till.shop.rig import Shop


def step(one: Day) -> Step:
    assert isinstance(one.app.screen, RefundScreen)
    return one.app.screen.step


async def at(one: Day, wanted: Step) -> None:
    await one.until(lambda: isinstance(one.app.screen, RefundScreen) and one.app.screen.step is wanted)
    await one.settle()


async def test_v1_scanned_barcode_opens_the_list_with_returned_quantities(shop: Shop) -> None:
    till = shop.begin()
    sale = shop.sold("5*1", "2")
    draft = till.refunds.take(till.refunds.draft(sale.id), sale.lines[0].id or 0, 2000)
    till.refunds.refund(draft, reason="Wrong goods")
    async with day(shop, "refund") as one:
        await one.scan(receipt_barcode(sale.number))
        await at(one, Step.LINES)
        line = next(row for row in one.text.split("\n") if "Хліб" in row)
        assert line.split()[1:4] == ["5", "2", "0"]
        await one.press("f7")
        assert next(row for row in one.text.split("\n") if "Хліб" in row).split()[3] == "3"
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
        await one.press("enter")
        assert one.answers == [True]
    shop.till = shop._open()
    shop.login()
    async with day(shop, "refund", receipt=shop.ledger.receipts.receipt(sale.id)) as one:
        await one.sees("has come back already", "A second return is impossible.")
        await one.press("f7", "f6")
        await one.sees("Choose at least one line")


async def test_v2_one_of_five_by_keys_alone(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    sale = shop.sold("5*1")
    async with day(shop, "refund") as one:
        await one.type(str(sale.number))
        await one.press("enter")
        await at(one, Step.LINES)
        await one.press("f2")
        await one.on("AskNumber")
        await one.type("1")
        await one.press("enter")
        await one.sees("To return: 25,50")
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("down", "enter")
        await at(one, Step.MONEY)
        await one.sees("All conditions are met", "The buyer changed their mind")
        await one.press("f6")
        await one.on("ConfirmDialog")
        # Esc sends nothing; Enter on the question is "no".
        await one.press("enter")
        await at(one, Step.MONEY)
        assert server.registers()["refunds_turnover"] == 0
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
        await one.sees("Give out in cash", "25,50")
    assert server.registers()["refunds_turnover"] == 2550


async def test_v2_one_of_five_by_fingers_alone(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    shop.sold("5*1")
    async with day(shop, "refund") as one:
        one.fits()
        await one.row("#sales", 0)
        if step(one) is Step.FIND:
            await one.touch("go")
        await at(one, Step.LINES)
        one.fits()
        await one.key("quantity")
        await one.on("AskNumber")
        await one.digits("1#")
        await at(one, Step.LINES)
        await one.touch("go")
        await one.on("ChooseDialog")
        await one.row("#rows", 1)
        await at(one, Step.MONEY)
        one.fits()
        await one.touch("go")
        await one.on("ConfirmDialog")
        await one.touch("yes")
        await at(one, Step.RESULT)
        await one.touch("go")
        assert one.answers == [True]
    assert server.registers()["refunds_turnover"] == 2550


async def test_v3_missing_cash_is_one_touch_away(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin(float_=0)
    sale = shop.sold("2*1")
    till.cash.take_out(shop.binding, 5100)
    async with day(shop, "refund", receipt=sale) as one:
        await one.press("f7", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.sees("Cash is missing in the registrar: 51,00")
        await one.press("f6")
        await one.sees("51,00 UAH are needed")
        assert server.registers()["refunds_turnover"] == 0
        await one.key("cash_in")
        await one.on("CashScreen")
        await one.sees("51,00")
        await one.touch("go")
        await one.confirm()
        await one.on("MessageDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.sees("All conditions are met")
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
    assert [entry["kind"] for entry in server.registers()["journal"]][-2:] == ["CASH_IN", "REFUND"]


async def test_v8_a_red_line_comes_back_red(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    sale = shop.sold("5")
    async with day(shop, "refund", receipt=sale) as one:
        await one.press("enter", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.sees("Kind as in the sale", "non-fiscal")
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
    assert server.registers()["refunds_turnover"] == 0
    assert any("ПОВЕРНЕННЯ ТОВАРУ" in line for line in server.machine.printer.tape.lines)  # type: ignore[attr-defined]


async def test_a_card_goes_back_with_the_data_of_the_terminals_slip(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    sale = shop.sold("2*1", card=-1)
    async with day(shop, "refund", receipt=sale) as one:
        await one.press("f7", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.sees("To the card", "51,00")
        await one.press("f6")
        await one.on("CardSlipDialog")
        for field in ("123456789012", "A1B2C3", "1234", "TERM0001"):
            await one.type(field)
            await one.press("enter")
        await one.press("f2")
        await one.press("ctrl+enter")
        await one.confirm()
        await at(one, Step.RESULT)
    (refund,) = shop_refunds(shop, sale.id)
    assert refund.payments[0].card is not None
    assert refund.payments[0].card.rrn == "123456789012"
    assert server.registers()["refunds_by_form"] == {"card": 5100}


def shop_refunds(shop: Shop, sale_id: object) -> list:  # type: ignore[type-arg]
    shop.till = shop._open()
    return list(shop.ledger.receipts.refunds_of(sale_id))  # type: ignore[arg-type]


async def test_other_means_ask_for_a_senior_and_a_reason(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    sale = shop.sold("2*1", card=-1)
    async with day(shop, "refund", receipt=sale) as one:
        await one.press("f7", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.press("f8")
        await one.on("AskNumber")
        await one.type("0")
        await one.press("enter")
        await one.approve()
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.sees("In cash", "51,00")
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
    assert server.registers()["refunds_by_form"] == {"cash": 5100}


async def test_without_a_receipt_the_goods_lead_to_the_sale(shop: Shop, server: EmulatorServer) -> None:
    shop.begin(name="Ігор")
    shop.sold("2")
    shop.sold("1")
    async with day(shop, "refund") as one:
        await one.press("ctrl+f4")
        await one.approve()
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.on("KeyboardDialog")
        await one.scan("4820000000017")
        if one.name == "KeyboardDialog":
            await one.type("1")
            await one.press("enter")
        await one.on("ChooseDialog")
        await one.sees("Which sale did it come from?", "25,50")
        await one.press("enter")
        await at(one, Step.LINES)
        await one.press("enter", "f6")
        await at(one, Step.MONEY)
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
    assert server.registers()["refunds_turnover"] == 2550


async def test_a_cashier_without_the_right_is_refused_a_return_without_a_receipt(shop: Shop) -> None:
    shop.begin()
    async with day(shop, "refund") as one:
        await one.press("ctrl+f4")
        await one.until(lambda: one.name != "RefundScreen")
        if one.name == "KeyboardDialog":
            await one.type("1")
            await one.press("enter")
        await one.on("MessageDialog")
        await one.sees("has no right to do this")
    shop.till = shop._open()
    assert [record.allowed for record in shop.ledger.audit.records(action="refund_without_receipt")] == [False]


async def test_the_lists_by_date_sum_and_customer(shop: Shop) -> None:
    shop.begin()
    customer = shop.ledger.goods.customer("CARD-777")
    assert customer is not None
    shop.sold("2*1", customer=customer)
    shop.sold("2")
    async with day(shop, "refund") as one:
        await one.press("ctrl+f11")
        await one.on("ChooseDialog")
        await one.press("down", "down", "down", "enter")
        await one.on("AskNumber")
        await one.type("41,99")
        await one.press("enter")
        await one.on("RefundScreen")
        assert len(one.app.screen.query_one("#sales").rows) == 1  # type: ignore[attr-defined]
        await one.scan("CARD-777")
        await one.sees("Purchases of Постійний покупець")
        assert len(one.app.screen.query_one("#sales").rows) == 1  # type: ignore[attr-defined]
        await one.type("999999")
        await one.press("enter")
        await one.sees("No sale has the number 999999")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("paper", ("out of paper", "No refund was registered: give no money out.", "Put in a new roll")),
        ("cover", ("cover is open", "No refund was registered", "Close the cover")),
        ("unplug", ("does not answer", "No refund was registered", "Check that it is switched on")),
    ],
)
async def test_what_stops_a_return_names_the_part_the_money_and_the_next_step(
    fault: str, words: tuple[str, ...], shop: Shop, server: EmulatorServer
) -> None:
    shop.begin()
    sale = shop.sold("1")
    async with day(shop, "refund", receipt=sale) as one:
        await one.press("f7", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        if fault == "unplug":
            server.add_fault("F11", "85", when="before")
        elif fault == "paper":
            server.set_paper(False)
        else:
            server.set_cover(True)
        await one.press("f6")
        await one.confirm()
        await one.on("MessageDialog")
        for word in words:
            assert word in one.words, one.text


async def test_held_confirmation_makes_one_refund(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    sale = shop.sold("5*1")
    async with day(shop, "refund", receipt=sale) as one:
        await one.press("enter", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.press("f6")
        await one.on("ConfirmDialog")
        for _ in range(30):
            await one.pilot.press("ctrl+enter")
        await one.settle()
        await at(one, Step.RESULT)
    assert [entry["kind"] for entry in server.registers()["journal"]].count("REFUND") == 1


@pytest.mark.parametrize("size", [(80, 25), (64, 18)])
async def test_ctrl_z_on_hardware_refunds_the_last_sale_and_prints_the_act(
    size: tuple[int, int], shop: Shop, server: EmulatorServer
) -> None:
    shop.begin()
    sale = shop.sold("2*1")
    async with day(shop, "correction", size=size) as one:
        one.fits()
        await one.sees("51,00")
        await one.touch("go")
        await one.on("ChooseDialog")
        await one.row("#rows", 1)
        await one.sees("How should it have been paid?")
        await one.row("#rows", 0)
        await one.on("AskNumber")
        await one.type("25,50")
        await one.press("enter")
        await one.approve()
        await one.confirm()
        await one.on("MessageDialog")
        await one.sees("Corrected", "Sign the act")
        await one.press("enter")
        assert one.answers == [True]
    tape = "\n".join(server.machine.printer.tape.lines)  # type: ignore[attr-defined]
    assert "АКТ про помилкову суму розрахунку" in tape
    assert "Правильна сума: 25,50" in tape
    (refund,) = shop_refunds(shop, sale.id)
    assert refund.state is ReceiptState.DONE


async def test_i3_the_correction_is_closed_to_whoever_lacks_the_right(shop: Shop, server: EmulatorServer) -> None:
    shop.begin()
    shop.sold("1")
    with shop.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE users SET denied = '[\"storno\"]' WHERE name = 'Олена'")
    shop.login()
    async with day(shop, "correction") as one:
        await one.on("MessageDialog")
        await one.sees("has no right to do this")
        await one.press("enter")
        await one.until(lambda: one.answers == [False])
    assert server.registers()["refunds_turnover"] == 0
    shop.till = shop._open()
    assert [record.allowed for record in shop.ledger.audit.records(action="storno")] == [False]
