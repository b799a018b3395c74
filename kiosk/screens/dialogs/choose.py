"""One of a list: by touch, by arrows and Enter, or by the first digits."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens.screen import Dialog
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch


class ChooseDialog(Dialog[int]):
    """Answers the index of the chosen row. `rows` are (name, detail) pairs of translated text."""

    CSS_PATH = "dialogs.tcss"

    def __init__(self, *, title: str, rows: Sequence[tuple[str, str]], text: str = "", current: int = 0) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._rows = list(rows)
        self._current = current

    def body(self) -> ComposeResult:
        with Vertical(id="card", classes="-tall"):
            yield Label(self._title, classes="title", markup=False)
            if self._text:
                yield Label(self._text, classes="quiet", markup=False)
            with Horizontal(id="list"):
                yield Rows([Column(""), Column("")], Cells, tall=True, id="rows")
                yield PageKeys("#rows")
            with Horizontal(classes="row answers"):
                yield Touch(_("Back"), id="no")
                yield Touch(_("Choose"), id="yes", classes="-main")

    def on_mount(self) -> None:
        rows = self.query_one("#rows", Rows)
        rows.fill(self._rows, self._current)
        rows.focus()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.dismiss(message.index)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "no" or not self._rows:
            self.action_back()
        else:
            self.dismiss(self.query_one("#rows", Rows).cursor)
