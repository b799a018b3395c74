"""Parameters of the commands of Maria and their answers (maria.md §4, §7), pure functions.

Four letters and fields of fixed width without separators; sums are kopecks padded with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from drivers.errors import Code, Invalid, LinkLost
from drivers.maria import text

LETTERS = "АБВГДЕЖЗ"
"""Tax schemes 1…8."""
NAME, REST = 12, 31
"""FISC: the two parts of a name (§4)."""
CODED_NAME, CODED_REST = 24, 104
"""FICD: the same with accounting codes."""
TEXT_WIDTH, NOTE_WIDTH, ORIGINAL_WIDTH = 43, 86, 86
NEW_ARTICLES, PROGRAMMED, CODES = 0, 1, 2
"""Article modes (ARMO)."""
EXPECT_LINE, EXPECT_CLOSE, EXPECT_RETURN = 4, 8, 16
NEVER_LOCKED = 999_999_999


@dataclass(frozen=True)
class Conf:
    """Answer of CONF. `expected` is the mask of commands that may come next."""

    serial: str
    fiscal_number: str
    key: int
    expected: int
    logged: bool
    last_command: str
    firmware: str

    @property
    def receipt_open(self) -> bool:
        return bool(self.expected & (EXPECT_LINE | EXPECT_CLOSE | EXPECT_RETURN))


@dataclass(frozen=True)
class Numbers:
    """Answer of GLCN. `closed`: a Z report was made and no new shift has begun."""

    receipt: int
    article_mode: int
    closed: bool
    z_number: int


@dataclass(frozen=True)
class Cash:
    """Answer of CCAS, kopecks of the shift."""

    opening: int
    cash_in: int
    cash_out: int
    received: int
    paid: int
    closing: int
    other_sales: int
    other_returns: int


@dataclass(frozen=True)
class Tax:
    """One programmed tax scheme; `rate` is per cent × 100."""

    letter: str
    kind: str
    rate: str


@dataclass(frozen=True)
class Good:
    """One line of a receipt, ready for the wire. `total` before `correction`, kopecks; `quantity` thousandths."""

    name: str
    total: int
    price: int
    quantity: int
    taxes: tuple[Tax, ...]
    correction: int


def digits(value: int, width: int) -> bytes:
    """A field of zero-padded digits. Raises `Invalid` when the value does not fit."""
    field = f"{value:0{width}d}"
    if value < 0 or len(field) > width:
        raise Invalid(Code.OVERFLOW, f"{value} does not fit into {width} digits of the registrar")
    return field.encode()


def login(password: str, cashier: str) -> bytes:
    """UPAS: the cashier's id is at most nine characters."""
    return password.encode().ljust(10) + text.padded(cashier, 9)


def amount(thousandths: int, width: int) -> bytes:
    """Quantity and its flag: whole units as they are (1), else thousandths (0). Raises `Invalid` for too much."""
    whole = thousandths % 1000 == 0
    return digits(thousandths // 1000 if whole else thousandths, width) + (b"1" if whole else b"0")


def fisc(good: Good, article: int) -> bytes:
    """FISC and BFIS: rounding 0, taxes in the first places, the rest unused."""
    name = text.encode(good.name)
    taxes = b"".join(text.encode(tax.letter + tax.kind + tax.rate) for tax in good.taxes)
    return (
        name[:NAME].ljust(NAME)
        + digits(good.total, 9)
        + digits(good.price, 9)
        + amount(good.quantity, 5)
        + b"0"
        + taxes.ljust(48, b"0")
        + digits(article, 4)
        + _correction(good.correction, name[NAME:][:REST])
    )


def ficd(good: Good, article: int) -> bytes:
    """FICD and BFCD: taxes by letter alone, an accounting code of nine digits."""
    name = text.encode(good.name)
    letters = text.encode("".join(tax.letter for tax in good.taxes))
    return (
        name[:CODED_NAME].ljust(CODED_NAME)
        + digits(good.total, 9)
        + digits(good.price, 9)
        + amount(good.quantity, 6)
        + b"0"
        + letters.ljust(2, b"0")
        + digits(article, 9)
        + _correction(good.correction, name[CODED_NAME:][:CODED_REST])
    )


def _correction(signed: int, rest: bytes) -> bytes:
    """Discount or surcharge of a line, then the rest of its name; a long name alone brings a discount of zero."""
    if not signed and not rest:
        return b""
    title = "" if not signed else "Знижка" if signed < 0 else "Надбавка"
    return (b"+" if signed > 0 else b"-") + text.padded(title, 13) + digits(abs(signed), 9) + rest


def note(line: str, *, after: bool) -> bytes:
    """TEXT: before or after the goods, not in the journal, plain width."""
    return (b"1" if after else b"0") + b"00" + text.encode(line)[:TEXT_WIDTH]


def close(sales: int, returns: int, others: Sequence[int], cash: int) -> bytes:
    """COMP; `others` are the non-cash sums 1, 2, 3."""
    first, second, third = others
    return b"".join(digits(value, 10) for value in (sales, returns, third, second, first, cash))


def values(*parts: str) -> bytes:
    """LL-values: two digits of length and the bytes."""
    encoded = [text.encode(part)[:99] for part in parts]
    return b"".join(f"{len(part):02d}".encode() + part for part in encoded)


def display(kopecks: int) -> bytes:
    """DISp: the first indicator, two digits after the point."""
    return b"12" + digits(kopecks, 10)


def conf(data: bytes) -> Conf:
    """CONF; key, cashier and mask are read as raw bytes or digits, whichever firmware sends."""
    body = _body(data, "CONF", 148)

    def field(start: int, width: int) -> str:
        return text.decode(body[start - 1 : start - 1 + width]).strip()

    return Conf(
        serial=field(1, 10),
        fiscal_number=field(11, 10),
        key=body[70] & 0x0F,
        expected=body[71],
        logged=bool(body[72] & 0x0F),
        last_command=field(103, 4),
        firmware=field(107, 4),
    )


def numbers(data: bytes) -> Numbers:
    """GLCN."""
    body = _body(data, "GLCN", 37)
    return Numbers(_number(body[:10]), body[30] & 0x0F, bool(body[32] & 0x0F), _number(body[33:37]))


def cash(data: bytes) -> Cash:
    """CCAS."""
    body = _body(data, "CCAS", 88)
    return Cash(*(_number(body[start : start + 11]) for start in range(0, 88, 11)))


def turnover(data: bytes) -> list[int]:
    """CFIS: twenty sums, kopecks; the source does not name them."""
    body = _body(data, "CFIS", 240)
    return [_number(body[start : start + 12]) for start in range(0, 240, 12)]


def taxes(data: bytes) -> dict[str, Tax]:
    """CNAL: programmed schemes by letter."""
    body = _body(data, "CNAL", 112)
    found = {}
    for index, start in enumerate(range(0, 112, 14)):
        row = body[start : start + 14].decode("ascii", errors="replace")
        if row[:8].strip("0 "):  # a scheme that was never programmed has no date
            letter = LETTERS[int(row[8]) - 1] if row[8] in "12345678" else LETTERS[index]
            found[letter] = Tax(letter, row[9], row[10:14])
    return found


def receipt_number(data: bytes) -> int:
    """COMP: the number stands first."""
    return _number(_body(data, "COMP", 90)[:10])


def clock(data: bytes) -> datetime:
    """GETD: naive wall-clock time of the registrar."""
    stamp = re.sub(rb"\D", b"", _body(data, "GETD", 14)).decode()
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the registrar knows no zone
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {stamp!r} where a time belongs") from error


def seconds_until_lock(data: bytes) -> int | None:
    """MDMD2701: the fifth little-endian counter of type 47; None where there is no lock in sight."""
    found = re.match(r"\s*47((?:[0-9A-Fa-f]{8}){5})", text.decode(data[4:]))
    if found is None:
        raise LinkLost(Code.FRAME, "the registrar sent no counters of the transmission")
    seconds = int.from_bytes(bytes.fromhex(found.group(1))[16:20], "little")
    return None if seconds == NEVER_LOCKED else seconds


def _body(data: bytes, command: str, least: int) -> bytes:
    """Data after the command's name. Raises `LinkLost` when they are of another command or too short."""
    if not data.startswith(command.encode()) or len(data) < 4 + least:
        raise LinkLost(Code.FRAME, f"the registrar sent {data[:16]!r}… where {command} and {least} bytes belong")
    return data[4:]


def _number(field: bytes) -> int:
    try:
        return int(field.decode("ascii").strip() or "0")
    except ValueError as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {field!r} where a number belongs") from error
