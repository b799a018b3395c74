"""Tax letters, their dated rates, and what a receipt owes (fiscal-server.md §3.6, §9.1–9.2).

Taxes are included in the price. Excise and other levies are taken from the gross, VAT from the gross less the levies of
the same goods; cash rounding touches neither. The state fixes no letters: the table is data that a taxpayer edits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import IntEnum

from msgspec import Struct

from drivers.errors import Code, Invalid

LETTERS = "АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЮЯ"
"""Letters a taxpayer may give to a rate: Ukrainian capitals, so that no Latin look-alike slips in (§3.6)."""


class TaxKind(IntEnum):
    """TYPE of a tax row; `NONE` is a letter that says "no tax" and makes no row."""

    NONE = -1
    VAT = 0
    EXCISE = 1
    PENSION = 2


class Rate(Struct, frozen=True):
    """One letter from one day on. `percent` in hundredths of a percent: 20 % is 2000."""

    letter: str
    kind: TaxKind
    name: str
    percent: int = 0
    since: date = date.min


class TaxRow(Struct, frozen=True):
    """One row of taxes as it stands in a document, kopecks; `percent` in hundredths of a percent.

    `turnover` before discounts, `source` what the tax is computed from. `on_top`: not included in the price.
    """

    kind: int
    name: str
    letter: str
    percent: int
    turnover: int
    source: int
    sum: int
    on_top: bool = False

    @property
    def key(self) -> tuple[int, str, int, bool]:
        """What a Z-report groups by (§4.1)."""
        return (self.kind, self.letter, self.percent, self.on_top)


class Taxed(Struct, frozen=True):
    """One line for the tax office: its letters, gross before discounts and the base that is really paid, kopecks."""

    letters: str
    gross: int
    base: int
    field: str = ""
    whose: str = ""


class TaxTable:
    """Letters with dated rates. Raises `ValueError` for a table that names a letter twice for one day."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self.rates = tuple(rates)
        seen = set()
        for rate in self.rates:
            if len(rate.letter) != 1 or rate.letter not in LETTERS:
                raise ValueError(f"a tax letter is one upper-case Cyrillic letter, not {rate.letter!r}")
            if (rate.letter, rate.since) in seen:
                raise ValueError(f"the letter {rate.letter} has two rates from {rate.since}")
            if not 0 <= rate.percent < 100_00:
                raise ValueError(f"the rate of {rate.letter} is out of range")
            seen.add((rate.letter, rate.since))

    def at(self, day: date) -> Mapping[str, Rate]:
        """The rates of one day by letter, in the table's order."""
        valid: dict[str, Rate] = {}
        for rate in self.rates:
            known = valid.get(rate.letter)
            if rate.since <= day and (known is None or known.since <= rate.since):
                valid[rate.letter] = rate
        return valid


TAXES = TaxTable(
    (
        Rate("А", TaxKind.VAT, "ПДВ", 20_00),
        Rate("Б", TaxKind.VAT, "ПДВ", 7_00),
        Rate("В", TaxKind.VAT, "ПДВ", 0),
        Rate("Г", TaxKind.EXCISE, "Акциз", 5_00),
        Rate("Д", TaxKind.VAT, "ПДВ", 14_00),
        Rate("Е", TaxKind.NONE, "Без ПДВ"),
        Rate("З", TaxKind.NONE, "Не є об'єктом ПДВ"),
    )
)
"""The table to begin with (§9.1)."""


def included(gross: int, percent: int) -> int:
    """The tax inside a gross sum, kopecks: the gross less its net, the net rounded half up.

    An exact half kopeck of tax thus falls down (12.57 at 20 % holds 2.09): so does the tax service's own sample (§3.6).
    """
    net = (gross * 20_000 + 10_000 + percent) // (2 * (10_000 + percent))
    return gross - net


def distribute(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole kopecks over the weights, by largest remainder; earlier places first on a tie.

    No share is above its weight while `total` is not above their sum. All weights zero: `total` must be zero.
    """
    whole = sum(weights)
    if not whole:
        if total:
            raise ValueError("nothing to distribute over")
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in order[: total - sum(shares)]:
        shares[place] += 1
    return shares


def tax_rows(lines: Sequence[Taxed], rates: Mapping[str, Rate], *, pays_vat: bool) -> tuple[TaxRow, ...]:
    """Tax rows of a receipt: VAT first, then excise, then the rest; by the table's order inside a kind.

    Raises `Invalid` for a letter that the table does not know, for two VAT letters on one line and for a VAT letter
    of a seller who pays no VAT.
    """
    sums: dict[str, list[int]] = {}
    levied: dict[tuple[str, str], int] = {}
    for line in lines:
        vat = _vat(line, rates, pays_vat)
        for letter in line.letters:
            pair = sums.setdefault(letter, [0, 0])
            pair[0] += line.gross
            pair[1] += line.base
            if rates[letter].kind > TaxKind.VAT:
                levied[letter, vat] = levied.get((letter, vat), 0) + line.base
    taxes: dict[str, int] = {}
    inside: dict[str, int] = {}
    for letter, (_, base) in sums.items():
        if rates[letter].kind > TaxKind.VAT:
            taxes[letter] = included(base, rates[letter].percent)
            groups = [(vat, part) for (levy, vat), part in levied.items() if levy == letter]
            for (vat, _), share in zip(groups, distribute(taxes[letter], [part for _, part in groups]), strict=True):
                inside[vat] = inside.get(vat, 0) + share
    rows = []
    for letter, rate in rates.items():
        if letter not in sums or rate.kind is TaxKind.NONE:
            continue
        turnover, base = sums[letter]
        source = base - inside.get(letter, 0) if rate.kind is TaxKind.VAT else base
        tax = included(source, rate.percent) if rate.kind is TaxKind.VAT else taxes[letter]
        rows.append(TaxRow(int(rate.kind), rate.name, letter, rate.percent, turnover, source, tax))
    return tuple(sorted(rows, key=lambda row: row.kind))


def _vat(line: Taxed, rates: Mapping[str, Rate], pays_vat: bool) -> str:
    """The line's VAT letter, "" where it has none."""
    of = f" for «{line.whose}»" if line.whose else ""
    vat = ""
    for letter in line.letters:
        rate = rates.get(letter)
        if rate is None:
            raise Invalid(Code.TAX, f"the tax letter {letter}{of} is not in the tax table", field=line.field)
        if rate.kind is not TaxKind.VAT:
            continue
        if not pays_vat:
            raise Invalid(Code.TAX, f"the seller pays no VAT, but {letter}{of} is a VAT letter", field=line.field)
        if vat:
            raise Invalid(Code.TAX, f"two VAT letters, {vat} and {letter},{of}", field=line.field)
        vat = letter
    if len(set(line.letters)) != len(line.letters):
        raise Invalid(Code.TAX, f"a tax letter stands twice{of}", field=line.field)
    return vat
