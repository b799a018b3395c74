"""The lines of the basket: one widget, drawn by rows, so that a scan repaints one row (kiosk-platform.md §1.2).

     № Товар                      К-сть Од      Ціна Знижка       Сума Чек    П
     1 Молоко 2,5 % 900 г             2 шт     45,90           91,80 ■ ФІСК А
    >2 Сир твердий                0,275 кг    199,90           54,97 ■ ФІСК Б
     3 Пакет                          1 шт      3,00            3,00 x НЕФ.

Where the width is short the unit joins the quantity and the discount becomes a mark before the sum.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.i18n import _
from kiosk.till import stamps
from kiosk.till.basket import Basket, BasketLine
from kiosk.till.errors import N_
from kiosk.till.money import amount, hryvnias
from kiosk.widgets import palette
from kiosk.widgets.drawing import fit, strip
from kiosk.widgets.palette import Lamp

SHORT = {Lamp.GREEN: N_("FISC"), Lamp.AMBER: N_("OFFL"), Lamp.RED: N_("NON-F")}
"""The lamp's word in a line, message ids: four or five letters."""
GOODS, WORD = N_("Goods"), N_("Lamp")
LAMP = 6
WIDE = 76
"""From this many columns on, unit and discount have columns of their own."""


@dataclass(frozen=True)
class Cell:
    """One column: message id of its title, width, side."""

    title: str
    width: int
    right: bool = False


NUMBER, QUANTITY, UNIT = Cell(N_("No."), 3, True), Cell(N_("Qty"), 7, True), Cell(N_("Unit"), 3)
PRICE, DISCOUNT, SUM = Cell(N_("Price"), 9, True), Cell(N_("Discount"), 7, True), Cell(N_("Sum"), 10, True)
TAX = Cell(N_("T"), 1)


class ReceiptView(Widget):
    """Shows a basket; `show` repaints only the rows that changed. A tap posts `Picked`."""

    DEFAULT_CSS = """
    ReceiptView { height: 1fr; width: 1fr; }
    """

    class Picked(Message):
        """A line was touched."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        """`empty` is the translated text of an empty basket."""
        super().__init__(id=id)
        self._empty = empty
        self._basket: Basket | None = None
        self._top = 0

    # -- content --------------------------------------------------------------------------------------------------

    def show(self, basket: Basket) -> None:
        """Another state of the basket; the current line is kept in sight."""
        old, self._basket = self._basket, basket
        scrolled = self._keep_in_sight()
        if old is None or scrolled or old.customer != basket.customer or old.red != basket.red:
            self.refresh()
            return
        most = max(len(old.lines), len(basket.lines))
        for index in range(self._top, min(most, self._top + self.page)):
            before = old.lines[index] if index < len(old.lines) else None
            after = basket.lines[index] if index < len(basket.lines) else None
            cursor_moved = old.current != basket.current and index in (old.current, basket.current)
            if before is not after or cursor_moved:
                self.refresh(Region(0, 1 + index - self._top, self.size.width, 1))
        if bool(old.lines) != bool(basket.lines):
            self.refresh()

    @property
    def page(self) -> int:
        """Lines that fit at once, under the titles."""
        return max(1, self.size.height - 1)

    @property
    def top(self) -> int:
        """Index of the first line in sight."""
        return self._top

    def _keep_in_sight(self) -> bool:
        if self._basket is None:
            return False
        old = self._top
        current = self._basket.current
        if current < self._top:
            self._top = current
        elif current >= self._top + self.page:
            self._top = current - self.page + 1
        self._top = max(0, min(self._top, len(self._basket.lines) - self.page))
        return self._top != old

    def on_resize(self) -> None:
        self._keep_in_sight()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        index = self._top + event.y - 1
        if self._basket is not None and event.y > 0 and index < len(self._basket.lines):
            self.post_message(self.Picked(index))

    # -- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return strip([(fit(self._titles(width), width), palette.QUIET)])
        basket = self._basket
        index = self._top + y - 1
        if basket is None or index >= len(basket.lines):
            text = self._empty if y == 1 and (basket is None or not basket.lines) else ""
            return strip([(fit(f"    {text}", width), palette.QUIET)])
        return self._line(basket, index, width)

    def _line(self, basket: Basket, index: int, width: int) -> Strip:
        line = basket.lines[index]
        here = index == basket.current
        lamp = Lamp.GREEN if basket.is_fiscal(line) else Lamp.RED
        ground = palette.CURSOR if here else palette.TEXT
        number = f">{index + 1:>2}" if here else f"{index + 1:>3}"
        body = self._body(basket, line, number, width)
        word = fit(f"{palette.ICON[lamp]} {_(SHORT[lamp])}", LAMP)
        tax = line.good.tax[:1] if lamp is Lamp.GREEN else " "
        lit: Style = palette.BLOCK[lamp] if here else palette.INK[lamp]
        return strip([(body, ground), (" ", ground), (word, lit), (f" {tax}", ground)])

    def _body(self, basket: Basket, line: BasketLine, number: str, width: int) -> str:
        discount = basket.discount_of(line)
        paid = hryvnias(basket.sum_of(line))
        if width >= WIDE:
            shown = f"-{hryvnias(discount)}" if discount else ""
            cells = [
                fit(amount(line.quantity), QUANTITY.width, "right"),
                fit(line.good.unit, UNIT.width),
                fit(hryvnias(line.price), PRICE.width, "right"),
                fit(shown, DISCOUNT.width, "right"),
                fit(paid, SUM.width, "right"),
            ]
        else:
            cells = [
                fit(f"{amount(line.quantity)} {line.good.unit}", QUANTITY.width + 3, "right"),
                fit(hryvnias(line.price), PRICE.width, "right"),
                fit(f"%{paid}" if discount else paid, SUM.width, "right"),
            ]
        wanted = stamps.needed(line)
        name = f"[{len(line.excise)}/{wanted}] {line.good.name}" if wanted else line.good.name
        return self._laid(number, name, cells, width)

    def _titles(self, width: int) -> str:
        columns = (QUANTITY, UNIT, PRICE, DISCOUNT, SUM) if width >= WIDE else (QUANTITY, PRICE, SUM)
        narrow = width < WIDE
        cells = []
        for cell in columns:
            size = cell.width + 3 if narrow and cell is QUANTITY else cell.width
            cells.append(fit(_(cell.title), size, "right" if cell.right else "left"))
        body = self._laid(fit(_(NUMBER.title), NUMBER.width, "right"), _(GOODS), cells, width)
        return f"{body} {fit(_(WORD), LAMP)} {_(TAX.title)}"

    def _laid(self, number: str, name: str, cells: list[str], width: int) -> str:
        right = " ".join(cells)
        free = width - LAMP - 3 - len(right) - 1 - NUMBER.width - 1
        return f"{number} {fit(name, max(4, free))} {right}"
