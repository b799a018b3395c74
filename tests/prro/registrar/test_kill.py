"""A till that dies at every durable step finds out by itself: one document each, the chain unbroken, registers equal.

The death is an exception before or after the n-th commit of the registrar's memory; `test_kill_for_real` sends SIGKILL
to processes. After it the till starts anew with what the disk holds.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.document import Document, DocumentKind, encode
from drivers.emulation.memory import Tape
from drivers.prro import store as memory
from drivers.prro.emulator.web import FiscalEmulator, build
from drivers.prro.offline import unbroken
from drivers.prro.store import Stage
from drivers.registrar import State
from drivers.road import settle_open
from tests.prro.registrar.world import Shop, act, cash_in, line, refund, sale, z_report

WORLD = Callable[[str], Shop]


class Killed(BaseException):
    """The process dies here."""


class Death:
    """Raises `Killed` at the n-th commit: before it is durable, or after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.after = False
        self.steps: list[str] = []
        self._commit = memory.commit
        monkeypatch.setattr(memory, "commit", self.commit)

    def commit(self, database: sqlite3.Connection, step: str) -> None:
        self.left -= 1
        self.steps.append(step)
        if self.left == 0 and not self.after:
            raise Killed
        self._commit(database, step)
        if self.left == 0:
            raise Killed


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    return Death(monkeypatch)


@pytest.fixture
def shops(server: Callable[..., FiscalEmulator], open_shop: Callable[..., Shop]) -> Iterator[WORLD]:
    """A fresh server and a fresh till by name; each stands alone."""
    made: list[Shop] = []

    def start(name: str) -> Shop:
        for shop in made:
            shop.close()
            shop.emulator.stop()
        made.clear()
        shop = open_shop(server(name=f"server{name}"), name=name)
        made.append(shop)
        return shop

    yield start


def revive(shop: Shop) -> None:
    """The process is gone; another starts and asks about everything that was begun."""
    shop.registrar.close()
    shop.restart()
    for document, result in settle_open(shop.registrar, shop.journal, shop.clock, patience=3.0):
        assert result.state is not State.UNKNOWN, (document.kind, result)


def proven(shop: Shop) -> None:
    """Nothing twice, nothing lost: numbers without a gap, and the server counts as the till does."""
    numbers = [entry["number"] for entry in shop.emulator.registers()["journal"]]
    assert numbers == list(range(1, len(numbers) + 1))
    totals, registers = shop.registrar.totals(), shop.emulator.registers()
    assert (totals.sales, totals.refunded) == (registers["sales_turnover"], registers["refunds_turnover"])
    assert shop.registrar._desk.store.next_number == registers["next_local"]
    assert not shop.registrar._desk.store.open_entries()
    database = shop.registrar._desk.store._database
    for (session,) in database.execute("SELECT id FROM sessions").fetchall():
        entries = shop.registrar._desk.store.in_session(session, Stage.OFFLINE_QUEUED, Stage.OFFLINE_SENT)
        assert unbroken(entries)


def before_sale(shop: Shop) -> Document:
    shop.open()
    return sale(line(price=7777))


def before_refund(shop: Shop) -> Document:
    shop.open()
    sold = shop.must(sale())
    return refund(sold.number, line(quantity=1000))


def before_z(shop: Shop) -> Document:
    shop.open()
    shop.must(cash_in(100))
    shop.must(sale())
    return z_report()


def before_opening(shop: Shop) -> Document:
    return act(DocumentKind.OPEN_SHIFT)


def before_offline(shop: Shop) -> Document:
    shop.open()
    shop.must(sale())
    shop.emulator.unplug()
    return sale(line(price=7777))


def before_offline_z(shop: Shop) -> Document:
    before_offline(shop)
    shop.must(sale())
    return z_report()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "prepare",
    [before_opening, before_sale, before_refund, before_z, before_offline, before_offline_z],
    ids=["open", "sale", "refund", "z", "offline_entry", "offline_z"],
)
def test_killed_at_any_durable_step(
    shops: WORLD, death: Death, prepare: Callable[[Shop], Document], after: bool
) -> None:
    deaths = 0
    for at in range(1, 40):
        shop = shops(f"{at}")
        document = prepare(shop)
        shop.restart()
        count = len(shop.emulator.registers()["journal"])
        death.left, death.after = at, after
        try:
            shop.do(document)
        except Killed:
            deaths += 1
        else:
            break
        finally:
            death.left = 0
        revive(shop)
        result = shop.must(document)
        assert shop.do(document) == result
        if document.kind is not DocumentKind.Z_REPORT and not shop.registrar._desk.store.session():
            assert len(shop.emulator.registers()["journal"]) == count + 1, (at, death.steps)
        if prepare in (before_offline, before_offline_z):
            shop.emulator.replug()
            shop.clock.advance(10)
        assert shop.registrar.synchronise()
        proven(shop)
        amounts = [entry["amount"] for entry in shop.ledger]
        if document.lines:
            assert amounts.count(document.due) == 1, (at, death.steps)
        if document.kind is DocumentKind.Z_REPORT:
            assert shop.kinds.count("z_report") == 1 and shop.kinds.count("close_shift") == 1
    else:
        raise AssertionError("it never ended")
    assert deaths >= (1 if prepare is before_offline else 2)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_of_the_way_home(shops: WORLD, death: Death, after: bool) -> None:
    deaths = 0
    for at in range(1, 40):
        shop = shops(f"{at}")
        before_offline(shop)
        documents = [sale(line(price=100 + number, quantity=1000)) for number in range(3)]
        for document in documents:
            shop.must(document)
        shop.emulator.replug()
        shop.restart()
        death.left, death.after = at, after
        try:
            shop.registrar.synchronise()
        except Killed:
            deaths += 1
        else:
            break
        finally:
            death.left = 0
        revive(shop)
        assert shop.registrar.synchronise()
        proven(shop)
        assert [entry["amount"] for entry in shop.ledger if entry["kind"] == "SALE"] == [2500, 100, 101, 102]
        shop.must(sale())
    else:
        raise AssertionError("it never ended")
    assert deaths >= 4


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_on_the_way_home_of_a_lost_document(shops: WORLD, death: Death, after: bool) -> None:
    deaths = 0
    for at in range(1, 40):
        shop = shops(f"{at}")
        shop.open()
        lost = sale(line(price=7777))
        shop.emulator.add_fault("F11", "doc", when="after")
        assert shop.do(lost, patience=0).state is State.UNKNOWN
        shop.must(sale(line(price=1111)))
        shop.emulator.replug()
        shop.clock.advance(10)
        death.left, death.after = at, after
        try:
            shop.registrar.synchronise()
        except Killed:
            deaths += 1
        else:
            break
        finally:
            death.left = 0
        revive(shop)
        assert shop.must(lost).done
        assert shop.registrar.synchronise()
        proven(shop)
        assert sorted(entry["amount"] for entry in shop.ledger if entry["kind"] == "SALE") == [2222, 15554]
    else:
        raise AssertionError("it never ended")
    assert deaths >= 4


CHILD = """
import os, signal, sys
from pathlib import Path
from drivers.clock import SystemClock
from drivers.document import parse
from drivers.journal import FileJournal
from drivers.prro import store
from drivers.prro.keys import ring
from drivers.registry import connect
from drivers.road import settle_open, walk

url, journal, keys, document, at = sys.argv[1:6]
left = int(at)
commit = store.commit

def deadly(database, step):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    commit(database, step)

clock = SystemClock()
ring.unlock(Path(keys), "cashier", "demo", at=clock.now())
registrar = connect(url, clock=clock)
with FileJournal(Path(journal), clock) as book:
    settle_open(registrar, book, clock, patience=5)
    store.commit = deadly
    result = walk(registrar, parse(Path(document).read_bytes()), book, clock, patience=5)
    print(result.state, result.number)
"""


def test_kill_for_real(tmp_path: Path) -> None:
    """SIGKILL at every durable step of a sale, a process each; the document goes out once in the end."""
    with build({}, state=tmp_path / "fs.db", tape=Tape(None)) as emulator:
        keys = tmp_path / "fs.demo"
        (keys / "trust").mkdir()
        (keys / "authority.cer").rename(keys / "trust" / "authority.cer")
        url = (
            f"prro+{emulator.address}?fn=4000123456&key=cashier&keys={keys}&state={tmp_path / 'state'}&demo=yes&tsp=no"
        )

        def run(document: Document, at: int) -> subprocess.CompletedProcess[str]:
            path = tmp_path / "document.json"
            path.write_bytes(encode(document))
            arguments = [sys.executable, "-c", CHILD, url, str(tmp_path / "journal"), str(keys), str(path), str(at)]
            return subprocess.run(
                arguments,
                capture_output=True,
                text=True,
                timeout=100,
                env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            )

        opened = run(act(DocumentKind.OPEN_SHIFT), 0)
        assert opened.stdout.startswith("registered"), opened.stderr
        document = sale(line(price=7777))
        deaths = 0
        for at in range(1, 12):
            done = run(document, at)
            if done.returncode == -signal.SIGKILL:
                deaths += 1
                continue
            assert done.stdout.startswith("registered"), done.stderr
            break
        assert deaths >= 2
        journal = emulator.registers()["journal"]
        assert [entry["amount"] for entry in journal].count(15554) == 1
        assert [entry["number"] for entry in journal] == [1, 2]
