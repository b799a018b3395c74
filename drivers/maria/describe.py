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
                yield Described(f"{NAMES.get(word, '')} {word}".strip(), (("parameters", rest),) if rest else ())
            elif text.startswith(("SOFT", "HARD")) and text != "SOFTBLOCK":
                yield Described(text, refusal=text)
            else:
                yield Described(text) if text in WORDS else Described("data", (("answer", text),))
