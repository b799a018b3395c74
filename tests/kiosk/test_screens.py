"""Login, lock, checklist, opening and the registrar's menu with the real till and a virtual registrar."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from drivers.emulation.server import EmulatorServer
from kiosk.app import CRASHED
from kiosk.config import Policy, Settings
from kiosk.ledger.records import DocumentState
from kiosk.screens import make
from kiosk.screens.checklist import ChecklistScreen
from kiosk.screens.login import LoginScreen
from kiosk.screens.opening import OpeningScreen
from kiosk.widgets.banner import Banner
from kiosk.widgets.keypad import Keypad
from kiosk.widgets.rows import Rows
from kiosk.widgets.status_bar import StatusBar
from kiosk.widgets.touch import Touch
from tests.kiosk.conftest import SIZES, Open, Pilot, app_of, login, scan, settle, shown, until

both_sizes = pytest.mark.parametrize("size", SIZES)


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def read(path: Path) -> bytes:
    return path.read_bytes()


def remove(path: Path) -> None:
    path.unlink()


async def checked(pilot: Pilot[int]) -> ChecklistScreen:
    screen = pilot.app.screen
    assert isinstance(screen, ChecklistScreen)
    await until(pilot, lambda: screen.checks and not screen.in_action)
    return screen


async def tick(pilot: Pilot[int]) -> ChecklistScreen:
    """The seals are intact."""
    screen = await checked(pilot)
    await pilot.press("f2")
    await until(pilot, lambda: screen.checks and screen.checks.line("seals").colour == "green")
    return screen


async def touch(pilot: Pilot[int], keys: str) -> None:
    """Type on the pad with a finger."""
    pad = pilot.app.screen.query_one(Keypad)
    for wanted in keys:
        key = {"E": "enter"}.get(wanted, wanted)
        row, column = next((r, c) for r, line in enumerate(pad._keys) for c, k in enumerate(line) if k == key)
        top, bottom = pad._span(row)
        assert bottom - top >= 3 and pad.size.width // 4 >= 8
        await pilot.click(Keypad, offset=(column * pad.size.width // 4 + 3, top + 1))
        await settle(pilot)


# -- login --------------------------------------------------------------------------------------------------------


@both_sizes
async def test_login_by_touch_alone(kiosk: Open, size: tuple[int, int]) -> None:
    async with kiosk(size) as pilot:
        rows = pilot.app.screen.query_one("#people", Rows)
        names = [user.name.split()[0] for user in rows.rows]
        assert "Ковальчук" in names
        row = names.index("Ковальчук")
        assert row < rows.page
        await pilot.click("#people", offset=(4, row * 3 + 1))
        await touch(pilot, "1111E")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        assert app_of(pilot).till.workplace.user.name.startswith("Ковальчук")


async def test_a_badge_logs_in_wherever_the_focus_is(kiosk: Open) -> None:
    """I-1."""
    async with kiosk() as pilot:
        await scan(pilot, "2000000001")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        assert app_of(pilot).till.workplace.user.name == "Ковальчук Оксана"


async def test_an_unlinked_badge_says_so_and_logs_nobody_in(kiosk: Open) -> None:
    """I-1."""
    async with kiosk() as pilot:
        await scan(pilot, "9999999999")
        assert "The badge is not linked to a user" in shown(pilot)
        assert app_of(pilot).till.workplace.user is None
        assert isinstance(pilot.app.screen, LoginScreen)


@both_sizes
async def test_wrong_pins_are_counted_and_then_delayed(kiosk: Open, size: tuple[int, int]) -> None:
    async with kiosk(size) as pilot:
        for number in range(6):
            await pilot.press(*"0000")
            await settle(pilot)
            pilot.app._last_key = ("", 0.0)  # the same key again at leisure
            await pilot.press("enter")
            await settle(pilot)
            if number == 0:
                text = " ".join(shown(pilot).split())
                assert "Wrong PIN" in text and "4" in text
        text = shown(pilot)
        assert "Too many wrong PINs" in text
        assert app_of(pilot).till.workplace.user is None
        assert "0000" not in text, "the PIN is never shown"


async def test_the_badge_field_keeps_the_focus(kiosk: Open) -> None:
    async with kiosk() as pilot:
        for _ in range(3):
            await pilot.press("tab")
        await settle(pilot)
        assert pilot.app.focused is not None and pilot.app.focused.id == "entry"


async def test_a_damaged_ledger_is_explained_and_left_untouched(kiosk: Open, settings: Settings) -> None:
    settings.folder.mkdir(parents=True)
    damage = b"not a database at all" * 100
    write(Path(settings.ledger_url), damage)
    async with kiosk() as pilot:
        await settle(pilot)
        assert "damaged" in shown(pilot)
        assert read(Path(settings.ledger_url)) == damage
        remove(Path(settings.ledger_url))
        await pilot.press("f5")
        await until(pilot, lambda: app_of(pilot).till is not None)
        await until(pilot, lambda: pilot.app.screen.query_one("#people", Rows).rows)


# -- lock ---------------------------------------------------------------------------------------------------------


async def test_f10_locks_and_the_same_person_finds_the_same_picture(kiosk: Open) -> None:
    async with kiosk() as pilot:
        await login(pilot)
        screen = await checked(pilot)
        await pilot.press("f10")
        await settle(pilot)
        assert type(pilot.app.screen).__name__ == "LockScreen"
        assert app_of(pilot).till.workplace.locked
        pilot.app._last_key = ("", 0.0)
        await login(pilot)
        assert pilot.app.screen is screen
        assert not app_of(pilot).till.workplace.locked


async def test_another_person_begins_anew_after_a_lock(kiosk: Open) -> None:
    """I-2."""
    async with kiosk() as pilot:
        await login(pilot)
        screen = await checked(pilot)
        await pilot.press("f10")
        await settle(pilot)
        await scan(pilot, "2000000002")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        assert pilot.app.screen is not screen
        assert app_of(pilot).till.workplace.user.name == "Мельник Андрій"


async def test_an_idle_till_locks_itself(kiosk: Open, settings: Settings) -> None:
    async with kiosk(with_=msgspec.structs.replace(settings, policy=Policy(lock_minutes=1))) as pilot:
        await login(pilot)
        await checked(pilot)
        app = app_of(pilot)
        app._check_idle()
        assert isinstance(pilot.app.screen, ChecklistScreen), "not yet"
        app.last_input -= 61
        app._check_idle()
        await settle(pilot)
        assert type(pilot.app.screen).__name__ == "LockScreen"


# -- checklist ----------------------------------------------------------------------------------------------------


@both_sizes
async def test_the_checklist_opens_by_itself_and_the_seals_stop_it(kiosk: Open, size: tuple[int, int]) -> None:
    async with kiosk(size) as pilot:
        await login(pilot)
        screen = await checked(pilot)
        assert screen.check_action("next", ()) is None, "shown, not possible"
        await pilot.press("f6")
        await settle(pilot)
        assert pilot.app.screen is screen
        assert "Look at the registrar's seals" in shown(pilot)
        await tick(pilot)
        assert screen.check_action("next", ()) is True
        assert "the shift can be opened" in shown(pilot)


async def test_a_silent_registrar_is_red_and_f5_finds_it_again(kiosk: Open, launch: object, settings: Settings) -> None:
    missing = msgspec.structs.replace(settings, registrar="datecs+serial:///nonexistent/tty")
    async with kiosk(with_=missing) as pilot:
        await login(pilot)
        screen = await checked(pilot)
        assert screen.checks is not None
        assert screen.checks.line("link").colour == "red"
        assert screen.checks.action == ""
        assert "Check power and cable" in shown(pilot)


async def test_over_24_hours_only_the_z_is_offered(kiosk: Open) -> None:
    """II-5."""
    from dataclasses import replace

    from kiosk.till import judge

    async with kiosk() as pilot:
        await login(pilot)
        screen = await tick(pilot)
        assert screen.checks is not None
        from datetime import timedelta

        over = judge.shift(timedelta(hours=25), mine=True, over=True)
        lines = tuple(over if line.key == "shift" else line for line in screen.checks.lines)
        screen.show_checks(replace(screen.checks, lines=lines))
        assert screen.check_action("close_shift", ()) is True
        for other in ("next", "registrar", "seals"):
            assert screen.check_action(other, ()) is False
        assert "Close shift (Z)" in shown(pilot) and "Open shift" not in shown(pilot)


async def test_a_field_of_the_status_bar_opens_its_line(kiosk: Open) -> None:
    async with kiosk() as pilot:
        await login(pilot)
        await checked(pilot)
        bar = pilot.app.screen.query_one(StatusBar)
        await until(pilot, lambda: bar.fields)
        left = 0
        for field, width in bar.placed(bar.size.width):
            if field.name == "printer":
                break
            left += width
        await pilot.click(StatusBar, offset=(left + 1, 0))
        await settle(pilot)
        top = await checked(pilot)
        assert top._look
        current = top.query_one("#lines", Rows).current
        assert current is not None and current.key == "printer"
        await pilot.press("escape")
        await settle(pilot)
        assert not pilot.app.screen._look


# -- opening ------------------------------------------------------------------------------------------------------


@both_sizes
async def test_the_shift_opens_with_the_float(kiosk: Open, size: tuple[int, int], emulator: EmulatorServer) -> None:
    """III: counted cash, a reason because it differs, cash-in on the device, its number on the screen."""
    async with kiosk(size) as pilot:
        await login(pilot)
        await tick(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpeningScreen))
        await until(pilot, lambda: not pilot.app.screen.in_action)
        await touch(pilot, "1500")
        assert pilot.app.screen.query_one("#float").value == "500,00", "the registrar holds 1 000 already"
        await touch(pilot, "E")
        pilot.app._last_key = ("", 0.0)
        await touch(pilot, "E")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "ChooseDialog")
        assert "The cash differs" in shown(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "MessageDialog")
        assert "Service cash-in 500,00 UAH" in " ".join(shown(pilot).split())
        till = app_of(pilot).till
        binding = till.workplace.main_binding()
        shift = till.shifts.current(binding)
        assert shift is not None and shift.float_ == 50_000 and shift.checks
        documents = till.workplace.ledger.receipts.documents(shift.id)
        assert [document.state for document in documents] == [DocumentState.REGISTERED]
        assert till.cash.available(binding) == 150_000
        await pilot.click("#yes")
        await until(pilot, lambda: not isinstance(pilot.app.screen, OpeningScreen) and not app_of(pilot).busy)


async def test_escape_sends_nothing(kiosk: Open) -> None:
    async with kiosk() as pilot:
        await login(pilot)
        await tick(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpeningScreen))
        await until(pilot, lambda: not pilot.app.screen.in_action)
        await pilot.press("7", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        till = app_of(pilot).till
        assert till.shifts.current(till.workplace.main_binding()) is None
        assert till.cash.available(till.workplace.main_binding()) == 100_000


async def test_a_senseless_sum_is_refused_and_nothing_is_lost(kiosk: Open) -> None:
    async with kiosk() as pilot:
        await login(pilot)
        await tick(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpeningScreen))
        await until(pilot, lambda: not pilot.app.screen.in_action)
        await touch(pilot, "5,,")
        pilot.app._last_key = ("", 0.0)
        await pilot.press("f6")
        await settle(pilot)
        assert "is not a sum of money" in " ".join(shown(pilot).split())
        assert pilot.app.screen.query_one("#counted").value == "5,,"


# -- dialogs ------------------------------------------------------------------------------------------------------


@both_sizes
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("confirm", {"title": "Q", "text": "long text " * 12, "fiscal": True}),
        ("number", {"title": "Q", "text": "hint", "value": "1"}),
        ("text", {"title": "Q", "offers": ["one", "two"]}),
        ("choose", {"title": "Q", "rows": [(f"row {number}", "") for number in range(30)]}),
        ("message", {"text": "long text " * 10, "advice": "do this " * 8}),
        ("registrar_menu", {}),
    ],
)
async def test_dialogs_fit_and_every_key_is_a_touch_target(
    kiosk: Open, size: tuple[int, int], name: str, arguments: dict[str, object]
) -> None:
    async with kiosk(size) as pilot:
        await login(pilot)
        await checked(pilot)
        dialog = make(name, **arguments)
        pilot.app.push_screen(dialog)
        await settle(pilot)
        for target in dialog.query(Touch):
            assert target.region.width >= 8 and target.region.height >= 3
            assert target.region in dialog.region, f"{target.id} is cut off"
        for pad in dialog.query(Keypad):
            assert pad.region.width >= 32 and pad.region.height >= 12 and pad.region in dialog.region
        await pilot.click("#no" if name != "message" else "#yes")
        await settle(pilot)
        assert pilot.app.screen is not dialog


async def test_a_senior_helps_with_a_badge_and_a_cashier_cannot(kiosk: Open) -> None:
    from kiosk.till.rights import Right

    async with kiosk() as pilot:
        await login(pilot)
        await checked(pilot)
        answers: list[object] = []
        pilot.app.push_screen(make("approve", right=Right.STORNO, what="Storno"), answers.append)
        await settle(pilot)
        await scan(pilot, "2000000002")
        assert "may not confirm this either" in pilot.app.screen.query_one("#wrong", Banner).text
        assert answers == []
        await scan(pilot, "2000000003")
        await until(pilot, lambda: answers)
        approval, reason = answers[0]  # type: ignore[misc]
        assert approval.user.name == "Шевченко Ірина" and approval.right is Right.STORNO and reason == ""


# -- the end ------------------------------------------------------------------------------------------------------


async def test_a_defect_goes_to_the_log_and_the_cashier_reads_one_sentence(
    kiosk: Open, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, "kiosk"), pytest.raises(ZeroDivisionError):
        async with kiosk() as pilot:
            app = app_of(pilot)
            app.call_later(lambda: 1 / 0)
            await pilot.pause()
            await app._exception_event.wait()
    assert app.return_code == CRASHED
    assert "ZeroDivisionError" in caplog.text


async def test_what_a_restart_found_out_is_told_once(kiosk: Open) -> None:
    from uuid import uuid4

    from kiosk.ledger.records import Receipt, ReceiptKind, ReceiptLine, ReceiptState

    async with kiosk() as pilot:
        app = app_of(pilot)
        line = ReceiptLine(1, None, "1", "Хліб", "шт", 1000, 2500, 2500, "А", 1)
        place = app.till.workplace
        receipts = [
            Receipt(uuid4(), ReceiptKind.SALE, state, "Каса 1", 1, place.clock.now(), (line,), ())
            for state in (ReceiptState.DONE, ReceiptState.FAILED, ReceiptState.UNKNOWN)
        ]
        app.recovered = receipts
        await login(pilot)
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "MessageDialog")
        text = shown(pilot)
        assert "25,00 UAH: registered" in text and "not registered" in text and "UNKNOWN" in text
        assert app.recovered == ()


async def test_with_an_open_shift_a_login_leads_to_the_sale(kiosk: Open) -> None:
    async with kiosk() as pilot:
        app = app_of(pilot)
        await login(pilot)
        binding = app.till.workplace.main_binding()
        await app.work(app.till.shifts.open, binding, counted=0, float_=0)
        app.log_out()
        await until(pilot, lambda: isinstance(pilot.app.screen, LoginScreen))
        assert app.till.workplace.user is None
        pilot.app._last_key = ("", 0.0)
        await login(pilot)
        assert type(pilot.app.screen).__name__ == "SaleScreen"
