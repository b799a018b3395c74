"""Which files open, which are upgraded, and which are refused and left untouched."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from kiosk.ledger import migrations, opening
from kiosk.ledger.errors import Damaged, LedgerError, Newer
from kiosk.ledger.migrations.upgrade import config, upgrade
from kiosk.ledger.models import Base
from kiosk.ledger.store import open_ledger
from tests.kiosk.ledger.world import Shop, TestClock, build

SECOND = '''
"""Add a note to a good."""
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{last}"


def upgrade() -> None:
    op.add_column("goods", sa.Column("remark", sa.Text(), server_default="-"))
    op.execute({statement!r})
'''


@pytest.fixture
def made(path: Path, clock: TestClock) -> Path:
    """A closed database with a shop and one sale in it."""
    shop = build(path, clock)
    shop.sell(shop.bread)
    shop.ledger.close()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


@contextmanager
def refused(path: Path, kind: type[LedgerError]) -> Iterator[None]:
    """Opening raises `kind` and changes no byte of the file nor of its log, and makes no other file."""
    before = files(path)
    with pytest.raises(kind) as caught:
        open_ledger(path, TestClock())
    assert type(caught.value) is kind
    after = files(path)
    after.pop(f"{path.name}-shm", None), before.pop(f"{path.name}-shm", None)
    assert after == before
    yield


@contextmanager
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str = "SELECT 1") -> Iterator[None]:
    """The program as it will be with one revision more."""
    folder = tmp_path / "more"
    folder.mkdir(exist_ok=True)
    last = migrations.REVISIONS[-1]
    (folder / "next_remark.py").write_text(SECOND.format(statement=statement, last=last))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, "next"))
        patch.setattr(migrations, "LOCATIONS", (*migrations.LOCATIONS, folder))
        yield


def test_a_new_ledger_is_private(shop: Shop, path: Path) -> None:
    shop.sell(shop.bread)
    assert mode(path.parent) == 0o700
    for file in path.parent.iterdir():
        assert mode(file) == 0o600, file


def test_every_connection_is_durable(shop: Shop) -> None:
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    with shop.ledger.database.read() as one, shop.ledger.database.write() as other:
        for connection in (one, other):
            for name, value in pragmas.items():
                assert connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() == value, name


def test_what_was_stored_is_there_again(made: Path, clock: TestClock) -> None:
    with open_ledger(str(made), clock) as ledger:
        receipt = ledger.receipts.by_number(1)
        assert receipt is not None
        assert receipt.lines[0].name == "Хліб"
    with open_ledger(f"sqlite:///{made}", clock) as ledger:
        assert ledger.goods.count() == 2
    assert [file.name for file in made.parent.iterdir()] == [made.name], "no copy was made, the log was folded in"


def test_a_closed_ledger_says_so(shop: Shop) -> None:
    shop.ledger.close()
    shop.ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        shop.ledger.goods.count()
    with pytest.raises(LedgerError, match="closed"):
        shop.ledger.shop.set_setting("a", "b")


def test_other_addresses_are_refused(clock: TestClock) -> None:
    with pytest.raises(ValueError, match="mysql"):
        open_ledger("mysql://localhost/till", clock)


def test_the_revisions_are_the_ones_alembic_sees() -> None:
    walked = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()]
    assert tuple(reversed(walked)) == migrations.REVISIONS


def test_the_revisions_make_what_the_models_say(shop: Shop) -> None:
    with shop.ledger.database.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_name": lambda name, kind, _: not str(name).startswith("goods_fts")},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_an_older_database_is_copied_and_upgraded(
    made: Path, clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(made)) as connection:
        before = list(connection.iterdump())
    with second_revision(tmp_path, monkeypatch):
        with open_ledger(made, clock) as ledger:
            assert ledger.receipts.by_number(1) is not None
            assert ledger.journal.verify(full=True) == 2
            with ledger.database.read() as connection_:
                assert connection_.exec_driver_sql("SELECT remark FROM goods").scalars().all() == ["-", "-"]
                assert connection_.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        (copy,) = made.parent.glob("*.backup")
        assert copy.name.startswith(f"{made.name}.{migrations.REVISIONS[-2]}-2026")
        assert mode(copy) == 0o600
        with closing(sqlite3.connect(copy)) as connection:
            # A vacuumed copy may list its indexes and triggers in another order.
            assert sorted(connection.iterdump()) == sorted(before)
        open_ledger(made, clock).close()
        assert list(made.parent.glob("*.backup")) == [copy], "an upgraded database is copied no more"
    with refused(made, Newer):
        pass


def test_a_database_of_the_first_version_opens_with_its_goods(
    path: Path, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before orders and stamps: the file is copied, upgraded, and both rooms work on it."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", ("0001",))
        patch.setattr(opening, "_run", lambda connection: upgrade(connection, "0001"))
        shop = build(path, clock)
        shop.ledger.shop.set_setting("old", "yes")
        shop.ledger.close()
    reopened = open_ledger(path, clock)
    shop.ledger = reopened
    with reopened:
        assert len(list(path.parent.glob("*.0001-*.backup"))) == 1
        assert reopened.shop.setting("old") == "yes"
        assert reopened.orders.open_orders() == []
        assert not reopened.orders.stamp_is_out("АААА123456")
        assert shop.sell(shop.bread).number == 1


def test_a_failed_upgrade_changes_nothing(
    made: Path, clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with second_revision(tmp_path, monkeypatch, "INSERT INTO no_such_table VALUES (1)"), pytest.raises(LedgerError):
        open_ledger(made, clock)
    with open_ledger(made, clock) as ledger:
        assert ledger.receipts.by_number(1) is not None


def test_an_upgrade_that_leaves_dangling_references_changes_nothing(
    made: Path, clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        second_revision(tmp_path, monkeypatch, "DELETE FROM receipts"),
        pytest.raises(Damaged, match="dangling"),
    ):
        open_ledger(made, clock)
    with open_ledger(made, clock) as ledger:
        assert ledger.receipts.by_number(1) is not None


def test_a_newer_database_is_left_untouched(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for log in made.parent.glob("*-*"):
        log.unlink()
    with refused(made, Newer):
        pass


def test_a_newer_database_with_its_log_is_left_untouched(made: Path, tmp_path: Path) -> None:
    """The version stands in the log only, as after a power cut."""
    connection = sqlite3.connect(made)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    cut = tmp_path / "cut" / made.name
    cut.parent.mkdir()
    for suffix in ("", "-wal"):
        (cut.parent / (cut.name + suffix)).write_bytes((made.parent / (made.name + suffix)).read_bytes())
    connection.close()
    with refused(cut, Newer):
        pass


def test_a_file_of_another_program_is_left_untouched(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.commit()
    with refused(path, Damaged):
        pass


def test_another_programs_alembic_database_is_foreign(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('0001')"
        )
    with refused(path, Damaged):
        pass


NO_DATABASES = {
    "text": b"{}",
    "half a header": b"SQLite format 3",
    "a header": b"SQLite format 3\0",
    "zeros": bytes(8192),
    "noise": bytes(range(1, 256)) * 40,
}


@pytest.mark.parametrize("name", NO_DATABASES)
def test_what_is_no_database_is_left_untouched(path: Path, name: str) -> None:
    path.parent.mkdir()
    path.write_bytes(NO_DATABASES[name])
    with refused(path, Damaged):
        pass


def test_a_folder_is_no_ledger(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(Damaged, match="not a file"):
        open_ledger(path, TestClock())


@pytest.mark.parametrize("half", [1, 2])
def test_a_damaged_database_is_left_untouched(made: Path, half: int) -> None:
    data = bytearray(made.read_bytes())
    middle = len(data) // 2
    if half == 1:
        made.write_bytes(bytes(data[:middle]))
    else:
        data[4096:middle] = b"\xa5" * (middle - 4096)
        made.write_bytes(bytes(data))
    with refused(made, Damaged):
        pass


def test_every_page_that_is_overwritten_is_noticed_or_harmless(made: Path, tmp_path: Path) -> None:
    """Page by page: either the file is refused untouched, or it opens and its chain is whole."""
    whole = made.read_bytes()
    outcomes = {"refused": 0, "opened": 0}
    for page in range(0, len(whole), 4096):
        hurt = tmp_path / f"page{page}" / "ledger.db"
        hurt.parent.mkdir()
        data = whole[:page] + b"\x5a" * 4096 + whole[page + 4096 :]
        hurt.write_bytes(data)
        try:
            ledger = open_ledger(hurt, TestClock())
        except Damaged:
            outcomes["refused"] += 1
            assert hurt.read_bytes() == data
            continue
        with ledger:
            assert ledger.journal.verify(full=True) == 2
        outcomes["opened"] += 1
    assert outcomes["refused"] > outcomes["opened"]


def test_damage_under_way_is_called_damage(shop: Shop, path: Path) -> None:
    shop.sell(shop.bread)
    shop.ledger.close()
    with open_ledger(path, TestClock()) as ledger:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
        with pytest.raises(Damaged):
            ledger.receipts.by_number(1)


@pytest.mark.parametrize("content", ["nothing", "empty", "header"])
def test_a_first_start_that_was_cut_short_is_begun_again(path: Path, content: str, clock: TestClock) -> None:
    path.parent.mkdir()
    if content == "empty":
        path.touch()
    elif content == "header":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        assert path.stat().st_size
    build(path, clock).ledger.close()


def test_a_name_with_odd_characters_works(tmp_path: Path, clock: TestClock) -> None:
    path = tmp_path / "каса №1 100% ?mode=rw#x" / "моя пам’ять.db"
    build(path, clock).ledger.close()
    with open_ledger(path, clock) as ledger:
        assert ledger.goods.count() == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_no_place_for_a_ledger_is_said_plainly(tmp_path: Path, clock: TestClock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot be kept") as caught:
        open_ledger(tmp_path / "file" / "ledger.db", clock)
    assert caught.value.code == "storage"


def test_no_place_for_the_copy_stops_the_upgrade(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.read_bytes()
    clock = TestClock()
    with second_revision(tmp_path, monkeypatch):
        stamp = TestClock().now()
        made.with_name(f"{made.name}.{migrations.REVISIONS[-2]}-{stamp:%Y%m%dT%H%M%S%fZ}.backup").touch()
        with pytest.raises(LedgerError, match="cannot be kept"):
            open_ledger(made, clock)
    assert made.read_bytes() == before


def test_a_full_disk_refuses_and_loses_nothing(shop: Shop) -> None:
    shop.sell(shop.bread)

    def fill(connection: Any, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    shop.ledger.database.engine.dispose()
    event.listen(shop.ledger.database.engine, "connect", fill)
    receipt = shop.receipt(*(shop.line(shop.bread, position=place) for place in range(1, 400)))
    with pytest.raises(LedgerError, match="full") as caught:
        shop.ledger.receipts.begin(receipt, [], [])
    assert caught.value.code == "storage"
    event.remove(shop.ledger.database.engine, "connect", fill)
    shop.ledger.database.engine.dispose()
    assert shop.ledger.receipts.unfinished("каса-1") == []
    assert shop.sell(shop.bread).number == 2


def test_two_programs_may_have_it_open(shop: Shop, path: Path, clock: TestClock) -> None:
    with open_ledger(path, clock) as other:
        shop.sell(shop.bread)
        assert other.receipts.by_number(1) is not None
        other.shop.set_setting("a", "b")
    assert shop.ledger.shop.setting("a") == "b"
