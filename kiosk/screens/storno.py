"""*Сторно* (Ctrl+Z, cashier-flow.md V.3): the shift's last documents, and the only one that can be cancelled.

A software registrar cancels its last document; where that cannot be, the screen says why and offers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from kiosk.i18n import _, clock, explain, moment, money, sum_of
from kiosk.ledger.records import Binding as Registration
from kiosk.ledger.records import DocumentState
from kiosk.screens.asking import KINDS, permit, tell
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_, Doubt, TillError
from kiosk.till.rights import Right
from kiosk.till.storno import REASONS, Last, Past
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch


def _cells(past: Past) -> Cells:
    """One document of the shift; a cancelled one with the time of its storno."""
    document = past.document
    result = document.result
    at = (result.at if result is not None else None) or document.made_at
    number = result.number if result is not None else ""
    sum_ = money(document.document.due) if document.document.due else ""
    mark = _("STORNO {at}").format(at=clock(past.cancelled_at)) if past.cancelled_at is not None else ""
    lamp = Lamp.AMBER if mark else Lamp.OFF
    return Cells((clock(at), _(KINDS[document.kind]), number or "-", sum_, mark), lamp)


class StornoScreen(KioskScreen[bool]):
    """Answers True when a document was cancelled."""

    CSS_PATH = "storno.tcss"
    TITLE = N_("Storno")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "cancel", N_("Cancel it"), tooltip=N_("Cancel the last document")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self, *, binding: Registration) -> None:
        super().__init__()
        self._registrar = binding
        self._last: Last | None = None

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield Label("", id="last", classes="strong", markup=False)
        with Horizontal(id="list"):
            columns = [
                Column("", 6),
                Column(""),
                Column(_("Number"), 16),
                Column(_("Sum"), 12, "right"),
                Column("", 13),
            ]
            yield Rows(columns, _cells, empty=_("reading …"), id="documents")
            yield PageKeys("#documents")
        yield Notice(id="note")
        yield Touch(_("Cancel this document"), id="go", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#go", Touch).can_focus = False
        self.query_one("#documents", Rows).focus()
        self._read()

    @acting
    async def _read(self) -> None:
        await self._show()

    async def _show(self) -> None:
        """The documents, and the one that may be cancelled or why none may."""
        past: Sequence[Past] = await self.work(self.till.stornos.recent, self._registrar)
        self.query_one("#documents", Rows).fill(past)
        note = self.query_one("#note", Notice)
        self._last = None
        try:
            self._last = await self.work(self.till.stornos.last, self._registrar)
        except TillError as error:
            if error.code == "KEY_LOCKED":
                raise
            what, advice = explain(error)
            note.say(Lamp.PURPLE if isinstance(error, Doubt) else Lamp.RED, what, advice)
        self.query_one("#go", Touch).display = self._last is not None
        self.show_keys()
        if self._last is None:
            self.query_one("#last", Label).update(_("Nothing can be cancelled now"))
            return
        self.query_one("#last", Label).update(self._words(self._last))
        advice = _("The money on the card is not given back by this.") if self._last.by_card else ""
        note.say(Lamp.AMBER, _("Only this document will be cancelled."), advice)

    def _words(self, last: Last) -> str:
        result = last.document.result
        at = (result.at if result is not None else None) or last.document.made_at
        return _("{kind} No. {number} of {at}: {sum}").format(
            kind=_(KINDS[last.document.kind]),
            number=(result.number if result is not None else "") or "-",
            at=moment(at),
            sum=sum_of(last.document.document.due),
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel":
            return True if self._last is not None else None
        return super().check_action(action, parameters)

    @acting
    async def action_cancel(self) -> None:
        """Reason, the card's money, a senior, one more question; then the storno."""
        last = self._last
        if last is None:
            self.app.bell()
            return
        index = await self.ask("choose", title=_("What was wrong?"), rows=[(_(reason), "") for reason in REASONS])
        if index is None or (last.by_card and not await self._voided(last.by_card)):
            return
        given = await permit(self, Right.STORNO, _("Storno of the last document"))
        if given is None:
            return
        text = f"{self._words(last)}. {_('Only this document will be cancelled.')}"
        if not await self.ask("confirm", title=self.name_on_screen, text=text, fiscal=True, lamp=Lamp.AMBER):
            return
        done = await self.work(self.till.stornos.cancel, last, reason=REASONS[index], approval=given.approval)
        if not done.done:
            await tell(self, done)
            if done.state is DocumentState.REJECTED:
                await self._show()
            else:
                self.dismiss(False)
            return
        await self._show()
        at = (done.result.at if done.result is not None else None) or done.made_at
        cash = self._cash_back(last)
        await self.ask(
            "message", title=_("STORNO {at}").format(at=clock(at)), text=self._words(last), advice=cash, lamp=Lamp.GREEN
        )
        self.dismiss(True)

    async def _voided(self, by_card: int) -> bool:
        """The terminal comes first: its money is not the registrar's to give back."""
        text = _(
            "{sum} were paid by card. A storno gives back no money on a card: void the payment on the terminal first."
        )
        return bool(
            await self.ask(
                "confirm",
                title=_("The money on the card"),
                text=text.format(sum=sum_of(by_card)),
                yes=_("Voided, go on"),
                no=_("Not yet"),
                lamp=Lamp.AMBER,
            )
        )

    def _cash_back(self, last: Last) -> str:
        """What the cashier does with the cash in hand."""
        kind = last.document.kind.value
        cash = last.document.document.due - last.by_card
        if kind == "sale" and cash > 0:
            return _("Give the buyer {sum} back and take the goods.").format(sum=sum_of(cash))
        if kind == "refund" and cash > 0:
            return _("Take {sum} back from the buyer and give the goods.").format(sum=sum_of(cash))
        return ""

    @on(Touch.Pressed, "#go")
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_cancel()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)
