"""A line of text; by touch alone, or by arrows and Enter on an empty line, one of the offered texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Input, Label

from kiosk.i18n import _, explain
from kiosk.screens.screen import Dialog
from kiosk.till.errors import TillError
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, Rows
from kiosk.widgets.touch import Touch

LENGTH = 120


class AskText(Dialog[str]):
    """Answers the text, stripped. `offers` are translated texts that one tap takes; `check` may raise `TillError`."""

    CSS_PATH = "dialogs.tcss"

    def __init__(
        self,
        *,
        title: str,
        text: str = "",
        value: str = "",
        offers: Sequence[str] = (),
        empty: bool = False,
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._value = value
        self._offers = list(offers)
        self._empty = empty
        self._check = check

    def body(self) -> ComposeResult:
        with Vertical(id="card"):
            yield Label(self._title, classes="title", markup=False)
            yield Label(self._text, classes="quiet", markup=False)
            if self._offers:
                yield Rows([Column("")], lambda offer: Cells((offer,)), tall=True, id="offers")
            yield Input(self._value, id="value", max_length=LENGTH)
            yield Banner(id="wrong")
            with Horizontal(classes="row answers"):
                yield Touch(_("Back"), id="no")
                yield Touch(_("Accept"), id="yes", classes="-main")

    def on_mount(self) -> None:
        field = self.query_one("#value", Input)
        field.cursor_blink = False
        field.focus()
        for rows in self.query("#offers").results(Rows):
            rows.styles.height = min(3 * len(self._offers), 6)
            rows.fill(self._offers)

    def on_key(self, event: Key) -> None:
        """The arrows walk through the offers while the line has the focus."""
        for rows in self.query("#offers").results(Rows):
            if event.key in ("up", "down") and not rows.has_focus:
                event.stop()
                rows.action_move(-1 if event.key == "up" else 1)

    @on(Rows.Chosen)
    def _offer(self, message: Rows.Chosen) -> None:
        message.stop()
        self._accept(self._offers[message.index])

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self._accept(message.value)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "yes":
            self._accept(self.query_one("#value", Input).value)
        else:
            self.action_back()

    def _accept(self, value: str) -> None:
        value = value.strip()
        wrong = ""
        for rows in self.query("#offers").results(Rows):
            value = value or rows.current or ""
        if not value and not self._empty:
            wrong = _("Type a text")
        elif self._check is not None:
            try:
                self._check(value)
            except TillError as error:
                wrong = ". ".join(part for part in explain(error) if part)
        if wrong:
            self.query_one("#wrong", Banner).say(Lamp.RED, wrong, "")
            self.app.bell()
        else:
            self.dismiss(value)
