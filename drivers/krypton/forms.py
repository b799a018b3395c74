"""Payment forms of the till -> rows of the registrar's own table.

By name, because the positions differ from unit to unit (datecs-krypton.md §6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.document import Document, DocumentKind, Payment, PaymentForm
from drivers.errors import Code, Refused
from drivers.krypton.commands import Form

NAMES: Mapping[PaymentForm, tuple[str, ...]] = {
    PaymentForm.CASH: ("готівк",),
    PaymentForm.CARD: ("карт", "платіжна"),
    PaymentForm.CREDIT: ("кредит",),
    PaymentForm.CHEQUE: ("чек",),
    PaymentForm.CERTIFICATE: ("сертиф",),
    PaymentForm.IBAN: ("iban", "переказ", "рахун", "безгот"),
}
"""How the names begin, in lower case."""
NEAREST: Mapping[PaymentForm, PaymentForm] = {
    PaymentForm.CERTIFICATE: PaymentForm.CHEQUE,
    PaymentForm.IBAN: PaymentForm.CREDIT,
}
"""Where the table has no row of its own, as on the classic registrars."""


def rows(document: Document, table: Sequence[Form], fixed: Mapping[PaymentForm, int]) -> list[tuple[Form, int]]:
    """Rows and kopecks, cash last because only cash may exceed the rest.

    Raises `Refused` (PAYMENT) where the table has no fitting row.
    """
    refund = document.kind is DocumentKind.REFUND
    sums: dict[Form, int] = {}
    payments = document.payments or (None,)
    for payment in payments:
        row = _row(payment, table, fixed, refund=refund)
        sums[row] = sums.get(row, 0) + (payment.amount if payment else 0)
    cash = standard(table, PaymentForm.CASH, fixed)
    return sorted(sums.items(), key=lambda item: item[0] == cash)


def standard(table: Sequence[Form], form: PaymentForm, fixed: Mapping[PaymentForm, int] | None = None) -> Form | None:
    """The row that a form of the till means; None when the table has none."""
    if fixed and form in fixed:
        return next((row for row in table if row.number == fixed[form]), None)
    for row in table:
        if row.name.casefold().startswith(NAMES[form]):
            return row
    return standard(table, NEAREST[form], fixed) if form in NEAREST else None


def _row(payment: Payment | None, table: Sequence[Form], fixed: Mapping[PaymentForm, int], *, refund: bool) -> Form:
    form = payment.form if payment else PaymentForm.CASH
    row = standard(table, form, fixed)
    if row is None:
        names = ", ".join(row.name for row in table)
        raise Refused(Code.PAYMENT, f"the registrar has no payment form for {form}; it has: {names}", field="payments")
    if not (row.in_returns if refund else row.in_sales):
        act = "refunds" if refund else "sales"
        raise Refused(Code.PAYMENT, f"the registrar forbids the payment form {row.name!r} in {act}", field="payments")
    return row
