"""What is fiscalised: one frozen value, complete before the first byte leaves.

Money is integer kopecks, quantity integer thousandths, both in their field names' docstrings; floats cannot enter.
`Document.check()` proves the arithmetic; `parse()` reads untrusted JSON and refuses unknown or repeated keys, floats,
NaN and wrong totals. Field names follow registrars/README.md §6; card fields follow cashier-flow.md IV.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from drivers.errors import Code, Invalid

MAX_MONEY = 99_999_999_99
"""Largest sum of a document, kopecks: ten digits, the narrowest field among the supported registrars."""
MAX_QUANTITY = 99_999_999
"""Largest quantity of a line, thousandths (99 999.999): the digits a Datecs line takes (datecs-fp3530t.md §5)."""

Kopecks = Annotated[int, msgspec.Meta(ge=0, le=MAX_MONEY)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=MAX_MONEY)]
Thousandths = Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)]
Text = Annotated[str, msgspec.Meta(max_length=250)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Short = Annotated[str, msgspec.Meta(max_length=64)]

LOOKALIKES = str.maketrans("ABCEHIKMOPTXaceiopxy", "АВСЕНІКМОРТХасеіорху")
"""Latin letters that look Cyrillic: people type either in tax letters and excise stamps."""


class DocumentKind(StrEnum):
    """Every fiscal act is a document, so that every one travels the same road."""

    SALE = "sale"
    REFUND = "refund"
    CASH_IN = "cash_in"
    CASH_OUT = "cash_out"
    ZERO = "zero"
    Z_REPORT = "z_report"
    OPEN_SHIFT = "open_shift"
    """Software registrars only: hardware opens its shift with the first document (cashier-flow.md III)."""
    STORNO = "storno"
    """Software registrars only: cancels the last document, `original` names it (cashier-flow.md V.1)."""


class Stage(StrEnum):
    """Which part of a price a receipt takes (cashier-flow.md IV.5)."""

    PREPAYMENT = "prepayment"
    NEXT = "next"
    FINAL = "final"


class PaymentForm(StrEnum):
    """Means of payment; each driver maps it to the device's own number."""

    CASH = "cash"
    CARD = "card"
    CREDIT = "credit"
    CHEQUE = "cheque"
    CERTIFICATE = "certificate"
    IBAN = "iban"


class _Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of the values below: frozen, named fields only, unknown fields refused."""


class Original(_Value, frozen=True, kw_only=True):
    """The document that a refund gives money back for, or that a storno cancels. `at` is ISO 8601, aware.

    `number` is the document's own number (for a software registrar the one that the fiscal server gave),
    `fiscal_number` that of the registrar which made it, `registrar` that registrar's serial.
    """

    number: Name
    at: Short = ""
    fiscal_number: Short = ""
    registrar: Short = ""


class CardSlip(_Value, frozen=True, kw_only=True):
    """Data of the bank terminal's slip, as printed on it (cashier-flow.md IV.2).

    `at` is the terminal's time, ISO 8601; without an offset it is Kyiv time. `merchant` is the shop's id at the
    acquirer, the two codes are tax codes of the payment system and of the acquirer.
    """

    rrn: Short
    auth_code: Short
    pan_mask: Short
    terminal: Short
    payment_system: Short
    acquirer: Short = ""
    slip_number: Short = ""
    at: Short = ""
    fee: Kopecks = 0
    merchant: Short = ""
    acquirer_code: Short = ""
    payment_system_code: Short = ""


class Line(_Value, frozen=True, kw_only=True):
    """One good. `quantity` thousandths, `price` kopecks a unit, `discount` kopecks off this line, `sum` after it.

    `discount_percent`, hundredths of a percent, tells that the discount was given as a percentage; 0 when as a sum.
    `tax`: all letters of the line, VAT and excise together ("АГ"). `uktzed` is for goods, `dkpp` for services.
    `unit_code`: the state classifier's code of the unit (ДК 011), 0 where it is not known.
    """

    code: Name
    name: Name
    unit: Short = "шт"
    quantity: Thousandths
    price: Positive
    sum: Kopecks
    discount: Kopecks = 0
    tax: Annotated[str, msgspec.Meta(min_length=1, max_length=4)]
    uktzed: Annotated[str, msgspec.Meta(pattern=r"^(\d{4,10})?$")] = ""
    dkpp: Annotated[str, msgspec.Meta(pattern=r"^(\d\d\.\d\d(\.\d{1,2}(-\d{1,2}(\.\d{1,2})?)?)?)?$")] = ""
    excise: tuple[Short, ...] = ()
    barcode: Short = ""
    department: Annotated[int, msgspec.Meta(ge=1, le=99)] = 1
    comment: Text = ""
    discount_percent: Annotated[int, msgspec.Meta(ge=0, le=100_00)] = 0
    unit_code: Annotated[int, msgspec.Meta(ge=0, le=99_999)] = 0


class Advance(_Value, frozen=True, kw_only=True):
    """Money of the same price taken by an earlier receipt: its fiscal number, kopecks, time (ISO 8601, aware)."""

    number: Name
    amount: Positive
    at: Short = ""


class PartPayment(_Value, frozen=True, kw_only=True):
    """The receipt takes a part of its lines' price: `amount` now, kopecks before rounding; `advances` came before.

    A final settlement takes all the rest, which may be nothing (cashier-flow.md IV.5). `later`: the reversed order, the
    goods left with the first receipt and what follows pays a debt.
    """

    stage: Stage
    amount: Kopecks
    advances: tuple[Advance, ...] = ()
    later: bool = False

    @property
    def before(self) -> int:
        """What the advances took, kopecks."""
        return sum(advance.amount for advance in self.advances)


class Payment(_Value, frozen=True, kw_only=True):
    """One payment row. `amount` is what the buyer handed over, kopecks; change is given from cash only."""

    form: PaymentForm
    amount: Positive
    name: Short = ""
    card: CardSlip | None = None


class Document(_Value, frozen=True, kw_only=True):
    """One fiscal document. `id` is the caller's UUID: the same id is never registered twice.

    `discount`: kopecks off the whole receipt. `rounding`: signed kopecks added to the total (cash rounding).
    `amount`: the sum of a cash-in or cash-out. `part`: this receipt takes only a part of the price.
    """

    id: UUID
    kind: DocumentKind
    cashier: Short = ""
    lines: tuple[Line, ...] = ()
    discount: Kopecks = 0
    rounding: Annotated[int, msgspec.Meta(ge=-99, le=99)] = 0
    payments: tuple[Payment, ...] = ()
    amount: Kopecks = 0
    original: Original | None = None
    header: tuple[Text, ...] = ()
    footer: tuple[Text, ...] = ()
    part: PartPayment | None = None

    @property
    def total(self) -> int:
        """Sum of the lines after all discounts, before rounding, kopecks."""
        return sum(line.sum for line in self.lines) - self.discount

    @property
    def due(self) -> int:
        """What the buyer pays (or gets back), kopecks; the sum of a cash movement."""
        if self.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
            return self.amount
        return (self.total if self.part is None else self.part.amount) + self.rounding

    @property
    def paid(self) -> int:
        """What was handed over, kopecks."""
        return sum(payment.amount for payment in self.payments)

    @property
    def change(self) -> int:
        """Change to give, kopecks."""
        return self.paid - self.due if self.payments else 0

    def paid_by(self, form: PaymentForm) -> int:
        """Handed over in one form, kopecks (before change)."""
        return sum(payment.amount for payment in self.payments if payment.form is form)

    def check(self) -> None:
        """Refuse a document that does not add up. Raises `Invalid` that names the field."""
        for field, what in self._problems():
            raise Invalid(
                Code.TOTAL_MISMATCH if "add up" in what else Code.PAYMENT if "payment" in field else Code.BAD_FIELD,
                what,
                field=field,
            )

    def _problems(self) -> Iterator[tuple[str, str]]:
        trade = self.kind in (DocumentKind.SALE, DocumentKind.REFUND)
        if trade and not self.lines:
            yield "lines", "a receipt needs at least one line"
        if not trade and (self.lines or self.payments or self.discount or self.rounding or self.part):
            yield "lines", f"a {self.kind} document has no lines, payments, discount or rounding"
        if self.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
            if self.amount < 1:
                yield "amount", "a cash movement needs a sum above zero"
        elif self.amount:
            yield "amount", "only a cash movement has an amount"
        if self.original is not None and self.kind not in (DocumentKind.REFUND, DocumentKind.STORNO):
            yield "original", "only a refund or a storno refers to an original document"
        if self.original is None and self.kind is DocumentKind.STORNO:
            yield "original", "a storno names the document that it cancels"
        for index, line in enumerate(self.lines):
            where = f"lines[{index}]"
            gross = line_sum(line.price, line.quantity)
            if line.discount > gross:
                yield f"{where}.discount", f"the discount {line.discount} is above the line's {gross} kopecks"
            elif line.sum != gross - line.discount:
                yield f"{where}.sum", f"the line does not add up: {line.sum} given, {gross - line.discount} computed"
            if line.discount_percent and line.discount != percent_of(gross, line.discount_percent):
                yield f"{where}.discount", f"the discount does not add up: {line.discount} is not the percentage given"
            if line.uktzed and line.dkpp:
                yield f"{where}.dkpp", "a line is either a good (УКТ ЗЕД) or a service (ДКПП), not both"
            if not line.name.strip():
                yield f"{where}.name", "the name is blank"
            if line.tax != tax_letters(line.tax):
                yield f"{where}.tax", "tax letters are upper-case Cyrillic (А, Б, В …)"
        for where, text in _texts("", msgspec.to_builtins(self)):
            if not _printable(text):
                yield where, "the text holds control characters"
        if not trade:
            return
        if self.total < 0:
            yield "discount", "the discount is above the sum of the lines"
        if self.part is not None:
            yield from self._parts(self.part)
        if not 0 <= self.due <= MAX_MONEY:
            yield "rounding", "the sum to pay is out of range"
        if not self.payments and self.due:
            yield "payments", "a receipt needs a payment"
        if self.paid < self.due:
            yield "payments", f"the payments do not add up: {self.paid} given, {self.due} due"
        if self.change > self.paid_by(PaymentForm.CASH):
            yield "payments", "change is given from cash only"
        if self.kind is DocumentKind.REFUND and self.change:
            yield "payments", "a refund pays out exactly its sum"
        for index, payment in enumerate(self.payments):
            if payment.card is not None and payment.form is not PaymentForm.CARD:
                yield f"payments[{index}].card", "slip data belong to a card payment"

    def _parts(self, part: PartPayment) -> Iterator[tuple[str, str]]:
        rest = self.total - part.before
        if part.stage is Stage.PREPAYMENT and part.advances:
            yield "part.advances", "a prepayment is the first receipt of its price: it follows no advance"
        if part.stage is not Stage.PREPAYMENT and not part.advances:
            yield "part.advances", "a next part and a final settlement name the receipts of their advances"
        if part.stage is Stage.FINAL and part.amount != rest:
            yield "part.amount", f"the final settlement does not add up: {part.amount} given, {rest} left to pay"
        if part.stage is not Stage.FINAL and not 1 <= part.amount <= rest:
            yield "part.amount", f"the part does not add up: {part.amount} given, {rest} left to pay"


def percent_of(sum_: int, percent: int) -> int:
    """`percent` hundredths of a percent of a sum in kopecks, halves up."""
    return (sum_ * percent + 5000) // 10_000


def line_sum(price: int, quantity: int) -> int:
    """price × quantity in kopecks, halves up: 0.275 kg × 199.90 = 54.97 (cashier-flow.md IV-5)."""
    return (price * quantity + 500) // 1000


def tax_letters(text: str) -> str:
    """Tax letters as the registrar knows them: upper-case Cyrillic, Latin look-alikes repaired."""
    return text.strip().upper().translate(LOOKALIKES)


def parse(data: bytes | str) -> Document:
    """A checked document from JSON. Raises `Invalid` for anything that is not exactly one."""
    try:
        plain = json.loads(data, object_pairs_hook=_no_repeats, parse_constant=_no_constants, parse_float=_no_constants)
        document = msgspec.convert(plain, Document)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise Invalid(Code.BAD_FIELD, f"not a document: {error}") from error
    document.check()
    return document


def encode(document: Document) -> bytes:
    """Canonical JSON of a document: field order is the order of this page, defaults left out."""
    return msgspec.json.encode(document)


def schema() -> dict[str, Any]:
    """JSON Schema of a document."""
    return msgspec.json.schema(Document)


def _texts(where: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in plain data with the name of its field."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(f"{where}.{key}" if where else key, part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _texts(f"{where}[{index}]", part)


def _printable(text: str) -> bool:
    """Control characters and lone surrogates have no place on paper, in a journal or in a protocol's frame."""
    return text.isprintable() or all(character.isprintable() or character in "\u00a0\u202f" for character in text)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is not a whole number of kopecks or thousandths")
