"""STATUS and RESERVE of every reply, and the RESULT codes (ikc.md §4).

STATUS    bits: 0 printer, 1 modem, 2 fiscal memory, 3 clock, 4 display, 5 shift > 24 h, 6 supply, 7 command
RESERVE   bits: 0 service report open, 1 will be finished, 2 no paper, 3 payout, 4 fiscalised, 5 shift open,
                6 receipt open, 7 not personalised
STATUS 0, RESULT 16…48    refused          STATUS ≠ 0, RESULT 0      blocked, not executed
STATUS 0, RESULT 0        done             STATUS ≠ 0, RESULT 1…8    blocked while executing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.errors import Code

PRINTER, EXPIRED = 0x01, 0x20
HALFWAY = range(1, 9)
"""RESULT codes of a block that struck while the command was executed."""


@dataclass(frozen=True)
class Flags:
    """STATUS and RESERVE of one reply."""

    status: int
    reserve: int

    @property
    def service_open(self) -> bool:
        return bool(self.reserve & 0x01)

    @property
    def unfinished(self) -> bool:
        """Emergency state: the device finishes the command by itself once the cause is gone."""
        return bool(self.reserve & 0x02)

    @property
    def paper_out(self) -> bool:
        return bool(self.reserve & 0x04)

    @property
    def cover_open(self) -> bool:
        """A printer that is not ready for another reason than paper (registrars/README.md §4, "cover / head open")."""
        return bool(self.status & PRINTER) and not self.paper_out

    @property
    def fiscalised(self) -> bool:
        return bool(self.reserve & 0x10)

    @property
    def shift_open(self) -> bool:
        return bool(self.reserve & 0x20)

    @property
    def receipt_open(self) -> bool:
        return bool(self.reserve & 0x40)

    @property
    def hex(self) -> str:
        return f"{self.status:02X} {self.reserve:02X}"

    def obstacle(self) -> tuple[Code, str] | None:
        """What keeps paper from coming out; None when all is well."""
        if self.paper_out:
            return Code.PAPER_OUT, "out of paper"
        if self.cover_open:
            return Code.COVER_OPEN, "the printer is not ready: close its cover and head"
        return None

    def problems(self) -> list[tuple[Code, str]]:
        """Lasting states that forbid a sale, the most telling first."""
        found = [obstacle] if (obstacle := self.obstacle()) is not None else []
        found += [meaning for bit, meaning in _STATUS.items() if self.status >> bit & 1]
        if not self.fiscalised:
            found.append((Code.NOT_FISCALISED, "the registrar is not fiscalised"))
        if self.reserve & 0x80:
            found.append((Code.NOT_PERSONALISED, "the registrar is not personalised"))
        return found


_STATUS: Mapping[int, tuple[Code, str]] = {
    1: (Code.MODEM, "modem fault"),
    2: (Code.FM_ERROR, "the fiscal memory is full or faulty"),
    3: (Code.CLOCK, "the date or the clock is wrong"),
    4: (Code.HARDWARE, "the customer display does not answer"),
    5: (Code.SHIFT_EXPIRED, "the shift is longer than 24 hours: make a Z report"),
    6: (Code.HARDWARE, "the supply voltage is low"),
    7: (Code.WRONG_STATE, "the registrar does not know the command, or forbids it now"),
}
"""Bits of STATUS but the printer's, which is told apart by RESERVE."""
RESULTS: Mapping[int, tuple[Code, str]] = {
    1: (Code.PRINTER, "printer fault"),
    2: (Code.PAPER_OUT, "out of paper"),
    4: (Code.FM_ERROR, "fiscal memory fault"),
    6: (Code.HARDWARE, "the supply voltage is low"),
    8: (Code.FM_FULL, "the fiscal memory is full"),
    10: (Code.NOT_PERSONALISED, "the registrar is not personalised"),
    16: (Code.WRONG_STATE, "the command is forbidden in this mode"),
    19: (Code.BAD_FIELD, "logo fault"),
    20: (Code.BAD_FIELD, "wrong length of a text"),
    21: (Code.PASSWORD, "wrong password"),
    22: (Code.BAD_FIELD, "the number does not exist"),
    23: (Code.TAX, "the tax group does not exist"),
    24: (Code.PAYMENT, "the payment form does not exist"),
    25: (Code.BAD_FIELD, "characters that the registrar does not know"),
    26: (Code.TAX, "too many taxes"),
    27: (Code.WRONG_STATE, "the correction is larger than the sum"),
    28: (Code.ARTICLE_CONFLICT, "the article was sold with another description"),
    30: (Code.BAD_FIELD, "wrong date"),
    31: (Code.OVERFLOW, "too many lines on the receipt"),
    32: (Code.OVERFLOW, "the cost overflowed"),
    33: (Code.OVERFLOW, "a day register overflowed"),
    34: (Code.OVERFLOW, "a payment register overflowed"),
    35: (Code.INSUFFICIENT_CASH, "not enough cash in the registrar"),
    36: (Code.CLOCK, "the date is earlier than the last Z report"),
    37: (Code.RECEIPT_OPEN, "a refund receipt is open"),
    38: (Code.RECEIPT_OPEN, "a sale receipt is open"),
    39: (Code.WRONG_STATE, "no receipt is open"),
    40: (Code.ARTICLE_FULL, "no room for articles: make a Z report"),
    41: (Code.Z_REQUIRED, "forbidden until a Z report"),
    42: (Code.NOT_FISCALISED, "forbidden until fiscalisation"),
    43: (Code.PAYMENT, "this payment form gives no change"),
    44: (Code.RECEIPT_OPEN, "a receipt is open"),
    45: (Code.WRONG_STATE, "a discount without a sale"),
    46: (Code.WRONG_STATE, "forbidden after a payment"),
    47: (Code.TRANSMISSION_OVERDUE, "documents were not sent to the tax service for 72 hours or more"),
    48: (Code.MODEM, "the modem does not answer"),
    50: (Code.JOURNAL_FULL, "the journal is not empty"),
}
"""Firmware ЕП-09; ЕП-11 words 47, 48 and 50 as faults of its journal (§4)."""


def refusal(status: int, result: int, reserve: int) -> tuple[Code, str] | None:
    """What a reply says against its command; None when it was executed without a word."""
    flags = Flags(status, reserve)
    if status & PRINTER and result in (0, 1, 2):
        return flags.obstacle() or RESULTS[1]
    if status & EXPIRED and result in (0, 41):
        return _STATUS[5]
    if result:
        return RESULTS.get(result, (Code.HARDWARE, f"the registrar reports the unknown result {result}"))
    if status:
        return next(meaning for bit, meaning in _STATUS.items() if status >> bit & 1)
    return None
