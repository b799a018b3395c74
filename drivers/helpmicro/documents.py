"""Documents and journal objects of Help Micro (helpmicro.md §3), pure functions.

    {"F":[{"C":{"cm":"…"}},{"S":{"code":100,"name":"Хліб","qty":2,"price":12.5,"tax":1}},{"P":{"no":1,"sum":30}}]}

One key names the kind: F sale, R return, IO cash, P non-fiscal, L registration or copy. Its list holds one-key lines:
S good, D correction of the good before, C comment, N non-fiscal comment, P payment, IO cash. Numbers are decimals in
hryvnias and units. The device answers with the journal object: the same with `id`, `no`, `datetime` and its own sums.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from drivers import corrections
from drivers.document import CardSlip, Document, DocumentKind, Line, Payment, PaymentForm
from drivers.errors import Code, LinkLost

ARTICLES = 10**13 - 1
"""Article codes of at most 13 digits (§3)."""
NAME_LENGTH = 48
"""Characters of a name: the width depends on the firmware and is not documented, an error refuses the whole receipt."""
COMMENT_LENGTH = 40
KINDS: Mapping[DocumentKind, str] = {
    DocumentKind.SALE: "F",
    DocumentKind.ZERO: "F",
    DocumentKind.REFUND: "R",
    DocumentKind.CASH_IN: "IO",
    DocumentKind.CASH_OUT: "IO",
}


@dataclass(frozen=True)
class Dialect:
    """What differs from unit to unit. `taxes`: row of the table Tax by letter; `forms`: of the table Pay by form."""

    taxes: Mapping[str, int]
    forms: Mapping[PaymentForm, int]
    uktzed_field: bool = True
    excise_field: bool = True
    name_length: int = NAME_LENGTH


@dataclass(frozen=True)
class Entry:
    """One journal object. Sums in kopecks; `lines` as (kind, fields)."""

    kind: str
    number: int
    at: datetime | None
    pending: bool
    lines: tuple[tuple[str, Mapping[str, Any]], ...]

    def comments(self) -> Iterator[str]:
        for name, fields in self.lines:
            if name in ("C", "N"):
                yield str(fields.get("cm", ""))

    def taxes(self) -> dict[int, int]:
        """Turnover by row of the table Tax: goods and the corrections that follow them."""
        found: dict[int, int] = {}
        row = 0
        for name, fields in self.lines:
            if name in ("S", "D"):
                row = int(fields.get("tax", row) or row)
                found[row] = found.get(row, 0) + kopecks(fields.get("sum", 0))
        return found

    @property
    def total(self) -> int:
        """Turnover of a receipt; signed sum of a cash movement."""
        if self.kind == "IO":
            return sum(kopecks(fields.get("sum", 0)) for name, fields in self.lines if name == "IO")
        return sum(self.taxes().values())

    def payments(self, cash: int) -> dict[int, int]:
        """Money kept by row of the table Pay: the cash row shows what was handed over, so it takes the rest."""
        found: dict[int, int] = {}
        for name, fields in self.lines:
            if name == "P":
                row = int(fields.get("no", cash))
                found[row] = found.get(row, 0) + kopecks(fields.get("sum", 0))
        others = sum(amount for row, amount in found.items() if row != cash)
        if cash in found or others != self.total:
            found[cash] = self.total - others
        return {row: amount for row, amount in found.items() if amount}


def marker(document: Document) -> str:
    """The document's own id as it stands in a comment: the key that is searched for after a doubt (§7)."""
    return document.id.hex


def build(document: Document, dialect: Dialect) -> dict[str, list[Any]]:
    """The body of POST /cgi/chk."""
    if document.kind is DocumentKind.ZERO:
        return {"F": [{"N": {"cm": marker(document)}}]}
    lines: list[Any] = [_comment(marker(document))]
    if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
        amount = document.amount if document.kind is DocumentKind.CASH_IN else -document.amount
        return {"IO": [*lines, {"IO": {"sum": money(amount), "no": dialect.forms[PaymentForm.CASH]}}]}
    if document.original is not None:
        at = document.original.at[:16].replace("T", " ")
        lines += comments(f"Повернення по чеку №{document.original.number}", at)
    lines += comments(*document.header)
    for line, correction in zip(document.lines, corrections.per_line(document), strict=True):
        lines.append({"S": _good(line, dialect)})
        if correction:
            lines.append({"D": {"sum": money(correction)}})
        stamps = () if dialect.excise_field else line.excise
        lines += comments(*(f"Акцизна марка {stamp}" for stamp in stamps), line.comment)
    lines += comments(*document.footer)
    # Cash last: only cash may exceed the rest. Nothing to pay is paid by cash without a sum ("omit = all").
    lines += [
        {"P": _payment(payment, dialect)} for payment in document.payments if payment.form is not PaymentForm.CASH
    ]
    cash = {"no": dialect.forms[PaymentForm.CASH]}
    if amount := document.paid_by(PaymentForm.CASH):
        lines.append({"P": cash | {"sum": money(amount)}})
    elif not document.payments:
        lines.append({"P": cash})
    return {KINDS[document.kind]: lines}


def encode(body: Any) -> bytes:
    """JSON as the device takes it: UTF-8, numbers as numbers."""
    import msgspec

    return msgspec.json.Encoder(decimal_format="number").encode(body)


def decode(data: bytes) -> Any:
    """JSON of an answer, numbers exact. Raises `LinkLost` for anything else."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise LinkLost(Code.FRAME, f"the registrar sent {data[:60]!r} where JSON belongs") from error


def entries(answer: Any) -> list[Entry]:
    """Journal objects of an answer; what is none is passed over."""
    objects = answer if isinstance(answer, list) else [answer]
    return [found for plain in objects if isinstance(plain, dict) and (found := entry(plain)) is not None]


def entry(plain: Mapping[str, Any]) -> Entry | None:
    """One journal object; None for what has no number."""
    kind = next((name for name in ("F", "R", "IO", "P", "L", "VD", "Z1") if name in plain), "")
    number = plain.get("no", plain.get("id"))
    if not kind or not isinstance(number, int):
        return None
    content = plain[kind]
    lines = [
        (name, fields)
        for line in (content if isinstance(content, list) else [])
        if isinstance(line, dict)
        for name, fields in line.items()
        if isinstance(fields, dict)
    ]
    stamp = plain.get("datetime")
    at = datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int) else None
    return Entry(kind, number, at, bool(plain.get("pending")), tuple(lines))


def money(value: int) -> int | Decimal:
    """1250 -> 12.5, 2500 -> 25."""
    return _number(value, 2)


def kopecks(value: Any) -> int:
    """12.5 -> 1250. Raises `LinkLost` for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise LinkLost(Code.FRAME, f"the registrar sent {value!r} where a sum belongs")
    return round(Decimal(value) * 100)


def comments(*texts: str) -> list[dict[str, Any]]:
    """Comment lines of the printer's width, blank texts left out."""
    import textwrap

    return [_comment(line) for text in texts for line in textwrap.wrap(text, COMMENT_LENGTH)]


def article(line: Line, name: str) -> int:
    """The article's code: an article keeps its name and tax until a Z (C4), so they make the code."""
    parts = "\0".join((line.code, name, line.tax))
    return 1 + int.from_bytes(blake2b(parts.encode(), digest_size=8).digest()) % ARTICLES


def _number(value: int, places: int) -> int | Decimal:
    whole = Decimal(value).scaleb(-places)
    return int(whole) if whole == int(whole) else whole.normalize()


def _comment(text: str) -> dict[str, Any]:
    return {"C": {"cm": text}}


def _good(line: Line, dialect: Dialect) -> dict[str, Any]:
    prefix = f"{line.uktzed}#" if line.uktzed and not dialect.uktzed_field else ""
    name = (prefix + line.name)[: dialect.name_length].rstrip()
    fields: dict[str, Any] = {
        "code": article(line, name),
        "name": name,
        "qty": _number(line.quantity, 3),
        "price": money(line.price),
        "tax": dialect.taxes[line.tax],
    }
    if line.uktzed and dialect.uktzed_field:
        # A JSON number (§3), so that a code of chapters 01…09 loses its first zero; `uktzed=name` keeps it.
        fields["uktzed"] = int(line.uktzed)
    if line.excise and dialect.excise_field:
        fields["excise"] = [{"stamp": stamp} for stamp in line.excise]
    return fields


def _payment(payment: Payment, dialect: Dialect) -> dict[str, Any]:
    fields: dict[str, Any] = {"no": dialect.forms[payment.form], "sum": money(payment.amount)}
    return fields | _slip(payment.card) if payment.card is not None else fields


def _slip(card: CardSlip) -> dict[str, Any]:
    fields = {
        "rrn": card.rrn,
        "card": card.pan_mask,
        "bank": card.acquirer or card.payment_system,
        "term": card.terminal,
        "authcode": card.auth_code,
    }
    found: dict[str, Any] = {name: value for name, value in fields.items() if value}
    return found | {"fee": money(card.fee)} if card.fee else found
