"""Amounts and times as the documents write them (fiscal-server.md §9.5, §3.1).

Kopecks and thousandths are integers here and `0.00`, `0.000` there; times are aware here and Kyiv wall time there.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from drivers.clock import KYIV, kyiv
from drivers.errors import Code, Invalid

_DECIMAL = re.compile(r"[+-]?\d{1,16}(\.\d{0,8})?", re.ASCII)

_TWO_DIGITS = re.compile(r"-?\d{1,16}\.\d\d", re.ASCII)


def money(kopecks: int) -> str:
    """`77.50`: exactly two digits after a dot."""
    return f"{'-' if kopecks < 0 else ''}{abs(kopecks) // 100}.{abs(kopecks) % 100:02}"


def quantity(thousandths: int) -> str:
    """`1.000`: three digits after a dot."""
    return f"{thousandths // 1000}.{thousandths % 1000:03}"


def kopecks(text: str) -> int:
    """Any decimal of another program as kopecks, halves up. Raises `ValueError`."""
    if _TWO_DIGITS.fullmatch(text):
        return int(text[:-3] + text[-2:])
    return scaled(text, 100)


def scaled(text: str, scale: int) -> int:
    """A decimal text times `scale` as a whole number, halves up. Raises `ValueError`."""
    if not _DECIMAL.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not an amount")
    return int((Decimal(text.strip()) * scale).quantize(Decimal(1), ROUND_HALF_UP))


def day(moment: datetime) -> str:
    """`ddmmyyyy`, Kyiv."""
    return kyiv(moment).strftime("%d%m%Y")


def hour(moment: datetime) -> str:
    """`hhmmss`, Kyiv."""
    return kyiv(moment).strftime("%H%M%S")


def read_moment(ddmmyyyy: str, hhmmss: str) -> datetime:
    """The aware moment; a missing leading zero is put back. Raises `ValueError`.

    In the hour that autumn repeats the first of the two moments is meant: the documents do not say which.
    """
    return datetime.strptime(ddmmyyyy.strip().zfill(8) + hhmmss.strip().zfill(6), "%d%m%Y%H%M%S").replace(tzinfo=KYIV)


def read_day(ddmmyyyy: str) -> date:
    """The date; a missing leading zero is put back. Raises `ValueError`."""
    return datetime.strptime(ddmmyyyy.strip().zfill(8), "%d%m%Y").replace(tzinfo=KYIV).date()


def iso(text: str, field: str) -> datetime:
    """A moment from ISO 8601; without an offset it is Kyiv time. Raises `Invalid`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(Code.BAD_FIELD, f"{text!r} is not a date and time", field=field) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=KYIV)
