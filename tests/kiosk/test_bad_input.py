"""Whatever comes into the sale: a clear refusal, nothing half-sent, the basket intact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from drivers.emulation.server import EmulatorServer
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.payment_view import PaymentView
from tests.kiosk.selling import FREE, GREEN, LATIN, SENIOR, SMALL, WIDE, Selling, selling

Launch = Callable[..., EmulatorServer]


async def burst(shop: Selling, text: str) -> None:
    """What a wedge scanner types: keys 8 ms apart by their own clock, all in the queue at once."""
    keys = [events.Key(character, character) for character in text] + [events.Key("enter", "\r")]
    begin = keys[0].time
    for number, key in enumerate(keys):
        key.time = begin + number * 0.008
        key.set_sender(shop.app)
        shop.app.post_message(key)
    await shop.quiet()


def notice(shop: Selling) -> Notice:
    return shop.app.screen.query_one("#notice", Notice)


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["80x25", "64x18"])
async def test_an_unknown_barcode_beeps_and_says_so(
    launch: Launch, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        bells: list[bool] = []
        monkeypatch.setattr(shop.app, "bell", lambda: bells.append(True))
        await burst(shop, GREEN.barcode)
        before = shop.basket
        await burst(shop, "4829999999995")
        assert bells == [True]
        assert notice(shop).lamp is Lamp.RED
        assert "4829999999995" in shop.text()
        assert "Невідомий штрихкод" in shop.text()
        assert shop.basket == before
        assert shop.entry == "", "nothing of the scan is left in the input"
        await burst(shop, GREEN.barcode)
        assert shop.basket.lines[0].quantity == 2000
        assert notice(shop).lamp is not Lamp.RED


async def test_ten_thousand_characters_are_one_refusal(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        before = shop.basket
        await shop.scan("7" * 10_000)
        assert notice(shop).lamp is Lamp.RED
        assert "10000" in notice(shop).text
        assert shop.basket == before
        await burst(shop, "8" * 10_000)
        assert shop.basket == before
        assert shop.entry == ""
        shop.app.post_message(events.Paste("9" * 10_000))
        await shop.quiet()
        assert len(shop.entry) <= 200
        assert shop.basket == before


async def test_a_scan_in_the_middle_of_a_dialog_changes_nothing(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        before = shop.basket
        for key in ("f2", "f3", "f1", "ctrl+delete", "f6"):
            await shop.press(key)
            there = shop.app.screen
            assert shop.where != "SaleScreen", key
            typed = [entry.value for entry in there.query(EntryLine)]
            await burst(shop, LATIN.barcode)
            assert shop.app.screen is there, f"the scan's Enter answers no question ({key})"
            assert [entry.value for entry in there.query(EntryLine)] == typed, key
            assert shop.basket == before, key
            await shop.press("escape")
            assert shop.where == "SaleScreen", key
            assert shop.basket == before, key


async def test_a_barcode_under_the_ukrainian_layout(launch: Launch, tmp_path: Path) -> None:
    """ABC-123 typed as Cyrillic by key position, in both cases."""
    async with selling(launch, tmp_path) as shop:
        await burst(shop, "ФИС-123")
        assert [line.good.name for line in shop.basket.lines] == [LATIN.name]
        await burst(shop, "ABC-123")
        assert shop.basket.lines[0].quantity == 2000


async def test_absurd_quantities_before_the_code(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        for typed in ("0*", "-2*", "99999999*", "1,5*", "2,0001*", "x*", "**"):
            notice(shop).clear()
            await shop.scan(f"{typed}{GREEN.barcode}")
            assert not shop.basket.lines, typed
            assert shop.where == "SaleScreen", typed
            assert notice(shop).lamp is Lamp.RED, typed
            assert notice(shop).text


async def test_a_good_without_a_price_is_not_sold(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(FREE.barcode)
        assert not shop.basket.lines
        assert notice(shop).lamp is Lamp.RED


async def test_strange_characters(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        for text in (
            "\x00\x01\x02\x03\x04\x05\x06",
            "\u202e\u202e\u202e",
            "💥💥💥💥💥💥",
            "%' OR 1=1 --",
            "[bold]",
            "]E0",
        ):
            notice(shop).clear()
            await shop.scan(text)
            assert shop.where == "SaleScreen", text
            assert not shop.basket.lines, text
            assert notice(shop).lamp is Lamp.RED, text


async def test_a_basket_above_what_a_registrar_holds(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        before = 0
        for _ in range(25):
            await shop.scan(f"9999*{LATIN.barcode}")
            if notice(shop).lamp is Lamp.RED:
                break
            before = shop.basket.total
        assert notice(shop).lamp is Lamp.RED
        assert shop.basket.total == before


async def test_nonsense_as_a_discount(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path, badge=SENIOR) as shop:
        await shop.scan(GREEN.barcode)
        for typed in ("abc", "1,234", "-5", "12345678901", "101"):
            await shop.press("f8")
            assert shop.where == "ChooseDialog"
            await shop.press("enter")
            await shop.type(typed)
            await shop.press("enter")
            if shop.where == "AskNumber":
                await shop.press("escape")
            assert shop.where == "SaleScreen", typed
            assert shop.basket.total == GREEN.price, typed


async def test_nonsense_as_cash(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        for typed, taken in (("abc", 0), ("--", 0), (",", 0), ("00000", 0), ("1,999", 199), ("99999999999", 999999900)):
            await shop.press("f6")
            await shop.type(typed)
            assert shop.where == "PaymentScreen", typed
            assert shop.app.screen.query_one(PaymentView).figures.quote.received == taken, typed
            await shop.press("escape")
            assert shop.where == "SaleScreen", typed
        assert shop.emulator.registers()["last_document"] == 0


async def test_scans_in_a_row_are_all_counted(launch: Launch, tmp_path: Path) -> None:
    """Fifteen scans before the first is painted: none is lost, none counts twice."""
    async with selling(launch, tmp_path) as shop:
        for _ in range(15):
            shop.app.scanned(GREEN.barcode)
        await shop.until(lambda: shop.basket.lines and shop.basket.lines[0].quantity == 15_000)
        await shop.quiet()
        assert shop.basket.lines[0].quantity == 15_000
