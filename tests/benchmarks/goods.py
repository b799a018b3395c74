"""Import of a price list: rows a second and memory, CSV and XLSX, dry run and change.

    python3 task.py bench goods [--rows 100000]

Targets (issue "The owner's side"): at least 5 000 rows a second, memory flat.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from drivers.clock import SystemClock
from kiosk.catalogue.change import change, undo
from kiosk.catalogue.exporting import export_goods
from kiosk.catalogue.importing import cards, dry_run, preview
from kiosk.catalogue.table import write_csv, write_xlsx
from kiosk.ledger.store import open_ledger

TODAY = date(2026, 3, 1)


def rows(count: int) -> Iterator[list[str]]:
    """A heading and `count` goods."""
    yield ["Код", "Назва", "Ціна", "Штрихкод", "Од.", "Податок", "УКТ ЗЕД", "Залишок"]
    for number in range(count):
        yield [str(100_000 + number), f"Товар молочний №{number} «Ферма» 2,5%", f"{number % 900 + 10},50",
               f"X{number:010d}", "шт", "А", "0401201100", "12,5"]  # fmt: skip


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, write in (("csv", write_csv), ("xlsx", write_xlsx)):
            path = folder / f"goods.{kind}"
            write(rows(count), path)
            with open_ledger(folder / f"{kind}.db", SystemClock()) as ledger:
                ledger.shop.add_enterprise("ТОВ", "12345678")
                start = time.perf_counter(), time.process_time()
                mapped = preview(path).mapped
                report = dry_run(path, mapped, ledger.goods, 1, TODAY)
                _tell(f"{kind} dry run", count, start)
                assert report.sound, report.bad[:3]
                start = time.perf_counter(), time.process_time()
                pairs = partial(cards, path, mapped, ledger.goods, 1, TODAY)
                done = change(ledger, folder, pairs, user_id=None, at=datetime.now(UTC), source=path.name)
                _tell(f"{kind} change", count, start)
                start = time.perf_counter(), time.process_time()
                export_goods(ledger.goods, folder / f"out.{kind}")
                _tell(f"{kind} export", count, start)
                start = time.perf_counter(), time.process_time()
                undo(ledger, folder, done.id, user_id=None, at=datetime.now(UTC))
                _tell(f"{kind} undo", count, start)


def _tell(what: str, count: int, start: tuple[float, float]) -> None:
    spent = time.perf_counter() - start[0]
    busy = time.process_time() - start[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what}: {count / spent:.0f} rows/s, {spent:.1f} s ({busy:.1f} s of CPU), peak memory {peak} MB", flush=True)


if __name__ == "__main__":
    main()
