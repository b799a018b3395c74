"""The sale screen on a real till: cashier-flow.md IV.1 and IV.6, by keys and by fingers, on both grids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.document import DocumentKind
from drivers.emulation.server import EmulatorServer
from kiosk.screens.dialogs.help import HelpDialog, lines
from kiosk.screens.sale import SaleScreen
from kiosk.till.scan import receipt_barcode
from kiosk.widgets.key_bar import key_name
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.receipt_view import ReceiptView
from kiosk.widgets.rows import Rows
from tests.kiosk.selling import CHEESE, GREEN, RED, SECOND, SENIOR, SENIOR_PIN, SMALL, WIDE, Selling, selling

Launch = Callable[..., EmulatorServer]
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["80x25", "64x18"])


def notice(shop: Selling) -> Notice:
    return shop.app.screen.query_one("#notice", Notice)


@SIZES
async def test_iv_1_three_goods_and_a_card_by_keyboard_alone(
    launch: Launch, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        for code in (GREEN.barcode, SECOND.code, RED.barcode):
            await shop.type(code)
            assert shop.entry == code
            assert code in shop.text()
            await shop.press("enter")
            assert shop.entry == ""
        await shop.type("7000000012")
        await shop.press("enter")
        assert [line.good.name for line in shop.basket.lines] == [GREEN.name, SECOND.name, RED.name]
        assert shop.basket.customer is not None
        seen = shop.text()
        assert "Гончар Віра" in seen
        for name in (GREEN.name, SECOND.name, RED.name):
            assert name in seen
        # 45.90, 32.10 and 3.00 less 5 %, halves up.
        assert shop.basket.total == 4360 + 3049 + 285
        assert seen.count("ФІСК") >= 2
        assert "НЕФ." in seen


async def test_iv_6_a_cashier_without_the_right_cannot_turn_the_receipt_red(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        before = shop.basket
        await shop.press("ctrl+f12")
        assert shop.where == "MessageDialog"
        await shop.press("escape")
        assert shop.basket == before
        assert not shop.basket.red
        records = await shop.ask_till(lambda: shop.till.workplace.ledger.audit.records(action="nonfiscal"))
        assert [record.allowed for record in records] == [False]
        assert records[0].user_id == shop.till.workplace.user.id  # type: ignore[union-attr]


async def test_a_senior_turns_the_receipt_red_with_pin_and_reason(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path, badge=SENIOR) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("ctrl+f12")
        assert shop.where == "ApproveDialog"
        await shop.type(SENIOR_PIN)
        await shop.press("enter")
        assert shop.where == "ChooseDialog"
        await shop.press("enter")
        assert shop.basket.red
        assert shop.basket.red_reason
        assert "НЕФ." in shop.text()
        await shop.press("ctrl+f12")
        assert not shop.basket.red


async def test_iv_5_a_weighed_good_asks_for_its_weight(launch: Launch, tmp_path: Path) -> None:
    """0.275 kg × 199.90 = 54.97 by the rule of IV.4 (54.9725, halves up)."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(CHEESE.code)
        assert shop.where == "AskNumber"
        await shop.type("0")
        await shop.press("enter")
        assert shop.where == "AskNumber", "zero weight is refused in the dialog"
        await shop.press("backspace")
        await shop.type("0,275")
        await shop.press("enter")
        assert shop.basket.total == 5497
        assert "54,97" in shop.text()
        await shop.press("f6")
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        document = (await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.by_number(1))).id
        fiscal = await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.documents_of(document))
        assert fiscal[0].document.lines[0].sum == 5497
        assert shop.emulator.registers()["sales_turnover"] == 5497
        assert "54.97" in shop.tape_text()


async def test_quantity_before_the_code_and_by_its_keys(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.type(f"3*{GREEN.code}")
        await shop.press("enter")
        assert shop.basket.lines[0].quantity == 3000
        await shop.press("plus")
        assert shop.basket.lines[0].quantity == 4000
        await shop.press("minus", "minus")
        assert shop.basket.lines[0].quantity == 2000
        await shop.press("f2")
        await shop.type("7")
        await shop.press("enter")
        assert shop.basket.lines[0].quantity == 7000
        await shop.press("f2", "escape")
        assert shop.basket.lines[0].quantity == 7000


async def test_absurd_quantities_are_refused_in_the_dialog(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        for typed in ("0", "-1", "1,5", "99999999", "1e5", ""):
            await shop.press("f2", "backspace", "backspace")
            await shop.type(typed)
            await shop.press("enter")
            assert shop.where == "AskNumber", f"the dialog stays and says why ({typed})"
            await shop.press("escape")
            assert shop.basket.lines[0].quantity == 1000


async def test_one_piece_less_than_one_is_refused(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("minus")
        assert shop.basket.lines[0].quantity == 1000
        assert notice(shop).lamp is Lamp.RED


@SIZES
async def test_search_by_name(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.press("f3")
        assert shop.where == "SearchDialog"
        await shop.type("жит")
        rows = shop.app.screen.query_one("#rows", Rows)
        await shop.until(lambda: rows.rows)
        assert all("жит" in good.name.casefold() for good in rows.rows)
        names = [good.name for good in rows.rows]
        await shop.press(*["down"] * names.index(SECOND.name), "enter")
        assert [line.good.name for line in shop.basket.lines] == [SECOND.name]


async def test_two_letters_find_nothing(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.press("f3")
        await shop.type("мо")
        await shop.pilot.pause(0.3)
        assert not shop.app.screen.query_one("#rows", Rows).rows
        await shop.press("enter")
        assert shop.where == "SearchDialog"
        await shop.press("escape")
        assert not shop.basket.lines


async def test_typed_letters_lead_to_the_search(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.type("молоко")
        await shop.press("enter")
        assert shop.where == "SearchDialog"
        await shop.press("enter")
        assert len(shop.basket.lines) == 1


async def test_park_and_recall(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.press("f4")
        assert notice(shop).lamp is Lamp.RED, "nothing is parked"
        await shop.scan(GREEN.barcode)
        await shop.press("f4")
        assert not shop.basket.lines
        await shop.scan(RED.barcode)
        await shop.press("f4")
        await shop.press("f4")
        assert shop.where == "ChooseDialog"
        await shop.press("enter")
        assert [line.good.name for line in shop.basket.lines] == [GREEN.name]


async def test_lines_are_removed_and_the_basket_is_cleared_after_a_question(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        for good in (GREEN, SECOND, RED):
            await shop.scan(good.barcode)
        await shop.press("up", "delete")
        assert [line.good.name for line in shop.basket.lines] == [GREEN.name, RED.name]
        await shop.press("ctrl+delete")
        assert shop.where == "ConfirmDialog"
        await shop.press("escape")
        assert len(shop.basket.lines) == 2
        await shop.press("ctrl+delete")
        await shop.press("enter")
        assert not shop.basket.lines
        await shop.press("delete")
        assert notice(shop).lamp is Lamp.RED


async def test_a_discount_wants_a_senior_and_gives_it_to_the_line(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f8")
        assert shop.where == "ApproveDialog"
        await shop.scan(SENIOR)
        assert shop.where == "ChooseDialog"
        await shop.press("enter")
        await shop.type("10")
        await shop.press("enter")
        assert shop.basket.total == 4590 - 459
        assert "4,59" in shop.text()
        await shop.press("f8", "escape")
        assert shop.basket.total == 4590 - 459


async def test_storno_on_hardware_offers_refund_and_act(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path, badge=SENIOR) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.press("enter")
        await shop.press("ctrl+z")
        assert shop.where == "ConfirmDialog"
        await shop.press("enter")
        await shop.until(lambda: shop.where == "CorrectionScreen")
        await shop.quiet()
        assert GREEN.name[:10] in shop.text(), "the last sale is there to be corrected"
        assert shop.emulator.registers()["refunds_turnover"] == 0, "nothing is sent before it is confirmed"


async def test_storno_without_a_sale_says_so_and_comes_back(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path, badge=SENIOR) as shop:
        await shop.press("ctrl+z", "enter")
        await shop.until(lambda: shop.where == "MessageDialog")
        await shop.press("enter")
        await shop.until(lambda: shop.where == "SaleScreen")


async def test_a_receipt_barcode_opens_its_return(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.press("enter")
        await shop.scan(receipt_barcode(1))
        await shop.until(lambda: shop.where == "RefundScreen")


async def test_the_copy_of_the_last_receipt(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        before = shop.tape_text()
        await shop.press("enter")
        await shop.press("ctrl+p")
        added = shop.tape_text()[len(before) :]
        assert "КОПІЯ" in added
        assert shop.emulator.registers()["sales_turnover"] == GREEN.price, "a copy registers nothing"


def test_iv_23_the_map_of_the_sale_is_the_documents() -> None:
    """The keys of cashier-flow.md IV.6 for the sale, against the bindings that F1 and the key bar are made from."""
    screen = SaleScreen()
    keys = {key_name(binding.key): binding.action for binding in screen.keymap()}
    assert (
        keys.items()
        >= {
            "F1": "help",
            "F2": "quantity",
            "F3": "search",
            "F4": "park",
            "F5": "checklist",
            "F6": "pay",
            "F8": "discount",
            "F9": "customer",
            "F10": "lock",
            "F11": "registrar",
            "F12": "refund",
            "Ctrl+F12": "colour",
            "Ctrl+Z": "storno",
            "Ctrl+P": "copy",
            "Del": "remove",
            "Ctrl+Del": "clear",
            "Esc": "back",
        }.items()
    )


async def test_iv_23_f1_shows_the_bindings(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        screen = shop.app.screen
        assert isinstance(screen, SaleScreen)
        expected = lines(screen.keymap())
        await shop.press("f1")
        assert isinstance(shop.app.screen, HelpDialog)
        assert list(shop.app.screen.query_one("#rows", Rows).rows) == expected
        assert expected[0][0] in shop.text()


@SIZES
async def test_the_sale_by_fingers_alone(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    """Search, ±, lines, discount's refusal, parking: no key is pressed."""
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.tap_key("search")
        if size == SMALL:
            await shop.touch("#swap")
        pad = shop.app.screen.query_one("#letters")
        for letter in "жит":
            index = "абвгдеєжзиіїйклмнопрстуфхцчшщьюя".index(letter)
            width, height = pad.size.width // 8, pad.size.height // 4
            x = pad.region.x + index % 8 * width + 3
            await shop.pilot.click(offset=(x, pad.region.y + index // 8 * height + 1))
        rows = shop.app.screen.query_one("#rows", Rows)
        await shop.until(lambda: rows.rows)
        await shop.touch("#yes")
        assert len(shop.basket.lines) == 1
        await shop.touch("#more")
        await shop.touch("#more")
        await shop.touch("#less")
        assert shop.basket.lines[0].quantity == 2000
        await shop.tap_key("park")
        assert not shop.basket.lines
        await shop.tap_key("park")
        await shop.touch("#yes")
        assert shop.basket.lines[0].quantity == 2000
        await shop.tap_key("remove")
        assert not shop.basket.lines


async def test_a_tap_on_a_line_makes_it_current(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        for good in (GREEN, SECOND, RED):
            await shop.scan(good.barcode)
        view = shop.app.screen.query_one(ReceiptView)
        await shop.pilot.click(offset=(view.region.x + 5, view.region.y + 2))
        await shop.quiet()
        assert shop.basket.current == 1


async def test_a_long_basket_scrolls_with_its_current_line(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path, size=SMALL) as shop:
        goods = await shop.ask_till(lambda: shop.till.workplace.ledger.goods.page("", 30))
        pieces = [good for good in goods if not good.weighed and good.fiscal and good.price][:14]
        for good in pieces:
            await shop.scan(good.code)
        view = shop.app.screen.query_one(ReceiptView)
        assert len(shop.basket.lines) == len(pieces) > view.page
        assert f">{len(pieces):>2}" in shop.text()
        await shop.press("pageup", "pageup", "pageup")
        assert "> 1" in shop.text()
        assert view.top == 0


async def test_the_basket_survives_leaving_the_till(launch: Launch, tmp_path: Path) -> None:
    """What the cashier saw is in the ledger already."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        stored = await shop.ask_till(
            lambda: shop.till.workplace.ledger.receipts.baskets(shop.till.workplace.settings.workplace)
        )
        assert len(stored) == 1
        assert GREEN.barcode.encode() in stored[0].content


async def test_nothing_on_the_sale_screen_registers_without_the_payment_window(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        for key in ("ctrl+enter", "enter", "ctrl+j", "escape", "f7"):
            await shop.press(key)
        assert shop.emulator.registers()["receipts"] == 0
        unsettled = await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.unsettled())
        assert not [document for document in unsettled if document.kind is DocumentKind.SALE]
