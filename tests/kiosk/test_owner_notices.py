"""II-3: what was left for the owner is shown to the owner, once, and to nobody else."""

from __future__ import annotations

import pytest

from tests.kiosk.conftest import Open, app_of, login, settle, shown, until


@pytest.mark.parametrize(("name", "pin", "told"), [("Ковальчук", "1111", False), ("Ткаченко", "5555", True)])
async def test_ii_3_the_notice_reaches_the_owner_alone(kiosk: Open, name: str, pin: str, told: bool) -> None:
    async with kiosk() as pilot:
        app = app_of(pilot)
        assert app.till is not None
        detail = {"days": 5, "date": "10.03.2026"}
        await app.work(app.till.notices.once_a_day, "key_expires", "4000123456", detail)
        await login(pilot, name, pin)
        await until(pilot, lambda: app.screen.query("#lines") or app.screen.query("#text"))
        if told:
            await until(pilot, lambda: "4000123456" in shown(pilot))
            assert "10.03.2026" in shown(pilot)
            await pilot.press("enter")
            await settle(pilot)
        assert "10.03.2026" not in shown(pilot)
        await until(pilot, lambda: not app.busy)
        assert (await app.work(app.till.notices.unread) == []) is told
