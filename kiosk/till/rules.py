"""Dated legal numbers, read from `rules.toml` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from drivers.clock import kyiv


@cache
def _all() -> Mapping[str, list[dict[str, Any]]]:
    return tomllib.loads(files("kiosk.till").joinpath("rules.toml").read_text(encoding="utf-8"))


def rule(name: str, on: date) -> dict[str, Any]:
    """The entry of `name` in force on a day. Raises LookupError where there is none."""
    fitting = [entry for entry in _all()[name] if entry["since"] <= on]
    if not fitting:
        raise LookupError(f"no rule {name} on {on}")
    return max(fitting, key=lambda entry: entry["since"])


def grounds(on: date) -> dict[str, str]:
    """Lawful grounds for a non-fiscal line on a day: code -> label (a message id)."""
    return {entry["code"]: entry["label"] for entry in _all()["ground"] if entry["since"] <= on}


def rounding_step(moment: datetime) -> int:
    """Lawful step of cash rounding at a moment, kopecks; 0 is none."""
    return int(rule("cash_rounding", kyiv(moment).date())["step"])


def offline_warnings(moment: datetime) -> tuple[tuple[timedelta, ...], timedelta, int]:
    """Times left of an offline limit that are told, widest first; which the owner is told; percent of numbers."""
    entry = rule("offline", kyiv(moment).date())
    told = tuple(timedelta(minutes=minutes) for minutes in sorted(entry["warn_minutes"], reverse=True))
    return told, timedelta(minutes=entry["owner_minutes"]), int(entry["numbers_percent"])


def shift_limit(moment: datetime) -> timedelta:
    """How long a shift may last."""
    return timedelta(minutes=rule("shift", kyiv(moment).date())["limit_minutes"])


def shift_warnings(moment: datetime) -> tuple[timedelta, timedelta]:
    """Ages of a shift that show amber and red."""
    entry = rule("shift", kyiv(moment).date())
    return timedelta(minutes=entry["amber_minutes"]), timedelta(minutes=entry["red_minutes"])


UNSTAMPED = ("2203", "27")
"""Excisable goods by the beginning of their УКТ ЗЕД code that bear no stamp: beer and fuel (law 481/95-ВР marks wines,
spirits, other fermented drinks, tobacco and liquids for cigarettes). Everything else excisable has one a piece."""
