"""The keys of the screen along its bottom, made from the screen's bindings; each one can be touched.

    F1        F5         F6         F10
    Довідка   Перевірка  Оплатити   Замок

A key is at least 8 columns × 3 rows; where there are more than fit, the last one turns the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.strip import Strip
from textual.widget import Widget

from kiosk.i18n import _
from kiosk.widgets import palette
from kiosk.widgets.drawing import fit, strip, wrap

NARROWEST, WIDEST = 8, 16
NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "space": "Space",
    "delete": "Del",
    "insert": "Ins",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "plus": "+",
    "minus": "-",
}


def key_name(key: str) -> str:
    """`ctrl+f12` -> `Ctrl+F12`; of several keys for one action the first is shown."""
    parts = key.split(",")[0].strip().split("+")
    return "+".join(NAMES.get(part, part.capitalize() if len(part) > 1 else part.upper()) for part in parts)


@dataclass(frozen=True)
class Shown:
    """One key of the bar. `enabled` is what the screen's `check_action` says."""

    name: str
    label: str
    action: str
    enabled: bool = True


MORE = "more"


class KeyBar(Widget):
    """Draws `keys`; pressing one runs the action in the screen."""

    DEFAULT_CSS = """
    KeyBar { height: 3; min-height: 3; dock: bottom; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.keys: Sequence[Shown] = ()
        self._page = 0

    def show(self, bindings: Sequence[Binding]) -> None:
        """The bindings that want to be shown, in their order."""
        keys = []
        for binding in bindings:
            enabled = self.screen.check_action(binding.action.split("(")[0].removeprefix("screen."), ())
            if binding.show and enabled is not False:
                keys.append(Shown(key_name(binding.key), _(binding.description), binding.action, enabled is True))
        if keys != list(self.keys):
            self.keys = keys
            self.refresh()

    def placed(self, width: int) -> list[tuple[Shown, int]]:
        """The keys of the current page with their widths."""
        fit_in = max(1, width // NARROWEST)
        keys = list(self.keys)
        if len(keys) > fit_in:
            size = fit_in - 1
            pages = -(-len(keys) // size)
            start = (self._page % pages) * size
            keys = [*keys[start : start + size], Shown("···", _("More"), MORE)]
        if not keys:
            return []
        cell = min(WIDEST, width // len(keys))
        spare = width - cell * len(keys) if cell < WIDEST else 0
        return [(key, cell + (1 if index < spare else 0)) for index, key in enumerate(keys)]

    def render_line(self, y: int) -> Strip:
        parts = []
        for key, size in self.placed(self.size.width):
            # A word that is as wide as the whole cell may take the gap beside it rather than be broken.
            longest = max((len(word) for word in key.label.split()), default=0)
            wide = size if longest >= size else size - 1
            lines = wrap(key.label, wide)
            text = key.name if y == 0 else (lines[y - 1] if y <= len(lines) else "")
            style = palette.KEY if key.enabled else palette.KEY_OFF
            style = palette.KEY_NAME if y == 0 and key.enabled else style
            if y == 0:
                wide = size - 1
            parts += [(fit(text, wide, "center"), style), (" " * (size - wide), palette.TEXT)]
        used = sum(len(text) for text, _ in parts)
        return strip([*parts, (" " * max(0, self.size.width - used), palette.TEXT)]).crop(0, self.size.width)

    async def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        left = 0
        for key, size in self.placed(self.size.width):
            left += size
            if event.x < left:
                if key.action == MORE:
                    self._page += 1
                    self.refresh()
                elif key.enabled:
                    await self.screen.run_action(key.action)
                return
