"""Time, chance and the moment of death: everything of a simulated world that is not a thing.

Virtual time moves only when somebody waits. Whoever waits lets the world go on: `Actor`s (virtual devices) are woken in
order. A `Strike` falls at the nth point that a step reaches; a point is a durable write or a transfer on a link.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from unittest import mock

START = datetime(2026, 3, 2, 5, 40, tzinfo=UTC)
"""A Monday morning in Kyiv; late March has the change to summer time a few weeks on."""


class Dead(BaseException):
    """The till's process is gone. Nothing may catch it: a real one would not run any more."""


class Actor(Protocol):
    """Something that acts by itself."""

    def due(self) -> float | None:
        """When it will act next, seconds of world time."""

    def act(self) -> None: ...


@dataclass
class Strike:
    """What falls at the `at`th point of a step (from 0) on the "disk" or the "wire": `fall` gets the point's name."""

    at: int
    fall: Callable[[str], None]
    where: str = "disk"
    struck: bool = False


class World:
    """One shop's universe, made from a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(f"world-{seed}")
        self.time = 0.0
        self.computer_offset = timedelta()
        """How far the computer's clock is from true time."""
        self.actors: list[Actor] = []
        self.dead = False
        self.strike: Strike | None = None
        self.points = Counter({"disk": 0, "wire": 0})
        self.log: list[str] = []
        """What happened, for the trace that two runs of a seed must share."""
        self.faults: Counter[str] = Counter()
        self.violations: list[str] = []

    # -- time -----------------------------------------------------------------------------------------------------

    def true_now(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; devices act meanwhile."""
        self.advance_to(self.time + max(0.0, seconds))

    def advance_to(self, until: float) -> None:
        while (due := self.next_due()) is not None and due[0] <= until:
            self.time = max(self.time, due[0])
            due[1].act()
        self.time = max(self.time, until)

    def next_due(self) -> tuple[float, Actor] | None:
        found = [(when, actor) for actor in self.actors if (when := actor.due()) is not None]
        return min(found, key=lambda item: item[0], default=None)

    # -- death ----------------------------------------------------------------------------------------------------

    def point(self, where: str, name: str) -> None:
        """The till reaches a point where the world may strike. Raises `Dead` for a process that is gone."""
        if self.dead:
            raise Dead
        index = self.points[where]
        self.points[where] += 1
        strike = self.strike
        if strike is not None and not strike.struck and strike.where == where and index >= strike.at:
            strike.struck = True
            self.note(f"  strike at {where} point {index}: {name}")
            strike.fall(name)
            if self.dead:
                raise Dead

    def pass_points(self, where: str, count: int) -> int:
        """How many of the next `count` points come before the strike; they are passed."""
        strike = self.strike
        if strike is not None and not strike.struck and strike.where == where:
            count = max(0, min(count, strike.at - self.points[where]))
        self.points[where] += count
        return count

    def aim(self, strike: Strike | None) -> None:
        """A new step begins, with this strike in it."""
        self.points.update({"disk": -self.points["disk"], "wire": -self.points["wire"]})
        self.strike = strike

    def die(self) -> None:
        self.dead = True

    def note(self, line: str) -> None:
        self.log.append(f"{self.true_now():%d %H:%M:%S.%f} {line}")

    def violate(self, what: str) -> None:
        """A rule that must always hold did not."""
        self.violations.append(what)
        self.note(f"VIOLATION {what}")


class VirtualClock:
    """The computer's clock as the till and its drivers see it; answers `drivers.clock.Clock`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.true_now() + self._world.computer_offset

    def monotonic(self) -> float:
        return self._world.time

    def sleep(self, seconds: float) -> None:
        if self._world.dead:
            raise Dead
        self._world.advance(seconds)


class _Time:
    """The module `time` as an emulator reads it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def monotonic(self) -> float:
        return self._world.time


TIMED = (
    "drivers.helpmicro.emulator.machine",
    "drivers.ikc.emulator.machine",
    "drivers.krypton.emulator.machine",
    "drivers.maria.emulator.machine",
)
"""Emulators that look at the machine's own monotonic clock."""


@contextmanager
def inside(world: World) -> Iterator[None]:
    """Run with the world's chance and time in place of the machine's, so that a seed replays identically."""
    noise = random.Random(f"urandom-{world.seed}")

    def urandom(size: int) -> bytes:
        return noise.randbytes(size)

    patches: list[Any] = [mock.patch("os.urandom", urandom), mock.patch.object(random, "_urandom", urandom)]
    for name in TIMED:
        __import__(name)
        patches.append(mock.patch(f"{name}.time", _Time(world)))
    zone = os.environ.get("TZ")
    import time

    os.environ["TZ"] = "Europe/Kyiv"
    time.tzset()
    try:
        for patch in patches:
            patch.start()
        yield
    finally:
        for patch in reversed(patches):
            with suppress(RuntimeError):
                patch.stop()
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone
        time.tzset()
