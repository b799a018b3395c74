"""Legal limits by date (rules.toml), and the arithmetic of offline time (fiscal-server.md §6.1, cashier-flow.md VI.1).

Time is counted conservatively: from the begin document to now, or to the end document once it is made. The month is a
calendar month in Kyiv; a session that runs over midnight of the 1st belongs to both months by parts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files

from drivers.clock import KYIV, kyiv

Span = tuple[datetime, datetime | None]
"""Begin and end of one offline session, aware; None while it lasts."""


@dataclass(frozen=True)
class Rule:
    """Limits from `since` on."""

    since: date
    session: timedelta
    month: timedelta
    shift: timedelta
    source: str = ""


@cache
def _rules() -> tuple[Rule, ...]:
    table = tomllib.loads(files("drivers.prro").joinpath("rules.toml").read_text(encoding="utf-8"))
    return tuple(
        Rule(
            entry["since"],
            timedelta(hours=entry["session_hours"]),
            timedelta(hours=entry["month_hours"]),
            timedelta(hours=entry["shift_hours"]),
            entry["source"],
        )
        for entry in table["rule"]
    )


def rule(at: datetime) -> Rule:
    """The limits of the aware moment's day in Kyiv; before the first rule the first one."""
    today = kyiv(at).date()
    valid = [each for each in _rules() if each.since <= today]
    return max(valid, key=lambda each: each.since) if valid else _rules()[0]


def month_start(at: datetime) -> datetime:
    """00:00 in Kyiv on the 1st of the moment's month."""
    local = kyiv(at)
    return datetime(local.year, local.month, 1, tzinfo=KYIV)


def elapsed(spans: Iterable[Span], at: datetime, since: datetime | None = None) -> timedelta:
    """Offline time inside `since`…`at`, without what lies before `since`. Real time, whatever the wall clock did."""
    total = timedelta()
    for begin, end in spans:
        first = _utc(begin if since is None else max(begin, since, key=_utc))
        last = min(_utc(end or at), _utc(at))
        total += max(last - first, timedelta())
    return total


def _utc(moment: datetime) -> datetime:
    # Arithmetic between two moments of one zone would ignore the hour that the clock was moved by.
    return moment.astimezone(UTC)
