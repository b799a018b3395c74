"""A keyboard for fingers: 32 keys of at least 8 × 3 cells, in three layers that one key turns.

Ґ shares the key of Г: searches fold it, and codes and slips have no Ґ.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import label_lines, strip

COLUMNS, ROWS = 8, 4
UKRAINIAN = tuple("абвгдеєжзиіїйклмнопрстуфхцчшщьюя")
LATIN = (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "-", ".", "/", "'", "*", ",")
DIGITS = ("7", "8", "9", *" " * 5, "4", "5", "6", *" " * 5, "1", "2", "3", *" " * 5, "0", ",", "*", *" " * 5)
LAYERS: tuple[tuple[str, Sequence[str]], ...] = (("АБВ", UKRAINIAN), ("123", DIGITS), ("ABC", LATIN))


class LetterPad(Widget):
    """Posts `Typed` on MouseDown; the field that takes the letters keeps the focus."""

    DEFAULT_CSS = """
    LetterPad { width: 1fr; height: 12; min-height: 12; }
    """

    class Typed(Message):
        """One character."""

        def __init__(self, character: str) -> None:
            super().__init__()
            self.character = character

    def __init__(
        self, page: int = 0, *, layers: Sequence[tuple[str, Sequence[str]]] = LAYERS, id: str | None = None
    ) -> None:
        """`layers`: name and 32 keys each; other layers than the usual ones show their letters as they are."""
        super().__init__(id=id)
        self.page = page
        self._layers = layers

    @property
    def next_layer(self) -> str:
        """What `turn` shows next, for the label of the key that turns."""
        return self._layers[(self.page + 1) % len(self._layers)][0]

    def turn(self) -> None:
        """The next layer."""
        self.page = (self.page + 1) % len(self._layers)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        keys = self._layers[self.page][1]
        height = max(1, self.size.height // ROWS)
        row, inner = divmod(y, height)
        width = self.size.width // COLUMNS
        if row >= ROWS or inner == height - 1:
            return strip([(" " * self.size.width, palette.TEXT)])
        parts = []
        for key in keys[row * COLUMNS : (row + 1) * COLUMNS]:
            text = label_lines(key.upper() if self._layers is LAYERS else key, width - 1, height - 1)[inner]
            parts += [(text, palette.KEY if key != " " else palette.TEXT), (" ", palette.TEXT)]
        return strip([*parts, (" " * (self.size.width - COLUMNS * width), palette.TEXT)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        row = min(event.y // max(1, self.size.height // ROWS), ROWS - 1)
        column = min(event.x // max(1, self.size.width // COLUMNS), COLUMNS - 1)
        key = self._layers[self.page][1][row * COLUMNS + column]
        if key != " ":
            self.post_message(self.Typed(key))
