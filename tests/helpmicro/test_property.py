"""The property of emulators.md §3 on Help Micro: every recorded request × every fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.contract.property import nothing_twice_nothing_lost, sweep
from tests.contract.test_helpmicro import HELPMICRO

HASTY = HELPMICRO
KINDS = ("sale", "mixed", "refund", "zero", "cash_in", "cash_out", "z")


def named(data: bytes) -> str:
    """Key of a document, else the path without /cgi/."""
    found = re.match(rb"(GET|POST) /cgi/(\S+) ", data)
    assert found is not None
    if found[1] == b"GET":
        return found[2].decode()
    return data.partition(b"\r\n\r\n")[2].split(b'"')[1].decode()


@pytest.mark.parametrize(("kind", "faults"), sweep(KINDS))
def test_nothing_twice_nothing_lost(kind: str, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    nothing_twice_nothing_lost(HASTY, kind, faults, named, tmp_path)
