"""What the printer remembers without power (emulators.md §1, §2): registers, articles, the open receipt, the journal.

Sums in kopecks, quantities in thousandths. Everything is plain data, so that the file can be read by a person.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

LETTERS = "АБВГД"


@dataclass
class Article:
    tax: str
    group: int
    price: int
    name: str
    quantity: int = 0
    turnover: int = 0


@dataclass
class Item:
    code: int
    name: str
    tax: str
    price: int
    quantity: int
    total: int


@dataclass
class Receipt:
    """The open receipt. `corrections` are signed sums of 51, `tender` is what was paid by form."""

    refund: bool
    operator: int
    items: list[Item] = field(default_factory=list)
    corrections: list[int] = field(default_factory=list)
    tender: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    change: int = 0
    paying: bool = False

    @property
    def amount(self) -> int:
        return sum(item.total for item in self.items) + sum(self.corrections)

    @property
    def tendered(self) -> int:
        return sum(self.tender.values())

    @property
    def paid(self) -> bool:
        return self.paying and self.tendered >= self.amount


@dataclass
class Day:
    """Registers since the last Z. `first` is the ISO time of the first document: a shift begins with it."""

    first: str = ""
    sold: dict[str, int] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    repaid: dict[str, int] = field(default_factory=dict)
    cash_in: int = 0
    cash_out: int = 0
    receipts: int = 0
    returns: int = 0
    documents: int = 0


@dataclass
class Memory:
    serial: str = "AB12345678"
    fiscal_number: str = "3000012345"
    fiscalised: bool = True
    clock_offset: float = 0.0
    paper: bool = True
    cover: bool = False
    fm_full: bool = False
    fm_near: bool = False
    near_end: bool = False
    journal_out: bool = False
    journal_near: bool = False
    no_display: bool = False
    clock_set: bool = False
    link: bool = True
    waiting_since: str = ""
    hardware: bool = False
    last_document: int = 0
    receipts: int = 0
    z_number: int = 0
    z_list: list[dict[str, Any]] = field(default_factory=list)
    drawer: int = 0
    day: Day = field(default_factory=Day)
    articles: dict[str, Article] = field(default_factory=dict)
    receipt: Receipt | None = None
    last_amount: int = 0
    last_items: int = 0
    last_tender: int = 0
    slip: list[str] | None = None
    header: dict[str, str] = field(default_factory=dict)
    rates: list[str] = field(default_factory=lambda: ["20.00", "7.00", "0.00", "14.00"])
    passwords: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    journal: list[dict[str, Any]] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, plain: dict[str, Any]) -> Memory:
        """From a state file. Raises ValueError for a file of another kind."""
        try:
            memory = cls(**plain)
            memory.day = Day(**plain["day"])
            memory.articles = {code: Article(**article) for code, article in plain["articles"].items()}
            if plain["receipt"] is not None:
                memory.receipt = Receipt(**plain["receipt"])
                memory.receipt.items = [Item(**item) for item in plain["receipt"]["items"]]
        except (TypeError, KeyError) as error:
            raise ValueError(f"not the memory of this printer: {error}") from error
        return memory
