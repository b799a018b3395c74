"""A refund in a new shift of a software registrar, whose cash begins at nothing (cashier-flow.md V-3)."""

from __future__ import annotations

from kiosk.ledger.records import Good
from kiosk.screens.refund import RefundScreen, Step
from tests.kiosk.day.pilot import Day, day
from tests.till.prro.rig import Software


async def at(one: Day, step: Step) -> None:
    await one.until(lambda: isinstance(one.app.screen, RefundScreen) and one.app.screen.step is step)
    await one.settle()


async def test_v_3_the_missing_150_is_one_touch_away(shop: Software) -> None:
    shop.begin(0)
    shop.ledger.goods.put([Good(0, "80", "Чайник", 15_000, 1)])
    sold = shop.sold("80")
    shop.till.closing.z(shop.binding, counted=15_000)
    shop.unlock()
    shop.till.shifts.open(shop.binding, counted=15_000, float_=0, reason="x")
    before = shop.kinds
    async with day(shop, "refund", receipt=sold) as one:
        await one.press("f7", "f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.sees("Cash is missing in the registrar: 150,00")
        await one.press("f6")
        await one.sees("150,00 UAH are needed")
        assert shop.kinds == before, "nothing was sent"
        await one.key("cash_in")
        await one.on("CashScreen")
        await one.sees("150,00")
        await one.touch("go")
        await one.confirm()
        await one.on("MessageDialog")
        await one.press("enter")
        await at(one, Step.MONEY)
        await one.sees("All conditions are met")
        await one.press("f6")
        await one.confirm()
        await at(one, Step.RESULT)
    assert shop.kinds[len(before) :] == ["cash_in", "refund"]
