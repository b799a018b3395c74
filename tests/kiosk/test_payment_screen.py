"""Payment and its outcome on a real till: cashier-flow.md IV.2 and IV.4, by keys and by fingers, on both grids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from drivers.document import PaymentForm
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import DocumentState, FiscalDocument, Good, Receipt, ReceiptState
from kiosk.screens.outcome import OutcomeScreen
from kiosk.screens.payment import PaymentScreen
from kiosk.widgets.payment_view import PaymentView
from kiosk.widgets.touch import Touch
from tests.kiosk.selling import GOODS, GREEN, RED, ROUND, SECOND, SMALL, STRANGE, WIDE, Selling, selling

Launch = Callable[..., EmulatorServer]
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["80x25", "64x18"])
SLIP = ("123456789012", "12AB34", "4321", "TERM0001")


async def pay(shop: Selling, *keys: str) -> None:
    """F6, keys, Ctrl+Enter; returns on the screen with the outcome."""
    await shop.press("f6")
    await shop.press(*keys)
    await shop.press("ctrl+enter")
    await shop.until(lambda: shop.where == "OutcomeScreen", "the outcome")
    await shop.quiet()


async def type_slip(shop: Selling, slip: Sequence[str] = SLIP) -> None:
    """The slip's fields by keyboard; the payment system by F2."""
    assert shop.where == "CardSlipDialog"
    for text in slip[:-1]:
        await shop.type(text)
        await shop.press("enter")
    await shop.type(slip[-1])
    await shop.press("f2", "ctrl+enter")


async def receipt(shop: Selling, number: int = 1) -> Receipt | None:
    return await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.by_number(number))


async def documents(shop: Selling, number: int = 1) -> Sequence[FiscalDocument]:
    found = await receipt(shop, number)
    assert found is not None
    return await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.documents_of(found.id))


def figures(shop: Selling) -> PaymentView:
    return shop.app.screen.query_one(PaymentView)


@SIZES
async def test_iv_2_a_mixed_basket_is_one_fiscal_document_and_one_slip(
    launch: Launch, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        for good in (GREEN, SECOND, RED):
            await shop.scan(good.barcode)
        total = shop.basket.total
        await pay(shop)
        made = await documents(shop)
        assert len(made) == 1
        assert [line.name for line in made[0].document.lines] == [GREEN.name, SECOND.name]
        found = await receipt(shop)
        assert found is not None
        slips = await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.slips_of(found.id))
        assert len(slips) == 1
        assert slips[0].printed_at is not None
        assert sum(RED.name in line for line in slips[0].lines) == 1
        assert not any(GREEN.name in line for line in slips[0].lines)
        assert made[0].document.total + RED.price == total == found.total
        journal = await shop.ask_till(lambda: shop.till.workplace.ledger.journal.records())
        assert journal
        for record in journal:
            assert RED.name.encode() not in record.payload
            assert RED.code.encode() not in record.payload
        assert shop.emulator.registers()["sales_turnover"] == GREEN.price + SECOND.price
        assert shop.tape_text().count("ТОВАРНИЙ ЧЕК") == 1


@SIZES
async def test_iv_7_change_on_screen_display_and_paper(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.scan(ROUND.barcode)
        await shop.press("f6")
        await shop.type("200")
        assert figures(shop).figures.quote.change == 10_000
        await shop.press("enter", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        found = await receipt(shop)
        assert found is not None
        assert found.change == 10_000
        screen = shop.app.screen
        assert isinstance(screen, OutcomeScreen)
        assert "РЕШТА" in shop.text()
        huge = screen.query_one("#change")
        assert huge.kopecks == 10_000  # type: ignore[attr-defined]
        assert huge.region.height >= 3
        assert "█" in shop.text(), "the change is in huge type"
        display = shop.emulator.registers()["display"]
        assert "100,00" in display[1]
        assert "РЕШТА" in display[1]
        tape = shop.tape_text()
        assert any("РЕШТА" in line and "100.00" in line for line in tape.splitlines())


async def test_enter_on_an_empty_field_is_the_exact_sum(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(ROUND.barcode)
        await shop.press("f6", "enter")
        quote = figures(shop).figures.quote
        assert (quote.received, quote.change, quote.rest) == (10_000, 0, 0)
        assert (await receipt(shop)) is None, "Enter registers nothing"
        await shop.press("escape")
        assert shop.where == "SaleScreen"
        assert len(shop.basket.lines) == 1
        assert shop.emulator.registers()["receipts"] == 0


async def test_too_little_cash_is_refused(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(ROUND.barcode)
        await shop.press("f6")
        await shop.type("99,99")
        await shop.press("ctrl+enter")
        assert shop.where == "MessageDialog"
        await shop.press("escape")
        assert shop.where == "PaymentScreen"
        assert (await receipt(shop)) is None


async def test_iv_8_a_declined_card_leaves_the_basket_and_no_document(launch: Launch, tmp_path: Path) -> None:
    """By hand the cashier reads the refusal on the terminal and goes back: nothing was stored or sent."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        before = shop.basket
        await shop.press("f6", "f7")
        assert shop.where == "CardSlipDialog"
        await shop.press("escape")
        await shop.press("escape")
        assert shop.where == "SaleScreen"
        assert shop.basket == before
        assert (await receipt(shop)) is None
        assert not await shop.ask_till(lambda: shop.till.workplace.ledger.receipts.unsettled())
        assert shop.emulator.registers()["last_document"] == 0


async def test_iv_10_an_empty_rrn_cannot_be_a_bank_card(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6", "f7")
        await type_slip(shop, ("", "12AB34", "4321", "TERM0001"))
        assert shop.where == "CardSlipDialog", "the form stays"
        await shop.press("escape")
        await shop.press("ctrl+enter")
        assert shop.where == "CardSlipDialog", "without a slip the payment asks for it again"
        await shop.press("escape")
        assert (await receipt(shop)) is None


async def test_iv_10_with_the_policy_it_is_cashless(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path, cashless=True) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6", "f7", "escape", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        payments = (await documents(shop))[0].document.payments
        assert [(payment.form, payment.name, payment.card) for payment in payments] == [
            (PaymentForm.CARD, "Безготівкова", None)
        ]


@SIZES
async def test_all_by_card_by_keyboard(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6", "f7")
        await type_slip(shop)
        assert shop.where == "PaymentScreen"
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        payment = (await documents(shop))[0].document.payments[0]
        assert payment.card is not None
        assert (payment.name, payment.amount) == ("Банківська картка", GREEN.price)
        assert (payment.card.rrn, payment.card.auth_code, payment.card.terminal) == (SLIP[0], SLIP[1], SLIP[3])
        assert payment.card.pan_mask.endswith(SLIP[2])
        assert SLIP[0] in shop.tape_text()


async def test_iv_11_sixty_by_card_and_forty_in_cash(launch: Launch, tmp_path: Path) -> None:
    """Rounding touches the cash row only: 100.10 = 60.00 by card + 40.10 → 40.00 in cash (step 50)."""
    odd = Good(0, "900010", "Дрібниця", 10010, 1, barcode="4820000000091")
    async with selling(launch, tmp_path, rounding=50, goods=(*GOODS, odd)) as shop:
        await shop.scan(odd.barcode)
        await shop.press("f6", "f8")
        await shop.type("60")
        await shop.press("enter")
        await type_slip(shop)
        quote = figures(shop).figures.quote
        assert (quote.card, quote.cash_due, quote.rounding) == (6000, 4000, -10)
        await shop.press("enter", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        document = (await documents(shop))[0].document
        assert [(payment.form, payment.amount) for payment in document.payments] == [
            (PaymentForm.CARD, 6000),
            (PaymentForm.CASH, 4000),
        ]
        assert document.rounding == -10


async def test_more_by_card_than_the_goods_cost_is_refused(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.scan(RED.barcode)
        await shop.press("f6", "f8")
        await shop.type("48,90")
        await shop.press("enter")
        assert shop.where == "MessageDialog"
        await shop.press("escape")
        assert figures(shop).figures.quote.card == 0


async def test_a_lot_of_change_is_asked_about(launch: Launch, tmp_path: Path) -> None:
    """200.00 typed as 20000: change above the largest banknote."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(ROUND.barcode)
        await shop.press("f6")
        await shop.type("20000")
        await shop.press("ctrl+enter")
        assert shop.where == "ConfirmDialog"
        await shop.press("escape")
        assert shop.where == "PaymentScreen"
        assert (await receipt(shop)) is None


@SIZES
async def test_cash_by_fingers_alone(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.scan(ROUND.barcode)
        await shop.touch("#pay")
        assert shop.where == "PaymentScreen"
        await shop.touch("#note200")
        assert figures(shop).figures.quote.change == 10_000
        await shop.touch("#confirm")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        await shop.touch("#next")
        assert shop.where == "SaleScreen"
        assert not shop.basket.lines
        assert shop.emulator.registers()["sales_turnover"] == ROUND.price


@SIZES
async def test_a_card_by_fingers_alone(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    async with selling(launch, tmp_path, size=size) as shop:

        async def digits(text: str) -> None:
            pad = shop.app.screen.query_one("Keypad")
            rows = ("789", "456", "123", "0")
            for digit in text:
                row = next(index for index, keys in enumerate(rows) if digit in keys)
                width, height = pad.region.width // 4, pad.region.height // 4
                x = pad.region.x + rows[row].index(digit) * width + width // 2
                await shop.pilot.click(offset=(x, pad.region.y + row * height + 1))
            await shop.quiet()

        async def enter() -> None:
            pad = shop.app.screen.query_one("Keypad")
            await shop.pilot.click(offset=(pad.region.right - 4, pad.region.bottom - 2))
            await shop.quiet()

        await shop.scan(GREEN.barcode)
        await shop.touch("#pay")
        await shop.tap_key("all_card")
        assert shop.where == "CardSlipDialog"
        for text in ("123456789012", "123456", "4321"):
            await digits(text)
            await enter()
        await digits("12345678")
        await shop.touch("#system0")
        await shop.touch("#yes")
        assert shop.where == "PaymentScreen"
        await shop.touch("#confirm")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        card = (await documents(shop))[0].document.payments[0].card
        assert card is not None
        assert (card.rrn, card.terminal, card.payment_system) == ("123456789012", "12345678", "VISA")


# -- one document, whatever is held ----------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0.8, 0.0], ids=["as shipped", "without the repeat filter"])
async def test_iv_22_held_keys_make_exactly_one_document(launch: Launch, tmp_path: Path, gap: float) -> None:
    """F6 and then Ctrl+Enter held for five seconds, a press every 33 ms. The window alone suffices too."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await shop.scan(SECOND.barcode)
        shop.app.REPEAT_GAP = gap
        await hold(shop, "f6", 1.0)
        await shop.until(lambda: shop.where in ("PaymentScreen", "SaleScreen"))
        await hold(shop, "ctrl+enter", 5.0)
        await shop.until(lambda: not shop.app.busy)
        await shop.quiet()
        assert shop.tape_text().count("SALE") == 1
        assert shop.emulator.registers()["sales_turnover"] == GREEN.price + SECOND.price
        assert (await receipt(shop, 1)) is not None
        assert (await receipt(shop, 2)) is None
        assert shop.where == "OutcomeScreen"


async def hold(shop: Selling, key: str, seconds: float) -> None:
    """A key that a finger rests on."""
    from textual import events

    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        event = events.Key(key, None)
        event.set_sender(shop.app)
        shop.app.post_message(event)
        await asyncio.sleep(0.033)


async def test_while_the_registrar_works_the_window_is_calm_and_esc_does_nothing(
    launch: Launch, tmp_path: Path
) -> None:
    async with selling(launch, tmp_path, delay_ms=150) as shop:
        await shop.scan(GREEN.barcode)
        await shop.press("f6")
        screen = shop.app.screen
        assert isinstance(screen, PaymentScreen)
        await shop.pilot.press("ctrl+enter")
        await shop.until(lambda: screen.query_one("#confirm", Touch).disabled)
        await shop.pilot.press("escape")
        await shop.pilot.press("5")
        await shop.pilot.pause()
        assert shop.app.screen is screen
        assert "Реєструється" in shop.text()
        await shop.until(lambda: shop.where == "OutcomeScreen")
        assert shop.emulator.registers()["sales_turnover"] == GREEN.price


# -- outcomes --------------------------------------------------------------------------------------------------------


async def test_without_paper_nothing_is_registered_and_the_payment_can_be_repeated(
    launch: Launch, tmp_path: Path
) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        shop.emulator.set_paper(False)
        await pay(shop)
        seen = shop.text()
        assert "НЕ ЗАРЕЄСТРОВАНО" in seen
        assert "Гроші покупцеві поверніть або повторіть оплату" in seen
        assert shop.emulator.registers()["sales_turnover"] == 0
        await shop.scan(SECOND.barcode)
        assert len(shop.basket.lines) == 1, "a scan waits until this was read"
        shop.emulator.set_paper(True)
        await shop.press("f6")
        assert shop.where == "PaymentScreen"
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen" and "Чек № " in shop.text())
        assert shop.emulator.registers()["sales_turnover"] == GREEN.price


async def test_a_failed_card_payment_keeps_its_slip(launch: Launch, tmp_path: Path) -> None:
    """The terminal has the buyer's money: the repeated payment does not ask for the slip again."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        shop.emulator.set_paper(False)
        await shop.press("f6", "f7")
        await type_slip(shop)
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        shop.emulator.set_paper(True)
        await shop.press("f6")
        assert figures(shop).figures.quote.card == GREEN.price
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen" and "Чек № " in shop.text())
        card = (await documents(shop, 2))[0].document.payments[0].card
        assert card is not None
        assert card.rrn == SLIP[0]


async def test_an_unplugged_registrar_loses_no_basket(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        shop.emulator.unplug()
        await pay(shop)
        assert "НЕ ЗАРЕЄСТРОВАНО" in shop.text()
        await shop.press("enter")
        assert shop.where == "SaleScreen"
        assert [line.good.name for line in shop.basket.lines] == [GREEN.name]
        shop.emulator.replug()
        await pay(shop)
        assert "Чек № " in shop.text()
        assert shop.emulator.registers()["sales_turnover"] == GREEN.price


async def test_an_unknown_outcome_is_purple_and_blocks(launch: Launch, tmp_path: Path) -> None:
    """The registrar loses its power after it took the payment command: nothing can be asked until it is back."""
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        shop.emulator.add_fault("F8", "56", when="after")
        await pay(shop)
        found = await receipt(shop)
        assert found is not None
        assert found.state is ReceiptState.UNKNOWN
        assert "НЕВІДОМО" in shop.text()
        await shop.press("enter")
        await shop.quiet()
        if shop.where == "UnknownScreen":
            await shop.press("escape")
        await shop.scan(SECOND.barcode)
        await shop.press("f6")
        assert shop.where != "PaymentScreen", "sales are blocked until it is found out"


async def test_the_next_scan_begins_a_new_receipt(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        await pay(shop)
        await shop.scan(SECOND.barcode)
        await shop.until(lambda: shop.where == "SaleScreen" and shop.basket.lines)
        assert [line.good.name for line in shop.basket.lines] == [SECOND.name]


async def test_a_red_receipt_alone_is_sold_without_the_registrar_counting_it(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(RED.barcode)
        await pay(shop)
        assert "НЕФІСКАЛЬНИЙ" in shop.text()
        assert not await documents(shop)
        assert shop.emulator.registers()["sales_turnover"] == 0
        assert "ТОВАРНИЙ ЧЕК" in shop.tape_text()


async def test_a_slip_without_paper_waits_and_is_printed_later(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(RED.barcode)
        shop.emulator.set_paper(False)
        await pay(shop)
        assert "чекає на принтер" in shop.text()
        shop.emulator.set_paper(True)
        await shop.press("f4")
        assert RED.name in shop.tape_text()


async def test_a_name_that_the_code_page_lacks_is_refused_before_anything_is_sent(
    launch: Launch, tmp_path: Path
) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(STRANGE.barcode)
        await shop.press("f6", "ctrl+enter")
        assert shop.where == "MessageDialog"
        assert STRANGE.name in shop.text()
        await shop.press("escape")
        assert shop.where == "PaymentScreen"
        await shop.press("escape")
        assert [line.good.name for line in shop.basket.lines] == [STRANGE.name]
        assert shop.emulator.registers()["last_document"] == 0
        assert (await receipt(shop)) is None


async def test_iv_18_the_x_report_holds_the_rounding(launch: Launch, tmp_path: Path) -> None:
    odd = Good(0, "900010", "Дрібниця", 10010, 1, barcode="4820000000091")
    async with selling(launch, tmp_path, rounding=50, goods=(*GOODS, odd)) as shop:
        await shop.scan(odd.barcode)
        await pay(shop)
        report = await shop.ask_till(lambda: shop.till.reports.x(shop.till.workplace.main_binding(), paper=False))
        assert report.sums.rounding == -10


async def test_registered_but_not_printed_says_so(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(GREEN.barcode)
        shop.emulator.add_fault("F9", "56", when="after")
        await pay(shop)
        made = await documents(shop)
        assert made[0].state in (DocumentState.NOT_PRINTED, DocumentState.REGISTERED)
        if made[0].state is DocumentState.NOT_PRINTED:
            assert "НЕ НАДРУКОВАНО" in shop.text()
