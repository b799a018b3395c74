"""The evidence book: every byte both ways, appended before it leaves, in a hash chain, in a file of its own.

    evidence.db    messages(seq, exchange, at, channel, source, family, direction, document, note, data, hash)

One message is what went one way at once: `>` out, `<` in, `#` a remark. A message out opens an exchange, and what the
same peer says until the next one belongs to it. `hash` is SHA-256 of the hash before and of all fields, so that a
changed, removed or inserted record shows and is located. Triggers refuse changes; nothing here deletes.

A message is written before the bytes leave, and a message that cannot be written does not leave. Writing does not wait
for the disk: a killed till loses nothing, a power cut at most the last `SETTLE` seconds (the journal's intents, which
do wait, tell that something was under way). A thread brings the file to the disk meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from drivers.errors import Code, LinkLost
from drivers.links.wire import Exchange

log = logging.getLogger(__name__)

SETTLE = 1.0
"""Seconds until what was written is brought to the disk."""
MOST_UNSAVED = 1000
"""Answers kept in memory while the disk takes nothing."""
MOST_LOST = 100_000
"""Records in a row that may be unreadable and are still stepped over."""
ANCHOR = "evidence_anchor"
"""The ledger's setting that remembers the book's last record."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY, exchange INTEGER NOT NULL, at TEXT NOT NULL, channel TEXT NOT NULL, source TEXT NOT NULL,
  family TEXT NOT NULL, direction TEXT NOT NULL, document TEXT NOT NULL, note TEXT NOT NULL, data BLOB NOT NULL,
  hash BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS heads ON messages(seq, at, channel, source, document) WHERE direction = '>';
CREATE INDEX IF NOT EXISTS answers ON messages(exchange) WHERE direction <> '>';
CREATE TRIGGER IF NOT EXISTS no_change BEFORE UPDATE ON messages
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_removal BEFORE DELETE ON messages
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
"""
INSERT = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
COLUMNS = "seq, exchange, at, channel, source, family, direction, document, note, data, hash"
GENESIS = hashlib.sha256(b"kasa-evidence 1").digest()
"""What the first record's hash follows."""


class Channel(StrEnum):
    """Who the bytes went to."""

    REGISTRAR = "registrar"
    """A hardware registrar, or the fiscal server of a software one: what the tax service receives."""
    AUTHORITY = "authority"
    """Time stamps and certificate status of the signing key: hashes only."""
    BANK = "bank"
    PRINTER = "printer"
    BACKUP = "backup"
    RECEIPT = "receipt"
    """Electronic receipts to buyers."""


AUTHORITY_TYPES = ("application/timestamp-query", "application/ocsp-request")


class EvidenceError(Exception):
    """The book cannot be used; the text says why."""


@dataclass(frozen=True)
class Message:
    """One record as it is stored. `at` is UTC text; `document`: the UUID of the fiscal document under way, or ""."""

    seq: int
    exchange: int
    at: str
    channel: str
    source: str
    family: str
    direction: str
    document: str
    note: str
    data: bytes
    hash: bytes

    def sealed(self, previous: bytes) -> bytes:
        """The hash that this record must bear after `previous`."""
        fields = (
            self.seq, self.exchange, self.at, self.channel, self.source, self.family, self.direction, self.document,
            self.note,
        )  # fmt: skip
        return chained(previous, fields, self.data)


def chained(previous: bytes, fields: tuple[object, ...], data: bytes) -> bytes:
    """SHA-256 over the previous hash, the fields as compact JSON, a line feed and the data."""
    head = json.dumps(list(fields), ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(previous + head + b"\n" + data).digest()


@dataclass(frozen=True)
class Flaw:
    """A record that does not fit; `why` in English, for the report."""

    seq: int
    why: str


class Sink:
    """One peer's way into the book: what a `WireLog` or a client hands its exchanges to."""

    def __init__(self, book: Book, channel: Channel, source: str, family: str) -> None:
        self._book = book
        self.channel, self._source, self._family = channel, source, family
        self._exchange = 0
        self._now = channel
        self._intro = ""
        self.document = ""
        """The fiscal document that is under way."""

    def __call__(self, exchange: Exchange) -> None:
        """Write it down. Raises `LinkLost` for bytes that are to leave and cannot be written down."""
        if exchange.direction == "#" and exchange.note.startswith("POST "):
            # The address of the request that follows: it belongs to it.
            self._intro = exchange.note
            return
        note = exchange.note
        if exchange.direction == ">":
            note, self._intro = self._intro or note, ""
            self._exchange = 0
            # The key's authority answers at its own address: that is not what the tax service receives.
            self._now = Channel.AUTHORITY if any(kind in note for kind in AUTHORITY_TYPES) else self.channel
        self._exchange = self._book.add(
            exchange.at,
            exchange.direction,
            exchange.data,
            channel=self._now,
            source=self._source,
            family=self._family,
            document=self.document,
            note=note,
            exchange=self._exchange,
        )

    def sent(self, at: datetime, data: bytes, note: str = "") -> None:
        """For clients without a wire log."""
        self(Exchange(at, ">", data, note))

    def received(self, at: datetime, data: bytes, note: str = "") -> None:
        self(Exchange(at, "<", data, note))


class Book:
    """The open book. `add` may be called from any thread; readers open the file for themselves (`reader`)."""

    def __init__(self, path: Path, *, settle: float = SETTLE) -> None:
        """Raises `EvidenceError` for a file that is no evidence book or cannot be opened."""
        self.path = path
        self._guard = threading.Lock()
        self._settle_after = settle
        self._unsaved: list[tuple[object, ...]] = []
        self._sinks: dict[int, Sink] = {}
        self.on_close: Callable[[str], None] | None = None
        """Takes the anchor at the end of the day's work."""
        self._wake, self._closing = threading.Event(), threading.Event()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5.0)
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=NORMAL")
            self._writer.execute("PRAGMA wal_autocheckpoint=0")  # it would make a sale wait for the disk
            self._writer.executescript(SCHEMA)
            self._last, self._hash = self._head()
        except (sqlite3.Error, OSError) as error:
            raise EvidenceError(f"the evidence book {path} cannot be opened: {error}") from error
        self._settler = threading.Thread(target=self._settle_on, name="evidence", daemon=True)
        self._settler.start()

    # -- writing --------------------------------------------------------------------------------------------------

    def sink(self, channel: Channel, source: str, family: str = "", *, binding: int | None = None) -> Sink:
        """A peer's way in. `binding` ties it to a registrar of the ledger for `about`."""
        sink = Sink(self, channel, source, family)
        if binding is not None:
            self._sinks[binding] = sink
        return sink

    @contextmanager
    def about(self, binding: int, document: str) -> Iterator[None]:
        """What this registrar exchanges meanwhile belongs to a fiscal document."""
        sink = self._sinks.get(binding)
        if sink is None:
            yield
            return
        before, sink.document = sink.document, document
        try:
            yield
        finally:
            sink.document = before

    @contextmanager
    def printing(self, binding: int) -> Iterator[None]:
        """Meanwhile this registrar is a mere printer: of a slip it registers nothing."""
        sink = self._sinks.get(binding)
        if sink is None:
            yield
            return
        before, sink.channel = sink.channel, Channel.PRINTER
        try:
            yield
        finally:
            sink.channel = before

    def add(
        self,
        at: datetime,
        direction: str,
        data: bytes,
        *,
        channel: Channel,
        source: str,
        family: str = "",
        document: str = "",
        note: str = "",
        exchange: int = 0,
    ) -> int:
        """Append one message; returns its exchange. `exchange` 0 with `>` opens a new one.

        Raises `LinkLost` where a message out cannot be written; others wait in memory for the next try.
        """
        moment = at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
        fields = (exchange, moment, str(channel), source, family, direction, document, note)
        with self._guard:
            try:
                for waiting in self._unsaved:
                    self._append(waiting)
                self._unsaved.clear()
                exchange = self._append((*fields, data))
            except sqlite3.Error as error:
                log.error("evidence cannot be written: %s", error)
                if direction == ">":
                    raise LinkLost(
                        Code.HARDWARE, f"nothing was sent: the evidence book cannot be written ({error})"
                    ) from error
                if len(self._unsaved) < MOST_UNSAVED:
                    self._unsaved.append((*fields, data))
        self._wake.set()
        return exchange

    def _append(self, values: tuple[object, ...]) -> int:
        """One row after the last. Another program's rows are met by their number and followed."""
        for _ in range(3):
            seq = self._last + 1
            exchange = seq if values[5] == ">" else values[0]
            data = values[8]
            assert isinstance(data, bytes) and isinstance(exchange, int)
            fields = (seq, exchange, *values[1:8])
            hash_ = chained(self._hash, fields, data)
            try:
                self._writer.execute(INSERT, (*fields, data, hash_))
            except sqlite3.IntegrityError:
                self._last, self._hash = self._head()
                continue
            self._last, self._hash = seq, hash_
            return exchange
        raise sqlite3.OperationalError("another program writes the same book")

    def _head(self) -> tuple[int, bytes]:
        row = self._writer.execute("SELECT seq, hash FROM messages ORDER BY seq DESC LIMIT 1").fetchone()
        return (0, GENESIS) if row is None else (row[0], row[1])

    @property
    def head(self) -> tuple[int, bytes]:
        """Number and hash of the last record."""
        with self._guard:
            return self._last, self._hash

    @property
    def anchor(self) -> str:
        """The last record as text, to be remembered in another file."""
        last, hash_ = self.head
        return f"{last}:{hash_.hex()}"

    # -- the disk -------------------------------------------------------------------------------------------------

    def _settle_on(self) -> None:
        while True:
            self._wake.wait()
            if self._closing.wait(self._settle_after):
                return
            self._wake.clear()
            self.settle()

    def settle(self) -> None:
        """Bring what was written to the disk; on a connection of its own, so that nobody waits for it."""
        try:
            other = sqlite3.connect(self.path, isolation_level=None, timeout=0.5)
            try:
                other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                other.close()
        except sqlite3.Error as error:
            log.warning("evidence is not on the disk yet: %s", error)

    def close(self) -> None:
        if self.on_close is not None and not self._closing.is_set():
            self.on_close(self.anchor)
        with self._guard:
            if self._closing.is_set():
                return
            self._closing.set()
            self._wake.set()
            try:
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error as error:
                log.warning("the evidence's log was not folded in: %s", error)
            self._writer.close()
        self._settler.join(5.0)


# -- reading ------------------------------------------------------------------------------------------------------


def reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read. Raises `EvidenceError` where there is no book."""
    if not path.exists():
        raise EvidenceError(f"there is no evidence book at {path}")
    try:
        connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        connection.execute("SELECT seq FROM messages LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise EvidenceError(f"the evidence book {path} cannot be read: {error}") from error
    return connection


def messages(connection: sqlite3.Connection, first: int = 1, last: int | None = None) -> Iterator[Message]:
    """Records in order, from `first` to `last`, both included."""
    query = f"SELECT {COLUMNS} FROM messages WHERE seq >= ? AND seq <= ? ORDER BY seq"
    for row in connection.execute(query, (first, last if last is not None else (1 << 62))):
        yield message_of(row)


def message_of(row: tuple[object, ...]) -> Message:
    """A record out of its row; what is no text or no bytes any more is shown all the same, and fails its hash."""
    at, channel, source, family, direction, document, note = (
        value if isinstance(value, str) else repr(value) for value in row[2:9]
    )
    data, hash_ = (value if isinstance(value, bytes) else repr(value).encode() for value in row[9:11])
    seq, exchange = (value if isinstance(value, int) else -1 for value in row[0:2])
    return Message(seq, exchange, at, channel, source, family, direction, document, note, data, hash_)


def flaws(
    connection: sqlite3.Connection, *, on: Callable[[int], bool] | None = None, most: int = 1000
) -> tuple[int, list[Flaw]]:
    """Check the whole chain: the number of records and what does not fit, at most `most` of them.

    `on` is told the number of records now and then and stops the check by returning False. Records that the disk
    gave up are told as a range, and the check goes on after them.
    """
    chain = Chain(on, most)
    start = 1
    while True:
        try:
            chain.check(messages(connection, start))
            return chain.count, chain.found
        except sqlite3.DatabaseError as error:
            lost = chain.expected
            readable = _next_readable(connection, lost)
            if readable is None:
                chain.found.append(Flaw(lost, f"the file is damaged from record {lost} on: {error}"))
                return chain.count, chain.found
            start = readable
            chain.found.append(Flaw(lost, f"records {lost} to {start - 1} cannot be read: {error}"))
            chain.expected, chain.previous = start, None


def check_chain(records: Iterator[Message], *, most: int = 1000) -> tuple[int, list[Flaw]]:
    """The check of records that come from elsewhere."""
    chain = Chain(None, most)
    chain.check(records)
    return chain.count, chain.found


def _next_readable(connection: sqlite3.Connection, lost: int) -> int | None:
    """The first record after `lost` that can be read, None where there is none near."""
    for seq in range(lost + 1, lost + MOST_LOST):
        try:
            if next(messages(connection, seq, seq), None) is not None:
                return seq
        except sqlite3.DatabaseError:
            continue
    return None


class Chain:
    """A check under way. `expected` is the next record's number, `previous` the hash before it, None if unknown."""

    def __init__(self, on: Callable[[int], bool] | None, most: int) -> None:
        self._on, self._most = on, most
        self.found: list[Flaw] = []
        self.count = 0
        self.expected = 1
        self.previous: bytes | None = GENESIS

    def check(self, records: Iterator[Message]) -> None:
        for record in records:
            self.count += 1
            if record.seq != self.expected:
                self.found.append(Flaw(self.expected, f"records {self.expected} to {record.seq - 1} are missing"))
            elif self.previous is not None and record.sealed(self.previous) != record.hash:
                why = "the record does not fit the chain: it or the one before was changed"
                self.found.append(Flaw(record.seq, why))
            self.previous, self.expected = record.hash, record.seq + 1
            if len(self.found) >= self._most or (
                self._on is not None and self.count % 1000 == 0 and not self._on(self.count)
            ):
                return


def anchored(connection: sqlite3.Connection, anchor: str | None) -> Flaw | None:
    """Whether the book still holds the record that the ledger knows as the last one of some day (`Book.anchor`).

    A chain that was cut short holds by itself; the anchor in the other file tells.
    """
    if not anchor:
        return None
    text, _, hash_ = anchor.partition(":")
    seq = int(text) if text.isdecimal() else 0
    row = connection.execute("SELECT hash FROM messages WHERE seq = ?", (seq,)).fetchone()
    if seq == 0 or (row is not None and isinstance(row[0], bytes) and row[0].hex() == hash_):
        return None
    last = connection.execute("SELECT max(seq) FROM messages").fetchone()[0] or 0
    if last < seq:
        return Flaw(last + 1, f"records {last + 1} to {seq} were cut off: the ledger remembers {seq}")
    return Flaw(seq, f"record {seq} is not the one that the ledger remembers: the book was replaced")
