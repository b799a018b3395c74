"""What the check at a start costs, by the size of the ledger. The target is a second at any size.

    python -m tests.benchmarks.startup [--documents 1000,100000,1000000] [--folder PATH]

Prints a table; asserts nothing. `open` looks at the small tables and the newest rows of the big ones, `verify` at the
journal since the last start (here a day of 400 records), `till` is both and the rooms: `kiosk.start.open_till`. `whole`
is what `kiosk check` does, and grows with the shop.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kiosk import start
from kiosk.config import Settings
from kiosk.ledger.store import open_ledger
from tests.benchmarks.ledger import fill
from tests.kiosk.ledger.world import TestClock, build

DAY = 400
"""Journal records that a busy day leaves unverified."""


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def measure(folder: Path, documents: int, *, whole: bool) -> str:
    path = folder / "ledger.db"
    shop = build(path, TestClock())
    fill(shop, documents)
    with shop.ledger.database.read() as connection:
        seq, digest = connection.exec_driver_sql(
            f"SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1 OFFSET {DAY}"
        ).one()
    mark = f"{seq}:{digest}"
    shop.ledger.shop.set_setting("journal.verified", mark)
    shop.ledger.close()
    settings = Settings(data=str(folder), internet="")
    opened = seconds(lambda: open_ledger(path, TestClock()).close())
    with open_ledger(path, TestClock()) as ledger:
        verified = seconds(lambda: ledger.journal.verify(most=start.AT_START))
        ledger.shop.set_setting("journal.verified", mark)
    till = seconds(lambda: start.open_till(settings).close())
    full = f"{seconds(lambda: start.check(settings)):>9.1f}" if whole else f"{'-':>9}"
    return f"{documents:>10,} {path.stat().st_size / 1e6:>8.0f} {opened:>8.3f} {verified:>8.3f} {till:>8.3f} {full}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", default="1000,100000,1000000")
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--whole", action="store_true", help="measure `kiosk check` too")
    options = parser.parse_args()
    print(f"{'documents':>10} {'MB':>8} {'open s':>8} {'verify s':>8} {'till s':>8} {'whole s':>9}")
    for count in options.documents.split(","):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            print(measure(Path(folder), int(count), whole=options.whole), flush=True)


if __name__ == "__main__":
    main()
