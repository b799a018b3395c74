"""`open_ledger` opens the till's memory; `SqlLedger` is the whole of it, one file a room behind it.

SQLite by default, one file in WAL. A PostgreSQL URL serves a shop with many tills (extra `postgres`).
"""

from __future__ import annotations

from pathlib import Path

from drivers.clock import Clock
from kiosk.ledger.audit import SqlAudit
from kiosk.ledger.engine import Database
from kiosk.ledger.goods import SqlGoods
from kiosk.ledger.interface import Audit, FiscalJournal, Goods, Orders, People, Receipts, Shifts, Shop
from kiosk.ledger.journal import SqlJournal
from kiosk.ledger.opening import open_file, open_server
from kiosk.ledger.orders import SqlOrders
from kiosk.ledger.people import SqlPeople
from kiosk.ledger.receipts import SqlReceipts
from kiosk.ledger.shifts import SqlShifts
from kiosk.ledger.shop import SqlShop


def open_ledger(url_or_path: str | Path, clock: Clock) -> SqlLedger:
    """Open the ledger, making or upgrading it where needed.

    A path or `sqlite:///path` is a file; `postgresql://…` a server. An older file is copied beside itself before it
    is upgraded. Raises `Damaged` for a file that does not hold together or belongs to another program, `Newer` for one
    made by a newer version; both leave the file byte for byte as it was.
    """
    address = str(url_or_path)
    scheme, separator, rest = address.partition("://")
    if separator and scheme.split("+")[0] in ("postgresql", "postgres"):
        return SqlLedger(open_server(address), clock)
    if separator and scheme.split("+")[0] != "sqlite":
        raise ValueError(f"no ledger can be kept at {scheme}://; give a path, sqlite:///PATH or postgresql://…")
    return SqlLedger(open_file(Path(rest[1:] if separator else address), clock), clock)


class SqlLedger:
    """The whole memory of a till; answers `kiosk.ledger.interface.Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self.people: People = SqlPeople(database)
        self.shop: Shop = SqlShop(database)
        self.goods: Goods = SqlGoods(database)
        self.shifts: Shifts = SqlShifts(database)
        self.receipts: Receipts = SqlReceipts(database)
        self.orders: Orders = SqlOrders(database)
        self.journal: FiscalJournal = SqlJournal(database, clock)
        self.audit: Audit = SqlAudit(database)

    @property
    def database(self) -> Database:
        """For backups and the technician's questions."""
        return self._database

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        self._database.close()

    def __enter__(self) -> SqlLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
