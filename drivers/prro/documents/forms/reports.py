"""Z and X reports, and the service papers (fiscal-server.md §7.4–7.5)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from drivers.prro.documents.forms import parts
from drivers.prro.documents.forms.paper import Paper
from drivers.prro.documents.numbers import money
from drivers.prro.documents.record import Figures, Record, Side
from drivers.prro.documents.values import Act, Outlet


class ShiftNotes(Struct, frozen=True):
    """What a report tells besides its figures: it is in no document. `opening`: cash before the shift, kopecks."""

    opened_at: datetime | None = None
    opening: int = 0
    last_number: str = ""
    last_at: datetime | None = None


TITLES = {
    Act.CASH_IN: "СЛУЖБОВЕ ВНЕСЕННЯ",
    Act.REINFORCEMENT: "ОТРИМАННЯ ПІДКРІПЛЕННЯ",
    Act.CASH_OUT: "СЛУЖБОВА ВИДАЧА",
    Act.STORNO: "СТОРНО",
    Act.OPEN_SHIFT: "ВІДКРИТТЯ ЗМІНИ",
    Act.CLOSE_SHIFT: "ЗАКРИТТЯ ЗМІНИ",
    Act.BEGIN_OFFLINE: "ПОЧАТОК ОФЛАЙН СЕСІЇ",
    Act.END_OFFLINE: "ЗАВЕРШЕННЯ ОФЛАЙН СЕСІЇ",
    Act.OTHER: "ІНШИЙ ДОКУМЕНТ",
}


def service(paper: Paper, record: Record, *, maker: str, copy: bool) -> None:
    """Cash in and out, storno, opening and closing."""
    parts.top(paper, record, copy=copy)
    paper.centre(TITLES[record.act])
    if record.total is not None:
        paper.pair("СУМА", f"{money(record.money)} {parts.CURRENCY}")
    if record.cancels:
        paper.add(f"Сторнується документ № {record.cancels}")
    parts.identity(paper, record, "ФН")
    parts.bottom(paper, record, parts.SERVICE, maker)


def z_report(paper: Paper, record: Record, figures: Figures, notes: ShiftNotes, *, maker: str, copy: bool) -> None:
    """The fiscal report of a shift."""
    parts.top(paper, record, copy=copy)
    paper.centre("Z-ЗВІТ")
    paper.pair(f"ПРРО ФН {record.outlet.register}", f"ВН {record.outlet.desk}")
    _notes(paper, notes)
    _body(paper, figures, notes)
    parts.identity(paper, record, "Z-ЗВІТ №")
    parts.bottom(paper, record, "ФІСКАЛЬНИЙ ЗВІТ", maker)


def x_report(
    paper: Paper, outlet: Outlet, figures: Figures, at: datetime, notes: ShiftNotes, *, cashier: str, maker: str
) -> None:
    """The same figures without a document: nothing is registered and nothing is reset (§4.1)."""
    if outlet.testing:
        paper.centre(parts.TEST)
    parts.seller(paper, outlet)
    if cashier:
        paper.add(f"Касир: {cashier}")
    paper.centre("X-ЗВІТ")
    paper.pair(f"ПРРО ФН {outlet.register}", f"ВН {outlet.desk}")
    _notes(paper, notes)
    _body(paper, figures, notes)
    if figures.stornos:
        paper.pair("Сторновано документів", str(figures.stornos))
    if figures.offline:
        paper.pair("З них офлайн чеків", str(figures.offline))
    paper.add(parts.moment(at))
    paper.centre(parts.TEST if outlet.testing else parts.SERVICE)
    if maker:
        paper.centre(maker)


def _notes(paper: Paper, notes: ShiftNotes) -> None:
    if notes.opened_at is not None:
        paper.pair("Зміну відкрито", parts.moment(notes.opened_at))
    if notes.last_number:
        paper.pair("Останній чек №", notes.last_number)
    if notes.last_at is not None:
        paper.pair("Час останнього чека", parts.moment(notes.last_at))


def _body(paper: Paper, figures: Figures, notes: ShiftNotes) -> None:
    paper.rule()
    _side(paper, "РЕАЛІЗАЦІЯ", figures.sales)
    paper.rule()
    _side(paper, "ПОВЕРНЕННЯ", figures.refunds)
    paper.rule()
    paper.add("ГОТІВКА В КАСІ")
    for name, amount in (
        ("На початок зміни", notes.opening),
        ("Службове внесення", figures.cash_in),
        ("Службова видача", figures.cash_out),
        ("Отримано готівкою", figures.sales.cash),
        ("Повернено готівкою", figures.refunds.cash),
        ("На кінець зміни", figures.drawer(notes.opening)),
    ):
        paper.pair(f"  {name}", money(amount))
    paper.rule()


def _side(paper: Paper, title: str, side: Side) -> None:
    paper.pair(title, f"{money(side.sum)} {parts.CURRENCY}")
    paper.pair("  Кількість чеків", str(side.count))
    for pay in side.pays:
        paper.pair(f"  {pay.name}", money(pay.sum))
    if side.rounded:
        paper.pair("  Заокруглення", f"{'+' if side.rounding > 0 else ''}{money(side.rounding)}")
        paper.pair("  Без заокруглення", money(side.exact))
    for tax in side.taxes:
        paper.add(f"  {tax.name} {tax.letter} {money(tax.percent)}%")
        paper.pair("    Обіг", money(tax.turnover))
        paper.pair("    База", money(tax.source))
        paper.pair("    Сума податку", money(tax.sum))
