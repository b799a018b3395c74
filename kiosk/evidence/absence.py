"""The absence report: every private value of the base searched in every form of everything that ever left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from kiosk.evidence.book import Channel
from kiosk.evidence.index import Index, Progress
from kiosk.evidence.private import SHORTEST, Value
from kiosk.evidence.reading import Exchange, exchanges
from kiosk.evidence.unfold import needles

CHUNK = 1000
"""Values sought at once."""
SHOWN = 20
"""Exchanges of a hit that are named."""


@dataclass(frozen=True)
class Hit:
    """A private value that was found. `known`: the same words are also the name of goods or staff that is sent."""

    kind: str
    column: str
    text: str
    count: int
    exchanges: tuple[int, ...]
    known: bool
    channels: tuple[str, ...] = ()
    """Who it was sent to: a slip's printer, a bank and a buyer's provider may see more than a registrar."""


@dataclass(frozen=True)
class Absence:
    """What was sought and what was found. `short`: values of a kind too short to prove anything, not sought."""

    last: int
    exchanges: int
    sought: dict[str, int] = field(default_factory=dict)
    short: dict[str, int] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    complete: bool = True

    @property
    def clean(self) -> bool:
        """Nothing private went to a registrar or a fiscal server."""
        return self.complete and not any(Channel.REGISTRAR in hit.channels for hit in self.hits)


def search_all(index: Index, values: Iterable[Value], on: Progress | None = None) -> Absence:
    """Seek them all. `on` is told (values sought, 0 for an unknown end) and cancels by returning False."""
    sought: Counter[str] = Counter()
    short: Counter[str] = Counter()
    hits: list[Hit] = []
    sieve = index.sieve()
    fresh = list(exchanges(index.book, index.last + 1))
    count = index.book.execute("SELECT count(*), max(seq) FROM messages WHERE direction = '>'").fetchone()
    complete = True
    for chunk in _chunks(_long(values, short), CHUNK):
        if on is not None and not on(sum(sought.values()), 0):
            complete = False
            break
        written = [_needles(value) for value in chunk]
        places: dict[int, list[tuple[int, bytes]]] = {}
        for number, forms in enumerate(written):
            for needle in forms:
                for place in sieve.places(sieve.blocks(needle)):
                    places.setdefault(place, []).append((number, needle))
        found: list[dict[int, str]] = [{} for _ in chunk]
        for place in sorted(places):
            ((first, last),) = sieve.ranges(1 << place)
            _look(exchanges(index.book, first, last), places[place], chunk, found)
        _look(fresh, [(number, needle) for number, forms in enumerate(written) for needle in forms], chunk, found)
        for value, where in zip(chunk, found, strict=True):
            sought[value.kind] += 1
            if where:
                named, channels = tuple(where)[:SHOWN], tuple(sorted(set(where.values())))
                hits.append(Hit(value.kind, value.column, value.text, len(where), named, value.known, channels))
    return Absence(count[1] or 0, count[0], dict(sought), dict(short), tuple(hits), complete)


def _long(values: Iterable[Value], short: Counter[str]) -> Iterator[Value]:
    for value in values:
        if len(value.text) < SHORTEST:
            if value.text:
                short[value.kind] += 1
        else:
            yield value


def _needles(value: Value) -> list[bytes]:
    return sorted({needle for form in value.forms for needle in needles(form)})


def _look(
    where: Iterable[Exchange], wanted: Sequence[tuple[int, bytes]], chunk: Sequence[Value], found: list[dict[int, str]]
) -> None:
    for exchange in where:
        text = b"\n".join(exchange.forms())
        for number, needle in wanted:
            if needle in text and (not chunk[number].exact or stands_alone(text, needle)):
                found[number][exchange.number] = exchange.question.channel


def stands_alone(text: bytes, needle: bytes) -> bool:
    """Whether a number occurs with no digit before or after it."""
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not text[max(0, start - 1) : start].isdigit() and not text[end : end + 1].isdigit():
            return True
        start = text.find(needle, start + 1)
    return False


def _chunks(values: Iterator[Value], size: int) -> Iterator[list[Value]]:
    while chunk := list(islice(values, size)):
        yield chunk
