"""The shop on a software registrar, under the pilot."""

from __future__ import annotations

from tests.kiosk.day.conftest import kyiv
from tests.till.prro.conftest import found, shop

__all__ = ["found", "kyiv", "shop"]
