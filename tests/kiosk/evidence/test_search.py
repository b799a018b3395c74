"""The search over raw bytes: any code page, packed, in base64, as hexadecimal; newest first, nothing missed."""

from __future__ import annotations

import base64
import gzip
import json
import random
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.datecs import text as datecs
from drivers.datecs.frame import request
from kiosk.evidence import index as index_module
from kiosk.evidence.book import Book, Channel, EvidenceError, Sink
from kiosk.evidence.index import Index, query
from kiosk.evidence.reading import Outcome, exchange
from kiosk.evidence.unfold import needles, unfold

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
NAME = "Сир «Їжачок» +380671234567"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "evidence.db")
    yield book
    book.close()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "BLOCK", 20)
    monkeypatch.setattr(index_module, "FRESH", 4)


def fill(sink: Sink, count: int, *, at: int = -1, name: bytes = b"") -> None:
    """`count` packets of a printer; number `at` carries the name."""
    chance = random.Random(3)
    for number in range(count):
        what = name if number == at else b"Bread %d" % chance.randrange(10**6)
        sink.sent(NOW, request(0x20 + number % 90, 107, b"PA%d,1,1,19.99," % number + what))
        sink.received(NOW, b"\x16")


ENVELOPES = {
    "utf-8": lambda text: text.encode(),
    "cp1251": lambda text: text.encode("cp1251"),
    "datecs dos": lambda text: datecs.encode(text.replace("Ї", "І"), "datecs_dos"),
    "base64": lambda text: b'{"Document":"' + base64.b64encode(b"ab" + text.encode("cp1251")) + b'"}',
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 70 + text.encode("cp1251") + b"y" * 70),
    "gzip": lambda text: b"HTTP/1.1 200 OK\r\n\r\n" + gzip.compress(text.encode()),
    "zlib": lambda text: b"head" + zlib.compress(text.encode("cp1251")),
    "base64 in gzip": lambda text: gzip.compress(json.dumps([base64.b64encode(text.encode()).decode()]).encode()),
    "json escapes": lambda text: json.dumps(text).encode(),
    "percent": lambda text: b"q=" + b"".join(b"%%%02X" % byte for byte in text.encode()),
}


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_x_20_a_planted_name_is_found_in_every_envelope(book: Book, envelope: str, small_blocks: None) -> None:
    name = NAME.replace("Ї", "І") if envelope == "datecs dos" else NAME
    sink = book.sink(Channel.REGISTRAR, "1 x", "helpmicro")
    fill(sink, 60)
    sink.sent(NOW, ENVELOPES[envelope](name))
    planted = book.head[0]
    fill(sink, 60)
    with Index(book.path) as index:
        assert index.catch_up() and index.last > planted
        assert index.search(query(name)) == ([planted], True)
        assert index.search(query("+380671234567")) == ([planted], True)
        assert index.search(query("+380671234568")) == ([], True)


def test_a_value_in_an_answer_that_came_in_pieces(book: Book, small_blocks: None) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    sink.sent(NOW, b"what?")
    for piece in (b"the num", b"ber 06712", b"34567 is"):
        sink.received(NOW, piece)
    fill(sink, 60)
    with Index(book.path) as index:
        index.catch_up()
        assert index.search([b"0671234567"]) == ([1], True)


def test_the_index_knows_what_a_plain_scan_knows(book: Book, small_blocks: None) -> None:
    """Whatever is sought, of any length: the blocks may only save work."""
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    fill(sink, 90, at=33, name=b"Phone 0671234567")
    with Index(book.path) as before, Index(book.path, book.path.with_name("other.db")) as after:
        after.catch_up()
        assert after.last > 0 and before.last == 0
        for wanted in (b"\x16", b"a", b"Br", b"Bre", b"Bread", b"0671234567", b"33", b",1,1,19", b"\x01", b"absent"):
            assert before.search([wanted]) == after.search([wanted]), wanted


@given(st.binary(min_size=1, max_size=200), st.data())
def test_every_piece_of_a_message_is_found_in_its_forms(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data) - 1))
    piece = data[start : draw.draw(st.integers(start + 1, len(data)))]
    assert any(piece in form for form in unfold(data))


@given(st.binary(max_size=400))
def test_no_bytes_are_too_strange_to_unfold(data: bytes) -> None:
    forms = list(unfold(b"\x1f\x8b\x08" + data)) + list(unfold(b"A" * 20 + data))
    assert len(forms) < 500


def test_a_bomb_is_unpacked_to_a_limit() -> None:
    bomb = gzip.compress(b"\x00" * (80 << 20))
    assert max(len(form) for form in unfold(bomb)) <= 64 << 20


def test_one_byte_is_sought_newest_first_up_to_a_limit(book: Book, small_blocks: None) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    fill(sink, 100)
    with Index(book.path) as index:
        index.catch_up()
        found, whole = index.search(query("hex: 01"), most=30)
        assert len(found) == 30 and not whole and found == sorted(found, reverse=True)
        assert found[0] == book.head[0] - 1
        assert index.search(query("hex: 01"), most=100)[1]


@pytest.mark.parametrize("text", ["", "   ", "hex:", "hex: 0", "hex: xx", "hex: 1 2"])
def test_a_query_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        query(text)


def test_letters_of_any_case_and_page(book: Book) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "ikc")
    sink.sent(NOW, "Сiль кам'яна".encode("cp866"))
    with Index(book.path) as index:
        assert index.search(query("СІЛЬ"))[0] == [1]
        assert index.search(query("сіль"))[0] == [1]
        assert index.search(query("Сіль"))[0] == [1]
    assert "сіль".encode("cp1251") in needles("сіль")


def test_it_stops_when_told_and_goes_on_later(book: Book, small_blocks: None) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    fill(sink, 200)
    with Index(book.path) as index:
        assert not index.catch_up(lambda done, of: done < 60)
        half = index.last
        assert 0 < half < book.head[0] - 50
        assert index.search([b"Bread"], on=lambda done, of: False)[1] is False
        assert index.catch_up() and index.last > half
        assert len(index.search([b"Bread"])[0]) == 200


def test_a_lost_or_foreign_index_is_made_anew(book: Book, tmp_path: Path, small_blocks: None) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    fill(sink, 60)
    with Index(book.path) as index:
        index.catch_up()
        path = index.path
    path.write_bytes(b"garbage" * 1000)
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    with Index(book.path) as index:
        assert index.last == 0
        index.catch_up()
        assert index.last > 0
    other = Book(tmp_path / "other.db")
    fill(other.sink(Channel.REGISTRAR, "1 y", "datecs"), 30)
    other.close()
    with Index(tmp_path / "other.db", path) as index:
        assert index.last == 0, "blocks of another book would hide what this one holds"


def test_names_that_were_ever_sent(book: Book, small_blocks: None) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "krypton")
    fill(sink, 30)
    sink.sent(NOW, request(0x21, 0x64, b"000000;7;1.000;12.50;", last_command=0xFF))
    with Index(book.path) as index:
        fresh = index.names()
        index.catch_up()
        assert index.names() == fresh
        assert ("krypton", "sell", "price") in fresh and ("krypton", "sell", "") in fresh
        entry = index.entry(exchange(index.book, book.head[0]))
        assert (entry.name, entry.outcome) == ("sell", Outcome.SILENT)
        assert index.of_outcome(Outcome.SILENT) == {book.head[0]}
