"""A whole day on a software registrar by keys, and the replacement of its key (cashier-flow.md III, V, VII, VIII.3)."""

from __future__ import annotations

from drivers.document import DocumentKind
from kiosk.screens.closing import ClosingScreen, Step
from kiosk.till.keys import slot_of
from kiosk.widgets.notice import Notice
from kiosk.widgets.rows import Rows
from tests.kiosk.day.pilot import Day, day
from tests.kiosk.prro.test_opening_screen import password
from tests.till.prro.rig import Software


async def step(one: Day, wanted: Step) -> None:
    await one.until(lambda: isinstance(one.app.screen, ClosingScreen) and one.app.screen.step is wanted)
    await one.settle()


async def opened(one: Day, counted: str) -> None:
    """The opening screen: count, reason, key, numbers."""
    await one.on("OpeningScreen")
    await one.type(counted)
    await one.press("f6")
    await one.on("ChooseDialog")
    await one.press("enter")
    await password(one)
    await one.on("MessageDialog")
    await one.sees("The shift is open", "Opening: document No.")
    await one.press("enter")


async def paid(one: Day, received: str) -> None:
    await one.press("f6")
    await one.on("PaymentScreen")
    if received:
        await one.type(received)
    await one.press("ctrl+enter")
    await one.on("OutcomeScreen")
    await one.sees("REGISTERED")
    await one.press("enter")
    await one.on("SaleScreen")


async def closed(one: Day) -> None:
    """The wizard with the count skipped."""
    await step(one, Step.COUNT)
    await one.press("f8")
    await one.on("ChooseDialog")
    await one.press("enter")
    await one.until(lambda: isinstance(one.app.screen, ClosingScreen) and one.app.screen.step is not Step.COUNT)
    if isinstance(one.app.screen, ClosingScreen) and one.app.screen.step is Step.CASH_OUT:
        await one.press("f8")
        await one.on("ChooseDialog")
        await one.press("enter")
    await step(one, Step.Z)
    await one.press("f6")
    await one.confirm()
    await step(one, Step.SUMMARY)
    await one.sees("Z report No.")


async def test_a_whole_day_by_keys_from_the_password_to_the_next_opening(shop: Software) -> None:
    shop.login("Ігор")
    async with day(shop, "opening") as one:
        await opened(one, "500")
        await one.until(lambda: one.answers == [True])
        one.app.go("sale")
        await one.on("SaleScreen")
        await one.scan("4820000000017")
        await one.scan("4820000000024")
        await one.scan("4820000000017")
        await paid(one, "100")
        (sale,) = [item for item in shop.documents if item.kind is DocumentKind.SALE]
        assert sale.document.due == 9_300

        await one.press("f12")
        await one.on("RefundScreen")
        number = shop.ledger.receipts.receipt(sale.receipt_id).number if sale.receipt_id else 0
        await one.scan(str(number).zfill(4))
        await one.sees("Хліб")
        await one.press("f3", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.on("RefundScreen")
        await one.press("f6")
        await one.confirm()
        await one.sees("The return is registered")
        await one.press("escape")
        await one.on("SaleScreen")

        await one.scan("4820000000031")
        await paid(one, "1")
        await one.press("ctrl+z")
        await one.on("StornoScreen")
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.confirm()
        await one.on("MessageDialog")
        await one.sees("STORNO")
        await one.press("enter")
        await one.on("SaleScreen")

        x = one.app.run_worker(one.app.ask("x_report"))
        await one.on("XReportScreen")
        await one.sees("Registrar and program agree")
        await one.press("escape")
        await x.wait()
        z = one.app.run_worker(one.app.ask("closing"))
        await closed(one)
        await one.press("f6")
        await z.wait()
        assert shop.till.keys.locked(shop.binding)
        again = one.app.run_worker(one.app.ask("opening"))
        await one.on("OpeningScreen")
        await one.sees("Left at the last close: 567,50", "locked")
        await one.press("f6")
        await password(one)
        await one.on("MessageDialog")
        await one.sees("567,50")
        await one.press("enter")
        assert await again.wait() is True
        kinds = [item.kind.value for item in shop.documents]
        assert kinds == [
            "open_shift", "cash_in", "sale", "refund", "sale", "storno", "z_report", "open_shift", "cash_in",
        ]  # fmt: skip
        shop.agrees()


async def test_viii_3_the_key_is_replaced_by_keys_in_an_open_shift(shop: Software) -> None:
    shop.begin(0, name="Ігор")
    shop.sold("1")
    shop.emulator.withdraw_operator("cashier")
    async with day(shop, "rekey") as one:
        await one.sees("cashier", "signs now", "second", "senior")
        rows = one.app.screen.query_one("#keys", Rows)
        slots = [view.slot for view in rows.rows]
        rows.move_to(slots.index("second"))
        await one.press("f6")
        await password(one)
        await one.on("ConfirmDialog")
        await one.sees("signs after the Z")
        await one.press("ctrl+enter")
        await one.on("RekeyScreen")
        note = one.app.screen.query_one("#note", Notice)
        await one.until(lambda: "second" in note.text)
        rows.move_to(slots.index("senior"))
        await one.press("f7")
        await password(one)
        await one.on("ConfirmDialog")
        await one.press("ctrl+enter")
        await closed(one)
        await one.press("f6")
        await one.on("ChecklistScreen")
        assert slot_of(shop.binding) == "second"
    assert shop.kinds[-1] == "close_shift"


async def test_an_unregistered_key_is_refused_in_words_and_nothing_changes(shop: Software) -> None:
    shop.emulator.withdraw_operator("second")
    shop.login("Ігор")
    async with day(shop, "rekey") as one:
        rows = one.app.screen.query_one("#keys", Rows)
        await one.until(lambda: rows.rows)
        rows.move_to([view.slot for view in rows.rows].index("second"))
        await one.press("f6")
        await password(one)
        await one.on("MessageDialog")
        await one.sees("is not registered for the registrar", "5-ПРРО")
        await one.press("enter")
        assert slot_of(shop.binding) == "cashier"


async def test_the_menu_offers_the_replacement_on_a_software_registrar_alone(shop: Software) -> None:
    shop.begin(0)
    async with day(shop, "sale") as one:
        one.app.look()
        await one.until(lambda: one.app.view is not None)
        await one.press("f11")
        await one.on("RegistrarMenu")
        rows = one.app.screen.query_one("#rows", Rows)
        assert "rekey" in [item.screen for item in rows.rows]
