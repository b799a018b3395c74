"""Exchanges out of the book: one question and everything that was said to it, and what it says in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from drivers.describing import Described, describe
from kiosk.evidence.book import COLUMNS, EvidenceError, Message, message_of
from kiosk.evidence.unfold import unfold


class Outcome(IntEnum):
    """How an exchange ended, as far as its bytes tell."""

    ANSWERED = 0
    REFUSED = 1
    SILENT = 2


@dataclass(frozen=True)
class Exchange:
    """A message out, and the messages that followed from the same peer. `number` is the first one's."""

    question: Message
    replies: tuple[Message, ...]

    @property
    def number(self) -> int:
        return self.question.seq

    @property
    def sent(self) -> bytes:
        return self.question.data

    @property
    def received(self) -> bytes:
        """All bytes of the answer, joined: a port hands them over in pieces."""
        return b"".join(message.data for message in self.replies if message.direction == "<")

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the driver noted: the address, the HTTP status, a lost line."""
        notes = (self.question.note, *(message.note for message in self.replies))
        return tuple(note for note in notes if note)

    def question_in_words(self) -> list[Described]:
        return describe(self.question.family, ">", self.sent)

    def answer_in_words(self) -> list[Described]:
        return describe(self.question.family, "<", self.received)

    def forms(self) -> Iterator[bytes]:
        """Every form of the bytes both ways, and what the family's codec reads out of them: names cut in two joined."""
        for side in (self.sent, self.received):
            yield from unfold(side)
        for item in (*self.question_in_words(), *self.answer_in_words()):
            for _, value in item.fields:
                yield value.encode("utf-8", "replace")

    def outcome(self, answer: list[Described] | None = None) -> Outcome:
        """`answer`: the description where it was made already."""
        if not self.received:
            return Outcome.SILENT
        said = self.answer_in_words() if answer is None else answer
        return Outcome.REFUSED if any(item.refusal for item in said) else Outcome.ANSWERED


def exchange(connection: sqlite3.Connection, number: int) -> Exchange:
    """One exchange. Raises `EvidenceError` when there is none of this number."""
    found = next(exchanges(connection, number, number), None)
    if found is None:
        raise EvidenceError(f"the evidence has no exchange {number}")
    return found


def exchanges(connection: sqlite3.Connection, first: int = 1, last: int = 1 << 62) -> Iterator[Exchange]:
    """Exchanges whose questions are numbered `first` to `last`, in order."""
    replies: dict[int, list[Message]] = {}
    query = f"SELECT {COLUMNS} FROM messages WHERE direction <> '>' AND exchange >= ? AND exchange <= ? ORDER BY seq"
    for row in connection.execute(query, (first, last)):
        message = message_of(row)
        replies.setdefault(message.exchange, []).append(message)
    query = f"SELECT {COLUMNS} FROM messages WHERE direction = '>' AND seq >= ? AND seq <= ? ORDER BY seq"
    for row in connection.execute(query, (first, last)):
        question = message_of(row)
        yield Exchange(question, tuple(replies.pop(question.seq, ())))


def numbers(
    connection: sqlite3.Connection,
    *,
    channel: str = "",
    source: str = "",
    since: str = "",
    until: str = "",
    documents: bool = False,
    after: int = 0,
) -> list[int]:
    """Numbers of exchanges in order. `since` (included) and `until` (not) are UTC texts as stored."""
    conditions, values = ["direction = '>'", "seq > ?"], [after]
    wanted: list[object] = [*values]
    for condition, value in (("channel = ?", channel), ("source = ?", source), ("at >= ?", since), ("at < ?", until)):
        if value:
            conditions.append(condition)
            wanted.append(value)
    if documents:
        conditions.append("document <> ''")
    query = f"SELECT seq FROM messages WHERE {' AND '.join(conditions)} ORDER BY seq"
    return [row[0] for row in connection.execute(query, wanted)]


def sources(connection: sqlite3.Connection, channel: str = "") -> list[str]:
    """Peers that bytes went to."""
    query = "SELECT DISTINCT source FROM messages WHERE direction = '>'" + (" AND channel = ?" if channel else "")
    return sorted(row[0] for row in connection.execute(query, (channel,) if channel else ()))
