"""The arithmetic of receipts (fiscal-server.md §3.4–§3.7, §9.7). Which sums the real server enforces is not documented;
this one enforces all of them, as the page tells a client to do before sending.

Choices where the page is silent: a tax row is checked against the rows that carry its letter; a tax on an exact half
kopeck may be a kopeck off, nothing else may; levies other than VAT and excise are only checked for their turnover; a
rounding needs cash and moves the total by at most a quarter of a hryvnia, the half of the widest step.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from xml.etree.ElementTree import Element

from drivers.prro.emulator.documents import CASH, ISSUE, RETURN, SALE, STORNO, Document, flag, hryvnias, money, text

VAT, EXCISE = 0, 1
MAX_ROUNDING = 25


class Wrong(Exception):
    """A sum or a block does not agree with the others: code 9."""


def check(document: Document, *, strict: bool = True) -> None:
    """Blocks and sums of a CHECK of types 0–4. Without `strict`, blocks and required fields only. Raises Wrong."""
    _blocks(document)
    if document.doctype != 0 or document.subtype > ISSUE:
        return
    total = document.total("SUM")
    if total is None or total < 0 or (total == 0 and document.subtype > RETURN):
        raise Wrong("CHECKTOTAL/SUM повинна бути додатною")
    if document.subtype in (SALE, RETURN) and strict:
        exact = _total(document, total)
        _lines(document)
        _payments(document, exact)
        _taxes(document)


def _blocks(document: Document) -> None:
    present = {child.tag for child in document.root[1:]}
    name = f"типу {document.doctype}/{document.subtype}"
    if document.doctype >= 100:
        wanted, allowed = set[str](), set[str]()
    elif document.doctype == 0 and document.subtype in (SALE, RETURN):
        wanted = {"CHECKTOTAL", "CHECKPAY", "CHECKBODY"}
        allowed = {*wanted, "CHECKTAX", "CHECKPTKS", "CHECKDUTYFREE", "CHECKDUTYFREEREMAINS"}
    elif document.doctype == 0 and document.subtype == STORNO:
        wanted, allowed = set(), set()
    elif document.doctype == 0:
        wanted = allowed = {"CHECKTOTAL"}
        block = document.root.find("CHECKTOTAL")
        if block is not None and [child.tag for child in block] != ["SUM"]:
            raise Wrong(f"CHECKTOTAL документа {name} містить лише SUM")
    else:
        wanted, allowed = set(), present
        if document.doctype == 3:
            wanted = {"CHECKTOTAL", "CHECKPAY", "CHECKBODY"}
    if missing := wanted - present:
        raise Wrong(f"Документ {name} повинен містити {sorted(missing)[0]}")
    if extra := present - allowed:
        raise Wrong(f"Документ {name} не повинен містити {sorted(extra)[0]}")


def _total(document: Document, total: int) -> int:
    """Relations inside CHECKTOTAL; returns the sum before rounding that the rows must give."""
    rounding, exact = document.total("RNDSUM"), document.total("NORNDSUM")
    part = document.total("PARTPAYSUM")
    if (rounding is None) != (exact is None):
        raise Wrong("RNDSUM та NORNDSUM зазначаються разом")
    kind = document.head_total("PARTPAYTYPE")
    if (part is None) != (not kind):
        raise Wrong("PARTPAYTYPE та PARTPAYSUM зазначаються разом")
    if kind and kind not in ("1", "2", "3"):
        raise Wrong("PARTPAYTYPE приймає значення 1, 2, 3")
    if kind in ("2", "3") and not document.head_total("PARTPAYORDPREPAYNUM"):
        raise Wrong("PARTPAYORDPREPAYNUM обов'язковий для PARTPAYTYPE 2 та 3")
    # A final settlement may have nothing left to pay: the law wants its receipt all the same (cashier-flow.md IV.5).
    least = 0 if kind == "2" else 1
    if part is not None and not least <= part <= total:
        raise Wrong(f"PARTPAYSUM {hryvnias(part)} не може перевищувати SUM {hryvnias(total)}")
    paid = total if part is None else part
    if rounding is not None and exact is not None:
        if rounding != exact - paid:
            raise Wrong(f"RNDSUM {hryvnias(rounding)} повинна дорівнювати {hryvnias(exact - paid)}")
        if abs(rounding) > MAX_ROUNDING:
            raise Wrong(f"Заокруглення {hryvnias(rounding)} завелике")
        if not any(_form(row) == CASH for row in document.rows("CHECKPAY")):
            raise Wrong("Заокруглюється лише готівка")
    before = total if part is not None or exact is None else exact
    expected = _rows_total(document)
    if before != expected:
        raise Wrong(f"Сума рядків {hryvnias(expected)} не дорівнює сумі чека {hryvnias(before)}")
    if part is not None:
        parts = [money(row, "PARTPAYSUM") for row in document.rows("CHECKBODY")]
        given = sum(value or 0 for value in parts)
        if any(value is not None for value in parts) and given != (part if exact is None else exact):
            raise Wrong(f"Сума PARTPAYSUM рядків {hryvnias(given)} не дорівнює {hryvnias(part)}")
    return paid


def _rows_total(document: Document) -> int:
    goods = sum((money(row, "COST") or 0) - (money(row, "DISCOUNTSUM") or 0) for row in document.rows("CHECKBODY"))
    on_top = sum(money(row, "SUM") or 0 for row in document.rows("CHECKTAX") if flag(row, "SIGN"))
    return goods + on_top


def _lines(document: Document) -> None:
    discounts = 0
    for row in document.rows("CHECKBODY"):
        name = text(row, "NAME")
        cost = money(row, "COST")
        if not name or cost is None:
            raise Wrong("Рядок чека повинен мати NAME та COST")
        price, amount = money(row, "PRICE"), text(row, "AMOUNT").strip()
        if price is None or not amount:
            raise Wrong(f"«{name}»: рядок чека повинен мати PRICE та AMOUNT")
        if cost < 0 or price < 0 or Decimal(amount) <= 0:
            raise Wrong(f"«{name}»: ціна, кількість та вартість не можуть бути від'ємними")
        expected = _round(Decimal(price) * Decimal(amount))
        if cost != expected:
            raise Wrong(f"«{name}»: COST {hryvnias(cost)} не дорівнює PRICE×AMOUNT {hryvnias(expected)}")
        discount = money(row, "DISCOUNTSUM") or 0
        if discount > cost:
            raise Wrong(f"«{name}»: знижка більша за вартість")
        kind = text(row, "DISCOUNTTYPE").strip()
        if row.find("DISCOUNTPERCENT") is not None and kind != "1":
            raise Wrong(f"«{name}»: DISCOUNTPERCENT лише для DISCOUNTTYPE 1")
        discounts += discount
    total = document.total("DISCOUNTSUM")
    if total is not None and total != discounts:
        raise Wrong(f"DISCOUNTSUM чека {hryvnias(total)} не дорівнює сумі знижок {hryvnias(discounts)}")


def _payments(document: Document, paid: int) -> None:
    given = 0
    for row in document.rows("CHECKPAY"):
        amount = money(row, "SUM")
        if amount is None or amount < 0:
            raise Wrong("CHECKPAY/ROW повинен мати додатну SUM")
        given += amount
        provided, remains = money(row, "PROVIDED"), money(row, "REMAINS")
        if remains is not None and (_form(row) != CASH or provided is None):
            raise Wrong("Решта видається лише з готівки, за наявності PROVIDED")
        if provided is not None and provided - amount != (remains or 0):
            raise Wrong(f"REMAINS повинна дорівнювати {hryvnias(provided - amount)}")
        cards = [money(each, "SUM") for each in row.findall("PAYSYS/ROW")]
        if cards and None not in cards and sum(value or 0 for value in cards) != amount:
            raise Wrong("Сума PAYSYS не дорівнює сумі оплати")
    if given != paid:
        raise Wrong(f"Сума оплат {hryvnias(given)} не дорівнює {hryvnias(paid)}")


def _taxes(document: Document) -> None:
    taxes = document.rows("CHECKTAX")
    seen: set[tuple[int, str, str, bool]] = set()
    for tax in taxes:
        key = (_type(tax), text(tax, "LETTER"), text(tax, "PRC"), flag(tax, "SIGN"))
        if key in seen:
            raise Wrong(f"Податок {text(tax, 'NAME')} {key[1]} повторюється")
        seen.add(key)
    for tax in sorted(taxes, key=_type, reverse=True):  # excise first: VAT stands on it
        _tax(document, tax, taxes)


def _tax(document: Document, tax: Element, taxes: list[Element]) -> None:
    letter, name = text(tax, "LETTER"), f"{text(tax, 'NAME')} {text(tax, 'LETTER')}".strip()
    rows = [row for row in document.rows("CHECKBODY") if not letter or letter in text(row, "LETTERS")]
    if not rows:
        raise Wrong(f"{name}: жоден рядок чека не має літери {letter}")
    turnover = sum(money(row, "COST") or 0 for row in rows)
    base = sum(_base(document, row) for row in rows)
    if money(tax, "TURNOVER") != turnover:
        raise Wrong(f"{name}: TURNOVER повинен дорівнювати {hryvnias(turnover)}")
    after = money(tax, "TURNOVERDISCOUNT")
    net = sum((money(row, "COST") or 0) - (money(row, "DISCOUNTSUM") or 0) for row in rows)
    if after is not None and after != net:
        raise Wrong(f"{name}: TURNOVERDISCOUNT повинен дорівнювати {hryvnias(net)}")
    if _type(tax) not in (VAT, EXCISE):
        return
    slack = 0
    if _type(tax) == VAT:
        letters = set("".join(text(row, "LETTERS") for row in rows))
        others = [
            each for each in taxes if each is not tax and text(each, "LETTER") in letters and text(each, "LETTER")
        ]
        if any(_type(each) not in (VAT, EXCISE) for each in others):
            return
        for excise in (each for each in others if _type(each) == EXCISE):
            share, shared = _excise_share(document, rows, excise)
            slack += shared
            on_top = flag(excise, "SIGN")
            if on_top and flag(tax, "SIGN"):
                base += share
            elif not on_top:
                base -= share
    source = money(tax, "SOURCESUM")
    if source is not None:
        if abs(source - base) > slack:
            raise Wrong(f"{name}: SOURCESUM повинна дорівнювати {hryvnias(base)}")
        base = source
    expected, tie = amount(base, Decimal(text(tax, "PRC")), on_top=flag(tax, "SIGN"))
    given = money(tax, "SUM") or 0
    spare = slack if source is None else 0
    if not expected - (1 if tie else 0) - spare <= given <= expected + spare:
        raise Wrong(f"{name}: сума податку {hryvnias(given)} повинна дорівнювати {hryvnias(expected)}")


def _base(document: Document, row: Element) -> int:
    part = money(row, "PARTPAYSUM")
    if document.total("PARTPAYSUM") is not None and part is not None:
        return part
    return (money(row, "COST") or 0) - (money(row, "DISCOUNTSUM") or 0)


def _excise_share(document: Document, rows: list[Element], excise: Element) -> tuple[int, int]:
    """The excise on the goods of `rows`, and the kopecks it may be off because the rest of it is on other goods."""
    letter = text(excise, "LETTER")
    all_rows = [row for row in document.rows("CHECKBODY") if letter in text(row, "LETTERS")]
    own = [row for row in all_rows if row in rows]
    if len(own) == len(all_rows):
        return money(excise, "SUM") or 0, 0
    share, _ = amount(
        sum(_base(document, row) for row in own), Decimal(text(excise, "PRC")), on_top=flag(excise, "SIGN")
    )
    return share, 1


def amount(base: int, percent: Decimal, *, on_top: bool) -> tuple[int, bool]:
    """The tax in kopecks on `base` kopecks, half up, and whether it falls on an exact half of one: then the kopeck
    below is as good."""
    exact = base * percent / (100 if on_top else 100 + percent)
    return _round(exact), _tie(base, percent, on_top)


def _tie(base: int, percent: Decimal, on_top: bool) -> bool:
    """base·p/(100+p) is k + 1/2 exactly: in integers, since a Decimal quotient is cut."""
    numerator = base * int(percent * 100)
    denominator = 10_000 if on_top else 10_000 + int(percent * 100)
    return (2 * numerator) % denominator == 0 and (2 * numerator // denominator) % 2 == 1


def _round(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def _type(tax: Element) -> int:
    return int(Decimal(text(tax, "TYPE").strip()))


def _form(row: Element) -> int:
    return int(Decimal(text(row, "PAYFORMCD").strip()))
