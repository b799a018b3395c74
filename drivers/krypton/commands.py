"""Commands of the Krypton dialect and their replies (datecs-krypton.md §2, §5), pure functions.

    request data    PPPPPP;field;field;      password first, every field ends with ';'
    reply data      EEEE;field;…;            error code in hex first, 0000 = done

They travel in the Datecs packet (`drivers.datecs.frame`), with CMD up to FFh. Text is Windows-1251.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from drivers.errors import Code, LinkLost

SET_CLOCK, CLOCK = 0x20, 0x21
PROGRAM_ARTICLE, FIND_ARTICLE = 0x24, 0x25
PAYMENT_FORM, FACTORY_NUMBER, FISCAL_NUMBER, TAX_RATE = 0x2E, 0x42, 0x44, 0x48
SLIP_OPEN, TEXT, RECEIPT_OPEN, SELL, CLOSE = 0x60, 0x61, 0x63, 0x64, 0x65
PAY, CORRECT, CANCEL, TOTAL, CASH = 0x67, 0x69, 0x6B, 0x6D, 0x6E
IDENTIFY, DISPLAY, DRAWER = 0x80, 0x81, 0x83
REPORT, REPRINT = 0xA1, 0xA5
DAY_SUMS, RECEIPT_SUMS, COUNTER, MODEM = 0xE0, 0xE1, 0xE2, 0xEA
LAST_COMMAND = 0xFF
MAX_DATA = 219

BY_TAX, BY_FORM, BY_CASH = 0, 2, 3
"""Sources of the day sums (E0)."""
Z_NUMBER, SALES, RETURNS, LAST_RECEIPT, LAST_COPY = 0, 1, 2, 3, 5
"""Counters (E2)."""
FORMS = 10
"""Rows of the payment table (2E)."""
NOT_PROGRAMMED = "FFFFFF"
_ANSWER = re.compile(r"([0-9A-Fa-f]{4});")


@dataclass(frozen=True)
class Identity:
    """Reply of 80h."""

    model: str
    version: str
    country: str
    build: str
    taxes: int


@dataclass(frozen=True)
class Form:
    """Reply of 2Eh: one row of the payment table."""

    number: int
    name: str
    in_sales: bool
    in_returns: bool
    change: bool


def data(password: str, *fields: str) -> str:
    """Data of a request. A ';' inside a field becomes ',', as the maker's drivers do."""
    return "".join(f"{field.replace(';', ',')};" for field in (password, *fields))


def answer(text: str) -> tuple[str, list[str]]:
    """Error code and fields of a reply. Raises `LinkLost` for anything else."""
    found = _ANSWER.match(text)
    if found is None:
        raise LinkLost(Code.FRAME, f"the registrar sent {text!r} where an error code belongs")
    rest = text[found.end() :]
    return found.group(1).upper(), rest.split(";")[:-1] if rest.endswith(";") else (rest.split(";") if rest else [])


def money(kopecks: int) -> str:
    """1250 -> 12.50."""
    return f"{'-' if kopecks < 0 else ''}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"


def signed(kopecks: int) -> str:
    """-150 -> -1.50, 3 -> +0.03."""
    return ("+" if kopecks >= 0 else "") + money(kopecks)


def quantity(thousandths: int) -> str:
    """2000 -> 2.000."""
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def article(code: int, name: str, tax: int, department: int, unit: str) -> tuple[str, ...]:
    """24h; `00` is the weight modifier."""
    return (str(code), name, str(tax), str(department), "00", unit)


def opening(operator: int, till: int, *, refund: bool) -> tuple[str, ...]:
    """63h."""
    return (f"{operator:02d}", f"{till:02d}", "1" if refund else "0")


def sell(code: int, thousandths: int, price: int) -> tuple[str, ...]:
    """64h."""
    return (str(code), quantity(thousandths), money(price))


def pay(form: int, amount: int) -> tuple[str, ...]:
    """67h."""
    return (str(form), money(amount))


def field(fields: list[str], index: int) -> str:
    """One field of a reply. Raises `LinkLost` when it is missing."""
    if index >= len(fields):
        raise LinkLost(Code.FRAME, f"the registrar sent {len(fields)} fields, {index + 1} were expected")
    return fields[index].strip()


def kopecks(text: str) -> int:
    """Money of a reply: hryvnias where there is a point, else kopecks. Raises `LinkLost` for what is no number."""
    try:
        return int(Decimal(text) * 100) if "." in text else int(text)
    except (InvalidOperation, ValueError) as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {text!r} where a sum belongs") from error


def number(text: str) -> int:
    """A counter. Raises `LinkLost` for what is no number."""
    try:
        return int(text)
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {text!r} where a number belongs") from error


def identity(fields: list[str]) -> Identity:
    """80h; the number of tax rates stands tenth."""
    taxes = field(fields, 9) if len(fields) > 9 else ""
    return Identity(
        field(fields, 0), field(fields, 1), field(fields, 2), field(fields, 3), int(taxes) if taxes.isdigit() else 5
    )


def form(row: int, fields: list[str]) -> Form:
    """2Eh: mask bit 0 sales, bit 1 returns, bit 7 change."""
    try:
        mask = int(field(fields, 0) or "0", 16)  # a row that is not programmed is empty
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {fields[0]!r} where a mask belongs") from error
    return Form(row, field(fields, 1), bool(mask & 1), bool(mask & 2), bool(mask & 0x80))


def clock(fields: list[str]) -> datetime:
    """21h: naive wall-clock time of the registrar, to the minute."""
    text = field(fields, 0) + field(fields, 1)
    try:
        return datetime.strptime(text, "%d%m%y%H%M")  # noqa: DTZ007 - the registrar knows no zone
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {text!r} where a time belongs") from error
