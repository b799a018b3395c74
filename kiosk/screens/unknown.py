"""*НЕВІДОМО* (cashier-flow.md VIII.6): documents whose outcome is open, with both readings side by side.

Anybody may ask the registrar again. A decision is a senior's: what the paper shows, its number, a reason; it goes to
the journal and the audit. A receipt that is registered at one enterprise and refused at another is offered again here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from drivers.document import DocumentKind
from kiosk.i18n import _, explain, moment, money, sum_of
from kiosk.ledger.records import DocumentState, FiscalDocument, Receipt, ReceiptKind, ReceiptState
from kiosk.screens.asking import KINDS, permit
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_, Refusal
from kiosk.till.refund import Refunded
from kiosk.till.rights import Right
from kiosk.till.sale import Paid
from kiosk.till.unknown import Doubtful
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, Rows

READINGS: Mapping[str, tuple[str, bool]] = {
    "serial": (N_("Registrar's serial number"), False),
    "last": (N_("Last document number"), False),
    "z_number": (N_("Last Z number"), False),
    "paid": (N_("Sales of the day"), True),
    "refunded": (N_("Returns of the day"), True),
    "drawer": (N_("Cash in the registrar"), True),
    "cash_in": (N_("Service cash-in"), True),
    "cash_out": (N_("Service cash-out"), True),
    "amount": (N_("Last receipt's sum"), True),
}
"""Names of readings that drivers give, and whether they are money; others are shown as they come."""
REASONS = (
    N_("The paper of the document lies at the till"),
    N_("The document is in the registrar's journal"),
    N_("There is neither paper nor a record"),
)


@dataclass(frozen=True)
class Reading:
    """One value before the act and after it."""

    name: str
    before: str
    after: str

    @property
    def moved(self) -> bool:
        return self.after not in ("", self.before)


def readings(item: Doubtful) -> list[Reading]:
    """Both readings in words, without sums that are 0 in both and without a serial number that is the same."""
    found = []
    for key in dict.fromkeys((*READINGS, *item.before, *item.after)):
        before, after = item.before.get(key), item.after.get(key)
        nothing = before in (0, None) and after in (0, None) and key in READINGS
        if nothing or (before is None and after is None) or (key == "serial" and after in (None, before)):
            continue
        label, is_money = READINGS.get(key, (key, False))
        found.append(Reading(_(label), _value(before, is_money), _value(after, is_money)))
    return found


def _value(value: str | int | None, is_money: bool) -> str:
    if value is None:
        return ""
    return money(value) if is_money and isinstance(value, int) else str(value)


def _item(item: Doubtful | Receipt) -> Cells:
    if isinstance(item, Receipt):
        name = _("Half-registered return") if item.kind is ReceiptKind.REFUND else _("Half-registered sale")
        return Cells((name, sum_of(item.due), moment(item.at)), Lamp.AMBER)
    document = item.document
    return Cells((_(KINDS[document.kind]), sum_of(document.document.due), moment(document.made_at)), Lamp.PURPLE)


def _reading(row: Reading) -> Cells:
    return Cells((row.name, row.before or "-", row.after or "-"), Lamp.PURPLE if row.moved else Lamp.OFF)


class UnknownScreen(KioskScreen[None]):
    """The list above, the readings of the current one below, and what each answer will do."""

    CSS_PATH = "unknown.tcss"
    TITLE = N_("Unknown outcomes")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "again", N_("Ask again"), tooltip=N_("Ask the registrar once more; anybody may")),
        Binding("f7", "registered", N_("Was registered"), tooltip=N_("A senior decides: the document exists")),
        Binding("f8", "not_registered", N_("Was not"), tooltip=N_("A senior decides: the document does not exist")),
        Binding("f6", "offer", N_("Offer again"), tooltip=N_("Register the refused part of the receipt once more")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._items: list[Doubtful | Receipt] = []

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, classes="title", markup=False)
        yield Rows([Column(""), Column("", 16, "right"), Column("", 17, "right")], _item,
                   empty=_("No outcome is unknown"), id="items")  # fmt: skip
        with Horizontal(id="pictures"):
            yield Rows(
                [Column(_("Reading")), Column(_("Before"), 14, "right"), Column(_("After"), 14, "right")],
                _reading,
                empty=_("The registrar did not answer yet: ask again (F5)"),
                id="readings",
            )
        yield Banner(id="verdict")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#readings", Rows).can_focus = False
        self.query_one("#items", Rows).focus()
        self._read()

    @acting
    async def _read(self) -> None:
        await self._fill()

    async def _fill(self) -> None:
        doubtful = await self.work(self.till.unknowns.items)
        halves = await self.work(self.till.unknowns.halves)
        self._items = [*doubtful, *halves]
        rows = self.query_one("#items", Rows)
        rows.fill(self._items)
        rows.styles.height = max(1, min(len(self._items), 4))
        self._show()

    @property
    def current(self) -> Doubtful | Receipt | None:
        item = self.query_one("#items", Rows).current
        return item if isinstance(item, Doubtful | Receipt) else None

    @on(Rows.Highlighted, "#items")
    def _moved(self, message: Rows.Highlighted) -> None:
        message.stop()
        self._show()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    def _show(self) -> None:
        """The readings of the current item and what each choice does."""
        item, verdict = self.current, self.query_one("#verdict", Banner)
        table = self.query_one("#readings", Rows)
        table.display = isinstance(item, Doubtful)
        if isinstance(item, Doubtful):
            table.fill(readings(item))
            verdict.say(Lamp.PURPLE, _choices(item))
        elif isinstance(item, Receipt):
            text = _("One enterprise's document is registered, another's was refused. F6 offers the refused one again.")
            verdict.say(Lamp.AMBER, text, _("HALF REGISTERED"))
        else:
            verdict.say(Lamp.GREEN, _("Every document is known; sales are open."), "")
        self.show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("again", "registered", "not_registered"):
            return True if isinstance(self.current, Doubtful) else None
        if action == "offer":
            return isinstance(self.current, Receipt)
        return super().check_action(action, parameters)

    # -- acting ---------------------------------------------------------------------------------------------------

    @acting
    async def action_again(self) -> None:
        item = self.current
        if not isinstance(item, Doubtful):
            return
        document = await self.work(self.till.unknowns.ask, item.document.id)
        await self._fill()
        await self._tell(document) if document.settled else self.app.bell()

    async def _tell(self, document: FiscalDocument) -> None:
        kind = f"{_(KINDS[document.kind])} {sum_of(document.document.due)}"
        number = document.result.number if document.result is not None else ""
        if document.done:
            text = _("It was registered, document No. {number}; it is booked.").format(number=number or "-")
            advice = _("Do not repeat it.")
            if document.state is DocumentState.NOT_PRINTED:
                advice = _("Do not repeat it; print a copy for the buyer.")
            await self.ask("message", title=kind, text=text, advice=advice, lamp=Lamp.GREEN)
        else:
            text = _("It was not registered; nothing was booked.")
            await self.ask("message", title=kind, text=text, advice=_after_no(document), lamp=Lamp.AMBER)

    @acting
    async def action_registered(self) -> None:
        await self._decide(registered=True)

    @acting
    async def action_not_registered(self) -> None:
        await self._decide(registered=False)

    async def _decide(self, *, registered: bool) -> None:
        item = self.current
        if not isinstance(item, Doubtful):
            return
        if not item.before:
            raise Refusal("NEVER_SENT", N_("The till stopped before this document was sent"), N_("Ask again (F5)."))
        what = _("It WAS registered: {sum}") if registered else _("It was NOT registered: {sum}")
        title = what.format(sum=sum_of(item.document.document.due))
        number = ""
        if registered:
            last = item.after.get("z_number" if item.document.kind is DocumentKind.Z_REPORT else "last", "")
            number = await self.ask(
                "number", title=title, text=_("The number on the document's paper"), value=str(last or "")
            )
            if number is None:
                return
        reason = await self.ask(
            "text", title=title, text=_("Why is it certain?"), offers=[_(one) for one in REASONS], value=""
        )
        if reason is None:
            return
        given = await permit(self, Right.RESOLVE, title)
        if given is None:
            return
        if not await self.ask(
            "confirm", title=title, text=_effect(item, registered=registered), fiscal=True, lamp=Lamp.PURPLE
        ):
            return
        document = await self.work(
            self.till.unknowns.decide,
            item.document.id,
            registered=registered,
            reason=reason,
            number=number,
            approval=given.approval,
        )
        await self._fill()
        await self._tell(document)

    @acting
    async def action_offer(self) -> None:
        item = self.current
        if not isinstance(item, Receipt):
            return
        text = _("The registered part stays as it is; only the refused part is sent.")
        if not await self.ask("confirm", title=_("Offer again"), text=text, fiscal=True):
            return
        done: Paid | Refunded
        if item.kind is ReceiptKind.REFUND:
            done = await self.work(self.till.refunds.again, item.id)
        else:
            done = await self.work(self.till.sale.again, item.id)
        if done.state is ReceiptState.DONE:
            await self.work(self.till.sale.print_slips)
        elif done.fault is not None:
            await self.ask("message", error=done.fault)
        await self._fill()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)


def _choices(item: Doubtful) -> str:
    """What happened, and what each answer will do, in one card."""
    why = explain(item.why)[0] + ". " if item.why is not None else ""
    look = _("Step") + f": {_(item.step)}. " + _("Look at the paper.")
    yes, no = _effect(item, registered=True), _effect(item, registered=False)
    return f"{why}{look}\nF7: {yes}\nF8: {no}"


def _effect(item: Doubtful, *, registered: bool) -> str:
    kind = item.document.kind
    if registered:
        return {
            DocumentKind.SALE: _("the sale is booked, its stock goes out, the basket is gone."),
            DocumentKind.REFUND: _("the return is booked, the goods are back in stock."),
            DocumentKind.Z_REPORT: _("the shift is closed with this Z number."),
        }.get(kind, _("the movement of cash is booked."))
    return {
        DocumentKind.SALE: _("nothing is booked, the basket comes back to be paid again."),
        DocumentKind.REFUND: _("nothing is booked, the goods may be returned again."),
        DocumentKind.Z_REPORT: _("the shift stays open, the Z is made again."),
    }.get(kind, _("nothing is booked, the movement may be made again."))


def _after_no(document: FiscalDocument) -> str:
    if document.kind is DocumentKind.SALE:
        return _("The basket is back: take the payment again.")
    return _("You may repeat it.")
