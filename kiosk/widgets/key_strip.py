"""Touch keys side by side in one widget: a scan must repaint few widgets (kiosk-platform.md §1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import label_lines, strip


@dataclass(frozen=True)
class StripKey:
    """One key. `name` tells which; `label` is translated; `main` is the expected next step."""

    name: str
    label: str
    main: bool = False
    off: bool = False
    """Dim: pressing it tells why it cannot be used."""


class KeyStrip(Widget):
    """Keys of equal width over the whole height; acts on MouseDown."""

    DEFAULT_CSS = """
    KeyStrip { height: 100%; min-height: 3; }
    """

    class Pressed(Message):
        """A key was touched."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, keys: Sequence[StripKey], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.keys = tuple(keys)

    def show(self, keys: Sequence[StripKey]) -> None:
        """Other keys; draws only when they differ."""
        if tuple(keys) != self.keys:
            self.keys = tuple(keys)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        size = width // len(self.keys)
        parts = []
        for key in self.keys:
            style = palette.KEY_OFF if key.off else palette.MAIN if key.main else palette.KEY
            parts += [(label_lines(key.label, size - 1, height)[y], style), (" ", palette.TEXT)]
        return strip([*parts, (" " * (width - size * len(self.keys)), palette.TEXT)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        size = max(1, self.size.width // len(self.keys))
        self.post_message(self.Pressed(self.keys[min(event.x // size, len(self.keys) - 1)].name))
