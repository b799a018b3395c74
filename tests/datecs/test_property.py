"""The property of emulators.md §3 on the Datecs classic protocol: every recorded command × every fault.

F14 has no field in this protocol. F16, F17, F18 and F21 are matters of one document and stand in `test_faults.py`;
F20 as a whole line is tried in `tests/drivers/test_discovery.py`, F24 in `test_faults.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.property import FAULTS, nothing_twice_nothing_lost, sweep
from tests.contract.test_datecs import DATECS

HASTY = replace(DATECS, url="datecs+serial://{address}?cap=2&silence_ms=80&working_ms=200")
POSSIBLE = [
    *(fault for fault in FAULTS if fault["id"] not in ("F14", "F17")),
    {"id": "F15", "seconds": -2_400},
    {"id": "F22"},
]
KINDS = ("sale", "mixed", "refund", "zero", "cash_in", "cash_out", "z")


def named(frame: bytes) -> str:
    return str(frame[3])


@pytest.mark.parametrize(("kind", "faults"), sweep(KINDS, POSSIBLE))
def test_nothing_twice_nothing_lost(kind: str, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    nothing_twice_nothing_lost(HASTY, kind, faults, named, tmp_path)
