"""Goods of the till -> articles of the printer (datecs-fp3530t.md §5, "Articles must exist before sale").

The printer sells only what was programmed, and an article with turnover since the last Z keeps its name and tax. The
place of a good follows from a hash of its code, name and tax, with probing, so the map needs no storage.
A place is programmed outright, which takes one command for a new good; only a refusal is looked into with 107 `R`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from drivers.datecs import commands, text
from drivers.datecs.session import Session
from drivers.document import Line
from drivers.errors import Code, Refused

NAME_LENGTH = 36
PROBES = 24
DEFAULT_CAPACITY = 11_800
"""Typical number of articles (§5), used when the printer does not tell."""

Key = tuple[str, str, str, int]
"""Code, printed name, tax letter, and the price where one receipt sells the same good at two prices (else 0)."""


def printed_name(line: Line) -> str:
    """The name as it is programmed: УКТЗЕД code in front (§5), cut to the printer's width."""
    prefix = f"{line.uktzed}#" if line.uktzed else ""
    return (prefix + line.name.strip())[:NAME_LENGTH].rstrip()


def keys(lines: Sequence[Line]) -> list[Key]:
    """One key a line; the first price of a good is its own, another price in the same receipt gets another article."""
    first: dict[tuple[str, str, str], int] = {}
    result: list[Key] = []
    for line in lines:
        good = (line.code, printed_name(line), line.tax)
        price = first.setdefault(good, line.price)
        result.append((*good, 0 if price == line.price else line.price))
    return result


class Articles:
    """The article table of one printer, read through and remembered while the link lives."""

    def __init__(self, session: Session, password: str, codepage: str) -> None:
        self._session = session
        self._password = password
        self._codepage = codepage
        self._capacity = 0
        self._known: dict[Key, tuple[int, int]] = {}

    def forget(self) -> None:
        """After a refusal or a new link the table must be read again."""
        self._known.clear()
        self._capacity = 0

    def places(self, lines: Sequence[Line]) -> list[int]:
        """Article numbers for the lines, programmed and priced. Raises `Refused` (ARTICLE_FULL, ARTICLE_CONFLICT)."""
        return [self._place(key, line.price) for key, line in zip(keys(lines), lines, strict=True)]

    def _place(self, key: Key, price: int) -> int:
        known = self._known.get(key)
        if known is not None and known[1] == price:
            return known[0]
        code = known[0] if known is not None else self._find(key, price)
        if known is not None:
            self._reprice(code, price)
        self._known[key] = (code, price)
        return code

    def _find(self, key: Key, price: int) -> int:
        """Program the first probed place that takes the good. A place that refuses holds an article with turnover:
        ours under the same name and tax, or another one."""
        if not self._capacity:
            answer = self._session.ask_if_known(commands.ARTICLE, "I")
            self._capacity = commands.article_capacity(answer, DEFAULT_CAPACITY)
        _, name, tax, _ = key
        start = zlib.crc32("\0".join(map(str, key)).encode())
        taken = {place for place, _ in self._known.values()}
        for probe in range(min(PROBES, self._capacity)):
            code = 1 + (start + probe) % self._capacity
            if code in taken:
                continue
            refused: Refused | None = None
            try:
                order = commands.program_article(code, tax, price, self._password, name)
                if self._session.ask(commands.ARTICLE, order).startswith("P"):
                    return code
            except Refused as fault:
                if fault.code is not Code.WRONG_STATE:
                    raise
                refused = fault
            found = commands.article(self._session.ask(commands.ARTICLE, f"R{code}"))
            if refused is not None and (found is None or not found.sold):
                # No turnover stands in the way, so it is the password: a second try would bring the block nearer.
                refused.code, refused.what = Code.PASSWORD, "the registrar refuses the password for programming"
                raise refused
            if found is not None and found.name.rstrip() == self._echo(name) and found.tax == self._echo(tax):
                if found.price != price:
                    self._reprice(code, price)
                return code
        raise Refused(Code.ARTICLE_FULL, "no free article: all probed places were sold since the last Z")

    def _echo(self, name: str) -> str:
        """The name as the printer can give it back on its code page."""
        return text.decode(text.encode(name, self._codepage), self._codepage)

    def _reprice(self, code: int, price: int) -> None:
        answer = self._session.ask(commands.ARTICLE, commands.change_price(code, price, self._password))
        if not answer.startswith("P"):
            raise Refused(Code.ARTICLE_CONFLICT, f"the printer keeps the price of article {code}", raw=answer)
