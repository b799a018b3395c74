"""Open orders and excise stamps that are out; they change with the receipts (`kiosk.ledger.receipts.linked`)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from kiosk.ledger.engine import Database
from kiosk.ledger.folding import fold
from kiosk.ledger.models import CustomerRow, OrderPartRow, OrderRow, StampRow
from kiosk.ledger.models.orders import OPEN_ORDER
from kiosk.ledger.receipts.linked import ORDERS, find_order, read_orders
from kiosk.ledger.records import Order, stamp_key


class SqlOrders:
    """Answers `kiosk.ledger.interface.Orders`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, order_id: UUID) -> Order:
        with self._database.read() as connection:
            return find_order(connection, order_id)

    def of_receipt(self, receipt_id: UUID) -> Order | None:
        with self._database.read() as connection:
            query = (
                select(ORDERS)
                .join(OrderPartRow, OrderPartRow.order_id == OrderRow.id)
                .where(OrderPartRow.receipt_id == receipt_id)
            )
            found = read_orders(connection, connection.execute(query))
            return found[0] if found else None

    def by_number(self, number: str) -> Order | None:
        with self._database.read() as connection:
            found = read_orders(connection, connection.execute(select(ORDERS).where(OrderRow.number == number)))
            return found[0] if found else None

    def open_orders(self, text: str = "", *, customer_id: int | None = None, limit: int = 50) -> Sequence[Order]:
        """By number's beginning, buyer's note, or the customer's card or name."""
        query = select(ORDERS).outerjoin(CustomerRow, CustomerRow.id == OrderRow.customer_id).where(OPEN_ORDER)
        if customer_id is not None:
            query = query.where(OrderRow.customer_id == customer_id)
        clean = text.strip()
        if clean:
            folded = fold(clean)
            query = query.where(
                or_(
                    OrderRow.number.startswith(clean, autoescape=True),
                    CustomerRow.card == clean,
                    CustomerRow.name_ci.contains(folded, autoescape=True),
                    OrderRow.buyer.contains(clean, autoescape=True),
                )
            )
        with self._database.read() as connection:
            return read_orders(connection, connection.execute(query.order_by(OrderRow.opened_at.desc()).limit(limit)))

    def stamp_is_out(self, number: str) -> bool:
        query = select(StampRow.id).where(StampRow.stamp == stamp_key(number), StampRow.refund_id.is_(None))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def stamps_out(self, receipt_id: UUID) -> frozenset[str]:
        query = select(StampRow.stamp).where(StampRow.receipt_id == receipt_id, StampRow.refund_id.is_(None))
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())
