"""*Доказ*: signed, verified by a stranger, and every tampering named. The absence report counts and shows."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.evidence import private
from kiosk.evidence.absence import search_all, stands_alone
from kiosk.evidence.book import Book, Channel, EvidenceError
from kiosk.evidence.index import Index
from kiosk.evidence.private import Value
from kiosk.evidence.proof import export, fingerprint, installation_key, verify

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PHONE = Value("phone", "customers.phone", "+380 67 123-45-67", ("+380 67 123-45-67", "380671234567", "671234567"))
PRICE = Value("purchase price", "goods.purchase", "1250", ("1250", "12.50"), exact=True)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    book = Book(tmp_path / "evidence.db")
    sink = book.sink(Channel.REGISTRAR, "1 x", "datecs")
    for number in range(20):
        sink.sent(NOW, b"sale %d" % number, "POST /doc")
        sink.received(NOW, b"done")
    yield book
    book.close()


@pytest.fixture
def proof(book: Book, tmp_path: Path) -> Path:
    path = tmp_path / "proof.zip"
    with Index(book.path) as index:
        report = search_all(index, [PHONE, PRICE])
        assert export(index, report, installation_key(tmp_path), path, NOW)
    return path


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return other


def test_a_proof_holds_and_tells_whose_it_is(proof: Path, tmp_path: Path) -> None:
    verdict = verify(proof)
    assert verdict.holds and verdict.records == 40 and verdict.made == NOW.isoformat()
    key = installation_key(tmp_path)
    assert verdict.fingerprint == fingerprint(key.public_key())
    assert (tmp_path / "evidence-key.pem").stat().st_mode & 0o777 == 0o600
    assert main(["evidence", "verify", str(proof)]) == 0
    assert main(["evidence", "verify", str(proof), "--key", verdict.fingerprint]) == 0
    assert main(["evidence", "verify", str(proof), "--key", "0000 " * 8]) == 1


def _other_record(parts: dict[str, bytes]) -> None:
    parts["messages.ndjson"] = parts["messages.ndjson"].replace(
        base64.b64encode(b"sale 7"), base64.b64encode(b"sale 8"), 1
    )


def _lost_record(parts: dict[str, bytes]) -> None:
    lines = parts["messages.ndjson"].splitlines(keepends=True)
    parts["messages.ndjson"] = b"".join(lines[:10] + lines[11:])


def _nicer_report(parts: dict[str, bytes]) -> None:
    parts["absence.json"] = json.dumps(json.loads(parts["absence.json"]) | {"exchanges": 0}).encode()


def _other_manifest(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = parts["manifest.json"].replace(b'"records": 40', b'"records": 39')


def _other_signature(parts: dict[str, bytes]) -> None:
    parts["manifest.sig"] = base64.b64encode(b"\x00" * 64)


def _no_signature(parts: dict[str, bytes]) -> None:
    del parts["manifest.sig"]


def _stranger(parts: dict[str, bytes]) -> None:
    parts["virus.exe"] = b"MZ"


def _garbage(parts: dict[str, bytes]) -> None:
    parts["messages.ndjson"] = b"[1, 2]\n" + parts["messages.ndjson"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_other_record, "record 15"),
        (_lost_record, "record 11"),
        (_nicer_report, "absence.json was changed"),
        (_other_manifest, "signature"),
        (_other_signature, "signature"),
        (_no_signature, "manifest.sig is missing"),
        (_stranger, "virus.exe does not belong here"),
        (_garbage, "messages.ndjson was changed"),
    ],
)
def test_every_tampering_is_named(proof: Path, change: Callable[[dict[str, bytes]], None], named: str) -> None:
    other = repacked(proof, change)
    verdict = verify(other)
    assert not verdict.holds and any(named in problem for problem in verdict.problems), verdict.problems
    assert main(["evidence", "verify", str(other)]) == 1


def test_signed_again_with_another_key_shows_another_fingerprint(proof: Path, book: Book, tmp_path: Path) -> None:
    (tmp_path / "thief").mkdir()
    with Index(book.path) as index:
        stolen = tmp_path / "stolen.zip"
        assert export(index, search_all(index, []), installation_key(tmp_path / "thief"), stolen, NOW)
    assert verify(stolen).holds and verify(stolen).fingerprint != verify(proof).fingerprint


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 half", b"not a zip at all" * 100])
def test_what_is_no_proof_is_refused(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(EvidenceError, match="no proof"):
        verify(path)
    assert main(["evidence", "verify", str(path)]) == 2
    assert main(["evidence", "verify", str(tmp_path / "absent.zip")]) == 2
    assert "evidence:" in capsys.readouterr().err


def test_a_flawed_book_is_exported_with_its_flaws(book: Book, tmp_path: Path) -> None:
    import sqlite3

    book.close()
    with sqlite3.connect(book.path) as connection:
        connection.execute("DROP TRIGGER no_change")
        connection.execute("UPDATE messages SET data = CAST('sale X' AS BLOB) WHERE seq = 9")
    connection.close()
    path = tmp_path / "proof.zip"
    with Index(book.path) as index:
        assert export(index, search_all(index, []), installation_key(tmp_path), path, NOW)
    verdict = verify(path)
    assert verdict.problems == (
        "record 9: the record does not fit the chain: it or the one before was changed (known when it was exported)",
    )
    assert main(["evidence", "check", "--data", str(tmp_path)]) == 1


def test_an_export_that_is_cancelled_leaves_nothing(book: Book, tmp_path: Path) -> None:
    path = tmp_path / "proof.zip"
    with Index(book.path) as index:
        assert not export(index, search_all(index, []), installation_key(tmp_path), path, NOW, lambda done, of: False)
    assert not path.exists() and not list(tmp_path.glob("*.part"))


def test_hits_are_counted_and_shown(book: Book) -> None:
    sink = book.sink(Channel.BANK, "bank", "")
    sink.sent(NOW, b"order of 0671234567")
    bank = book.head[0]
    with Index(book.path) as index:
        report = search_all(index, [PHONE, PRICE, replace(PHONE, text="x", forms=("x",))])
        (hit,) = report.hits
        assert (hit.count, hit.exchanges, hit.channels, hit.column) == (1, (bank,), ("bank",), "customers.phone")
        assert report.clean, "a bank is not the tax service"
        assert (report.sought, report.short) == ({"phone": 1, "purchase price": 1}, {"phone": 1})
    book.sink(Channel.REGISTRAR, "1 x", "datecs").sent(NOW, "Тел. 0671234567, ціна 12.50".encode("cp1251"))
    with Index(book.path) as index:
        report = search_all(index, [PHONE, PRICE])
        assert [hit.kind for hit in report.hits] == ["phone", "purchase price"] and not report.clean
        assert report.hits[0].count == 2
        cancelled = search_all(index, [PHONE], lambda done, of: False)
        assert not cancelled.complete and not cancelled.clean


def test_a_price_is_no_part_of_another_number() -> None:
    assert stands_alone(b"sum 12.50 UAH", b"12.50") and stands_alone(b"112.50 12.50", b"12.50")
    assert not stands_alone(b"112.50", b"12.50") and not stands_alone(b"12.501", b"12.50")


@pytest.mark.parametrize(
    ("text", "forms", "exact"),
    [
        ("+380 67 123-45-67", {"380671234567", "671234567"}, False),
        ("0671234567", {"671234567"}, False),
        ("380671234567", {"671234567"}, False),
        ("2000000001", set(), True),
        ("7", set(), True),
        ("Їжак", {"їжак", "ЇЖАК"}, False),
    ],
)
def test_how_a_value_may_be_written(text: str, forms: set[str], exact: bool) -> None:
    value = private._value("x", "customers.x", text, set())
    assert forms <= set(value.forms) and text in value.forms and value.exact is exact
    price = private._value("x", "goods.purchase", "1250", set())
    assert {"1250", "12.50", "12,50"} == set(price.forms) and price.exact


def test_values_that_were_not_found_are_not_given_away(proof: Path) -> None:
    with zipfile.ZipFile(proof) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"123-45-67" not in everything and b"671234567" not in everything
