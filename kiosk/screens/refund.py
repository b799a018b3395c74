"""*Повернення* (cashier-flow.md V.2): find the sale → lines → reason, means and pre-checks → refund document → result.

Esc goes one step back and never sends anything; only the confirmed F6 of the last step does.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Label

from drivers.document import PaymentForm
from kiosk.i18n import _, explain, fill, moment, money, sum_of
from kiosk.ledger.records import Customer, DocumentState, Receipt, ReceiptLine, ReceiptState
from kiosk.screens import refund_questions as questions
from kiosk.screens.asking import not_printed, permit
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_, TillError
from kiosk.till.money import amount, read_money, read_quantity
from kiosk.till.refund import REASONS, Draft, Offer, Precheck, Refunded
from kiosk.till.rights import Right
from kiosk.till.stamps import looks as looks_like_stamp
from kiosk.till.workplace import Approval
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

OTHER_MEANS = (
    N_("The card is blocked or closed"),
    N_("The terminal does not refund"),
    N_("The buyer asks for cash"),
)


class Step(IntEnum):
    """Where the return stands."""

    FIND = 1
    LINES = 2
    MONEY = 3
    RESULT = 4


TITLES = {
    Step.FIND: N_("Find the sale"),
    Step.LINES: N_("What comes back"),
    Step.MONEY: N_("Money and checks"),
    Step.RESULT: N_("Result"),
}


class RefundScreen(KioskScreen[bool]):
    """Answers True when money went back. `receipt` is one that was scanned at the sale."""

    CSS_PATH = "refund.tcss"
    TITLE = N_("Return of goods")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "quantity", N_("Quantity"), tooltip=N_("Set the quantity that comes back")),
        Binding("f3", "change", N_("Change"), tooltip=N_("Change the line: one more comes back, after the last none")),
        Binding("f4", "cash_in", N_("Service cash-in"), tooltip=N_("Put the missing cash into the registrar")),
        Binding("f5", "look", N_("Refresh"), tooltip=N_("Run the checks, read the list again")),
        Binding("f6", "next", N_("Next"), tooltip=N_("The next step; before the refund it asks once more")),
        Binding("f7", "all", N_("All"), tooltip=N_("Everything that may still come back")),
        Binding("f8", "means", N_("Other means"), tooltip=N_("Another part to the card; a senior and a reason")),
        Binding("f9", "customer", N_("Customer"), tooltip=N_("Everything that a customer bought: scan the card")),
        Binding("ctrl+f11", "list", N_("By date, sum"), tooltip=N_("Select the receipt by date or sum")),
        Binding("ctrl+f4", "without", N_("No receipt"), tooltip=N_("Return without a receipt: scan the goods")),
        Binding("ctrl+p", "copy", N_("Copy"), tooltip=N_("Copy of the last document on the registrar")),
        Binding("escape", "back", N_("Back"), tooltip=N_("One step back; sends nothing")),
    ]

    def __init__(self, *, receipt: Receipt | None = None) -> None:
        super().__init__()
        self._given = receipt
        self.step = Step.FIND
        self._sales: Sequence[Receipt] = ()
        self._draft: Draft | None = None
        self._reason = ""
        self._card: int | None = None
        self._means_approval: Approval | None = None
        self._offer: Offer | None = None
        self._checks: Sequence[Precheck] = ()
        self.refunded: Refunded | None = None

    def body(self) -> ComposeResult:
        yield Label("", id="title", classes="title", markup=False)
        yield Input(placeholder=_("Receipt's barcode or number"), id="entry", max_length=64)
        with Horizontal(classes="list", id="sales-list"):
            yield Rows(
                [Column(_("No."), 6, "right"), Column(_("Time"), 11), Column(_("Sum"), 10, "right"),
                 Column(_("Means"), 14), Column(_("Came back"))],
                questions.sale_cells, id="sales", empty=_("No sale was found"),
            )  # fmt: skip
            yield PageKeys("#sales")
        with Horizontal(classes="list", id="lines-list"):
            yield Rows(
                [Column(_("Goods")), Column(_("Sold"), 8, "right"), Column(_("Came back"), 9, "right"),
                 Column(_("To return"), 9, "right"), Column(_("Sum"), 11, "right")],
                self._line, id="lines",
            )  # fmt: skip
            yield PageKeys("#lines")
        with Horizontal(classes="list", id="facts-list"):
            yield Rows([Column("", 30), Column("")], _fact, id="facts")
            yield PageKeys("#facts")
        yield Notice(id="note")
        yield Touch(_("Next"), id="go", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#entry", Input).cursor_blink = False
        self.query_one("#go", Touch).can_focus = False
        self._begin()

    @acting
    async def _begin(self) -> None:
        if self._given is not None:
            await self._open(self._given)
            return
        self._show(Step.FIND)
        self._list(await self.work(self.till.refunds.recent))

    # -- steps ----------------------------------------------------------------------------------------------------

    def _show(self, step: Step) -> None:
        self.step = step
        detail = ""
        if self._draft is not None and step is not Step.FIND:
            detail = " · " + _("receipt") + f" {self._draft.sale.number}, {moment(self._draft.sale.at)}"
        self.query_one("#title", Label).update(f"{self.name_on_screen} · {_(TITLES[step])}{detail}")
        shown = {Step.FIND: "sales", Step.LINES: "lines"}.get(step, "facts")
        for name in ("sales", "lines", "facts"):
            self.query_one(f"#{name}-list").display = name == shown
        self.query_one("#entry").display = step is Step.FIND
        focus = self.query_one("#entry", Input) if step is Step.FIND else self.query_one(f"#{shown}", Rows)
        focus.focus()
        labels = {Step.FIND: _("Open"), Step.MONEY: _("Refund the money"), Step.RESULT: _("Finish")}
        self.query_one("#go", Touch).label = labels.get(step, _("Next"))
        self.query_one("#note", Notice).clear()
        self.show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        steps = {
            "quantity": (Step.LINES,),
            "change": (Step.LINES,),
            "all": (Step.LINES,),
            "means": (Step.MONEY,),
            "cash_in": (Step.MONEY,),
            "customer": (Step.FIND,),
            "list": (Step.FIND,),
            "without": (Step.FIND,),
            "look": (Step.FIND, Step.MONEY),
            "copy": (Step.RESULT,),
        }
        if action == "cash_in":
            return self.step is Step.MONEY and self._missing is not None
        if action in steps:
            return self.step in steps[action]
        return super().check_action(action, parameters)

    @acting
    async def action_back(self) -> None:
        """One step back; money that went back stays back."""
        if self.step in (Step.FIND, Step.RESULT) or (self.step is Step.LINES and self._given is not None):
            self.dismiss(self.step is Step.RESULT)
        elif self.step is Step.MONEY:
            self._show(Step.LINES)
        else:
            self._draft = None
            self._show(Step.FIND)
            self._list(await self.work(self.till.refunds.recent))

    @acting
    async def action_next(self) -> None:
        if self.step is Step.FIND:
            await self._find(self.query_one("#entry", Input).value)
        elif self.step is Step.LINES:
            await self._why()
        elif self.step is Step.MONEY:
            await self._refund()
        else:
            self.dismiss(True)

    @acting
    async def action_look(self) -> None:
        if self.step is Step.MONEY:
            await self._check()
        else:
            self._list(await self.work(self.till.refunds.recent))

    # -- 1 find ---------------------------------------------------------------------------------------------------

    def _list(self, sales: Sequence[Receipt]) -> None:
        self._sales = sales
        self.query_one("#sales", Rows).fill(sales, 0)

    async def take_scan(self, text: str) -> None:
        """A receipt's barcode, or a customer's card."""
        if self.step is Step.FIND:
            await self._find(text)
        elif self.step is Step.LINES:
            await self._take_good(text)
        else:
            self.refuse_scan()

    async def _find(self, text: str) -> None:
        """The sales that a number means; with an empty field the one under the cursor."""
        if not text.strip():
            current = self.query_one("#sales", Rows).current
            if isinstance(current, Receipt):
                await self._open(current)
            return
        customer = await self.work(self.till.workplace.ledger.goods.customer, text.strip())
        if customer is not None:
            await self._bought(customer)
            return
        try:
            sales = await self.work(self.till.refunds.by_code, text)
        except TillError as error:
            self._refuse(error)
            return
        self.query_one("#entry", Input).value = ""
        if len(sales) == 1:
            await self._open(sales[0])
        else:
            self._list(sales)
            self.query_one("#note", Notice).say(Lamp.OFF, _("Several sales bear this number: choose one"))

    async def _open(self, sale: Receipt, *, without_receipt: bool = False, permit_: Approval | None = None) -> None:
        draft = await self.work(self.till.refunds.draft, sale.id, without_receipt=without_receipt, permit=permit_)
        self._draft = draft
        self._card, self._means_approval = None, None
        if not without_receipt:
            self._reason = ""
        self._show(Step.LINES)
        rows = self.query_one("#lines", Rows)
        rows.fill(draft.sale.lines, 0)
        if all(line.returned >= line.quantity for line in draft.sale.lines):
            self.query_one("#note", Notice).say(
                Lamp.RED, _("Everything of this receipt has come back already"), _("A second return is impossible.")
            )
        else:
            self._sum_up()

    @on(Input.Submitted, "#entry")
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_next()

    @on(Input.Changed, "#entry")
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if message.value:
            self.query_one("#note", Notice).clear()

    @on(Rows.Chosen, "#sales")
    def _sale_chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self._choose(self._sales[message.index])

    @acting
    async def _choose(self, sale: Receipt) -> None:
        await self._open(sale)

    def on_key(self, event: object) -> None:
        """Arrows move in the list of sales while the field keeps the focus."""
        key = getattr(event, "key", "")
        if self.step is Step.FIND and key in ("up", "down", "pageup", "pagedown"):
            rows = self.query_one("#sales", Rows)
            if key in ("up", "down"):
                rows.action_move(-1 if key == "up" else 1)
            else:
                rows.action_page(-1 if key == "pageup" else 1)

    @acting
    async def action_list(self) -> None:
        """Ctrl+F11: by day or by sum."""
        sales = await questions.by_day_or_sum(self)
        if sales is not None:
            self._list(sales)

    @acting
    async def action_customer(self) -> None:
        found = await questions.customer(self)
        if isinstance(found, str):
            self.query_one("#note", Notice).say(Lamp.RED, found)
            self.app.bell()
        elif found is not None:
            await self._bought(found)

    async def _bought(self, customer: Customer) -> None:
        self._list(await self.work(self.till.refunds.recent, customer=customer))
        self.query_one("#entry", Input).value = ""
        self.query_one("#note", Notice).say(Lamp.OFF, _("Purchases of {name}").format(name=customer.name))

    @acting
    async def action_without(self) -> None:
        """Ctrl+F4: right, PIN and reason; then the goods, then the sale they came from."""
        traced = await questions.without_receipt(self)
        if traced is None:
            return
        self._reason = traced.given.reason
        await self._open(traced.sale, without_receipt=True, permit_=traced.given.approval)
        line = next(i for i, one in enumerate(traced.sale.lines) if one.good_id == traced.good.id)
        self.query_one("#lines", Rows).move_to(line)

    # -- 2 lines --------------------------------------------------------------------------------------------------

    def _line(self, line: ReceiptLine) -> Cells:
        wanted = self._draft.wanted.get(line.id or 0, 0) if self._draft is not None else 0
        texts = (line.name, amount(line.quantity), amount(line.returned), amount(wanted), money(line.sum))
        lamp = Lamp.AMBER if wanted else Lamp.GREEN if line.fiscal else Lamp.RED
        return Cells(texts, lamp, 3 if wanted else 0)

    @property
    def _current(self) -> ReceiptLine | None:
        line = self.query_one("#lines", Rows).current
        return line if isinstance(line, ReceiptLine) else None

    @on(Rows.Chosen, "#lines")
    def _line_chosen(self, message: Rows.Chosen) -> None:
        """Enter: the whole line comes back; once more: it does not."""
        message.stop()
        if self._draft is None:
            return
        line = self._draft.sale.lines[message.index]
        wanted = self._draft.wanted.get(line.id or 0, 0)
        self._take(line, 0 if wanted else line.quantity - line.returned)

    @acting
    async def _take(self, line: ReceiptLine, quantity: int) -> None:
        await self._taken(line, quantity)

    async def _taken(self, line: ReceiptLine, quantity: int) -> None:
        if self._draft is None or line.id is None:
            return
        try:
            self._draft = await self.work(self.till.refunds.take, self._draft, line.id, quantity)
        except TillError as error:
            self._refuse(error)
            return
        self.query_one("#lines", Rows).refresh()
        self._sum_up()

    def _sum_up(self) -> None:
        draft = self._draft
        if draft is None:
            return
        self._offer = self.till.refunds.offer(draft)
        text = _("To return: {sum}").format(sum=sum_of(self._offer.due))
        hint = _("Enter: the whole line; F2: a part; F7: everything; then F6.")
        self.query_one("#note", Notice).say(Lamp.OFF, text, hint)

    async def _take_good(self, text: str) -> None:
        """A scan of goods adds one of them to what comes back."""
        if self._draft is None:
            return
        line = next((one for one in self._draft.sale.lines if text in (one.barcode, one.code)), None)
        if line is None and looks_like_stamp(text):
            await self._take_stamp(text)
            return
        if line is None:
            self.refuse_scan()
            return
        self.query_one("#lines", Rows).move_to(self._draft.sale.lines.index(line))
        wanted = self._draft.wanted.get(line.id or 0, 0)
        await self._taken(line, min(wanted + 1000, line.quantity - line.returned) if not wanted else wanted + 1000)

    async def _take_stamp(self, text: str) -> None:
        """A bottle is known by its excise stamp, which is free again after the refund (V-10)."""
        assert self._draft is not None
        before = self._draft
        try:
            self._draft = await self.work(self.till.refunds.take_stamp, before, text)
        except TillError as error:
            self._refuse(error)
            return
        for index, line in enumerate(before.sale.lines):
            if self._draft.wanted.get(line.id or 0, 0) != before.wanted.get(line.id or 0, 0):
                self.query_one("#lines", Rows).move_to(index)
        self.query_one("#lines", Rows).refresh()
        self._sum_up()

    @acting
    async def action_quantity(self) -> None:
        line = self._current
        if line is None:
            return
        rest = line.quantity - line.returned
        whole = line.quantity % 1000 == 0
        typed = await self.ask(
            "number",
            title=_("Set return quantity"),
            text=f"{line.name}: " + _("at most") + f" {amount(rest)} {line.unit}",
            value=amount(rest),
            check=lambda text: text in ("", "0") or read_quantity(text, whole=whole),
        )
        if typed is not None:
            await self._taken(line, 0 if typed in ("", "0") else read_quantity(typed, whole=whole))

    @acting
    async def action_change(self) -> None:
        line = self._current
        if line is None or self._draft is None:
            return
        wanted = self._draft.wanted.get(line.id or 0, 0) + 1000
        rest = line.quantity - line.returned
        await self._taken(line, wanted if wanted <= rest else 0)

    @acting
    async def action_all(self) -> None:
        if self._draft is not None:
            self._draft = await self.work(self.till.refunds.take_all, self._draft)
            self.query_one("#lines", Rows).refresh()
            self._sum_up()

    # -- 3 reason, money, checks ----------------------------------------------------------------------------------

    async def _why(self) -> None:
        if self._draft is None or not self._draft.chosen:
            self.query_one("#note", Notice).say(Lamp.RED, _("Choose at least one line"))
            self.app.bell()
            return
        if not self._reason:
            index = await self.ask("choose", title=_("Reason of the return"), rows=[(_(one), "") for one in REASONS])
            if index is None:
                return
            self._reason = REASONS[index]
        self._show(Step.MONEY)
        await self._check()

    async def _check(self) -> None:
        """The money and every condition, as one list."""
        if self._draft is None:
            return
        self._offer = await self.work(self.till.refunds.offer, self._draft, card=self._card)
        self._checks = await self.work(self.till.refunds.checks, self._draft, card=self._card)
        offer = self._offer
        facts: list[tuple[str, str, Lamp]] = [(_("Reason"), _(self._reason), Lamp.OFF)]
        facts.append((_("To pay out"), sum_of(offer.due), Lamp.OFF))
        if offer.rounding:
            facts.append((_("Cash rounding"), sum_of(offer.rounding), Lamp.OFF))
        if offer.card:
            facts.append((_("To the card"), sum_of(offer.card), Lamp.OFF))
        if offer.cash:
            facts.append((_("In cash"), sum_of(offer.cash), Lamp.OFF))
        for check in self._checks:
            values = check.values or {}
            found = fill(check.value, values) if check.value else _("yes")
            text = found if check.passed else fill(check.advice, values)
            lamp = Lamp.GREEN if check.passed else Lamp.AMBER if check.helps else Lamp.RED
            facts.append((_(check.name), text, lamp))
        self.query_one("#facts", Rows).fill(facts, 0)
        note = self.query_one("#note", Notice)
        missing = self._missing
        if missing is not None:
            text = _("Cash is missing in the registrar: {sum}").format(sum=sum_of(missing.missing_cash))
            note.say(Lamp.AMBER, text, _("F4: service cash-in of this sum"))
        elif any(not check.passed and not check.helps for check in self._checks):
            note.say(Lamp.RED, _("The return is not possible yet: see the red lines"))
        else:
            note.say(Lamp.GREEN, _("All conditions are met"), _("F6 refunds the money."))
        self.show_keys()

    @property
    def _missing(self) -> Precheck | None:
        return next((check for check in self._checks if check.missing_cash), None)

    @acting
    async def action_cash_in(self) -> None:
        """One touch: the cash-in with the missing sum filled in."""
        missing = self._missing
        if missing is not None:
            await self.ask("cash", out=False, value=missing.missing_cash, binding=missing.binding)
            await self._check()

    @acting
    async def action_means(self) -> None:
        """Another part to the card: a senior, a PIN and a reason."""
        offer = self._offer
        if offer is None:
            return

        def within(text: str) -> None:
            self.till.refunds.offer(self._draft, card=read_money(text, zero=True))  # type: ignore[arg-type]

        typed = await self.ask(
            "number",
            title=_("How much to the card?"),
            text=_("At most {sum}, the rest in cash").format(sum=sum_of(offer.most_card)),
            value=money(offer.card).replace("\u00a0", ""),
            check=within,
        )
        if typed is None:
            return
        card = read_money(typed, zero=True)
        if card != offer.usual_card:
            what = _("Money goes back by another means than it came")
            given = await permit(self, Right.REFUND_OTHER_MEANS, what, [_(one) for one in OTHER_MEANS])
            if given is None:
                return
            self._means_approval = given.approval
        self._card = card
        await self._check()

    async def _refund(self) -> None:
        """Help above the limit, slip of the card, one more question, then the document."""
        draft, offer = self._draft, self._offer
        if draft is None or offer is None:
            return
        blocked = next((check for check in self._checks if not check.passed and not check.helps), None)
        if blocked is not None:
            self.query_one("#note", Notice).say(
                Lamp.RED, fill(blocked.advice, blocked.values or {}), _("F4: service cash-in of this sum")
                if blocked.missing_cash else "",
            )  # fmt: skip
            self.app.bell()
            return
        limit = self.till.workplace.settings.policy.refund_limit
        late = any(not check.passed and check.helps for check in self._checks)
        what = _("A return after the period") if late else _("A return above {limit}").format(limit=sum_of(limit))
        given = await permit(self, Right.REFUND_ANY, what, needed=late or offer.due > limit)
        if given is None:
            return
        slip = None
        if offer.card:
            slip = await self.ask("card_slip", due=offer.card)
            if slip is None:
                return
        text = _("Give back {cash} in cash and {card} to the card?").format(
            cash=sum_of(offer.cash), card=sum_of(offer.card)
        )
        title = _("Refund {sum}").format(sum=sum_of(offer.due))
        if not await self.ask("confirm", title=title, text=text, yes=_("Refund"), fiscal=True):
            return
        done = await self.work(
            self.till.refunds.refund,
            draft,
            reason=self._reason,
            card=self._card,
            slip=slip,
            approval=given.approval,
            means_approval=self._means_approval,
        )
        if done.state is ReceiptState.DONE:
            await self.work(self.till.sale.print_slips)
        self.refunded = done
        await self._result(done)

    # -- 4 result -------------------------------------------------------------------------------------------------

    async def _result(self, done: Refunded) -> None:
        if done.state is ReceiptState.FAILED:
            what, advice = explain(done.fault) if done.fault is not None else (_("Nothing was registered"), "")
            risk = _("No refund was registered: give no money out.")
            await self.ask("message", title=_("Not returned"), text=f"{what}\n{risk}", advice=advice, lamp=Lamp.RED)
            await self._check()
            return
        if done.state is ReceiptState.UNKNOWN:
            await self.ask("unknown")
            settled = await self.work(self.till.workplace.ledger.receipts.receipt, done.receipt.id)
            if settled.state is not ReceiptState.DONE:
                self.dismiss(False)
                return
        elif done.state is ReceiptState.PENDING:
            await self.ask("unknown")
            self.dismiss(False)
            return
        self._show(Step.RESULT)
        receipt = done.receipt
        cash = sum(payment.amount for payment in receipt.payments if payment.form is PaymentForm.CASH)
        numbers = ", ".join(item.result.number for item in done.documents if item.result is not None) or "-"
        facts = [
            (_("Refund document No."), numbers, Lamp.GREEN),
            (_("Give out in cash"), sum_of(cash), Lamp.GREEN if cash else Lamp.OFF),
            (_("To the card"), sum_of(receipt.due - cash), Lamp.OFF),
            (_("Reason"), _(receipt.reason), Lamp.OFF),
        ]
        self.query_one("#facts", Rows).fill(facts, 0)
        note = self.query_one("#note", Notice)
        waiting = await self.work(self.till.workplace.ledger.receipts.waiting_slips)
        if any(item.state is DocumentState.NOT_PRINTED for item in done.documents):
            note.say(Lamp.AMBER, _("The return is registered"), not_printed())
        elif waiting:
            note.say(Lamp.AMBER, _("The return is registered"), _("The slip waits for paper."))
        else:
            note.say(Lamp.GREEN, _("The return is registered"), _("Give out the money and the paper."))

    @acting
    async def action_copy(self) -> None:
        await self.work(self.till.sale.copy_last)
        self.query_one("#note", Notice).say(Lamp.GREEN, _("A copy was printed"))

    # -- parts ----------------------------------------------------------------------------------------------------

    @on(Rows.Chosen, "#facts")
    def _fact_chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        if self.step is Step.RESULT:
            self.action_next()

    @on(Touch.Pressed, "#go")
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_next()

    def _refuse(self, error: TillError) -> None:
        self.query_one("#note", Notice).say(Lamp.RED, *explain(error))
        self.app.bell()


def _fact(fact: tuple[str, str, Lamp]) -> Cells:
    mark = {Lamp.GREEN: "■ ", Lamp.RED: "x ", Lamp.AMBER: "! "}.get(fact[2], "  ")
    return Cells((f"{mark}{fact[0]}", fact[1]), fact[2])
