"""A till in the middle of its day: real ledger and till, a virtual registrar on a pseudo-terminal, the pilot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from textual.geometry import Region
from textual.pilot import Pilot

from drivers.emulation.server import EmulatorServer
from kiosk.app import KioskApp
from kiosk.config import Settings
from kiosk.ledger.records import Good
from kiosk.screens.card_slip import CardSlipDialog
from kiosk.start import open_till
from kiosk.till.till import Till
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.key_bar import KeyBar
from kiosk.widgets.key_strip import KeyStrip
from kiosk.widgets.touch import Touch

CASHIER, SENIOR = "2000000001", "2000000003"
CASHIER_PIN, SENIOR_PIN = "1111", "3333"
PATIENCE = 60.0
"""Seconds that a step may take on a busy machine; a step that is done goes on at once."""
WIDE, SMALL = (80, 25), (64, 18)

GREEN = Good(0, "900001", "Молоко 2,5 % 900 г", 4590, 1, barcode="4820000000015", tax="А")
SECOND = Good(0, "900002", "Хліб житній", 3210, 1, barcode="4820000000022", tax="А")
RED = Good(0, "900003", "Букет польовий", 300, 1, barcode="4820000000039", tax="А", fiscal=False, ground="п. 296.10")
CHEESE = Good(0, "42", "Сир твердий", 19990, 1, unit="кг", tax="А", weighed=True)
WHISKY = Good(
    0,
    "900005",
    "Коньяк 0,5 л",
    50000,
    1,
    barcode="4820000000053",
    tax="А",
    uktzed="2208201200",
    excisable=True,
    adult=True,
)
STRANGE = Good(0, "900006", "Чай 茶", 10000, 1, barcode="4820000000060", tax="А")
FREE = Good(0, "900007", "Без ціни", 0, 1, barcode="4820000000077", tax="А")
ROUND = Good(0, "900008", "Сувенір", 10000, 1, barcode="4820000000084", tax="А")
LATIN = Good(0, "900009", "Кабель", 15000, 1, barcode="ABC-123", tax="А")
GOODS = (GREEN, SECOND, RED, CHEESE, WHISKY, STRANGE, FREE, ROUND, LATIN)


@dataclass
class Selling:
    """The till on the sale screen."""

    app: KioskApp
    pilot: Pilot[Any]
    emulator: EmulatorServer
    tape: Path
    till: Till

    # -- acting -----------------------------------------------------------------------------------------------

    async def until(self, true: Callable[[], Any], what: str = "") -> None:
        """Let the application work until something is true."""
        clock = self.app._loop.time if self.app._loop else None
        assert clock is not None
        end = clock() + PATIENCE
        while not true():
            assert clock() < end, f"it never came true: {what or true.__code__.co_names}; on {self.where}"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        """Keys of a person: each one is dealt with before the next."""
        for key in keys:
            await self.pilot.press(key)
            await self.quiet()

    async def type(self, text: str) -> None:
        names = {",": "comma", "*": "asterisk", " ": "space", "-": "minus", ".": "full_stop"}
        for character in text:
            await self.pilot.press(names.get(character, character))
        await self.quiet()

    async def scan(self, text: str) -> None:
        self.app.scanned(text)
        await self.quiet()

    async def touch(self, selector: str) -> None:
        """A finger in the middle of a touch key of the screen on top."""
        region = self._key(selector.removeprefix("#"))
        assert region.width >= 8 and region.height >= 3, f"{selector} is no touch target: {region}"
        await self.pilot.click(offset=(region.x + region.width // 2, region.y + region.height // 2))
        await self.quiet()

    def _key(self, name: str) -> Region:
        for strip in self.app.screen.query(KeyStrip):
            names = [key.name for key in strip.keys]
            if name in names and strip.display:
                width = strip.region.width // len(names)
                return Region(strip.region.x + names.index(name) * width, strip.region.y, width, strip.region.height)
        return self.app.screen.query_one(f"#{name}", Touch).region

    async def tap_key(self, action: str) -> None:
        """A finger on the key bar, turning its pages until the key is there."""
        bar = self.app.screen.query_one(KeyBar)
        for _page in range(5):
            left = bar.region.x
            for key, size in bar.placed(bar.size.width):
                if key.action == action:
                    await self.pilot.click(offset=(left + size // 2, bar.region.y + 1))
                    await self.quiet()
                    return
                more, left = left, left + size
            await self.pilot.click(offset=(more + 3, bar.region.y + 1))
            await self.quiet()
        raise AssertionError(f"the key bar has no {action}")

    async def quiet(self) -> None:
        """Until nothing is held back and the till's thread is idle; a dialog that waits is idle too."""
        await self.pilot.pause(0.06)
        await self.until(lambda: not self.app.busy and not self.app._intake.held, "quiet")
        await self.app.work(lambda: None, quiet=True)
        await self.pilot.pause()
        await self.pilot.pause()

    # -- looking ----------------------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        """Name of the screen on top."""
        return type(self.app.screen).__name__

    @property
    def entry(self) -> str:
        return self.app.screen.query_one(EntryLine).value

    def text(self) -> str:
        """Everything that is painted, row by row."""
        width, height = self.app.size
        rows = []
        for strip in self.app.screen._compositor.render_strips(self.app.size)[:height]:
            rows.append(strip.text[:width].replace("\u00a0", " "))
        return "\n".join(rows)

    def tape_text(self) -> str:
        return self.tape.read_text(encoding="utf-8") if self.tape.exists() else ""

    @property
    def basket(self) -> Any:
        return self.till.sale.basket

    async def ask_till(self, function: Callable[[], Any]) -> Any:
        """A question on the till's thread."""
        return await self.app.work(function, quiet=True)


@asynccontextmanager
async def selling(
    launch: Callable[..., EmulatorServer],
    tmp_path: Path,
    *,
    size: tuple[int, int] = WIDE,
    badge: str = CASHIER,
    goods: tuple[Good, ...] = GOODS,
    rounding: int | str = "off",
    cashless: bool = False,
    **options: Any,
) -> AsyncIterator[Selling]:
    """Log in by badge with an open shift: the sale is on the screen."""
    emulator = launch(**{"cash": 100_000, **options})
    settings = Settings(data=str(tmp_path / "till"), registrar=f"datecs+serial://{emulator.address}?cap=5", demo=True)
    policy = msgspec.structs.replace(
        settings.policy, cash_rounding=rounding, cashless_without_slip=cashless, lock_minutes=0
    )
    settings = msgspec.structs.replace(settings, policy=policy)
    made: list[Till] = []

    def opener() -> Till:
        till = open_till(settings)
        enterprise = till.workplace.ledger.shop.enterprises()[0].id
        till.workplace.ledger.goods.put([_owned(good, enterprise) for good in goods])
        till.people.login_badge(badge)
        till.shifts.open(till.workplace.main_binding(), counted=0, float_=0)
        till.people.logout()
        made.append(till)
        return till

    CardSlipDialog.last = ("", "")
    app = KioskApp(settings, opener)
    # The pilot's fingers are quicker than the auto-repeat of a keyboard; IV-22 puts the real gap back.
    app.REPEAT_GAP = 0.0
    async with app.run_test(size=size) as pilot:
        tape = Path(emulator.address).parent / "tape.txt"
        await _until(pilot, app.ready.is_set)
        assert app.failed is None, app.failed
        shop = Selling(app, pilot, emulator, tape, made[0])
        app.scanned(badge)
        await shop.until(lambda: shop.where == "SaleScreen", "the sale")
        await shop.quiet()
        yield shop


def _owned(good: Good, enterprise: int) -> Good:
    from dataclasses import replace

    return replace(good, enterprise_id=enterprise)


async def _until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    import time

    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        await pilot.pause(0.01)
