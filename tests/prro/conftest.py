"""A virtual fiscal server with its tills, at a time of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drivers.emulation.memory import Tape
from drivers.prro.emulator import demo
from drivers.prro.emulator.authority import Authority
from drivers.prro.emulator.web import FiscalEmulator, build
from tests.prro.fiscal import Till

CLOCK = "2026-03-05T10:00:00"
Launch = Callable[..., FiscalEmulator]


@pytest.fixture(scope="session")
def people() -> demo.Demo:
    """One set of demo keys for all servers in memory: making them takes longer than most tests."""
    with build({"clock": CLOCK}) as emulator:
        return emulator.demo


@pytest.fixture
def fiscal(people: demo.Demo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """Start fiscal servers: `fiscal(strict=0, state=path)`; all stop when the test ends."""
    real = demo.load

    def load(settings: Any, state: Path | None, url: str, at: Any) -> demo.Demo:
        if state is not None or settings.keys != "gost34311":
            return real(settings, state, url, at)
        authority = Authority(people.authority.root, people.authority.generation, url)
        return demo.Demo(authority, people.people, people.services, None)

    monkeypatch.setattr(demo, "load", load)
    with ExitStack() as stack:

        def start(
            *, state: Path | None = None, tape: Path | None = None, port: int = 0, **options: Any
        ) -> FiscalEmulator:
            settings = {"clock": CLOCK} | {name: str(value) for name, value in options.items()}
            return stack.enter_context(build(settings, port=port, state=state, tape=Tape(tape)))

        yield start


@pytest.fixture
def emulator(fiscal: Launch) -> FiscalEmulator:
    return fiscal()


@pytest.fixture
def connect() -> Iterator[Callable[..., Till]]:
    """Tills of a server; their connections close when the test ends."""
    with ExitStack() as stack:

        def start(emulator: FiscalEmulator, who: str = "cashier", **how: Any) -> Till:
            till = Till(emulator, who, **how)
            stack.callback(till.close)
            return till

        yield start


@pytest.fixture
def till(emulator: FiscalEmulator, connect: Callable[..., Till]) -> Till:
    return connect(emulator)


@pytest.fixture
def shop(till: Till) -> Till:
    """A till with an open shift."""
    assert till.open().number
    return till
