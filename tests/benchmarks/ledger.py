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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

import msgspec

from drivers.document import encode
from drivers.registrar import Result, State
from kiosk.ledger.journal import append
from kiosk.ledger.receipts import acts
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
    """Earlier shifts of 500 sales each, by the same acts but in one commit a shift, because they are not measured."""
    made = 0
    while made < count:
        with shop.ledger.database.write() as connection:
            for number in range(made, made + 500):
                receipt = shop.receipt(shop.line(shop.bread))
                document = shop.document(receipt)
                result = Result(State.REGISTERED, number=str(number))
                acts.begin(connection, receipt, [document], [])
                for event, payload in (("intent", encode(document.document)), ("outcome", msgspec.json.encode(result))):
                    append(connection, shop.clock.now(), event, document.id, shop.binding.id, "0" * 64, payload)
                acts.settle_document(connection, document.id, DocumentState.REGISTERED, result, "")
                acts.finish(connection, receipt.id, ReceiptState.DONE)
        made += 500
        moment = shop.clock.now()
        shop.ledger.shifts.close(
            shop.shift.id, by=shop.cashier.id, at=moment, z_number=made // 500, cash_left=0, closing={}
        )
        shop.shift = shop.ledger.shifts.open(replace(shop.shift, id=0, opened_at=moment))


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
