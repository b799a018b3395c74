"""How a basket is paid: pure arithmetic from what the cashier typed to the payments of each part.

Card first, then cash (cashier-flow.md IV.2). Rounding touches cash only, each part by itself. Red lines are paid in
cash alone: a card payment past the registrar is refused outright (IV.1), so the card covers fiscal parts only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.document import CardSlip, Payment, PaymentForm
from kiosk.till.basket import Basket
from kiosk.till.errors import N_, Refusal
from kiosk.till.rounding import round_cash


@dataclass(frozen=True)
class Part:
    """What one document takes: `due` after rounding, `payments` handed over for it (cash net of change), kopecks."""

    total: int
    rounding: int
    payments: tuple[Payment, ...]

    @property
    def due(self) -> int:
        return self.total + self.rounding


@dataclass(frozen=True)
class Quote:
    """The payment window as arithmetic, kopecks. `rest` is still to come, `change` to give."""

    total: int
    rounding: int
    card: int
    cash_due: int
    received: int

    @property
    def due(self) -> int:
        return self.total + self.rounding

    @property
    def rest(self) -> int:
        return max(0, self.cash_due - self.received)

    @property
    def change(self) -> int:
        return max(0, self.received - self.cash_due)


@dataclass(frozen=True)
class Wish:
    """Only a part of the basket's price is taken now: `amount` kopecks before rounding.

    `later`: the goods leave now and the rest is a debt. `number` and `buyer` are for a new order; without a number the
    receipt's is taken.
    """

    amount: int
    later: bool = False
    number: str = ""
    buyer: str = ""


@dataclass(frozen=True)
class Plan:
    """A payment that is complete: one part for each enterprise's fiscal document, and one for the slip."""

    quote: Quote
    fiscal: Mapping[int, Part]
    nonfiscal: Part | None
    tendered: tuple[Payment, ...]


def quote(basket: Basket, *, step: int, card: int = 0, received: int = 0, part: int | None = None) -> Quote:
    """What is due when `card` kopecks go to cards and `received` kopecks of cash were handed over.

    `part`: only so much of the price is taken now. Raises `Refusal` for more by card than the fiscal lines cost.
    """
    dues = _dues(basket, part)
    fiscal = sum(dues.values())
    total = fiscal + basket.nonfiscal
    if card > fiscal:
        raise Refusal(
            "CARD_ABOVE_DUE",
            N_("At most {most} can be paid by card"),
            N_("Non-fiscal goods are paid in cash."),
            most=fiscal,
        )
    cash = sum(_cash_shares(dues, basket.nonfiscal, card, step).values())
    return Quote(total, cash - (total - card), card, cash, received)


def plan(
    basket: Basket,
    *,
    step: int,
    received: int = 0,
    card: int = 0,
    slip: CardSlip | None = None,
    cashless: bool = False,
    part: int | None = None,
) -> Plan:
    """The complete payment. `slip` are the card's data; without them `cashless` must allow "Безготівкова" (IV-10).

    Raises `Refusal` when money is missing, or card data are.
    """
    offer = quote(basket, step=step, card=card, received=received, part=part)
    dues = _dues(basket, part)
    if not basket.lines:
        raise Refusal("EMPTY_BASKET", N_("The basket is empty"))
    if offer.rest:
        raise Refusal("NOT_PAID", N_("{rest} is still to be paid"), rest=offer.rest)
    if card and slip is None and not cashless:
        raise Refusal("NO_SLIP", N_("A card payment needs the data of the terminal's slip"))
    name = "Банківська картка" if slip is not None else "Безготівкова"
    cash = _cash_shares(dues, basket.nonfiscal, card, step)
    parts: dict[int, Part] = {}
    left = card
    for enterprise, total in dues.items():
        by_card = min(left, total)
        left -= by_card
        payments = []
        if by_card:
            payments.append(Payment(form=PaymentForm.CARD, amount=by_card, name=name, card=slip))
        if cash[enterprise]:
            payments.append(Payment(form=PaymentForm.CASH, amount=cash[enterprise]))
        parts[enterprise] = Part(total, by_card + cash[enterprise] - total, tuple(payments))
    parts = _hand_over(parts, offer)
    red = None
    if basket.nonfiscal or any(not basket.is_fiscal(line) for line in basket.lines):
        amount = cash[SLIP]
        money = (Payment(form=PaymentForm.CASH, amount=amount),) if amount else ()
        red = Part(basket.nonfiscal, amount - basket.nonfiscal, money)
    tendered = []
    if card:
        tendered.append(Payment(form=PaymentForm.CARD, amount=card, name=name, card=slip))
    if offer.received:
        tendered.append(Payment(form=PaymentForm.CASH, amount=offer.received))
    return Plan(offer, parts, red, tuple(tendered))


SLIP = 0
"""Key of the non-fiscal part among the cash shares; enterprises count from 1."""


def _dues(basket: Basket, part: int | None) -> dict[int, int]:
    """What each enterprise's document takes now, kopecks before rounding. Raises `Refusal` for an impossible part."""
    whole = {
        enterprise: sum(basket.sum_of(line) for line in lines) for enterprise, lines in basket.by_enterprise().items()
    }
    if part is None and basket.order is None:
        return whole
    if len(whole) != 1 or basket.nonfiscal or any(not basket.is_fiscal(line) for line in basket.lines):
        raise Refusal(
            "ONE_ENTERPRISE",
            N_("An advance is taken for fiscal goods of one enterprise"),
            N_("Take the other goods out and sell them apart."),
        )
    if part is not None and not 1 <= part <= basket.rest:
        raise Refusal("PART_ABOVE_REST", N_("Between 0.01 and {rest} can be taken"), rest=basket.rest)
    return dict.fromkeys(whole, basket.rest if part is None else part)


def _cash_shares(dues: Mapping[int, int], nonfiscal: int, card: int, step: int) -> dict[int, int]:
    """Rounded cash of each part, kopecks."""
    shares: dict[int, int] = {}
    left = card
    for enterprise, total in dues.items():
        by_card = min(left, total)
        left -= by_card
        shares[enterprise] = round_cash(total - by_card, step)
    shares[SLIP] = round_cash(nonfiscal, step)
    return shares


def _hand_over(parts: dict[int, Part], offer: Quote) -> dict[int, Part]:
    """With one part alone the buyer's own sum goes into its document, so that its change is on the paper."""
    if len(parts) != 1 or offer.change == 0:
        return parts
    ((enterprise, part),) = parts.items()
    payments = tuple(
        Payment(form=PaymentForm.CASH, amount=payment.amount + offer.change)
        if payment.form is PaymentForm.CASH
        else payment
        for payment in part.payments
    )
    return {enterprise: Part(part.total, part.rounding, payments)}


_FIELDS = {
    "rrn": (re.compile(r"\d{12}"), N_("The RRN has 12 digits")),
    "auth_code": (re.compile(r"[0-9A-Z]{6}"), N_("The authorisation code has 6 letters or digits")),
    "last_digits": (re.compile(r"\d{4}"), N_("Type the last 4 digits of the card")),
    "terminal": (re.compile(r"[0-9A-Z]{8}"), N_("The terminal id has 8 letters or digits")),
}
SYSTEMS = ("VISA", "MASTERCARD", "ПРОСТІР", "AMEX")


def read_slip(*, rrn: str, auth_code: str, last_digits: str, payment_system: str, terminal: str) -> CardSlip:
    """Card data typed from the terminal's slip, checked. Raises `Refusal` naming the first wrong field (IV-10)."""
    given = {
        "rrn": rrn.strip(),
        "auth_code": auth_code.strip().upper(),
        "last_digits": last_digits.strip(),
        "terminal": terminal.strip().upper(),
    }
    for field, (form, message) in _FIELDS.items():
        if not form.fullmatch(given[field]) or not given[field].isascii():
            raise Refusal("BAD_SLIP", message, field=field)
    if payment_system not in SYSTEMS:
        raise Refusal("BAD_SLIP", N_("Choose the payment system"), field="payment_system")
    return CardSlip(
        rrn=given["rrn"],
        auth_code=given["auth_code"],
        pan_mask=f"XXXXXXXXXXXX{given['last_digits']}",
        terminal=given["terminal"],
        payment_system=payment_system,
    )
