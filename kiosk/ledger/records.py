"""What the ledger remembers, as frozen values. Money: kopecks; quantity: thousandths; moments: aware UTC.

Ids of master data are integers of this database; ids of everything that may meet a registrar are UUIDs made by the
till before anything is sent, so that a repeat can be told from a second act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from drivers.document import LOOKALIKES, Document, DocumentKind, Payment, Stage
from drivers.registrar import Result


class Role(StrEnum):
    """Posts of cashier-flow.md I."""

    CASHIER = "cashier"
    SENIOR = "senior"
    ADMINISTRATOR = "administrator"
    OWNER = "owner"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class User:
    """A person. `denied` are rights (names of `kiosk.till.rights.Right`) taken from the post.

    `key_id` signs for a software registrar.
    """

    id: int
    name: str
    role: Role
    badge: str = ""
    has_pin: bool = False
    denied: frozenset[str] = frozenset()
    key_id: str = ""
    active: bool = True


@dataclass(frozen=True)
class PinState:
    """Failed PIN entries in a row, and until when entry is refused."""

    failures: int = 0
    blocked_until: datetime | None = None


@dataclass(frozen=True)
class Enterprise:
    """A legal entity or entrepreneur whose goods this shop sells. `tax_number` is ЄДРПОУ or РНОКПП."""

    id: int
    name: str
    tax_number: str


class BindingRole(StrEnum):
    """How a registrar serves an enterprise at this workplace (cashier-flow.md X.2)."""

    ACTIVE = "active"
    RESERVE = "reserve"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Binding:
    """A registrar tied to an enterprise at a workplace. `serial` is "" until the first meeting.

    `signers`: key identifiers registered for a software registrar (form 5-ПРРО); empty for hardware.
    """

    id: int
    enterprise_id: int
    workplace: str
    url: str
    role: BindingRole
    serial: str = ""
    fiscal_number: str = ""
    model: str = ""
    signers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Lease:
    """Who works with a registrar now: one registrar, one workplace, one cashier (cashier-flow.md I-5)."""

    binding_serial: str
    workplace: str
    user_name: str
    since: datetime


@dataclass(frozen=True)
class Good:
    """A card of the catalogue. `price` kopecks a unit; `stock` thousandths; `ground` says why it is not fiscal."""

    id: int
    code: str
    name: str
    price: int
    enterprise_id: int
    barcode: str = ""
    unit: str = "шт"
    tax: str = "А"
    uktzed: str = ""
    excisable: bool = False
    adult: bool = False
    weighed: bool = False
    fiscal: bool = True
    ground: str = ""
    department: int = 1
    stock: int = 0


@dataclass(frozen=True)
class Customer:
    """A regular buyer. `discount` is in basis points (500 = 5 %)."""

    id: int
    card: str
    name: str
    discount: int = 0


@dataclass(frozen=True)
class Shift:
    """A cash day of one registrar; open while `closed_at` is None. `float_` kopecks.

    `device_opened_at` is read from the device;
    `checks` is the checklist as it stood at opening; `closing` what the closing wizard counted.
    """

    id: int
    binding_id: int
    enterprise_id: int
    workplace: str
    opened_by: int
    opened_at: datetime
    float_: int = 0
    device_opened_at: datetime | None = None
    serial: str = ""
    closed_by: int | None = None
    closed_at: datetime | None = None
    z_number: int | None = None
    cash_left: int = 0
    checks: tuple[Mapping[str, Any], ...] = ()
    closing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class ReceiptKind(StrEnum):
    SALE = "sale"
    REFUND = "refund"


class ReceiptState(StrEnum):
    """PENDING: begun, the outcome is not known yet. FAILED: certainly nothing happened, the basket is back.

    CANCELLED: it was done, and a storno took it back as if it had not been.
    """

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ReceiptLine:
    """One good of a receipt. `sale_line` is the line (its `id`) that a refund undoes.

    `returned` thousandths came back by later refunds, those under way included.
    """

    position: int
    good_id: int | None
    code: str
    name: str
    unit: str
    quantity: int
    price: int
    sum: int
    tax: str
    enterprise_id: int
    discount: int = 0
    fiscal: bool = True
    ground: str = ""
    uktzed: str = ""
    barcode: str = ""
    excise: tuple[str, ...] = ()
    department: int = 1
    id: int | None = None
    returned: int = 0
    sale_line: int | None = None


@dataclass(frozen=True)
class Receipt:
    """What the buyer and the cashier did: one basket, paid or refunded, fiscal and non-fiscal lines together.

    `number` counts receipts of this database from 1 and is printed as a barcode; `rounding` and `change` kopecks over
    all parts. The fiscal documents made of it are `FiscalDocument`s with its id.
    """

    id: UUID
    kind: ReceiptKind
    state: ReceiptState
    workplace: str
    user_id: int
    at: datetime
    lines: tuple[ReceiptLine, ...]
    payments: tuple[Payment, ...]
    discount: int = 0
    rounding: int = 0
    change: int = 0
    customer_id: int | None = None
    original_id: UUID | None = None
    reason: str = ""
    basket_id: UUID | None = None
    number: int = 0

    @property
    def total(self) -> int:
        """Sum of the lines after all discounts, before rounding, kopecks."""
        return sum(line.sum for line in self.lines) - self.discount

    @property
    def due(self) -> int:
        """What was paid in the end, kopecks."""
        return self.total + self.rounding


def stamp_key(number: str) -> str:
    """An excise stamp's number in one alphabet, for comparison: upper case, no spaces, look-alike letters Cyrillic."""
    return "".join(number.split()).upper().translate(LOOKALIKES)


@dataclass(frozen=True)
class OrderPart:
    """One receipt of an order. A refund (its `kind`) bears the stage and amount of what it gives back."""

    receipt_id: UUID
    stage: Stage
    amount: int
    kind: ReceiptKind
    state: ReceiptState
    at: datetime
    original_id: UUID | None = None


@dataclass(frozen=True)
class Order:
    """A price that is paid in several receipts (cashier-flow.md IV.5); open while `closed_at` is None.

    `later`: the goods left with the first receipt and the rest is a debt; else the receipts before the last are
    advances. `lines` are the goods at their full price. `buyer` is a note for people and never leaves the till.
    """

    id: UUID
    number: str
    later: bool
    workplace: str
    enterprise_id: int
    user_id: int
    opened_at: datetime
    lines: tuple[ReceiptLine, ...]
    customer_id: int | None = None
    buyer: str = ""
    closed_at: datetime | None = None
    parts: tuple[OrderPart, ...] = ()

    @property
    def total(self) -> int:
        """The full price, kopecks."""
        return sum(line.sum for line in self.lines)

    @property
    def standing(self) -> tuple[OrderPart, ...]:
        """Receipts that took money and were not given back, oldest first."""
        back = {
            part.original_id
            for part in self.parts
            if part.kind is ReceiptKind.REFUND and part.state is ReceiptState.DONE
        }
        return tuple(
            part
            for part in self.parts
            if part.kind is ReceiptKind.SALE and part.state is ReceiptState.DONE and part.receipt_id not in back
        )

    @property
    def paid(self) -> int:
        """Kopecks of the price that were paid and not given back."""
        return sum(part.amount for part in self.standing)

    @property
    def rest(self) -> int:
        """Kopecks still to pay; of an order whose goods left it is the debt."""
        return self.total - self.paid

    @property
    def busy(self) -> bool:
        """A receipt of it is under way or its outcome is unknown."""
        return any(part.state in (ReceiptState.PENDING, ReceiptState.UNKNOWN) for part in self.parts)


@dataclass(frozen=True)
class OrderLink:
    """What makes a receipt a part of an order. `order` is given with the first receipt and stored with it."""

    order_id: UUID
    stage: Stage
    amount: int
    order: Order | None = None


class DocumentState(StrEnum):
    """PENDING: made, and perhaps sent; the journal says how far it went.

    CANCELLED: registered, and cancelled by a storno that is registered too; it counts in no total.
    """

    PENDING = "pending"
    REGISTERED = "registered"
    NOT_PRINTED = "registered_not_printed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class FiscalDocument:
    """One document for a registrar, stored before it is sent. `receipt_id` is None for cash movements and Z."""

    id: UUID
    kind: DocumentKind
    state: DocumentState
    binding_id: int
    enterprise_id: int
    user_id: int
    made_at: datetime
    document: Document
    shift_id: int | None = None
    receipt_id: UUID | None = None
    result: Result | None = None
    note: str = ""

    @property
    def settled(self) -> bool:
        return self.state not in (DocumentState.PENDING, DocumentState.UNKNOWN)

    @property
    def done(self) -> bool:
        return self.state in (DocumentState.REGISTERED, DocumentState.NOT_PRINTED)


@dataclass(frozen=True)
class Slip:
    """A non-fiscal slip (товарний чек) of a receipt; `printed_at` is None while it waits for a printer."""

    id: UUID
    receipt_id: UUID
    lines: tuple[str, ...]
    printed_at: datetime | None = None


class BasketState(StrEnum):
    ACTIVE = "active"
    PARKED = "parked"
    PAYING = "paying"


@dataclass(frozen=True)
class StoredBasket:
    """A basket as it was last shown: `content` is JSON of `kiosk.till.basket.Basket`."""

    id: UUID
    workplace: str
    user_id: int
    state: BasketState
    content: bytes
    changed_at: datetime
    note: str = ""


@dataclass(frozen=True)
class JournalRecord:
    """One link of the fiscal journal's hash chain. `event`: intent, outcome or decision."""

    seq: int
    at: datetime
    event: str
    document_id: UUID
    binding_id: int
    payload: bytes
    previous: str
    hash: str
    document_hash: str = ""


@dataclass(frozen=True)
class AuditRecord:
    """Who did or tried what. `detail` is plain JSON without secrets."""

    at: datetime
    user_id: int | None
    action: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0
    allowed: bool = True


@dataclass(frozen=True)
class Sums:
    """Money of a shift by the ledger's own books, kopecks; refunds apart."""

    sales_by_form: Mapping[str, int] = field(default_factory=dict)
    refunds_by_form: Mapping[str, int] = field(default_factory=dict)
    sales_by_tax: Mapping[str, int] = field(default_factory=dict)
    refunds_by_tax: Mapping[str, int] = field(default_factory=dict)
    cash_in: int = 0
    cash_out: int = 0
    rounding: int = 0
    """Cash rounding of sales less that of refunds; turnover by tax letter is unrounded."""
    receipts: int = 0
    refunds: int = 0
    """Fiscal documents, as the registrar counts them."""
    nonfiscal_cash: int = 0
    """Cash of non-fiscal slips less their refunds: it lies in the drawer, but not in the registrar."""
    stornos: int = 0
    """Documents that were cancelled; they are in no other figure."""
    manual_cards: int = 0
    """Card money whose slip was typed by hand, sales less refunds."""
