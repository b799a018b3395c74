"""The fiscal journal: intents, outcomes and people's decisions in a SHA-256 chain.

    head = [seq, at, event, binding, document, document hash, previous hash, payload length] as JSON
    hash = SHA-256(head LF payload)

The payload of an intent is `{"document", "snapshot"}`, of an outcome and of a decision `{"result", …}`. A document's
matter is open after its last intent until an outcome that is not `unknown`, or a decision, follows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, insert, select

from drivers.clock import Clock
from drivers.document import Document, encode
from drivers.errors import Code, Invalid
from drivers.registrar import Result, Snapshot, State
from drivers.road import Journal
from kiosk.ledger.engine import Database
from kiosk.ledger.errors import Damaged, LedgerError
from kiosk.ledger.models import JournalRow, SettingRow
from kiosk.ledger.models.base import moment_of, moment_text, table
from kiosk.ledger.records import JournalRecord
from kiosk.ledger.shop import put_setting

JOURNAL = table(JournalRow)
FIRST = "0" * 64
VERIFIED = "journal.verified"
"""Setting with "seq:hash" of the last verified record."""
BATCH = 1000


class SqlJournal:
    """Answers `kiosk.ledger.interface.FiscalJournal`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of(self, binding_id: int) -> Journal:
        return BindingJournal(self._database, self._clock, binding_id)

    def decide(self, document_id: UUID, binding_id: int, payload: Mapping[str, Any]) -> None:
        """`payload["result"]` is the `Result` that the person decided on (or its plain form), and it is final.

        Raises `LedgerError` for a document that was never sent, is settled already, or a result that is not final.
        """
        try:
            result = msgspec.convert(msgspec.to_builtins(payload.get("result")), Result)
        except (msgspec.ValidationError, TypeError) as error:
            raise LedgerError("decision", f"a decision needs a result: {error}") from error
        if result.state is State.UNKNOWN:
            raise LedgerError("decision", "a decision says what became of the document; unknown is no decision")
        data = _payload(payload)
        with self._database.write() as connection:
            story = _story(connection, document_id)
            if not story or story[-1].binding_id != binding_id:
                raise LedgerError("decision", f"the document {document_id} was never sent to this registrar")
            if _final(story) is not None:
                raise LedgerError("decided", f"what became of the document {document_id} is known already")
            at = self._clock.now()
            append(connection, at, "decision", document_id, binding_id, story[-1].document_hash, data)

    def records(self, document_id: UUID | None = None, after: int = 0, limit: int = 1000) -> Sequence[JournalRecord]:
        query = select(JOURNAL).where(JournalRow.seq > after).order_by(JournalRow.seq).limit(limit)
        if document_id is not None:
            query = query.where(JournalRow.document_id == document_id)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def verify(self, *, full: bool = False, most: int | None = None) -> int:
        known = self._mark()
        # The last verified record itself is looked at again: whoever cuts the end off moves it.
        seq, digest = (0, FIRST) if full or not known[0] else (known[0] - 1, "")
        checked = 0
        while (most is None or checked < most) and (rows := self._batch(seq)):
            for row in rows:
                fits = row.seq == seq + 1 and digest in ("", row.previous) and _holds(row)
                if not fits or (row.seq == known[0] and row.hash != known[1]):
                    raise Damaged("chain", f"the fiscal journal is damaged at record {seq + 1}")
                seq, digest = row.seq, row.hash
                checked += 1
        if known[0] and not checked:
            raise Damaged("chain", f"the fiscal journal is cut off: record {known[0]} is gone")
        if seq < known[0]:
            raise Damaged("chain", f"the fiscal journal is cut off: record {seq + 1} is gone")
        if seq > known[0]:
            with self._database.write() as connection:
                put_setting(self._database, connection, VERIFIED, f"{seq}:{digest}")
        return checked

    def _mark(self) -> tuple[int, str]:
        """Number and hash of the last verified record; 0 for none."""
        with self._database.read() as connection:
            mark = connection.execute(select(SettingRow.value).where(SettingRow.name == VERIFIED)).scalar_one_or_none()
        if mark is None:
            return 0, FIRST
        seq, _, digest = mark.partition(":")
        if not re.fullmatch("[0-9]+", seq):
            raise Damaged("chain", f"the mark of the last verified journal record is damaged: {mark!r}")
        return int(seq), digest

    def _batch(self, after: int) -> Sequence[Any]:
        query = select(JOURNAL).where(JournalRow.seq > after).order_by(JournalRow.seq).limit(BATCH)
        try:
            with self._database.read() as connection:
                return connection.execute(query).all()
        except (ValueError, TypeError, AttributeError) as error:
            # A value that is not even of its column's type.
            raise Damaged("chain", f"the fiscal journal is damaged after record {after}: {error}") from error


class BindingJournal:
    """The journal as `drivers.road.walk` uses it, for one registrar; answers `drivers.road.Journal`."""

    def __init__(self, database: Database, clock: Clock, binding_id: int) -> None:
        self._database = database
        self._clock = clock
        self._binding_id = binding_id

    def settled(self, document: Document) -> Result | None:
        with self._database.read() as connection:
            return _final(self._story_of(connection, document))

    def open_intent(self, document: Document) -> Snapshot | None:
        with self._database.read() as connection:
            return _open(self._story_of(connection, document))

    def intent(self, document: Document, snapshot: Snapshot) -> None:
        """Raises `Invalid` while an earlier intent of this id is open: ask the registrar first, send nothing twice."""
        data = _payload({"document": document, "snapshot": dict(snapshot)})
        with self._database.write() as connection:
            story = self._story_of(connection, document)
            final = _final(story)
            if final is not None and final.done:
                raise Invalid(Code.WRONG_STATE, f"the document {document.id} is registered already", field="id")
            if _open(story) is not None:
                raise Invalid(Code.WRONG_STATE, f"what became of the document {document.id} is not known", field="id")
            self._append(connection, "intent", document, data)

    def outcome(self, document: Document, result: Result) -> None:
        data = _payload({"result": result})
        with self._database.write() as connection:
            if not self._story_of(connection, document):
                raise Invalid(Code.WRONG_STATE, f"the document {document.id} has no intent", field="id")
            self._append(connection, "outcome", document, data)

    def _append(self, connection: Connection, event: str, document: Document, data: bytes) -> None:
        append(connection, self._clock.now(), event, document.id, self._binding_id, _digest(encode(document)), data)

    def _story_of(self, connection: Connection, document: Document) -> Sequence[Any]:
        story = _story(connection, document.id)
        digest = _digest(encode(document))
        for row in story:
            if row.document_hash != digest:
                raise Invalid(Code.BAD_FIELD, f"the id {document.id} was used for another document", field="id")
            if row.binding_id != self._binding_id:
                raise Invalid(Code.BAD_FIELD, f"the id {document.id} was sent to another registrar", field="id")
        return story


def _story(connection: Connection, document_id: UUID) -> Sequence[Any]:
    """All records of a document in order; there are a handful."""
    return connection.execute(
        select(JOURNAL).where(JournalRow.document_id == document_id).order_by(JournalRow.seq)
    ).all()


def _since_intent(story: Sequence[Any]) -> Sequence[Any]:
    """An intent opens the matter anew: what was said before it is about an earlier attempt."""
    last = max((index for index, row in enumerate(story) if row.event == "intent"), default=-1)
    return story[last + 1 :]


def _final(story: Sequence[Any]) -> Result | None:
    after = _since_intent(story)
    decisions = [row for row in after if row.event == "decision"]
    if not after:
        return None
    result = msgspec.convert(json.loads((decisions or after)[-1].payload)["result"], Result)
    return None if result.state is State.UNKNOWN else result


def _open(story: Sequence[Any]) -> Snapshot | None:
    if _final(story) is not None:
        return None
    intent = next((row for row in reversed(story) if row.event == "intent"), None)
    return None if intent is None else dict(json.loads(intent.payload)["snapshot"])


def append(
    connection: Connection,
    at: datetime,
    event: str,
    document_id: UUID,
    binding_id: int,
    document_hash: str,
    payload: bytes,
) -> None:
    """Add one link inside the caller's write transaction."""
    last = connection.execute(
        select(JournalRow.seq, JournalRow.hash).order_by(JournalRow.seq.desc()).limit(1)
    ).one_or_none()
    record = JournalRow(
        seq=1 if last is None else last.seq + 1,
        at=moment_text(at),
        event=event,
        document_id=document_id,
        binding_id=binding_id,
        document_hash=document_hash,
        payload=payload,
        previous=FIRST if last is None else last.hash,
    )
    values = {column.name: getattr(record, column.name) for column in JOURNAL.c if column.name != "hash"}
    connection.execute(insert(JOURNAL).values(**values, hash=link_hash(record)))


def link_hash(row: Any) -> str:
    """The hash of a record (anything with its fields) over all of them but itself."""
    head = [
        row.seq,
        row.at,
        row.event,
        row.binding_id,
        str(row.document_id),
        row.document_hash,
        row.previous,
        len(row.payload),
    ]
    return _digest(json.dumps(head, separators=(",", ":")).encode() + b"\n" + row.payload)


def _holds(row: Any) -> bool:
    """True when the record still is what was hashed."""
    return isinstance(row.payload, bytes) and row.hash == link_hash(row)


def _record(row: Any) -> JournalRecord:
    return JournalRecord(
        seq=row.seq,
        at=moment_of(row.at),
        event=row.event,
        document_id=row.document_id,
        binding_id=row.binding_id,
        payload=row.payload,
        previous=row.previous,
        hash=row.hash,
        document_hash=row.document_hash,
    )


def _payload(content: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(content, order="deterministic")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
