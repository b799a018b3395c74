"""What a card of goods may be (cashier-flow.md X.1): the guards that no screen and no import gets around.

New goods are fiscal. Excisable goods cannot be otherwise and need their УКТ ЗЕД subcategory; goods that are not fiscal
give one of the lawful grounds of `kiosk/till/rules.toml`. A tax letter is one that registrars know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from stdnum import ean

from drivers.document import MAX_MONEY, tax_letters
from kiosk.ledger.folding import LONGEST, fold
from kiosk.ledger.records import Good
from kiosk.till import rules

LETTERS = "АБВГДЕЖЗИМН"
"""Tax letters of all families of registrars (fiscal-server.md §9.1, registrars' pages)."""
LONGEST_CODE = 64
_UKTZED = re.compile(r"\d{4}|\d{6}|\d{8}|\d{10}")
_EXCISE = re.compile(r"\d{10}")
_LATIN, _CYRILLIC = re.compile(r"[A-Za-z]"), re.compile(r"[А-Яа-яІіЇїЄєҐґ]")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a card. `fatal`: it cannot be sold so; otherwise it is only strange."""

    field: str
    what: str
    fatal: bool = True


def problems(good: Good, on: date) -> list[Problem]:
    """Everything that is wrong, in English for reports; empty for a sound card."""
    return list(_problems(good, on))


def _problems(good: Good, on: date) -> Iterator[Problem]:
    if not 0 < len(good.code) <= LONGEST_CODE or not good.code.isprintable():
        yield Problem("code", "a code of 1 to 64 printable characters is needed")
    if not fold(good.name):
        yield Problem("name", "the name is empty")
    elif len(good.name) > LONGEST:
        yield Problem("name", f"the name has {len(good.name)} characters, at most {LONGEST} are possible")
    if not 0 <= good.price <= MAX_MONEY:
        yield Problem("price", "the price is out of range")
    letters = good.tax
    if not letters or letters != tax_letters(letters) or any(letter not in LETTERS for letter in letters):
        yield Problem("tax", f"{letters!r} are no tax letters")
    elif len(letters) > 2 or len(set(letters)) != len(letters):
        yield Problem("tax", f"{letters!r}: a line has one VAT letter and at most one excise letter")
    if good.uktzed and not _UKTZED.fullmatch(good.uktzed):
        yield Problem("uktzed", f"{good.uktzed!r} is no УКТ ЗЕД code: 4, 6, 8 or 10 digits")
    if good.excisable and not _EXCISE.fullmatch(good.uktzed):
        yield Problem("uktzed", "excisable goods need the ten digits of their УКТ ЗЕД subcategory")
    if good.excisable and not good.fiscal:
        yield Problem("fiscal", "excisable goods are always fiscal")
    if not good.fiscal:
        if not good.ground:
            yield Problem("ground", "goods that are not fiscal need the ground that allows it")
        elif good.ground not in rules.grounds(on):
            known = ", ".join(sorted(rules.grounds(on)))
            yield Problem("ground", f"{good.ground!r} is no lawful ground; known: {known}")
    elif good.ground:
        yield Problem("ground", "fiscal goods have no ground")
    if good.barcode:
        if len(good.barcode) > LONGEST_CODE or not good.barcode.isprintable():
            yield Problem("barcode", "the barcode is too long or holds strange characters")
        elif good.barcode.isdigit() and len(good.barcode) in (8, 12, 13, 14) and not ean.is_valid(good.barcode):
            # Shops stick labels of their own: it is told, not refused, because a scanner reads it all the same.
            yield Problem("barcode", f"the check digit of {good.barcode} is wrong", fatal=False)
    if mixed := mixed_words(good.name):
        yield Problem("name", f"Latin letters in Ukrainian words: {', '.join(mixed)}", fatal=False)


def mixed_words(name: str) -> list[str]:
    """Words with letters of both alphabets: they look right and no search finds them."""
    return [word for word in name.split() if _LATIN.search(word) and _CYRILLIC.search(word)]


def on_receipt(name: str, width: int) -> tuple[str, int]:
    """How a registrar of `width` characters cuts the name, and how many characters are left (below 0: lost); X-4."""
    return name[:width], width - len(name)
