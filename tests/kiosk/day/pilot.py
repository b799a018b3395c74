"""One screen of the day on top of a real till: real ledger, a virtual registrar on a pty, the pilot of Textual."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from textual.events import Key
from textual.pilot import Pilot
from textual.widget import Widget

from kiosk import screens
from kiosk.app import KioskApp
from kiosk.widgets.key_bar import KeyBar
from kiosk.widgets.keypad import Keypad
from kiosk.widgets.rows import Rows
from kiosk.widgets.touch import Touch
from tests.till.shop.rig import PINS, Shop

PATIENCE = 30.0
"""Seconds that a step may take on a busy machine; a step that is done goes on at once."""


@dataclass
class Day:
    """The pilot with eyes and fingers."""

    app: KioskApp
    pilot: Pilot[Any]
    shop: Shop
    answers: list[Any] = field(default_factory=list)

    # -- waiting --------------------------------------------------------------------------------------------------

    async def until(self, true: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, f"it never came true; the screen shows:\n{self.text}"
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def settle(self) -> None:
        """Until the till is idle and no key is held back."""
        await self.until(lambda: not self.app.busy and not self.app._intake.held)

    async def sees(self, *words: str) -> None:
        """Until the screen on top shows all these words."""
        await self.until(lambda: all(word in self.text for word in words))

    async def on(self, name: str) -> None:
        """Until this screen or dialog is on top and idle."""
        await self.until(lambda: self.name == name)
        await self.settle()

    @property
    def name(self) -> str:
        return type(self.app.screen).__name__

    @property
    def text(self) -> str:
        """The screen as a cashier reads it, rows of cells."""
        rows = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in row) for row in rows).replace("\u00a0", " ")

    @property
    def words(self) -> str:
        """The same text without lines of boxes and line breaks."""
        return " ".join("".join(" " if "─" <= one <= "╿" else one for one in self.text).split())

    # -- keyboard -------------------------------------------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """Fresh presses, one after another, each dealt with before the next."""
        for key in keys:
            self.app._last_key = ("", 0.0)
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        for character in text:
            await self.press({",": "comma", ".": "full_stop", " ": "space"}.get(character, character))

    async def scan(self, text: str) -> None:
        """What a wedge scanner types: keys 8 ms apart, all in the queue at once."""
        events = [Key(character, character) for character in text] + [Key("enter", "\r")]
        begin = events[0].time
        for number, event in enumerate(events):
            event.time = begin + number * 0.008
            event.set_sender(self.app)
            self.app.post_message(event)
        await self.settle()

    async def approve(self, name: str = "Ігор") -> None:
        """A senior's badge into the dialog that asks for it."""
        await self.on("ApproveDialog")
        await self.scan(f"BADGE-{PINS[name]}")

    async def confirm(self) -> None:
        await self.on("ConfirmDialog")
        await self.press("ctrl+enter")

    # -- fingers --------------------------------------------------------------------------------------------------

    async def tap(self, widget: Widget, x: int = 0, y: int = 0) -> None:
        region = widget.region
        await self.pilot.mouse_down(offset=(region.x + x, region.y + y))
        await self.pilot.mouse_up(offset=(region.x + x, region.y + y))
        await self.settle()

    async def touch(self, id: str) -> None:
        """A key on the screen by its id."""
        widget = self.app.screen.query_one(f"#{id}", Touch)
        assert widget.region.width >= 8
        assert widget.region.height >= 3
        await self.tap(widget, 2, 1)

    async def key(self, action: str) -> None:
        """A key of the bar by its action; turns the page where it is on another one."""
        for bar in self.app.screen.query(KeyBar):
            for _ in range(6):
                left = 0
                for shown, size in bar.placed(bar.size.width):
                    if shown.action == action and shown.enabled:
                        await self.tap(bar, left + 1, 1)
                        return
                    left += size
                more = [sum(s for _, s in bar.placed(bar.size.width)) - 2]
                await self.tap(bar, more[0], 1)
        raise AssertionError(f"no key {action}:\n{self.text}")

    async def digits(self, text: str) -> None:
        """Keys of the pad on the screen; "#" is its Enter."""
        pad = self.app.screen.query_one(Keypad)
        places = {
            "7": (0, 0), "8": (1, 0), "9": (2, 0), "4": (0, 1), "5": (1, 1), "6": (2, 1),
            "1": (0, 2), "2": (1, 2), "3": (2, 2), ",": (3, 2), "0": (0, 3), "#": (3, 3),
        }  # fmt: skip
        for character in text:
            column, row = places[character]
            await self.tap(pad, column * (pad.size.width // 4) + 2, (2 * row + 1) * pad.size.height // 8)

    async def row(self, selector: str, index: int) -> None:
        """A tap on a row of a list; twice where one tap only moves the cursor."""
        rows = self.app.screen.query_one(selector, Rows)
        y = rows._head + (index - rows._top) * rows._lines
        was = rows.cursor == index
        await self.tap(rows, 3, y)
        if rows._lines == 1 and not was:
            await self.tap(rows, 3, y)

    def fits(self) -> None:
        """Nothing of the body is cut off at the right or hidden by the key bar."""
        size = self.app.size
        for widget in self.app.screen.query("Touch, Keypad, Rows, Notice, Banner"):
            if widget.display and widget.region.area:
                assert widget.region.right <= size.width, widget
                assert widget.region.bottom <= size.height, widget

    def picture(self, path: str) -> None:
        self.app.save_screenshot(path)


@asynccontextmanager
async def day(
    shop: Shop, screen: str, *, size: tuple[int, int] = (80, 25), language: str = "en", **arguments: Any
) -> AsyncIterator[Day]:
    """The application with a screen on top of its login; `answers` collects what the screen answers."""
    import msgspec

    settings = msgspec.structs.replace(shop.till.workplace.settings, language=language)
    app = KioskApp(settings, lambda: shop.till)
    async with app.run_test(size=size) as pilot:
        await app.ready.wait()
        one = Day(app, pilot, shop)
        await one.settle()
        app.push_screen(screens.make(screen, **arguments), one.answers.append)
        await pilot.pause()
        await one.settle()
        yield one


__all__ = ["Day", "day"]
