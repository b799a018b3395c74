"""The acts that change several tables at once: a receipt begins, a document is settled, a receipt ends.

Each runs inside one write transaction of the caller, so that a kill leaves all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from drivers.document import encode
from drivers.registrar import Result
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.models import (
    BasketRow,
    BindingRow,
    DocumentMoneyRow,
    DocumentRow,
    GoodRow,
    LineRow,
    NonfiscalRow,
    ReceiptRow,
    SettingRow,
    ShiftRow,
    SlipRow,
)
from kiosk.ledger.models.base import table
from kiosk.ledger.money import nonfiscal_cash, parts
from kiosk.ledger.receipts import linked
from kiosk.ledger.receipts.rows import (
    BASKETS,
    DOCUMENTS,
    LINES,
    RECEIPTS,
    SLIPS,
    find_receipt,
    line_values,
)
from kiosk.ledger.records import (
    BasketState,
    BindingRole,
    DocumentState,
    FiscalDocument,
    OrderLink,
    Receipt,
    ReceiptKind,
    ReceiptState,
    Slip,
)

MONEY = table(DocumentMoneyRow)
NONFISCAL = table(NonfiscalRow)
NUMBER = "receipt_number"
"""Setting that keeps the last receipt number given before its receipt began."""
UNSETTLED = (str(DocumentState.PENDING), str(DocumentState.UNKNOWN))
DONE = (str(DocumentState.REGISTERED), str(DocumentState.NOT_PRINTED))

MAY_BECOME: dict[ReceiptState, frozenset[ReceiptState]] = {
    ReceiptState.PENDING: frozenset({ReceiptState.DONE, ReceiptState.FAILED, ReceiptState.UNKNOWN}),
    ReceiptState.UNKNOWN: frozenset({ReceiptState.DONE, ReceiptState.FAILED}),
    ReceiptState.DONE: frozenset(),
    ReceiptState.FAILED: frozenset(),
    ReceiptState.CANCELLED: frozenset(),
}
"""What `finish` may do; only `cancel` takes back what is done."""


def begin(
    connection: Connection,
    receipt: Receipt,
    documents: Sequence[FiscalDocument],
    slips: Sequence[Slip],
    link: OrderLink | None = None,
) -> None:
    """Store the receipt and all that is made of it; reserve what a refund takes back."""
    if not receipt.lines:
        raise LedgerError("lines", "a receipt needs at least one line")
    if connection.execute(select(ReceiptRow.id).where(ReceiptRow.id == receipt.id)).first():
        raise LedgerError("receipt", f"the receipt {receipt.id} was begun already")
    if receipt.basket_id is not None:
        _take_basket(connection, receipt.basket_id)
    if receipt.kind is ReceiptKind.REFUND:
        _reserve(connection, receipt)
    elif receipt.original_id is not None or any(line.sale_line is not None for line in receipt.lines):
        raise LedgerError("original", "only a refund refers to an earlier sale")
    if link is not None:
        linked.check_link(connection, receipt, link)
    number = receipt.number or last_number(connection) + 1
    connection.execute(insert(RECEIPTS).values(_receipt_values(receipt, number)))
    connection.execute(insert(LINES), [line_values(receipt.id, line) for line in receipt.lines])
    if link is not None:
        linked.add_part(connection, receipt.id, link)
    linked.take_stamps(connection, receipt)
    for document in documents:
        if document.receipt_id not in (None, receipt.id):
            raise LedgerError("document", f"the document {document.id} belongs to another receipt")
        add_document(connection, document, receipt.id)
    for slip in slips:
        if slip.receipt_id != receipt.id:
            raise LedgerError("slip", f"the slip {slip.id} belongs to another receipt")
        add_slip(connection, slip)
    _book_nonfiscal(connection, receipt, documents)


def last_number(connection: Connection) -> int:
    """The highest receipt number that was given or kept aside."""
    used = connection.execute(select(func.max(ReceiptRow.number))).scalar_one() or 0
    aside = connection.execute(select(SettingRow.value).where(SettingRow.name == NUMBER)).scalar_one_or_none()
    return max(used, int(aside or 0))


def add_slip(connection: Connection, slip: Slip) -> None:
    """Store a slip of a receipt behind the others."""
    made = connection.execute(select(func.max(SlipRow.seq))).scalar_one() or 0
    values = {"id": slip.id, "seq": made + 1, "receipt_id": slip.receipt_id, "lines": list(slip.lines)}
    connection.execute(insert(SLIPS).values(**values, printed_at=slip.printed_at))


def add_document(connection: Connection, document: FiscalDocument, receipt_id: UUID | None) -> None:
    """Store a document PENDING with its money."""
    if document.state is not DocumentState.PENDING or document.result is not None:
        raise LedgerError("document", "a new document is pending")
    if document.id != document.document.id or document.kind is not document.document.kind:
        raise LedgerError("document", f"the record {document.id} and its document disagree")
    last = connection.execute(select(func.max(DocumentRow.seq))).scalar_one()
    values = {
        "id": document.id,
        "seq": (last or 0) + 1,
        "kind": str(document.kind),
        "state": str(document.state),
        "binding_id": document.binding_id,
        "enterprise_id": document.enterprise_id,
        "user_id": document.user_id,
        "made_at": document.made_at,
        "document": encode(document.document).decode(),
        "shift_id": document.shift_id,
        "receipt_id": receipt_id,
        "result": None,
        "number": "",
        "done_seq": None,
        "note": document.note,
    }
    connection.execute(insert(DOCUMENTS).values(values))
    money = [
        {"document_id": document.id, "what": what, "name": name, "amount": amount}
        for what, name, amount in parts(document.document)
    ]
    if money:
        connection.execute(insert(MONEY), money)


def settle_document(
    connection: Connection, document_id: UUID, state: DocumentState, result: Result | None, note: str
) -> None:
    """Move a document to the state that is known now. What is registered stays registered.

    A rejected document may become pending: its sale is offered once more under the same id.
    """
    row = connection.execute(
        select(DocumentRow.state, DocumentRow.done_seq, DocumentRow.binding_id, DocumentRow.note).where(
            DocumentRow.id == document_id
        )
    ).one_or_none()
    if row is None:
        raise LedgerError("document", f"no document {document_id}")
    done = str(state) in DONE
    again = state is DocumentState.PENDING and row.state == DocumentState.REJECTED
    cancelled = row.state == DocumentState.CANCELLED
    if (state is DocumentState.PENDING and not again) or (row.state in DONE and not done) or cancelled:
        raise LedgerError("document", f"the document {document_id} is {row.state} and cannot become {state}")
    values: dict[str, Any] = {"state": str(state), "note": note or row.note}
    if result is not None:
        values |= {"result": msgspec.json.encode(result).decode(), "number": result.number}
    if done and row.done_seq is None:
        last = connection.execute(
            select(func.max(DocumentRow.done_seq)).where(DocumentRow.binding_id == row.binding_id)
        ).scalar_one()
        values["done_seq"] = (last or 0) + 1
    connection.execute(update(DOCUMENTS).where(DocumentRow.id == document_id).values(values))
    if done and result is not None and result.by_tax:
        # The registrar's own count of the document is the truth that its Z will hold.
        mine = (DocumentMoneyRow.document_id == document_id) & (DocumentMoneyRow.what == "tax")
        connection.execute(MONEY.delete().where(mine))
        rows = [
            {"document_id": document_id, "what": "tax", "name": letters, "amount": amount}
            for letters, amount in result.by_tax.items()
        ]
        connection.execute(insert(MONEY), rows)


def finish(connection: Connection, receipt_id: UUID, state: ReceiptState) -> None:
    """End a receipt: DONE books, FAILED gives back, UNKNOWN waits."""
    receipt = find_receipt(connection, receipt_id)
    if receipt.state is state and state is not ReceiptState.PENDING:
        return
    if state not in MAY_BECOME[receipt.state]:
        raise LedgerError("receipt", f"the receipt {receipt_id} is {receipt.state} and cannot become {state}")
    _agree(connection, receipt, state)
    connection.execute(update(RECEIPTS).where(ReceiptRow.id == receipt_id).values(state=str(state)))
    linked.end_part(connection, receipt, state)
    linked.end_stamps(connection, receipt, state)
    if state is ReceiptState.DONE:
        _book_stock(connection, receipt)
        if receipt.basket_id is not None:
            connection.execute(BASKETS.delete().where(BasketRow.id == receipt.basket_id))
    elif state is ReceiptState.FAILED:
        _release(connection, receipt)
        if receipt.basket_id is not None:
            values = {"state": str(BasketState.ACTIVE)}
            connection.execute(update(BASKETS).where(BasketRow.id == receipt.basket_id).values(values))


def cancel(connection: Connection, document_id: UUID) -> None:
    """A storno stands: its document counts no more, and the receipt is taken back whole."""
    query = select(DocumentRow.state, DocumentRow.receipt_id).where(DocumentRow.id == document_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise LedgerError("document", f"no document {document_id}")
    if row.state == DocumentState.CANCELLED:
        return
    if row.state not in DONE:
        raise LedgerError("document", f"the document {document_id} is {row.state}: there is nothing to cancel")
    values = {"state": str(DocumentState.CANCELLED)}
    connection.execute(update(DOCUMENTS).where(DocumentRow.id == document_id).values(values))
    if row.receipt_id is None:
        return
    receipt = find_receipt(connection, row.receipt_id)
    others = select(DocumentRow.id).where(DocumentRow.receipt_id == receipt.id, DocumentRow.state.in_(DONE))
    if receipt.state is not ReceiptState.DONE or connection.execute(others).first() is not None:
        raise LedgerError("receipt", f"the receipt {receipt.id} has other documents, or is not done")
    if any(line.returned for line in receipt.lines):
        raise LedgerError("returned", f"something of the sale {receipt.id} was returned: it cannot be cancelled")
    values = {"state": str(ReceiptState.CANCELLED)}
    connection.execute(update(RECEIPTS).where(ReceiptRow.id == receipt.id).values(values))
    _book_stock(connection, receipt, back=True)
    _release(connection, receipt)
    linked.end_part(connection, receipt, ReceiptState.CANCELLED)
    linked.cancel_stamps(connection, receipt)


def held_by_receipt(connection: Connection, basket_id: UUID) -> bool:
    """True while a receipt of this basket is under way: nobody may change or drop what is being paid."""
    state = connection.execute(select(BasketRow.state).where(BasketRow.id == basket_id)).scalar_one_or_none()
    return state == BasketState.PAYING


def _agree(connection: Connection, receipt: Receipt, state: ReceiptState) -> None:
    """A receipt may not say other than its documents."""
    states = connection.execute(select(DocumentRow.state).where(DocumentRow.receipt_id == receipt.id)).scalars().all()
    if state is ReceiptState.FAILED and any(one != DocumentState.REJECTED for one in states):
        raise LedgerError("documents", "a receipt fails only when all its documents are rejected")
    if state is ReceiptState.DONE and (
        any(one in UNSETTLED for one in states) or (states and not any(one in DONE for one in states))
    ):
        raise LedgerError("documents", "a receipt is done only when its documents are settled and one is registered")


def _take_basket(connection: Connection, basket_id: UUID) -> None:
    paying = str(BasketState.PAYING)
    taken = connection.execute(
        update(BASKETS).where(BasketRow.id == basket_id, BasketRow.state != paying).values(state=paying)
    )
    if taken.rowcount != 1:
        raise LedgerError("basket", f"the basket {basket_id} is being paid already or does not exist")


def _reserve(connection: Connection, receipt: Receipt) -> None:
    """Take the refunded quantities off what may still come back (cashier-flow.md V-1, V-2, V-8)."""
    if receipt.original_id is None:
        if any(line.sale_line is not None for line in receipt.lines):
            raise LedgerError("original", "a refund of a sale's line names the sale")
        return
    original = connection.execute(select(RECEIPTS).where(ReceiptRow.id == receipt.original_id)).one_or_none()
    if original is None or original.kind != ReceiptKind.SALE or original.state != ReceiptState.DONE:
        raise LedgerError("original", "a refund needs a sale that is done")
    for line in receipt.lines:
        sold = connection.execute(
            select(LINES).where(LineRow.id == line.sale_line, LineRow.receipt_id == receipt.original_id)
        ).one_or_none()
        if sold is None:
            raise LedgerError("line", f"line {line.position} is not a line of the sale")
        if sold.fiscal != line.fiscal or sold.enterprise_id != line.enterprise_id:
            raise LedgerError(
                "kind", f"line {line.position} was sold by another enterprise or in another kind of receipt"
            )
        if line.quantity > sold.quantity - sold.returned:
            raise LedgerError(
                "returned",
                f"line {line.position}: {sold.quantity} sold, {sold.returned} returned already, {line.quantity} asked",
            )
        connection.execute(update(LINES).where(LineRow.id == sold.id).values(returned=LineRow.returned + line.quantity))


def _release(connection: Connection, receipt: Receipt) -> None:
    for line in receipt.lines:
        if line.sale_line is not None:
            connection.execute(
                update(LINES).where(LineRow.id == line.sale_line).values(returned=LineRow.returned - line.quantity)
            )


def _book_stock(connection: Connection, receipt: Receipt, *, back: bool = False) -> None:
    sign = 1 if (receipt.kind is ReceiptKind.REFUND) is not back else -1
    for line in receipt.lines:
        if line.good_id is not None:
            connection.execute(
                update(GoodRow).where(GoodRow.id == line.good_id).values(stock=GoodRow.stock + sign * line.quantity)
            )


def _book_nonfiscal(connection: Connection, receipt: Receipt, documents: Sequence[FiscalDocument]) -> None:
    for enterprise, cash in nonfiscal_cash(receipt, [document.document for document in documents]).items():
        shift = connection.execute(
            select(ShiftRow.id)
            .join(BindingRow, BindingRow.id == ShiftRow.binding_id)
            .where(
                BindingRow.workplace == receipt.workplace,
                BindingRow.enterprise_id == enterprise,
                ShiftRow.closed_at.is_(None),
            )
            .order_by(BindingRow.role != str(BindingRole.ACTIVE), ShiftRow.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        connection.execute(
            insert(NONFISCAL).values(receipt_id=receipt.id, enterprise_id=enterprise, shift_id=shift, cash=cash)
        )


def _receipt_values(receipt: Receipt, number: int) -> dict[str, Any]:
    return {
        "id": receipt.id,
        "number": number,
        "kind": str(receipt.kind),
        "state": str(ReceiptState.PENDING),
        "workplace": receipt.workplace,
        "user_id": receipt.user_id,
        "at": receipt.at,
        "payments": msgspec.json.encode(receipt.payments).decode(),
        "discount": receipt.discount,
        "rounding": receipt.rounding,
        "change": receipt.change,
        "total": receipt.total,
        "due": receipt.due,
        "customer_id": receipt.customer_id,
        "original_id": receipt.original_id,
        "reason": receipt.reason,
        "basket_id": receipt.basket_id,
    }
