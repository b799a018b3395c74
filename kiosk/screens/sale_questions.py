"""What the sale screen asks: each function puts one question and returns the answer, None for "no"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kiosk.i18n import _, fill, money
from kiosk.ledger.records import Customer, Good, StoredBasket
from kiosk.screens.screen import KioskScreen
from kiosk.till.basket import Basket, BasketLine
from kiosk.till.errors import N_
from kiosk.till.money import amount, read_money, read_quantity
from kiosk.till.rights import Grant, Right
from kiosk.till.workplace import Approval
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column


async def weight(screen: KioskScreen[Any], good: Good) -> int | None:
    """Thousandths of a weighed good: there are no scales on this line, so the weight is typed."""
    typed = await screen.ask(
        "number",
        title=good.name,
        text=fill(N_("Weight, {unit}"), {"unit": good.unit}),
        check=lambda text: read_quantity(text, whole=False),
    )
    return None if typed is None else read_quantity(typed, whole=False)


async def quantity(screen: KioskScreen[Any], line: BasketLine) -> int | None:
    """Thousandths for a line of the basket."""
    whole = not line.good.weighed
    typed = await screen.ask(
        "number",
        title=line.good.name,
        text=fill(N_("Quantity, {unit}"), {"unit": line.good.unit}),
        value=amount(line.quantity),
        check=lambda text: read_quantity(text, whole=whole),
    )
    return None if typed is None else read_quantity(typed, whole=whole)


async def good(screen: KioskScreen[Any], text: str, found: Sequence[Good]) -> Good | None:
    """A good by a part of its name; `found` are rows to begin with."""
    chosen: Good | None = await screen.ask(
        "search",
        title=_("Search by name"),
        find=screen.till.sale.search,
        show=_good_cells,
        columns=(Column(_("Goods")), Column(_("Code"), 8), Column(_("Price"), 10, "right"), Column(_("Unit"), 4)),
        text=text,
        rows=found,
    )
    return chosen


async def customer(screen: KioskScreen[Any]) -> Customer | None:
    """A customer by name or card."""
    chosen: Customer | None = await screen.ask(
        "search",
        title=_("Customer by name or card"),
        find=screen.till.sale.find_customers,
        show=_customer_cells,
        columns=(Column(_("Name")), Column(_("Card"), 13), Column("%", 6, "right")),
    )
    return chosen


async def parked(screen: KioskScreen[Any], baskets: Sequence[tuple[StoredBasket, Basket]]) -> StoredBasket | None:
    """One of the parked baskets."""
    rows = [
        (
            _("{count} lines, {total}").format(count=len(basket.lines), total=money(basket.total)),
            item.note or ", ".join(line.good.name for line in basket.lines[:2]),
        )
        for item, basket in baskets
    ]
    chosen = await screen.ask("choose", title=_("Parked baskets"), rows=rows)
    return None if chosen is None else baskets[chosen][0]


async def discount(screen: KioskScreen[Any]) -> dict[str, Any] | None:
    """Arguments for `Sale.discount`."""
    kinds = ((_("Line, percent"), ""), (_("Line, sum"), ""), (_("Whole receipt, percent"), ""))
    kind = await screen.ask("choose", title=_("Discount"), rows=kinds)
    if kind is None:
        return None
    percent = kind != 1
    typed = await screen.ask(
        "number",
        title=kinds[kind][0],
        text=_("Percent, 0 takes it away") if percent else _("Hryvnias, 0 takes it away"),
        check=lambda text: read_money(text, zero=True),
    )
    if typed is None:
        return None
    # "7,5" per cent is 750 basis points, as 7,50 hryvnias are 750 kopecks.
    return {"percent" if percent else "kopecks": read_money(typed, zero=True), "whole_receipt": kind == 2}


async def clear(screen: KioskScreen[Any], basket: Basket) -> bool:
    """Whether the whole basket is to be forgotten."""
    text = _("{count} lines, {total} will be forgotten.").format(count=len(basket.lines), total=money(basket.total))
    return bool(await screen.ask("confirm", title=_("Clear the basket?"), text=text, lamp=Lamp.AMBER))


async def approval(
    screen: KioskScreen[Any], right: Right, what: str, reasons: Sequence[str] = ()
) -> tuple[bool, Approval | None, str]:
    """(go on, the approval, the reason): asks for a PIN or a senior only where the right needs one.

    Without the right it goes on: the till itself refuses and writes it down.
    """
    needed = await screen.work(screen.till.workplace.needs, right, quiet=True)
    if needed not in (Grant.SENIOR, Grant.PIN):
        return True, None, ""
    answer = await screen.ask("approve", right=right, what=what, reasons=reasons, own=needed is Grant.PIN)
    return (False, None, "") if answer is None else (True, *answer)


def _good_cells(good: Good) -> Cells:
    lamp = Lamp.GREEN if good.fiscal else Lamp.RED
    return Cells((good.name, good.code, money(good.price), good.unit), lamp, 2)


def _customer_cells(customer: Customer) -> Cells:
    return Cells((customer.name, customer.card, amount(customer.discount * 10)))
