"""Yes or no. A fiscal act wants Ctrl+Enter; Esc and the "no" key send nothing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens.screen import Dialog
from kiosk.till.errors import N_
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch


class ConfirmDialog(Dialog[bool]):
    """Answers True only for a fresh press: the application swallows the auto-repeat of Enter and Ctrl+Enter.

    `fiscal` asks for Ctrl+Enter, so that the Enter that opened the question can never answer it. Ctrl+J is the same
    press on a terminal that tells Ctrl+Enter apart in no other way (a bare console with the shipped keymap).
    """

    CSS_PATH = "dialogs.tcss"
    WANTS_FRESH_PRESS = True
    """Enter is no answer within the time in which a held key repeats."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+enter,ctrl+j", "yes", N_("Confirm"), tooltip=N_("Confirm and send")),
    ]

    def __init__(
        self, *, title: str, text: str, yes: str = "", no: str = "", fiscal: bool = False, lamp: Lamp = Lamp.OFF
    ) -> None:
        """All texts are translated already; `lamp` colours the text's card."""
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes or _("Yes")
        self._no = no or _("No")
        self._fiscal = fiscal
        self._lamp = lamp

    def body(self) -> ComposeResult:
        with Vertical(id="card"):
            yield Label(self._title, classes="title", markup=False)
            yield Banner(id="text")
            with Horizontal(classes="row answers"):
                yield Touch(self._no, id="no")
                label = f"{self._yes} Ctrl+Enter" if self._fiscal else self._yes
                yield Touch(label, id="yes", classes="-main")

    def on_mount(self) -> None:
        self.query_one("#text", Banner).say(self._lamp, self._text, "")
        self.query_one("#no" if self._fiscal else "#yes", Touch).focus()

    def action_yes(self) -> None:
        self.dismiss(True)

    def action_back(self) -> None:
        self.dismiss(False)

    def on_touch_pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.dismiss(message.touch.id == "yes")
