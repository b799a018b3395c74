"""A virtual Maria in this process, connected as over TCP, with its own clock and a cashier logged in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.emulation.faults import FaultPlan
from drivers.emulation.memory import StateFile, Tape
from drivers.maria.emulator.machine import MariaMachine, build
from tests.maria.client import Host, direct

Make = Callable[..., MariaMachine]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(**options: object) -> MariaMachine:
        settings = {"clock": "2026-11-24T10:15:00", **{name: str(value) for name, value in options.items()}}
        machine = build(settings, StateFile(tmp_path / "state.json"), Tape(tmp_path / "tape.txt"), FaultPlan())
        machine.set_dtr(True, serial=False)
        return machine

    return make


@pytest.fixture
def machine(make: Make) -> MariaMachine:
    return make(cash=100_000)


@pytest.fixture
def host(machine: MariaMachine) -> Host:
    host = Host(direct(machine))
    host.login()
    return host
