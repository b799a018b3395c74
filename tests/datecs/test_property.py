"""The property of emulators.md §3: whatever is injected wherever, the registers move by 0 or by the document.

The injection points are not chosen but recorded: a document is registered once in peace, and then again for every
command that went out × every fault × both sides of its effect. After each the driver recovers, the device is repaired,
open questions are asked again, and the verdict is compared with the device's own registers. At the end the device
must sell as if nothing had happened: a fault that leaves it stuck is a defect too.

F14 has no field in this protocol. F16, F17, F18 and F21 are matters of one document and stand in `test_faults.py`;
F20 as a whole line is tried in `tests/drivers/test_discovery.py`, F24 in `test_faults.py`.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.emulation.command import build
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.server import EmulatorServer
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, Result, State
from drivers.registry import connect
from drivers.road import walk
from tests.contract.memory import MemoryJournal

BREAD = Line(code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А")
BEER = Line(code="8", name="Пиво", quantity=1000, price=2500, sum=2400, discount=100, tax="Б", excise=("АБВГ123456",))
CASH = Payment(form=PaymentForm.CASH, amount=2500)
DOCUMENTS: dict[str, dict[str, Any]] = {
    "sale": {"kind": DocumentKind.SALE, "lines": (BREAD,), "payments": (CASH,)},
    "mixed": {
        "kind": DocumentKind.SALE,
        "lines": (BREAD, BEER),
        "discount": 2400,
        "payments": (Payment(form=PaymentForm.CARD, amount=1000), Payment(form=PaymentForm.CASH, amount=2000)),
    },
    "refund": {
        "kind": DocumentKind.REFUND,
        "lines": (BREAD,),
        "payments": (CASH,),
        "original": Original(number="1"),
    },
    "zero": {"kind": DocumentKind.ZERO},
    "cash_in": {"kind": DocumentKind.CASH_IN, "amount": 2500},
    "cash_out": {"kind": DocumentKind.CASH_OUT, "amount": 2500},
    "z": {"kind": DocumentKind.Z_REPORT},
}
BACK = 0.15
"""Seconds until what was taken away comes back."""
BOTH = ("before", "after")
FAULTS: list[dict[str, Any]] = [
    {"id": "F1"},
    {"id": "F2"},
    {"id": "F3"},
    {"id": "F4"},
    {"id": "F5", "seconds": 0.25},
    {"id": "F6", "restore_after": 0.3},
    {"id": "F7"},
    *({"id": name, "when": when, "restore_after": BACK} for name in ("F8", "F9", "F10", "F11") for when in BOTH),
    *({"id": "F12", "when": when, "serial": "ZZ00000001", "restore_after": BACK} for when in BOTH),
    {"id": "F13", "seconds": 86_401},
    {"id": "F15", "seconds": 2_400},
    {"id": "F15", "seconds": -2_400},
    *({"id": name, "when": when} for name in ("F19", "F23") for when in BOTH),
    {"id": "F20"},
    {"id": "F22"},
]
FIRST_UNIT = "AB12345678"
AT_ONCE = 6
"""Devices that run side by side in one test: nearly all of their time is waiting."""


@dataclass(frozen=True)
class Point:
    """A place in the conversation: the `nth` command of this number."""

    command: str
    nth: int


@contextmanager
def bench(folder: Path) -> Iterator[tuple[EmulatorServer, str]]:
    """A printer with a memory file, 1000.00 in the drawer and a Z report behind it; the URL has short patience."""
    folder.mkdir(parents=True)
    machine = build("datecs", {"cash": "100000"}, folder / "state.json", None, FaultPlan())
    with EmulatorServer(machine, PtyLine(folder / "tty")) as server:
        yield server, f"datecs+serial://{server.address}?cap=2&silence_ms=80&working_ms=200"


def document(kind: str) -> Document:
    return Document(id=uuid.uuid4(), **DOCUMENTS[kind])


def road(registrar: Registrar, document: Document, journal: MemoryJournal) -> Result:
    return walk(registrar, document, journal, SystemClock(), patience=1.2, ask_again=0.1)


def points(kind: str, folder: Path) -> list[Point]:
    """Every command that `kind` needs after the registrar was met, in order."""
    with bench(folder) as (_, url):
        log = WireLog(SystemClock())
        registrar = connect(url, log=log)
        registrar.info()
        met = sum(exchange.direction == ">" for exchange in log)
        assert road(registrar, document(kind), MemoryJournal()).state is State.REGISTERED
        registrar.close()
    sent = [exchange.data[3] for exchange in log if exchange.direction == ">"][met:]
    seen: Counter[int] = Counter()
    found = []
    for command in sent:
        seen[command] += 1
        found.append(Point(str(command), seen[command]))
    return found


def moved(kind: str, registers: dict[str, Any]) -> int:
    """By how many documents of `kind` the registers moved: 0 or 1 where the driver is right."""
    sums = {
        "sale": registers["sales_turnover"],
        "mixed": registers["sales_turnover"],
        "refund": registers["refunds_turnover"],
        "cash_in": registers["cash_in"],
        "cash_out": registers["cash_out"],
    }
    if kind in sums:
        assert sums[kind] in (0, 2500), registers
        return int(sums[kind] // 2500)
    name = "Z" if kind == "z" else "SALE"
    return sum(entry["kind"] == name for entry in registers["journal"])


def repair(server: EmulatorServer) -> None:
    """Everything that was taken away is back: mains, cable, the first unit, paper, the cover, a healthy memory."""
    server.power_on()
    server.replug(FIRST_UNIT if server.registers()["serial"] != FIRST_UNIT else "")
    server.set_paper(True)
    server.set_cover(False)
    server.heal()


def one(kind: str, point: Point, fault: dict[str, Any], folder: Path) -> None:
    with bench(folder) as (server, url):
        registrar = connect(url)
        registrar.info()
        server.add_fault(command=point.command, nth=point.nth, **fault)
        subject, journal = document(kind), MemoryJournal()
        result = road(registrar, subject, journal)
        assert server.registers()["journal"] == [] or server.registers()["serial"] == FIRST_UNIT, "a stranger was used"
        repair(server)
        if result.state is State.UNKNOWN:
            result = road(registrar, subject, journal)
        registers = server.registers()
        count = moved(kind, registers)
        assert count in (0, 1), registers
        assert len(registers["journal"]) == count, registers
        assert result.state is not State.UNKNOWN, result
        assert result.done == (count == 1), result
        if result.done and kind != "z":
            assert result.number == str(registers["journal"][-1]["number"]), result
        again = road(registrar, subject, journal)
        assert not result.done or again == result
        if not again.done:
            # A Z must go through in any state that the repair left, and after it everything else does.
            last = road(registrar, document("z"), MemoryJournal())
            assert last.state is State.REGISTERED, last
            again = road(registrar, subject, journal)
        assert again.done, again
        registrar.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(map(str, fault.values())))
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_nothing_twice_nothing_lost(kind: str, fault: dict[str, Any], tmp_path: Path) -> None:
    places = points(kind, tmp_path / "peace")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            place: pool.submit(one, kind, place, fault, tmp_path / f"{place.command}-{place.nth}") for place in places
        }
    failed = {place: error for place, run in runs.items() if (error := run.exception()) is not None}
    assert not failed, "\n".join(f"{place}: {error!r}" for place, error in failed.items())
