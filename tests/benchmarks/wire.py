"""How well the wire is used: the time of a sale against the time that its bytes need at the line's speed.

Run by hand: `python -m tests.benchmarks.wire`. The virtual printer answers at once and paces its bytes both ways; it
runs in a process of its own. "needed" are the bytes of the dossier's sequence (datecs-fp3530t.md §6: 107 for goods
that are new to the printer, 48, 58, 53, 56; one state query, here 76 before the payment, where the dossier puts 74 at
the start) and of the proof of completion (§8: 113 and 110 before, 113 after); what a driver sends beside them counts
against it. Target: time ÷ (needed bytes at the line's speed) ≤ 1.15.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind, Line, Payment, PaymentForm
from drivers.links.wire import WireLog
from drivers.registrar import State
from drivers.registry import connect
from drivers.road import walk
from tests.contract.memory import MemoryJournal

NEEDED = Counter({113: 2, 110: 1, 48: 1, 76: 1, 53: 1, 56: 1})
"""Commands that every sale needs once or twice; 58 a line, 107 a new good."""
BITS_A_BYTE = 10
ROUNDS = 5


def sale(lines: int, first: int) -> Document:
    goods = tuple(
        Line(
            code=str(first + number),
            name=f"Хліб житній {first + number}",
            quantity=1000,
            price=1250 + number,
            sum=1250 + number,
            tax="А",
        )
        for number in range(lines)
    )
    due = sum(line.sum for line in goods)
    payment = Payment(form=PaymentForm.CASH, amount=due)
    return Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=goods, payments=(payment,))


def exchanges(log: WireLog) -> list[tuple[int, int]]:
    """(command, bytes both ways) of each exchange, in order."""
    found: list[list[int]] = []
    for exchange in log:
        if exchange.direction == ">":
            found.append([exchange.data[3], len(exchange.data)])
        elif exchange.direction == "<":
            found[-1][1] += len(exchange.data)
    return [(command, size) for command, size in found]


def measure(baud: int, table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "tty"
        command = [sys.executable, "-m", "drivers.cli", "emulate", "datecs", "--link", str(port)]
        command += ["--option", f"baud={baud}", "--option", "realtime=1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as printer:
            assert printer.stdout is not None
            printer.stdout.readline()
            log = WireLog(SystemClock())
            registrar = connect(f"datecs+serial://{port}?baud={baud}", log=log)
            registrar.info()
            first = 1
            walk(registrar, sale(1, 0), MemoryJournal(), SystemClock())
            for lines in (1, 5, 30):
                for new in (True, False):
                    rows = []
                    for _ in range(ROUNDS):
                        document = sale(lines, first)
                        if new:
                            first += lines
                        else:
                            document = sale(lines, first - lines)
                        log.clear()
                        begin = time.perf_counter()
                        result = walk(registrar, document, MemoryJournal(), SystemClock())
                        spent = time.perf_counter() - begin
                        assert result.state is State.REGISTERED, result
                        sent = exchanges(log)
                        allowed = NEEDED + Counter({58: lines, 107: lines if new else 0})
                        needed = 0
                        for code, size in sent:
                            if allowed[code] > 0:
                                allowed[code] -= 1
                                needed += size
                        rows.append((spent, needed, sum(size for _, size in sent), len(sent)))
                    spent, needed, size, count = sorted(rows)[ROUNDS // 2]
                    least = needed * BITS_A_BYTE / baud
                    table.add_row(
                        str(baud), str(lines), "new" if new else "known", str(count), str(size), str(needed),
                        f"{least * 1000:.0f}", f"{spent * 1000:.0f}", f"{spent / least:.3f}",
                    )  # fmt: skip
            registrar.close()
            printer.terminate()


def main() -> None:
    table = Table("baud", "lines", "goods", "commands", "bytes", "needed", "least ms", "median ms", "ratio")
    for baud in (19_200, 115_200):
        measure(baud, table)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
