"""One registrar's desk: its memory, key, outlet and clock, and the documents that are made there (fiscal-server.md §5).

Nothing here sends a document or decides between online and offline: `fates` and `offline` do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from drivers.clock import Clock
from drivers.errors import Code, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.prro.answers import Pair, moment_of
from drivers.prro.client import FiscalServer, ServerClock
from drivers.prro.documents import Act, Heading, OfflineMark, Outlet, Record, read_document
from drivers.prro.documents.values import CASH_CODE
from drivers.prro.keys import read_trust, ring
from drivers.prro.rules import month_start
from drivers.prro.settings import Settings
from drivers.prro.signing import Signer, Timestamper, Trust
from drivers.prro.signing.signer import Stamping
from drivers.prro.signing.timestamp import Post
from drivers.prro.signing.web import poster
from drivers.prro.store import Entry, Stage, Store

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

Make = Callable[[Outlet, Heading], bytes]
"""Builds the XML of one act for a place in the sequence; called again when the document is made anew."""

PAUSE = 0.3
"""Seconds between two tries at a connection."""
DRIFT = timedelta(minutes=10)
"""A clock this far behind the last document is wrong, not slow."""


@dataclass(frozen=True)
class Operator:
    """Whose key signs. `key_id` is the subject key identifier, hex."""

    name: str
    key_id: str
    until: datetime


class Desk:
    """What a registrar needs to make its documents. Not thread-safe: it belongs to the registrar's worker."""

    def __init__(self, settings: Settings, clock: Clock, log_: WireLog) -> None:
        self.settings = settings
        self.log = log_
        self.time = ServerClock(clock)
        self.server = FiscalServer(
            settings.base,
            log_,
            self.time,
            trust=self.trusted,
            sign=lambda content: self.sign(content),
            timeouts=settings.timeouts,
            tls=str(settings.authority) if settings.authority else True,
        )
        self._store: Store | None = None
        self._trust: tuple[Trust, Collection[str]] | None = None
        self._stamper: Stamping | None = None
        self._authority: httpx.Client | None = None
        self.met = False
        """Whether the server was met since the line was last lost."""
        self.chief = False
        """Whether the key is a senior cashier's."""

    # -- memory, key, outlet ------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The registrar's memory, opened on first use. Raises `Unreachable` (busy) and `Invalid`."""
        if self._store is None:
            self._store = Store(self.settings.state, self.settings.register, self.time.now)
        return self._store

    def close(self) -> None:
        self.server.close()
        if self._authority is not None:
            self._authority.close()
            self._authority = self._stamper = None
        self.met = False
        if self._store is not None:
            self._store.close()
            self._store = None

    def forget(self) -> None:
        """The line was lost: at the next word with the server ask everything anew."""
        self.met = False

    def signer(self) -> Signer:
        """The unlocked key. Raises `KeyLocked`."""
        return ring.signer(self.settings.keys, self.settings.slot)

    def operator(self) -> Operator:
        certificate = self.signer().certificate
        return Operator(certificate.name, (certificate.key_id or b"").hex(), certificate.expires)

    def sign(self, content: bytes, *, stamp: bool = False) -> bytes:
        """A signed message around the octets; with a time stamp where the provider gives one (§10 row 8)."""
        stamping = self._stamping() if stamp and self.settings.stamps else None
        return self.signer().sign(content, at=self.time.now(), stamp=stamping)

    def outlet(self) -> Outlet:
        """The registrar as the tax service registered it. Raises `Unreachable` before the server told it once."""
        known = self.store.fact("outlet")
        if known is None:
            raise Unreachable(
                Code.OFFLINE, "the registrar was never online: the first start needs the fiscal server's own data"
            )
        return Outlet(**known, testing=self.settings.testing)

    def registrars(self) -> frozenset[str]:
        """Fiscal numbers of all registrars of the same taxpayer that the server named."""
        return frozenset(self.store.fact("registrars", []))

    def trusted(self) -> tuple[Trust, Collection[str]]:
        if self._trust is None:
            trust, pinned = read_trust(self.settings.keys, demo=self.settings.demo)
            self._trust = (trust, () if pinned or self.settings.demo else self.settings.signers)
        return self._trust

    def _stamping(self) -> Stamping:
        if self._stamper is None:
            self._stamper = Timestamper(self.post(), self.time)
        return self._stamper

    def post(self) -> Post:
        """The way to the key's authority, one connection for stamps and questions."""
        if self._authority is None:
            import httpx

            self._authority = httpx.Client(trust_env=False)
        send = poster(self._authority, loopback=self.settings.demo)

        def post(url: str, body: bytes, content_type: str) -> bytes:
            self.log.asked(url, content_type, body)
            try:
                answer = send(url, body, content_type)
            except OSError as error:
                self.log.unanswered(f"lost: {type(error).__name__}")
                raise
            self.log.answered(200, answer)
            return answer

        return post

    # -- making -------------------------------------------------------------------------------------------------------

    def moment(self, *, after: datetime | None = None, apart: bool = False) -> datetime:
        """The time of the next document: never before the last one, a second `apart` when asked (§5.3, VI-5).

        Raises `Refused` when this machine's clock stands far before the last document.
        """
        last = after or self.store.last_moment()
        now = self.time.now().replace(microsecond=0)
        if last is None:
            return now
        if last - now > DRIFT:
            raise Refused(
                Code.CLOCK,
                f"the clock shows {now:%Y-%m-%d %H:%M} UTC, and the last document was made at {last:%Y-%m-%d %H:%M}: "
                "set the clock",
            )
        return max(now, last + timedelta(seconds=1) if apart else last)

    def draft(
        self,
        act: Act,
        request: str,
        make: Make,
        number: int,
        moment: datetime,
        *,
        mark: OfflineMark | None = None,
        cashier: str = "",
        change: int = 0,
        uid: UUID | None = None,
        stamp: bool = True,
    ) -> Entry:
        """A signed document under a number; nothing is stored yet. Raises `Invalid` and the faults of the key."""
        chosen = uid or uuid4()
        xml = make(self.outlet(), Heading(chosen, number, moment, cashier or self.operator().name, mark))
        record = read_document(xml)
        money, cash = sums(record, self.cancelled_cash(record))
        shift = self.store.shift()
        return Entry(
            number=number,
            uid=chosen,
            act=act,
            request=request,
            moment=moment,
            made=self.time.now(),
            xml=xml,
            signed=self.sign(xml, stamp=stamp),
            fiscal=record.fiscal_number,
            shift=shift.number if shift else 0,
            place=mark.place if mark else 0,
            money=money,
            change=change,
            cash=cash,
        )

    def cancelled_cash(self, record: Record) -> int:
        if record.act is not Act.STORNO:
            return 0
        cancelled = self.store.by_fiscal(record.cancels)
        return cancelled.cash if cancelled else 0

    def keep(self, entry: Entry) -> Entry:
        """First durable step of an online document: its bytes, before anybody sees them."""
        with self.store.step("signed"):
            return self.store.add(entry)

    def effects(self, entry: Entry) -> Entry:
        """What a document that stands does to the shift; inside a step."""
        if entry.act is Act.OPEN_SHIFT:
            shift = self.store.open_shift(entry.moment, self.operator().key_id, testing=self.settings.testing)
            return self.store.mark(entry, entry.stage, shift=shift.number)
        if entry.act is Act.Z_REPORT:
            self.store.z_made(entry.shift)
        elif entry.act is Act.CLOSE_SHIFT:
            self.store.close_shift(entry.shift, entry.moment)
        return entry

    def accept(self, entry: Entry, fiscal: str, ticket: bytes = b"", pair: Pair | None = None) -> Entry:
        """The server's word that the document is registered."""
        with self.store.step("accepted"):
            entry = self.store.mark(
                entry, Stage.ACCEPTED, fiscal=fiscal, ticket=ticket, code="", text="", doubt=entry.doubt
            )
            if self.store.session() is None:
                self.store.learn(next_number=entry.number + 1)
            if pair is not None and pair.session and pair.seed:
                self.store.learn(pair=[pair.session, pair.seed])
            return self.effects(entry)

    def reject(self, entry: Entry, code: Code | str, text: str, *, answer: bytes = b"") -> Entry:
        """The document certainly does not exist; its number is free."""
        with self.store.step("rejected"):
            return self.store.mark(entry, Stage.REJECTED, code=str(code), text=text, ticket=answer)

    def month_base(self, at: datetime) -> tuple[timedelta, datetime] | None:
        """Offline time of this month that the server told last, and when; None in a new month."""
        minutes, told = self.store.fact("month_minutes"), moment_of(self.store.fact("month_at"))
        if minutes is None or told is None or told < month_start(at):
            return None
        return timedelta(minutes=minutes), told


def sums(record: Record, cancelled_cash: int = 0) -> tuple[int, int]:
    """Money that passes the counter and what the document does to the drawer, kopecks."""
    match record.act:
        case Act.SALE | Act.REFUND:
            cash = sum(row.sum for row in record.pays if row.code == CASH_CODE)
            return record.money, cash if record.act is Act.SALE else -cash
        case Act.CASH_IN | Act.REINFORCEMENT:
            return record.money, record.money
        case Act.CASH_OUT:
            return record.money, -record.money
        case Act.STORNO:
            return 0, -cancelled_cash
    return 0, 0
