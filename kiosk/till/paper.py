"""Paper of a software registrar: whether buyers want it, and what is owed (cashier-flow.md IV.3, VIII.2).

A receipt stands without paper. What a printer owes is in the ledger (`DocumentState.NOT_PRINTED`) until it was printed;
printing it later is no second document, whatever happens to the roll in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from drivers.registrar import PrintsApart, Registrar, State
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument
from kiosk.till.errors import N_, Refusal
from kiosk.till.rights import Right
from kiosk.till.workplace import Workplace

SCREEN = "screen"


def _setting(workplace: str) -> str:
    return f"receipt_to_buyer:{workplace}"


def paper_wanted(ledger: Ledger, workplace: str) -> bool:
    """Whether this workplace prints buyers' receipts: the choice that was made last, paper where there was none."""
    return ledger.shop.setting(_setting(workplace)) != SCREEN


class Paper:
    """What comes out of the receipt printer, and what still has to."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger

    @property
    def wanted(self) -> bool:
        """Whether buyers' receipts are printed here."""
        return paper_wanted(self._ledger, self._workplace.settings.workplace)

    def choose(self, wanted: bool) -> None:
        """Print buyers' receipts from now on, or leave them to the screen. Kept for this workplace (IV.3)."""
        self._workplace.require(Right.SELL)
        self._ledger.shop.set_setting(_setting(self._workplace.settings.workplace), "paper" if wanted else SCREEN)
        self._workplace.audit("receipt_to_buyer", {"paper": wanted})

        def go(registrar: Registrar) -> None:
            assert isinstance(registrar, PrintsApart)
            registrar.set_paper(wanted)

        for binding in self._apart():
            self._workplace.desk(binding).access.call(go)

    def prints(self, document: FiscalDocument) -> bool:
        """Whether the paper of a document can be asked for by its own name, on a printer that is set up."""
        if not document.done:
            return False
        able = self._workplace.desk(self._ledger.shop.binding(document.binding_id)).access.capabilities
        return able.prints_apart and able.copy_of_last

    def waiting(self) -> Sequence[FiscalDocument]:
        """*Не надруковано*: documents of this and the last shift whose paper is owed, oldest first."""
        owed: list[FiscalDocument] = []
        for binding in self._apart():
            shifts = (self._ledger.shifts.last_closed(binding.id), self._ledger.shifts.open_shift(binding.id))
            for shift in shifts:
                if shift is not None:
                    owed += self._ledger.receipts.not_printed(shift.id)
        return owed

    def print(self, document_id: UUID) -> FiscalDocument:
        """The paper of a registered document, a copy where one was begun before. Settles what was owed.

        Raises `Refusal` where nothing of it can be printed, and `NotPrinted` when the printer does not.
        """
        self._workplace.require(Right.SELL)
        document = self._ledger.receipts.document(document_id)
        if not self.prints(document):
            raise Refusal(
                "NO_PRINTER",
                N_("No receipt printer is set up at this workplace"),
                N_("The buyer takes the code from the screen."),
            )

        def go(registrar: Registrar) -> None:
            assert isinstance(registrar, PrintsApart)
            registrar.reprint(document.document)

        self._workplace.desk(self._ledger.shop.binding(document.binding_id)).access.call(go)
        self._workplace.audit("reprint", {"document": str(document.id)})
        if document.state is DocumentState.NOT_PRINTED and document.result is not None:
            printed = replace(document.result, state=State.REGISTERED)
            self._ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, printed)
        return self._ledger.receipts.document(document.id)

    def forget(self, document_id: UUID) -> FiscalDocument:
        """The buyer took the receipt from the screen: its paper is owed no more. The audit says who decided it."""
        self._workplace.require(Right.SELL)
        document = self._ledger.receipts.document(document_id)
        if document.state is DocumentState.NOT_PRINTED and document.result is not None:
            settled = replace(document.result, state=State.REGISTERED)
            self._ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, settled)
            self._workplace.audit("paper_forgotten", {"document": str(document.id)})
        return self._ledger.receipts.document(document_id)

    def _apart(self) -> list[Binding]:
        place = self._workplace
        return [each for each in place.bindings() if place.desk(each).access.capabilities.prints_apart]
