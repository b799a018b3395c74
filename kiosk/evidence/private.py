"""What must never be found in anything that was sent: every value of the base that is nobody else's business.

The rule is the wall's: what is not named here as sendable is private. A new text column is sought in everything that
was ever sent from the day it exists, until somebody names it in `SENDABLE` with a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, LargeBinary, MetaData, String, Text, TypeDecorator, Uuid, select

from kiosk.ledger.engine import Database
from kiosk.ledger.models import Base
from kiosk.ledger.models.base import Moment, Plain

SENDABLE = frozenset(
    {
        # A receipt's own fields (cashier-flow.md X.1, X.6).
        "goods.code", "goods.name", "goods.words", "goods.name_key", "goods.barcode", "goods.unit", "goods.tax",
        "goods.uktzed", "receipt_lines.code", "receipt_lines.name", "receipt_lines.unit", "receipt_lines.tax",
        "receipt_lines.uktzed", "receipt_lines.barcode", "receipt_lines.excise",
        "receipts.payments", "fiscal_documents.document", "fiscal_documents.result", "fiscal_documents.number",
        "document_money.name", "enterprises.name", "enterprises.tax_number", "users.name", "users.key_id",
        "leases.user_name", "leases.serial", "bindings.serial", "bindings.fiscal_number", "bindings.model",
        "bindings.signers", "shifts.serial", "stamps.stamp", "orders.lines",
    }
)  # fmt: skip
"""Columns whose values receipts carry by law."""
TECHNICAL = frozenset(
    {
        # The program's own words: they say nothing about a person and occur everywhere.
        "users.role", "users.denied", "goods.ground", "receipt_lines.ground", "receipts.kind", "receipts.state",
        "receipts.workplace", "fiscal_documents.kind", "fiscal_documents.state", "document_money.what",
        "baskets.workplace", "baskets.state", "bindings.workplace", "bindings.url", "bindings.role",
        "leases.workplace", "shifts.workplace", "shifts.checks", "shifts.closing", "settings.name", "settings.value",
        "journal.at", "journal.event", "journal.document_hash", "journal.previous", "journal.hash", "audit.action",
        "audit.detail", "fiscal_documents.note", "orders.number", "orders.workplace", "order_parts.stage",
        # A slip's lines are titles, sums, and the names of non-fiscal lines, which are sought by themselves.
        "slips.lines",
    }
)  # fmt: skip
"""Columns with words of the program."""
KINDS = {
    "customers.name": "customer",
    "customers.name_ci": "customer",
    "customers.name_key": "customer",
    "customers.card": "customer card",
    "orders.buyer": "customer",
    "users.badge": "staff",
    "users.pin_hash": "staff",
    "receipts.reason": "note",
    "baskets.note": "note",
}
"""What a private column holds, for the report; others are called by their own name."""
MONEY = re.compile(r"purchase|cost|debt|balance|margin|supplier")
"""Columns of numbers that are private: their names say so."""
SHORTEST = 3
"""Characters below which a value is found by chance everywhere and proves nothing."""
_PHONE = re.compile(r"^[+(]?[\d\s()+-]{9,20}$")


@dataclass(frozen=True)
class Value:
    """One private value. `forms`: how it might be written. `known`: the same text is also a sendable value."""

    kind: str
    column: str
    text: str
    forms: tuple[str, ...]
    exact: bool = False
    """Digits that must stand alone: the card 1250 within 41250 is no hit; a phone may follow its country's code."""
    known: bool = False


def private_columns(metadata: MetaData = Base.metadata) -> list[tuple[str, str]]:
    """Table and column of everything private."""
    found = []
    for table in metadata.sorted_tables:
        for column in table.columns:
            name = f"{table.name}.{column.name}"
            if name not in SENDABLE and name not in TECHNICAL and _is_private(name, column.type):
                found.append((table.name, column.name))
    return found


def _is_private(name: str, type_: Any) -> bool:
    if isinstance(type_, Moment | Uuid | LargeBinary):
        return False
    if isinstance(type_, Plain | String | Text):
        return True
    if isinstance(type_, TypeDecorator):
        type_ = type_.impl
    return isinstance(type_, Integer) and MONEY.search(name.rpartition(".")[2]) is not None


def values(database: Database) -> Iterator[Value]:
    """Every private value of the base, each text of a column once; lines that were sold without a receipt too."""
    with database.read() as connection:
        tables = Base.metadata.tables
        goods, lines, users = tables["goods"], tables["receipt_lines"], tables["users"]
        known = {row[0].casefold() for row in connection.execute(select(goods.c.name).where(goods.c.fiscal))}
        known |= {row[0].casefold() for row in connection.execute(select(users.c.name))}
        fiscal = select(lines.c.name).where(lines.c.fiscal).distinct()
        known |= {row[0].casefold() for row in connection.execute(fiscal)}
        for table, column in private_columns():
            name = f"{table}.{column}"
            kind = KINDS.get(name, name)
            for (stored,) in connection.execute(select(tables[table].c[column]).distinct()):
                for text in _texts(stored):
                    yield _value(kind, name, text, known)
        hidden = select(lines.c.name).where(~lines.c.fiscal).distinct()
        for (text,) in connection.execute(hidden):
            yield _value("non-fiscal line", "receipt_lines.name", text, known)


def _texts(stored: Any) -> Iterator[str]:
    if isinstance(stored, bool) or stored is None:
        return
    if isinstance(stored, int):
        yield str(stored)
    elif isinstance(stored, str):
        yield stored.strip()
    elif isinstance(stored, dict):
        for part in stored.values():
            yield from _texts(part)
    elif isinstance(stored, list | tuple):
        for part in stored:
            yield from _texts(part)


def _value(kind: str, column: str, text: str, known: set[str]) -> Value:
    forms = {text}
    digits = re.sub(r"\D", "", text) if _PHONE.match(text) else ""
    phone = len(digits) >= 9 and (text.startswith(("+", "(", "0")) or digits.startswith("380"))
    if phone:
        forms |= {digits, digits[-9:]}
    number = text.lstrip("-").isdecimal() and MONEY.search(column) is not None
    if number:
        kopecks = abs(int(text))
        forms |= {f"{kopecks // 100}.{kopecks % 100:02d}", f"{kopecks // 100},{kopecks % 100:02d}"}
    elif not text.isdigit():
        forms |= {text.upper(), text.lower()}
    if "\\" in json.dumps(text, ensure_ascii=False):
        forms.add(json.dumps(text, ensure_ascii=False)[1:-1])
    return Value(
        kind,
        column,
        text,
        tuple(sorted(forms)),
        exact=number or (text.isdigit() and not phone),
        known=text.casefold() in known,
    )
