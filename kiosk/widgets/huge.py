"""A label and a sum in huge figures."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from kiosk.till.money import hryvnias
from kiosk.widgets import digits, palette
from kiosk.widgets.drawing import fit, strip
from kiosk.widgets.palette import Lamp


class Huge(Widget):
    """Three rows of figures in the middle, the label on its left."""

    DEFAULT_CSS = """
    Huge { height: 3; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.label = ""
        self.kopecks = 0

    def show(self, label: str, kopecks: int) -> None:
        """Another translated label and sum."""
        if (label, kopecks) != (self.label, self.kopecks):
            self.label, self.kopecks = label, kopecks
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        rows = digits.big(hryvnias(self.kopecks))
        style = palette.INK[Lamp.GREEN]
        label = f"  {self.label}  " if y == 1 else " " * (len(self.label) + 4)
        figures = rows[y] if y < len(rows) else ""
        if len(rows[0]) > width - len(label):
            figures = hryvnias(self.kopecks) if y == 1 else ""
        return strip([(label, style), (fit(figures, width - len(label)), style)])
