"""Excise stamps at the till (cashier-flow.md IV.1, IV-3, V-10; fiscal-server.md §9.3).

    scan ─► read (paper barcode │ e-stamp │ older form; a QR code or a goods barcode is refused with its reason)
         ─► attach to the current excisable line: not twice in the receipt, not one that is out

A bottle has one stamp, so a line needs as many as it has pieces. The number is sent as it was scanned and compared in
one alphabet: a Latin «A» and a Cyrillic «А» are the same stamp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from kiosk.ledger.interface import Orders
from kiosk.ledger.records import stamp_key
from kiosk.till import rules, scan
from kiosk.till.basket import Basket, BasketLine, current
from kiosk.till.errors import N_, Refusal

LONGEST = 64
"""Characters that the fiscal server takes (fiscal-server.md §3.7)."""
IDENTIFIER = 12
"""Characters of an e-stamp's unique identifier that people read and the receipt bears."""
GROUP = "\x1d"
_AIM = re.compile(r"\][A-Za-z][0-9A-Fa-f]")
_MATRIX = re.compile(r"\]d[0-9A-Fa-f]")
_PAPER = re.compile(r"[A-ZА-ЯІЇЄҐ]{4}\d{6}")
_GS1 = re.compile(r"01\d{14}21(?P<serial>[0-9A-Za-z!-/:-?_]+)")
_OLDER = re.compile(r"(?=.*\d)[0-9A-ZА-ЯІЇЄҐ][0-9A-ZА-ЯІЇЄҐ /.-]{4,62}[0-9A-ZА-ЯІЇЄҐ]", re.IGNORECASE)
_QR = re.compile(r"https?:|//|[{}&=?]|\bwww\.", re.IGNORECASE)


class Form(StrEnum):
    """What was scanned. An older form is taken with a warning: longer codes occur."""

    PAPER = "paper"
    ELECTRONIC = "electronic"
    OLDER = "older"


@dataclass(frozen=True)
class Stamp:
    """`number` is what the receipt bears, `raw` the scan itself."""

    number: str
    form: Form
    raw: str

    @property
    def key(self) -> str:
        """The number for comparison."""
        return stamp_key(self.number)


def is_paper(text: str) -> bool:
    """Whether a scan is surely a paper stamp: four letters and six digits."""
    return _PAPER.fullmatch(_bare(text).upper()) is not None


def looks(text: str) -> bool:
    """Whether a scan may be a stamp and nothing else: the sale asks before it calls a code unknown."""
    return is_paper(text) or _MATRIX.match(text.strip()) is not None or GROUP in text.strip()


def read(text: str) -> Stamp:
    """The stamp that was scanned or typed. Raises `Refusal`: a QR code, a barcode of goods, or no stamp at all."""
    raw = text.strip(" \r\n\t")
    bare = _bare(raw)
    if not bare:
        raise Refusal("EMPTY_SCAN", N_("Nothing was scanned"))
    gs1 = _GS1.match(bare)
    if _MATRIX.match(raw) or GROUP in raw or gs1 is not None:
        serial = gs1["serial"] if gs1 is not None else bare.removeprefix("21")
        number = serial[:IDENTIFIER]
        if len(number) < IDENTIFIER or not number.isalnum():
            raise Refusal(
                "BAD_STAMP",
                N_("The electronic stamp cannot be read: {code}"),
                N_("Scan it again."),
                code=bare[:24],
            )
        return Stamp(number, Form.ELECTRONIC, raw)
    if _QR.search(bare):
        raise Refusal(
            "QR_STAMP",
            N_("This is a QR code, not the stamp's number"),
            N_("Scan the linear barcode of the excise stamp."),
        )
    if scan.is_ean13(bare):
        raise Refusal(
            "GOODS_NOT_STAMP",
            N_("{code} is a barcode of goods, not of an excise stamp"),
            N_("Scan the linear barcode of the excise stamp."),
            code=bare,
        )
    if _PAPER.fullmatch(bare.upper()):
        return Stamp(bare.upper(), Form.PAPER, raw)
    if len(bare) <= LONGEST and _OLDER.fullmatch(bare):
        return Stamp(bare.upper(), Form.OLDER, raw)
    raise Refusal(
        "BAD_STAMP",
        N_("“{code}” is no number of an excise stamp"),
        N_("A stamp has four letters and six digits. Scan its linear barcode."),
        code=bare[:24],
    )


def _bare(text: str) -> str:
    """Without the scanner's prefix, and up to the first group separator of what follows it."""
    clean = _AIM.sub("", text.strip(" \r\n\t"), count=1).lstrip(GROUP)
    first = clean.partition(GROUP)[0]
    return "".join(one for one in first if one.isprintable()).strip()


# -- the basket -------------------------------------------------------------------------------------------------------


def needed(line: BasketLine) -> int:
    """Stamps that a line must have: one a piece, less those without a number; 0 for goods that bear none."""
    if not line.good.excisable or line.good.uktzed.startswith(rules.UNSTAMPED):
        return 0
    return max(0, -(-line.quantity // 1000) - line.stampless)


def missing(basket: Basket) -> int:
    """Stamps that the basket still lacks (or has too many of, which is as wrong)."""
    return sum(abs(needed(line) - len(line.excise)) for line in basket.lines)


def wanting(basket: Basket) -> int | None:
    """Index of the line that the next stamp belongs to: the current one, else the first that lacks one."""
    order = [basket.current, *range(len(basket.lines))] if basket.lines else []
    return next((index for index in order if len(basket.lines[index].excise) < needed(basket.lines[index])), None)


def attach(basket: Basket, stamp: Stamp, orders: Orders) -> Basket:
    """The basket with the stamp on its line. Raises `Refusal`: no line wants one, or the stamp is used already."""
    for line in basket.lines:
        if any(stamp_key(number) == stamp.key for number in line.excise):
            raise Refusal(
                "STAMP_TWICE",
                N_("The stamp {stamp} is in this receipt already"),
                N_("Scan the stamp of another bottle."),
                stamp=stamp.number,
            )
    if orders.stamp_is_out(stamp.number):
        raise Refusal(
            "STAMP_SOLD",
            N_("The stamp {stamp} was sold already"),
            N_("Put the bottle aside and call a senior. Scan the stamp of another bottle."),
            stamp=stamp.number,
        )
    index = wanting(basket)
    if index is None:
        raise Refusal(
            "NO_STAMP_WANTED",
            N_("No goods in the receipt wait for an excise stamp"),
            N_("Scan the bottle first, then its stamp."),
        )
    line = basket.lines[index]
    changed = replace(line, excise=(*line.excise, stamp.number))
    lines = tuple(changed if place == index else old for place, old in enumerate(basket.lines))
    return replace(basket, lines=lines, current=index)


def excuse(basket: Basket) -> Basket:
    """One piece of the line that waits has a stamp without a readable number. Raises `Refusal` when none waits."""
    index = wanting(basket)
    if index is None:
        raise Refusal("NO_STAMP_WANTED", N_("No goods in the receipt wait for an excise stamp"))
    changed = replace(basket.lines[index], stampless=basket.lines[index].stampless + 1)
    lines = tuple(changed if place == index else old for place, old in enumerate(basket.lines))
    return replace(basket, lines=lines, current=index)


def detach(basket: Basket, number: str) -> Basket:
    """Take a stamp off the current line. Raises `Refusal` when it is not there."""
    line = current(basket)
    kept = tuple(one for one in line.excise if stamp_key(one) != stamp_key(number))
    if len(kept) == len(line.excise):
        raise Refusal("NO_STAMP", N_("The line has no stamp {stamp}"), stamp=number)
    lines = tuple(
        replace(line, excise=kept) if place == basket.current else old for place, old in enumerate(basket.lines)
    )
    return replace(basket, lines=lines)


def demand(basket: Basket) -> None:
    """Every excisable line has its stamps, or `Refusal` names the first that has not (IV-3)."""
    for line in basket.lines:
        if len(line.excise) != needed(line):
            raise Refusal(
                "STAMPS",
                N_("“{name}” has {count} of {needed} excise stamps"),
                N_("Scan the stamp of every bottle; a stamp too many is taken off by Del in the stamps window."),
                name=line.good.name,
                count=str(len(line.excise)),
                needed=str(needed(line)),
            )
