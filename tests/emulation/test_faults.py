"""The plan of faults as data: what fires, when, and what is refused."""

from __future__ import annotations

import json
import os
import select
import threading
from pathlib import Path
from typing import Any

import pytest

from drivers.emulation.faults import Fault, FaultPlan, load
from tests.conftest import Launch


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


def test_a_virtual_registrar_sleeps_after_its_host_left(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that no device listens to must not keep its thread awake: it waits once, not all the time."""
    waits = 0
    real = select.select

    def counted(*arguments: Any) -> Any:
        nonlocal waits
        waits += 1
        return real(*arguments)

    server = launch()
    monkeypatch.setattr("drivers.emulation.server.select.select", counted)
    host = os.open(server.address, os.O_RDWR | os.O_NOCTTY)
    os.close(host)
    for _ in range(50):
        server.advance_clock(0)
    assert waits < 200
    before = waits
    threading.Event().wait(0.3)
    assert waits - before < 5
