"""What the buyer owes: fiscal and non-fiscal parts, discounts, customer, and the total in big figures where they fit.

■ ФІСКАЛЬНИЙ  146,77   x НЕФІСК.  3,00
Знижка         12,00   Олена Коваль 5 %
РАЗОМ             ▄█  █ █  █▀▀    ▀▀█ ▀▀█
"""

from __future__ import annotations

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
        if (facts, basket.total, basket.red) != (self._facts, self._total, self._red):
            self._facts, self._total, self._red = facts, basket.total, basket.red
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
        columns = 2 if width >= 34 else 1
        shown = self._facts[y * columns : (y + 1) * columns]
        size = width // columns
        parts = []
        for label, value, lamp in shown:
            text = fit(f" {palette.ICON[lamp]} {label}".replace("   ", " "), size - len(value) - 1)
            parts.append((f"{text}{value} ", palette.INK[lamp]))
        parts.append((" " * (width - size * len(shown)), palette.TEXT))
        return strip(parts)

    @staticmethod
    def _facts_of(basket: Basket) -> tuple[Fact, ...]:
        facts: list[Fact] = [(_(N_("Fiscal")), hryvnias(basket.fiscal), Lamp.GREEN)]
        red = any(not basket.is_fiscal(line) for line in basket.lines)
        if red:
            facts.append((_(N_("Non-fiscal")), hryvnias(basket.nonfiscal), Lamp.RED))
        if basket.discounts:
            facts.append((_(N_("Discount")), hryvnias(basket.discounts), Lamp.OFF))
        if basket.customer is not None:
            percent = f"{amount(basket.customer.discount * 10)} %" if basket.customer.discount else ""
            facts.append((basket.customer.name, percent, Lamp.OFF))
        return tuple(facts)


TOTAL = N_("TOTAL")
