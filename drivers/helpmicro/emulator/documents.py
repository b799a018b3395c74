"""A document as the host posts it, read and reckoned line by line (helpmicro.md §3).

Decisions where the page is silent: a minus means a discount and a plus a surcharge, as a minus means cash out; a
discount of the subtotal goes to the items by their shares, the largest takes the odd kopeck; comments may stand behind
a payment, goods and discounts may not; a price has at most two decimals and a quantity three; a name and a comment have
up to 128 letters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from drivers.emulation.books import half_up
from drivers.helpmicro.emulator import codes
from drivers.helpmicro.emulator.codes import Failed
from drivers.helpmicro.emulator.memory import CASH, FORMS, LETTERS, PAY_NAMES

TEXT_LIMIT = 128
SUM_LIMIT = 99_999_999_99
DEPARTMENTS = GROUPS = 64
LINES_LIMIT = 500
Line = Mapping[str, Any]


@dataclass
class Item:
    code: int
    name: str
    tax: int
    quantity: int
    price: int
    total: int
    place: int


@dataclass
class Draft:
    """A receipt while its lines are read. `lines` is what the journal will hold, `texts` what paper will hold."""

    refund: bool
    rates: int
    old: bool
    sold_as: Callable[[int], tuple[str, int] | None]
    items: list[Item] = field(default_factory=list)
    paid: dict[int, int] = field(default_factory=dict)
    change: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(item.total for item in self.items)

    @property
    def rest(self) -> int:
        return self.total - sum(self.paid.values())


def parse(body: bytes) -> tuple[str, list[tuple[str, Line]]]:
    """Kind and lines of a posted document. Raises Failed for anything but one key with a list of one-key objects."""
    try:
        plain = json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Failed(codes.FORBIDDEN) from None
    if not isinstance(plain, dict) or len(plain) != 1:
        raise Failed(codes.FORBIDDEN)
    [(kind, rows)] = plain.items()
    if not isinstance(rows, list):
        raise Failed(codes.FORBIDDEN)
    lines: list[tuple[str, Line]] = []
    for place, row in enumerate(rows, 1):
        if not isinstance(row, dict) or len(row) != 1:
            raise Failed(codes.FORBIDDEN, place)
        [(name, fields)] = row.items()
        if not isinstance(fields, dict):
            raise Failed(codes.FORBIDDEN, place)
        lines.append((name, fields))
    if len(lines) > LINES_LIMIT:
        raise Failed(codes.RECEIPT_FULL, LINES_LIMIT + 1)
    return kind, lines


def _no_number(name: str) -> None:
    raise ValueError(name)


def scaled(value: Any, scale: int, wrong: str) -> int:
    """A JSON number as a whole number of its smallest units. Raises Failed."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise Failed(wrong)
    number = Decimal(value)
    if not number.is_finite() or abs(number) > 10**12 or (number and number.adjusted() < -6):
        raise Failed(wrong)
    units = number * scale
    if units != int(units):
        raise Failed(wrong)
    return int(units)


def shown(units: int, scale: int = 100) -> int | float:
    """The way back: 25, 12.5."""
    return units // scale if units % scale == 0 else units / scale


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Failed(codes.VALUE)
    if len(value) > TEXT_LIMIT:
        raise Failed(codes.LENGTH)
    return value


def integer(value: Any, low: int, high: int, wrong: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Failed(wrong)
    return value


def known(fields: Line, *names: str) -> None:
    if set(fields) - set(names):
        raise Failed(codes.FIELD)


# -- lines of a receipt -------------------------------------------------------------------------------------------


def receipt(draft: Draft, lines: list[tuple[str, Line]]) -> None:
    """Read the lines into the draft, and demand that it is paid. Raises Failed with the line."""
    for place, (name, fields) in enumerate(lines, 1):
        handler = _RECEIPT.get(name)
        try:
            if handler is None:
                raise Failed(codes.FORBIDDEN)
            handler(draft, fields)
            if draft.total > SUM_LIMIT:
                raise Failed(codes.SUM)
        except Failed as failure:
            raise Failed(failure.code, place) from None
    if draft.rest > 0:
        raise Failed(codes.NOT_PAID)


def _item(draft: Draft, fields: Line) -> None:
    extra = () if draft.old else ("uktzed", "excise")
    known(fields, "code", "name", "qty", "price", "tax", "ctype", "dep", "grp", *extra)
    if draft.paid:
        raise Failed(codes.PAYMENT)
    code = integer(fields.get("code"), 1, 10**13 - 1, codes.ARTICLE)
    name = text(fields.get("name"))
    if not name:
        raise Failed(codes.ARTICLE)
    quantity = scaled(fields.get("qty", 1), 1000, codes.QUANTITY)
    if quantity <= 0:
        raise Failed(codes.NEGATIVE_QUANTITY if quantity else codes.NO_QUANTITY)
    if "price" not in fields:
        raise Failed(codes.NO_PRICE)
    price = scaled(fields["price"], 100, codes.PRICE)
    if price < 0:
        raise Failed(codes.NEGATIVE_SUM)
    tax = integer(fields.get("tax"), 1, draft.rates, codes.TAX)
    integer(fields.get("ctype", 0), 0, 2, codes.CODE_TYPE)
    integer(fields.get("dep", 1), 1, DEPARTMENTS, codes.DEPARTMENT)
    integer(fields.get("grp", 1), 1, GROUPS, codes.GROUP)
    integer(fields.get("uktzed", 1), 1, 10**10 - 1, codes.VALUE)
    stamps = [_stamp(entry) for entry in _listed(fields.get("excise", []))]
    if draft.sold_as(code) not in (None, (name, tax)) or any(
        item.code == code and (item.name, item.tax) != (name, tax) for item in draft.items
    ):
        raise Failed(codes.ARTICLE_CHANGED)
    total = half_up(price * quantity, 1000)
    if total > SUM_LIMIT:
        raise Failed(codes.SUM)
    draft.items.append(Item(code, name, tax, quantity, price, total, len(draft.lines)))
    line = {"code": code, "name": name, "qty": shown(quantity, 1000), "price": shown(price), "sum": shown(total)}
    rest = {key: plain(fields[key]) for key in ("tax", "ctype", "dep", "grp", *extra) if key in fields}
    draft.lines.append({"S": {**line, **rest}})
    if "uktzed" in fields:
        draft.texts.append((f"УКТЗЕД {fields['uktzed']}", ""))
    draft.texts += [(f"АКЦИЗНА МАРКА {stamp}", "") for stamp in stamps]
    draft.texts.append((name, ""))
    count = f"  {shown(quantity, 1000)} x {price // 100}.{price % 100:02d}"
    draft.texts.append((count, f"{total // 100}.{total % 100:02d} {LETTERS[tax - 1]}"))


def plain(value: Any) -> Any:
    """JSON as it came, with numbers that can be kept in a file."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return {key: plain(entry) for key, entry in value.items()} if isinstance(value, dict) else value


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Failed(codes.VALUE)
    return value


def _stamp(entry: Any) -> str:
    if not isinstance(entry, dict) or set(entry) != {"stamp"} or not text(entry["stamp"]):
        raise Failed(codes.VALUE)
    return text(entry["stamp"])


def _discount(draft: Draft, fields: Line) -> None:
    known(fields, "sum", "prc", "all", "tax", "dn")
    if draft.paid:
        raise Failed(codes.PAYMENT)
    if ("sum" in fields) == ("prc" in fields) or not draft.items:
        raise Failed(codes.DISCOUNT)
    whole = integer(fields.get("all", 0), 0, 1, codes.VALUE)
    tax = integer(fields["tax"], 1, draft.rates, codes.TAX) if "tax" in fields else 0
    meant = [item for item in draft.items if not tax or item.tax == tax] if whole else draft.items[-1:]
    base = sum(item.total for item in meant)
    if "prc" in fields:
        percent = scaled(fields["prc"], 100, codes.PERCENT)
        if not -10_000 <= percent <= 10_000:
            raise Failed(codes.PERCENT)
        size = half_up(base * abs(percent), 10_000)
        step = -size if percent < 0 else size
    else:
        step = scaled(fields["sum"], 100, codes.SUM)
    if base + step < 0 or (step and not base):
        raise Failed(codes.DISCOUNT)
    _spread(meant, base, step)
    draft.lines.append({"D": {**plain(dict(fields)), "sum": shown(step)}})
    sign = "-" if step < 0 else ""
    draft.texts.append(("НАЦІНКА" if step > 0 else "ЗНИЖКА", f"{sign}{abs(step) // 100}.{abs(step) % 100:02d}"))


def _spread(items: list[Item], base: int, step: int) -> None:
    if not step:
        return
    shares = [half_up(abs(step) * item.total, base) for item in items]
    largest = max(range(len(items)), key=lambda place: items[place].total)
    shares[largest] += abs(step) - sum(shares)
    for item, share in zip(items, shares, strict=True):
        item.total += share if step > 0 else -share


def _payment(draft: Draft, fields: Line) -> None:
    known(fields, "no", "sum", "rrn", "card", "bank", "term", "authcode", "fee")
    row = integer(fields.get("no"), 1, len(FORMS), codes.PAY_TYPE)
    amount = scaled(fields["sum"], 100, codes.PAYMENT) if "sum" in fields else draft.rest
    if amount < 0:
        raise Failed(codes.NEGATIVE_SUM)
    if amount > SUM_LIMIT or (amount == 0 and draft.rest):
        raise Failed(codes.PAYMENT)
    over = max(0, amount - draft.rest)
    if over and (row != CASH or draft.refund):
        raise Failed(codes.NO_CHANGE)
    for name in ("rrn", "card", "bank", "term", "authcode"):
        if name in fields and not isinstance(fields[name], int):
            text(fields[name])
    if "fee" in fields:
        scaled(fields["fee"], 100, codes.VALUE)
    draft.paid[row] = draft.paid.get(row, 0) + amount - over
    draft.change += over
    card = {name: plain(fields[name]) for name in fields if name not in ("no", "sum")}
    draft.lines.append({"P": {"no": row, "name": PAY_NAMES[row], "sum": shown(amount), **card}})
    draft.texts.append((PAY_NAMES[row], f"{amount // 100}.{amount % 100:02d}"))
    draft.texts += [(f"  {name.upper()} {value}", "") for name, value in card.items()]


def _void(draft: Draft, fields: Line) -> None:
    known(fields, "code")
    if draft.paid:
        raise Failed(codes.PAYMENT)
    code = fields.get("code")
    meant = [item for item in draft.items if code in (None, "") or item.code == code]
    if not meant:
        raise Failed(codes.VOID)
    draft.items.remove(meant[-1])
    draft.lines.append({"VP": {"code": meant[-1].code, "sum": shown(meant[-1].total)}})
    draft.texts.append((f"СТОРНО {meant[-1].name}", ""))


def comment(fields: Line) -> str:
    known(fields, "cm", "attr")
    if set(text(fields.get("attr", ""))) - set("whl"):
        raise Failed(codes.VALUE)
    return text(fields.get("cm"))


def _comment(name: str) -> Callable[[Draft, Line], None]:
    def handler(draft: Draft, fields: Line) -> None:
        draft.texts.append((comment(fields), ""))
        draft.lines.append({name: dict(fields)})

    return handler


def barcode(fields: Line) -> str:
    known(fields, "code", "type", "width", "height", "feed")
    code = fields.get("code")
    content = str(code) if isinstance(code, int) and not isinstance(code, bool) else text(code)
    integer(fields.get("type", 1), 1, 3, codes.VALUE)
    integer(fields.get("width", 2), 2, 4, codes.VALUE)
    integer(fields.get("height", 1), 1, 255, codes.VALUE)
    integer(fields.get("feed", 0), 0, 255, codes.VALUE)
    return f"|||{content}|||"


def _barcode(draft: Draft, fields: Line) -> None:
    draft.texts.append((barcode(fields), ""))
    draft.lines.append({"BC": plain(dict(fields))})


_RECEIPT: Mapping[str, Callable[[Draft, Line], None]] = {
    "S": _item,
    "D": _discount,
    "P": _payment,
    "VP": _void,
    "C": _comment("C"),
    "N": _comment("N"),
    "BC": _barcode,
}
