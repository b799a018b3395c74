"""II-6: every line of the checklist that a hardware registrar has is forced to each of its colours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.registrar import Info, Status
from kiosk.till import judge
from kiosk.till.judge import CheckLine, Colour

G, A, R = Colour.GREEN, Colour.AMBER, Colour.RED
INFO = Info("datecs", "FP-3530T", "1.31", "AB12345678", "3000012345", "1234567890", True)
FINE = Status(reachable=True)
GB = 1024**3
CASES: list[tuple[CheckLine, Colour, bool]] = [
    (judge.internet(0.2, needed=False), G, False),
    (judge.internet(3.5, needed=False), A, False),
    (judge.internet(None, needed=False), R, False),
    (judge.internet(None, needed=True), R, True),
    (judge.shift(None, mine=False, over=False), G, False),
    (judge.shift(timedelta(hours=3), mine=True, over=False), A, False),
    (judge.shift(timedelta(hours=25), mine=True, over=True), R, True),
    (judge.previous_z(unclosed=False, first=False), G, False),
    (judge.previous_z(unclosed=False, first=True), A, False),
    (judge.previous_z(unclosed=True, first=False), R, True),
    (judge.clock(timedelta(seconds=30), zone_is_kyiv=True), G, False),
    (judge.clock(timedelta(seconds=-31), zone_is_kyiv=True), A, False),
    (judge.clock(timedelta(seconds=120), zone_is_kyiv=True), A, False),
    (judge.clock(timedelta(seconds=121), zone_is_kyiv=True), R, True),
    (judge.clock(timedelta(), zone_is_kyiv=False), R, True),
    (judge.clock(None, zone_is_kyiv=True), A, False),
    (judge.link(INFO, bound="AB12345678", silent=""), G, False),
    (judge.link(INFO, bound="", silent=""), G, False),
    (judge.link(INFO, bound="ZZ00000001", silent=""), R, True),
    (judge.link(None, bound="AB12345678", silent="OFFLINE"), R, True),
    (judge.flags(FINE), G, False),
    (judge.flags(Status(reachable=True, warnings=("fiscal memory nearly full",))), A, False),
    (judge.flags(Status(reachable=True, blocks=("FM_FULL",))), R, True),
    (judge.flags(Status(reachable=True, blocks=("SHIFT_EXPIRED",))), R, True),
    (judge.flags(None), R, True),
    (judge.printer(FINE), G, False),
    (judge.printer(Status(reachable=True, paper_low=True)), A, False),
    (judge.printer(Status(reachable=True, paper_out=True)), R, True),
    (judge.printer(Status(reachable=True, cover_open=True)), R, True),
    (judge.printer(Status(reachable=True, blocks=("PRINTER",))), R, True),
    (judge.printer(None), R, True),
    (judge.terminal(integrated=True, answers=True, merchant="M", expected="M"), G, False),
    (judge.terminal(integrated=False), A, False),
    (judge.terminal(integrated=True, answers=True, merchant="X", expected="M"), R, True),
    (judge.equipment(()), G, False),
    (judge.equipment(("scanner",)), A, False),
    (judge.cash(100, 100), G, False),
    (judge.cash(100, 0), A, False),
    (judge.cash(None, 0), A, False),
    (judge.storage(3 * GB, timedelta(hours=1)), G, False),
    (judge.storage(GB, timedelta(hours=1)), A, False),
    (judge.storage(3 * GB, timedelta(hours=30)), A, False),
    (judge.storage(3 * GB, None), A, False),
    (judge.storage(3 * GB, timedelta(days=4)), R, False),
    (judge.storage(100 * 1024**2, timedelta(hours=1)), R, True),
    (judge.seals(True), G, False),
    (judge.seals(None), R, True),
    (judge.seals(False), R, True),
]


@pytest.mark.parametrize(("line", "colour", "blocks"), CASES, ids=[f"{line.number}-{line.value}" for line, *_ in CASES])
def test_ii_6_colour_words_and_block(line: CheckLine, colour: Colour, blocks: bool) -> None:
    assert (line.colour, line.blocks) == (colour, blocks)
    assert line.title and line.value and (line.advice or colour is G or not blocks)
    shown = {name: value if value is not None else 0 for name, value in line.values.items()}
    assert "{" not in line.value.format(**shown) + line.advice.format(**shown)


def test_every_built_line_is_here() -> None:
    assert {line.number for line, *_ in CASES} == {1, 4, 5, 11, 12, 13, 14, 15, 16, 17, 18, 19}


def test_ii_5_an_old_shift_offers_z_alone() -> None:
    assert judge.shift(timedelta(hours=25), mine=True, over=True).action == "z"
