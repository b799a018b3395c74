"""Prices paid in several receipts (cashier-flow.md IV.5): advances, further parts, the final settlement, and debts.

    advance     «Аванс за: …» 300 ─► … ─► the goods at their full price, the advances shown and deducted, 700 to pay
    pay-later   the goods at their full price, 300 paid, 700 owed ─► … ─► «Оплата за: …» 700

Each receipt is a sale on the one road, so that the day's turnover counts the price once and a debt can never be a
service cash-in (IV-21). A software registrar has part payments of its own and gets the full price with the part
(fiscal-server.md §3.9). No protocol of a hardware registrar knows them, so there the receipt without goods sells
«Аванс за: …» for the money taken, and the receipt with the goods deducts what the others take as a discount of each
line: the registers then hold what was paid, tax letter by tax letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from msgspec.structs import replace as with_

from drivers.clock import kyiv
from drivers.document import Advance, CardSlip, Document, DocumentKind, Line, PartPayment, Stage
from kiosk.ledger.records import (
    Binding,
    Customer,
    DocumentState,
    FiscalDocument,
    Good,
    Order,
    OrderLink,
    OrderPart,
    Receipt,
    ReceiptLine,
    User,
)
from kiosk.till import stamps
from kiosk.till.basket import Basket, BasketLine
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.money import hryvnias
from kiosk.till.payment import Part, Wish
from kiosk.till.receipts import fiscal_line, new_basket_id, receipt_of
from kiosk.till.rights import Right
from kiosk.till.sale import Paid, Sale
from kiosk.till.scan import receipt_barcode
from kiosk.till.workplace import Workplace

ADVANCE, DEBT = "Аванс за: ", "Оплата за: "
"""Names on paper, Ukrainian whatever the screen speaks."""
NUMBER = 32
"""Characters of an order's number."""


@dataclass(frozen=True)
class Step:
    """Where a receipt stands in its order."""

    stage: Stage
    amount: int
    later: bool

    @property
    def gives(self) -> bool:
        """Whether the goods leave with this receipt."""
        return self.stage is (Stage.PREPAYMENT if self.later else Stage.FINAL)


class Advances:
    """Takes parts of a price, settles orders and tells debts. Giving back is `kiosk.till.giveback`."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, sale: Sale) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._sale = sale

    # -- find -----------------------------------------------------------------------------------------------------

    def open_orders(self, text: str = "", customer: Customer | None = None) -> Sequence[Order]:
        """Orders with money still to come or goods still to give, latest first."""
        self._workplace.require(Right.SELL)
        return self._ledger.orders.open_orders(text, customer_id=customer.id if customer is not None else None)

    def by_number(self, number: str) -> Order | None:
        """Any order, closed ones too."""
        self._workplace.require(Right.SELL)
        return self._ledger.orders.by_number(number.strip())

    def debts(self) -> int:
        """What buyers owe on open orders whose goods left, kopecks."""
        return sum(order.rest for order in self._ledger.orders.open_orders(limit=10_000) if order.later)

    def take_in_hand(self, order_id: UUID) -> Basket:
        """The order's goods in the basket, frozen: F6 settles it, F9 takes another part. Raises `Refusal`."""
        order = self._open(order_id)
        for stored, parked in self._sale.parked():
            if parked.order == order.id:
                raise Refusal(
                    "ORDER_PARKED",
                    N_("The order No. {number} lies in a parked basket"),
                    N_("F4 brings it back."),
                    number=order.number,
                    basket=str(stored.id),
                )
        customer = self._ledger.goods.customer_by_id(order.customer_id) if order.customer_id is not None else None
        basket = Basket(
            new_basket_id(),
            tuple(self._basket_line(order, line) for line in order.lines),
            customer,
            order=order.id,
            order_number=order.number,
            later=order.later,
            paid=order.paid,
        )
        return self._sale.take_in_hand(basket)

    # -- pay ------------------------------------------------------------------------------------------------------

    def pay(self, wish: Wish | None = None, *, received: int = 0, card: int = 0, slip: CardSlip | None = None) -> Paid:
        """Take a part of the basket's price, or settle the order in hand (`wish` None).

        Raises `Refusal` or `Doubt` before anything is stored or sent.
        """
        user = self._workplace.require(Right.SELL)
        basket = self._sale.basket
        order = None if basket.order is None else self._fresh(basket)
        if wish is not None and order is not None and wish.later != order.later:
            raise Refusal("OTHER_ORDER", N_("The order No. {number} goes on as it began"), number=order.number)
        step = self._step(basket, order, wish)
        plan = self._sale.plan(received=received, card=card, slip=slip, part=None if wish is None else wish.amount)
        if step.gives:
            stamps.demand(basket)
        desks = self._sale.desks()
        ((enterprise, part),) = plan.fiscal.items()
        binding, shift = desks[enterprise]
        number = self._ledger.receipts.next_number()
        receipt = receipt_of(
            basket,
            plan,
            user=user,
            workplace=self._workplace.settings.workplace,
            at=self._workplace.clock.now(),
            number=number,
        )
        made = order or self._new(receipt, step, wish, enterprise)
        if order is None:
            self._workplace.audit("order", {"number": made.number, "total": made.total, "later": made.later})
        earlier = self._advances(made)
        lines = receipt.lines if step.gives else _money_lines(made, earlier, step)
        receipt = replace(receipt, lines=lines, discount=made.total - step.amount if step.gives else 0)
        document = self._document(made, receipt, step, part, earlier, user, binding)
        pending = FiscalDocument(
            id=document.id,
            kind=DocumentKind.SALE,
            state=DocumentState.PENDING,
            binding_id=binding.id,
            enterprise_id=enterprise,
            user_id=user.id,
            made_at=receipt.at,
            document=document,
            shift_id=shift.id,
            receipt_id=receipt.id,
        )
        link = OrderLink(made.id, step.stage, step.amount, None if order is not None else made)
        paid = self._sale.begin(receipt, [pending], desks, link=link)
        return replace(paid, wish=wish, order=self._ledger.orders.of_receipt(receipt.id))

    # -- parts ----------------------------------------------------------------------------------------------------

    def _open(self, order_id: UUID) -> Order:
        order = self._ledger.orders.get(order_id)
        if order.busy:
            raise Refusal(
                "ORDER_BUSY",
                N_("A receipt of the order No. {number} is not finished yet"),
                N_("Open the list of unknown outcomes (F11)."),
                number=order.number,
            )
        if order.closed_at is not None:
            raise Refusal("ORDER_CLOSED", N_("The order No. {number} is closed"), number=order.number)
        return order

    def _fresh(self, basket: Basket) -> Order:
        """The order as the ledger has it now. Raises `Refusal` when it moved since the basket was taken."""
        assert basket.order is not None
        order = self._open(basket.order)
        if order.paid != basket.paid:
            raise Refusal(
                "ORDER_MOVED",
                N_("The order No. {number} was paid elsewhere meanwhile"),
                N_("Put it back (Ctrl+Del) and take it again."),
                number=order.number,
            )
        return order

    @staticmethod
    def _step(basket: Basket, order: Order | None, wish: Wish | None) -> Step:
        later = order.later if order is not None else wish is not None and wish.later
        if wish is None:
            return Step(Stage.FINAL, basket.rest, later)
        if later and wish.amount == basket.rest:
            if order is not None:
                return Step(Stage.FINAL, wish.amount, later)
            raise Refusal("NO_DEBT", N_("The whole price is paid: this is an ordinary sale"), N_("Pay with F6."))
        return Step(Stage.PREPAYMENT if order is None or not order.standing else Stage.NEXT, wish.amount, later)

    def _new(self, receipt: Receipt, step: Step, wish: Wish | None, enterprise: int) -> Order:
        number = (wish.number if wish is not None else "").strip()
        if len(number) > NUMBER or not number.isprintable():
            raise Refusal("BAD_NUMBER", N_("The order number has at most {most} characters"), most=str(NUMBER))
        if number and self._ledger.orders.by_number(number) is not None:
            raise Refusal(
                "NUMBER_TAKEN",
                N_("The order No. {number} exists already"),
                N_("Find it (F7), or give another number."),
                number=number,
            )
        own = str(receipt.number)
        while not number and self._ledger.orders.by_number(own) is not None:
            own += "-1"
        lines = receipt.lines if step.gives else tuple(replace(line, excise=()) for line in receipt.lines)
        return Order(
            id=uuid4(),
            number=number or own,
            later=step.later,
            workplace=receipt.workplace,
            enterprise_id=enterprise,
            user_id=receipt.user_id,
            opened_at=receipt.at,
            lines=lines,
            customer_id=receipt.customer_id,
            buyer=(wish.buyer.strip()[:NUMBER] if wish is not None else ""),
        )

    def _advances(self, order: Order) -> tuple[Advance, ...]:
        """The receipts that took money of this price, with their fiscal numbers."""
        found = []
        for part in order.standing:
            document = self.document_of(part)
            result = document.result
            assert result is not None
            at = kyiv(result.at or document.made_at).isoformat(timespec="seconds")
            if part.amount:
                found.append(Advance(number=result.number or str(document.id), amount=part.amount, at=at))
        return tuple(found)

    def document_of(self, part: OrderPart) -> FiscalDocument:
        """The one registered document of a receipt of an order."""
        return next(item for item in self._ledger.receipts.documents_of(part.receipt_id) if item.done)

    def _document(
        self,
        order: Order,
        receipt: Receipt,
        step: Step,
        part: Part,
        earlier: tuple[Advance, ...],
        user: User,
        binding: Binding,
    ) -> Document:
        own = self._workplace.desk(binding).access.capabilities.part_payments
        barcode = f"Чек {receipt_barcode(receipt.number)}"
        name = f"Замовлення № {order.number}"
        if own:
            full = tuple(receipt.lines if step.gives else order.lines)
            return Document(
                id=uuid4(),
                kind=DocumentKind.SALE,
                cashier=user.name[:64],
                lines=tuple(fiscal_line(line if step.gives else replace(line, excise=())) for line in full),
                rounding=part.rounding,
                payments=part.payments,
                footer=(name, barcode),
                part=PartPayment(stage=step.stage, amount=step.amount, advances=earlier, later=step.later),
            )
        lines = _with_deduction(order, earlier, step, receipt) if step.gives else map(fiscal_line, receipt.lines)
        return Document(
            id=uuid4(),
            kind=DocumentKind.SALE,
            cashier=user.name[:64],
            lines=tuple(lines),
            rounding=part.rounding,
            payments=part.payments,
            footer=(*_notes(order, earlier, step, part), name, barcode),
        )

    def _basket_line(self, order: Order, line: ReceiptLine) -> BasketLine:
        enterprise = order.enterprise_id
        good = self._ledger.goods.get(line.good_id) if line.good_id is not None else None
        known = good or Good(
            line.good_id or 0, line.code, line.name, line.price, enterprise, excisable=bool(line.excise)
        )
        # The promise stands: name, tax and price of the order, whatever the card says today.
        known = replace(
            known,
            code=line.code,
            name=line.name,
            unit=line.unit,
            tax=line.tax,
            uktzed=line.uktzed,
            barcode=line.barcode,
            enterprise_id=enterprise,
            department=line.department,
            fiscal=True,
        )
        # Goods that left had their stamps then, or a senior's word for each.
        stampless = -(-line.quantity // 1000) - len(line.excise) if order.later else 0
        return BasketLine(
            known, line.quantity, line.price, discount=line.discount, excise=line.excise, stampless=stampless
        )


# -- arithmetic -------------------------------------------------------------------------------------------------------


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` over lines in proportion to what they have left, by largest remainder: never more than a line has."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [amount * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % whole), place))
    for place in order[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def _left(order: Order, earlier: Iterable[Advance]) -> list[int]:
    """What the earlier receipts left of each line, kopecks."""
    rest = [line.sum for line in order.lines]
    for advance in earlier:
        rest = [left - taken for left, taken in zip(rest, spread(advance.amount, rest), strict=True)]
    return rest


def _money_lines(order: Order, earlier: tuple[Advance, ...], step: Step) -> tuple[ReceiptLine, ...]:
    """The receipt's lines where no goods leave: money for each good, no stock and no stamps in them."""
    prefix = DEBT if step.later else ADVANCE
    found: list[ReceiptLine] = []
    for line, taken in zip(order.lines, spread(step.amount, _left(order, earlier)), strict=True):
        if taken:
            found.append(
                replace(
                    line,
                    position=len(found) + 1,
                    good_id=None,
                    name=prefix + line.name,
                    quantity=1000,
                    unit="шт",
                    price=taken,
                    sum=taken,
                    discount=0,
                    barcode="",
                    excise=(),
                    id=None,
                )
            )
    return tuple(found)


def _with_deduction(order: Order, earlier: tuple[Advance, ...], step: Step, receipt: Receipt) -> list[Line]:
    """Full lines for a registrar without part payments; what other receipts take is a discount of each line."""
    now = spread(step.amount, _left(order, earlier))
    words = "до сплати пізніше" if step.later else "зараховано аванс"
    found = []
    for line, taken in zip(receipt.lines, now, strict=True):
        off = line.sum - taken
        sold = fiscal_line(replace(line, sum=taken, discount=line.discount + off))
        if off:
            # Plain spaces: the code pages of registrars have no other.
            sold = with_(sold, comment=f"{words} {hryvnias(off)}".replace("\u00a0", " "))
        found.append(sold)
    return found


def _notes(order: Order, earlier: tuple[Advance, ...], step: Step, part: Part) -> list[str]:
    """The rest of the rule's words, for registrars whose protocol has no part payments."""

    def money(kopecks: int) -> str:
        return hryvnias(kopecks).replace("\u00a0", " ")

    notes = [f"Повна вартість {money(order.total)}"]
    for advance in earlier:
        notes.append(f"{'Сплачено' if step.later else 'Аванс'} {money(advance.amount)}, чек № {advance.number}")
    left = order.total - sum(advance.amount for advance in earlier) - step.amount
    if step.stage is Stage.FINAL:
        notes.append(f"До сплати {money(part.due)}")
    else:
        notes.append(f"{'Борг' if step.later else 'Залишок до сплати'} {money(left)}")
    return notes
