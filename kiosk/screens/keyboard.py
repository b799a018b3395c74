"""A line of letters and digits by touch alone, over the whole screen: codes, slips, notes."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens.screen import Dialog
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.letter_pad import LetterPad
from kiosk.widgets.touch import Touch


class KeyboardDialog(Dialog[str]):
    """Answers what was typed. `layer` is the first layer: 0 Ukrainian, 1 digits, 2 Latin."""

    CSS_PATH = "search.tcss"

    def __init__(self, *, title: str, value: str = "", layer: int = 0) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._layer = layer

    def body(self) -> ComposeResult:
        with Vertical(id="search"):
            yield Label(self._title, classes="title", markup=False)
            yield EntryLine(id="entry")
            yield LetterPad(self._layer, id="letters")
            with Horizontal(classes="row", id="answers"):
                yield Touch(_("Back"), id="no")
                yield Touch("", id="layer")
                yield Touch("<-", id="rub")
                yield Touch(_("Space"), id="space")
                yield Touch(_("Accept"), id="yes", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self.query_one("#layer", Touch).label = self.query_one(LetterPad).next_layer
        entry = self.query_one(EntryLine)
        entry.put(self._value)
        entry.focus()

    @on(LetterPad.Typed)
    def _letter(self, message: LetterPad.Typed) -> None:
        message.stop()
        self.query_one(EntryLine).type(message.character)

    @on(EntryLine.Submitted)
    def _submitted(self, message: EntryLine.Submitted) -> None:
        message.stop()
        self.dismiss(message.text)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        entry = self.query_one(EntryLine)
        key = message.touch.id
        if key == "no":
            self.action_back()
        elif key == "rub":
            entry.rub_out()
        elif key == "space":
            entry.type(" ")
        elif key == "layer":
            pad = self.query_one(LetterPad)
            pad.turn()
            message.touch.label = pad.next_layer
        else:
            self.dismiss(entry.value)
