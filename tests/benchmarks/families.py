"""Every family of hardware registrars side by side: `python -m tests.benchmarks.families`. Nothing here is asserted.

    detection     seconds until `detect` names the registrar on its own port, and on four ports at once
    status        one status query: milliseconds, and against what its bytes need at the line's speed
    sale          5 lines for cash along the whole road: milliseconds ÷ (all its bytes both ways at the line's speed)
    CPU           processor time of the till's process for that sale

The virtual registrars run in processes of their own, answer at once and pace their bytes both ways. Targets: detection
on four ports ≤ 3 s, sale ≤ 1.15 of the minimum. Help Micro has no serial line: its bytes are paced as if on one.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from drivers.clock import SystemClock
from drivers.discovery import detect
from drivers.document import Document, DocumentKind, Line, Payment, PaymentForm
from drivers.links.wire import WireLog
from drivers.registrar import State
from drivers.registry import connect
from drivers.road import walk
from tests.contract.memory import MemoryJournal

SPEEDS = {
    "datecs": 19_200,
    "exellio": 115_200,
    "krypton": 115_200,
    "maria": 115_200,
    "ikc": 9_600,
    "helpmicro": 115_200,
}
"""Speeds as the devices leave the factory (the dossier's pages); Help Micro's is that of the others."""
BITS_A_BYTE = 10
TIMES = 15
FOUR = ("datecs", "krypton", "maria", "ikc")


@contextmanager
def emulator(family: str, folder: Path) -> Iterator[str]:
    """A virtual registrar in a process of its own; gives its port: a path or host:port."""
    command = [sys.executable, "-m", "drivers.cli", "emulate", family]
    command += ["--port", "0"] if family == "helpmicro" else ["--link", str(folder / family)]
    command += ["--option", "realtime=1", "--option", f"baud={SPEEDS[family]}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1].removeprefix("http://")
        finally:
            process.terminate()


def url(family: str, port: str) -> str:
    if family == "helpmicro":
        return f"{family}+http://{port}?cashier=1&cashier_password=1111"
    return f"{family}+serial://{port}?baud={SPEEDS[family]}"


def sale(first: int) -> Document:
    lines = tuple(
        Line(code=str(number), name=f"Хліб {number}", quantity=1000, price=1250, sum=1250, tax="А")
        for number in range(first, first + 5)
    )
    payment = Payment(form=PaymentForm.CASH, amount=sum(line.sum for line in lines))
    return Document(id=uuid4(), kind=DocumentKind.SALE, lines=lines, payments=(payment,))


class Figures:
    """Milliseconds, their ratio to the line's minimum, bytes and processor milliseconds: medians."""

    def __init__(self, run: Callable[[], object], log: WireLog, baud: int, times: int = TIMES) -> None:
        rows: list[tuple[float, float, int, float]] = []
        for _ in range(times):
            moved, cpu, begin = log.sent + log.received, time.process_time(), time.perf_counter()
            run()
            taken = time.perf_counter() - begin
            size = log.sent + log.received - moved
            rows.append((taken * 1000, taken * baud / (size * BITS_A_BYTE), size, (time.process_time() - cpu) * 1000))
        self.ms, self.ratio, size_, self.cpu = (statistics.median(column) for column in zip(*rows, strict=True))
        self.least = min(row[1] for row in rows)
        self.bytes = round(size_)


def measure(family: str, port: str, table: Table) -> None:
    begin = time.perf_counter()
    (found,) = detect([port], SystemClock())
    detected = time.perf_counter() - begin
    log = WireLog(SystemClock())
    registrar = connect(url(family, port), log=log)
    numbers = itertools.count(1, 5)

    def sell() -> None:
        result = walk(registrar, sale(next(numbers)), MemoryJournal(), SystemClock())
        assert result.state is State.REGISTERED, result

    sell()
    status = Figures(registrar.status, log, SPEEDS[family])
    sold = Figures(sell, log, SPEEDS[family])
    registrar.close()
    named = found.info.family if found.info is not None else "nobody"
    table.add_row(
        family, f"{detected:.2f} ({named})", str(SPEEDS[family]), f"{status.ms:.0f}", f"{status.ratio:.2f}",
        str(sold.bytes), f"{sold.ms:.0f}", f"{sold.ratio:.3f}", f"{sold.least:.3f}", f"{sold.cpu:.1f}",
    )  # fmt: skip


def together(folder: Path, families: Sequence[str]) -> str:
    with ExitStack() as stack:
        ports = [stack.enter_context(emulator(family, folder)) for family in families]
        begin = time.perf_counter()
        found = detect(ports, SystemClock())
        taken = time.perf_counter() - begin
    names = ", ".join(finding.info.family if finding.info else "nobody" for finding in found)
    return f"detection on four ports at once: {taken:.2f} s ({names}); target ≤ 3 s"


def main() -> None:
    table = Table(
        "family", "found in s", "baud", "status ms", "ratio", "sale bytes", "sale ms", "ratio", "least", "CPU ms",
        title="5 lines for cash; goods new to the registrar every time",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        for family in SPEEDS:
            with emulator(family, Path(name)) as port:
                measure(family, port, table)
        four = together(Path(name), FOUR)
    Console(width=120).print(table)
    print(four)


if __name__ == "__main__":
    main()
