"""A till to be killed. Usage: victim.py PATH ACT; says on stdout what is on the disk, one line each.

sell      sells bread for ever: "begun N", "sent N", "answered N", "done N" after each commit
inside    stands inside a transaction that began a receipt, appended to the journal and booked stock: "inside"
create    makes the ledger: "ready" before, "made" after
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from drivers.clock import SystemClock
from drivers.registrar import Result, State
from kiosk.ledger.receipts import acts
from kiosk.ledger.records import DocumentState, ReceiptState
from kiosk.ledger.store import open_ledger
from tests.kiosk.ledger.world import Shop, TestClock, reopen


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def sell(shop: Shop) -> None:
    receipts, journal = shop.ledger.receipts, shop.ledger.journal.of(shop.binding.id)
    while True:
        basket = shop.basket()
        receipt = shop.receipt(shop.line(shop.bread), basket=basket.id)
        document = shop.document(receipt)
        number = receipts.begin(receipt, [document], []).number
        say(f"begun {number}")
        journal.intent(document.document, {"last": number})
        say(f"sent {number}")
        result = Result(State.REGISTERED, number=str(number), at=datetime.now(UTC))
        journal.outcome(document.document, result)
        say(f"answered {number}")
        receipts.settle_document(document.id, DocumentState.REGISTERED, result)
        receipts.finish(receipt.id, ReceiptState.DONE)
        say(f"done {number}")


def inside(shop: Shop) -> None:
    from sqlalchemy import text

    receipt = shop.receipt(shop.line(shop.bread))
    with shop.ledger.database.write() as connection:
        acts.begin(connection, receipt, [shop.document(receipt)], [])
        connection.execute(text("UPDATE goods SET stock = -1"))
        say("inside")
        time.sleep(600)


def create(path: Path) -> None:
    say("ready")
    open_ledger(path, SystemClock())
    say("made")
    time.sleep(600)


def main() -> None:
    path, act = Path(sys.argv[1]), sys.argv[2]
    if act == "create":
        create(path)
    {"sell": sell, "inside": inside}[act](reopen(path, TestClock()))


if __name__ == "__main__":
    main()
