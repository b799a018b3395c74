"""What became of a document: the journal since the last Z, searched for the document's own id (helpmicro.md §7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from drivers.document import Document, DocumentKind
from drivers.helpmicro.documents import KINDS, Entry, marker
from drivers.registrar import Snapshot, State

_MARKER = re.compile(r"^[0-9a-f]{32}$")
EARLIER = timedelta(seconds=5)
"""How much older than its snapshot a document's journal time may be: the device tells whole seconds."""


@dataclass(frozen=True)
class Reading:
    """Completion values at one moment."""

    serial: str
    receipt: int
    z_number: int
    at: str
    """The registrar's own time, ISO 8601, aware."""

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    @classmethod
    def from_json(cls, snapshot: Snapshot) -> Reading:
        return cls(**snapshot)  # type: ignore[arg-type]


def judge(
    document: Document, before: Reading, after: Reading, journal: Sequence[Entry]
) -> tuple[State, str, Entry | None]:
    """The verdict, its reason in one English sentence, and the journal object that proves it."""
    step = after.z_number - before.z_number
    if document.kind is DocumentKind.Z_REPORT:
        if step in (0, 1):
            return (State.REGISTERED if step else State.REJECTED), f"the Z number moved by {step}", None
        return State.UNKNOWN, f"the Z number moved by {step}", None
    if step:
        return State.UNKNOWN, "a Z report came in between: the journal of before is gone", None
    kind, own = KINDS[document.kind], marker(document)
    found = [entry for entry in journal if entry.kind == kind and own in entry.comments()]
    if len(found) > 1:
        return State.UNKNOWN, f"the journal holds the document's id {len(found)} times", None
    if found:
        return State.REGISTERED, "the journal holds the document's id", found[0]
    # Firmware that drops the comment would leave the same goods and sum without any id (§7).
    begun = datetime.fromisoformat(before.at) - EARLIER
    nameless = [entry for entry in journal if entry.kind == kind and _same(document, entry, begun)]
    if len(nameless) == 1:
        return State.REGISTERED, "the journal holds one document of the same goods, sum and time", nameless[0]
    if nameless:
        return State.UNKNOWN, f"{len(nameless)} documents without an id have the same sum", None
    return State.REJECTED, "the journal does not hold the document's id", None


def _same(document: Document, entry: Entry, begun: datetime) -> bool:
    if any(_MARKER.match(text) for text in entry.comments()) or entry.at is None or entry.at < begun:
        return False
    due = -document.amount if document.kind is DocumentKind.CASH_OUT else document.due
    goods = sum(1 for name, _ in entry.lines if name == "S")
    return entry.total == due and goods == len(document.lines)
