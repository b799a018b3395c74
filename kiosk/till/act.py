"""The act about a wrong receipt of a hardware registrar (order 547; cashier-flow.md V.1, V.3).

The registrar's own "storno" is forbidden, so a mistake is corrected by a refund and a signed act: the wrong document,
its wrong sum or form of payment, and the right values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from drivers.clock import kyiv
from kiosk.ledger.records import FiscalDocument, Receipt, Slip, User
from kiosk.till.errors import N_
from kiosk.till.money import hryvnias
from kiosk.till.scan import receipt_barcode

MISTAKES = (
    N_("Double receipt"),
    N_("Wrong sum"),
    N_("Wrong goods"),
    N_("Wrong means of payment"),
    N_("Other mistake"),
)
"""Reasons of a correction (V.3)."""
ON_PAPER = {
    "Double receipt": "подвійний чек",
    "Wrong sum": "помилка суми",
    "Wrong goods": "помилка товару",
    "Wrong means of payment": "помилка форми оплати",
    "Other mistake": "інша помилка",
}
"""The act is Ukrainian whatever the screen speaks."""


@dataclass(frozen=True)
class Act:
    """What the cashier says about the mistake. `right_sum` kopecks: what the receipt should have been, 0 for none."""

    mistake: str
    right_sum: int
    right_form: str
    note: str = ""


def act_slip(act: Act, refund: Receipt, sale: Receipt, documents: Sequence[FiscalDocument], *, user: User) -> Slip:
    """The act as it is printed."""
    numbers = ", ".join(item.result.number for item in documents if item.result is not None and item.done) or "—"
    serials = ", ".join(dict.fromkeys(item.result.serial for item in documents if item.result is not None)) or "—"
    text = [
        "АКТ про помилкову суму розрахунку",
        f"Дата: {kyiv(refund.at):%d.%m.%Y %H:%M}",
        f"РРО: {serials}",
        f"Помилковий чек: {numbers} від {kyiv(sale.at):%d.%m.%Y %H:%M}",
        f"Код чека: {receipt_barcode(sale.number)}",
        f"Помилкова сума: {hryvnias(sale.due)} грн",
        f"Помилка: {ON_PAPER.get(act.mistake, act.mistake)}",
        f"Правильна сума: {hryvnias(act.right_sum)} грн",
        f"Правильна форма оплати: {act.right_form}",
        f"Повернення: {hryvnias(refund.due)} грн",
    ]
    if act.note.strip():
        text.append(f"Пояснення: {act.note.strip()}")
    text += [f"Касир: {user.name}", "Підпис касира ____________", "Підпис відповідальної особи ____________"]
    return Slip(uuid4(), refund.id, tuple(text))
