"""A document's money taken apart, so that a shift's sums are one question to the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from drivers.document import Document, DocumentKind, Payment, PaymentForm
from kiosk.ledger.records import Receipt, ReceiptKind

Key = TypeVar("Key")
Part = tuple[str, str, int]
"""What it is (form, tax, rounding, moved, slip), its name, kopecks."""


def parts(document: Document) -> list[Part]:
    """Payments net of change, turnover by tax letter after all discounts, rounding, cash moved, cards typed from slips.

    Turnover is unrounded: taxes are computed from the sum before cash rounding (cashier-flow.md IV.4).
    """
    if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
        return [("moved", "cash", document.amount)]
    found = [("form", form, amount) for form, amount in by_form(document.payments, document.change).items()]
    found += [("tax", letters, amount) for letters, amount in _by_tax(document).items()]
    if document.rounding:
        found.append(("rounding", "", document.rounding))
    slips = sum(payment.amount for payment in document.payments if payment.card is not None)
    if slips:
        found.append(("slip", "card", slips))
    return found


def by_form(payments: Iterable[Payment], change: int) -> dict[str, int]:
    """Kopecks kept by form: change is given from cash."""
    sums: dict[str, int] = {}
    for payment in payments:
        sums[str(payment.form)] = sums.get(str(payment.form), 0) + payment.amount
    if change:
        cash = str(PaymentForm.CASH)
        sums[cash] = sums.get(cash, 0) - change
    return sums


def nonfiscal_cash(receipt: Receipt, documents: Sequence[Document]) -> dict[int, int]:
    """Cash of the receipt that no fiscal document holds, by the enterprise of its non-fiscal lines; refunds negative.

    Where lines of several enterprises share it, it is spread in proportion to their sums.
    """
    weights: dict[int, int] = {}
    for line in receipt.lines:
        if not line.fiscal:
            weights[line.enterprise_id] = weights.get(line.enterprise_id, 0) + line.sum
    if not weights:
        return {}
    cash = str(PaymentForm.CASH)
    left = by_form(receipt.payments, receipt.change).get(cash, 0)
    left -= sum(by_form(document.payments, document.change).get(cash, 0) for document in documents)
    sign = -1 if receipt.kind is ReceiptKind.REFUND else 1
    return {enterprise: sign * amount for enterprise, amount in spread(left, weights).items()}


def spread(amount: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """`amount` ≥ 0 in proportion to the weights, halves up; what rounding leaves goes to the heaviest."""
    whole = sum(weights.values())
    if not whole:
        return {key: amount if index == 0 else 0 for index, key in enumerate(weights)}
    shares = {key: (2 * amount * weight + whole) // (2 * whole) for key, weight in weights.items()}
    heaviest = max(weights, key=lambda key: weights[key])
    shares[heaviest] += amount - sum(shares.values())
    return shares


def _by_tax(document: Document) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in document.lines:
        sums[line.tax] = sums.get(line.tax, 0) + line.sum
    if document.part is not None:
        # The money of the part alone; the registrar's own split replaces this when it tells one.
        return spread(document.part.amount, sums)
    if document.discount:
        for letters, off in spread(document.discount, dict(sums)).items():
            sums[letters] -= off
    return sums
