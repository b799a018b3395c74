"""The IKC registrar: IKC-E810T, C651T, E07, A8800 and relatives (ikc.md).

Proof of completion (§8, registrars/README.md §7): the Z number and the counters of sales and refunds (42 tag 0), the
day registers (42). A receipt exists when its counter moved by one and the turnover by the receipt; it does not when
the counter stood still. A receipt that is open (RESERVE bit 6) and not fully paid is cancelled; a command that the
device will finish by itself (RESERVE bit 1) is waited for. The repeat of NUM and CODE serves broken answers only:
after silence the registrar is asked, because its memory of the last packet dies with the power.

URL options: `baud` (9600), `operator` (0: cashier 0…7), `password` (0: the cashier's, 0…65535), `cashier` (name on the
receipt where the document gives none), `report_password` and `program_password` (0), `crc` (off, on: CRC-16 behind
every request), `cap` (90: longest wait, seconds), `silence_ms`, `working_ms` (500, 3000: without an answer until a
packet is repeated, at rest and while it works), `attempts` (4: how often a packet is sent), `serial` (factory number
that the till is bound to), `cash`, `card`, `credit`, `cheque`, `certificate`, `iban` (payment form 0…9 of §5: 3, 0, 1,
2, 4, 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from drivers.clock import Clock, kyiv
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused
from drivers.ikc import commands, receipt, text
from drivers.ikc.exchange import ATTEMPTS, SILENCE, SILENCE_WORKING
from drivers.ikc.forms import FORMS, by_form, by_letter
from drivers.ikc.moments import Moments
from drivers.ikc.proof import Reading, by_tax, judge
from drivers.ikc.receipt import Receipt
from drivers.ikc.session import Session
from drivers.ikc.status import Flags
from drivers.links import Link
from drivers.links.opening import link_to
from drivers.links.wire import RecordedLink, WireLog
from drivers.registrar import (
    HARDWARE_KINDS,
    Capabilities,
    FaultInfo,
    Info,
    Result,
    Snapshot,
    State,
    Status,
    Totals,
    verdict,
)
from drivers.registry import RegistrarUrl

REPORT_CAP = 180.0
"""Seconds for a Z or X report."""
FINISHING = 10.0
"""Seconds to wait for the end of an interrupted printout before the next act (§8)."""
FINISHING_STEP = 0.2
OPTIONS = (
    "baud",
    "operator",
    "password",
    "cashier",
    "report_password",
    "program_password",
    "crc",
    "cap",
    "silence_ms",
    "working_ms",
    "attempts",
    "serial",
)


def connect(url: RegistrarUrl, clock: Clock, log: WireLog) -> IkcRegistrar:
    """The driver for `ikc+serial:///dev/…` or `ikc+tcp://host:port`. Raises `Invalid` for a wrong option."""
    url.refuse_unknown(*OPTIONS, *map(str, PaymentForm))
    link = link_to(url.transport, url.address, baud=url.number("baud", 9600, 1200, 115200))
    cashier = url.options.get("cashier", "Касир")
    if not 1 <= len(text.encode(cashier, "cashier")) <= commands.CASHIER_LENGTH:
        raise Invalid(Code.BAD_FIELD, "the cashier's name has 1 to 15 characters", field="cashier")
    return IkcRegistrar(
        RecordedLink(link, log),
        clock,
        operator=url.number("operator", 0, 0, 7),
        password=url.number("password", 0, 0, 0xFFFF),
        cashier=cashier,
        report_password=url.number("report_password", 0, 0, 0xFFFF),
        program_password=url.number("program_password", 0, 0, 0xFFFF),
        checked=url.choice("crc", "off", ("off", "on")) == "on",
        cap=float(url.number("cap", 90, 1, 600)),
        silence=url.number("silence_ms", round(SILENCE * 1000), 60, 10_000) / 1000,
        working=url.number("working_ms", round(SILENCE_WORKING * 1000), 60, 60_000) / 1000,
        attempts=url.number("attempts", ATTEMPTS, 1, ATTEMPTS),
        serial=url.options.get("serial", ""),
        forms={form: url.number(str(form), place, 0, commands.FORMS - 1) for form, place in FORMS.items()},
    )


class IkcRegistrar:
    """One registrar. `serial` binds it to one unit; the first unit met binds it otherwise."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        operator: int = 0,
        password: int = 0,
        cashier: str = "Касир",
        report_password: int = 0,
        program_password: int = 0,
        checked: bool = False,
        cap: float = 90.0,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        serial: str = "",
        forms: Mapping[PaymentForm, int] = FORMS,
    ) -> None:
        self._clock = clock
        self._session = Session(
            link, clock, cap=cap, silence=silence, working=working, attempts=attempts, checked=checked
        )
        self._receipt = Receipt(self._session, password=password, operator=operator, cashier=cashier, forms=forms)
        self._report_password = report_password
        self._program_password = program_password
        self._forms = dict(forms)
        self._serial = serial
        self._met = False
        self._groups: frozenset[str] | None = None
        self._moments = Moments(self._session, clock)
        self.capabilities = Capabilities(
            family="ikc",
            name_length=commands.NAME_LENGTH,
            line_length=commands.COMMENT_LENGTH,
            kinds=HARDWARE_KINDS,
            display=True,
            drawer=True,
            max_payments=commands.FORMS,
            tax_letters=commands.LETTERS,
        )

    # -- questions ------------------------------------------------------------------------------------------------

    def check(self, document: Document) -> None:
        self.capabilities.accept(document)
        text.encode(document.cashier, "cashier")
        if max(document.paid, document.due, document.total + document.discount) > commands.MAX_SUM:
            raise Invalid(Code.OVERFLOW, "a receipt of this registrar is below 21 474 836.48", field="payments")
        for index, line in enumerate(document.lines):
            where = f"lines[{index}]"
            if len(line.tax) != 1 or line.tax not in commands.LETTERS:
                raise Invalid(
                    Code.TAX, f"this registrar knows the tax letters А…Е one at a time, not {line.tax!r}",
                    field=f"{where}.tax",
                )  # fmt: skip
            if line.price > commands.MAX_SUM:
                raise Invalid(Code.OVERFLOW, "the price is above 21 474 836.47", field=f"{where}.price")
            if line.quantity % 1000 and line.quantity > commands.MAX_QUANTITY:
                raise Invalid(Code.BAD_FIELD, "too large a fractional quantity", field=f"{where}.quantity")
            text.encode(receipt.printed_name(line), f"{where}.name")
            for stamp in line.excise:
                text.encode(stamp, f"{where}.excise")
            text.encode(line.comment, f"{where}.comment")
        for payment in document.payments:
            if payment.card is not None:
                for words in (receipt.authorisation(payment.card), *receipt.slip(payment.card)):
                    text.encode(words, "payments")
        if document.original is not None:
            text.encode(f"{document.original.number} {document.original.at}", "original")
        for note in (*document.header, *document.footer):
            text.encode(note, "footer")

    def info(self) -> Info:
        self._meet()
        identity = self._session.identity
        return Info(
            family="ikc",
            model="IKC",
            firmware=identity.firmware,
            serial=identity.serial,
            fiscal_number=identity.fiscal_number,
            tax_number=identity.tax_number,
            fiscalised=self._session.flags.fiscalised,
            tax_rates=self._rates(),
        )

    def status(self) -> Status:
        self._meet()
        flags = self._session.refresh()
        counters = self._counters()
        clock = self._moments.read()
        read_at = self._clock.now()
        warnings = self._moments.warnings() if clock is not None else ()
        if flags.unfinished:
            warnings += ("the registrar finishes an interrupted printout by itself",)
        drawer: int | None = None
        with suppress(Refused):  # a blocked registrar does not tell (§4)
            drawer = self.cash_in_drawer()
        paper_low, warned = self._paper()
        self._moments.shift.seen(open=flags.shift_open)
        return Status(
            reachable=True,
            paper_out=flags.paper_out,
            paper_low=paper_low,
            cover_open=flags.cover_open,
            receipt_open=flags.receipt_open,
            clock_set=not flags.status & 0x08,
            clock=clock,
            read_at=read_at if clock is not None else None,
            shift_open=flags.shift_open,
            shift_opened_at=self._moments.shift_opened_at(counters) if flags.shift_open else None,
            z_number=counters.z_number,
            drawer=drawer,
            blocks=tuple(str(code) for code, _ in flags.problems()),
            warnings=warnings + warned,
            raw=flags.hex,
        )

    def totals(self) -> Totals:
        self._meet()
        counters = self._counters()
        sales, payouts = commands.day_data(self._session.ask(commands.DAY_DATA))
        drawer: int | None = None
        with suppress(Refused):  # a blocked registrar does not tell (§4)
            drawer = self.cash_in_drawer()
        return Totals(
            z_number=counters.z_number,
            sales_by_tax=by_letter(sales.taxes),
            refunds_by_tax=by_letter(payouts.taxes),
            sales_by_form=by_form(self._forms, sales.forms),
            refunds_by_form=by_form(self._forms, payouts.forms),
            cash_in=sales.cash,
            cash_out=payouts.cash,
            drawer=drawer,
            receipts=counters.sales,
            refunds=counters.payouts,
        )

    def cash_in_drawer(self) -> int:
        self._meet()
        return commands.number(self._session.ask(commands.CASH_SUM), 0, 5)

    # -- the road -------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        self._meet()
        flags = self._settled()
        for code, what in flags.problems():
            if document.kind is DocumentKind.Z_REPORT and code is Code.SHIFT_EXPIRED:
                continue  # a Z ends this block (§4)
            raise Refused(code, what, raw=flags.hex)
        if flags.unfinished:
            raise Refused(Code.BUSY, "the registrar has not finished an interrupted printout", raw=flags.hex)
        if flags.service_open:
            self._session.ask(commands.SERVICE_LINE, bytes((commands.SERVICE_END,)))
        if flags.receipt_open:
            # Not paid, or it would be closed: full payment closes it by itself (§6).
            self._session.ask(commands.CANCEL)
        self._know_taxes(document)
        reading = self._read()
        wanted = document.amount if document.kind is DocumentKind.CASH_OUT else 0
        if document.kind is DocumentKind.REFUND:
            wanted = document.paid_by(PaymentForm.CASH)
        if wanted and wanted > (drawer := self.cash_in_drawer()):
            raise Refused(
                Code.INSUFFICIENT_CASH, f"{drawer} kopecks in the registrar, {wanted} needed",
                command=str(commands.CASH_SUM),
            )  # fmt: skip
        return reading.to_json()

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        try:
            self._meet()
            if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
                return self._move_cash(document, before)
            if document.kind is DocumentKind.Z_REPORT:
                return self._close_day(document, before)
            issued = self._receipt.issue(document)
            return replace(self._registered(document, before, issued.packet), by_tax=issued.by_tax)
        except Fault as fault:
            return verdict(fault, serial=before.serial)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        self._session.close()
        try:
            self._meet(expected=before.serial)
            flags = self._session.refresh()
            if flags.receipt_open:
                self._end_open(flags)
            after = self._read()
            return self._judged(document, before, after)
        except Fault as fault:
            # Whatever keeps the question from being answered, the answer stays open.
            return Result(State.UNKNOWN, serial=before.serial, fault=FaultInfo.of(fault), evidence=before.to_json())

    # -- the rest -------------------------------------------------------------------------------------------------

    def x_report(self) -> Totals:
        self._meet()
        self._session.ask(commands.X_REPORT, commands.password(self._report_password), cap=REPORT_CAP)
        return self.totals()

    def slip(self, lines: Sequence[str]) -> None:
        """A service report: lines of 40, ended by its length 255."""
        self._meet()
        for line in lines:
            text.encode(line, "slip")
        try:
            for line in text.lines(lines, commands.SLIP_LENGTH):
                self._session.ask(commands.SERVICE_LINE, commands.service_line(line))
        finally:
            if self._session.connected and self._session.flags.service_open:
                self._session.ask(commands.SERVICE_LINE, bytes((commands.SERVICE_END,)))

    def copy_last(self) -> None:
        self._meet()
        self._session.ask(commands.REPRINT)

    def open_drawer(self) -> None:
        self._meet()
        self._session.ask(commands.DRAWER)

    def display(self, upper: str, lower: str) -> None:
        self._meet()
        for row, words in enumerate((upper, lower)):
            self._session.ask(commands.DISPLAY, commands.display(row, words))

    def set_clock(self, moment: datetime) -> None:
        """The time while no shift is open; the date only where it differs, because it needs a jumper (§5)."""
        self._meet()
        local = kyiv(moment)
        if commands.read_date(self._session.ask(commands.GET_DATE)) != local.date():
            self._session.ask(commands.SET_DATE, commands.bcd_date(local.date()))
        self._session.ask(commands.SET_TIME, commands.bcd_time(local))
        self._moments.read()

    def close(self) -> None:
        self._session.close()
        self._session.unlock()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _meet(self, expected: str = "") -> None:
        """Connect, and on every new connection ask who is there. Raises `DifferentDevice`."""
        if self._session.connected and self._met:
            return
        self._met = False
        self._groups = None
        self._session.connect()
        serial = self._session.identity.serial
        bound = expected or self._serial
        if bound and serial != bound:
            self._session.close()
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"the registrar {serial} answers where {bound} is expected",
                serial=serial,
                existence=Existence.NO,
            )
        if serial != self._serial:
            self._moments.shift.forget()
        self._serial = serial
        self._moments.read()
        self._met = True

    def _rates(self) -> dict[str, str]:
        """Rates of the programmed groups; a blocked registrar does not tell (§4)."""
        try:
            rates = commands.rates(self._session.ask(commands.TAX_RATES))
        except Refused:
            return {}
        return {
            letter: f"{rate // 100}.{rate % 100:02d}" for letter, rate in zip(commands.LETTERS, rates, strict=False)
        }

    def _know_taxes(self, document: Document) -> None:
        """Refuse a letter that the device's own table lacks, read once a connection; Е is untaxed, without a row."""
        wanted = {line.tax for line in document.lines} - {commands.LETTERS[-1]}
        if wanted and self._groups is None:
            self._groups = frozenset(self._rates()) or None
        if self._groups is not None and (missing := sorted(wanted - self._groups)):
            raise Refused(Code.TAX, f"the registrar has no tax group {missing[0]}", command=str(commands.TAX_RATES))

    def _counters(self) -> commands.Counters:
        return commands.counters(self._session.ask(commands.DAY_DATA, b"\x00"))

    def _paper(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the paper is near its end (48); firmware without the command does not tell."""
        try:
            state = commands.number(self._session.ask(commands.PAPER), 0, 1)
        except Refused:
            return False, ()
        return bool(state & 0x08), ("the printer does not answer",) if state & 0x01 else ()

    def _settled(self) -> Flags:
        """Flags after an interrupted printout was finished, or when something keeps it from that."""
        deadline = self._clock.monotonic() + FINISHING
        flags = self._session.refresh()
        while flags.unfinished and flags.obstacle() is None and self._clock.monotonic() < deadline:
            self._clock.sleep(FINISHING_STEP)
            flags = self._session.refresh()
        self._moments.shift.seen(open=flags.shift_open)
        return flags

    def _end_open(self, flags: Flags) -> None:
        """A receipt of ours found open after a doubt: it is not paid in full, or the device finishes it itself (§8)."""
        held = commands.current(self._session.ask(commands.RECEIPT))
        due = sum(held.taxes)
        if flags.unfinished and due and sum(held.forms) >= due:
            code, what = flags.obstacle() or (Code.BUSY, "the printout goes on")
            raise Refused(code, f"the receipt is paid and waits to be finished: {what}", existence=Existence.UNKNOWN)
        try:
            self._session.ask(commands.CANCEL)
        except Refused:
            # Unpaid, it can never become a document by itself: what cannot be cancelled now (no paper) is cancelled
            # before the next one.
            if not self._session.flags.problems() or (due and sum(held.forms) >= due):
                raise

    def _read(self) -> Reading:
        """Completion values; every command here is executed in any state (§4), but for the clock's."""
        counters = self._counters()
        sales, payouts = commands.day_data(self._session.ask(commands.DAY_DATA))
        self._moments.read()
        return Reading(
            serial=self._serial,
            z_number=counters.z_number,
            sales=counters.sales,
            payouts=counters.payouts,
            sold=" ".join(map(str, sales.taxes)),
            paid=sum(sales.forms),
            returned=" ".join(map(str, payouts.taxes)),
            repaid=sum(payouts.forms),
            cash_in=sales.cash,
            cash_out=payouts.cash,
            at=self._moments.now().astimezone(UTC).isoformat(timespec="seconds"),
        )

    def _move_cash(self, document: Document, before: Reading) -> Result:
        try:
            self._receipt.login(document)
        except Fault as fault:
            fault.document = Existence.NO
            raise
        code = commands.CASH_IN if document.kind is DocumentKind.CASH_IN else commands.CASH_OUT
        data = self._act(code, commands.money(document.amount))
        return self._registered(document, before, commands.number(data, 0, 4) if len(data) >= 4 else None)

    def _close_day(self, document: Document, before: Reading) -> Result:
        try:
            totals = self.totals()
        except Fault as fault:
            fault.document = Existence.NO
            raise
        self._act(commands.Z_REPORT, commands.password(self._report_password), cap=REPORT_CAP)
        z_number = before.z_number + 1
        with suppress(LinkLost, Refused):
            z_number = self._counters().z_number
        result = self._registered(document, before, z_number)
        return replace(result, z_number=z_number, totals=totals)

    def _act(self, code: int, parameters: bytes, *, cap: float | None = None) -> bytes:
        """A command that is a whole document: one that was blocked on the way may have been executed (§4)."""
        try:
            return self._session.ask(code, parameters, cap=cap)
        except Refused as fault:
            if self._session.halfway:
                fault.document = Existence.UNKNOWN
            raise

    def _registered(
        self, document: Document, before: Reading, number: int | None, moment: datetime | None = None
    ) -> Result:
        """The registrar confirmed the act. `number`: its journal packet, or the Z number."""
        flags = self._session.flags
        printed = not flags.unfinished and flags.obstacle() is None
        warnings: tuple[str, ...] = ()
        named = "" if number is None else str(number)
        if number is None:
            named, warnings = self._find_number(document, before)
        at = moment or self._moments.now()
        if document.kind is DocumentKind.Z_REPORT:
            self._moments.shift.z_made()
        else:
            self._moments.shift.document_made(at)
        return Result(
            State.REGISTERED if printed else State.REGISTERED_NOT_PRINTED,
            number=named,
            at=at,
            z_number=before.z_number,
            total=document.due,
            change=document.change,
            serial=self._serial,
            fiscal_number=self._session.identity.fiscal_number,
            warnings=warnings,
        )

    def _find_number(self, document: Document, before: Reading) -> tuple[str, tuple[str, ...]]:
        """The journal packet of a receipt whose answer was lost (§8); the receipt's number in the shift otherwise."""
        if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
            return "", ("the registrar does not tell the number of a cash movement afterwards",)
        refund = document.kind is DocumentKind.REFUND
        count = (before.payouts if refund else before.sales) + 1
        kind = commands.PAYOUT_PACKET if refund else commands.SALE_PACKET
        try:
            data = self._session.ask(commands.MODEM, commands.find_packet(self._program_password, kind, count))
            if commands.number(data, 0, 1) == 0:
                return str(commands.number(data, 3, 4)), ()
            why = f"the journal search ended with {data[0]}"
        except (LinkLost, Refused) as fault:
            why = fault.what
        return str(count), (f"the number is the receipt's place in the shift, its journal packet is not known: {why}",)

    def _judged(self, document: Document, before: Reading, after: Reading) -> Result:
        state, why = judge(document, before, after)
        evidence = {f"before_{name}": value for name, value in before.to_json().items()}
        evidence |= {f"after_{name}": value for name, value in after.to_json().items()}
        if state is State.REGISTERED:
            closed = document.kind is DocumentKind.Z_REPORT
            moment = datetime.fromisoformat(before.at) if before.at else None
            done = self._registered(document, before, after.z_number if closed else None, moment)
            if document.discount or document.rounding:
                done = replace(done, by_tax=by_letter(by_tax(document, before, after)))
            return replace(done, z_number=after.z_number if closed else before.z_number, evidence=evidence)
        flags = self._session.flags
        if flags.unfinished and not flags.receipt_open:
            code, what = flags.obstacle() or (Code.BUSY, "the printout goes on")
            why = f"the registrar will finish what was interrupted ({what}); until then {why}"
            return Result(State.UNKNOWN, serial=self._serial, fault=FaultInfo(str(code), why), evidence=evidence)
        fault = Code.OFFLINE if state is State.REJECTED else Code.TOTAL_MISMATCH
        return Result(state, serial=self._serial, fault=FaultInfo(str(fault), why), evidence=evidence)
