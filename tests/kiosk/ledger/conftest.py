"""A ledger in a real file for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.ledger.store import SqlLedger
from tests.kiosk.ledger.world import Shop, TestClock, build


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "till" / "ledger.db"


@pytest.fixture
def shop(path: Path, clock: TestClock) -> Iterator[Shop]:
    shop = build(path, clock)
    yield shop
    shop.ledger.close()


@pytest.fixture
def ledger(shop: Shop) -> SqlLedger:
    return shop.ledger
