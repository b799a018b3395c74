"""A till that is killed (-9, a real process) at any point finds out by itself on its next start (V-5, issue 2, item 8).

One act is done again and again on the same shop, killed at another point each time; after every kill the books, the
registrar's registers and its journal must tell the same story. A few points run always; all of them with
KASA_ALL_KILLS=1.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from drivers.document import DocumentKind
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import FiscalDocument, ReceiptState
from kiosk.till.unknown import Doubtful
from tests.till.shop import child
from tests.till.shop.conftest import Found
from tests.till.shop.rig import Shop

EVERY = 1 if os.environ.get("KASA_ALL_KILLS") else 7
"""Every so manieth point is tried."""
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.till.shop.child", "drivers.datecs.registrar", "kiosk.till.till"])
KIND = {
    "sale": "SALE", "refund": "REFUND", "cash_in": "CASH_IN", "cash_out": "CASH_OUT", "z": "Z",
}  # fmt: skip


def perform(shop: Shop, act: str, at: int, path: Path) -> list[str]:
    """Run the act in a process of its own; returns the points that it passed.

    An act may have fewer points than the one before (its goods are programmed already): then it lives to its end.
    """
    process = CONTEXT.Process(target=child.run, args=(str(shop.folder), shop.url, act, at, str(path)))
    process.start()
    process.join(60)
    passed = path.read_text().split("\n")[:-1]
    assert process.exitcode == (-signal.SIGKILL if 0 <= at < len(passed) else 0)
    process.close()
    return passed


def ready(shop: Shop) -> None:
    """A shift is open and there is something to refund."""
    shop.till.people.login_badge("BADGE-2222")
    if shop.till.shifts.current(shop.binding) is None:
        left = shop.till.shifts.left_at_close(shop.binding)
        shop.till.shifts.open(shop.binding, counted=left, float_=0)
        shop.till.cash.put_in(shop.binding, 100_000)
        shop.sold("50*1")


def picture(shop: Shop, server: EmulatorServer) -> dict[str, Any]:
    """What may not disagree: documents of each kind by the books and by the registrar, stock, what came back."""
    with shop.ledger.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT kind, count(*) FROM fiscal_documents WHERE state LIKE 'registered%%' GROUP BY kind"
        ).all()
    books = {str(row[0]): int(row[1]) for row in rows}
    journal = [entry["kind"] for entry in server.registers()["journal"]]
    return {
        "books": {name: books.get("z_report" if kind == "z" else kind, 0) for kind, name in KIND.items()},
        "registrar": {name: journal.count(name) for name in KIND.values()},
        "stock": shop.stock("1"),
    }


def wait_over(shop: Shop) -> list[Any]:
    """The next start: recover, and look that nothing is left open."""
    found = list(shop.restart().fiscal.recover())
    assert shop.ledger.receipts.unsettled() == []
    assert shop.till.unknowns.items() == []
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("act", list(KIND))
def test_a_kill_at_any_point_is_found_out_at_the_next_start(
    act: str, server: EmulatorServer, found: Found, tmp_path: Path
) -> None:
    shop = found(server)
    ready(shop)
    shop.close()
    points = perform(shop, act, -1, tmp_path / "points")
    assert len(points) > 10
    wait_over(shop)
    ready(shop)
    done = 0
    for at in range(0, len(points), EVERY):
        before = picture(shop, server)
        assert before["books"] == before["registrar"]
        shop.close()
        passed = perform(shop, act, at, tmp_path / "points")
        wait_over(shop)
        after = picture(shop, server)
        where = f"{act} killed at point {at}: {passed[-1]}"
        assert after["books"] == after["registrar"], where
        moved = after["registrar"][KIND[act]] - before["registrar"][KIND[act]]
        assert moved in (0, 1), where
        done += moved
        pieces = {"sale": -2000, "refund": 1000}.get(act, 0) * moved
        assert after["stock"] - before["stock"] == pieces, where
        shift = shop.till.shifts.current(shop.binding)
        assert (shift is None) == (act == "z" and moved == 1), where
        if act == "sale":
            basket = shop.till.sale.basket
            assert bool(basket.lines) == (moved == 0), where
            shop.till.people.login_badge("BADGE-2222")
            shop.till.sale.clear()
        ready(shop)
    # Both ends were met: points before the act and points after it.
    assert 0 < done < len(range(0, len(points), EVERY))
    assert shop.ledger.journal.verify(full=True) > 0


STEPS = (
    "before wire",  # 5: the pre-checks read the cash
    "before begin",  # 7: nothing is stored yet
    "after begin",
    "before intent",
    "after intent",
    "after wire, the receipt is closed",
    "before outcome",
    "after settle_document",  # 8: registered, stock and money not booked yet
)


@pytest.mark.timeout(120)
def test_v5_a_return_killed_at_each_of_the_steps_5_to_8_is_booked_whole_or_not_at_all(
    server: EmulatorServer, found: Found, tmp_path: Path
) -> None:
    """8 runs; while the registrar is silent the open item names how far the return went."""
    shop = found(server)
    ready(shop)
    shop.close()
    points = perform(shop, "refund", -1, tmp_path / "points")
    last_wire = max(i for i, name in enumerate(points) if name == "after wire" and i < points.index("before outcome"))
    places = [
        last_wire - 2 if step.startswith("after wire") else points.index(step) for step in STEPS
    ]  # the command before the last one closes the receipt
    told = []
    for at in places:
        wait_over(shop)
        ready(shop)
        before = picture(shop, server)
        shop.close()
        perform(shop, "refund", at, tmp_path / "points")
        server.unplug()
        shop.restart().fiscal.recover()
        items: list[Doubtful] = list(shop.till.unknowns.items())
        told.append(items[0].step if items else "")
        assert all(item.document.kind is DocumentKind.REFUND for item in items)
        server.replug()
        found_out = wait_over(shop)
        after = picture(shop, server)
        moved = after["registrar"]["REFUND"] - before["registrar"]["REFUND"]
        assert after["books"] == after["registrar"]
        assert after["stock"] - before["stock"] == 1000 * moved
        for one in found_out:
            assert not isinstance(one, FiscalDocument)
            assert (one.state is ReceiptState.DONE) == (moved == 1)
    assert told == [
        "",
        "",
        "",
        "",
        "sent to the registrar, which could not tell the outcome",
        "sent to the registrar, which could not tell the outcome",
        "sent to the registrar, which could not tell the outcome",
        "",
    ]
