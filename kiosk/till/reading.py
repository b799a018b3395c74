"""What the checklist reads off a registrar, with identification and status commands only (II-4)."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.errors import DifferentDevice, Fault
from drivers.registrar import FaultInfo, Info, Registrar, Served, Status, served
from kiosk.ledger.records import Binding
from kiosk.till.judge.place import SLOW

PATIENCE = 4.5
"""Seconds for the fiscal server's answer to one question: more than the 3 s above which a line is slow, and with the
questions after it still within the 10 s of the whole checklist."""


@dataclass(frozen=True)
class Reading:
    """`fault`: why there is no `info`, or no `status`. `latency`: seconds to the server of a software registrar, None
    where it does not answer."""

    info: Info | None = None
    status: Status | None = None
    fault: FaultInfo | None = None
    latency: float | None = None

    @property
    def silent(self) -> str:
        """The code of the fault."""
        return self.fault.code if self.fault is not None else ""


def read(registrar: Registrar, binding: Binding) -> Reading:
    """On the registrar's own thread. Never raises a `Fault`."""
    line = served(registrar)
    try:
        return _server(line) if line is not None else _device(registrar, binding)
    except DifferentDevice as fault:
        who = None if line is not None else Info("", "", "", fault.serial, "", "", False)
        return Reading(who, fault=FaultInfo.of(fault))
    except Fault as fault:
        return Reading(fault=FaultInfo.of(fault))


def _device(registrar: Registrar, binding: Binding) -> Reading:
    """Identification first: a foreign unit is asked nothing else."""
    info = registrar.info()
    if binding.serial and info.serial != binding.serial:
        return Reading(info)
    return Reading(info, registrar.status())


def _server(registrar: Served) -> Reading:
    """The server's own time first; a server that is silent or too slow to work with is asked nothing else.

    What is known without it (queue, limits, key) is told all the same.
    """
    latency = registrar.latency(PATIENCE)
    info: Info | None = None
    fault: FaultInfo | None = None
    if latency is not None and latency <= SLOW:
        try:
            info = registrar.info()
        except Fault as error:
            fault = FaultInfo.of(error)
    try:
        return Reading(info, registrar.status(), fault, latency)
    except Fault as error:
        return Reading(info, None, fault or FaultInfo.of(error), latency)
