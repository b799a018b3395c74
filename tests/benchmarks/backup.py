"""What copies cost: archive and restore in MB/s, memory, a sale's steps with a copy under way, and a new machine.

    python -m tests.benchmarks.backup [--mb 1024] [--sales 300] [--folder PATH]

Prints a table; asserts nothing. The data are a ledger of the wanted size (half of it compressible, as receipts are);
the folder should lie on the disk that matters. Memory is the highest resident size of a process of its own that does
the work, less that of one that only imported it. On a busy machine the processor's seconds tell more than the clock's.

"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

from drivers.clock import SystemClock
from kiosk.backup import identity, making, targets
from kiosk.backup.gather import Source
from kiosk.backup.keeper import Keeper
from kiosk.backup.targets import Chosen, folder
from kiosk.config import Settings
from tests.kiosk.ledger.world import Shop, TestClock, build

MB = 2**20
PART = """
import resource, sys
from pathlib import Path
from drivers.clock import SystemClock
from kiosk.backup import command, identity, making, rehearsal, restore, targets, permit
from kiosk.backup.gather import Source
from kiosk.config import Settings
import pyrage, zstandard, cryptography, sqlite3, kiosk.ledger.store
what, data, stick, code = sys.argv[1:]
source, clock = Source(Settings(data=data)), SystemClock()
if what == "copy":
    making.run(source, clock)
elif what == "restore":
    target = command.restore_target(source.place, Path(stick), "")
    secret, beside = command.ask_code(target, source.place, clock, code)
    command.begin(source, clock, target, secret, beside, targets.stored(target, secret.shop)[0])
used = resource.getrusage(resource.RUSAGE_SELF)
high = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(high, used.ru_utime + used.ru_stime)
"""


def part(what: str, data: Path, stick: Path, code: str = "") -> tuple[float, float, float]:
    """(seconds, seconds of the processor, MB of the highest resident size) of one process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PART, what, str(data), str(stick), code], stdout=subprocess.PIPE, check=True
    )
    high, used = done.stdout.split()
    return time.perf_counter() - start, float(used), int(high) / 1024


def fill(shop: Shop, megabytes: int) -> None:
    """Grow the ledger's file: rows of half text that repeats and half noise."""
    dice = random.Random(7)
    words = "Хліб білий нарізний; Молоко 2,5%; Сир твердий ваговий; ".encode()
    with shop.ledger.database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE ballast(id INTEGER PRIMARY KEY, content BLOB)")
    raw = sqlite3.connect(str(shop.ledger.database.engine.url.database), isolation_level=None)
    with contextlib.closing(raw):
        for _ in range(megabytes):
            raw.execute("BEGIN")
            for _ in range(16):
                content = (words * 400)[:32_768] + dice.randbytes(32_768)
                raw.execute("INSERT INTO ballast(content) VALUES (?)", (content,))
            raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def sales(shop: Shop, count: int) -> list[float]:
    """Whole sales in the ledger with their syncs, one after another, a breath between them as at a till."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        shop.sell(shop.bread)
        times.append(time.perf_counter() - start)
        time.sleep(0.02)
    return times


def sales_while(shop: Shop, going: Callable[[], bool], most: int) -> list[float]:
    times: list[float] = []
    while going() and len(times) < most:
        times += sales(shop, 1)
    return times


def line(name: str, size: float, seconds: float, used: float, memory: float) -> None:
    print(
        f"{name:<34}{seconds:7.1f} s {size / seconds:6.0f} MB/s   processor {used:5.1f} s {size / used:6.0f} MB/s",
        end="",
    )
    print(f"   memory +{memory:.0f} MB")


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1] * 1000


@contextlib.contextmanager
def place(given: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=given, prefix="kasa-backup-") as name:
        yield Path(name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=1024)
    parser.add_argument("--sales", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with place(options.folder) as where:
        data, stick = where / "till", where / "stick"
        stick.mkdir()
        shop = build(data / "ledger.db", TestClock())
        fill(shop, options.mb)
        size = (data / "ledger.db").stat().st_size / MB
        source = Source(Settings(data=str(data)))
        code = identity.found(source.place)
        targets.choose(source.place.folder, Chosen("stick", "folder", str(stick), mark=folder.mark(stick)))
        print(f"ledger {size:.0f} MB, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
        _, import_, idle = part("nothing", data, stick)
        seconds, used, most = part("copy", data, stick)
        line("copy, reopened and on the stick", size, seconds, used - import_, most - idle)
        for step, (took, used) in steps(source).items():
            line(f"    {step}", size, took, used, 0)
        before = sales(shop, options.sales)
        keeper = Keeper(source.settings, SystemClock())
        keeper.start("copy")
        during = sales_while(shop, lambda: not keeper.wait(0), options.sales * 20)
        keeper.wait(600)
        after = sales(shop, options.sales)
        alone = p95(before + after)
        print(f"sale p95: alone {alone:.1f} ms, with a copy under way {p95(during):.1f} ms ({len(during)} sales)")
        print(f"    ratio {p95(during) / alone:.2f}")
        shop.ledger.close()
        new = where / "new"
        seconds, used, most = part("restore", new, stick, code)
        line("restore, the program's own part", size, seconds, used - import_, most - idle)


def steps(source: Source) -> dict[str, tuple[float, float]]:
    """(seconds, seconds of the processor) of each part of making a copy."""
    machine = identity.machine_of(source.place)
    assert machine is not None
    began: dict[str, tuple[float, float]] = {}

    def note(step: str, _done: int, _all: int) -> None:
        began.setdefault(step, (time.perf_counter(), time.process_time()))

    contents = making.make(source, machine, SystemClock(), "manual", note)
    end = (time.perf_counter(), time.process_time())
    (source.place.folder / "outbox" / contents.name).unlink()
    moments = [*began.values(), end]
    names = list(began)
    return {
        name: (moments[index + 1][0] - moments[index][0], moments[index + 1][1] - moments[index][1])
        for index, name in enumerate(names)
    }


if __name__ == "__main__":
    main()
