"""Commands of the Krypton dialect by code (datecs-krypton.md §5): fields in, fields out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from drivers.emulation import paper
from drivers.emulation.books import half_up
from drivers.krypton.emulator.fields import Fields
from drivers.krypton.emulator.memory import LETTERS, NO_RECEIPT, SLIP, Article
from drivers.krypton.emulator.printer import Printer, Refused

Handler = Callable[[Printer, Fields], Sequence[str]]


def _money(kopecks: int) -> str:
    return paper.hryvnias(kopecks)


def _set_clock(printer: Printer, fields: Fields) -> Sequence[str]:
    date, time = fields.text(6, r"\d{6}"), fields.text(4, r"\d{4}")
    fields.end()
    try:
        day = datetime.strptime(date, "%d%m%y")  # noqa: DTZ007 - the device has no zone
    except ValueError as error:
        raise Refused("0C05") from error
    if int(time[:2]) > 23 or int(time[2:]) > 59:
        raise Refused("0D05")
    printer.set_clock(day.replace(hour=int(time[:2]), minute=int(time[2:])))
    return ()


def _stamp(moment: datetime) -> tuple[str, str]:
    return f"{moment:%d%m%y}", f"{moment:%H%M}"


def _read_clock(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    return _stamp(printer.now())


def _header(printer: Printer, fields: Fields) -> Sequence[str]:
    number = fields.number(0, 13)
    fields.end()
    return printer.memory.header.get(str(number), ""), "0"


def _code(fields: Fields) -> str:
    """Up to 14 digits: drivers put a price behind a number of seven (§6)."""
    return str(fields.number(1, 99_999_999_999_999))


def _program(printer: Printer, fields: Fields) -> Sequence[str]:
    code, name = _code(fields), fields.text(75, ".+")
    tax, department = fields.number(0, len(LETTERS) - 1), fields.number(0, 999)
    fields.text(2, "[0-9A-Fa-f]{2}")
    unit = fields.text(6)
    fields.end()
    printer.program(code, Article(0, name, tax, department, unit))
    return ()


def _find(printer: Printer, fields: Fields) -> Sequence[str]:
    code = _code(fields)
    fields.end()
    article = printer.memory.articles.get(code)
    return ("FFFFFF" if article is None else f"{article.index:06X}",)


def _form(printer: Printer, fields: Fields) -> Sequence[str]:
    form = printer.memory.forms[fields.number(0, 9)]
    fields.end()
    return f"{form.mask:02X}", form.name


def _serial(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    return (printer.books.serial,)


def _fiscal_number(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    return (printer.books.fiscal_number if printer.books.personalised else "",)


def _rate(printer: Printer, fields: Fields) -> Sequence[str]:
    rate = printer.memory.rates[fields.number(0, len(LETTERS) - 1)]
    fields.end()
    return "1" if rate >= 0 else "0", _money(max(rate, 0)), "0", "-1"


def _open_slip(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    printer.open_slip()
    return ()


def _text(printer: Printer, fields: Fields) -> Sequence[str]:
    line = fields.text(75)
    fields.end()
    printer.text(line)
    return ()


def _close(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(0, 1)
    fields.end()
    return (str(printer.close_slip() if printer.memory.slip is not None else printer.close()),)


def _open(printer: Printer, fields: Fields) -> Sequence[str]:
    operator, till, refund = fields.number(1, 99), fields.number(1, 99), fields.number(0, 1)
    fields.end()
    printer.open(operator, till, refund=bool(refund))
    return ()


def _sell(printer: Printer, fields: Fields) -> Sequence[str]:
    code, quantity, price = _code(fields), fields.thousandths(), fields.kopecks()
    fields.end()
    return [_money(sum_) for sum_ in printer.sell(code, quantity, price)]


def _percent(printer: Printer, fields: Fields) -> Sequence[str]:
    percent = fields.signed()
    if abs(percent) > 99_99:
        raise Refused("0B0B")
    fields.end()
    return [_money(sum_) for sum_ in printer.change_line(percent=percent)]


def _amount(printer: Printer, fields: Fields) -> Sequence[str]:
    amount = fields.signed()
    fields.end()
    return [_money(sum_) for sum_ in printer.change_line(amount=amount)]


def _total(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(0, 1)
    fields.end()
    return (_money(printer.total()),)


def _pay(printer: Printer, fields: Fields) -> Sequence[str]:
    form, amount = fields.number(0, 9), fields.kopecks()
    if amount < 0:
        raise fields.bad_value()
    fields.end()
    return (_money(printer.pay(form, amount)),)


def _cancel(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(0, 0)
    fields.end()
    printer.cancel()
    return ()


def _cash(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(1, 99)
    amount = fields.kopecks()
    fields.end()
    if amount:
        printer.move_cash(amount)
    return (_money(printer.books.drawer),)


def _identify(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    free = printer.capacity - len(printer.memory.articles)
    return (
        f"Datecs {printer.model}", "4.00", "Україна", "Mar 18 2015", "37092", str(free), "6400", "360", "40",
        str(len(LETTERS)), str(len(printer.memory.forms)),
    )  # fmt: skip


def _display(printer: Printer, fields: Fields) -> Sequence[str]:
    line = fields.number(0, 1)
    fields.text(2, r"\d\d")
    printer.display[line] = fields.text(20)
    fields.end()
    return ()


def _beep(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(1, 4)
    fields.end()
    return ()


def _drawer(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    printer.memory.pulses += 1
    return ()


def _diagnostics(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(0, 0)
    fields.end()
    printer.slip().append("ДІАГНОСТИКА")
    return ()


def _report(printer: Printer, fields: Fields) -> Sequence[str]:
    kind = fields.number(0, 1)
    fields.end()
    if kind == 0:
        printer.z_report()
    else:
        printer.x_report()
    return ()


def _by_date(printer: Printer, fields: Fields) -> Sequence[str]:
    dates = []
    for _ in range(2):
        try:
            dates.append(datetime.strptime(fields.text(6, r"\d{6}"), "%d%m%y").date())  # noqa: DTZ007
        except ValueError as error:
            raise Refused("0C05") from error
    fields.number(0, 1)
    fields.end()
    chosen = [
        record for record in printer.books.z_list if dates[0] <= datetime.fromisoformat(record["at"]).date() <= dates[1]
    ]
    return _period(printer, chosen)


def _by_number(printer: Printer, fields: Fields) -> Sequence[str]:
    first, last = fields.number(0, 9999), fields.number(0, 9999)
    fields.number(0, 1)
    fields.end()
    return _period(printer, [record for record in printer.books.z_list if first <= record["number"] <= last])


def _period(printer: Printer, records: list[dict[str, object]]) -> Sequence[str]:
    rows = [f"Z {record['number']:04d} {str(record['at'])[:10]}" for record in records]
    printer.slip().extend(["ЗВІТ ФІСКАЛЬНОЇ ПАМʼЯТІ", *rows])
    return ()


def _articles(printer: Printer, fields: Fields) -> Sequence[str]:
    first, last = fields.number(0, 99_999_999_999_999), fields.number(0, 99_999_999_999_999)
    fields.end()
    lines = [
        paper.row(article.name, f"{article.quantity // 1000}.{article.quantity % 1000:03d}")
        for code, article in printer.memory.articles.items()
        if first <= int(code) <= last
    ]
    printer.slip().extend(["ЗВІТ ПО АРТИКУЛАХ", *lines])
    return ()


COPIED = ("SALE", "REFUND")
"""Documents that the journal gives copies of; slips are numbered with them and are not among them."""


def _copies(printer: Printer, fields: Fields) -> Sequence[str]:
    first, last = fields.number(0, 99_999_999), fields.number(0, 99_999_999)
    fields.end()
    chosen = [entry for entry in printer.books.journal if entry["kind"] in COPIED and first <= entry["number"] <= last]
    slip = printer.slip()
    if not chosen:
        raise Refused("070B")
    slip.extend(["КОПІЯ", *(f"ЧЕК №{entry['number']} {_money(entry['amount'])}" for entry in chosen)])
    return ()


def _day_sums(printer: Printer, fields: Fields) -> Sequence[str]:
    source, index = fields.number(0, 3), fields.number(0, 9)
    fields.number(0, 0)
    fields.end()
    day = printer.books.day
    if source == 3:
        if index > 1:
            raise Refused("0204")
        pair = (printer.books.drawer, 0) if index == 0 else (day.cash_in, day.cash_out)
    elif source == 2:
        kind = printer.memory.forms[index].kind
        pair = (day.paid.get(kind, 0), day.repaid.get(kind, 0))
    else:
        if index >= len(LETTERS):
            raise Refused("0204")
        rate = max(printer.memory.rates[index], 0)
        pair = (day.sold.get(LETTERS[index], 0), day.returned.get(LETTERS[index], 0))
        if source == 1:
            pair = (half_up(pair[0] * rate, 10_000 + rate), half_up(pair[1] * rate, 10_000 + rate))
    return _money(pair[0]), _money(-pair[1])


def _receipt_sums(printer: Printer, fields: Fields) -> Sequence[str]:
    """E1: only the receipt's total, 3;1, is known."""
    fields.number(3, 3)
    fields.number(1, 1)
    fields.end()
    receipt = printer.memory.receipt
    return (_money(receipt.amount if receipt is not None else 0),)


def _counter(printer: Printer, fields: Fields) -> Sequence[str]:
    number = fields.number(0, 5)
    memory = printer.memory
    counters = {
        0: memory.books.z_number,
        1: memory.sale_receipts,
        2: memory.return_receipts,
        3: memory.last_number + printer.next_number,
        5: max((entry["number"] for entry in memory.books.journal if entry["kind"] in COPIED), default=0),
    }
    if number not in counters:
        raise fields.bad_value()
    fields.end()
    return (str(counters[number]),)


def _modem(printer: Printer, fields: Fields) -> Sequence[str]:
    printed = fields.number(0, 1)
    fields.end()
    at = printer.now()
    last = datetime.fromisoformat(printer.books.sent_at) if printer.books.sent_at else at
    second = datetime.fromisoformat(printer.memory.second_stamp)
    if printed:
        printer.need_paper()
        printer.need(NO_RECEIPT, SLIP)
        printer.tape.print(["СТАН МОДЕМА", f"ПЕРЕДАНО {last:%d-%m-%y %H:%M}", ""])
    return "F8", *_stamp(last), *_stamp(second)


def _ready(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.end()
    return ()


def _mode(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(20, 20)
    fields.number(0, 0)
    fields.end()
    return ()


def _restore(printer: Printer, fields: Fields) -> Sequence[str]:
    fields.number(125, 125)
    fields.end()
    return ()


@dataclass(frozen=True)
class Command:
    """`prints`: its reply says that the print buffer is not empty (ST1.6); `reads`: it works in every state."""

    run: Handler
    prints: bool = False
    reads: bool = False


COMMANDS: dict[int, Command] = {
    0x20: Command(_set_clock),
    0x21: Command(_read_clock, reads=True),
    0x23: Command(_header, reads=True),
    0x24: Command(_program),
    0x25: Command(_find, reads=True),
    0x28: Command(_ready, reads=True),
    0x2E: Command(_form, reads=True),
    0x42: Command(_serial, reads=True),
    0x44: Command(_fiscal_number, reads=True),
    0x48: Command(_rate, reads=True),
    0x60: Command(_open_slip, prints=True),
    0x61: Command(_text, prints=True),
    0x63: Command(_open, prints=True),
    0x64: Command(_sell, prints=True),
    0x65: Command(_close, prints=True),
    0x67: Command(_pay, prints=True),
    0x68: Command(_percent, prints=True),
    0x69: Command(_amount, prints=True),
    0x6B: Command(_cancel, prints=True),
    0x6D: Command(_total, prints=True),
    0x6E: Command(_cash),
    0x80: Command(_identify, reads=True),
    0x81: Command(_display),
    0x82: Command(_beep),
    0x83: Command(_drawer),
    0x84: Command(_diagnostics, prints=True),
    0x88: Command(_mode),
    0xA1: Command(_report),
    0xA2: Command(_by_date, prints=True),
    0xA3: Command(_by_number, prints=True),
    0xA4: Command(_articles, prints=True),
    0xA5: Command(_copies, prints=True),
    0xE0: Command(_day_sums, reads=True),
    0xE1: Command(_receipt_sums, reads=True),
    0xE2: Command(_counter, reads=True),
    0xEA: Command(_modem, reads=True),
    0xF4: Command(_restore),
}
