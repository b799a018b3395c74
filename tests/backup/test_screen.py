"""The owner's screen and the till's watch over its copies, with real processes and a real stick."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from kiosk import screens
from kiosk.backup import identity, making, permit, targets
from kiosk.backup.keeper import Keeper
from kiosk.backup.targets import Chosen, folder
from kiosk.config import Settings
from kiosk.ledger.store import open_ledger
from kiosk.screens.backup import CLOUDS, WORDS, BackupScreen
from kiosk.start import open_till
from kiosk.till.errors import Denied
from kiosk.till.rights import Right
from tests.backup.conftest import House
from tests.kiosk.conftest import Open, app_of, kiosk, scan, settings, settle, shown, until
from tests.till.shop.rig import ShiftedClock

__all__ = ["kiosk", "settings"]

OWNER, CASHIER = "2000000005", "2000000001"


def plug_in(house_or_data: Path, tmp_path: Path) -> Path:
    """A stick that the owner has chosen."""
    stick = tmp_path / "stick"
    stick.mkdir()
    targets.choose(house_or_data / "backup", Chosen("stick", "folder", str(stick), mark=folder.mark(stick)))
    return stick


def test_the_keeper_makes_what_is_due_in_a_process_of_its_own(house: House, tmp_path: Path) -> None:
    clock = ShiftedClock()
    keeper = Keeper(house.source.settings, clock, house.source.settings_file)
    assert keeper.tick() == "" and keeper.view().ready, "no target is chosen yet"
    stick = plug_in(house.source.data, tmp_path)
    assert keeper.tick(busy=True) == "", "not while the till is at work"
    assert keeper.tick() == "copy"
    assert keeper.tick() == "", "one run at a time"
    assert keeper.wait(60)
    view = keeper.view()
    assert view.newest is not None and not view.error and not view.running and list(stick.glob("*.sha256"))
    assert house.shop.ledger.shop.setting(making.LAST_BACKUP) == view.newest.isoformat()
    # The first trial restore is due at once, then nothing for hours, then the next copy.
    assert keeper.tick() == "rehearse" and keeper.wait(60)
    assert keeper.view().rehearsed is not None and keeper.tick() == ""
    clock.ahead += making.UNDER_WAY * 30
    assert keeper.tick() == "copy" and keeper.wait(60)


def test_a_failing_run_makes_line_18_red_and_heals(house: House, tmp_path: Path) -> None:
    keeper = Keeper(house.source.settings, ShiftedClock())
    stick = plug_in(house.source.data, tmp_path)
    stick.rename(tmp_path / "away")
    assert keeper.tick() == "copy" and keeper.wait(60)
    assert keeper.view().code == "TARGET_GONE" and keeper.view().waiting == 1
    assert house.shop.ledger.shop.setting(making.TROUBLE) == "TARGET_GONE"
    assert keeper.tick() == "", "it is not tried again at once"
    (tmp_path / "away").rename(stick)
    assert keeper.start("copy") and keeper.wait(60)
    assert house.shop.ledger.shop.setting(making.TROUBLE) == "" and not keeper.view().error


def test_a_killed_run_leaves_the_live_data_and_is_made_again(house: House, tmp_path: Path) -> None:
    keeper = Keeper(house.source.settings, ShiftedClock())
    stick = plug_in(house.source.data, tmp_path)
    assert keeper.start("copy")
    run = keeper._run
    assert run is not None
    run.process.kill()
    assert keeper.wait(60)
    assert keeper.view().code == "STOPPED"
    assert house.shop.ledger.journal.verify(full=True) >= 0
    assert keeper.start("copy") and keeper.wait(60) and not keeper.view().error
    assert len(list(stick.glob("*.sha256"))) == 1
    assert not (house.source.place.folder / "staging").exists()


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Fresh presses: a person lets the key go and reads before the next one."""
    app_of(pilot)._last_key = ("", 0.0)
    await pilot.press(*keys)


async def test_the_owner_sets_copies_up_and_makes_one(kiosk: Open, settings: Settings, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    async with kiosk() as pilot:
        app = app_of(pilot)
        await scan(pilot, OWNER)
        await pilot.app.push_screen(screens.make("backup"))
        await until(pilot, lambda: "Copies are not set up yet" in shown(pilot))
        await press(pilot, "f3")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "ConfirmDialog")
        await press(pilot, "ctrl+enter")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "MessageDialog")
        code = next(word for line in shown(pilot).split("\n") for word in line.split() if word.count("-") == 6)
        await press(pilot, "escape")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "AskText")
        await press(pilot, *"XXXX", "enter")
        await until(pilot, lambda: "not the last group" in shown(pilot))
        await press(pilot, *["backspace"] * 4, *code[-4:].lower(), "enter")
        await until(pilot, lambda: "Plug it in" in shown(pilot))
        app.screen.query_one("#value").value = str(stick)  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await until(pilot, lambda: "cannot guard copies" in shown(pilot).replace("\n", " ") or "guard" in shown(pilot))
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, BackupScreen))
        assert "stick" in shown(pilot) and "no copy yet" in shown(pilot)
        await press(pilot, "f5")
        keeper = app.copies()
        await until(pilot, lambda: keeper.view().newest is not None and not keeper.view().running)
        await until(pilot, lambda: "can be deleted" in shown(pilot))
        assert "never" in shown(pilot), "no trial restore yet"
        assert not any(line.rstrip().endswith("…") for line in shown(pilot).split("\n")[:3])
    assert len(list(stick.glob("kasa-*.sha256"))) == 1
    place = identity.Place(settings.folder / "backup")
    sealed = identity.sealed_of((stick / "identity.json").read_bytes())
    assert identity.unlock(sealed, code, place, ShiftedClock()).shop


async def test_a_restored_till_is_finished_on_the_screen(kiosk: Open, settings: Settings) -> None:
    open_till(settings).close()
    identity.found(identity.Place(settings.folder / "backup"))
    clock = ShiftedClock()
    with open_ledger(settings.ledger_url, clock) as ledger:
        pending = permit.Pending("kasa-x", clock.now(), clock.now())
        ledger.shop.set_setting(permit.PENDING, msgspec.json.encode(pending).decode())
    async with kiosk() as pilot:
        await scan(pilot, OWNER)
        await pilot.app.push_screen(screens.make("backup"))
        await until(pilot, lambda: "came from a copy" in shown(pilot))
        await pilot.press("f7")
        await until(pilot, lambda: "The till may sell" in shown(pilot))
        assert "agrees with the books" in shown(pilot)
        await pilot.press("escape")
        await settle(pilot)
        till = app_of(pilot).till
        assert till is not None
        till.workplace.gate.selling()


async def test_a_new_machine_is_restored_from_the_login(house: House, kiosk: Open, tmp_path: Path) -> None:
    """The first start of a machine that knows nobody: F9, disk, code, copy; then the people of the copy log in."""
    stick = plug_in(house.source.data, tmp_path)
    making.run(house.source, ShiftedClock())
    house.shop.ledger.close()
    fresh = Settings(data=str(tmp_path / "fresh"), language="en", internet="")
    async with kiosk(with_=fresh) as pilot:
        await until(pilot, lambda: "Nobody is known here yet" in shown(pilot))
        await pilot.press("f9")

        async def answer(text: str, about: str) -> None:
            await until(pilot, lambda: type(pilot.app.screen).__name__ == "AskText" and about in shown(pilot))
            pilot.app.screen.query_one("#value").value = text  # type: ignore[attr-defined]
            await press(pilot, "enter")

        await answer(str(stick), "Where the copies are")
        await answer(identity.new_code(), "Recovery code")
        await until(pilot, lambda: "recovery code is wrong" in shown(pilot))
        assert not (tmp_path / "fresh" / "restore.json").exists()
        await press(pilot, "f5")
        await answer(str(stick), "Where the copies are")
        await answer(house.code, "Recovery code")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "ChooseDialog")
        await pilot.press("enter")
        await until(pilot, lambda: "are restored" in shown(pilot).replace("\n", " "))
        await pilot.press("escape")
        await until(pilot, lambda: type(pilot.app.screen).__name__ == "LoginScreen")
        await until(pilot, lambda: "Nobody is known" not in shown(pilot))
        till = app_of(pilot).till
        assert till is not None and till.workplace.gate.closed
    assert list((tmp_path / "stick").glob("kasa-*-machine-0002.json"))


async def test_a_cashier_may_look_and_change_nothing(kiosk: Open, settings: Settings) -> None:
    async with kiosk() as pilot:
        await scan(pilot, CASHIER)
        await pilot.app.push_screen(screens.make("backup"))
        await settle(pilot)
        await pilot.press("f5")
        await settle(pilot)
        till = app_of(pilot).till
        assert till is not None
        with pytest.raises(Denied):
            till.workplace.require(Right.BACKUP)
        assert not (settings.folder / "backup" / "machine.json").exists()
        assert "has no right to do this" in shown(pilot)


def test_words_for_every_failure() -> None:
    """Each code that a run can end with has words for the owner."""
    import re

    said = set()
    for path in Path(making.__file__).parent.rglob("*.py"):
        said |= set(re.findall(r'(?:TargetGone|TargetFull|NoRoom|BackupError)\(\s*"([A-Z_]+)"', path.read_text()))
    technical = {
        "RUNNING",
        "SERVER",
        "TARGET_KIND",
        "IDENTITY_EXISTS",
        "DAMAGED_FILE",
        "CHANGED",
        "UNVERIFIED",
        "SWAPPED",
    }
    technical |= {"BAD_NAME", "RCLONE", "NO_LEDGER", "NOT_RESTORED"}
    assert said - technical <= set(WORDS)
    assert len(CLOUDS) == 4
