"""The payment window's figures: what is due, what came in cash and by card, what is left, and the change in huge type.

ДО СПЛАТИ
   ▄█  █ █  ...
> Готівка отримано          200,00
  Картка                         -
  Заокруглення                0,03
  Залишилось                  0,00
РЕШТА
   ▄█  █▀█ █▀█ ...
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.i18n import _
from kiosk.till.errors import N_
from kiosk.till.money import hryvnias
from kiosk.till.payment import Quote
from kiosk.widgets import digits, palette
from kiosk.widgets.drawing import fit, strip
from kiosk.widgets.palette import Lamp

CASH, CARD = "cash", "card"
TYPED = re.compile(r"\d{0,7}(?:[.,]\d{0,2})?", re.ASCII)
"""What a sum may look like while it is typed: up to 9 999 999 hryvnias, two decimals."""
TALL = 13
DUE, CHANGE, REST = N_("TO PAY"), N_("CHANGE"), N_("STILL TO PAY")


@dataclass(frozen=True)
class Figures:
    """What is shown. `typed` is the text of the active field, None while nothing was typed there."""

    quote: Quote
    field: str = CASH
    cash: str = ""
    card: str = ""


class PaymentView(Widget, can_focus=True):
    """Takes the figures' keys: digits, comma, Backspace, Enter; the rest is the screen's."""

    DEFAULT_CSS = """
    PaymentView { height: 1fr; width: 1fr; }
    """

    class Typed(Message):
        """`key` is a digit, "," or "backspace"."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Entered(Message):
        """Enter."""

    def __init__(self, figures: Figures, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.figures = figures
        self.note: tuple[str, str] | None = None
        """A row of its own, translated label and sum: an advance, or what was paid before."""

    def show(self, figures: Figures) -> None:
        """Other figures."""
        if figures != self.figures:
            self.figures = figures
            self.refresh()

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            self.post_message(self.Entered())
        elif event.key == "backspace":
            self.post_message(self.Typed("backspace"))
        elif event.character and event.character in "0123456789,.":
            self.post_message(self.Typed("," if event.character == "." else event.character))
        else:
            return
        event.stop()
        event.prevent_default()

    # -- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        quote = self.figures.quote
        tall = self.size.height >= TALL
        if tall:
            if y == 0:
                return strip([(fit(f" {_(DUE)}", width), palette.QUIET)])
            if y <= digits.HEIGHT:
                return self._big(quote.due, y - 1, width, palette.STRONG)
            y -= digits.HEIGHT + 2
        elif y == 0:
            return self._row(_(DUE), hryvnias(quote.due), width)
        else:
            y -= 1
        if y < 0:
            return strip([(" " * width, palette.TEXT)])
        rows = self._fields(tall=tall)
        if y < len(rows):
            return rows[y]
        y -= len(rows)
        owed = quote.rest > 0
        label = _(REST) if owed else _(CHANGE)
        style = palette.INK[Lamp.AMBER] if owed else palette.INK[Lamp.GREEN]
        if tall:
            if y == 0:
                return strip([(fit(f" {label}", width), style)])
            y -= 1
        if y < digits.HEIGHT:
            return self._big(quote.rest or quote.change, y, width, style, "" if tall else label)
        return strip([(" " * width, palette.TEXT)])

    def _fields(self, *, tall: bool) -> list[Strip]:
        width = self.size.width
        figures = self.figures
        quote = figures.quote
        cash = figures.cash or (hryvnias(quote.received) if quote.received else "-")
        card = figures.card if figures.field == CARD else (hryvnias(quote.card) if quote.card else "-")
        rows = [
            self._row(_("Cash received"), cash, width, CASH),
            self._row(_("Card"), card or "-", width, CARD),
        ]
        if quote.rounding or tall:
            rows.append(self._row(_("Rounding"), hryvnias(quote.rounding), width))
        if self.note is not None and (tall or not quote.rounding):
            rows.append(self._row(*self.note, width))
        elif tall:
            rows.append(self._row(_("Total"), hryvnias(quote.total), width))
        elif not quote.rounding:
            rows.append(strip([(" " * width, palette.TEXT)]))
        return rows

    def _row(self, label: str, value: str, width: int, field: str = "") -> Strip:
        here = bool(field) and self.figures.field == field
        style = palette.CURSOR if here else palette.TEXT
        mark = ">" if here else " "
        text = f"{mark} {label}"
        return strip([(fit(text, width - len(value) - 2), style), (f" {value}", style), (" ", style)])

    def _big(self, kopecks: int, row: int, width: int, style: object, label: str = "") -> Strip:
        rows = digits.big(hryvnias(kopecks))
        head = f" {label}" if row == 0 else ""
        if len(rows[0]) > width - 2 - len(label):
            plain = f"{hryvnias(kopecks)} " if row == 1 else ""
            return strip([(head, style), (fit(plain, width - len(head), "right"), style)])  # type: ignore[list-item]
        return strip([(head, style), (fit(f"{rows[row]} ", width - len(head), "right"), style)])  # type: ignore[list-item]
