"""A scanner or a person: the rhythm decides, and a burst never reaches a field."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.events import Key
from textual.widgets import Input

from kiosk.screens.screen import KioskScreen
from kiosk.widgets.scan import Intake
from tests.kiosk.conftest import Open, app_of, scan, settle


def play(keys: Sequence[str], gaps: Sequence[float]) -> tuple[list[str], list[str]]:
    """(typed keys, scans) of keys with gaps before each; a long silence ends it."""
    intake, typed, scans, now = Intake(), [], [], 100.0
    for name, gap in zip(keys, gaps, strict=True):
        now += gap
        key = Key(name, "\r" if name == "enter" else name if len(name) == 1 else None)
        key.time = now
        out, text = intake.feed(key)
        typed += [one.key for one in out]
        scans += [text] if text else []
    return typed + [one.key for one in intake.release()], scans


def test_a_burst_is_one_scan() -> None:
    assert play([*"4820000000075", "enter"], [0.008] * 14) == ([], ["4820000000075"])


def test_tab_ends_a_scan_too() -> None:
    assert play([*"4820000000075", "tab"], [0.008] * 14) == ([], ["4820000000075"])


def test_typing_is_typing() -> None:
    assert play([*"4820000000075", "enter"], [0.12] * 14) == ([*"4820000000075", "enter"], [])


def test_a_short_burst_is_typing() -> None:
    assert play([*"12345", "enter"], [0.005] * 6) == ([*"12345", "enter"], [])
    assert play([*"123456", "enter"], [0.005] * 7) == ([], ["123456"])


def test_a_burst_without_an_end_is_typing() -> None:
    assert play([*"4820000000075"], [0.008] * 13) == ([*"4820000000075"], [])


def test_a_hiccup_of_a_bluetooth_reader_is_forgiven() -> None:
    gaps = [0.008] * 14
    gaps[6] = 0.09
    assert play([*"4820000000075", "enter"], gaps) == ([], ["4820000000075"])


def test_what_was_typed_before_a_scan_is_kept_apart() -> None:
    keys = [*"25", *"4820000000075", "enter"]
    assert play(keys, [0.2, 0.2, 0.2, *[0.008] * 13]) == (["2", "5"], ["4820000000075"])


def test_a_function_key_releases_what_is_held_first() -> None:
    assert play([*"12", "f6"], [0.01] * 3) == (["1", "2", "f6"], [])


@given(st.lists(st.tuples(st.sampled_from([*"0123456789abcйц", "enter", "tab", "f6"]), st.floats(0, 0.3)), max_size=60))
def test_no_key_is_lost_or_doubled(stream: list[tuple[str, float]]) -> None:
    keys = [key for key, _ in stream]
    typed, scans = play(keys, [gap for _, gap in stream])
    scanned = sum(len(text) + 1 for text in scans)
    assert len(typed) + scanned == len(keys)
    assert all(len(text) >= 6 for text in scans)


class Taker(KioskScreen[None]):
    """Takes scans; has a field with the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []

    def body(self) -> ComposeResult:
        yield Input(id="field")

    async def take_scan(self, text: str) -> None:
        await self.work(len, text)
        self.taken.append(text)


async def test_a_scan_reaches_the_screen_and_not_the_field(kiosk: Open) -> None:
    async with kiosk() as pilot:
        screen = Taker()
        await pilot.app.push_screen(screen)
        field = screen.query_one("#field", Input)
        field.focus()
        await pilot.press("2", "5")
        await settle(pilot)
        await scan(pilot, "4820000000075")
        await scan(pilot, "]C1abc-123", end="tab")
        assert field.value == "25"
        assert screen.taken == ["4820000000075", "]C1abc-123"]


async def test_scans_wait_while_the_till_is_at_work(kiosk: Open) -> None:
    import threading

    async with kiosk() as pilot:
        screen, gate = Taker(), threading.Event()
        await pilot.app.push_screen(screen)
        app = app_of(pilot)
        held = app.run_worker(app.work(gate.wait))
        app.scanned("first-1")
        app.scanned("second-2")
        await pilot.pause()
        assert screen.taken == []
        gate.set()
        await held.wait()
        await settle(pilot)
        while len(screen.taken) < 2:
            await pilot.pause(0.02)
        assert screen.taken == ["first-1", "second-2"]


async def test_a_dialog_refuses_a_scan_with_a_beep(kiosk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.screens import make

    async with kiosk() as pilot:
        beeps: list[int] = []
        monkeypatch.setattr(type(pilot.app), "bell", lambda _self: beeps.append(1))
        dialog = make("confirm", title="Sure?", text="Really")
        await pilot.app.push_screen(dialog)
        await scan(pilot, "4820000000075")
        assert pilot.app.screen is dialog
        assert beeps == [1]
