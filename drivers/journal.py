"""The journal of the `registrar` command: JSON lines in a hash chain, each on the disk before the next step.

A record is `{"seq", "at", "event", "id", "document_hash", …, "previous", "hash"}`; `hash` is SHA-256 over the record
without it, so that a changed, removed or reordered record shows. The file has one writer at a time (flock).
"""

from __future__ import annotations

import errno
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

    def __init__(self, path: Path, clock: Clock, registrar: str = "") -> None:
        """`registrar` names the device that this command talks to; it is stored with every intent."""
        self._path = path
        self._registrar = registrar
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Invalid(Code.BUSY, f"another program is writing {path}") from error
        try:
            self._records = list(read(path))
            self._cut_torn_line()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> FileJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def settled(self, document: Document) -> Result | None:
        self._same_content(document)
        last = next(reversed(self._of(document)), None)
        # An intent opens the matter anew: an outcome before it is about an earlier attempt.
        if last is None or last["event"] == "intent" or last["result"]["state"] == State.UNKNOWN:
            return None
        return msgspec.convert(last["result"], Result)

    def open_intent(self, document: Document) -> Snapshot | None:
        if self.settled(document) is not None:
            return None
        last = next((record for record in reversed(self._of(document)) if record["event"] == "intent"), None)
        return None if last is None else dict(last["snapshot"])

    def open_intents(self) -> list[tuple[Document, Snapshot]]:
        """What this registrar was asked and never settled, oldest first."""
        latest: dict[str, dict[str, Any]] = {}
        for record in self._records:
            if record["event"] == "intent":
                latest[record["id"]] = record
            elif record["result"]["state"] != State.UNKNOWN:
                latest.pop(record["id"], None)
        return [
            (msgspec.convert(record["document"], Document), dict(record["snapshot"]))
            for record in latest.values()
            if record.get("registrar", "") == self._registrar
        ]

    def intent(self, document: Document, snapshot: Snapshot) -> None:
        self._append(
            "intent",
            document,
            document=json.loads(encode(document)),
            snapshot=dict(snapshot),
            registrar=self._registrar,
        )

    def outcome(self, document: Document, result: Result) -> None:
        self._append("outcome", document, result=json.loads(msgspec.json.encode(result)))

    def _same_content(self, document: Document) -> None:
        digest = _digest(encode(document))
        if any(record["document_hash"] != digest for record in self._of(document)):
            raise Invalid(Code.BAD_FIELD, f"the id {document.id} was used for another document", field="id")

    def _of(self, document: Document) -> list[dict[str, Any]]:
        return [record for record in self._records if record["id"] == str(document.id)]

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
        size = os.fstat(self._file.fileno()).st_size
        try:
            line = _canonical(record) + b"\n"
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, f"no room for a record in {self._path}")
            os.fsync(self._file.fileno())
        except OSError:
            # A full disk must not leave half a record in front of the next one.
            os.ftruncate(self._file.fileno(), size)
            raise
        self._records.append(record)

    def _cut_torn_line(self) -> None:
        """A record half written at a power cut was never acknowledged: nothing was done because of it."""
        data = self._path.read_bytes()
        if data and not data.endswith(b"\n"):
            os.ftruncate(self._file.fileno(), data.rfind(b"\n") + 1)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Records in order, the chain checked. A torn last line (power cut, or a writer at work) ends the reading.

    Raises `Invalid` naming the first record that does not fit.
    """
    if not path.exists():
        return
    data = path.read_bytes()
    previous = FIRST
    *whole, _torn = data.split(b"\n")
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


def _canonical(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
