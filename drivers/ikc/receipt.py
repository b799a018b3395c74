"""One receipt on an IKC registrar, from login to full payment (ikc.md §6).

    6  ->  11 …  {18 | 8  [35 of the line]  11 …} …  [35 of the receipt]  11 …  ->  [43]  ->  20 …

The receipt opens with its first command (a refund with the marked comment 11) and becomes a document the moment its
payments reach its sum: before the last 20 nothing exists, after it nothing can be cancelled. The device tells the sum
after every line and correction, and it is compared with the document's, so that a line that a noisy link doubled is
caught before money is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b

from drivers.document import CardSlip, Document, DocumentKind, Line, PaymentForm, line_sum
from drivers.errors import Code, Existence, Fault, LinkLost, Refused
from drivers.ikc import commands, text
from drivers.ikc.session import Session

ARTICLES = 10**14 - 1
"""Article codes 1 … 10^14 - 1: the digits that the field's drivers use (§6)."""
REFUND_TITLE, ZERO_TITLE = "ВИДАТКОВИЙ ЧЕК", "НУЛЬОВИЙ ЧЕК"


@dataclass(frozen=True)
class Issued:
    """A closed receipt: its journal packet, None where the answer did not hold it, and its turnover by tax letter."""

    packet: int | None
    by_tax: Mapping[str, int] = field(default_factory=dict)


class Receipt:
    """Issues receipts through one session. `forms`: the device's number by the till's form."""

    def __init__(
        self, session: Session, *, password: int, operator: int, cashier: str, forms: Mapping[PaymentForm, int]
    ) -> None:
        self._session = session
        self._password = password
        self._operator = operator
        self._cashier = cashier
        self._forms = forms

    def login(self, document: Document) -> None:
        """Before every document: a restart of the device forgets who works, and a receipt names its cashier."""
        name = document.cashier.strip() or self._cashier
        self._session.ask(commands.LOGIN, commands.login(self._password, self._operator, name))

    def issue(self, document: Document) -> Issued:
        """Print the receipt. Raises a `Fault` whose `document` says whether it may exist."""
        rows = self.rows(document)
        try:
            self.login(document)
            self._prepare(document)
            by_tax = self._by_tax(document)
            for form, amount, slip in rows[:-1]:
                self._session.ask(commands.PAYMENT, commands.payment(form, amount, slip))
        except Fault as fault:
            self.cancel()
            fault.document = Existence.NO
            raise
        form, amount, slip = rows[-1]
        parameters = commands.payment(form, amount, slip) if amount else commands.pay_the_rest(form)
        try:
            data = self._session.ask(commands.PAYMENT, parameters)
        except Refused as fault:
            # Blocked while executing: the device may have taken the payment and go on by itself (§4).
            fault.document = Existence.UNKNOWN if self._session.halfway or not self.cancel() else Existence.NO
            raise
        return Issued(self._closed(document, data), by_tax)

    def cancel(self) -> bool:
        """Cancel what is open; False when the device would not or cannot answer now."""
        if not self._session.connected:
            return False
        with suppress(LinkLost, Refused):
            if self._session.refresh().receipt_open:
                self._session.ask(commands.CANCEL)
            return True
        return False

    def rows(self, document: Document) -> list[tuple[int, int, str]]:
        """Device form, kopecks and slip of every payment; cash last because only cash gives change."""
        sums: dict[int, int] = {}
        slips: dict[int, str] = {}
        for payment in document.payments:
            form = self._forms[payment.form]
            sums[form] = sums.get(form, 0) + payment.amount
            if payment.card is not None:
                slips.setdefault(form, authorisation(payment.card))
        cash = self._forms[PaymentForm.CASH]
        rows = [(form, amount, slips.get(form, "")) for form, amount in sums.items()]
        return sorted(rows, key=lambda row: row[0] == cash) or [(cash, 0, "")]

    def _prepare(self, document: Document) -> None:
        refund = document.kind is DocumentKind.REFUND
        if refund:
            self._session.ask(commands.COMMENT, commands.comment(REFUND_TITLE, opens_payout=True))
            if document.original is not None:
                at = document.original.at[:16].replace("T", " ")
                self._comment(f"Повернення по чеку №{document.original.number}", at)
        if document.kind is DocumentKind.ZERO:
            self._comment(ZERO_TITLE)
        self._comment(*document.header)
        total = 0
        for line in document.lines:
            total = self._line(line, total, refund=refund)
        for kopecks, words in ((-document.discount, "Знижка"), (document.rounding, "Заокруглення")):
            if kopecks:
                total = self._correct(commands.SUM_OF_RECEIPT, kopecks, words, total)
        for payment in document.payments:
            if payment.card is not None:
                self._comment(*slip(payment.card))
        self._comment(*document.footer)

    def _line(self, line: Line, total: int, *, refund: bool) -> int:
        """One good with its correction and texts; returns the receipt's sum after it."""
        code = commands.PAYOUT_LINE if refund else commands.SALE_LINE
        number = article(line, refund=refund)
        data = self._session.ask(
            code, commands.line(line.quantity, line.price, line.tax, printed_name(line), number)
        )  # fmt: skip
        total = self._agreed(data, total + line_sum(line.price, line.quantity), code)
        if line.discount:
            total = self._correct(commands.SUM_OF_LINE, -line.discount, "Знижка", total)
        self._comment(*(f"Акцизна марка {stamp}" for stamp in line.excise), line.comment)
        return total

    def _correct(self, kind: int, kopecks: int, words: str, total: int) -> int:
        data = self._session.ask(commands.DISCOUNT, commands.correction(kind, kopecks, words))
        return self._agreed(data, total + kopecks, commands.DISCOUNT)

    def _agreed(self, data: bytes, wanted: int, code: int) -> int:
        """The receipt's sum that the device tells must be the document's."""
        told = commands.number(data, 4, 4)
        if told != wanted:
            raise Refused(
                Code.TOTAL_MISMATCH,
                f"the registrar's sum is {told}, the document's {wanted} kopecks",
                raw=str(told),
                command=str(code),
            )
        return told

    def _by_tax(self, document: Document) -> dict[str, int]:
        """How the device spread a correction of the whole receipt over the tax groups."""
        if not (document.discount or document.rounding):
            return {}
        taxes = commands.current(self._session.ask(commands.RECEIPT)).taxes
        if sum(taxes) != document.due:
            return {}
        return {letter: kopecks for letter, kopecks in zip(commands.LETTERS, taxes, strict=True) if kopecks}

    def _closed(self, document: Document, data: bytes) -> int | None:
        if self._session.flags.receipt_open:
            # It said yes and keeps the receipt open: less was paid than it wants. The counters decide.
            raise LinkLost(Code.WRONG_STATE, "the registrar keeps the receipt open", command=str(commands.PAYMENT))
        return commands.number(data, 4, 4) if len(data) >= 8 else None

    def _comment(self, *texts: str) -> None:
        for line in text.lines(texts, commands.COMMENT_LENGTH):
            self._session.ask(commands.COMMENT, commands.comment(line))


def printed_name(line: Line) -> str:
    """The name with the УКТЗЕД code in front (§6)."""
    return (f"{line.uktzed}#" if line.uktzed else "") + line.name


def article(line: Line, *, refund: bool) -> int:
    """The article's code: an article keeps its description until a Z (RESULT 28), so all of it makes the code."""
    parts = (line.code, printed_name(line), line.tax, str(line.price), str(refund))
    return 1 + int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest()) % ARTICLES


def authorisation(card: CardSlip) -> str:
    """What travels in the payment itself (20); its longest text is not documented, a comment's is."""
    return f"RRN {card.rrn} {card.auth_code}"[: commands.COMMENT_LENGTH].strip()


def slip(card: CardSlip) -> list[str]:
    """The rest of the terminal's slip as comments (§6), with what the payment's text was too short for."""
    whole = f"RRN {card.rrn} {card.auth_code}".strip() == authorisation(card)
    return [
        f"{card.payment_system} {card.pan_mask}",
        *(() if whole else (f"RRN {card.rrn}", f"Код авт. {card.auth_code}")),
        f"Термінал {card.terminal}",
        f"Банк {card.acquirer}" if card.acquirer else "",
    ]
