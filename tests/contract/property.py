"""The property of emulators.md §3 for any family: registers move by 0 or by the document, whatever is injected.

The injection points are recorded, not chosen: a document is registered once in peace, then again for every command
that went out × a fault. After each the driver recovers, the device is repaired, an open question is asked again, the
verdict is compared with the device's own registers, and at the end the device must do the document as if nothing had
happened.

KASA_FULL=1 runs it whole: every kind of document × every command, repeated ones too × every fault × both sides of the
command's effect. Without it a run takes every command of a sale once × every class of fault, and the sides take turns.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, Result, State
from drivers.registry import connect
from drivers.road import walk
from tests.contract.bench import EmulatorBench, Family, emulator_bench
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
    {"id": "F14", "when": "before"},
    {"id": "F15", "seconds": 2_400},
    {"id": "F17", "when": "before"},
    *({"id": name, "when": when} for name in ("F19", "F23") for when in BOTH),
    {"id": "F20"},
]
FULL = os.environ.get("KASA_FULL") == "1"
AT_ONCE = 6
"""Devices that run side by side in one test: nearly all of their time is waiting."""

Named = Callable[[bytes], str]
"""The emulator's name of the command in a frame as the wire log shows it; empty for what is no command."""


@dataclass(frozen=True)
class Point:
    """A place in the conversation: the `nth` command of this name."""

    command: str
    nth: int


def document(kind: str) -> Document:
    return Document(id=uuid.uuid4(), **DOCUMENTS[kind])


def road(registrar: Registrar, document: Document, journal: MemoryJournal) -> Result:
    return walk(registrar, document, journal, SystemClock(), patience=1.2, ask_again=0.1)


def points(family: Family, kind: str, named: Named, folder: Path) -> list[Point]:
    """Every command that `kind` needs after the registrar was met, in order; of a command its first two, or one."""
    with emulator_bench(family, folder, cash="100000") as bench:
        log = WireLog(SystemClock())
        registrar = connect(bench.url, log=log)
        registrar.info()
        met = sum(exchange.direction == ">" for exchange in log)
        result = road(registrar, document(kind), MemoryJournal())
        assert result.state is State.REGISTERED, result
        registrar.close()
    sent = [named(exchange.data) for exchange in log if exchange.direction == ">"][met:]
    seen: Counter[str] = Counter()
    found = []
    for command in filter(None, sent):
        seen[command] += 1
        if seen[command] <= (2 if FULL else 1):
            found.append(Point(command, seen[command]))
    return found


def moved(kind: str, registers: dict[str, Any]) -> int:
    """By how many documents of `kind` the registers moved: 0 or 1 where the driver is right."""
    if kind == "z":
        return int(registers["z_number"])
    if kind == "zero":
        return sum(entry["kind"] == "SALE" for entry in registers["journal"])
    name = {"refund": "refunds_turnover", "cash_in": "cash_in", "cash_out": "cash_out"}.get(kind, "sales_turnover")
    assert registers[name] in (0, 2500), registers
    return int(registers[name] // 2500)


def repair(bench: EmulatorBench) -> None:
    """Everything that was taken away is back: mains, cable, the first unit, paper, the cover, a healthy memory."""
    first = bench.family.first_serial
    bench.power(True)
    bench.replug(first if bench.registers()["serial"] != first else "")
    bench.paper(True)
    bench.cover(False)
    bench.heal()


def one(family: Family, kind: str, point: Point, fault: dict[str, Any], folder: Path) -> str:
    """One document × one fault at one point; returns the verdict, and the later one where that was "unknown"."""
    with emulator_bench(family, folder, cash="100000") as bench:
        registrar = connect(bench.url)
        registrar.info()
        bench.fault(fault["id"], point.command, nth=point.nth, **{k: v for k, v in fault.items() if k != "id"})
        subject, journal = document(kind), MemoryJournal()
        result = road(registrar, subject, journal)
        verdict = str(result.state)
        registers = bench.registers()
        assert registers["journal"] == [] or registers["serial"] == family.first_serial, "a stranger was used"
        if fault["id"] == "F6":
            bench.power(False)
        repair(bench)
        if fault["id"] == "F17":
            registrar.close()  # a person corrected the password
        if result.state is State.UNKNOWN:
            result = road(registrar, subject, journal)
            verdict += f" → {result.state}"
        registers = bench.registers()
        count = moved(kind, registers)
        assert count in (0, 1), registers
        assert result.state is not State.UNKNOWN, result
        assert result.done == (count == 1), result
        if result.done and subject.lines:
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
        return verdict


def nothing_twice_nothing_lost(
    family: Family, kind: str, faults: Sequence[dict[str, Any]], named: Named, folder: Path
) -> None:
    """One kind of document × a fault at every recorded point; where there are several, they take turns."""
    failed = {
        place: verdict
        for place, verdict in verdicts(family, kind, faults, named, folder).items()
        if isinstance(verdict, BaseException)
    }
    assert not failed, "\n".join(f"{place}: {error!r}" for place, error in failed.items())


def verdicts(
    family: Family, kind: str, faults: Sequence[dict[str, Any]], named: Named, folder: Path
) -> dict[Point, str | BaseException]:
    """The verdict at every point, or what was wrong there."""
    places = points(family, kind, named, folder / "peace")
    assert places
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            place: pool.submit(
                one, family, kind, place, faults[index % len(faults)], folder / f"{place.command}-{place.nth}"
            )
            for index, place in enumerate(places)
        }
    return {place: run.exception() or run.result() for place, run in runs.items()}


def classes(faults: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Faults by their id of the catalogue."""
    found: dict[str, list[dict[str, Any]]] = {}
    for fault in faults:
        found.setdefault(fault["id"], []).append(fault)
    return found


def sweep(kinds: Sequence[str], faults: Sequence[dict[str, Any]] = FAULTS) -> list[Any]:
    """Parameters `kind` and `faults` of a family's test: a slice of a minute, or everything (KASA_FULL=1)."""
    if FULL:
        return [pytest.param(kind, [fault], id=f"{kind}-{label(fault)}") for kind in kinds for fault in faults]
    return [pytest.param("sale", sides, id=f"sale-{name}") for name, sides in classes(faults).items()]


def label(fault: dict[str, Any]) -> str:
    return "-".join(map(str, fault.values()))
