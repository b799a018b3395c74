"""Totals of a shift as the server counts them (fiscal-server.md §2.12, §4.1). Kopecks.

Choices where the page is silent (§10, 11–13): revoked and storned documents, and the stornos themselves, do not count;
`NORNDSUM = SUM + RNDSUM`; part payments count what was paid, so that SUM equals the sum of the forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from xml.etree.ElementTree import Element

from drivers.prro.emulator.documents import (
    DEPOSIT,
    ISSUE,
    REINFORCEMENT,
    RETURN,
    SALE,
    Document,
    flag,
    hryvnias,
    money,
    text,
)

Form = tuple[int, str]
Tax = tuple[int, str, str, bool]
"""Type, letter, rate as text, whether on top of the price."""


@dataclass
class TaxSum:
    name: str
    turnover: int = 0
    discounted: int = 0
    source: int = 0
    amount: int = 0


@dataclass
class Side:
    """Sales, or returns."""

    amount: int = 0
    rounding: int = 0
    count: int = 0
    forms: dict[Form, int] = field(default_factory=dict)
    taxes: dict[Tax, TaxSum] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)
    """Turnover after discounts by the letters of the goods."""

    def add(self, document: Document) -> None:
        self.amount += document.paid
        self.rounding += document.total("RNDSUM") or 0
        self.count += 1
        for row in document.rows("CHECKPAY"):
            form = (int(text(row, "PAYFORMCD")), text(row, "PAYFORMNM"))
            self.forms[form] = self.forms.get(form, 0) + (money(row, "SUM") or 0)
        for row in document.rows("CHECKTAX"):
            sums = self.taxes.setdefault(tax_key(row), TaxSum(text(row, "NAME")))
            turnover = money(row, "TURNOVER") or 0
            source = money(row, "SOURCESUM")
            after = money(row, "TURNOVERDISCOUNT")
            sums.turnover += turnover
            sums.discounted += turnover if after is None else after
            sums.source += turnover if source is None else source
            sums.amount += money(row, "SUM") or 0
        for row in document.rows("CHECKBODY"):
            letters = text(row, "LETTERS")
            value = (money(row, "COST") or 0) - (money(row, "DISCOUNTSUM") or 0)
            self.letters[letters] = self.letters.get(letters, 0) + value


@dataclass
class Totals:
    sales: Side = field(default_factory=Side)
    returns: Side = field(default_factory=Side)
    withdrawn: int = 0
    commission: int = 0
    withdrawals: int = 0
    cash_in: int = 0
    cash_out: int = 0

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Totals:
        """Totals of documents that all stand."""
        totals = cls()
        for document in documents:
            totals._add(document)
        return totals

    def _add(self, document: Document) -> None:
        kind = (document.doctype, document.subtype)
        amount = document.total("SUM") or 0
        if kind == (0, SALE):
            self.sales.add(document)
        elif kind == (0, RETURN):
            self.returns.add(document)
        elif kind in ((0, DEPOSIT), (0, REINFORCEMENT)):
            self.cash_in += amount
        elif kind == (0, ISSUE):
            self.cash_out += amount
        elif document.doctype == 3:
            self.withdrawn += amount
            self.commission += document.total("COMMISSION") or 0
            self.withdrawals += 1


def tax_key(row: Element) -> Tax:
    return int(Decimal(text(row, "TYPE").strip())), text(row, "LETTER"), text(row, "PRC").strip(), flag(row, "SIGN")


def differences(report: Document, totals: Totals) -> str:
    """The first thing in which a Z report differs from the server's own totals; empty when nothing does."""
    for block, side in (("ZREPREALIZ", totals.sales), ("ZREPRETURN", totals.returns)):
        element = report.root.find(block)
        if element is None:
            if side.count:
                return f"відсутній {block}: {side.count} чеків на суму {hryvnias(side.amount)}"
        elif text := _side(element, side):
            return f"{block}: {text}"
    body = report.root.find("ZREPBODY")
    for name, expected in (("SERVICEINPUT", totals.cash_in), ("SERVICEOUTPUT", totals.cash_out)):
        given = (money(body, name) if body is not None else 0) or 0
        if given != expected:
            return f"{name} {hryvnias(given)}, за даними сервера {hryvnias(expected)}"
    cash = report.root.find("ZREPCASH")
    given = (money(cash, "SUM") if cash is not None else 0) or 0
    if given != totals.withdrawn:
        return f"ZREPCASH {hryvnias(given)}, за даними сервера {hryvnias(totals.withdrawn)}"
    return ""


def _side(element: Element, side: Side) -> str:
    if money(element, "SUM") != side.amount:
        return f"SUM, за даними сервера {hryvnias(side.amount)}"
    if int(text(element, "ORDERSCNT")) != side.count:
        return f"ORDERSCNT, за даними сервера {side.count}"
    for name, expected in (("RNDSUM", side.rounding), ("NORNDSUM", side.amount + side.rounding)):
        given = money(element, name)
        if given is not None and given != expected:
            return f"{name}, за даними сервера {hryvnias(expected)}"
    forms: dict[Form, int] = {}
    for row in element.findall("PAYFORMS/ROW"):
        form = (int(Decimal(text(row, "PAYFORMCD").strip())), text(row, "PAYFORMNM"))
        forms[form] = forms.get(form, 0) + (money(row, "SUM") or 0)
    if _filled(forms) != _filled(side.forms):
        return "PAYFORMS не збігаються з даними сервера"
    taxes = {tax_key(row): row for row in element.findall("TAXES/ROW")}
    if taxes.keys() != side.taxes.keys():
        return "набір TAXES не збігається з даними сервера"
    for key, row in taxes.items():
        expected_tax = side.taxes[key]
        pairs = (("TURNOVER", expected_tax.turnover), ("SOURCESUM", expected_tax.source), ("SUM", expected_tax.amount))
        for name, expected in pairs:
            given = money(row, name)
            if given is not None and given != expected:
                return f"TAXES {key[1]} {name}, за даними сервера {hryvnias(expected)}"
    return ""


def _filled(forms: dict[Form, int]) -> dict[Form, int]:
    return {form: amount for form, amount in forms.items() if amount}
