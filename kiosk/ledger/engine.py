"""One database behind two verbs: `read()` and `write()`, each one transaction.

Writes are taken one at a time: BEGIN IMMEDIATE on SQLite (a transaction that starts late would meet SQLITE_BUSY), an
advisory lock on PostgreSQL, so that "the last number plus one" is safe on both. On SQLite each commit is on the disk
when `write()` returns: WAL with synchronous=FULL (kiosk-platform.md §6.5).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError

from kiosk.ledger.errors import Damaged, LedgerError

log = logging.getLogger(__name__)

BUSY_TIMEOUT = 5_000
"""Milliseconds to wait for another program that writes."""
WRITER_LOCK = 0x4B415341
"""Key of PostgreSQL's advisory lock of the one writer."""
BROKEN = ("malformed", "not a database", "disk image")


class Database:
    """An open database. `read` and `write` may be used from any thread; they do not nest."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sqlite = engine.dialect.name == "sqlite"
        self._reader = engine.execution_options(kasa_begin="BEGIN")
        self._writer = engine.execution_options(kasa_begin="BEGIN IMMEDIATE")
        self._one_writer = threading.Lock()
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view. Raises `Damaged` or `LedgerError` when the storage fails."""
        with self._faults(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One durable change. Raises `Damaged` or `LedgerError`; then nothing was changed."""
        with self._one_writer, self._faults(), self._writer.begin() as connection:
            if not self.sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
            yield connection

    def insert(self, table: Any) -> Any:
        """An INSERT of this dialect, which knows ON CONFLICT."""
        if self.sqlite:
            from sqlalchemy.dialects.sqlite import insert as sqlite_insert

            return sqlite_insert(table)
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(table)

    def look_through(self) -> None:
        """Look at every page of an SQLite file, however long it takes. Raises `Damaged`; a server looks for itself."""
        if not self.sqlite:
            return
        with self.read() as connection:
            (verdict,) = connection.exec_driver_sql("PRAGMA quick_check(1)").one()
        if verdict != "ok":
            raise Damaged("damaged", f"the database is damaged ({verdict}); keep the file and restore a backup")

    def close(self) -> None:
        with self._one_writer:
            if self._closed:
                return
            self._closed = True
            try:
                if self.sqlite:
                    with self.engine.connect() as connection:
                        raw: Any = connection.connection.dbapi_connection
                        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except (DBAPIError, sqlite3.Error) as error:
                # Nothing is lost: what was committed stays in the log until somebody can fold it in.
                log.warning("the write-ahead log was not folded in: %s", getattr(error, "orig", error))
            finally:
                self.engine.dispose()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        if self._closed:
            raise LedgerError("closed", "the ledger is closed")
        try:
            yield
        except IntegrityError as error:
            raise LedgerError("integrity", f"the books forbid this change: {error.orig}") from error
        except DBAPIError as error:
            if self.sqlite and isinstance(error, DatabaseError) and any(word in str(error.orig) for word in BROKEN):
                raise Damaged("damaged", f"the database is damaged: {error.orig}") from error
            raise LedgerError("storage", f"the database did not take the change: {error.orig}") from error


def sqlite_engine(path: Path) -> Engine:
    """An engine for one file, durable and with foreign keys on."""
    engine = create_engine(URL.create("sqlite+pysqlite", database=str(path)), pool_size=8, max_overflow=24)
    event.listen(engine, "connect", _settle_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def postgresql_engine(url: str) -> Engine:
    """An engine for a server; needs the extra `postgres`."""
    _, _, rest = url.partition("://")
    return create_engine(f"postgresql+psycopg://{rest}", pool_pre_ping=True)


def _settle_sqlite(connection: Any, _: object) -> None:
    # The driver must not open transactions by itself: `_begin` does, and it says which kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("kasa_begin", "BEGIN"))
