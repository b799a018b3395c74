"""Answers to DLE EOT n and GS r (escpos.md §4, §5), pure functions.

bit      7   6   5            4   3              2             1   0
n = 1    0   .   waits        1   offline        drawer pin    1   0
n = 2    0   .   paper end    1   feed key       cover open    1   0      bit 6: error
n = 3    0   hot unrecoverable 1  cutter         mechanical    1   0
n = 4    0   out out          1   near   near                  1   0
GS r     0   0   0            0   out    out    near   near                bit 4 tells it from the others
"""

from __future__ import annotations

from drivers.printers import PaperState, Trouble

MASK, VALID = 0x93, 0x12
QUEUED_MASK = 0x90


def is_status(byte: int) -> bool:
    """Whether a byte can be the answer to DLE EOT."""
    return byte & MASK == VALID


def is_queued(byte: int) -> bool:
    """Whether a byte can be the answer to GS r."""
    return byte & QUEUED_MASK == 0


def read(answers: dict[int, int]) -> PaperState:
    """What the answers say together, by their n; the nearest cause first. No answer at all is no knowledge."""
    if not answers:
        return PaperState()
    printer, cause, error, paper = (answers.get(n, VALID) for n in (1, 2, 3, 4))
    low = bool(paper & 0x0C)
    trouble: Trouble | None = None
    if cause & 0x04:
        trouble = Trouble.COVER_OPEN
    elif paper & 0x60 or cause & 0x20:
        trouble = Trouble.PAPER_OUT
    elif error & 0x08:
        trouble = Trouble.CUTTER
    elif error & 0x64 or cause & 0x40:
        trouble = Trouble.HEAD
    elif printer & 0x08:
        trouble = Trouble.OFFLINE
    return PaperState(told=True, trouble=trouble, paper_low=low)
