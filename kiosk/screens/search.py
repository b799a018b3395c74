"""Search by a part of the name: goods or customers. Three letters are enough; nothing is asked while one types on.

Wide screens show letters and results together; on a small one the key «Клавіатура» changes between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens.screen import Dialog
from kiosk.till.errors import N_, TillError
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.letter_pad import LetterPad
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

PAUSE = 0.15
"""Seconds without a key before the till is asked."""
LEAST = 3
ROOM = 22
"""Rows of a screen that shows letters and results together."""


class SearchDialog(Dialog[Any]):
    """Answers the chosen row. `find` runs on the till thread; `show` makes a row's cells."""

    CSS_PATH = "search.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", N_("Up"), show=False, tooltip=N_("The row above")),
        Binding("down", "move(1)", N_("Down"), show=False, tooltip=N_("The row below")),
        Binding("pageup", "page(-1)", N_("Page up"), show=False, tooltip=N_("The page above")),
        Binding("pagedown", "page(1)", N_("Page down"), show=False, tooltip=N_("The page below")),
    ]

    def __init__(
        self,
        *,
        title: str,
        find: Callable[[str], Sequence[Any]],
        show: Callable[[Any], Cells],
        columns: Sequence[Column],
        text: str = "",
        rows: Sequence[Any] = (),
    ) -> None:
        super().__init__()
        self._title = title
        self._find = find
        self._show = show
        self._columns = columns
        self._text = text
        self._found = rows
        self._timer: Timer | None = None
        self._asked = text if rows else ""

    def body(self) -> ComposeResult:
        with Vertical(id="search"):
            yield Label(self._title, classes="title", markup=False)
            yield EntryLine(_("Name"), id="entry")
            with Horizontal(id="results"):
                yield Rows(self._columns, self._show, empty=_("Type three letters or more"), id="rows")
                yield PageKeys("#rows")
            yield LetterPad(id="letters")
            with Horizontal(classes="row", id="answers"):
                yield Touch(_("Back"), id="no")
                yield Touch("123", id="layer")
                yield Touch("<-", id="rub")
                yield Touch(_("Space"), id="space")
                yield Touch(_("Keyboard"), id="swap")
                yield Touch(_("Add"), id="yes", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        rows = self._rows
        rows.can_focus = False
        rows.fill(self._found, 0)
        self._entry.put(self._text)
        self._entry.focus()
        # A small screen has no room for both: the results first, the letters by their key.
        self.set_class(bool(self._found) or self.size.height < ROOM, "-results")

    @property
    def _rows(self) -> Rows[Any]:
        return self.query_one("#rows", Rows)

    @property
    def _entry(self) -> EntryLine:
        return self.query_one("#entry", EntryLine)

    @on(EntryLine.Changed)
    def _changed(self, message: EntryLine.Changed) -> None:
        message.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._ask)

    def _ask(self) -> None:
        self.run_worker(self._look(self._entry.value.strip()), exclusive=True)

    async def _look(self, text: str) -> None:
        found: Sequence[Any] = ()
        if len(text) >= LEAST:
            try:
                found = await self.work(self._find, text, quiet=True)
            except TillError:
                found = ()
        if text == self._entry.value.strip():
            self._asked = text
            self._found = found
            self._rows.fill(found, 0)

    @on(EntryLine.Submitted)
    async def _submitted(self, message: EntryLine.Submitted) -> None:
        """Enter takes the row under the cursor, of what is typed now and not of a moment ago."""
        message.stop()
        text = message.text.strip()
        if text != self._asked:
            await self._look(text)
        self._take()

    def _take(self) -> None:
        current = self._rows.current
        if current is None:
            self.app.bell()
        else:
            self.dismiss(current)

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self._take()

    @on(LetterPad.Typed)
    def _letter(self, message: LetterPad.Typed) -> None:
        message.stop()
        self._entry.type(message.character)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        key = message.touch.id
        if key == "no":
            self.action_back()
        elif key == "rub":
            self._entry.rub_out()
        elif key == "space":
            self._entry.type(" ")
        elif key == "swap":
            self.toggle_class("-results")
        elif key == "layer":
            pad = self.query_one("#letters", LetterPad)
            pad.turn()
            message.touch.label = pad.next_layer
        else:
            self._take()

    def action_move(self, by: int) -> None:
        self._rows.action_move(by)

    def action_page(self, pages: int) -> None:
        self._rows.action_page(pages)
