"""The application on a software registrar, under the pilot, with a clock of the test's own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from kiosk.app import KioskApp
from tests.kiosk.selling import Selling, _until
from tests.till.offline.conftest import clock, keys, open_shop, people, server, shop
from tests.till.offline.rig import BADGE, PrroShop

__all__ = ["clock", "keys", "open_shop", "people", "server", "shop"]


@pytest.fixture(autouse=True)
def kyiv(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the program sets it at its start."""
    monkeypatch.setenv("TZ", "Europe/Kyiv")
    time.tzset()


@asynccontextmanager
async def selling(shop: PrroShop, *, size: tuple[int, int] = (80, 25), language: str = "uk") -> AsyncIterator[Selling]:
    """Log in by badge with an open shift: the sale is on the screen, and the registrar is asked often."""
    shop.till.people.logout()
    settings = msgspec.structs.replace(shop.till.workplace.settings, language=language)
    app = KioskApp(settings, lambda: shop.till)
    app.REPEAT_GAP = 0.0
    app.POLL = 0.2
    app.LOOK = 0.1
    app.FOLLOW = 0.02
    async with app.run_test(size=size) as pilot:
        await _until(pilot, app.ready.is_set)
        assert app.failed is None, app.failed
        one = Selling(app, pilot, None, Path(shop.folder / "tape.txt"), shop.till)  # type: ignore[arg-type]
        app.scanned(BADGE)
        await one.until(lambda: one.where == "SaleScreen", "the sale")
        await one.quiet()
        yield one
