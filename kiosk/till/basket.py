"""The basket: a frozen value, changed by pure functions. Kopecks, thousandths; percentages in basis points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

import msgspec

from drivers.document import MAX_MONEY, line_sum
from kiosk.ledger.records import Customer, Good
from kiosk.till.errors import N_, Refusal
from kiosk.till.money import check_quantity

MOST_LINES = 500
WHOLE = 10_000
"""Basis points of 100 %."""
Points = Annotated[int, msgspec.Meta(ge=0, le=WHOLE)]


@dataclass(frozen=True)
class BasketLine:
    """One good. `discount` is kopecks given by hand, `percent` basis points by hand.

    The largest of the hand-given and the customer's discount counts; they are not added.
    """

    good: Good
    quantity: int
    price: int
    discount: int = 0
    percent: Points = 0
    excise: tuple[str, ...] = ()
    stampless: int = 0
    """Pieces whose stamp has no readable number; a senior answered for each."""

    @property
    def gross(self) -> int:
        return line_sum(self.price, self.quantity)


@dataclass(frozen=True)
class Basket:
    """What the buyer has. `red`: the whole receipt is non-fiscal (Ctrl+F12), with its reason."""

    id: UUID
    lines: tuple[BasketLine, ...] = ()
    customer: Customer | None = None
    red: bool = False
    red_reason: str = ""
    current: int = 0
    """Index of the line that quantity and discount keys act on."""
    order: UUID | None = None
    """The order that this basket continues; its lines are frozen, `paid` kopecks of them were paid before."""
    order_number: str = ""
    later: bool = False
    """The order's goods left already: what is paid now is a debt."""
    paid: int = 0

    @property
    def rest(self) -> int:
        """What is still to be paid, kopecks."""
        return self.total - self.paid

    @property
    def total(self) -> int:
        return sum(self.sum_of(line) for line in self.lines)

    @property
    def fiscal(self) -> int:
        return sum(self.sum_of(line) for line in self.lines if self.is_fiscal(line))

    @property
    def nonfiscal(self) -> int:
        return self.total - self.fiscal

    @property
    def discounts(self) -> int:
        return sum(self.discount_of(line) for line in self.lines)

    def is_fiscal(self, line: BasketLine) -> bool:
        """The lamp of a line: green (True) or red."""
        return line.good.fiscal and not self.red

    def discount_of(self, line: BasketLine) -> int:
        """Kopecks off this line, halves up; never more than the line."""
        percent = max(line.percent, self.customer.discount if self.customer and self.order is None else 0)
        by_percent = (line.gross * percent + WHOLE // 2) // WHOLE
        return min(line.gross, max(line.discount, by_percent))

    def sum_of(self, line: BasketLine) -> int:
        return line.gross - self.discount_of(line)

    def by_enterprise(self) -> Mapping[int, tuple[BasketLine, ...]]:
        """Fiscal lines by the enterprise that sells them, in order of appearance."""
        parts: dict[int, list[BasketLine]] = {}
        for line in self.lines:
            if self.is_fiscal(line):
                parts.setdefault(line.good.enterprise_id, []).append(line)
        return {enterprise: tuple(lines) for enterprise, lines in parts.items()}


def add(basket: Basket, good: Good, quantity: int) -> Basket:
    """One more good; a piece that is there already at the same price grows instead. Raises `Refusal`."""
    check_quantity(quantity, whole=not good.weighed)
    if good.price <= 0:
        raise Refusal("NO_PRICE", N_("“{name}” has no price"), N_("Set the price on the goods card."), name=good.name)
    for index, line in enumerate(basket.lines):
        if line.good.id == good.id and line.price == good.price and not good.weighed and not good.excisable:
            return set_quantity(replace(basket, current=index), line.quantity + quantity)
    if len(basket.lines) >= MOST_LINES:
        raise Refusal("FULL_BASKET", N_("The basket is full"), N_("Take the payment and begin another receipt."))
    lines = (*basket.lines, BasketLine(good, quantity, good.price))
    return _sane(replace(basket, lines=lines, current=len(lines) - 1))


def set_quantity(basket: Basket, quantity: int) -> Basket:
    """Quantity of the current line. Raises `Refusal`."""
    line = current(basket)
    check_quantity(quantity, whole=not line.good.weighed)
    return _sane(_with(basket, replace(line, quantity=quantity)))


def set_discount(basket: Basket, *, kopecks: int = 0, percent: int = 0, whole_receipt: bool = False) -> Basket:
    """A discount by hand on the current line, or the percentage on every line. Raises `Refusal`."""
    if not 0 <= percent <= WHOLE:
        raise Refusal("BAD_DISCOUNT", N_("A discount is between 0 and 100 percent"))
    if whole_receipt:
        return replace(basket, lines=tuple(replace(line, percent=percent, discount=0) for line in basket.lines))
    line = current(basket)
    if not 0 <= kopecks <= line.gross:
        raise Refusal("BAD_DISCOUNT", N_("The discount is above the sum of the line"))
    return _with(basket, replace(line, discount=kopecks, percent=percent))


def set_price(basket: Basket, kopecks: int) -> Basket:
    """Another price for the current line. Raises `Refusal`."""
    line = current(basket)
    if kopecks <= 0:
        raise Refusal("NO_PRICE", N_("“{name}” has no price"), name=line.good.name)
    return _sane(_with(basket, replace(line, price=kopecks)))


def remove(basket: Basket) -> Basket:
    """Take the current line out. Raises `Refusal` for an empty basket."""
    current(basket)
    lines = tuple(line for index, line in enumerate(basket.lines) if index != basket.current)
    return replace(basket, lines=lines, current=max(0, min(basket.current, len(lines) - 1)))


def loose(basket: Basket) -> Basket:
    """The basket when its lines may change. Raises `Refusal` for one that continues an order."""
    if basket.order is not None:
        raise Refusal(
            "ORDER_BASKET",
            N_("This is the order No. {number}: its goods and prices do not change"),
            N_("Take its payment (F6), or put it back (Ctrl+Del)."),
            number=basket.order_number,
        )
    return basket


def choose(basket: Basket, index: int) -> Basket:
    """Make a line current; an index outside is the nearest line."""
    return replace(basket, current=max(0, min(index, len(basket.lines) - 1)))


def with_customer(basket: Basket, customer: Customer | None) -> Basket:
    return replace(basket, customer=customer)


def current(basket: Basket) -> BasketLine:
    """The line that keys act on. Raises `Refusal` for an empty basket."""
    if not basket.lines:
        raise Refusal("EMPTY_BASKET", N_("The basket is empty"))
    return basket.lines[basket.current]


def _with(basket: Basket, line: BasketLine) -> Basket:
    lines = tuple(line if index == basket.current else old for index, old in enumerate(basket.lines))
    return replace(basket, lines=lines)


def _sane(basket: Basket) -> Basket:
    if basket.total > MAX_MONEY:
        raise Refusal("MUCH_MONEY", N_("The receipt is above what a registrar can hold"), N_("Split the purchase."))
    return basket


def encode(basket: Basket) -> bytes:
    return msgspec.json.encode(basket)


def decode(content: bytes) -> Basket:
    """Raises `msgspec.ValidationError` for what is no basket."""
    return msgspec.json.decode(content, type=Basket)
