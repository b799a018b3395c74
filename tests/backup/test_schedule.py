"""When a copy is due, and which ones stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import kyiv
from kiosk.backup.schedule import RETRY, State, due, kept, rehearsal_due
from kiosk.config import Backup

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
RULE = Backup()
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "last_z", "why"),
    [
        (State(), None, "schedule"),
        (State(made_at=NOW - HOUR), None, ""),
        (State(made_at=NOW - 4 * HOUR), None, "schedule"),
        (State(made_at=NOW - timedelta(days=9)), None, "schedule"),
        (State(made_at=NOW - HOUR), NOW - timedelta(minutes=1), "z"),
        (State(made_at=NOW - HOUR), NOW - 2 * HOUR, ""),
        (State(made_at=NOW + timedelta(days=400)), None, "schedule"),
        (State(made_at=NOW - 9 * HOUR, attempt_at=NOW - RETRY / 2, error="no line"), NOW, ""),
        (State(made_at=NOW - 9 * HOUR, attempt_at=NOW - RETRY, error="no line"), NOW, "z"),
    ],
)
def test_when_a_copy_is_due(state: State, last_z: datetime | None, why: str) -> None:
    assert due(state, NOW, RULE, last_z) == why


def test_the_owner_may_do_without_the_copy_after_a_z() -> None:
    assert due(State(made_at=NOW - HOUR), NOW, Backup(after_z=False), NOW) == ""


def test_when_a_rehearsal_is_due() -> None:
    made = State(made_at=NOW)
    assert not rehearsal_due(State(), NOW, RULE) and rehearsal_due(made, NOW, RULE)
    assert not rehearsal_due(State(made_at=NOW, rehearsed_at=NOW - timedelta(days=6)), NOW, RULE)
    assert rehearsal_due(State(made_at=NOW, rehearsed_at=NOW - timedelta(days=7)), NOW, RULE)
    failed = State(made_at=NOW, rehearsed_at=NOW - timedelta(days=9), rehearsal_at=NOW - HOUR, rehearsal_error="x")
    assert not rehearsal_due(failed, NOW, RULE) and rehearsal_due(failed, NOW + timedelta(days=1), RULE)


def test_ten_years_of_copies_leave_thirty() -> None:
    every_four_hours = [NOW - timedelta(hours=4 * count) for count in range(6 * 365 * 10)]
    stay = kept(every_four_hours, RULE)
    assert len({kyiv(each).date() for each in stay if NOW - each < timedelta(days=7)}) == 7
    assert len(stay) <= RULE.daily + RULE.weekly + RULE.monthly + RULE.yearly
    assert len({kyiv(each).year for each in stay}) == 7
    assert len({(kyiv(each).year, kyiv(each).month) for each in stay if NOW - each < timedelta(days=365)}) >= 12


@given(st.lists(st.integers(0, 60 * 24 * 800), max_size=80))
def test_thinning_is_stable_and_keeps_the_newest(minutes: list[int]) -> None:
    moments = [NOW - timedelta(minutes=each) for each in minutes]
    stay = kept(moments, RULE)
    assert stay <= set(moments) and (not moments or max(moments) in stay)
    assert kept(stay, RULE) == stay, "thinning twice takes nothing more"
