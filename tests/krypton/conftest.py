"""A virtual Krypton in this process: no port, no thread, its own clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.emulation.faults import FaultPlan
from drivers.emulation.memory import StateFile, Tape
from drivers.krypton.emulator.machine import KryptonMachine, build
from tests.krypton.client import Host, direct

Make = Callable[..., KryptonMachine]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(**options: object) -> KryptonMachine:
        settings = {"clock": "2026-11-24T10:15:00", **{name: str(value) for name, value in options.items()}}
        return build(settings, StateFile(tmp_path / "state.json"), Tape(tmp_path / "tape.txt"), FaultPlan())

    return make


@pytest.fixture
def machine(make: Make) -> KryptonMachine:
    return make(cash=100_000)


@pytest.fixture
def host(machine: KryptonMachine) -> Host:
    return Host(direct(machine))
