"""Service reports, cash in and out, X and Z, reports of the fiscal memory, copies (ikc.md §5).

Every function either does all or raises Refused and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from drivers.emulation import paper
from drivers.emulation.books import Day
from drivers.ikc.emulator.fields import NUMBER, Refused
from drivers.ikc.emulator.memory import Article, Side
from drivers.ikc.emulator.printer import SUM_LIMIT, Printer


def service_line(printer: Printer, text: str | None) -> None:
    """A line of a service report, None ends it."""
    memory = printer.memory
    if memory.receipt is not None:
        raise Refused(44)
    if text is not None:
        memory.report = [*(memory.report or []), text]
        printer.print([text])
        return
    if memory.report is None:
        raise Refused(39)
    memory.report = None
    printer.print(["СЛУЖБОВИЙ ЧЕК".center(paper.WIDTH), ""])


def move_cash(printer: Printer, amount: int) -> int:
    printer.need_no_receipt()
    printer.need_settlement()
    if amount == 0 or abs(amount) > SUM_LIMIT:
        raise Refused(NUMBER)
    if amount < 0 and -amount > printer.books.drawer:
        raise Refused(35)
    memory, at = printer.memory, printer.now()
    memory.packet += 1
    printer.books.move_cash(memory.packet, amount, at)
    lines = paper.cash(memory.packet, amount, printer.books.drawer, at)
    printer.print(lines)
    printer.written(lines)
    return memory.packet


def x_report(printer: Printer) -> None:
    printer.need_no_receipt()
    books = printer.books
    printer.print([*paper.report("X-ЗВІТ", books.z_number + 1, books.day, books.drawer, printer.now()), ""])


def z_report(printer: Printer) -> int:
    printer.need_no_receipt()
    if not printer.memory.fiscalised:
        raise Refused(42)
    memory, at = printer.memory, printer.now()
    memory.packet += 1
    day = printer.books.close_day(at)
    printer.books.journal[-1]["number"] = memory.packet
    memory.sales, memory.payouts = Side(), Side()
    memory.articles = {
        code: Article(article.name, article.price, article.tax, programmed=True)
        for code, article in memory.articles.items()
        if article.programmed
    }
    lines = paper.report("Z-ЗВІТ", printer.books.z_number, day, printer.books.drawer, at)
    lines += [paper.marker(memory.packet, "Z", sum(day.sold.values()), at, day.paid), ""]
    printer.print(lines)
    printer.written(lines)
    return memory.packet


def period_report(printer: Printer, chosen: Callable[[int, date], bool], *, full: bool) -> None:
    printer.need_no_receipt()
    lines = ["ЗВІТ ФІСКАЛЬНОЇ ПАМ'ЯТІ".center(paper.WIDTH)]
    total = Day()
    for record in printer.books.z_list:
        if not chosen(record["number"], datetime.fromisoformat(record["at"]).date()):
            continue
        for sums, more in ((total.sold, record["sold"]), (total.returned, record["returned"])):
            for letter, value in more.items():
                sums[letter] = sums.get(letter, 0) + value
        if full:
            sold = paper.hryvnias(sum(record["sold"].values()))
            lines.append(paper.row(f"Z {record['number']:04d} {record['at'][:10]}", sold))
    lines += [paper.row(f"ПРОДАЖ {letter}", paper.hryvnias(value)) for letter, value in sorted(total.sold.items())]
    lines += [paper.row(f"ВИДАЧА {letter}", paper.hryvnias(sum_)) for letter, sum_ in sorted(total.returned.items())]
    printer.print([*lines, ""])


def articles_report(printer: Printer, first: int, last: int) -> None:
    printer.need_no_receipt()
    lines = ["ЗВІТ ЗА АРТИКУЛАМИ".center(paper.WIDTH)]
    for code, article in sorted(printer.memory.articles.items(), key=lambda entry: int(entry[0])):
        if first <= int(code) <= last:
            lines.append(paper.row(f"{code} {article.name}", paper.hryvnias(article.sold - article.returned)))
    printer.print([*lines, ""])


def reprint(printer: Printer, number: int | None) -> None:
    printer.need_no_receipt()
    lines = printer.memory.copies.get(str(printer.memory.packet if number is None else number))
    if lines is None:
        raise Refused(NUMBER)
    # A copy's marker line would make one document two for whoever counts them on the tape.
    printer.print(["КОПІЯ".center(paper.WIDTH), *(line for line in lines if not line.startswith("#DOC")), ""])
