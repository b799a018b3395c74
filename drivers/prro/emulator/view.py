"""A document as people read it: the server's own text view (fiscal-server.md §7.4) and the tape.

After each document the tape has one line that a program can check:

#DOC 0503 SALE 689.82 CARD 689.82 2026-03-05T10:11:42
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from drivers.prro.emulator.documents import RETURN, SALE, Document, hryvnias, money, text
from drivers.prro.emulator.store import Entry

VIEW_WIDTH = 70
"""The page says about 70 columns."""
TAPE_WIDTH = 42

_TITLES = {
    (0, 0): "КАСОВИЙ ЧЕК",
    (0, 1): "ВИДАТКОВИЙ ЧЕК",
    (0, 2): "СЛУЖБОВЕ ВНЕСЕННЯ",
    (0, 3): "ОТРИМАННЯ ПІДКРІПЛЕННЯ",
    (0, 4): "СЛУЖБОВА ВИДАЧА",
    (0, 5): "СТОРНО",
    (100, -1): "ВІДКРИТТЯ ЗМІНИ",
    (101, -1): "ЗАКРИТТЯ ЗМІНИ",
    (102, -1): "ПОЧАТОК ОФЛАЙН-СЕСІЇ",
    (103, -1): "ЗАВЕРШЕННЯ ОФЛАЙН-СЕСІЇ",
    (-1, -1): "ФІСКАЛЬНИЙ Z-ЗВІТ",
}
_KINDS = {
    (0, 0): "SALE",
    (0, 1): "REFUND",
    (0, 2): "CASH_IN",
    (0, 3): "CASH_IN",
    (0, 4): "CASH_OUT",
    (0, 5): "STORNO",
    (100, -1): "OPEN_SHIFT",
    (101, -1): "CLOSE_SHIFT",
    (102, -1): "OFFLINE_BEGIN",
    (103, -1): "OFFLINE_END",
    (-1, -1): "Z_REPORT",
}
_FORMS = {0: "cash", 1: "card", 301: "card", 2: "certificate", 305: "certificate", 3: "credit", 306: "iban"}
"""PAYFORMCD of §9.6 by the names that all virtual registrars use."""


def form_name(code: int) -> str:
    return _FORMS.get(code, f"form{code}")


def kind_name(entry: Entry) -> str:
    """SALE, REFUND, CASH_IN… as on the tapes of the other virtual registrars."""
    return _KINDS.get((entry.doctype, entry.subtype), "OTHER")


def sums_by_form(document: Document) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in document.rows("CHECKPAY"):
        name = form_name(int(text(row, "PAYFORMCD")))
        found[name] = found.get(name, 0) + (money(row, "SUM") or 0)
    return found


def view(document: Document, entry: Entry, width: int = VIEW_WIDTH) -> list[str]:
    """The lines of a document, in the order of §7.4."""
    title = _TITLES.get((entry.doctype, entry.subtype), f"ДОКУМЕНТ ТИПУ {entry.doctype}")
    ipn = document.head("IPN")
    lines = [
        *(
            document.head(name).center(width).rstrip()
            for name in ("ORGNM", "POINTNM", "POINTADDR")
            if document.head(name)
        ),
        (f"ПН {ipn}" if ipn else f"ІД {document.tin}").center(width).rstrip(),
        title.center(width).rstrip(),
        f"ПРРО ФН {entry.fn} ВН {document.desk}",
        f"ЧЕК ФН {entry.fiscal} ВН {entry.local} {'офлайн' if entry.offline else 'онлайн'}",
    ]
    if cashier := document.head("CASHIER"):
        lines.append(f"Касир {cashier}")
    for row in document.rows("CHECKBODY"):
        lines += _item(row_text := {child.tag: child.text or "" for child in row}, width)
        lines += [f"Акцизна марка {text(each, 'EXCISELABEL')}" for each in row.findall("EXCISELABELS/ROW")]
        if discount := row_text.get("DISCOUNTSUM"):
            lines.append(_row("  Знижка", discount, width))
    lines += _sums(document, width)
    if stornum := document.head("ORDERSTORNUM"):
        lines.append(f"Сторнується документ № {stornum}")
    if returned := document.head("ORDERRETNUM"):
        lines.append(f"Повернення за чеком № {returned}")
    if entry.offline:
        lines.append(f"Контрольне число {entry.fiscal.rpartition('.')[2]}")
    lines.append(f"{document.at:%d.%m.%Y %H:%M:%S}")
    receipt = (entry.doctype, entry.subtype) in ((0, SALE), (0, RETURN))
    lines.append(
        "ТЕСТОВИЙ НЕФІСКАЛЬНИЙ ЧЕК" if entry.testing else "ФІСКАЛЬНИЙ ЧЕК" if receipt else "СЛУЖБОВИЙ ДОКУМЕНТ"
    )
    if entry.zrep and not entry.testing:
        lines[-1] = "ФІСКАЛЬНИЙ ЗВІТ"
    lines += [mark for mark, there in (("ВІДКЛИКАНО", entry.revoked), ("СТОРНОВАНО", entry.storned)) if there]
    return [*lines, "ФСКО ЄВПЕЗ", "Державна податкова служба України"]


def tape(document: Document, entry: Entry) -> list[str]:
    """The view on narrow paper with the line for programs."""
    forms = "".join(f" {name.upper()} {hryvnias(amount)}" for name, amount in sorted(sums_by_form(document).items()))
    marker = f"#DOC {entry.local:04d} {kind_name(entry)} {hryvnias(entry.total)}{forms} {document.at:%Y-%m-%dT%H:%M:%S}"
    return [*view(document, entry, TAPE_WIDTH), marker, ""]


def _item(row: dict[str, str], width: int) -> list[str]:
    code = f"АРТ.№ {row['CODE']} " if row.get("CODE") else ""
    right = f"{row.get('COST', '')} {row.get('LETTERS', '')}".rstrip()
    return [f"{code}{row.get('NAME', '')}", _row(f"  {row.get('AMOUNT', '')} x {row.get('PRICE', '')} =", right, width)]


def _sums(document: Document, width: int) -> list[str]:
    lines = []
    if document.zrep:
        for block, name in (("ZREPREALIZ", "РЕАЛІЗАЦІЯ"), ("ZREPRETURN", "ПОВЕРНЕННЯ")):
            element = document.root.find(block)
            if element is not None:
                lines.append(_row(f"{name} ({text(element, 'ORDERSCNT')})", text(element, "SUM"), width))
                lines += [
                    _row(f"  {text(row, 'PAYFORMNM')}", text(row, "SUM"), width)
                    for row in element.findall("PAYFORMS/ROW")
                ]
                lines += [_tax(row, text(row, "SUM"), width) for row in element.findall("TAXES/ROW")]
        body = document.root.find("ZREPBODY")
        for tag, name in (("SERVICEINPUT", "СЛУЖБОВЕ ВНЕСЕННЯ"), ("SERVICEOUTPUT", "СЛУЖБОВА ВИДАЧА")):
            if body is not None and text(body, tag):
                lines.append(_row(name, text(body, tag), width))
        return lines
    discount = document.total("DISCOUNTSUM")
    if discount:
        lines.append(_row("ЗНИЖКА", hryvnias(discount), width))
    exact, total = document.total("NORNDSUM"), document.total("SUM")
    if total is not None:
        lines.append(_row("СУМА", hryvnias(total if exact is None else exact), width))
    if exact is not None and total is not None:
        lines += [
            _row("ЗАОКРУГЛЕННЯ", hryvnias(-(document.total("RNDSUM") or 0)), width),
            _row("ДО СПЛАТИ", hryvnias(document.paid), width),
        ]
    for row in document.rows("CHECKPAY"):
        lines.append(_row(text(row, "PAYFORMNM"), text(row, "SUM"), width))
        if provided := text(row, "PROVIDED"):
            lines.append(_row("  ОТРИМАНО", provided, width))
        if remains := text(row, "REMAINS"):
            lines.append(_row("  РЕШТА", remains, width))
    lines += [_tax(row, text(row, "SUM"), width) for row in document.rows("CHECKTAX")]
    if (document.doctype, document.subtype) == (0, SALE) and not document.rows("CHECKTAX"):
        lines.append("Без ПДВ")
    return lines


def _tax(row: Element, amount: str, width: int) -> str:
    return _row(f"{text(row, 'NAME')} {text(row, 'LETTER')} {text(row, 'PRC')}%", amount, width)


def _row(left: str, right: str, width: int) -> str:
    return f"{left[: width - len(right) - 1]:<{width - len(right)}}{right}"
