"""Between rows and the frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from drivers.document import Document, DocumentKind, Payment
from drivers.registrar import Result
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.models import BasketRow, DocumentRow, LineRow, ReceiptRow, SlipRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import (
    BasketState,
    DocumentState,
    FiscalDocument,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReceiptState,
    Slip,
    StoredBasket,
)

BASKETS = table(BasketRow)
RECEIPTS = table(ReceiptRow)
LINES = table(LineRow)
DOCUMENTS = table(DocumentRow)
SLIPS = table(SlipRow)

PAYMENTS = msgspec.json.Decoder(tuple[Payment, ...])
DOCUMENT = msgspec.json.Decoder(Document)
RESULT = msgspec.json.Decoder(Result)


def find_receipt(connection: Connection, receipt_id: UUID) -> Receipt:
    row = connection.execute(select(RECEIPTS).where(ReceiptRow.id == receipt_id)).one_or_none()
    if row is None:
        raise LedgerError("receipt", f"no receipt {receipt_id}")
    return with_lines(connection, [row])[0]


def with_lines(connection: Connection, rows: Sequence[Any]) -> list[Receipt]:
    """Receipts of the rows, in their order, each with its lines."""
    lines: dict[UUID, list[ReceiptLine]] = {row.id: [] for row in rows}
    query = select(LINES).where(LineRow.receipt_id.in_(list(lines))).order_by(LineRow.receipt_id, LineRow.position)
    for line in connection.execute(query) if rows else ():
        lines[line.receipt_id].append(_line(line))
    return [_receipt(row, lines[row.id]) for row in rows]


def _receipt(row: Any, lines: Iterable[ReceiptLine]) -> Receipt:
    return Receipt(
        id=row.id,
        kind=ReceiptKind(row.kind),
        state=ReceiptState(row.state),
        workplace=row.workplace,
        user_id=row.user_id,
        at=row.at,
        lines=tuple(lines),
        payments=PAYMENTS.decode(row.payments),
        discount=row.discount,
        rounding=row.rounding,
        change=row.change,
        customer_id=row.customer_id,
        original_id=row.original_id,
        reason=row.reason,
        basket_id=row.basket_id,
        number=row.number,
    )


def _line(row: Any) -> ReceiptLine:
    return ReceiptLine(
        position=row.position,
        good_id=row.good_id,
        code=row.code,
        name=row.name,
        unit=row.unit,
        quantity=row.quantity,
        price=row.price,
        sum=row.sum,
        tax=row.tax,
        enterprise_id=row.enterprise_id,
        discount=row.discount,
        fiscal=row.fiscal,
        ground=row.ground,
        uktzed=row.uktzed,
        barcode=row.barcode,
        excise=tuple(row.excise),
        department=row.department,
        id=row.id,
        returned=row.returned,
        sale_line=row.sale_line,
    )


def line_values(receipt_id: UUID, line: ReceiptLine) -> dict[str, Any]:
    return {
        "receipt_id": receipt_id,
        "position": line.position,
        "good_id": line.good_id,
        "code": line.code,
        "name": line.name,
        "unit": line.unit,
        "quantity": line.quantity,
        "price": line.price,
        "sum": line.sum,
        "tax": line.tax,
        "enterprise_id": line.enterprise_id,
        "discount": line.discount,
        "fiscal": line.fiscal,
        "ground": line.ground,
        "uktzed": line.uktzed,
        "barcode": line.barcode,
        "excise": list(line.excise),
        "department": line.department,
        "returned": 0,
        "sale_line": line.sale_line,
    }


def fiscal_document(row: Any) -> FiscalDocument:
    return FiscalDocument(
        id=row.id,
        kind=DocumentKind(row.kind),
        state=DocumentState(row.state),
        binding_id=row.binding_id,
        enterprise_id=row.enterprise_id,
        user_id=row.user_id,
        made_at=row.made_at,
        document=DOCUMENT.decode(row.document),
        shift_id=row.shift_id,
        receipt_id=row.receipt_id,
        result=None if row.result is None else RESULT.decode(row.result),
        note=row.note,
    )


def slip(row: Any) -> Slip:
    return Slip(row.id, row.receipt_id, tuple(row.lines), row.printed_at)


def basket(row: Any) -> StoredBasket:
    return StoredBasket(
        id=row.id,
        workplace=row.workplace,
        user_id=row.user_id,
        state=BasketState(row.state),
        content=row.content,
        changed_at=row.changed_at,
        note=row.note,
    )
