"""Cancelling the last document of a software registrar (cashier-flow.md V.1, V.3).

    last document ─► may it? ─► storno document (stored, sent, settled as any other) ─► the document counts no more

Only the last document of the open shift can be cancelled, and only one that moved money. Its receipt is taken back
whole: stock, quantities and totals stand as before it; the original stays in the books, marked with the storno's time.
Money on a card is not moved by this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import msgspec

from drivers.clock import kyiv
from drivers.document import Document, DocumentKind, Original, PaymentForm
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument, Receipt, ReceiptState
from kiosk.till.act import MISTAKES
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal, StornoNote
from kiosk.till.rights import Right
from kiosk.till.shift import Shifts
from kiosk.till.workplace import Approval, Workplace

REASONS = MISTAKES
"""Reasons of a storno (V.3): the same as those of a correction."""
MONEY = frozenset({DocumentKind.SALE, DocumentKind.REFUND, DocumentKind.CASH_IN, DocumentKind.CASH_OUT})
SHOWN = 20
"""Documents of the shift that the screen lists."""


@dataclass(frozen=True)
class Past:
    """A document of the shift as the screen lists it; `cancelled_at` is the time of its storno, aware."""

    document: FiscalDocument
    cancelled_at: datetime | None = None


@dataclass(frozen=True)
class Last:
    """The document that may be cancelled now. `receipt` is None for a cash movement."""

    binding: Binding
    document: FiscalDocument
    receipt: Receipt | None = None

    @property
    def by_card(self) -> int:
        """Money on cards, kopecks: a storno does not give it back."""
        return self.document.document.paid_by(PaymentForm.CARD)


class Stornos:
    """Ctrl+Z where the registrar can cancel."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts

    def offered(self) -> Binding | None:
        """The registrar with the workplace's last document, when it cancels documents; None: an act instead (V-7)."""
        found: list[tuple[datetime, Binding]] = []
        able: list[Binding] = []
        for binding in self._workplace.bindings():
            if self._workplace.desk(binding).access.capabilities.storno:
                able.append(binding)
            last = self._ledger.receipts.last_document(binding.id)
            if last is not None:
                found.append((last.made_at, binding))
        if not found:
            return able[0] if able else None
        latest = max(found, key=lambda pair: pair[0])[1]
        return latest if latest in able else None

    def recent(self, binding: Binding) -> Sequence[Past]:
        """The last documents of the open shift, latest first; cancelled ones with the time of their storno."""
        shift = self._shifts.current(binding)
        if shift is None:
            return ()
        documents = [
            item
            for item in self._ledger.receipts.documents(shift.id)
            if item.done or item.state is DocumentState.CANCELLED
        ]
        times = {_note(item).document: at_of(item) for item in documents if item.kind is DocumentKind.STORNO}
        return [Past(item, times.get(item.id)) for item in reversed(documents[-SHOWN:])]

    def last(self, binding: Binding) -> Last:
        """What may be cancelled now.

        Raises `Denied` without the right (I-3), and `Refusal` with the reason: the registrar cannot, no shift is open,
        the last document is none that can be cancelled; `Doubt` while an outcome is unknown.
        """
        if self._workplace.needs(Right.STORNO).value == "no":
            # Not even the picture: whoever lacks the right meets the audit here already (I-3).
            self._workplace.require(Right.STORNO)
        if not self._workplace.desk(binding).access.capabilities.storno:
            raise Refusal(
                "NO_STORNO",
                N_("A hardware registrar cannot cancel a document"),
                N_("Correct the mistake by a refund and an act."),
            )
        shift = self._shifts.current(binding)
        if shift is None:
            raise Refusal(
                "SHIFT_CLOSED",
                N_("The shift is closed: its documents cannot be cancelled"),
                N_("Return the goods by a refund (F12)."),
            )
        self._fiscal.guard(binding)
        document = self._ledger.receipts.last_document(binding.id)
        if document is None or document.shift_id != shift.id or document.kind not in MONEY or not document.done:
            raise Refusal(
                "NOT_LAST",
                N_("The last document is none that can be cancelled"),
                N_("Only the very last one can be: correct older ones by a refund (F12)."),
            )
        receipt = self._ledger.receipts.receipt(document.receipt_id) if document.receipt_id is not None else None
        if receipt is not None:
            self._whole(receipt)
        return Last(binding, document, receipt)

    def cancel(self, last: Last, *, reason: str, approval: Approval | None = None) -> FiscalDocument:
        """Issue the storno. The result may be REJECTED (nothing changed) or UNKNOWN (resolve it first).

        Raises `Denied` without the right or a senior's help, `Refusal` without a reason and when the document is not
        the last one any more.
        """
        user = self._workplace.cashier()
        self._workplace.require(Right.STORNO, approval, reason=reason)
        if not reason.strip():
            raise Refusal("NO_REASON", N_("Choose the reason of the storno"))
        now = self.last(last.binding)
        if now.document.id != last.document.id:
            raise Refusal("NOT_LAST", N_("Another document was issued meanwhile"), N_("Look at the last one again."))
        result = last.document.result
        assert result is not None
        identity = uuid4()
        document = FiscalDocument(
            id=identity,
            kind=DocumentKind.STORNO,
            state=DocumentState.PENDING,
            binding_id=last.binding.id,
            enterprise_id=last.binding.enterprise_id,
            user_id=user.id,
            made_at=self._workplace.clock.now(),
            document=Document(
                id=identity,
                kind=DocumentKind.STORNO,
                cashier=user.name[:64],
                original=Original(
                    number=result.number,
                    at=kyiv(result.at or last.document.made_at).isoformat(timespec="seconds"),
                    fiscal_number=result.fiscal_number,
                    registrar=result.serial,
                ),
            ),
            shift_id=last.document.shift_id,
            note=msgspec.json.encode(StornoNote(last.document.id, reason, user.id)).decode(),
        )
        self._fiscal.check(document.document, last.binding)
        self._ledger.receipts.add_document(document)
        done = self._fiscal.issue(document)
        self._workplace.audit(
            "storno", {"document": str(last.document.id), "reason": reason, "state": done.state.value}
        )
        return done

    def _whole(self, receipt: Receipt) -> None:
        """A receipt can be taken back only as a whole. Raises `Refusal`."""
        done = [item for item in self._ledger.receipts.documents_of(receipt.id) if item.done]
        if receipt.state is not ReceiptState.DONE or len(done) > 1:
            raise Refusal(
                "SEVERAL",
                N_("The receipt has documents of several enterprises: a storno would cancel only one of them"),
                N_("Return the goods by a refund (F12)."),
            )
        order = self._ledger.orders.of_receipt(receipt.id)
        if order is not None:
            parts = [part for part in order.parts if part.state is not ReceiptState.FAILED]
            if parts and parts[-1].receipt_id != receipt.id:
                raise Refusal(
                    "NOT_LAST",
                    N_("The order No. {number} has a later receipt"),
                    N_("Give the order back from its last receipt on (F7)."),
                    number=order.number,
                )
        if any(line.returned for line in receipt.lines):
            raise Refusal(
                "RETURNED",
                N_("Something of this sale was returned already"),
                N_("Return the rest by a refund (F12)."),
            )


def at_of(storno: FiscalDocument) -> datetime:
    """When a storno was registered, aware."""
    return (storno.result.at if storno.result is not None else None) or storno.made_at


def storno_of(ledger: Ledger, document: FiscalDocument) -> FiscalDocument | None:
    """The storno that cancelled a document; None for one that stands."""
    if document.state is not DocumentState.CANCELLED or document.shift_id is None:
        return None
    for item in ledger.receipts.documents(document.shift_id):
        if item.kind is DocumentKind.STORNO and item.done and _note(item).document == document.id:
            return item
    return None


def _note(storno: FiscalDocument) -> StornoNote:
    return msgspec.json.decode(storno.note.encode(), type=StornoNote)
