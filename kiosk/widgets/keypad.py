"""The number pad for fingers: digits, 00, comma, delete, clear, Enter. One widget, drawn by rows."""

from __future__ import annotations

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import label_lines, strip

COLUMNS = 4
DELETE, CLEAR, ENTER = "backspace", "clear", "enter"
MONEY = (("7", "8", "9", DELETE), ("4", "5", "6", CLEAR), ("1", "2", "3", ","), ("0", "00", ENTER, ENTER))
PIN = (("7", "8", "9", DELETE), ("4", "5", "6", CLEAR), ("1", "2", "3", ENTER), ("", "0", "", ENTER))
LABELS = {DELETE: "<-", CLEAR: "C", ENTER: "Enter"}
"""Plain ASCII: ⌫ and ⏎ are in no console font (kiosk-platform.md §2.4)."""


class Keypad(Widget):
    """Posts `Typed` on MouseDown. The field that takes the keys keeps the focus."""

    DEFAULT_CSS = """
    Keypad { width: 32; height: 12; min-width: 32; min-height: 12; }
    """

    class Typed(Message):
        """`key` is a digit, "00", ",", or one of `DELETE`, `CLEAR`, `ENTER`."""

        def __init__(self, keypad: Keypad, key: str) -> None:
            super().__init__()
            self.keypad = keypad
            self.key = key

        @property
        def control(self) -> Keypad:
            return self.keypad

    def __init__(self, keys: tuple[tuple[str, ...], ...] = MONEY, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._down: tuple[int, int] | None = None

    def _span(self, row: int) -> tuple[int, int]:
        """First line of a row of keys and the first line after it."""
        rows, height = len(self._keys), self.size.height
        return row * height // rows, (row + 1) * height // rows

    def render_line(self, y: int) -> Strip:
        width = self.size.width // COLUMNS
        row = next(row for row in range(len(self._keys)) if y < self._span(row)[1])
        top, bottom = self._span(row)
        height = bottom - top
        parts: list[tuple[str, Style]] = []
        for column, key in enumerate(self._keys[row]):
            above = row > 0 and self._keys[row - 1][column] == key
            below = row + 1 < len(self._keys) and self._keys[row + 1][column] == key
            beside = column + 1 < COLUMNS and self._keys[row][column + 1] == key
            again = above or (column > 0 and self._keys[row][column - 1] == key)
            if not key or (y == bottom - 1 and not below):
                parts.append((" " * width, palette.TEXT))
                continue
            style = palette.MAIN if key == ENTER else palette.KEY
            style = palette.CURSOR if self._down == (row, column) else style
            size = width if beside else width - 1
            label = "" if again else LABELS.get(key, key)
            parts.append((label_lines(label, size, height if below else height - 1)[y - top], style))
            parts.append(("" if beside else " ", palette.TEXT))
        return strip(parts)

    def key_at(self, x: int, y: int) -> tuple[int, int]:
        """(row, column) of the key at a cell."""
        row = next((row for row in range(len(self._keys)) if y < self._span(row)[1]), len(self._keys) - 1)
        return row, min(x * COLUMNS // max(1, self.size.width), COLUMNS - 1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self._down = self.key_at(event.x, event.y)
        key = self._keys[self._down[0]][self._down[1]]
        if key:
            self._repaint()
            self.post_message(self.Typed(self, key))

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        self._repaint()
        self._down = None

    def on_leave(self) -> None:
        self._repaint()
        self._down = None

    def _repaint(self) -> None:
        """Only the rows of the key that changed."""
        if self._down is not None:
            top, bottom = self._span(self._down[0])
            self.refresh(Region(0, top, self.size.width, bottom - top))


def edit(value: str, key: str) -> str:
    """The text of a field after a key of the pad; Enter changes nothing."""
    if key == DELETE:
        return value[:-1]
    if key == CLEAR:
        return ""
    return value if key == ENTER else value + key
