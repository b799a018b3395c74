"""The command's journal: a chain that shows damage, one writer, and power cuts at any byte."""

from __future__ import annotations

import json
import resource
import uuid
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind
from drivers.emulation.command import build
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.server import EmulatorServer
from drivers.errors import Code, Invalid
from drivers.journal import FileJournal, read
from drivers.registrar import FaultInfo, Result, State
from drivers.registry import connect
from drivers.road import walk

DONE = Result(State.REGISTERED, number="7", total=100, at=SystemClock().now(), fault=FaultInfo("OFFLINE", "x"))
UNSURE = Result(State.UNKNOWN)


def cash(amount: int = 100) -> Document:
    return Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=amount)


def journal(path: Path, registrar: str = "") -> FileJournal:
    return FileJournal(path, SystemClock(), registrar)


def filled(path: Path, count: int = 3) -> list[Document]:
    documents = [cash(100 + number) for number in range(count)]
    with journal(path) as book:
        for document in documents:
            book.intent(document, {"last": 1})
            book.outcome(document, DONE)
    return documents


def test_an_intent_is_open_until_its_outcome_is_final(tmp_path: Path) -> None:
    path, document = tmp_path / "deep" / "journal", cash()
    with journal(path) as book:
        assert book.open_intent(document) is None and book.settled(document) is None
        book.intent(document, {"last": 1, "serial": "AB"})
        book.outcome(document, UNSURE)
    with journal(path) as book:
        assert book.open_intent(document) == {"last": 1, "serial": "AB"}
        assert book.open_intents() == [(document, {"last": 1, "serial": "AB"})]
        book.outcome(document, DONE)
        assert book.open_intent(document) is None and book.open_intents() == []
    with journal(path) as book:
        assert book.settled(document) == DONE


def test_an_intent_after_a_rejection_opens_the_matter_anew(tmp_path: Path) -> None:
    """Killed right after the second intent, the document may have gone out: the old rejection answers nothing."""
    path, document = tmp_path / "journal", cash()
    with journal(path) as book:
        book.intent(document, {"last": 1})
        book.outcome(document, Result(State.REJECTED, fault=FaultInfo("PAPER_OUT", "no paper")))
        assert book.settled(document) is not None and book.open_intent(document) is None
        book.intent(document, {"last": 2})
    with journal(path) as book:
        assert book.settled(document) is None
        assert book.open_intent(document) == {"last": 2}
        assert book.open_intents() == [(document, {"last": 2})]
        book.outcome(document, DONE)
        assert book.settled(document) == DONE and book.open_intent(document) is None


@pytest.mark.parametrize("reached", [False, True])
def test_the_road_asks_before_it_sends_again(tmp_path: Path, reached: bool) -> None:
    """The same through the road and a real protocol: intent, rejection, intent, killed before or after the act."""
    document = cash(2500)
    machine = build("datecs", {"cash": "0"}, None, None, FaultPlan())
    with EmulatorServer(machine, PtyLine(tmp_path / "tty")) as server:
        registrar = connect(f"datecs+serial://{server.address}?silence_ms=150&working_ms=300")
        with journal(tmp_path / "journal") as book:
            before = registrar.snapshot(document)
            book.intent(document, before)
            book.outcome(document, Result(State.REJECTED, fault=FaultInfo("PAPER_OUT", "no paper")))
            book.intent(document, before)
            if reached:
                assert registrar.register(document, before).done
        with journal(tmp_path / "journal") as book:
            result = walk(registrar, document, book, SystemClock(), patience=1, ask_again=0.1)
        assert result.state is State.REGISTERED
        registrar.close()
        assert len(server.registers()["journal"]) == 1 and server.registers()["drawer"] == 2500


def test_open_intents_belong_to_a_registrar(tmp_path: Path) -> None:
    first, second = cash(), cash()
    with journal(tmp_path / "journal", "one") as book:
        book.intent(first, {})
    with journal(tmp_path / "journal", "two") as book:
        book.intent(second, {})
        assert [document for document, _ in book.open_intents()] == [second]


def test_another_document_under_the_same_id(tmp_path: Path) -> None:
    document = cash(100)
    with journal(tmp_path / "journal") as book:
        book.intent(document, {})
        other = Document(id=document.id, kind=DocumentKind.CASH_IN, amount=101)
        with pytest.raises(Invalid) as caught:
            book.settled(other)
    assert caught.value.field == "id"


def test_a_power_cut_at_any_byte_of_the_last_record(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    document = filled(path)[-1]
    whole = path.read_bytes()
    before = whole[: whole.rstrip(b"\n").rfind(b"\n") + 1]
    for length in range(len(before), len(whole), 13):
        path.write_bytes(whole[:length])
        assert len(list(read(path))) == 5
        assert path.read_bytes() == whole[:length], "a reader must not touch the file"
        with journal(path) as book:
            assert book.open_intent(document) is not None
            book.outcome(document, DONE)
        assert len(list(read(path))) == 6


@pytest.mark.parametrize("damage", ["flip", "remove", "swap", "insert", "edit"])
def test_damage_shows(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal"
    filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == "flip":
        lines[2] = lines[2][:40] + bytes([lines[2][40] ^ 1]) + lines[2][41:]
    elif damage == "remove":
        del lines[2]
    elif damage == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif damage == "insert":
        lines.insert(2, b"\n")
    else:
        record = json.loads(lines[2])
        record["document"]["amount"] = 1
        lines[2] = json.dumps(record).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    damaged = path.read_bytes()
    with pytest.raises(Invalid, match="damaged"):
        journal(path)
    assert path.read_bytes() == damaged
    path.write_bytes(b"")
    journal(path).__exit__()  # the refusal above left no lock behind


def test_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with journal(path):
        with pytest.raises(Invalid) as caught:
            journal(path)
        assert caught.value.code is Code.BUSY
        assert list(read(path)) == []
    journal(path).__exit__()


def test_a_full_disk_leaves_no_half_record(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    filled(path, 1)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with journal(path) as book:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
        try:
            with pytest.raises(OSError, match=r"room|large"):
                book.intent(cash(), {})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == before
        book.intent(cash(), {})
    assert len(list(read(path))) == 3


def test_no_file_is_an_empty_journal(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == []
