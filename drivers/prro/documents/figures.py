"""A shift in numbers, out of its documents: the body of a Z-report and the whole of an X-report (§4.1).

Sums of taxes are the sums of what the receipts say, never computed anew (8.33 + 8.33 = 16.66). Part payments count by
the money that was taken, so that a prepayment and its settlement together count the price once (§10 row 13).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from drivers.errors import Code, Invalid
from drivers.prro.documents.record import Figures, PayRow, Record, Side
from drivers.prro.documents.taxes import TaxRow
from drivers.prro.documents.values import Act


class _Counting(Struct):
    """One side while it is counted."""

    sum: int = 0
    exact: int = 0
    rounding: int = 0
    rounded: bool = False
    count: int = 0
    pays: dict[tuple[int, str], int] = {}
    taxes: dict[tuple[int, str, int, bool], TaxRow] = {}
    by_letters: dict[str, int] = {}

    def add(self, record: Record) -> None:
        total = record.total
        if total is None:
            raise Invalid(Code.TOTAL_MISMATCH, f"document {record.number} is a {record.act} without a sum")
        self.sum += total.money
        self.exact += total.exact
        self.rounding += total.rounding
        self.rounded |= total.rounded
        self.count += 1
        for pay in record.pays:
            key = (pay.code, pay.name)
            self.pays[key] = self.pays.get(key, 0) + pay.sum
        for tax in record.taxes:
            known = self.taxes.get(tax.key)
            self.taxes[tax.key] = tax if known is None else _sum(known, tax)
        for row in record.rows:
            paid = row.cost - row.discount if row.part is None else row.part
            self.by_letters[row.letters] = self.by_letters.get(row.letters, 0) + paid

    def done(self) -> Side:
        return Side(
            self.sum,
            self.exact,
            self.rounding,
            self.rounded,
            self.count,
            tuple(PayRow(code, name, money) for (code, name), money in sorted(self.pays.items())),
            tuple(self.taxes[key] for key in sorted(self.taxes)),
            tuple(sorted(self.by_letters.items())),
        )


def figures(records: Iterable[Record], *, without: Iterable[str] = ()) -> Figures:
    """The shift's figures from all of its documents, in any order.

    Storno documents and what they cancel do not count (§10 row 11), nor do documents the server revoked; `without`
    names more by UID. A document that a storno can name needs its fiscal number (`Record.numbered`). Raises `Invalid`
    for a storno of a document that is not among them: the figures would be wrong.
    """
    left_out = {uid.upper() for uid in without}
    kept = [record for record in records if not record.revoked and record.uid.upper() not in left_out]
    cancelled = {record.cancels for record in kept if record.act is Act.STORNO}
    missing = cancelled - {record.fiscal_number for record in kept}
    if missing:
        raise Invalid(Code.TOTAL_MISMATCH, f"the cancelled document {min(missing)} is not among the shift's documents")
    sides = {Act.SALE: _Counting(), Act.REFUND: _Counting()}
    moved = {Act.CASH_IN: 0, Act.REINFORCEMENT: 0, Act.CASH_OUT: 0}
    stornos = offline = 0
    for record in kept:
        stornos += record.act is Act.STORNO
        if record.storned or (record.fiscal_number and record.fiscal_number in cancelled):
            continue
        if record.act in sides:
            sides[record.act].add(record)
            offline += record.offline
        elif record.act in moved:
            moved[record.act] += record.money
    return Figures(
        sides[Act.SALE].done(),
        sides[Act.REFUND].done(),
        moved[Act.CASH_IN] + moved[Act.REINFORCEMENT],
        moved[Act.CASH_OUT],
        stornos,
        offline,
    )


def _sum(one: TaxRow, other: TaxRow) -> TaxRow:
    return TaxRow(
        one.kind,
        one.name,
        one.letter,
        one.percent,
        one.turnover + other.turnover,
        one.source + other.source,
        one.sum + other.sum,
        one.on_top,
    )
