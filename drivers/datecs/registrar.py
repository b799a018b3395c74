"""The Datecs classic registrar: FP-3530T (datecs-fp3530t.md) and, as a dialect, Exellio (exellio.md).

Proof of completion (§8, registrars/README.md §7): the last document number (113), the day sums by payment (110), the
state and amounts of the transaction (76 `T`), the cash registers (70). A receipt exists when the number moved by one
and either the amount or the day sums moved by the receipt; it does not when the number stood still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from drivers.clock import Clock, from_kyiv, kyiv
from drivers.datecs import commands, text
from drivers.datecs.articles import NAME_LENGTH, Articles, printed_name
from drivers.datecs.dialect import CLASSIC, DIALECTS, Dialect
from drivers.datecs.exchange import ATTEMPTS, SILENCE, SILENCE_WORKING
from drivers.datecs.proof import Reading, judge
from drivers.datecs.receipt import DEVICE_FORM, PROBLEMS, Receipt, corrected, notes_after, notes_before, notes_on
from drivers.datecs.session import Session, before_commit
from drivers.datecs.shift import Shift
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused
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
"""Seconds for a Z or X report (§1: 60 s and more)."""
DISPLAY_WIDTH = 20
OPTIONS = (
    "baud", "password", "report_password", "operator", "till", "codepage", "cap", "serial", "silence_ms", "working_ms",
    "attempts",
)  # fmt: skip
CLOCK_DRIFT = timedelta(minutes=10)
"""A larger difference between the printer's clock and ours is worth a warning."""
ANYTIME = frozenset({DocumentKind.Z_REPORT})
"""Documents that a clock without a time does not forbid: the clock can be set only after a Z (§5, 61)."""


def connect(url: RegistrarUrl, clock: Clock, log: WireLog) -> DatecsRegistrar:
    """The driver for `datecs+serial:///dev/…`, `datecs+tcp://host:port` and the same with `exellio`.

    `exellio` has two options more, `certificate` (C, I…L) and `iban` (N, I…L): the letters of its programmable
    payment forms. Its TCP port is 9100 when none is written. Raises `Invalid` for a wrong option.
    """
    dialect = DIALECTS[url.family]
    url.refuse_unknown(*OPTIONS, *(("certificate", "iban") if dialect.extra_forms else ()))
    baud = url.number("baud", dialect.baud, 300, 115200)
    link = link_to(url.transport, url.address, baud=baud, default_port=dialect.port)
    forms = dict(DEVICE_FORM)
    for form, standard in ((PaymentForm.CERTIFICATE, "C"), (PaymentForm.IBAN, "N")):
        letter = url.choice(str(form), standard, (standard, *dialect.extra_forms))
        if letter != standard:
            forms[form] = letter
    return DatecsRegistrar(
        RecordedLink(link, log),
        clock,
        password=url.options.get("password", "0000"),
        report_password=url.options.get("report_password", "0000"),
        operator=url.number("operator", 1, 1, 13),
        till=url.number("till", 1, 1, 99999),
        codepage=url.choice("codepage", "cp1251", text.CODEPAGES),
        cap=float(url.number("cap", 90, 1, 600)),
        silence=url.number("silence_ms", round(SILENCE * 1000), 60, 10_000) / 1000,
        working=url.number("working_ms", round(SILENCE_WORKING * 1000), 60, 60_000) / 1000,
        attempts=url.number("attempts", ATTEMPTS, 1, ATTEMPTS),
        serial=url.options.get("serial", ""),
        dialect=dialect,
        forms=forms,
    )


class DatecsRegistrar:
    """One printer. `serial` binds it to one unit; the first unit met binds it otherwise."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        password: str = "0000",
        report_password: str = "0000",
        operator: int = 1,
        till: int = 1,
        codepage: str = "cp1251",
        cap: float = 90.0,
        serial: str = "",
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        dialect: Dialect = CLASSIC,
        forms: Mapping[PaymentForm, str] = DEVICE_FORM,
    ) -> None:
        self._clock = clock
        self._dialect = dialect
        self._session = Session(
            link,
            clock,
            codepage=codepage,
            cap=cap,
            silence=silence,
            working=working,
            attempts=attempts,
            dialect=dialect,
        )
        self._articles = Articles(self._session, password, codepage)
        self._shift = Shift(self._session, self._now)
        self._receipt = Receipt(
            self._session,
            self._articles,
            self._shift,
            operator=operator,
            password=password,
            till=till,
            width=dialect.text_width,
            forms=forms,
        )
        self._report_password = report_password
        self._codepage = codepage
        self._serial = serial
        self._identity: commands.Identity | None = None
        self._offset = timedelta()
        self._last_z: date | None = None
        self.capabilities = Capabilities(
            family=dialect.family,
            name_length=NAME_LENGTH,
            line_length=dialect.text_width,
            kinds=HARDWARE_KINDS,
            display=True,
            drawer=True,
            max_payments=dialect.max_payments,
        )

    # -- questions ------------------------------------------------------------------------------------------------

    def check(self, document: Document) -> None:
        self.capabilities.accept(document)
        if len({payment.form for payment in document.payments}) > self.capabilities.max_payments:
            raise Invalid(
                Code.PAYMENT,
                f"at most {self.capabilities.max_payments} means of payment on one receipt",
                field="payments",
            )
        for index, line in enumerate(document.lines):
            where = f"lines[{index}]"
            if len(line.tax) != 1 or line.tax not in self.capabilities.tax_letters:
                raise Invalid(
                    Code.TAX, f"this registrar knows the tax letters А…Д one at a time, not {line.tax!r}",
                    field=f"{where}.tax",
                )  # fmt: skip
            text.encode(printed_name(line), self._codepage, f"{where}.name")
            for note in notes_on(line):
                text.encode(note, self._codepage, f"{where}.comment" if note is line.comment else f"{where}.excise")
        for note in notes_before(document):
            text.encode(note, self._codepage, "header" if note in document.header else "original.number")
        for note in notes_after(document):
            text.encode(note, self._codepage, "footer" if note in document.footer else "payments")

    def info(self) -> Info:
        identity = self._meet()
        ask = self._session.ask
        rates = ask(commands.TAX_RATES).split(",")
        return Info(
            family=self._dialect.family,
            model=self._dialect.model,
            firmware=identity.firmware,
            serial=identity.serial,
            fiscal_number=identity.fiscal_memory,
            tax_number=commands.tax_number(ask(commands.TAX_NUMBER)),
            fiscalised=self._session.flags.fiscalised,
            tax_rates={letter: rate.strip() for letter, rate in zip("АБВГД", rates, strict=False)},
        )

    def status(self) -> Status:
        self._meet()
        self._session.ask(commands.STATUS, "X")
        flags = self._session.flags
        sums = commands.day_sums(self._session.ask(commands.DAY_SUMS))
        cash = commands.cash_state(self._session.ask(commands.CASH))
        shift_open = self._shift.is_open(sums, cash)
        clock = self._device_time()
        warnings = flags.warnings()
        if clock is not None and abs(self._offset) > CLOCK_DRIFT:
            warnings += (f"the registrar's clock differs by {round(self._offset.total_seconds() / 60)} minutes",)
        return Status(
            reachable=True,
            paper_out=flags.journal_out or (flags.paper_out and not flags.cover_open),
            paper_low=flags.paper_low,
            cover_open=flags.cover_open,
            receipt_open=flags.receipt_open,
            clock_set=not flags.clock_lost and clock is not None,
            clock=clock,
            read_at=self._clock.now(),
            shift_open=shift_open,
            shift_opened_at=self._shift.opened_at,
            z_number=sums.z_number,
            drawer=cash.drawer,
            blocks=tuple(str(code) for code in self._blocks()),
            warnings=warnings,
            raw=flags.hex,
        )

    def totals(self) -> Totals:
        self._meet()
        ask = self._session.ask
        sums = commands.day_sums(ask(commands.DAY_SUMS))
        sold = commands.tax_sums(ask(commands.TAX_SUMS, "0"))
        returned = commands.tax_sums(ask(commands.TAX_SUMS, "1"))
        cash = commands.cash_state(ask(commands.CASH))
        counts = commands.fields(ask(commands.CORRECTIONS), 5)
        return Totals(
            z_number=sums.z_number,
            sales_by_tax={letter: value for letter, value in sold.items() if value},
            refunds_by_tax={letter: value for letter, value in returned.items() if value},
            sales_by_form={form: value for form, value in sums.by_form.items() if value},
            cash_in=cash.cash_in,
            cash_out=cash.cash_out,
            drawer=cash.drawer,
            receipts=commands.number(counts[3]),
        )

    def cash_in_drawer(self) -> int:
        self._meet()
        return commands.cash_state(self._session.ask(commands.CASH)).drawer

    # -- the road -------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        self._meet()
        # Every reply carries the status bytes, so the first question of the reading answers for 74 too.
        reading = self._read(document)
        flags = self._session.flags
        for code in self._blocks():
            if code is Code.CLOCK and document.kind in ANYTIME:
                continue
            raise Refused(code, PROBLEMS.get(code, "the registrar cannot register now"), raw=flags.hex)
        if flags.slip_open:
            self._session.ask(commands.SLIP_CLOSE)
        if flags.receipt_open:
            self._clear_foreign()
        if flags.slip_open or flags.receipt_open:
            reading = self._read(document)
        if document.kind is DocumentKind.CASH_OUT and document.amount > reading.drawer:
            raise _short(document.amount, reading.drawer)
        if document.kind is DocumentKind.REFUND and document.paid_by(PaymentForm.CASH) > reading.drawer:
            raise _short(document.paid_by(PaymentForm.CASH), reading.drawer)
        return reading.to_json()

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        try:
            self._meet()
            if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
                return self._move_cash(document, before)
            if document.kind is DocumentKind.Z_REPORT:
                return self._close_day(document, before)
            printed = self._receipt.issue(document)
            return replace(self._registered(document, before, printed=printed), by_tax=self._receipt.by_tax)
        except Fault as fault:
            self._articles.forget()
            return verdict(fault, serial=before.serial)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        self._articles.forget()
        self._session.close()
        try:
            self._meet(expected=before.serial)
            self._session.ask(commands.STATUS, "X")
            if self._session.flags.receipt_open:
                now = commands.transaction(self._session.ask(commands.TRANSACTION, "T"))
                self._receipt.finish(document, now)
            after = self._read(document, final=True)
            return self._judged(document, before, after)
        except Fault as fault:
            # Whatever keeps the question from being answered, the answer stays open.
            return Result(State.UNKNOWN, serial=before.serial, fault=FaultInfo.of(fault), evidence=before.to_json())

    # -- the rest -------------------------------------------------------------------------------------------------

    def x_report(self) -> Totals:
        self._meet()
        self._session.ask(commands.REPORT, f"{self._report_password},2", cap=REPORT_CAP)
        return self.totals()

    def slip(self, lines: Sequence[str]) -> None:
        self._meet()
        for line in lines:
            text.encode(line, self._codepage, "slip")
        self._session.ask(commands.SLIP_OPEN)
        try:
            for line in text.lines(lines, self._dialect.text_width):
                self._session.ask(commands.SLIP_LINE, line)
        finally:
            if self._session.connected:
                self._session.ask(commands.SLIP_CLOSE)

    def copy_last(self) -> None:
        self._meet()
        self._session.ask(commands.COPY, "1")

    def open_drawer(self) -> None:
        self._meet()
        self._session.ask(commands.DRAWER)

    def display(self, upper: str, lower: str) -> None:
        self._meet()
        self._session.ask(commands.DISPLAY_UPPER, upper[:DISPLAY_WIDTH])
        self._session.ask(commands.DISPLAY_LOWER, lower[:DISPLAY_WIDTH])

    def set_clock(self, moment: datetime) -> None:
        self._meet()
        try:
            self._session.ask(commands.SET_CLOCK, f"{kyiv(moment):%d-%m-%y %H:%M:%S}")
        except Refused as fault:
            if fault.code is Code.WRONG_STATE:
                fault.code = Code.CLOCK
                fault.what = "the registrar sets its clock only after a Z report and never before the last one"
            raise
        self._offset = moment - self._clock.now()

    def close(self) -> None:
        self._session.close()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _meet(self, expected: str = "") -> commands.Identity:
        """Connect, and on every new connection ask who is there. Raises `DifferentDevice`."""
        if self._session.connected and self._identity is not None:
            return self._identity
        self._articles.forget()
        self._session.connect()
        identity = commands.identity(self._session.ask(commands.IDENTIFY, "0"))
        bound = expected or self._serial
        if bound and identity.serial != bound:
            self._session.close()
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"the registrar {identity.serial} answers where {bound} is expected",
                serial=identity.serial,
                existence=Existence.NO,
            )
        if not identity.fiscal_memory:
            # Some firmware names its fiscal module only with the checksum that `1` asks for (§5, 90).
            known = self._identity
            identity = known if known and known.serial == identity.serial else self._identify_fully(identity)
        if identity.serial != self._serial:
            self._shift.forget()
        self._serial = identity.serial
        self._identity = identity
        self._device_time()
        self._last_z = commands.last_z_day(self._session.ask_if_known(commands.LAST_Z, "0"))
        return identity

    def _identify_fully(self, identity: commands.Identity) -> commands.Identity:
        try:
            return commands.identity(self._session.ask(commands.IDENTIFY, "1"))
        except Refused:
            return identity

    def _now(self) -> datetime:
        """The printer's own time, from the difference that was read last."""
        return self._clock.now() + self._offset

    def _device_time(self) -> datetime | None:
        """The printer's own time; None while it has none."""
        answer = self._session.ask(commands.CLOCK)
        now = self._clock.now()
        try:
            moment = from_kyiv(commands.clock(answer), now)
        except LinkLost:
            return None
        self._offset = moment - now
        return moment

    def _blocks(self) -> tuple[Code, ...]:
        """What forbids a sale now; a clock that stands before the last Z is as good as none."""
        found = self._session.flags.blocks()
        early = self._last_z is not None and kyiv(self._now()).date() < self._last_z
        return (*found, Code.CLOCK) if early and Code.CLOCK not in found else found

    def _clear_foreign(self) -> None:
        """A receipt left open by somebody: unpaid ones are cancelled, paid ones need a person."""
        left = commands.transaction(self._session.ask(commands.TRANSACTION, "T"))
        if left.tender and left.tender >= left.amount:
            raise Refused(
                Code.RECEIPT_OPEN,
                f"the registrar holds an open receipt of {left.amount} kopecks with {left.tender} paid "
                "that is not of this till's making: finish it with the program that began it, or call the service",
                command="76",
            )
        self._session.ask(commands.CANCEL)

    def _read(self, document: Document, *, final: bool = False) -> Reading:
        """Completion values. Only the `final` ones need the amount of the last receipt (76)."""
        ask = self._session.ask
        last = commands.number(ask(commands.LAST_DOCUMENT))
        sums = commands.day_sums(ask(commands.DAY_SUMS))
        moves_cash = document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT, DocumentKind.REFUND)
        cash = commands.cash_state(ask(commands.CASH)) if moves_cash else None
        refund = document.kind is DocumentKind.REFUND
        # A correction is spread over the tax groups by the printer itself: only its registers tell how.
        by_tax = refund or document.discount or document.rounding
        taxes = ask(commands.TAX_SUMS, "1" if refund else "0") if by_tax else ""
        amount = commands.transaction(ask(commands.TRANSACTION, "T")).amount if final else 0
        return Reading(
            serial=self._serial,
            last=last,
            z_number=sums.z_number,
            paid=sum(sums.by_form.values()),
            refunded=sum(commands.tax_sums(taxes).values()) if refund else 0,
            drawer=cash.drawer if cash else 0,
            cash_in=cash.cash_in if cash else 0,
            cash_out=cash.cash_out if cash else 0,
            amount=amount,
            at=self._now().isoformat(timespec="seconds"),
            taxes=taxes,
        )

    def _move_cash(self, document: Document, before: Reading) -> Result:
        signed = document.amount if document.kind is DocumentKind.CASH_IN else -document.amount
        answer = commands.cash_state(self._session.ask(commands.CASH, commands.money(signed)))
        if not answer.accepted:
            raise _short(document.amount, answer.drawer)
        moved = answer.cash_in - before.cash_in if signed > 0 else answer.cash_out - before.cash_out
        if moved != document.amount:
            # The printer says yes and its registers do not: ask again before anything is claimed.
            raise LinkLost(Code.TIMEOUT_UNKNOWN, f"cash moved by {moved}, not {document.amount} kopecks", command="70")
        return self._registered(document, before, printed=not self._session.flags.paper_out)

    def _close_day(self, document: Document, before: Reading) -> Result:
        try:
            totals = self.totals()
        except LinkLost as fault:
            raise before_commit(fault) from fault
        try:
            answer = self._session.ask(commands.REPORT, f"{self._report_password},0", cap=REPORT_CAP)
        except Refused as fault:
            if fault.code is Code.WRONG_STATE:
                fault.code = Code.PASSWORD
            # A refusal in the middle of a Z (paper out) may come after the closure: ask, do not assume.
            fault.document = Existence.NO if fault.code is Code.PASSWORD else Existence.UNKNOWN
            raise
        result = self._registered(document, before, printed=not self._session.flags.paper_out)
        return replace(result, number=str(commands.number(answer)), z_number=commands.number(answer), totals=totals)

    def _registered(
        self, document: Document, before: Reading, *, printed: bool, moment: datetime | None = None
    ) -> Result:
        """The printer confirmed the act; its number is asked for, but its silence changes nothing any more."""
        warnings: tuple[str, ...] = ()
        number = before.last + 1
        try:
            number = commands.number(self._session.ask(commands.LAST_DOCUMENT))
        except Fault as fault:
            warnings = (f"the document number is computed: {fault.what}",)
        at = self._now() if moment is None else moment
        if document.kind is DocumentKind.Z_REPORT:
            self._shift.z_made()
            self._last_z = kyiv(at).date()
        else:
            self._shift.document_made(at)
        return Result(
            State.REGISTERED if printed else State.REGISTERED_NOT_PRINTED,
            number=str(number),
            at=at,
            z_number=before.z_number,
            total=document.due,
            change=document.change,
            serial=self._serial,
            fiscal_number=self._identity.fiscal_memory if self._identity else "",
            warnings=warnings,
        )

    def _judged(self, document: Document, before: Reading, after: Reading) -> Result:
        state, why = judge(document, before, after)
        evidence = {f"before_{name}": value for name, value in before.to_json().items()}
        evidence |= {f"after_{name}": value for name, value in after.to_json().items()}
        if state is State.REGISTERED:
            z_number = after.z_number if document.kind is DocumentKind.Z_REPORT else before.z_number
            number = after.z_number if document.kind is DocumentKind.Z_REPORT else after.last
            moment = datetime.fromisoformat(before.at) if before.at else None
            printed = not self._session.flags.paper_out
            done = self._registered(document, before, printed=printed, moment=moment)
            by_tax = _between(document, before, after) if document.discount or document.rounding else {}
            return replace(done, number=str(number), z_number=z_number, by_tax=by_tax, evidence=evidence)
        code = Code.OFFLINE if state is State.REJECTED else Code.TOTAL_MISMATCH
        return Result(state, serial=self._serial, fault=FaultInfo(str(code), why), evidence=evidence)


def _between(document: Document, before: Reading, after: Reading) -> dict[str, int]:
    """What one document added to the turnover by tax; computed where the registers do not tell it."""
    if before.taxes and after.taxes:
        was = commands.tax_sums(before.taxes)
        grown = {letter: value - was.get(letter, 0) for letter, value in commands.tax_sums(after.taxes).items()}
        told = {letter: value for letter, value in grown.items() if value}
        if sum(told.values()) == document.due:
            return told
    return corrected(document)


def _short(wanted: int, drawer: int) -> Fault:
    return before_commit(
        Refused(Code.INSUFFICIENT_CASH, f"{drawer} kopecks in the registrar, {wanted} needed", command="70")
    )
