"""What the device remembers without power (emulators.md §1): the books, the journal since Z with what is not printed
yet, articles, operators and tables. Half a request and the nonces are lost.

Sums in kopecks, quantities in thousandths; journal objects as the host reads them, in hryvnias.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from drivers.emulation.books import Books

LETTERS = "АБВГДЕ"
FORMS = {1: "cash", 2: "cheque", 3: "credit", 4: "card", 5: "certificate"}
"""Kinds of the rows of table Pay (§3 names the first four)."""
PAY_NAMES = {1: "ГОТІВКА", 2: "ЧЕК", 3: "КРЕДИТ", 4: "КАРТКА", 5: "СЕРТИФІКАТ"}
CASH = 1
OPERATORS = 16


@dataclass
class Article:
    """Name and tax are locked until Z: whatever is here was sold or returned."""

    name: str
    tax: int


@dataclass
class Memory:
    """`objects` is the journal since Z, `printed` the lines of its receipts for a copy, by number; `unprinted` waits
    for paper; `cashiers` are registered in this shift; `unsent_z` counts reports that the tax service has not got."""

    books: Books = field(default_factory=lambda: Books(serial="GP00000049"))
    model: str = "MG-N707TS"
    fiscalised: bool = True
    printer_mode: bool = True
    last_id: int = 0
    last_no: int = 0
    last_di: int = 0
    printed_lines: int = 0
    unsent_z: int = 0
    objects: list[dict[str, Any]] = field(default_factory=list)
    printed: dict[str, list[str]] = field(default_factory=dict)
    unprinted: list[str] = field(default_factory=list)
    last_receipt: dict[str, Any] = field(default_factory=dict)
    cashiers: list[int] = field(default_factory=list)
    articles: dict[str, Article] = field(default_factory=dict)
    service_password: str = "751426"
    operators: dict[str, str] = field(default_factory=dict)
    white_listed: bool = False
    rates: list[float] = field(default_factory=lambda: [20, 7, 14, 0])
    header: list[str] = field(default_factory=lambda: ["КРАМНИЦЯ", "м. Київ, вул. Хрещатик, 1", "ПН 123456789012"])

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restore(cls, plain: dict[str, Any]) -> Memory:
        """From a state file. Raises ValueError for a file of another kind."""
        try:
            memory = cls(**plain)
            memory.books = Books.restore(plain["books"])
            memory.articles = {code: Article(**article) for code, article in plain["articles"].items()}
        except (TypeError, KeyError) as error:
            raise ValueError(f"not the memory of this device: {error}") from error
        return memory
