"""ФКЧ-1 and ФКЧ-2: the receipt and the refund receipt (fiscal-server.md §7.2–7.3).

The set of requisites is mandatory, their layout is not. Row numbers in comments are the order's.
"""

from __future__ import annotations

from collections.abc import Sequence

from drivers.document import Stage
from drivers.printers import QR_ROW
from drivers.prro.documents.body import ADVANCE, DEBT
from drivers.prro.documents.forms import parts
from drivers.prro.documents.forms.paper import Paper
from drivers.prro.documents.numbers import money, quantity
from drivers.prro.documents.record import BodyRow, PayRow, Record, Slip, Total
from drivers.prro.documents.values import CASH_CODE, Act


def receipt(
    paper: Paper, record: Record, total: Total, *, maker: str, copy: bool, header: Sequence[str], footer: Sequence[str]
) -> None:
    refund = record.act is Act.REFUND
    parts.top(paper, record, copy=copy)
    paper.all(header)
    if refund:
        paper.add(f"Повернення за чеком № {record.original}")
        if record.original_register:
            of = f" від {record.original_day:%d.%m.%Y}" if record.original_day else ""
            paper.add(f"ФН РРО чека {record.original_register}{of}")
    for row in record.rows:
        _good(paper, row, total.stage)
    paper.rule()
    _sums(paper, record, total)
    _payments(paper, record.pays, refund)
    if not refund and any(pay.code == CASH_CODE for pay in record.pays):
        # 25; printed even when zero (cashier-flow.md IV.2).
        paper.pair("Решта", f"{money(sum(pay.change for pay in record.pays))} {parts.CURRENCY}")
    parts.identity(paper, record, "ЧЕК №")  # 26, 27, 31, 32
    paper.special(QR_ROW)  # 29
    parts.bottom(paper, record, "ВИДАТКОВИЙ ЧЕК" if refund else "ФІСКАЛЬНИЙ ЧЕК", maker)  # 34, 35
    paper.all(footer)


def _good(paper: Paper, row: BodyRow, stage: Stage | None) -> None:
    """Rows 6–11. A row that takes money without giving the goods shows it, not the price (cashier-flow.md IV.5)."""
    taken = stage is not None and row.name.startswith((ADVANCE, DEBT))
    shown = row.part if taken and row.part is not None else row.cost
    if row.quantity is not None and row.price is not None and (row.quantity != 1000 or shown != row.cost):
        paper.add(f"{quantity(row.quantity)} x {money(row.price)}")
    if row.uktzed:
        paper.add(f"УКТЗЕД {row.uktzed}")
    if row.dkpp:
        paper.add(f"ДКПП {row.dkpp}")
    if row.barcode:
        paper.add(f"ШК {row.barcode}")
    for stamp in row.stamps:
        paper.add(f"АМ {stamp}")
    paper.pair(row.name, f"{money(shown)} {row.letters}".rstrip())
    if row.discount:
        percent = f" {money(row.discount_percent)}%" if row.discount_percent else ""
        paper.pair(f"  Знижка{percent}", money(-row.discount))
    if row.comment:
        paper.add(row.comment)


def _sums(paper: Paper, record: Record, total: Total) -> None:
    """Rows 20–24 and what a part payment adds to them."""
    price = total.sum if total.stage is Stage.FINAL else total.exact
    refund = record.act is Act.REFUND and total.stage is None
    if refund:
        price = total.money  # ФКЧ-2, row 19: what was given back; it has no rows 23-24 (§7.3).
    paper.pair("СУМА", f"{money(price)} {parts.CURRENCY}")
    for tax in record.taxes:
        parts.tax(paper, tax)
    if parts.no_vat(record.taxes, record.outlet):
        paper.add("Без ПДВ")
    if total.stage is Stage.PREPAYMENT:
        paper.pair("Повна вартість", money(total.sum))
        paper.pair("Залишок до сплати", money(total.sum - total.exact))
    elif total.stage is not None:
        if total.stage is Stage.NEXT:
            paper.pair("Повна вартість", money(total.sum))
        paper.add(f"Передплата за чеком № {total.prepayment}")
        if total.stage is Stage.FINAL:
            paper.pair("Передплата зараховано", money(total.exact - total.sum))
    if refund:
        return
    if total.rounded:
        paper.pair("Заокруглення", f"{'+' if total.rounding > 0 else ''}{money(total.rounding)}")
    if total.rounded or total.stage in (Stage.FINAL, Stage.NEXT):
        paper.pair("До сплати", f"{money(total.money)} {parts.CURRENCY}")


def _payments(paper: Paper, pays: tuple[PayRow, ...], refund: bool) -> None:
    """Rows 18–19 by form, and under each card rows 12–17."""
    for form in dict.fromkeys(parts.pay_form(pay.code) for pay in pays):
        group = [pay for pay in pays if parts.pay_form(pay.code) == form]
        given = sum(pay.sum if pay.provided is None else pay.provided for pay in group)
        paper.pair(form, f"{money(given)} {parts.CURRENCY}")
        for pay in group:
            if pay.code != CASH_CODE:
                paper.pair(f"  {pay.name}", money(pay.sum))
            for slip in pay.slips:
                _slip(paper, slip, refund)


def _slip(paper: Paper, slip: Slip, refund: bool) -> None:
    if slip.acquirer or slip.merchant:
        paper.add(f"Еквайр {slip.acquirer} {slip.merchant}".replace("  ", " ").rstrip())  # 12
    if slip.terminal:
        paper.add(f"Термінал {slip.terminal}")  # 13
    if slip.fee:
        paper.pair("Комісія", money(slip.fee))  # 14
    paper.add("Повернення" if refund else "Оплата")  # 15
    if slip.pan_mask:
        paper.add(f"ЕПЗ {slip.pan_mask}")  # 16
    paper.add(f"ПЛАТІЖНА СИСТЕМА {slip.system}".rstrip())  # 17
    if slip.auth_code:
        paper.add(f"КОД АВТ. {slip.auth_code}")
    if slip.rrn:
        paper.add(f"RRN {slip.rrn}")
