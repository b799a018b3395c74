"""How much money of a sale goes back, and by which means: arithmetic over everything that went back before.

A sale's money is looked at part by part (each enterprise's document, and the non-fiscal slip). Of a part the means are
kept in proportion to the goods that have come back *in all*, so that several partial refunds add up to what was paid,
to the kopeck: rounding each one by itself would pay out more (three of 0.30 sold for 1.00 would return as 1.50).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from drivers.document import Document, PaymentForm
from kiosk.ledger.records import Receipt
from kiosk.till.rounding import round_cash

SLIP = 0
"""Key of the non-fiscal part; enterprises count from 1."""
COIN = 10
"""Kopecks: the smallest coin in circulation."""


@dataclass(frozen=True)
class Share:
    """One part of a sale, kopecks: what its goods cost, what was paid for them, what came and went back already.

    `cash` is net of change and rounded as it was paid; `cashless` is every other means.
    """

    sold: int = 0
    cashless: int = 0
    cash: int = 0
    back: int = 0
    cashless_back: int = 0
    cash_back: int = 0

    @property
    def left(self) -> int:
        """The most that may still be paid out."""
        return max(0, self.cashless + self.cash - self.cashless_back - self.cash_back)

    @property
    def cashless_left(self) -> int:
        """The most that may still go back by the cashless means."""
        return max(0, min(self.cashless - self.cashless_back, self.left))


@dataclass(frozen=True)
class Money:
    """What one part of a refund pays out, kopecks."""

    value: int
    cashless: int
    cash: int

    @property
    def rounding(self) -> int:
        return self.cashless + self.cash - self.value


def repay(share: Share, value: int, *, last: bool, step: int, cashless: int | None = None) -> Money:
    """The money for goods of `value` kopecks; `last`: nothing of this part is left with the buyer afterwards.

    `cashless` overrides the proportion; the caller keeps it within `value` and `cashless_left`.
    """
    after = share.back + value
    if cashless is None:
        goal = share.cashless if last else share.cashless * after // max(1, share.sold)
        cashless = max(0, min(goal - share.cashless_back, value, share.left))
    left = share.left - cashless
    if last and share.cashless_back + cashless == share.cashless:
        # The means are the original's to the end: what remains of the cash, whatever earlier parts were rounded to.
        return Money(value, cashless, left)
    cash = round_cash(after - share.cashless_back - cashless, step) - share.cash_back
    if cash > left:
        cash = left // step * step if 0 < step <= left else left
    if value and not last and not cashless and left > COIN:
        # A refund of nothing is no document, and the last part must have something left to give back.
        cash = max(1, min(cash if cash > 0 else value, left - COIN))
    return Money(value, cashless, max(0, cash))


def shares(
    sale: Receipt, documents: Mapping[int, Document], refunds: Iterable[tuple[Receipt, Sequence[tuple[int, Document]]]]
) -> dict[int, Share]:
    """The parts of a sale: `documents` by enterprise, and earlier refunds with theirs."""
    found = {
        enterprise: Share(
            sold=sum(line.sum for line in document.lines), cashless=cashless_of(document), cash=cash_of(document)
        )
        for enterprise, document in documents.items()
    }
    found[SLIP] = Share(sold=_red(sale), cash=_slip_cash(sale, list(documents.values())))
    for refund, made in refunds:
        for enterprise, document in made:
            share = found.setdefault(enterprise, Share())
            found[enterprise] = replace(
                share,
                back=share.back + sum(line.sum for line in document.lines),
                cashless_back=share.cashless_back + cashless_of(document),
                cash_back=share.cash_back + cash_of(document),
            )
        slip = found[SLIP]
        found[SLIP] = replace(
            slip,
            back=slip.back + _red(refund),
            cash_back=slip.cash_back + _slip_cash(refund, [document for _, document in made]),
        )
    return found


def cash_of(document: Document) -> int:
    """Cash that stayed or went, kopecks."""
    return document.paid_by(PaymentForm.CASH) - document.change


def cashless_of(document: Document) -> int:
    """Everything but cash, kopecks."""
    return document.paid - document.paid_by(PaymentForm.CASH)


def _red(receipt: Receipt) -> int:
    return sum(line.sum for line in receipt.lines if not line.fiscal)


def _slip_cash(receipt: Receipt, documents: Sequence[Document]) -> int:
    cash = sum(payment.amount for payment in receipt.payments if payment.form is PaymentForm.CASH) - receipt.change
    return cash - sum(cash_of(document) for document in documents) if _red(receipt) else 0
