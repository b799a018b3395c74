"""What the device remembers without power (emulators.md §1): the books, articles, tables, the unpaid receipt, and what
it has not printed yet. The last NUM and the cashier's login are not here: they are lost.

Sums in kopecks, quantities in thousandths, article codes as their digits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from drivers.emulation.books import Books

LETTERS = "АБВГДЕ"
UNTAXED = 5
FORMS = (
    "card", "credit", "cheque", "cash", "certificate", "voucher", "e_money", "insurance", "prepaid", "other",
)  # fmt: skip
FORM_TITLES = (
    "КАРТКА", "КРЕДИТ", "ЧЕК", "ГОТІВКА", "СЕРТИФІКАТ", "ВАУЧЕР", "ЕЛ. ГРОШІ", "СТРАХУВАННЯ", "ПЕРЕДПЛАТА", "ІНШЕ",
)  # fmt: skip
CASH = 3
PROGRAMMING, REPORTS = 8, 9
"""Numbers of passwords; 0-7 are the cashiers'."""


@dataclass
class Article:
    """While `touched`, that is sold or returned since the last Z, its description is locked."""

    name: str
    price: int
    tax: int
    programmed: bool = False
    touched: bool = False
    quantity: int = 0
    sold: int = 0
    returned: int = 0


@dataclass
class Item:
    """A line of the open receipt; a void has a negative total."""

    code: str
    tax: int
    quantity: int
    total: int


@dataclass
class Receipt:
    refund: bool
    opened: str
    lines: int = 0
    items: list[Item] = field(default_factory=list)
    taxes: list[int] = field(default_factory=lambda: [0] * 6)
    payments: list[int] = field(default_factory=lambda: [0] * 10)
    paying: bool = False
    surcharge: int = 0
    discount: int = 0
    voids: int = 0
    void_sum: int = 0
    printed: list[str] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return sum(self.taxes)

    @property
    def rest(self) -> int:
        return self.amount - sum(self.payments)


@dataclass
class Side:
    """Day registers that the books do not keep, of sales or of payouts."""

    surcharge: int = 0
    discount: int = 0
    cancelled: int = 0
    cancelled_sum: int = 0
    voids: int = 0
    void_sum: int = 0


@dataclass
class Memory:
    """`copies` are the lines of the newest journal packets, for a reprint; `unprinted` waits for paper; `found` maps
    "Z:type:number" to a journal packet."""

    books: Books = field(default_factory=lambda: Books(serial="IK00012345"))
    fiscalised: bool = True
    packet: int = 0
    signed: int = 0
    sent: int = 0
    receipt: Receipt | None = None
    report: list[str] | None = None
    unprinted: list[str] = field(default_factory=list)
    copies: dict[str, list[str]] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    articles: dict[str, Article] = field(default_factory=dict)
    sales: Side = field(default_factory=Side)
    payouts: Side = field(default_factory=Side)
    passwords: list[int] = field(default_factory=lambda: [0] * 10)
    rates: list[int] = field(default_factory=lambda: [2000, 700, 1400, 0])
    rates_set: str = "2024-01-01"
    header: list[str] = field(default_factory=lambda: ["КРАМНИЦЯ", "М. КИЇВ", "ВУЛ. ХРЕЩАТИК 1", "ПН 123456789012"])
    messages: dict[str, str] = field(default_factory=dict)
    online_printing: bool = True
    cutter: bool = True

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, plain: dict[str, Any]) -> Memory:
        """From a state file. Raises ValueError for a file of another kind."""
        try:
            memory = cls(**plain)
            memory.books = Books.restore(plain["books"])
            memory.articles = {code: Article(**article) for code, article in plain["articles"].items()}
            memory.sales, memory.payouts = Side(**plain["sales"]), Side(**plain["payouts"])
            if plain["receipt"] is not None:
                memory.receipt = Receipt(**plain["receipt"])
                memory.receipt.items = [Item(**item) for item in plain["receipt"]["items"]]
        except (TypeError, KeyError) as error:
            raise ValueError(f"not the memory of this device: {error}") from error
        return memory
