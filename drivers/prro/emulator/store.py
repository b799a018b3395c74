"""What the fiscal server remembers: one SQLite file, or none for a memory that dies with the process.

A request is one transaction: it is on the disk before its answer leaves, or it never was. So `kill -9` keeps exactly
what was acknowledged (plus what was registered when only the answer was lost, as with the real server).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS registrars (fn INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS shifts (id INTEGER PRIMARY KEY, fn INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS documents (
  id INTEGER PRIMARY KEY, fn INTEGER NOT NULL, local INTEGER NOT NULL, fiscal TEXT NOT NULL, shift INTEGER NOT NULL,
  cash INTEGER NOT NULL, testing INTEGER NOT NULL, live INTEGER NOT NULL, refers TEXT NOT NULL,
  total INTEGER NOT NULL, body BLOB NOT NULL,
  xml BLOB NOT NULL, cms BLOB NOT NULL, UNIQUE (fn, local), UNIQUE (fn, fiscal));
CREATE INDEX IF NOT EXISTS documents_of_shift ON documents (shift);
CREATE INDEX IF NOT EXISTS documents_that_refer ON documents (refers);
"""


class Session(msgspec.Struct, kw_only=True):
    """An offline session. Times are ISO, Kyiv wall time; `next` is the number of its next document."""

    id: str
    seed: str
    next: int = 1
    begun: str = ""
    last: str = ""
    """Time of its last financial document."""
    hashes: tuple[str, ...] = ()
    """What PREVDOCHASH of the next document may be."""

    @property
    def running(self) -> bool:
        return self.next > 1


class Registrar(msgspec.Struct, kw_only=True):
    fn: int
    local: int
    name: str
    closed: bool = False
    next_local: int = 1
    shift: int = 0
    last_at: str = ""
    """Time of the last document, ISO, Kyiv wall time."""
    device: str = ""
    offline_supported: bool = True
    session: Session | None = None
    replaced: Session | None = None
    """The session that the server closed by itself, until its pair is shown again."""
    offline_seconds: dict[str, int] = {}
    rolled_back: bool = False
    rollback_uid: str | None = None


class Shift(msgspec.Struct, kw_only=True):
    id: int
    fn: int
    opened: str
    open_name: str
    open_key: str
    open_fiscal: str
    first_local: int
    testing: bool
    z_fiscal: str = ""
    closed: str = ""
    close_name: str = ""
    close_key: str = ""
    close_fiscal: str = ""


class Entry(msgspec.Struct, kw_only=True):
    """A registered document without its octets. Sums in kopecks."""

    fn: int
    local: int
    fiscal: str
    shift: int
    uid: str
    doctype: int
    subtype: int
    at: str
    total: int
    key: str
    testing: bool
    offline: bool
    refers: str = ""
    """What a return, a storno or a 102 that revokes is about: `registrar/fiscal number`."""
    revoked: bool = False
    storned: bool = False
    registrar_before: Registrar
    shift_before: Shift | None

    @property
    def zrep(self) -> bool:
        return self.doctype < 0

    @property
    def live(self) -> bool:
        return not (self.revoked or self.storned)


class Operator(msgspec.Struct, kw_only=True):
    """A key registered with form 5-ПРРО. `withdrawn` is the ISO UTC time of its end, when it has one."""

    key: str
    name: str
    reg_num: str
    role: str
    withdrawn: str = ""

    @property
    def chief(self) -> bool:
        return self.role in ("senior", "head")


class Facts(msgspec.Struct, kw_only=True):
    """Everything that is not of one registrar. `offset` seconds are added to the clock of the machine."""

    tin: str
    ipn: str
    organization: str
    point: str
    address: str
    offset: float = 0.0
    next_fiscal: int = 834_000_501
    next_shift: int = 19_684_103
    next_session: int = 48_866
    operators: list[Operator] = []


Value = TypeVar("Value", Facts, Registrar, Shift, Entry)


class Store:
    """The memory. Used from one thread at a time."""

    def __init__(self, path: Path | None) -> None:
        """Raises ValueError for a file that is no memory of a fiscal server."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ValueError(f"{path} is not the memory of a fiscal server: {error}") from error

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on the disk when it is left. The whole server is one writer."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def facts(self) -> Facts | None:
        row = self._db.execute("SELECT body FROM facts WHERE name = 'facts'").fetchone()
        return msgspec.json.decode(row[0], type=Facts) if row else None

    def put_facts(self, facts: Facts) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES ('facts', ?)", (msgspec.json.encode(facts),))

    def registrars(self) -> list[Registrar]:
        rows = self._db.execute("SELECT body FROM registrars ORDER BY fn")
        return [msgspec.json.decode(body, type=Registrar) for (body,) in rows]

    def registrar(self, fn: int) -> Registrar | None:
        if not 0 < fn < 1 << 63:
            return None
        row = self._db.execute("SELECT body FROM registrars WHERE fn = ?", (fn,)).fetchone()
        return msgspec.json.decode(row[0], type=Registrar) if row else None

    def put_registrar(self, registrar: Registrar) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO registrars VALUES (?, ?)", (registrar.fn, msgspec.json.encode(registrar))
        )

    def shift(self, number: int) -> Shift | None:
        row = self._db.execute("SELECT body FROM shifts WHERE id = ?", (number,)).fetchone()
        return msgspec.json.decode(row[0], type=Shift) if row else None

    def shifts(self, fn: int) -> list[Shift]:
        rows = self._db.execute("SELECT body FROM shifts WHERE fn = ? ORDER BY id", (fn,))
        return [msgspec.json.decode(body, type=Shift) for (body,) in rows]

    def put_shift(self, shift: Shift) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO shifts VALUES (?, ?, ?)", (shift.id, shift.fn, msgspec.json.encode(shift))
        )

    def drop_shift(self, number: int) -> None:
        self._db.execute("DELETE FROM shifts WHERE id = ?", (number,))

    def add(self, entry: Entry, cash: int, xml: bytes, cms: bytes) -> None:
        self._db.execute(
            "INSERT INTO documents (fn, local, fiscal, shift, cash, testing, live, refers, total, body, xml, cms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.fn,
                entry.local,
                entry.fiscal,
                entry.shift,
                cash,
                entry.testing,
                entry.live,
                entry.refers,
                entry.total,
                msgspec.json.encode(entry),
                xml,
                cms,
            ),
        )

    def update(self, entry: Entry) -> None:
        """Keep changed marks of a document."""
        self._db.execute(
            "UPDATE documents SET body = ?, live = ? WHERE fn = ? AND local = ?",
            (msgspec.json.encode(entry), entry.live, entry.fn, entry.local),
        )

    def remove(self, entry: Entry) -> None:
        self._db.execute("DELETE FROM documents WHERE fn = ? AND local = ?", (entry.fn, entry.local))

    def entry(self, fn: int, *, local: int | None = None, fiscal: str | None = None) -> Entry | None:
        if local is not None:
            if not 0 < local < 1 << 63:
                return None
            found = self._db.execute("SELECT body FROM documents WHERE fn = ? AND local = ?", (fn, local))
        else:
            found = self._db.execute("SELECT body FROM documents WHERE fn = ? AND fiscal = ?", (fn, fiscal))
        row = found.fetchone()
        return msgspec.json.decode(row[0], type=Entry) if row else None

    def entries(self, fn: int, shift: int | None = None) -> list[Entry]:
        """Documents of a registrar, or of one of its shifts, in order."""
        if shift is None:
            rows = self._db.execute("SELECT body FROM documents WHERE fn = ? ORDER BY local", (fn,))
        else:
            rows = self._db.execute("SELECT body FROM documents WHERE fn = ? AND shift = ? ORDER BY local", (fn, shift))
        return [msgspec.json.decode(body, type=Entry) for (body,) in rows]

    def last(self, fn: int) -> Entry | None:
        row = self._db.execute("SELECT body FROM documents WHERE fn = ? ORDER BY local DESC LIMIT 1", (fn,)).fetchone()
        return msgspec.json.decode(row[0], type=Entry) if row else None

    def octets(self, entry: Entry) -> tuple[bytes, bytes]:
        """(XML, CMS) as sent."""
        row = self._db.execute(
            "SELECT xml, cms FROM documents WHERE fn = ? AND local = ?", (entry.fn, entry.local)
        ).fetchone()
        return bytes(row[0]), bytes(row[1])

    def returned(self, fn: int, fiscal: str) -> int:
        """Kopecks given back so far for a receipt of the registrar `fn`."""
        row: Any = self._db.execute(
            "SELECT COALESCE(SUM(total), 0) FROM documents WHERE refers = ? AND live = 1", (f"{fn}/{fiscal}",)
        ).fetchone()
        return int(row[0])

    def drawer(self, fn: int, *, testing: bool) -> int:
        """Cash that must be in the drawer, kopecks: every document that stands, of one kind."""
        row: Any = self._db.execute(
            "SELECT COALESCE(SUM(cash), 0) FROM documents WHERE fn = ? AND testing = ? AND live = 1", (fn, testing)
        ).fetchone()
        return int(row[0])
