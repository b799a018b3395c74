"""When a copy is made and how long it is kept. Pure: times and facts in, decisions out. Moments are aware.

A run is due after each Z, every N hours, and at once after a start if one was missed. What failed is tried again after
a pause. Kept are the newest of each of the last 7 days, 4 weeks, 12 months and 7 years, as people in Kyiv count them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from drivers.clock import kyiv
from kiosk.config import Backup

RETRY = timedelta(minutes=15)
"""Pause after a run that failed or was postponed for good."""


class TargetState(msgspec.Struct, frozen=True):
    """How one target stands. `newest` is the moment of the newest copy that arrived there."""

    newest: datetime | None = None
    sent_at: datetime | None = None
    code: str = ""
    error: str = ""


class State(msgspec.Struct, frozen=True):
    """The file `state.json`: what was done and how it went."""

    made_at: datetime | None = None
    name: str = ""
    attempt_at: datetime | None = None
    code: str = ""
    error: str = ""
    targets: dict[str, TargetState] = {}
    rehearsed_at: datetime | None = None
    rehearsal_at: datetime | None = None
    """The last trial restore that was tried; `rehearsed_at` the last that went well."""
    rehearsal_error: str = ""


def due(state: State, now: datetime, rule: Backup, last_z: datetime | None) -> str:
    """Why to make a copy now: `z`, `schedule` or "" for not yet."""
    if state.error and state.attempt_at is not None and timedelta() <= now - state.attempt_at < RETRY:
        return ""
    if state.made_at is None:
        return "schedule"
    if rule.after_z and last_z is not None and last_z > state.made_at:
        return "z"
    # A clock that was set back must not silence the backups.
    age = now - state.made_at
    return "schedule" if age >= timedelta(hours=rule.every_hours) or age < -timedelta(hours=1) else ""


def rehearsal_due(state: State, now: datetime, rule: Backup) -> bool:
    """Whether the weekly trial restore is due; a failed one is tried again the next day."""
    if state.made_at is None:
        return False
    if state.rehearsal_error and state.rehearsal_at is not None:
        return now - state.rehearsal_at >= timedelta(days=1)
    last = state.rehearsed_at
    return last is None or now - last >= timedelta(days=rule.rehearse_days) or last > now + timedelta(hours=1)


def kept(moments: Iterable[datetime], rule: Backup) -> set[datetime]:
    """Which copies stay: the newest of each day, week, month and year that the rule names, and the newest of all."""
    newest_first = sorted(set(moments), reverse=True)
    stay = set(newest_first[:1])
    periods: tuple[tuple[int, Callable[[datetime], object]], ...] = (
        (rule.daily, lambda at: kyiv(at).date()),
        (rule.weekly, lambda at: kyiv(at).isocalendar()[:2]),
        (rule.monthly, lambda at: (kyiv(at).year, kyiv(at).month)),
        (rule.yearly, lambda at: kyiv(at).year),
    )
    for count, period in periods:
        seen: dict[object, datetime] = {}
        for moment in newest_first:
            seen.setdefault(period(moment), moment)
        stay |= set(list(seen.values())[:count])
    return stay
