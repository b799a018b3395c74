"""Tables as rows of text: CSV in whatever encoding and with whatever separator, XLSX without its formulas and colours.

A row is `(number, cells)`, the number as the person sees it in their program. Rows come one at a time: a long file is
never in memory as a whole.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

MOST_ROWS = 300_000
MOST_COLUMNS = 500
LONGEST_CELL = 4_000
MOST_UNPACKED = 1 << 30
"""Bytes of an XLSX's parts at most: more is a bomb and no price list."""
_SEPARATORS = ";\t,|"
_SAMPLE = 64 * 1024

Rows = Iterator[tuple[int, list[str]]]


class TableError(Exception):
    """The file cannot be read as a table; the text says why and what to do."""


@contextmanager
def open_table(path: Path) -> Iterator[Rows]:
    """The rows of a CSV or XLSX file; blank rows are left out. Raises `TableError`, while rows are read too."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
        rows = _xlsx(path) if head[:4] == b"PK\x03\x04" else _csv(path, head)
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error
    try:
        yield _bounded(rows)
    finally:
        rows.close()  # type: ignore[attr-defined]


def _bounded(rows: Rows) -> Rows:
    count = 0
    for number, cells in rows:
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        count += 1
        if count > MOST_ROWS:
            raise TableError(f"the table has more than {MOST_ROWS} rows: cut it into several files")
        if len(cells) > MOST_COLUMNS:
            raise TableError(f"row {number} has {len(cells)} columns, at most {MOST_COLUMNS} are read")
        yield number, cells


# -- CSV ----------------------------------------------------------------------------------------------------------


def encoding_of(sample: bytes) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 where the bytes can be nothing else, else Windows-1251."""
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of the sample is no proof against UTF-8.
        return "utf-8" if error.start >= len(sample) - 3 and len(sample) >= _SAMPLE else "cp1251"
    return "utf-8"


def separator_of(line: str) -> str:
    """The separator that the first line has most of, outside quotes."""
    plain = "".join(part for place, part in enumerate(line.split('"')) if place % 2 == 0)
    return max(_SEPARATORS, key=plain.count)


def _csv(path: Path, head: bytes) -> Rows:
    if head[:4] == b"\xd0\xcf\x11\xe0":
        raise TableError("this is an old .xls file: save it as .xlsx or as CSV")
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    if b"\x00" in sample and not sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError("this is no table of text: save it as .xlsx or as CSV")
    encoding = encoding_of(sample)
    first = sample.decode(encoding, "replace").partition("\n")[0]
    declared = first.strip().lower().removeprefix("sep=") if first.lower().startswith("sep=") else ""
    try:
        with path.open(encoding=encoding, newline="") as text:
            reader = csv.reader(text, delimiter=declared or separator_of(first), strict=False)
            if declared:
                next(reader)
            for cells in reader:
                yield reader.line_num, [cell.strip()[:LONGEST_CELL] for cell in cells]
    except UnicodeDecodeError as error:
        raise TableError(f"the file is no text in {encoding}: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise TableError(f"the file is no CSV: {error}") from error


# -- XLSX ---------------------------------------------------------------------------------------------------------


def _xlsx(path: Path) -> Rows:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
                raise TableError("the file unpacks to more than a gigabyte: it is no price list")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise TableError(f"the file is no XLSX table or is damaged: {error}") from error
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        if sheet is None:
            raise TableError("the file has no sheet")
        # Some programs write a wrong size of the sheet; without it every row is read as it is.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_text(value)[:LONGEST_CELL] for value in row]
    except TableError:
        raise
    except Exception as error:  # openpyxl raises whatever its XML parser meets
        raise TableError(f"the table is damaged: {type(error).__name__}: {error}") from error
    finally:
        book.close()


def _text(value: Any) -> str:
    """A cell as a person reads it: whole numbers without a point, no exponent, dates as days."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return ""
        shown = Decimal(f"{value:.15g}")  # what the office programs show: 19.989999999999998 is 19.99
        return str(int(shown)) if shown == shown.to_integral_value() else format(shown, "f")
    if isinstance(value, datetime | date):
        return f"{value:%d.%m.%Y}"
    return str(value).strip()


def write_csv(rows: Iterator[list[str]], path: Path) -> int:
    """UTF-8 with a mark and semicolons, which the office programs open at once; returns the rows written."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as text:
        writer = csv.writer(text, delimiter=";")
        for row in rows:
            writer.writerow([_harmless(cell) for cell in row])
            count += 1
    return count


def write_xlsx(rows: Iterator[list[str]], path: Path) -> int:
    """One sheet, all cells text, so that no code loses its zeros; returns the rows written."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Goods")
    count = 0
    for row in rows:
        sheet.append(row)
        count += 1
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())
    return count


def _harmless(cell: str) -> str:
    """A name that begins like a formula is text: an office program would run it."""
    return f"'{cell}" if cell[:1] in ("=", "@", "+", "-") and not cell[1:2].isdigit() else cell
