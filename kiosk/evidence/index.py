"""The search over the raw bytes of everything that was ever exchanged, and what each exchange was.

    evidence-index.db    blocks(id, first, last, bits)    which runs of bytes occur in exchanges first … last
                         entries(exchange, kind, outcome)  kinds(id, family, name)  names(family, command, field)

A block stands for some hundred exchanges in every form of their bytes (`unfold`). A search asks the blocks first and
reads only those exchanges that may hold the value; what is newer than the last block is simply read. Everything here
is derived from the book: a lost or damaged index is made anew, and nothing in the book waits for it.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kiosk.evidence import reading
from kiosk.evidence.book import EvidenceError, reader
from kiosk.evidence.reading import Exchange, Outcome, exchanges
from kiosk.evidence.unfold import needles

VERSION = 1
BLOCK = 400
"""Exchanges of a block at most."""
BLOCK_BYTES = 96 * 1024
"""Bytes of a block, all forms together, after which it is full."""
FRESH = 64
"""The newest exchanges stay out of the blocks: their answers may still be on the way."""
GRAMS = (3, 5)
"""Runs of bytes that a block remembers: three tell words, five tell numbers, whose threes are everywhere."""
BITS = 17
LENGTH = (1 << BITS) // 8
SCHEMA = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value);
CREATE TABLE IF NOT EXISTS blocks (
  id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, bits BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entries (exchange INTEGER PRIMARY KEY, kind INTEGER NOT NULL, outcome INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kinds (id INTEGER PRIMARY KEY, family TEXT NOT NULL, name TEXT NOT NULL,
  UNIQUE (family, name));
CREATE TABLE IF NOT EXISTS names (family TEXT, command TEXT, field TEXT, PRIMARY KEY (family, command, field));
"""

Progress = Callable[[int, int], bool]
"""(done, of how many) -> whether to go on."""


@dataclass(frozen=True)
class Entry:
    """What an exchange was: the first command's name."""

    exchange: int
    name: str
    outcome: Outcome


class Index:
    """The index beside a book. Not thread-safe. Use as a context manager or close it."""

    def __init__(self, book: Path, path: Path | None = None) -> None:
        """`path` is by default `evidence-index.db` beside the book. Raises `EvidenceError` where there is no book."""
        self.book = reader(book)
        self.path = path or book.with_name("evidence-index.db")
        self._open()

    def _open(self) -> None:
        for attempt in (1, 2):
            try:
                self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=OFF")  # it can always be made anew
                self._db.executescript(SCHEMA)
                if self._state("version") not in (None, VERSION):
                    raise sqlite3.DatabaseError("an older index")
                self._put("version", VERSION)
                last = self._state("last")
                kept = self.book.execute("SELECT hash FROM messages WHERE seq = ?", (last or 0,)).fetchone()
                if last and (kept is None or kept[0] != self._state("hash")):
                    raise sqlite3.DatabaseError("an index of another book")
                return
            except sqlite3.DatabaseError as error:
                self._db.close()
                if attempt == 2:
                    raise EvidenceError(f"the index {self.path} cannot be made: {error}") from error
                for suffix in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        self._db.close()
        self.book.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _state(self, name: str) -> int | bytes | None:
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _put(self, name: str, value: int | bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    # -- keeping up -----------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The last exchange that the blocks cover."""
        value = self._state("last")
        return value if isinstance(value, int) else 0

    def catch_up(self, on: Progress | None = None) -> bool:
        """Take in what is new. Returns False when `on` stopped it; the next call goes on from there."""
        waiting = reading.numbers(self.book, after=self.last)
        ready = waiting[: max(0, len(waiting) - FRESH)]
        done = 0
        while len(ready) - done >= BLOCK:
            if on is not None and not on(done, len(waiting)):
                return False
            done += self._block(ready[done], ready[done + BLOCK - 1])
        return True

    def _block(self, first: int, last: int) -> int:
        """Make one block of the exchanges first … last, or of as many as fill it; returns how many."""
        grams: set[bytes] = set()
        size = count = 0
        reached = first
        rows: list[tuple[int, int, int]] = []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for found in exchanges(self.book, first, last):
                for form in found.forms():
                    size += len(form)
                    for length in GRAMS:
                        grams.update([form[place : place + length] for place in range(len(form) - length + 1)])
                    grams.update(bytes((byte,)) for byte in set(form))
                rows.append(self._entry(found))
                reached, count = found.number, count + 1
                if size >= BLOCK_BYTES:
                    break
            bits = bytearray(LENGTH)
            for gram in grams:
                place = zlib.crc32(gram) & ((1 << BITS) - 1)
                bits[place >> 3] |= 1 << (place & 7)
            self._db.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", rows)
            self._db.execute("INSERT INTO blocks (first, last, bits) VALUES (?, ?, ?)", (first, reached, bytes(bits)))
            self._put("last", reached)
            row = self.book.execute("SELECT hash FROM messages WHERE seq = ?", (reached,)).fetchone()
            self._put("hash", row[0])
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return count

    def _entry(self, found: Exchange) -> tuple[int, int, int]:
        said, answer = found.question_in_words(), found.answer_in_words()
        family = found.question.family
        names = {(family, item.name, name) for item in said for name, _ in item.fields}
        names |= {(family, item.name, "") for item in said}
        self._db.executemany("INSERT OR IGNORE INTO names VALUES (?, ?, ?)", names)
        name = said[0].name if said else ""
        row = self._db.execute("SELECT id FROM kinds WHERE family = ? AND name = ?", (family, name)).fetchone()
        if row is None:
            row = self._db.execute("INSERT INTO kinds (family, name) VALUES (?, ?) RETURNING id", (family, name))
            row = row.fetchone()
        return found.number, row[0], int(found.outcome(answer))

    # -- questions ------------------------------------------------------------------------------------------------

    def entry(self, found: Exchange) -> Entry:
        """What one exchange was."""
        query = "SELECT k.name, e.outcome FROM entries e JOIN kinds k ON k.id = e.kind WHERE e.exchange = ?"
        row = self._db.execute(query, (found.number,)).fetchone()
        if row is not None:
            return Entry(found.number, row[0], Outcome(row[1]))
        said = found.question_in_words()
        return Entry(found.number, said[0].name if said else "", found.outcome())

    def of_outcome(self, outcome: Outcome) -> set[int]:
        """Numbers of the exchanges that ended so."""
        query = "SELECT exchange FROM entries WHERE outcome = ?"
        found = {row[0] for row in self._db.execute(query, (int(outcome),))}
        return found | {e.number for e in exchanges(self.book, self.last + 1) if e.outcome() is outcome}

    def names(self, on: Progress | None = None) -> list[tuple[str, str, str]]:
        """Every command and field name that was ever sent: family, command, field ("" for the command itself)."""
        found = {tuple(row) for row in self._db.execute("SELECT family, command, field FROM names")}
        for fresh in exchanges(self.book, self.last + 1):
            family = fresh.question.family
            for item in fresh.question_in_words():
                found |= {(family, item.name, name) for name, _ in item.fields} | {(family, item.name, "")}
        return sorted(found)

    def search(
        self, wanted: Sequence[bytes], *, most: int = 1000, on: Progress | None = None
    ) -> tuple[list[int], bool]:
        """Exchanges that hold any of the byte strings in any form, newest first, and whether that is all of them.

        It ends at `most`, or when `on` says so. Nothing is missed: the blocks only tell where it is not worth looking.
        """
        wanted = [needle for needle in wanted if needle]
        found: list[int] = []
        fresh = [e.number for e in exchanges(self.book, self.last + 1) if holds(e, wanted)]
        found += reversed(fresh)
        sieve = Sieve(self._db)
        mask = 0
        for needle in wanted:
            mask |= sieve.blocks(needle)
        candidates = sieve.ranges(mask)
        for done, (first, last) in enumerate(reversed(candidates)):
            if len(found) >= most:
                return found[:most], False
            if on is not None and not on(done, len(candidates)):
                return found, False
            found += reversed([e.number for e in exchanges(self.book, first, last) if holds(e, wanted)])
        return found[:most], len(found) <= most

    def sieve(self) -> Sieve:
        """The blocks in memory, for many searches at once."""
        return Sieve(self._db)


class Sieve:
    """All blocks in memory. A set of blocks is an integer, bit n for the n-th block."""

    def __init__(self, database: sqlite3.Connection) -> None:
        rows = database.execute("SELECT first, last, bits FROM blocks ORDER BY id").fetchall()
        self._ranges = [(first, last) for first, last, _ in rows]
        self._bits = [bits for _, _, bits in rows]
        self._columns: dict[bytes, int] = {}

    def blocks(self, needle: bytes) -> int:
        """Blocks that may hold the bytes."""
        lengths = [length for length in reversed(GRAMS) if length <= len(needle)] or [1]
        grams = [needle[place : place + n] for n in lengths for place in range(len(needle) - n + 1)]
        mask = (1 << len(self._bits)) - 1
        for gram in grams:
            mask &= self._column(gram)
            if not mask:
                break
        return mask

    def _column(self, gram: bytes) -> int:
        column = self._columns.get(gram)
        if column is None:
            place = zlib.crc32(gram) & ((1 << BITS) - 1)
            offset, bit = place >> 3, 1 << (place & 7)
            text = bytes(49 if bits[offset] & bit else 48 for bits in self._bits)
            column = int(text[::-1] or b"0", 2)
            self._columns[gram] = column
        return column

    def ranges(self, mask: int) -> list[tuple[int, int]]:
        """First and last exchange of the blocks of a set, in order."""
        return [self._ranges[place] for place in self.places(mask)]

    @staticmethod
    def places(mask: int) -> Iterator[int]:
        """Which blocks a set holds."""
        while mask:
            lowest = mask & -mask
            yield lowest.bit_length() - 1
            mask ^= lowest


def holds(found: Exchange, wanted: Sequence[bytes]) -> bool:
    """Whether an exchange holds any of the byte strings, in any form of its bytes."""
    return any(needle in form for form in found.forms() for needle in wanted)


def query(text: str) -> list[bytes]:
    """What a person typed, as byte strings: `hex: DE AD` or text in every code page and letter case.

    Raises `EvidenceError` for an empty query and for bad hexadecimal.
    """
    stripped = text.strip()
    head, colon, rest = stripped.partition(":")
    if colon and head.strip().lower() == "hex":
        try:
            wanted = bytes.fromhex(rest)
        except ValueError as error:
            raise EvidenceError(
                f"{rest.strip()!r} is no hexadecimal: write pairs of digits, e.g. hex: 50 4B"
            ) from error
        if not wanted:
            raise EvidenceError("the search is empty")
        return [wanted]
    if not stripped:
        raise EvidenceError("the search is empty")
    cases = {stripped, stripped.lower(), stripped.upper(), stripped.capitalize(), stripped.title()}
    return sorted({needle for case in cases for needle in needles(case)})
