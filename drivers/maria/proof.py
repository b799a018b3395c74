"""What became of a document: numbers and sums before and after, compared (maria.md §8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from drivers.document import Document, DocumentKind
from drivers.registrar import Snapshot, State


@dataclass(frozen=True)
class Reading:
    """Completion values at one moment; sums in kopecks. `closed` is 1 after a Z until a new shift begins."""

    serial: str
    receipt: int
    z_number: int
    closed: int
    sold: int = 0
    returned: int = 0
    cash_in: int = 0
    cash_out: int = 0
    drawer: int = 0
    at: str = ""
    """The registrar's own time, ISO 8601, aware."""

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    @classmethod
    def from_json(cls, snapshot: Snapshot) -> Reading:
        return cls(**snapshot)  # type: ignore[arg-type]


def judge(document: Document, before: Reading, after: Reading) -> tuple[State, str]:
    """The verdict and its reason in one English sentence."""
    if document.kind is DocumentKind.Z_REPORT:
        if (before.closed, before.z_number) == (after.closed, after.z_number):
            return State.REJECTED, "the Z number and its mark stood still"
        return State.REGISTERED, "the Z report was counted"
    if after.closed and not before.closed:
        return State.UNKNOWN, "a Z report came in between: the sums of the shift cannot be compared"
    if document.kind is DocumentKind.CASH_IN:
        return _moved("cash in", before, after, before.cash_in, after.cash_in, document.amount)
    if document.kind is DocumentKind.CASH_OUT:
        return _moved("cash out", before, after, before.cash_out, after.cash_out, document.amount)
    step = after.receipt - before.receipt
    if step == 0:
        return State.REJECTED, "the receipt number stood still"
    if step != 1:
        return State.UNKNOWN, f"the receipt number moved by {step}"
    if document.kind is DocumentKind.ZERO:
        return State.REGISTERED, "the receipt number moved by one"
    sums = (before.returned, after.returned) if document.kind is DocumentKind.REFUND else (before.sold, after.sold)
    state, why = _moved("the turnover", before, after, *sums, document.due)
    if state is State.REGISTERED or document.due == 0:
        return State.REGISTERED, "the receipt number moved by one and the turnover by the sum"
    return State.UNKNOWN, f"the receipt number moved by one, but {why}"


def _moved(
    what: str, before: Reading, after: Reading, first: int, second: int, amount: int
) -> tuple[State, str]:  # fmt: skip
    """A register of the shift. The first document of a shift may find it cleared: then it counts from zero."""
    opened = before.closed and not after.closed
    if second - first == amount or (opened and second == amount):
        return State.REGISTERED, f"{what} moved by the sum"
    if (second == first and not opened) or (opened and second == 0):
        return State.REJECTED, f"{what} stood still"
    return State.UNKNOWN, f"{what} moved by {second - first} kopecks, not {amount}"
