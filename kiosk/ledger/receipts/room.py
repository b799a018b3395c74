"""The cashier-visible state: baskets, receipts, fiscal documents and slips."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, or_, select, update

from drivers.registrar import Result
from kiosk.ledger.engine import Database
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.models import BasketRow, DocumentRow, LineRow, ReceiptRow, SlipRow
from kiosk.ledger.models.receipts import NUMBERED, OPEN_DOCUMENT, OPEN_RECEIPT
from kiosk.ledger.receipts import acts
from kiosk.ledger.receipts.rows import (
    BASKETS,
    DOCUMENTS,
    RECEIPTS,
    SLIPS,
    basket,
    find_receipt,
    fiscal_document,
    slip,
    with_lines,
)
from kiosk.ledger.records import (
    DocumentState,
    FiscalDocument,
    OrderLink,
    Receipt,
    ReceiptKind,
    ReceiptState,
    Slip,
    StoredBasket,
)
from kiosk.ledger.shop import put_setting


class SqlReceipts:
    """Answers `kiosk.ledger.interface.Receipts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_basket(self, basket: StoredBasket) -> None:
        """Raises `LedgerError` while the stored basket is being paid: what the buyer pays for does not change."""
        values = {
            "id": basket.id,
            "workplace": basket.workplace,
            "user_id": basket.user_id,
            "state": str(basket.state),
            "content": basket.content,
            "changed_at": basket.changed_at,
            "note": basket.note,
        }
        statement = self._database.insert(BASKETS).values(values)
        with self._database.write() as connection:
            if acts.held_by_receipt(connection, basket.id):
                raise LedgerError("basket", f"the basket {basket.id} is being paid")
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    def baskets(self, workplace: str) -> Sequence[StoredBasket]:
        """Latest change last."""
        query = select(BASKETS).where(BasketRow.workplace == workplace).order_by(BasketRow.changed_at, BasketRow.id)
        with self._database.read() as connection:
            return [basket(row) for row in connection.execute(query)]

    def drop_basket(self, basket_id: UUID) -> None:
        with self._database.write() as connection:
            if acts.held_by_receipt(connection, basket_id):
                raise LedgerError("basket", f"the basket {basket_id} is being paid")
            connection.execute(delete(BASKETS).where(BasketRow.id == basket_id))

    def next_number(self) -> int:
        with self._database.write() as connection:
            number = acts.last_number(connection) + 1
            put_setting(self._database, connection, acts.NUMBER, str(number))
            return number

    def add_slip(self, slip: Slip) -> None:
        with self._database.write() as connection:
            acts.add_slip(connection, slip)

    def begin(
        self,
        receipt: Receipt,
        documents: Sequence[FiscalDocument],
        slips: Sequence[Slip],
        link: OrderLink | None = None,
    ) -> Receipt:
        with self._database.write() as connection:
            acts.begin(connection, receipt, documents, slips, link)
            return find_receipt(connection, receipt.id)

    def add_document(self, document: FiscalDocument) -> None:
        if document.receipt_id is not None:
            raise LedgerError("document", "a receipt's documents are stored when it begins")
        with self._database.write() as connection:
            acts.add_document(connection, document, None)

    def settle_document(self, document_id: UUID, state: DocumentState, result: Result | None, note: str = "") -> None:
        with self._database.write() as connection:
            acts.settle_document(connection, document_id, state, result, note)

    def finish(self, receipt_id: UUID, state: ReceiptState) -> Receipt:
        with self._database.write() as connection:
            acts.finish(connection, receipt_id, state)
            return find_receipt(connection, receipt_id)

    def cancel(self, document_id: UUID) -> FiscalDocument:
        with self._database.write() as connection:
            acts.cancel(connection, document_id)
        return self.document(document_id)

    def receipt(self, receipt_id: UUID) -> Receipt:
        with self._database.read() as connection:
            return find_receipt(connection, receipt_id)

    def by_number(self, number: int) -> Receipt | None:
        found = self._receipts(select(RECEIPTS).where(ReceiptRow.number == number))
        return found[0] if found else None

    def by_document_number(self, number: str) -> Sequence[Receipt]:
        if not number:
            return []
        numbered = select(DocumentRow.receipt_id).where(DocumentRow.number == number, NUMBERED)
        return self._receipts(
            select(RECEIPTS)
            .where(
                ReceiptRow.id.in_(numbered),
                ReceiptRow.kind == str(ReceiptKind.SALE),
                ReceiptRow.state.in_((str(ReceiptState.DONE), str(ReceiptState.CANCELLED))),
            )
            .order_by(ReceiptRow.number.desc())
        )

    def find(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        total: int | None = None,
        customer_id: int | None = None,
        good_id: int | None = None,
        workplace: str | None = None,
        limit: int = 100,
    ) -> Sequence[Receipt]:
        """`total` meets the sum before or after rounding; `since` is included, `until` is not."""
        wanted: list[ColumnElement[bool]] = [
            ReceiptRow.kind == str(ReceiptKind.SALE),
            ReceiptRow.state == str(ReceiptState.DONE),
        ]
        if since is not None:
            wanted.append(ReceiptRow.at >= since)
        if until is not None:
            wanted.append(ReceiptRow.at < until)
        if total is not None:
            wanted.append(or_(ReceiptRow.due == total, ReceiptRow.total == total))
        if customer_id is not None:
            wanted.append(ReceiptRow.customer_id == customer_id)
        if good_id is not None:
            # Receipts of the period first, their lines by the key: there is no index on a line's good.
            wanted.append(exists().where(LineRow.receipt_id == ReceiptRow.id, LineRow.good_id == good_id))
        if workplace is not None:
            wanted.append(ReceiptRow.workplace == workplace)
        return self._receipts(select(RECEIPTS).where(*wanted).order_by(ReceiptRow.number.desc()).limit(limit))

    def refunds_of(self, sale_id: UUID) -> Sequence[Receipt]:
        return self._receipts(
            select(RECEIPTS)
            .where(
                ReceiptRow.original_id == sale_id,
                ReceiptRow.kind == str(ReceiptKind.REFUND),
                ReceiptRow.state.not_in((str(ReceiptState.FAILED), str(ReceiptState.CANCELLED))),
            )
            .order_by(ReceiptRow.number)
        )

    def documents_of(self, receipt_id: UUID) -> Sequence[FiscalDocument]:
        return self._documents(select(DOCUMENTS).where(DocumentRow.receipt_id == receipt_id).order_by(DocumentRow.seq))

    def document(self, document_id: UUID) -> FiscalDocument:
        found = self._documents(select(DOCUMENTS).where(DocumentRow.id == document_id))
        if not found:
            raise LedgerError("document", f"no document {document_id}")
        return found[0]

    def unsettled(self, binding_id: int | None = None) -> Sequence[FiscalDocument]:
        query = select(DOCUMENTS).where(OPEN_DOCUMENT).order_by(DocumentRow.seq)
        return self._documents(query if binding_id is None else query.where(DocumentRow.binding_id == binding_id))

    def unfinished(self, workplace: str) -> Sequence[Receipt]:
        return self._receipts(
            select(RECEIPTS).where(OPEN_RECEIPT, ReceiptRow.workplace == workplace).order_by(ReceiptRow.number)
        )

    def documents(self, shift_id: int) -> Sequence[FiscalDocument]:
        return self._documents(select(DOCUMENTS).where(DocumentRow.shift_id == shift_id).order_by(DocumentRow.seq))

    def not_printed(self, shift_id: int) -> Sequence[FiscalDocument]:
        owed = DocumentRow.state == str(DocumentState.NOT_PRINTED)
        return self._documents(
            select(DOCUMENTS).where(DocumentRow.shift_id == shift_id, owed).order_by(DocumentRow.seq)
        )

    def last_document(self, binding_id: int) -> FiscalDocument | None:
        found = self._documents(
            select(DOCUMENTS)
            .where(DocumentRow.binding_id == binding_id, DocumentRow.done_seq.is_not(None))
            .order_by(DocumentRow.done_seq.desc())
            .limit(1)
        )
        return found[0] if found else None

    def waiting_slips(self) -> Sequence[Slip]:
        """Slips of done receipts that no printer has printed, oldest first."""
        query = (
            select(SLIPS)
            .join(RECEIPTS, ReceiptRow.id == SlipRow.receipt_id)
            .where(SlipRow.printed_at.is_(None), ReceiptRow.state == str(ReceiptState.DONE))
        )
        return self._slips(query)

    def slips_of(self, receipt_id: UUID) -> Sequence[Slip]:
        return self._slips(select(SLIPS).where(SlipRow.receipt_id == receipt_id))

    def slip_printed(self, slip_id: UUID, at: datetime) -> None:
        with self._database.write() as connection:
            if connection.execute(select(SlipRow.id).where(SlipRow.id == slip_id)).first() is None:
                raise LedgerError("slip", f"no slip {slip_id}")
            first = SlipRow.printed_at.is_(None)
            connection.execute(update(SLIPS).where(SlipRow.id == slip_id, first).values(printed_at=at))

    def _receipts(self, query: Select[*tuple[object, ...]]) -> list[Receipt]:
        with self._database.read() as connection:
            return with_lines(connection, connection.execute(query).all())

    def _documents(self, query: Select[*tuple[object, ...]]) -> list[FiscalDocument]:
        with self._database.read() as connection:
            return [fiscal_document(row) for row in connection.execute(query)]

    def _slips(self, query: Select[*tuple[object, ...]]) -> list[Slip]:
        with self._database.read() as connection:
            return [slip(row) for row in connection.execute(query.order_by(SlipRow.seq))]
