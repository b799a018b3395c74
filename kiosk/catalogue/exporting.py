"""All cards as a table that the import reads again: CSV (UTF-8, semicolons) or XLSX, by the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kiosk.catalogue.importing import FIELDS
from kiosk.catalogue.table import TableError, write_csv, write_xlsx
from kiosk.ledger.interface import Goods
from kiosk.ledger.records import Good

PAGE = 1000


def export_goods(goods: Goods, path: Path) -> int:
    """Write every card, by name; returns how many. Raises `TableError` for another kind of file."""
    rows = _rows(goods)
    try:
        if path.suffix.lower() == ".csv":
            return write_csv(rows, path) - 1
        if path.suffix.lower() == ".xlsx":
            return write_xlsx(rows, path) - 1
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror}") from error
    raise TableError(f"{path.name}: goods are exported as .csv or .xlsx")


def _rows(goods: Goods) -> Iterator[list[str]]:
    yield list(FIELDS)
    after = ""
    while page := goods.page(after, PAGE):
        for good in page:
            yield [_text(good, name) for name in FIELDS]
        after = page[-1].code


def _text(good: Good, name: str) -> str:
    value = getattr(good, name)
    if isinstance(value, bool):
        return "1" if value else "0"
    if name == "price":
        return f"{value // 100}.{value % 100:02d}"
    if name == "stock":
        return f"{'-' if value < 0 else ''}{abs(value) // 1000}.{abs(value) % 1000:03d}"
    return str(value)
