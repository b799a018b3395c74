"""A number from fingers or keys: a sum, a quantity, a PIN."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from kiosk.i18n import _, explain
from kiosk.screens.screen import Dialog
from kiosk.till.errors import N_, TillError
from kiosk.widgets.banner import Banner
from kiosk.widgets.keypad import ENTER, Keypad, edit
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch

LENGTH = 16


class AskNumber(Dialog[str]):
    """Answers the text as typed. `check` may raise `TillError`: the dialog says so and stays.

    `value` is where it begins; the first digit replaces it. `secret` shows stars.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", N_("Enter"), show=False, tooltip=N_("Accept what is typed")),
    ]

    def __init__(
        self,
        *,
        title: str,
        text: str = "",
        value: str = "",
        secret: bool = False,
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._value = value
        self._secret = secret
        self._check = check
        self._fresh = bool(value)

    def body(self) -> ComposeResult:
        with Horizontal(id="card"):
            with Vertical(id="question"):
                yield Label(self._title, classes="title", markup=False)
                yield Label(self._text, classes="quiet", markup=False)
                yield Input(self._value, password=self._secret, id="value", max_length=LENGTH, select_on_focus=True)
                yield Banner(id="wrong")
                yield Touch(_("Back"), id="no")
            yield Keypad()

    def on_mount(self) -> None:
        field = self.query_one("#value", Input)
        field.cursor_blink = False
        field.focus()

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        field = self.query_one("#value", Input)
        if message.key == ENTER:
            self.action_enter()
            return
        begin = "" if self._fresh and message.key.isdigit() else field.value
        self._fresh = False
        field.value = edit(begin, message.key)[:LENGTH]
        field.cursor_position = len(field.value)

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if message.value != self._value:
            self._fresh = False
        self.query_one("#wrong", Banner).clear()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_enter()

    @on(Touch.Pressed, "#no")
    def _no(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_back()

    def action_enter(self) -> None:
        value = self.query_one("#value", Input).value.strip()
        if self._check is not None:
            try:
                self._check(value)
            except TillError as error:
                what, advice = explain(error)
                self.query_one("#wrong", Banner).say(Lamp.RED, f"{what}. {advice}".strip(), "")
                self.app.bell()
                return
        self.dismiss(value)
