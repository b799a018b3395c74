"""The clock is a value that is passed in, so that a test or a simulation can own time.

`now()` is aware UTC; `monotonic()` counts seconds for deadlines and never goes back; `sleep()` waits at least
the given seconds of this clock. Kyiv time is for people only: see `kyiv()`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")


class Clock(Protocol):
    """What a driver or the till may ask about time."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def kyiv(moment: datetime) -> datetime:
    """The same moment as a person in Ukraine reads it. `moment` must be aware."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no zone: pass aware UTC")
    return moment.astimezone(KYIV)


def from_kyiv(local: datetime, near: datetime | None = None) -> datetime:
    """A wall-clock reading of a device (naive, Kyiv) as aware UTC.

    The hour that autumn repeats names two moments: the one nearer to `near` (aware) is meant, else the first.
    """
    moments = [local.replace(tzinfo=KYIV, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return moments[0] if near is None else min(moments, key=lambda moment: abs(moment - near))
