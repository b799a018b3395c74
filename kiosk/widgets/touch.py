"""One key on the screen: acts on MouseDown or Enter, at least 3 rows × 8 columns."""

from __future__ import annotations

from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import label_lines, strip


class Touch(Widget, can_focus=True):
    """A touch target. Class `-main` is the expected next step (green), `-danger` what cannot be undone (red)."""

    DEFAULT_CSS = """
    Touch { height: 3; min-height: 3; min-width: 8; width: 1fr; }
    """

    label: reactive[str] = reactive("")

    class Pressed(Message):
        """The key was pressed; `touch.id` tells which."""

        def __init__(self, touch: Touch) -> None:
            super().__init__()
            self.touch = touch

        @property
        def control(self) -> Touch:
            return self.touch

    def __init__(self, label: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.set_reactive(Touch.label, label)

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        text = label_lines(self.label, max(1, width - 3), height)[y]
        style = self._style()
        mark = (">", "<") if self.has_focus and y == height // 2 else (" ", " ")
        return strip([(f"{mark[0]}{text}{mark[1]}", style), (" ", palette.TEXT)])

    def _style(self) -> Style:
        if self.disabled:
            return palette.KEY_OFF
        if self.has_focus:
            return palette.CURSOR
        if self.has_class("-main"):
            return palette.MAIN
        return palette.DANGER if self.has_class("-danger") else palette.KEY

    def watch_has_focus(self, _has_focus: bool) -> None:
        self.refresh()

    def watch_disabled(self, disabled: bool) -> None:
        super().watch_disabled(disabled)
        self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        self.press()

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            self.press()

    def press(self) -> None:
        """As if it were touched."""
        if not self.disabled:
            self.post_message(self.Pressed(self))
