"""The software registrar behind the interface of every registrar (fiscal-server.md §5, §6; cashier-flow.md III, V, VI).

    screen's document -> [settle what is open] -> online:  sign, store, send, store the server's word
                                               -> no link: sign, store in the offline session

The same document id makes one fiscal document: the registrar's own memory knows every attempt by it. A Z-report is two
documents, the report and the closing of the shift, each proven. `status()` also tends the line: it asks every half a
minute whether there is one and brings offline documents home in slices, so that a till that only polls gets there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.clock import Clock
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.prro.client import Fate, text_of
from drivers.prro.desk import Desk, Make
from drivers.prro.documents import (
    KINDS,
    PAYMENT_NAMES,
    TAXES,
    Act,
    Figures,
    Heading,
    Outlet,
    Side,
    build,
    close_shift,
    figures,
    qr_text,
    read_document,
)
from drivers.prro.documents.forms import ShiftNotes, form, x_form
from drivers.prro.documents.text import fit
from drivers.prro.offline import FINANCIAL, OfflineWork, Progress
from drivers.prro.printing import Printer
from drivers.prro.rules import rule
from drivers.prro.settings import Settings
from drivers.prro.signing.errors import KeyFault
from drivers.prro.store import OPEN, Entry, SessionState, Stage
from drivers.registrar import (
    Capabilities,
    FaultInfo,
    Info,
    Mode,
    Offline,
    Result,
    Snapshot,
    State,
    Status,
    Totals,
    verdict,
)

log = logging.getLogger(__name__)

ACTS: Mapping[DocumentKind, Act] = {
    DocumentKind.OPEN_SHIFT: Act.OPEN_SHIFT,
    DocumentKind.SALE: Act.SALE,
    DocumentKind.REFUND: Act.REFUND,
    DocumentKind.STORNO: Act.STORNO,
    DocumentKind.CASH_IN: Act.CASH_IN,
    DocumentKind.CASH_OUT: Act.CASH_OUT,
    DocumentKind.Z_REPORT: Act.Z_REPORT,
}
FORMS = {name.code: form_ for form_, name in PAYMENT_NAMES.items()}
HEARD = 5.0
"""Seconds after the server's last word in which a document goes out without asking for the line first.

The question costs one round trip and is worth it: a document sent into a dead line is one of unknown fate (§6.8), while
an unanswered question is nothing at all (cashier-flow.md VI.2: a probe before each document).
"""
QUIET = 60.0
"""Seconds of silence after which the line is asked for in the background."""
DEAD = 5.0
"""Seconds after a failed question in which the line is not asked again: the snapshot asked, the registration knows."""
PROBE_EVERY = 30.0
"""Seconds between questions in the background while there is no link (§6.7)."""
SLICE = 2.0
"""Seconds that one call in the background may spend on bringing documents home."""
SHORT_QUEUE = 100
"""Offline documents that are brought home before the next sale; a longer queue lets the sale go first, offline."""
DRIFT = timedelta(seconds=60)
SOFTWARE = "4"
"""First digit of the fiscal numbers of software registrars."""
MAKER = "Kasa Kiosk"
SOMEBODY = Outlet("1234567890", "?", "?", "?", 1, "4000000000", ipn="123456789012")
"""Stands for the outlet in a check before the server named ours: only the words of the document matter there."""


class PrroRegistrar:
    """One software registrar. Not thread-safe but for `check` and `capabilities`: a worker owns it."""

    def __init__(self, settings: Settings, clock: Clock, log_: WireLog, *, printer: Printer | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._desk = Desk(settings, clock, log_)
        self._offline = OfflineWork(self._desk)
        self._printer = printer
        self._outlet: Outlet | None = None
        self._dead_at: float | None = None
        self._asked_at: float | None = None
        self._trouble: Fault | None = None
        self._syncing = False
        self._difference = ""
        """How the server's draft of the last Z differed from ours."""
        self.capabilities = Capabilities(
            family="prro",
            name_length=250,
            line_length=printer.width if printer else 42,
            kinds=KINDS,
            opens_with_first_document=False,
            storno=True,
            hardware=False,
            slips=printer is not None,
            copy_of_last=printer is not None,
            max_payments=8,
            tax_letters="".join(dict.fromkeys(rate.letter for rate in TAXES.rates)),
            part_payments=True,
        )

    # -- questions ----------------------------------------------------------------------------------------------------

    def check(self, document: Document) -> None:
        self.capabilities.accept(document)
        if len({payment.form for payment in document.payments}) > self.capabilities.max_payments:
            raise Invalid(Code.PAYMENT, "at most eight means of payment on one receipt", field="payments")
        for name in ("header", "footer"):
            for text in getattr(document, name):
                fit(text, name)
        if document.kind is not DocumentKind.Z_REPORT:
            outlet = self._outlet or replace(SOMEBODY, register=self._settings.register)
            build(outlet, Heading(document.id, 1, self._clock.now()), document)
        elif document.cashier:
            fit(document.cashier, "cashier")

    def info(self) -> Info:
        self._desk.store  # noqa: B018 - another program that works with the memory is told first
        self._desk.ping()
        self._desk.meet()
        outlet = self._know_outlet()
        return Info(
            family="prro",
            model="ПРРО",
            firmware="",
            serial=self._settings.register,
            fiscal_number=self._settings.register,
            tax_number=outlet.ipn or outlet.tin,
            fiscalised=not self._settings.testing,
            tax_rates={
                rate.letter: f"{Decimal(rate.percent) / 100:.2f}"
                for rate in TAXES.at(self._clock.now().date()).values()
                if rate.kind >= 0
            },
        )

    def status(self) -> Status:
        store = self._desk.store
        self._tend()
        if store.fact("outlet") is None and not self._alive:
            raise self._trouble or Unreachable(Code.OFFLINE, "the fiscal server does not answer")
        now = self._desk.time.now()
        shift = store.shift()
        until: datetime | None = None
        blocks: list[Code] = []
        warnings: list[str] = []
        try:
            until = self._desk.operator().until
            if until <= now:
                blocks.append(Code.CERTIFICATE_EXPIRED)
            elif until - now < timedelta(days=14):
                warnings.append(f"the key stops signing on {until:%Y-%m-%d}")
        except KeyFault as fault:
            blocks.append(fault.code)
        offline = self._line_status(now)
        if offline.mode is Mode.REJECTED:
            blocks.append(Code.SYNC_REJECTED)
        elif offline.mode is Mode.BLOCKED:
            blocks.append(self._offline_fault(now) or Code.OFFLINE)
        if self._trouble is not None and self._trouble.code not in (Code.OFFLINE, *blocks):
            blocks.append(self._trouble.code)
        if shift is not None and now - shift.opened > rule(now).shift:
            blocks.append(Code.SHIFT_EXPIRED)
        if abs(self._desk.time.offset) > DRIFT:
            minutes = round(self._desk.time.offset.total_seconds() / 60, 1)
            warnings.append(f"this machine's clock differs from the fiscal server's by {minutes} minutes")
        last = store.last_shift()
        return Status(
            reachable=True,
            clock=now,
            read_at=self._clock.now(),
            shift_open=shift is not None,
            shift_opened_at=shift.opened if shift else None,
            z_number=last.number if last else 0,
            drawer=store.drawer(shift.number) if shift else 0,
            blocks=tuple(str(code) for code in blocks),
            warnings=tuple(warnings),
            raw=str(self._trouble or ""),
            offline=offline,
            key_until=until,
        )

    def totals(self) -> Totals:
        shift = self._desk.store.shift()
        if shift is None:
            return Totals(cash_in=0, cash_out=0, drawer=0, receipts=0, refunds=0, refunds_by_form={})
        return self._totals(self._figures(shift.number), shift.number)

    def cash_in_drawer(self) -> int:
        shift = self._desk.store.shift()
        return self._desk.store.drawer(shift.number) if shift else 0

    # -- the road -----------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        desk = self._desk
        desk.signer()
        store = desk.store
        if not any(entry.standing for entry in store.attempts(str(document.id))):
            alive = self._line()
            self._settle_others(str(document.id), alive=alive)
            self._allowed(document, alive=alive)
            if not alive:
                self._offline.check(desk.time.now())
        return {
            "serial": self._settings.register,
            "number": store.next_number or 0,
            "at": desk.time.now().isoformat(timespec="seconds"),
        }

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        try:
            attempts = self._desk.store.attempts(str(document.id))
            if self._done(document, attempts) is None and any(entry.stage in OPEN for entry in attempts):
                return self.reconcile(document, snapshot)
            return self._registered(document, self._carry_out(document))
        except Fault as fault:
            self._remember(fault)
            return verdict(fault, serial=self._settings.register)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        serial = self._settings.register
        try:
            self._desk.signer()
            attempts = self._desk.store.attempts(str(document.id))
            for entry in attempts:
                if entry.stage in OPEN and not any(each.act is entry.act and each.standing for each in attempts):
                    self._find_out(document, entry)
            attempts = self._desk.store.attempts(str(document.id))
            if not any(entry.standing for entry in attempts):
                last = attempts[-1] if attempts else None
                code, text = (last.code or str(Code.OFFLINE), last.text) if last else (str(Code.OFFLINE), "")
                return Result(
                    State.REJECTED,
                    serial=serial,
                    fault=FaultInfo(code, text or "nothing was begun"),
                    evidence={"local_number": last.number if last else 0},
                )
            return self._registered(document, self._carry_out(document))
        except Fault as fault:
            # Whatever keeps the question from being answered, the answer stays open.
            self._remember(fault)
            return Result(State.UNKNOWN, serial=serial, fault=FaultInfo.of(fault), evidence=dict(snapshot))

    # -- the way home -------------------------------------------------------------------------------------------------

    def synchronise(self, progress: Progress | None = None, *, again: bool = False) -> bool:
        """Bring all offline documents home now; `again` repeats what the server refused. True when online.

        Raises as `OfflineWork.synchronise`.
        """
        self._desk.store  # noqa: B018 - open it first
        done = self._offline.synchronise(progress, again=again)
        self._alive_now()
        return done

    def take_over(self) -> None:
        """An authorised person makes this device the registrar's own (§2.14). Raises `Refused` while documents wait."""
        if self._desk.store.session() is not None:
            raise Refused(Code.WRONG_STATE, "documents of an offline session wait here: bring them home first")
        self._desk.take_over()
        self._trouble = None

    def export_unsent(self, folder: Path) -> list[Path]:
        """Copies of the signed documents that the server has not got, for support. They stay in the queue."""
        session = self._desk.store.session()
        written: list[Path] = []
        if session is None:
            return written
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = 1
        while batch := self._desk.store.in_session(session.id, Stage.OFFLINE_QUEUED, since=place, most=100):
            for entry in batch:
                path = folder / f"{entry.number:08}-{entry.act}.p7s"
                path.write_bytes(entry.signed)
                written.append(path)
            place = batch[-1].place + 1
        return written

    # -- the rest -----------------------------------------------------------------------------------------------------

    def x_report(self) -> Totals:
        shift = self._desk.store.shift()
        if shift is None:
            raise Refused(Code.SHIFT_CLOSED, "the shift is not open: there is nothing to report")
        counted = self._figures(shift.number)
        if self._printer is not None:
            outlet = replace(self._know_outlet(), testing=self._settings.testing)
            notes = ShiftNotes(opened_at=shift.opened)
            now = self._desk.time.now()
            self._printer.print(x_form(outlet, counted, now, width=self._printer.width, maker=MAKER, notes=notes))
        return self._totals(counted, shift.number)

    def slip(self, lines: Sequence[str]) -> None:
        self._paper().print([fit(line, "slip") if line else "" for line in lines])

    def copy_last(self) -> None:
        printer = self._paper()
        shift = self._desk.store.last_shift()
        entries = list(self._desk.store.of_shift(shift.number)) if shift else []
        if not entries:
            raise Refused(Code.WRONG_STATE, "there is no document to copy")
        record = read_document(entries[-1].xml, entries[-1].fiscal)
        printer.print(form(record, width=printer.width, maker=MAKER, copy=True), qr_text(record))

    def open_drawer(self) -> None:
        raise Invalid(Code.UNSUPPORTED, "a software registrar has no drawer of its own")

    def display(self, upper: str, lower: str) -> None:
        raise Invalid(Code.UNSUPPORTED, "a software registrar has no display of its own")

    def set_clock(self, moment: datetime) -> None:
        raise Invalid(Code.UNSUPPORTED, "a software registrar goes by the fiscal server's clock")

    def close(self) -> None:
        self._desk.close()
        self._outlet = None
        self._dead_at = self._asked_at = None

    # -- one act ------------------------------------------------------------------------------------------------------

    def _carry_out(self, document: Document) -> Entry:
        """Every document that the act needs and does not have yet; the one that stands for the act."""
        request = str(document.id)
        attempts = self._desk.store.attempts(request)
        if (done := self._done(document, attempts)) is not None:
            return done
        if document.kind is DocumentKind.Z_REPORT:
            return self._close_day(document)
        return self._issue(
            ACTS[document.kind],
            request,
            lambda outlet, heading: build(outlet, heading, document),
            cashier=document.cashier,
            change=document.change,
        )

    def _done(self, document: Document, attempts: Sequence[Entry]) -> Entry | None:
        """The document that stands for the act, when all of the act is done."""
        act = ACTS.get(document.kind)
        found = next((entry for entry in attempts if entry.act is act and entry.standing), None)
        if found is None or act is not Act.Z_REPORT:
            return found
        shift = self._desk.store.shift()
        return found if shift is None or shift.number != found.shift else None

    def _close_day(self, document: Document) -> Entry:
        """Z, then the closing of the shift (§4.1); whichever is there already is not made again."""
        store, request = self._desk.store, str(document.id)
        report = next((each for each in store.attempts(request) if each.act is Act.Z_REPORT and each.standing), None)
        if report is None:
            shift = store.shift()
            if shift is None:
                raise Refused(Code.SHIFT_CLOSED, "the shift is not open")
            if shift.z_made:
                report = next((each for each in store.of_shift(shift.number) if each.act is Act.Z_REPORT), None)
        if report is None:

            def make(outlet: Outlet, heading: Heading) -> bytes:
                return build(outlet, heading, document, figures=self._figures(shift.number if shift else 0))

            self._difference = self._compared(shift.number) if shift else ""
            report = self._issue(Act.Z_REPORT, request, make, cashier=document.cashier)
        if self._done(document, [report]) is None:
            try:
                self._issue(Act.CLOSE_SHIFT, request, close_shift, cashier=document.cashier)
            except Fault as fault:
                # The report stands whatever became of the closing: ask again until both are there.
                fault.document = Existence.YES
                raise
        return report

    def _issue(self, act: Act, request: str, make: Make, *, cashier: str = "", change: int = 0) -> Entry:
        """One document, online or in the offline session. Raises every fault; its `document` tells what may exist."""
        desk, store = self._desk, self._desk.store
        try:
            alive = self._line()
            self._settle_others(request, alive=alive)
        except Fault as fault:
            fault.document = Existence.NO
            raise
        for _ in range(3):
            if act in FINANCIAL:
                # Again: the server may have told the right time since the snapshot.
                self._not_expired()
            number = store.next_number
            if not alive or number is None:
                return self._offline.issue(act, request, make, cashier=cashier, change=change)
            entry = desk.keep(desk.draft(act, request, make, number, desk.moment(), cashier=cashier, change=change))
            entry, delivery = desk.deliver(entry)
            match delivery.fate:
                case Fate.ACCEPTED:
                    self._alive_now()
                    return entry
                case Fate.UNKNOWN:
                    raise LinkLost(Code.TIMEOUT_UNKNOWN, delivery.what, command="doc")
                case Fate.NOT_SENT:
                    self._dead_at = self._clock.monotonic()
                    alive = False
                case Fate.REJECTED if delivery.refusal is not None:
                    if delivery.refusal.servers_fault:
                        alive = False
                        continue
                    mended = desk.mend(entry, delivery.refusal)
                    if isinstance(mended, Entry):
                        return mended
                    if not mended:
                        raise delivery.refusal.fault("doc")
        raise Refused(Code.LOCAL_NUMBER, "the fiscal server refused the document three times", command="doc")

    def _find_out(self, document: Document, entry: Entry) -> None:
        """Bring one open attempt to an end. Raises while nobody can tell."""
        desk, store = self._desk, self._desk.store
        session = store.session()
        if session is not None and session.lost == entry.seq:
            # It waits for the session's way home, where it is asked for (§6.8).
            desk.ping()
            self._offline.synchronise()
            self._alive_now()
            return
        try:
            desk.settle(entry)
            self._alive_now()
        except (Unreachable, LinkLost):
            self._dead_at = self._clock.monotonic()
            current = store.entry(entry.seq) or entry
            doubt = current.doubt or current.made
            waited = desk.time.now() - doubt >= timedelta(seconds=self._settings.doubt)
            if self._settings.lost != "reissue" or not waited or entry.act not in FINANCIAL or session is not None:
                raise
            self._offline.issue(
                entry.act,
                entry.request,
                lambda outlet, heading: build(outlet, heading, document),
                cashier=document.cashier,
                change=document.change,
                reissue=True,
            )

    def _settle_others(self, request: str, *, alive: bool) -> None:
        """Nothing may follow an act whose fate is not known, but offline documents after a lost receipt (§6.8)."""
        desk, store = self._desk, self._desk.store
        session = store.session()
        for entry in store.open_entries():
            mine = entry.request == request and bool(request)
            waits = session is not None and session.lost == entry.seq
            if mine or waits or entry.act is Act.END_OFFLINE:
                continue
            if entry.stage in (Stage.PREPARED, Stage.SIGNED):
                desk.settle(entry)
            elif alive:
                try:
                    desk.settle(entry)
                except (Unreachable, LinkLost) as fault:
                    raise Refused(Code.UNRESOLVED, f"the fate of document {entry.number} is not known: {fault.what}",
                                  existence=Existence.NO) from fault  # fmt: skip
            elif entry.act not in FINANCIAL:
                raise Refused(
                    Code.UNRESOLVED,
                    f"whether the {entry.act} number {entry.number} is registered is not known, and there is no link",
                    existence=Existence.NO,
                )

    # -- the line -----------------------------------------------------------------------------------------------------

    @property
    def _alive(self) -> bool:
        return self._dead_at is None and self._desk.met

    def _alive_now(self) -> None:
        self._dead_at = None
        self._trouble = None
        if self._desk.met:
            self._know_outlet()

    def _remember(self, fault: Fault) -> None:
        """Another device is no passing trouble: the next word with the server begins with that question."""
        if isinstance(fault, DifferentDevice):
            self._desk.forget()
            self._trouble = fault

    def _line(self) -> bool:
        """Whether the next document goes online. Brings a short offline queue home when the link is back.

        Raises `Refused` and `DifferentDevice` for a server that answers and says no.
        """
        desk = self._desk
        now = self._clock.monotonic()
        session = desk.store.session()
        if self._dead_at is not None and now - self._dead_at < DEAD:
            return False
        try:
            if session is not None:
                if session.state is SessionState.REFUSED:
                    self._offline.check(desk.time.now())
                desk.ping(tries=1)
                if desk.store.count_in_session(session.id, Stage.OFFLINE_QUEUED) > SHORT_QUEUE:
                    return False
                if not self._offline.synchronise():
                    return False
            heard = desk.server.heard_at
            if not desk.met:
                desk.meet()
            elif heard is None or now - heard > HEARD:
                desk.ping()
        except (Unreachable, LinkLost) as fault:
            if fault.code is Code.BUSY:
                raise
            log.info("no link: %s", fault.what)
            self._dead_at = self._clock.monotonic()
            return False
        self._alive_now()
        return True

    def _tend(self) -> None:
        """In the background: is there a link, and may documents go home?"""
        desk = self._desk
        now = self._clock.monotonic()
        session = desk.store.session()
        heard = desk.server.heard_at
        quiet = self._asked_at is None or now - self._asked_at >= PROBE_EVERY
        fresh = heard is not None and now - heard < QUIET and self._dead_at is None and desk.met
        if (session is None and fresh) or (not quiet and not self._syncing):
            return
        self._asked_at = now
        try:
            desk.signer()
            if session is not None and session.state is not SessionState.REFUSED:
                desk.ping(tries=1)
                self._syncing = not self._offline.synchronise(until=self._clock.monotonic() + SLICE)
                if self._syncing:
                    return
            if session is None or session.state is not SessionState.REFUSED:
                desk.meet()
            desk.ping(tries=1)
            self._alive_now()
        except (Unreachable, LinkLost) as fault:
            self._syncing = False
            self._dead_at = self._clock.monotonic()
            self._trouble = fault
        except Fault as fault:
            self._syncing = False
            self._trouble = fault

    def _line_status(self, now: datetime) -> Offline:
        store = self._desk.store
        session = store.session()
        left = self._offline.budget(now)
        numbers = None if session is not None or store.pair is not None else 0
        if session is None:
            blocked = self._offline_fault(now) if self._dead_at is not None else None
            mode = Mode.ONLINE if self._dead_at is None else Mode.BLOCKED if blocked else Mode.OFFLINE
            return Offline(
                mode, month_left=left.month_left, numbers_left=numbers,
                reason=self._trouble.what if self._trouble else "",
            )  # fmt: skip
        sent, total = self._offline.counts(session)
        mode = Mode.SYNCING if self._syncing else Mode.OFFLINE
        if session.state is SessionState.REFUSED:
            mode = Mode.REJECTED
        elif self._offline_fault(now) is not None:
            mode = Mode.BLOCKED
        return Offline(
            mode,
            since=session.began,
            session_left=left.session_left,
            month_left=left.month_left,
            queued=total - sent,
            sent=sent,
            numbers_left=numbers,
            reason=session.text,
        )

    def _offline_fault(self, now: datetime) -> Code | None:
        try:
            self._offline.check(now)
        except Refused as fault:
            return fault.code
        return None

    # -- what is allowed ----------------------------------------------------------------------------------------------

    def _allowed(self, document: Document, *, alive: bool) -> None:
        """The client's state machine (§5.4) and the drawer (cashier-flow.md V-3). Raises `Refused`."""
        store, kind = self._desk.store, document.kind
        shift = store.shift()
        if store.fact("cancelled", False) and kind is not DocumentKind.Z_REPORT:
            raise Refused(
                Code.REGISTRAR_UNKNOWN,
                "the registrar's registration is cancelled: nothing is left but closing the shift",
            )
        if kind is DocumentKind.OPEN_SHIFT:
            if shift is not None:
                raise Refused(Code.SHIFT_OPEN, f"the shift {shift.number} is open already")
            return
        if shift is None:
            raise Refused(Code.SHIFT_CLOSED, "the shift is not open")
        if shift.z_made and kind is not DocumentKind.Z_REPORT:
            raise Refused(Code.Z_REQUIRED, "the Z-report is made and the shift is not closed yet: finish closing it")
        if shift.testing != self._settings.testing:
            now, then = ("test", "fiscal") if self._settings.testing else ("fiscal", "test")
            raise Refused(
                Code.WRONG_STATE, f"a {then} shift is open, {now} documents do not go into it: close it first"
            )
        operator = self._desk.operator()
        if shift.opener and shift.opener != operator.key_id:
            finishing = kind is DocumentKind.Z_REPORT and self._desk.chief and alive
            if not finishing:
                raise Refused(
                    Code.ACCESS_DENIED,
                    "the shift was opened with another key: go on with that one, or let a senior cashier close it",
                )
        if kind is not DocumentKind.Z_REPORT:
            self._not_expired()
        drawer = store.drawer(shift.number)
        wanted = document.amount if kind is DocumentKind.CASH_OUT else 0
        if kind is DocumentKind.REFUND:
            wanted = document.paid_by(PaymentForm.CASH)
            self._same_owner(document)
        if wanted > drawer:
            raise Refused(Code.INSUFFICIENT_CASH, f"{drawer} kopecks in the drawer of this shift, {wanted} needed")
        if kind is DocumentKind.STORNO:
            self._cancellable(document, shift.number)

    def _not_expired(self) -> None:
        """A Z-report is due each day (§5.3). Raises `Refused`."""
        shift, now = self._desk.store.shift(), self._desk.time.now()
        if shift is not None and now - shift.opened > rule(now).shift:
            raise Refused(Code.SHIFT_EXPIRED, "the shift is longer than 24 hours: make the Z-report")

    def _same_owner(self, document: Document) -> None:
        """A refund of another registrar's receipt: only within the same business (cashier-flow.md V-9)."""
        original = document.original
        if original is None:
            raise Invalid(Code.BAD_FIELD, "a refund names the receipt that it gives money back for", field="original")
        own = self._desk.registrars() | {self._settings.register}
        named = original.fiscal_number
        # The server names software registrars only, and their numbers begin with 4 (§3.2): a receipt of the shop's
        # hardware registrar may be given back too, and whose that was the till must know.
        if named.startswith(SOFTWARE) and named not in own:
            raise Refused(
                Code.TAXPAYER,
                f"the receipt was made by the registrar {named}, which is not of this business",
            )

    def _cancellable(self, document: Document, shift: int) -> None:
        """Only the last document of all, and only one that moved money (§3.9)."""
        last = self._desk.store.last()
        named = document.original.number if document.original else ""
        if last is None or last.shift != shift or last.act not in FINANCIAL or last.act is Act.STORNO:
            raise Refused(Code.NOT_LAST, "the last document is none that can be cancelled: make a refund")
        if last.fiscal != named:
            raise Refused(Code.NOT_LAST, f"the last document is {last.fiscal}, not {named}: make a refund")
        if -last.cash + self._desk.store.drawer(shift) < 0:
            raise Refused(Code.INSUFFICIENT_CASH, "there is less cash in the drawer than the cancelled document put in")

    # -- figures, results, paper --------------------------------------------------------------------------------------

    def _figures(self, shift: int) -> Figures:
        return figures(read_document(entry.xml, entry.fiscal) for entry in self._desk.store.of_shift(shift))

    def _totals(self, counted: Figures, shift: int) -> Totals:
        return Totals(
            z_number=shift,
            sales_by_tax=_by_tax(counted.sales),
            refunds_by_tax=_by_tax(counted.refunds),
            sales_by_form=_by_form(counted.sales),
            refunds_by_form=_by_form(counted.refunds),
            cash_in=counted.cash_in,
            cash_out=counted.cash_out,
            drawer=self._desk.store.drawer(shift),
            receipts=counted.sales.count,
            refunds=counted.refunds.count,
        )

    def _compared(self, shift: int) -> str:
        """How the server's draft of the Z differs from ours, "" when it does not or cannot be asked (§4.1)."""
        if not self._line():
            return ""
        try:
            server = self.server_totals()
        except Fault as fault:
            log.info("the server's draft of the Z cannot be had: %s", fault.what)
            return ""
        counted = self._figures(shift)
        ours = {
            "sales": counted.sales.sum,
            "refunds": counted.refunds.sum,
            "cash_in": counted.cash_in,
            "cash_out": counted.cash_out,
            "sales_count": counted.sales.count,
            "refunds_count": counted.refunds.count,
        }
        if server is None or server == ours:
            return ""
        apart = ", ".join(
            f"{name} {ours[name]} here, {server[name]} there" for name in ours if ours[name] != server[name]
        )
        log.warning("the server counts the shift otherwise: %s", apart)
        return f"the fiscal server counts the shift otherwise: {apart}"

    def server_totals(self) -> Mapping[str, int] | None:
        """The server's own draft of the Z-report in kopecks, to compare with (§4.1); None while the shift is closed.

        Keys: sales, refunds, cash_in, cash_out, sales_count, refunds_count. Raises as a question does.
        """
        draft = self._desk.server.last_shift_totals(self._settings.number)
        found = (draft or {}).get("Totals")
        if not isinstance(found, dict):
            return None
        real, back = found.get("Real") or {}, found.get("Ret") or {}
        return {
            "sales": _kopecks(real.get("Sum")),
            "refunds": _kopecks(back.get("Sum")),
            "cash_in": _kopecks(found.get("ServiceInput")),
            "cash_out": _kopecks(found.get("ServiceOutput")),
            "sales_count": int(real.get("OrdersCount") or 0),
            "refunds_count": int(back.get("OrdersCount") or 0),
        }

    def _registered(self, document: Document, entry: Entry) -> Result:
        """The result of an act that stands. Paper comes after it and changes nothing but a word."""
        record = read_document(entry.xml, entry.fiscal)
        totals = None
        if document.kind is DocumentKind.Z_REPORT:
            totals = self._totals(self._figures(entry.shift), entry.shift)
        printed = self._print(document, entry)
        warnings = ("the receipt is made offline",) if record.offline else ()
        if document.kind is DocumentKind.Z_REPORT and self._difference:
            warnings += (self._difference,)
        return Result(
            State.REGISTERED if printed else State.REGISTERED_NOT_PRINTED,
            number=entry.fiscal,
            at=entry.moment,
            z_number=entry.shift,
            total=document.due,
            change=document.change,
            serial=self._settings.register,
            fiscal_number=self._settings.register,
            warnings=warnings,
            totals=totals,
            evidence={
                "local_number": entry.number,
                "uid": str(entry.uid).upper(),
                "offline": int(record.offline),
                "qr": qr_text(record),
            },
        )

    def _print(self, document: Document, entry: Entry) -> bool:
        if self._printer is None or entry.act is Act.STORNO:
            return True
        try:
            record = read_document(entry.xml, entry.fiscal)
            notes = ShiftNotes() if entry.act is Act.Z_REPORT else None
            rows = form(
                record, width=self._printer.width, maker=MAKER, header=document.header, footer=document.footer,
                notes=notes,
            )  # fmt: skip
            self._printer.print(rows, qr_text(record))
        except (Fault, OSError) as fault:
            log.warning("document %s is registered and not printed: %s", entry.fiscal, fault)
            return False
        return True

    def _paper(self) -> Printer:
        if self._printer is None:
            raise Invalid(Code.UNSUPPORTED, "this registrar has no printer")
        return self._printer

    def _know_outlet(self) -> Outlet:
        self._outlet = self._desk.outlet()
        return self._outlet


def _by_tax(side: Side) -> dict[str, int]:
    """Money by the lines' letters; what cash rounding added stands under "", because it belongs to no letter."""
    found = {letters: money for letters, money in side.by_letters if money}
    if side.rounding:
        found[""] = found.get("", 0) + side.rounding
    return found


def _by_form(side: Side) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in side.pays:
        known = FORMS.get(row.code)
        name = str(known) if known is not None else row.name
        found[name] = found.get(name, 0) + row.sum
    return {name: money for name, money in found.items() if money}


def _kopecks(value: Any) -> int:
    text = text_of(value)
    return int((Decimal(text) * 100).to_integral_value()) if text else 0
