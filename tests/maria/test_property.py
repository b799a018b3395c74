"""The property of emulators.md §3 on Maria: every recorded command × every fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.property import nothing_twice_nothing_lost, sweep
from tests.contract.test_maria import MARIA

HASTY = replace(
    MARIA,
    url="maria+serial://{address}?cap=2&wait=2&first_ms=300&silence_ms=400",
)
KINDS = ("sale", "mixed", "refund", "zero", "cash_in", "cash_out", "z")


def named(frame: bytes) -> str:
    return frame[1:5].decode("cp866") if frame[:1] == b"\xfd" and len(frame) > 8 else ""


@pytest.mark.parametrize(("kind", "faults"), sweep(KINDS))
def test_nothing_twice_nothing_lost(kind: str, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    nothing_twice_nothing_lost(HASTY, kind, faults, named, tmp_path)
