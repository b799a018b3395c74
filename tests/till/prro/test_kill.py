"""A till on a software registrar that is killed (-9, a real process) at any durable step finds out at its next start.

One act is done again and again on the same shop, killed at another step each time; after every kill the books and the
server tell of the same documents. A few steps run always; all of them with KASA_ALL_KILLS=1.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from drivers.document import DocumentKind
from tests.till.prro import child
from tests.till.prro.child import FLOAT, POLICY
from tests.till.prro.conftest import Found
from tests.till.prro.rig import Software

EVERY = 1 if os.environ.get("KASA_ALL_KILLS") else 15
"""Every so manieth step is tried."""
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.till.prro.child", "drivers.prro.registrar", "kiosk.till.till"])
KIND = {
    "open": DocumentKind.OPEN_SHIFT, "sale": DocumentKind.SALE, "refund": DocumentKind.REFUND,
    "storno": DocumentKind.STORNO, "z": DocumentKind.Z_REPORT,
}  # fmt: skip


def perform(shop: Software, act: str, at: int, path: Path) -> list[str]:
    """Run the act in a process of its own; returns the steps that it passed."""
    process = CONTEXT.Process(target=child.run, args=(str(shop.folder), shop.url, act, at, str(path)))
    process.start()
    process.join(60)
    passed = path.read_text().split("\n")[:-1]
    assert process.exitcode == (-signal.SIGKILL if 0 <= at < len(passed) else 0)
    process.close()
    return passed


def wake(shop: Software) -> None:
    """The next start: log in, give the key's password, find out; nothing is left open."""
    shop.killed()
    shop.till.people.login_badge("BADGE-2222")
    shop.unlock()
    shop.till.fiscal.recover()
    assert shop.ledger.receipts.unsettled() == []
    assert shop.till.unknowns.items() == []


def ready(shop: Software, act: str) -> None:
    """What the act needs: an open shift or none, and something to refund or to cancel."""
    till, binding = shop.till, shop.binding
    if till.keys.locked(binding):
        shop.unlock()
    opened = till.shifts.current(binding) is not None
    if act == "open":
        if opened:
            assert till.closing.z(binding, counted=1).document.done
        return
    if not opened:
        till.shifts.open(binding, counted=FLOAT, float_=FLOAT, reason="Розмін")
    if act == "refund":
        shop.sold("9*1")
    elif act == "storno":
        shop.sold("2*1")


def count(shop: Software, kind: DocumentKind) -> int:
    return sum(item.kind is kind for item in shop.documents)


def stock_by_the_books(shop: Software) -> int:
    """Pieces of good 1 that the receipts which stand have moved, from the beginning."""
    with shop.ledger.database.read() as connection:
        moved = connection.exec_driver_sql(
            "SELECT coalesce(sum(CASE kind WHEN 'sale' THEN -quantity ELSE quantity END), 0) FROM receipt_lines"
            " JOIN receipts ON receipts.id = receipt_id WHERE code = '1' AND state = 'done'"
        ).scalar_one()
    return int(moved)


def consistent(shop: Software, where: str) -> None:
    """Both books tell the same, to the kopeck."""
    shop.agrees()
    assert shop.stock("1") == stock_by_the_books(shop), where
    report = shop.till.reports.x(shop.binding, paper=False)
    assert report.agrees, (where, [row for row in report.rows if row.difference])
    storned = [str(entry["fiscal"]) for entry in shop.stream if entry["storned"]]
    cancelled = [item.result.number for item in shop.documents if item.result and item.state.value == "cancelled"]
    assert storned == cancelled, where


@pytest.mark.timeout(900)
@pytest.mark.parametrize("act", list(KIND))
def test_iii_5_a_kill_at_any_durable_step_is_found_out_at_the_next_start(
    act: str, found: Found, tmp_path: Path
) -> None:
    shop = found(policy=POLICY)
    shop.till.people.login_badge("BADGE-2222")
    ready(shop, act)
    shop.close()
    points = perform(shop, act, -1, tmp_path / "points")
    assert len(points) > 10
    wake(shop)
    consistent(shop, act)
    done = 0
    for at in range(0, len(points), EVERY):
        ready(shop, act)
        before = count(shop, KIND[act])
        deposits = count(shop, DocumentKind.CASH_IN)
        shop.close()
        passed = perform(shop, act, at, tmp_path / "points")
        wake(shop)
        where = f"{act} killed at step {at}: {passed[-1]}"
        moved = count(shop, KIND[act]) - before
        assert moved in (0, 1), where
        done += moved
        shift = shop.till.shifts.current(shop.binding)
        if act == "open":
            # One of both: the float that was not put in waits, and is put in once.
            assert (shift is not None) == bool(moved), where
            waiting = shop.till.shifts.float_waiting(shop.binding)
            put = count(shop, DocumentKind.CASH_IN) - deposits
            assert (waiting, put) in ([(FLOAT, 0), (0, 1)] if moved else [(0, 0)]), where
            if waiting:
                assert shop.till.shifts.put_float(shop.binding).done
            if moved:
                assert shop.till.cash.available(shop.binding) == FLOAT, where
        elif act == "z":
            assert (shift is None) == bool(moved), where
        elif act == "sale":
            assert bool(shop.till.sale.basket.lines) == (moved == 0), where
            shop.till.sale.clear()
        consistent(shop, where)
    assert 0 < done < len(range(0, len(points), EVERY))
    assert shop.ledger.journal.verify(full=True) > 0
