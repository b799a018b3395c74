"""The checklist of a software registrar on the screen: a locked key is where the cursor begins, Enter unlocks it."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from kiosk.till.judge import CheckLine
from kiosk.widgets.rows import Rows
from tests.kiosk.day.pilot import day
from tests.till.prro.rig import FN, PASSWORD, Software

SIZES = [(80, 25), (64, 18)]


@pytest.mark.parametrize("size", SIZES)
async def test_ii_the_locked_key_is_unlocked_from_its_line(size: tuple[int, int], shop: Software) -> None:
    shop.login()
    async with day(shop, "checklist", size=size) as one:
        await one.sees("locked, until")
        one.fits()
        assert "Unlock the key with its password" in one.words, "the cursor is there, and what to do stands below"
        await one.press("enter")
        await one.on("UnlockDialog")
        one.app.screen.query_one("#secret", Input).value = PASSWORD
        await one.press("enter")
        await one.on("ChecklistScreen")
        await one.sees("answers for", "in force")
        one.fits()
        assert "the shift can be opened" in one.words


async def test_ii_a_refusal_of_the_server_stops_the_opening_with_its_words(shop: Software) -> None:
    shop.login()
    shop.unlock()
    shop.emulator.withdraw_operator("cashier")
    async with day(shop, "checklist") as one:
        await one.sees("refused: ACCESS_DENIED", f"not registered for {FN}")
        assert "lines stop the opening" in one.words
        await one.press("f6")
        assert one.name == "ChecklistScreen"


@pytest.mark.parametrize(("field", "line"), [("link", "Internet"), ("flags", "Fiscal server")])
async def test_a_field_of_the_status_bar_leads_to_its_line(shop: Software, field: str, line: str) -> None:
    shop.login()
    shop.unlock()
    async with day(shop, "checklist", look=True, line=field) as one:
        await one.sees(f"answers for {FN}")
        current = one.app.screen.query_one("#lines", Rows).current
        assert isinstance(current, CheckLine) and current.title == line
