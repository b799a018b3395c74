"""Commands of the classic dialect by decimal code (datecs-fp3530t.md §5): text in, text out.

A handler takes the printer and the data of the request and returns the data of the reply. `Syntax`, `Forbidden`,
`Overflowed` and `NoPaper` say why nothing was done.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from drivers.datecs.emulator.memory import LETTERS, Article, Day
from drivers.datecs.emulator.paper import hryvnias
from drivers.datecs.emulator.printer import Forbidden, Overflowed, Printer, Syntax, by_tax

Handler = Callable[[Printer, str], str]

_OPEN = re.compile(r"^(\d{1,5}),([^,]*),(\d{1,5})(?:,I)?$")
_CHANGE = r"(?:,([+-]?\d{1,3}(?:\.\d{1,2})?))?(?:;([+-]?\d+(?:\.\d{1,2})?))?$"
_SELL = re.compile(r"^(-?)(\d{1,9})\*(\d{1,5})(?:\.(\d{1,3}))?" + _CHANGE)
_SUBTOTAL = re.compile(r"^([01])([01])" + _CHANGE)
_PAY = re.compile(r"^(?:[^\t\n]*)(?:\n[^\t]*)?\t(?:([PNCDIJKL])(\d+(?:\.\d{1,2})?)?)?$")
_SUM = re.compile(r"^([+-]?)(\d{1,8})(?:\.(\d{1,2}))?$")
_REPORT = re.compile(r"^([^,]*),([02])([NA]*)$")
_PROGRAM = re.compile(r"^P(.)(\d{1,9}),(\d{1,2}),(\d+(?:\.\d{1,2})?),([^,]*),(.{1,36})$")
_PRICE = re.compile(r"^C(\d{1,9}),(\d+(?:\.\d{1,2})?),(.*)$")
_DELETE = re.compile(r"^D(A|\d{1,9}),(.*)$")
_NEW_PASSWORD = re.compile(r"^(1[0-5]|[1-9]),([^,]*),([0-9]{4,8})$")
_NAME = re.compile(r"^(1[0-5]|[1-9]),([^,]*),(.{1,24})$")
_CLOCK = re.compile(r"^(\d\d)-(\d\d)-(\d\d) (\d\d):(\d\d)(?::(\d\d))?$")


def _match(pattern: re.Pattern[str], data: str) -> re.Match[str]:
    found = pattern.match(data)
    if found is None:
        raise Syntax
    return found


def _money(text: str | None) -> int:
    """'12.5' -> 1250; None and '' are 0."""
    if not text:
        return 0
    whole, _, cents = text.lstrip("+-").partition(".")
    value = int(whole) * 100 + int(cents.ljust(2, "0") or 0)
    if value > 99_999_999_99:
        raise Overflowed
    return -value if text.startswith("-") else value


def _padded(kopecks: int) -> str:
    """The usual form of a sum in replies: +00003000."""
    return f"{'-' if kopecks < 0 else '+'}{abs(kopecks):08d}"


def _line(data: str) -> str:
    if len(data) > 36:
        raise Syntax
    return data


def _open(printer: Printer, data: str, *, refund: bool) -> str:
    found = _match(_OPEN, data)
    operator = int(found[1])
    if not 1 <= operator <= printer.dialect.operators:
        raise Syntax
    printer.open(operator, found[2], refund=refund)
    day = printer.memory.day
    return f"{printer.memory.receipts + 1:04d},{(day.returns if refund else day.receipts) + 1:04d}"


def _code(printer: Printer, digits: str) -> int:
    """An article's code, which has no more digits than the largest of the dialect."""
    if len(digits) > len(str(printer.dialect.code_limit)):
        raise Syntax
    return int(digits)


def _sell(printer: Printer, data: str) -> str:
    found = _match(_SELL, data)
    quantity = int(found[3]) * 1000 + int((found[4] or "").ljust(3, "0"))
    printer.sell(_code(printer, found[2]), -quantity if found[1] else quantity, _money(found[5]), _money(found[6]))
    return ""


def _subtotal(printer: Printer, data: str) -> str:
    found = _match(_SUBTOTAL, data)
    if found[1] == "1":
        printer.need_paper()
    printer.correct(_money(found[3]), _money(found[4]))
    receipt = printer.open_receipt()
    sums = dict.fromkeys(LETTERS, 0) | by_tax(receipt)
    return ",".join(f"{value:010d}" for value in (receipt.amount, *sums.values()))


def _pay(printer: Printer, data: str) -> str:
    found = _match(_PAY, data)
    form = printer.dialect.forms.get(found[1] or "P")
    if form is None:
        raise Syntax
    letter, value = printer.pay(form, None if found[2] is None else _money(found[2]))
    return f"{letter}{value}"


def _close(printer: Printer, data: str) -> str:
    printer.close()
    return f"{printer.memory.receipts:04d},{printer.memory.day.receipts:04d}"


def _pay_and_close(printer: Printer, data: str) -> str:
    answer = _pay(printer, data)
    if answer.startswith("R"):
        _close(printer, "")
    return answer


def _cancel(printer: Printer, data: str) -> str:
    printer.cancel()
    return ""


def _text(printer: Printer, data: str) -> str:
    if len(data) > printer.dialect.text_width:
        raise Syntax
    printer.text(data)
    return ""


def _slip_open(printer: Printer, data: str) -> str:
    printer.open_slip()
    return f"{printer.memory.receipts:04d}"


def _slip_line(printer: Printer, data: str) -> str:
    printer.slip_line(_line(data))
    return ""


def _slip_close(printer: Printer, data: str) -> str:
    printer.close_slip()
    return f"{printer.memory.receipts:04d}"


def _cash(printer: Printer, data: str) -> str:
    accepted = True
    if data.strip():
        found = _match(_SUM, data.strip())
        amount = _money(data.strip())
        if amount == 0:
            raise Syntax
        del found
        accepted = printer.move_cash(amount)
    memory = printer.memory
    sums = (memory.drawer, memory.day.cash_in, memory.day.cash_out)
    return ",".join(("P" if accepted else "F", *map(_padded, sums)))


def _report(printer: Printer, data: str) -> str:
    found = _match(_REPORT, data)
    printer.password(15, found[1])
    if found[2] == "0":
        day, number = printer.z_report(), printer.memory.z_number
    else:
        printer.x_report()
        day, number = printer.memory.day, printer.memory.z_number + 1
    total = sum(sum(record["sold"].values()) for record in printer.memory.z_list)
    return ",".join((f"{number:04d}", _padded(total), _padded(0), *_by_letter(day.sold)))


def _by_letter(sums: dict[str, int]) -> list[str]:
    return [_padded(sums.get(letter, 0)) for letter in LETTERS]


def _tax_sums(printer: Printer, data: str) -> str:
    day: Day = printer.memory.day
    if data not in ("0", "1", "2", "3"):
        raise Syntax
    sums = day.sold if data in ("0", "2") else day.returned
    if data in ("2", "3"):
        rates = dict(zip(LETTERS, printer.memory.rates, strict=False))
        sums = {
            letter: round(value * float(rates.get(letter, 0)) / (100 + float(rates.get(letter, 0))))
            for letter, value in sums.items()
        }
    return ",".join((_padded(0), *_by_letter(sums)))


def _corrections(printer: Printer, data: str) -> str:
    memory = printer.memory
    return f"{memory.z_number:04d},0000,0000,{memory.day.receipts:04d},{memory.day.documents:04d}"


def _day_sums(printer: Printer, data: str) -> str:
    paid = printer.memory.day.paid
    sums = [_padded(paid.get(form, 0)) for form in ("cash", "credit", "card", "cheque")]
    return ",".join((*sums, f"{printer.memory.z_number:04d}", f"{printer.memory.receipts + 1:04d}"))


def _transaction(printer: Printer, data: str) -> str:
    memory = printer.memory
    receipt = memory.receipt
    if receipt is not None:
        state = (1, len(receipt.items), receipt.amount, receipt.tendered)
    else:
        state = (0, memory.last_items, memory.last_amount, memory.last_tender)
    answer = f"{state[0]},{state[1]:04d},{_padded(state[2])}"
    return f"{answer},{_padded(state[3])}" if data == "T" else answer


def _last_z(printer: Printer, data: str) -> str:
    if data not in ("0", "1", ""):
        raise Syntax
    if not printer.memory.z_list:
        return "0000"
    last = printer.memory.z_list[-1]
    sums = last["returned"] if data == "1" else last["sold"]
    day = datetime.fromisoformat(last["at"])
    return ",".join((f"{last['number']:04d}", _padded(0), *_by_letter(sums), f"{day:%d%m%y}"))


def _identify(printer: Printer, data: str) -> str:
    if data not in ("0", "1", ""):
        raise Syntax
    memory = printer.memory
    firmware = printer.dialect.firmware
    if data != "1":
        return f"{firmware},FFFF,00000000,2,{memory.serial}"
    # The fiscal module is read together with its checksum (the captured reply of §7 has it, the computed one not).
    return f"{firmware},8A33,00000000,2,{memory.serial},{memory.fiscal_number}"


def _read_clock(printer: Printer, data: str) -> str:
    return f"{printer.now():%d-%m-%y %H:%M:%S}"


def _set_clock(printer: Printer, data: str) -> str:
    day, month, year, hour, minute, second = (int(part or 0) for part in _match(_CLOCK, data).groups())
    try:
        moment = datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001 - the printer has no zone
    except ValueError as error:
        raise Syntax from error
    printer.set_clock(moment)
    return ""


def _receipt_info(printer: Printer, data: str) -> str:
    receipt = printer.memory.receipt
    sums = dict.fromkeys("АБВГ", 0)
    for item in receipt.items if receipt else ():
        sums[item.tax] = sums.get(item.tax, 0) + item.total
    return ",".join((str(int(receipt is not None)), *(_padded(sums[letter]) for letter in "АБВГ"), "0", "0000000000"))


def _article(printer: Printer, data: str) -> str:
    """107: program, price, delete, read, first, next, totals, free."""
    memory = printer.memory
    verb = data[:1]
    if verb == "P":
        found = _match(_PROGRAM, data)
        if found[1] not in LETTERS:
            raise Syntax
        printer.password(14, found[5])
        fresh = Article(found[1], int(found[3]), _money(found[4]), found[6].rstrip())
        return "P" if printer.program(_code(printer, found[2]), fresh) else "F"
    if verb == "C":
        found = _match(_PRICE, data)
        printer.password(14, found[3])
        article = memory.articles.get(str(_code(printer, found[1])))
        if article is None:
            return "F"
        article.price = _money(found[2])
        return "P"
    if verb == "D":
        found = _match(_DELETE, data)
        printer.password(14, found[2])
        return "P" if printer.delete(found[1].lstrip("0")) else "F"
    if verb == "I":
        return f"P1,36/{printer.capacity},{len(memory.articles)}"
    codes = sorted(map(int, memory.articles))
    if verb == "x":
        return f"P{next(code for code in range(1, printer.capacity + 2) if code not in codes)}"
    if verb == "R" and data[1:].isdigit():
        code = int(data[1:])
    elif verb in ("F", "N") and codes:
        after = int(data[1:]) if verb == "N" and data[1:].isdigit() else 0
        code = next((code for code in codes if code > after), 0)
    else:
        code = 0
        if verb not in ("F", "N"):
            raise Syntax
    article = memory.articles.get(str(code))
    return "F" if article is None else _described(printer, code, article)


def _described(printer: Printer, code: int, article: Article) -> str:
    receipt = printer.memory.receipt
    items = [item for item in (receipt.items if receipt else ()) if item.code == code]
    inside = (sum(item.quantity for item in items) / 1000, sum(item.total for item in items))
    quantity = f"{article.quantity / 1000:.3f}"
    return (
        f"P{code},{article.tax},{article.group},{hryvnias(article.price)},{quantity},"
        f"{_padded(article.turnover)},{inside[0]:.3f},{_padded(inside[1])},{article.name}"
    )


def _header(printer: Printer, data: str) -> str:
    if data[:1] == "I" and len(data) > 1:
        return printer.memory.header.get(data[1], "")
    if not data or data[0] not in "01234567CLJ":
        raise Syntax
    printer.memory.header[data[0]] = _line(data[1:])
    return ""


def _rates(printer: Printer, data: str) -> str:
    return ",".join(printer.memory.rates)


def _settings(printer: Printer, data: str) -> str:
    """83: reading only; changing rates needs a service mode that this unit does not have."""
    if data:
        raise Forbidden
    return ",".join(("2", "1" * len(printer.memory.rates), *printer.memory.rates))


def _operator(printer: Printer, data: str) -> str:
    if not data.isdigit() or not 1 <= int(data) <= 15:
        raise Syntax
    day = printer.memory.day
    total = sum(day.sold.values())
    name = printer.memory.names.get(data, f"Оператор {data}")
    return f"{day.receipts:04d},{day.receipts:04d}:{_padded(total)},0000,0000,0000,{name}"


def _set_password(printer: Printer, data: str) -> str:
    found = _match(_NEW_PASSWORD, data)
    printer.password(int(found[1]), found[2])
    printer.memory.passwords[found[1]] = found[3]
    return ""


def _set_name(printer: Printer, data: str) -> str:
    found = _match(_NAME, data)
    printer.password(int(found[1]), found[2])
    printer.memory.names[found[1]] = found[3]
    return ""


def _people(printer: Printer, data: str) -> str:
    """105: the report by operators."""
    printer.password(15, data)
    printer.need_paper()
    rows = [f"{code:>2} {printer.memory.names.get(str(code), 'Оператор ' + str(code))}" for code in range(1, 14)]
    printer.tape.print(["ЗВІТ ПО ОПЕРАТОРАХ", *rows, ""])
    return ""


def _goods(printer: Printer, data: str) -> str:
    """111: the report by articles."""
    given, _, what = data.partition(",")
    if what not in ("S", "P", "G"):
        raise Syntax
    printer.password(15, given)
    printer.need_paper()
    articles = printer.memory.articles
    rows = [f"{code:>5} {articles[code].name} {hryvnias(articles[code].turnover)}" for code in articles]
    printer.tape.print(["ЗВІТ ПО ТОВАРАХ", *rows, ""])
    return ""


def _period(printer: Printer, data: str) -> str:
    """73, 79, 94, 95: fiscal memory reports; this paper lists the Z records."""
    printer.need_paper()
    if data.count(",") != 2:
        raise Syntax
    printer.password(15, data.split(",")[0])
    rows = [f"Z {record['number']:04d} {record['at'][:10]}" for record in printer.memory.z_list]
    printer.tape.print(["ЗВІТ ФІСКАЛЬНОЇ ПАМʼЯТІ", *rows, ""])
    return ""


def _copy(printer: Printer, data: str) -> str:
    printer.need_paper()
    if not printer.memory.journal:
        raise Forbidden
    last = printer.memory.journal[-1]
    printer.tape.print(["КОПІЯ", f"ЧЕК №{last['number']:04d} {hryvnias(last['amount'])}", ""])
    return ""


def _feed(printer: Printer, data: str) -> str:
    if data and not data.isdigit():
        raise Syntax
    printer.need_paper()
    printer.tape.print([""] * min(int(data or 1), 99))
    return ""


def _display(row: int) -> Handler:
    def show(printer: Printer, data: str) -> str:
        printer.display[row] = data[:20]
        return ""

    return show


def _nothing(printer: Printer, data: str) -> str:
    return ""


COMMANDS: dict[int, Handler] = {
    33: _nothing,
    35: _display(1),
    38: _slip_open,
    39: _slip_close,
    42: _slip_line,
    43: _header,
    44: _feed,
    45: _nothing,
    47: _display(0),
    48: lambda printer, data: _open(printer, data, refund=False),
    51: _subtotal,
    52: _sell,
    53: _pay,
    54: _text,
    55: _pay_and_close,
    56: _close,
    57: _cancel,
    58: _sell,
    61: _set_clock,
    62: _read_clock,
    63: _nothing,
    64: _last_z,
    65: _tax_sums,
    67: _corrections,
    68: lambda printer, data: f"{2000 - printer.memory.z_number:04d},{2000 - printer.memory.z_number:04d}",
    69: _report,
    70: _cash,
    73: _period,
    74: _nothing,
    76: _transaction,
    79: _period,
    80: _nothing,
    83: _settings,
    85: lambda printer, data: _open(printer, data, refund=True),
    90: _identify,
    94: _period,
    95: _period,
    97: _rates,
    99: lambda printer, data: "ПН 1234567890",
    100: _nothing,
    101: _set_password,
    102: _set_name,
    103: _receipt_info,
    105: _people,
    106: _nothing,
    107: _article,
    109: _copy,
    110: _day_sums,
    111: _goods,
    112: _operator,
    113: lambda printer, data: f"{printer.memory.last_document:07d}",
}
"""74's reply data are the status bytes themselves; the machine fills them in."""
