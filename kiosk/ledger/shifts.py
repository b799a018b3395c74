"""Cash days and their money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, func, insert, select, update

from drivers.document import DocumentKind
from kiosk.ledger.engine import Database
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.models import DocumentMoneyRow, DocumentRow, NonfiscalRow, ReceiptRow, ShiftRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import DocumentState, ReceiptState, Shift, Sums

SHIFTS = table(ShiftRow)
DOCUMENTS = table(DocumentRow)
DONE = (str(DocumentState.REGISTERED), str(DocumentState.NOT_PRINTED))


class SqlShifts:
    """Answers `kiosk.ledger.interface.Shifts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_shift(self, binding_id: int) -> Shift | None:
        with self._database.read() as connection:
            row = connection.execute(
                select(SHIFTS).where(ShiftRow.binding_id == binding_id, ShiftRow.closed_at.is_(None))
            ).one_or_none()
            return None if row is None else _shift(row)

    def last_closed(self, binding_id: int) -> Shift | None:
        with self._database.read() as connection:
            row = connection.execute(
                select(SHIFTS)
                .where(ShiftRow.binding_id == binding_id, ShiftRow.closed_at.is_not(None))
                .order_by(ShiftRow.id.desc())
                .limit(1)
            ).one_or_none()
            return None if row is None else _shift(row)

    def get(self, shift_id: int) -> Shift:
        with self._database.read() as connection:
            return _find(connection, shift_id)

    def open(self, shift: Shift) -> Shift:
        with self._database.write() as connection:
            return _open(connection, shift)

    def open_by(self, document_id: UUID, shift: Shift) -> Shift:
        with self._database.write() as connection:
            row = connection.execute(select(DocumentRow.shift_id).where(DocumentRow.id == document_id)).one_or_none()
            if row is None:
                raise LedgerError("document", f"no document {document_id}")
            if row.shift_id is not None:
                return _find(connection, row.shift_id)
            opened = _open(connection, shift)
            connection.execute(update(DOCUMENTS).where(DocumentRow.id == document_id).values(shift_id=opened.id))
            return opened

    def device_opened(self, shift_id: int, at: datetime, serial: str) -> None:
        with self._database.write() as connection:
            _find(connection, shift_id)
            connection.execute(
                update(ShiftRow)
                .where(ShiftRow.id == shift_id, ShiftRow.device_opened_at.is_(None))
                .values(device_opened_at=at, serial=serial)
            )

    def close(
        self, shift_id: int, *, by: int, at: datetime, z_number: int | None, cash_left: int, closing: Mapping[str, Any]
    ) -> None:
        with self._database.write() as connection:
            if not _find(connection, shift_id).is_open:
                raise LedgerError("shift_closed", f"shift {shift_id} is closed already")
            connection.execute(
                update(ShiftRow)
                .where(ShiftRow.id == shift_id)
                .values(closed_by=by, closed_at=at, z_number=z_number, cash_left=cash_left, closing=dict(closing))
            )

    def sums(self, shift_id: int) -> Sums:
        with self._database.read() as connection:
            _find(connection, shift_id)
            rows = connection.execute(
                select(
                    DocumentRow.kind, DocumentMoneyRow.what, DocumentMoneyRow.name, func.sum(DocumentMoneyRow.amount)
                )
                .join(DocumentMoneyRow, DocumentMoneyRow.document_id == DocumentRow.id)
                .where(DocumentRow.shift_id == shift_id, DocumentRow.state.in_(DONE))
                .group_by(DocumentRow.kind, DocumentMoneyRow.what, DocumentMoneyRow.name)
            ).all()
            counts = connection.execute(
                select(
                    func.sum(case((DocumentRow.kind == str(DocumentKind.SALE), 1), else_=0)),
                    func.sum(case((DocumentRow.kind == str(DocumentKind.REFUND), 1), else_=0)),
                    func.sum(case((DocumentRow.kind == str(DocumentKind.STORNO), 1), else_=0)),
                ).where(DocumentRow.shift_id == shift_id, DocumentRow.state.in_(DONE))
            ).one()
            nonfiscal = connection.execute(
                select(func.sum(NonfiscalRow.cash))
                .join(ReceiptRow, ReceiptRow.id == NonfiscalRow.receipt_id)
                .where(NonfiscalRow.shift_id == shift_id, ReceiptRow.state == str(ReceiptState.DONE))
            ).scalar_one()
        money = [(kind, what, name, int(amount)) for kind, what, name, amount in rows]
        return _sums(money, *(int(count or 0) for count in (*counts, nonfiscal)))


def _open(connection: Connection, shift: Shift) -> Shift:
    values = {
        "binding_id": shift.binding_id,
        "enterprise_id": shift.enterprise_id,
        "workplace": shift.workplace,
        "opened_by": shift.opened_by,
        "opened_at": shift.opened_at,
        "float_": shift.float_,
        "device_opened_at": shift.device_opened_at,
        "serial": shift.serial,
        "closed_by": None,
        "closed_at": None,
        "z_number": None,
        "cash_left": 0,
        "checks": [dict(check) for check in shift.checks],
        "closing": {},
    }
    if connection.execute(
        select(ShiftRow.id).where(ShiftRow.binding_id == shift.binding_id, ShiftRow.closed_at.is_(None))
    ).first():
        raise LedgerError("shift_open", "a shift of this registrar is open already")
    (key,) = connection.execute(insert(ShiftRow).values(values).returning(ShiftRow.id)).one()
    return _find(connection, key)


def _sums(
    money: Iterable[tuple[str, str, str, int]], receipts: int, refunds: int, stornos: int, nonfiscal: int
) -> Sums:
    def pick(kind: DocumentKind, what: str) -> dict[str, int]:
        return {name: amount for of, which, name, amount in money if of == str(kind) and which == what and amount}

    def net(what: str) -> int:
        return sum(pick(DocumentKind.SALE, what).values()) - sum(pick(DocumentKind.REFUND, what).values())

    return Sums(
        sales_by_form=pick(DocumentKind.SALE, "form"),
        refunds_by_form=pick(DocumentKind.REFUND, "form"),
        sales_by_tax=pick(DocumentKind.SALE, "tax"),
        refunds_by_tax=pick(DocumentKind.REFUND, "tax"),
        cash_in=sum(pick(DocumentKind.CASH_IN, "moved").values()),
        cash_out=sum(pick(DocumentKind.CASH_OUT, "moved").values()),
        rounding=net("rounding"),
        receipts=receipts,
        refunds=refunds,
        stornos=stornos,
        nonfiscal_cash=nonfiscal,
        manual_cards=net("slip"),
    )


def _find(connection: Connection, shift_id: int) -> Shift:
    row = connection.execute(select(SHIFTS).where(ShiftRow.id == shift_id)).one_or_none()
    if row is None:
        raise LedgerError("shift", f"no shift {shift_id}")
    return _shift(row)


def _shift(row: Any) -> Shift:
    return Shift(
        id=row.id,
        binding_id=row.binding_id,
        enterprise_id=row.enterprise_id,
        workplace=row.workplace,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        float_=row.float,
        device_opened_at=row.device_opened_at,
        serial=row.serial,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        z_number=row.z_number,
        cash_left=row.cash_left,
        checks=tuple(row.checks),
        closing=row.closing,
    )
