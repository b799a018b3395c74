"""The fiscal server refused an offline document (cashier-flow.md VI.2, SYNC_REJECTED): its number, the server's words,
and safe actions only. Nobody can delete or pass over a document here, whatever the post.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from drivers.errors import Fault
from drivers.registrar import FaultInfo, RefusedDocument
from kiosk.i18n import _, explain, moment
from kiosk.ledger.records import Binding as Registrar
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.offline import OfflineView, export_places
from kiosk.widgets.banner import Banner
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch

ACTS = {
    "reinforcement": N_("Service cash-in"),
    "sale": N_("Sale"),
    "refund": N_("Return"),
    "storno": N_("Storno"),
    "cash_in": N_("Service cash-in"),
    "cash_out": N_("Service cash-out"),
    "z_report": N_("Z report"),
    "open_shift": N_("Opening of the shift"),
    "close_shift": N_("Closing of the shift"),
    "begin_offline": N_("Beginning of offline work"),
    "end_offline": N_("End of offline work"),
}


class SyncRejectedScreen(KioskScreen[None]):
    """Send again, export for support, back."""

    CSS_PATH = "sync_rejected.tcss"
    TITLE = N_("The server refused an offline document")
    AUTO_FOCUS = ""
    VERTICAL_BREAKPOINTS = [(0, "-narrow"), (22, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "again", N_("Send again"), tooltip=N_("Send the same documents once more, in their order")),
        Binding("f7", "export", N_("Export"), tooltip=N_("Copy the unsent documents for support; all stay queued")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._binding: Registrar | None = None
        self._seen: OfflineView | None = None

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield Banner(id="refusal")
        yield Label("", id="facts", markup=False)
        yield Notice(id="note")
        with Horizontal(id="answers"):
            yield Touch(_("F7 Export for support"), id="export")
            yield Touch(_("F6 Send again"), id="again", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self._read()

    @acting
    async def _read(self) -> None:
        self._binding = await self.work(self.till.workplace.main_binding)
        self._show(await self.work(self.till.offline.view, self._binding))

    def _show(self, seen: OfflineView | None) -> None:
        self._seen = seen
        refused = seen.refused if seen is not None else None
        card, facts = self.query_one("#refusal", Banner), self.query_one("#facts", Label)
        if seen is None or refused is None:
            card.say(Lamp.GREEN, _("Nothing is refused: the documents are with the server or on their way."), "")
            facts.update("")
        else:
            card.say(Lamp.RED, _card(refused), _("SERVER REFUSED"))
            rows = (
                _("Accepted before it: {count}").format(count=seen.sent),
                _("Waiting, this one first: {count}").format(count=seen.queued),
                _("Nothing is lost and nothing can be deleted here."),
            )
            facts.update("\n".join(rows))
        self.show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("again", "export"):
            return True if self._seen is not None and self._seen.refused is not None else None
        return super().check_action(action, parameters)

    @acting
    async def action_again(self) -> None:
        if self._binding is None or self._seen is None or self._seen.refused is None:
            return
        note = self.query_one("#note", Notice)
        note.say(Lamp.AMBER, _("Sending …"))
        try:
            seen = await self.work(self.till.offline.send_again, self._binding)
        except Fault as fault:
            what, advice = explain(FaultInfo.of(fault))
            note.say(Lamp.RED, what, advice)
            self.app.bell()
            self._show(await self.work(self.till.offline.view, self._binding))
        else:
            note.say(Lamp.GREEN, _("Sent: the server has accepted everything"))
            self._show(seen)
        self.kiosk.look()

    @acting
    async def action_export(self) -> None:
        if self._binding is None:
            return
        folder = await self._place()
        if folder is None:
            return
        made = await self.work(self.till.offline.export, self._binding, folder)
        text = _("Copied {count} documents to {folder}").format(count=made.files, folder=made.folder)
        self.query_one("#note", Notice).say(Lamp.GREEN, text, _("Give them to support; the queue is as it was."))

    async def _place(self) -> Path | None:
        """Where to: a USB stick that is plugged in, the till's own folder, or a path that is typed."""
        places = await self.work(export_places, self.till.workplace)
        rows = [(str(place), "") for place in places] + [(_("Another folder …"), "")]
        index: int | None = await self.ask("choose", title=_("Where to copy the documents?"), rows=rows)
        if index is None:
            return None
        if index < len(places):
            return places[index]
        typed: str | None = await self.ask("text", title=_("Folder"), text=_("Full path, beginning with /"), value="/")
        return Path(typed.strip()) if typed and typed.strip().startswith("/") else None

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "again":
            self.action_again()
        else:
            self.action_export()


def _card(refused: RefusedDocument) -> str:
    """The document, the server's words, what they mean."""
    lines = []
    if refused.number:
        at = f", {moment(refused.at)}" if refused.at is not None else ""
        kind = _(ACTS.get(refused.kind, refused.kind))
        text = _("Document No. {number} ({fiscal}): {kind}{at}")
        lines.append(text.format(number=refused.number, fiscal=refused.fiscal, kind=kind, at=at))
    lines.append(_("The server's words: {words}").format(words=refused.text or "-"))
    what, advice = explain(FaultInfo(refused.code, refused.text))
    lines.append(f"{what}. {advice}")
    return "\n".join(lines)
