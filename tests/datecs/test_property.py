"""The property of emulators.md §3: whatever is injected wherever, turnover moves by 0 or by the document.

For every command of a sale, refund, cash movement and Z × every fault × both sides of its effect: register, recover,
read the device's own registers and compare with the verdict.
"""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.emulation.server import EmulatorServer
from drivers.registrar import Result, Snapshot, State
from drivers.registry import connect
from drivers.road import walk
from tests.conftest import Launch

LINE = Line(code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А")
CASH = Payment(form=PaymentForm.CASH, amount=2500)
DOCUMENTS = {
    "sale": Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE,), payments=(CASH,)),
    "mixed": Document(
        id=uuid.uuid4(),
        kind=DocumentKind.SALE,
        lines=(LINE,),
        payments=(Payment(form=PaymentForm.CARD, amount=1000), Payment(form=PaymentForm.CASH, amount=2000)),
    ),
    "refund": Document(
        id=uuid.uuid4(), kind=DocumentKind.REFUND, lines=(LINE,), payments=(CASH,), original=Original(number="1")
    ),
    "cash_in": Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=2500),
    "cash_out": Document(id=uuid.uuid4(), kind=DocumentKind.CASH_OUT, amount=2500),
    "z": Document(id=uuid.uuid4(), kind=DocumentKind.Z_REPORT),
}
COMMANDS = {
    "sale": ("74", "113", "110", "76", "107", "48", "58", "51", "53", "56"),
    "mixed": ("53",),
    "refund": ("85", "54", "58", "53", "56"),
    "cash_in": ("70",),
    "cash_out": ("70",),
    "z": ("69",),
}
FAULTS: list[dict[str, Any]] = [
    {"id": "F1"},
    {"id": "F2"},
    {"id": "F3"},
    {"id": "F4"},
    {"id": "F5", "seconds": 0.3},
    {"id": "F6"},
    {"id": "F7"},
    *({"id": "F8", "when": when, "restore_after": 0.4} for when in ("before", "after")),
    *({"id": "F9", "when": when, "restore_after": 0.4} for when in ("before", "after")),
    *({"id": "F10", "when": when, "restore_after": 0.4} for when in ("before", "after")),
    *({"id": "F11", "when": when, "restore_after": 0.4} for when in ("before", "after")),
    {"id": "F12", "when": "before", "serial": "ZZ00000001", "restore_after": 0.2},
    {"id": "F13", "when": "after", "seconds": 86401},
    {"id": "F19", "when": "after"},
    {"id": "F20"},
    {"id": "F23", "when": "after"},
]
CASES = [
    pytest.param(kind, command, nth, fault, id="-".join((kind, command, str(nth), fault["id"], fault.get("when", ""))))
    for kind, commands in COMMANDS.items()
    for command in commands
    for nth in ((1, 2) if (kind, command) in (("mixed", "53"), ("cash_in", "70"), ("cash_out", "70")) else (1,))
    for fault in FAULTS
]


class Memory:
    """A journal in memory that keeps what the road tells it."""

    def __init__(self) -> None:
        self.intents: dict[uuid.UUID, Snapshot] = {}
        self.results: list[Result] = []

    def settled(self, document: Document) -> Result | None:
        return None

    def open_intent(self, document: Document) -> Snapshot | None:
        return self.intents.get(document.id)

    def intent(self, document: Document, snapshot: Snapshot) -> None:
        self.intents[document.id] = snapshot

    def outcome(self, document: Document, result: Result) -> None:
        self.results.append(result)
        if result.state is not State.UNKNOWN:
            self.intents.pop(document.id, None)


def moved(kind: str, registers: dict[str, Any]) -> int:
    """By how many kopecks (or Z reports) the device moved."""
    if kind == "refund":
        return int(registers["refunds_turnover"])
    if kind in ("cash_in", "cash_out"):
        return int(registers[kind])
    return int(registers["z_number"] if kind == "z" else registers["sales_turnover"])


@pytest.mark.parametrize(("kind", "command", "nth", "fault"), CASES)
def test_nothing_twice_nothing_lost(kind: str, command: str, nth: int, fault: dict[str, Any], launch: Launch) -> None:
    server = launch(cash=100_000)
    document = DOCUMENTS[kind]
    registrar = connect(f"datecs+serial://{server.address}?cap=3")
    journal = Memory()
    # Who is there is asked once, before the day begins, as the till does.
    serial = registrar.info().serial
    server.add_fault(command=command, nth=nth, **fault)
    helper = threading.Timer(1.5, _repair, [server, fault])
    helper.start()
    try:
        result = walk(registrar, document, journal, SystemClock(), patience=6)
    finally:
        helper.join()
        registrar.close()
    registers = server.registers()
    step = 1 if kind == "z" else 2500
    if fault["id"] == "F12" and registers["serial"] != serial:
        # The former unit is gone: nothing may be claimed about it, and the stranger was not touched.
        assert result.state in (State.UNKNOWN, State.REJECTED)
        assert registers["journal"] == []
        return
    change = moved(kind, registers)
    assert change in (0, step)
    assert len(registers["journal"]) == (1 if change else 0)
    if result.state is State.UNKNOWN:
        # Only a device that cannot finish may leave the question open, and then nothing may be counted wrongly.
        assert fault["id"] in ("F19", "F23"), result
    else:
        assert result.done == (change == step), result


def _repair(server: EmulatorServer, fault: dict[str, Any]) -> None:
    """Somebody pulls the plug of a printer that hangs for ever, and puts it back."""
    if fault["id"] == "F6":
        server.power_off()
        server.power_on()
