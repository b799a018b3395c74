"""A registrar's memory from a copy: the gap is named and taken over, nothing goes out twice (X-23, X-24, X-25)."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.document import DocumentKind
from drivers.errors import DifferentDevice
from drivers.prro.emulator.web import FiscalEmulator
from drivers.registrar import State
from tests.prro.registrar.world import FN, Shop, act, line, sale, z_report

OpenShop = Callable[..., Shop]


def copy_memory(shop: Shop, folder: Path) -> None:
    """What a backup takes: a consistent snapshot of the memory, while the registrar goes on."""
    folder.mkdir(parents=True)
    source = sqlite3.connect(shop.folder / "state" / f"{FN}.sqlite3")
    source.execute("VACUUM INTO ?", (str(folder / f"{FN}.sqlite3"),))
    source.close()


@pytest.fixture
def restored(open_shop: OpenShop, emulator: FiscalEmulator, tmp_path: Path) -> Callable[[Shop], Shop]:
    """`restored(day)` copies the memory now; calling the result later starts the new machine from it."""

    def begin(shop: Shop) -> Callable[[], Shop]:
        copy_memory(shop, tmp_path / "new" / "state")
        return lambda: open_shop(emulator, name="new")

    return begin  # type: ignore[return-value]


def unique(shop: Shop) -> None:
    """Nothing twice: no fiscal number and no UID stands twice on the server."""
    fiscal = [entry["fiscal"] for entry in shop.ledger]
    assert len(set(fiscal)) == len(fiscal)
    numbers = [entry["number"] for entry in shop.ledger]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_x_23_five_receipts_after_the_copy_are_listed_and_numbering_goes_on(
    day: Shop, restored: Callable[[Shop], Callable[[], Shop]]
) -> None:
    day.must(sale())
    machine = restored(day)
    five = [day.must(sale(line(price=1000 + number))) for number in range(5)]
    day.close()
    new = machine()
    with pytest.raises(DifferentDevice):
        new.registrar.info()
    found = new.registrar.recover()
    assert [each.fiscal for each in found.missing] == [result.number for result in five]
    assert [each.sum for each in found.missing] == [result.total for result in five]
    assert all(each.taken and each.act == "sale" for each in found.missing)
    assert found.next_number == found.missing[-1].number + 1
    after = new.must(sale())
    assert after.number not in [result.number for result in five]
    totals = new.registrar.totals()
    assert totals.receipts == 7
    new.must(z_report())
    unique(new)
    assert new.registrar.recover().missing == (), "a second look finds no gap"


def test_x_23_a_gap_over_a_closed_shift(day: Shop, restored: Callable[[Shop], Callable[[], Shop]]) -> None:
    machine = restored(day)
    day.must(sale())
    day.must(z_report())
    day.clock.advance(3600)
    day.open()
    day.must(sale(line(price=3000)))
    day.close()
    new = machine()
    found = new.registrar.recover()
    assert [each.act for each in found.missing] == ["sale", "z_report", "close_shift", "open_shift", "sale"]
    status = new.registrar.status()
    assert status.shift_open and status.drawer == 6000
    new.must(sale())
    new.must(z_report())
    unique(new)


def test_x_23_a_closed_shift_stays_closed(day: Shop, restored: Callable[[Shop], Callable[[], Shop]]) -> None:
    machine = restored(day)
    day.must(z_report())
    day.close()
    new = machine()
    assert [each.act for each in new.registrar.recover().missing] == ["z_report", "close_shift"]
    assert not new.registrar.status().shift_open
    new.clock.advance(60)
    new.open()
    new.must(sale())
    unique(new)


def test_x_24_documents_that_the_server_has_are_not_sent_again(
    day: Shop, restored: Callable[[Shop], Callable[[], Shop]]
) -> None:
    day.must(sale())
    day.emulator.unplug()
    offline = [day.must(sale(line(price=2000 + number))) for number in range(3)]
    machine = restored(day)
    day.emulator.replug()
    assert day.registrar.synchronise()
    online = day.must(sale())
    day.close()
    before = len(day.ledger)
    new = machine()
    found = new.registrar.recover()
    assert set(found.delivered) >= {result.number for result in offline} and not found.sent and not found.lost
    assert len(new.ledger) == before, "the recovery registered nothing"
    assert [each.fiscal for each in found.missing][-1] == online.number
    new.must(sale())
    unique(new)
    new.must(z_report())


def test_x_24_documents_that_the_server_lacks_go_home_once(
    day: Shop, restored: Callable[[Shop], Callable[[], Shop]]
) -> None:
    """The old machine burnt with its queue: the copy's documents are the only ones there are."""
    day.must(sale())
    day.emulator.unplug()
    offline = [day.must(sale(line(price=2000 + number))) for number in range(3)]
    machine = restored(day)
    day.close()
    day.emulator.replug()
    new = machine()
    found = new.registrar.recover()
    assert set(found.sent) >= {result.number for result in offline} and not found.delivered
    registered = [entry["fiscal"] for entry in new.ledger]
    assert all(registered.count(result.number) == 1 for result in offline)
    new.must(sale())
    unique(new)
    new.must(z_report())


def test_x_24_a_session_that_went_on_after_the_copy(day: Shop, restored: Callable[[Shop], Callable[[], Shop]]) -> None:
    """The old machine made more offline documents and delivered all, and ended the session."""
    day.must(sale())
    day.emulator.unplug()
    first = day.must(sale(line(price=2000)))
    machine = restored(day)
    later = day.must(sale(line(price=2100)))
    day.emulator.replug()
    assert day.registrar.synchronise()
    day.close()
    new = machine()
    found = new.registrar.recover()
    assert first.number in found.delivered
    assert later.number in [each.fiscal for each in found.missing]
    assert new.registrar.totals().receipts == 3
    new.must(sale())
    unique(new)
    new.must(z_report())


def test_an_act_in_doubt_at_the_time_of_the_copy_is_asked_for(
    day: Shop, restored: Callable[[Shop], Callable[[], Shop]]
) -> None:
    document = sale(line(price=7777))
    day.emulator.add_fault("F11", "doc", when="after")
    assert day.do(document).state is State.UNKNOWN
    machine = restored(day)
    journal = day.journal
    day.close()
    day.emulator.replug()
    new = machine()
    new.journal = journal
    new.registrar.recover()
    assert new.must(document).total == 15554
    assert [entry["amount"] for entry in new.ledger].count(15554) == 1
    unique(new)


@pytest.mark.parametrize("seed", range(6))
def test_x_23_any_day_with_a_copy_anywhere_in_it(
    open_shop: OpenShop, emulator: FiscalEmulator, tmp_path: Path, seed: int
) -> None:
    """Nothing twice, nothing lost: what the old machine registered is either known to the copy or in the gap."""
    dice = random.Random(seed)
    old = open_shop(emulator)
    old.open()
    moves = dice.randrange(6, 14)
    copied_at = dice.randrange(moves)
    online = True
    for move in range(moves):
        old.clock.advance(60)
        what = dice.choice(["sale", "sale", "sale", "cut", "join", "z"])
        if what == "sale":
            old.must(sale(line(price=1000 + move)))
        elif what == "cut" and online:
            emulator.unplug()
            online = False
        elif what == "join" and not online:
            emulator.replug()
            assert old.registrar.synchronise()
            online = True
        elif what == "z" and online:
            old.must(z_report())
            old.clock.advance(60)
            old.open()
        if move == copied_at:
            copy_memory(old, tmp_path / "new" / "state")
    if not online:
        emulator.replug()
        assert old.registrar.synchronise()
    known = {
        each.fiscal for number in range(1, 60) for each in old.registrar._desk.store.under(number) if each.standing
    }
    old.close()
    new = open_shop(emulator, name="new")
    held = {each.fiscal for number in range(1, 60) for each in new.registrar._desk.store.under(number) if each.standing}
    found = new.registrar.recover()
    gap = {each.fiscal for each in found.missing}
    registered = {entry["fiscal"] for entry in new.ledger}
    assert held | gap >= registered and not gap & held and not found.lost
    assert {entry["fiscal"] for entry in new.ledger} == registered
    assert known >= gap | held
    status = new.registrar.status()
    if not status.shift_open:
        new.open()
    new.must(sale(line(price=9999)))
    new.must(z_report())
    unique(new)


def test_x_25_the_old_machine_is_refused_by_the_server(
    day: Shop, restored: Callable[[Shop], Callable[[], Shop]]
) -> None:
    machine = restored(day)
    day.must(z_report())
    day.close()
    new = machine()
    new.registrar.recover()
    before = len(new.ledger)
    day.restart()
    result = day.do(act(DocumentKind.OPEN_SHIFT))
    assert result.state is State.REJECTED and result.fault is not None and result.fault.code == "DIFFERENT_DEVICE"
    assert len(new.ledger) == before
    new.clock.advance(60)
    new.open()


def test_a_broken_line_in_the_middle_changes_nothing(day: Shop, restored: Callable[[Shop], Callable[[], Shop]]) -> None:
    machine = restored(day)
    five = [day.must(sale()) for _ in range(5)]
    day.close()
    new = machine()
    new.emulator.unplug()
    with pytest.raises(Exception, match=r"OFFLINE|TIMEOUT"):
        new.registrar.recover()
    new.emulator.replug()
    assert [each.fiscal for each in new.registrar.recover().missing] == [result.number for result in five]
    store = new.registrar._desk.store
    assert store.session() is None and store.open_entries() == []
