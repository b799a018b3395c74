"""SQLite on a disk that lies, fills up, fails or turns read-only: the committed state, or a clear refusal.

And the disk itself: that it forgets what was not synced, or the simulation would prove nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.ledger.errors import LedgerError
from kiosk.ledger.store import SqlLedger, open_ledger
from tests.simulation import disk
from tests.simulation.disk import Disk
from tests.simulation.world import Strike, VirtualClock, World

pytestmark = pytest.mark.skipif(not disk.available(), reason="Python's sqlite3 is built in: no disk to put under it")
MANY = 120
"""Settings that are written one by one; the last one told as stored must be there afterwards."""


@pytest.fixture
def world() -> World:
    return World(1)


@pytest.fixture
def under(tmp_path: Path, world: World) -> Iterator[Disk]:
    made = Disk(tmp_path, world)
    yield made
    made.forget()


def opened(under: Disk) -> SqlLedger:
    return open_ledger(under.folder / "ledger.db", VirtualClock(under.world))


def die(ledger: SqlLedger, under: Disk, dice: random.Random, luck: float | None = None) -> None:
    """The power goes: the connections end without a word, then the disk forgets."""
    under.world.dead = True
    ledger.database.engine.dispose()
    under.cut_power(dice, luck)
    under.world.dead = False


@pytest.mark.parametrize("seed", range(12))
def test_what_was_told_as_stored_is_there_after_a_power_cut_at_any_point(seed: int, under: Disk) -> None:
    dice = random.Random(seed)
    ledger = opened(under)
    under.world.aim(Strike(dice.randrange(MANY * 4), lambda _: under.world.die(), "disk"))
    told = 0
    for number in range(1, MANY + 1):
        try:
            ledger.shop.set_setting("n", str(number))
        except LedgerError:
            break
        told = number
    under.world.aim(None)
    die(ledger, under, dice)
    with opened(under) as again:
        there = int(again.shop.setting("n") or 0)
        # One more may be there: it was written, and the power went before anybody was told.
        assert there in (told, told + 1)
        again.database.look_through()


@pytest.mark.parametrize("point", range(8))
def test_a_log_that_was_half_folded_in_still_holds_everything(point: int, under: Disk) -> None:
    """The disk fails at any point of a close, the till comes back and sells on, then the power goes."""
    with opened(under) as ledger:
        for number in range(20):
            ledger.shop.set_setting(f"before{number}", "x" * 3000)

        def fail(_: str) -> None:
            under.failing = "io"

        under.world.aim(Strike(point, fail, "disk"))
    under.failing = ""
    under.world.aim(None)
    ledger = opened(under)
    ledger.shop.set_setting("n", "2")
    assert under.at_stake() == 0, "what was told as stored is synced"
    die(ledger, under, random.Random(point), luck=0.0)
    with opened(under) as again:
        again.database.look_through()
        assert again.shop.setting("n") == "2"
        assert again.shop.setting("before19") == "x" * 3000


@pytest.mark.parametrize("failing", ["full", "io", "readonly"])
@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_failing_disk_is_a_clear_refusal_and_loses_nothing(failing: str, when: str, under: Disk) -> None:
    ledger = opened(under)
    ledger.shop.set_setting("n", "1")

    def fail(_: str) -> None:
        under.failing = failing

    under.world.aim(Strike(0 if when == "at once" else 2, fail, "disk"))
    with pytest.raises(LedgerError) as refused:
        for _ in range(3):
            ledger.shop.set_setting("n", "2" * 5000)
    assert refused.value.code == "storage"
    assert ledger.shop.setting("n") in ("1", "2" * 5000)
    under.failing = ""
    under.world.aim(None)
    ledger.shop.set_setting("n", "3")
    ledger.close()
    with opened(under) as again:
        assert again.shop.setting("n") == "3"


@pytest.mark.parametrize("seed", range(8))
def test_a_disk_that_lies_about_its_syncs_leaves_an_earlier_state_or_a_refusal(seed: int, under: Disk) -> None:
    """No program can save what the disk only pretended to keep; but nothing half, and nothing that reads as whole."""
    with opened(under) as ledger:
        ledger.shop.set_setting("n", "0")
    ledger = opened(under)
    under.lies = True
    for number in range(1, 40):
        ledger.shop.set_setting("n", str(number))
        ledger.shop.set_setting("m", str(number))
    die(ledger, under, random.Random(seed))
    under.lies = False
    try:
        again = opened(under)
    except LedgerError as refused:
        assert "keep the file" in refused.what
        return
    with again:
        again.database.look_through()
        first, second = int(again.shop.setting("n") or 0), int(again.shop.setting("m") or 0)
        assert first - second in (0, 1)


def test_the_disk_forgets_what_was_not_synced(under: Disk) -> None:
    """The simulation's own safeguard: with SQLite's syncs off, a power cut takes committed changes away."""
    ledger = opened(under)
    ledger.shop.set_setting("n", "1")
    under.lies = True
    ledger.shop.set_setting("n", "2")
    assert under.dirty() > 0
    die(ledger, under, random.Random(0), luck=0.0)
    under.lies = False
    with opened(under) as again:
        assert again.shop.setting("n") == "1"
