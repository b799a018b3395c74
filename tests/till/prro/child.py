"""A till on a software registrar, in a process of its own that kills itself at a numbered point; see `test_kill.py`.

A point is one side of a write: to the server, to the journal, to the books, to the registrar's own memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from drivers.prro import store
from drivers.prro.client import FiscalServer
from kiosk.config import Policy
from kiosk.ledger.journal import BindingJournal
from kiosk.ledger.receipts import SqlReceipts
from kiosk.ledger.shifts import SqlShifts
from kiosk.till.rights import Right
from kiosk.till.till import Till
from tests.till.prro.rig import PASSWORD, TIN
from tests.till.shop.child import Points
from tests.till.shop.rig import Shop

BOOKS = ("begin", "add_document", "settle_document", "finish", "cancel")
POLICY = Policy(cash_rounding=50, online_opening=False)
FLOAT = 100_000


def run(folder: str, url: str, act: str, at: int, path: str) -> None:
    """Do an act with the shop's data and die at the point `at` (-1: live)."""
    points = Points(at, Path(path))
    points.watch(FiscalServer, "_post", "post")
    points.watch(cast(Any, store), "commit", "commit")
    points.watch(BindingJournal, "intent", "intent")
    points.watch(BindingJournal, "outcome", "outcome")
    for name in ("open_by", "close"):
        points.watch(SqlShifts, name, name)
    for name in BOOKS:
        points.watch(SqlReceipts, name, name)
    shop = Shop(Path(folder), url, policy=POLICY, tax_number=TIN)
    shop.till.people.login_badge("BADGE-2222")
    shop.till.keys.unlock(shop.binding, PASSWORD)
    points.armed = True
    ACTS[act](shop.till, shop)
    points.armed = False
    shop.close()


def open_(till: Till, shop: Shop) -> None:
    till.shifts.open(shop.binding, counted=FLOAT, float_=FLOAT, reason="Розмін")


def sell(till: Till, shop: Shop) -> None:
    shop.sell("2*1", "2")


def refund(till: Till, shop: Shop) -> None:
    sale = next(sale for sale in till.refunds.recent() if any(line.returned < line.quantity for line in sale.lines))
    line = next(line for line in sale.lines if line.returned < line.quantity)
    draft = till.refunds.take(till.refunds.draft(sale.id), line.id or 0, 1000)
    till.refunds.refund(draft, reason="Goods of poor quality")


def storno(till: Till, shop: Shop) -> None:
    till.stornos.cancel(
        till.stornos.last(shop.binding),
        reason="Double receipt",
        approval=till.people.approve(Right.STORNO, badge="BADGE-2222"),
    )


def z(till: Till, shop: Shop) -> None:
    till.closing.z(shop.binding, counted=1)


ACTS: dict[str, Callable[[Till, Shop], None]] = {
    "open": open_, "sale": sell, "refund": refund, "storno": storno, "z": z,
}  # fmt: skip
