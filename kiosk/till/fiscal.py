"""The till's part of the one road: a stored document goes to its registrar, and what came of it into the ledger.

    stored PENDING ─► drivers.road.walk (journal: intent … outcome) ─► settled ─► shift, receipt

After a kill the same steps run from where the journal stands: a document without an intent was never sent, one with an
intent is asked for at its registrar, nothing goes out twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from drivers.document import Document, DocumentKind
from drivers.errors import Code, Fault, Invalid
from drivers.registrar import FaultInfo, Registrar, Result, State
from drivers.road import settle, walk
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument, Receipt, ReceiptState, Shift
from kiosk.till.errors import N_, Doubt, Refusal
from kiosk.till.keys import Keys
from kiosk.till.offline import may_go_on
from kiosk.till.rekey import Rekeying
from kiosk.till.workplace import Workplace

PATIENCE = 6.0
"""Seconds to ask after a doubt before the cashier is told; once the registrar is well again the till asks by itself."""


SOFTWARE_PATIENCE = 2.0
"""The same for a software registrar: what was sent may take five seconds, and after seven the buyer knows (VI-1)."""
MONEY = frozenset({DocumentKind.SALE, DocumentKind.REFUND, DocumentKind.CASH_IN, DocumentKind.CASH_OUT})
"""Documents that others may follow offline while the fate of these is unknown (fiscal-server.md §6.8)."""


class ClosingNote(msgspec.Struct, frozen=True):
    """What a Z document carries for the day's closing, so that a kill in the middle loses none of it."""

    by: int
    cash_left: int
    counted: int | None = None
    terminal: int | None = None
    reason: str = ""


class OpeningNote(msgspec.Struct, frozen=True):
    """What an opening document carries for the shift that it opens, so that a kill in the middle loses none of it."""

    by: int
    workplace: str
    counted: int
    float_: int
    reason: str = ""
    checks: tuple[dict[str, Any], ...] = ()


class StornoNote(msgspec.Struct, frozen=True):
    """What a storno carries: the document (our id) that it cancels, so that a kill in the middle loses none of it."""

    document: UUID
    reason: str
    by: int


class Fiscal:
    """Issues stored documents and finds out about unsettled ones."""

    def __init__(self, workplace: Workplace, keys: Keys, rekeying: Rekeying) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self.keys = keys
        self._rekeying = rekeying
        self.issued = 0
        """Documents that went to a registrar since the start: when it moves, the device's state is old news."""

    def check(self, document: Document, binding: Binding) -> None:
        """Refuse before anything is stored what the registrar could not print. Raises `Invalid`; asks no device."""
        document.check()
        self._workplace.desk(binding).access.check(document)

    def issue(self, pending: FiscalDocument) -> FiscalDocument:
        """Walk the road with a stored document; the result is settled in the ledger when this returns.

        The caller decides what UNKNOWN means for its receipt; nothing is thrown away in between.
        """
        binding = self._ledger.shop.binding(pending.binding_id)
        journal = self._ledger.journal.of(binding.id)
        clock = self._workplace.clock
        if pending.state is DocumentState.REJECTED:
            # Once more under the same id: open again before the first byte, so that a kill finds it.
            self._ledger.receipts.settle_document(pending.id, DocumentState.PENDING, None)

        def go(registrar: Registrar) -> Result:
            with self._workplace.about(binding, pending.document):
                return walk(registrar, pending.document, journal, clock, patience=self._patience(binding))

        self.issued += 1
        try:
            result = self._workplace.desk(binding).access.call(go)
        except Invalid as fault:
            result = Result(State.REJECTED, fault=FaultInfo.of(fault))
        return self._settle(pending, result)

    def ask(self, doubtful: FiscalDocument) -> FiscalDocument:
        """Ask the registrar what became of an unsettled document; one that was never sent is settled as rejected."""
        binding = self._ledger.shop.binding(doubtful.binding_id)
        journal = self._ledger.journal.of(binding.id)
        stored = journal.settled(doubtful.document)
        if stored is not None:
            return self._settle(doubtful, stored)
        before = journal.open_intent(doubtful.document)
        if before is None:
            never = FaultInfo(str(Code.OFFLINE), "the till stopped before anything was sent")
            return self._settle(doubtful, Result(State.REJECTED, fault=never))
        clock = self._workplace.clock

        def go(registrar: Registrar) -> Result:
            with self._workplace.about(binding, doubtful.document):
                return settle(registrar, doubtful.document, before, journal, clock, patience=self._patience(binding))

        return self._settle(doubtful, self._workplace.desk(binding).access.call(go))

    def _patience(self, binding: Binding) -> float:
        hardware = self._workplace.desk(binding).access.capabilities.hardware
        return PATIENCE if hardware else SOFTWARE_PATIENCE

    def recover(self) -> Sequence[Receipt | FiscalDocument]:
        """After a start: settle what was left open, oldest first. Returns what was found out, for the cashier."""
        found: list[Receipt | FiscalDocument] = []
        if self._workplace.gate.closed:
            # Books from a copy: the registrars are compared first, or an old question gets a wrong answer.
            return found
        mine = {binding.id for binding in self._ledger.shop.bindings(self._workplace.settings.workplace)}
        for doubtful in self._ledger.receipts.unsettled():
            if doubtful.binding_id not in mine:
                continue
            try:
                now = self.ask(doubtful)
            except Fault:
                # The registrar does not answer yet: the document stays open and blocks sales until it does.
                continue
            if doubtful.receipt_id is None and now.settled:
                found.append(now)
        for receipt in self._ledger.receipts.unfinished(self._workplace.settings.workplace):
            finished = self.finish(receipt)
            if finished.state is not receipt.state:
                found.append(finished)
        return found

    def complete(self, receipt: Receipt) -> tuple[Receipt, FaultInfo | None]:
        """Issue what a receipt still lacks, in order, and book it; stops at the first document that is not registered.

        What was not sent because of that is settled as such, so that it neither blocks its own registrar nor holds the
        basket; `again` may offer it later.
        """
        fault: FaultInfo | None = None
        stopped = False
        for document in self._ledger.receipts.documents_of(receipt.id):
            if document.done:
                continue
            if stopped:
                if document.state is DocumentState.PENDING:
                    self.ask(document)
                continue
            now = self.issue(document)
            if not now.done:
                stopped = True
                fault = now.result.fault if now.result is not None else None
        return self.finish(self._ledger.receipts.receipt(receipt.id)), fault

    def half_done(self, receipt: Receipt) -> None:
        """Raises `Refusal` unless a part of the receipt is registered and the rest is certainly not."""
        documents = self._ledger.receipts.documents_of(receipt.id)
        open_ = receipt.state in (ReceiptState.PENDING, ReceiptState.UNKNOWN)
        if not open_ or not all(document.settled for document in documents):
            raise Refusal("SETTLED", N_("This receipt is settled already, or not yet known"))

    def finish(self, receipt: Receipt) -> Receipt:
        """Book a receipt by the states of its documents. A half-registered one stays PENDING and is offered again."""
        documents = self._ledger.receipts.documents_of(receipt.id)
        if any(not document.settled for document in documents):
            doubtful = any(document.state is DocumentState.UNKNOWN for document in documents)
            return self._ledger.receipts.finish(receipt.id, ReceiptState.UNKNOWN) if doubtful else receipt
        done = sum(document.done for document in documents)
        if done == len(documents):
            return self._ledger.receipts.finish(receipt.id, ReceiptState.DONE)
        if done == 0:
            return self._ledger.receipts.finish(receipt.id, ReceiptState.FAILED)
        return receipt

    def catch_up(self) -> None:
        """Book receipts whose documents are all settled while their own row is not: the disk failed in between.

        Without this they would stand open until the next start; a half-registered one stays as it is.
        """
        for receipt in self._ledger.receipts.unfinished(self._workplace.settings.workplace):
            if all(document.settled for document in self._ledger.receipts.documents_of(receipt.id)):
                self.finish(receipt)

    def guard(self, binding: Binding, *, goes_on: bool = True) -> None:
        """Nothing new goes to a registrar whose key is locked, or while an outcome is unknown there, but offline.

        `goes_on` False: the act must know the last document for certain, offline too. Raises `Refusal` KEY_LOCKED (an
        open outcome can be asked for with the key only) and `Doubt`.
        """
        self.keys.guard(binding)
        open_ = self._ledger.receipts.unsettled(binding.id)
        if open_ and goes_on and may_go_on(self._workplace, binding) and all(item.kind in MONEY for item in open_):
            return
        if open_:
            raise Doubt(
                "UNKNOWN_OUTCOME",
                N_("UNKNOWN: it is not known whether a document of {sum} was registered"),
                N_("Do not repeat the sale. Open the list of unknown outcomes (F11)."),
                sum=open_[0].document.due,
                document=str(open_[0].id),
            )

    def _settle(self, pending: FiscalDocument, result: Result) -> FiscalDocument:
        """The journal's outcome into the ledger's rows, with what follows for binding and shift.

        The document's own row comes last: while it is open, the next start does all of this again.
        """
        state = DocumentState(result.state.value)
        if result.done:
            binding = self._ledger.shop.binding(pending.binding_id)
            if result.serial:
                self._ledger.shop.met(
                    pending.binding_id, serial=result.serial, fiscal_number=result.fiscal_number, model=""
                )
            if self.keys.needed(binding):
                self._rekeying.document_done(binding)
            if pending.kind is DocumentKind.OPEN_SHIFT:
                self._open_shift(pending, result)
            elif pending.shift_id is not None:
                if pending.kind is DocumentKind.Z_REPORT:
                    self._close_shift(pending, result)
                elif pending.kind is DocumentKind.STORNO:
                    note = msgspec.json.decode(pending.note.encode(), type=StornoNote)
                    self._ledger.receipts.cancel(note.document)
                elif result.at is not None:
                    self._ledger.shifts.device_opened(pending.shift_id, result.at, result.serial)
        self._ledger.receipts.settle_document(pending.id, state, result, pending.note)
        return self._ledger.receipts.document(pending.id)

    def _open_shift(self, document: FiscalDocument, result: Result) -> None:
        """The shift that the document opened: it begins with the server's word and by the server's time."""
        note = msgspec.json.decode(document.note.encode(), type=OpeningNote)
        self._ledger.shifts.open_by(
            document.id,
            Shift(
                id=0,
                binding_id=document.binding_id,
                enterprise_id=document.enterprise_id,
                workplace=note.workplace,
                opened_by=note.by,
                opened_at=document.made_at,
                float_=note.float_,
                device_opened_at=result.at,
                serial=result.serial,
                checks=note.checks,
            ),
        )

    def _close_shift(self, document: FiscalDocument, result: Result) -> None:
        """The Z ends the shift, the registrar's lease and the key's day; each is done once, also after a kill."""
        assert document.shift_id is not None
        if self._ledger.shifts.get(document.shift_id).is_open:
            note = msgspec.json.decode(document.note.encode(), type=ClosingNote)
            self._ledger.shifts.close(
                document.shift_id,
                by=note.by,
                at=self._workplace.clock.now(),
                z_number=result.z_number,
                cash_left=note.cash_left,
                closing=msgspec.to_builtins(note),
            )
        binding = self._ledger.shop.binding(document.binding_id)
        self._ledger.shop.drop_lease(binding.serial, self._workplace.settings.workplace)
        offline = bool(result.evidence.get("offline"))
        self.keys.day_closed(binding, offline=offline)
        self._rekeying.shift_closed(binding, offline=offline)
