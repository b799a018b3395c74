"""The days of a shop as data: a list of steps that a seed draws, that can be printed, cut short and lived again."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

ACTS = (
    ("sale", 40), ("refund", 12), ("cash_in", 5), ("cash_out", 6), ("x_report", 3), ("park", 3), ("recall", 3),
    ("change_cashier", 3), ("restart", 2), ("ask", 6), ("slips", 3), ("copy", 1), ("correct", 3), ("repair", 8),
    ("idle", 6),
)  # fmt: skip
LINE = ("F1", "F2", "F3", "F4", "F7", "F20", "F22")
CLIMATES: dict[str, tuple[float, tuple[tuple[str, int], ...]]] = {
    "everything": (0.45, (
        ("kill", 6), ("power", 8), ("mains", 4), ("unplug", 6), ("loose", 5), ("noise", 4), ("device", 14), ("full", 3),
        ("io", 3), ("readonly", 2), ("computer_clock", 3), ("device_clock", 2), ("paper", 3), ("cover", 2),
        ("modem", 1),
    )),
    "bad line": (0.7, (("line", 12), ("noise", 3), ("unplug", 2), ("loose", 2))),
    "bad mains": (0.6, (("kill", 3), ("power", 6), ("mains", 4), ("device", 2))),
    "calm": (0.1, (("device", 4), ("kill", 1), ("power", 1), ("paper", 1))),
}  # fmt: skip
"""How often something happens to a step, and what, with its weight: every seed lives in one of these climates, because
troubles that all come together hide each other. `device` is a fault of the catalogue of emulators.md §3, `line` one of
those that are a bad line's."""
SEASONS = ("everything", "everything", "bad line", "bad line", "bad mains", "calm")
ON_DISK = frozenset({"full", "io", "readonly"})
ON_WIRE = frozenset({"unplug", "loose", "noise"})
QUIET = frozenset({"idle", "repair", "change_cashier"})
"""Acts in which nothing can be struck."""
DISK = 60
"""Points on the disk in a sale: a strike that is drawn above what a step has does not fall."""
STEPS_A_DAY = 14


Weather = tuple[float, tuple[tuple[str, int], ...]]
COMMANDS = {
    "sale": ("open", "line", "pay", "close"),
    "recall": ("open", "line", "pay", "close"),
    "refund": ("line", "pay", "close"),
    "correct": ("pay", "close"),
    "cash_in": ("cash",),
    "cash_out": ("cash",),
    "open": ("cash",),
    "close": ("z", "cash"),
}
"""The parts of a document that an act is made of; each is a command of the device."""


class Target(Protocol):
    """What a script must know about the registrar."""

    @property
    def faults(self) -> frozenset[str]:
        """The catalogue's ids that its emulator knows."""

    @property
    def wire(self) -> int:
        """How many bytes and reads a sale takes there."""

    @property
    def commands(self) -> Mapping[str, str]:
        """The device's own names of its commands by their part in a document."""


@dataclass(frozen=True)
class Step:
    """One thing that people do. `seed` decides what exactly. `fault` strikes at the point `at` of `where`; what it took
    away comes back `back` seconds later, or when somebody repairs it (0). `twice`: every key is pressed two times."""

    act: str
    seed: int
    fault: str = ""
    where: str = ""
    at: int = 0
    back: float = 0.0
    twice: bool = False
    command: str = "*"
    """Which of the device's commands a fault of the catalogue counts."""

    def __str__(self) -> str:
        text = f"{self.act} #{self.seed}" + (" pressed twice" if self.twice else "")
        if not self.fault:
            return text
        place = f" at {self.where} point {self.at}" if self.where else ""
        if self.where == "command":
            place = f" at command {self.command}, time {self.at}"
        back = f", back after {self.back:g} s" if self.back else ""
        return f"{text}  ⚡ {self.fault}{place}{back}"


def draw(seed: int, family: str, days: int, target: Target, *, climate: str = "") -> list[Step]:
    """The script of `days` days with one family of registrars, in a climate that the seed chooses."""
    dice = random.Random(f"script-{family}-{seed}")
    weather = CLIMATES[climate or dice.choice(SEASONS)]
    steps = []
    for _ in range(days):
        steps.append(_step(dice, "open", target, weather))
        for _ in range(dice.randint(STEPS_A_DAY // 2, STEPS_A_DAY * 3 // 2)):
            steps.append(_step(dice, _weighted(dice, ACTS), target, weather))
        steps.append(_step(dice, "close", target, weather))
    return steps


def _step(dice: random.Random, act: str, target: Target, weather: Weather) -> Step:
    seed = dice.randrange(1_000_000)
    twice = dice.random() < 0.1
    if dice.random() >= weather[0] or act in QUIET:
        return Step(act, seed, twice=twice)
    fault = _weighted(dice, weather[1])
    where = "disk" if fault in ON_DISK else "wire" if fault in ON_WIRE else dice.choice(("disk", "wire"))
    at = int(dice.random() * DISK) if where == "disk" else int(dice.random() * target.wire)
    back = dice.choice((0.0, 0.3, 2.0, 20.0, 400.0))
    if fault in ("computer_clock", "device_clock", "paper", "cover", "modem"):
        return Step(act, seed, fault, "", 0, back, twice)
    if fault in ("device", "line"):
        side = dice.choice(("before", "after"))
        name = dice.choice(sorted(target.faults if fault == "device" else target.faults & set(LINE)))
        parts = [part for part in COMMANDS.get(act, ()) if part in target.commands]
        if parts and dice.random() < 0.7:
            # The first ones may be questions: a service cash movement asks for the cash before it moves any.
            command, nth = target.commands[dice.choice(parts)], dice.randint(1, 3)
        else:
            command, nth = "*", dice.randint(1, 16)
        return Step(act, seed, f"{name}:{side}", "command", nth, back, twice, command)
    return Step(act, seed, fault, where, at, back, twice)


def _weighted(dice: random.Random, table: Sequence[tuple[str, int]]) -> str:
    return dice.choices([name for name, _ in table], [weight for _, weight in table])[0]


def dump(steps: Sequence[Step]) -> str:
    """One JSON line a step."""
    return "\n".join(json.dumps(asdict(step), ensure_ascii=False) for step in steps)


def load(text: str) -> list[Step]:
    return [Step(**json.loads(line)) for line in text.splitlines() if line.strip()]
