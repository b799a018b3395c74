"""II-6: every line of the checklist that a software registrar has, in each of its colours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.errors import Code
from drivers.registrar import FaultInfo, Info, Mode, Offline, Status
from kiosk.till.judge import CheckLine, Colour, internet, software

G, A, R = Colour.GREEN, Colour.AMBER, Colour.RED
NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
FN = "4000123456"
INFO = Info("prro", "ПРРО", "", FN, FN, "123456712345", True)
ON = Offline(Mode.ONLINE, month_left=timedelta(hours=168), allowed=True)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def status(**fields: object) -> Status:
    return Status(reachable=True, offline=ON, registered=True, **fields)  # type: ignore[arg-type]


def spell(session: timedelta, month: timedelta, **fields: object) -> Offline:
    return Offline(Mode.OFFLINE, since=NOW, session_left=session, month_left=month, **fields)  # type: ignore[arg-type]


def fault(code: Code, raw: str = "", what: str = "the fiscal server refused: слова сервера") -> FaultInfo:
    return FaultInfo(str(code), what, raw)


def key(until: timedelta | None = None, problem: FaultInfo | None = None, *blocks: Code) -> CheckLine:
    ends = NOW + until if until is not None else None
    found = status(key_until=ends, blocks=tuple(map(str, blocks)))
    return software.key(found, problem, NOW, FN)


def shift(age: timedelta | None, *, opener: str = "", own: str = "k1", elsewhere: bool = False) -> CheckLine:
    seen = status(shift_open=bool(opener), shift_opener=opener, key_id=own)
    over = age is not None and age >= hours(24)
    return software.shift(age, mine=True, over=over, status=seen, elsewhere=elsewhere)


CASES: list[tuple[CheckLine, Colour, bool]] = [
    (internet(0.2, needed=True, hardware=False), G, False),
    (internet(3.4, needed=True, hardware=False), A, False),
    (internet(None, needed=True, hardware=False), R, True),
    (internet(None, needed=False, hardware=False), R, False),
    (software.server(INFO, None), G, False),
    (software.server(None, None), A, False),
    (software.server(None, fault(Code.OFFLINE)), A, False),
    (software.server(None, fault(Code.KEY_LOCKED)), A, False),
    (software.server(None, fault(Code.CERTIFICATE_EXPIRED)), A, False),
    (software.server(None, fault(Code.DIFFERENT_DEVICE)), A, False),
    (software.server(None, fault(Code.ACCESS_DENIED, "2")), R, True),
    (software.server(None, fault(Code.REGISTRAR_UNKNOWN)), R, True),
    (software.registration(status()), G, False),
    (software.registration(None), A, False),
    (software.registration(Status(True, registered=False, shift_open=True)), R, True),
    (software.registration(Status(True, registered=False)), R, True),
    (software.registration(status(), fault(Code.REGISTRAR_UNKNOWN)), R, True),
    (shift(None), G, False),
    (shift(hours(3), opener="k1"), A, False),
    (shift(hours(3), opener="k1", own=""), A, False),
    (shift(hours(25), opener="k1"), R, True),
    (shift(hours(3), opener="k2"), R, True),
    (shift(None, opener="k1"), R, True),
    (shift(hours(3), opener="k1", elsewhere=True), R, True),
    (software.unsent(ON), G, False),
    (software.unsent(None), A, False),
    (software.unsent(Offline(Mode.SYNCING, queued=3)), A, False),
    (software.unsent(Offline(Mode.REJECTED, queued=3, reason="слова сервера")), R, True),
    (software.right(ON), G, False),
    (software.right(Offline(Mode.ONLINE, allowed=False)), A, False),
    (software.right(Offline(Mode.ONLINE)), A, False),
    (software.budget(ON, online=True), G, False),
    (software.budget(spell(hours(12.1), hours(24.1)), online=False), G, False),
    (software.budget(spell(hours(12), hours(100)), online=False), A, False),
    (software.budget(spell(hours(20), hours(24)), online=False), A, False),
    (software.budget(spell(hours(0), hours(100)), online=False), R, True),
    (software.budget(Offline(Mode.ONLINE, month_left=hours(0)), online=True), R, False),
    (software.budget(Offline(Mode.ONLINE, month_left=hours(0)), online=False), R, True),
    (software.budget(None, online=True), A, False),
    (software.numbers(ON, online=True), G, False),
    (software.numbers(Offline(Mode.ONLINE, numbers_left=201), online=True), G, False),
    (software.numbers(Offline(Mode.ONLINE, numbers_left=200), online=True), A, False),
    (software.numbers(Offline(Mode.ONLINE, numbers_left=20), online=False), A, False),
    (software.numbers(Offline(Mode.ONLINE, numbers_left=0), online=True), R, False),
    (software.numbers(Offline(Mode.OFFLINE, numbers_left=0), online=False), R, True),
    (key(timedelta(days=14, seconds=1)), G, False),
    (key(timedelta(days=14)), A, False),
    (key(timedelta(days=1)), A, False),
    (key(timedelta(hours=2)), A, False),
    (key(timedelta()), R, True),
    (key(None, fault(Code.KEY_LOCKED)), A, False),
    (key(None, None, Code.KEY_LOCKED), A, False),
    (key(hours(-1), fault(Code.KEY_LOCKED)), R, True),
    (key(timedelta(days=90), fault(Code.CERTIFICATE_REVOKED, "12")), R, True),
    (key(timedelta(days=90), None, Code.CERTIFICATE_EXPIRED), R, True),
    (key(timedelta(days=90), fault(Code.ACCESS_DENIED, "2")), R, True),
    (key(timedelta(days=90), fault(Code.TAXPAYER, "3")), R, True),
    (key(None, fault(Code.CERTIFICATE_DAMAGED)), R, True),
    (key(None), A, False),
    (software.printer(status(), prints=True), G, False),
    (software.printer(status(paper_low=True), prints=True), A, False),
    (software.printer(status(paper_out=True), prints=True), R, False),
    (software.printer(status(cover_open=True), prints=True), R, False),
    (software.printer(None, prints=True), A, False),
    (software.printer(None, prints=False), A, False),
]


@pytest.mark.parametrize(
    ("line", "colour", "blocks"),
    CASES,
    ids=[f"{place}-{line.key}-{line.colour}" for place, (line, *_) in enumerate(CASES)],
)
def test_ii_6_colour_words_and_block(line: CheckLine, colour: Colour, blocks: bool) -> None:
    assert (line.colour, line.blocks) == (colour, blocks)
    assert line.title and line.value and (line.advice or not blocks)
    assert "{" not in line.value.format(**line.values) + line.advice.format(**line.values)


def test_every_colour_that_the_table_has_is_here() -> None:
    wanted = {1: {G, A, R}, 2: {G, A, R}, 3: {G, A, R}, 4: {G, A, R}, 6: {G, A, R}, 7: {G, A}, 8: {G, A, R}}
    wanted |= {9: {G, A, R}, 10: {G, A, R}, 14: {G, A, R}}
    assert {number: {line.colour for line, *_ in CASES if line.number == number} for number in wanted} == wanted


def test_what_is_offered() -> None:
    offered = {line.action for line, *_ in CASES if line.key == "key"}
    assert offered == {"", "unlock"}
    assert shift(hours(25), opener="k1").action == shift(None, opener="k1").action == "z"
    assert shift(hours(3), opener="k1", elsewhere=True).action == ""


def test_a_refusal_shows_the_server_s_code_and_words() -> None:
    line = software.server(None, fault(Code.QUERY_REFUSED, "11"))
    assert line.value.format(**line.values) == "refused: 11 слова сервера"
