"""The six status bytes of the Krypton dialect (datecs-krypton.md §3)."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.errors import Code

CLOSED, SLIP, FISCAL, PAYMENT = 0, 1, 2, 3
"""Receipt states, the low nibble of ST2. The split of 2 and 3 is inferred by the source: the driver treats both as
an open fiscal receipt."""


@dataclass(frozen=True)
class Flags:
    """Six status bytes, bit 7 of each always set."""

    raw: bytes

    def bit(self, byte: int, bit: int) -> bool:
        return bool(self.raw[byte] >> bit & 1)

    @property
    def receipt(self) -> int:
        return self.raw[2] & 0x0F

    @property
    def receipt_open(self) -> bool:
        return self.receipt in (FISCAL, PAYMENT)

    @property
    def slip_open(self) -> bool:
        return self.receipt == SLIP

    @property
    def paper_out(self) -> bool:
        return self.bit(1, 2) or self.bit(1, 3)

    @property
    def paper_low(self) -> bool:
        return self.bit(1, 0) or self.bit(1, 1)

    @property
    def cover_open(self) -> bool:
        return self.bit(1, 4)

    @property
    def printing(self) -> bool:
        """The print buffer is not empty."""
        return self.bit(1, 6)

    @property
    def hex(self) -> str:
        return self.raw.hex(" ").upper()

    def obstacle(self) -> tuple[Code, str] | None:
        """What keeps paper from coming out; None when all is well."""
        if self.cover_open:
            return Code.COVER_OPEN, "the cover is open"
        if self.paper_out:
            return Code.PAPER_OUT, "out of paper"
        if self.bit(0, 4):
            return Code.PRINTER, "the printer is not ready"
        return None

    def problems(self) -> list[tuple[Code, str]]:
        """Lasting states that forbid a sale."""
        found = [obstacle] if (obstacle := self.obstacle()) is not None else []
        for byte, bit, code, what in (
            (0, 0, Code.SERVICE_BLOCK, "the registrar is in service mode"),
            (0, 2, Code.FM_ERROR, "fiscal memory fault"),
            (0, 5, Code.HARDWARE, "the registrar needs a reset"),
            (0, 6, Code.HARDWARE, "hardware fault"),
            (3, 0, Code.HARDWARE, "security fault"),
            (3, 1, Code.HARDWARE, "security module fault"),
        ):
            if self.bit(byte, bit):
                found.append((code, what))
        return found

    def warnings(self) -> tuple[str, ...]:
        return tuple(
            what
            for place, what in (((0, 1), "the print buffer overflowed"), ((0, 3), "no customer display"))
            if self.bit(*place)
        )
