"""The one road of a document: snapshot → intent (durable) → register → outcome (durable), and back after a doubt.

The till and the `registrar` command walk it with their own journals. A document id that the journal has already
settled returns the stored outcome; one that it left open is reconciled first: nothing goes out twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drivers.clock import Clock
from drivers.document import Document
from drivers.errors import Fault, Invalid
from drivers.registrar import Registrar, Result, Snapshot, State, verdict

ASK_AGAIN = 1.0
"""Seconds between two questions to a registrar that does not answer yet."""


class Journal(Protocol):
    """Where intents and outcomes are kept. Each call returns only when the record is on the disk."""

    def settled(self, document: Document) -> Result | None:
        """The stored outcome of this id, when it is final. Raises `Invalid` for another content under the id."""

    def open_intent(self, document: Document) -> Snapshot | None:
        """The snapshot of an intent of this id without a final outcome."""

    def intent(self, document: Document, snapshot: Snapshot) -> None: ...

    def outcome(self, document: Document, result: Result) -> None: ...


class OpenIntents(Protocol):
    """A journal that can list what was begun and never settled, oldest first."""

    def open_intents(self) -> Sequence[tuple[Document, Snapshot]]: ...

    def outcome(self, document: Document, result: Result) -> None: ...


def walk(
    registrar: Registrar,
    document: Document,
    journal: Journal,
    clock: Clock,
    *,
    patience: float = 20.0,
    ask_again: float = ASK_AGAIN,
) -> Result:
    """Register `document` once and for all; asks every `ask_again` for at most `patience` seconds after a doubt.

    Returns a result in every case but a wrong document (`Invalid`, nothing was sent and nothing stored).
    """
    document.check()
    registrar.check(document)
    stored = journal.settled(document)
    if stored is not None and stored.state is not State.REJECTED:
        return stored
    before = journal.open_intent(document)
    if before is not None:
        answer = settle(registrar, document, before, journal, clock, patience=patience, ask_again=ask_again)
        if answer.state is not State.REJECTED:
            return answer
    result = _once(registrar, document, journal, clock, patience, ask_again)
    if result.state is State.REJECTED and result.fault is not None and result.fault.code in LOST:
        # Proven not done, and only the link was to blame: the same document id goes out once more.
        result = _once(registrar, document, journal, clock, patience, ask_again)
    return result


def settle_open(
    registrar: Registrar, journal: OpenIntents, clock: Clock, *, patience: float = 20.0, ask_again: float = ASK_AGAIN
) -> list[tuple[Document, Result]]:
    """At start-up: ask what became of every open intent, oldest first, and store the answers.

    Nothing new may be registered while one of the results is `unknown`: the next document would move the same
    registers, and its trace could be taken for the missing one's.
    """
    return [
        (document, settle(registrar, document, before, journal, clock, patience=patience, ask_again=ask_again))
        for document, before in journal.open_intents()
    ]


def _once(
    registrar: Registrar, document: Document, journal: Journal, clock: Clock, patience: float, ask_again: float
) -> Result:
    """Snapshot, intent, register, outcome; a doubt is settled before this returns."""
    try:
        before = registrar.snapshot(document)
    except Invalid:
        raise
    except Fault as fault:
        # A snapshot only asks: whatever failed there, no document exists.
        return Result(State.REJECTED, fault=verdict(fault).fault)
    journal.intent(document, before)
    result = registrar.register(document, before)
    journal.outcome(document, result)
    if result.state is State.UNKNOWN:
        return settle(registrar, document, before, journal, clock, patience=patience, ask_again=ask_again, first=result)
    return result


def settle(
    registrar: Registrar,
    document: Document,
    before: Snapshot,
    journal: Journal | OpenIntents,
    clock: Clock,
    *,
    patience: float = 20.0,
    ask_again: float = ASK_AGAIN,
    first: Result | None = None,
) -> Result:
    """Ask what became of an open intent until the registrar answers or `patience` seconds are over."""
    deadline = clock.monotonic() + patience
    while True:
        result = registrar.reconcile(document, before)
        silent = result.state is State.UNKNOWN and result.fault is not None and result.fault.code in SILENT
        if not silent or clock.monotonic() + ask_again > deadline:
            break
        clock.sleep(ask_again)
    if result.state is State.REJECTED and first is not None and first.fault is not None:
        # Proven not done: the reason the cashier needs is the first one.
        result = Result(result.state, serial=result.serial, fault=first.fault, evidence=result.evidence)
    journal.outcome(document, result)
    return result


LOST = frozenset({"OFFLINE", "TIMEOUT_UNKNOWN", "FRAME"})
"""Faults of the link alone."""
SILENT = LOST | {"BUSY", "PAPER_OUT", "COVER_OPEN"}
"""Faults of a registrar that has not answered the question yet, so that asking again is worth it."""
