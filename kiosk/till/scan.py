"""What one entry of the sale's input means: a barcode, a weight label, a card, a receipt, `quantity*code`, or a search.

A scanner under a Ukrainian keyboard layout types Cyrillic by key position (kiosk-platform.md §3): such text is read
back as Latin and both readings are tried. AIM symbology prefixes (`]E0`, `]C1` …) are stripped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from kiosk.till.errors import N_, Refusal
from kiosk.till.money import read_quantity

LONGEST = 200
"""Characters that an entry may have; a longer one is a jammed scanner."""
_AIM = re.compile(r"\][A-Za-z][0-9A-Fa-f]")
_FROM = "йцукенгшщзхїфівапролджєячсмитьбю.ґЙЦУКЕНГШЩЗХЇФІВАПРОЛДЖЄЯЧСМИТЬБЮ,Ґ"
_TO = "qwertyuiop[]asdfghjkl;'zxcvbnm,./\\QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?|"
LAYOUT = str.maketrans(_FROM, _TO)
RECEIPT_PREFIX = "29"
"""In-store EAN-13 prefix of the barcode of our receipts: 29, ten digits of the receipt's number, check digit."""


class Kind(StrEnum):
    CODE = "code"
    WEIGHT = "weight"
    RECEIPT = "receipt"
    SEARCH = "search"


@dataclass(frozen=True)
class Entry:
    """One entry, read. `codes` are spellings to try in order; `quantity` thousandths (0: not given)."""

    kind: Kind
    text: str
    codes: tuple[str, ...] = ()
    quantity: int = 0
    receipt: int = 0


@dataclass(frozen=True)
class WeightLabel:
    """Template of a label of the scales: prefix, digits of the article (PLU), digits of the value.

    `price` labels hold kopecks of the line instead of grams.
    """

    prefix: str
    code_digits: int = 5
    value_digits: int = 5
    price: bool = False


LABELS = (WeightLabel("20"), WeightLabel("21"), WeightLabel("22"))
"""Labels in use where the settings say nothing: 2x, five digits of PLU, five of grams."""


def read(text: str, *, labels: tuple[WeightLabel, ...] = LABELS) -> Entry:
    """The meaning of one entry. Raises `Refusal` for an empty, overlong or unreadable one."""
    if len(text) > LONGEST:
        raise Refusal("LONG_SCAN", N_("The scan is too long: {length} characters"), N_("Scan again."), length=len(text))
    clean = _AIM.sub("", "".join(character for character in text if character.isprintable()).strip(), count=1)
    if not clean:
        raise Refusal("EMPTY_SCAN", N_("Nothing was scanned"))
    quantity = 0
    head, star, tail = clean.partition("*")
    if star and tail.strip():
        quantity = read_quantity(head.strip(), whole=False)
        clean = tail.strip()
    if is_ean13(clean) and not quantity:
        if clean.startswith(RECEIPT_PREFIX):
            return Entry(Kind.RECEIPT, clean, receipt=int(clean[2:12]))
        for label in labels:
            if clean.startswith(label.prefix) and len(label.prefix) + label.code_digits + label.value_digits == 12:
                return _weighed(clean, label)
    latin = clean.translate(LAYOUT)
    codes = tuple(dict.fromkeys((clean, latin)))
    letters = any(character.isalpha() for character in clean)
    kind = Kind.SEARCH if letters and " " in clean and not quantity else Kind.CODE
    return Entry(kind, clean, codes, quantity)


def _weighed(code: str, label: WeightLabel) -> Entry:
    start = len(label.prefix)
    plu = code[start : start + label.code_digits]
    value = int(code[start + label.code_digits : 12])
    if value == 0:
        raise Refusal("ZERO_WEIGHT", N_("The label says zero weight"), N_("Weigh the goods again."))
    return Entry(Kind.WEIGHT, code, (plu, plu.lstrip("0")), quantity=-value if label.price else value)


def is_ean13(text: str) -> bool:
    """Whether `text` is thirteen digits with a right check digit."""
    return len(text) == 13 and text.isascii() and text.isdigit() and ean_check(text[:12]) == text[12]


def ean_check(twelve: str) -> str:
    """Check digit of EAN-13: weights 1 and 3 from the left."""
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(twelve))
    return str(-total % 10)


def receipt_barcode(number: int) -> str:
    """The barcode that the receipt with this number bears."""
    twelve = f"{RECEIPT_PREFIX}{number:010d}"
    return twelve + ean_check(twelve)
