"""One receipt on a Maria, from opening to closing (maria.md §4 "Order rules", §8).

    CANC  ->  [BCHN]  PREP  ->  TEXT…  {[ACLD | FINF]  FISC | FICD | BFIS | BFCD}…  [PSDt]  TEXT…  ->  COMP

Everything is prepared before PREP and sent without pauses. Any command without DONE rolls the receipt back, and COMP
proves the sums itself: a line that a noisy link lost makes it refuse (SOFTNEED).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from drivers import corrections
from drivers.document import Document, DocumentKind, Line, Payment, PaymentForm, line_sum
from drivers.errors import Code, Existence, Fault, LinkLost, Refused
from drivers.maria import commands, text
from drivers.maria.articles import CODE_NUMBERS, FISC_NUMBERS, Articles, Key, key
from drivers.maria.commands import Good, Tax
from drivers.maria.session import Session

RESTARTS = 8
"""How often a receipt may begin anew because the registrar knows another good under a number."""
UKTZED_DIGITS = 10


@dataclass(frozen=True)
class Unit:
    """What the receipt must know of the registrar. `coded`: accounting codes (FICD); `modern`: a 304T."""

    coded: bool
    modern: bool
    taxes: Mapping[str, Tax]


@dataclass(frozen=True)
class Step:
    """One command of a prepared receipt; `good` names the article it sells."""

    command: str
    parameters: bytes
    good: Key | None = None


class Receipt:
    """Issues receipts through one session. `forms`: non-cash sum 1…3 of COMP by the till's form (§7)."""

    def __init__(
        self, session: Session, articles: Articles, *, department: str, forms: Mapping[PaymentForm, int]
    ) -> None:
        self._session = session
        self._articles = articles
        self._department = department
        self._forms = forms

    def issue(self, document: Document, unit: Unit) -> int | None:
        """Print the receipt; its number, or None when the answer with the number was damaged.

        Raises a `Fault` whose `document` says whether the receipt may exist.
        """
        try:
            self._prepare(document, unit)
        except Fault as fault:
            self.cancel()
            fault.document = Existence.NO
            raise
        try:
            data = self._session.ask("COMP", self._closing(document))
        except Refused as fault:
            # A logical refusal rolled the receipt back; one of the hardware may have come at the end of the paper.
            fault.document = Existence.NO if fault.raw.startswith("SOFT") else Existence.UNKNOWN
            raise
        try:
            return commands.receipt_number(data[0]) if data else None
        except LinkLost:
            return None

    def cancel(self) -> None:
        """Cancel what is open; harmless when nothing is (§4)."""
        if self._session.connected:
            with suppress(LinkLost, Refused):
                self._session.ask("CANC")

    def _prepare(self, document: Document, unit: Unit) -> None:
        for _ in range(RESTARTS):
            steps = self._steps(document, unit)
            self._session.ask("CANC")
            for step in steps:
                try:
                    self._session.ask(step.command, step.parameters)
                except Refused as fault:
                    if "SOFTDIFART" not in fault.raw or step.good is None:
                        raise
                    # The registrar rolled the receipt back: the good takes its next number, everything begins anew.
                    self._articles.conflict(step.good, _limit(unit))
                    break
            else:
                return
        raise Refused(Code.ARTICLE_CONFLICT, "the registrar knows other goods under every number that was tried")

    def _steps(self, document: Document, unit: Unit) -> list[Step]:
        """The whole receipt but COMP. Raises `Invalid` or `Refused` (TAX) before a byte is sent."""
        refund = document.kind is DocumentKind.REFUND
        steps = []
        if document.original is not None:
            original = text.encode(document.original.number)[: commands.ORIGINAL_WIDTH]
            steps.append(Step("BCHN", original))
        width = 35 if unit.modern else 15
        steps.append(Step("PREP", text.encode(self._department)[:width]))
        steps += [Step("TEXT", commands.note(line, after=False)) for line in self._wrapped(*document.header)]
        sell = ("BFCD" if refund else "FICD") if unit.coded else ("BFIS" if refund else "FISC")
        for line, correction in zip(document.lines, corrections.per_line(document), strict=True):
            steps += self._before_line(line, unit)
            good = self._good(line, correction, unit)
            number = self._articles.number(key(line.code, good), _limit(unit))
            parameters = commands.ficd(good, number) if unit.coded else commands.fisc(good, number)
            steps.append(Step(sell, parameters, key(line.code, good)))
        for payment in document.payments:
            steps += self._slip(payment, unit)
        steps += [Step("TEXT", commands.note(line, after=True)) for line in self._wrapped(*document.footer)]
        return steps

    def _before_line(self, line: Line, unit: Unit) -> list[Step]:
        """Excise stamps go to their own field on a 304T, comments to the extra text of the next line."""
        steps = []
        notes = [line.comment] if line.comment.strip() else []
        if line.excise and unit.modern:
            steps.append(Step("ACLD", commands.values(*line.excise)))
        else:
            notes = [f"Акцизна марка {stamp}" for stamp in line.excise] + notes
        if notes:
            steps.append(Step("FINF", text.encode(" ".join(notes))[: commands.NOTE_WIDTH]))
        return steps

    def _good(self, line: Line, correction: int, unit: Unit) -> Good:
        missing = [letter for letter in line.tax if letter not in unit.taxes]
        if missing:
            raise Refused(Code.TAX, f"the registrar has no tax scheme {missing[0]}", field="lines")
        return Good(
            name=printed_name(line),
            total=line_sum(line.price, line.quantity),
            price=line.price,
            quantity=line.quantity,
            taxes=tuple(unit.taxes[letter] for letter in line.tax),
            correction=correction,
        )

    def _slip(self, payment: Payment, unit: Unit) -> list[Step]:
        """The terminal's slip: the four values that PSDt is known to take, everything else as text."""
        slip = payment.card
        if slip is None:
            return []
        if unit.modern:
            values = commands.values(slip.acquirer, slip.terminal, slip.pan_mask, slip.rrn)
            rest = (slip.payment_system, f"Код авт. {slip.auth_code}")
            return [Step("PSDt", values), *(Step("TEXT", commands.note(line, after=True)) for line in rest if line)]
        texts = (
            f"{slip.payment_system} {slip.pan_mask}",
            f"RRN {slip.rrn}",
            f"Код авт. {slip.auth_code}",
            f"Термінал {slip.terminal}",
            f"Банк {slip.acquirer}" if slip.acquirer else "",
        )
        return [Step("TEXT", commands.note(line, after=True)) for line in self._wrapped(*texts)]

    def _closing(self, document: Document) -> bytes:
        others = [0, 0, 0]
        for payment in document.payments:
            if payment.form is not PaymentForm.CASH:
                others[self._forms[payment.form] - 1] += payment.amount
        cash = document.paid_by(PaymentForm.CASH)
        refund = document.kind is DocumentKind.REFUND
        return commands.close(0 if refund else document.due, document.due if refund else 0, others, cash)

    def _wrapped(self, *texts: str) -> list[str]:
        return text.lines((part for part in texts if part.strip()), commands.TEXT_WIDTH)


def printed_name(line: Line) -> str:
    """The name with the УКТЗЕД code in front: ten digits and '#' (§4, FICD); shorter codes are filled with zeros."""
    return (f"{line.uktzed:0<{UKTZED_DIGITS}}#" if line.uktzed else "") + line.name


def _limit(unit: Unit) -> int:
    return CODE_NUMBERS if unit.coded else FISC_NUMBERS
