"""*Замовлення* (cashier-flow.md IV.5): prices paid in several receipts. Find one, settle it, or give its money back.

Settling takes the order's goods into the basket: the sale screen's F6 pays the rest, F9 there takes another part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from drivers.clock import kyiv
from kiosk.i18n import _, money, sum_of
from kiosk.ledger.records import Customer, Order, ReceiptState
from kiosk.screens.asking import permit, tell
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.giveback import Back
from kiosk.till.money import amount
from kiosk.till.refund import REASONS
from kiosk.till.rights import Right
from kiosk.till.workplace import Approval
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch


class OrdersScreen(KioskScreen[bool]):
    """Answers True when an order lies in the basket. `customer` is the sale's; `busy`: the basket has goods already."""

    CSS_PATH = "orders.tcss"
    TITLE = N_("Orders: advances and debts")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f3", "letters", N_("Search"), tooltip=N_("Number, customer, card or note, by the letters on the screen")
        ),
        Binding("f5", "look", N_("All"), tooltip=N_("All open orders")),
        Binding("f6", "settle", N_("Settle"), tooltip=N_("Take the order into the basket; F6 there pays the rest")),
        Binding("f12", "give_back", N_("Give back"), tooltip=N_("Refund the order's receipts, the last one first")),
        Binding("up", "move(-1)", N_("Up"), show=False, tooltip=N_("The row above")),
        Binding("down", "move(1)", N_("Down"), show=False, tooltip=N_("The row below")),
        Binding("pageup", "page(-1)", N_("Page up"), show=False, tooltip=N_("The page above")),
        Binding("pagedown", "page(1)", N_("Page down"), show=False, tooltip=N_("The page below")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the sale; sends nothing")),
    ]

    def __init__(self, *, customer: Customer | None = None, busy: bool = False) -> None:
        super().__init__()
        self._customer = customer
        self._busy = busy
        self._text = ""

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, classes="title", markup=False)
        yield EntryLine(_("Number or name"), id="entry")
        with Horizontal(id="list"):
            yield Rows(
                [Column(_("No."), 8), Column(_("Day"), 5), Column(_("Buyer and goods")),
                 Column(_("Price"), 10, "right"), Column(_("Rest"), 10, "right"), Column("", 6)],
                self._cells, empty=_("No open order was found"), id="rows",
            )  # fmt: skip
            yield PageKeys("#rows")
        yield Notice(id="note")
        with Horizontal(id="keys"):
            yield Touch(_("Give back F12"), id="back")
            yield Touch(_("Settle F6"), id="settle", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self._rows.can_focus = False
        self.query_one("#entry", EntryLine).focus()
        self._begin()

    @property
    def _rows(self) -> Rows[Order]:
        return self.query_one("#rows", Rows)

    @staticmethod
    def _cells(order: Order) -> Cells:
        goods = ", ".join(line.name for line in order.lines)
        if order.closed_at is not None:
            state, lamp = _("CLOSED"), Lamp.OFF
        elif order.busy:
            state, lamp = "?", Lamp.PURPLE
        else:
            state, lamp = (_("DEBT"), Lamp.RED) if order.later else (_("ADVNC"), Lamp.AMBER)
        texts = (
            order.number,
            f"{kyiv(order.opened_at):%d.%m}",
            f"{order.buyer}: {goods}" if order.buyer else goods,
            money(order.total),
            money(order.rest),
            state,
        )
        return Cells(texts, lamp, 5)

    # -- find -----------------------------------------------------------------------------------------------------

    @acting
    async def _begin(self) -> None:
        """The customer's orders where the sale has one, else all."""
        orders: Sequence[Order] = ()
        if self._customer is not None:
            orders = await self.work(self.till.advances.open_orders, "", self._customer)
        self._list(orders or await self.work(self.till.advances.open_orders))

    def _list(self, orders: Sequence[Order]) -> None:
        self._rows.fill(orders, 0)
        self._tell()

    async def _find(self, text: str) -> None:
        """Open orders by what is typed; a number that is whole finds a closed one too, to be given back."""
        self._text = text.strip()
        found = list(await self.work(self.till.advances.open_orders, self._text))
        exact = await self.work(self.till.advances.by_number, self._text) if self._text else None
        if exact is not None and all(order.id != exact.id for order in found):
            found.insert(0, exact)
        self._list(found)
        if not found:
            self._note.say(Lamp.RED, _("No order “{text}”").format(text=self._text[:30]))
            self.app.bell()

    async def take_scan(self, text: str) -> None:
        """A customer's card, or a typed number."""
        await self._find(text)

    @on(EntryLine.Submitted)
    def _submitted(self, message: EntryLine.Submitted) -> None:
        message.stop()
        self.query_one("#entry", EntryLine).put("")
        if message.text.strip():
            self._look_for(message.text)
        else:
            self.action_settle()

    @acting
    async def _look_for(self, text: str) -> None:
        await self._find(text)

    @acting
    async def action_letters(self) -> None:
        typed = await self.ask("keyboard", title=_("Order number, customer or note"))
        if typed:
            await self._find(typed)

    @acting
    async def action_look(self) -> None:
        await self._find("")

    # -- what is under the cursor ---------------------------------------------------------------------------------

    @property
    def _note(self) -> Notice:
        return self.query_one("#note", Notice)

    @on(Rows.Highlighted)
    def _moved(self, message: Rows.Highlighted) -> None:
        message.stop()
        self._tell()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.action_settle()

    def _tell(self) -> None:
        order = self._rows.current
        if order is None:
            self._note.clear()
            return
        goods = "; ".join(f"{line.name} {amount(line.quantity)} {line.unit}" for line in order.lines)
        parts = ", ".join(f"{kyiv(part.at):%d.%m} {money(part.amount)}" for part in order.standing)
        self._note.say(Lamp.OFF, goods, _("Paid: {parts}").format(parts=parts or "-"))

    def action_move(self, by: int) -> None:
        self._rows.action_move(by)

    def action_page(self, pages: int) -> None:
        self._rows.action_page(pages)

    # -- acts -----------------------------------------------------------------------------------------------------

    @acting
    async def action_settle(self) -> None:
        order = self._rows.current
        if order is None:
            self.app.bell()
            return
        if self._busy:
            self._note.say(
                Lamp.RED, _("The basket has goods already"), _("Park it (F4 on the sale screen), then take the order.")
            )
            self.app.bell()
            return
        await self.work(self.till.advances.take_in_hand, order.id)
        self.dismiss(True)

    @acting
    async def action_give_back(self) -> None:
        """Receipt by receipt, each one confirmed; between them nothing is half done."""
        order = self._rows.current
        if order is None:
            self.app.bell()
            return
        index = await self.ask("choose", title=_("Reason of the return"), rows=[(_(one), "") for one in REASONS])
        if index is None:
            return
        while await self._give(order, REASONS[index]):
            order = await self.work(self.till.workplace.ledger.orders.get, order.id)
            if not order.standing:
                break
        await self._find(self._text)

    async def _give(self, order: Order, reason: str) -> bool:
        """One receipt of the order; False stops here."""
        back = await self.work(self.till.give_back.next, order.id)
        approval: Approval | None = None
        if back.senior:
            given = await permit(
                self, Right.REFUND_ANY, _("Refund of {sum}").format(sum=sum_of(back.document.document.due))
            )
            if given is None:
                return False
            approval = given.approval
        if back.missing_cash and not await self._put_in(back):
            return False
        slip = None
        if back.card:
            slip = await self.ask("card_slip", due=back.card)
            if slip is None and not self.till.workplace.settings.policy.cashless_without_slip:
                return False
        means = [
            text.format(sum=sum_of(value))
            for text, value in ((_("{sum} in cash"), back.cash), (_("{sum} to the card"), back.card))
            if value
        ]
        text = _("Receipt No. {number}: {means} goes back. Refund it?").format(
            number=back.number, means=" + ".join(means) or sum_of(0)
        )
        title = _("Order No. {number}").format(number=order.number)
        if not await self.ask("confirm", title=title, text=text, fiscal=True, lamp=Lamp.AMBER):
            return False
        done = await self.work(self.till.give_back.give, order.id, reason=reason, slip=slip, approval=approval)
        if done.state is ReceiptState.DONE:
            number = ", ".join(item.result.number for item in done.documents if item.result is not None)
            await self.ask(
                "message",
                title=_("Given back"),
                text=_("Refund No. {number}, {sum}").format(number=number, sum=sum_of(done.receipt.due)),
                advice=_("It names the receipt No. {number}.").format(number=back.number),
                lamp=Lamp.GREEN,
            )
            return True
        if done.state is ReceiptState.UNKNOWN:
            await self.ask("unknown")
        elif done.fault is not None:
            await self.ask("message", error=done.fault, title=_("Not registered"))
        return False

    async def _put_in(self, back: Back) -> bool:
        """The cash that the registrar lacks, by one touch (V-3)."""
        text = _("The registrar lacks {sum}. Put it in now?").format(sum=sum_of(back.missing_cash))
        if not await self.ask("confirm", title=_("Service cash-in"), text=text, fiscal=True, lamp=Lamp.AMBER):
            return False
        document = await self.work(self.till.cash.put_in, back.binding, back.missing_cash, note=N_("Cash for a refund"))
        if not document.done:
            await tell(self, document)
        return document.done

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "back":
            self.action_give_back()
        else:
            self.action_settle()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)
