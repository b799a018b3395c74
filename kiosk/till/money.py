"""Money and quantity as people read and type them. Kopecks and thousandths inside, never floats."""

from __future__ import annotations

import re

from kiosk.till.errors import N_, Refusal

_NUMBER = re.compile(r"(\d{1,9})(?:[.,](\d{1,3}))?")


def hryvnias(kopecks: int) -> str:
    """12345678 -> '123 456,78' with no-break spaces, as Ukrainians write it."""
    whole, rest = divmod(abs(kopecks), 100)
    return f"{'-' if kopecks < 0 else ''}{whole:,}".replace(",", "\u00a0") + f",{rest:02d}"


def amount(thousandths: int) -> str:
    """2000 -> '2', 275 -> '0,275'."""
    whole, rest = divmod(abs(thousandths), 1000)
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{whole}" + (f",{rest:03d}".rstrip("0") if rest else "")


def read_money(text: str, *, zero: bool = False) -> int:
    """Kopecks of what a person typed: digits, a point or comma, at most two decimals. Raises `Refusal`."""
    clean = text.replace("\u00a0", "").replace(" ", "")
    found = _NUMBER.fullmatch(clean)
    if found is None or len(found.group(2) or "") > 2 or not clean.isascii():
        raise Refusal(
            "BAD_SUM", N_("“{text}” is not a sum of money"), N_("Type hryvnias, for example 125.50."), text=text[:40]
        )
    kopecks = int(found.group(1)) * 100 + int((found.group(2) or "0").ljust(2, "0"))
    if kopecks == 0 and not zero:
        raise Refusal("ZERO_SUM", N_("The sum must be above zero"))
    return kopecks


def read_quantity(text: str, *, whole: bool) -> int:
    """Thousandths of what a person typed; `whole` goods take whole numbers only. Raises `Refusal`."""
    clean = text.replace("\u00a0", "").replace(" ", "")
    found = _NUMBER.fullmatch(clean)
    if found is None or not clean.isascii():
        raise Refusal(
            "BAD_QUANTITY",
            N_("“{text}” is not a quantity"),
            N_("Type a number, for example 2 or 0.275."),
            text=text[:40],
        )
    value = int(found.group(1)) * 1000 + int((found.group(2) or "0").ljust(3, "0"))
    check_quantity(value, whole=whole)
    return value


MOST = 9_999_000
"""Largest quantity of a line by hand, thousandths: more is a scan in the wrong field."""


def check_quantity(thousandths: int, *, whole: bool) -> None:
    """Raises `Refusal` for zero, negative, absurd, or a part of a piece."""
    if thousandths <= 0:
        raise Refusal("ZERO_QUANTITY", N_("The quantity must be above zero"))
    if thousandths > MOST:
        raise Refusal("MUCH_QUANTITY", N_("{quantity} is too much for one line"), quantity=amount(thousandths))
    if whole and thousandths % 1000:
        raise Refusal("PART_OF_PIECE", N_("This good is sold by the piece: type a whole number"))
