"""A shift in numbers: ours out of its documents, the server's out of its draft (fiscal-server.md §2.12, §4.1)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drivers.errors import Fault
from drivers.prro.answers import text_of
from drivers.prro.desk import Desk
from drivers.prro.documents import PAYMENT_NAMES, Act, Figures, Record, Side, read_document
from drivers.prro.documents import figures as count
from drivers.registrar import Totals

log = logging.getLogger(__name__)

FORMS = {name.code: form_ for form_, name in PAYMENT_NAMES.items()}


class Counting:
    """Counts the shifts of one registrar."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def figures(self, shift: int) -> Figures:
        return count(read_document(entry.xml, entry.fiscal) for entry in self._desk.store.of_shift(shift))

    def by_tax(self, record: Record) -> dict[str, int]:
        """One receipt's money by its letters, as `totals` counts it; empty for what is no receipt."""
        if record.act not in (Act.SALE, Act.REFUND):
            return {}
        counted = count([record])
        return _by_tax(counted.sales if record.act is Act.SALE else counted.refunds)

    def totals(self, counted: Figures, shift: int) -> Totals:
        return Totals(
            z_number=shift,
            sales_by_tax=_by_tax(counted.sales),
            refunds_by_tax=_by_tax(counted.refunds),
            sales_by_form=_by_form(counted.sales),
            refunds_by_form=_by_form(counted.refunds),
            cash_in=counted.cash_in,
            cash_out=counted.cash_out,
            drawer=self._desk.store.drawer(shift),
            receipts=counted.sales.count,
            refunds=counted.refunds.count,
        )

    def compared(self, shift: int) -> str:
        """How the server's draft of the Z differs from ours, "" when it does not or cannot be asked (§4.1)."""
        try:
            server = self.server_totals()
        except Fault as fault:
            log.info("the server's draft of the Z cannot be had: %s", fault.what)
            return ""
        counted = self.figures(shift)
        ours = {
            "sales": counted.sales.sum,
            "refunds": counted.refunds.sum,
            "cash_in": counted.cash_in,
            "cash_out": counted.cash_out,
            "sales_count": counted.sales.count,
            "refunds_count": counted.refunds.count,
        }
        if server is None or server == ours:
            return ""
        apart = ", ".join(
            f"{name} {ours[name]} here, {server[name]} there" for name in ours if ours[name] != server[name]
        )
        log.warning("the server counts the shift otherwise: %s", apart)
        return f"the fiscal server counts the shift otherwise: {apart}"

    def server_totals(self) -> Mapping[str, int] | None:
        """The server's own draft of the Z-report in kopecks, to compare with (§4.1); None while the shift is closed.

        Keys: sales, refunds, cash_in, cash_out, sales_count, refunds_count. Raises as a question does.
        """
        draft = self._desk.server.last_shift_totals(self._desk.settings.number)
        found = (draft or {}).get("Totals")
        if not isinstance(found, dict):
            return None
        real, back = found.get("Real") or {}, found.get("Ret") or {}
        return {
            "sales": _kopecks(real.get("Sum")),
            "refunds": _kopecks(back.get("Sum")),
            "cash_in": _kopecks(found.get("ServiceInput")),
            "cash_out": _kopecks(found.get("ServiceOutput")),
            "sales_count": int(real.get("OrdersCount") or 0),
            "refunds_count": int(back.get("OrdersCount") or 0),
        }


def _by_tax(side: Side) -> dict[str, int]:
    """Money by the lines' letters; what cash rounding added stands under "", because it belongs to no letter."""
    found = {letters: money for letters, money in side.by_letters if money}
    if side.rounding:
        found[""] = found.get("", 0) + side.rounding
    return found


def _by_form(side: Side) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in side.pays:
        known = FORMS.get(row.code)
        name = str(known) if known is not None else row.name
        found[name] = found.get(name, 0) + row.sum
    return {name: money for name, money in found.items() if money}


def _kopecks(value: Any) -> int:
    text = text_of(value)
    return int((Decimal(text) * 100).to_integral_value()) if text else 0
