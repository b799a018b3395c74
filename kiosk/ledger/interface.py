"""What the till may ask of its memory. `kiosk.ledger.store.SqlLedger` answers; the till knows only this page.

Every call is one transaction: when it returns, the change is on the disk (WAL, synchronous=FULL); when it raises,
nothing changed. Calls are safe from several threads (the till's and the devices').
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from drivers.registrar import Result
from drivers.road import Journal
from kiosk.ledger.records import (
    AuditRecord,
    Binding,
    BindingRole,
    Customer,
    DocumentState,
    Enterprise,
    FiscalDocument,
    Good,
    JournalRecord,
    Lease,
    Order,
    OrderLink,
    PinState,
    Receipt,
    ReceiptState,
    Role,
    Shift,
    Slip,
    StoredBasket,
    Sums,
    User,
)


class People(Protocol):
    def active(self) -> Sequence[User]:
        """People who may log in, by name."""

    def get(self, user_id: int) -> User: ...

    def by_badge(self, badge: str) -> User | None: ...

    def pin_hash(self, user_id: int) -> str:
        """The stored scrypt hash, "" where the person has no PIN."""

    def set_pin_hash(self, user_id: int, hashed: str) -> None: ...

    def pin_state(self, user_id: int) -> PinState: ...

    def set_pin_state(self, user_id: int, state: PinState) -> None: ...

    def add(
        self,
        name: str,
        role: Role,
        *,
        badge: str = "",
        pin_hash: str = "",
        denied: Iterable[str] = (),
        key_id: str = "",
    ) -> User: ...


class Shop(Protocol):
    """Enterprises, bindings and leases."""

    def enterprises(self) -> Sequence[Enterprise]: ...

    def add_enterprise(self, name: str, tax_number: str) -> Enterprise: ...

    def bindings(self, workplace: str) -> Sequence[Binding]: ...

    def binding(self, binding_id: int) -> Binding: ...

    def bind(self, enterprise_id: int, workplace: str, url: str, role: BindingRole) -> Binding:
        """Raises `LedgerError` when the enterprise has another active registrar at this workplace."""

    def move(self, binding_id: int, url: str) -> Binding:
        """The same unit answers elsewhere: serial, fiscal number and shift stay."""

    def met(self, binding_id: int, *, serial: str, fiscal_number: str, model: str) -> Binding:
        """Remember which unit answered at the first meeting; a bound serial never changes here.

        Where another serial is bound already, the binding is returned as it is and the caller sees the difference.
        """

    def lease(self, serial: str) -> Lease | None: ...

    def take_lease(self, lease: Lease) -> Lease:
        """The lease now in force: the given one, or another workplace's that stands in its way."""

    def drop_lease(self, serial: str, workplace: str) -> None: ...

    def know_signers(self, binding_id: int, key_ids: Iterable[str]) -> Binding:
        """Remember keys that the tax service has registered for a software registrar, beside those known."""

    def rekey(self, binding_id: int, url: str) -> Binding:
        """The same registrar, signed with another key from now on: only the URL's `key` differs."""

    def setting(self, name: str) -> str | None: ...

    def set_setting(self, name: str, value: str) -> None: ...


class Goods(Protocol):
    def by_barcode(self, barcode: str) -> Good | None: ...

    def by_code(self, code: str) -> Good | None: ...

    def by_codes(self, codes: Iterable[str]) -> dict[str, Good]:
        """The cards of many codes at once; a code without a card is left out."""

    def by_barcodes(self, barcodes: Iterable[str]) -> dict[str, Good]:
        """The first card of each barcode."""

    def get(self, good_id: int) -> Good | None: ...

    def search(self, text: str, limit: int = 50) -> Sequence[Good]:
        """Goods whose name holds every word of `text`, or whose code or barcode begins so.

        Case and apostrophes are folded; words of one or two letters match the beginning of a word only.
        """

    def page(self, after: str, limit: int) -> Sequence[Good]:
        """The next goods by name after the good with this code ("" for the first page).

        Several goods may share a name, so the place in the list is the last good shown, not its name.
        Raises `LedgerError` when no good has this code.
        """

    def count(self) -> int: ...

    def put(self, goods: Iterable[Good]) -> int:
        """Insert or replace by code (`id` is ignored), all or none; returns how many.

        Raises `LedgerError` naming the good that may not be sold so (no name, a non-fiscal good without a ground, an
        excisable one without its УКТ ЗЕД code).
        """

    def remove(self, codes: Sequence[str]) -> list[str]:
        """Remove cards that nothing refers to; returns the codes that were sold and stay."""

    def customer(self, card: str) -> Customer | None: ...

    def customer_by_id(self, customer_id: int) -> Customer | None: ...

    def find_customers(self, text: str, limit: int = 50) -> Sequence[Customer]: ...

    def add_customer(self, card: str, name: str, discount: int = 0) -> Customer: ...


class Shifts(Protocol):
    def open_shift(self, binding_id: int) -> Shift | None: ...

    def last_closed(self, binding_id: int) -> Shift | None: ...

    def get(self, shift_id: int) -> Shift: ...

    def open(self, shift: Shift) -> Shift:
        """Store a new shift (`id` 0) and return it with its id. Raises `LedgerError` when one is open already."""

    def open_by(self, document_id: UUID, shift: Shift) -> Shift:
        """One transaction: the shift that a registered opening document opened, and the document belongs to it.

        Idempotent: a document that has its shift already answers with that one, open or closed by now.
        """

    def device_opened(self, shift_id: int, at: datetime, serial: str) -> None:
        """The device's own time of the first fiscal operation; the first call wins."""

    def close(
        self, shift_id: int, *, by: int, at: datetime, z_number: int | None, cash_left: int, closing: Mapping[str, Any]
    ) -> None: ...

    def sums(self, shift_id: int) -> Sums:
        """The shift's money from settled documents and done receipts; cash is net of change."""


class Receipts(Protocol):
    """Baskets, receipts, fiscal documents and slips: the cashier-visible state."""

    def save_basket(self, basket: StoredBasket) -> None:
        """Insert or replace. Raises `LedgerError` while the stored basket is being paid."""

    def baskets(self, workplace: str) -> Sequence[StoredBasket]:
        """Latest change last."""

    def drop_basket(self, basket_id: UUID) -> None:
        """Raises `LedgerError` while the basket is being paid."""

    def next_number(self) -> int:
        """The next receipt number, never given again; a gap is harmless."""

    def begin(
        self,
        receipt: Receipt,
        documents: Sequence[FiscalDocument],
        slips: Sequence[Slip],
        link: OrderLink | None = None,
    ) -> Receipt:
        """One transaction: the receipt PENDING, its documents and slips, its place in an order, the basket PAYING.

        Raises `LedgerError` when the basket is not stored or is being paid already (one press, one receipt).
        For a refund it reserves the quantities: raises `LedgerError` when more would come back than was sold.
        A sale takes its excise stamps: raises `LedgerError` for one that is out. `link` is refused (`LedgerError`) when
        the order is closed, has a receipt under way, or has less left to pay.
        """

    def add_slip(self, slip: Slip) -> None:
        """Another slip of a receipt that exists (the act about a wrong receipt)."""

    def add_document(self, document: FiscalDocument) -> None:
        """A document without a receipt (cash movement, Z)."""

    def settle_document(self, document_id: UUID, state: DocumentState, result: Result | None, note: str = "") -> None:
        """The state that the journal's last outcome or decision means; what is registered stays registered.

        A document that was never sent is settled as REJECTED with `result` None.
        """

    def finish(self, receipt_id: UUID, state: ReceiptState) -> Receipt:
        """One transaction: DONE books stock and drops the basket; FAILED gives reserved quantities and the basket back;

        UNKNOWN books nothing. Idempotent: a second call with the same state changes nothing.
        Settle the documents first: raises `LedgerError` for DONE while one is open or none is registered, and for
        FAILED unless all are rejected.
        """

    def cancel(self, document_id: UUID) -> FiscalDocument:
        """One transaction: a registered document is cancelled by a storno, and its receipt with it.

        A cancelled sale gives its goods back to the stock; a cancelled refund takes them again and frees the quantities
        that it had returned. Idempotent. Raises `LedgerError` for a document that is not registered, a receipt with
        another registered document, and a sale of which something was returned.
        """

    def receipt(self, receipt_id: UUID) -> Receipt: ...

    def by_number(self, number: int) -> Receipt | None: ...

    def by_document_number(self, number: str) -> Sequence[Receipt]:
        """Sales, done or cancelled, whose fiscal document bears this number, latest first."""

    def find(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        total: int | None = None,
        customer_id: int | None = None,
        good_id: int | None = None,
        workplace: str | None = None,
        limit: int = 100,
    ) -> Sequence[Receipt]:
        """Done sales, latest first. `total` meets the sum before or after rounding; `until` is not included."""

    def refunds_of(self, sale_id: UUID) -> Sequence[Receipt]:
        """Refunds of a sale that stand or may stand: every state but FAILED and CANCELLED, oldest first."""

    def documents_of(self, receipt_id: UUID) -> Sequence[FiscalDocument]: ...

    def document(self, document_id: UUID) -> FiscalDocument: ...

    def unsettled(self, binding_id: int | None = None) -> Sequence[FiscalDocument]:
        """Documents PENDING or UNKNOWN, oldest first."""

    def unfinished(self, workplace: str) -> Sequence[Receipt]:
        """Receipts PENDING or UNKNOWN, oldest first."""

    def documents(self, shift_id: int) -> Sequence[FiscalDocument]:
        """All documents of a shift in order."""

    def not_printed(self, shift_id: int) -> Sequence[FiscalDocument]:
        """Registered documents of a shift whose paper is owed, oldest first."""

    def last_document(self, binding_id: int) -> FiscalDocument | None:
        """The last one that was registered."""

    def waiting_slips(self) -> Sequence[Slip]:
        """Slips of done receipts that no printer has printed, oldest first."""

    def slips_of(self, receipt_id: UUID) -> Sequence[Slip]: ...

    def slip_printed(self, slip_id: UUID, at: datetime) -> None: ...


class Orders(Protocol):
    """Prices paid in several receipts, and excise stamps; both change with the receipts they belong to."""

    def get(self, order_id: UUID) -> Order:
        """Raises `LedgerError` for an unknown one."""

    def of_receipt(self, receipt_id: UUID) -> Order | None:
        """The order that a receipt belongs to."""

    def by_number(self, number: str) -> Order | None: ...

    def open_orders(self, text: str = "", *, customer_id: int | None = None, limit: int = 50) -> Sequence[Order]:
        """Open orders, latest first: `text` begins the number, or is a customer's card or a part of a name."""

    def stamp_is_out(self, number: str) -> bool:
        """Whether an excise stamp was sold (or is being sold) and has not come back; any spelling of the number."""

    def stamps_out(self, receipt_id: UUID) -> frozenset[str]:
        """Stamps of a sale that have not come back, as `kiosk.ledger.records.stamp_key` spells them."""


class FiscalJournal(Protocol):
    """The append-only journal in its hash chain. `of(binding_id)` is what `drivers.road.walk` writes to."""

    def of(self, binding_id: int) -> Journal: ...

    def decide(self, document_id: UUID, binding_id: int, payload: Mapping[str, Any]) -> None:
        """A person's decision about an unknown outcome, with both readings and the reason.

        `payload["result"]` is the `drivers.registrar.Result` decided on; it becomes the final outcome. Raises
        `LedgerError` for a document that was not sent to this registrar or whose outcome is known.
        """

    def records(
        self, document_id: UUID | None = None, after: int = 0, limit: int = 1000
    ) -> Sequence[JournalRecord]: ...

    def verify(self, *, full: bool = False, most: int | None = None) -> int:
        """Check the chain (incrementally from the last verified record unless `full`); returns records checked.

        `most` bounds the work of one call to about that many records; the next call goes on from there.

        Raises `Damaged` naming the first record that does not fit.
        """


class Audit(Protocol):
    def add(self, record: AuditRecord) -> None: ...

    def records(self, *, action: str | None = None, limit: int = 100) -> Sequence[AuditRecord]:
        """Latest first."""


class Ledger(Protocol):
    """The whole memory."""

    @property
    def people(self) -> People: ...

    @property
    def shop(self) -> Shop: ...

    @property
    def goods(self) -> Goods: ...

    @property
    def shifts(self) -> Shifts: ...

    @property
    def receipts(self) -> Receipts: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def journal(self) -> FiscalJournal: ...

    @property
    def audit(self) -> Audit: ...

    def close(self) -> None: ...
