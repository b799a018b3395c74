"""A virtual Exellio in this process: no port, no thread, its own clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.datecs.emulator.machine import DatecsMachine, build_exellio
from drivers.emulation.faults import FaultPlan
from drivers.emulation.memory import StateFile, Tape
from tests.exellio.client import Host, direct

Make = Callable[..., DatecsMachine]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(**options: object) -> DatecsMachine:
        settings = {"clock": "2026-11-24T10:15:00", **{name: str(value) for name, value in options.items()}}
        return build_exellio(settings, StateFile(tmp_path / "state.json"), Tape(tmp_path / "tape.txt"), FaultPlan())

    return make


@pytest.fixture
def machine(make: Make) -> DatecsMachine:
    return make(cash=10_000)


@pytest.fixture
def host(machine: DatecsMachine) -> Host:
    return Host(direct(machine))
