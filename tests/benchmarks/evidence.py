"""What the evidence costs: a sale's exchanges written down, the index made, and one value sought in all of it.

    python3 task.py bench evidence [--exchanges 1000000]

The exchanges are such as a shop has: packets of a Datecs sale with Ukrainian names, and one software registrar's
document for each twenty of them. Targets (issue "The owner's side"): a sale pays a few milliseconds, a search in a
million documents takes at most 2 s.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from drivers.datecs.frame import request
from kiosk.evidence.book import Book, Channel, flaws, reader
from kiosk.evidence.index import Index, query

WORDS = ("хліб", "молоко", "сир", "ковбаса", "масло", "цукор", "сіль", "олія", "кава", "чай", "вода", "сік", "мед")
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PHONE = "+380671234567"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--exchanges", type=int, default=100_000)
    count = parser.parse_args().exchanges
    with tempfile.TemporaryDirectory(dir=os.environ.get("KASA_BENCH_DIR")) as folder:
        path = Path(folder) / "evidence.db"
        fill(path, count)
        size = path.stat().st_size
        print(f"{count} exchanges, {size / 1e6:.0f} MB on the disk")
        start = time.perf_counter()
        with Index(path) as index:
            index.catch_up()
            spent = time.perf_counter() - start
            own = index.path.stat().st_size
            print(f"index: {spent:.1f} s ({count / spent:.0f} exchanges/s), {own / 1e6:.0f} MB")
            for text in (PHONE, "Сир «Канарка»", "hex: 31 39 33 37 35 30", "нічого такого", "хліб", "hex: 01"):
                start = time.perf_counter()
                found, whole = index.search(query(text))
                print(f"search {text!r}: {len(found)} found{'' if whole else '+'} in "
                      f"{time.perf_counter() - start:.2f} s")  # fmt: skip
        start = time.perf_counter()
        connection = reader(path)
        checked, bad = flaws(connection)
        connection.close()
        print(f"chain: {checked} records in {time.perf_counter() - start:.1f} s, {len(bad)} flaws")


def fill(path: Path, count: int) -> None:
    """A book of `count` exchanges; the middle one holds a phone number in a name."""
    chance = random.Random(7)
    book = Book(path)
    serial = book.sink(Channel.REGISTRAR, "1 datecs+serial:///dev/registrar", "datecs")
    server = book.sink(Channel.REGISTRAR, "2 prro+https://fs.tax.gov.ua", "prro")
    spent: list[float] = []
    for number in range(count):
        name = " ".join(chance.choices(WORDS, k=4)) + f" {number}"
        if number == count // 2:
            name = f"Сир «Канарка» {PHONE}"
        start = time.perf_counter()
        if number % 20 == 19:
            body = b"<?xml version='1.0'?><CHECK>" + name.encode("cp1251") * 4 + b"</CHECK>" + chance.randbytes(1500)
            server.sent(NOW, body, "POST /doc")
            server.received(NOW, chance.randbytes(700))
        else:
            serial.sent(NOW, request(0x20 + number % 90, 0x6B, f"A{number},1,1,19.99,{name}".encode("cp1251")))
            serial.received(NOW, b"\x16")
            serial.received(NOW, request(0x20 + number % 90, 0x6B, b"P,100000"))
        spent.append(time.perf_counter() - start)
    book.close()
    spent.sort()
    print(
        f"written: {statistics.median(spent) * 1e6:.0f} us an exchange, 99 % under "
        f"{spent[count * 99 // 100] * 1e6:.0f} us, worst {spent[-1] * 1e3:.1f} ms; a sale has 15 to 25"
    )


if __name__ == "__main__":
    main()
