"""A table of goods becomes cards: which column is what, a dry run that names every bad row, then one change.

The dry run reads the file once and stores nothing; the change reads it again, card by card, into one transaction of
the ledger. What the table has no column for stays as it is; a new card gets the defaults, and is fiscal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any

from drivers.document import tax_letters
from kiosk.catalogue.card import problems
from kiosk.catalogue.table import TableError, open_table
from kiosk.ledger.interface import Goods
from kiosk.ledger.records import Good

FIELDS: Mapping[str, tuple[str, ...]] = {
    "code": ("code", "код", "артикул", "код товару", "внутрішній код", "sku", "id"),
    "name": ("name", "назва", "назва товару", "найменування", "товар", "номенклатура"),
    "price": ("price", "ціна", "ціна продажу", "роздрібна ціна", "ціна, грн", "ціна роздрібна"),
    "barcode": ("barcode", "штрихкод", "штрих-код", "штрих код", "ean", "ean13"),
    "unit": ("unit", "одиниця", "од", "од.", "од. вим.", "одиниця виміру"),
    "tax": ("tax", "податок", "літера", "податкова літера", "група податку", "ставка", "літера пдв"),
    "uktzed": ("uktzed", "уктзед", "укт зед", "код уктзед", "код укт зед"),
    "excisable": ("excisable", "підакцизний", "акциз", "акцизний"),
    "adult": ("adult", "18+", "вік 18+", "18 плюс"),
    "weighed": ("weighed", "ваговий", "вага"),
    "fiscal": ("fiscal", "фіскальний", "фіск"),
    "ground": ("ground", "підстава"),
    "department": ("department", "відділ", "секція"),
    "stock": ("stock", "залишок", "кількість"),
}
"""Fields of a card and the headings that mean them, lower case."""
NEEDED = ("code", "name", "price")
YES = frozenset({"1", "так", "yes", "true", "т", "y", "+", "x", "х", "да"})
NO = frozenset({"0", "ні", "no", "false", "н", "n", "-", "", "нет"})
PART = 1000
"""Rows that are compared with the catalogue at once."""
SHOWN = 1000
"""Bad rows that are told with their reasons; the rest are counted."""

Progress = Callable[[int], bool]
"""(rows read) -> whether to go on."""


@dataclass(frozen=True)
class Mapped:
    """Field -> column (from 0), and the row of the headings."""

    columns: Mapping[str, int]
    heading: int = 1

    @property
    def missing(self) -> list[str]:
        return [name for name in NEEDED if name not in self.columns]


@dataclass(frozen=True)
class Preview:
    """The headings, what they were taken for, and the first rows as they stand."""

    headings: tuple[str, ...]
    mapped: Mapped
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Bad:
    """A row that cannot become a card (`fatal`), or a strange one that can."""

    row: int
    field: str
    what: str
    fatal: bool = True


@dataclass
class Report:
    """What a dry run found. `bad` and `strange` are the first ones; the counts are whole."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    bad_count: int = 0
    strange_count: int = 0
    bad: list[Bad] = field(default_factory=list)
    strange: list[Bad] = field(default_factory=list)
    complete: bool = True

    @property
    def sound(self) -> bool:
        """Every row can become a card."""
        return self.complete and not self.bad_count and self.rows > 0


def preview(path: Path, rows: int = 10) -> Preview:
    """The headings and the first rows, with a guess which column is what. Raises `TableError`."""
    with open_table(path) as table:
        first = next(table, None)
        if first is None:
            raise TableError("the table is empty")
        heading, cells = first
        shown = [(number, tuple(row)) for number, row in (next(table, (0, [])) for _ in range(rows)) if row]
    return Preview(tuple(cells), Mapped(guess(cells), heading), tuple(shown))


def guess(headings: Sequence[str]) -> dict[str, int]:
    """Which column each field is, by its heading; the first column that fits wins."""
    found: dict[str, int] = {}
    for column, heading in enumerate(headings):
        plain = re.sub(r"\s+", " ", heading.strip().lower().replace("_", " "))
        for name, words in FIELDS.items():
            if plain in words and name not in found:
                found[name] = column
                break
    return found


def dry_run(
    path: Path, mapped: Mapped, goods: Goods, enterprise_id: int, on: date, tell: Progress | None = None
) -> Report:
    """Read everything, store nothing: every bad row by its number and reason. Raises `TableError`."""
    report = Report()
    codes: dict[str, int] = {}
    barcodes: dict[str, int] = {}
    for part in _parts(path, mapped):
        if tell is not None and not tell(report.rows):
            report.complete = False
            break
        there = goods.by_codes(_cell(cells, mapped, "code") for _, cells in part)
        owners = goods.by_barcodes(_cell(cells, mapped, "barcode") for _, cells in part)
        for number, cells in part:
            report.rows += 1
            good, wrong = card(cells, mapped, enterprise_id, there)
            found = [Bad(number, name, what) for name, what in wrong]
            unread = {name for name, _ in wrong}
            found += [
                Bad(number, one.field, one.what, one.fatal) for one in problems(good, on) if one.field not in unread
            ]
            found += _repeats(number, good, codes, barcodes, owners)
            _count(report, found, there.get(good.code), good)
    return report


def _repeats(
    number: int, good: Good, codes: dict[str, int], barcodes: dict[str, int], owners: Mapping[str, Good]
) -> Iterator[Bad]:
    """A code or barcode that another row or another card has."""
    if good.code:
        first = codes.setdefault(good.code, number)
        if first != number:
            yield Bad(number, "code", f"the code {good.code} stands in row {first} already")
    if good.barcode:
        first = barcodes.setdefault(good.barcode, number)
        owner = owners.get(good.barcode)
        if first != number:
            yield Bad(number, "barcode", f"the barcode {good.barcode} stands in row {first} already")
        elif owner is not None and owner.code != good.code:
            yield Bad(number, "barcode", f"the barcode {good.barcode} belongs to the good {owner.code}")


def _count(report: Report, found: Sequence[Bad], before: Good | None, good: Good) -> None:
    fatal = [one for one in found if one.fatal]
    strange = [one for one in found if not one.fatal]
    report.bad_count += bool(fatal)
    report.strange_count += bool(strange)
    report.bad += fatal[: max(0, SHOWN - len(report.bad))]
    report.strange += strange[: max(0, SHOWN - len(report.strange))]
    if not fatal:
        same = before is not None and replace(before, id=0) == replace(good, id=0)
        report.new += before is None
        report.same += same
        report.changed += before is not None and not same


def cards(path: Path, mapped: Mapped, goods: Goods, enterprise_id: int, on: date) -> Iterator[tuple[Good | None, Good]]:
    """The sound rows as (card as it is, card as it will be), unchanged ones left out. Bad rows are passed over, and of
    rows with the same code or barcode the first one counts."""
    codes: dict[str, int] = {}
    barcodes: dict[str, int] = {}
    for part in _parts(path, mapped):
        there = goods.by_codes(_cell(cells, mapped, "code") for _, cells in part)
        owners = goods.by_barcodes(_cell(cells, mapped, "barcode") for _, cells in part)
        for number, cells in part:
            good, wrong = card(cells, mapped, enterprise_id, there)
            bad = bool(wrong) or any(one.fatal for one in problems(good, on))
            if any(_repeats(number, good, codes, barcodes, owners)) or bad:
                continue
            before = there.get(good.code)
            if before is None or replace(before, id=0) != replace(good, id=0):
                yield before, good


def card(
    cells: Sequence[str], mapped: Mapped, enterprise_id: int, there: Mapping[str, Good]
) -> tuple[Good, list[tuple[str, str]]]:
    """One row as a card, over the card that is there already; and what of it cannot be read."""
    texts = {name: cells[column] if column < len(cells) else "" for name, column in mapped.columns.items()}
    wrong: list[tuple[str, str]] = []
    code = texts.get("code", "").strip()
    if not code:
        wrong.append(("code", "the code is empty"))
    start = there.get(code) or Good(0, code, "", 0, enterprise_id)
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if name == "code":
            continue
        try:
            values[name] = _READ[name](text)
        except ValueError as error:
            wrong.append((name, str(error)))
    if values.get("fiscal") is True:
        values["ground"] = values.get("ground", "")
    if "tax" in values and not values["tax"]:
        values["tax"] = start.tax
    if "unit" in values and not values["unit"]:
        values["unit"] = start.unit
    return replace(start, **values), wrong


def _cell(cells: Sequence[str], mapped: Mapped, name: str) -> str:
    column = mapped.columns.get(name, len(cells))
    return cells[column].strip() if column < len(cells) else ""


def _parts(path: Path, mapped: Mapped) -> Iterator[list[tuple[int, list[str]]]]:
    rows = _rows(path, mapped)
    while part := list(islice(rows, PART)):
        yield part


def _rows(path: Path, mapped: Mapped) -> Iterator[tuple[int, list[str]]]:
    if mapped.missing:
        raise TableError(f"no column for: {', '.join(mapped.missing)}. Say which columns they are.")
    with open_table(path) as table:
        for number, cells in table:
            if number > mapped.heading:
                yield number, cells


def kopecks(text: str) -> int:
    """«1 234,50», "1234.5", «12,50 грн» -> kopecks. Raises ValueError."""
    return _scaled(text, 100, "price")


def thousandths(text: str) -> int:
    """Quantity; an empty cell is none."""
    return _scaled(text, 1000, "quantity") if text.strip() else 0


def _scaled(text: str, scale: int, what: str) -> int:
    clean = re.sub(r"[\s\u00a0\u202f'₴]|грн\.?|uah", "", text.strip(), flags=re.IGNORECASE)
    if "," in clean and "." in clean:
        # The last of the two is the decimal one: 1.234,50 and 1,234.50.
        thousands = "." if clean.rindex(",") > clean.rindex(".") else ","
        clean = clean.replace(thousands, "")
    clean = clean.replace(",", ".")
    if not re.fullmatch(r"-?\d+(\.\d*)?|-?\.\d+", clean):
        raise ValueError(f"the {what} {text!r} is no number" if text.strip() else f"the {what} is empty")
    try:
        value = Decimal(clean) * scale
    except InvalidOperation as error:
        raise ValueError(f"the {what} {text!r} is no number") from error
    if value != value.to_integral_value():
        raise ValueError(f"the {what} {text!r} is finer than a {'kopeck' if scale == 100 else 'thousandth'}")
    if what == "price" and value < 0:
        raise ValueError(f"the price {text!r} is below zero")
    return int(value)


def _flag(text: str) -> bool:
    plain = text.strip().lower()
    if plain in YES:
        return True
    if plain in NO:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def _fiscal(text: str) -> bool:
    """An empty cell is no decision: goods are fiscal until somebody says otherwise (X.1)."""
    return True if not text.strip() else _flag(text)


def _department(text: str) -> int:
    if not text.strip():
        return 1
    if not text.strip().isdecimal() or not 1 <= int(text) <= 99:
        raise ValueError(f"the department {text!r} is no number of 1 to 99")
    return int(text)


_READ: Mapping[str, Callable[[str], Any]] = {
    "name": str.strip,
    "price": kopecks,
    "barcode": str.strip,
    "unit": str.strip,
    "tax": tax_letters,
    "uktzed": lambda text: re.sub(r"[\s.]", "", text),
    "excisable": _flag,
    "adult": _flag,
    "weighed": _flag,
    "fiscal": _fiscal,
    "ground": str.strip,
    "department": _department,
    "stock": thousandths,
}
