"""The table of faults: what is broken shows, what holds is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract import property, report


def test_a_row_that_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["krypton", "--fault", "F2"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 2 and rows[1].startswith("krypton   F2  reply lost") and "registered" in rows[1]
    counted = sum(int(word) for word in rows[1].replace(",", "").split() if word.isdigit())
    assert counted > 10, "every command of a sale"


def test_a_broken_promise_shows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = property.one

    def twice(family: Any, kind: str, point: property.Point, fault: dict[str, Any], folder: Path) -> str:
        assert point.command != "64", "two documents"
        return real(family, kind, point, fault, folder)

    monkeypatch.setattr(property, "one", twice)
    assert report.main(["krypton", "--fault", "F1"]) == 1
    assert "BROKEN 1 (sale 64" in capsys.readouterr().out


def test_every_family_with_the_shared_bench_is_in_it() -> None:
    assert {"datecs", "exellio", "helpmicro", "ikc", "krypton", "maria"} <= set(report.subjects())
