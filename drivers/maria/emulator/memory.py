"""What the device remembers without power, and what it forgets (emulators.md §1).

Sums in kopecks, quantities in thousandths, rates in hundredths of a percent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from drivers.emulation.books import Books, Day, half_up

LETTERS = "АБВГДЕЖЗ"
PREP, DBEG, FISC, COMP, BFIS, DEND = 1, 2, 4, 8, 16, 64
"""Bits of the expected-command mask."""


@dataclass
class Article:
    """`sold`: it has been sold since the last Z, so that its attributes are locked."""

    name: str
    taxes: str
    divisible: str
    sold: bool = False


@dataclass
class Scheme:
    """A tax scheme: type 0 is embedded in the price."""

    since: str
    kind: int
    rate: int
    name: str


@dataclass
class Memory:
    books: Books = field(default_factory=Books)
    password: str = "1111111111"
    owner: str = "ТОВ Каса            м.Київ"
    key: int = 1
    receipt_number: int = 0
    host_documents: int = 0
    device_documents: int = 0
    article_mode: str = "0"
    articles: dict[str, Article] = field(default_factory=dict)
    schemes: list[Scheme] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    footer: list[str] = field(default_factory=list)
    last_command: str = "    "
    last_receipt: list[str] = field(default_factory=list)
    last_lines: int = 0
    copied: bool = False
    clock_set: bool = False
    previous: Day = field(default_factory=Day)
    unfinished: bool = False
    pulses: int = 0

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, plain: dict[str, Any]) -> Memory:
        """From a state file. Raises ValueError for a file of another kind."""
        try:
            memory = cls(**plain)
            memory.books = Books.restore(plain["books"])
            memory.previous = Day(**plain["previous"])
            memory.articles = {code: Article(**article) for code, article in plain["articles"].items()}
            memory.schemes = [Scheme(**scheme) for scheme in plain["schemes"]]
        except (TypeError, KeyError) as error:
            raise ValueError(f"not the memory of this device: {error}") from error
        return memory


@dataclass(frozen=True)
class Line:
    code: str
    article: Article
    price: int
    quantity: int
    total: int


@dataclass
class Receipt:
    department: str
    sold: list[Line] = field(default_factory=list)
    returned: list[Line] = field(default_factory=list)

    @property
    def mask(self) -> int:
        """Commands that may follow: no sale after a return, no end before a line."""
        if self.returned:
            return BFIS | COMP
        return FISC | BFIS | (COMP if self.sold else 0)

    @property
    def lines(self) -> list[Line]:
        return self.sold + self.returned


@dataclass
class Session:
    """Lost with the power, and by a dropped DTR: login, CRC, the open receipt and everything prepared for it."""

    cashier: str | None = None
    crc: bool = False
    receipt: Receipt | None = None
    slip: list[str] | None = None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    return_of: str = ""

    @property
    def mask(self) -> int:
        if self.receipt is not None:
            return self.receipt.mask
        return PREP | DBEG if self.slip is None else DEND

    def forget_document(self) -> None:
        self.receipt = self.slip = None
        self.before, self.after, self.return_of = [], [], ""


def total(lines: list[Line]) -> int:
    return sum(line.total for line in lines)


def by_tax(lines: list[Line]) -> dict[str, int]:
    """Turnover by the first tax letter of each line."""
    sums: dict[str, int] = {}
    for line in lines:
        letter = line.article.taxes[:1] or "-"
        sums[letter] = sums.get(letter, 0) + line.total
    return sums


def embedded_tax(lines: list[Line], schemes: list[Scheme]) -> int:
    """Tax inside the prices, each rounded once for the whole receipt."""
    groups: dict[str, int] = {}
    for line in lines:
        groups[line.article.taxes] = groups.get(line.article.taxes, 0) + line.total
    tax = 0
    for letters, sum_ in groups.items():
        rates = [schemes[LETTERS.index(letter)].rate for letter in letters]
        tax += sum(half_up(sum_ * rate, 10_000 + sum(rates)) for rate in rates)
    return tax
