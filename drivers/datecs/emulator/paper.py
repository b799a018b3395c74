"""What the printer prints: Ukrainian text of 42 columns, and after each document one line that a program can check.

#DOC 0012 SALE 25.00 CASH 25.00 2026-11-24T10:15:00
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from drivers.datecs.emulator.memory import Day, Receipt

WIDTH = 42
FORM_NAMES = {"cash": "ГОТІВКА", "credit": "КРЕДИТ", "card": "КАРТКА", "cheque": "ЧЕК"}


def hryvnias(kopecks: int) -> str:
    return f"{'-' if kopecks < 0 else ''}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"


def row(left: str, right: str) -> str:
    return f"{left[: WIDTH - len(right) - 1]:<{WIDTH - len(right)}}{right}"


def marker(number: int, kind: str, amount: int, at: datetime, sums: Mapping[str, int] | None = None) -> str:
    forms = "".join(f" {form.upper()} {hryvnias(value)}" for form, value in sorted((sums or {}).items()) if value)
    return f"#DOC {number:04d} {kind} {hryvnias(amount)}{forms} {at:%Y-%m-%dT%H:%M:%S}"


def receipt(number: int, slip: Receipt, sums: Mapping[str, int], at: datetime) -> list[str]:
    title = "ВИДАТКОВИЙ ЧЕК" if slip.refund else "ФІСКАЛЬНИЙ ЧЕК"
    lines = [title.center(WIDTH), row(f"ЧЕК №{number:04d}", f"ОПЕРАТОР {slip.operator}")]
    lines += slip.texts
    for item in slip.items:
        lines.append(item.name)
        lines.append(
            row(f"  {item.quantity / 1000:.3f} x {hryvnias(item.price)}", f"{hryvnias(item.total)} {item.tax}")
        )
    lines += [row("ЗНИЖКА/НАДБАВКА", hryvnias(value)) for value in slip.corrections]
    lines.append(row("СУМА", hryvnias(slip.amount)))
    lines += [row(FORM_NAMES.get(form, form), hryvnias(value)) for form, value in slip.tender.items()]
    lines.append(row("РЕШТА", hryvnias(slip.change)))
    lines.append(f"{at:%d-%m-%Y %H:%M:%S}")
    lines.append(marker(number, "REFUND" if slip.refund else "SALE", slip.amount, at, sums))
    return [*lines, ""]


def cash(number: int, amount: int, drawer: int, at: datetime) -> list[str]:
    title = "СЛУЖБОВЕ ВНЕСЕННЯ" if amount >= 0 else "СЛУЖБОВА ВИДАЧА"
    kind = "CASH_IN" if amount >= 0 else "CASH_OUT"
    return [
        title.center(WIDTH),
        row("СУМА", hryvnias(abs(amount))),
        row("ГОТІВКА В КАСІ", hryvnias(drawer)),
        marker(number, kind, abs(amount), at),
        "",
    ]


def report(title: str, number: int, day: Day, drawer: int, at: datetime) -> list[str]:
    lines = [title.center(WIDTH), row("№", str(number))]
    lines += [row(f"ПРОДАЖ {letter}", hryvnias(value)) for letter, value in sorted(day.sold.items())]
    lines += [row(f"ПОВЕРНЕННЯ {letter}", hryvnias(value)) for letter, value in sorted(day.returned.items())]
    lines += [row(FORM_NAMES.get(form, form), hryvnias(value)) for form, value in sorted(day.paid.items())]
    lines += [
        row("ВНЕСЕННЯ", hryvnias(day.cash_in)),
        row("ВИДАЧА", hryvnias(day.cash_out)),
        row("ГОТІВКА В КАСІ", hryvnias(drawer)),
        row("ЧЕКІВ", str(day.receipts)),
        f"{at:%d-%m-%Y %H:%M:%S}",
    ]
    return lines
