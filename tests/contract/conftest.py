"""One line of each family runs the whole contract by default; its other links and options run with KASA_FULL=1."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the classes that are marked `full_only`."""
    if os.environ.get("KASA_FULL"):
        return
    left = [item for item in items if getattr(getattr(item, "cls", None), "full_only", False)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not getattr(getattr(item, "cls", None), "full_only", False)]
