"""The property of emulators.md §3 on Datecs Krypton: every recorded command × every fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.property import nothing_twice_nothing_lost, sweep
from tests.contract.test_krypton import KRYPTON

HASTY = replace(
    KRYPTON,
    url="krypton+serial://{address}?cap=2&silence_ms=150&working_ms=300",
)
KINDS = ("sale", "mixed", "refund", "zero", "cash_in", "cash_out", "z")


def named(frame: bytes) -> str:
    return f"{frame[3]:02X}"


@pytest.mark.parametrize(("kind", "faults"), sweep(KINDS))
def test_nothing_twice_nothing_lost(kind: str, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    nothing_twice_nothing_lost(HASTY, kind, faults, named, tmp_path)
