"""The interface that every registrar offers, and the values that cross it.

`register(document, snapshot) -> Result` is the only way to issue a fiscal document. The road is
*snapshot → (the caller makes the intent durable) → register → (the caller stores the outcome)*, and after any doubt
*reconcile(document, snapshot)*: the registrar is asked what happened and nothing is repeated blindly
(registrars/README.md §6–7). `drivers.road` walks it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from drivers.document import Document, DocumentKind
from drivers.errors import Code, Existence, Fault, Invalid

Snapshot = Mapping[str, str | int]
"""Completion values of the registrar before the act; plain JSON, opaque to the caller."""


class State(StrEnum):
    """How a request ended."""

    REGISTERED = "registered"
    REGISTERED_NOT_PRINTED = "registered_not_printed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class FaultInfo:
    """A fault as data, for the journal and for screens."""

    code: str
    what: str
    raw: str = ""
    command: str = ""
    wire: str = ""
    field: str = ""

    @classmethod
    def of(cls, fault: Fault) -> FaultInfo:
        return cls(str(fault.code), fault.what, fault.raw, fault.command, fault.wire, fault.field)


@dataclass(frozen=True)
class Totals:
    """Day registers, kopecks. By tax letter and by payment form; refunds apart. None: the registrar does not tell."""

    z_number: int | None = None
    sales_by_tax: Mapping[str, int] = field(default_factory=dict)
    refunds_by_tax: Mapping[str, int] = field(default_factory=dict)
    sales_by_form: Mapping[str, int] = field(default_factory=dict)
    refunds_by_form: Mapping[str, int] | None = None
    cash_in: int | None = None
    cash_out: int | None = None
    drawer: int | None = None
    receipts: int | None = None
    refunds: int | None = None

    @property
    def sales(self) -> int:
        return sum(self.sales_by_tax.values())

    @property
    def refunded(self) -> int:
        return sum(self.refunds_by_tax.values())


@dataclass(frozen=True)
class Result:
    """What became of one document. Sums in kopecks; `number` is the registrar's own document number.

    `at` is the document's time by the registrar's own clock, aware UTC; after a doubt, the time of its snapshot.
    """

    state: State
    number: str = ""
    at: datetime | None = None
    z_number: int | None = None
    total: int = 0
    change: int = 0
    serial: str = ""
    fiscal_number: str = ""
    warnings: tuple[str, ...] = ()
    fault: FaultInfo | None = None
    totals: Totals | None = None
    by_tax: Mapping[str, int] = field(default_factory=dict)
    """Turnover by tax letter as the registrar counted this document, kopecks; empty where it does not tell.

    It differs from the lines where the registrar spreads a correction (discount, cash rounding) over tax groups itself.
    """
    evidence: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """True when a fiscal document exists."""
        return self.state in (State.REGISTERED, State.REGISTERED_NOT_PRINTED)

    def because(self, fault: Fault) -> Result:
        return replace(self, fault=FaultInfo.of(fault))


def verdict(fault: Fault, **fields: object) -> Result:
    """The result that a fault means: rejected where no document can exist, else unknown."""
    state = State.REJECTED if fault.document is Existence.NO else State.UNKNOWN
    return replace(Result(state, fault=FaultInfo.of(fault)), **fields)  # type: ignore[arg-type]


HARDWARE_KINDS = frozenset(
    {
        DocumentKind.SALE,
        DocumentKind.REFUND,
        DocumentKind.CASH_IN,
        DocumentKind.CASH_OUT,
        DocumentKind.ZERO,
        DocumentKind.Z_REPORT,
    }
)
"""What a hardware registrar issues: it opens its shift by itself and its storno is prohibited (cashier-flow.md V.1)."""


@dataclass(frozen=True)
class Capabilities:
    """What the screens may offer with this registrar (registrars/README.md §8)."""

    family: str
    name_length: int
    line_length: int
    kinds: frozenset[DocumentKind]
    opens_with_first_document: bool = True
    storno: bool = False
    hardware: bool = True
    slips: bool = True
    copy_of_last: bool = True
    display: bool = False
    drawer: bool = False
    max_payments: int = 4
    tax_letters: str = "АБВГД"
    part_payments: bool = False
    prints_apart: bool = False
    """Whether a receipt stands without paper and is printed, or not, beside registering it (`PrintsApart`)."""

    def accept(self, document: Document) -> None:
        """Refuse what this registrar does not do at all; the first step of every driver's `check`. Raises `Invalid`."""
        if document.kind not in self.kinds:
            raise Invalid(Code.UNSUPPORTED, f"this registrar issues no {document.kind} document", field="kind")
        if document.part is not None and not self.part_payments:
            raise Invalid(Code.UNSUPPORTED, "this registrar takes no part of a price", field="part")


@dataclass(frozen=True)
class Info:
    """Who answers at the other end. `serial` is the factory number that binds a till to one unit."""

    family: str
    model: str
    firmware: str
    serial: str
    fiscal_number: str
    tax_number: str
    fiscalised: bool
    tax_rates: Mapping[str, str] = field(default_factory=dict)


class Mode(StrEnum):
    """How a software registrar stands to its server (cashier-flow.md VI.2)."""

    ONLINE = "online"
    OFFLINE = "offline"
    SYNCING = "syncing"
    """Its offline documents are on their way to the server."""
    BLOCKED = "blocked"
    """There is no link and no right, number or time to go on without it."""
    REJECTED = "sync_rejected"
    """The server refused an offline document; nothing is lost and nothing goes on by itself."""


@dataclass(frozen=True)
class RefusedDocument:
    """What the server refused of an offline session. `number` 0 where it named no document (it refused the session).

    `code` is the normalised code, `text` the server's own words.
    """

    code: str
    text: str
    number: int = 0
    fiscal: str = ""
    kind: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Offline:
    """A software registrar's offline work. `since` is aware UTC, None while online.

    `session_left` and `month_left` are what the law leaves from now; `month_left` is told online too. `queued` counts
    documents that the server has not got, `sent` those of the session that it has. `numbers_left` is None where the
    range has no end, 0 where there is no number at all. `reason` is the server's own text or why the work is blocked.
    """

    mode: Mode
    since: datetime | None = None
    session_left: timedelta | None = None
    month_left: timedelta | None = None
    queued: int = 0
    sent: int = 0
    numbers_left: int | None = None
    reason: str = ""
    allowed: bool | None = None
    """Whether the registration has the right to work offline, as the server told last; None before it told."""
    refused: RefusedDocument | None = None
    """With `REJECTED` only."""


@dataclass(frozen=True)
class Status:
    """The registrar at one moment. `blocks` are the normalised codes that forbid a sale now.

    `clock` is the registrar's own time, aware UTC. `shift_opened_at` is the registrar's time of the first document
    since the last Z; None while no shift is open and where the registrar cannot tell.
    """

    reachable: bool
    paper_out: bool = False
    paper_low: bool = False
    cover_open: bool = False
    receipt_open: bool = False
    clock_set: bool = True
    clock: datetime | None = None
    read_at: datetime | None = None
    """This machine's time when `clock` was read, so that the offset can be told."""
    shift_open: bool | None = None
    shift_opened_at: datetime | None = None
    z_number: int | None = None
    drawer: int | None = None
    blocks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    raw: str = ""
    offline: Offline | None = None
    """Software registrars only."""
    key_until: datetime | None = None
    """When the signing key stops signing; None where there is no key or it is not known yet."""
    key_id: str = ""
    """Identifier of the unlocked key; "" where there is none."""
    shift_opener: str = ""
    """Identifier of the key that opened the shift; "" where no shift is open and where the registrar cannot tell."""
    registered: bool | None = None
    """Software registrars: whether the registration is in force, as the server told last; None before it told."""


class Registrar(Protocol):
    """One registrar behind one link. Not thread-safe: a `drivers.worker.Worker` owns it.

    Every method may raise a `Fault`; `register` and `reconcile` fold faults into their result instead.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    def check(self, document: Document) -> None:
        """Refuse before the first byte what this registrar could not print. Raises `Invalid`."""

    def info(self) -> Info: ...

    def status(self) -> Status: ...

    def totals(self) -> Totals:
        """Day registers without printing."""

    def snapshot(self, document: Document) -> Snapshot:
        """Completion values before `document`. A foreign unpaid receipt left open is cancelled first."""

    def register(self, document: Document, snapshot: Snapshot) -> Result: ...

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        """Ask the registrar what became of `document`; finish or cancel what is half done, repeat nothing."""

    def x_report(self) -> Totals:
        """Print an X report; returns the same figures."""

    def cash_in_drawer(self) -> int:
        """Cash that the registrar counts, kopecks."""

    def slip(self, lines: Sequence[str]) -> None:
        """Print a non-fiscal slip."""

    def copy_last(self) -> None: ...

    def open_drawer(self) -> None: ...

    def display(self, upper: str, lower: str) -> None:
        """Show two lines to the buyer."""

    def set_clock(self, moment: datetime) -> None: ...

    def close(self) -> None:
        """Release the link."""


class Served(Registrar, Protocol):
    """What a registrar behind a server of the tax service offers besides; `served` tells whether one does."""

    def latency(self, patience: float) -> float | None:
        """Seconds that the server takes to tell its time, None where it does not within `patience` seconds.

        Needs no key; nothing is asked about the registrar.
        """

    def synchronise(self, progress: Callable[[int, int], None] | None = None, *, again: bool = False) -> bool:
        """Bring all offline documents home now; True when online. `again` repeats what the server refused."""

    def take_over(self) -> None:
        """An authorised person makes this device the registrar's own."""

    def export_unsent(self, folder: Path) -> list[Path]:
        """Copies of the signed documents that the server has not got."""


def served(registrar: Registrar) -> Served | None:
    """The registrar as one behind a server, None for a device."""
    return cast(Served, registrar) if callable(getattr(registrar, "synchronise", None)) else None


@runtime_checkable
class PrintsApart(Protocol):
    """What a registrar with `prints_apart` does besides: its paper is apart from its documents."""

    def set_paper(self, wanted: bool) -> None:
        """Whether buyers' receipts are printed from now on."""

    def reprint(self, document: Document) -> None:
        """The paper of a registered document, marked as a copy unless nothing of it was printed before.

        Raises `Refused` for a document that is not registered, and what the printer raises.
        """
