"""One receipt on a Krypton registrar, from opening to closing (datecs-krypton.md §6).

    25 [24]  ->  63  ->  61 …  64 [69] 61 …  ->  E1 (check of the sum)  ->  61 …  ->  6D  ->  67 …  ->  65

Before 65 nothing can become a document. The receipt's total is compared with the document before money is named,
because the registrar hangs waiting when less than its total is paid, and because a noisy link may double a line.
"""

from __future__ import annotations

from contextlib import suppress

from drivers import corrections
from drivers.datecs import text
from drivers.document import Document, DocumentKind, Payment
from drivers.errors import Code, Existence, Fault, LinkLost, Refused
from drivers.krypton import commands, status
from drivers.krypton.articles import NAME_LENGTH, Articles
from drivers.krypton.commands import Form
from drivers.krypton.session import Session


class Receipt:
    """Issues receipts through one session."""

    def __init__(self, session: Session, articles: Articles, *, operator: int, till: int) -> None:
        self._session = session
        self._articles = articles
        self._operator = operator
        self._till = till

    def issue(self, document: Document, rows: list[tuple[Form, int]]) -> int:
        """Print the receipt and return its number. Raises a `Fault` whose `document` says whether it may exist."""
        try:
            self._prepare(document)
        except Fault as fault:
            self._cancel()
            fault.document = Existence.NO
            raise
        try:
            for form, amount in rows:
                self._session.ask(commands.PAY, *commands.pay(form.number, amount))
        except Refused as fault:
            fault.document = Existence.NO if self._cancel() else Existence.UNKNOWN
            raise
        try:
            return commands.number(commands.field(self._session.ask(commands.CLOSE, "1"), 0))
        except Refused as fault:
            # The receipt may be in the print buffer already (§8): the counters say.
            fault.document = Existence.UNKNOWN
            raise

    def finish(self, document: Document) -> None:
        """A receipt of ours found open after a doubt: cancel it, or close it when it is paid and will not go (§8)."""
        try:
            self._session.ask(commands.CANCEL, "0")
            return
        except Refused as fault:
            if fault.code is not Code.WRONG_STATE:
                raise
        total = self._total()
        if total != document.due:
            raise Refused(
                Code.TOTAL_MISMATCH,
                f"the open receipt is {total} kopecks, the document {document.due}; it cannot be cancelled",
                existence=Existence.UNKNOWN,
            )
        self._session.ask(commands.CLOSE, "1")

    def _prepare(self, document: Document) -> None:
        ask = self._session.ask
        refund = document.kind is DocumentKind.REFUND
        codes = self._articles.codes(document.lines)
        ask(commands.RECEIPT_OPEN, *commands.opening(self._operator, self._till, refund=refund))
        if document.original is not None:
            self._text(f"Повернення по чеку №{document.original.number}", document.original.at[:16].replace("T", " "))
        self._text(*document.header)
        for code, line, correction in zip(codes, document.lines, corrections.per_line(document), strict=True):
            ask(commands.SELL, *commands.sell(code, line.quantity, line.price))
            if correction:
                ask(commands.CORRECT, commands.signed(correction))
            self._text(*(f"Акцизна марка {stamp}" for stamp in line.excise))
            self._text(line.comment)
        if document.lines and (total := self._total()) != document.due:
            raise Refused(
                Code.TOTAL_MISMATCH,
                f"the registrar's total is {total}, the document {document.due} kopecks",
                raw=str(total),
                command="E1h",
            )
        for payment in document.payments:
            self._slip(payment)
        self._text(*document.footer)
        ask(commands.TOTAL, "0")

    def _total(self) -> int:
        return abs(commands.kopecks(commands.field(self._session.ask(commands.RECEIPT_SUMS, "3", "1"), 0)))

    def _cancel(self) -> bool:
        """Cancel what is open; False when the registrar would not or cannot answer now."""
        if not self._session.connected:
            return False
        with suppress(LinkLost, Refused):
            if self._session.refresh().receipt != status.CLOSED:
                self._session.ask(commands.CANCEL, "0")
            return True
        return False

    def _text(self, *texts: str) -> None:
        for line in text.lines((part for part in texts if part.strip()), NAME_LENGTH):
            self._session.ask(commands.TEXT, line)

    def _slip(self, payment: Payment) -> None:
        slip = payment.card
        if slip is None:
            return
        self._text(
            f"{slip.payment_system} {slip.pan_mask}",
            f"RRN {slip.rrn}",
            f"Код авт. {slip.auth_code}",
            f"Термінал {slip.terminal}",
            f"Банк {slip.acquirer}" if slip.acquirer else "",
        )
