"""Goods of the till -> articles of the registrar (datecs-krypton.md §5, §6).

A line sells a programmed article, and an article with turnover keeps its name and tax until Z. The dialect finds an
article (25h) but does not tell its name or tax, so the code itself is a hash of all that is programmed: an article
found under it is the right one, whatever was sold before. The price travels with the line and needs no article.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from drivers.document import Line
from drivers.errors import Code, Refused
from drivers.krypton import commands
from drivers.krypton.session import Session

NAME_LENGTH = 75
UNIT_LENGTH = 6
TAXES = "АБВГД"
CODES = 10**14
"""Codes of fourteen digits, as the field's drivers use them (§6)."""

Key = tuple[str, str, int, str]
"""Printed name, unit, department, tax letter."""


def printed_name(line: Line) -> str:
    """The name as it is programmed: УКТЗЕД code in front (§6), cut to the registrar's width."""
    prefix = f"{line.uktzed}#" if line.uktzed else ""
    return (prefix + line.name)[:NAME_LENGTH].rstrip()


def key(line: Line) -> Key:
    return printed_name(line), line.unit[:UNIT_LENGTH], line.department, line.tax


def code(line: Line) -> int:
    """The article's code: 1 … 10^14 - 1."""
    name, unit, department, tax = key(line)
    digest = blake2b("\0".join((line.code, name, unit, str(department), tax)).encode(), digest_size=8).digest()
    return 1 + int.from_bytes(digest) % (CODES - 1)


class Articles:
    """The article table of one registrar; what was found is remembered while the link lives."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, Key] = {}

    def forget(self) -> None:
        """After a refusal or on a new link the table must be asked again."""
        self._known.clear()

    def codes(self, lines: Sequence[Line]) -> list[int]:
        """Article codes for the lines, programmed. Raises `Refused` (ARTICLE_FULL, ARTICLE_CONFLICT, TAX)."""
        return [self._code(line) for line in lines]

    def _code(self, line: Line) -> int:
        number = code(line)
        known = self._known.get(number)
        if known is None:
            answer = self._session.ask(commands.FIND_ARTICLE, str(number))
            if commands.field(answer, 0).upper() == commands.NOT_PROGRAMMED:
                self._program(number, line)
            self._known[number] = key(line)
        elif known != key(line):
            raise Refused(Code.ARTICLE_CONFLICT, f"two goods share the article code {number}: change a good's code")
        return number

    def _program(self, number: int, line: Line) -> None:
        name, unit, department, tax = key(line)
        self._session.ask(
            commands.PROGRAM_ARTICLE, *commands.article(number, name, TAXES.index(tax), department, unit)
        )  # fmt: skip
