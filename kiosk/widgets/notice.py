"""What the last entry did, in a place of its own: two rows that are always there, so that nothing moves."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import fit, strip, wrap
from kiosk.widgets.palette import Lamp


class Notice(Widget):
    """`say` shows a translated text; red and amber ones fill their rows, the others are quiet."""

    DEFAULT_CSS = """
    Notice { height: 2; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lamp = Lamp.OFF
        self.text = ""
        self.advice = ""

    def say(self, lamp: Lamp, text: str, advice: str = "") -> None:
        """Another message; "" for none. The advice begins a row of its own where there is room."""
        if (lamp, text, advice) != (self.lamp, self.text, self.advice):
            self.lamp, self.text, self.advice = lamp, text, advice
            self.refresh()

    def clear(self) -> None:
        self.say(Lamp.OFF, "")

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        rows = self._rows(max(1, width - 4))
        text = rows[y] if y < len(rows) else ""
        loud = self.lamp in (Lamp.AMBER, Lamp.RED, Lamp.PURPLE)
        style: Style = palette.BLOCK[self.lamp] if loud else palette.INK[self.lamp]
        if not loud and y > 0:
            style = palette.QUIET
        icon = palette.ICON[self.lamp] if y == 0 and self.text else " "
        return strip([(fit(f" {icon} {text}", width), style if self.text else palette.TEXT)])

    def _rows(self, width: int) -> list[str]:
        text = wrap(self.text, width)
        if len(text) < self.size.height:
            text += wrap(self.advice, width) if self.advice else []
        return text
