"""The six status bytes of the classic dialects and the faults they mean (datecs-fp3530t.md §3, exellio.md A.2)."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.datecs.dialect import CLASSIC, Dialect
from drivers.errors import Code


@dataclass(frozen=True)
class Flags:
    """Six status bytes, bit 7 of each always set."""

    raw: bytes
    dialect: Dialect = CLASSIC

    def bit(self, byte: int, bit: int) -> bool:
        return bool(self.raw[byte] >> bit & 1)

    @property
    def failed(self) -> bool:
        """General error: some '#' bit is set, now or as a lasting state."""
        return self.bit(0, 5)

    @property
    def clock_lost(self) -> bool:
        return self.bit(0, 2)

    @property
    def paper_out(self) -> bool:
        return self.bit(2, 0)

    @property
    def cover_open(self) -> bool:
        return all(self.bit(*place) for place in self.dialect.cover)

    @property
    def journal_out(self) -> bool:
        return self.dialect.journal_out is not None and self.bit(*self.dialect.journal_out)

    @property
    def paper_low(self) -> bool:
        return any(self.bit(*place) for place in self.dialect.paper_low)

    @property
    def receipt_open(self) -> bool:
        return self.bit(2, 3)

    @property
    def return_open(self) -> bool:
        return self.bit(2, 3) and self.bit(1, 3)

    @property
    def slip_open(self) -> bool:
        return any(self.bit(*place) for place in self.dialect.slip)

    @property
    def fiscalised(self) -> bool:
        return self.bit(5, 3)

    @property
    def hex(self) -> str:
        return self.raw.hex(" ").upper()

    def refusal(self) -> tuple[Code, str] | None:
        """Why the command was refused by its form or by the printer's state; None when it was not."""
        if self.bit(0, 0):
            return Code.BAD_FIELD, "syntax error in the data of the command"
        if self.bit(0, 1):
            return Code.UNSUPPORTED, "the printer does not know this command"
        if self.bit(1, 0):
            return Code.OVERFLOW, "a sum overflowed"
        if self.bit(1, 1):
            return Code.WRONG_STATE, "the command is not allowed in this state"
        return None

    def obstacle(self) -> tuple[Code, str] | None:
        """What keeps the mechanism or the memory from working, as a lasting state; None when all is well."""
        if self.cover_open:
            return Code.COVER_OPEN, "the cover or the print head is open"
        if self.paper_out:
            return Code.PAPER_OUT, "out of paper"
        if self.journal_out:
            return Code.PAPER_OUT, "out of journal paper"
        if self.bit(0, 4):
            return Code.PRINTER, "printing mechanism fault"
        if self.bit(1, 4):
            return Code.HARDWARE, "the working memory was lost at power-on"
        if self.bit(4, 4):
            return Code.FM_FULL, "the fiscal memory is full"
        if self.bit(4, 0) or self.bit(4, 5) or self.bit(4, 2):
            return Code.FM_ERROR, "fiscal memory fault"
        if self.bit(5, 0):
            return Code.FM_ERROR, "the fiscal memory is locked"
        if self.bit(5, 2):
            return Code.FM_ERROR, "the last Z closure failed"
        return None

    def blocks(self) -> tuple[Code, ...]:
        """Lasting states that forbid a sale."""
        found = []
        if (obstacle := self.obstacle()) is not None:
            found.append(obstacle[0])
        if self.clock_lost:
            found.append(Code.CLOCK)
        if not self.fiscalised:
            found.append(Code.NOT_FISCALISED)
        return tuple(found)

    def warnings(self) -> tuple[str, ...]:
        found = ["fiscal memory nearly full"] if self.bit(4, 3) else []
        if self.dialect.display_missing is not None and self.bit(*self.dialect.display_missing):
            found.append("no customer display")
        return tuple(found)
