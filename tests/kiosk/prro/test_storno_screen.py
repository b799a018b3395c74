"""The storno by keys and fingers (cashier-flow.md V.3)."""

from __future__ import annotations

import pytest

from kiosk.ledger.records import ReceiptState
from kiosk.screens.storno import StornoScreen
from kiosk.widgets.notice import Notice
from tests.kiosk.day.pilot import Day, day
from tests.till.prro.rig import Software

SIZES = [(80, 25), (64, 18)]


async def shown(one: Day) -> Notice:
    await one.on("StornoScreen")
    note = one.app.screen.query_one("#note", Notice)
    await one.until(lambda: note.text)
    return note


@pytest.mark.parametrize("size", SIZES)
async def test_v_6_the_last_sale_is_cancelled_by_ctrl_z_and_shows_storno_with_its_time(
    size: tuple[int, int], shop: Software
) -> None:
    shop.begin()
    sale = shop.sold("1")
    (document,) = shop.ledger.receipts.documents_of(sale.id)
    assert document.result is not None
    async with day(shop, "sale", size=size) as one:
        await one.press("ctrl+z")
        note = await shown(one)
        one.fits()
        assert "Only this document will be cancelled" in note.text
        assert f"No. {document.result.number}" in one.words and "25,50" in one.words
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.approve()
        await one.confirm()
        await one.on("MessageDialog")
        assert "STORNO" in one.text and "Give the buyer 25,50 UAH back" in one.words
        await one.press("enter")
        await one.on("SaleScreen")
        await one.press("ctrl+z")
        note = await shown(one)
        assert "The last document is none that can be cancelled" in note.text
        assert ("STORNO " in one.text) or size[0] < 80
        assert not one.app.screen.query_one("#go").display
        await one.press("f6")
        assert one.name == "StornoScreen"
        assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.CANCELLED
    assert shop.kinds.count("storno") == 1


async def test_a_card_sale_asks_for_the_terminal_first(shop: Software) -> None:
    shop.begin(name="Ігор")
    shop.sold("1", card=-1)
    async with day(shop, "storno", binding=shop.binding) as one:
        note = await shown(one)
        assert "The money on the card is not given back" in note.advice
        await one.touch("go")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.on("ConfirmDialog")
        await one.sees("void the payment on the terminal first")
        await one.press("escape")
        await one.on("StornoScreen")
        assert "storno" not in shop.kinds
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.confirm()
        await one.confirm()
        await one.on("MessageDialog")
        await one.press("enter")
        await one.until(lambda: one.answers == [True])
    assert shop.kinds[-1] == "storno"


async def test_v_7_no_shift_no_storno_and_the_screen_says_why(shop: Software) -> None:
    shop.login()
    shop.unlock()
    async with day(shop, "storno", binding=shop.binding) as one:
        note = await shown(one)
        assert "The shift is closed" in note.text
        await one.press("escape")
        assert one.answers == [False]


async def test_an_unknown_outcome_forbids_it(shop: Software) -> None:
    shop.begin()
    shop.emulator.add_fault("F11", "doc:CHECK", when="after")
    shop.sell("1")
    async with day(shop, "storno", binding=shop.binding) as one:
        note = await shown(one)
        assert "UNKNOWN" in note.text
        screen = one.app.screen
        assert isinstance(screen, StornoScreen) and not screen.query_one("#go").display
    shop.emulator.replug()


async def test_a_refused_storno_is_told_and_may_be_tried_again(shop: Software) -> None:
    shop.begin(name="Ігор")
    shop.sold("1")
    shop.emulator.add_fault("refusal", "doc", code=9, text="Документ не прийнято")
    async with day(shop, "storno", binding=shop.binding) as one:
        await shown(one)
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.confirm()
        await one.on("MessageDialog")
        await one.sees("Not registered: Storno")
        await one.press("enter")
        await shown(one)
        assert one.app.screen.query_one("#go").display
    assert "storno" not in shop.kinds
