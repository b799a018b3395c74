"""The room behind «Що отримала податкова»: who may see what of the evidence (cashier-flow.md I), listed and in words.

A cashier sees the exchanges of their own receipts, seniors the shop's, owner and auditor everything; a technician sees
commands and codes, with every digit of the contents hidden. Nothing here changes the book, and nothing needs a network.
Calls may be made from any thread, one at a time.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from drivers.clock import kyiv
from kiosk.evidence.absence import Absence, search_all
from kiosk.evidence.book import ANCHOR, Book, Channel, EvidenceError, Flaw, anchored, flaws
from kiosk.evidence.index import Index, Progress, query
from kiosk.evidence.private import Value, values
from kiosk.evidence.proof import export, fingerprint, installation_key, readable
from kiosk.evidence.reading import Outcome, exchange, numbers, sources
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import FiscalDocument, Role, User
from kiosk.ledger.store import SqlLedger
from kiosk.till.workplace import Workplace

WIDTH = 12
"""Bytes of a line of hexadecimal that fits a screen of 80 columns."""
ROWS_KEPT = 500
"""Lines of the list that are kept: what a person sees, many times over."""
_DIGITS = re.compile(r"\d")


class Sight(StrEnum):
    """How much of the evidence a post sees."""

    NONE = "none"
    OWN = "own"
    SHOP = "shop"
    TECHNICAL = "technical"


SIGHTS = {
    Role.CASHIER: Sight.OWN,
    Role.SENIOR: Sight.SHOP,
    Role.ADMINISTRATOR: Sight.SHOP,
    Role.OWNER: Sight.SHOP,
    Role.AUDITOR: Sight.SHOP,
    Role.TECHNICIAN: Sight.TECHNICAL,
}
MAY_EXPORT = frozenset({Role.OWNER, Role.AUDITOR})
"""The proof holds all receipts of the shop, and its report names private values that were found."""


@dataclass(frozen=True)
class Filter:
    """What to list. `day` is a Kyiv date; `outcome` None means any."""

    channel: str = Channel.REGISTRAR
    source: str = ""
    day: datetime | None = None
    outcome: Outcome | None = None
    documents: bool = False
    text: str = ""


@dataclass(frozen=True)
class Listing:
    """Numbers of exchanges, newest first. `whole` is False where the search ended at its limit."""

    numbers: tuple[int, ...]
    whole: bool = True


@dataclass(frozen=True)
class Row:
    """One line of the list. `document`: the number that the registrar gave, or the kind while it has none."""

    number: int
    at: datetime
    source: str
    name: str
    document: str
    sent: int
    received: int
    outcome: Outcome


class Page:
    """The evidence for one person. Opens the index at first use; close it."""

    def __init__(
        self,
        book: Path,
        ledger: Ledger,
        user: User,
        now: Callable[[], datetime],
        *,
        private: Callable[[], Iterable[Value]],
    ) -> None:
        self._path, self._ledger, self._now, self._private = book, ledger, now, private
        self.user = user
        self.sight = Sight.NONE if "ledger" in user.denied or not user.active else SIGHTS.get(user.role, Sight.NONE)
        self._index: Index | None = None
        self._documents: dict[str, FiscalDocument | None] = {}
        self._rows: dict[int, Row] = {}

    def close(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    @property
    def index(self) -> Index:
        if self.sight is Sight.NONE:
            raise EvidenceError("this post may not see the evidence")
        if self._index is None:
            self._index = Index(self._path)
        return self._index

    @property
    def may_export(self) -> bool:
        return self.sight is Sight.SHOP and self.user.role in MAY_EXPORT

    # -- the list -------------------------------------------------------------------------------------------------

    def catch_up(self, on: Progress | None = None) -> bool:
        """Take in what is new; False when `on` stopped it."""
        self._rows.clear()  # an answer may have come since
        self._documents.clear()
        with _readable():
            return self.index.catch_up(on)

    def sources(self, channel: str) -> list[str]:
        """Peers of a channel."""
        with _readable():
            return sources(self.index.book, channel)

    def listing(self, wanted: Filter, on: Progress | None = None) -> Listing:
        """Exchanges of a filter that this person may see, newest first. Raises `EvidenceError` for a bad query."""
        with _readable():
            since, until = _day(wanted.day)
            found = numbers(
                self.index.book,
                channel=wanted.channel,
                source=wanted.source,
                since=since,
                until=until,
                documents=wanted.documents or self.sight is Sight.OWN,
            )
            whole = True
            if wanted.text.strip():
                if self.sight is Sight.TECHNICAL:
                    raise EvidenceError("a technician does not search in the contents")
                hits, whole = self.index.search(query(wanted.text), on=on)
                kept = set(hits)
                found = [number for number in found if number in kept]
            if wanted.outcome is not None:
                ended = self.index.of_outcome(wanted.outcome)
                found = [number for number in found if number in ended]
            if self.sight is Sight.OWN:
                mine = self._mine()
                found = [number for number in found if number in mine]
        return Listing(tuple(reversed(found)), whole)

    def _mine(self) -> set[int]:
        rows = self.index.book.execute("SELECT seq, document FROM messages WHERE direction = '>' AND document <> ''")
        found = set()
        for number, document in rows:
            stored = self._document(document)
            if stored is not None and stored.user_id == self.user.id:
                found.add(number)
        return found

    def _document(self, text: str) -> FiscalDocument | None:
        if text not in self._documents:
            try:
                self._documents[text] = self._ledger.receipts.document(UUID(text))
            except (LedgerError, ValueError, LookupError):
                self._documents[text] = None
        return self._documents[text]

    def row(self, number: int) -> Row:
        """One line of the list."""
        known = self._rows.get(number)
        if known is None:
            if len(self._rows) >= ROWS_KEPT:
                self._rows.clear()
            known = self._rows[number] = self._row(number)
        return known

    def _row(self, number: int) -> Row:
        with _readable():
            found = exchange(self.index.book, number)
            entry = self.index.entry(found)
        document = self._document(found.question.document) if found.question.document else None
        number_ = document.result.number if document is not None and document.result is not None else ""
        return Row(
            number,
            _moment(found.question.at),
            found.question.source.partition(" ")[2] or found.question.source,
            entry.name,
            number_ or (document.kind.value if document is not None else ""),
            len(found.sent),
            len(found.received),
            entry.outcome,
        )

    def detail(self, number: int) -> list[str]:
        """One exchange in full: in words, then all bytes as hexadecimal with their text."""
        if self.sight is Sight.OWN and number not in self._mine():
            raise EvidenceError("this exchange belongs to somebody else's receipt")
        with _readable():
            found = exchange(self.index.book, number)
        lines = readable(found)
        if self.sight is Sight.TECHNICAL:
            return [_hidden(line) if line.startswith("      ") else line for line in lines if " bytes: " not in line]
        lines.append(f"  sha256 {found.question.hash.hex()}")
        for mark, data in ((">", found.sent), ("<", found.received)):
            lines += [f"{mark} {line}" for line in dump(data, WIDTH)]
        return lines

    # -- the proof ------------------------------------------------------------------------------------------------

    def check(self, on: Callable[[int], bool] | None = None) -> tuple[int, list[Flaw]]:
        """The whole chain: records, and what does not fit."""
        count, found = flaws(self.index.book, on=on)
        cut = anchored(self.index.book, self._ledger.shop.setting(ANCHOR))
        return count, [*found, cut] if cut is not None else found

    def absence(self, on: Progress | None = None) -> Absence:
        """Seek every private value of the base. Raises `EvidenceError` for posts that may not."""
        self._exporting()
        with _readable():
            return search_all(self.index, self._private(), on)

    def export(self, absence: Absence, target: Path, on: Progress | None = None) -> str | None:
        """Write the signed proof; returns the key's fingerprint, or None when `on` cancelled."""
        self._exporting()
        key = installation_key(self._path.parent)
        with _readable():
            done = export(self.index, absence, key, target, self._now(), on)
        return fingerprint(key.public_key()) if done else None

    def _exporting(self) -> None:
        if not self.may_export:
            raise EvidenceError("only the owner and the auditor export the proof")


def dump(data: bytes, width: int = 16) -> list[str]:
    """Hexadecimal lines with their offset and their text (Windows-1251, the page that most registrars speak)."""
    lines = []
    for place in range(0, len(data), width):
        part = data[place : place + width]
        text = "".join(c if c.isprintable() else "·" for c in part.decode("cp1251", "replace"))
        lines.append(f"{place:06x}  {part.hex(' '):<{width * 3}} {text}")
    return lines


def _hidden(line: str) -> str:
    name, colon, value = line.partition(": ")
    return name + colon + _DIGITS.sub("•", value)


def _day(day: datetime | None) -> tuple[str, str]:
    if day is None:
        return "", ""
    start = kyiv(day).replace(hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(hours=36)).replace(hour=0)
    return _text(start), _text(end)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


@contextmanager
def _readable() -> Iterator[None]:
    """A file that the disk gave up is told about in words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise EvidenceError(
            f"the evidence book is damaged: {error}. Check the chain (kiosk evidence verify) to see where."
        ) from error


def open_page(workplace: Workplace) -> Page:
    """The page of who works here now. Raises `EvidenceError` where this till keeps no evidence."""
    book, ledger = workplace.evidence, workplace.ledger
    if not isinstance(book, Book) or not isinstance(ledger, SqlLedger):
        raise EvidenceError("this till keeps no evidence")
    return Page(book.path, ledger, workplace.cashier(), workplace.clock.now, private=lambda: values(ledger.database))
