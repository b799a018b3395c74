"""The payment window (cashier-flow.md IV.2): F6 opens it, Ctrl+Enter confirms, Esc goes back and sends nothing.

    typing ── Ctrl+Enter ──► checks (money, card's data, odd change) ──► «Реєструється…» ──► answers the till's `Paid`

Nothing is stored or sent before the till's `pay`, and that is called once: the window ends with its answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from drivers.document import CardSlip
from kiosk.i18n import _, money
from kiosk.screens.offline_words import sentence
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till import payment
from kiosk.till.basket import Basket
from kiosk.till.errors import N_, Refusal, TillError
from kiosk.till.money import read_money
from kiosk.till.payment import Quote, Wish
from kiosk.till.sale import Paid
from kiosk.till.status import StatusView
from kiosk.widgets.keypad import CLEAR, DELETE, ENTER, Keypad
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.payment_view import CARD, CASH, TYPED, Figures, PaymentView
from kiosk.widgets.touch import Touch

NOTES = (50, 100, 200, 500, 1000)
"""Banknotes of one tap, hryvnias."""
ODD_CHANGE = 1_000_00
"""Kopecks. Change of the largest banknote or more means that too much was typed: it is asked about."""


class PaymentScreen(KioskScreen[Paid]):
    """`card` and `slip` come back from a payment that failed after the terminal had taken the money."""

    CSS_PATH = "payment.tcss"
    TITLE = N_("Payment")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7", "all_card", N_("All by card"), tooltip=N_("The whole fiscal sum by card")),
        Binding("f8", "split", N_("Part by card"), tooltip=N_("Split: type the sum that goes to the card")),
        Binding("f9", "advance", N_("Advance"), tooltip=N_("Advance: only a part of the price now, or pay later")),
        Binding("ctrl+enter,ctrl+j", "confirm", N_("Confirm"), tooltip=N_("Confirm: registers the receipt")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the basket; sends nothing")),
    ]

    def __init__(
        self,
        *,
        basket: Basket,
        quote: Quote,
        step: int,
        card: int = 0,
        slip: CardSlip | None = None,
        wish: Wish | None = None,
    ) -> None:
        super().__init__()
        self._wish = wish
        self._basket = basket
        self._step = step
        self._figures = Figures(quote)
        self._slip = slip
        self._sent = False
        self._blocked = False
        if card or wish is not None:
            self._figures = Figures(self._quote(card, 0))

    def body(self) -> ComposeResult:
        with Horizontal(id="payment"):
            with Vertical(id="left"):
                yield PaymentView(self._figures, id="figures")
                with Horizontal(id="notes"):
                    for note in NOTES:
                        yield Touch(str(note), id=f"note{note}")
                yield Touch(_("Confirm Ctrl+Enter"), id="confirm", classes="-main")
            with Vertical(id="right"):
                yield Keypad()
                yield Notice(id="hint")
                with Horizontal(id="cards"):
                    yield Touch(_("F7 All by card"), id="all_card")
                    yield Touch(_("F8 Part by card"), id="split")
                    yield Touch(_("F9 Advance"), id="advance")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self._view.focus()
        self._view.note = self._note
        self._hint()

    def show_status(self, view: StatusView) -> None:
        """The link may go, and with it the permit, while the cashier types: the key says so before it is pressed."""
        super().show_status(view)
        blocked = view.offline is not None and not view.offline.sells
        if blocked != self._blocked and not self._sent and self.query("#hint"):
            self._blocked = blocked
            self.query_one("#confirm", Touch).disabled = blocked
            self._hint()
            if blocked and view.offline is not None:
                self.query_one("#hint", Notice).say(Lamp.RED, *sentence(view.offline))

    @property
    def _view(self) -> PaymentView:
        return self.query_one("#figures", PaymentView)

    # -- typing ---------------------------------------------------------------------------------------------------

    def _quote(self, card: int, received: int) -> Quote:
        part = None if self._wish is None else self._wish.amount
        return payment.quote(self._basket, step=self._step, card=card, received=received, part=part)

    @property
    def _note(self) -> tuple[str, str] | None:
        """What the sum to pay is a part of, or what was paid before."""
        if self._wish is not None:
            kind = _("Now; the rest is a debt, of") if self._wish.later else _("Advance of")
            return kind, money(self._basket.rest)
        if self._basket.order is not None:
            return _("Paid before") if self._basket.later else _("Advance counted"), money(self._basket.paid)
        return None

    def _show(self, figures: Figures) -> None:
        self._figures = figures
        self._view.show(figures)
        self._hint()

    def _hint(self) -> None:
        quote = self._figures.quote
        hint = self.query_one("#hint", Notice)
        if self._figures.field == CARD:
            hint.say(Lamp.OFF, _("Sum by card, then Enter"))
        elif quote.rest and not quote.received:
            hint.say(Lamp.OFF, _("Enter: exact sum"), _("or type the cash received"))
        elif quote.rest:
            hint.say(Lamp.AMBER, _("Still to pay: {rest}").format(rest=money(quote.rest)))
        else:
            hint.say(Lamp.GREEN, _("Ctrl+Enter confirms"))

    @on(PaymentView.Typed)
    def _typed(self, message: PaymentView.Typed) -> None:
        message.stop()
        self._type(message.key)

    def _type(self, key: str) -> None:
        if self._sent:
            return
        figures = self._figures
        text = figures.card if figures.field == CARD else figures.cash
        text = "" if key == CLEAR else text[:-1] if key == DELETE else text + key
        text = text.lstrip("0") if text[:2].isdigit() else text
        if not TYPED.fullmatch(text):
            self.app.bell()
            return
        if figures.field == CARD:
            self._show(replace(figures, card=text))
        else:
            self._show(replace(figures, cash=text, quote=self._quote(figures.quote.card, _kopecks(text))))

    @on(PaymentView.Entered)
    def _entered(self, message: PaymentView.Entered) -> None:
        message.stop()
        self.action_enter()

    @acting
    async def action_enter(self) -> None:
        """Enter: an empty cash field is the exact sum; a card sum wants the slip's data next."""
        await self._enter()

    async def _enter(self) -> None:
        figures = self._figures
        if figures.field == CARD:
            await self._take_card(_kopecks(figures.card))
        elif not figures.cash:
            self._exact()

    def _exact(self) -> None:
        quote = self._figures.quote
        self._show(replace(self._figures, cash="", quote=self._quote(quote.card, quote.cash_due)))

    async def _take_card(self, card: int) -> None:
        """Another card sum. More than the fiscal lines cost is refused and changes nothing."""
        received = _kopecks(self._figures.cash)
        quote = self._quote(card, received)
        if card != self._figures.quote.card:
            self._slip = None
        self._show(Figures(quote, cash=self._figures.cash))
        if card and self._slip is None:
            self._slip = await self.ask("card_slip", due=card)

    @acting
    async def action_all_card(self) -> None:
        """F7: the fiscal part to the card; what is not fiscal stays cash."""
        self._show(replace(self._figures, cash="", field=CASH))
        await self._take_card(self._figures.quote.total if self._part else self._basket.fiscal)

    def action_split(self) -> None:
        """F8: the keys now type the card's sum; again F8 goes back to cash."""
        if self._sent or self.in_action:
            return
        field = CARD if self._figures.field == CASH else CASH
        self._show(replace(self._figures, field=field, card=""))

    @property
    def _part(self) -> bool:
        """Whether only a part of the basket's price is taken here."""
        return self._wish is not None or self._basket.order is not None

    @acting
    async def action_advance(self) -> None:
        """F9: an advance (or the goods on credit); again F9 goes back to the whole price."""
        if self._sent:
            return
        if self._wish is not None:
            self._wish = None
        else:
            wish = await self._ask_wish()
            if wish is None:
                return
            self._wish = wish
        self._slip = None
        self._view.note = self._note
        self._view.refresh()
        self._show(Figures(self._quote(0, 0)))

    async def _ask_wish(self) -> Wish | None:
        """Which way, how much, and how the order will be found again."""
        basket = self._basket
        later = basket.later
        if basket.order is None:
            rows = (
                (_("Advance"), _("money now, the goods later")),
                (_("Pay later"), _("the goods now, the rest is a debt")),
            )
            chosen = await self.ask("choose", title=_("A part of the price"), rows=rows)
            if chosen is None:
                return None
            later = chosen == 1

        def check(text: str) -> None:
            payment.quote(basket, step=self._step, part=read_money(text))

        typed = await self.ask(
            "number",
            title=_("How much is paid now?"),
            text=_("Of {rest}").format(rest=money(basket.rest)),
            check=check,
        )
        if typed is None:
            return None
        number = buyer = ""
        if basket.order is None:
            number = await self.ask(
                "text", title=_("Order number"), text=_("Empty: the number of the receipt"), empty=True
            )
            if number is None:
                return None
            if basket.customer is None:
                buyer = await self.ask(
                    "text",
                    title=_("Buyer"),
                    text=_("To find the order by; it is sent nowhere. May be empty"),
                    empty=True,
                )
                if buyer is None:
                    return None
        return Wish(read_money(typed), later, number, buyer)

    # -- touch ----------------------------------------------------------------------------------------------------

    @on(Keypad.Typed)
    def _pad(self, message: Keypad.Typed) -> None:
        message.stop()
        if message.key == ENTER:
            self.action_enter()
        else:
            for key in (message.key,) if message.key in (DELETE, CLEAR) else message.key:
                self._type(key)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        key = message.touch.id or ""
        if key.startswith("note"):
            self._give(int(key.removeprefix("note")) * 100)
        elif key == "all_card":
            self.action_all_card()
        elif key == "split":
            self.action_split()
        elif key == "advance":
            self.action_advance()
        else:
            self.action_confirm()

    def _give(self, kopecks: int) -> None:
        """A banknote more."""
        if self._sent:
            return
        quote = self._figures.quote
        received = _kopecks(self._figures.cash) + kopecks
        text = f"{received // 100}" + (f",{received % 100:02d}" if received % 100 else "")
        if TYPED.fullmatch(text):
            self._show(Figures(self._quote(quote.card, received), cash=text))

    # -- the end --------------------------------------------------------------------------------------------------

    @acting
    async def action_confirm(self) -> None:
        """Ctrl+Enter: one call of the till, whatever is held down."""
        if self._sent:
            return
        if self._figures.field == CARD:
            await self._take_card(_kopecks(self._figures.card))
        if not self._figures.cash and self._figures.quote.rest:
            self._exact()
        quote = self._figures.quote
        if quote.rest:
            raise Refusal("NOT_PAID", N_("{rest} is still to be paid"), rest=quote.rest)
        if quote.card and self._slip is None and not self.kiosk.settings.policy.cashless_without_slip:
            self._slip = await self.ask("card_slip", due=quote.card)
            if self._slip is None:
                return
        if quote.change >= ODD_CHANGE and not await self._sure(quote):
            return
        await self._send(quote)

    async def _sure(self, quote: Quote) -> bool:
        text = _("Received {received}, change {change}. Is this right?")
        return bool(
            await self.ask(
                "confirm",
                title=_("A lot of change"),
                text=text.format(received=money(quote.received), change=money(quote.change)),
                fiscal=True,
                lamp=Lamp.AMBER,
            )
        )

    async def _send(self, quote: Quote) -> None:
        confirm = self.query_one("#confirm", Touch)
        label, confirm.label = confirm.label, _("Registering …")
        self._sent = confirm.disabled = True
        self.query_one("#hint", Notice).say(Lamp.AMBER, _("Registering …"), _("The registrar is working."))
        try:
            slip = self._slip if quote.card else None
            if self._part:
                advances = self.till.advances
                paid = await self.work(advances.pay, self._wish, received=quote.received, card=quote.card, slip=slip)
            else:
                paid = await self.work(self.till.sale.pay, received=quote.received, card=quote.card, slip=slip)
        except TillError:
            # Refused before anything was stored or sent: the window stays as it was.
            self._sent = confirm.disabled = False
            confirm.label = label
            self._hint()
            raise
        self.dismiss(paid)

    def action_back(self) -> None:
        """Esc: nothing was sent; while the registrar works it does nothing."""
        if self._sent or self.in_action:
            return
        if self._figures.field == CARD:
            self.action_split()
        else:
            self.dismiss(None)


def _kopecks(text: str) -> int:
    """Kopecks of what is typed so far."""
    clean = text.rstrip(",.")
    return read_money(clean, zero=True) if clean and clean[0].isdigit() else 0
