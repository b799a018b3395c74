"""A message card in a state's colour: icon, word, text. As tall as its text."""

from __future__ import annotations

from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from kiosk.i18n import _
from kiosk.widgets import palette
from kiosk.widgets.drawing import fit, strip, wrap
from kiosk.widgets.palette import Lamp


class Banner(Widget):
    """Hidden while it has no text."""

    DEFAULT_CSS = """
    Banner { height: auto; width: 1fr; display: none; }
    Banner.-shown { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lamp = Lamp.OFF
        self.text = ""
        self.word = ""

    def say(self, lamp: Lamp, text: str, word: str | None = None) -> None:
        """Show a translated text; `word` replaces the state's own word ("" for none). An empty text hides the card."""
        self.lamp = lamp
        self.text = text
        self.word = _(palette.WORD[lamp]) if word is None else word
        self.set_class(bool(text), "-shown")
        self.refresh(layout=True)

    def clear(self) -> None:
        self.say(Lamp.OFF, "")

    def _lines(self, width: int) -> list[str]:
        head = f"{palette.ICON[self.lamp]} {self.word}".strip()
        text = f"{head} · {self.text}" if self.word else f"{head} {self.text}".strip()
        return wrap(text, max(1, width - 2))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render_line(self, y: int) -> Strip:
        lines = self._lines(self.size.width)
        text = lines[y] if y < len(lines) else ""
        return strip([(" " + fit(text, self.size.width - 1), palette.BLOCK[self.lamp])])
