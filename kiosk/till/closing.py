"""Closing the shift as one wizard (cashier-flow.md VII.2): unresolved → count → compare → cash-out → Z → summary.

A Z is a document like any other and travels the same road. What the wizard counted rides with it, so that a kill
between the registrar's Z and the ledger's close loses neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import msgspec

from drivers.document import Document, DocumentKind
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument, Shift, Sums
from kiosk.till.cash import Cash
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import ClosingNote, Fiscal
from kiosk.till.reports import Reports, Row
from kiosk.till.rights import Right
from kiosk.till.sale import Sale
from kiosk.till.shift import Age, Shifts
from kiosk.till.workplace import Approval, Workplace

DENOMINATIONS = (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 10)
"""Notes and coins in circulation, kopecks."""
CLOCK_AHEAD = timedelta(minutes=2)
"""How far the computer may be ahead of the registrar before a Z is refused (VII-6; line 11 of the checklist)."""


@dataclass(frozen=True)
class Problem:
    """Something that must be finished before a Z. `action` names the screen that helps."""

    message: str
    values: dict[str, object]
    action: str


@dataclass(frozen=True)
class Comparison:
    """The triangle, kopecks: registrar, terminal, till, and the counted cash against what should lie there."""

    rows: tuple[Row, ...]
    expected: int
    counted: int
    card_till: int
    card_terminal: int | None
    in_registrar: int

    @property
    def cash_difference(self) -> int:
        return self.counted - self.expected

    @property
    def card_difference(self) -> int:
        return 0 if self.card_terminal is None else self.card_terminal - self.card_till

    @property
    def agrees(self) -> bool:
        return not (self.cash_difference or self.card_difference or any(row.difference for row in self.rows))


@dataclass(frozen=True)
class Closed:
    """The summary: the Z document and the shift as it ended."""

    document: FiscalDocument
    shift: Shift
    sums: Sums


class Closing:
    """The wizard's steps."""

    def __init__(
        self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts, cash: Cash, reports: Reports, sale: Sale
    ) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts
        self._cash = cash
        self._reports = reports
        self._sale = sale

    def problems(self, binding: Binding) -> Sequence[Problem]:
        """Step 1: what must be 0 before the rest."""
        self._fiscal.catch_up()
        found = [
            Problem(N_("UNKNOWN: a document of {sum} is not resolved"), {"sum": document.document.due}, "unknown")
            for document in self._ledger.receipts.unsettled(binding.id)
        ]
        found += [
            Problem(N_("A receipt of {sum} is half registered"), {"sum": receipt.due}, "unknown")
            for receipt in self._ledger.receipts.unfinished(self._workplace.settings.workplace)
            if all(document.settled for document in self._ledger.receipts.documents_of(receipt.id))
        ]
        found += [
            Problem(N_("A basket of {sum} is parked"), {"sum": basket.total}, "parked")
            for _, basket in self._sale.parked()
        ]
        if self._sale.basket.lines:
            found.append(Problem(N_("A basket of {sum} is open"), {"sum": self._sale.basket.total}, "sale"))
        return found

    def counted(self, pieces: dict[int, int]) -> int:
        """Step 2: notes and coins (value in kopecks -> pieces) as a sum. Raises `Refusal` for nonsense."""
        if any(value not in DENOMINATIONS or not 0 <= count <= 100_000 for value, count in pieces.items()):
            raise Refusal("BAD_COUNT", N_("The count of notes and coins makes no sense"))
        return sum(value * count for value, count in pieces.items())

    def compare(self, binding: Binding, *, counted: int, terminal: int | None = None) -> Comparison:
        """Step 3: registrar, terminal (typed from its own report, None when skipped) and till side by side."""
        self._workplace.require(Right.Z_REPORT)
        report = self._reports.x(binding, paper=False)
        in_registrar = report.totals.drawer or 0
        card = report.sums.sales_by_form.get("card", 0) - report.sums.refunds_by_form.get("card", 0)
        shift = self._shifts.current(binding)
        expected = self._reports.expected_cash(shift, report.sums) + report.sums.nonfiscal_cash
        return Comparison(report.rows, expected, counted, card, terminal, in_registrar)

    def proposed_cash_out(self, binding: Binding) -> int:
        """Step 4: what to take out so that the policy's change stays, kopecks."""
        return max(0, self._cash.available(binding) - self._workplace.settings.policy.change_left)

    def cash_out(self, binding: Binding, amount: int, *, approval: Approval | None = None) -> FiscalDocument:
        """Step 4: the collection."""
        return self._cash.take_out(binding, amount, note="closing", approval=approval)

    def z(
        self,
        binding: Binding,
        *,
        counted: int | None = None,
        terminal: int | None = None,
        reason: str = "",
        approval: Approval | None = None,
    ) -> Closed:
        """Step 5. Raises `Refusal`: unresolved items, no shift, the computer's date ahead of the registrar's (VII-6).

        The result's document may be REJECTED (the shift stays open) or UNKNOWN (resolve it first).
        """
        shift = self._shifts.current(binding)
        if shift is None:
            raise Refusal("SHIFT_CLOSED", N_("The shift is not open"))
        user = self._workplace.require(Right.Z_REPORT)
        if shift.opened_by != user.id:
            self._workplace.require(Right.Z_REPORT_ANY, approval, reason=reason or "shift of another cashier")
        self._fiscal.guard(binding)
        stuck = [problem for problem in self.problems(binding) if problem.action != "parked" or not self._over(shift)]
        if stuck and not (self._over(shift) and all(problem.action in ("parked", "sale") for problem in stuck)):
            raise Refusal(
                "UNRESOLVED", stuck[0].message, N_("Finish it first, then close the shift."), **stuck[0].values
            )
        access = self._workplace.desk(binding).access
        status = access.call(lambda registrar: registrar.status())
        now = self._workplace.clock.now()
        if status.clock is not None and now - status.clock > CLOCK_AHEAD:
            raise Refusal(
                "CLOCK_AHEAD",
                N_("The computer's date {here} is later than the registrar's {there}"),
                N_("Nothing was sent. Set the computer's clock, then repeat."),
                here=now,
                there=status.clock,
            )
        left = status.drawer or 0
        note = ClosingNote(by=user.id, cash_left=left, counted=counted, terminal=terminal, reason=reason)
        identity = uuid4()
        document = FiscalDocument(
            id=identity,
            kind=DocumentKind.Z_REPORT,
            state=DocumentState.PENDING,
            binding_id=binding.id,
            enterprise_id=binding.enterprise_id,
            user_id=user.id,
            made_at=now,
            document=Document(id=identity, kind=DocumentKind.Z_REPORT, cashier=user.name[:64]),
            shift_id=shift.id,
            note=msgspec.json.encode(note).decode(),
        )
        sums = self._ledger.shifts.sums(shift.id)
        self._ledger.receipts.add_document(document)
        done = self._fiscal.issue(document)
        self._workplace.audit("z_report", {"state": done.state.value, "shift": shift.id})
        return Closed(done, self._ledger.shifts.get(shift.id), sums)

    def _over(self, shift: Shift) -> bool:
        """At 24 h only a Z is possible: an open basket must not stand in its way (VII-4)."""
        return self._shifts.warning(shift) is Age.OVER
