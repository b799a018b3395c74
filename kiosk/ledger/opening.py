"""Opening a database: is it ours, whole and of a version this program knows?

A file is looked at through a read-only connection before anything may write to it, so that a damaged, foreign or
newer one stays byte for byte as it is. Without a write-ahead log beside it the look is `immutable` and leaves no trace
at all; with one (the last program was killed) SQLite reads the log too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, inspect, text

from drivers.clock import Clock
from kiosk.ledger import migrations
from kiosk.ledger.engine import BUSY_TIMEOUT, Database, postgresql_engine, sqlite_engine
from kiosk.ledger.errors import Damaged, LedgerError, Newer

APPLICATION_ID = 0x4B415341
"""«KASA» in the file's header: says whose SQLite file this is."""
MAGIC = b"SQLite format 3\0"
SMALL = 5_000
"""Rows of a table up to which all of its pages are looked at when the file is opened."""
NEWEST = 100
EMPTY, CURRENT = "", "head"

log = logging.getLogger(__name__)


def open_file(path: Path, clock: Clock) -> Database:
    """Open or make the file. Raises `Damaged` or `Newer` and leaves the file untouched; `LedgerError` for no place."""
    try:
        revision = _look(path)
        if revision == EMPTY:
            _make_private(path)
        elif revision != migrations.REVISIONS[-1]:
            copy = _copy(path, revision, clock.now())
            log.warning("upgrading %s from revision %s; the old one is kept in %s", path, revision, copy)
    except (OSError, sqlite3.OperationalError) as error:
        raise LedgerError("storage", f"the ledger cannot be kept at {path}: {error}") from error
    database = Database(sqlite_engine(path))
    try:
        if revision != migrations.REVISIONS[-1]:
            _upgrade_file(database)
        with database.write():
            # Nothing to write: a file that cannot be written to is better met now than at the first sale.
            pass
    except BaseException:
        database.engine.dispose()
        raise
    return database


def open_server(url: str) -> Database:
    """Open or fill a PostgreSQL database. The server's own dump is the copy to make before an upgrade."""
    database = Database(postgresql_engine(url))
    try:
        with database.write() as connection:
            revision = _server_revision(connection)
            if revision != migrations.REVISIONS[-1]:
                _run(connection)
    except BaseException:
        database.engine.dispose()
        raise
    return database


def check_file(path: Path) -> None:
    """Prove that a closed file is a whole database of ours. Raises `Damaged` or `Newer`."""
    if _look(path) == EMPTY:
        raise Damaged("damaged", f"{path} holds no till's database")


def _look(path: Path) -> str:
    """The revision of the file, `EMPTY` for none yet."""
    if not path.exists() or (path.stat().st_size == 0 and not _log_of(path)):
        return EMPTY
    if not path.is_file():
        raise Damaged("damaged", f"{path} is not a file")
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        raise Damaged("unreadable", f"{path} cannot be read: {error.strerror}") from error
    if head and head != MAGIC:
        raise Damaged("damaged", f"{path} is not a database; keep the file and restore a backup beside it")
    mode = "mode=ro" if _log_of(path) else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True)) as connection:
            connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
            return _revision(connection, path)
    except sqlite3.DatabaseError as error:
        raise Damaged("damaged", f"{path} is damaged ({error}); keep the file and restore a backup") from error


def _log_of(path: Path) -> bool:
    log_file = path.with_name(path.name + "-wal")
    return log_file.exists() and log_file.stat().st_size > 0


def _revision(connection: sqlite3.Connection, path: Path) -> str:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    if not tables and owner in (0, APPLICATION_ID):
        # A till that was killed while it made its first database leaves an empty one.
        return EMPTY
    if owner != APPLICATION_ID or migrations.VERSION_TABLE not in tables:
        raise Damaged("foreign", f"{path} is the database of another program")
    for table in _worth_a_look(connection, tables):
        (verdict,) = connection.execute(f'PRAGMA quick_check("{table}")').fetchone()
        if verdict != "ok":
            raise Damaged("damaged", f"{path} is damaged ({verdict}); keep the file and restore a backup")
    rows = connection.execute(f"SELECT version_num FROM {migrations.VERSION_TABLE}").fetchall()
    return _known([str(row[0]) for row in rows], str(path))


def _worth_a_look(connection: sqlite3.Connection, tables: Iterable[str]) -> list[str]:
    """The tables whose every page is looked at when the file is opened.

    A start may not take longer the longer a shop lives, and SQLite cannot look at a part of a table. So it is the
    small ones; of a table that has grown the newest rows are read, and `kiosk check` looks at the rest. A bad page that
    is met later is told then (`Damaged`), before anything is stored.
    """
    small = []
    for table in sorted(tables):
        (rows,) = connection.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{table}" LIMIT {SMALL + 1})').fetchone()
        if rows <= SMALL:
            small.append(table)
        else:
            connection.execute(f'SELECT * FROM "{table}" ORDER BY rowid DESC LIMIT {NEWEST}').fetchall()
    return small


def _known(rows: list[str], where: str) -> str:
    if len(rows) != 1:
        raise Damaged("damaged", f"{where} does not say which version made it")
    if rows[0] not in migrations.REVISIONS:
        raise Newer("newer", f"{where} was made by a newer version (revision {rows[0]}); update this program")
    return rows[0]


def _make_private(path: Path) -> None:
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    _sync(path.parent)


def _copy(path: Path, revision: str, now: datetime) -> Path:
    """A whole copy beside the file, on the disk before the upgrade begins."""
    copy = path.with_name(f"{path.name}.{revision}-{now:%Y%m%dT%H%M%S%fZ}.backup")
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        _sync(copy.parent)
        check_file(copy)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy


def _upgrade_file(database: Database) -> None:
    """One transaction: all revisions or none. Another till that starts at the same time waits and finds it done."""
    with database.engine.connect() as setting:
        # Foreign keys cannot be switched inside a transaction, and a revision may rebuild a table others refer to.
        raw = setting.connection.dbapi_connection
        assert raw is not None
        raw.rollback()
        raw.execute("PRAGMA foreign_keys=OFF")
    with database.write() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        _run(connection)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise Damaged("damaged", f"the upgrade would leave {len(broken)} dangling references; nothing was changed")
    # The next connection has its foreign keys on again.
    database.engine.dispose()


def _run(connection: Connection) -> None:
    from kiosk.ledger.migrations.upgrade import upgrade

    upgrade(connection)


def _server_revision(connection: Connection) -> str:
    tables = inspect(connection).get_table_names()
    if not tables:
        return EMPTY
    if migrations.VERSION_TABLE not in tables:
        raise Damaged("foreign", "the server's database belongs to another program")
    rows = connection.execute(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")).scalars()
    return _known([str(row) for row in rows], "the server's database")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
