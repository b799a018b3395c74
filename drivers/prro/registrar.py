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
from typing import TYPE_CHECKING

from drivers.clock import Clock
from drivers.document import Document, DocumentKind
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.printers import Printer
from drivers.printers.files import Shelf
from drivers.prro import standing
from drivers.prro.client import Fate
from drivers.prro.counting import Counting
from drivers.prro.desk import Desk, Make
from drivers.prro.documents import (
    KINDS,
    TAXES,
    Act,
    Heading,
    Outlet,
    build,
    close_shift,
    qr_text,
    read_document,
)
from drivers.prro.documents.forms import slip_form, x_form
from drivers.prro.documents.text import fit
from drivers.prro.fates import Fates
from drivers.prro.line import Line
from drivers.prro.meeting import QUICK, Meeting
from drivers.prro.offline import FINANCIAL, OfflineWork, Progress
from drivers.prro.paper import MAKER, Papers, shift_notes
from drivers.prro.permits import Permits
from drivers.prro.rules import rule
from drivers.prro.settings import Settings
from drivers.prro.signing.errors import KeyFault
from drivers.prro.store import OPEN, Entry, Stage
from drivers.registrar import (
    Capabilities,
    FaultInfo,
    Info,
    Mode,
    Result,
    Snapshot,
    State,
    Status,
    Totals,
    verdict,
)

if TYPE_CHECKING:
    from drivers.prro.recovery import Recovered

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
DRIFT = timedelta(seconds=60)
SOMEBODY = Outlet("1234567890", "?", "?", "?", 1, "4000000000", ipn="123456789012")
"""Stands for the outlet in a check before the server named ours: only the words of the document matter there."""


class PrroRegistrar:
    """One software registrar. Not thread-safe but for `check` and `capabilities`: a worker owns it."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        log_: WireLog,
        *,
        printer: Printer | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._desk = Desk(settings, clock, log_)
        self._meeting = Meeting(self._desk)
        self._fates = Fates(self._desk, self._meeting)
        self._offline = OfflineWork(self._desk, self._meeting, self._fates)
        self._line = Line(self._desk, self._meeting, self._fates, self._offline, clock)
        self._permits = Permits(self._desk)
        self._counting = Counting(self._desk)
        self._papers = Papers(printer, shelf, lambda: self._desk.store)
        self._difference = ""
        """How the server's draft of the last Z differed from ours."""
        self.capabilities = Capabilities(
            family="prro",
            name_length=250,
            line_length=self._papers.width,
            kinds=KINDS,
            opens_with_first_document=False,
            storno=True,
            hardware=False,
            slips=printer is not None,
            copy_of_last=printer is not None,
            drawer=self._papers.kicks,
            prints_apart=True,
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
            outlet = self._line.outlet or replace(SOMEBODY, register=self._settings.register)
            build(outlet, Heading(document.id, 1, self._clock.now()), document)
        elif document.cashier:
            fit(document.cashier, "cashier")

    def _bound(self) -> None:
        """A till that is bound to another registrar meets nobody and moves nothing. Raises `DifferentDevice`."""
        bound, own = self._settings.bound, self._settings.register
        if bound and bound != own:
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"the till is bound to the registrar {bound}, and the address names {own}",
                serial=own,
                existence=Existence.NO,
            )

    def info(self) -> Info:
        self._bound()
        self._desk.store  # noqa: B018 - another program that works with the memory is told first
        # Whoever asks who answers wants to know it now: the registration, the key and the numbers are asked anew.
        self._desk.forget()
        self._meeting.meet()
        self._line.came_back()
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
        self._bound()
        store = self._desk.store
        self._line.tend()
        if store.fact("outlet") is None and not self._line.alive:
            raise self._line.trouble or Unreachable(Code.OFFLINE, "the fiscal server does not answer")
        now = self._desk.time.now()
        shift = store.shift()
        until: datetime | None = None
        key_id = ""
        blocks: list[Code] = []
        warnings: list[str] = []
        try:
            operator = self._desk.operator()
            until, key_id = operator.until, operator.key_id
            if until <= now:
                blocks.append(Code.CERTIFICATE_EXPIRED)
            elif until - now < timedelta(days=14):
                warnings.append(f"the key stops signing on {until:%Y-%m-%d}")
        except KeyFault as fault:
            blocks.append(fault.code)
        offline = self._line.status(now)
        if offline.mode is Mode.REJECTED:
            blocks.append(Code.SYNC_REJECTED)
        elif offline.mode is Mode.BLOCKED:
            blocks.append(self._line.offline_fault(now) or Code.OFFLINE)
        if self._line.trouble is not None and self._line.trouble.code not in (Code.OFFLINE, *blocks):
            blocks.append(self._line.trouble.code)
        if shift is not None and now - shift.opened > rule(now).shift:
            blocks.append(Code.SHIFT_EXPIRED)
        if abs(self._desk.time.offset) > DRIFT:
            minutes = round(self._desk.time.offset.total_seconds() / 60, 1)
            warnings.append(f"this machine's clock differs from the fiscal server's by {minutes} minutes")
        last, cancelled = store.last_shift(), store.fact("cancelled")
        status = Status(
            reachable=True,
            clock=now if self._desk.time.known else None,
            read_at=self._clock.now(),
            shift_open=shift is not None,
            shift_opened_at=shift.opened if shift else None,
            z_number=last.number if last else 0,
            drawer=store.spendable(shift.number) if shift else 0,
            blocks=tuple(str(code) for code in blocks),
            warnings=tuple(warnings),
            raw=str(self._line.trouble or ""),
            offline=offline,
            key_until=until,
            key_id=key_id,
            shift_opener=shift.opener if shift else "",
            registered=None if cancelled is None else not cancelled,
        )
        return self._papers.told(status)

    def probe(self) -> Status:
        """The status after asking for the line now, however lately it was asked: a person waits at the till."""
        self._bound()
        self._desk.store  # noqa: B018 - open it first
        self._line.tend(at_once=True)
        return self.status()

    def totals(self) -> Totals:
        shift = self._desk.store.shift()
        if shift is None:
            return Totals(cash_in=0, cash_out=0, drawer=0, receipts=0, refunds=0, refunds_by_form={})
        return self._counting.totals(self._counting.figures(shift.number), shift.number)

    def server_totals(self) -> Mapping[str, int] | None:
        """The server's own draft of the Z-report; see `Counting.server_totals`."""
        return self._counting.server_totals()

    def cash_in_drawer(self) -> int:
        shift = self._desk.store.shift()
        return self._desk.store.spendable(shift.number) if shift else 0

    # -- the road -----------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        self._bound()
        desk = self._desk
        desk.signer()
        store = desk.store
        if not any(entry.standing for entry in store.attempts(str(document.id))):
            alive = self._line.is_up()
            self._line.settle_others(str(document.id), alive=alive)
            self._permits.check(document, alive=alive)
            if not alive:
                self._offline.check(desk.time.now())
        return {
            "serial": self._settings.register,
            "number": store.next_number or 0,
            "at": desk.time.now().isoformat(timespec="seconds"),
        }

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        try:
            self._bound()
            attempts = self._desk.store.attempts(str(document.id))
            if self._done(document, attempts) is None and any(entry.stage in OPEN for entry in attempts):
                return self.reconcile(document, snapshot)
            return self._registered(document, self._carry_out(document))
        except Fault as fault:
            self._line.remember(fault)
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
            # Whatever keeps the question from being answered, the answer stays open; but a number that another device
            # has taken is an answer.
            self._line.remember(fault)
            taken = isinstance(fault, DifferentDevice) and not self._may_exist(document)
            state = State.REJECTED if taken else State.UNKNOWN
            return Result(state, serial=serial, fault=FaultInfo.of(fault), evidence=dict(snapshot))

    def _may_exist(self, document: Document) -> bool:
        attempts = self._desk.store.attempts(str(document.id))
        return any(entry.stage in OPEN or entry.standing for entry in attempts)

    def latency(self, patience: float) -> float | None:
        """Seconds that the server takes to tell its time, None where it does not within `patience` seconds."""
        self._bound()
        return self._meeting.latency(patience)

    # -- the way home -------------------------------------------------------------------------------------------------

    def synchronise(self, progress: Progress | None = None, *, again: bool = False) -> bool:
        """Bring all offline documents home now; `again` repeats what the server refused. True when online.

        Raises as `OfflineWork.synchronise`.
        """
        self._desk.store  # noqa: B018 - open it first
        done = self._offline.synchronise(progress, again=again)
        self._line.came_back()
        return done

    def key_standing(self, slot: str = "") -> standing.KeyStanding:
        """What the tax service says about an unlocked key, this registrar's own or another slot's; see `standing`."""
        self._bound()
        return standing.ask(self._desk, slot or self._settings.slot)

    def take_over(self) -> None:
        """An authorised person makes this device the registrar's own (§2.14). Raises `Refused` while documents wait."""
        if self._desk.store.session() is not None:
            raise Refused(Code.WRONG_STATE, "documents of an offline session wait here: bring them home first")
        self._meeting.take_over()
        self._line.trouble = None

    def recover(self) -> Recovered:
        """After this registrar's memory came back from a copy; see `drivers.prro.recovery`."""
        from drivers.prro.recovery import Recovery

        self._bound()
        found = Recovery(self._desk, self._meeting, self._fates, self._offline).run()
        self._line.came_back()
        return found

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
        counted = self._counting.figures(shift.number)
        if self._papers.there:
            outlet = replace(self._know_outlet(), testing=self._settings.testing)
            notes = shift_notes(self._desk.store, shift.number)
            now = self._desk.time.now()
            rows = x_form(outlet, counted, now, width=self._papers.width, maker=MAKER, notes=notes)
            self._papers.printer().print(rows)
        return self._counting.totals(counted, shift.number)

    def slip(self, lines: Sequence[str]) -> None:
        self._papers.printer().print(
            slip_form([fit(line, "slip") if line else "" for line in lines], self._papers.width)
        )

    def copy_last(self) -> None:
        self._papers.printer()
        shift = self._desk.store.last_shift()
        entries = list(self._desk.store.of_shift(shift.number)) if shift else []
        if not entries:
            raise Refused(Code.WRONG_STATE, "there is no document to copy")
        self._papers.again(None, entries[-1])

    def set_paper(self, wanted: bool) -> None:
        self._papers.wanted = wanted

    def reprint(self, document: Document) -> None:
        self._papers.printer()
        entries = [each for each in self._desk.store.attempts(str(document.id)) if each.standing]
        act = ACTS.get(document.kind)
        entry = next((each for each in entries if each.act is act), None)
        if entry is None:
            raise Refused(Code.WRONG_STATE, f"the {document.kind} {document.id} is not registered here")
        self._papers.again(document, entry)

    def paper(self, number: str) -> tuple[Sequence[str], str]:
        """Rows and code text of the document with a fiscal number. Raises `Refused` for one that is not here."""
        entry = self._desk.store.by_fiscal(number)
        if entry is None:
            raise Refused(Code.WRONG_STATE, f"no document with the fiscal number {number!r} is kept here")
        return self._papers.rows(entry, copy=True)

    def open_drawer(self) -> None:
        self._papers.open_drawer()

    def display(self, upper: str, lower: str) -> None:
        raise Invalid(Code.UNSUPPORTED, "a software registrar has no display of its own")

    def set_clock(self, moment: datetime) -> None:
        raise Invalid(Code.UNSUPPORTED, "a software registrar goes by the fiscal server's clock")

    def close(self) -> None:
        self._desk.close()
        self._line.forget()

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
                return build(outlet, heading, document, figures=self._counting.figures(shift.number if shift else 0))

            self._difference = self._counting.compared(shift.number) if shift and self._line.is_up() else ""
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
            alive = self._line.is_up()
            self._line.settle_others(request, alive=alive)
        except Fault as fault:
            fault.document = Existence.NO
            raise
        refused: Fault | None = None
        for _ in range(3):
            if act in FINANCIAL:
                # Again: the server may have told the right time since the snapshot.
                self._permits.not_expired()
            number = store.next_number
            if not alive or number is None:
                return self._offline.issue(act, request, make, cashier=cashier, change=change)
            entry = desk.keep(desk.draft(act, request, make, number, desk.moment(), cashier=cashier, change=change))
            entry, delivery = self._fates.deliver(entry)
            match delivery.fate:
                case Fate.ACCEPTED:
                    self._line.came_back()
                    return entry
                case Fate.UNKNOWN:
                    raise LinkLost(Code.TIMEOUT_UNKNOWN, delivery.what, command="doc")
                case Fate.NOT_SENT:
                    self._line.went_down()
                    alive = False
                case Fate.REJECTED if delivery.refusal is not None:
                    if delivery.refusal.servers_fault:
                        alive = False
                        continue
                    mended = self._fates.mend(entry, delivery.refusal)
                    if isinstance(mended, Entry):
                        return mended
                    refused = delivery.refusal.fault("doc")
                    if not mended:
                        raise refused
        raise refused or Refused(Code.OFFLINE, "the fiscal server was not reached", command="doc")

    def _find_out(self, document: Document, entry: Entry) -> None:
        """Bring one open attempt to an end. Raises while nobody can tell."""
        desk, store = self._desk, self._desk.store
        session = store.session()
        if session is not None and session.lost == entry.seq:
            # It waits for the session's way home, where it is asked for (§6.8).
            self._meeting.ping()
            self._offline.synchronise()
            self._line.came_back()
            return
        try:
            # A line that swallows everything is told from a slow server in a second and a half: the buyer waits.
            self._meeting.ping(tries=1, probe=QUICK)
            self._fates.settle(entry)
            self._line.came_back()
        except (Unreachable, LinkLost):
            self._line.went_down()
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

    def _registered(self, document: Document, entry: Entry) -> Result:
        """The result of an act that stands. Paper comes after it and changes nothing but a word."""
        record = read_document(entry.xml, entry.fiscal)
        totals = None
        if document.kind is DocumentKind.Z_REPORT:
            totals = self._counting.totals(self._counting.figures(entry.shift), entry.shift)
        printed = self._papers.issue(document, entry)
        warnings: tuple[str, ...] = ("the receipt is made offline",) if record.offline else ()
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
            by_tax=self._counting.by_tax(record),
            evidence={
                "local_number": entry.number,
                "uid": str(entry.uid).upper(),
                "offline": int(record.offline),
                "qr": qr_text(record),
            },
        )

    def _know_outlet(self) -> Outlet:
        outlet = self._line.outlet = self._desk.outlet()
        return outlet
