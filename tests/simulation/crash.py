"""One process, one act, one kill: run in a process of its own by `test_crash_points`.

    prepare ─► a folder with a ledger and a registrar's memory ─► copied ─► act, SIGKILL at point n ─► survive

The points are whatever the world is asked about: every write, truncation and sync of SQLite (before and after), every
write on the link and every byte of it. A write that is added to the product tomorrow is a point tomorrow. The
registrar's memory is a file as the emulator keeps it, so that a kill takes the mains of both: till and registrar.
"""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

from drivers.emulation.memory import StateFile
from tests.simulation import people
from tests.simulation.invariants import Invariants
from tests.simulation.shop import Shop
from tests.simulation.world import Strike, World, inside

ACTS = ("sale", "refund", "cash_in", "cash_out", "close")
LATER = 600.0


def prepare(folder: str, family: str) -> None:
    """A shop with an open shift, cash and a few sales."""
    world = World(1)
    with inside(world):
        shop = _shop(world, folder, family)
        shop.login()
        shop.till.shifts.open(shop.binding, counted=100_000, float_=100_000, reason="розмін")
        for seed in (1, 2, 3):
            people.sale(shop, random.Random(seed))
        shop.close()


def perform(folder: str, family: str, act: str, where: str, at: int) -> None:
    """Do the act and die at the point; `at` -1: live, and leave the number of points in the folder."""
    world = World(2)
    world.time = LATER
    with inside(world):
        shop = _shop(world, folder, family)
        shop.login()
        world.aim(Strike(at, lambda _: os.kill(os.getpid(), signal.SIGKILL), where) if at >= 0 else None)
        _act(shop, act)
        points = dict(world.points)
        world.aim(None)
        shop.close()
    (Path(folder) / "points.json").write_text(json.dumps(points))


def survive(folder: str, family: str) -> None:
    """The next start: it finds out by itself, nothing is twice and nothing is lost, and the day can be closed."""
    world = World(3)
    world.time = 2 * LATER
    found: list[str] = []
    with inside(world):
        shop = _shop(world, folder, family)
        eyes = Invariants(shop)
        shop.till.fiscal.recover()
        if open_ := shop.ledger.receipts.unsettled():
            found.append(f"{len(open_)} outcomes are open after the recovery")
        eyes.look(None, trouble=True)
        shop.login()
        people.close_day(shop, random.Random(5))
        eyes.look(None, trouble=False)
        eyes.day_is_over()
        shop.close()
    (Path(folder) / "verdict.json").write_text(json.dumps(found + world.violations, ensure_ascii=False))


def _shop(world: World, folder: str, family: str) -> Shop:
    return Shop(world, Path(folder), family, StateFile(Path(folder) / "device.json"))


def _act(shop: Shop, act: str) -> None:
    """The first dice that lead to a document: some choose to return nothing."""
    for seed in range(20):
        if not people.ACTS[act](shop, random.Random(seed)).text.startswith("nothing"):
            return
