"""The payment key of a till that may not sell: why, what to do, and the reserve registrar where there is one."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens import exists
from kiosk.screens.offline_words import sentence
from kiosk.screens.screen import Dialog, KioskScreen
from kiosk.till.errors import N_
from kiosk.till.offline import OfflineView
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch


class OfflineBlockedDialog(Dialog[str]):
    """Answers "trouble" or "reserve"; "" when it was read."""

    CSS_PATH = "dialogs/dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "trouble", N_("What to do"), tooltip=N_("The software registrar does not work: what to do")),
        Binding("enter", "back", N_("Understood"), show=False, tooltip=N_("Close the message")),
    ]

    def __init__(self, *, seen: OfflineView) -> None:
        super().__init__()
        self._seen = seen

    def body(self) -> ComposeResult:
        with Vertical(id="card"):
            yield Label(_("Selling is forbidden"), classes="title", markup=False)
            yield Banner(id="text")
            yield Label(sentence(self._seen)[1], id="advice", classes="strong", markup=False)
            with Horizontal(classes="row answers"):
                yield Touch(_("F1 What to do"), id="trouble")
                if self._seen.reserve:
                    yield Touch(_("Reserve registrar"), id="reserve")
                yield Touch(_("Understood"), id="yes", classes="-main")

    def on_mount(self) -> None:
        self.query_one("#text", Banner).say(Lamp.RED, sentence(self._seen)[0], "")
        self.query_one("#yes", Touch).focus()

    def action_trouble(self) -> None:
        self.dismiss("trouble")

    def action_back(self) -> None:
        self.dismiss("")

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.dismiss("" if message.touch.id == "yes" else message.touch.id or "")


async def go_reserve(screen: KioskScreen[Any]) -> None:
    """«Резервний реєстратор»: to the change-over where this till has it, else who can do it."""
    if exists("reserve"):
        await screen.ask("reserve")
        return
    await screen.ask(
        "message",
        title=_("Reserve registrar"),
        text=_("A senior cashier or the technician goes over to the reserve registrar."),
        advice=_("Call them. Park the basket (F4): one basket never goes to two registrars."),
        lamp=Lamp.AMBER,
    )
