"""One exchange in full, or a report: lines to be read, with nothing left out and nothing cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens.screen import KioskScreen
from kiosk.till.errors import N_
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows

INDENT = "    "
"""How the rest of a long line begins."""


class EvidenceItemScreen(KioskScreen[None]):
    """The lines, wrapped to the screen's width."""

    CSS_PATH = "evidence.tcss"
    TITLE = N_("What was sent and answered")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "back", N_("Back"), tooltip=N_("Back to the screen before")),
    ]

    def __init__(self, *, lines: Sequence[str], number: int) -> None:
        super().__init__()
        self._lines = list(lines)
        self._number = number

    def body(self) -> ComposeResult:
        title = f"{self.name_on_screen} · {self._number}" if self._number else _("Absence report")
        yield Label(title, classes="title", markup=False)
        with Horizontal(id="list"):
            yield Rows([Column("")], lambda line: Cells((line,)), id="rows")
            yield PageKeys("#rows")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#rows", Rows).focus()

    def on_resize(self) -> None:
        rows = self.query_one("#rows", Rows)
        width = max(20, rows.size.width - 1)
        rows.fill([part for line in self._lines for part in wrapped(line, width)])

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    def action_back(self) -> None:
        self.dismiss(None)


def wrapped(line: str, width: int) -> list[str]:
    """A line in parts of at most `width` characters; bytes and long values are cut anywhere, nothing is dropped."""
    parts = [line[:width]]
    rest = line[width:]
    while rest:
        parts.append(INDENT + rest[: width - len(INDENT)])
        rest = rest[width - len(INDENT) :]
    return parts
