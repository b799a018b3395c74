"""Data of the classic commands and their replies (datecs-fp3530t.md §5), pure functions.

Numbers in names are the decimal command codes. Amounts go out with a point and two digits, quantities with three.
Money comes back as an integer in kopecks, signed and zero-padded, or with a decimal point in hryvnias, by firmware.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from drivers.errors import Code, LinkLost

CLEAR_DISPLAY, DISPLAY_LOWER, DISPLAY_UPPER = 33, 35, 47
SLIP_OPEN, SLIP_LINE, SLIP_CLOSE = 38, 42, 39
SALE_OPEN, RETURN_OPEN, SELL, SUBTOTAL, PAY, TEXT, CLOSE, CANCEL = 48, 85, 58, 51, 53, 54, 56, 57
SET_CLOCK, CLOCK, TAX_SUMS, CORRECTIONS, REPORT, CASH = 61, 62, 65, 67, 69, 70
LAST_Z, STATUS, TRANSACTION, IDENTIFY, TAX_RATES, TAX_NUMBER = 64, 74, 76, 90, 97, 99
DRAWER, ARTICLE, COPY, DAY_SUMS, LAST_DOCUMENT = 106, 107, 109, 110, 113
BEEP = 80

FORMS = {"cash": "P", "credit": "N", "cheque": "C", "card": "D"} | {letter: letter for letter in "IJKL"}
"""Letters of 53; I…L are the programmable forms of Exellio and name themselves (exellio.md A.1)."""
FORM_ORDER = ("cash", "credit", "card", "cheque")
"""Order of the sums in the reply of 110."""


@dataclass(frozen=True)
class Transaction:
    """Reply of 76 `T`: is a receipt open, its items, its amount and what was tendered, kopecks."""

    open: bool
    items: int
    amount: int
    tender: int


@dataclass(frozen=True)
class DaySums:
    """Reply of 110: kopecks by payment form, the Z number and the next receipt."""

    by_form: dict[str, int]
    z_number: int
    next_receipt: int


@dataclass(frozen=True)
class CashState:
    """Reply of 70, kopecks."""

    accepted: bool
    drawer: int
    cash_in: int
    cash_out: int


@dataclass(frozen=True)
class Article:
    """Reply of 107 `R`. `sold` says whether it has turnover since the last Z: name and tax are locked then."""

    code: int
    tax: str
    price: int
    sold: bool
    name: str


@dataclass(frozen=True)
class Identity:
    """Reply of 90."""

    firmware: str
    country: str
    serial: str
    fiscal_memory: str


def masked(command: int, data: bytes) -> bytes:
    """Data of a request as the wire log keeps them: the password field as asterisks, wherever the command has it."""
    if command == REPORT:
        place = 0
    elif command in (SALE_OPEN, RETURN_OPEN):
        place = 1
    elif command == ARTICLE and data[:1] in (b"P", b"C", b"D"):
        place = {b"P": 3, b"C": 2, b"D": 1}[data[:1]]
    else:
        return data
    parts = data.split(b",")
    if place < len(parts):
        parts[place] = b"*" * len(parts[place])
    return b",".join(parts)


def money(kopecks: int) -> str:
    """Kopecks as the printer reads them: 1250 -> 12.50."""
    sign = "-" if kopecks < 0 else ""
    return f"{sign}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"


def quantity(thousandths: int) -> str:
    """Thousandths as the printer reads them: 2000 -> 2.000."""
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def open_receipt(operator: int, password: str, till: int) -> str:
    return f"{operator:05d},{password},{till:05d},I"


def sell(code: int, thousandths: int, discount: int = 0) -> str:
    """58: article × quantity, `discount` kopecks off the line."""
    return f"{code}*{quantity(thousandths)}" + (f";{money(-discount)}" if discount else "")


def subtotal(correction: int = 0, *, printed: bool = False) -> str:
    """51: `correction` is signed kopecks added to the receipt."""
    sign = "+" if correction > 0 else ""
    return f"{int(printed)}0" + (f";{sign}{money(correction)}" if correction else "")


def subtotal_taxes(text: str) -> dict[str, int]:
    """Reply of 51 after its first field: turnover by tax letter with corrections spread, kopecks."""
    sums = [abs(kopecks(part)) for part in text.split(",")[1:]]
    return {letter: value for letter, value in zip("АБВГД", sums, strict=False) if value}


def pay(form: str, amount: int) -> str:
    return f"\t{FORMS[form]}{money(amount)}"


def program_article(code: int, tax: str, price: int, password: str, name: str) -> str:
    return f"P{tax}{code},1,{money(price)},{password},{name}"


def change_price(code: int, price: int, password: str) -> str:
    return f"C{code},{money(price)},{password}"


_MONEY = re.compile(r"\s*[PF]?\s*([+-]?)\s*(?:([0-9]{1,18})(?:(\.)([0-9]{0,2})0*)?)\s*")


def kopecks(text: str) -> int:
    """Money of a reply: hryvnias where it has a point, else kopecks (§5). Raises `LinkLost` for what is no number."""
    found = _MONEY.fullmatch(text)
    if found is None:
        raise LinkLost(Code.FRAME, f"the printer sent {text!r} where a sum belongs")
    sign, whole, point, part = found.groups()
    value = int(whole) if point is None else int(whole or 0) * 100 + int((part or "").ljust(2, "0"))
    return -value if sign == "-" else value


def number(text: str) -> int:
    """A counter of a reply. Raises `LinkLost` for what is no number."""
    digits = re.match(r"\s*[+-]?[0-9]{1,18}", text)
    if digits is None:
        raise LinkLost(Code.FRAME, f"the printer sent {text!r} where a number belongs")
    return int(digits.group())


def fields(text: str, least: int) -> list[str]:
    """Comma-separated fields, at least `least` of them."""
    parts = text.split(",")
    if len(parts) < least:
        raise LinkLost(Code.FRAME, f"the printer sent {text!r}: {least} fields were expected")
    return parts


def last_z_day(text: str) -> date | None:
    """64: the day of the last Z; None before the first one and where the firmware does not say."""
    last = text.split(",")[-1].strip()
    try:
        return datetime.strptime(last, "%d%m%y").date() if len(last) == 6 else None  # noqa: DTZ007 - no zone
    except ValueError:
        return None


def transaction(text: str) -> Transaction:
    parts = fields(text, 3)
    tender = kopecks(parts[3]) if len(parts) > 3 else 0
    return Transaction(number(parts[0]) != 0, number(parts[1]), abs(kopecks(parts[2])), abs(tender))


def day_sums(text: str) -> DaySums:
    parts = fields(text, 6)
    by_form = {form: kopecks(part) for form, part in zip(FORM_ORDER, parts, strict=False)}
    return DaySums(by_form, number(parts[4]), number(parts[5]))


def tax_sums(text: str) -> dict[str, int]:
    """65: turnover by tax letter; the tax-free row, which comes first, under '-'."""
    sums = [kopecks(part) for part in fields(text, 2)]
    return dict(zip("-АБВГД", sums, strict=False))


def cash_state(text: str) -> CashState:
    accepted = not text.lstrip().startswith("F")
    if not accepted and len(text.split(",")) < 3:
        return CashState(False, 0, 0, 0)
    parts = fields(text, 3)
    if parts[0].strip() in ("P", "F"):
        parts = parts[1:]
    if len(parts) < 3:
        raise LinkLost(Code.FRAME, f"the printer sent {text!r}: four fields were expected")
    return CashState(accepted, kopecks(parts[0]), abs(kopecks(parts[1])), abs(kopecks(parts[2])))


def article(text: str) -> Article | None:
    """107 `R`: None when the article is not programmed."""
    if not text.startswith("P"):
        return None
    parts = text[1:].split(",", 8)
    if len(parts) < 9:
        raise LinkLost(Code.FRAME, f"the printer sent {text!r}: nine fields were expected")
    sold = any(character in "123456789" for character in parts[4] + parts[5])
    return Article(number(parts[0]), parts[1].strip(), kopecks(parts[3]), sold, parts[8])


def article_capacity(text: str, default: int) -> int:
    """107 `I`: how many articles fit; `default` when the firmware's answer has another form."""
    found = re.search(r"/\s*(\d+)", text)
    return int(found.group(1)) if found and int(found.group(1)) > 0 else default


def identity(text: str) -> Identity:
    """90: the first field holds revision, date and time; country 2 is Ukraine."""
    parts = fields(text, 5)
    return Identity(parts[0].strip(), parts[3].strip(), parts[4].strip(), parts[5].strip() if len(parts) > 5 else "")


def tax_number(text: str) -> str:
    """99: the taxpayer's number; the label around it differs by firmware."""
    digits = re.search(r"[0-9]{8,12}", text)
    return digits.group() if digits else text.strip()


def clock(text: str) -> datetime:
    """62: naive wall-clock time of the printer. Raises `LinkLost` when it is no date."""
    text = text.strip()
    form = "%d-%m-%y %H:%M:%S" if text.count(":") == 2 else "%d-%m-%y %H:%M"
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the printer knows no zone
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the printer sent {text!r} where a time belongs") from error
