"""A shop with a virtual registrar for every test of the till."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drivers.emulation.server import EmulatorServer
from tests.conftest import Launch
from tests.till.shop.rig import Shop

Found = Callable[..., Shop]


@pytest.fixture
def server(launch: Launch) -> EmulatorServer:
    return launch()


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Found]:
    """Make shops; each is closed when the test ends."""
    with ExitStack() as stack:

        def make(server: EmulatorServer, name: str = "shop", **options: Any) -> Shop:
            url = f"datecs+serial://{server.address}?cap=5"
            shop = Shop(tmp_path / name, url, **options)
            stack.callback(lambda: shop.close())
            return shop

        yield make


@pytest.fixture
def shop(server: EmulatorServer, found: Found) -> Shop:
    return found(server)
