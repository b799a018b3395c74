"""Shops and their server, at a time of the tests' own."""

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
from tests.prro.registrar.world import Keys, Shop, VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(
    people: demo.Demo, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock, tmp_path: Path
) -> Iterator[Callable[..., FiscalEmulator]]:
    """Start the fiscal server with options; it lives by the test's clock; `name` is its memory's on the disk."""

    def load(settings: Any, state: Path | None, url: str, at: Any) -> demo.Demo:
        authority = Authority(people.authority.root, people.authority.generation, url)
        return demo.Demo(authority, people.people, people.services, None)

    monkeypatch.setattr(demo, "load", load)
    with ExitStack() as stack:

        def start(**options: Any) -> FiscalEmulator:
            path = tmp_path / f"{options.pop('name', 'fs')}.db"
            settings = {name: str(value) for name, value in options.items()}
            return stack.enter_context(build(settings, state=path, tape=Tape(None), wall=clock.world))

        yield start


@pytest.fixture
def keys(people: demo.Demo, tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys", people.people, people.authority.certificate.raw)


@pytest.fixture
def open_shop(keys: Keys, tmp_path: Path, clock: VirtualClock) -> Iterator[Callable[..., Shop]]:
    """Shops of a server: `open_shop(emulator, "cashier", name="one", lost="reissue")`."""
    with ExitStack() as stack:

        def start(emulator: FiscalEmulator, who: str = "cashier", name: str = "till", **options: Any) -> Shop:
            shop = Shop(emulator, keys, tmp_path / name, clock, who, **options)
            stack.callback(shop.close)
            return shop

        yield start


@pytest.fixture
def emulator(server: Callable[..., FiscalEmulator]) -> FiscalEmulator:
    return server()


@pytest.fixture
def shop(open_shop: Callable[..., Shop], emulator: FiscalEmulator) -> Shop:
    return open_shop(emulator)


@pytest.fixture
def day(shop: Shop) -> Shop:
    """A shop with an open shift."""
    shop.open()
    return shop
