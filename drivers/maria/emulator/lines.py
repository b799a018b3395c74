"""Sale and return lines (maria.md §4): FISC and BFIS, FICD and BFCD."""

from __future__ import annotations

import re
from collections.abc import Callable

from drivers.emulation.books import half_up
from drivers.maria.emulator.fields import Fields
from drivers.maria.emulator.memory import Article, Line
from drivers.maria.emulator.till import Refused, Till


def _rounded(price: int, quantity: int, rounding: str) -> int:
    product = price * quantity
    if rounding == "1":
        return product // 1000
    return -(-product // 1000) if rounding == "2" else half_up(product, 1000)


def _changed(fields: Fields, sum_: int, limit: int) -> tuple[int, str]:
    """The optional tail of a line: its sum after the discount, and the rest of the name."""
    if not fields.left:
        return sum_, ""
    sign = fields.letter("+-")
    fields.text(13)
    change = fields.number(9)
    return sum_ + (change if sign == "+" else -change), fields.rest(limit)


def _line(
    till: Till, fields: Fields, *, back: bool, mode: str, name_width: int, quantity_width: int, rest_width: int
) -> bytes:
    name = fields.text(name_width)
    sum_, price, quantity = fields.number(9), fields.number(9), fields.number(quantity_width)
    divisible, rounding = fields.letter("01"), fields.letter("012")
    letters = _tax_letters(till, fields) if mode == "0" else _tax_pair(till, fields)
    code = fields.number(4 if mode == "0" else 9)
    amount, more = _changed(fields, sum_, rest_width)
    if till.memory.article_mode != mode:
        raise Refused("SOFTARTMODE")
    if code == 0:
        raise Refused("SOFTBADART")
    thousandths = 1000 if quantity == 0 else quantity * (1 if divisible == "0" else 1000)
    if _rounded(price, thousandths, rounding) != sum_:
        raise Refused("SOFTCHECK")
    article = Article((name + more).rstrip(), letters, divisible)
    till.add(Line(str(code), article, price, thousandths, amount), sum_, back=back)
    return b"0000000000"


def _tax_letters(till: Till, fields: Fields) -> str:
    """Eight taxes of letter, type and rate; at most two are used, the others are 000000."""
    letters = ""
    for _ in range(8):
        field = fields.text(6)
        if field == "000000":
            continue
        if not re.fullmatch("[0-9]{5}", field[1:]):
            raise Refused("SOFTPARAM")
        till.need_scheme(field[0], int(field[1]), int(field[2:]))
        letters += field[0]
    if len(letters) > 2 or len(set(letters)) != len(letters):
        raise Refused("SOFTCHECK")
    return letters


def _tax_pair(till: Till, fields: Fields) -> str:
    letters = fields.text(1) + fields.text(1).replace("0", "")
    for letter in letters:
        till.need_scheme(letter)
    if len(set(letters)) != len(letters):
        raise Refused("SOFTCHECK")
    return letters


def sale(*, back: bool) -> Callable[[Till, Fields], bytes]:
    """FISC and BFIS: a free name, taxes spelt out."""

    def run(till: Till, fields: Fields) -> bytes:
        return _line(till, fields, back=back, mode="0", name_width=12, quantity_width=5, rest_width=31)

    return run


def accounting_sale(*, back: bool) -> Callable[[Till, Fields], bytes]:
    """FICD and BFCD: a long name, tax letters and a code of nine digits."""

    def run(till: Till, fields: Fields) -> bytes:
        return _line(till, fields, back=back, mode="2", name_width=24, quantity_width=6, rest_width=104)

    return run
