"""Faults by plan: the catalogue of emulators.md §3 as data.

A plan is a JSON list: `{"id": "F2", "command": "56", "nth": 1, "when": "after"}`. `command` is the family's own name of
a command or `*`; `nth` counts matching commands from 1; `when` says on which side of the effect a cut, a paper end or
an unplugging falls. The other fields belong to the faults that use them. A command may have several names, from the
wide to the narrow (`doc`, `doc:CHECK`): a fault takes any of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

IDS = frozenset(
    {
        "F1",
        "F2",
        "F3",
        "F4",
        "F5",
        "F6",
        "F7",
        "F8",
        "F9",
        "F10",
        "F11",
        "F12",
        "F13",
        "F14",
        "F15",
        "F16",
        "F17",
        "F18",
        "F19",
        "F20",
        "F22",
        "F23",
        "F24",
    }
)
"""F21 is a matter of the host. F14, F16-F18 and F24 put a device into a state that its own rules then judge; a family
whose protocol does not know that state ignores them."""

SERVER = frozenset(
    {
        "refusal",
        "package",
        "offline-closed",
        "no-offline-pair",
        "behind",
        "revoked",
        "unchecked",
        "unregistered",
    }
)
"""What only a fiscal server does to its clients; see drivers.prro.emulator.web."""


@dataclass(frozen=True)
class Fault:
    """One injection. Seconds for times; `serial` is the number of the unit that appears instead (F12).

    `status` (HTTP), `code` (of a refusal), `position` (of a document in a package; how many documents) and `text` are
    for the fiscal server.
    """

    id: str
    command: str = "*"
    nth: int = 1
    when: str = "after"
    seconds: float = 0.0
    restore_after: float | None = None
    serial: str = ""
    status: int = 0
    code: int = 0
    position: int = 0
    text: str = ""

    def __post_init__(self) -> None:
        if self.id not in IDS | SERVER:
            known = (*sorted(IDS, key=lambda i: int(i[1:])), *sorted(SERVER))
            raise ValueError(f"unknown fault {self.id!r}; known: {', '.join(known)}")
        if self.when not in ("before", "after"):
            raise ValueError(f"'when' is before or after, not {self.when!r}")
        if self.nth < 1:
            raise ValueError("'nth' counts from 1")
        if self.id == "F12" and not self.serial:
            raise ValueError("F12 needs the 'serial' of the other unit")

    @property
    def before(self) -> bool:
        return self.when == "before"


class FaultPlan:
    """Faults that are still to happen; each happens once."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._waiting = [(fault, fault.nth) for fault in faults]

    def add(self, fault: Fault) -> None:
        """`nth` counts from now."""
        self._waiting.append((fault, fault.nth))

    def take(self, *names: str) -> list[Fault]:
        """Faults that fire on the command with these names."""
        counted = [(fault, left - (fault.command in ("*", *names))) for fault, left in self._waiting]
        self._waiting = [(fault, left) for fault, left in counted if left > 0]
        return [fault for fault, left in counted if left == 0]


def load(path: Path) -> FaultPlan:
    """A plan from a file. Raises ValueError that names the entry."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(plain, list):
        raise ValueError(f"{path} is not a list of faults")
    return FaultPlan(_fault(entry, position) for position, entry in enumerate(plain, 1))


def _fault(entry: Any, position: int) -> Fault:
    kinds: dict[str, tuple[type, ...]] = {
        "nth": (int,),
        "status": (int,),
        "code": (int,),
        "position": (int,),
        "seconds": (int, float),
        "restore_after": (int, float, type(None)),
    }
    if not isinstance(entry, dict):
        raise ValueError(f"fault {position} is not an object")
    known = {field.name for field in fields(Fault)}
    for name, value in entry.items():
        if name not in known:
            raise ValueError(f"fault {position} has an unknown key {name!r}")
        if not isinstance(value, kinds.get(name, (str,))) or isinstance(value, bool):
            raise ValueError(f"fault {position}: {name!r} has the wrong type")
    if "id" not in entry:
        raise ValueError(f"fault {position} has no 'id'")
    try:
        return Fault(**entry)
    except ValueError as error:
        raise ValueError(f"fault {position}: {error}") from error
