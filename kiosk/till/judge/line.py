"""One line of the checklist as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Colour(StrEnum):
    """Amber lets the shift open; red blocks it where `blocks` is set."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class CheckLine:
    """One line: `value`, `threshold` and `advice` are message ids with `values` in them.

    `number` is the line of the table; `action` is what the screen may offer (open, continue, z, cash, seals, unlock).
    """

    number: int
    key: str
    title: str
    colour: Colour
    value: str
    threshold: str = ""
    advice: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    blocks: bool = False
    action: str = ""
