"""The check at a start: it finds what was changed, takes the same time at any size, and refuses clearly."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind
from kiosk import start
from kiosk.config import Settings
from kiosk.ledger import opening
from kiosk.ledger.errors import Damaged
from kiosk.ledger.records import BindingRole
from kiosk.ledger.store import open_ledger


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A ledger with a journal of twelve records, verified up to the third."""
    settings = Settings(data=str(tmp_path), internet="")
    with open_ledger(settings.ledger_url, SystemClock()) as ledger:
        enterprise = ledger.shop.add_enterprise("ФОП 1", "1234567891")
        binding = ledger.shop.bind(enterprise.id, "Каса 1", "datecs+serial:///dev/null", BindingRole.ACTIVE)
        journal = ledger.journal.of(binding.id)
        for number in range(12):
            if number == 3:
                assert ledger.journal.verify() == 3
            journal.intent(Document(id=UUID(int=number + 1), kind=DocumentKind.ZERO, cashier="Олена"), {"last": number})
    return settings


def spoil(settings: Settings, seq: int) -> None:
    with closing(sqlite3.connect(settings.ledger_url)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE journal SET payload = ? WHERE seq = ?", (b"{}", seq))
        connection.commit()


def test_a_start_goes_on_from_the_last_verified_record(settings: Settings) -> None:
    start.open_till(settings).close()
    with open_ledger(settings.ledger_url, SystemClock()) as ledger:
        # The last verified one is looked at again, and no other.
        assert ledger.journal.verify() == 1


def test_a_start_refuses_a_journal_that_was_changed(settings: Settings) -> None:
    spoil(settings, 7)
    before = Path(settings.ledger_url).read_bytes()
    with pytest.raises(Damaged, match="damaged at record 7"):
        start.open_till(settings)
    assert Path(settings.ledger_url).read_bytes() == before


def test_what_a_start_has_no_time_for_is_the_next_ones(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.ledger.journal.BATCH", 4)
    monkeypatch.setattr(start, "AT_START", 4)
    spoil(settings, 11)
    start.open_till(settings).close()
    start.open_till(settings).close()
    with pytest.raises(Damaged, match="damaged at record 11"):
        start.open_till(settings)


def test_the_whole_is_looked_at_on_demand(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page in the middle of a big table is no matter of the start, but of `kiosk check`."""
    with open_ledger(settings.ledger_url, SystemClock()) as ledger, ledger.database.write() as connection:
        for number in range(400):
            connection.exec_driver_sql("INSERT INTO settings (name, value) VALUES (?, ?)", (f"s{number:04}", "x" * 200))
    path = Path(settings.ledger_url)
    data = bytearray(path.read_bytes())
    page = data.index(b"s0200") // 4096 * 4096
    data[page : page + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(Damaged):
        open_ledger(settings.ledger_url, SystemClock())
    monkeypatch.setattr(opening, "SMALL", 100)
    open_ledger(settings.ledger_url, SystemClock()).close()
    with pytest.raises(Damaged):
        start.check(settings)
