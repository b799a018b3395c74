"""What differs between the relatives that speak the classic packets (exellio.md, part A).

Exellio printers keep the commands of datecs-fp3530t.md; status bits, usual speed, TCP and payment forms differ. Codes
that clash with the Ukrainian meanings (57/60, 118, 119) belong to neither dialect here and are never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Bit = tuple[int, int]
"""Status byte and bit of it."""


@dataclass(frozen=True)
class Dialect:
    """One relative. `port` 0: no TCP port of its own. `extra_forms`: letters of the programmable payment forms."""

    family: str
    model: str
    baud: int
    port: int = 0
    text_width: int = 36
    extra_forms: str = ""
    cover: tuple[Bit, ...] = ((0, 4), (2, 0))
    """All of these bits set mean an open cover."""
    journal_out: Bit | None = None
    slip: tuple[Bit, ...] = ((2, 5), (1, 5))
    """Any of these bits set means an open non-fiscal receipt."""
    paper_low: tuple[Bit, ...] = ()
    display_missing: Bit | None = None

    @property
    def max_payments(self) -> int:
        return 4 + len(self.extra_forms)


CLASSIC = Dialect(family="datecs", model="FP-3530T", baud=19200)
"""The classic printer shows an open head as a mechanism fault together with paper out (datecs-fp3530t.md §8)."""
EXELLIO = Dialect(
    family="exellio",
    model="Exellio",
    baud=115200,
    port=9100,
    text_width=34,
    extra_forms="IJKL",
    cover=((1, 5),),
    journal_out=(2, 2),
    slip=((2, 5),),
    paper_low=((2, 1), (2, 4)),
    display_missing=(0, 3),
)
"""exellio.md A.1 and A.2. A missing display is only a warning: a printer that needs it refuses by itself."""
DIALECTS: Mapping[str, Dialect] = {dialect.family: dialect for dialect in (CLASSIC, EXELLIO)}
