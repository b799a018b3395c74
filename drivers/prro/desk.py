"""One registrar's desk: it makes documents, hands them over and finds out their fates (fiscal-server.md §1.6).

Nothing here decides between online and offline. A document passes three durable steps — signed, sending, the server's
word — and whoever dies between two of them finds out after: the bytes are there, the number is the server's to give
once only, and the UID says whose document stands under it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from drivers.clock import Clock
from drivers.errors import Code, DifferentDevice, Existence, Invalid, LinkLost, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.prro.client import (
    Delivery,
    Fate,
    Fields,
    FiscalServer,
    Pair,
    ServerClock,
    digits,
    moment_of,
    read_pair,
    rows,
    text_of,
    whole,
    yes,
)
from drivers.prro.documents import Act, Heading, OfflineMark, Outlet, Record, read_document
from drivers.prro.documents.values import CASH_CODE
from drivers.prro.keys import read_trust, ring
from drivers.prro.refusals import Refusal
from drivers.prro.rules import month_start
from drivers.prro.settings import Settings
from drivers.prro.signing import Signer, Timestamper, Trust, revocation
from drivers.prro.signing.revocation import Standing
from drivers.prro.signing.signer import Stamping
from drivers.prro.signing.timestamp import Post
from drivers.prro.signing.web import poster
from drivers.prro.store import OPEN, Entry, Stage, Store

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

Make = Callable[[Outlet, Heading], bytes]
"""Builds the XML of one act for a place in the sequence; called again when the document is made anew."""

TRIES = 2
"""Tries at a connection before the line is called dead (cashier-flow.md VI.2)."""
PAUSE = 0.3
"""Seconds between them."""
PROBE = 3.0
"""Seconds that a ping may take once connected."""
QUICK = 1.5
"""Seconds for a connection when the line is dead already and each receipt asks for it: the buyer waits."""
FRESH = timedelta(minutes=2)
"""A document younger than this is sent again as it is; an older one would be refused for its time (§1.6)."""
OBJECTS_AGE = timedelta(hours=24)
DRIFT = timedelta(minutes=10)
"""A clock this far behind the last document is wrong, not slow."""


@dataclass(frozen=True)
class Operator:
    """Whose key signs. `key_id` is the subject key identifier, hex."""

    name: str
    key_id: str
    until: datetime


class Desk:
    """Documents of one registrar and their fates. Not thread-safe: it belongs to the registrar's worker."""

    def __init__(self, settings: Settings, clock: Clock, log_: WireLog) -> None:
        self.settings = settings
        self.time = ServerClock(clock)
        self.server = FiscalServer(
            settings.base,
            log_,
            self.time,
            trust=self._trusted,
            sign=lambda content: self.sign(content),
            timeouts=settings.timeouts,
            tls=str(settings.authority) if settings.authority else True,
        )
        self._store: Store | None = None
        self._trust: tuple[Trust, Collection[str]] | None = None
        self._stamper: Stamping | None = None
        self._authority: httpx.Client | None = None
        self._met = False
        self.chief = False

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
        self._met = False
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def met(self) -> bool:
        """Whether the server knows us since the line was last lost."""
        return self._met

    def forget(self) -> None:
        """The line was lost: at the next word with the server ask everything anew."""
        self._met = False

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

    def _trusted(self) -> tuple[Trust, Collection[str]]:
        if self._trust is None:
            trust, pinned = read_trust(self.settings.keys, demo=self.settings.demo)
            self._trust = (trust, () if pinned or self.settings.demo else self.settings.signers)
        return self._trust

    def _stamping(self) -> Stamping:
        if self._stamper is None:
            self._stamper = Timestamper(self._post(), self.time)
        return self._stamper

    def _post(self) -> Post:
        """The way to the key's authority, one connection for stamps and questions."""
        if self._authority is None:
            import httpx

            self._authority = httpx.Client(trust_env=False)
        return poster(self._authority, loopback=self.settings.demo)

    # -- meeting the server -------------------------------------------------------------------------------------------

    def meet(self) -> None:
        """The start-up order of §5.4: time, outlet, device, state. Once for each life of the line.

        Raises `Unreachable` and `LinkLost` when there is nobody, `Refused` and `DifferentDevice` for a "no".
        """
        if self._met:
            return
        self.signer()
        try:
            self.ping()
            self._refresh_outlet()
            self._claim()
            self.learn_state()
            self._standing()
        except LinkLost as fault:
            raise Unreachable(Code.OFFLINE, fault.what, command=fault.command) from fault
        self._met = True

    def ping(self, tries: int = TRIES) -> None:
        """Whether there is a line, within 7 seconds (cashier-flow.md VI.2). Raises `Unreachable` and `LinkLost`."""
        usual = self.settings.timeouts
        connect = min(QUICK, usual.connect) if tries == 1 else usual.connect
        with self.server.patience(replace(usual, connect=connect, command=min(PROBE, usual.command))):
            for left in reversed(range(tries)):
                try:
                    self.server.server_state()
                    return
                except (Unreachable, LinkLost):
                    self.forget()
                    if not left:
                        raise
                    self.time.sleep(PAUSE)

    def _refresh_outlet(self, *, force: bool = False) -> bool:
        """`Objects` once a day (§2.4); returns whether our own data changed."""
        known = self.store.fact("outlet")
        read_at = moment_of(self.store.fact("objects_at"))
        if known is not None and not force and read_at is not None and self.time.now() - read_at < OBJECTS_AGE:
            return False
        objects = self.server.objects()
        if not objects:
            raise Refused(
                Code.ACCESS_DENIED,
                "the tax service knows no outlet of this key: the form 5-ПРРО is not filed or not in force yet",
                command="Objects",
            )
        mine: dict[str, str | int] | None = None
        for place in objects:
            for registrar in rows(place, "TransactionsRegistrars"):
                if text_of(registrar.get("NumFiscal")) == self.settings.register:
                    mine = {
                        "tin": text_of(place.get("Tin")),
                        "ipn": text_of(place.get("Ipn")),
                        "organisation": str(place.get("OrgName") or ""),
                        "point": str(place.get("Name") or ""),
                        "address": str(place.get("Address") or ""),
                        "desk": whole(registrar.get("NumLocal")) or 0,
                        "register": self.settings.register,
                    }
        if mine is None:
            raise Refused(
                Code.REGISTRAR_UNKNOWN,
                f"the key's owner has no registrar {self.settings.register}: check the fiscal number and the key",
                command="Objects",
            )
        own = sorted(
            text_of(registrar.get("NumFiscal"))
            for place in objects
            if text_of(place.get("Tin")) == mine["tin"]
            for registrar in rows(place, "TransactionsRegistrars")
        )
        with self.store.step("outlet"):
            self.store.learn(outlet=mine, registrars=own, objects_at=self.time.now().isoformat())
        return bool(mine != known)

    def _standing(self) -> None:
        """Ask the key's authority once a day whether it took the certificate back (signing.md §5.4).

        Raises `CertificateRevoked`; silence of the authority blocks nothing, the fiscal server asks for itself.
        """
        certificate = self.signer().certificate
        asked = self.store.fact("standing", ["", ""])
        at = moment_of(asked[1])
        if asked[0] == certificate.fingerprint and at is not None and self.time.now() - at < OBJECTS_AGE:
            return
        trust, _ = self._trusted()
        issuer = next((each for each in trust.anchors if each.subject_der == certificate.issuer_der), None)
        if issuer is None or not certificate.ocsp_urls:
            return
        if revocation.check(certificate, issuer, self._post(), trust, at=self.time.now()) is Standing.GOOD:
            with self.store.step("standing"):
                self.store.learn(standing=[certificate.fingerprint, self.time.now().isoformat()])

    def _claim(self) -> None:
        """The two-device guard (§2.14). Raises `DifferentDevice`."""
        try:
            stored = self.server.register_device(self.settings.number, self.device)
        except Refused as fault:
            if fault.code is Code.QUERY_REFUSED:
                return
            raise
        if stored and stored.lower() != self.device:
            raise _other_device("the fiscal server knows another device under this registrar's number")

    @property
    def device(self) -> str:
        """64 hex digits that stay the same for this machine and this folder."""
        try:
            machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            machine = ""
        place = self.settings.state.expanduser().absolute()
        return hashlib.sha256(f"{machine}:{place}:{self.settings.register}".encode()).hexdigest()

    def take_over(self) -> None:
        """An authorised person moves the registrar to this device; documents of the open shift come over.

        Raises as `meet`, and `Refused` while documents wait in an offline session.
        """
        self.ping()
        self._refresh_outlet()
        self.server.register_device(self.settings.number, self.device, forced=True)
        with self.store.step("taken over"):
            self.store.learn(next_number=None)
        self.forget()
        self.meet()

    def learn_state(self) -> Fields:
        """Ask for the registrar's state and compare it with what is known here. Raises `DifferentDevice`, `Refused`."""
        session = self.store.session()
        state = self.server.state(self.settings.number, session.pair if session else None)
        if state is None:
            raise Refused(
                Code.REGISTRAR_UNKNOWN,
                f"the fiscal server has no data about the registrar {self.settings.register}",
                command="TransactionsRegistrarState",
            )
        number = whole(state.get("NextLocalNum"))
        if number is None:
            raise LinkLost(Code.FRAME, "the registrar's state has no next number", existence=Existence.NO)
        self.chief = yes(state.get("ChiefCashier"))
        pair = read_pair(state)
        with self.store.step("state"):
            facts: dict[str, object] = {
                "offline_supported": yes(state.get("OfflineSupported")),
                "cancelled": yes(state.get("Closed")),
            }
            minutes = whole(state.get("OfflineSessionsMonthlyDuration"))
            if minutes is not None and session is None:
                facts |= {"month_minutes": minutes, "month_at": self.time.now().isoformat()}
            if pair is not None and session is None and (whole(state.get("OfflineNextLocalNum")) or 1) == 1:
                facts["pair"] = [pair.session, pair.seed]
            self.store.learn(**facts)
        if session is None:
            self._compare(state, number)
        return state

    def _compare(self, state: Fields, number: int) -> None:
        """Numbers and shift of the server against ours, when nothing of ours is on the way."""
        if any(entry.act is not Act.END_OFFLINE for entry in self.store.open_entries()):
            return
        ours = self.store.next_number
        if ours is not None and number > ours:
            raise _other_device(
                f"the fiscal server expects the number {number} where this till would give {ours}: "
                "another device has issued documents of this registrar"
            )
        opened = whole(state.get("ShiftState")) == 1 or text_of(state.get("ShiftState")).lower() == "opened"
        shift = self.store.shift()
        if opened and shift is None:
            self._adopt_shift(state)
        elif not opened and shift is not None:
            log.warning("the server has closed shift %s, which was open here", shift.number)
            with self.store.step("shift closed elsewhere"):
                self.store.close_shift(shift.number, self.time.now())
        elif opened and shift is not None and yes(state.get("ZRepPresent")) and not shift.z_made:
            with self.store.step("z made elsewhere"):
                self.store.z_made(shift.number)
        if number != ours:
            if ours is not None:
                log.warning("the server expects number %s, not %s: its number is taken", number, ours)
            with self.store.step("number"):
                self.store.learn(next_number=number)

    def _adopt_shift(self, state: Fields) -> None:
        """A shift that is open on the server and unknown here: a new installation takes its documents over (§4.1)."""
        opening = text_of(state.get("OpenShiftFiscalNum"))
        listed = self.server.documents(self.settings.number, shift=whole(state.get("ShiftId")), opened=opening)
        found: list[tuple[Record, bytes]] = []
        for row in listed:
            fiscal = text_of(row.get("NumFiscal"))
            z = text_of(row.get("DocClass")) in ("1", "ZRep")
            xml = self.server.original(self.settings.number, fiscal, z=z)
            if xml is None:
                raise LinkLost(
                    Code.FRAME, f"the server lists document {fiscal} and does not give it", existence=Existence.NO
                )
            record = read_document(xml, fiscal).numbered(fiscal)
            found.append((record, xml))
        found.sort(key=lambda pair: pair[0].number)
        first = found[0][0].moment if found else self.time.now()
        with self.store.step("shift adopted"):
            shift = self.store.open_shift(
                first, text_of(state.get("SubjectKeyId")).lower(), testing=yes(state.get("Testing"))
            )
            for record, xml in found:
                self.store.add(self._foreign(record, xml, shift.number))
            if yes(state.get("ZRepPresent")):
                self.store.z_made(shift.number)

    def _foreign(self, record: Record, xml: bytes, shift: int) -> Entry:
        money, cash = sums(record, self._cancelled_cash(record))
        return Entry(
            number=record.number,
            uid=UUID(record.uid),
            act=record.act,
            request="",
            moment=record.moment.astimezone(UTC),
            made=self.time.now(),
            xml=xml,
            signed=b"",
            stage=Stage.REVOKED if record.revoked else Stage.ACCEPTED,
            fiscal=record.fiscal_number,
            shift=shift,
            money=money,
            cash=cash,
            text="taken over from the server",
        )

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
        money, cash = sums(record, self._cancelled_cash(record))
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

    def _cancelled_cash(self, record: Record) -> int:
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

    # -- handing over -------------------------------------------------------------------------------------------------

    def deliver(self, entry: Entry) -> tuple[Entry, Delivery]:
        """Send the stored bytes and store what became of them. The entry comes back accepted, refused or in doubt."""
        with self.store.step("sending"):
            entry = self.store.mark(entry, Stage.SENDING)
        delivery = self.server.document(entry.signed, entry.uid, entry.number)
        if delivery.fate is Fate.NOT_SENT:
            self.time.sleep(PAUSE)
            delivery = self.server.document(entry.signed, entry.uid, entry.number)
        match delivery.fate:
            case Fate.ACCEPTED if delivery.ticket is not None:
                ticket = delivery.ticket
                pair = Pair(digits(ticket.session), digits(ticket.seed))
                return self.accept(entry, ticket.fiscal_number, delivery.answer, pair), delivery
            case Fate.REJECTED if delivery.refusal is not None:
                refusal = delivery.refusal
                entry = self.reject(entry, refusal.code, refusal.text, answer=delivery.answer)
            case Fate.NOT_SENT:
                self.forget()
                entry = self.reject(entry, Code.OFFLINE, delivery.what)
            case _:
                self.forget()
                with self.store.step("unknown"):
                    doubt = entry.doubt or self.time.now()
                    entry = self.store.mark(
                        entry, Stage.UNKNOWN, doubt=doubt, code=str(delivery.code), text=delivery.what,
                        ticket=delivery.answer,
                    )  # fmt: skip
        return entry, delivery

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

    # -- finding out --------------------------------------------------------------------------------------------------

    def settle(self, entry: Entry) -> Entry:
        """Find out what became of an entry and bring it to an end: accepted, or certainly nothing (§1.6).

        A young document that the server has not got goes out again as it is: the same number cannot be registered
        twice. Raises `Unreachable` or `LinkLost` while nobody answers, `DifferentDevice` for a stranger's document.
        """
        if entry.stage not in OPEN:
            return entry
        if entry.stage in (Stage.PREPARED, Stage.SIGNED):
            return self.reject(entry, Code.OFFLINE, "it was never sent")
        entry = self.resolve(entry)
        if entry.stage is not Stage.UNKNOWN:
            return entry
        if self.time.now() - entry.made > FRESH:
            return self.reject(entry, Code.OFFLINE, "the server has not got it, and it is too old to be sent again")
        entry, delivery = self.deliver(entry)
        if delivery.fate is Fate.REJECTED and delivery.refusal and delivery.refusal.code is Code.LOCAL_NUMBER:
            # It came late after all, while we were asking.
            again = self.resolve(entry)
            return again if again.stage is not Stage.UNKNOWN else self.reject(again, Code.LOCAL_NUMBER, entry.text)
        if delivery.fate is Fate.NOT_SENT:
            raise Unreachable(Code.OFFLINE, delivery.what)
        if delivery.fate is Fate.UNKNOWN:
            raise LinkLost(Code.TIMEOUT_UNKNOWN, delivery.what)
        return entry

    def resolve(self, entry: Entry) -> Entry:
        """Ask about an entry's number: it comes back accepted, refused (another act of ours has the number), or
        `UNKNOWN` when the server has nothing under it."""
        found = self.registered(entry)
        if found is not None:
            owner, fiscal = found
            accepted = owner if owner.stage is Stage.ACCEPTED else self.accept(owner, fiscal)
            if owner.seq == entry.seq:
                return accepted
            same = (owner.request, owner.act) == (entry.request, entry.act)
            self.reject(entry, Code.LOCAL_NUMBER, f"the number {entry.number} was taken by {owner.uid}")
            return accepted if same else self.store.entry(entry.seq) or entry
        state = self.server.state(self.settings.number)
        number = whole((state or {}).get("NextLocalNum"))
        if state is None or number is None:
            raise LinkLost(Code.FRAME, "the registrar's state has no next number")
        if entry.act is Act.CLOSE_SHIFT and whole(state.get("ShiftState")) == 0 and number == entry.number + 1:
            # A server that does not show the closing any more, but has counted it.
            return self.accept(entry, text_of(state.get("LastFiscalNum")))
        if number > entry.number:
            raise _other_device(
                f"the fiscal server has passed number {entry.number} and shows no document under it: "
                "another device works with this registrar"
            )
        with self.store.step("not registered"):
            if self.store.session() is None:
                self.store.learn(next_number=number)
            return self.store.mark(entry, Stage.UNKNOWN, text="the server has nothing under this number")

    def registered(self, entry: Entry) -> tuple[Entry, str] | None:
        """Whose document stands under the entry's number: ours by its UID, with its fiscal number; None for nobody's.

        Raises `DifferentDevice` when it is a stranger's.
        """
        info = self.server.document_info(self.settings.number, entry.number)
        fiscal = text_of((info or {}).get("NumFiscal"))
        if info is None or not fiscal:
            return None
        z = text_of(info.get("DocClass")) in ("1", "ZRep") or (entry.act is Act.Z_REPORT and "DocClass" not in info)
        xml = self.server.original(self.settings.number, fiscal, z=z)
        if xml is None:
            raise LinkLost(Code.FRAME, f"the server names document {fiscal} and does not give it")
        try:
            uid = UUID(read_document(xml).uid)
        except (Invalid, ValueError) as error:
            raise LinkLost(Code.FRAME, f"the server's document {fiscal} cannot be read: {error}") from error
        owner = next((each for each in self.store.under(entry.number) if each.uid == uid), None)
        if owner is None:
            raise _other_device(f"number {entry.number} is {fiscal}, a document that this till has not made")
        return owner, fiscal

    def mend(self, entry: Entry, refusal: Refusal) -> Entry | bool:
        """What can be done about a refusal (§8.1): the entry that turned out to be registered, whether to make the
        document anew, or neither (False)."""
        match refusal.code:
            case Code.LOCAL_NUMBER | Code.Z_EXISTS | Code.SHIFT_OPEN | Code.SHIFT_CLOSED | Code.Z_REQUIRED:
                expected = self.store.next_number
                found = self.resolve(entry)
                if found.stage is Stage.ACCEPTED:
                    return found
                if found.stage is Stage.UNKNOWN:
                    self.reject(found, refusal.code, refusal.text)
                return refusal.code is Code.LOCAL_NUMBER and self.store.next_number != expected
            case Code.CLOCK:
                self.server.server_state()
                return True
            case Code.REGISTRY_DATA | Code.TAXPAYER:
                return self._refresh_outlet(force=True)
        return False

    def lost(self) -> Entry | None:
        """The online document that was sent and not answered for."""
        sent = (Stage.SENDING, Stage.UNKNOWN)
        found = [each for each in self.store.open_entries() if each.stage in sent and each.act is not Act.END_OFFLINE]
        return found[-1] if found else None

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


def _other_device(what: str) -> DifferentDevice:
    return DifferentDevice(Code.DIFFERENT_DEVICE, what, existence=Existence.NO)
