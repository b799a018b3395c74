"""What the makers of the classic protocol do differently: Datecs itself and Exellio (exellio.md A.1, A.2).

Decisions where the dossier is silent: an Exellio refuses printing under an open cover with S1.1 beside S1.5; the four
programmable forms are counted under `form_i` to `form_l`; its modem blocks sales after 72 hours with S1.1, for the
protocol has no other word for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FORMS = {"P": "cash", "N": "credit", "D": "card", "C": "cheque"}


@dataclass(frozen=True)
class Dialect:
    """`operators` may open receipts, `text_width` and `text_total` bound 54, `code_limit` is the largest article."""

    name: str
    baud: int
    firmware: str
    forms: Mapping[str, str]
    operators: int
    code_limit: int
    text_width: int = 36
    text_total: int = 1 << 30
    clock_once: bool = False
    cover_bit: bool = False
    modem: bool = False


CLASSIC = Dialect("datecs", 19200, "1.31 12Mar10 1200", FORMS, 13, 11_800)
EXELLIO = Dialect(
    "exellio",
    115_200,
    "2.01 15Sep12 1200",
    {**FORMS, "I": "form_i", "J": "form_j", "K": "form_k", "L": "form_l"},
    16,
    11_800,
    text_width=34,
    text_total=1024,
    clock_once=True,
    cover_bit=True,
    modem=True,
)
ACCOUNTING_CODES = 999_999_999
"""Codes of an FP-2000."""
