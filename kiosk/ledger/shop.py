"""Enterprises, the registrars bound to them, who holds a registrar, and settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from kiosk.ledger.engine import Database
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.models import BindingRow, EnterpriseRow, LeaseRow, SettingRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import Binding, BindingRole, Enterprise, Lease

ENTERPRISES = table(EnterpriseRow)
BINDINGS = table(BindingRow)
LEASES = table(LeaseRow)
SETTINGS = table(SettingRow)


class SqlShop:
    """Answers `kiosk.ledger.interface.Shop`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enterprises(self) -> Sequence[Enterprise]:
        with self._database.read() as connection:
            rows = connection.execute(select(ENTERPRISES).order_by(EnterpriseRow.id))
            return [Enterprise(row.id, row.name, row.tax_number) for row in rows]

    def add_enterprise(self, name: str, tax_number: str) -> Enterprise:
        if not name.strip() or not tax_number.strip():
            raise LedgerError("name", "an enterprise needs a name and a tax number")
        with self._database.write() as connection:
            if connection.execute(select(EnterpriseRow.id).where(EnterpriseRow.tax_number == tax_number)).first():
                raise LedgerError("tax_number", f"an enterprise with the tax number {tax_number} is there already")
            row = connection.execute(
                insert(ENTERPRISES).values(name=name, tax_number=tax_number).returning(EnterpriseRow.id)
            ).one()
            return Enterprise(row.id, name, tax_number)

    def bindings(self, workplace: str) -> Sequence[Binding]:
        with self._database.read() as connection:
            rows = connection.execute(
                select(BINDINGS)
                .where(BindingRow.workplace == workplace)
                .order_by(BindingRow.enterprise_id, BindingRow.id)
            )
            return [_binding(row) for row in rows]

    def binding(self, binding_id: int) -> Binding:
        with self._database.read() as connection:
            return _find_binding(connection, binding_id)

    def bind(self, enterprise_id: int, workplace: str, url: str, role: BindingRole) -> Binding:
        values = {
            "enterprise_id": enterprise_id,
            "workplace": workplace,
            "url": url,
            "role": str(role),
            "serial": "",
            "fiscal_number": "",
            "model": "",
            "signers": [],
        }
        with self._database.write() as connection:
            if role is BindingRole.ACTIVE:
                other = connection.execute(
                    select(BindingRow.url).where(
                        BindingRow.enterprise_id == enterprise_id,
                        BindingRow.workplace == workplace,
                        BindingRow.role == str(BindingRole.ACTIVE),
                    )
                ).scalar_one_or_none()
                if other is not None:
                    raise LedgerError("active", f"the enterprise already has an active registrar here: {other}")
            return _binding(connection.execute(insert(BINDINGS).values(values).returning(*BINDINGS.c)).one())

    def move(self, binding_id: int, url: str) -> Binding:
        with self._database.write() as connection:
            connection.execute(update(BINDINGS).where(BindingRow.id == binding_id).values(url=url))
            return _find_binding(connection, binding_id)

    def met(self, binding_id: int, *, serial: str, fiscal_number: str, model: str) -> Binding:
        with self._database.write() as connection:
            binding = _find_binding(connection, binding_id)
            if not serial or binding.serial not in ("", serial):
                # Another unit: the caller compares the serials and refuses; the binding keeps the first one.
                return binding
            values = {"serial": serial, "fiscal_number": fiscal_number, "model": model}
            connection.execute(update(BINDINGS).where(BindingRow.id == binding_id).values(values))
            return _find_binding(connection, binding_id)

    def lease(self, serial: str) -> Lease | None:
        with self._database.read() as connection:
            return _find_lease(connection, serial)

    def take_lease(self, lease: Lease) -> Lease:
        with self._database.write() as connection:
            held = _find_lease(connection, lease.binding_serial)
            if held is not None and held.workplace != lease.workplace:
                return held
            connection.execute(delete(LEASES).where(LeaseRow.serial == lease.binding_serial))
            connection.execute(
                insert(LEASES).values(
                    serial=lease.binding_serial,
                    workplace=lease.workplace,
                    user_name=lease.user_name,
                    since=lease.since,
                )
            )
            return lease

    def drop_lease(self, serial: str, workplace: str) -> None:
        with self._database.write() as connection:
            connection.execute(delete(LEASES).where(LeaseRow.serial == serial, LeaseRow.workplace == workplace))

    def know_signers(self, binding_id: int, key_ids: Iterable[str]) -> Binding:
        with self._database.write() as connection:
            known = _find_binding(connection, binding_id).signers
            values = {"signers": sorted(known | set(key_ids))}
            connection.execute(update(BINDINGS).where(BindingRow.id == binding_id).values(values))
            return _find_binding(connection, binding_id)

    def rekey(self, binding_id: int, url: str) -> Binding:
        with self._database.write() as connection:
            connection.execute(update(BINDINGS).where(BindingRow.id == binding_id).values(url=url))
            return _find_binding(connection, binding_id)

    def setting(self, name: str) -> str | None:
        with self._database.read() as connection:
            return connection.execute(select(SettingRow.value).where(SettingRow.name == name)).scalar_one_or_none()

    def set_setting(self, name: str, value: str) -> None:
        with self._database.write() as connection:
            put_setting(self._database, connection, name, value)


def put_setting(database: Database, connection: Connection, name: str, value: str) -> None:
    """Store a setting inside a transaction that is under way."""
    statement = database.insert(SETTINGS).values(name=name, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def _find_binding(connection: Connection, binding_id: int) -> Binding:
    row = connection.execute(select(BINDINGS).where(BindingRow.id == binding_id)).one_or_none()
    if row is None:
        raise LedgerError("binding", f"no binding {binding_id}")
    return _binding(row)


def _find_lease(connection: Connection, serial: str) -> Lease | None:
    row = connection.execute(select(LEASES).where(LeaseRow.serial == serial)).one_or_none()
    return None if row is None else Lease(row.serial, row.workplace, row.user_name, row.since)


def _binding(row: Any) -> Binding:
    return Binding(
        id=row.id,
        enterprise_id=row.enterprise_id,
        workplace=row.workplace,
        url=row.url,
        role=BindingRole(row.role),
        serial=row.serial,
        fiscal_number=row.fiscal_number,
        model=row.model,
        signers=frozenset(row.signers),
    )
