"""*Не надруковано* (cashier-flow.md VIII.2): registered documents whose paper is owed. Printing registers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from drivers.document import DocumentKind
from drivers.printers import NotPrinted
from kiosk.i18n import _, clock, sum_of
from kiosk.ledger.records import FiscalDocument
from kiosk.screens.paper_words import why
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

KINDS = {
    DocumentKind.SALE: N_("Sale"),
    DocumentKind.REFUND: N_("Refund"),
    DocumentKind.CASH_IN: N_("Service cash-in"),
    DocumentKind.CASH_OUT: N_("Service cash-out"),
    DocumentKind.Z_REPORT: N_("Z report"),
    DocumentKind.OPEN_SHIFT: N_("Opening of the shift"),
}


class UnprintedScreen(KioskScreen[None]):
    """The list; Enter prints the chosen one, Del takes it off the list."""

    CSS_PATH = "unprinted.tcss"
    TITLE = N_("Not printed")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "print", N_("Print"), tooltip=N_("Print the chosen document; nothing is registered again")),
        Binding("f6", "all", N_("Print all"), tooltip=N_("Print everything that is owed, oldest first")),
        Binding("delete", "forget", N_("Not needed"), tooltip=N_("The buyer took the code from the screen: no paper")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the screen before")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.owed: Sequence[FiscalDocument] = ()

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        with Horizontal(id="list"):
            yield Rows(
                [Column(_("Document")), Column(_("Number"), 16), Column(_("Time"), 8), Column(_("Sum"), 12, "right")],
                _cells,
                empty=_("Everything is printed"),
                id="rows",
            )
            yield PageKeys("#rows")
        yield Notice(id="note")
        with Horizontal(id="keys"):
            yield Touch(_("Not needed Del"), id="forget")
            yield Touch(_("Print all F6"), id="all")
            yield Touch(_("Print Enter"), id="print", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query("#keys Touch").results(Touch):
            touch.can_focus = False
        self.query_one("#rows", Rows).focus()
        self._look()

    @acting
    async def _look(self) -> None:
        await self._fill()

    async def _fill(self) -> None:
        self.owed = await self.work(self.till.paper.waiting)
        self.query_one("#rows", Rows).fill(self.owed)

    @acting
    async def action_print(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            await self._print([chosen])

    @acting
    async def action_all(self) -> None:
        await self._print(self.owed)

    async def _print(self, documents: Sequence[FiscalDocument]) -> None:
        """One after another; the first that does not come out stops the rest and says why."""
        note = self.query_one("#note", Notice)
        done = 0
        try:
            for document in documents:
                await self.work(self.till.paper.print, document.id)
                done += 1
            note.say(Lamp.GREEN, _("Printed: {count}").format(count=done))
        except NotPrinted as fault:
            note.say(Lamp.AMBER, *why(fault))
        finally:
            await self._fill()

    @acting
    async def action_forget(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            await self.work(self.till.paper.forget, chosen.id)
            await self._fill()

    def _chosen(self) -> FiscalDocument | None:
        rows: Rows[FiscalDocument] = self.query_one("#rows", Rows)
        return rows.current

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)

    @on(Rows.Chosen)
    def _row(self, message: Rows.Chosen) -> None:
        message.stop()
        self.action_print()

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        if message.touch.id in ("print", "all", "forget"):
            message.stop()
            getattr(self, f"action_{message.touch.id}")()


def _cells(document: FiscalDocument) -> Cells:
    result = document.result
    at = clock(result.at) if result is not None and result.at is not None else ""
    number = result.number if result is not None else ""
    return Cells((_(KINDS.get(document.kind, N_("Document"))), number, at, sum_of(document.document.due)), Lamp.AMBER)
