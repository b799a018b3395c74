"""F11, *Фіскальний реєстратор*: open, X, Z, cash-in, cash-out, state, unknown outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _
from kiosk.screens import exists
from kiosk.screens.screen import Dialog, acting
from kiosk.till.errors import N_
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch


@dataclass(frozen=True)
class Item:
    """One line of the menu: the screen it opens and with what."""

    screen: str
    name: str
    detail: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    software: bool = False
    """Only where the registrar is a software one."""


ITEMS = (
    Item("opening", N_("Open shift"), N_("Count the cash, register the float")),
    Item("x_report", N_("X report"), N_("Interim report, closes nothing")),
    Item("cash", N_("Service cash-in"), N_("Money put into the drawer"), {"out": False}),
    Item("cash", N_("Service cash-out"), N_("Money taken from the drawer"), {"out": True}),
    Item("closing", N_("Close shift (Z)"), N_("Count, compare, cash-out, Z report")),
    Item("checklist", N_("State"), N_("The check before the shift, to be read"), {"look": True}),
    Item("unprinted", N_("Not printed"), N_("Receipts whose paper is owed; printing registers nothing")),
    Item("unknown", N_("Unknown outcomes"), N_("Documents whose outcome must be resolved")),
    Item("backup", N_("Copies of the data"), N_("Where copies go, the last one, the trial restore")),
    Item("evidence", N_("What the tax service received"), N_("Every byte that left this till, and the proof")),
    Item("finder", N_("Find registrars"), N_("Ask every port who is there; connect what was found")),
    Item("prro_trouble", N_("The software registrar does not work"), N_("What is wrong and what to do"), software=True),
    Item("rekey", N_("Replacement of the key"), N_("Another key signs; the old one is kept"), software=True),
    Item("sync_rejected", N_("Refused offline documents"), N_("Send again, export for support"), software=True),
)


class RegistrarMenu(Dialog[None]):
    """Opens the chosen screen in its own place and comes back to the screen beneath."""

    CSS_PATH = "dialogs/dialogs.tcss"
    TITLE = N_("Fiscal registrar")

    def __init__(self) -> None:
        super().__init__()
        self._items = [item for item in ITEMS if exists(item.screen)]

    def body(self) -> ComposeResult:
        with Vertical(id="card", classes="-tall"):
            yield Label(_(self.TITLE or ""), classes="title", markup=False)
            with Horizontal(id="list"):
                yield Rows([Column(""), Column("")], _cells, tall=True, id="rows")
                yield PageKeys("#rows")
            with Horizontal(classes="row answers"):
                yield Touch(_("Back"), id="no")

    def on_mount(self) -> None:
        view = self.kiosk.view
        if view is None or view.hardware:
            self._items = [item for item in self._items if not item.software]
        rows = self.query_one("#rows", Rows)
        rows.fill(self._items)
        rows.focus()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self._open(self._items[message.index])

    @acting
    async def _open(self, item: Item) -> None:
        answer = await self.ask(item.screen, **item.arguments)
        if item.screen == "opening" and answer:
            self.kiosk.begin_work()
        else:
            self.dismiss(None)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_back()


def _cells(item: Item) -> Cells:
    return Cells((_(item.name), _(item.detail)))
