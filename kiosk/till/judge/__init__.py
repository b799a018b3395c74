"""The judgement of each line of the checklist: readings in, colour and words out (cashier-flow.md II).

Pure functions with the thresholds of the table, so that every colour of every line can be tested; `checklist` takes
the readings. What only a hardware registrar has is in `hardware`, what only a software registrar has in `software`,
the rest in `place`.
"""

from __future__ import annotations

from kiosk.till.judge import software
from kiosk.till.judge.hardware import flags, link, seals
from kiosk.till.judge.line import CheckLine, Colour
from kiosk.till.judge.place import (
    cash,
    clock,
    equipment,
    internet,
    previous_z,
    printer,
    shift,
    storage,
    terminal,
)

__all__ = [
    "CheckLine",
    "Colour",
    "cash",
    "clock",
    "equipment",
    "flags",
    "internet",
    "link",
    "previous_z",
    "printer",
    "seals",
    "shift",
    "software",
    "storage",
    "terminal",
]
