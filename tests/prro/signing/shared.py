"""Published vectors and samples, which stand beside the repository and are not part of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared"
VECTORS = SHARED / "reference" / "vectors"
EXAMPLES = SHARED / "fiscal-server" / "examples"


def vectors(name: str) -> Any:
    """A file of vectors; the test is skipped where they are not at hand."""
    path = VECTORS / name
    if not path.is_file():
        pytest.skip(f"the published vectors ({path}) are not here")
    return json.loads(path.read_text(encoding="utf-8"))


def example(name: str) -> bytes:
    """A sample of the tax service; the test is skipped where it is not at hand."""
    path = EXAMPLES / name
    if not path.is_file():
        pytest.skip(f"the samples of the tax service ({path}) are not here")
    return path.read_bytes()
