"""What a family's emulator offers to the server that runs it, and what it may ask the server to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from drivers.emulation.faults import FaultPlan


@dataclass(frozen=True)
class Send:
    """Bytes for the host."""

    data: bytes


@dataclass(frozen=True)
class Work:
    """Keep the host waiting for `seconds` (inf: until the power is cut), sending `filler` every `every` seconds."""

    seconds: float
    filler: bytes
    every: float


@dataclass(frozen=True)
class PowerOff:
    """The mains go; back after `restore_after` seconds, or when somebody switches on."""

    restore_after: float | None = None


@dataclass(frozen=True)
class Unplug:
    """The cable goes; back after `restore_after` seconds, perhaps with another unit (`serial`) on it."""

    restore_after: float | None = None
    serial: str = ""


@dataclass(frozen=True)
class Later:
    """Call `Machine.later(what)` after `seconds`: "paper" comes back, the "cover" is closed, defects "heal"."""

    seconds: float
    what: str


@dataclass(frozen=True)
class Deaf:
    """Throw away what the host sent while the device was busy."""


@dataclass(frozen=True)
class HangUp:
    """Close the host's TCP connection."""


Action = Send | Work | PowerOff | Unplug | Later | Deaf | HangUp


class Machine(Protocol):
    """A virtual device. Called from one thread at a time."""

    plan: FaultPlan

    def receive(self, data: bytes) -> Iterable[Action]:
        """Bytes from the host -> what happens. Lazily: an action is carried out before the next step is taken."""

    def line_matches(self, speed: int, parity: str, stop_bits: int) -> bool:
        """Whether the host's line settings are the device's own; a pty itself has none."""

    def power_off(self) -> None:
        """Lose what does not survive."""

    def power_on(self) -> None: ...

    def later(self, what: str) -> None: ...

    def set_serial(self, serial: str) -> None:
        """Another unit of the same model, with a memory of its own, takes the place."""

    def set_paper(self, present: bool) -> None: ...

    def set_cover(self, opened: bool) -> None: ...

    def advance_clock(self, seconds: float) -> None: ...

    def registers(self) -> dict[str, Any]:
        """The registers as plain data; sums in kopecks."""


@runtime_checkable
class WatchesHost(Protocol):
    """A device that notices whether a host is there, as Maria does by DTR."""

    def set_dtr(self, present: bool, *, serial: bool) -> None:
        """`serial` tells a port with a speed to find from a TCP connection."""


@runtime_checkable
class OnNetwork(Protocol):
    """A device with an address of its own: without mains nobody answers there, and its connections are gone."""

    on_network: bool


@runtime_checkable
class Transmits(Protocol):
    """A device that sends its documents to the tax service by itself."""

    def set_link(self, up: bool) -> None:
        """The line to the tax service."""
