"""Printed forms of the software registrar's documents, laid out once for every paper and screen (§7).

    rows = form(read_document(xml, number), width=42)     text rows; one of them is `QR_ROW`
    link = qr_text(record)                                what stands in the code that replaces that row

Rows hold no printer's command. The texts are the order's own words and are Ukrainian whatever the screens speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drivers.errors import Code, Invalid
from drivers.printers import QR_ROW
from drivers.prro.documents.forms import receipts, reports
from drivers.prro.documents.forms.paper import WIDTHS, Paper
from drivers.prro.documents.forms.reports import ShiftNotes
from drivers.prro.documents.record import Figures, Record
from drivers.prro.documents.values import Act, Outlet

__all__ = ["QR_ROW", "WIDTHS", "ShiftNotes", "form", "slip_form", "x_form"]


def form(
    record: Record,
    *,
    width: int = 42,
    maker: str = "",
    copy: bool = False,
    header: Sequence[str] = (),
    footer: Sequence[str] = (),
    notes: ShiftNotes | None = None,
) -> tuple[str, ...]:
    """Rows of at most `width` characters for any document.

    `maker` is the name printed under the title (row 35), `header` and `footer` the shop's own words on receipts,
    `notes` what a Z-report tells beyond its document. Raises `Invalid` for a document without a fiscal number: such a
    paper would pass for a receipt that does not exist.
    """
    if not record.fiscal_number:
        raise Invalid(Code.WRONG_STATE, f"document {record.number} has no fiscal number yet: there is nothing to print")
    paper = Paper(width)
    if record.act in (Act.SALE, Act.REFUND) and record.total is not None:
        receipts.receipt(paper, record, record.total, maker=maker, copy=copy, header=header, footer=footer)
    elif record.figures is not None:
        reports.z_report(paper, record, record.figures, notes or ShiftNotes(), maker=maker, copy=copy)
    else:
        reports.service(paper, record, maker=maker, copy=copy)
    return tuple(paper.rows)


def slip_form(lines: Sequence[str], width: int = 42) -> tuple[str, ...]:
    """Rows of a non-fiscal slip (товарний чек): the shop's own lines, wrapped; what stands before a line stays."""
    paper = Paper(width)
    for line in lines:
        paper.add(line) if line.strip() else paper.special("")
    return tuple(paper.rows)


def x_form(
    outlet: Outlet,
    figures: Figures,
    at: datetime,
    *,
    width: int = 42,
    cashier: str = "",
    maker: str = "",
    notes: ShiftNotes | None = None,
) -> tuple[str, ...]:
    """Rows of an X-report at the moment `at`. No document stands behind it."""
    paper = Paper(width)
    reports.x_report(paper, outlet, figures, at, notes or ShiftNotes(), cashier=cashier, maker=maker)
    return tuple(paper.rows)
