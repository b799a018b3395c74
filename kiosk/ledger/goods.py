"""The catalogue and the regular buyers: lookups for every scan, search for every keystroke (kiosk-platform.md §1.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, text, tuple_

from drivers.document import MAX_MONEY
from kiosk.ledger.engine import Database
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.folding import BEYOND, LONGEST, fold, sort_key
from kiosk.ledger.models import CustomerRow, GoodRow, LineRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import Customer, Good

GOODS = table(GoodRow)
CUSTOMERS = table(CustomerRow)
TRIGRAM = 3
"""Shortest text that the index of trigrams finds."""
LONGEST_CODE = 64
BATCH = 2000


class SqlGoods:
    """Answers `kiosk.ledger.interface.Goods`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_barcode(self, barcode: str) -> Good | None:
        return self._first(GoodRow.barcode == barcode) if _is_code(barcode) else None

    def by_code(self, code: str) -> Good | None:
        return self._first(GoodRow.code == code) if _is_code(code) else None

    def get(self, good_id: int) -> Good | None:
        return self._first(GoodRow.id == good_id)

    def by_codes(self, codes: Iterable[str]) -> dict[str, Good]:
        return {good.code: good for good in self._all(GoodRow.code, codes)}

    def by_barcodes(self, barcodes: Iterable[str]) -> dict[str, Good]:
        found: dict[str, Good] = {}
        for good in self._all(GoodRow.barcode, barcodes):
            found.setdefault(good.barcode, good)
        return found

    def _all(self, column: Any, values: Iterable[str]) -> Iterator[Good]:
        """Goods whose column is one of the values, by id; asked for in parts that a statement can hold."""
        wanted = iter(sorted({value for value in values if _is_code(value)}))
        while part := list(islice(wanted, BATCH)):
            with self._database.read() as connection:
                rows = connection.execute(select(GOODS).where(column.in_(part)).order_by(GoodRow.id)).all()
            yield from map(_good, rows)

    def search(self, text: str, limit: int = 50) -> Sequence[Good]:
        """Codes and barcodes that begin so come first, then names that begin so, then the other names."""
        wanted = fold(text)
        if not wanted or len(wanted) > LONGEST or limit < 1:
            return []
        found: dict[int, Good] = {}
        with self._database.read() as connection:
            if " " not in wanted:
                typed = text.strip()
                for column in (GoodRow.code, GoodRow.barcode):
                    _collect(connection, found, limit, _begins(column, typed), (column, GoodRow.id))
            by_name = (GoodRow.name_key, GoodRow.id)
            _collect(connection, found, limit, _begins(GoodRow.name_key, sort_key(wanted)), by_name)
            _collect(connection, found, limit, self._holds(wanted.split(), limit + len(found)), (GoodRow.id,))
        return list(found.values())[:limit]

    def _holds(self, words: Sequence[str], enough: int) -> ColumnElement[bool]:
        """Names that hold all the words; a word of one or two letters must begin a word of the name."""
        parts = [word if len(word) >= TRIGRAM else f" {word}" for word in words]
        if not self._database.sqlite:
            return and_(*(GoodRow.words.icontains(part, autoescape=True) for part in parts))
        indexed = [part for part in parts if len(part) >= TRIGRAM]
        rest = [GoodRow.words.contains(part, autoescape=True) for part in parts if len(part) < TRIGRAM]
        if not indexed:
            # Single letters only: no index knows them, so the first one must begin the name.
            return and_(_begins(GoodRow.name_key, sort_key(words[0])), *rest)
        return and_(_matches(indexed, None if rest else enough), *rest)

    def page(self, after: str, limit: int) -> Sequence[Good]:
        query = select(GOODS).order_by(GoodRow.name_key, GoodRow.id).limit(limit)
        with self._database.read() as connection:
            if after:
                place = connection.execute(
                    select(GoodRow.name_key, GoodRow.id).where(GoodRow.code == after)
                ).one_or_none()
                if place is None:
                    raise LedgerError("good", f"no good with the code {after}")
                query = query.where(tuple_(GoodRow.name_key, GoodRow.id) > tuple_(place.name_key, place.id))
            return [_good(row) for row in connection.execute(query)]

    def count(self) -> int:
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(GOODS)).scalar_one())

    def put(self, goods: Iterable[Good]) -> int:
        """One transaction for all. Raises `LedgerError` that names the good which cannot be sold so."""
        put = 0
        rows = map(_values, goods)
        statement = self._database.insert(GOODS)
        kept = {column.name: statement.excluded[column.name] for column in GOODS.c if column.name not in ("id", "code")}
        statement = statement.on_conflict_do_update(index_elements=["code"], set_=kept)
        with self._database.write() as connection:
            while batch := list(islice(rows, BATCH)):
                connection.execute(statement, batch)
                put += len(batch)
        return put

    def remove(self, codes: Sequence[str]) -> list[str]:
        """Remove cards that nothing refers to, in one transaction; returns the codes that were sold and stay."""
        stay: list[str] = []
        with self._database.write() as connection:
            for start in range(0, len(codes), BATCH):
                batch = list(codes[start : start + BATCH])
                sold = select(LineRow.good_id).where(LineRow.good_id.is_not(None)).distinct()
                query = select(GoodRow.code).where(GoodRow.code.in_(batch), GoodRow.id.in_(sold))
                kept = [row.code for row in connection.execute(query)]
                stay += kept
                connection.execute(delete(GOODS).where(GoodRow.code.in_(batch), GoodRow.code.not_in(kept)))
        return stay

    def customer(self, card: str) -> Customer | None:
        return self._customer(CustomerRow.card == card) if _is_code(card) else None

    def customer_by_id(self, customer_id: int) -> Customer | None:
        return self._customer(CustomerRow.id == customer_id)

    def find_customers(self, text: str, limit: int = 50) -> Sequence[Customer]:
        """Customers whose name holds every word, or whose card begins so; by name."""
        wanted = fold(text)
        if not wanted or len(wanted) > LONGEST:
            return []
        names = and_(*(CustomerRow.name_ci.contains(word, autoescape=True) for word in wanted.split()))
        matching = or_(names, CustomerRow.card.startswith(text.strip(), autoescape=True))
        query = select(CUSTOMERS).where(matching).order_by(CustomerRow.name_key, CustomerRow.id).limit(limit)
        with self._database.read() as connection:
            return [_buyer(row) for row in connection.execute(query)]

    def add_customer(self, card: str, name: str, discount: int = 0) -> Customer:
        if not _is_code(card) or not name.strip() or not 0 <= discount <= 10_000:
            raise LedgerError("customer", "a customer needs a card, a name and a discount of 0 to 100 %")
        folded = fold(name)
        values = {"card": card, "name": name, "name_ci": folded, "name_key": sort_key(folded), "discount": discount}
        with self._database.write() as connection:
            if connection.execute(select(CustomerRow.id).where(CustomerRow.card == card)).first():
                raise LedgerError("card", f"the card {card} belongs to another customer")
            return _buyer(connection.execute(insert(CUSTOMERS).values(values).returning(*CUSTOMERS.c)).one())

    def _first(self, which: ColumnElement[bool]) -> Good | None:
        with self._database.read() as connection:
            row = connection.execute(select(GOODS).where(which).order_by(GoodRow.id).limit(1)).first()
            return None if row is None else _good(row)

    def _customer(self, which: ColumnElement[bool]) -> Customer | None:
        with self._database.read() as connection:
            row = connection.execute(select(CUSTOMERS).where(which)).first()
            return None if row is None else _buyer(row)


def _collect(
    connection: Connection, found: dict[int, Good], limit: int, which: ColumnElement[bool], order: Sequence[Any]
) -> None:
    """Add what is not found yet, until there is enough."""
    if len(found) < limit:
        for row in connection.execute(select(GOODS).where(which).order_by(*order).limit(limit + len(found))):
            found.setdefault(row.id, _good(row))


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """A prefix as a range, which both databases answer from the index."""
    result: ColumnElement[bool] = and_(column >= prefix, column < prefix + BEYOND)
    return result


def _matches(parts: Sequence[str], enough: int | None) -> ColumnElement[bool]:
    """Goods whose words hold all parts, by the trigram index; the first `enough` of them."""
    phrases = " ".join('"' + part.replace('"', '""') + '"' for part in parts)
    matching = text("SELECT rowid FROM goods_fts WHERE goods_fts MATCH :phrases LIMIT :enough")
    matching = matching.bindparams(phrases=phrases, enough=-1 if enough is None else enough)
    return GoodRow.id.in_(matching.columns(rowid=GoodRow.id.type).scalar_subquery())


def _is_code(code: str) -> bool:
    """Scanners and hands send anything: what no card can bear is not worth a question."""
    return 0 < len(code) <= LONGEST_CODE and code.isprintable()


def _values(good: Good) -> dict[str, Any]:
    if not _is_code(good.code) or (good.barcode and not _is_code(good.barcode)):
        raise LedgerError(
            "code", f"a good's code and barcode are printable and at most {LONGEST_CODE} long: {good.code!r}"
        )
    name = fold(good.name)
    if not name or len(good.name) > LONGEST:
        raise LedgerError("name", f"the good {good.code} needs a name of at most {LONGEST} characters")
    if not 0 <= good.price <= MAX_MONEY:
        raise LedgerError("price", f"the price of the good {good.code} is out of range: {good.price}")
    if not good.fiscal and not good.ground:
        raise LedgerError("ground", f"the good {good.code} is not fiscal and gives no ground")
    if good.excisable and not (good.fiscal and good.uktzed):
        raise LedgerError("excisable", f"the excisable good {good.code} must be fiscal and have its УКТ ЗЕД code")
    return {
        "code": good.code,
        "name": good.name,
        "words": f" {name}",
        "name_key": sort_key(name),
        "price": good.price,
        "enterprise_id": good.enterprise_id,
        "barcode": good.barcode,
        "unit": good.unit,
        "tax": good.tax,
        "uktzed": good.uktzed,
        "excisable": good.excisable,
        "adult": good.adult,
        "weighed": good.weighed,
        "fiscal": good.fiscal,
        "ground": good.ground,
        "department": good.department,
        "stock": good.stock,
    }


def _good(row: Any) -> Good:
    return Good(
        id=row.id,
        code=row.code,
        name=row.name,
        price=row.price,
        enterprise_id=row.enterprise_id,
        barcode=row.barcode,
        unit=row.unit,
        tax=row.tax,
        uktzed=row.uktzed,
        excisable=row.excisable,
        adult=row.adult,
        weighed=row.weighed,
        fiscal=row.fiscal,
        ground=row.ground,
        department=row.department,
        stock=row.stock,
    )


def _buyer(row: Any) -> Customer:
    return Customer(row.id, row.card, row.name, row.discount)
