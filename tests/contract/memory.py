"""A journal in memory: what the road tells it, kept as long as the test lives."""

from __future__ import annotations

from uuid import UUID

from drivers.document import Document
from drivers.registrar import Result, Snapshot, State


class MemoryJournal:
    """Keeps the rules of `drivers.road.Journal` and `OpenIntents`."""

    def __init__(self) -> None:
        self.intents: dict[UUID, tuple[Document, Snapshot]] = {}
        self.outcomes: dict[UUID, Result] = {}
        self.events: list[str] = []

    def settled(self, document: Document) -> Result | None:
        return self.outcomes.get(document.id)

    def open_intent(self, document: Document) -> Snapshot | None:
        found = self.intents.get(document.id)
        return None if found is None else found[1]

    def open_intents(self) -> list[tuple[Document, Snapshot]]:
        return list(self.intents.values())

    def intent(self, document: Document, snapshot: Snapshot) -> None:
        self.events.append("intent")
        self.outcomes.pop(document.id, None)
        self.intents[document.id] = (document, snapshot)

    def outcome(self, document: Document, result: Result) -> None:
        self.events.append(str(result.state))
        if result.state is not State.UNKNOWN:
            self.intents.pop(document.id, None)
            self.outcomes[document.id] = result
