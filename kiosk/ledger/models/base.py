"""The base of the tables and the few column types that both databases share (kiosk-platform.md §7.5).

Money and quantities are 64-bit integers, moments UTC text of one width (so that they sort), ids of acts UUIDs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, Dialect, Integer, MetaData, String, Table, Text, TypeDecorator, Uuid
from sqlalchemy.orm import DeclarativeBase, mapped_column

MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Moment(TypeDecorator[datetime]):
    """An aware moment as UTC text, microseconds kept. Raises `ValueError` for a naive one."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else moment_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else moment_of(value)


def moment_text(moment: datetime) -> str:
    """The stored form of an aware moment."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no zone: pass aware UTC")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Plain(TypeDecorator[Any]):
    """Plain JSON as text, the same on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value)


def _exact(length: int | None = None) -> String:
    """Text that sorts and compares by code points on both databases, so that prefix ranges mean the same."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


Whole = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both; SQLite's own row number where it is the key."""

Key = Annotated[int, mapped_column(Whole, primary_key=True, autoincrement=True)]
Act = Annotated[UUID, mapped_column(Uuid, primary_key=True)]
Exact = Annotated[str, mapped_column(_exact())]


class Base(DeclarativeBase):
    """Base of the tables. Constraint names are fixed, so that a migration can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment(), int: Whole, str: Text(), UUID: Uuid()}


def table(row: type[Base]) -> Table:
    """The table behind a declared class, for statements that need no session."""
    return cast(Table, row.__table__)
