"""The evidence book: written before it leaves, chained, crash-safe, never changed (cashier-flow.md X-16, X-18)."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.errors import LinkLost
from drivers.links.wire import Exchange, RecordedLink, WireLog
from kiosk.evidence.book import Book, Channel, EvidenceError, Sink, anchored, flaws, messages, reader
from kiosk.evidence.reading import Outcome, exchanges

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "evidence.db", settle=0.01)
    yield book
    book.close()


def talk(book: Book, count: int = 5) -> Sink:
    sink = book.sink(Channel.REGISTRAR, "1 datecs+serial:///dev/x", "datecs", binding=1)
    for number in range(count):
        sink.sent(NOW, b"question %d" % number)
        sink.received(NOW, b"ans")
        sink.received(NOW, b"wer %d" % number)
    return sink


def stored(path: Path) -> list[bytes]:
    connection = reader(path)
    try:
        return [message.data for message in messages(connection)]
    finally:
        connection.close()


def check(path: Path) -> tuple[int, list[int]]:
    connection = reader(path)
    try:
        count, found = flaws(connection)
        return count, [flaw.seq for flaw in found]
    finally:
        connection.close()


def tamper(path: Path, *statements: str) -> None:
    """What somebody with the file does: the triggers are no wall against them, the chain is."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER IF EXISTS no_change")
        connection.execute("DROP TRIGGER IF EXISTS no_removal")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_an_exchange_is_a_question_with_all_that_followed(book: Book) -> None:
    sink = talk(book, 2)
    sink(Exchange(NOW, "#", b"", "lost"))
    sink.sent(NOW, b"nobody answers")
    book.close()
    connection = reader(book.path)
    found = list(exchanges(connection))
    connection.close()
    assert [(e.sent, e.received) for e in found] == [
        (b"question 0", b"answer 0"),
        (b"question 1", b"answer 1"),
        (b"nobody answers", b""),
    ]
    assert found[1].remarks == ("lost",)
    assert found[2].outcome() is Outcome.SILENT


def test_two_registrars_do_not_mix(book: Book) -> None:
    one, two = (book.sink(Channel.REGISTRAR, f"{n} x", "datecs", binding=n) for n in (1, 2))
    one.sent(NOW, b"a?")
    two.sent(NOW, b"b?")
    one.received(NOW, b"a!")
    two.received(NOW, b"b!")
    book.close()
    connection = reader(book.path)
    assert [(e.sent, e.received) for e in exchanges(connection)] == [(b"a?", b"a!"), (b"b?", b"b!")]
    connection.close()


def test_what_is_said_meanwhile_belongs_to_the_document(book: Book) -> None:
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs", binding=1)
    with book.about(1, "document"):
        sink.sent(NOW, b"sell")
    with book.printing(1):
        sink.sent(NOW, b"slip")
    sink.sent(NOW, b"state")
    with book.about(99, "a registrar that is not recorded"):
        pass
    book.close()
    connection = reader(book.path)
    found = [(m.document, m.channel) for m in messages(connection)]
    connection.close()
    assert found == [("document", "registrar"), ("", "printer"), ("", "registrar")]


def test_x_18_one_changed_byte_fails_the_chain_and_is_located(book: Book) -> None:
    talk(book)
    book.close()
    assert check(book.path) == (15, [])
    tamper(book.path, "UPDATE messages SET data = CAST('questian 2' AS BLOB) WHERE seq = 7")
    assert check(book.path) == (15, [7])


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        ("UPDATE messages SET note = 'x' WHERE seq = 4", 4),
        ("UPDATE messages SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", 1),
        ("UPDATE messages SET document = 'other' WHERE seq = 15", 15),
        ("UPDATE messages SET data = NULL WHERE seq = 3", 3),
        ("DELETE FROM messages WHERE seq = 8", 8),
        ("DELETE FROM messages WHERE seq = 1", 1),
        ("UPDATE messages SET data = 'text instead of bytes' WHERE seq = 5", 5),
    ],
)
def test_every_change_shows_and_is_located(book: Book, statement: str, flaw: int) -> None:
    talk(book)
    book.close()
    with sqlite3.connect(book.path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'data BLOB NOT NULL', 'data BLOB')")
    connection.close()
    tamper(book.path, statement)
    count, found = check(book.path)
    assert flaw in found and all(seq in (flaw, flaw + 1) for seq in found)
    assert count >= 14, "what is whole is still read"


def test_the_book_itself_refuses_changes(book: Book) -> None:
    talk(book, 1)
    with sqlite3.connect(book.path) as connection:
        for statement in ("UPDATE messages SET note = 'x'", "DELETE FROM messages"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


def test_a_page_that_the_disk_lost_is_located_and_the_rest_is_read(book: Book) -> None:
    talk(book, 400)
    book.close()
    with book.path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xa5" * 4096)
    count, found = check(book.path)
    assert len(found) == 1 and 1 <= found[0] <= 1200
    assert 1000 < count < 1200, "records before and after the lost page are checked"


def test_a_book_that_was_cut_short_is_told_by_the_ledger(book: Book) -> None:
    talk(book, 3)
    anchors: list[str] = []
    book.on_close = anchors.append
    book.close()
    connection = reader(book.path)
    assert anchored(connection, anchors[0]) is None and anchored(connection, None) is None
    connection.close()
    tamper(book.path, "DELETE FROM messages WHERE seq > 6")
    assert check(book.path) == (6, []), "a shorter chain holds by itself"
    connection = reader(book.path)
    flaw = anchored(connection, anchors[0])
    connection.close()
    assert flaw is not None and flaw.seq == 7 and "cut off" in flaw.why
    again = Book(book.path)
    talk(again, 5)
    again.close()
    connection = reader(book.path)
    flaw = anchored(connection, anchors[0])
    connection.close()
    assert flaw is not None and flaw.seq == 9 and "replaced" in flaw.why


def test_bytes_that_cannot_be_written_down_do_not_leave(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        name = "pipe"
        sent = b""

        def write(self, data: bytes, shown: bytes | None = None) -> None:
            self.sent += data

        def read(self, timeout: float) -> bytes:
            return b"late answer"

        def open(self) -> None: ...

        def close(self) -> None: ...

        def flush_input(self) -> None: ...

    pipe, log = Pipe(), WireLog(SystemClock())
    link = RecordedLink(pipe, log)
    log.sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    link.write(b"first")
    full = book._writer
    other = sqlite3.connect(":memory:")
    other.close()
    monkeypatch.setattr(book, "_writer", other)  # every statement fails, as on a full disk
    with pytest.raises(LinkLost, match="nothing was sent"):
        link.write(b"second")
    assert link.read(0) == b"late answer"
    assert pipe.sent == b"first"
    monkeypatch.setattr(book, "_writer", full)
    link.write(b"third")
    assert stored(book.path) == [b"first", b"late answer", b"third"], "answers wait in memory for the disk"
    assert check(book.path) == (3, [])


def test_many_threads_make_one_chain(book: Book) -> None:
    def work(number: int) -> None:
        sink = book.sink(Channel.REGISTRAR, f"{number} x", "datecs")
        for turn in range(100):
            sink.sent(NOW, b"%d %d" % (number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check(book.path) == (800, [])


def test_two_programs_make_one_chain(book: Book, tmp_path: Path) -> None:
    other = Book(book.path)
    talk(book, 2)
    talk(other, 2)
    talk(book, 2)
    other.close()
    assert check(book.path) == (18, [])


def test_a_killed_till_loses_nothing_that_was_sent(tmp_path: Path) -> None:
    """SIGKILL right after the last byte; the file is opened by another process without its help."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from datetime import UTC, datetime\n"
        "from kiosk.evidence.book import Book, Channel\n"
        "sink = Book(Path(sys.argv[1]), settle=3600).sink(Channel.REGISTRAR, '1 x', 'datecs')\n"
        "for number in range(50):\n"
        "    sink.sent(datetime.now(UTC), b'%d' % number)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "evidence.db"
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, env=os.environ, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert stored(path) == [b"%d" % number for number in range(50)]
    again = Book(path)
    talk(again, 1)
    again.close()
    assert check(path) == (53, [])


def test_secrets_are_masked_as_in_the_wire_log(book: Book) -> None:
    log = WireLog(SystemClock())
    log.sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    log.to_device(b"password 751426", b"password ******")
    assert stored(book.path) == [b"password ******"]


def test_what_is_no_book_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "evidence.db").write_bytes(b"something else " * 1000)
    with pytest.raises(EvidenceError, match="cannot be opened"):
        Book(tmp_path / "evidence.db")
    with pytest.raises(EvidenceError, match="cannot be read"):
        reader(tmp_path / "evidence.db")
    with pytest.raises(EvidenceError, match="no evidence book"):
        reader(tmp_path / "absent.db")
