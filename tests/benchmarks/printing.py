"""What a receipt on paper and on the screen costs: `python -m tests.benchmarks.printing`.

Rendering: the best of several runs, milliseconds of processor time, one thread. Printing: wall time of a whole job on a
virtual printer over TCP, with its status questions. Screen: from the payment of a real till with a virtual fiscal
server to the painted code, with the printer unplugged; IV-13 asks for 2 s. Nothing here is asserted by tests.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from drivers.clock import SystemClock
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import TcpLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from drivers.links.wire import WireLog
from drivers.printers.address import at
from drivers.printers.codes import code, half_blocks
from drivers.printers.emulator.machine import build as build_printer
from drivers.printers.job import Look, document
from drivers.printers.letters import page_of
from drivers.prro.documents import build, qr_text, read_document
from drivers.prro.documents.forms import form
from kiosk.widgets.qr_code import fitted
from tests.prro.documents.shop import SHOP, heading, line, sale


def best(times: int, run: Callable[[], object]) -> float:
    """The shortest of `times` runs in milliseconds of processor time, which a busy machine does not stretch."""
    found = []
    for _ in range(times):
        begin = time.thread_time()
        run()
        found.append(time.thread_time() - begin)
    return min(found) * 1000


def show(name: str, milliseconds: float, note: str = "") -> None:
    print(f"{name:<46}{milliseconds:>10.2f} ms  {note}")


def main() -> None:
    goods = [line(f"Товар з назвою номер {number} і щось іще", 100 + number) for number in range(20)]
    records = {count: read_document(build(SHOP, heading(504), sale(*goods[:count])), "834000504") for count in (2, 20)}
    page = page_of("epson")
    looks = {
        "letters, native QR": Look(page),
        "letters, raster QR": Look(page, qr="raster"),
        "every row drawn": Look(page, letters="picture", qr="raster"),
    }
    show("import of python-escpos", imported("escpos.printer"))
    show("import of segno", imported("segno"))
    for count, record in records.items():
        link = qr_text(record)
        rows = form(record, width=48)
        show(f"form, {count} lines", best(30, partial(form, record, width=48)), f"{len(rows)} rows")
        for name, look in looks.items():
            data = document(rows, link, look)
            seconds = f"{len(data) * 10 / 9600:.1f} s at 9600, {len(data) * 10 / 115200:.1f} s at 115200"
            show(f"  bytes, {name}", best(10, partial(document, rows, link, look)), f"{len(data)} bytes, {seconds}")
    online = qr_text(records[2])
    show("QR matrix, online link", best(20, partial(code, online, "M")), f"{code(online, 'M').side} modules")
    shown = fitted(online, 49, 25)
    assert shown is not None

    def chosen() -> object:
        fitted.cache_clear()
        return fitted(online, 49, 25)

    show("QR for 80x25, chosen", best(20, chosen), f"{shown.width} columns, {shown.height} rows")
    show("QR half-blocks", best(20, partial(half_blocks, shown.code, shown.quiet)))
    printed(form(records[2], width=48), online)
    asyncio.run(painted())


def imported(module: str) -> float:
    """Processor milliseconds of an import in a process of its own, compiled files warm."""
    code_ = f"import time; b=time.process_time(); import {module}; print((time.process_time()-b)*1000)"
    command = [sys.executable, "-W", "ignore", "-c", code_]
    runs = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(4)]
    return min(runs)


def printed(rows: tuple[str, ...], link: str) -> None:
    """A job with all its questions, and what a printer that is off costs a sale."""
    machine = build_printer({}, StateFile(None), Tape(None), FaultPlan())
    with EmulatorServer(machine, TcpLine(0)) as server:
        log = WireLog(SystemClock())
        printer = at(f"escpos+tcp://{server.address}", log)
        begin = time.monotonic()
        for _ in range(5):
            printer.print(rows, link)
        show(
            "a job over TCP, wall",
            (time.monotonic() - begin) * 200,
            f"{log.sent // 5} bytes out, {log.received // 5} in",
        )


async def painted() -> None:
    """The till with the printer off: payment to painted code."""
    from drivers.prro.emulator.web import build as build_server
    from tests.kiosk.paper.conftest import Rig, furnished, pay, shop_of

    os.environ["TZ"] = "Europe/Kyiv"
    time.tzset()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rig: Rig = stack.enter_context(furnished(folder, build_server))
        rig.paper.unplug()
        async with shop_of(rig, (80, 25)) as shop:
            times: list[float] = []
            for _ in range(5):
                times.append(await timed(shop, pay))
                await shop.press("enter")
            show(
                "printer off: Ctrl+Enter to painted code, wall", min(times) * 1000, f"worst {max(times) * 1000:.0f} ms"
            )


async def timed(shop: Any, pay: Any) -> float:
    began = 0.0

    def begin() -> None:
        nonlocal began
        began = time.monotonic()

    await pay(shop, begin)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
