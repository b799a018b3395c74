"""The sale (cashier-flow.md IV.1): scans become lines; everything else is one key or one touch away.

    status bar
    Код > 4820000000075
    ■ Молоко 2,5 %  2 шт × 45,90 = 91,80
     № Товар … (ReceiptView)
    [↑] [↓] [−] [+] [Код]   ФІСК. … РАЗОМ …   [F6 Оплата]
    key bar

A scan is one message and one call of the till; the basket it answers with is drawn row by row. The till has stored the
basket before it is shown, so a kill loses nothing that the cashier saw.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from drivers.registrar import Mode
from kiosk.i18n import _, explain, money
from kiosk.ledger.records import Customer, Good, ReceiptState
from kiosk.screens import exists
from kiosk.screens import sale_questions as questions
from kiosk.screens.offline_blocked import go_reserve
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till import stamps
from kiosk.till.basket import Basket
from kiosk.till.errors import N_, Denied, Doubt, Refusal
from kiosk.till.money import amount
from kiosk.till.receipts import new_basket_id
from kiosk.till.rights import Right
from kiosk.till.sale import Entered, Happened, Paid
from kiosk.till.status import StatusView
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.key_strip import KeyStrip, StripKey
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.receipt_view import ReceiptView
from kiosk.widgets.scan import Scanned
from kiosk.widgets.totals import Totals, buyer

PIECE = 1000
STEPS = (StripKey("up", "↑"), StripKey("down", "↓"), StripKey("less", "-"), StripKey("more", "+"))
RED_REASONS = (N_("goods of a business without a registrar"), N_("internal transfer"), N_("the owner's decision"))


class SaleScreen(KioskScreen[None]):
    """The basket in front of the cashier."""

    CSS_PATH = "sale.tcss"
    TITLE = N_("Sale")
    VERTICAL_BREAKPOINTS = [(0, "-narrow"), (22, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "quantity", N_("Qty"), tooltip=N_("Quantity of the current line")),
        Binding("f3", "search", N_("Search"), tooltip=N_("Search by name")),
        Binding("f4", "park", N_("Park / recall"), tooltip=N_("Park the basket, or recall a parked one")),
        Binding("f5", "checklist", N_("Checks"), tooltip=N_("Checklist, refresh states")),
        Binding("f6", "pay", N_("Pay"), tooltip=N_("Pay: opens the payment window")),
        Binding("f7", "orders", N_("Orders"), tooltip=N_("Open orders: advances, debts, final settlement")),
        Binding("f8", "discount", N_("Dis- count"), tooltip=N_("Discount (with right)")),
        Binding("f9", "customer", N_("Buyer"), tooltip=N_("Customer or discount card")),
        Binding("f11", "registrar", N_("Registrar"), tooltip=N_("Registrar: open, X, Z, cash in, cash out, state")),
        Binding("f12", "refund", N_("Return"), tooltip=N_("Return of goods")),
        Binding("delete", "remove", N_("Remove line"), tooltip=N_("Remove the current line")),
        Binding("ctrl+delete", "clear", N_("Clear"), tooltip=N_("Clear the basket (asks first)")),
        Binding("ctrl+f12", "colour", N_("Green / red"), tooltip=N_("Whole receipt fiscal or non-fiscal")),
        Binding("ctrl+e", "stamps", N_("Stamps"), tooltip=N_("Excise stamps of the receipt")),
        Binding("ctrl+z", "storno", N_("Storno"), tooltip=N_("Storno of the last document")),
        Binding("ctrl+p", "copy", N_("Copy"), tooltip=N_("Copy of the last receipt")),
        Binding("up", "move(-1)", N_("Up"), show=False, tooltip=N_("The line above")),
        Binding("down", "move(1)", N_("Down"), show=False, tooltip=N_("The line below")),
        Binding("pageup", "page(-1)", N_("Page up"), show=False, tooltip=N_("A page of lines up")),
        Binding("pagedown", "page(1)", N_("Page down"), show=False, tooltip=N_("A page of lines down")),
        Binding("plus", "more(1)", N_("One more"), show=False, tooltip=N_("One more piece (while nothing is typed)")),
        Binding("minus", "more(-1)", N_("One less"), show=False, tooltip=N_("One piece less (while nothing is typed)")),
        Binding("escape", "back", N_("Back"), show=False, tooltip=N_("Forget what is typed; sends nothing")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._basket = Basket(new_basket_id())

    def body(self) -> ComposeResult:
        yield EntryLine(_("Code"), keep=("plus", "minus"), id="entry")
        yield Notice(id="notice")
        yield ReceiptView(empty=_("Scan goods, type a code, or search by name (F3)"), id="lines")
        with Horizontal(id="foot"):
            yield KeyStrip(STEPS, id="steps")
            yield Totals(id="totals")
            yield KeyStrip((StripKey("code", _("Code")),), id="typing")
            yield KeyStrip((StripKey("pay", _("F6 Pay"), main=True),), id="pay")

    def on_mount(self) -> None:
        super().on_mount()
        self._notice = self.query_one("#notice", Notice)
        self._lines = self.query_one("#lines", ReceiptView)
        self._totals = self.query_one("#totals", Totals)
        self._entry = self.query_one("#entry", EntryLine)
        self._entry.focus()
        self.call_after_refresh(self.reload)

    @acting
    async def reload(self) -> None:
        """The basket as the till has it: after the start, and after another screen worked with it."""
        await self._reread()

    def on_screen_resume(self) -> None:
        self.query_one("#entry", EntryLine).focus()

    # -- entries --------------------------------------------------------------------------------------------------

    async def take_scan(self, text: str) -> None:
        """One scan, or one typed entry."""
        sale = self.till.sale
        try:
            entered: Entered = await self.work(sale.enter, text, quiet=True)
        except Refusal as refusal:
            if refusal.code == "NEEDS_WEIGHT" and isinstance(refusal.values.get("good"), Good):
                await self._weigh(refusal.values["good"])  # type: ignore[arg-type]
            else:
                await self.show_error(refusal)
            return
        await self._entered(entered)

    async def _entered(self, entered: Entered) -> None:
        self._show(entered.basket)
        if entered.happened is Happened.ADDED:
            self._tell_line(entered.basket)
        elif entered.happened is Happened.STAMP:
            self._tell_stamps(entered.basket)
        elif entered.happened is Happened.CUSTOMER:
            self._tell_customer(entered.basket.customer)
        elif entered.happened is Happened.RECEIPT:
            await self._open("refund", receipt=entered.receipt)
        else:
            await self._search(self._entry.value or "", entered.found)

    @on(EntryLine.Submitted)
    def _submitted(self, message: EntryLine.Submitted) -> None:
        """A typed entry queues like a scan."""
        message.stop()
        self._entry.put("")
        if message.text.strip():
            self.on_scanned(Scanned(message.text))

    @on(EntryLine.Changed)
    def _typing(self, message: EntryLine.Changed) -> None:
        message.stop()
        if self._notice.lamp is Lamp.RED:
            self._notice.clear()

    async def _weigh(self, good: Good) -> None:
        self.app.bell()
        weight = await questions.weight(self, good)
        if weight is not None:
            await self._entered(await self.work(self.till.sale.pick, good, weight))

    # -- keys -----------------------------------------------------------------------------------------------------

    @acting
    async def action_quantity(self) -> None:
        await self._quantity()

    async def _quantity(self) -> None:
        basket = self._current()
        quantity = await questions.quantity(self, basket.lines[basket.current])
        if quantity is not None:
            self._show(await self.work(self.till.sale.set_quantity, quantity, quiet=True))
            self._tell_line(self._basket)

    @acting
    async def action_more(self, pieces: int) -> None:
        """The ± keys; a weighed line is asked for its weight instead."""
        basket = self._current()
        line = basket.lines[basket.current]
        if line.good.weighed:
            await self._quantity()
            return
        self._show(await self.work(self.till.sale.set_quantity, line.quantity + pieces * PIECE, quiet=True))
        self._tell_line(self._basket)

    @acting
    async def action_search(self) -> None:
        await self._search(self._entry.value)

    async def _search(self, text: str = "", found: tuple[Good, ...] = ()) -> None:
        self._entry.put("")
        good = await questions.good(self, text, found)
        if good is None:
            return
        try:
            await self._entered(await self.work(self.till.sale.pick, good, quiet=True))
        except Refusal as refusal:
            if refusal.code != "NEEDS_WEIGHT":
                raise
            await self._weigh(good)

    @acting
    async def action_park(self) -> None:
        """With goods in hand: park them. With none: choose a parked basket."""
        sale = self.till.sale
        if self._basket.lines:
            total = self._basket.total
            self._show(await self.work(sale.park))
            self._notice.say(Lamp.GREEN, _("Parked: {total}").format(total=money(total)), _("F4 brings it back."))
            return
        parked = await self.work(sale.parked)
        if not parked:
            raise Refusal("NOTHING_PARKED", N_("No basket is parked"))
        chosen = await questions.parked(self, parked)
        if chosen is not None:
            self._show(await self.work(sale.recall, chosen.id))
            self._notice.say(Lamp.GREEN, _("The parked basket is back"))

    def action_checklist(self) -> None:
        self.open_checklist()

    @acting
    async def action_pay(self) -> None:
        """F6: the window opens where the till may sell; what it answers decides what is shown next."""
        if not await self._may_pay():
            return
        if self._basket.lines and stamps.missing(self._basket) and not await self._stamps():
            return
        quote = await self.work(self.till.sale.ready)
        step = await self.work(self.till.workplace.rounding_step, quiet=True)
        card, slip, wish = 0, None, None
        while True:
            paid: Paid | None = await self.ask(
                "payment", basket=self._basket, quote=quote, step=step, card=card, slip=slip, wish=wish
            )
            if paid is None or not await self.ask("outcome", paid=paid):
                break
            # The terminal took the card's money already: the repeated payment begins with the same slip.
            by_card = [payment for payment in paid.receipt.payments if payment.card is not None]
            card, slip = (by_card[0].amount, by_card[0].card) if by_card else (0, None)
            wish = paid.wish
        self._notice.clear()
        await self._reread()
        if paid is not None and paid.state is ReceiptState.UNKNOWN:
            await self._open("unknown")

    async def _may_pay(self) -> bool:
        """Without a link the line is asked for once more before a blocked till says so (cashier-flow.md VI.2)."""
        view = self.kiosk.view
        if view is None or view.offline is None or view.offline.sells or not self._basket.lines:
            return True
        binding = await self.work(self.till.workplace.main_binding)
        seen = await self.work(self.till.offline.probe, binding)
        self.kiosk.look()
        if seen is None or seen.sells or seen.mode is Mode.SYNCING:
            # The till's own refusal says how far the synchronisation is; it needs no dialog.
            return True
        if seen.mode is Mode.REJECTED:
            await self._open("sync_rejected")
            return False
        self.app.bell()
        answer = await self.ask("offline_blocked", seen=seen)
        if answer == "trouble":
            await self._open("prro_trouble")
        elif answer == "reserve":
            await go_reserve(self)
        return False

    def show_status(self, view: StatusView) -> None:
        super().show_status(view)
        blocked = view.offline is not None and not view.offline.sells
        key = StripKey("pay", _("Selling forbidden"), off=True) if blocked else StripKey("pay", _("F6 Pay"), main=True)
        for strip in self.query("#pay").results(KeyStrip):
            strip.show((key,))

    @acting
    async def action_orders(self) -> None:
        """F7: the order that was chosen comes into the basket; F6 settles it, F9 there takes another part."""
        taken = await self.ask("orders", customer=self._basket.customer, busy=bool(self._basket.lines))
        await self._reread()
        if taken:
            basket = self._basket
            text = _("Order No. {number}: {rest} to pay").format(number=basket.order_number, rest=money(basket.rest))
            self._notice.say(Lamp.GREEN, text, _("F6 pays the rest; F9 there takes a part of it."))

    @acting
    async def action_stamps(self) -> None:
        self._current()
        await self._stamps()

    async def _stamps(self) -> bool:
        """The stamps window; True when no line lacks one."""
        await self.ask("stamps", basket=self._basket)
        await self._reread()
        return not stamps.missing(self._basket)

    @acting
    async def action_discount(self) -> None:
        self._current()
        go_on, approval, _reason = await questions.approval(self, Right.DISCOUNT, _("Discount"))
        if not go_on:
            return
        how = await questions.discount(self)
        if how is None:
            return
        changed = await self.work(self.till.sale.discount, approval=approval, **how)
        self._show(changed)
        self._notice.say(Lamp.GREEN, f"{_('Discount')}: {money(changed.discounts)}")

    @acting
    async def action_customer(self) -> None:
        if self._basket.customer is not None:
            drop = await self.ask(
                "confirm",
                title=_("Customer"),
                text=self._basket.customer.name,
                yes=_("Another"),
                no=_("Keep"),
            )
            if not drop:
                return
            self._show((await self.work(self.till.sale.customer, None)).basket)
        customer = await questions.customer(self)
        if customer is not None:
            await self._entered(await self.work(self.till.sale.customer, customer))

    @acting
    async def action_registrar(self) -> None:
        await self._open("registrar_menu")

    @acting
    async def action_refund(self) -> None:
        await self._open("refund")

    @acting
    async def action_remove(self) -> None:
        basket = self._current()
        name = basket.lines[basket.current].good.name
        self._show(await self.work(self.till.sale.remove, quiet=True))
        self._notice.say(Lamp.AMBER, _("Removed: {name}").format(name=name))

    @acting
    async def action_clear(self) -> None:
        if await questions.clear(self, self._current()):
            self._show(await self.work(self.till.sale.clear))
            self._notice.say(Lamp.AMBER, _("The basket is empty"))

    @acting
    async def action_colour(self) -> None:
        """Ctrl+F12. Green to red wants right, reason and PIN; without the right nothing changes (IV-6)."""
        sale = self.till.sale
        if self._basket.red:
            self._show(await self.work(sale.toggle_red))
            self._notice.say(Lamp.GREEN, _("The receipt is fiscal again"))
            return
        go_on, approval, reason = await questions.approval(
            self, Right.NONFISCAL, _("The whole receipt becomes NON-FISCAL"), [_(item) for item in RED_REASONS]
        )
        if not go_on:
            return
        self._show(await self.work(sale.toggle_red, reason=reason, approval=approval))
        self._notice.say(Lamp.RED, _("The whole receipt is NON-FISCAL"), reason)

    @acting
    async def action_storno(self) -> None:
        """Ctrl+Z: a software registrar cancels its last document; hardware cannot: the key leads to refund and act."""
        binding = await self.work(self.till.stornos.offered)
        if binding is not None:
            await self._open("storno", binding=binding)
            return
        go_on, approval, _reason = await questions.approval(self, Right.STORNO, _("Storno of the last document"))
        if not go_on:
            return
        try:
            await self.work(self.till.sale.storno, approval)
        except Refusal as refusal:
            if refusal.code != "NO_STORNO":
                raise
            what, advice = explain(refusal)
            if await self.ask(
                "confirm", title=_("Storno"), text=f"{what}. {advice}", yes=_("Refund and act"), lamp=Lamp.AMBER
            ):
                await self._open("correction", approval=approval)

    @acting
    async def action_copy(self) -> None:
        await self.work(self.till.sale.copy_last)
        self._notice.say(Lamp.GREEN, _("A copy of the last receipt was printed"))

    @acting
    async def action_move(self, by: int) -> None:
        self._show(await self.work(self.till.sale.choose, self._basket.current + by, quiet=True))

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self._lines.page)

    def action_back(self) -> None:
        self._entry.put("")
        self._notice.clear()

    # -- touch ----------------------------------------------------------------------------------------------------

    @on(KeyStrip.Pressed)
    def _pressed(self, message: KeyStrip.Pressed) -> None:
        message.stop()
        key = message.name
        if key == "pay":
            self.action_pay()
        elif key == "code":
            self._type_code()
        elif key in ("up", "down"):
            self.action_move(-1 if key == "up" else 1)
        else:
            self.action_more(1 if key == "more" else -1)

    @on(ReceiptView.Picked)
    def _picked(self, message: ReceiptView.Picked) -> None:
        message.stop()
        self.action_move(message.index - self._basket.current)

    @acting
    async def _type_code(self) -> None:
        """A code for fingers: digits, `*` is F2 afterwards."""
        typed = await self.ask("number", title=_("Barcode or article"))
        if typed:
            await self.take_scan(typed)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _show(self, basket: Basket) -> None:
        self._basket = basket
        self._lines.show(basket)
        self._totals.show(basket)
        self._entry.tag(*buyer(basket))

    async def _reread(self) -> None:
        sale = self.till.sale
        self._show(await self.work(lambda: sale.basket, quiet=True))

    def _current(self) -> Basket:
        """The basket, which must have a line to work on."""
        if not self._basket.lines:
            raise Refusal("EMPTY_BASKET", N_("The basket is empty"))
        return self._basket

    def _tell_line(self, basket: Basket) -> None:
        line = basket.lines[basket.current]
        lamp = Lamp.GREEN if basket.is_fiscal(line) else Lamp.OFF
        text = (
            f"{line.good.name}  {amount(line.quantity)} {line.good.unit} x {money(line.price)}"
            f" = {money(basket.sum_of(line))}"
        )
        advice = _("Check the buyer's age: 18+") if line.good.adult else ""
        if len(line.excise) < stamps.needed(line):
            advice = f"{_('Scan the excise stamp')}. {advice}".strip()
        self._notice.say(lamp, text, advice)

    def _tell_stamps(self, basket: Basket) -> None:
        line = basket.lines[basket.current]
        text = _("{name}: {count} of {needed} excise stamps").format(
            name=line.good.name, count=len(line.excise), needed=stamps.needed(line)
        )
        self._notice.say(Lamp.AMBER if stamps.missing(basket) else Lamp.GREEN, text, line.excise[-1])

    def _tell_customer(self, customer: Customer | None) -> None:
        if customer is not None:
            percent = amount(customer.discount * 10)
            self._notice.say(Lamp.GREEN, _("Customer {name}: {percent} %").format(name=customer.name, percent=percent))

    async def _open(self, name: str, **arguments: Any) -> None:
        """Another screen on top; the basket stays and is read again after it."""
        if not exists(name):
            raise Refusal("NO_SCREEN", N_("This till has no such screen"))
        await self.ask(name, **arguments)
        if self.is_running:
            await self._reread()

    async def show_error(self, error: BaseException) -> None:
        """What was refused stands in the red bar with a beep and stops nobody; the rest is a dialog."""
        if isinstance(error, Refusal) and not isinstance(error, Denied):
            what, advice = explain(error)
            self._notice.say(Lamp.RED, what, advice)
            self.app.bell()
            return
        await super().show_error(error)
        if isinstance(error, Doubt) and exists("unknown"):
            await self._open("unknown")
