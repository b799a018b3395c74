"""The whole till under the pilot: demo shop, real ledger, a virtual registrar on a pseudo-terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot

from kiosk.app import KioskApp
from kiosk.config import Settings
from kiosk.start import open_till

SIZES = [(80, 25), (64, 18)]
Open = Callable[..., AbstractAsyncContextManager[Pilot[int]]]


@pytest.fixture(autouse=True)
def kyiv(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the program sets it at its start."""
    import time

    monkeypatch.setenv("TZ", "Europe/Kyiv")
    time.tzset()


@pytest.fixture
def settings(tmp_path: Path, url: str) -> Settings:
    return Settings(data=str(tmp_path / "data"), registrar=url, demo=True, language="en", internet="")


@pytest.fixture
def kiosk(settings: Settings) -> Open:
    """Open the kiosk in a terminal of a size; gives the pilot when the till is ready."""

    @asynccontextmanager
    async def start(size: tuple[int, int] = (80, 25), with_: Settings | None = None) -> AsyncIterator[Pilot[int]]:
        chosen = with_ or settings
        app = KioskApp(chosen, lambda: open_till(chosen))
        async with app.run_test(size=size) as pilot:
            await app.ready.wait()
            await settle(pilot)
            yield pilot

    return start


def app_of(pilot: Pilot[int]) -> KioskApp:
    assert isinstance(pilot.app, KioskApp)
    return pilot.app


async def settle(pilot: Pilot[int]) -> None:
    """Until no call of the till runs and no key is held; the pilot's own pause waits for the rest."""
    app = app_of(pilot)
    await pilot.pause()
    while app.busy or app._intake.held:
        await pilot.pause(0.02)
    await pilot.pause()


async def until(pilot: Pilot[int], true: Callable[[], object]) -> None:
    """Wait for something that becomes true by itself; the test's own timeout is the bound."""
    while not true():
        await pilot.pause(0.02)
    await settle(pilot)


async def scan(pilot: Pilot[int], text: str, end: str = "enter") -> None:
    """What a wedge scanner types: keys 8 ms apart by their own clock, all in the queue at once."""
    app = app_of(pilot)
    events = [Key(character, character) for character in text] + [Key(end, "\r" if end == "enter" else "\t")]
    begin = events[0].time
    for number, event in enumerate(events):
        event.time = begin + number * 0.008
        event.set_sender(app)
        app.post_message(event)
    await settle(pilot)


async def login(pilot: Pilot[int], name: str = "Ковальчук", pin: str = "1111") -> None:
    """Choose the name and type the PIN."""
    from kiosk.widgets.rows import Rows

    rows = pilot.app.screen.query_one("#people", Rows)
    rows.move_to(next(index for index, user in enumerate(rows.rows) if user.name.startswith(name)))
    before = pilot.app.screen
    await pilot.press(*pin)
    await settle(pilot)
    await pilot.press("enter")
    await until(pilot, lambda: pilot.app.screen is not before)


def shown(pilot: Pilot[int]) -> str:
    """The screen as text, a line a row."""
    screen = pilot.app.screen
    strips = screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
