"""What the ledger costs: lookup, search, a sale's steps with fsync, and the 1st sale against the 100 000th.

    python -m tests.benchmarks.ledger [--goods 100000] [--sales 100000] [--folder PATH]

Prints a table; asserts nothing. The folder should lie on the disk that matters (a tmpfs knows no fsync).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select

from drivers.registrar import Result, State
from kiosk.ledger.journal import link_hash
from kiosk.ledger.models import Base, DocumentMoneyRow, DocumentRow, JournalRow, LineRow, ReceiptRow
from kiosk.ledger.models.base import table
from kiosk.ledger.records import DocumentState, Good, ReceiptState
from kiosk.ledger.store import open_ledger
from tests.kiosk.ledger.world import WORKPLACE, Shop, TestClock, build

STEPS = ("begin", "intent", "outcome", "settle", "finish", "whole sale")
WORDS = ("молоко", "хліб", "сир", "ковбаса", "шоколад", "печиво", "вода", "сік", "кава", "чай", "олія", "м’ята")
KINDS = ("«Яготинське»", "«Київ»", "домашній", "дитячий", "великий", "малий", "новий", "традиційний", "преміум")
SEARCHES = ("к", "мо", "мол", "шоколад", "м'ята", "київ", "преміум 97", "печ сім кав", "48200000123", "щось інше")


def row(name: str, times: list[float]) -> None:
    middle, worst = median(times), quantiles(times, n=20)[-1]
    print(f"{name:<40}{len(times):>6} {min(times) * 1e3:>9.3f} {middle * 1e3:>9.3f} {worst * 1e3:>9.3f}")


def head(title: str) -> None:
    print(f"\n{title:<40}{'n':>6} {'min ms':>9} {'p50 ms':>9} {'p95 ms':>9}", flush=True)


def timed(act: Callable[[], object], n: int) -> list[float]:
    times = []
    for _ in range(n):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return times


def catalogue(shop: Shop, count: int) -> list[Good]:
    dice = random.Random(4820)
    return [
        Good(
            0,
            f"g{n}",
            f"{dice.choice(WORDS).capitalize()} {dice.choice(KINDS)} {dice.choice(WORDS)} {n % 977} г №{n}",
            dice.randrange(100, 50_000),
            shop.enterprise.id,
            barcode=f"482{n:010d}",
        )
        for n in range(count)
    ]


def sale(shop: Shop, times: dict[str, list[float]]) -> None:
    """Five lines in cash; every step is one commit."""
    lines = [shop.line(shop.bread, 1000 + place, position=place) for place in range(1, 6)]
    receipt = shop.receipt(*lines, basket=shop.basket().id)
    document = shop.document(receipt)
    journal, receipts = shop.ledger.journal.of(shop.binding.id), shop.ledger.receipts
    result = Result(State.REGISTERED, number=str(uuid.uuid4()), total=document.document.total)
    marks = [time.perf_counter()]
    for step in (
        lambda: receipts.begin(receipt, [document], []),
        lambda: journal.intent(document.document, {"last": 1, "turnover": 123}),
        lambda: journal.outcome(document.document, result),
        lambda: receipts.settle_document(document.id, DocumentState.REGISTERED, result),
        lambda: receipts.finish(receipt.id, ReceiptState.DONE),
    ):
        step()
        marks.append(time.perf_counter())
    for name, before, after in zip(STEPS, marks, marks[1:], strict=False):
        times[name].append(after - before)
    times["whole sale"].append(marks[-1] - marks[0])


def sales(shop: Shop, title: str, count: int = 200) -> None:
    head(title)
    times: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(count):
        sale(shop, times)
    for step in STEPS:
        row(step, times[step])


def fill(shop: Shop, count: int) -> None:
    """Earlier shifts of 500 sales each: copies of one real sale with ids, numbers and a chain of their own."""
    pattern = shop.do(shop.receipt(shop.line(shop.bread)))
    with shop.ledger.database.read() as connection:
        receipt = _row(connection, ReceiptRow, ReceiptRow.id == pattern.id)
        line = _row(connection, LineRow, LineRow.receipt_id == pattern.id)
        document = _row(connection, DocumentRow, DocumentRow.receipt_id == pattern.id)
        money = connection.execute(
            select(table(DocumentMoneyRow)).where(DocumentMoneyRow.document_id == document["id"])
        ).all()
        link = _row(connection, JournalRow, JournalRow.document_id == document["id"])
        seq, previous = connection.execute(
            select(JournalRow.seq, JournalRow.hash).order_by(JournalRow.seq.desc()).limit(1)
        ).one()
    line.pop("id")
    for first in range(1, count, 500):
        rows: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        for number in range(first, first + 500):
            ids = {"receipt_id": uuid.uuid4(), "document_id": uuid.uuid4()}
            place = {"number": str(number), "seq": document["seq"] + number, "done_seq": document["done_seq"] + number}
            rows[ReceiptRow].append(receipt | {"id": ids["receipt_id"], "number": pattern.number + number})
            rows[LineRow].append(line | {"receipt_id": ids["receipt_id"]})
            mine = {"id": ids["document_id"], "receipt_id": ids["receipt_id"], "shift_id": shop.shift.id}
            rows[DocumentRow].append(document | place | mine)
            rows[DocumentMoneyRow] += [part._asdict() | {"document_id": ids["document_id"]} for part in money]
            for kind in ("intent", "outcome"):
                seq += 1
                record = link | {"seq": seq, "event": kind, "document_id": ids["document_id"], "previous": previous}
                previous = record["hash"] = link_hash(SimpleNamespace(**record))
                rows[JournalRow].append(record)
        with shop.ledger.database.write() as connection:
            for model, values in rows.items():
                connection.execute(insert(table(model)), values)
        moment = shop.clock.now()
        shop.ledger.shifts.close(
            shop.shift.id, by=shop.cashier.id, at=moment, z_number=first // 500, cash_left=0, closing={}
        )
        shop.shift = shop.ledger.shifts.open(replace(shop.shift, id=0, opened_at=moment))


def _row(connection: Connection, model: type[Base], which: ColumnElement[bool]) -> dict[str, Any]:
    row = connection.execute(select(table(model)).where(which)).first()
    assert row is not None
    return dict(row._mapping)


def questions(shop: Shop, title: str) -> None:
    head(title)
    last = shop.ledger.receipts.find(limit=1)[0]
    ledger = shop.ledger
    row("shifts.sums of the open shift", timed(lambda: ledger.shifts.sums(shop.shift.id), 100))
    row("receipts.by_number", timed(lambda: ledger.receipts.by_number(last.number), 100))
    row("receipts.find(total)", timed(lambda: ledger.receipts.find(total=last.total, limit=20), 100))
    row("receipts.by_document_number", timed(lambda: ledger.receipts.by_document_number("1"), 100))
    row("receipts.unfinished", timed(lambda: ledger.receipts.unfinished(WORKPLACE), 100))
    ledger.journal.verify()
    row("journal.verify, nothing new", timed(ledger.journal.verify, 20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goods", type=int, default=100_000)
    parser.add_argument("--sales", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        shop = build(Path(folder) / "ledger.db", TestClock())
        goods = catalogue(shop, options.goods)
        start = time.perf_counter()
        shop.ledger.goods.put(goods)
        print(f"put {options.goods} goods: {time.perf_counter() - start:.1f} s")
        dice = random.Random(1)
        head(f"catalogue of {options.goods} goods")
        row("by_barcode", timed(lambda: shop.ledger.goods.by_barcode(dice.choice(goods).barcode), 1000))
        row("by_barcode, unknown", timed(lambda: shop.ledger.goods.by_barcode("4830000000000"), 1000))
        for text in SEARCHES:
            row(f"search «{text}»", timed(lambda text=text: shop.ledger.goods.search(text), 200))  # type: ignore[misc]
        row("page of 60", timed(lambda: shop.ledger.goods.page(dice.choice(goods).code, 60), 200))
        sales(shop, "sales 1-200, 5 lines, fsync")
        questions(shop, "questions after 200 sales")
        fill(shop, options.sales)
        sales(shop, f"200 sales after {options.sales}")
        questions(shop, f"questions after {options.sales} sales")
        start = time.perf_counter()
        checked = shop.ledger.journal.verify(full=True)
        print(f"\njournal.verify(full) of {checked} records: {time.perf_counter() - start:.1f} s")
        shop.ledger.close()
        size = (Path(folder) / "ledger.db").stat().st_size
        start = time.perf_counter()
        open_ledger(Path(folder) / "ledger.db", TestClock()).close()
        print(f"opening {size / 1e6:.0f} MB with quick_check: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
