"""The till as it starts: evidence from the first byte, and a book that was cut is told at the next start."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.config import Settings
from kiosk.evidence.book import reader
from kiosk.evidence.reading import exchanges
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import ReceiptState
from kiosk.start import open_till


@pytest.fixture
def settings(tmp_path: Path, url: str) -> Settings:
    return Settings(data=str(tmp_path / "data"), registrar=url, demo=True, internet="")


def trade(settings: Settings) -> None:
    till = open_till(settings)
    try:
        till.people.login_badge("2000000001")
        binding = till.workplace.main_binding()
        if till.shifts.current(binding) is None:
            till.shifts.open(binding, counted=0, float_=0)
        till.sale.pick(next(good for good in till.workplace.ledger.goods.page("", 50) if not good.weighed), 1000)
        paid = till.sale.pay(received=till.sale.basket.total + 100)
        assert paid.state is ReceiptState.DONE, paid.fault
    finally:
        till.close()


def test_every_sale_is_in_the_evidence_and_in_the_command(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trade(settings)
    connection = reader(settings.folder / "evidence.db")
    found = list(exchanges(connection))
    connection.close()
    documents = {e.question.document for e in found if e.question.document}
    assert len(documents) == 1 and any(b"\x01" in e.sent for e in found)
    data = ["--data", str(settings.folder)]
    assert main(["evidence", "list", *data, "--documents"]) == 0
    listed = capsys.readouterr().out
    assert "close receipt" in listed and "answered" in listed
    number = next(line.split()[0] for line in listed.splitlines() if "article" in line)
    assert main(["evidence", "show", number, *data]) == 0
    assert "programming:" in capsys.readouterr().out
    assert main(["evidence", "search", "hex: 01", *data, "--most", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["evidence", "search", "+380671234567", *data]) == 0
    assert capsys.readouterr().out == ""
    assert main(["evidence", "check", *data]) == 0
    assert main(["evidence", "absence", *data]) == 0
    assert "none of them was found" in capsys.readouterr().out
    proof = tmp_path / "proof.zip"
    assert main(["evidence", "export", str(proof), *data]) == 0
    assert main(["evidence", "verify", str(proof)]) == 0
    assert "the proof holds" in capsys.readouterr().out
    assert main(["evidence", "show", "999999", *data]) == 2
    assert main(["evidence", "list", "--data", str(tmp_path / "nothing")]) == 2


def test_a_book_that_was_cut_is_told_at_the_next_start(settings: Settings) -> None:
    trade(settings)
    trade(settings)
    till = open_till(settings)
    assert till.workplace.ledger.audit.records(action="evidence_flaw") == []
    till.close()
    with sqlite3.connect(settings.folder / "evidence.db") as connection:
        connection.execute("DROP TRIGGER no_removal")
        connection.execute("DELETE FROM messages WHERE seq > 10")
    connection.close()
    till = open_till(settings)
    (record,) = till.workplace.ledger.audit.records(action="evidence_flaw")
    assert not record.allowed and record.detail["record"] == 11
    till.close()


def test_a_file_that_is_no_evidence_stops_the_start_in_words(settings: Settings) -> None:
    settings.folder.mkdir(parents=True)
    (settings.folder / "evidence.db").write_bytes(b"something else " * 500)
    with pytest.raises(LedgerError, match="evidence book"):
        open_till(settings)
    assert (settings.folder / "evidence.db").read_bytes().startswith(b"something else")
