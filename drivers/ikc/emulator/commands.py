"""The commands: parameters in, data out (ikc.md §5).

Decisions where the page is silent: status byte 1 of 34 holds the decimals of the quantity and is kept out of the
record; 41 gives 1 + name, 4 quantity in thousandths, 4 price, 1 tax, 4 sold, 4 returned; tag 2 of 42 gives for sales
and then for payouts 2 + 4 cancelled receipts and their sum, 2 + 4 voids and theirs; the rates of 44 end with no fees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from drivers.emulation.books import SHIFT_LIMIT
from drivers.ikc.emulator import reports
from drivers.ikc.emulator.fields import (
    BIT31,
    LENGTH,
    NUMBER,
    Reader,
    Refused,
    counted,
    day_bytes,
    encode,
    numbers,
    packed,
    unpacked,
)
from drivers.ikc.emulator.fields import DATE as BAD_DATE
from drivers.ikc.emulator.memory import FORMS, LETTERS, PROGRAMMING, REPORTS, Article, Side
from drivers.ikc.emulator.modem import modem
from drivers.ikc.emulator.printer import Printer

MADE = date(2020, 1, 1)
COMPLETES = 13
"""The bit of the configuration that says: an interrupted command will be completed (§4)."""
DEFAULT_PULSE = 100
INLINE = 512
"""Bytes of a QR code that travel in the command itself."""


@dataclass(frozen=True)
class Command:
    """`prints`: it moves paper. `reads`: it changes nothing worth keeping."""

    run: Callable[[Printer, Reader], bytes]
    prints: bool = False
    reads: bool = False


def _status(printer: Printer, params: Reader) -> bytes:
    memory, books = printer.memory, printer.books
    flags = 1 << COMPLETES if memory.unprinted else 0
    fiscal = books.fiscal_number if memory.fiscalised else ""
    data = numbers(2, flags) + encode(f"{books.serial[:10]:<10} {MADE:%d-%m-%y}")
    data += day_bytes(MADE) + packed(9, 0) + encode(f"{fiscal[:10]:<10}")
    return data + b"".join(counted(text) for text in memory.header) + encode(printer.firmware)


def _get_date(printer: Printer, params: Reader) -> bytes:
    return day_bytes(printer.now())


def _set_date(printer: Printer, params: Reader) -> bytes:
    day = params.date()
    params.end()
    printer.need_no_receipt()
    if printer.memory.fiscalised and not printer.jumper:
        raise Refused(16)
    printer.set_clock(datetime.combine(day, printer.now().time()))
    return b""


def _get_time(printer: Printer, params: Reader) -> bytes:
    at = printer.now()
    return packed(at.hour, at.minute, at.second)


def _set_time(printer: Printer, params: Reader) -> bytes:
    hour, minute, second = (unpacked(value) for value in params.raw(3))
    params.end()
    if hour > 23 or minute > 59 or second > 59:
        raise Refused(BAD_DATE)
    printer.need_closed_shift()
    printer.set_clock(printer.now().replace(hour=hour, minute=minute, second=second, microsecond=0))
    return b""


def _change_password(printer: Printer, params: Reader) -> bytes:
    old, number, new = params.number(2), params.number(1), params.number(2)
    params.end()
    printer.set_password(number, old, new)
    return b""


def _login(printer: Printer, params: Reader) -> bytes:
    password, number, length = params.number(2), params.number(1), params.number(1)
    name = params.text(length, 15)
    params.end()
    printer.login(number, password, name if length else None)
    return b""


def _line(refund: bool) -> Callable[[Printer, Reader], bytes]:
    def line(printer: Printer, params: Reader) -> bytes:
        quantity, status, price, tax, length = (params.number(size) for size in (3, 1, 4, 1, 1))
        stored = length == 255
        name = "" if stored else params.text(length, 75)
        code = str(params.number(6))
        params.end()
        decimals = status & 0x0F
        if decimals > 3:
            raise Refused(NUMBER)
        if stored:
            if code not in printer.memory.articles:
                raise Refused(NUMBER)
            name = printer.memory.articles[code].name
        article = Article(name, price & ~BIT31, tax - 0x80)
        void = bool(price & BIT31)
        return numbers(4, *printer.line(code, article, quantity * 10 ** (3 - decimals), refund=refund, void=void))

    return line


def _comment(printer: Printer, params: Reader) -> bytes:
    length = params.number(1)
    text = params.text(length & 0x7F, 27)
    params.end()
    printer.comment(text, payout=bool(length & 0x80))
    return b""


def _change(printer: Printer, params: Reader) -> bytes:
    kind, value, length = params.number(1), params.number(4), params.number(1)
    text = params.text(length, 25)
    params.end()
    sign, size, decimals = -1 if value & BIT31 else 1, value & ~BIT31, 0
    if kind in (0, 2):
        decimals, size = size >> 24, size & 0xFF_FFFF
        if not 2 <= decimals <= 6:
            raise Refused(NUMBER)
    return numbers(4, *printer.change(kind, sign * size, decimals, text))


def _pay(printer: Printer, params: Reader) -> bytes:
    status, amount, _, length = (params.number(size) for size in (1, 4, 1, 1))
    text = params.raw(length)
    params.end()
    # The authorisation text may hold several lines.
    lines = [Reader(line).text(len(line), 255) for line in text.replace(b"\r", b"").split(b"\n")]
    rest, number = printer.pay(
        status & 0x0F, amount & ~BIT31, "\n".join(lines), closing=bool(amount & BIT31), service=bool(status & 0x40)
    )
    return numbers(4, rest) if number is None else numbers(4, rest, number)


def _cancel(printer: Printer, params: Reader) -> bytes:
    params.end()
    printer.cancel()
    return b""


def _cash(sign: int) -> Callable[[Printer, Reader], bytes]:
    def cash(printer: Printer, params: Reader) -> bytes:
        amount = params.number(4)
        params.end()
        return numbers(4, reports.move_cash(printer, sign * amount))

    return cash


def _drawer_cash(printer: Printer, params: Reader) -> bytes:
    return numbers(5, printer.books.drawer)


def _x(printer: Printer, params: Reader) -> bytes:
    _report(printer, params)
    params.end()
    reports.x_report(printer)
    return b""


def _z(printer: Printer, params: Reader) -> bytes:
    _report(printer, params)
    params.end()
    return numbers(4, reports.z_report(printer))


def _report(printer: Printer, params: Reader) -> None:
    printer.need_password(REPORTS, params.number(2))


def _by_date(full: bool) -> Callable[[Printer, Reader], bytes]:
    def by_date(printer: Printer, params: Reader) -> bytes:
        _report(printer, params)
        first, last = params.date(), params.date()
        params.end()
        if last < first:
            raise Refused(BAD_DATE)
        reports.period_report(printer, lambda number, day: first <= day <= last, full=full)
        return b""

    return by_date


def _by_number(printer: Printer, params: Reader) -> bytes:
    _report(printer, params)
    first, last = params.number(2), params.number(2)
    params.end()
    if last < first:
        raise Refused(NUMBER)
    reports.period_report(printer, lambda number, day: first <= number <= last, full=True)
    return b""


def _articles(printer: Printer, params: Reader) -> bytes:
    _report(printer, params)
    first, last = (params.number(6), params.number(6)) if params.left else (0, (1 << 48) - 1)
    params.end()
    reports.articles_report(printer, first, last)
    return b""


def _reprint(printer: Printer, params: Reader) -> bytes:
    number = params.number(4) if params.left else None
    params.end()
    reports.reprint(printer, number)
    return b""


def _diagnostics(printer: Printer, params: Reader) -> bytes:
    printer.need_no_receipt()
    printer.print([printer.firmware, printer.books.serial, ""])
    return b""


def _day(printer: Printer, params: Reader) -> bytes:
    books, memory, day = printer.books, printer.memory, printer.books.day
    if not params.left:
        sold = _block(day.receipts, day.sold, day.paid, memory.sales, day.cash_in)
        return sold + _block(day.returns, day.returned, day.repaid, memory.payouts, day.cash_out)
    tag = params.number(1)
    params.end()
    if tag == 0:
        begun = day.first or (memory.receipt.opened if memory.receipt is not None else "")
        limit = datetime.fromisoformat(begun) + SHIFT_LIMIT if begun else None
        end = bytes(5) if limit is None else day_bytes(limit) + packed(limit.hour, limit.minute)
        last = books.last_z()
        last_day = bytes(3) if last is None else day_bytes(last)
        counts = numbers(2, books.z_number, day.receipts, day.returns)
        return counts + end + last_day + numbers(2, len(memory.articles))
    if tag == 1:
        return numbers(4, *[0] * 12)  # the rates are inside the prices, none is added to them
    if tag == 2:
        return _lost(memory.sales) + _lost(memory.payouts)
    raise Refused(NUMBER)


def _block(count: int, taxes: Mapping[str, int], forms: Mapping[str, int], side: Side, cash: int) -> bytes:
    sums = [taxes.get(letter, 0) for letter in LETTERS] + [forms.get(form, 0) for form in FORMS]
    return numbers(2, count) + _registers(*sums, side.surcharge, side.discount, cash)


def _registers(*values: int) -> bytes:
    """Day registers use all 32 bits."""
    return b"".join(value.to_bytes(4, "little") for value in values)


def _lost(side: Side) -> bytes:
    return (
        numbers(2, side.cancelled) + numbers(4, side.cancelled_sum) + numbers(2, side.voids) + numbers(4, side.void_sum)
    )


def _current(printer: Printer, params: Reader) -> bytes:
    receipt = printer.memory.receipt
    if receipt is None:
        return bytes(65)
    return _registers(*receipt.taxes, *receipt.payments) + bytes([receipt.lines])


def _rates(printer: Printer, params: Reader) -> bytes:
    rates = printer.memory.rates
    return bytes([len(rates)]) + day_bytes(date.fromisoformat(printer.memory.rates_set)) + numbers(2, *rates) + b"\0"


def _article(printer: Printer, params: Reader) -> bytes:
    code = str(params.number(6))
    params.end()
    article = printer.memory.articles.get(code)
    if article is None:
        raise Refused(NUMBER)
    sums = numbers(4, article.sold, article.returned)
    return counted(article.name) + numbers(4, article.quantity, article.price) + bytes([0x80 + article.tax]) + sums


def _program(printer: Printer, params: Reader) -> bytes:
    printer.need_password(PROGRAMMING, params.number(2))
    _, price, tax, length = (params.number(size) for size in (1, 4, 1, 1))
    name = params.text(length, 75)
    if params.left not in (4, 6):
        raise Refused(LENGTH)
    printer.program(str(params.number(params.left)), Article(name, price & ~BIT31, tax - 0x80))
    return b""


def _show(printer: Printer, params: Reader) -> bytes:
    line, length = params.number(1), params.number(1)
    text = params.text(length, 20)
    params.end()
    printer.show(line, text)
    return b""


def _open_drawer(printer: Printer, params: Reader) -> bytes:
    pulse = params.number(1) if params.left else DEFAULT_PULSE
    params.end()
    printer.drawer_opened += pulse > 0
    return b""


def _feed(printer: Printer, params: Reader) -> bytes:
    params.end()
    printer.print([""])
    return b""


def _toggle(name: str) -> Callable[[Printer, Reader], bytes]:
    def toggle(printer: Printer, params: Reader) -> bytes:
        params.end()
        printer.need_no_receipt()
        setattr(printer.memory, name, not getattr(printer.memory, name))
        return b""

    return toggle


def _message(printer: Printer, params: Reader) -> bytes:
    number, length = params.number(1), params.number(1)
    text = params.text(length & 0x3F, 38)
    params.end()
    printer.set_message(number, text)
    return b""


def _service(printer: Printer, params: Reader) -> bytes:
    length = params.number(1)
    if length == 255:
        params.end()
        reports.service_line(printer, None)
        return b""
    barcode = length == 254
    text = params.text(params.left if barcode else length, 38)
    params.end()
    reports.service_line(printer, f"|||{text}|||" if barcode else text)
    return b""


def _receipt_code(printer: Printer, params: Reader) -> bytes:
    text = params.text(params.left, 38)
    printer.code(f"|||{text}|||")
    return b""


def _qr(printer: Printer, params: Reader) -> bytes:
    length = params.number(2)
    if length == 0:
        raise Refused(LENGTH)
    data = params.raw(length)
    params.end()
    printer.code(f"[QR {data.decode('cp866')}]")
    return b""


def blocks_due(params: bytes) -> int:
    """Bytes of a QR code that will come in blocks: the command brings their count alone, and more than fits."""
    return int.from_bytes(params, "little") if len(params) == 2 and int.from_bytes(params, "little") else 0


def _paper(printer: Printer, params: Reader) -> bytes:
    books = printer.books
    return bytes([0x08 * books.near_end | 0x40 * (not books.paper)])


COMMANDS: Mapping[int, Command] = {
    0: Command(_status, reads=True),
    1: Command(_get_date, reads=True),
    2: Command(_set_date),
    3: Command(_get_time, reads=True),
    4: Command(_set_time),
    5: Command(_change_password),
    6: Command(_login),
    8: Command(_line(refund=True), prints=True),
    9: Command(_x, prints=True),
    10: Command(_articles, prints=True),
    11: Command(_comment, prints=True),
    13: Command(_z, prints=True),
    14: Command(_feed, prints=True),
    15: Command(_cancel, prints=True),
    16: Command(_cash(1), prints=True),
    17: Command(_by_date(full=True), prints=True),
    18: Command(_line(refund=False), prints=True),
    20: Command(_pay, prints=True),
    23: Command(_message),
    24: Command(_cash(-1), prints=True),
    26: Command(_by_date(full=False), prints=True),
    27: Command(_show),
    29: Command(_open_drawer),
    30: Command(_reprint, prints=True),
    31: Command(_by_number, prints=True),
    32: Command(_diagnostics, prints=True),
    33: Command(_drawer_cash, reads=True),
    34: Command(_program),
    35: Command(_change, prints=True),
    36: Command(_toggle("online_printing")),
    40: Command(_service, prints=True),
    41: Command(_article, reads=True),
    42: Command(_day, reads=True),
    43: Command(_current, reads=True),
    44: Command(_rates, reads=True),
    46: Command(_toggle("cutter")),
    47: Command(_receipt_code, prints=True),
    48: Command(_paper, reads=True),
    49: Command(_receipt_code, prints=True),
    53: Command(modem),
    55: Command(_qr, prints=True),
}
ALWAYS = frozenset({0, 28, 42, 43, 53})
"""Executed whatever STATUS says (§4)."""
QR = 55


def allowed(code: int, status: int, *, x_when_expired: bool) -> bool:
    """Whether the command is executed under this STATUS."""
    if not status or code in ALWAYS:
        return True
    if status in (0x02, 0x08) and code in (1, 2):
        return True
    return status == 0x20 and (code == 13 or (x_when_expired and code in (9, 33)))
