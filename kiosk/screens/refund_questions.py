"""Questions that lead a return to its sale: which day or sum, which customer, which goods without a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from drivers.clock import kyiv
from drivers.document import PaymentForm
from kiosk.i18n import _, moment, money, sum_of
from kiosk.ledger.records import Customer, Good, Receipt
from kiosk.screens.asking import Permit, permit
from kiosk.screens.screen import KioskScreen
from kiosk.till.errors import N_
from kiosk.till.money import read_money
from kiosk.till.rights import Right
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells

WITHOUT = (
    N_("The receipt is lost, the buyer is known"),
    N_("The receipt is unreadable"),
    N_("The manager allowed it"),
)
BY_SUM = 3
"""Place of "By the sum" among the offers of `day_or_sum`."""


@dataclass(frozen=True)
class Traced:
    """A sale that was found by what comes back, without its receipt."""

    sale: Receipt
    good: Good
    given: Permit


def sale_cells(sale: Receipt) -> Cells:
    """One sale of the list: number, time, sum, means, and whether all or a part of it came back already."""
    rest = any(line.returned < line.quantity for line in sale.lines)
    back = "" if rest and not any(line.returned for line in sale.lines) else _("part") if rest else _("returned")
    means = "+".join(dict.fromkeys(_short(payment.form) for payment in sale.payments))
    texts = (str(sale.number), f"{kyiv(sale.at):%d.%m %H:%M}", money(sale.due), means, back)
    return Cells(texts, Lamp.OFF if rest else Lamp.RED, None if not rest else 4)


async def by_day_or_sum(screen: KioskScreen[Any]) -> Sequence[Receipt] | None:
    """Ctrl+F11: sales of today, since yesterday, of a week, or of one sum. None: the person gave up."""
    now = screen.till.workplace.clock.now()
    midnight = kyiv(now).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = [(_("Today"), ""), (_("Since yesterday"), ""), (_("A week"), ""), (_("By the sum"), "")]
    index = await screen.ask("choose", title=_("Select receipt for return"), rows=rows)
    if index is None:
        return None
    if index != BY_SUM:
        since = midnight - timedelta(days=(0, 1, 7)[index])
        return await screen.work(screen.till.refunds.recent, since=since)
    typed = await screen.ask("number", title=_("Sum of the receipt"), check=read_money)
    return None if typed is None else await screen.work(screen.till.refunds.recent, total=read_money(typed))


async def customer(screen: KioskScreen[Any]) -> Customer | str | None:
    """Whose purchases to list; a sentence where nobody fits. None: the person gave up."""
    text = await screen.ask("keyboard", title=_("Customer: name or card"))
    if not text:
        return None
    found: Sequence[Customer] = await screen.work(screen.till.sale.find_customers, text)
    if not found:
        return _("No such customer")
    if len(found) == 1:
        return found[0]
    rows = [(one.name, one.card) for one in found]
    index = await screen.ask("choose", title=_("Customer"), rows=rows)
    return None if index is None else found[index]


async def without_receipt(screen: KioskScreen[Any]) -> Traced | None:
    """Ctrl+F4: right, PIN and reason; then the goods, then the sale they came from. None: the person gave up."""
    what, reasons = _("Return without a receipt"), [_(one) for one in WITHOUT]
    given = await permit(screen, Right.REFUND_WITHOUT_RECEIPT, what, reasons)
    if given is None:
        return None
    text = await screen.ask("keyboard", title=_("Goods that come back: barcode, article or name"), layer=1)
    if not text:
        return None
    helped = {"reason": given.reason, "approval": given.approval}
    goods: Sequence[Good] = await screen.work(screen.till.refunds.goods, text, **helped)
    index = 0
    if len(goods) > 1:
        index = await screen.ask("choose", title=_("Goods"), rows=[(good.name, money(good.price)) for good in goods])
        if index is None:
            return None
    sales: Sequence[Receipt] = await screen.work(screen.till.refunds.sales_of, goods[index], **helped)
    word = _("receipt")
    rows = [(f"{word} {sale.number}, {moment(sale.at)}", sum_of(sale.due)) for sale in sales]
    chosen = await screen.ask("choose", title=_("Which sale did it come from?"), rows=rows)
    return None if chosen is None else Traced(sales[chosen], goods[index], given)


def _short(form: PaymentForm) -> str:
    return _("cash") if form is PaymentForm.CASH else _("card")
