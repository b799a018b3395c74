"""The bar at the top of every cashier screen (cashier-flow.md, status bar): a field is two lines, touchable.

    ■ РРО        ■ Зміна    ■ ОНЛАЙН   Готівка     ■ Папір   Касир
    4000123456   03:12      Реєстр.    1 234,50    є         Олена

A third row stands below while there is something to tell (offline work), and is not there otherwise:

    ! ОФЛАЙН 01:12 · сесія ще 34:48 · місяць ще 120:10 · у черзі 17 · номерів 483

Where the width is short, fields of low rank go first, but never one that is amber or red.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets import palette
from kiosk.widgets.drawing import fit, strip
from kiosk.widgets.palette import Lamp

NARROWEST = 8


@dataclass(frozen=True)
class Field:
    """One fact. `name` is a line of the checklist; `label` and `value` are translated; rank 1 stays longest."""

    name: str
    label: str
    value: str
    lamp: Lamp = Lamp.OFF
    rank: int = 5

    @property
    def width(self) -> int:
        return max(NARROWEST, len(self.label) + 3, len(self.value) + 1)


class StatusBar(Widget):
    """Fields from left to right; `working` shows that the till is busy with a device."""

    DEFAULT_CSS = """
    StatusBar { height: 2; dock: top; width: 1fr; }
    """

    class Pressed(Message):
        """A field was touched; `name` tells which line of the checklist it belongs to."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__()
        self.fields: Sequence[Field] = ()
        self.working = ""
        self._note: tuple[Lamp, tuple[str, ...]] = (Lamp.OFF, ())
        self._shout: tuple[Lamp, tuple[str, ...]] = (Lamp.OFF, ())

    def show(self, fields: Sequence[Field]) -> None:
        """Other facts; draws only when they differ."""
        if tuple(fields) != tuple(self.fields):
            self.fields = tuple(fields)
            self.refresh()

    def work(self, text: str) -> None:
        """What the till is doing now ("" for nothing)."""
        if text != self.working:
            self.working = text
            self.refresh()

    def tell(self, lamp: Lamp, texts: Sequence[str]) -> None:
        """The third row: the widest text that fits; no text, no row."""
        if (lamp, tuple(texts)) != self._note:
            self._note = (lamp, tuple(texts))
            self._resize()

    def shout(self, lamp: Lamp, text: str) -> None:
        """A warning over the third row, until another `shout`; "" gives the row back."""
        self._shout = (lamp, (text,) if text else ())
        self._resize()

    @property
    def third(self) -> str:
        """What stands in the third row now, "" for no row."""
        lamp, texts = self._shout if self._shout[1] else self._note
        room = self.size.width - 3
        fitting = next((text for text in texts if cell_len(text) <= room), texts[-1] if texts else "")
        return f" {palette.ICON[lamp]} {fitting}" if fitting else ""

    def _resize(self) -> None:
        self.styles.height = 3 if self._note[1] or self._shout[1] else 2
        self.refresh()

    def placed(self, width: int) -> list[tuple[Field, int]]:
        """The fields that fit, each with its width; what is left over is shared."""
        kept = list(self.fields)
        while kept and sum(field.width for field in kept) > width:
            quiet = [field for field in kept if field.lamp not in (Lamp.AMBER, Lamp.RED, Lamp.PURPLE)]
            kept.remove(max(quiet or kept, key=lambda field: field.rank))
        spare = width - sum(field.width for field in kept)
        share, rest = divmod(spare, len(kept)) if kept else (0, 0)
        return [(field, field.width + share + (rest if field is kept[-1] else 0)) for field in kept]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if self.working and y == 1:
            return strip([(fit(f" … {self.working}", width), palette.BLOCK[Lamp.AMBER])])
        if y == 2:
            lamp = self._shout[0] if self._shout[1] else self._note[0]
            return strip([(fit(self.third, width), palette.BLOCK[lamp])])
        parts = []
        for field, size in self.placed(width):
            troubled = field.lamp in (Lamp.AMBER, Lamp.RED, Lamp.PURPLE)
            style = palette.BLOCK[field.lamp] if troubled else palette.BAR
            icon = palette.ICON[field.lamp] if field.lamp is not Lamp.OFF else ""
            text = f"{icon} {field.label}".strip() if y == 0 else field.value
            parts.append((" " + fit(text, size - 1), style))
        used = sum(len(text) for text, _ in parts)
        return strip([*parts, (" " * max(0, width - used), palette.BAR)])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        event.stop()
        if event.y >= 2:
            self.post_message(self.Pressed("offline"))
            return
        left = 0
        for field, size in self.placed(self.size.width):
            left += size
            if event.x < left:
                self.post_message(self.Pressed(field.name))
                return
