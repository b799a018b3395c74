"""A till in a process of its own that kills itself at a numbered point of an act; started by `test_kill.py`.

A point is one side of a write: to the registrar's line, to the journal, to the books.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers.links.wire import RecordedLink
from kiosk.ledger.journal import BindingJournal
from kiosk.ledger.receipts import SqlReceipts
from kiosk.ledger.shifts import SqlShifts
from kiosk.till.till import Till
from tests.till.shop.rig import Shop

BOOKS = ("begin", "add_document", "settle_document", "finish")
SIDES = ("before", "after")


class Points:
    """Counts the points of an act and kills the process at one of them; `path` gets their names."""

    def __init__(self, at: int, path: Path) -> None:
        self._at = at
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        self._count = 0
        self.armed = False

    def reach(self, name: str) -> None:
        if not self.armed:
            return
        os.write(self._file, f"{name}\n".encode())
        if self._count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1

    def watch(self, owner: type, name: str, label: str) -> None:
        """Both sides of a method become points."""
        real: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self.reach(f"before {label}")
            answer = real(*arguments, **named)
            self.reach(f"after {label}")
            return answer

        setattr(owner, name, watched)


def run(folder: str, url: str, act: str, at: int, path: str) -> None:
    """Do an act with the shop's data and die at the point `at` (-1: live)."""
    points = Points(at, Path(path))
    points.watch(RecordedLink, "write", "wire")
    points.watch(BindingJournal, "intent", "intent")
    points.watch(BindingJournal, "outcome", "outcome")
    points.watch(SqlShifts, "close", "close")
    for name in BOOKS:
        points.watch(SqlReceipts, name, name)
    shop = Shop(Path(folder), url)
    shop.till.people.login_badge("BADGE-2222")
    points.armed = True
    ACTS[act](shop.till, shop)
    points.armed = False
    shop.close()


def sell(till: Till, shop: Shop) -> None:
    shop.sell("2*1", "2")


def refund(till: Till, shop: Shop) -> None:
    sale = next(sale for sale in till.refunds.recent() if any(line.returned < line.quantity for line in sale.lines))
    line = next(line for line in sale.lines if line.returned < line.quantity)
    draft = till.refunds.take(till.refunds.draft(sale.id), line.id or 0, 1000)
    till.refunds.checks(draft)
    till.refunds.refund(draft, reason="Goods of poor quality")


def cash_in(till: Till, shop: Shop) -> None:
    till.cash.put_in(shop.binding, 12_300)


def cash_out(till: Till, shop: Shop) -> None:
    till.cash.take_out(shop.binding, 4_500)


def z(till: Till, shop: Shop) -> None:
    till.closing.z(shop.binding, counted=1)


ACTS: dict[str, Callable[[Till, Shop], None]] = {
    "sale": sell, "refund": refund, "cash_in": cash_in, "cash_out": cash_out, "z": z,
}  # fmt: skip
