"""Shops with a software registrar for tests of the till and its screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from drivers.prro.emulator.web import FiscalEmulator
from tests.prro.conftest import people
from tests.prro.registrar.conftest import clock, keys, server
from tests.prro.registrar.world import Keys, VirtualClock
from tests.till.offline.rig import PrroShop

__all__ = ["clock", "keys", "open_shop", "people", "server", "shop"]

OpenShop = Callable[..., PrroShop]


@pytest.fixture
def open_shop(
    server: Callable[..., FiscalEmulator], keys: Keys, tmp_path: Path, clock: VirtualClock
) -> Iterator[OpenShop]:
    """A shop with an open shift: `open_shop({"offline": 0}, reserve=True)`, server's options first."""
    with ExitStack() as stack:

        def start(server_options: dict[str, Any] | None = None, **options: Any) -> PrroShop:
            shop = PrroShop(server(**(server_options or {})), keys, tmp_path / "till", clock, **options)
            stack.callback(shop.close)
            shop.open()
            return shop

        yield start


@pytest.fixture
def shop(open_shop: OpenShop) -> PrroShop:
    return open_shop()
