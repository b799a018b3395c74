"""What the device says about itself: /cgi/state, /cgi/status, /cgi/proc/state (helpmicro.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drivers.errors import Code, LinkLost
from drivers.helpmicro import refusals
from drivers.helpmicro.session import field

ENDED_BY_Z = frozenset({Code.SHIFT_EXPIRED, Code.Z_REQUIRED, Code.TRANSMISSION_OVERDUE, Code.JOURNAL_FULL})
"""States that a Z report ends, or that the device itself must judge for one."""
OPEN, PAYING, REPORTING, CANCELLING = 0x0003, 0x0084, 0x0200, 0x0400
UNPAIRED, PERSONALISED, UNPERSONALISED, STORAGE, NETWORK, MODEM = 0x02, 0x04, 0x08, 0x10, 0x20, 0x40
"""Bits of dev_state, which §2 counts from one."""
BUSY = OPEN | PAYING | REPORTING | CANCELLING
"""Bits of the document state that mean that a document is open or under way."""


@dataclass(frozen=True)
class Device:
    """Reply of /cgi/state. `time` is aware UTC."""

    serial: str
    model: str
    time: datetime
    receipt: int
    z_number: int
    working: bool
    fiscalised: bool
    printer_mode: bool
    errors: tuple[str, ...]

    @property
    def paper_out(self) -> bool:
        return any(code in refusals.PAPER for code in self.errors)

    def problems(self) -> list[tuple[Code, str, str]]:
        """Normalised code, sentence and the maker's code of the lasting states that forbid a sale."""
        found = [(*refusals.meaning(code), f"x{code}") for code in self.errors]
        if not self.fiscalised:
            found.append((Code.NOT_FISCALISED, "the registrar is not fiscalised", "Fiscalization"))
        if not self.printer_mode:
            found.append((*refusals.meaning("C3"), "FskMode"))
        return found


def device(answer: Any) -> Device:
    """Raises `LinkLost` where the fields that matter are missing."""
    return Device(
        serial=field(answer, "serial", str),
        model=text(answer, "model"),
        time=datetime.fromtimestamp(field(answer, "time"), UTC),
        receipt=field(answer, "chkId"),
        z_number=field(answer, "currZ"),
        working=bool(field(answer, "IsWrk")),
        fiscalised=_flag(answer, "Fiscalization"),
        printer_mode=_flag(answer, "FskMode"),
        errors=tuple(refusals.codes(answer.get("err"))),
    )


def _flag(answer: Any, name: str) -> bool:
    """A flag that some firmware does not send counts as set: the device itself refuses what it does not do."""
    try:
        return bool(field(answer, name) == 1)
    except LinkLost:
        return True


def text(answer: Any, name: str) -> str:
    try:
        return str(field(answer, name, str)).strip()
    except LinkLost:
        return ""


def mask(answer: Any) -> int:
    """The document state mask: a number, a text of hex digits, or an object that holds one of them."""
    if isinstance(answer, dict):
        answer = next((value for name, value in answer.items() if name.lower() != "err"), 0)
    if isinstance(answer, str):
        try:
            return int(answer.strip().removeprefix("x") or "0", 16)
        except ValueError:
            return 0
    return answer if isinstance(answer, int) else 0


def network(flags: int) -> tuple[list[tuple[Code, str]], tuple[str, ...]]:
    """Blocks and warnings of dev_state. Without a network the device sells until A6 (§4)."""
    found = []
    if flags & UNPAIRED or flags & UNPERSONALISED or not flags & PERSONALISED:
        found.append((Code.NOT_PERSONALISED, f"the registrar is not personalised (dev_state {flags:02X}h)"))
    if not flags & STORAGE:
        found.append((Code.HARDWARE, f"the storage of the journal has a fault (dev_state {flags:02X}h)"))
    if flags & MODEM or not flags & NETWORK:
        return found, ("the tax service is not reached: sales stop after 72 hours",)
    return found, ()
