"""НЕВІДОМО: what the till knows about a document whose outcome is open, and who may decide (cashier-flow.md VIII.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from drivers.document import DocumentKind
from drivers.registrar import FaultInfo, Mode, Result, State
from kiosk.ledger.records import FiscalDocument, Receipt
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.rights import Right
from kiosk.till.status import StatusView
from kiosk.till.workplace import Approval, Workplace


@dataclass(frozen=True)
class Doubtful:
    """An open outcome with both readings: the registrar's values before the act, and after it where it answered."""

    document: FiscalDocument
    receipt: Receipt | None
    before: Mapping[str, str | int]
    after: Mapping[str, str | int]
    why: FaultInfo | None

    @property
    def step(self) -> str:
        """How far the document went, a message id."""
        if not self.before:
            return N_("prepared, not sent to the registrar")
        if self.document.result is None:
            return N_("sent to the registrar, its answer was not stored")
        return N_("sent to the registrar, which could not tell the outcome")


class Unknowns:
    """The list of unknown outcomes and their resolution."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._ill = False
        self._seen = 0

    def when_well(self, view: StatusView) -> Sequence[Receipt | FiscalDocument]:
        """Ask about open outcomes once, as soon as the registrar is well again (paper in, cable back).

        Returns what was found out. An outcome that stays open is a person's matter: nothing is asked in a loop.
        """
        away = view.offline is not None and view.offline.mode is not Mode.ONLINE
        without_paper = view.hardware and (view.paper_out or view.cover_open)
        if not view.link or without_paper or away:
            self._ill = True
            return ()
        if not view.hardware and view.unknown > self._seen:
            # The line may have come back before anybody saw it gone.
            self._ill = True
        self._seen = view.unknown
        if not self._ill:
            return ()
        self._ill = False
        return self._fiscal.recover() if view.unknown else ()

    def items(self) -> Sequence[Doubtful]:
        """Everything open at this workplace, oldest first."""
        mine = {binding.id for binding in self._ledger.shop.bindings(self._workplace.settings.workplace)}
        return [self._item(item) for item in self._ledger.receipts.unsettled() if item.binding_id in mine]

    def halves(self) -> Sequence[Receipt]:
        """Receipts with one part registered and another certainly not: `again` of sale or refund offers the rest."""
        self._fiscal.catch_up()
        return [
            receipt
            for receipt in self._ledger.receipts.unfinished(self._workplace.settings.workplace)
            if all(document.settled for document in self._ledger.receipts.documents_of(receipt.id))
        ]

    def ask(self, document_id: UUID) -> FiscalDocument:
        """Ask the registrar once more; anybody may. Raises a driver's `Fault` when it does not answer.

        Raises `Refusal` KEY_LOCKED where the question must be signed with a key that is locked.
        """
        document = self._open(document_id)
        self._fiscal.keys.guard(self._ledger.shop.binding(document.binding_id))
        now = self._fiscal.ask(document)
        self._book(now)
        return now

    def decide(
        self,
        document_id: UUID,
        *,
        registered: bool,
        reason: str,
        number: str = "",
        approval: Approval | None = None,
    ) -> FiscalDocument:
        """A senior's decision with both readings on the screen; it goes to the journal and the audit.

        Raises `Denied` without the right, `Refusal` without a reason, or for a document that is settled.
        """
        document = self._open(document_id)
        decider = self._workplace.require(Right.RESOLVE, approval, reason=reason)
        if len(reason.strip()) < 3:
            raise Refusal("NO_REASON", N_("Write the reason of the decision"))
        clean = number.strip()
        if registered and not (clean.isascii() and clean.isdigit() and len(clean) <= 20):
            raise Refusal(
                "NO_NUMBER",
                N_("Type the number that stands on the document's paper"),
                N_("A later refund must name it. It is also in the registrar's reading."),
            )
        item = self._item(document)
        result = Result(
            State.REGISTERED if registered else State.REJECTED,
            number=clean if registered else "",
            z_number=int(clean) if registered and document.kind is DocumentKind.Z_REPORT else None,
            serial=str(item.before.get("serial", "")),
            at=self._workplace.clock.now() if registered else None,
            total=document.document.due if registered else 0,
            change=document.document.change if registered else 0,
            warnings=(f"decided by {decider.name}: {reason}",),
            evidence={f"before_{name}": value for name, value in item.before.items()} | dict(item.after),
        )
        self._ledger.journal.decide(
            document.id,
            document.binding_id,
            {"result": json.loads(msgspec.json.encode(result)), "by": decider.id, "reason": reason},
        )
        self._workplace.audit(
            "resolve", {"document": str(document.id), "registered": registered, "reason": reason, "by": decider.name}
        )
        now = self._fiscal.ask(document)
        self._book(now)
        return now

    def _open(self, document_id: UUID) -> FiscalDocument:
        document = self._ledger.receipts.document(document_id)
        if document.settled:
            raise Refusal("SETTLED", N_("This document is settled already"))
        return document

    def _book(self, document: FiscalDocument) -> None:
        if document.receipt_id is not None:
            self._fiscal.finish(self._ledger.receipts.receipt(document.receipt_id))

    def _item(self, document: FiscalDocument) -> Doubtful:
        before: Mapping[str, str | int] = {}
        after: Mapping[str, str | int] = {}
        why: FaultInfo | None = None
        snapshot = self._ledger.journal.of(document.binding_id).open_intent(document.document)
        if snapshot is not None:
            before = dict(snapshot)
        if document.result is not None:
            evidence = document.result.evidence
            after = {
                name.removeprefix("after_"): value for name, value in evidence.items() if name.startswith("after_")
            }
            why = document.result.fault
        receipt = self._ledger.receipts.receipt(document.receipt_id) if document.receipt_id is not None else None
        return Doubtful(document, receipt, before, after, why)
