"""How the payment ended: what was registered, the change in huge type, or what failed and what to do with the money.

DONE     Enter or the next scan begins a new receipt          FAILED   the basket is back; F6 repeats the payment
PENDING  Enter offers the refused part again, alone           UNKNOWN  purple; Enter leads to the unknown outcomes
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from drivers.document import PaymentForm
from drivers.errors import Existence
from kiosk.i18n import _, clock, explain, money, technical
from kiosk.ledger.records import DocumentState, FiscalDocument, ReceiptState
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.sale import Paid
from kiosk.widgets.banner import Banner
from kiosk.widgets.huge import Huge
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.scan import Scanned
from kiosk.widgets.touch import Touch

LAMPS = {
    ReceiptState.DONE: Lamp.GREEN,
    ReceiptState.FAILED: Lamp.RED,
    ReceiptState.PENDING: Lamp.AMBER,
    ReceiptState.UNKNOWN: Lamp.PURPLE,
}


class OutcomeScreen(KioskScreen[bool]):
    """Answers True when the payment is to be repeated."""

    CSS_PATH = "outcome.tcss"
    TITLE = N_("Result of the payment")
    AUTO_FOCUS = ""
    VERTICAL_BREAKPOINTS = [(0, "-narrow"), (22, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", N_("Next"), tooltip=N_("The next step, as written on the green key")),
        Binding("f6", "retry", N_("Repeat payment"), tooltip=N_("Repeat the payment of the same basket")),
        Binding("ctrl+p", "copy", N_("Copy"), tooltip=N_("Copy of the receipt on the registrar")),
        Binding("f4", "slips", N_("Print slip"), tooltip=N_("Print the non-fiscal slips that wait for paper")),
        Binding("f7", "details", N_("Details"), tooltip=N_("Details for the technician")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the sale; sends nothing")),
    ]

    def __init__(self, *, paid: Paid) -> None:
        super().__init__()
        self._paid = paid
        self._details = False

    def body(self) -> ComposeResult:
        with Vertical(id="outcome"):
            yield Banner(id="verdict")
            yield Label("", id="facts", markup=False)
            yield Huge(id="change")
            yield Notice(id="note")
            with Horizontal(id="keys"):
                yield Touch("", id="copy")
                yield Touch("", id="next", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self._fill()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        state = self._paid.state
        if action == "retry":
            return state is ReceiptState.FAILED
        if action == "copy":
            return state is ReceiptState.DONE and bool(self._paid.documents)
        if action == "slips":
            return state is ReceiptState.DONE and self._slips_wait
        if action == "details":
            return self._paid.fault is not None
        return True

    @property
    def _slips_wait(self) -> bool:
        return any(slip.printed_at is None for slip in self._paid.slips)

    # -- what is shown --------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        paid = self._paid
        words = {
            ReceiptState.DONE: _("REGISTERED") if paid.documents else _("SOLD, NON-FISCAL"),
            ReceiptState.FAILED: _("NOT REGISTERED"),
            ReceiptState.PENDING: _("HALF REGISTERED"),
            ReceiptState.UNKNOWN: _("UNKNOWN"),
        }
        lamp = LAMPS[paid.state]
        if paid.state is ReceiptState.DONE and any(_offline(document) for document in paid.documents):
            lamp, words[ReceiptState.DONE] = Lamp.AMBER, _("REGISTERED OFFLINE")
        if paid.state is ReceiptState.DONE and not paid.documents:
            lamp = Lamp.RED
        self.query_one("#verdict", Banner).say(lamp, self._verdict(), words[paid.state])
        self.query_one("#facts", Label).update("\n".join(self._facts()))
        done = paid.state is ReceiptState.DONE
        huge = self.query_one("#change", Huge)
        huge.display = done
        huge.show(_("CHANGE"), paid.change)
        following = {
            ReceiptState.DONE: _("New receipt Enter"),
            ReceiptState.FAILED: _("Back to the basket Enter"),
            ReceiptState.PENDING: _("Offer again Enter"),
            ReceiptState.UNKNOWN: _("Find out Enter"),
        }
        self.query_one("#next", Touch).label = following[paid.state]
        copy = self.query_one("#copy", Touch)
        copy.label = _("Repeat payment F6") if paid.state is ReceiptState.FAILED else _("Copy Ctrl+P")
        if done and self._slips_wait:
            copy.label = _("Print slip F4")
        copy.display = paid.state is ReceiptState.FAILED or bool(self.check_action("copy", ())) or self._slips_wait
        self.show_keys()

    def _verdict(self) -> str:
        paid = self._paid
        if paid.state is ReceiptState.DONE:
            return _("Receipt No. {number}").format(number=paid.receipt.number)
        if paid.state is ReceiptState.UNKNOWN:
            what = _("It is not known whether the receipt for {sum} was registered.")
            return what.format(sum=money(paid.receipt.due)) + " " + _("Do not take more money and do not repeat it.")
        known = Existence.NO if paid.state is ReceiptState.FAILED else None
        return explain(paid.fault, document=known)[0] if paid.fault is not None else ""

    def _facts(self) -> Sequence[str]:
        paid = self._paid
        facts = [self._document(document) for document in paid.documents]
        if paid.order is not None and paid.state is ReceiptState.DONE:
            facts.append(
                _("Order No. {number}: {paid} paid of {total}").format(
                    number=paid.order.number, paid=money(paid.order.paid), total=money(paid.order.total)
                )
            )
        for slip in paid.slips:
            if paid.state is ReceiptState.DONE:
                facts.append(_("Slip: printed") if slip.printed_at else _("Slip: waits for the printer"))
        if paid.state is ReceiptState.FAILED:
            facts = [_("Nothing was registered and the basket is kept.")]
            facts.append(_("Give the money back to the buyer, or repeat the payment."))
            if any(payment.form is PaymentForm.CARD for payment in paid.receipt.payments):
                facts.append(_("The card was charged on the terminal: repeat with the same slip, or cancel there."))
        if paid.state is ReceiptState.PENDING:
            facts.append(_("What is registered stays. The other part is offered again alone."))
        if paid.state is ReceiptState.UNKNOWN:
            facts = [_("Sales through this registrar are blocked until it is found out.")]
            if self._software:
                facts.append(_("The till asks the fiscal server by itself as soon as there is a link."))
        if paid.fault is not None and paid.state is not ReceiptState.DONE:
            facts.append(explain(paid.fault)[1])
            if self._details:
                facts.append(technical(paid.fault))
        return facts

    def _document(self, document: FiscalDocument) -> str:
        name = self.till.workplace.enterprise_name(document.enterprise_id) if len(self._paid.documents) > 1 else ""
        result = document.result
        if document.done and result is not None:
            at = f", {clock(result.at)}" if result.at is not None else ""
            text = _("Fiscal receipt {number}{at}").format(number=result.number, at=at)
            if _offline(document):
                text = _("OFFLINE receipt {number}{at}").format(number=result.number, at=at)
                text += "\n" + _("It goes to the fiscal server by itself; the buyer's check works after that.")
            if document.state is DocumentState.NOT_PRINTED:
                text += ": " + _("registered, NOT PRINTED; put in paper and print a copy")
        else:
            text = _("Not registered: {sum}").format(sum=money(document.document.due))
        return f"{name}: {text}" if name else text

    @property
    def _software(self) -> bool:
        return self.kiosk.view is not None and not self.kiosk.view.hardware

    # -- keys -----------------------------------------------------------------------------------------------------

    async def take_scan(self, text: str) -> None:
        """After a finished sale the next scan begins the new receipt by itself."""
        if self._paid.state is not ReceiptState.DONE:
            self.refuse_scan()
            return
        self.app.screen_stack[-2].post_message(Scanned(text))
        self.dismiss(False)

    @acting
    async def action_next(self) -> None:
        if self._paid.state is not ReceiptState.PENDING:
            self.dismiss(False)
            return
        self._paid = await self.work(self.till.sale.again, self._paid.receipt.id)
        self._fill()

    def action_retry(self) -> None:
        if self._paid.state is ReceiptState.FAILED and not self.in_action:
            self.dismiss(True)

    @acting
    async def action_copy(self) -> None:
        await self.work(self.till.sale.copy_last)
        self.query_one("#note", Notice).say(Lamp.GREEN, _("A copy of the last receipt was printed"))

    @acting
    async def action_slips(self) -> None:
        left = await self.work(self.till.sale.print_slips)
        note = self.query_one("#note", Notice)
        if left:
            note.say(Lamp.AMBER, _("The slip still waits for the printer"), _("Put in paper, close the cover, repeat."))
        else:
            note.say(Lamp.GREEN, _("Slip: printed"))

    def action_details(self) -> None:
        self._details = not self._details
        self._fill()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "next":
            self.action_next()
        elif self._paid.state is ReceiptState.FAILED:
            self.action_retry()
        elif self._slips_wait:
            self.action_slips()
        else:
            self.action_copy()


def _offline(document: FiscalDocument) -> bool:
    """Whether the document was made without the server and goes there later."""
    return document.done and document.result is not None and bool(document.result.evidence.get("offline"))
