"""One receipt on a Datecs printer, from opening to closing (datecs-fp3530t.md §6).

    107 P …  ->  48 | 85  ->  58 …  ->  [51 corrections]  ->  76 (check of the sum)  ->  [54 …]  ->  53 …  ->  56

Before the first payment nothing can become a document: any fault there cancels the receipt and means "rejected". The
sum is compared with the document before money is named, so a line that a noisy link doubled is caught in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from drivers.datecs import commands, text
from drivers.datecs.articles import Articles
from drivers.datecs.commands import Transaction
from drivers.datecs.session import Session, before_commit
from drivers.datecs.shift import Shift
from drivers.document import Document, DocumentKind, Line, PaymentForm
from drivers.errors import Code, Existence, Fault, LinkLost, Refused

DEVICE_FORM = {
    PaymentForm.CASH: "cash",
    PaymentForm.CARD: "card",
    PaymentForm.CREDIT: "credit",
    PaymentForm.IBAN: "credit",
    PaymentForm.CHEQUE: "cheque",
    PaymentForm.CERTIFICATE: "cheque",
}
"""The printer has four forms; the dossier names no row for certificates and transfers, so they share the nearest."""
PROBLEMS = {
    Code.PAPER_OUT: "out of paper",
    Code.COVER_OPEN: "the cover is open",
    Code.PRINTER: "printing mechanism fault",
    Code.CLOCK: "the registrar's clock is not set",
    Code.NOT_FISCALISED: "the registrar is not fiscalised",
    Code.FM_FULL: "the fiscal memory is full",
    Code.FM_ERROR: "fiscal memory fault",
    Code.HARDWARE: "the registrar lost its working memory",
}


class Receipt:
    """Issues receipts through one session."""

    def __init__(
        self,
        session: Session,
        articles: Articles,
        shift: Shift,
        *,
        operator: int,
        password: str,
        till: int,
        width: int = 36,
        forms: Mapping[PaymentForm, str] = DEVICE_FORM,
    ) -> None:
        self._width = width
        self._forms = forms
        self._session = session
        self._articles = articles
        self._shift = shift
        self._opening = commands.open_receipt(operator, password, till)
        self.by_tax: dict[str, int] = {}
        """Turnover by tax of the last receipt where it was corrected: the printer spreads that over tax groups."""

    def issue(self, document: Document) -> bool:
        """Print the receipt; returns False when it was counted but its paper is missing.

        Raises a `Fault` whose `document` says whether the receipt may exist.
        """
        self.by_tax = {}
        try:
            self._prepare(document)
        except Fault as fault:
            self._cancel()
            raise before_commit(fault) from fault
        try:
            self._pay(document, already=0)
        except Refused as fault:
            if self._cancel():
                raise before_commit(fault) from fault
            fault.document = Existence.UNKNOWN
            raise
        return self._close()

    def finish(self, document: Document, now: Transaction) -> None:
        """A receipt of ours found open after a doubt: cancel it unless its payment stands in the way (§8)."""
        if now.tender == 0 and now.amount != 0:
            # Unpaid, it can never become a document by itself; what cannot be cancelled now (no paper) is
            # cancelled before the next one.
            self._cancel()
            return
        if now.tender < now.amount or now.amount != document.due or now.amount == 0:
            # A receipt of zero shows no difference between paid and unpaid: cancelled, it can be issued again.
            if self._cancel():
                return
            if now.amount != document.due:
                raise Refused(
                    Code.TOTAL_MISMATCH,
                    f"the open receipt is {now.amount} kopecks, the document {document.due}; it cannot be cancelled",
                    existence=Existence.UNKNOWN,
                )
            if now.tender < now.amount:
                self._pay(document, already=now.tender)
        self._close()

    def _prepare(self, document: Document) -> None:
        ask = self._session.ask
        places = self._articles.places(document.lines)
        self._open(document)
        self._text(*notes_before(document))
        for place, line in zip(places, document.lines, strict=True):
            ask(commands.SELL, commands.sell(place, line.quantity, line.discount))
            self._text(*notes_on(line))
        told = ""
        if document.lines:
            # A correction of the subtotal carries the discount of the receipt and the cash rounding: the protocol
            # has no field of its own for rounding (dossier silent).
            if document.discount:
                told = ask(commands.SUBTOTAL, commands.subtotal(-document.discount, printed=True))
            if document.rounding:
                told = ask(commands.SUBTOTAL, commands.subtotal(document.rounding, printed=True))
            if told:
                by_tax = commands.subtotal_taxes(told)
                self.by_tax = by_tax if sum(by_tax.values()) == document.due else corrected(document)
            # 76 says the same as a bare 51 in half the bytes, and counts the items too.
            answer = ask(commands.TRANSACTION)
            if commands.transaction(answer).amount != document.due:
                raise Refused(
                    Code.TOTAL_MISMATCH,
                    f"the registrar's sum is {answer}, the document's {document.due} kopecks",
                    raw=answer,
                    command=str(commands.TRANSACTION),
                )
        for note in notes_after(document):
            self._text(note)

    def _open(self, document: Document) -> None:
        code = commands.RETURN_OPEN if document.kind is DocumentKind.REFUND else commands.SALE_OPEN
        try:
            self._session.ask(code, self._opening)
        except Refused as fault:
            if fault.code is Code.WRONG_STATE:
                if self._shift.expired():
                    fault.code = Code.SHIFT_EXPIRED
                    fault.what = "the registrar opens no receipt: the shift is older than 24 hours, make a Z"
                else:
                    fault.code = Code.PASSWORD
                    fault.what = "the registrar opens no receipt: wrong operator password, or blocked after three"
            raise

    def _pay(self, document: Document, *, already: int) -> None:
        """Name the payments that the printer has not got yet; `already` is its tender, kopecks."""
        rows = self._rows(document)
        for form, amount in rows:
            if already and already >= amount:
                already -= amount
                continue
            answer = self._session.ask(commands.PAY, commands.pay(form, amount - already))
            already = 0
            if answer[:1] not in ("D", "R"):
                raise Refused(
                    Code.INSUFFICIENT_CASH if document.kind is DocumentKind.REFUND else Code.PAYMENT,
                    "the registrar refused the payment",
                    raw=answer,
                    command=str(commands.PAY),
                )

    def _rows(self, document: Document) -> list[tuple[str, int]]:
        """Payments by the printer's forms, cash last because only cash may exceed the rest."""
        if not document.payments:
            return [("cash", 0)]
        sums: dict[str, int] = {}
        for payment in document.payments:
            form = self._forms[payment.form]
            sums[form] = sums.get(form, 0) + payment.amount
        return sorted(sums.items(), key=lambda row: row[0] == "cash")

    def _close(self) -> bool:
        """56. The receipt is paid and only waits for this: a refusal (no paper) leaves it open, not undone."""
        try:
            self._session.ask(commands.CLOSE)
            if self._session.flags.receipt_open:
                raise Refused(Code.WRONG_STATE, "the registrar keeps the receipt open", raw=self._session.flags.hex)
        except Refused as fault:
            fault.document = Existence.UNKNOWN
            raise
        return self._session.flags.obstacle() is None

    def _cancel(self) -> bool:
        """Cancel what is open; False when the printer would not or cannot answer now."""
        if not self._session.connected:
            return False
        with suppress(LinkLost, Refused):
            self._session.ask(commands.STATUS, "X")
            if self._session.flags.receipt_open:
                self._session.ask(commands.CANCEL)
            return True
        return False

    def _text(self, *texts: str) -> None:
        for line in text.lines((part for part in texts if part.strip()), self._width):
            self._session.ask(commands.TEXT, line)


def notes_before(document: Document) -> list[str]:
    """Free text above the lines: a return names its original first (§6)."""
    original = document.original
    if original is None:
        return list(document.header)
    return [f"Повернення по чеку №{original.number}", original.at[:16].replace("T", " "), *document.header]


def notes_on(line: Line) -> list[str]:
    """Free text under a line: the protocol has no field for excise stamps (§5)."""
    return [*(f"Акцизна марка {stamp}" for stamp in line.excise), line.comment]


def notes_after(document: Document) -> list[str]:
    """Free text under the sum: slips of card payments, then the footer."""
    notes: list[str] = []
    for payment in document.payments:
        slip = payment.card
        if slip is not None:
            notes += (
                f"{slip.payment_system} {slip.pan_mask}",
                f"RRN {slip.rrn}",
                f"Код авт. {slip.auth_code}",
                f"Термінал {slip.terminal}",
                f"Банк {slip.acquirer}" if slip.acquirer else "",
            )
    return [*notes, *document.footer]


def corrected(document: Document) -> dict[str, int]:
    """Turnover by tax letter with discount and rounding spread in proportion, the rest on the largest group.

    Printers that do not tell it in the reply of 51 count so as far as is known (dossier silent).
    """
    sums: dict[str, int] = {}
    for line in document.lines:
        sums[line.tax] = sums.get(line.tax, 0) + line.sum
    goods = sum(sums.values())
    for change in (-document.discount, document.rounding):
        left = change
        for letter in sorted(sums):
            part = (abs(change) * sums[letter] * 2 + goods) // (2 * goods) * (1 if change >= 0 else -1) if goods else 0
            sums[letter] += part
            left -= part
        if left:
            sums[max(sums, key=lambda letter: sums[letter])] += left
        goods = sum(sums.values())
    return sums
