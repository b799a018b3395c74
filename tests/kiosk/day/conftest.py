"""The shop of the till's own tests, under the pilot."""

from __future__ import annotations

import time

import pytest

from tests.till.shop.conftest import found, server, shop

__all__ = ["found", "kyiv", "server", "shop"]


@pytest.fixture(autouse=True)
def kyiv(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the program sets it at its start."""
    monkeypatch.setenv("TZ", "Europe/Kyiv")
    time.tzset()
