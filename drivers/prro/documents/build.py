"""From an act of the till to the bytes that are signed (fiscal-server.md §3, §4).

Every builder is a pure function: the same arguments make the same bytes. Before they are returned the document is
checked against our own structure table, read back, and its sums are proved; it is windows-1251 and fits the server.
All raise `Invalid` and then nothing exists: not a document, not a number taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from drivers.clock import kyiv
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, Invalid
from drivers.prro.documents import sums
from drivers.prro.documents.body import Priced, body_rows, pay_rows, priced, total_block
from drivers.prro.documents.numbers import day, hour, iso, money
from drivers.prro.documents.offline import control_number, fiscal_number
from drivers.prro.documents.record import Figures, PayRow, Side, read_document
from drivers.prro.documents.structure import validate
from drivers.prro.documents.taxes import TAXES, TaxRow, TaxTable, tax_rows
from drivers.prro.documents.text import fit
from drivers.prro.documents.values import PAYMENT_NAMES, TYPES, Act, Heading, Outlet, PaymentName
from drivers.prro.documents.xml import Node, write

MAX_BYTES = 190 * 1024
"""Largest document, bytes: the server takes 200 KB of the signed one, the signature needs room (§1.2)."""
VERSION = "1"

KINDS = frozenset(
    {
        DocumentKind.OPEN_SHIFT,
        DocumentKind.SALE,
        DocumentKind.REFUND,
        DocumentKind.STORNO,
        DocumentKind.CASH_IN,
        DocumentKind.CASH_OUT,
        DocumentKind.Z_REPORT,
    }
)
"""What `build` makes out of a cashier's act; closing the shift and the offline frame are the registrar's own doing."""


def build(
    outlet: Outlet,
    heading: Heading,
    document: Document,
    *,
    taxes: TaxTable = TAXES,
    names: Mapping[PaymentForm, PaymentName] = PAYMENT_NAMES,
    figures: Figures | None = None,
) -> bytes:
    """Any act of the till as XML. `figures` is the shift for a Z-report. Raises `Invalid`, see the module."""
    document.check()
    match document.kind:
        case DocumentKind.SALE | DocumentKind.REFUND:
            return receipt(outlet, heading, document, taxes=taxes, names=names)
        case DocumentKind.CASH_IN | DocumentKind.CASH_OUT:
            return cash(outlet, heading, document)
        case DocumentKind.STORNO if document.original is not None:
            return storno(outlet, heading, document.original.number)
        case DocumentKind.OPEN_SHIFT:
            return open_shift(outlet, heading)
        case DocumentKind.Z_REPORT if figures is not None:
            return z_report(outlet, heading, figures)
    raise Invalid(Code.UNSUPPORTED, f"a software registrar issues no {document.kind} document", field="kind")


def open_shift(outlet: Outlet, heading: Heading) -> bytes:
    """Document 100."""
    return _service(Act.OPEN_SHIFT, outlet, heading)


def close_shift(outlet: Outlet, heading: Heading) -> bytes:
    """Document 101; the server wants a Z-report right before it (§4.1)."""
    return _service(Act.CLOSE_SHIFT, outlet, heading)


def begin_offline(outlet: Outlet, heading: Heading, *, revoke_last: bool = False) -> bytes:
    """Document 102. `revoke_last` only after the UIDs were compared (§6.8): it cancels the last online receipt."""
    return _service(
        Act.BEGIN_OFFLINE, outlet, heading, extra={"REVOKELASTONLINEDOC": "true" if revoke_last else "false"}
    )


def end_offline(outlet: Outlet, heading: Heading) -> bytes:
    """Document 103."""
    return _service(Act.END_OFFLINE, outlet, heading)


def storno(outlet: Outlet, heading: Heading, cancelled: str) -> bytes:
    """Cancels the last registered document; `cancelled` is its fiscal number."""
    return _service(Act.STORNO, outlet, heading, extra={"ORDERSTORNUM": fit(cancelled, "original.number")})


def cash(outlet: Outlet, heading: Heading, document: Document) -> bytes:
    """Service cash-in or cash-out."""
    act = Act.CASH_IN if document.kind is DocumentKind.CASH_IN else Act.CASH_OUT
    total = money(document.amount)
    head = _head(act, outlet, heading, total=total, cashier=document.cashier)
    return _finish(("CHECK", [("CHECKHEAD", head), ("CHECKTOTAL", [("SUM", total)])]))


def receipt(
    outlet: Outlet,
    heading: Heading,
    document: Document,
    *,
    taxes: TaxTable = TAXES,
    names: Mapping[PaymentForm, PaymentName] = PAYMENT_NAMES,
) -> bytes:
    """A sale or a refund."""
    refund = document.kind is DocumentKind.REFUND
    lines = priced(document)
    rates = taxes.at(kyiv(heading.moment).date())
    rows = tax_rows([line.taxed for line in lines], rates, pays_vat=outlet.ipn not in ("", "0"))
    total = total_block(document, lines)
    head = _head(
        Act.REFUND if refund else Act.SALE,
        outlet,
        heading,
        total=str(total[0][1]),
        cashier=document.cashier,
        extra=_original(outlet, document) if refund else {},
    )
    root: list[Node] = [("CHECKHEAD", head), ("CHECKTOTAL", total), ("CHECKPAY", pay_rows(document, names))]
    if rows:
        root.append(("CHECKTAX", [("ROW", _tax(row)) for row in rows]))
    root.append(("CHECKBODY", body_rows(document, lines)))
    return _finish(("CHECK", root), lines)


def z_report(outlet: Outlet, heading: Heading, figures: Figures) -> bytes:
    """The shift's Z-report; an empty shift makes one of zeros (§4.1)."""
    root: list[Node] = [("ZREPHEAD", _head(Act.Z_REPORT, outlet, heading))]
    root += [
        (name, _side(side))
        for name, side in (("ZREPREALIZ", figures.sales), ("ZREPRETURN", figures.refunds))
        if side.count
    ]
    root.append(
        ("ZREPBODY", [("SERVICEINPUT", money(figures.cash_in)), ("SERVICEOUTPUT", money(figures.cash_out))]),
    )
    return _finish(("ZREP", root))


def _service(act: Act, outlet: Outlet, heading: Heading, *, extra: Mapping[str, str] | None = None) -> bytes:
    return _finish(("CHECK", [("CHECKHEAD", _head(act, outlet, heading, extra=extra or {}))]))


def _head(
    act: Act,
    outlet: Outlet,
    heading: Heading,
    *,
    total: str = "",
    cashier: str = "",
    extra: Mapping[str, str] | None = None,
) -> list[Node]:
    """The head of either root. `total` is the text of CHECKTOTAL/SUM, which the control number counts (§6.3)."""
    extra = extra or {}
    doctype, subtype = TYPES.get(act, (None, None))
    moment = (day(heading.moment), hour(heading.moment))
    person = heading.cashier or cashier
    frame = act in (Act.BEGIN_OFFLINE, Act.END_OFFLINE)
    fields = {
        "DOCTYPE": "" if doctype is None else str(doctype),
        "DOCSUBTYPE": "" if subtype is None else str(subtype),
        "UID": str(heading.uid).upper(),
        "TIN": outlet.tin,
        "IPN": outlet.ipn,
        "ORGNM": fit(outlet.organisation, "outlet.organisation"),
        "POINTNM": fit(outlet.point, "outlet.point"),
        "POINTADDR": fit(outlet.address, "outlet.address"),
        "ORDERDATE": moment[0],
        "ORDERTIME": moment[1],
        "ORDERNUM": str(heading.number),
        "CASHDESKNUM": str(outlet.desk),
        "CASHREGISTERNUM": outlet.register,
        "ORDERRETCASHREGNUM": extra.get("ORDERRETCASHREGNUM", ""),
        "ORDERRETDATE": extra.get("ORDERRETDATE", ""),
        "ORDERRETNUM": extra.get("ORDERRETNUM", ""),
        "ORDERSTORNUM": extra.get("ORDERSTORNUM", ""),
        "REVOKELASTONLINEDOC": extra.get("REVOKELASTONLINEDOC", ""),
        "CASHIER": fit(person, "cashier") if person else "",
        "VER": VERSION,
        **_offline(act, outlet, heading, moment, total),
        "TESTING": "true" if outlet.testing and not frame else "",
    }
    return [(name, text) for name, text in fields.items() if text]


def _offline(act: Act, outlet: Outlet, heading: Heading, moment: tuple[str, str], total: str) -> dict[str, str]:
    mark = heading.offline
    if mark is None:
        if act in (Act.BEGIN_OFFLINE, Act.END_OFFLINE):
            raise Invalid(Code.WRONG_STATE, f"{act} belongs to an offline session", field="offline")
        return {}
    if (mark.place == 1) != (act is Act.BEGIN_OFFLINE) or mark.place < 1:
        raise Invalid(Code.WRONG_STATE, "the first document of an offline session is its beginning", field="offline")
    if mark.previous and mark.place < 3:
        raise Invalid(
            Code.WRONG_STATE,
            "the begin document may be made again, so neither it nor the next one carries a hash (§6.4)",
            field="offline",
        )
    if not re.fullmatch("[0-9]+", mark.session) or not re.fullmatch("[0-9]+", mark.seed):
        raise Invalid(Code.WRONG_STATE, "the offline session's numbers are damaged", field="offline")
    control = control_number(
        mark.seed, *moment, heading.number, outlet.register, outlet.desk, total=total, previous=mark.previous
    )
    return {
        "ORDERTAXNUM": fiscal_number(mark.session, mark.place, control),
        "OFFLINE": "true",
        "PREVDOCHASH": mark.previous,
    }


def _original(outlet: Outlet, document: Document) -> dict[str, str]:
    """The sale that is given back; its registrar and date only where it was another registrar's (§10 row 25)."""
    original = document.original
    if original is None:
        raise Invalid(Code.BAD_FIELD, "a refund needs the fiscal number of its sale", field="original")
    found = {"ORDERRETNUM": fit(original.number, "original.number")}
    if original.fiscal_number and original.fiscal_number != outlet.register:
        if not original.at:
            raise Invalid(Code.BAD_FIELD, "a refund of another registrar's sale needs its date", field="original.at")
        found["ORDERRETCASHREGNUM"] = original.fiscal_number
        found["ORDERRETDATE"] = day(iso(original.at, "original.at"))
    return found


def _tax(row: TaxRow) -> list[Node]:
    return [
        ("TYPE", str(row.kind)),
        ("NAME", fit(row.name, f"taxes.{row.letter}")),
        *([("LETTER", row.letter)] if row.letter else []),
        ("PRC", money(row.percent)),
        ("SIGN", "true" if row.on_top else "false"),
        ("TURNOVER", money(row.turnover)),
        ("SOURCESUM", money(row.source)),
        ("SUM", money(row.sum)),
    ]


def _side(side: Side) -> list[Node]:
    nodes: list[Node] = [("SUM", money(side.sum))]
    if side.rounded:
        nodes += [("RNDSUM", money(-side.rounding)), ("NORNDSUM", money(side.exact))]
    nodes.append(("ORDERSCNT", str(side.count)))
    if side.pays:
        nodes.append(("PAYFORMS", [("ROW", _form(row)) for row in side.pays]))
    if side.taxes:
        nodes.append(("TAXES", [("ROW", _tax(row)) for row in side.taxes]))
    return nodes


def _form(row: PayRow) -> list[Node]:
    return [("PAYFORMCD", str(row.code)), ("PAYFORMNM", fit(row.name, "payments")), ("SUM", money(row.sum))]


def _finish(root: Node, lines: list[Priced] | None = None) -> bytes:
    try:
        validate(root)
    except Invalid as fault:
        place = re.match(r"CHECK/CHECKBODY/ROW\[(\d+)\]", fault.field)
        if place is None or lines is None:
            raise
        line = lines[int(place[1]) - 1]
        raise Invalid(fault.code, f"{fault.what} (the good «{line.line.name}»)", field=line.field) from fault
    data = write(root)
    if len(data) > MAX_BYTES:
        raise Invalid(
            Code.OVERFLOW,
            f"the document is {len(data) // 1024} KB and the fiscal server takes {MAX_BYTES // 1024}: "
            "split the purchase into two receipts",
            field="lines",
        )
    sums.prove(read_document(data))
    return data
