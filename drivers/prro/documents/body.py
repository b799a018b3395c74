"""The trade part of a receipt: sums, payments, goods (fiscal-server.md §3.4, §3.5, §3.7, §9.6–9.7).

A discount of the whole receipt is spread over its lines by largest remainder, so that the rows' discounts add up to the
receipt's. A part payment is spread the same way over what the earlier parts left of each line: with the same lines in
the same order the last receipt takes exactly the rest of each.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from drivers.document import CardSlip, Document, Line, Payment, PaymentForm, Stage
from drivers.errors import Code, Invalid
from drivers.prro.documents.numbers import day, hour, iso, money, quantity
from drivers.prro.documents.record import STAGES
from drivers.prro.documents.taxes import Taxed, distribute
from drivers.prro.documents.text import fit
from drivers.prro.documents.values import UNIT_CODES, PaymentName
from drivers.prro.documents.xml import Node

STAGE_CODES = {stage: code for code, stage in STAGES.items()}
ADVANCE = "Аванс за: "
"""How a receipt before the last names its goods (cashier-flow.md IV.5)."""
DEBT = "Оплата за: "
"""How a receipt after the goods names them: IV.5 turns the order round for pay-later and gives no words."""
OPEN_DIGITS = 10
"""Digits of a card that a mask may leave open: the first six and the last four."""


class Priced(Struct, frozen=True):
    """A line with its share of the receipt's discount and, of a part payment, the money taken for it; kopecks."""

    line: Line
    field: str
    cost: int
    discount: int
    part: int | None

    @property
    def taxed(self) -> Taxed:
        base = self.cost - self.discount if self.part is None else self.part
        return Taxed(self.line.tax, self.cost, base, f"{self.field}.tax", self.line.name)


def priced(document: Document) -> list[Priced]:
    """The lines with everything spread over them. Raises `Invalid` for an excise stamp that stands twice."""
    lines = document.lines
    shares = distribute(document.discount, [line.sum for line in lines])
    rest = [line.sum - share for line, share in zip(lines, shares, strict=True)]
    parts: list[int] | None = None
    if document.part is not None:
        for amount in [advance.amount for advance in document.part.advances]:
            rest = [left - taken for left, taken in zip(rest, distribute(amount, rest), strict=True)]
        parts = distribute(document.part.amount, rest)
    stamps: set[str] = set()
    result = []
    for place, line in enumerate(lines):
        for stamp in line.excise:
            if stamp in stamps:
                raise Invalid(
                    Code.BAD_FIELD,
                    f"the excise stamp {stamp} stands twice («{line.name}»)",
                    field=f"lines[{place}].excise",
                )
            stamps.add(stamp)
        part = None if parts is None else parts[place]
        result.append(Priced(line, f"lines[{place}]", line.sum + line.discount, line.discount + shares[place], part))
    return result


def total_block(document: Document, lines: list[Priced]) -> list[Node]:
    """CHECKTOTAL; SUM stands first. Raises `Invalid` for cash rounding without cash, or down to nothing."""
    part = document.part
    whole = document.due if part is None else document.total
    nodes: list[Node] = [("SUM", money(whole))]
    if document.rounding:
        if not document.paid_by(PaymentForm.CASH):
            raise Invalid(Code.PAYMENT, "only cash is rounded, and nothing is paid in cash", field="rounding")
        if not document.due:
            raise Invalid(Code.PAYMENT, "rounding leaves nothing to pay: take the exact sum", field="rounding")
        exact = document.due - document.rounding
        nodes += [("RNDSUM", money(-document.rounding)), ("NORNDSUM", money(exact))]
    discount = sum(line.discount for line in lines)
    if discount:
        nodes.append(("DISCOUNTSUM", money(discount)))
    if part is not None:
        nodes += [("PARTPAYTYPE", str(STAGE_CODES[part.stage])), ("PARTPAYSUM", money(document.due))]
        if part.advances:
            # The schema has room for one number: the prepayment's, which the parts after it name as well.
            nodes.append(("PARTPAYORDPREPAYNUM", fit(part.advances[0].number, "part.advances[0].number")))
    return nodes


def pay_rows(document: Document, names: Mapping[PaymentForm, PaymentName]) -> list[Node]:
    """CHECKPAY rows in the order given: cash as one row with its change, every other payment a row of its own.

    A receipt that asks for nothing has one cash row of zero: the server wants a payment block (§3.3).
    """
    rows: list[Node] = []
    cash = document.paid_by(PaymentForm.CASH)
    counted = False
    for place, payment in enumerate(document.payments):
        if payment.form is not PaymentForm.CASH:
            rows.append(("ROW", _payment(payment, f"payments[{place}]", names)))
        elif not counted:
            counted = True
            row = _named(payment, f"payments[{place}]", names)
            row.append(("SUM", money(cash - document.change)))
            if document.change:
                row += [("PROVIDED", money(cash)), ("REMAINS", money(document.change))]
            rows.append(("ROW", row))
    if not rows:
        name = names[PaymentForm.CASH]
        rows.append(("ROW", [("PAYFORMCD", str(name.code)), ("PAYFORMNM", name.name), ("SUM", money(0))]))
    return rows


def _named(payment: Payment, field: str, names: Mapping[PaymentForm, PaymentName]) -> list[Node]:
    name = names.get(payment.form)
    if name is None:
        raise Invalid(Code.PAYMENT, f"the form of payment {payment.form} has no code", field=field)
    return [("PAYFORMCD", str(name.code)), ("PAYFORMNM", fit(payment.name or name.name, f"{field}.name"))]


def _payment(payment: Payment, field: str, names: Mapping[PaymentForm, PaymentName]) -> list[Node]:
    row = _named(payment, field, names)
    row.append(("SUM", money(payment.amount)))
    if payment.card is not None:
        row.append(("PAYSYS", [("ROW", _slip(payment.card, payment.amount, f"{field}.card"))]))
    return row


def _slip(card: CardSlip, amount: int, field: str) -> list[Node]:
    """PAYSYS, the terminal's texts as they stand on its slip. Raises `Invalid` for an open card number."""
    if sum(sign.isdecimal() for sign in card.pan_mask) > OPEN_DIGITS:
        raise Invalid(Code.PAYMENT, "the card number is not masked; it must go nowhere", field=f"{field}.pan_mask")
    moment = iso(card.at, f"{field}.at") if card.at else None
    fields = {
        "TAXNUM": card.payment_system_code,
        "NAME": card.payment_system,
        "ACQUIREID": card.merchant,
        "ACQUIREPN": card.acquirer_code,
        "ACQUIRENM": card.acquirer,
        "ACQUIRETRANSID": card.rrn,
        "POSTRANSDATE": day(moment) + hour(moment) if moment else "",
        "POSTRANSNUM": card.slip_number,
        "DEVICEID": card.terminal,
        "EPZDETAILS": card.pan_mask,
        "AUTHCD": card.auth_code,
        "SUM": money(amount),
        "COMMISSION": money(card.fee) if card.fee else "",
    }
    return [(name, fit(text, field)) for name, text in fields.items() if text]


def body_rows(document: Document, lines: list[Priced]) -> list[Node]:
    """CHECKBODY rows."""
    return [("ROW", _line(line, _prefix(document))) for line in lines]


def _prefix(document: Document) -> str:
    """What stands before the names of a receipt that takes money without giving the goods."""
    part = document.part
    if part is None:
        return ""
    if part.later:
        return "" if part.stage is Stage.PREPAYMENT else DEBT
    return "" if part.stage is Stage.FINAL else ADVANCE


def _line(priced: Priced, prefix: str) -> list[Node]:
    line, field = priced.line, priced.field
    name = line.name if line.name.lower().startswith(prefix[:5].lower()) else prefix + line.name
    unit = line.unit_code or UNIT_CODES.get(line.unit)
    fields = {
        "CODE": fit(line.code, f"{field}.code", line.name),
        "BARCODE": fit(line.barcode, f"{field}.barcode", line.name),
        "UKTZED": line.uktzed,
        "DKPP": line.dkpp,
        "NAME": fit(name, f"{field}.name", line.name),
        "UNITCD": str(unit) if unit else "",
        "UNITNM": fit(line.unit, f"{field}.unit", line.name),
        "AMOUNT": quantity(line.quantity),
        "PRICE": money(line.price),
        "LETTERS": line.tax,
        "COST": money(priced.cost),
    }
    nodes: list[Node] = [(name, text) for name, text in fields.items() if text]
    if priced.discount:
        if line.discount_percent and priced.discount == line.discount:
            nodes += [("DISCOUNTTYPE", "1"), ("DISCOUNTPERCENT", money(line.discount_percent))]
        else:
            nodes.append(("DISCOUNTTYPE", "0"))
        nodes.append(("DISCOUNTSUM", money(priced.discount)))
    if priced.part is not None:
        nodes.append(("PARTPAYSUM", money(priced.part)))
    if line.comment.strip():
        nodes.append(("COMMENT", fit(line.comment, f"{field}.comment", line.name)))
    if line.excise:
        stamps = (fit(stamp, f"{field}.excise", line.name) for stamp in line.excise)
        nodes.append(("EXCISELABELS", [("ROW", [("EXCISELABEL", stamp)]) for stamp in stamps]))
    return nodes
