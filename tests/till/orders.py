"""A promise of goods that is paid in several receipts, on any shop of the till's tests."""

from __future__ import annotations

from typing import Any

from kiosk.ledger.records import Good
from kiosk.till.payment import Wish
from kiosk.till.sale import Paid
from tests.till.shop.rig import Shop

SOFA = Good(0, "70", "Диван", 80_000, 1, barcode="4820000000703", tax="А", stock=5_000)
LAMP = Good(0, "71", "Лампа", 10_000, 1, barcode="4820000000710", tax="Б", stock=5_000)
COGNAC = Good(
    0,
    "72",
    "Коньяк 0,5 л",
    50_000,
    1,
    barcode="4820000000727",
    tax="А",
    uktzed="2208201200",
    excisable=True,
    stock=9_000,
)
PROMISE = ("4820000000703", "2*4820000000710")
"""1 000.00: a sofa and two lamps."""


def furnish(shop: Shop) -> None:
    shop.ledger.goods.put([SOFA, LAMP, COGNAC])


def order(shop: Shop, amount: int = 30_000, *, codes: tuple[str, ...] = PROMISE, **more: Any) -> Paid:
    """An advance (or a first part) on the promise, in cash."""
    for code in codes:
        shop.till.sale.enter(code)
    wish = Wish(amount, **more)
    return shop.till.advances.pay(wish, received=shop.till.sale.quote(part=amount).cash_due)


def settle(shop: Shop, number: str) -> Paid:
    """The order's rest, in cash."""
    take(shop, number)
    return shop.till.advances.pay(received=shop.till.sale.quote().cash_due)


def take(shop: Shop, number: str) -> None:
    (found,) = shop.till.advances.open_orders(number)
    shop.till.advances.take_in_hand(found.id)
