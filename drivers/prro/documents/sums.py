"""The arithmetic of a document, proved on what is written in it (fiscal-server.md §3.7, §9.7).

Which sums the server enforces is not documented, so all of them are checked before a document is signed. Part payments
are rounded after they are spread over the lines, so their rows add up to the exact part.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.document import line_sum
from drivers.errors import Code, Invalid
from drivers.prro.documents.record import Figures, Record, Side, Total
from drivers.prro.documents.values import CASH_CODE, Act


def prove(record: Record) -> None:
    """Raises `Invalid` for the first sum that does not add up."""
    for what in problems(record):
        raise Invalid(Code.TOTAL_MISMATCH, f"the document does not add up: {what}")


def problems(record: Record) -> Iterator[str]:
    """Everything that does not add up, one sentence each."""
    if record.total is not None and record.act in (Act.SALE, Act.REFUND):
        yield from _receipt(record, record.total)
    if record.figures is not None:
        yield from _shift(record.figures)


def _receipt(record: Record, total: Total) -> Iterator[str]:
    gross = sum(row.cost for row in record.rows)
    discount = sum(row.discount for row in record.rows)
    on_top = sum(tax.sum for tax in record.taxes if tax.on_top)
    price = gross - discount + on_top
    if discount != total.discount:
        yield f"the rows' discounts make {discount}, the receipt says {total.discount}"
    if total.stage is None:
        if price != total.exact:
            yield f"the rows make {price}, the receipt says {total.exact}"
    else:
        part = sum(row.part or 0 for row in record.rows)
        if price != total.sum:
            yield f"the rows make {price}, the receipt says {total.sum}"
        if part != total.exact:
            yield f"the rows' parts make {part}, the receipt says {total.exact}"
        if part > price:
            yield f"the part {part} is above the price {price}"
    if total.exact + total.rounding != total.money:
        yield f"{total.exact} rounded by {total.rounding} is not {total.money}"
    if sum(row.sum for row in record.pays) != total.money:
        yield f"the payments make {sum(row.sum for row in record.pays)}, {total.money} is due"
    if total.rounding and not any(row.code == CASH_CODE for row in record.pays):
        yield "a sum without cash is rounded"
    for number, pay in enumerate(record.pays, 1):
        if pay.provided is not None and pay.provided - pay.sum != pay.change:
            yield f"payment {number}: {pay.provided} given for {pay.sum} leaves no change of {pay.change}"
    for number, row in enumerate(record.rows, 1):
        if row.price is not None and row.quantity is not None and line_sum(row.price, row.quantity) != row.cost:
            yield f"row {number}: {row.quantity} thousandths at {row.price} do not cost {row.cost}"
        if row.discount > row.cost:
            yield f"row {number}: the discount {row.discount} is above {row.cost}"


def _shift(figures: Figures) -> Iterator[str]:
    for name, side in (("sales", figures.sales), ("refunds", figures.refunds)):
        yield from _side(name, side)


def _side(name: str, side: Side) -> Iterator[str]:
    if sum(row.sum for row in side.pays) != side.sum:
        yield f"the {name} by payment make {sum(row.sum for row in side.pays)}, their sum is {side.sum}"
    if side.exact + side.rounding != side.sum:
        yield f"the {name} of {side.exact} rounded by {side.rounding} are not {side.sum}"
