"""Frames of Maria in words (maria.md §2–4, §7): for the evidence, not for the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drivers.describing import Described, readable
from drivers.maria.frame import Broken, Frame, Parser

NAMES: Mapping[str, str] = {
    "SYNC": "synchronise", "CONF": "configuration", "UPAS": "cashier's login", "CSIN": "CRC on or off",
    "GLCN": "numbers", "CNAL": "receipt's state", "CFIS": "fiscal sums", "CCAS": "cash", "GETD": "clock",
    "MDMD": "modem", "PREP": "open receipt", "FISC": "sale line", "BFIS": "return line", "FICD": "sale line with codes",
    "BFCD": "return line with codes", "COMP": "close receipt", "CAIO": "service cash", "NULL": "zero receipt",
    "ZREP": "Z report", "NREP": "X report", "COPY": "copy of receipt", "DBEG": "open slip", "PRTX": "text line",
    "TEXT": "text line", "CANC": "cancel receipt", "ARMO": "article mode", "DISP": "display", "BOXO": "open drawer",
}  # fmt: skip
WORDS = frozenset({"WAIT", "WRK", "PRN", "DONE", "READY", "SOFTBLOCK"})


def describe(direction: str, data: bytes) -> list[Described]:
    """Answers `drivers.describing.Describer`. Text is code page 866."""
    found = list(_frames(direction, data))
    if not found and direction == ">":
        # Not a frame: the bytes that tune the speed or end half a frame.
        return [Described("tune or resynchronise", (("bytes", data.hex(" ")),))]
    return found


def _frames(direction: str, data: bytes) -> Iterator[Described]:
    for event in Parser().feed(data):
        if isinstance(event, Broken):
            yield Described("?", (("broken", event.why),))
        elif isinstance(event, Frame):
            text = readable(event.payload, "cp866")
            if direction == ">":
                word, rest = text[:4], text[4:]
                yield Described(f"{NAMES.get(word, '')} {word}".strip(), _parameters(word, rest))
            elif text.startswith(("SOFT", "HARD")) and text != "SOFTBLOCK":
                yield Described(text, refusal=text)
            else:
                yield Described(text) if text in WORDS else Described("data", (("answer", text),))


def _parameters(word: str, rest: str) -> tuple[tuple[str, str], ...]:
    """A line's name travels in two parts (§4), which a search of the plain bytes would not put together."""
    widths = {"FISC": (12, 5, 48, 4), "BFIS": (12, 5, 48, 4), "FICD": (24, 6, 2, 9), "BFCD": (24, 6, 2, 9)}.get(word)
    if widths is None:
        return (("parameters", rest),) if rest else ()
    name, amount, taxes, article = widths
    places = (("name", name), ("sum", 9), ("price", 9), ("quantity", amount + 1), ("rounding", 1), ("taxes", taxes),
              ("article", article), ("correction", 14), ("correction sum", 9))  # fmt: skip
    found: dict[str, str] = {}
    for field, width in places:
        found[field], rest = rest[:width], rest[width:]
    found["name"] = (found["name"] + rest if rest else found["name"]).rstrip()
    return tuple((field, value.strip()) for field, value in found.items() if value.strip())
