"""What hangs on a receipt: its order and its excise stamps. Steps of the acts, inside their transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, delete, exists, insert, select, update

from drivers.document import Stage
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.models import OrderPartRow, OrderRow, ReceiptRow, StampRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import (
    Order,
    OrderLink,
    OrderPart,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReceiptState,
    stamp_key,
)

ORDERS = table(OrderRow)
PARTS = table(OrderPartRow)
STAMPS = table(StampRow)


# -- orders -----------------------------------------------------------------------------------------------------------


def read_orders(connection: Connection, rows: Iterable[Any]) -> list[Order]:
    """Orders of the rows, in their order, each with its receipts by number."""
    orders = {row.id: row for row in rows}
    parts: dict[UUID, list[OrderPart]] = {key: [] for key in orders}
    query = (
        select(PARTS, ReceiptRow.kind, ReceiptRow.state, ReceiptRow.at, ReceiptRow.original_id)
        .join(ReceiptRow, ReceiptRow.id == OrderPartRow.receipt_id)
        .where(OrderPartRow.order_id.in_(list(orders)))
        .order_by(ReceiptRow.number)
    )
    for row in connection.execute(query) if orders else ():
        parts[row.order_id].append(
            OrderPart(
                row.receipt_id,
                Stage(row.stage),
                row.amount,
                ReceiptKind(row.kind),
                ReceiptState(row.state),
                row.at,
                row.original_id,
            )
        )
    return [
        Order(
            id=row.id,
            number=row.number,
            later=row.later,
            workplace=row.workplace,
            enterprise_id=row.enterprise_id,
            user_id=row.user_id,
            opened_at=row.opened_at,
            lines=msgspec.convert(row.lines, tuple[ReceiptLine, ...]),
            customer_id=row.customer_id,
            buyer=row.buyer,
            closed_at=row.closed_at,
            parts=tuple(parts[key]),
        )
        for key, row in orders.items()
    ]


def find_order(connection: Connection, order_id: UUID) -> Order:
    found = read_orders(connection, connection.execute(select(ORDERS).where(OrderRow.id == order_id)))
    if not found:
        raise LedgerError("order", f"no order {order_id}")
    return found[0]


def check_link(connection: Connection, receipt: Receipt, link: OrderLink) -> None:
    """Before the receipt is stored. Raises `LedgerError`: the order is closed, busy, or has less left to pay."""
    if link.order is not None:
        if link.order.id != link.order_id or link.stage is not Stage.PREPAYMENT:
            raise LedgerError("order", "an order begins with its first receipt")
        if connection.execute(select(OrderRow.id).where(OrderRow.number == link.order.number)).first():
            raise LedgerError("order number", f"the order number {link.order.number} is taken")
        connection.execute(insert(ORDERS).values(_order_values(link.order)))
    order = find_order(connection, link.order_id)
    if order.busy:
        raise LedgerError("order", f"the order {order.number} has a receipt under way")
    if receipt.kind is ReceiptKind.REFUND:
        last = order.standing[-1] if order.standing else None
        if last is None or (last.receipt_id, last.stage, last.amount) != (
            receipt.original_id,
            link.stage,
            link.amount,
        ):
            raise LedgerError("order", f"the receipts of the order {order.number} are given back from the last one on")
        return
    if order.closed_at is not None:
        raise LedgerError("order", f"the order {order.number} is closed")
    whole = link.amount == order.rest
    if (link.stage is Stage.FINAL and not whole) or link.amount > order.rest or (order.later and whole != _ends(link)):
        raise LedgerError("order", f"{link.amount} is not what the order {order.number} has left: {order.rest}")


def _ends(link: OrderLink) -> bool:
    return link.stage is Stage.FINAL


def add_part(connection: Connection, receipt_id: UUID, link: OrderLink) -> None:
    """After the receipt was stored."""
    values = {"receipt_id": receipt_id, "order_id": link.order_id, "stage": str(link.stage), "amount": link.amount}
    connection.execute(insert(PARTS).values(values))


def end_part(connection: Connection, receipt: Receipt, state: ReceiptState) -> None:
    """Open or close the order as its receipts now stand; an order whose only receipt failed never was."""
    of = connection.execute(
        select(OrderPartRow.order_id).where(OrderPartRow.receipt_id == receipt.id)
    ).scalar_one_or_none()
    if of is None:
        return
    order = find_order(connection, of)
    if state is ReceiptState.FAILED and len(order.parts) == 1:
        connection.execute(delete(PARTS).where(OrderPartRow.receipt_id == receipt.id))
        connection.execute(delete(ORDERS).where(OrderRow.id == of))
        return
    standing = order.standing
    settled = any(part.stage is Stage.FINAL for part in standing)
    closed = settled or not (standing or order.busy)
    connection.execute(
        update(ORDERS).where(OrderRow.id == of).values(closed_at=order.closed_at or receipt.at if closed else None)
    )


def _order_values(order: Order) -> Mapping[str, Any]:
    return {
        "id": order.id,
        "number": order.number,
        "later": order.later,
        "workplace": order.workplace,
        "enterprise_id": order.enterprise_id,
        "user_id": order.user_id,
        "customer_id": order.customer_id,
        "buyer": order.buyer,
        "lines": msgspec.to_builtins(order.lines),
        "total": order.total,
        "opened_at": order.opened_at,
        "closed_at": None,
    }


# -- stamps -----------------------------------------------------------------------------------------------------------


def take_stamps(connection: Connection, receipt: Receipt) -> None:
    """A sale takes its stamps. Raises `LedgerError` for one that is out already."""
    if receipt.kind is not ReceiptKind.SALE:
        return
    for number in stamps_of(receipt):
        if connection.execute(
            select(StampRow.id).where(StampRow.stamp == stamp_key(number), StampRow.refund_id.is_(None))
        ).first():
            raise LedgerError("stamp", f"the excise stamp {number} was sold already")
        connection.execute(insert(STAMPS).values(stamp=stamp_key(number), receipt_id=receipt.id, refund_id=None))


def end_stamps(connection: Connection, receipt: Receipt, state: ReceiptState) -> None:
    """A failed sale gives its stamps back, a finished refund frees those that came back (V-10)."""
    if receipt.kind is ReceiptKind.SALE:
        if state is ReceiptState.FAILED:
            connection.execute(delete(STAMPS).where(StampRow.receipt_id == receipt.id))
    elif state is ReceiptState.DONE:
        keys = [stamp_key(number) for number in stamps_of(receipt)]
        connection.execute(
            update(STAMPS)
            .where(
                StampRow.receipt_id == receipt.original_id,
                StampRow.stamp.in_(keys),
                StampRow.refund_id.is_(None),
            )
            .values(refund_id=receipt.id)
        )


def cancel_stamps(connection: Connection, receipt: Receipt) -> None:
    """A storno: a sale's stamps are free again, those that a refund brought back are out again.

    One that was sold elsewhere meanwhile stays with that sale: the storno stands and must not fail here.
    """
    if receipt.kind is ReceiptKind.SALE:
        connection.execute(delete(STAMPS).where(StampRow.receipt_id == receipt.id))
        return
    other = STAMPS.alias("other")
    sold_again = exists().where(other.c.stamp == StampRow.stamp, other.c.refund_id.is_(None))
    connection.execute(update(STAMPS).where(StampRow.refund_id == receipt.id, ~sold_again).values(refund_id=None))


def stamps_of(receipt: Receipt) -> list[str]:
    return [number for line in receipt.lines for number in line.excise]
