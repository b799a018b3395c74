"""Keys: F1 equals the code, a held key acts once, the bars are made from the bindings and can be touched."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Key

from drivers.errors import Code, LinkLost
from kiosk import screens
from kiosk.screens import make
from kiosk.screens.dialogs.help import lines
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import Refusal
from kiosk.widgets.key_bar import KeyBar, key_name
from kiosk.widgets.rows import Rows
from kiosk.widgets.touch import Touch
from tests.kiosk.conftest import SIZES, Open, app_of, login, settle, shown, until


class Worker(KioskScreen[None]):
    """An action that the test holds back, and one that fails."""

    TITLE = "Test"
    BINDINGS: ClassVar[list[Any]] = [
        Binding("f6", "pay", "Pay"),
        Binding("f7", "fail", "Fail"),
        Binding("f8", "lost", "Lost"),
    ]

    def __init__(self) -> None:
        super().__init__()
        import threading

        self.gate = threading.Event()
        self.paid = 0
        self.threads: set[str] = set()

    def body(self) -> ComposeResult:
        yield Touch("Pay", id="pay")

    def _pay(self) -> None:
        import threading

        self.threads.add(threading.current_thread().name)
        self.gate.wait()
        self.paid += 1

    @acting
    async def action_pay(self) -> None:
        await self.work(self._pay)

    @acting
    async def action_fail(self) -> None:
        raise Refusal("ZERO_SUM", "The sum must be above zero", "Type hryvnias, for example 125.50.")

    @acting
    async def action_lost(self) -> None:
        raise LinkLost(Code.TIMEOUT_UNKNOWN, "silent", command="53", wire="01 2F")

    def on_touch_pressed(self, message: Touch.Pressed) -> None:
        self.action_pay()


def hold(app: Any, key: str, *, times: int, every: float, first: float) -> None:
    """What a keyboard sends while a key is held down."""
    at = 0.0
    begin = None
    for number in range(times):
        event = Key(key, "\r" if key == "enter" else None)
        begin = begin or event.time
        event.time = begin + at
        event.set_sender(app)
        app.post_message(event)
        at += first if number == 0 else every


async def test_f1_equals_the_table_of_the_code(kiosk: Open) -> None:
    """IV-23: every key that F1 lists works on the screen, and every key of the screen is listed."""
    async with kiosk() as pilot:
        await login(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, KioskScreen)
        await until(pilot, lambda: getattr(screen, "checks", None))
        listed = {binding.key for binding in screen.keymap()}
        bound = {
            active.binding.key
            for active in screen.active_bindings.values()
            if isinstance(active.node, KioskScreen) and active.binding.description
        }
        standard = {"tab", "shift+tab", "ctrl+c", "super+c"}
        assert bound - standard <= listed, "every key of the screen is in the table"
        hidden = {"f8"}  # close the shift: offered only when nothing else is possible
        assert listed - hidden <= set(screen.active_bindings), "every key of the table works"
        await pilot.press("f1")
        await settle(pilot)
        text = shown(pilot)
        for name, what in lines(screen.keymap())[:4]:
            assert name in text and what.split(":")[0][:20] in text


@pytest.mark.parametrize("name", [name for name in screens.SCREENS if screens.exists(name)])
def test_every_key_of_a_screen_is_explained_and_leads_somewhere(name: str) -> None:
    from importlib import import_module

    module, _, attribute = screens.SCREENS[name].partition(":")
    kind = getattr(import_module(module), attribute)
    keys = [item for cls in kind.__mro__ if issubclass(cls, KioskScreen) for item in cls.__dict__.get("BINDINGS", ())]
    for binding in keys:
        assert binding.description, binding
        action = binding.action.split("(")[0]
        assert hasattr(kind, f"action_{action}"), binding


def test_key_names_read_as_on_the_keyboard() -> None:
    assert [key_name(key) for key in ("f6", "ctrl+f12", "ctrl+enter,ctrl+j", "escape", "delete", "ctrl+z")] == [
        "F6", "Ctrl+F12", "Ctrl+Enter", "Esc", "Del", "Ctrl+Z",
    ]  # fmt: skip


async def test_holding_a_key_acts_once(kiosk: Open) -> None:
    """IV-22: five seconds of auto-repeat are one press, whatever the till does meanwhile."""
    async with kiosk() as pilot:
        screen = Worker()
        screen.gate.set()
        await pilot.app.push_screen(screen)
        hold(pilot.app, "f6", times=150, every=0.033, first=0.66)
        await settle(pilot)
        assert screen.paid == 1


async def test_holding_enter_never_confirms_what_it_opened(kiosk: Open) -> None:
    async with kiosk() as pilot:
        answers: list[bool | None] = []
        await pilot.press("enter")
        await pilot.app.push_screen(make("confirm", title="Sure?", text="Z"), answers.append)
        hold(pilot.app, "enter", times=10, every=0.033, first=0.5)
        await settle(pilot)
        assert answers == []
        # A fresh press: the held key was let go long ago (its own clock runs ahead of this test's).
        app_of(pilot)._last_key = ("", 0.0)
        await pilot.press("enter")
        await settle(pilot)
        assert answers == [True]


async def test_two_quick_enters_are_two_presses(kiosk: Open) -> None:
    """A message read at a glance is answered at once, even when Enter opened it."""
    async with kiosk() as pilot:
        answers: list[object] = []
        for title in ("one", "two"):
            await pilot.app.push_screen(make("message", title=title, text=title), answers.append)
            await settle(pilot)
            # A quick person, but a person: no finger presses a key again within this time.
            await pilot.pause(app_of(pilot).STREAM_GAP + 0.1)
            hold(pilot.app, "enter", times=1, every=0.0, first=0.0)
            await settle(pilot)
        assert len(answers) == 2


async def test_a_fiscal_question_is_not_answered_by_enter(kiosk: Open) -> None:
    async with kiosk() as pilot:
        answers: list[bool | None] = []
        await pilot.app.push_screen(make("confirm", title="Z?", text="Z", fiscal=True), answers.append)
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert answers == [False], "the focus is on No"
        await pilot.app.push_screen(make("confirm", title="Z?", text="Z", fiscal=True), answers.append)
        await settle(pilot)
        await pilot.press("ctrl+j")
        await settle(pilot)
        assert answers == [False, True]


async def test_presses_while_the_till_works_are_ignored(kiosk: Open) -> None:
    async with kiosk() as pilot:
        screen = Worker()
        await pilot.app.push_screen(screen)
        await pilot.press("f6")
        await pilot.click("#pay")
        await pilot.click("#pay")
        await pilot.pause(app_of(pilot).SHOW_WORKING + 0.1)
        assert "working" in shown(pilot), "a long call shows"
        screen.gate.set()
        await settle(pilot)
        assert screen.paid == 1
        assert "working" not in shown(pilot)
        await pilot.click("#pay")
        await settle(pilot)
        assert screen.paid == 2
        assert len(screen.threads) == 1 and next(iter(screen.threads)).startswith("till")


async def test_a_refusal_is_told_and_f1_shows_the_technician_s_details(kiosk: Open) -> None:
    async with kiosk() as pilot:
        screen = Worker()
        await pilot.app.push_screen(screen)
        await pilot.press("f7")
        await settle(pilot)
        assert "The sum must be above zero" in shown(pilot) and "Type hryvnias" in shown(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert pilot.app.screen is screen
        await pilot.press("f8")
        await settle(pilot)
        assert "UNKNOWN" in shown(pilot) and "01 2F" not in shown(pilot)
        await pilot.press("f1")
        await settle(pilot)
        assert "hex: 01 2F" in shown(pilot) and "command: 53" in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_every_key_of_the_bar_can_be_touched(kiosk: Open, size: tuple[int, int]) -> None:
    async with kiosk(size) as pilot:
        await login(pilot)
        screen = pilot.app.screen
        await until(pilot, lambda: getattr(screen, "checks", None))
        bar = screen.query_one(KeyBar)
        assert bar.size.height >= 3
        cells = bar.placed(bar.size.width)
        assert all(width >= 8 for _, width in cells)
        assert sum(width for _, width in cells) <= size[0]
        left = sum(width for _, width in cells[:-1])
        assert cells[-1][0].name == "Esc"
        await pilot.click(KeyBar, offset=(left + 2, 2))
        await until(pilot, lambda: pilot.app.screen is not screen)
        assert type(pilot.app.screen).__name__ == "LoginScreen"


async def test_more_keys_than_fit_turn_the_page(kiosk: Open) -> None:
    from kiosk.widgets.key_bar import Shown

    async with kiosk((64, 18)) as pilot:
        screen = Worker()
        await pilot.app.push_screen(screen)
        bar = screen.query_one(KeyBar)
        bar.keys = [Shown(f"F{number}", "x", "help") for number in range(1, 13)]
        seen = set()
        for _ in range(2):
            placed = bar.placed(64)
            assert len(placed) <= 8 and placed[-1][0].name == "···"
            seen |= {key.name for key, _ in placed[:-1]}
            left = sum(width for _, width in placed[:-1])
            await pilot.click(KeyBar, offset=(left + 1, 1))
        assert seen == {f"F{number}" for number in range(1, 13)}


async def test_a_list_of_thousands_moves_by_keys_and_by_touch(kiosk: Open) -> None:
    from kiosk.widgets.rows import Cells, Column, PageKeys

    class Long(KioskScreen[None]):
        CSS = "#body { layout: horizontal; }"

        def body(self) -> ComposeResult:
            yield Rows([Column("N", 6, "right"), Column("Name")], lambda n: Cells((str(n), f"row {n}")), id="rows")
            yield PageKeys("#rows")

    async with kiosk() as pilot:
        await pilot.app.push_screen(Long())
        await settle(pilot)
        rows = pilot.app.screen.query_one("#rows", Rows)
        rows.fill(range(5000))
        rows.focus()
        await pilot.press("end")
        await settle(pilot)
        assert rows.cursor == 4999 and "row 4999" in shown(pilot)
        await pilot.press("pageup")
        assert rows.cursor == 4999 - rows.page
        await pilot.press("home")
        await pilot.click(PageKeys, offset=(3, pilot.app.screen.query_one(PageKeys).size.height - 2))
        assert rows.cursor == rows.page
        await pilot.click(Rows, offset=(5, 3))
        await settle(pilot)
        assert f"row {rows.cursor}" in shown(pilot)
