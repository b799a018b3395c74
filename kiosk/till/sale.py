"""The sale: entries become lines, the basket is kept, paid once, parked and recalled (cashier-flow.md IV).

The basket on the screen is the one in the ledger: a killed till comes back to the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from drivers.document import CardSlip, line_sum
from drivers.errors import Code, Fault, Invalid
from drivers.registrar import FaultInfo, Registrar
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import (
    BasketState,
    Binding,
    Customer,
    FiscalDocument,
    Good,
    Order,
    OrderLink,
    Receipt,
    ReceiptState,
    Shift,
    Slip,
    StoredBasket,
)
from kiosk.till import basket as baskets
from kiosk.till import offline, payment, scan, stamps
from kiosk.till.basket import Basket
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.money import hryvnias
from kiosk.till.payment import Plan, Quote, Wish
from kiosk.till.receipts import documents_of, new_basket_id, receipt_of, slip_of
from kiosk.till.rights import Right
from kiosk.till.shift import Shifts
from kiosk.till.workplace import Approval, Workplace


class Happened(StrEnum):
    """What an entry did."""

    ADDED = "added"
    CUSTOMER = "customer"
    RECEIPT = "receipt"
    FOUND = "found"
    STAMP = "stamp"


@dataclass(frozen=True)
class Entered:
    """The answer to one entry. `found` are goods to choose from; `receipt` is the one whose barcode was scanned."""

    happened: Happened
    basket: Basket
    found: tuple[Good, ...] = ()
    receipt: Receipt | None = None


@dataclass(frozen=True)
class Paid:
    """How a payment ended.

    DONE: registered; PENDING: one enterprise's document is registered and another's was refused (offer `again`);
    FAILED: nothing was registered, the basket is back, `fault` says why; UNKNOWN: sales are blocked until
    it is resolved.
    """

    state: ReceiptState
    receipt: Receipt
    documents: tuple[FiscalDocument, ...]
    slips: tuple[Slip, ...]
    change: int
    fault: FaultInfo | None = None
    wish: Wish | None = None
    """What part of the price was asked for, so that a failed payment can be repeated."""
    order: Order | None = None
    """The order that the receipt belongs to, as it stands now."""


class Sale:
    """The basket in front of the cashier."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts
        self._labels = tuple(
            scan.WeightLabel(label.prefix, label.code_digits, label.value_digits, label.price)
            for label in workplace.settings.labels
        )
        self._basket: Basket | None = None

    # -- basket ---------------------------------------------------------------------------------------------------

    @property
    def basket(self) -> Basket:
        """The active basket; after a start the one that the ledger kept."""
        if self._basket is None:
            stored = [item for item in self._stored() if item.state is BasketState.ACTIVE]
            self._basket = baskets.decode(stored[0].content) if stored else Basket(new_basket_id())
        return self._basket

    def enter(self, text: str) -> Entered:
        """One scan or typed entry. Raises `Refusal` for an unknown or unreadable one; the basket stays as it was."""
        self._workplace.require(Right.SELL)
        entry = scan.read(text, labels=self._labels or scan.LABELS)
        if entry.kind is scan.Kind.RECEIPT:
            receipt = self._ledger.receipts.by_number(entry.receipt)
            if receipt is None:
                raise Refusal("UNKNOWN_RECEIPT", N_("No receipt bears this barcode"))
            return Entered(Happened.RECEIPT, self.basket, receipt=receipt)
        if entry.kind is scan.Kind.WEIGHT:
            return self._weighed(entry)
        if entry.kind is scan.Kind.CODE:
            for code in entry.codes:
                good = self._ledger.goods.by_barcode(code) or self._ledger.goods.by_code(code)
                if good is not None:
                    return self._added(good, entry.quantity)
            if stamps.looks(text):
                return self.stamp(text)
            if not entry.quantity:
                for code in entry.codes:
                    customer = self._ledger.goods.customer(code)
                    if customer is not None:
                        return self.customer(customer)
        if stamps.looks(text):
            return self.stamp(text)
        found = tuple(self._ledger.goods.search(entry.text)) if len(entry.text) >= 3 else ()
        if found and any(character.isalpha() for character in entry.text):
            return Entered(Happened.FOUND, self.basket, found=found)
        raise Refusal(
            "UNKNOWN_CODE",
            N_("Unknown barcode or article: {code}"),
            N_("Scan again, or search by name (F3)."),
            code=entry.text[:40],
        )

    def pick(self, good: Good, quantity: int = 0) -> Entered:
        """Add a good chosen from a list; `quantity` thousandths, 0 is one piece (weighed goods need one)."""
        self._workplace.require(Right.SELL)
        return self._added(good, quantity)

    def search(self, text: str, limit: int = 50) -> Sequence[Good]:
        """Goods by a part of the name (three letters or more), code or barcode."""
        return self._ledger.goods.search(text, limit)

    def stamp(self, text: str) -> Entered:
        """An excise stamp for the line that waits for one. Raises `Refusal` (IV-3); the basket stays as it was."""
        self._workplace.require(Right.SELL)
        stamp = stamps.read(text)
        basket = self._keep(stamps.attach(self.basket, stamp, self._ledger.orders))
        if stamp.raw != stamp.number or stamp.form is stamps.Form.OLDER:
            # What was scanned is kept where the receipt bears only its identifier (fiscal-server.md §9.3).
            self._workplace.audit("stamp", {"number": stamp.number, "raw": stamp.raw, "form": stamp.form.value})
        return Entered(Happened.STAMP, basket)

    def without_stamp(self, *, reason: str, approval: Approval | None = None) -> Basket:
        """One piece is sold without a number: its stamp has no barcode. Raises `Denied` without a senior."""
        self._workplace.require(Right.STAMPLESS, approval, reason=reason)
        changed = stamps.excuse(self.basket)
        line = changed.lines[changed.current]
        self._workplace.audit("without_stamp", {"code": line.good.code, "reason": reason})
        return self._keep(changed)

    def unstamp(self, number: str) -> Basket:
        """Take a stamp off the current line."""
        self._workplace.require(Right.SELL)
        return self._keep(stamps.detach(self.basket, number))

    def set_quantity(self, quantity: int) -> Basket:
        self._workplace.require(Right.SELL)
        changed = baskets.set_quantity(baskets.loose(self.basket), quantity)
        return self._keep(changed)

    def discount(
        self, *, kopecks: int = 0, percent: int = 0, whole_receipt: bool = False, approval: Approval | None = None
    ) -> Basket:
        """A discount by hand (percent in basis points). Raises `Denied` without the right."""
        self._workplace.require(Right.DISCOUNT, approval, reason="discount")
        changed = baskets.set_discount(
            baskets.loose(self.basket), kopecks=kopecks, percent=percent, whole_receipt=whole_receipt
        )
        self._workplace.audit("discount", {"kopecks": kopecks, "percent": percent, "whole": whole_receipt})
        return self._keep(changed)

    def remove(self) -> Basket:
        """Take the current line out."""
        self._workplace.require(Right.SELL)
        line = baskets.current(self.basket)
        changed = self._keep(baskets.remove(baskets.loose(self.basket)))
        self._workplace.audit("remove_line", {"code": line.good.code, "sum": self.basket.sum_of(line)})
        return changed

    def clear(self) -> Basket:
        """Forget the whole basket."""
        self._workplace.require(Right.SELL)
        if self.basket.lines:
            self._workplace.audit("clear_basket", {"lines": len(self.basket.lines), "total": self.basket.total})
        self._ledger.receipts.drop_basket(self.basket.id)
        self._basket = Basket(new_basket_id())
        return self._basket

    def choose(self, index: int) -> Basket:
        """Make a line current (not stored: a cursor is no business)."""
        self._basket = baskets.choose(self.basket, index)
        return self._basket

    def customer(self, customer: Customer | None) -> Entered:
        self._workplace.require(Right.SELL)
        return Entered(Happened.CUSTOMER, self._keep(baskets.with_customer(baskets.loose(self.basket), customer)))

    def find_customers(self, text: str) -> Sequence[Customer]:
        return self._ledger.goods.find_customers(text)

    def toggle_red(self, *, reason: str = "", approval: Approval | None = None) -> Basket:
        """Ctrl+F12: the whole receipt green or red. Raises `Denied` (IV-6), or `Refusal` where red is unlawful."""
        baskets.loose(self.basket)
        if self.basket.red:
            self._workplace.require(Right.SELL)
            return self._keep(replace(self.basket, red=False, red_reason=""))
        self._workplace.require(Right.NONFISCAL, approval, reason=reason)
        if any(line.good.excisable for line in self.basket.lines):
            raise Refusal("EXCISABLE", N_("Excisable goods are always sold with a fiscal receipt"))
        self._workplace.audit("red_receipt", {"reason": reason, "total": self.basket.total})
        return self._keep(replace(self.basket, red=True, red_reason=reason))

    # -- parking --------------------------------------------------------------------------------------------------

    def park(self, note: str = "") -> Basket:
        """Put the basket aside and begin a new one. Raises `Refusal` for an empty one."""
        self._workplace.require(Right.SELL)
        if not self.basket.lines:
            raise Refusal("EMPTY_BASKET", N_("The basket is empty"))
        self._save(self.basket, BasketState.PARKED, note)
        self._basket = Basket(new_basket_id())
        return self._basket

    def leave(self) -> None:
        """Before another person works here: the open basket is parked, not lost (I-2)."""
        if self._workplace.user is not None and self.basket.lines:
            self._save(self.basket, BasketState.PARKED, self._workplace.user.name)
        self._basket = None

    def parked(self) -> Sequence[tuple[StoredBasket, Basket]]:
        """Parked baskets of this workplace, oldest first."""
        return [(item, baskets.decode(item.content)) for item in self._stored() if item.state is BasketState.PARKED]

    def take_in_hand(self, basket: Basket) -> Basket:
        """Another basket in place of the empty one in hand. Raises `Refusal` when that has goods."""
        self._workplace.require(Right.SELL)
        if self.basket.lines:
            raise Refusal("BASKET_IN_HAND", N_("Park or finish the basket in hand first"))
        return self._keep(basket)

    def recall(self, basket_id: UUID) -> Basket:
        """Take a parked basket back; the one in hand must be empty. Raises `Refusal`."""
        self._workplace.require(Right.SELL)
        if self.basket.lines:
            raise Refusal("BASKET_IN_HAND", N_("Park or finish the basket in hand first"))
        for item, parked in self.parked():
            if item.id == basket_id:
                return self._keep(parked)
        raise Refusal("NO_BASKET", N_("The parked basket is gone"))

    # -- payment --------------------------------------------------------------------------------------------------

    def ready(self) -> Quote:
        """May the payment window open? Raises `Refusal` or `Doubt`, with the next step."""
        self._workplace.require(Right.SELL)
        if not self.basket.lines:
            raise Refusal("EMPTY_BASKET", N_("The basket is empty"))
        self.desks()
        if self.basket.order is None or not self.basket.later:
            stamps.demand(self.basket)
        return self.quote()

    def quote(self, *, card: int = 0, received: int = 0, part: int | None = None) -> Quote:
        """The payment window's arithmetic. Raises `Refusal` for more by card than is lawful."""
        step = self._workplace.rounding_step()
        return payment.quote(self.basket, step=step, card=card, received=received, part=part)

    def pay(self, *, received: int = 0, card: int = 0, slip: CardSlip | None = None) -> Paid:
        """Take the payment: once this begins, the sale ends as exactly one set of documents, or none.

        Raises `Refusal` or `Doubt` before anything is stored or sent.
        """
        user = self._workplace.require(Right.SELL)
        basket = baskets.loose(self.basket)
        stamps.demand(basket)
        plan = self.plan(received=received, card=card, slip=slip)
        desks = self.desks()
        receipt = receipt_of(
            basket,
            plan,
            user=user,
            workplace=self._workplace.settings.workplace,
            at=self._workplace.clock.now(),
            number=self._ledger.receipts.next_number(),
        )
        documents = documents_of(receipt, plan.fiscal, user=user, desks=desks)
        slip_ = slip_of(receipt, plan.nonfiscal, title="ТОВАРНИЙ ЧЕК", user=user)
        return self.begin(receipt, documents, desks, [slip_] if slip_ else [])

    def plan(self, *, received: int = 0, card: int = 0, slip: CardSlip | None = None, part: int | None = None) -> Plan:
        """The complete payment by the owner's policy. Raises `Refusal` when money or card data are missing."""
        return payment.plan(
            self.basket,
            step=self._workplace.rounding_step(),
            received=received,
            card=card,
            slip=slip,
            cashless=self._workplace.settings.policy.cashless_without_slip,
            part=part,
        )

    def begin(
        self,
        receipt: Receipt,
        documents: Sequence[FiscalDocument],
        desks: dict[int, tuple[Binding, Shift]],
        slips: Sequence[Slip] = (),
        link: OrderLink | None = None,
    ) -> Paid:
        """Store the paid receipt of the basket in hand and walk the road with it.

        Raises `Refusal` for what the registrar could not print, before anything is stored.
        """
        self._printable(receipt, documents, desks)
        self._save(self.basket, BasketState.ACTIVE)
        try:
            receipt = self._ledger.receipts.begin(receipt, documents, slips, link)
        except LedgerError as error:
            raise _elsewhere(error) from error
        self._basket = None
        return self._complete(receipt)

    def again(self, receipt_id: UUID) -> Paid:
        """Offer the refused part of a half-registered receipt once more; what is registered stays (IV-4)."""
        self._workplace.require(Right.SELL)
        receipt = self._ledger.receipts.receipt(receipt_id)
        self._fiscal.half_done(receipt)
        return self._complete(receipt)

    def print_slips(self) -> int:
        """Print the non-fiscal slips that wait for a printer; returns how many still wait."""
        left = 0
        for slip in self._ledger.receipts.waiting_slips():
            left += not self._print(slip)
        return left

    def storno(self, approval: Approval | None = None) -> None:
        """Ctrl+Z. Raises `Denied` (I-3), or `Refusal`: a hardware registrar has no cancellation (order 547, [L9]).

        A software registrar cancels its last document (`kiosk.till.storno`).
        """
        self._workplace.require(Right.STORNO, approval, reason="storno")
        desk = self._workplace.desk(self._workplace.main_binding())
        if not desk.access.capabilities.storno:
            raise Refusal(
                "NO_STORNO",
                N_("A hardware registrar cannot cancel a document"),
                N_("Correct the mistake by a refund and an act."),
            )
        raise Refusal("HAS_STORNO", N_("This registrar cancels its last document itself"))

    def copy_last(self) -> None:
        """Print a copy of the last receipt. Raises `Refusal` where the registrar makes none, or its `Fault`."""
        self._workplace.require(Right.SELL)
        access = self._workplace.desk(self._workplace.main_binding()).access
        if not access.capabilities.copy_of_last:
            raise Refusal("NO_COPY", N_("This registrar prints no copies"))
        access.call(lambda registrar: registrar.copy_last())
        self._workplace.audit("copy")

    # -- parts ----------------------------------------------------------------------------------------------------

    def _complete(self, receipt: Receipt) -> Paid:
        receipt, fault = self._fiscal.complete(receipt)
        if receipt.state is ReceiptState.DONE:
            for slip in self._ledger.receipts.slips_of(receipt.id):
                self._print(slip)
            self._drawer(receipt)
            self._tell_buyer(receipt)
        if receipt.state is ReceiptState.FAILED:
            self._basket = None
        return Paid(
            receipt.state,
            receipt,
            tuple(self._ledger.receipts.documents_of(receipt.id)),
            tuple(self._ledger.receipts.slips_of(receipt.id)),
            receipt.change,
            fault,
        )

    def desks(self) -> dict[int, tuple[Binding, Shift]]:
        """Registrar and open shift of each enterprise in the basket; with red lines alone the main one's."""
        found: dict[int, tuple[Binding, Shift]] = {}
        for enterprise in self.basket.by_enterprise():
            binding = self._workplace.binding_for(enterprise)
            self._fiscal.guard(binding)
            offline.guard(self._workplace, binding)
            found[enterprise] = (binding, self._shifts.selling(binding))
        if not found:
            binding = self._workplace.main_binding()
            self._fiscal.guard(binding)
            offline.guard(self._workplace, binding)
            found[binding.enterprise_id] = (binding, self._shifts.selling(binding))
        return found

    def _printable(
        self, receipt: Receipt, documents: Sequence[FiscalDocument], desks: dict[int, tuple[Binding, Shift]]
    ) -> None:
        """Refuse what the registrar could not print, naming the good, before anything is stored."""
        for document in documents:
            try:
                self._fiscal.check(document.document, desks[document.enterprise_id][0])
            except Invalid as fault:
                fiscal = [
                    line for line in receipt.lines if line.fiscal and line.enterprise_id == document.enterprise_id
                ]
                index = fault.field.partition("[")[2].partition("]")[0]
                name = fiscal[int(index)].name if index.isdigit() and int(index) < len(fiscal) else ""
                raise Refusal(
                    "TAX_LETTER" if fault.code is Code.TAX else "NOT_PRINTABLE",
                    N_("The registrar cannot take “{name}”: {what}"),
                    N_("Nothing was sent. Correct the goods card or take the line out."),
                    name=name,
                    what=fault.what,
                ) from fault

    def _print(self, slip: Slip) -> bool:
        binding = self._workplace.main_binding()

        def go(registrar: Registrar) -> None:
            with self._workplace.printing(binding):
                registrar.slip(slip.lines)

        try:
            self._workplace.desk(binding).access.call(go)
        except Fault as error:
            # A slip is no fiscal document: it waits for paper and is offered again; the sale stands.
            self._workplace.audit("slip_waits", {"slip": str(slip.id), "why": str(error)})
            return False
        self._ledger.receipts.slip_printed(slip.id, self._workplace.clock.now())
        return True

    def _drawer(self, receipt: Receipt) -> None:
        """Open the cash drawer for a cash sale; a drawer that does not open loses nothing."""
        if not any(payment.form.value == "cash" for payment in receipt.payments):
            return
        access = self._workplace.desk(self._workplace.main_binding()).access
        if not access.capabilities.drawer:
            return
        try:
            access.call(lambda registrar: registrar.open_drawer())
        except Fault as error:
            self._workplace.audit("drawer", {"why": str(error)})

    def _tell_buyer(self, receipt: Receipt) -> None:
        """The sum and the change on the buyer's display (IV-7); one that fails loses nothing.

        Like the slip it follows the country: Ukrainian whatever the switch says.
        """
        access = self._workplace.desk(self._workplace.main_binding()).access
        if not access.capabilities.display:
            return
        upper, lower = _row("СУМА", receipt.due), _row("РЕШТА", receipt.change)
        try:
            access.call(lambda registrar: registrar.display(upper, lower))
        except Fault as error:
            self._workplace.audit("display", {"why": str(error)})

    def _weighed(self, entry: scan.Entry) -> Entered:
        for code in entry.codes:
            good = self._ledger.goods.by_code(code)
            if good is not None and good.weighed:
                quantity = entry.quantity
                if quantity < 0:
                    quantity = max(1, (-quantity * 1000 + good.price // 2) // good.price) if good.price else 0
                return self._added(good, quantity)
        raise Refusal("UNKNOWN_PLU", N_("No weighed good has the number {code}"), code=entry.codes[0])

    def _added(self, good: Good, quantity: int) -> Entered:
        if good.weighed and not quantity:
            raise Refusal("NEEDS_WEIGHT", N_("Weigh “{name}” or type its weight"), name=good.name, good=good)
        line_sum(good.price, quantity or 1000)
        return Entered(Happened.ADDED, self._keep(baskets.add(baskets.loose(self.basket), good, quantity or 1000)))

    def _keep(self, basket: Basket) -> Basket:
        self._basket = basket
        self._save(basket, BasketState.ACTIVE)
        return basket

    def _save(self, basket: Basket, state: BasketState, note: str = "") -> None:
        user = self._workplace.user
        self._ledger.receipts.save_basket(
            StoredBasket(
                basket.id,
                self._workplace.settings.workplace,
                user.id if user else 0,
                state,
                baskets.encode(basket),
                self._workplace.clock.now(),
                note,
            )
        )

    def _stored(self) -> Sequence[StoredBasket]:
        return self._ledger.receipts.baskets(self._workplace.settings.workplace)


def _elsewhere(error: LedgerError) -> Exception:
    """What another till did since the basket was taken, for the cashier; nothing was stored or sent."""
    if error.code == "stamp":
        return Refusal(
            "STAMP_SOLD",
            N_("A stamp of this receipt was sold elsewhere meanwhile"),
            N_("Take it off in the stamps window (Ctrl+E), put the bottle aside and call a senior."),
        )
    if error.code in ("order", "order number"):
        return Refusal(
            "ORDER_MOVED",
            N_("The order was changed elsewhere meanwhile"),
            N_("Put it back (Ctrl+Del) and take it again."),
        )
    return error


BUYER_WIDTH = 20
"""Columns of a buyer's display: every one that registrars drive has at least these."""


def _row(label: str, kopecks: int) -> str:
    """One row of the buyer's display, the sum at the right; a plain space, for displays have no other."""
    return label + hryvnias(kopecks).replace("\u00a0", " ").rjust(BUYER_WIDTH - len(label))


__all__ = ["Entered", "Happened", "Paid", "Plan", "Sale"]
