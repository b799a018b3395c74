"""The plan of faults as data: what fires, when, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.emulation.faults import Fault, FaultPlan, load


def fired(plan: FaultPlan, *commands: str) -> list[list[str]]:
    return [[fault.id for fault in plan.take(command)] for command in commands]


def test_the_nth_matching_command_once() -> None:
    plan = FaultPlan([Fault("F1", "56", nth=2), Fault("F2", "*", nth=3)])
    assert fired(plan, "56", "53", "56", "56", "56") == [[], [], ["F1", "F2"], [], []]


def test_equal_faults_count_each_for_itself() -> None:
    plan = FaultPlan([Fault("F4", "48"), Fault("F4", "48", nth=2), Fault("F4", "48", nth=3)])
    assert fired(plan, "48", "48", "48", "48") == [["F4"], ["F4"], ["F4"], []]
    plan.add(Fault("F4", "48"))
    assert fired(plan, "48", "48") == [["F4"], []]


def test_a_plan_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"id": "F8", "command": "56", "when": "before", "restore_after": 1.5}]))
    (fault,) = load(path).take("56")
    assert (fault.before, fault.restore_after) == (True, 1.5)


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "56"},
        {"id": "F99"},
        {"id": "F12"},
        {"id": "F1", "when": "sometime"},
        {"id": "F1", "nth": True},
        {"id": "F1", "nth": 1.5},
        {"id": "F1", "surprise": 1},
        7,
    ],
    ids=repr,
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: object) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"id": "F1"}, entry]))
    with pytest.raises(ValueError, match="fault 2"):
        load(path)
