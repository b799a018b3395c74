"""The X report and the comparison of what the registrar counts with what the till remembers (cashier-flow.md VII)."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.registrar import Totals
from kiosk.ledger.records import Binding, Shift, Sums
from kiosk.till.errors import N_
from kiosk.till.rights import Right
from kiosk.till.shift import Shifts
from kiosk.till.workplace import Workplace


@dataclass(frozen=True)
class Row:
    """One figure by both books, kopecks (or a count). `registrar` None: the device does not tell."""

    name: str
    key: str
    registrar: int | None
    till: int
    counts: bool = False

    @property
    def difference(self) -> int:
        return 0 if self.registrar is None else self.registrar - self.till


@dataclass(frozen=True)
class XReport:
    """The registrar's day beside the till's."""

    totals: Totals
    sums: Sums
    rows: tuple[Row, ...]

    @property
    def agrees(self) -> bool:
        return all(row.difference == 0 for row in self.rows)


class Reports:
    """Reports that change nothing."""

    def __init__(self, workplace: Workplace, shifts: Shifts) -> None:
        self._workplace = workplace
        self._shifts = shifts

    def x(self, binding: Binding, *, paper: bool = True) -> XReport:
        """Print an X report (`paper`) and compare. Raises a driver's `Fault` when the registrar does not answer."""
        self._workplace.require(Right.X_REPORT)
        access = self._workplace.desk(binding).access
        totals = access.call(lambda registrar: registrar.x_report() if paper else registrar.totals())
        shift = self._shifts.current(binding)
        sums = self._workplace.ledger.shifts.sums(shift.id) if shift is not None else Sums()
        return XReport(totals, sums, rows(totals, sums, self.expected_cash(shift, sums)))

    def expected_cash(self, shift: Shift | None, sums: Sums) -> int:
        """Cash that the registrar should count by the till's books, kopecks."""
        if shift is None:
            return 0
        carried = self._carried(shift)
        return (
            carried
            + sums.cash_in
            - sums.cash_out
            + sums.sales_by_form.get("cash", 0)
            - sums.refunds_by_form.get("cash", 0)
        )

    def _carried(self, shift: Shift) -> int:
        """A hardware registrar keeps its cash over a Z: what it held when the shift opened, kopecks.

        The checklist read it; where it could not, the registrar's cash at the last Z counts. A software registrar's
        shift begins with nothing.
        """
        binding = self._workplace.ledger.shop.binding(shift.binding_id)
        if not self._workplace.desk(binding).access.capabilities.opens_with_first_document:
            return 0
        for check in shift.checks:
            if check.get("key") == "cash" and isinstance(check.get("registrar"), int):
                return int(check["registrar"])
        last = self._workplace.ledger.shifts.last_closed(shift.binding_id)
        return last.cash_left if last is not None else 0


def rows(totals: Totals, sums: Sums, expected_cash: int) -> tuple[Row, ...]:
    """Figures of both books, line by line."""
    # A registrar that does not count returns apart may count them among the receipts or not (datecs-fp3530t.md §5, 67
    # does not say): then there is nothing to compare.
    apart = totals.refunds is not None
    found = [
        Row(N_("Receipts"), "receipts", totals.receipts if apart else None, sums.receipts, counts=True),
        Row(N_("Returns"), "refunds", totals.refunds, sums.refunds, counts=True),
    ]
    found += [
        Row(N_("Sales"), form, totals.sales_by_form.get(form, 0), sums.sales_by_form.get(form, 0))
        for form in dict.fromkeys((*totals.sales_by_form, *sums.sales_by_form))
    ]
    found += [
        Row(N_("Sales by tax"), letter, totals.sales_by_tax.get(letter, 0), sums.sales_by_tax.get(letter, 0))
        for letter in dict.fromkeys((*totals.sales_by_tax, *sums.sales_by_tax))
    ]
    found += [
        Row(N_("Returns by tax"), letter, totals.refunds_by_tax.get(letter, 0), sums.refunds_by_tax.get(letter, 0))
        for letter in dict.fromkeys((*totals.refunds_by_tax, *sums.refunds_by_tax))
    ]
    found += [
        Row(
            N_("Returns"),
            form,
            totals.refunds_by_form.get(form, 0) if totals.refunds_by_form is not None else None,
            sums.refunds_by_form.get(form, 0),
        )
        for form in dict.fromkeys((*(totals.refunds_by_form or ()), *sums.refunds_by_form))
    ]
    found += [
        Row(N_("Service cash-in"), "cash_in", totals.cash_in, sums.cash_in),
        Row(N_("Service cash-out"), "cash_out", totals.cash_out, sums.cash_out),
        Row(N_("Cash in the registrar"), "drawer", totals.drawer, expected_cash),
        Row(N_("Cash rounding"), "rounding", None, sums.rounding),
    ]
    if sums.stornos:
        found.append(Row(N_("Stornos"), "stornos", None, sums.stornos, counts=True))
    return tuple(found)
