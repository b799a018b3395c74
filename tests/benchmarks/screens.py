"""How quick the sale screen is, on a real pseudo-terminal with a 100 000-goods catalogue. Run by hand:

    python -m tests.benchmarks.screens [--goods N] [--scans N] [--profile FILE]

A scan is a barcode and CR written at once, as a wedge scanner's bytes arrive; it is over with the last byte that the
till writes for it. Target: p95 ≤ 15 ms on the development machine. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drivers.emulation.command import build, timing
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.server import EmulatorServer
from kiosk.config import Settings
from kiosk.ledger.records import Good
from kiosk.till.scan import ean_check

BADGE = "2000000001"
LINES = 30
"""Lines of one basket before it is cleared: a long receipt."""
SILENCE = 0.06
"""Seconds without a byte that end a paint."""
FIRST, SECOND = ("Молоко", "Хліб", "Сир", "Сметана", "Печиво", "Шоколад", "Гречка", "Олія"), ("свіже", "житнє", "м'яке")


def barcode(number: int) -> str:
    twelve = f"482{number:09d}"
    return twelve + ean_check(twelve)


def catalogue(count: int, enterprise: int) -> Iterator[Good]:
    for number in range(count):
        name = f"{FIRST[number % len(FIRST)]} {SECOND[number % len(SECOND)]} «Марка {number % 977}» {number} г"
        yield Good(0, str(100_000 + number), name, 1000 + number % 9000, enterprise, barcode=barcode(number))


def settings_of(folder: Path, port: str) -> Settings:
    return Settings(data=str(folder), registrar=f"datecs+serial://{port}?cap=5", demo=True)


def opened(settings: Settings) -> object:
    """The till with an open shift, its people logged out."""
    from kiosk.start import open_till

    till = open_till(settings)
    binding = till.workplace.main_binding()
    if till.shifts.current(binding) is None:
        till.people.login_badge(BADGE)
        till.shifts.open(binding, counted=0, float_=0)
        till.people.logout()
    return till


def child(folder: Path, port: str, profile: str) -> None:
    """The kiosk itself, on the terminal that it was given."""
    from kiosk.app import KioskApp

    settings = settings_of(folder, port)
    app = KioskApp(settings, lambda: opened(settings))
    if profile:
        import cProfile

        with cProfile.Profile() as profiler:
            app.run()
        profiler.dump_stats(profile)
    else:
        app.run()


class Terminal:
    """The kiosk behind a pseudo-terminal of 80x25, read as fast as it writes."""

    def __init__(self, command: Sequence[str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
        environment = {**os.environ, "TERM": "linux", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_DISABLE_KITTY_KEY": "1"}
        environment.pop("COLORTERM", None)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.seen = b""

    def read(self, silence: float, first: float = 5.0) -> tuple[float, int]:
        """(moment of the last byte, bytes) of what is painted until it is silent."""
        last, count, wait = 0.0, 0, first
        while select.select([self.master], [], [], wait)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the kiosk has left
                break
            last = time.perf_counter()
            count += len(data)
            self.seen = (self.seen + data)[-200_000:]
            wait = silence
        return last, count

    def send(self, data: str, silence: float = SILENCE) -> tuple[float, int]:
        """(milliseconds from the write to the last byte, bytes painted)."""
        begin = time.perf_counter()
        os.write(self.master, data.encode())
        last, count = self.read(silence)
        return (last - begin) * 1000, count

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while text.encode() not in self.seen:
            if time.monotonic() > end:
                raise SystemExit(f"{text!r} was never painted")
            self.read(0.2, 0.5)


@contextmanager
def kiosk(folder: Path, port: str, profile: str = "") -> Iterator[Terminal]:
    command = [sys.executable, "-m", "tests.benchmarks.screens", "--child", str(folder), "--port", port]
    terminal = Terminal([*command, "--profile", profile] if profile else command)
    try:
        yield terminal
    finally:
        os.write(terminal.master, b"\x11")
        terminal.read(0.5, 2.0)
        try:
            terminal.process.wait(5)
        except subprocess.TimeoutExpired:
            terminal.process.kill()
            terminal.process.wait()
        os.close(terminal.master)


def row(name: str, values: Sequence[float], note: str = "") -> None:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"{name:<44}{statistics.median(ordered):>9.2f}{p95:>9.2f}{ordered[-1]:>9.2f}   {note}")


def cpu(process: int) -> float:
    """Seconds of processor time that a process has used: the figure that a busy machine does not spoil."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def measure(goods: int, scans: int, profile: str) -> None:
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        machine = build("datecs", {"cash": "100000"}, folder / "state.json", folder / "tape.txt", FaultPlan())
        with EmulatorServer(machine, PtyLine(folder / "tty"), timing({})) as emulator:
            settings = settings_of(folder, emulator.address)
            till = opened(settings)
            ledger = till.workplace.ledger  # type: ignore[attr-defined]
            ledger.goods.put(catalogue(goods, ledger.shop.enterprises()[0].id))
            yardstick = min(timed(lambda: sum(range(10**6))) for _ in range(20))
            print(f"load {os.getloadavg()[0]:.1f}, sum(range(10**6)) {yardstick:.1f} ms (bench: 13 ms, k = 1)")
            print(f"{goods} goods, {scans} scans, milliseconds{'':>14}{'p50':>9}{'p95':>9}{'max':>9}")
            rooms(till, goods, chance)
            till.close()  # type: ignore[attr-defined]
            with kiosk(folder, emulator.address, profile) as terminal:
                faces(terminal, goods, scans, chance)


def rooms(till: object, goods: int, chance: random.Random) -> None:
    """Without a screen: what the till and the ledger cost."""
    ledger, sale = till.workplace.ledger, till.sale  # type: ignore[attr-defined]
    till.people.login_badge(BADGE)  # type: ignore[attr-defined]
    codes = [barcode(chance.randrange(goods)) for _ in range(300)]
    row("ledger: barcode", [timed(lambda code=code: ledger.goods.by_barcode(code)) for code in codes])  # type: ignore[misc]
    row("ledger: search, one word", [timed(lambda: ledger.goods.search("жит")) for _ in range(50)])
    row("ledger: search, two words", [timed(lambda: ledger.goods.search("сир марка 5")) for _ in range(50)])
    taken = []
    for index, code in enumerate(codes):
        if index % LINES == 0:
            sale.clear()
        taken.append(timed(lambda code=code: sale.enter(code)))  # type: ignore[misc]
    row("till: scan to stored basket (fsync)", taken)
    sale.clear()
    till.people.logout()  # type: ignore[attr-defined]


def faces(terminal: Terminal, goods: int, scans: int, chance: random.Random) -> None:
    """The whole way: bytes in, bytes out."""
    terminal.wait_for("Ковальчук")
    terminal.read(0.5, 1.0)
    terminal.send(BADGE + "\r", 0.5)
    terminal.wait_for("F6")
    terminal.read(1.0, 2.0)
    before = cpu(terminal.process.pid)
    times: list[float] = []
    painted: list[int] = []
    for number in range(scans + 20):
        if number % LINES == 0 and number:
            terminal.send("\x1b[3;5~", 0.3)
            terminal.send("\r", 0.5)
        taken, count = terminal.send(barcode(chance.randrange(goods)) + "\r")
        if number >= 20:
            times.append(taken)
            painted.append(count)
    spent = (cpu(terminal.process.pid) - before) * 1000 / (scans + 20)
    note = f"{statistics.mean(painted):.0f} bytes, {spent:.1f} ms of CPU, least {min(times):.1f}; target p95 ≤ 15"
    row("screen: scan to complete paint", times, note)
    codes = [barcode(number) for number in range(5)]
    for code in codes:
        terminal.send(code + "\r")
    row("screen: scan of a good already there", [terminal.send(codes[n % 5] + "\r")[0] for n in range(60)])
    row("screen: cursor up / down", [terminal.send("\x1b[A" if n % 8 < 4 else "\x1b[B")[0] for n in range(60)])
    row("screen: a typed digit", [terminal.send("7")[0] for _ in range(40)])
    terminal.send("\x1b", 0.3)
    found = []
    for _ in range(10):
        terminal.send("\x1b[[C", 0.3)
        terminal.send("ж", 0.3)
        terminal.send("и", 0.3)
        found.append(terminal.send("т", 0.4)[0])
        terminal.send("\x1b", 0.4)
    row("screen: search, third letter to results", found, "150 ms of it wait for the next letter")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goods", type=int, default=100_000)
    parser.add_argument("--scans", type=int, default=300)
    parser.add_argument("--profile", default="", metavar="FILE", help="write the till's profile there")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.child, options.port, options.profile)
    else:
        measure(options.goods, options.scans, options.profile)


if __name__ == "__main__":
    main()
