"""An order's money goes back (cashier-flow.md IV-20): each receipt by a refund of its own that names its number.

    the last receipt first ─► … ─► the first advance ─► the order is closed

A refund is the receipt itself with its own part of the price, so that by every letter of tax exactly what was taken
goes back; the means are the original's. Goods that left come back with the receipt that gave them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from msgspec.structs import replace as with_

from drivers.clock import kyiv
from drivers.document import CardSlip, Document, DocumentKind, Original, Payment, PaymentForm
from kiosk.ledger.records import (
    Binding,
    DocumentState,
    FiscalDocument,
    Order,
    OrderLink,
    OrderPart,
    Receipt,
    ReceiptKind,
    ReceiptState,
)
from kiosk.till.advance import Advances
from kiosk.till.cash import Cash
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.refund import Refunded
from kiosk.till.rights import Right
from kiosk.till.shift import Shifts
from kiosk.till.workplace import Approval, Workplace


@dataclass(frozen=True)
class Back:
    """What the next refund of an order pays out, kopecks. `missing_cash` is what the registrar lacks for it."""

    order: Order
    part: OrderPart
    document: FiscalDocument
    binding: Binding
    cash: int
    card: int
    missing_cash: int
    senior: bool
    """The sum is above a cashier's limit."""

    @property
    def number(self) -> str:
        """The fiscal number that the refund will name."""
        result = self.document.result
        return result.number if result is not None else ""


class GiveBack:
    """Returns of orders."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts, cash: Cash, advances: Advances) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts
        self._cash = cash
        self._advances = advances

    def next(self, order_id: UUID) -> Back:
        """The receipt that goes back next. Raises `Refusal` where there is none, or one is under way."""
        self._workplace.require(Right.REFUND)
        order = self._ledger.orders.get(order_id)
        if order.busy:
            raise Refusal(
                "ORDER_BUSY",
                N_("A receipt of the order No. {number} is not finished yet"),
                N_("Open the list of unknown outcomes (F11)."),
                number=order.number,
            )
        if not order.standing:
            raise Refusal("NOTHING_PAID", N_("All money of the order No. {number} was given back"), number=order.number)
        part = order.standing[-1]
        document = self._advances.document_of(part)
        binding = self._workplace.binding_for(order.enterprise_id)
        body = document.document
        cash = body.paid_by(PaymentForm.CASH) - body.change
        available = self._cash.available(binding) if cash else 0
        return Back(
            order,
            part,
            document,
            binding,
            cash,
            body.paid - body.paid_by(PaymentForm.CASH),
            max(0, cash - available),
            body.due > self._workplace.settings.policy.refund_limit,
        )

    def give(
        self, order_id: UUID, *, reason: str, slip: CardSlip | None = None, approval: Approval | None = None
    ) -> Refunded:
        """Refund the order's last receipt. Raises `Refusal` (no reason, cash or slip) or `Doubt`; nothing is sent."""
        user = self._workplace.require(Right.REFUND)
        if not reason.strip():
            raise Refusal("NO_REASON", N_("Choose the reason of the return"))
        back = self.next(order_id)
        if back.senior:
            self._workplace.require(Right.REFUND_ANY, approval, reason=reason)
        if back.missing_cash:
            raise Refusal(
                "CASH_SHORT",
                N_("The registrar lacks {missing} for this refund"),
                N_("Nothing was sent. Put the money in first: service cash-in {missing}."),
                missing=back.missing_cash,
                binding=back.binding,
            )
        if back.card and slip is None and not self._workplace.settings.policy.cashless_without_slip:
            raise Refusal("NO_SLIP", N_("A card payment needs the data of the terminal's slip"))
        self._fiscal.guard(back.binding)
        shift = self._shifts.selling(back.binding)
        receipt, document = self._made(back, reason, slip)
        pending = FiscalDocument(
            id=document.id,
            kind=DocumentKind.REFUND,
            state=DocumentState.PENDING,
            binding_id=back.binding.id,
            enterprise_id=back.order.enterprise_id,
            user_id=user.id,
            made_at=receipt.at,
            document=document,
            shift_id=shift.id,
            receipt_id=receipt.id,
        )
        self._fiscal.check(document, back.binding)
        link = OrderLink(back.order.id, back.part.stage, back.part.amount)
        receipt = self._ledger.receipts.begin(receipt, [pending], [], link)
        self._workplace.audit("order_back", {"number": back.order.number, "amount": back.part.amount, "reason": reason})
        receipt, fault = self._fiscal.complete(receipt)
        return Refunded(receipt.state, receipt, tuple(self._ledger.receipts.documents_of(receipt.id)), (), fault)

    def _made(self, back: Back, reason: str, slip: CardSlip | None) -> tuple[Receipt, Document]:
        user = self._workplace.cashier()
        sold = self._ledger.receipts.receipt(back.part.receipt_id)
        assert sold.state is ReceiptState.DONE
        body = back.document.document
        payments = []
        for payment in body.payments:
            if payment.form is not PaymentForm.CASH:
                card = slip if payment.form is PaymentForm.CARD else payment.card
                payments.append(with_(payment, card=card))
        if back.cash:
            payments.append(Payment(form=PaymentForm.CASH, amount=back.cash))
        result = back.document.result
        assert result is not None
        document = with_(
            body,
            id=uuid4(),
            kind=DocumentKind.REFUND,
            cashier=user.name[:64],
            payments=tuple(payments),
            original=Original(
                number=result.number or str(back.document.id),
                at=kyiv(result.at or back.document.made_at).isoformat(timespec="seconds"),
                fiscal_number=result.fiscal_number,
                registrar=result.serial,
            ),
            header=(),
            footer=(f"Замовлення № {back.order.number}",),
        )
        receipt = Receipt(
            id=uuid4(),
            kind=ReceiptKind.REFUND,
            state=ReceiptState.PENDING,
            workplace=self._workplace.settings.workplace,
            user_id=user.id,
            at=self._workplace.clock.now(),
            lines=tuple(replace(line, sale_line=line.id, id=None, returned=0) for line in sold.lines),
            payments=tuple(payments),
            discount=sold.discount,
            rounding=body.rounding,
            customer_id=sold.customer_id,
            original_id=sold.id,
            reason=reason,
            number=self._ledger.receipts.next_number(),
        )
        return receipt, document
