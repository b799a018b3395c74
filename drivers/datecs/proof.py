"""What became of a document: completion values before and after, compared (datecs-fp3530t.md §8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from drivers.document import Document, DocumentKind
from drivers.registrar import Snapshot, State


@dataclass(frozen=True)
class Reading:
    """Completion values at one moment; sums in kopecks. Fields that a kind of document does not need are 0."""

    serial: str
    last: int
    z_number: int
    paid: int = 0
    refunded: int = 0
    drawer: int = 0
    cash_in: int = 0
    cash_out: int = 0
    amount: int = 0
    at: str = ""
    """The printer's own time, ISO 8601, aware."""
    taxes: str = ""
    """The answer of 65: turnover by tax. Empty where the document does not need it."""

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    @classmethod
    def from_json(cls, snapshot: Snapshot) -> Reading:
        return cls(**snapshot)  # type: ignore[arg-type]


def judge(document: Document, before: Reading, after: Reading) -> tuple[State, str]:
    """The verdict and its reason in one English sentence."""
    if document.kind is DocumentKind.Z_REPORT:
        return _counted("the Z number", after.z_number - before.z_number)
    if after.z_number != before.z_number:
        return State.UNKNOWN, "a Z report came in between: the day registers cannot be compared"
    if document.kind is DocumentKind.CASH_IN:
        return _moved("cash in", after.cash_in - before.cash_in, document.amount)
    if document.kind is DocumentKind.CASH_OUT:
        return _moved("cash out", after.cash_out - before.cash_out, document.amount)
    step = after.last - before.last
    if step == 0:
        return State.REJECTED, "the last document number stood still"
    if step != 1:
        return State.UNKNOWN, f"the last document number moved by {step}"
    refund = document.kind is DocumentKind.REFUND
    turnover = after.refunded - before.refunded if refund else after.paid - before.paid
    # The amount of 76 alone proves nothing: it may be that of the receipt before, with a slip counted since.
    if turnover == document.due or (turnover and after.amount == document.due):
        return State.REGISTERED, "the number moved by one and the sum agrees"
    return State.UNKNOWN, f"the number moved by one, but the day sums by {turnover} kopecks, not {document.due}"


def _counted(what: str, step: int) -> tuple[State, str]:
    if step == 1:
        return State.REGISTERED, f"{what} moved by one"
    if step == 0:
        return State.REJECTED, f"{what} stood still"
    return State.UNKNOWN, f"{what} moved by {step}"


def _moved(what: str, step: int, amount: int) -> tuple[State, str]:
    if step == amount:
        return State.REGISTERED, f"{what} moved by the sum"
    if step == 0:
        return State.REJECTED, f"{what} stood still"
    return State.UNKNOWN, f"{what} moved by {step} kopecks, not {amount}"
