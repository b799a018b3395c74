"""Returns (cashier-flow.md V): find the sale, choose lines, check, give the money back by the means it came.

A refund is its own receipt with its own documents: fiscal lines by a refund document with the original's number, red
lines by a slip. The ledger reserves what comes back when the refund begins, so that nothing can come back twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from drivers.clock import kyiv
from drivers.document import CardSlip, Original, Payment, PaymentForm
from drivers.registrar import FaultInfo
from kiosk.ledger.records import (
    Binding,
    Customer,
    DocumentState,
    FiscalDocument,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReceiptState,
    Shift,
    Slip,
)
from kiosk.till.cash import Cash
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.money import hryvnias
from kiosk.till.payment import Part
from kiosk.till.receipts import documents_of, returned_line, short, slip_of
from kiosk.till.rights import Right
from kiosk.till.rounding import round_cash
from kiosk.till.scan import receipt_barcode
from kiosk.till.shift import Shifts
from kiosk.till.workplace import Approval, Workplace

REASONS = (
    N_("Goods of poor quality"),
    N_("The buyer changed their mind"),
    N_("Wrong goods"),
    N_("Wrong sum"),
    N_("Wrong means of payment"),
    N_("Double receipt"),
)


@dataclass(frozen=True)
class Draft:
    """A refund being prepared: `wanted` is line id -> thousandths; `card` kopecks of it go back to the card."""

    sale: Receipt
    documents: tuple[FiscalDocument, ...]
    wanted: Mapping[int, int]

    @property
    def chosen(self) -> int:
        return sum(1 for quantity in self.wanted.values() if quantity)


@dataclass(frozen=True)
class Offer:
    """What the refund pays, kopecks: by card, in cash (rounded), and the cash of the non-fiscal part in it."""

    total: int
    rounding: int
    card: int
    cash: int
    nonfiscal: int

    @property
    def due(self) -> int:
        return self.total + self.rounding


@dataclass(frozen=True)
class Precheck:
    """One line of the list before the money goes back. `missing_cash` kopecks can be put in with one touch."""

    name: str
    passed: bool
    message: str = ""
    values: Mapping[str, object] | None = None
    missing_cash: int = 0


@dataclass(frozen=True)
class Refunded:
    """How a refund ended; states as in `kiosk.till.sale.Paid`."""

    state: ReceiptState
    receipt: Receipt
    documents: tuple[FiscalDocument, ...]
    slips: tuple[Slip, ...]
    fault: FaultInfo | None = None


class Refunds:
    """Goods come back, money goes out."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts, cash: Cash) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts
        self._cash = cash

    # -- step 1: find ---------------------------------------------------------------------------------------------

    def by_code(self, text: str) -> Sequence[Receipt]:
        """Sales by the barcode or number of the receipt, or by the fiscal document's number. Raises `Refusal`."""
        self._workplace.require(Right.REFUND)
        clean = text.strip()
        if not clean or len(clean) > 64:
            raise Refusal("EMPTY_SCAN", N_("Nothing was scanned"))
        found: list[Receipt] = []
        if clean.isascii() and clean.isdigit():
            number = int(clean[2:12]) if len(clean) == 13 and clean.startswith("29") else int(clean)
            receipt = self._ledger.receipts.by_number(number) if number < 10**10 else None
            if receipt is not None:
                found.append(receipt)
        known = {receipt.id for receipt in found}
        found += [sale for sale in self._ledger.receipts.by_document_number(clean) if sale.id not in known]
        sales = [sale for sale in found if sale.kind is ReceiptKind.SALE and sale.state is ReceiptState.DONE]
        if not sales:
            raise Refusal(
                "UNKNOWN_RECEIPT",
                N_("No sale has the number {code}"),
                N_("Search by date and sum, or by the customer."),
                code=clean[:40],
            )
        return sales

    def recent(
        self, *, since: datetime | None = None, total: int | None = None, customer: Customer | None = None
    ) -> Sequence[Receipt]:
        """Sales to choose from, latest first: of the return period where `since` is not given."""
        self._workplace.require(Right.REFUND)
        days = self._workplace.settings.policy.return_days
        return self._ledger.receipts.find(
            since=since or self._workplace.clock.now() - timedelta(days=days),
            total=total,
            customer_id=customer.id if customer else None,
        )

    # -- step 2: lines --------------------------------------------------------------------------------------------

    def draft(self, sale_id: UUID) -> Draft:
        """A refund of nothing yet, with what may still come back on each line (V-1)."""
        self._workplace.require(Right.REFUND)
        sale = self._ledger.receipts.receipt(sale_id)
        if sale.kind is not ReceiptKind.SALE or sale.state is not ReceiptState.DONE:
            raise Refusal("NOT_A_SALE", N_("Only a finished sale can be returned"))
        return Draft(sale, tuple(self._ledger.receipts.documents_of(sale.id)), {})

    def take(self, draft: Draft, line_id: int, quantity: int) -> Draft:
        """`quantity` thousandths of a line come back; 0 takes the line out. Raises `Refusal` above the rest."""
        line = next((line for line in draft.sale.lines if line.id == line_id), None)
        if line is None:
            raise Refusal("NO_LINE", N_("The receipt has no such line"))
        rest = line.quantity - line.returned
        whole = line.quantity % 1000 == 0
        if quantity < 0 or (whole and quantity % 1000):
            raise Refusal("BAD_QUANTITY", N_("“{text}” is not a quantity"), text=str(quantity / 1000))
        if quantity > rest:
            raise Refusal("ABOVE_REST", N_("At most {rest} of “{name}” can come back"), rest=rest, name=line.name)
        return replace(draft, wanted={**draft.wanted, line_id: quantity})

    def take_all(self, draft: Draft) -> Draft:
        """Everything that may still come back."""
        return replace(
            draft,
            wanted={line.id: line.quantity - line.returned for line in draft.sale.lines if line.id is not None},
        )

    # -- step 4: money --------------------------------------------------------------------------------------------

    def offer(self, draft: Draft, *, card: int | None = None) -> Offer:
        """The money by the original's means in proportion; `card` overrides the card's part, kopecks."""
        lines = self._lines(draft)
        fiscal = sum(line.sum for line in lines if line.fiscal)
        red = sum(line.sum for line in lines if not line.fiscal)
        share = self._card_share(draft, fiscal) if card is None else card
        if not 0 <= share <= fiscal:
            raise Refusal("CARD_ABOVE_DUE", N_("At most {most} can go back to the card"), most=fiscal)
        step = self._workplace.rounding_step()
        cash = round_cash(fiscal - share, step) + round_cash(red, step)
        return Offer(fiscal + red, share + cash - fiscal - red, share, cash, round_cash(red, step))

    def checks(self, draft: Draft, *, card: int | None = None) -> tuple[Precheck, ...]:
        """Step 5: every condition with its answer; the refund is possible when all pass."""
        offer = self.offer(draft, card=card)
        days = self._workplace.settings.policy.return_days
        period = self._workplace.clock.now() - draft.sale.at <= timedelta(days=days)
        enterprises = {line.enterprise_id for line in self._lines(draft) if line.fiscal}
        bindings = [binding for binding in self._workplace.bindings() if binding.enterprise_id in enterprises]
        homeless = enterprises - {binding.enterprise_id for binding in bindings}
        shifts = [self._shifts.current(binding) for binding in bindings or self._workplace.bindings()]
        over = short(draft.sale.lines, draft.wanted)
        result = [
            Precheck(N_("Lines chosen"), draft.chosen > 0, N_("Choose at least one line")),
            Precheck(N_("Quantity within the rest"), not over, N_("More would come back than was sold")),
            Precheck(N_("Enterprise of the original"), not homeless, N_("No registrar of this enterprise here")),
            Precheck(N_("Shift open"), bool(shifts) and all(shifts), N_("Open the shift (F11).")),
            Precheck(
                N_("Return period"), period, N_("Sold more than {days} days ago: a senior may allow it"), {"days": days}
            ),
        ]
        cash = offer.cash - offer.nonfiscal
        if cash and bindings:
            available = self._cash.available(bindings[0])
            result.append(
                Precheck(
                    N_("Cash in the registrar"),
                    available >= cash,
                    N_("The registrar holds {available}, {needed} are needed"),
                    {"available": available, "needed": cash},
                    max(0, cash - available),
                )
            )
        return tuple(result)

    # -- steps 5 to 8 ---------------------------------------------------------------------------------------------

    def refund(
        self,
        draft: Draft,
        *,
        reason: str,
        card: int | None = None,
        slip: CardSlip | None = None,
        approval: Approval | None = None,
        means_approval: Approval | None = None,
    ) -> Refunded:
        """Give the money back. Raises `Refusal` (a pre-check fails, a reason or slip data are missing) or `Doubt`.

        `approval` helps with a sum above the limit or a sale older than the return period, `means_approval` with
        another means than the original's.
        """
        user = self._workplace.require(Right.REFUND)
        if not reason.strip():
            raise Refusal("NO_REASON", N_("Choose the reason of the return"))
        offer = self.offer(draft, card=card)
        if card is not None and card != self.offer(draft).card:
            self._workplace.require(Right.REFUND_OTHER_MEANS, means_approval, reason=reason)
        checks = self.checks(draft, card=card)
        late = any(not check.passed and check.name == N_("Return period") for check in checks)
        if offer.due > self._workplace.settings.policy.refund_limit or late:
            self._workplace.require(Right.REFUND_ANY, approval, reason=reason)
        for check in checks:
            if not check.passed and check.name != N_("Return period"):
                raise Refusal("PRECHECK", check.message, "", **dict(check.values or {}))
        if offer.card and slip is None and not self._workplace.settings.policy.cashless_without_slip:
            raise Refusal("NO_SLIP", N_("A card payment needs the data of the terminal's slip"))
        receipt, parts, red = self._receipt(draft, offer, reason, slip)
        desks = self._desks(receipt, parts)
        documents = documents_of(
            receipt, parts, user=user, desks=desks, originals=self._originals(draft.documents, parts)
        )
        for document in documents:
            self._fiscal.check(document.document, desks[document.enterprise_id][0])
        slip_ = slip_of(receipt, red, title=f"ПОВЕРНЕННЯ ТОВАРУ, чек {draft.sale.number}", user=user)
        receipt = self._ledger.receipts.begin(receipt, documents, [slip_] if slip_ else [])
        self._workplace.audit("refund", {"sale": str(draft.sale.id), "due": offer.due, "reason": reason})
        return self._complete(receipt)

    def again(self, receipt_id: UUID) -> Refunded:
        """Offer the refused part of a half-registered refund once more."""
        self._workplace.require(Right.REFUND)
        return self._complete(self._ledger.receipts.receipt(receipt_id))

    # -- correction of a mistake on a hardware registrar -----------------------------------------------------------

    def act(self, refunded: Refunded, *, mistake: str, right_sum: int, right_form: str) -> Slip:
        """The act about a wrong receipt (order 547, V.1): refund made, wrong and right values, signatures."""
        original = self._ledger.receipts.receipt(refunded.receipt.original_id or refunded.receipt.id)
        documents = self._ledger.receipts.documents_of(original.id)
        number = ", ".join(item.result.number for item in documents if item.result is not None) or "—"
        now = kyiv(self._workplace.clock.now())
        user = self._workplace.cashier()
        slip = Slip(
            uuid4(),
            refunded.receipt.id,
            (
                "АКТ про помилкову суму розрахунку",
                f"Дата: {now:%d.%m.%Y %H:%M}",
                f"Помилковий чек: {number} від {kyiv(original.at):%d.%m.%Y %H:%M}",
                f"Код чека: {receipt_barcode(original.number)}",
                f"Помилкова сума: {hryvnias(original.due)} грн",
                f"Помилка: {mistake}",
                f"Правильна сума: {hryvnias(right_sum)} грн",
                f"Правильна форма оплати: {right_form}",
                f"Повернення: {hryvnias(refunded.receipt.due)} грн",
                f"Касир: {user.name}",
                "Підпис касира ____________",
                "Підпис відповідальної особи ____________",
            ),
        )
        self._ledger.receipts.add_slip(slip)
        self._workplace.audit("act", {"refund": str(refunded.receipt.id), "mistake": mistake})
        return slip

    # -- parts ----------------------------------------------------------------------------------------------------

    def _lines(self, draft: Draft) -> list[ReceiptLine]:
        return [
            returned_line(line, draft.wanted[line.id], position)
            for position, line in enumerate(draft.sale.lines, 1)
            if line.id is not None and draft.wanted.get(line.id, 0)
        ]

    def _card_share(self, draft: Draft, fiscal: int) -> int:
        paid = draft.sale.payments
        by_card = sum(payment.amount for payment in paid if payment.form is PaymentForm.CARD)
        sold = sum(line.sum for line in draft.sale.lines if line.fiscal)
        return (fiscal * by_card + sold // 2) // sold if sold else 0

    def _receipt(
        self, draft: Draft, offer: Offer, reason: str, slip: CardSlip | None
    ) -> tuple[Receipt, dict[int, Part], Part | None]:
        lines = tuple(self._lines(draft))
        step = self._workplace.rounding_step()
        parts: dict[int, Part] = {}
        left = offer.card
        name = "Банківська картка" if slip is not None else "Безготівкова"
        for enterprise in dict.fromkeys(line.enterprise_id for line in lines if line.fiscal):
            total = sum(line.sum for line in lines if line.fiscal and line.enterprise_id == enterprise)
            by_card = min(left, total)
            left -= by_card
            cash = round_cash(total - by_card, step)
            payments = []
            if by_card:
                payments.append(Payment(form=PaymentForm.CARD, amount=by_card, name=name, card=slip))
            if cash:
                payments.append(Payment(form=PaymentForm.CASH, amount=cash))
            parts[enterprise] = Part(total, by_card + cash - total, tuple(payments))
        red = None
        if any(not line.fiscal for line in lines):
            total = sum(line.sum for line in lines if not line.fiscal)
            red = Part(total, offer.nonfiscal - total, ())
        tendered = []
        if offer.card:
            tendered.append(Payment(form=PaymentForm.CARD, amount=offer.card, name=name, card=slip))
        cash = (
            sum(payment.amount for part in parts.values() for payment in part.payments) - offer.card + offer.nonfiscal
        )
        if cash:
            tendered.append(Payment(form=PaymentForm.CASH, amount=cash))
        user = self._workplace.cashier()
        receipt = Receipt(
            id=uuid4(),
            kind=ReceiptKind.REFUND,
            state=ReceiptState.PENDING,
            workplace=self._workplace.settings.workplace,
            user_id=user.id,
            at=self._workplace.clock.now(),
            lines=lines,
            payments=tuple(tendered),
            rounding=sum(part.rounding for part in parts.values()) + (red.rounding if red else 0),
            customer_id=draft.sale.customer_id,
            original_id=draft.sale.id,
            reason=reason,
            number=self._ledger.receipts.next_number(),
        )
        return receipt, parts, red

    def _desks(self, receipt: Receipt, parts: Mapping[int, Part]) -> dict[int, tuple[Binding, Shift]]:
        found: dict[int, tuple[Binding, Shift]] = {}
        for enterprise in parts:
            binding = self._workplace.binding_for(enterprise)
            self._fiscal.guard(binding)
            found[enterprise] = (binding, self._shifts.selling(binding))
        if not parts:
            binding = self._workplace.main_binding()
            self._shifts.selling(binding)
        return found

    def _originals(self, documents: Sequence[FiscalDocument], parts: Mapping[int, Part]) -> dict[int, Original]:
        found = {}
        for document in documents:
            if document.enterprise_id in parts and document.result is not None and document.done:
                result = document.result
                found[document.enterprise_id] = Original(
                    number=result.number or str(document.id),
                    at=kyiv(result.at or document.made_at).isoformat(timespec="seconds"),
                    fiscal_number=result.fiscal_number,
                    registrar=result.serial,
                )
        return found

    def _complete(self, receipt: Receipt) -> Refunded:
        fault: FaultInfo | None = None
        for document in self._ledger.receipts.documents_of(receipt.id):
            if document.done:
                continue
            now = self._fiscal.issue(document)
            if now.state not in (DocumentState.REGISTERED, DocumentState.NOT_PRINTED):
                fault = now.result.fault if now.result is not None else None
                break
        receipt = self._fiscal.finish(receipt)
        return Refunded(
            receipt.state,
            receipt,
            tuple(self._ledger.receipts.documents_of(receipt.id)),
            tuple(self._ledger.receipts.slips_of(receipt.id)),
            fault,
        )
