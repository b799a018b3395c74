"""Telling a scanner from a person by the rhythm of the keys (kiosk-platform.md §3, fallback for an unknown scanner).

A burst of at least 6 characters with a median gap under 35 ms that ends with Enter or Tab is one scan; anything else
is typing and is handed on, key by key, in order. A key is held for at most one gap, so that a burst never reaches a
field and then has to be taken back. Times are the events' own (seconds of one monotonic clock), so a busy machine
does not spoil the measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from textual import events
from textual.message import Message

SHORTEST = 6
GAP = 0.035
"""Seconds between keys of a scanner, median."""
SLACK = 0.1
"""Longest pause inside a burst whose rhythm is a scanner's already (Bluetooth readers hiccup)."""
LONGEST = 12_000
"""Characters of one burst; above this the scanner is jammed and the rest is cut off."""
ENDS = ("enter", "tab", "ctrl+j")


class Scanned(Message):
    """One scan, whole; goes to the active screen wherever the focus is. `text` may be under a wrong layout."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


@dataclass
class Intake:
    """Keys that are held until it is clear whether a scanner typed them."""

    held: list[events.Key] = field(default_factory=list)

    def feed(self, key: events.Key) -> tuple[Sequence[events.Key], str]:
        """One key in; (keys that turned out to be typed, the text of a finished scan or "")."""
        typed: list[events.Key] = []
        if self.held and key.time - self.held[-1].time > self.patience:
            typed = self.release()
        if key.character is not None and key.is_printable and key.key not in ENDS:
            if len(self.held) < LONGEST:
                self.held.append(key)
            return typed, ""
        if key.key in ENDS and self.is_burst:
            text = "".join(held.character or "" for held in self.held)
            self.held.clear()
            return typed, text
        return [*typed, *self.release(), key], ""

    @property
    def is_burst(self) -> bool:
        """Whether what is held has a scanner's length and rhythm."""
        return len(self.held) >= SHORTEST and self._median < GAP

    @property
    def patience(self) -> float:
        """Seconds to wait for the next key before the held ones count as typed."""
        return SLACK if len(self.held) >= 3 and self._median < GAP else GAP

    @property
    def _median(self) -> float:
        return median(after.time - before.time for before, after in zip(self.held, self.held[1:], strict=False))

    def release(self) -> list[events.Key]:
        """Give up waiting: what is held was typed."""
        typed, self.held = self.held, []
        return typed
