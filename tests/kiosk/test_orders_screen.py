"""Advances, orders, stamps and a cash-in's reason on the screens (cashier-flow.md IV.1, IV.5), by keys and fingers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.document import DocumentKind
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import FiscalDocument, Order
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.notice import Notice
from kiosk.widgets.payment_view import PaymentView
from kiosk.widgets.rows import Rows
from tests.kiosk.selling import ROUND, SENIOR, SMALL, WHISKY, WIDE, Selling, selling

Launch = Callable[..., EmulatorServer]
SIZES = pytest.mark.parametrize("size", [WIDE, SMALL], ids=["80x25", "64x18"])


async def document(shop: Selling, number: int) -> FiscalDocument:
    ledger = shop.till.workplace.ledger
    receipt = await shop.ask_till(lambda: ledger.receipts.by_number(number))
    (found,) = await shop.ask_till(lambda: ledger.receipts.documents_of(receipt.id))
    return found


async def order(shop: Selling, number: str) -> Order:
    found = await shop.ask_till(lambda: shop.till.workplace.ledger.orders.by_number(number))
    assert found is not None
    return found


async def choose(shop: Selling, row: int) -> None:
    assert shop.where == "ChooseDialog"
    shop.app.screen.query_one("#rows", Rows).move_to(row)
    await shop.press("enter")


async def advance(shop: Selling, amount: str, number: str = "15", *, later: bool = False) -> None:
    """F6, F9 and its questions by keyboard, then the exact sum; ends on the outcome."""
    await shop.press("f6", "f9")
    await choose(shop, int(later))
    await shop.type(amount)
    await shop.press("enter")
    await shop.type(number)
    await shop.press("enter", "enter")
    assert shop.where == "PaymentScreen"
    await shop.press("ctrl+enter")
    await shop.until(lambda: shop.where == "OutcomeScreen", "the outcome")
    await shop.quiet()


@SIZES
async def test_iv_19_an_advance_and_its_settlement_by_keys(
    launch: Launch, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.scan(ROUND.barcode)
        await shop.press("f6", "f9")
        await choose(shop, 0)
        await shop.type("101")
        await shop.press("enter")
        assert shop.where == "AskNumber" and "100,00" in shop.text(), "more than the price is refused at once"
        await shop.press("backspace", "backspace", "backspace")
        await shop.type("30")
        await shop.press("enter")
        await shop.type("15")
        await shop.press("enter", "enter")
        view = shop.app.screen.query_one(PaymentView)
        assert view.figures.quote.due == 3_000 and view.note == ("Аванс із", "100,00")
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        assert "Замовлення № 15: сплачено 30,00 з 100,00" in shop.text()
        first = await document(shop, 1)
        assert first.document.lines[0].name == f"Аванс за: {ROUND.name}" and first.document.due == 3_000
        await shop.press("enter", "f7")
        assert shop.where == "OrdersScreen" and ROUND.name in shop.text()
        await shop.press("f6")
        assert shop.where == "SaleScreen" and shop.basket.rest == 7_000
        await shop.scan(ROUND.barcode)
        assert len(shop.basket.lines) == 1, "the order's goods are frozen"
        await shop.press("f6", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        last = await document(shop, 2)
        assert (last.document.lines[0].name, last.document.due) == (ROUND.name, 7_000)
        assert (await order(shop, "15")).closed_at is not None
        assert shop.tape_text().count("Аванс 30,00, чек №") == 1


async def test_an_advance_by_fingers_alone(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(ROUND.barcode)
        await shop.touch("#pay")
        await shop.touch("#advance")
        await shop.touch("#yes")
        for digit in "30":
            await shop.press(digit)
        await shop.press("enter")
        await shop.touch("#yes")
        await shop.touch("#yes")
        await shop.touch("#confirm")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        await shop.touch("#next")
        await shop.tap_key("orders")
        await shop.touch("#settle")
        await shop.touch("#pay")
        await shop.touch("#confirm")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        assert (await order(shop, "1")).closed_at is not None
        assert (await document(shop, 2)).document.due == 7_000


async def test_f9_again_takes_the_whole_price_and_esc_sends_nothing(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(ROUND.barcode)
        await shop.press("f6", "f9", "escape")
        assert shop.where == "PaymentScreen" and shop.app.screen.query_one(PaymentView).figures.quote.due == 10_000
        await shop.press("f9")
        await choose(shop, 0)
        await shop.type("30")
        await shop.press("enter", "enter", "enter")
        assert shop.app.screen.query_one(PaymentView).figures.quote.due == 3_000
        await shop.press("f9")
        view = shop.app.screen.query_one(PaymentView)
        assert view.figures.quote.due == 10_000 and view.note is None
        await shop.press("escape")
        assert shop.where == "SaleScreen" and shop.till.fiscal.issued == 0


async def test_iv_20_an_order_is_given_back_and_iv_21_a_debt_is_settled(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.scan(ROUND.barcode)
        await advance(shop, "40", later=True)
        await shop.press("enter", "f7")
        assert "БОРГ" in shop.text() and "60,00" in shop.text()
        await shop.press("f6", "f6", "ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        assert (await document(shop, 2)).document.lines[0].name == f"Оплата за: {ROUND.name}"
        await shop.press("enter", "f7")
        await shop.type("15")
        await shop.press("enter")
        assert "ЗАКР." in shop.text()
        await shop.press("f12")
        await choose(shop, 0)
        for number in (2, 1):
            original = await document(shop, number)
            assert shop.where == "ConfirmDialog"
            await shop.press("ctrl+enter")
            await shop.until(lambda: shop.where == "MessageDialog")
            assert original.result is not None and f"№ {original.result.number}" in shop.text()
            await shop.press("enter")
        assert (await order(shop, "15")).paid == 0
        for number, first in ((3, 2), (4, 1)):
            refund, original = await document(shop, number), await document(shop, first)
            assert refund.kind is DocumentKind.REFUND and refund.document.original is not None
            assert original.result is not None and refund.document.original.number == original.result.number


async def test_iv_21_the_cash_in_s_reasons_refuse_a_debt(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.press("f11")
        shop.app.screen.query_one("#rows", Rows).move_to(2)
        await shop.press("enter")
        await shop.until(lambda: shop.where == "CashScreen")
        await shop.quiet()
        assert "Розмінні гроші на зміну" in shop.text()
        await shop.press("f8")
        await choose(shop, 4)
        note = shop.app.screen.query_one("#note", Notice)
        assert "а не службовим внесенням" in note.text and "F7" in note.advice
        assert "Розмінні гроші на зміну" in shop.text()
        await shop.press("f8")
        await choose(shop, 1)
        assert "Додано розмінних грошей" in shop.text()
        await shop.type("5")
        await shop.press("f6", "ctrl+enter")
        await shop.until(lambda: shop.where == "MessageDialog")
        await shop.press("enter")
        (moved,) = await shop.ask_till(
            lambda: [
                record
                for record in shop.till.workplace.ledger.audit.records(action="cash_in")
                if record.detail["note"] == "Change is added"
            ]
        )
        assert moved.detail["amount"] == 500


# -- IV-3 -------------------------------------------------------------------------------------------------------------


@SIZES
async def test_iv_3_the_payment_waits_for_every_stamp(launch: Launch, tmp_path: Path, size: tuple[int, int]) -> None:
    async with selling(launch, tmp_path, size=size) as shop:
        await shop.type(f"3*{WHISKY.code}")
        await shop.press("enter")
        assert "[0/3]" in shop.text()
        assert "F6 Оплата" not in shop.text() and "марок" in shop.text()
        await shop.scan("АВЕІ000001")
        assert shop.basket.lines[0].excise == ("АВЕІ000001",) and "[1/3]" in shop.text()
        await shop.press("f6")
        assert shop.where == "StampsDialog" and "1/3" in shop.text()
        await shop.scan("ABEI000001")
        note = shop.app.screen.query_one("#note", Notice)
        assert "уже є в цьому чеку" in note.text
        await shop.scan("https://cabinet.tax.gov.ua/x")
        assert "QR" in note.text
        await shop.scan("АВЕІ000002")
        assert "2/3" in shop.text()
        await shop.press("enter")
        assert shop.where == "StampsDialog", "Enter does not go on without the third"
        await shop.press("delete")
        assert "1/3" in shop.text()
        await shop.press("escape")
        assert shop.where == "SaleScreen", "no payment"
        await shop.press("ctrl+e")
        await shop.scan("АВЕІ000002")
        await shop.scan("АВЕІ000003")
        assert shop.where == "SaleScreen"
        await shop.press("f6")
        assert shop.where == "PaymentScreen"
        await shop.press("ctrl+enter")
        await shop.until(lambda: shop.where == "OutcomeScreen")
        await shop.quiet()
        assert (await document(shop, 1)).document.lines[0].excise == ("АВЕІ000001", "АВЕІ000002", "АВЕІ000003")
        await shop.press("enter")
        await shop.type(WHISKY.code)
        await shop.press("enter")
        await shop.scan("ABEI000003")
        assert "уже продано" in shop.app.screen.query_one("#notice", Notice).text


async def test_stamps_by_fingers_and_without_a_barcode(launch: Launch, tmp_path: Path) -> None:
    async with selling(launch, tmp_path) as shop:
        await shop.type(f"2*{WHISKY.code}")
        await shop.press("enter")
        await shop.touch("#pay")
        await shop.touch("#letters")
        assert shop.where == "KeyboardDialog"
        shop.app.screen.query_one(EntryLine).put("ABCD123456")
        await shop.touch("#yes")
        assert "1/2" in shop.text()
        await shop.touch("#without")
        assert shop.where == "ApproveDialog"
        await approve(shop)
        await shop.until(lambda: shop.where == "PaymentScreen", "the payment")
        line = shop.basket.lines[0]
        assert (line.excise, line.stampless) == (("ABCD123456",), 1)


async def approve(shop: Selling) -> None:
    """A senior's badge and the first reason."""
    await shop.scan(SENIOR)
    await shop.until(lambda: shop.where == "ChooseDialog", "the reasons")
    await shop.quiet()
    await shop.press("enter")
