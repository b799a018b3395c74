"""The property of emulators.md §3 on IKC: every recorded command × every fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.property import nothing_twice_nothing_lost, sweep
from tests.contract.test_ikc import IKC

HASTY = IKC
KINDS = ("sale", "mixed", "refund", "zero", "cash_in", "cash_out", "z")


def named(frame: bytes) -> str:
    """CODE; of a frame whose NUM is a doubled 10h too."""
    body = frame[2:-2].replace(b"\x10\x10", b"\x10")
    return str(body[1])


@pytest.mark.parametrize(("kind", "faults"), sweep(KINDS))
def test_nothing_twice_nothing_lost(kind: str, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    nothing_twice_nothing_lost(HASTY, kind, faults, named, tmp_path)
