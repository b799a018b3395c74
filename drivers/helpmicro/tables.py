"""The device's own tables Tax and Pay -> rows by tax letter and payment form (helpmicro.md §2, §3).

Their layouts are not documented (rare tables are MEDIUM on the page), so they are read leniently: a row has a number
(`no` or `id`) and texts. A table that says nothing leaves the rows that §3 names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from drivers.document import PaymentForm, tax_letters

LETTERS = "АБВГДЕЖЗИК"
ROWS: Mapping[PaymentForm, int] = {
    PaymentForm.CASH: 1,
    PaymentForm.CHEQUE: 2,
    PaymentForm.CREDIT: 3,
    PaymentForm.CARD: 4,
    PaymentForm.CERTIFICATE: 2,
    PaymentForm.IBAN: 3,
}
"""Rows of §3; certificates and transfers have none of their own and share the nearest."""
NAMES: Mapping[PaymentForm, tuple[str, ...]] = {
    PaymentForm.CASH: ("готівк",),
    PaymentForm.CARD: ("карт", "платіжна", "банківськ"),
    PaymentForm.CREDIT: ("кредит",),
    PaymentForm.CHEQUE: ("чек",),
    PaymentForm.CERTIFICATE: ("сертиф",),
    PaymentForm.IBAN: ("iban", "переказ", "рахун"),
}
"""How the names begin, in lower case."""
_NUMBERS = ("no", "id", "num")
_LETTER = re.compile(rf"^([{LETTERS}])(?![А-ЯЇІЄҐа-яїієґ])")


def taxes(table: Any) -> dict[str, int]:
    """Row by tax letter: by the letter that a row names, else by position."""
    rows = list(_rows(table))
    named = {letter: number for number, row in rows for letter in _letters(row)}
    if named:
        return named
    numbers = [number for number, _ in rows] or range(1, len(LETTERS) + 1)
    return dict(zip(LETTERS, numbers, strict=False))


def rates(table: Any) -> dict[str, str]:
    """Rates by tax letter where a row tells one."""
    found = taxes(table)
    texts = {number: _rate(row) for number, row in _rows(table)}
    return {letter: texts[number] for letter, number in found.items() if texts.get(number)}


def forms(table: Any, fixed: Mapping[PaymentForm, int]) -> dict[PaymentForm, int]:
    """Row by payment form: as configured, by name, else as §3 says."""
    found = dict(ROWS)
    rows = list(_rows(table))
    for form, beginnings in NAMES.items():
        for number, row in rows:
            if str(row.get("name", "")).strip().casefold().startswith(beginnings):
                found[form] = number
                break
    return found | dict(fixed)


def _rows(table: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for plain in table if isinstance(table, list) else []:
        if isinstance(plain, dict):
            row = {str(name).lower(): value for name, value in plain.items()}
            number = next((row[name] for name in _NUMBERS if isinstance(row.get(name), int)), None)
            if number is not None:
                yield number, row


def _letters(row: Mapping[str, Any]) -> Iterator[str]:
    for value in row.values():
        if isinstance(value, str) and (found := _LETTER.match(tax_letters(value))):
            yield found[1]


def _rate(row: Mapping[str, Any]) -> str:
    for name in ("rate", "prc", "perc", "percent", "vat", "tax"):
        if name in row and not isinstance(row[name], bool | dict | list):
            return str(row[name])
    return ""
