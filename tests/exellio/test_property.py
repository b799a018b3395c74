"""The property of emulators.md §3 on Exellio: every recorded command × every fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.property import FAULTS, nothing_twice_nothing_lost, sweep
from tests.contract.test_exellio import EXELLIO

HASTY = replace(
    EXELLIO,
    url="exellio+serial://{address}?cap=2&silence_ms=150&working_ms=300",
)
# A wrong password (F17) is a matter of one document on the classic protocol: see tests/datecs/test_faults.py.
POSSIBLE = [fault for fault in FAULTS if fault["id"] != "F17"]
KINDS = ("sale", "refund", "cash_in", "z")


def named(frame: bytes) -> str:
    return str(frame[3])


@pytest.mark.parametrize(("kind", "faults"), sweep(KINDS, POSSIBLE))
def test_nothing_twice_nothing_lost(kind: str, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    nothing_twice_nothing_lost(HASTY, kind, faults, named, tmp_path)
