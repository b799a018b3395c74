"""What became of a document: counters and sums before and after, compared (ikc.md §8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from drivers.document import Document, DocumentKind
from drivers.registrar import Snapshot, State


@dataclass(frozen=True)
class Reading:
    """Completion values at one moment; sums in kopecks. `sold` and `returned` are the day's turnover by tax group, in
    order with spaces between; `paid` and `repaid` the same turnover by payment forms, as one sum."""

    serial: str
    z_number: int
    sales: int
    payouts: int
    sold: str = ""
    paid: int = 0
    returned: str = ""
    repaid: int = 0
    cash_in: int = 0
    cash_out: int = 0
    at: str = ""
    """The registrar's own time, ISO 8601, aware."""

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    @classmethod
    def from_json(cls, snapshot: Snapshot) -> Reading:
        return cls(**snapshot)  # type: ignore[arg-type]


def by_tax(document: Document, before: Reading, after: Reading) -> list[int]:
    """By how much the day registers moved, in the order of the tax groups."""
    refund = document.kind is DocumentKind.REFUND
    pair = (before.returned, after.returned) if refund else (before.sold, after.sold)
    first, second = (list(map(int, sums.split())) for sums in pair)
    return [then - now for now, then in zip(first, second, strict=True)]


def judge(document: Document, before: Reading, after: Reading) -> tuple[State, str]:
    """The verdict and its reason in one English sentence."""
    z_step = after.z_number - before.z_number
    if document.kind is DocumentKind.Z_REPORT:
        if z_step in (0, 1):
            return (State.REGISTERED, "the Z number moved by one") if z_step else (State.REJECTED, "the Z number stood")
        return State.UNKNOWN, f"the Z number moved by {z_step}"
    if z_step:
        return State.UNKNOWN, "a Z report came in between: the day registers cannot be compared"
    if document.kind is DocumentKind.CASH_IN:
        return _moved("cash in", after.cash_in - before.cash_in, document.amount)
    if document.kind is DocumentKind.CASH_OUT:
        return _moved("cash out", after.cash_out - before.cash_out, document.amount)
    refund = document.kind is DocumentKind.REFUND
    step = after.payouts - before.payouts if refund else after.sales - before.sales
    what = "the counter of refunds" if refund else "the counter of sales"
    if step == 0:
        return State.REJECTED, f"{what} stood still"
    if step != 1:
        return State.UNKNOWN, f"{what} moved by {step}"
    paid = after.repaid - before.repaid if refund else after.paid - before.paid
    steps = (sum(by_tax(document, before, after)), paid)
    if document.due in steps:
        return State.REGISTERED, f"{what} moved by one and the turnover by the sum"
    return State.UNKNOWN, f"{what} moved by one, but the turnover by {steps[0]} kopecks, not {document.due}"


def _moved(what: str, step: int, amount: int) -> tuple[State, str]:
    if step == amount:
        return State.REGISTERED, f"{what} moved by the sum"
    if step == 0:
        return State.REJECTED, f"{what} stood still"
    return State.UNKNOWN, f"{what} moved by {step} kopecks, not {amount}"
