"""How the payment ended: what was registered, the change in huge type, or what failed and what to do with the money.

DONE     Enter or the next scan begins a new receipt          FAILED   the basket is back; F6 repeats the payment
PENDING  Enter offers the refused part again, alone           UNKNOWN  purple; Enter leads to the unknown outcomes

A software registrar's receipt is shown as a QR code at once, printed or not. On a screen too small for both, the bars
at the top and bottom give way to the code; F8 takes it off and puts it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Label

from drivers.document import PaymentForm
from drivers.errors import Existence
from drivers.printers import NotPrinted
from kiosk.i18n import _, clock, explain, money, technical
from kiosk.ledger.records import DocumentState, FiscalDocument, ReceiptState
from kiosk.screens.paper_words import why
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.sale import Paid
from kiosk.widgets.banner import Banner
from kiosk.widgets.huge import Huge
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.qr_code import QrCode, fitted
from kiosk.widgets.scan import Scanned
from kiosk.widgets.touch import Touch

LAMPS = {
    ReceiptState.DONE: Lamp.GREEN,
    ReceiptState.FAILED: Lamp.RED,
    ReceiptState.PENDING: Lamp.AMBER,
    ReceiptState.UNKNOWN: Lamp.PURPLE,
}


BARS = 5
"""Rows of the status bar and the key bar."""
WORDS = 31
"""Columns that the words and keys beside a code need."""
FULL_ZONE = 4


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
        Binding(
            "f8", "code", N_("QR"), tooltip=N_("The receipt's code for the buyer's phone: show it, or take it off")
        ),
        Binding("f9", "paper", N_("No paper"), tooltip=N_("Print buyers' receipts here, or leave them to the screen")),
        Binding("f7", "details", N_("Details"), tooltip=N_("Details for the technician")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the sale; sends nothing")),
    ]

    def __init__(self, *, paid: Paid) -> None:
        super().__init__()
        self._paid = paid
        self._details = False
        self._links: list[str] = []
        """Codes of the registered documents, as links."""
        self._place = 0
        """Which of them is shown; behind the last one is none."""
        self._paper = True
        """Whether buyers' receipts are printed here."""
        self._prints = False
        """Whether there is a printer beside the registrar."""

    def body(self) -> ComposeResult:
        with Horizontal(id="ground"):
            yield QrCode(id="code")
            with Vertical(id="outcome"):
                yield Banner(id="verdict")
                yield Label("", id="facts", markup=False)
                yield Label(_("CHANGE"), id="change-name", markup=False)
                yield Huge(id="change")
                yield Notice(id="note")
                with Container(id="keys"):
                    yield Touch("", id="copy")
                    yield Touch(_("QR F8"), id="show-code")
                    yield Touch("", id="paper")
                    yield Touch("", id="next", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self._fill()
        if self._apart:
            self.run_worker(self._read_choice())

    def on_resize(self) -> None:
        if self.query(QrCode):
            self._show_code()

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
        if action == "code":
            return bool(self._links)
        if action == "paper":
            return self._prints
        return True

    @property
    def _apart(self) -> list[FiscalDocument]:
        """Registered documents that are shown as codes and printed apart."""
        done = self._paid.state is ReceiptState.DONE
        return [each for each in self._paid.documents if done and each.done and _link(each)]

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
        self._links = [_link(document) for document in self._apart]
        if self._prints and not self._slips_wait:
            copy.label = _("Print Ctrl+P")
        self.query_one("#show-code").display = bool(self._links)
        paper = self.query_one("#paper", Touch)
        paper.display = self._prints
        paper.label = _("No paper F9") if self._paper else _("With paper F9")
        copy.display = paid.state is ReceiptState.FAILED or bool(self.check_action("copy", ())) or self._slips_wait
        self._show_code()
        self.show_keys()

    def _show_code(self) -> None:
        """The code beside the words: under the bars where it fits well, else in their place."""
        width, height = self.app.size
        link = self._links[self._place] if self._place < len(self._links) else ""
        room = width - WORDS
        made = fitted(link, room, height - BARS) if link else None
        bare = made is None or made.short or made.quiet < FULL_ZONE
        if link and bare:
            made = fitted(link, room, height) or made
        self.query_one(QrCode).show(made)
        self.set_class(made is not None, "-code")
        self.set_class(made is not None and bare, "-bare")
        self.query_one("#change", Huge).show("" if made is not None else _("CHANGE"), self._paid.change)
        note = self.query_one("#note", Notice)
        if link and made is None and not note.text:
            note.say(Lamp.AMBER, _("This screen is too small for the receipt's code"))
        elif made is not None and made.short and not note.text:
            note.say(Lamp.OFF, _("The code is short: the whole link is on the printed receipt"))

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
        note = self.query_one("#note", Notice)
        if not self._prints:
            await self.work(self.till.sale.copy_last)
            note.say(Lamp.GREEN, _("A copy of the last receipt was printed"))
            return
        try:
            for document in self._apart:
                await self.work(self.till.paper.print, document.id)
        except NotPrinted as fault:
            note.say(Lamp.AMBER, *why(fault))
            return
        documents = await self.work(self.till.workplace.ledger.receipts.documents_of, self._paid.receipt.id)
        self._paid = replace(self._paid, documents=tuple(documents))
        note.say(Lamp.GREEN, _("The receipt was printed"))
        self._fill()

    def action_code(self) -> None:
        self._place = (self._place + 1) % (len(self._links) + 1)
        self._show_code()

    @acting
    async def action_paper(self) -> None:
        await self.work(self.till.paper.choose, not self._paper)
        self._paper = not self._paper
        words = _("Receipts are printed from now on") if self._paper else _("From now on without paper: the code")
        self.query_one("#note", Notice).say(Lamp.GREEN, words)
        self._fill()

    async def _read_choice(self) -> None:
        """Beside the message loop: the code is shown meanwhile."""
        apart = self._apart

        def read() -> tuple[bool, bool]:
            return self.till.paper.wanted, any(self.till.paper.prints(document) for document in apart)

        self._paper, self._prints = await self.work(read, quiet=True)
        if self.is_running:
            self._fill()

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
        elif message.touch.id == "show-code":
            self.action_code()
        elif message.touch.id == "paper":
            self.action_paper()
        elif self._paid.state is ReceiptState.FAILED:
            self.action_retry()
        elif self._slips_wait:
            self.action_slips()
        else:
            self.action_copy()


def _offline(document: FiscalDocument) -> bool:
    """Whether the document was made without the server and goes there later."""
    return document.done and document.result is not None and bool(document.result.evidence.get("offline"))


def _link(document: FiscalDocument) -> str:
    """What a document's code says, "" where it has none: hardware prints its own."""
    return str(document.result.evidence.get("qr", "")) if document.result is not None else ""
