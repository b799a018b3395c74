"""VIII-1: power is pulled at 20 random points of a sale, with a hardware registrar and with the software one.

No duplicate fiscal document, no lost paid sale, everything found out within 60 s of the next start. Each point is a
write of the disk or a byte of the wire; the invariants of the simulation look at every one.
"""

from __future__ import annotations

import random

import pytest

from tests.simulation import disk, run
from tests.simulation.run import live
from tests.simulation.script import Step
from tests.simulation.shop import FAMILIES

pytestmark = pytest.mark.skipif(not disk.available(), reason="Python's sqlite3 is built in: no disk to put under it")
POINTS = 20
SALE = 3
"""A seed whose sale has something to pay."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("family", ["datecs", "prro"])
def test_viii_1_power_pulled_at_20_random_points_of_a_sale(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RECOVERY_BOUND", 60.0)
    dice = random.Random(f"VIII-1 {family}")
    points = [
        Step("sale", SALE, "power", where, int(dice.random() * (40 if where == "disk" else FAMILIES[family].wire // 2)))
        for where in ("disk", "wire")
        for _ in range(POINTS // 2)
    ]
    outcome = live(1, family, [Step("open", 1), *points, Step("sale", SALE), Step("close", 1)])
    assert outcome.violations == []
    assert outcome.deaths >= POINTS * 3 // 4, "the power was not pulled often enough to show anything"
    assert outcome.faults.total() == outcome.deaths
    assert outcome.documents > 1, "no sale was registered at all"
    assert outcome.by_hand == 0
