"""What the faults of a plan do to the world around a device: mains, cable, paper, cover, clock (emulators.md §3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from drivers.emulation.faults import Fault
from drivers.emulation.machine import Action, Later, PowerOff, Unplug, Work


class Afflicted(Protocol):
    def set_paper(self, present: bool) -> None: ...

    def set_cover(self, opened: bool) -> None: ...

    def advance_clock(self, seconds: float) -> None: ...

    def afflict(self, fault: str) -> None:
        """Put the device into the state of F14, F16-F19, F23 or F24. One that has no such state does nothing."""


STATES = ("F14", "F16", "F17", "F18", "F19", "F23", "F24")
CURES = {
    "F9": "paper",
    "F10": "cover",
    "F14": "link",
    "F17": "password",
    "F19": "heal",
    "F23": "heal",
    "F24": "season",
}
"""What `Machine.later` is told when `restore_after` is over."""


def strike(device: Afflicted, faults: Mapping[str, Fault], *, before: bool) -> Iterator[Action]:
    """Let the faults of this side of the effect happen."""
    for fault in faults.values():
        if fault.before != before:
            continue
        if fault.id == "F8":
            yield PowerOff(fault.restore_after)
        elif fault.id in ("F11", "F12"):
            yield Unplug(fault.restore_after, fault.serial)
        elif fault.id == "F9":
            device.set_paper(False)
        elif fault.id == "F10":
            device.set_cover(True)
        elif fault.id in ("F13", "F15"):
            device.advance_clock(fault.seconds)
        elif fault.id in STATES:
            device.afflict(fault.id)
        if fault.id in CURES and fault.restore_after is not None:
            yield Later(fault.restore_after, CURES[fault.id])


def cut(faults: Mapping[str, Fault], *, before: bool) -> bool:
    """Whether mains or cable went on this side of the effect."""
    return any(name in faults and faults[name].before == before for name in ("F8", "F11", "F12"))


def hang(fault: Fault, filler: bytes, every: float) -> Iterator[Action]:
    """F6: busy for ever, or until somebody pulls the plug and puts it back after `restore_after` seconds."""
    if fault.restore_after is None:
        yield Work(float("inf"), filler, every)
        return
    yield Work(fault.restore_after, filler, every)
    yield PowerOff(0.0)
