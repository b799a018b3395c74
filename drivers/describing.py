"""What bytes on a wire say in words: one describer a family, beside its codec, minimal and never raising.

A describer takes the bytes of one message and its direction and returns the commands in it with their fields by name.
It is for people who read the evidence, not for drivers: what it does not know it leaves as text or hexadecimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Described:
    """One command or answer. `fields`: names and values as text; `refusal`: why the other end said no, "" if not."""

    name: str
    fields: tuple[tuple[str, str], ...] = ()
    refusal: str = ""


Describer = Callable[[str, bytes], list[Described]]
"""(`>` or `<`, bytes) -> what is in them, in order."""

DESCRIBERS: Mapping[str, str] = {
    "datecs": "drivers.datecs.describe",
    "exellio": "drivers.datecs.describe",
    "krypton": "drivers.krypton.describe",
    "maria": "drivers.maria.describe",
    "ikc": "drivers.ikc.describe",
    "helpmicro": "drivers.helpmicro.describe",
    "prro": "drivers.prro.describe",
}


def describe(family: str, direction: str, data: bytes) -> list[Described]:
    """What the bytes say; empty where nobody knows. Never raises: evidence may be damaged."""
    where = DESCRIBERS.get(family)
    if where is None or not data:
        return []
    describer: Describer = import_module(where).describe
    try:
        return describer(direction, data)
    except Exception as error:  # what cannot be read must still be shown
        return [Described(f"? {type(error).__name__}: {error}"[:80])]


def readable(data: bytes, encoding: str) -> str:
    """Bytes as text; what is no text as dots."""
    text = data.decode(encoding, "replace")
    return "".join(character if character.isprintable() else "·" for character in text)


def named(names: tuple[str, ...], values: list[str]) -> tuple[tuple[str, str], ...]:
    """Values with the names that are known for them, the rest numbered."""
    return tuple((names[place] if place < len(names) else f"field {place + 1}", v) for place, v in enumerate(values))
