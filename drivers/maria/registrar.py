"""The Maria registrar: Maria-301МТМ and 304Т (maria.md).

Proof of completion (§8, registrars/README.md §7): the receipt number and the Z mark (GLCN), the sums of the shift
(CCAS). After any doubt: connect again (a lost DTR or power also loses login and CRC, and a power cut rolls an open
receipt back), CANC, read again; a changed number is a registered receipt. Nothing is repeated blindly.

URL options: `baud` (115200), `password` (ten digits, 1111111111), `cashier` (id of at most 9 characters, 1), `till`
(1: number after "Каса" on the receipt), `crc` (on, off), `model` (auto, 301, 304: the 304 has fields for excise stamps
and card slips), `articles` (auto: as the registrar is set; fisc, ficd: must be so), `wait` (12: seconds for the
start), `drop` (yes; no: never drop DTR to wake it),
`cap` (90: longest command, seconds), `first_ms` and `silence_ms` (3000, 6000: until and after the first byte of an
answer), `serial` (factory number that the till is bound to), `card`, `credit`, `cheque`, `certificate`, `iban`
(non-cash sum 1…3 of the receipt, §7: 2, 3, 1, 1, 3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from drivers import corrections
from drivers.clock import Clock, from_kyiv, kyiv
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused
from drivers.links import Link
from drivers.links.opening import link_to
from drivers.links.wire import RecordedLink, WireLog
from drivers.maria import commands, text
from drivers.maria.articles import Articles
from drivers.maria.proof import Reading, judge
from drivers.maria.receipt import Receipt, Unit, printed_name
from drivers.maria.session import FIRST_BYTE, SILENCE, Session
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
"""Seconds for a Z or X report; the captured Z took 9 s (§6)."""
KEY_WORK = 1
CLOCK_REACH = timedelta(minutes=90)
"""How far CTIM moves the clock (§4)."""
CLOCK_DRIFT = timedelta(minutes=10)
"""Difference of the clocks from which the status warns."""
LOCK_WARNING = 12 * 3600
"""Seconds before the 72-hour lock from which the status warns."""
FORMS = {
    PaymentForm.CARD: 2,
    PaymentForm.CREDIT: 3,
    PaymentForm.CHEQUE: 1,
    PaymentForm.CERTIFICATE: 1,
    PaymentForm.IBAN: 3,
}
"""Non-cash sums of COMP (§7); certificates and transfers have none of their own and share the nearest."""
TAX_LETTERS_COUNTED = 1
"""A line with two tax letters stands in the day's turnover (CFIS) once, under its first (dossier silent)."""
ARTICLES = {"fisc": commands.NEW_ARTICLES, "ficd": commands.CODES}
OPTIONS = (
    "baud",
    "password",
    "cashier",
    "till",
    "crc",
    "model",
    "articles",
    "wait",
    "drop",
    "cap",
    "first_ms",
    "silence_ms",
    "serial",
)


def connect(url: RegistrarUrl, clock: Clock, log: WireLog) -> MariaRegistrar:
    """The driver for `maria+serial:///dev/…` (8E2) or `maria+tcp://host:port`. Raises `Invalid` for a wrong option."""
    url.refuse_unknown(*OPTIONS, *map(str, FORMS))
    baud = url.number("baud", 115200, 1200, 115200)
    link = link_to(url.transport, url.address, baud=baud, parity="E", stop_bits=2)
    password, cashier = url.options.get("password", "1111111111"), url.options.get("cashier", "1")
    if not (len(password) == 10 and password.isascii() and password.isdigit()):
        raise Invalid(Code.BAD_FIELD, "the password is ten digits", field="password")
    if not 1 <= len(text.encode(cashier, "cashier")) <= 9:
        raise Invalid(Code.BAD_FIELD, "the cashier's id has 1 to 9 characters", field="cashier")
    return MariaRegistrar(
        RecordedLink(link, log),
        clock,
        password=password,
        cashier=cashier,
        till=url.number("till", 1, 1, 99999),
        checked=url.choice("crc", "on", ("on", "off")) == "on",
        tunes=url.transport == "serial",
        model=url.choice("model", "auto", ("auto", "301", "304")),
        articles=url.choice("articles", "auto", ("auto", *ARTICLES)),
        wait=float(url.number("wait", 12, 0, 60)),
        drops=url.choice("drop", "yes", ("yes", "no")) == "yes",
        first=url.number("first_ms", round(FIRST_BYTE * 1000), 100, 10_000) / 1000,
        silence=url.number("silence_ms", round(SILENCE * 1000), 100, 60_000) / 1000,
        cap=float(url.number("cap", 90, 1, 600)),
        serial=url.options.get("serial", ""),
        forms={form: url.number(str(form), place, 1, 3) for form, place in FORMS.items()},
    )


class MariaRegistrar:
    """One registrar. `serial` binds it to one unit; the first unit met binds it otherwise."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        password: str = "1111111111",
        cashier: str = "1",
        till: int = 1,
        checked: bool = True,
        tunes: bool = True,
        model: str = "auto",
        articles: str = "auto",
        wait: float = 12.0,
        first: float = FIRST_BYTE,
        silence: float = SILENCE,
        drops: bool = True,
        cap: float = 90.0,
        serial: str = "",
        forms: Mapping[PaymentForm, int] = FORMS,
    ) -> None:
        self._clock = clock
        self._session = Session(
            link,
            clock,
            password=password,
            cashier=cashier,
            checked=checked,
            tunes=tunes,
            cap=cap,
            wait=wait,
            drops=drops,
            first=first,
            silence=silence,
        )
        self._articles = Articles()
        self._receipt = Receipt(self._session, self._articles, department=f"Каса {till}", forms=forms)
        self._model = model
        self._mode = articles
        self._serial = serial
        self._unit: Unit | None = None
        self._offset = timedelta()
        self._shift = ShiftWatch()
        self.capabilities = Capabilities(
            family="maria",
            name_length=commands.NAME + commands.REST,
            line_length=commands.TEXT_WIDTH,
            kinds=HARDWARE_KINDS,
            drawer=True,
            max_payments=4,
            tax_letters=commands.LETTERS,
        )

    # -- questions ------------------------------------------------------------------------------------------------

    def check(self, document: Document) -> None:
        self.capabilities.accept(document)
        if len({payment.form for payment in document.payments}) > self.capabilities.max_payments:
            raise Invalid(Code.PAYMENT, "at most four means of payment on one receipt", field="payments")
        coded = self._unit is not None and self._unit.coded
        for index, line in enumerate(document.lines):
            where = f"lines[{index}]"
            if len(line.tax) > 2 or len(set(line.tax)) != len(line.tax) or set(line.tax) - set(commands.LETTERS):
                raise Invalid(
                    Code.TAX, f"this registrar takes one or two of the tax letters А…З, not {line.tax!r}",
                    field=f"{where}.tax",
                )  # fmt: skip
            if max(line.price, line.sum + line.discount) > 999_999_999:
                raise Invalid(Code.OVERFLOW, "a line of this registrar is below 10 000 000.00", field=f"{where}.price")
            if line.quantity % 1000 and line.quantity > (999_999 if coded else 99_999):
                raise Invalid(Code.BAD_FIELD, "too large a fractional quantity", field=f"{where}.quantity")
            text.encode(printed_name(line), f"{where}.name")
            for stamp in line.excise:
                text.encode(stamp, f"{where}.excise")
            text.encode(line.comment, f"{where}.comment")
        for note in (*document.header, *document.footer):
            text.encode(note, "footer")

    def info(self) -> Info:
        unit = self._meet()
        state = self._session.state
        return Info(
            family="maria",
            model="Maria-304T" if unit.modern else "Maria-301MTM",
            firmware=state.firmware,
            serial=state.serial,
            fiscal_number=state.fiscal_number,
            tax_number="",
            fiscalised=bool(state.fiscal_number.strip("0")) and not self._session.training,
            tax_rates={tax.letter: f"{int(tax.rate) / 100:.2f}" for tax in unit.taxes.values() if tax.rate.isdigit()},
        )

    def status(self) -> Status:
        unit = self._meet()
        state = self._session.refresh()
        numbers = commands.numbers(self._session.question("GLCN"))
        left = self._seconds_until_lock(unit)
        clock = self._device_time()
        read_at = self._clock.now()
        self._shift.seen(open=not numbers.closed)
        warnings = [word for word in self._session.words if not word.startswith("SOFTREGIST")]
        if left is not None and 0 < left < LOCK_WARNING:
            warnings.append(f"sales stop in {left // 3600} h: the tax service has not been reached")
        if abs(self._offset) > CLOCK_DRIFT:
            minutes = round(self._offset.total_seconds() / 60)
            warnings.append(f"the registrar's clock differs by {minutes} minutes")
        problems = [str(code) for code, _ in self._problems(state, left)]
        # Known from the last command that printed; only the next one can tell better, so a sale may try.
        if self._session.paper_out:
            problems.append(str(Code.PAPER_OUT))
        if self._session.cover_open:
            problems.append(str(Code.COVER_OPEN))
        return Status(
            reachable=True,
            paper_out=self._session.paper_out,
            paper_low=self._session.paper_low,
            cover_open=self._session.cover_open,
            receipt_open=state.receipt_open,
            clock=clock,
            read_at=read_at,
            shift_open=not numbers.closed,
            shift_opened_at=self._shift.opened_at,
            z_number=numbers.z_number,
            drawer=self._cash().closing,
            blocks=tuple(problems),
            warnings=tuple(warnings),
            raw=f"key={state.key} expected={state.expected:02X} last={state.last_command}",
        )

    def totals(self) -> Totals:
        """Day registers. CCAS does not split non-cash money, and the order of CFIS is not documented (`_by_tax`)."""
        self._meet()
        numbers = commands.numbers(self._session.question("GLCN"))
        cash = self._cash()
        sales, refunds = self._by_tax(cash)
        return Totals(
            z_number=numbers.z_number,
            sales_by_tax=sales,
            refunds_by_tax=refunds,
            sales_by_form=_present(cash=cash.received, card=cash.other_sales),
            refunds_by_form=_present(cash=cash.paid, card=cash.other_returns),
            cash_in=cash.cash_in,
            cash_out=cash.cash_out,
            drawer=cash.closing,
        )

    def cash_in_drawer(self) -> int:
        self._meet()
        return self._cash().closing

    # -- the road -------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        unit = self._meet()
        state = self._session.refresh()
        for code, what in self._problems(state, self._seconds_until_lock(unit)):
            if document.kind is DocumentKind.Z_REPORT and code is not Code.NOT_FISCALISED:
                continue  # a Z ends the block, and may want a key position of its own: the registrar judges (§4, §5)
            raise Refused(code, what, raw=" ".join(self._session.words))
        # A receipt left open by anybody is not paid, or it would be closed: COMP does both (§4).
        self._session.ask("CANC")
        reading = self._read()
        wanted = document.amount if document.kind is DocumentKind.CASH_OUT else 0
        if document.kind is DocumentKind.REFUND:
            wanted = document.paid_by(PaymentForm.CASH)
        if wanted > reading.drawer:
            raise Refused(
                Code.INSUFFICIENT_CASH, f"{reading.drawer} kopecks in the registrar, {wanted} needed", command="CCAS"
            )  # fmt: skip
        return reading.to_json()

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        try:
            unit = self._meet()
            number: int | None = None
            if document.kind is DocumentKind.Z_REPORT:
                return self._close_day(document, before)
            if document.kind in (DocumentKind.CASH_IN, DocumentKind.CASH_OUT):
                way = b"I" if document.kind is DocumentKind.CASH_IN else b"O"
                self._act("CAIO", way + commands.digits(document.amount, 10))
            elif document.kind is DocumentKind.ZERO:
                self._act("NULL")
            else:
                number = self._receipt.issue(document, unit)
            return self._registered(document, before, number)
        except Fault as fault:
            return verdict(fault, serial=before.serial)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        try:
            self._session.connected = False
            self._meet(expected=before.serial)
            self._session.ask("CANC")
            after = self._read()
            return self._judged(document, before, after)
        except Fault as fault:
            # Whatever keeps the question from being answered, the answer stays open.
            return Result(State.UNKNOWN, serial=before.serial, fault=FaultInfo.of(fault), evidence=before.to_json())

    # -- the rest -------------------------------------------------------------------------------------------------

    def x_report(self) -> Totals:
        self._meet()
        self._session.ask("ZREP", cap=REPORT_CAP)
        return self.totals()

    def slip(self, lines: Sequence[str]) -> None:
        """A service document: DBEG, lines, PRTX prints and closes it."""
        self._meet()
        for line in lines:
            text.encode(line, "slip")
        self._session.ask("DBEG", b"0")
        try:
            for line in text.lines(lines, commands.TEXT_WIDTH):
                self._session.ask("TEXT", commands.note(line, after=False))
            self._session.ask("PRTX")
        except Refused:
            self._receipt.cancel()
            raise

    def copy_last(self) -> None:
        self._meet()
        self._session.ask("COPY")

    def open_drawer(self) -> None:
        self._meet()
        self._session.ask("KASS")

    def display(self, upper: str, lower: str) -> None:
        """The indicator shows digits only, so no display is offered: the last sum of the two lines, if there is one."""
        found = re.findall(r"(\d{1,8})[.,](\d{2})(?!\d)", f"{upper} {lower}")
        self._meet()
        if found:
            self._session.ask("DISp", commands.display(int("".join(found[-1]))))

    def set_clock(self, moment: datetime) -> None:
        """±90 minutes within the registrar's day, once after a Z. Raises `Refused` where it cannot reach the moment."""
        self._meet()
        now = self._device_time()
        behind = moment - now
        local = kyiv(moment)
        if local.date() != kyiv(now).date():
            raise Refused(Code.CLOCK, "the registrar takes no date: set its clock when both stand in the same day")
        if abs(behind) > CLOCK_REACH:
            raise Refused(Code.CLOCK, f"the registrar's clock is off by {behind}; more than 90 minutes need service")
        self._session.ask("CTIM", f"{local:%H%M%S}".encode())
        self._device_time()

    def close(self) -> None:
        self._session.close()
        self._session.unlock()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _meet(self, expected: str = "") -> Unit:
        """Connect, and on every new connection ask who is there. Raises `DifferentDevice`."""
        if self._session.connected and self._unit is not None:
            return self._unit
        self._unit = None
        self._shift.forget()
        self._session.connect()
        serial = self._session.state.serial
        bound = expected or self._serial
        if bound and serial != bound:
            self._session.close()
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"the registrar {serial} answers where {bound} is expected",
                serial=serial,
                existence=Existence.NO,
            )
        self._serial = serial
        taxes = commands.taxes(self._session.question("CNAL"))
        modern = self._modern()
        mode = commands.numbers(self._session.question("GLCN")).article_mode
        self._device_time()
        self._unit = Unit(coded=self._coded(mode), modern=modern, taxes=taxes)
        if self._unit.coded:
            width = commands.CODED_NAME + commands.CODED_REST
            self.capabilities = replace(self.capabilities, name_length=width)
        return self._unit

    def _modern(self) -> bool:
        """A 304T knows its tax modem; a 301 does not know the command."""
        if self._model != "auto":
            return self._model == "304"
        try:
            self._session.ask("MDMD", b"2701")
        except Refused as fault:
            return fault.code is not Code.UNSUPPORTED
        return True

    def _coded(self, mode: int) -> bool:
        """Whether lines go by accounting code. Sets the article mode where the configuration wants another."""
        if self._mode == "auto":
            if mode == commands.PROGRAMMED:
                raise Refused(
                    Code.ARTICLE_CONFLICT,
                    "the registrar sells programmed articles only: choose articles=fisc or articles=ficd after a Z",
                    raw=f"ARMO{mode}",
                )
            return mode == commands.CODES
        wanted = ARTICLES[self._mode]
        if mode != wanted:
            self._session.ask("ARMO", str(wanted).encode())
        return wanted == commands.CODES

    def _device_time(self) -> datetime:
        moment = from_kyiv(commands.clock(self._session.question("GETD")))
        self._offset = moment - self._clock.now()
        return moment

    def _cash(self) -> commands.Cash:
        return commands.cash(self._session.question("CCAS"))

    def _seconds_until_lock(self, unit: Unit) -> int | None:
        if not unit.modern:
            return None
        try:
            return commands.seconds_until_lock(self._session.question("MDMD", b"2701"))
        except Refused:
            return None

    def _problems(self, state: commands.Conf, left: int | None) -> list[tuple[Code, str]]:
        """Lasting states that forbid a sale."""
        found = []
        if self._session.training:
            found.append((Code.NOT_FISCALISED, "the registrar is in training mode: nothing would be registered"))
        if state.key != KEY_WORK:
            found.append((Code.WRONG_STATE, "turn the registrar's key to the work position"))
        if left == 0:
            found.append((Code.TRANSMISSION_OVERDUE, "data were not sent to the tax service for 72 hours"))
        return found

    def _by_tax(self, cash: commands.Cash) -> tuple[dict[str, int], dict[str, int]]:
        """Turnover by tax letter: the order of CFIS is believed only where it agrees with CCAS, else one sum.

        Where several orders agree (sales of А and В alone, nothing returned), the plain one is meant: all sales, then
        all returns.
        """
        sums = commands.turnover(self._session.question("CFIS"))
        sold, returned = cash.received + cash.other_sales, cash.paid + cash.other_returns
        half = len(sums) // 2
        for sales, refunds in ((sums[:8], sums[half : half + 8]), (sums[:8], sums[8:16]), (sums[0:16:2], sums[1:16:2])):
            if (sum(sales), sum(refunds)) == (sold, returned):
                return tuple(  # type: ignore[return-value]
                    {letter: value for letter, value in zip(commands.LETTERS, row, strict=True) if value}
                    for row in (sales, refunds)
                )
        return ({"-": sold} if sold else {}), ({"-": returned} if returned else {})

    def _read(self) -> Reading:
        numbers = commands.numbers(self._session.question("GLCN"))
        cash = self._cash()
        at = self._device_time()
        return Reading(
            serial=self._serial,
            receipt=numbers.receipt,
            z_number=numbers.z_number,
            closed=int(numbers.closed),
            sold=cash.received + cash.other_sales,
            returned=cash.paid + cash.other_returns,
            cash_in=cash.cash_in,
            cash_out=cash.cash_out,
            drawer=cash.closing,
            at=at.isoformat(timespec="seconds"),
        )

    def _act(self, command: str, parameters: bytes = b"", *, cap: float | None = None) -> None:
        """A command that is a whole document: a fault of the hardware may have come after the deed."""
        try:
            self._session.ask(command, parameters, cap=cap)
        except Refused as fault:
            if not fault.raw.startswith("SOFT") or "SOFTZREPOR" in fault.raw:
                fault.document = Existence.UNKNOWN
            raise

    def _close_day(self, document: Document, before: Reading) -> Result:
        totals = self.totals()
        self._act("NREP", cap=REPORT_CAP)
        self._articles.forget()
        return replace(self._registered(document, before, None), totals=totals)

    def _registered(self, document: Document, before: Reading, number: int | None) -> Result:
        """The registrar confirmed the act; its numbers are asked for, but its silence changes nothing any more."""
        printed = not (self._session.paper_out or self._session.cover_open)
        warnings: tuple[str, ...] = ("the registrar warns that its paper ends",) if self._session.paper_low else ()
        closed = document.kind is DocumentKind.Z_REPORT
        at = self._clock.now() + self._offset
        if closed:
            self._shift.z_made()
        else:
            self._shift.document_made(at)
        z_number = before.z_number
        try:
            now = commands.numbers(self._session.question("GLCN"))
            z_number = now.z_number if now.closed or not closed else before.z_number
            number = now.receipt if number is None else number
        except (LinkLost, Refused) as fault:
            warnings += (f"the document number is computed: {fault.what}",)
            number = before.receipt + 1 if number is None else number
        return Result(
            State.REGISTERED if printed else State.REGISTERED_NOT_PRINTED,
            number=str(z_number if closed else number),
            at=at,
            z_number=z_number,
            total=document.due,
            change=document.change,
            serial=self._serial,
            fiscal_number=self._session.state.fiscal_number,
            warnings=warnings,
            by_tax=corrections.by_tax(document, TAX_LETTERS_COUNTED),
        )

    def _judged(self, document: Document, before: Reading, after: Reading) -> Result:
        state, why = judge(document, before, after)
        evidence = {f"before_{name}": value for name, value in before.to_json().items()}
        evidence |= {f"after_{name}": value for name, value in after.to_json().items()}
        if state is State.REGISTERED:
            done = self._registered(document, before, after.receipt)
            moment = datetime.fromisoformat(before.at) if before.at else done.at
            return replace(done, at=moment, evidence=evidence)
        code = Code.OFFLINE if state is State.REJECTED else Code.TOTAL_MISMATCH
        return Result(state, serial=self._serial, fault=FaultInfo(str(code), why), evidence=evidence)


def _present(**sums: int) -> dict[str, int]:
    return {name: value for name, value in sums.items() if value}
