"""The Krypton registrar: FP-T88 and relatives (datecs-krypton.md).

Proof of completion (§8, registrars/README.md §7): the last receipt number (E2;3), the Z number (E2;0), the day sums
by tax (E0;0) and the cash in and out (E0;3). A receipt exists when the number moved by one and the turnover by the
receipt; it does not when the number stood still. The same-SEQ repeat serves broken answers only: after silence the
registrar is asked, because its memory of the last SEQ dies with the power.

URL options: `baud` (115200), `password` (000000), `operator` (1), `till` (1), `cap` (90: longest wait, seconds),
`silence_ms`, `working_ms` (500, 3000: without an answer until a packet is repeated, at rest and after a SYN),
`attempts` (4: how often a packet is sent), `serial` (factory number that the till is bound to), `cash`, `card`,
`credit`, `cheque`, `certificate`, `iban` (row 0…9 of the registrar's payment table; by name when not given).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from drivers import corrections
from drivers.clock import Clock, from_kyiv, kyiv
from drivers.datecs import text
from drivers.datecs.exchange import ATTEMPTS, SILENCE, SILENCE_WORKING
from drivers.datecs.proof import Reading, judge
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused
from drivers.krypton import commands, forms, refusals
from drivers.krypton.articles import NAME_LENGTH, TAXES, Articles, printed_name
from drivers.krypton.receipt import Receipt
from drivers.krypton.session import CODEPAGE, Session
from drivers.krypton.status import CLOSED, Flags
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
from drivers.shiftwatch import ShiftWatch

REPORT_CAP = 180.0
"""Seconds for a Z or X report; the captured ones took 1 to 3 s (§1)."""
PRINTING = 10.0
"""Seconds to wait for the print buffer before the next act (§3, ST1.6)."""
PRINTING_STEP = 0.1
CLOCK_DRIFT = timedelta(minutes=10)
"""Difference of the clocks from which the status warns."""
MINUTE = timedelta(minutes=1)
DISPLAY_WIDTH = 20
OPTIONS = ("baud", "password", "operator", "till", "cap", "silence_ms", "working_ms", "attempts", "serial")
MOVES_CASH = (DocumentKind.CASH_IN, DocumentKind.CASH_OUT, DocumentKind.REFUND)


def connect(url: RegistrarUrl, clock: Clock, log: WireLog) -> KryptonRegistrar:
    """The driver for `krypton+serial:///dev/…` or `krypton+tcp://host:port`. Raises `Invalid` for a wrong option."""
    url.refuse_unknown(*OPTIONS, *map(str, PaymentForm))
    link = link_to(url.transport, url.address, baud=url.number("baud", 115200, 300, 115200))
    password = url.options.get("password", "000000")
    if len(password) != 6 or not password.isascii() or not password.isdigit():
        raise Invalid(Code.BAD_FIELD, "the password is six digits", field="password")
    return KryptonRegistrar(
        RecordedLink(link, log),
        clock,
        password=password,
        operator=url.number("operator", 1, 1, 99),
        till=url.number("till", 1, 1, 99),
        cap=float(url.number("cap", 90, 1, 600)),
        silence=url.number("silence_ms", round(SILENCE * 1000), 60, 10_000) / 1000,
        working=url.number("working_ms", round(SILENCE_WORKING * 1000), 60, 60_000) / 1000,
        attempts=url.number("attempts", ATTEMPTS, 1, ATTEMPTS),
        serial=url.options.get("serial", ""),
        fixed={form: url.number(str(form), 0, 0, 9) for form in PaymentForm if str(form) in url.options},
    )


class KryptonRegistrar:
    """One registrar. `serial` binds it to one unit; the first unit met binds it otherwise."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        password: str = "000000",
        operator: int = 1,
        till: int = 1,
        cap: float = 90.0,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        serial: str = "",
        fixed: Mapping[PaymentForm, int] | None = None,
    ) -> None:
        self._clock = clock
        self._session = Session(
            link, clock, password=password, cap=cap, silence=silence, working=working, attempts=attempts
        )
        self._articles = Articles(self._session)
        self._receipt = Receipt(self._session, self._articles, operator=operator, till=till)
        self._operator = operator
        self._serial = serial
        self._fixed = dict(fixed or {})
        self._met = False
        self._fiscal_number = ""
        self._table: list[commands.Form] = []
        self._offset = timedelta()
        self._shift = ShiftWatch()
        self.capabilities = Capabilities(
            family="krypton",
            name_length=NAME_LENGTH,
            line_length=NAME_LENGTH,
            kinds=HARDWARE_KINDS,
            display=True,
            drawer=True,
            max_payments=10,
            tax_letters=TAXES,
        )

    # -- questions ------------------------------------------------------------------------------------------------

    def check(self, document: Document) -> None:
        self.capabilities.accept(document)
        if len(document.payments) > self.capabilities.max_payments:
            raise Invalid(Code.PAYMENT, "at most ten payments on one receipt", field="payments")
        for index, line in enumerate(document.lines):
            where = f"lines[{index}]"
            if len(line.tax) != 1 or line.tax not in TAXES:
                raise Invalid(
                    Code.TAX, f"this registrar knows the tax letters А…Д one at a time, not {line.tax!r}",
                    field=f"{where}.tax",
                )  # fmt: skip
            text.encode(printed_name(line), CODEPAGE, f"{where}.name")
            text.encode(line.unit, CODEPAGE, f"{where}.unit")
            for stamp in line.excise:
                text.encode(stamp, CODEPAGE, f"{where}.excise")
            text.encode(line.comment, CODEPAGE, f"{where}.comment")
        for note in (*document.header, *document.footer):
            text.encode(note, CODEPAGE, "footer")

    def info(self) -> Info:
        self._meet()
        identity = self._session.identity or commands.Identity("", "", "", "", 0)
        return Info(
            family="krypton",
            model=identity.model,
            firmware=identity.version,
            serial=self._serial,
            fiscal_number=self._fiscal_number,
            tax_number="",
            fiscalised=bool(self._fiscal_number.strip("0")),
            tax_rates={letter: rate for letter, rate in zip(TAXES, self._rates(identity.taxes), strict=False) if rate},
        )

    def status(self) -> Status:
        self._meet()
        flags = self._session.refresh()
        self._device_time()
        read_at = self._clock.now()
        z_number = self._counter(commands.Z_NUMBER)
        receipts = self._counter(commands.SALES) + self._counter(commands.RETURNS)
        cash_in, cash_out = self._cash_moves()
        warnings = flags.warnings()
        if abs(self._offset) > CLOCK_DRIFT:
            warnings += (f"the registrar's clock differs by {round(self._offset / MINUTE)} minutes",)
        shift_open = bool(receipts or cash_in or cash_out)
        self._shift.seen(open=shift_open)
        return Status(
            reachable=True,
            paper_out=flags.paper_out,
            paper_low=flags.paper_low,
            cover_open=flags.cover_open,
            receipt_open=flags.receipt_open,
            clock=read_at + self._offset,
            read_at=read_at,
            shift_open=shift_open,
            shift_opened_at=self._shift.opened_at,
            z_number=z_number,
            drawer=self.cash_in_drawer(),
            blocks=tuple(str(code) for code, _ in flags.problems()),
            warnings=warnings,
            raw=flags.hex + self._modem(),
        )

    def totals(self) -> Totals:
        self._meet()
        identity = self._session.identity
        taxes = {letter: self._sums(commands.BY_TAX, row) for row, letter in self._letters(identity)}
        paid = {form.name: self._sums(commands.BY_FORM, form.number) for form in self._table}
        cash_in, cash_out = self._cash_moves()
        names = self._form_names()
        return Totals(
            z_number=self._counter(commands.Z_NUMBER),
            sales_by_tax={letter: sums[0] for letter, sums in taxes.items() if sums[0]},
            refunds_by_tax={letter: sums[1] for letter, sums in taxes.items() if sums[1]},
            sales_by_form={names.get(name, name): sums[0] for name, sums in paid.items() if sums[0]},
            refunds_by_form={names.get(name, name): sums[1] for name, sums in paid.items() if sums[1]},
            cash_in=cash_in,
            cash_out=cash_out,
            drawer=self.cash_in_drawer(),
            receipts=self._counter(commands.SALES),
            refunds=self._counter(commands.RETURNS),
        )

    def cash_in_drawer(self) -> int:
        self._meet()
        return commands.kopecks(commands.field(self._session.ask(commands.CASH, str(self._operator), "0.00"), 0))

    # -- the road -------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        self._meet()
        flags = self._settled()
        for code, what in flags.problems():
            raise Refused(code, what, raw=flags.hex)
        if document.kind in (DocumentKind.SALE, DocumentKind.REFUND, DocumentKind.ZERO):
            forms.rows(document, self._table, self._fixed)
        if flags.slip_open:
            self._session.ask(commands.CLOSE, "0")
        if flags.receipt_open:
            self._clear_foreign()
        reading = self._read(document)
        wanted = document.amount if document.kind is DocumentKind.CASH_OUT else 0
        if document.kind is DocumentKind.REFUND:
            wanted = document.paid_by(PaymentForm.CASH)
        if wanted > reading.drawer:
            raise _short(wanted, reading.drawer)
        return reading.to_json()

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        try:
            self._meet()
            if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
                return self._move_cash(document, before)
            if document.kind is DocumentKind.Z_REPORT:
                return self._close_day(document, before)
            rows = forms.rows(document, self._table, self._fixed)
            number = self._receipt.issue(document, rows)
            return self._registered(document, before, str(number))
        except Fault as fault:
            self._articles.forget()
            return verdict(fault, serial=before.serial)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        self._articles.forget()
        self._session.close()
        try:
            self._meet(expected=before.serial)
            flags = self._session.refresh()
            if flags.receipt != CLOSED:
                # Firmware that goes on printing after a power cut shows it first: wait (§8).
                flags = self._settled()
            if flags.slip_open:
                self._session.ask(commands.CLOSE, "0")
            if flags.receipt_open:
                self._receipt.finish(document)
            after = self._read(document)
            return self._judged(document, before, after)
        except Fault as fault:
            # Whatever keeps the question from being answered, the answer stays open.
            return Result(State.UNKNOWN, serial=before.serial, fault=FaultInfo.of(fault), evidence=before.to_json())

    # -- the rest -------------------------------------------------------------------------------------------------

    def x_report(self) -> Totals:
        self._meet()
        self._session.ask(commands.REPORT, "1", cap=REPORT_CAP)
        return self.totals()

    def slip(self, lines: Sequence[str]) -> None:
        self._meet()
        for line in lines:
            text.encode(line, CODEPAGE, "slip")
        self._session.ask(commands.SLIP_OPEN)
        try:
            for line in text.lines(lines, NAME_LENGTH):
                self._session.ask(commands.TEXT, line)
        finally:
            if self._session.connected:
                self._session.ask(commands.CLOSE, "0")

    def copy_last(self) -> None:
        """Reprint the last receipt from the journal, inside a non-fiscal receipt (§5, A5h)."""
        self._meet()
        last = str(self._counter(commands.LAST_COPY))
        self._session.ask(commands.SLIP_OPEN)
        try:
            self._session.ask(commands.REPRINT, last, last)
        finally:
            if self._session.connected:
                self._session.ask(commands.CLOSE, "0")

    def open_drawer(self) -> None:
        self._meet()
        self._session.ask(commands.DRAWER)

    def display(self, upper: str, lower: str) -> None:
        self._meet()
        for row, words in enumerate((upper, lower)):
            self._session.ask(commands.DISPLAY, str(row), "00", words[:DISPLAY_WIDTH])

    def set_clock(self, moment: datetime) -> None:
        self._meet()
        local = kyiv(moment)
        self._session.ask(commands.SET_CLOCK, f"{local:%d%m%y}", f"{local:%H%M}")
        self._device_time()

    def close(self) -> None:
        self._session.close()
        self._session.unlock()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _meet(self, expected: str = "") -> None:
        """Connect, and on every new connection ask who is there. Raises `DifferentDevice`."""
        if self._session.connected and self._met:
            return
        self._met = False
        self._articles.forget()
        self._shift.forget()
        self._session.connect()
        serial, fiscal_number = self._numbers()
        bound = expected or self._serial
        if bound and serial != bound:
            self._session.close()
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"the registrar {serial} answers where {bound} is expected",
                serial=serial,
                existence=Existence.NO,
            )
        self._serial, self._fiscal_number = serial, fiscal_number
        self._table = self._payment_table()
        self._device_time()
        self._met = True

    def _numbers(self) -> tuple[str, str]:
        """Factory and fiscal number. One source swaps 42h and 44h (§5): only a factory number has letters."""
        first = commands.field(self._session.ask(commands.FACTORY_NUMBER), 0)
        second = commands.field(self._session.ask(commands.FISCAL_NUMBER), 0)
        swapped = first.isdigit() and second != "" and not second.isdigit()
        return (second, first) if swapped else (first, second)

    def _payment_table(self) -> list[commands.Form]:
        table = []
        for row in range(commands.FORMS):
            try:
                table.append(commands.form(row, self._session.ask(commands.PAYMENT_FORM, str(row))))
            except Refused:
                break  # a shorter table refuses the number of the row
        return [form for form in table if form.name]

    def _rates(self, count: int) -> list[str]:
        rates = []
        for row in range(min(count, len(TAXES))):
            fields: list[str] = []
            with suppress(Refused):  # a group that is not programmed
                fields = self._session.ask(commands.TAX_RATE, str(row))
            rates.append(fields[1].strip() if len(fields) > 1 else "")
        return rates

    def _letters(self, identity: commands.Identity | None) -> list[tuple[int, str]]:
        return list(enumerate(TAXES))[: identity.taxes if identity else len(TAXES)]

    def _form_names(self) -> dict[str, str]:
        """Names of the registrar's table -> the till's forms."""
        found = {form: forms.standard(self._table, form, self._fixed) for form in reversed(PaymentForm)}
        return {row.name: str(form) for form, row in found.items() if row is not None}

    def _device_time(self) -> None:
        """The registrar's clock tells no seconds: clocks that may agree do, others differ by the middle of a minute."""
        behind = from_kyiv(commands.clock(self._session.ask(commands.CLOCK))) - self._clock.now()
        self._offset = timedelta() if -MINUTE <= behind <= timedelta() else behind + MINUTE / 2

    def _now(self) -> datetime:
        return self._clock.now() + self._offset

    def _modem(self) -> str:
        """State of the transmission for the technician; its flags and stamps are not documented (§5, EAh)."""
        try:
            return " EA=" + ";".join(self._session.ask(commands.MODEM, "0"))
        except Refused:
            return ""

    def _settled(self) -> Flags:
        """Status after the print buffer ran empty, or when something keeps it from that."""
        deadline = self._clock.monotonic() + PRINTING
        flags = self._session.refresh()
        while flags.printing and flags.obstacle() is None and self._clock.monotonic() < deadline:
            self._clock.sleep(PRINTING_STEP)
            flags = self._session.refresh()
        return flags

    def _clear_foreign(self) -> None:
        """A receipt left open by somebody: cancelled; one that the registrar will not cancel needs a person."""
        try:
            self._session.ask(commands.CANCEL, "0")
        except Refused as fault:
            if fault.code is Code.WRONG_STATE:
                fault.code, fault.what = Code.RECEIPT_OPEN, "the registrar holds a paid receipt that is not closed"
            raise

    def _counter(self, which: int) -> int:
        return commands.number(commands.field(self._session.ask(commands.COUNTER, str(which)), 0))

    def _last(self) -> int:
        """Number of the last receipt; FP-3141 tells the next one (§5)."""
        identity = self._session.identity
        return self._counter(commands.LAST_RECEIPT) - int(identity is not None and "3141" in identity.model)

    def _sums(self, source: int, index: int) -> tuple[int, int]:
        """Day sums: sales and returns, kopecks."""
        fields = self._session.ask(commands.DAY_SUMS, str(source), str(index), "0")
        return commands.kopecks(commands.field(fields, 0)), abs(commands.kopecks(commands.field(fields, 1)))

    def _cash_moves(self) -> tuple[int, int]:
        return self._sums(commands.BY_CASH, 1)

    def _read(self, document: Document) -> Reading:
        rows = sorted({TAXES.index(line.tax) for line in document.lines})
        sums = [self._sums(commands.BY_TAX, row) for row in rows]
        moves = document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT)
        cash_in, cash_out = self._cash_moves() if moves else (0, 0)
        self._device_time()
        return Reading(
            serial=self._serial,
            at=self._now().isoformat(timespec="seconds"),
            last=self._last(),
            z_number=self._counter(commands.Z_NUMBER),
            paid=sum(sold for sold, _ in sums),
            refunded=sum(returned for _, returned in sums),
            drawer=self.cash_in_drawer() if document.kind in MOVES_CASH else 0,
            cash_in=cash_in,
            cash_out=cash_out,
        )

    def _move_cash(self, document: Document, before: Reading) -> Result:
        amount = document.amount if document.kind is DocumentKind.CASH_IN else -document.amount
        self._act(commands.CASH, str(self._operator), commands.money(amount))
        return self._registered(document, before)

    def _close_day(self, document: Document, before: Reading) -> Result:
        totals = self.totals()
        self._act(commands.REPORT, "0", cap=REPORT_CAP)
        result = self._registered(document, before)
        z_number = before.z_number + 1
        with suppress(LinkLost, Refused):
            z_number = self._counter(commands.Z_NUMBER)
        return replace(result, number=str(z_number), z_number=z_number, totals=totals)

    def _act(self, command: int, *fields: str, cap: float | None = None) -> None:
        """A command that is a whole document: a fault of the hardware may have come after the deed."""
        try:
            self._session.ask(command, *fields, cap=cap)
        except Refused as fault:
            if fault.raw[2:] in refusals.HALFWAY and fault.raw not in BEFORE_THE_ACT:
                fault.document = Existence.UNKNOWN
            raise

    def _registered(self, document: Document, before: Reading, number: str = "") -> Result:
        """The registrar confirmed the act; its number is asked for, but its silence changes nothing any more."""
        printed = self._session.flags.obstacle() is None
        at = self._now()
        if document.kind is DocumentKind.Z_REPORT:
            self._shift.z_made()
        else:
            self._shift.document_made(at)
        warnings: tuple[str, ...] = ()
        if not number:
            number = str(before.last + 1)
            try:
                number = str(self._last())
            except (LinkLost, Refused) as fault:
                warnings = (f"the document number is computed: {fault.what}",)
        return Result(
            State.REGISTERED if printed else State.REGISTERED_NOT_PRINTED,
            number=number,
            at=at,
            z_number=before.z_number,
            total=document.due,
            change=document.change,
            serial=self._serial,
            fiscal_number=self._fiscal_number,
            warnings=warnings,
            by_tax=corrections.by_tax(document),
        )

    def _judged(self, document: Document, before: Reading, after: Reading) -> Result:
        state, why = judge(document, before, after)
        evidence = {f"before_{name}": value for name, value in before.to_json().items()}
        evidence |= {f"after_{name}": value for name, value in after.to_json().items()}
        if state is State.REGISTERED:
            closed = document.kind is DocumentKind.Z_REPORT
            done = self._registered(document, before, str(after.z_number if closed else after.last))
            moment = datetime.fromisoformat(before.at) if before.at else done.at
            return replace(done, at=moment, z_number=after.z_number if closed else before.z_number, evidence=evidence)
        code = Code.OFFLINE if state is State.REJECTED else Code.TOTAL_MISMATCH
        return Result(state, serial=self._serial, fault=FaultInfo(str(code), why), evidence=evidence)


BEFORE_THE_ACT = frozenset({"0405", "0605", "0705", "0805", "0905", "0A05", "0F05", "0305", "0601"})
"""Faults of §4 that are checked before anything is done."""


def _short(wanted: int, drawer: int) -> Fault:
    return Refused(Code.INSUFFICIENT_CASH, f"{drawer} kopecks in the registrar, {wanted} needed", command="6Eh")
