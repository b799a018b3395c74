"""People who may log in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update

from kiosk.ledger.engine import Database
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.folding import fold, sort_key
from kiosk.ledger.models import UserRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import PinState, Role, User

USERS = table(UserRow)


class SqlPeople:
    """Answers `kiosk.ledger.interface.People`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def active(self) -> Sequence[User]:
        with self._database.read() as connection:
            people = [_user(row) for row in connection.execute(select(USERS).where(UserRow.active))]
        return sorted(people, key=lambda user: (sort_key(fold(user.name)), user.id))

    def get(self, user_id: int) -> User:
        return _user(self._row(UserRow.id == user_id, f"no user {user_id}"))

    def by_badge(self, badge: str) -> User | None:
        if not badge or not badge.isprintable():
            return None
        with self._database.read() as connection:
            row = connection.execute(select(USERS).where(UserRow.badge == badge, UserRow.active)).one_or_none()
            return None if row is None else _user(row)

    def pin_hash(self, user_id: int) -> str:
        return str(self._row(UserRow.id == user_id, f"no user {user_id}").pin_hash)

    def set_pin_hash(self, user_id: int, hashed: str) -> None:
        self._change(user_id, pin_hash=hashed)

    def pin_state(self, user_id: int) -> PinState:
        row = self._row(UserRow.id == user_id, f"no user {user_id}")
        return PinState(row.pin_failures, row.pin_blocked_until)

    def set_pin_state(self, user_id: int, state: PinState) -> None:
        self._change(user_id, pin_failures=state.failures, pin_blocked_until=state.blocked_until)

    def add(
        self,
        name: str,
        role: Role,
        *,
        badge: str = "",
        pin_hash: str = "",
        denied: Iterable[str] = (),
        key_id: str = "",
    ) -> User:
        if not name.strip():
            raise LedgerError("name", "a person needs a name")
        values = {
            "name": name,
            "role": str(role),
            "badge": badge,
            "pin_hash": pin_hash,
            "pin_failures": 0,
            "pin_blocked_until": None,
            "denied": sorted(denied),
            "key_id": key_id,
            "active": True,
        }
        with self._database.write() as connection:
            if badge and connection.execute(select(UserRow.id).where(UserRow.badge == badge)).first():
                raise LedgerError("badge", "the badge belongs to another person")
            row = connection.execute(insert(USERS).values(values).returning(*USERS.c)).one()
            return _user(row)

    def _row(self, which: ColumnElement[bool], missing: str) -> Any:
        with self._database.read() as connection:
            row = connection.execute(select(USERS).where(which)).one_or_none()
        if row is None:
            raise LedgerError("user", missing)
        return row

    def _change(self, user_id: int, **values: Any) -> None:
        with self._database.write() as connection:
            if connection.execute(update(USERS).where(UserRow.id == user_id).values(values)).rowcount != 1:
                raise LedgerError("user", f"no user {user_id}")


def _user(row: Any) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        badge=row.badge,
        has_pin=bool(row.pin_hash),
        denied=frozenset(row.denied),
        key_id=row.key_id,
        active=row.active,
    )
