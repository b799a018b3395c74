"""Commands of IKC: parameters and data (ikc.md §5), pure functions over bytes.

Numbers are little-endian, dates and times BCD with the day first, texts PC866; sums in kopecks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from drivers.errors import Code, LinkLost
from drivers.ikc import text

STATUS, GET_DATE, SET_DATE, GET_TIME, SET_TIME = 0, 1, 2, 3, 4
LOGIN, PAYOUT_LINE, X_REPORT, COMMENT, Z_REPORT = 6, 8, 9, 11, 13
CANCEL, CASH_IN, SALE_LINE, PAYMENT, CASH_OUT = 15, 16, 18, 20, 24
DISPLAY, DRAWER, REPRINT, CASH_SUM, DISCOUNT, SERVICE_LINE = 27, 29, 30, 33, 35, 40
DAY_DATA, RECEIPT, TAX_RATES, PAPER, MODEM = 42, 43, 44, 48, 53

LETTERS = "АБВГДЕ"
"""Tax groups 80h … 85h; Е is untaxed (§2)."""
TAX_GROUPS, FORMS = 6, 10
NEGATIVE = 0x8000_0000
"""Bit 31: a void, a discount, change, or "pay the rest and close"."""
MAX_SUM = NEGATIVE - 1
MAX_QUANTITY = 0xFF_FFFF
NAME_LENGTH, COMMENT_LENGTH, DISCOUNT_TEXT, CASHIER_LENGTH, SLIP_LENGTH = 75, 27, 25, 15, 38
OPENS_PAYOUT = 0x80
"""Bit 7 of a comment's length: the first line of a payout receipt (command 11)."""
SUM_OF_LINE, SUM_OF_RECEIPT = 1, 3
"""Types of a discount (35)."""
SERVICE_END = 255
FIND_PACKET, SALE_PACKET, PAYOUT_PACKET = 9, 1, 2
FINISHES = 1 << 13
"""Flag 13 of the configuration bits: an interrupted command will be finished (§4)."""
_DAY_DATA = 156
_MANUFACTURED = re.compile(r"[ /]*\d\d[-./]\d\d[-./]\d{2,4}\s*$")


@dataclass(frozen=True)
class Identity:
    """Reply of 0."""

    configuration: int
    serial: str
    fiscal_number: str
    tax_number: str
    firmware: str


@dataclass(frozen=True)
class Counters:
    """Reply of 42 tag 0. `ends` is the latest moment of the shift, naive wall-clock time; None while none is open."""

    z_number: int
    sales: int
    payouts: int
    ends: datetime | None


@dataclass(frozen=True)
class Side:
    """Day registers of sales or payouts: by tax group, by payment form, service cash."""

    count: int
    taxes: tuple[int, ...]
    forms: tuple[int, ...]
    surcharge: int
    discount: int
    cash: int


@dataclass(frozen=True)
class Current:
    """Reply of 43: what the open receipt holds."""

    taxes: tuple[int, ...]
    forms: tuple[int, ...]
    lines: int


def login(password: int, number: int, name: str) -> bytes:
    """6: cashier `number` 0…7 under a name of at most 15 characters."""
    return password.to_bytes(2, "little") + bytes((number,)) + _text(name, CASHIER_LENGTH)


def line(thousandths: int, price: int, tax: str, name: str, article: int) -> bytes:
    """18 and 8. Whole quantities travel without decimals."""
    count, decimals = (thousandths, 3) if thousandths % 1000 else (thousandths // 1000, 0)
    return (
        count.to_bytes(3, "little")
        + bytes((decimals,))
        + price.to_bytes(4, "little")
        + bytes((0x80 + LETTERS.index(tax),))
        + _text(name, NAME_LENGTH)
        + article.to_bytes(6, "little")
    )


def comment(words: str, *, opens_payout: bool = False) -> bytes:
    """11."""
    data = _text(words, COMMENT_LENGTH)
    return bytes((data[0] | OPENS_PAYOUT,)) + data[1:] if opens_payout else data


def correction(kind: int, kopecks: int, words: str = "") -> bytes:
    """35 by sum: below zero a discount, above zero a surcharge."""
    value = abs(kopecks) | (NEGATIVE if kopecks < 0 else 0)
    return bytes((kind,)) + value.to_bytes(4, "little") + _text(words, DISCOUNT_TEXT)


def percent(kind: int, hundredths: int, words: str = "") -> bytes:
    """35 by percent: a discount below zero; the value has as few decimals as it needs, plus 2 in byte 3."""
    value, decimals = abs(hundredths), 2
    while decimals and value % 10 == 0:
        value, decimals = value // 10, decimals - 1
    packed = value | (decimals + 2) << 24 | (NEGATIVE if hundredths < 0 else 0)
    return bytes((kind,)) + packed.to_bytes(4, "little") + _text(words, DISCOUNT_TEXT)


def payment(form: int, kopecks: int, slip: str = "") -> bytes:
    """20 with an exact sum; `slip` is the terminal's authorisation."""
    return bytes((form,)) + kopecks.to_bytes(4, "little") + b"\x00" + _text(slip, COMMENT_LENGTH)


def pay_the_rest(form: int) -> bytes:
    """20 without a sum: the device pays what is left and closes."""
    return bytes((form,)) + NEGATIVE.to_bytes(4, "little") + b"\x00\x00"


def money(kopecks: int) -> bytes:
    """16, 24."""
    return kopecks.to_bytes(4, "little")


def password(number: int) -> bytes:
    """9, 13, 53 and other commands that begin with a password."""
    return number.to_bytes(2, "little")


def display(row: int, words: str) -> bytes:
    """27: row 0 or 1."""
    return bytes((row,)) + _text(words, 20)


def service_line(words: str) -> bytes:
    """40."""
    return _text(words, SLIP_LENGTH)


def find_packet(secret: int, kind: int, number: int) -> bytes:
    """53 tag 9: journal packet of a receipt of the open shift (Z number 0)."""
    body = bytes((FIND_PACKET,)) + b"\x00\x00" + bytes((kind,)) + number.to_bytes(2, "little")
    return password(secret) + len(body).to_bytes(2, "little") + body


def bcd_date(day: date) -> bytes:
    """07.03.24 -> 07 03 24."""
    return bytes.fromhex(f"{day:%d%m%y}")


def bcd_time(moment: datetime) -> bytes:
    return bytes.fromhex(f"{moment:%H%M%S}")


def number(data: bytes, place: int, width: int) -> int:
    """One number of a reply. Raises `LinkLost` when the reply is too short."""
    return int.from_bytes(_slice(data, place, width), "little")


def read_date(data: bytes) -> date:
    """Reply of 1."""
    return _date(_slice(data, 0, 3))


def read_time(data: bytes) -> time:
    """Reply of 3."""
    digits = _digits(_slice(data, 0, 3))
    try:
        return time(int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {digits!r} where a time belongs") from error


def identity(data: bytes) -> Identity:
    """Reply of 0. The date of manufacture behind the serial number is cut off."""
    texts, place = [], 2 + 19 + 3 + 2 + 10
    for _ in range(4):
        length = number(data, place, 1)
        texts.append(text.decode(_slice(data, place + 1, length)).strip())
        place += 1 + length
    serial = text.decode(_slice(data, 2, 19)).replace("\x00", " ")
    return Identity(
        configuration=number(data, 0, 2),
        serial=_MANUFACTURED.sub("", serial).strip(),
        fiscal_number=text.decode(_slice(data, 26, 10)).strip("\x00 "),
        tax_number=texts[3],
        firmware=text.decode(_slice(data, place, 5)).strip(),
    )


def counters(data: bytes) -> Counters:
    """Reply of 42 tag 0."""
    return Counters(number(data, 0, 2), number(data, 2, 2), number(data, 4, 2), _limit(_slice(data, 6, 5)))


def day_data(data: bytes) -> tuple[Side, Side]:
    """Reply of 42 without a tag: sales and payouts. Raises `LinkLost` for a short one."""
    if len(data) < _DAY_DATA:
        raise LinkLost(Code.FRAME, f"day data of {len(data)} bytes, {_DAY_DATA} were expected")
    half = _DAY_DATA // 2
    return _side(data[:half]), _side(data[half:_DAY_DATA])


def current(data: bytes) -> Current:
    """Reply of 43."""
    sums = [number(data, 4 * row, 4) for row in range(TAX_GROUPS + FORMS)]
    return Current(tuple(sums[:TAX_GROUPS]), tuple(sums[TAX_GROUPS:]), number(data, 4 * (TAX_GROUPS + FORMS), 1))


def rates(data: bytes) -> list[int]:
    """Reply of 44: rates of the programmed groups, hundredths of a percent."""
    return [number(data, 4 + 2 * row, 2) for row in range(min(number(data, 0, 1), TAX_GROUPS))]


def rest(data: bytes) -> tuple[int, bool]:
    """Reply of 20: kopecks, and whether they are change and not still to pay."""
    value = number(data, 0, 4)
    return value & MAX_SUM, bool(value & NEGATIVE)


def _side(block: bytes) -> Side:
    sums = [number(block, 2 + 4 * row, 4) for row in range(TAX_GROUPS + FORMS + 3)]
    forms = sums[TAX_GROUPS : TAX_GROUPS + FORMS]
    return Side(number(block, 0, 2), tuple(sums[:TAX_GROUPS]), tuple(forms), *sums[TAX_GROUPS + FORMS :])


def _text(words: str, width: int) -> bytes:
    """Length and bytes, cut to `width`."""
    data = text.encode(words)[:width]
    return bytes((len(data),)) + data


def _slice(data: bytes, place: int, width: int) -> bytes:
    part = data[place : place + width]
    if len(part) != width:
        raise LinkLost(Code.FRAME, f"the registrar sent {len(data)} bytes of data, {place + width} were expected")
    return part


def _digits(packed: bytes) -> str:
    digits = packed.hex()
    if not digits.isdigit():
        raise LinkLost(Code.FRAME, f"the registrar sent {digits!r} where BCD digits belong")
    return digits


def _date(packed: bytes) -> date:
    digits = _digits(packed)
    try:
        return date(2000 + int(digits[4:]), int(digits[2:4]), int(digits[:2]))
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {digits!r} where a date belongs") from error


def _limit(packed: bytes) -> datetime | None:
    """End of the shift: date, then hours and minutes; zeros (or anything that is no moment) while none is open."""
    try:
        day, digits = _date(packed[:3]), _digits(packed[3:])
        return datetime.combine(day, time()) + timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    except LinkLost:
        return None
