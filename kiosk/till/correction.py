"""*Виправлення помилки* on a hardware registrar (cashier-flow.md V.3): the last sale is refunded in full, with an act.

A software registrar cancels its last document instead; there this way is not offered.
"""

from __future__ import annotations

from drivers.document import CardSlip
from kiosk.till.act import Act
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.refund import Draft, Refunded, Refunds
from kiosk.till.rights import Right
from kiosk.till.workplace import Approval, Workplace


class Corrections:
    """Ctrl+Z where nothing can be cancelled."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, refunds: Refunds) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._refunds = refunds

    def last(self) -> Draft:
        """The last sale of this workplace with everything that may still come back. Raises `Refusal` or `Doubt`."""
        self._workplace.cashier()
        if self._workplace.needs(Right.STORNO).value == "no":
            # Not even the picture: whoever lacks the right meets the audit here already (I-3).
            self._workplace.require(Right.STORNO)
        binding = self._workplace.main_binding()
        if self._workplace.desk(binding).access.capabilities.storno:
            raise Refusal("HAS_STORNO", N_("This registrar cancels its last document itself"))
        self._fiscal.guard(binding)
        sales = self._ledger.receipts.find(workplace=self._workplace.settings.workplace, limit=1)
        if not sales:
            raise Refusal("NO_SALE", N_("There is no sale to correct"))
        draft = self._refunds.take_all(self._refunds.draft(sales[0].id))
        if not draft.chosen:
            raise Refusal(
                "RETURNED", N_("The last sale is returned already"), N_("Find an older one in the returns (F12).")
            )
        return draft

    def correct(
        self, draft: Draft, act: Act, *, slip: CardSlip | None = None, approval: Approval | None = None
    ) -> Refunded:
        """Refund the wrong receipt and store its act with it. Raises `Denied` without the right to cancel (I-3)."""
        self._workplace.require(Right.STORNO, approval, reason=act.mistake)
        helper = None
        if approval is not None and approval.right is Right.STORNO:
            # One act, one help: who may cancel a receipt may return its sum.
            helper = Approval(approval.user, Right.REFUND_ANY)
        done = self._refunds.refund(draft, reason=act.mistake, slip=slip, approval=helper, act=act)
        self._workplace.audit(
            "correction", {"sale": str(draft.sale.id), "refund": str(done.receipt.id), "mistake": act.mistake}
        )
        return done
