"""Shared fixtures: a virtual registrar behind a real pseudo-terminal, and its URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from drivers.emulation.command import build, timing
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.server import EmulatorServer

# Examples are counted, not timed: a busy machine must not fail a property.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

Launch = Callable[..., EmulatorServer]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start virtual registrars; all stop when the test ends."""
    with ExitStack() as stack:
        count = 0

        def start(scheme: str = "datecs", **options: Any) -> EmulatorServer:
            nonlocal count
            count += 1
            settings = {name: str(value) for name, value in options.items()}
            folder = tmp_path / f"registrar{count}"
            machine = build(scheme, settings, folder / "state.json", folder / "tape.txt", FaultPlan())
            server = EmulatorServer(machine, PtyLine(folder / "tty"), timing(settings))
            return stack.enter_context(server)

        yield start


@pytest.fixture
def emulator(launch: Launch) -> EmulatorServer:
    return launch(cash=100_000)


@pytest.fixture
def url(emulator: EmulatorServer) -> str:
    return f"datecs+serial://{emulator.address}?cap=5"
