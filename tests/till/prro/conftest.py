"""A shop on a software registrar for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.till.prro.rig import Software, software

Found = Callable[..., Software]


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Found]:
    """Make shops with their servers."""
    with ExitStack() as stack:

        def make(name: str = "shop", **options: Any) -> Software:
            return stack.enter_context(software(tmp_path / name, **options))

        yield make


@pytest.fixture
def shop(found: Found) -> Software:
    return found()
