"""The journal of the `registrar` command: JSON lines in a hash chain, each on the disk before the next step.

A record is `{"seq", "at", "event", "id", "document_hash", …, "previous", "hash"}`; `hash` is SHA-256 over the record
without it, so that a changed, removed or reordered record shows. The file has one writer at a time (flock).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from drivers.clock import Clock
from drivers.document import Document, encode
from drivers.errors import Code, Invalid
from drivers.registrar import Result, Snapshot, State

FIRST = "0" * 64


class FileJournal:
    """Intents and outcomes in one file. Raises `Invalid` for a damaged chain and keeps the file as it is."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Invalid(Code.BUSY, f"another program is writing {path}") from error
        self._records = list(read(path))

    def __enter__(self) -> FileJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def settled(self, document: Document) -> Result | None:
        self._same_content(document)
        last = self._last(document, "outcome")
        if last is None or last["result"]["state"] == State.UNKNOWN:
            return None
        return msgspec.convert(last["result"], Result)

    def open_intent(self, document: Document) -> Snapshot | None:
        last = self._last(document, "intent")
        if last is None or self.settled(document) is not None:
            return None
        return dict(last["snapshot"])

    def intent(self, document: Document, snapshot: Snapshot) -> None:
        self._append("intent", document, document=json.loads(encode(document)), snapshot=dict(snapshot))

    def outcome(self, document: Document, result: Result) -> None:
        self._append("outcome", document, result=json.loads(msgspec.json.encode(result)))

    def _same_content(self, document: Document) -> None:
        digest = _digest(encode(document))
        if any(record["document_hash"] != digest for record in self._of(document)):
            raise Invalid(Code.BAD_FIELD, f"the id {document.id} was used for another document", field="id")

    def _of(self, document: Document) -> list[dict[str, Any]]:
        return [record for record in self._records if record["id"] == str(document.id)]

    def _last(self, document: Document, event: str) -> dict[str, Any] | None:
        return next((record for record in reversed(self._of(document)) if record["event"] == event), None)

    def _append(self, event: str, about: Document, **content: Any) -> None:
        record: dict[str, Any] = {
            "seq": len(self._records) + 1,
            "at": self._clock.now().isoformat(),
            "event": event,
            "id": str(about.id),
            "document_hash": _digest(encode(about)),
            **content,
            "previous": self._records[-1]["hash"] if self._records else FIRST,
        }
        record["hash"] = _digest(_canonical(record))
        self._file.write(_canonical(record) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._records.append(record)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Records in order, the chain checked. A torn last line (power cut while writing) ends the reading.

    Raises `Invalid` naming the first record that does not fit.
    """
    if not path.exists():
        return
    data = path.read_bytes()
    previous = FIRST
    *whole, torn = data.split(b"\n")
    for position, line in enumerate(whole, 1):
        try:
            record: dict[str, Any] = json.loads(line)
            claimed = record.pop("hash")
            fits = record["previous"] == previous and _digest(_canonical(record)) == claimed
        except (ValueError, KeyError, TypeError, AttributeError):
            fits = False
        if not fits:
            raise Invalid(Code.BAD_FIELD, f"{path} is damaged at record {position}; keep the file and use another")
        record["hash"] = claimed
        previous = claimed
        yield record
    if torn:
        # The record was never acknowledged, so nothing was done because of it: cut it off before the next one.
        with path.open("r+b") as file:
            file.truncate(len(data) - len(torn))


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
