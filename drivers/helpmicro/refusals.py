"""Error codes of Help Micro (helpmicro.md §4).

{"err":[{"e":"x8B","line":3}]}        {"err":{"e":"x32"}}        {"err":"…"}        an empty list: all is well
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drivers.errors import Code

PAPER = ("25", "88", "8A", "8B")
_MEANINGS: Mapping[str, tuple[Code, str]] = {
    **dict.fromkeys(("01", "02", "03", "04"), (Code.BAD_FIELD, "price, quantity, department or group is missing")),
    **dict.fromkeys(PAPER, (Code.PAPER_OUT, "out of paper")),
    "31": (Code.WRONG_STATE, "the cashier is registered already"),
    "32": (Code.PASSWORD, "wrong password"),
    **dict.fromkeys(("33", "34", "35", "36"), (Code.BAD_FIELD, "the table or its row does not exist")),
    "37": (Code.BAD_FIELD, "the firmware does not know a field of the document: set uktzed=name or excise=comment"),
    "38": (Code.OVERFLOW, "the table is full"),
    "39": (Code.BAD_FIELD, "a text is too long"),
    **dict.fromkeys(("3A", "3B"), (Code.BAD_FIELD, "a value is out of range or read-only")),
    "3C": (Code.ARTICLE_CONFLICT, "the article exists already"),
    "3D": (Code.ARTICLE_CONFLICT, "the article has sales and cannot be changed until a Z report"),
    **dict.fromkeys(("3E", "3F", "40"), (Code.WRONG_STATE, "the request is forbidden now")),
    "41": (Code.BUSY, "the registrar is busy with something else"),
    "42": (Code.BAD_FIELD, "a quantity is below zero"),
    "8D": (Code.PAYMENT, "change is forbidden for this payment"),
    "A6": (Code.TRANSMISSION_OVERDUE, "three or more reports were not sent to the tax service"),
    **dict.fromkeys(("B6", "B7", "B8", "B9", "BA"), (Code.WRONG_STATE, "restaurant mode is on")),
    "BB": (Code.WRONG_STATE, "the journal tape is not empty"),
    "BC": (Code.NOT_FISCALISED, "the registrar is in training mode"),
    "BD": (Code.CLOCK, "the date is wrong"),
    "BE": (Code.CLOCK, "the clock may not be changed now"),
    "BF": (Code.SERVICE_BLOCK, "the service period is over: call the service"),
    "C0": (Code.HARDWARE, "bank terminal fault"),
    "C1": (Code.TAX, "wrong tax number"),
    "C2": (Code.BAD_FIELD, "wrong parameter"),
    "C3": (Code.WRONG_STATE, "the fiscal printer mode is off: switch it on in the registrar"),
    "C4": (Code.ARTICLE_CONFLICT, "the article was sold under another name or tax: make a Z report or change its code"),
    "C5": (Code.BUSY, "the fiscal module is busy"),
    "C6": (Code.MODEM, "no link to the fiscal module"),
    "C7": (Code.SHIFT_CLOSED, "the shift is not open"),
    "C8": (Code.FM_FULL, "the fiscal module is full"),
    "C9": (Code.FM_ERROR, "the fiscal module is in a wrong state"),
    "CA": (Code.FM_ERROR, "the fiscal module belongs to another registrar"),
    "CB": (Code.WRONG_STATE, "sales are forbidden"),
    "CC": (Code.RECEIPT_OPEN, "a refund is under way"),
    "CE": (Code.BAD_FIELD, "wrong type of a code"),
    "CF": (Code.Z_REQUIRED, "no Z report was made"),
    "D0": (Code.INSUFFICIENT_CASH, "not enough cash in the registrar"),
    "D1": (Code.WRONG_STATE, "the safe must be emptied first"),
    "D2": (Code.PRINTER, "printing of the journal was broken off"),
    "D3": (Code.SHIFT_EXPIRED, "the shift is over or the date has changed: make a Z report"),
    "D6": (Code.SHIFT_EXPIRED, "the day report was not made: make a Z report"),
    "D7": (Code.WRONG_STATE, "there is nothing to report"),
    "F0": (Code.ARTICLE_CONFLICT, "the article has sales"),
    "F1": (Code.PAYMENT, "wrong payment form"),
    "F2": (Code.OVERFLOW, "a field is full"),
    **dict.fromkeys(("F3", "F4"), (Code.BAD_FIELD, "a sum would be below zero")),
    "F5": (Code.OVERFLOW, "the receipt is full"),
    "F6": (Code.OVERFLOW, "the day's registers are full: make a Z report"),
    "F7": (Code.UNSUPPORTED, "there is no such receipt to copy"),
    "F8": (Code.PAYMENT, "the payments do not reach the registrar's sum"),
    "F9": (Code.CASHIER_REQUIRED, "the cashier is not registered"),
    "FA": (Code.CASHIER_REQUIRED, "the cashier has no right to this"),
    "FB": (Code.WRONG_STATE, "no non-fiscal document is open"),
    "FC": (Code.WRONG_STATE, "no receipt is open"),
    "FD": (Code.RECEIPT_OPEN, "a non-fiscal document is open"),
    "FE": (Code.RECEIPT_OPEN, "a receipt is open"),
    "FF": (Code.JOURNAL_FULL, "the journal is full: make a Z report"),
}
_RANGES = (
    ("D4", "DF", Code.BAD_FIELD, "wrong discount, void, sum or percent"),
    ("E0", "EF", Code.BAD_FIELD, "wrong payment, group, department, quantity, price or article"),
)
HALFWAY = frozenset({*PAPER, "41", "C0", "C5", "C6", "C8", "C9", "CA", "D2", "FF"})
"""Faults that may strike in the middle of an act: the journal says whether it was done (§7)."""
NOT_REGISTERED, ALREADY_REGISTERED, NO_RIGHTS = "F9", "31", "FA"


def codes(errors: Any) -> list[str]:
    """Codes of an `err` field in any of its shapes; two capital hex digits each, unknown texts as they came."""
    return [_code(word) for word in _words(errors) if word]


def meaning(code: str) -> tuple[Code, str]:
    """The normalised code and one sentence for the maker's code."""
    if code in _MEANINGS:
        return _MEANINGS[code]
    for first, last, normal, what in _RANGES:
        if len(code) == 2 and first <= code <= last:
            return normal, what
    return Code.HARDWARE, f"the registrar reports the unknown error {code!r}"


def _words(errors: Any) -> Iterator[str]:
    if isinstance(errors, str):
        yield errors
    elif isinstance(errors, dict):
        yield str(errors.get("e", ""))
    elif isinstance(errors, list):
        for error in errors:
            yield from _words(error)


def _code(word: str) -> str:
    text = word.strip().removeprefix("x").removeprefix("X")
    return text.upper().zfill(2) if text.isalnum() and len(text) <= 2 else word
