"""Service cash-in and cash-out (cashier-flow.md III, VII; criterion VII-3)."""

from __future__ import annotations

import re

from drivers.document import DocumentKind
from kiosk.ledger.records import Binding, FiscalDocument
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.rights import Right
from kiosk.till.shift import Shifts, cash_document
from kiosk.till.workplace import Approval, Workplace

REASONS_IN = (
    N_("Change for the shift"),
    N_("Change is added"),
    N_("Wrong cash-out is put back"),
    N_("Cash for a refund"),
)
"""What a service cash-in may be for: the shop's own money."""
DEBT_REASON = N_("A buyer pays a debt or an advance")
"""Offered, because cashiers look for it here, and always refused (IV-21)."""
BUYERS_MONEY = re.compile(
    r"борг|заборгов|аванс|передплат|передоплат|кредит|розстроч|\b(debt|advance|prepay)", re.IGNORECASE
)


def debt_refusal() -> Refusal:
    """Why a buyer's money is no service cash-in, and where it goes."""
    return Refusal(
        "DEBT_IS_SALE",
        N_("A buyer's debt or advance is fiscalised as a sale, not as a service cash-in"),
        N_("Nothing was sent. Find the order on the sale screen (F7) and take its payment (F6)."),
    )


class Cash:
    """Money that moves without goods."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts

    def available(self, binding: Binding) -> int:
        """Cash that the registrar counts, kopecks. Raises a driver's `Fault` when it does not answer."""
        return self._workplace.desk(binding).access.call(lambda registrar: registrar.cash_in_drawer())

    def put_in(self, binding: Binding, amount: int, *, note: str = "") -> FiscalDocument:
        """Service cash-in, kopecks. Raises `Refusal` or `Doubt`; the result may be REJECTED or UNKNOWN.

        A buyer's debt or advance is a sale and never a service cash-in (IV-21): `note` is the reason, and one that says
        so is refused with the way to the order's settlement.
        """
        self._workplace.require(Right.CASH_IN)
        if note == DEBT_REASON or BUYERS_MONEY.search(note):
            self._workplace.audit("cash_in_debt", {"amount": amount, "note": note}, allowed=False)
            raise debt_refusal()
        return self._move(binding, DocumentKind.CASH_IN, amount, note)

    def take_out(
        self, binding: Binding, amount: int, *, note: str = "", approval: Approval | None = None
    ) -> FiscalDocument:
        """Service cash-out, kopecks: with help above the limit. Raises `Refusal` above the registrar's cash."""
        self._workplace.require(Right.CASH_OUT)
        if amount > self._workplace.settings.policy.cash_out_limit:
            self._workplace.require(Right.CASH_OUT_ANY, approval, reason=note or "above limit")
        available = self.available(binding)
        if amount > available:
            raise Refusal(
                "CASH_SHORT",
                N_("The registrar holds {available}, less than {amount}"),
                N_("Nothing was sent. Take out at most {available}."),
                available=available,
                amount=amount,
            )
        return self._move(binding, DocumentKind.CASH_OUT, amount, note)

    def _move(self, binding: Binding, kind: DocumentKind, amount: int, note: str) -> FiscalDocument:
        if amount <= 0:
            raise Refusal("ZERO_SUM", N_("The sum must be above zero"))
        self._fiscal.guard(binding)
        shift = self._shifts.selling(binding)
        document = cash_document(self._workplace, binding, shift, kind, amount, note)
        self._fiscal.check(document.document, binding)
        self._ledger.receipts.add_document(document)
        self._workplace.audit(kind.value, {"amount": amount, "note": note})
        return self._fiscal.issue(document)
