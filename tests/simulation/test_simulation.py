"""A slice of fresh seeds of every family, replay, shrinking, and whether the simulation would notice.

KASA_SEEDS=50 lives more seeds, KASA_SEED=17 the ones from 17 on; a failure prints the seed and its shortest story.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.simulation import disk, script
from tests.simulation.mutants import MUTANTS
from tests.simulation.report import explain, steps_of
from tests.simulation.run import Outcome, live
from tests.simulation.shop import FAMILIES
from tests.simulation.shrink import shrink

pytestmark = pytest.mark.skipif(not disk.available(), reason="Python's sqlite3 is built in: no disk to put under it")

SEEDS = int(os.environ.get("KASA_SEEDS", "2"))
FIRST = int(os.environ.get("KASA_SEED", time.time() % 1_000_000))
BROKEN_SEEDS = 40
"""Seeds in which a till without one of its safeguards must be found out."""


def life(seed: int, family: str, days: int = 1) -> Outcome:
    return live(seed, family, steps_of(seed, family, days))


@pytest.mark.timeout(60 + SEEDS * 30)
@pytest.mark.parametrize("family", list(FAMILIES))
def test_fresh_seeds_live_without_a_violation(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f" {family}: seeds {FIRST}..{FIRST + SEEDS - 1}", end="", flush=True)  # noqa: T201
    documents = 0
    for seed in range(FIRST, FIRST + SEEDS):
        outcome = life(seed, family)
        assert not outcome.violations, explain(outcome, steps_of(seed, family, 1), most=60)
        assert outcome.days == 1
        documents += outcome.documents
    assert documents > 0


@pytest.mark.parametrize("family", ["datecs", "helpmicro"])
def test_a_seed_replays_identically(family: str) -> None:
    first, second, other = life(7, family), life(7, family), life(8, family)
    assert first.trace == second.trace != other.trace


@pytest.mark.timeout(300)
@pytest.mark.parametrize("removed", list(MUTANTS))
def test_the_simulation_notices_when_a_safeguard_is_missing(removed: str) -> None:
    family, mutant = MUTANTS[removed]
    with mutant():
        found = next((seed for seed in range(BROKEN_SEEDS) if life(seed, family).violations), None)
    assert found is not None, f"{BROKEN_SEEDS} seeds did not notice that {removed} is missing"
    # It is the mutant that was noticed: whole, the till lives through the same seed.
    assert not life(found, family).violations


def test_a_failing_script_is_shrunk_to_what_matters() -> None:
    steps = script.draw(5, "datecs", 1, FAMILIES["datecs"], climate="calm")
    guilty = script.Step("cash_in", 1, "paper", twice=True)
    short = shrink([*steps[:6], guilty, *steps[6:]], lambda tried: any(step.fault == "paper" for step in tried))
    assert short == [script.Step("cash_in", 1, "paper")]


def test_a_script_is_written_and_read() -> None:
    steps = steps_of(3, "ikc", 1)
    assert script.load(script.dump(steps)) == steps


def test_a_defect_is_told_with_its_seed_and_its_short_story() -> None:
    with MUTANTS["the intent"][1]():
        outcome = life(2, "datecs")
        assert outcome.violations
        text = explain(outcome, steps_of(2, "datecs", 1), most=40)
    assert "seed 2" in text and "without its intent" in text
    assert text.count('"act"') <= 3
