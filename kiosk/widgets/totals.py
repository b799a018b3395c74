"""What the buyer owes: fiscal and non-fiscal parts, discounts, customer, and the total in big figures where they fit.

■ ФІСКАЛЬНИЙ  146,77   x НЕФІСК.  3,00
Знижка         12,00   Олена Коваль 5 %
РАЗОМ             ▄█  █ █  █▀▀    ▀▀█ ▀▀█
"""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from kiosk.i18n import _
from kiosk.till.basket import Basket
from kiosk.till.errors import N_
from kiosk.till.money import amount, hryvnias
from kiosk.widgets import digits, palette
from kiosk.widgets.drawing import fit, strip
from kiosk.widgets.palette import Lamp

Fact = tuple[str, str, Lamp]


class Totals(Widget):
    """Shows a basket's sums; draws again only what differs."""

    DEFAULT_CSS = """
    Totals { height: 1fr; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: tuple[Fact, ...] = ()
        self._total = 0
        self._red = False

    def show(self, basket: Basket) -> None:
        """Another state of the basket."""
        facts = self._facts_of(basket)
        if (facts, basket.rest, basket.red) != (self._facts, self._total, self._red):
            self._facts, self._total, self._red = facts, basket.rest, basket.red
            self.refresh()

    @property
    def _big(self) -> tuple[str, ...]:
        """The total in big figures, () where they do not fit."""
        rows = digits.big(hryvnias(self._total))
        room = self.size.width - len(_(TOTAL)) - 2
        return rows if self.size.height >= digits.HEIGHT + 2 and len(rows[0]) <= room else ()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        rows = self._big
        head = height - (len(rows) or 1)
        if y >= head:
            label = f" {_(TOTAL)}" if y == head else ""
            figures = rows[y - head] if rows else hryvnias(self._total)
            ink = palette.INK[Lamp.RED] if self._red else palette.STRONG
            free = width - len(label) - 1
            return strip([(label, ink), (fit(figures, free, "right"), ink), (" ", ink)])
        if y >= len(self._facts):
            return strip([(" " * width, palette.TEXT)])
        label, value, lamp = self._facts[y]
        text = fit(f" {palette.ICON[lamp]} {label}", width - len(value) - 1)
        return strip([(f"{text}{value} ", palette.INK[lamp])])

    @staticmethod
    def _facts_of(basket: Basket) -> tuple[Fact, ...]:
        red = any(not basket.is_fiscal(line) for line in basket.lines)
        if basket.order is not None:
            label = _("Debt, paid") if basket.later else _("Advance")
            return (
                (_("Order No. {number}").format(number=basket.order_number), hryvnias(basket.total), Lamp.GREEN),
                (label, hryvnias(basket.paid), Lamp.GREEN),
            )
        fiscal = (_("Fiscal"), hryvnias(basket.fiscal), Lamp.GREEN)
        return (fiscal, (_("Non-fiscal"), hryvnias(basket.nonfiscal), Lamp.RED)) if red else (fiscal,)


TOTAL = N_("TOTAL")


def buyer(basket: Basket) -> tuple[tuple[str, Style], ...]:
    """Who buys and what is off, for the input row; empty for a stranger without discounts."""
    parts: list[tuple[str, Style]] = []
    customer = basket.customer
    if customer is not None:
        percent = f" {amount(customer.discount * 10)} %" if customer.discount else ""
        parts.append((f"{customer.name[:24]}{percent} ", palette.STRONG))
    if basket.discounts:
        parts.append((f" {_('Discount')} {hryvnias(basket.discounts)} ", palette.INK[Lamp.AMBER]))
    return tuple(parts)
