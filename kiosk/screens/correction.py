"""*Виправлення помилки* (cashier-flow.md V.3): a hardware registrar refunds the last sale, and an act explains it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from kiosk.i18n import _, explain, moment, money, sum_of
from kiosk.ledger.records import ReceiptLine, ReceiptState
from kiosk.screens.asking import permit
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.act import MISTAKES, Act
from kiosk.till.errors import N_, TillError
from kiosk.till.money import amount, read_money
from kiosk.till.refund import Draft
from kiosk.till.rights import Right
from kiosk.till.workplace import Approval
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

RIGHT_FORMS = (
    (N_("Cash"), "готівка"),
    (N_("Card"), "картка"),
    (N_("Mixed"), "готівка і картка"),
    (N_("No sale at all"), "продажу не було"),
)
"""Name on the screen, words of the act (Ukrainian whatever the screen speaks)."""


def _line(line: ReceiptLine) -> Cells:
    rest = line.quantity - line.returned
    return Cells((line.name, f"{amount(rest)} {line.unit}", money(line.sum)), Lamp.GREEN if line.fiscal else Lamp.RED)


class CorrectionScreen(KioskScreen[bool]):
    """Answers True when the mistake was corrected. `approval` is a senior's help given already."""

    CSS_PATH = "correction.tcss"
    TITLE = N_("Correction of a mistake")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "correct", N_("Correct"), tooltip=N_("Refund this receipt in full and print the act")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self, *, approval: Approval | None = None) -> None:
        super().__init__()
        self._approval = approval
        self._draft: Draft | None = None

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield Label("", id="sale", classes="strong", markup=False)
        with Horizontal(id="list"):
            yield Rows([Column(_("Goods")), Column(_("Quantity"), 12, "right"), Column(_("Sum"), 13, "right")], _line,
                       empty=_("reading …"), id="lines")  # fmt: skip
            yield PageKeys("#lines")
        yield Notice(id="note")
        yield Touch(_("Refund and act"), id="go", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#go", Touch).can_focus = False
        self.query_one("#lines", Rows).focus()
        self._read()

    @acting
    async def _read(self) -> None:
        try:
            self._draft = await self.work(self.till.corrections.last)
        except TillError as error:
            await self.show_error(error)
            self.dismiss(False)
            return
        draft = self._draft
        numbers = ", ".join(item.result.number for item in draft.documents if item.result is not None) or "-"
        text = _("Receipt No. {number} of {at}: {sum}")
        self.query_one("#sale", Label).update(
            text.format(number=numbers, at=moment(draft.sale.at), sum=sum_of(draft.sale.due))
        )
        self.query_one("#lines", Rows).fill([line for line in draft.sale.lines if line.returned < line.quantity])
        offer = await self.work(self.till.refunds.offer, draft)
        back = _("Goes back: {cash} in cash, {card} to the card").format(
            cash=sum_of(offer.cash), card=sum_of(offer.card)
        )
        law = _("A hardware registrar cancels nothing: the receipt is refunded and an act explains it.")
        self.query_one("#note", Notice).say(Lamp.AMBER, law, back)

    @acting
    async def action_correct(self) -> None:
        """Mistake, right values, help, slip, one more question; then refund and act."""
        draft = self._draft
        if draft is None:
            return
        index = await self.ask("choose", title=_("What was wrong?"), rows=[(_(mistake), "") for mistake in MISTAKES])
        if index is None:
            return
        mistake = MISTAKES[index]
        form = await self.ask(
            "choose", title=_("How should it have been paid?"), rows=[(_(name), "") for name, _words in RIGHT_FORMS],
            current=3 if mistake == "Double receipt" else 0,
        )  # fmt: skip
        if form is None:
            return
        right_sum = 0
        if form != len(RIGHT_FORMS) - 1:
            typed = await self.ask(
                "number",
                title=_("The right sum"),
                text=_("What the receipt should have been"),
                value=money(draft.sale.due).replace("\u00a0", ""),
                check=lambda text: read_money(text, zero=True),
            )
            if typed is None:
                return
            right_sum = read_money(typed, zero=True)
        approval = self._approval
        if approval is None:
            given = await permit(self, Right.STORNO, _("Correction of a mistake"))
            if given is None:
                return
            approval = given.approval
        offer = await self.work(self.till.refunds.offer, draft)
        slip = None
        if offer.card:
            slip = await self.ask("card_slip", due=offer.card)
            if slip is None:
                return
        text = _("Refund {sum} and print the act?").format(sum=sum_of(offer.due))
        if not await self.ask("confirm", title=self.name_on_screen, text=text, fiscal=True, lamp=Lamp.AMBER):
            return
        act = Act(mistake, right_sum, RIGHT_FORMS[form][1])
        done = await self.work(self.till.corrections.correct, draft, act, slip=slip, approval=approval)
        if done.state is ReceiptState.DONE:
            waiting = await self.work(self.till.sale.print_slips)
            number = ", ".join(item.result.number for item in done.documents if item.result is not None) or "-"
            await self.ask(
                "message",
                title=_("Corrected"),
                text=_("Refund No. {number}, {sum}").format(number=number, sum=sum_of(done.receipt.due)),
                advice=_("The act waits for paper.") if waiting else _("Sign the act; sell again with right values."),
                lamp=Lamp.AMBER if waiting else Lamp.GREEN,
            )
            self.dismiss(True)
        elif done.state is ReceiptState.UNKNOWN:
            await self.ask("unknown")
            self.dismiss(False)
        elif done.fault is not None:
            what, advice = explain(done.fault)
            self.query_one("#note", Notice).say(Lamp.RED, what, advice)
            self.app.bell()

    @on(Touch.Pressed, "#go")
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_correct()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)
