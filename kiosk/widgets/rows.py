"""A list with a cursor for any number of rows: only what is seen is asked for and drawn (kiosk-platform.md §1.3).

A tap moves the cursor; a second tap on the same row, or Enter, chooses it. `tall` rows (3 lines) are touch targets by
themselves; single-line lists come with `PageKeys` beside them, big keys that move the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import fit, label_lines, strip
from kiosk.widgets.palette import Lamp

R = TypeVar("R")


@dataclass(frozen=True)
class Column:
    """One column. `width` in cells, 0 takes what is left; `title` is translated text, "" for none."""

    title: str
    width: int = 0
    align: str = "left"


@dataclass(frozen=True)
class Cells:
    """One row as it is shown. `lamp` colours the column `lit` (all of them where it is None)."""

    texts: tuple[str, ...]
    lamp: Lamp = Lamp.OFF
    lit: int | None = None


class Rows(ScrollView, Generic[R], can_focus=True):
    """A list of `R`; `show` makes the cells of one row when it is drawn."""

    DEFAULT_CSS = """
    Rows { height: 1fr; width: 1fr; scrollbar-size: 0 0; overflow: hidden hidden; }
    """
    BINDINGS = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000000)", show=False),
        Binding("end", "move(1000000000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Highlighted(Message):
        """The cursor stands on another row."""

        def __init__(self, rows: Rows[Any], index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> Rows[Any]:
            return self.rows

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Rows.Highlighted) and message.rows is self.rows

    class Chosen(Message):
        """A row was chosen with Enter or a second tap."""

        def __init__(self, rows: Rows[Any], index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> Rows[Any]:
            return self.rows

    def __init__(
        self,
        columns: Sequence[Column],
        show: Callable[[R], Cells],
        *,
        tall: bool = False,
        empty: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._show = show
        self._lines = 3 if tall else 1
        self._empty = empty
        self._top = 0
        self.rows: Sequence[R] = ()
        self.cursor = 0

    # -- content --------------------------------------------------------------------------------------------------

    def fill(self, rows: Sequence[R], cursor: int | None = None) -> None:
        """Show other rows; the cursor stays where it is unless given."""
        self.rows = rows
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(rows) - 1))
        self._keep_in_sight()
        self.refresh()

    @property
    def current(self) -> R | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def touch_row(self, index: int) -> None:
        """Draw one row again after its content changed."""
        if self._top <= index < self._top + self.page:
            y = self._head + (index - self._top) * self._lines
            self.refresh(Region(0, y, self.size.width, self._lines))

    # -- moving ---------------------------------------------------------------------------------------------------

    @property
    def page(self) -> int:
        """Rows that fit at once."""
        return max(1, (self.size.height - self._head) // self._lines)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row; an index outside is the nearest row."""
        index = max(0, min(index, len(self.rows) - 1))
        if not self.rows or index == self.cursor:
            return
        old, self.cursor = self.cursor, index
        if self._keep_in_sight():
            self.refresh()
        else:
            self.touch_row(old)
            self.touch_row(index)
        self.post_message(self.Highlighted(self, index))

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by)

    def action_page(self, pages: int) -> None:
        self.move_to(self.cursor + pages * self.page)

    def action_choose(self) -> None:
        if self.rows:
            self.post_message(self.Chosen(self, self.cursor))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        index = self._top + (event.y - self._head) // self._lines
        if event.y < self._head or index >= len(self.rows):
            return
        if index == self.cursor or self._lines > 1:
            self.move_to(index)
            self.post_message(self.Chosen(self, index))
        else:
            self.move_to(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1)

    def on_resize(self) -> None:
        self._keep_in_sight()

    def _keep_in_sight(self) -> bool:
        old = self._top
        if self.cursor < self._top:
            self._top = self.cursor
        elif self.cursor >= self._top + self.page:
            self._top = self.cursor - self.page + 1
        self._top = max(0, min(self._top, len(self.rows) - self.page))
        return self._top != old

    # -- drawing --------------------------------------------------------------------------------------------------

    @property
    def _head(self) -> int:
        return 1 if any(column.title for column in self._columns) else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self.rows)) * self._lines + self._head

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y < self._head:
            titles = tuple(column.title for column in self._columns)
            return strip([(self._laid(titles, width), palette.QUIET)])
        index, line = divmod(y - self._head, self._lines)
        index += self._top
        if index >= len(self.rows) or index - self._top >= self.page:
            text = self._empty if not self.rows and y == self._head else ""
            return strip([(fit(text, width), palette.QUIET)])
        return self._row(index, line, width)

    def _row(self, index: int, line: int, width: int) -> Strip:
        cells = self._show(self.rows[index])
        here = index == self.cursor
        ground = palette.CURSOR if here else (palette.KEY if self._lines > 1 else palette.TEXT)
        if self._lines > 1 and line == self._lines - 1:
            return strip([(" " * width, palette.TEXT)])
        if self._lines > 1 and line != 0:
            # A tall row: the first cell on its first line, the other cells together on its second.
            return strip([(fit(" " + "  ".join(text for text in cells.texts[1:] if text), width - 1), ground)])
        if self._lines > 1:
            mark = ">" if here else " "
            return strip([(fit(f"{mark}{cells.texts[0]}", width - 1), ground)])
        parts: list[tuple[str, Style]] = []
        for position, (text, column, size) in enumerate(
            zip(cells.texts, self._columns, self._widths(width), strict=False)
        ):
            lit = cells.lit is None or cells.lit == position
            style = ground if here or not lit or cells.lamp is Lamp.OFF else palette.INK[cells.lamp]
            parts += [(fit(text, size, column.align), style), (" ", ground)]
        used = sum(len(text) for text, _ in parts)
        return strip([*parts, (" " * max(0, width - used), ground)]).crop(0, width)

    def _laid(self, texts: Sequence[str], width: int) -> str:
        sizes = self._widths(width)
        laid = [fit(text, size, column.align) for text, size, column in zip(texts, sizes, self._columns, strict=False)]
        return fit(" ".join(laid), width)

    def _widths(self, width: int) -> list[int]:
        free = width - sum(column.width for column in self._columns) - len(self._columns)
        greedy = sum(1 for column in self._columns if not column.width) or 1
        return [column.width or max(4, free // greedy) for column in self._columns]


class PageKeys(Widget):
    """Four keys that move the cursor of a list beside them: page up, up, down, page down."""

    DEFAULT_CSS = """
    PageKeys { width: 8; min-width: 8; height: 1fr; }
    """
    KEYS = (("page", -1, "↑↑"), ("move", -1, "↑"), ("move", 1, "↓"), ("page", 1, "↓↓"))

    def __init__(self, rows: str, *, id: str | None = None) -> None:
        """`rows` is the selector of the list on the same screen."""
        super().__init__(id=id)
        self._rows = rows

    @property
    def _shown(self) -> tuple[tuple[str, int, str], ...]:
        """All four where they fit with 3 rows each, else the pages only."""
        return self.KEYS if self.size.height >= 12 else (self.KEYS[0], self.KEYS[3])

    def render_line(self, y: int) -> Strip:
        keys = self._shown
        height = max(1, self.size.height // len(keys))
        row, inner = divmod(y, height)
        if row >= len(keys) or inner == height - 1:
            return strip([(" " * self.size.width, palette.TEXT)])
        text = label_lines(keys[row][2], self.size.width, height - 1)[inner]
        return strip([(text, palette.KEY)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        keys = self._shown
        action, by, _ = keys[min(event.y * len(keys) // max(1, self.size.height), len(keys) - 1)]
        rows = self.screen.query_one(self._rows, Rows)
        if action == "page":
            rows.action_page(by)
        else:
            rows.action_move(by)
