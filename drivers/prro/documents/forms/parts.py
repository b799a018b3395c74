"""Parts that every paper of the software registrar shares (fiscal-server.md §7.2–7.5)."""

from __future__ import annotations

from datetime import datetime

from drivers.clock import kyiv
from drivers.prro.documents.forms.paper import Paper
from drivers.prro.documents.numbers import money
from drivers.prro.documents.record import Record
from drivers.prro.documents.taxes import TaxKind, TaxRow
from drivers.prro.documents.values import CASH_CODE, Outlet

TEST = "ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ДОКУМЕНТ"
SERVICE = "СЛУЖБОВИЙ ДОКУМЕНТ"
COPY = "КОПІЯ"
CURRENCY = "ГРН"

CASHLESS, OTHER = "БЕЗГОТІВКОВА", "ІНШЕ"
FORMS = {CASH_CODE: "ГОТІВКА", 2: OTHER, 3: OTHER}
"""Row 18 by PAYFORMCD: prepayment and credit are neither cash nor cashless (§9.6); the rest is cashless."""


def pay_form(code: int) -> str:
    return FORMS.get(code, CASHLESS)


def seller(paper: Paper, outlet: Outlet) -> None:
    """Rows 1–5: the business, the outlet, its address, the tax number."""
    for text in (outlet.organisation, outlet.point, outlet.address):
        paper.centre(text)
    paper.centre(f"ПН {outlet.ipn}" if outlet.ipn not in ("", "0") else f"ІД {outlet.tin}")


def top(paper: Paper, record: Record, *, copy: bool) -> None:
    """Marks that go before everything, the seller and the cashier."""
    if record.outlet.testing:
        paper.centre(TEST)
    if copy:
        paper.centre(COPY)
    seller(paper, record.outlet)
    if record.cashier:
        paper.add(f"Касир: {record.cashier}")


def moment(at: datetime) -> str:
    return kyiv(at).strftime("%d.%m.%Y %H:%M:%S")


def identity(paper: Paper, record: Record, title: str) -> None:
    """Numbers, time and the mark of the connection; the control number of an offline document (rows 26, 27, 31, 32)."""
    paper.pair(f"{title} {record.fiscal_number}".strip(), f"ВН {record.number}")
    paper.pair(moment(record.moment), "ОФЛАЙН" if record.offline else "ОНЛАЙН")
    if record.offline:
        paper.pair("Контрольне число", record.fiscal_number.rpartition(".")[2])


def bottom(paper: Paper, record: Record, title: str, maker: str) -> None:
    """The registrar's number and the title; a test document never bears a fiscal one (§7.4)."""
    paper.add(f"ФН ПРРО {record.outlet.register}")
    paper.centre(TEST if record.outlet.testing else title)
    if maker:
        paper.centre(maker)


def tax(paper: Paper, row: TaxRow) -> None:
    """Rows 21–22."""
    paper.pair(f"{row.name} {row.letter} {money(row.percent)}%".replace("  ", " "), money(row.sum))


def no_vat(rows: tuple[TaxRow, ...], outlet: Outlet) -> bool:
    return outlet.ipn in ("", "0") and not any(row.kind == TaxKind.VAT for row in rows)
