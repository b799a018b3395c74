"""What the registrar remembers: every document's bytes, the shift, the offline sessions (fiscal-server.md §1.6).

One SQLite file a registrar, `<state>/<fiscal number>.sqlite3`, WAL with a full sync at each commit, owned by one
process at a time. A document is one row for each attempt:

    PREPARED -> SIGNED -> SENDING -> ACCEPTED | REJECTED | UNKNOWN           online
                SIGNED -> OFFLINE_QUEUED -> OFFLINE_SENT                     offline
                                ACCEPTED -> REVOKED                          issued twice, one taken back

XML and signed octets are stored in the moment they are made and never made again; the begin and end documents of an
offline session are the exception, because nobody's hash depends on them (§6.4). There is no code here that deletes a
document: a refused one keeps its row, and the next attempt is a new row under the same number.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from drivers.errors import Code, Existence, Fault, Invalid, Unreachable
from drivers.prro.answers import Pair
from drivers.prro.documents import Act
from drivers.prro.rules import Span

VERSION = 1

SCHEMA = """
CREATE TABLE documents(
    seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, uid TEXT NOT NULL, act TEXT NOT NULL, request TEXT NOT NULL,
    state TEXT NOT NULL, moment TEXT NOT NULL, made TEXT NOT NULL, changed TEXT NOT NULL, doubt TEXT,
    xml BLOB NOT NULL, signed BLOB NOT NULL, sha256 TEXT NOT NULL, fiscal TEXT NOT NULL DEFAULT '', ticket BLOB,
    shift INTEGER NOT NULL, session INTEGER, place INTEGER NOT NULL DEFAULT 0,
    money INTEGER NOT NULL DEFAULT 0, change INTEGER NOT NULL DEFAULT 0, cash INTEGER NOT NULL DEFAULT 0,
    code TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '', origin TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX documents_request ON documents(request);
CREATE INDEX documents_number ON documents(number);
CREATE INDEX documents_shift ON documents(shift, state, cash);
CREATE INDEX documents_session ON documents(session, state, place) WHERE session IS NOT NULL;
CREATE INDEX documents_open ON documents(state) WHERE state IN ('prepared', 'signed', 'sending', 'unknown');
CREATE UNIQUE INDEX documents_place ON documents(session, place)
    WHERE session IS NOT NULL AND state IN ('offline_queued', 'offline_sent');
CREATE TABLE shifts(
    id INTEGER PRIMARY KEY, opened TEXT NOT NULL, closed TEXT, opener TEXT NOT NULL DEFAULT '',
    z_made INTEGER NOT NULL DEFAULT 0, testing INTEGER NOT NULL DEFAULT 0, fiscal TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE sessions(
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, seed TEXT NOT NULL, began TEXT NOT NULL, ended TEXT,
    lost INTEGER, reissued INTEGER NOT NULL DEFAULT 0, revoke INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '', place INTEGER
) STRICT;
CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Stage(StrEnum):
    """Where one attempt at a document stands."""

    PREPARED = "prepared"
    SIGNED = "signed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    OFFLINE_QUEUED = "offline_queued"
    OFFLINE_SENT = "offline_sent"
    REVOKED = "revoked"


STANDING = (Stage.ACCEPTED, Stage.OFFLINE_QUEUED, Stage.OFFLINE_SENT)
"""A fiscal document exists and counts."""
OPEN = (Stage.PREPARED, Stage.SIGNED, Stage.SENDING, Stage.UNKNOWN)
"""What becomes of it is not settled."""


@dataclass(frozen=True)
class Entry:
    """One attempt at one document. Times are aware UTC; sums kopecks: `money` passes the counter, `cash` signed."""

    number: int
    uid: UUID
    act: Act
    request: str
    moment: datetime
    made: datetime
    xml: bytes
    signed: bytes
    stage: Stage = Stage.SIGNED
    seq: int = 0
    fiscal: str = ""
    ticket: bytes = b""
    doubt: datetime | None = None
    shift: int = 0
    session: int | None = None
    place: int = 0
    money: int = 0
    change: int = 0
    cash: int = 0
    code: str = ""
    text: str = ""

    @property
    def standing(self) -> bool:
        return self.stage in STANDING


@dataclass(frozen=True)
class ShiftRow:
    """One shift of this registrar. `number` counts from 1; `z_made` says that only the closing is left."""

    number: int
    opened: datetime
    closed: datetime | None = None
    opener: str = ""
    z_made: bool = False
    testing: bool = False


class SessionState(StrEnum):
    OPEN = "open"
    REFUSED = "refused"
    DONE = "done"


@dataclass(frozen=True)
class SessionRow:
    """One offline session. `lost` is the row of an online document whose answer never came, `reissued` that its act was
    issued again inside the session. `place` is the refused document's."""

    id: int
    pair: Pair
    began: datetime
    ended: datetime | None = None
    lost: int | None = None
    reissued: bool = False
    revoke: bool = False
    state: SessionState = SessionState.OPEN
    code: str = ""
    text: str = ""
    place: int | None = None


AFTER_SENDING = frozenset({"accepted", "rejected", "unknown"})
"""Steps that write down what the server has already done."""


def commit(database: sqlite3.Connection, step: str) -> None:
    """The only place where anything becomes durable; `step` names what."""
    database.execute("COMMIT")


class Store:
    """The memory of one registrar. Raises `Unreachable` (busy) when another process has it, `Invalid` when it is torn.

    Not thread-safe: it belongs to the registrar's worker.
    """

    def __init__(self, folder: Path, register: str, now: Any) -> None:
        """`now` gives aware UTC. The folder and the files are readable by the owner alone: they hold seeds."""
        self._now = now
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{register}.sqlite3"
        self._lock = _owned(folder / f"{register}.lock")
        try:
            self.path.touch(mode=0o600)
            self._database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise Invalid(
                Code.FM_ERROR, f"the registrar's memory {self.path} cannot be read ({error}): keep the file, call help"
            ) from error
        except BaseException:
            self._lock.close()
            raise

    def _prepare(self) -> None:
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise Invalid(Code.FM_ERROR, f"{self.path} was made by a newer version of the program: update it")
        if version == 0:
            with self.step("create"):
                for statement in SCHEMA.split(";\n"):
                    if statement.strip():
                        self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        self._database.close()
        self._lock.close()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """All that is written inside becomes durable together, or nothing does."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            commit(self._database, name)
        except sqlite3.Error as error:
            self._undo()
            raise Fault(
                Code.JOURNAL_FULL,
                f"the registrar's memory takes no more ({error}): free the disk",
                command=name,
                existence=Existence.UNKNOWN if name in AFTER_SENDING else Existence.NO,
            ) from error
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    # -- facts ----------------------------------------------------------------------------------------------------

    def fact(self, name: str, default: Any = None) -> Any:
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def learn(self, **facts: Any) -> None:
        """Write facts inside a step."""
        for name, value in facts.items():
            self._database.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                (name, json.dumps(value, ensure_ascii=False)),
            )

    @property
    def next_number(self) -> int | None:
        """The next local number; None before the server told it for the first time."""
        value = self.fact("next_number")
        return None if value is None else int(value)

    @property
    def pair(self) -> Pair | None:
        """The right to the next offline session."""
        found = self.fact("pair")
        return Pair(found[0], found[1]) if found else None

    # -- documents ------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> Entry:
        """A new row, inside a step."""
        now = self._now().isoformat()
        cursor = self._database.execute(
            "INSERT INTO documents(number, uid, act, request, state, moment, made, changed, doubt, xml, signed, sha256,"
            " fiscal, ticket, shift, session, place, money, change, cash, code, text, origin)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                entry.number, str(entry.uid).upper(), str(entry.act), entry.request, str(entry.stage),
                _utc(entry.moment), _utc(entry.made), now, entry.doubt and _utc(entry.doubt), entry.xml, entry.signed,
                hashlib.sha256(entry.signed).hexdigest(), entry.fiscal, entry.ticket, entry.shift, entry.session,
                entry.place, entry.money, entry.change, entry.cash, entry.code, entry.text, "",
            ),
        )  # fmt: skip
        return replace(entry, seq=int(cursor.lastrowid or 0))

    def mark(self, entry: Entry, stage: Stage, **changes: Any) -> Entry:
        """The row's new stage, inside a step: fiscal, ticket, doubt, code, text, number of the shift."""
        changed = replace(entry, stage=stage, **changes)
        self._database.execute(
            "UPDATE documents SET state=?, changed=?, doubt=?, fiscal=?, ticket=?, code=?, text=?, shift=? WHERE seq=?",
            (
                str(stage), self._now().isoformat(), changed.doubt and _utc(changed.doubt), changed.fiscal,
                changed.ticket, changed.code, changed.text, changed.shift, entry.seq,
            ),
        )  # fmt: skip
        return changed

    def remake(self, entry: Entry) -> Entry:
        """New octets for the begin document of a session that the server has not got, inside a step."""
        if entry.act is not Act.BEGIN_OFFLINE or entry.stage is not Stage.OFFLINE_QUEUED:
            raise ValueError("only the begin document of an offline session is made again")
        self._database.execute(
            "UPDATE documents SET xml=?, signed=?, sha256=?, changed=? WHERE seq=?",
            (entry.xml, entry.signed, hashlib.sha256(entry.signed).hexdigest(), self._now().isoformat(), entry.seq),
        )
        return entry

    def attempts(self, request: str) -> list[Entry]:
        """Every attempt at one act of the till, oldest first."""
        return self._entries("request = ?", (request,))

    def under(self, number: int) -> list[Entry]:
        """Every attempt that carried a local number, oldest first."""
        return self._entries("number = ?", (number,))

    def open_entries(self) -> list[Entry]:
        """What is not settled, oldest first."""
        return self._entries("state IN ('prepared', 'signed', 'sending', 'unknown')")

    def entry(self, seq: int) -> Entry | None:
        return next(iter(self._entries("seq = ?", (seq,))), None)

    def last(self) -> Entry | None:
        """The last document that stands."""
        return next(iter(self._entries(f"{_STANDS} AND act != 'other'", tail="ORDER BY seq DESC LIMIT 1")), None)

    def last_moment(self) -> datetime | None:
        row = self._database.execute(
            f"SELECT moment FROM documents WHERE {_STANDS} ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])

    def of_shift(self, shift: int) -> Iterator[Entry]:
        """The documents of a shift that stand, oldest first, one at a time."""
        for row in self._database.execute(
            f"SELECT * FROM documents WHERE shift=? AND {_STANDS} ORDER BY seq", (shift,)
        ):
            yield _entry(row)

    def by_fiscal(self, fiscal: str) -> Entry | None:
        """A document that stands, by its fiscal number."""
        found = self._entries(f"fiscal = ? AND {_STANDS}", (fiscal,), tail="ORDER BY seq DESC LIMIT 1")
        return found[0] if found else None

    def drawer(self, shift: int) -> int:
        """Cash of a shift, kopecks: it begins with nothing (cashier-flow.md III)."""
        row = self._database.execute(
            f"SELECT coalesce(sum(cash), 0) FROM documents WHERE shift=? AND {_STANDS}", (shift,)
        ).fetchone()
        return int(row[0])

    def spendable(self, shift: int, request: str = "") -> int:
        """The same less what documents of unknown fate may have taken out: that cash must not be promised twice.

        `request` is the act that asks, its own attempts do not count.
        """
        row = self._database.execute(
            "SELECT coalesce(sum(cash), 0) FROM documents"
            f" WHERE shift=? AND cash<0 AND request<>? AND state IN ({', '.join('?' * len(OPEN))})",
            (shift, request, *map(str, OPEN)),
        ).fetchone()
        return self.drawer(shift) + int(row[0])

    def is_empty(self) -> bool:
        return self._database.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None

    def _entries(self, where: str, values: tuple[Any, ...] = (), tail: str = "ORDER BY seq") -> list[Entry]:
        found = self._database.execute(f"SELECT * FROM documents WHERE {where} {tail}", values)
        return [_entry(row) for row in found]

    # -- shifts ---------------------------------------------------------------------------------------------------

    def shift(self) -> ShiftRow | None:
        """The shift that is open."""
        row = self._database.execute("SELECT * FROM shifts WHERE closed IS NULL ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else _shift(row)

    def last_shift(self) -> ShiftRow | None:
        """The newest shift, open or closed."""
        row = self._database.execute("SELECT * FROM shifts ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else _shift(row)

    def open_shift(self, opened: datetime, opener: str, *, testing: bool) -> ShiftRow:
        cursor = self._database.execute(
            "INSERT INTO shifts(opened, opener, testing) VALUES (?, ?, ?)", (_utc(opened), opener, int(testing))
        )
        return ShiftRow(int(cursor.lastrowid or 0), opened, None, opener, False, testing)

    def z_made(self, shift: int) -> None:
        self._database.execute("UPDATE shifts SET z_made = 1 WHERE id = ?", (shift,))

    def close_shift(self, shift: int, closed: datetime) -> None:
        self._database.execute("UPDATE shifts SET closed = ? WHERE id = ?", (_utc(closed), shift))

    # -- offline sessions -------------------------------------------------------------------------------------------

    def session(self) -> SessionRow | None:
        """The offline session under way."""
        row = self._database.execute("SELECT * FROM sessions WHERE state != 'done' ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else _session(row)

    def begin_session(self, pair: Pair, began: datetime, lost: int | None) -> SessionRow:
        cursor = self._database.execute(
            "INSERT INTO sessions(session, seed, began, lost, state) VALUES (?, ?, ?, ?, 'open')",
            (pair.session, pair.seed, _utc(began), lost),
        )
        return SessionRow(int(cursor.lastrowid or 0), pair, began, None, lost)

    def change_session(self, session: SessionRow) -> SessionRow:
        self._database.execute(
            "UPDATE sessions SET ended=?, reissued=?, revoke=?, state=?, code=?, text=?, place=? WHERE id=?",
            (
                session.ended and _utc(session.ended), int(session.reissued), int(session.revoke), str(session.state),
                session.code, session.text, session.place, session.id,
            ),
        )  # fmt: skip
        return session

    def in_session(self, session: int, *stages: Stage, since: int = 1, most: int = -1) -> list[Entry]:
        """Documents of a session in their order, from the place `since` on."""
        marks = ",".join("?" * len(stages))
        return self._entries(
            f"session = ? AND place >= ? AND state IN ({marks})",
            (session, since, *map(str, stages)),
            f"ORDER BY place LIMIT {most}",
        )

    def delivered(self, session: int, expected: int) -> None:
        """The server has the documents below the place `expected` of the session and none from it on; inside a step."""
        now = self._now().isoformat()
        for stage, sign, other in ((Stage.OFFLINE_SENT, "<", Stage.OFFLINE_QUEUED),
                                   (Stage.OFFLINE_QUEUED, ">=", Stage.OFFLINE_SENT)):  # fmt: skip
            self._database.execute(
                f"UPDATE documents SET state=?, changed=? WHERE session=? AND place {sign} ? AND state=?",
                (str(stage), now, session, expected, str(other)),
            )

    def count_in_session(self, session: int, stage: Stage) -> int:
        row = self._database.execute(
            "SELECT count(*) FROM documents WHERE session = ? AND state = ?", (session, str(stage))
        ).fetchone()
        return int(row[0])

    def last_in_session(self, session: int) -> Entry | None:
        found = self._entries(f"session = ? AND {_STANDS}", (session,), "ORDER BY place DESC LIMIT 1")
        return found[0] if found else None

    def spans(self, since: datetime) -> list[Span]:
        """Offline time that touches the time since `since`: begin and end documents' moments."""
        found = self._database.execute(
            "SELECT began, ended FROM sessions WHERE ended IS NULL OR ended >= ? ORDER BY id", (_utc(since),)
        )
        return [(_read(row["began"]), row["ended"] and _read(row["ended"])) for row in found]


_STANDS = "state IN ('accepted', 'offline_queued', 'offline_sent')"


def _owned(path: Path) -> IO[bytes]:
    path.touch(mode=0o600)
    file = path.open("r+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Unreachable(Code.BUSY, f"another program works with this registrar's memory ({path.parent})") from error
    os.set_inheritable(file.fileno(), False)
    return file


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        number=row["number"],
        uid=UUID(row["uid"]),
        act=Act(row["act"]),
        request=row["request"],
        moment=_read(row["moment"]),
        made=_read(row["made"]),
        xml=row["xml"],
        signed=row["signed"],
        stage=Stage(row["state"]),
        seq=row["seq"],
        fiscal=row["fiscal"],
        ticket=row["ticket"] or b"",
        doubt=row["doubt"] and _read(row["doubt"]),
        shift=row["shift"],
        session=row["session"],
        place=row["place"],
        money=row["money"],
        change=row["change"],
        cash=row["cash"],
        code=row["code"],
        text=row["text"],
    )


def _shift(row: Mapping[str, Any]) -> ShiftRow:
    closed = row["closed"] and _read(row["closed"])
    return ShiftRow(row["id"], _read(row["opened"]), closed, row["opener"], bool(row["z_made"]), bool(row["testing"]))


def _session(row: Mapping[str, Any]) -> SessionRow:
    return SessionRow(
        row["id"],
        Pair(row["session"], row["seed"]),
        _read(row["began"]),
        row["ended"] and _read(row["ended"]),
        row["lost"],
        bool(row["reissued"]),
        bool(row["revoke"]),
        SessionState(row["state"]),
        row["code"],
        row["text"],
        row["place"],
    )
