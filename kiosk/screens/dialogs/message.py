"""An error or a notice: what happened, what is at risk, the next step; F1 shows the technician's details."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from drivers.registrar import FaultInfo
from kiosk.i18n import _, explain, technical
from kiosk.screens.screen import Dialog
from kiosk.till.errors import N_, Doubt, Refusal
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch


class MessageDialog(Dialog[None]):
    """Give an `error`, or translated `text` and `advice`. Enter, Esc or a touch closes it."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "details", N_("Details"), tooltip=N_("Details for the technician")),
        Binding("enter", "back", N_("Understood"), show=False, tooltip=N_("Close the message")),
    ]

    def __init__(
        self,
        *,
        error: BaseException | FaultInfo | None = None,
        title: str = "",
        text: str = "",
        advice: str = "",
        lamp: Lamp | None = None,
    ) -> None:
        super().__init__()
        if error is not None:
            text, advice = explain(error)
        self._error = error
        self._text = text
        self._advice = advice
        self._title = title or (_("Not done") if isinstance(error, Refusal) else _("Attention"))
        self._lamp = lamp or (Lamp.PURPLE if isinstance(error, Doubt) else Lamp.AMBER if error is None else Lamp.RED)

    def body(self) -> ComposeResult:
        with Vertical(id="card"):
            yield Label(self._title, classes="title", markup=False)
            yield Banner(id="text")
            yield Label(self._advice, id="advice", classes="strong", markup=False)
            yield Label("", id="details", classes="quiet", markup=False)
            with Horizontal(classes="row answers"):
                if self._error is not None:
                    yield Touch(_("F1 Details"), id="more")
                yield Touch(_("Understood"), id="yes", classes="-main")

    def on_mount(self) -> None:
        word = _("UNKNOWN") if self._lamp is Lamp.PURPLE else ""
        self.query_one("#text", Banner).say(self._lamp, self._text, word)
        self.query_one("#details").display = False
        self.query_one("#yes", Touch).focus()

    def action_details(self) -> None:
        if self._error is None:
            return
        details = self.query_one("#details", Label)
        details.update(technical(self._error))
        details.display = not details.display
        # Both do not fit on a small screen; the next step comes back with the second press.
        self.query_one("#advice").display = not details.display

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "more":
            self.action_details()
        else:
            self.action_back()
