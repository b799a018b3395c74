"""F1: the keys of the screen beneath, made from its bindings and never typed by hand (cashier-flow.md IV-23)."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens.screen import Dialog
from kiosk.widgets.key_bar import key_name
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch


def lines(keys: Sequence[Binding]) -> list[tuple[str, str]]:
    """(key, what it does) as F1 shows it."""
    return [(key_name(binding.key), _(binding.tooltip or binding.description)) for binding in keys]


class HelpDialog(Dialog[None]):
    """The key map of one screen."""

    CSS_PATH = "dialogs.tcss"

    def __init__(self, *, keys: Sequence[Binding], title: str = "") -> None:
        super().__init__()
        self._lines = lines(keys)
        self._title = title

    def body(self) -> ComposeResult:
        with Vertical(id="card", classes="-tall"):
            heading = f"{_('Keys')}: {self._title}" if self._title else _("Keys")
            yield Label(heading, classes="title", markup=False)
            with Horizontal(id="list"):
                yield Rows([Column("", 13), Column("")], Cells, id="rows")
                yield PageKeys("#rows")
            with Horizontal(classes="row answers"):
                yield Touch(_("Back"), id="no")

    def on_mount(self) -> None:
        rows = self.query_one("#rows", Rows)
        rows.fill(self._lines)
        rows.focus()

    def action_help(self) -> None:
        self.action_back()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_back()
