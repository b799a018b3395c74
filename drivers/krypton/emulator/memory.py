"""What the device remembers without power (emulators.md §1): the books, articles, tables, the open receipt.

Sums in kopecks, quantities in thousandths, article codes as their digits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from drivers.emulation.books import Books

LETTERS = "АБВГД"
NO_RECEIPT, SLIP, OPEN, PAYING = range(4)
"""The low nibble of ST2."""


@dataclass
class Article:
    """`quantity` is what was sold since the last Z: while it is not 0, name and tax are locked."""

    index: int
    name: str
    tax: int
    department: int
    unit: str
    quantity: int = 0


@dataclass
class Item:
    code: str
    name: str
    tax: int
    price: int
    quantity: int
    total: int


@dataclass
class Receipt:
    refund: bool
    operator: int
    till: int
    items: list[Item] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tender: list[list[int]] = field(default_factory=list)
    paying: bool = False
    change: int = 0

    @property
    def amount(self) -> int:
        return sum(item.total for item in self.items)

    @property
    def tendered(self) -> int:
        return sum(sum_ for _, sum_ in self.tender)

    @property
    def paid(self) -> bool:
        """A zero receipt too wants its payment of 0.00 (§6)."""
        return bool(self.tender) and self.tendered >= self.amount


@dataclass
class Form:
    """A payment form: bit 0 of `mask` allows it in sales, bit 1 in returns, bit 7 gives change."""

    mask: int
    name: str
    kind: str


@dataclass
class Memory:
    books: Books = field(default_factory=Books)
    password: str = "000000"
    last_number: int = 0
    sale_receipts: int = 0
    return_receipts: int = 0
    second_stamp: str = "2015-06-17T14:57:00"
    articles: dict[str, Article] = field(default_factory=dict)
    rates: list[int] = field(default_factory=lambda: [2000, 700, 0, 1400, -1])
    forms: list[Form] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)
    receipt: Receipt | None = None
    slip: list[str] | None = None
    season: bool = False
    pulses: int = 0

    @property
    def state(self) -> int:
        if self.receipt is not None:
            return PAYING if self.receipt.paying else OPEN
        return NO_RECEIPT if self.slip is None else SLIP

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, plain: dict[str, Any]) -> Memory:
        """From a state file. Raises ValueError for a file of another kind."""
        try:
            memory = cls(**plain)
            memory.books = Books.restore(plain["books"])
            memory.articles = {code: Article(**article) for code, article in plain["articles"].items()}
            memory.forms = [Form(**form) for form in plain["forms"]]
            if plain["receipt"] is not None:
                memory.receipt = Receipt(**plain["receipt"])
                memory.receipt.items = [Item(**item) for item in plain["receipt"]["items"]]
        except (TypeError, KeyError) as error:
            raise ValueError(f"not the memory of this device: {error}") from error
        return memory
