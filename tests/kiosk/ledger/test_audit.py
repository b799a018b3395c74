"""The audit: latest first, append-only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import AuditRecord
from tests.kiosk.ledger.world import START, Shop


def test_records_come_latest_first(shop: Shop) -> None:
    made = [
        AuditRecord(START, shop.cashier.id, "login", {"workplace": "каса-1"}),
        AuditRecord(START, None, "storno", {"n": [1, None, True]}, allowed=False),
        AuditRecord(START, shop.cashier.id, "login"),
    ]
    for record in made:
        shop.ledger.audit.add(record)
    numbered = [replace(record, seq=seq) for seq, record in enumerate(made, 1)]
    assert shop.ledger.audit.records() == numbered[::-1]
    assert shop.ledger.audit.records(action="login") == [numbered[2], numbered[0]]
    assert shop.ledger.audit.records(limit=1) == [numbered[2]]


@pytest.mark.parametrize("book", ["audit", "journal"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {book} SET seq = seq + 1",
        "DELETE FROM {book}",
        "INSERT OR REPLACE INTO {book} SELECT * FROM {book} WHERE seq = 1",
    ],
)
def test_the_books_are_append_only(shop: Shop, book: str, statement: str) -> None:
    shop.ledger.audit.add(AuditRecord(START, None, "login"))
    shop.sell(shop.bread)
    with pytest.raises(LedgerError, match="append-only"), shop.ledger.database.write() as connection:
        connection.execute(text(statement.format(book=book)))
    assert shop.ledger.journal.verify(full=True) == 2
    assert len(shop.ledger.audit.records()) == 1
