"""The Help Micro registrar: MG-N707TS and relatives (helpmicro.md).

Proof of completion (§7, registrars/README.md §7): every document carries its own id in a comment, and after any doubt
the journal since the last Z (/cgi/chk) is searched for it once the device is idle (/cgi/proc/state). A Z report moved
the Z number or it did not. Nothing is ever sent twice blindly: the receipt is one transaction, a refusal cancels it.

URL options: `user`, `password` (service, 751426: reads and reports), `cashier`, `cashier_password` (operator number and
its password in the table Oper: registers documents; where not given the former does, for a cashier who registered at
the device), `cap` (60: longest wait for a document, seconds), `uktzed` (field, name) and `excise` (field, comment) for
old firmware that knows no such fields (§3), `name` (48: characters of a good's name), `serial` (factory number that
the till is bound to), `cash`, `card`, `credit`, `cheque`, `certificate`, `iban` (row of the registrar's payment table;
by name when not given).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from drivers.clock import Clock, kyiv
from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Refused
from drivers.helpmicro import documents, refusals, state, tables
from drivers.helpmicro.documents import COMMENT_LENGTH, NAME_LENGTH, Dialect, Entry
from drivers.helpmicro.proof import Reading, judge
from drivers.helpmicro.session import Session, field
from drivers.helpmicro.state import BUSY, ENDED_BY_Z, OPEN, Device
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

PORT = 80
REPORT_CAP = 120.0
"""Seconds for a Z or X report (§1)."""
SETTLING = 10.0
"""Seconds to wait for the end of what the device is doing before it is asked about a document."""
SETTLING_STEP = 0.2
MOVES = (DocumentKind.CASH_IN, DocumentKind.CASH_OUT)
CLOCK_DRIFT = timedelta(minutes=10)
"""Difference of the clocks from which the status warns."""
OPTIONS = ("user", "password", "cashier", "cashier_password", "cap", "uktzed", "excise", "name", "serial")


def connect(url: RegistrarUrl, clock: Clock, log: WireLog) -> HelpMicroRegistrar:
    """The driver for `helpmicro+http://host[:port]`. Raises `Invalid` for a wrong option."""
    url.refuse_unknown(*OPTIONS, *map(str, PaymentForm))
    if url.transport != "http":
        raise Invalid(Code.BAD_FIELD, f"this registrar speaks over http, not {url.transport!r}")
    link = link_to("tcp", url.address, baud=0, default_port=PORT)
    account = (url.options.get("user", "service"), url.options.get("password", "751426"))
    cashier = (url.options.get("cashier", account[0]), url.options.get("cashier_password", account[1]))
    fixed = {form: url.number(str(form), 0, 1, 99) for form in PaymentForm if str(form) in url.options}
    return HelpMicroRegistrar(
        RecordedLink(link, log),
        clock,
        host=url.address,
        account=account,
        cashier=cashier,
        cap=float(url.number("cap", 60, 1, 600)),
        uktzed_field=url.choice("uktzed", "field", ("field", "name")) == "field",
        excise_field=url.choice("excise", "field", ("field", "comment")) == "field",
        name_length=url.number("name", NAME_LENGTH, 12, 250),
        serial=url.options.get("serial", ""),
        fixed=fixed,
    )


class HelpMicroRegistrar:
    """One registrar. `serial` binds it to one unit; the first unit met binds it otherwise."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        host: str,
        account: tuple[str, str],
        cashier: tuple[str, str],
        cap: float = 60.0,
        uktzed_field: bool = True,
        excise_field: bool = True,
        name_length: int = NAME_LENGTH,
        serial: str = "",
        fixed: Mapping[PaymentForm, int] | None = None,
    ) -> None:
        self._clock = clock
        self._cap = cap
        self._registers = cashier != account
        self._session = Session(link, clock, host=host, account=account, cashier=cashier, cap=cap)
        self._serial = serial
        self._fixed = dict(fixed or {})
        self._uktzed_field = uktzed_field
        self._excise_field = excise_field
        self._dialect: Dialect | None = None
        self._known = ""
        self._fiscal_number = ""
        self._offset = timedelta()
        self._shift: tuple[int, datetime] | None = None
        self.capabilities = Capabilities(
            family="helpmicro",
            name_length=name_length,
            line_length=COMMENT_LENGTH,
            kinds=HARDWARE_KINDS,
            display=True,
            drawer=True,
            max_payments=10,
            tax_letters=tables.LETTERS,
        )

    # -- questions ------------------------------------------------------------------------------------------------

    def check(self, document: Document) -> None:
        self.capabilities.accept(document)
        if len(document.payments) > self.capabilities.max_payments:
            raise Invalid(Code.PAYMENT, "at most ten payments on one receipt", field="payments")
        for index, line in enumerate(document.lines):
            if len(line.tax) != 1 or line.tax not in tables.LETTERS:
                raise Invalid(
                    Code.TAX, f"this registrar knows the tax letters {tables.LETTERS} one at a time, not {line.tax!r}",
                    field=f"lines[{index}].tax",
                )  # fmt: skip

    def info(self) -> Info:
        device = self._meet()
        about: Any = {}
        with suppress(Refused):
            about = self._session.question("/cgi/dev_info")
        return Info(
            family="helpmicro",
            model=device.model,
            firmware=state.text(about, "dev_ver"),
            serial=device.serial,
            fiscal_number=self._fiscal_number,
            tax_number=state.text(about, "dev_nn"),
            fiscalised=device.fiscalised,
            tax_rates=tables.rates(self._table("Tax")),
        )

    def status(self) -> Status:
        device = self._meet()
        read_at = self._clock.now()
        network, warnings = self._network()
        if abs(self._offset) > CLOCK_DRIFT:
            minutes = round(self._offset.total_seconds() / 60)
            warnings += (f"the registrar's clock differs by {minutes} minutes",)
        mask = self._mask()
        opened = self._begun(device)
        problems = [*(code for code, _, _ in device.problems()), *(code for code, _ in network)]
        return Status(
            reachable=True,
            paper_out=device.paper_out,
            receipt_open=bool(mask & OPEN),
            clock=device.time,
            read_at=read_at,
            shift_open=opened is not None or device.working,
            shift_opened_at=opened,
            z_number=device.z_number,
            drawer=self.cash_in_drawer(),
            blocks=tuple(dict.fromkeys(map(str, problems))),
            warnings=warnings,
            raw=f"err={','.join(device.errors) or '-'} mask={mask:04X}",
        )

    def totals(self) -> Totals:
        """From the journal since the last Z: the device has no registers by tax to ask for."""
        device = self._meet()
        return self._totals(device)

    def cash_in_drawer(self) -> int:
        dialect = self._known_dialect()
        cash = dialect.forms[PaymentForm.CASH]
        answer = self._session.question("/cgi/rep/pay")
        rows = answer if isinstance(answer, list) else []
        return sum(
            documents.kopecks(row.get("sum", 0)) for row in rows if isinstance(row, dict) and row.get("no") == cash
        )

    # -- the road -------------------------------------------------------------------------------------------------

    def snapshot(self, document: Document) -> Snapshot:
        device = self._meet()
        for code, what, raw in device.problems():
            if document.kind is DocumentKind.Z_REPORT and code in ENDED_BY_Z:
                continue
            if document.kind in MOVES and code is Code.TRANSMISSION_OVERDUE:
                continue  # the block names sales and refunds (§4): the device itself judges about cash
            raise Refused(code, what, raw=raw, command="/cgi/state")
        for code, what in self._network()[0]:
            raise Refused(code, what, command="/cgi/status")
        self._idle()
        dialect = self._known_dialect()
        if missing := sorted({line.tax for line in document.lines} - set(dialect.taxes)):
            raise Refused(Code.TAX, f"the registrar has no tax group {missing[0]}", command="/cgi/tbl/Tax")
        wanted = document.amount if document.kind is DocumentKind.CASH_OUT else 0
        if document.kind is DocumentKind.REFUND:
            wanted = document.paid_by(PaymentForm.CASH)
        if wanted and wanted > (drawer := self.cash_in_drawer()):
            raise Refused(
                Code.INSUFFICIENT_CASH, f"{drawer} kopecks in the registrar, {wanted} needed", command="/cgi/rep/pay"
            )
        return _reading(device).to_json()

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        try:
            device = self._meet(expected=before.serial)
            if document.kind is DocumentKind.Z_REPORT:
                return self._close_day(document, before, device)
            body = documents.build(document, self._known_dialect())
            if self._registers and not device.working:
                # A shift begins with this document, and a cashier registers once a shift.
                self._enter()
        except Fault as fault:
            # Nothing but questions was asked so far.
            fault.document = Existence.NO
            return verdict(fault, serial=before.serial)
        try:
            return self._registered(document, before, self._post(body))
        except Fault as fault:
            return verdict(fault, serial=before.serial)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        before = Reading.from_json(snapshot)
        self._session.close()
        try:
            self._meet(expected=before.serial)
            self._idle()
            # Again, because what the device was doing until now may have been the document.
            after = _reading(self._meet(expected=before.serial))
            journal = self._journal() if document.kind is not DocumentKind.Z_REPORT else []
            return self._judged(document, before, after, journal)
        except Fault as fault:
            # Whatever keeps the question from being answered, the answer stays open.
            return Result(State.UNKNOWN, serial=before.serial, fault=FaultInfo.of(fault), evidence=before.to_json())

    # -- the rest -------------------------------------------------------------------------------------------------

    def x_report(self) -> Totals:
        self._meet()
        self._session.order("/cgi/proc/printreport?10", cap=max(self._cap, REPORT_CAP))
        return self.totals()

    def slip(self, lines: Sequence[str]) -> None:
        """A non-fiscal document (P) of comments without a fiscal sense (N)."""
        self._meet()
        self._post({"P": [{"N": line["C"]} for line in documents.comments(*lines)]})

    def copy_last(self) -> None:
        device = self._meet()
        self._post({"L": [{"L": {"no": device.receipt}}]})

    def open_drawer(self) -> None:
        self._meet()
        self._session.order("/cgi/proc/openbox")

    def display(self, upper: str, lower: str) -> None:
        self._meet()
        rows = [{"id": row, "str": words, "align": "l"} for row, words in enumerate((upper, lower), 1)]
        self._session.post("/cgi/scr", rows)

    def set_clock(self, moment: datetime) -> None:
        self._meet()
        self._session.order(f"/cgi/proc/setclock?{kyiv(moment):%Y-%m-%dT%H:%M:%S}")
        self._meet()

    def close(self) -> None:
        self._session.close()
        self._session.unlock()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _meet(self, expected: str = "") -> Device:
        """Ask who is there and in which state; the connection itself proves nothing. Raises `DifferentDevice`."""
        device = state.device(self._session.question("/cgi/state"))
        bound = expected or self._serial
        if bound and device.serial != bound:
            self._session.close()
            raise DifferentDevice(
                Code.DIFFERENT_DEVICE,
                f"the registrar {device.serial} answers where {bound} is expected",
                serial=device.serial,
                existence=Existence.NO,
            )
        self._serial = device.serial
        self._offset = device.time - self._clock.now()
        if self._known != device.serial:
            self._dialect, self._shift = None, None
            self._fiscal_number = ""
            with suppress(Refused):
                self._fiscal_number = state.text(self._session.question("/cgi/dev_info"), "dev_fn")
            self._known = device.serial
        return device

    def _known_dialect(self) -> Dialect:
        """Rows of the device's own tables, read once a unit."""
        if self._dialect is None:
            self._meet()
            self._dialect = Dialect(
                taxes=tables.taxes(self._table("Tax")),
                forms=tables.forms(self._table("Pay"), self._fixed),
                uktzed_field=self._uktzed_field,
                excise_field=self._excise_field,
                name_length=self.capabilities.name_length,
            )
        return self._dialect

    def _table(self, name: str) -> Any:
        try:
            return self._session.question(f"/cgi/tbl/{name}")
        except Refused as fault:
            if fault.code is Code.PASSWORD:
                raise
            return None  # firmware without the table

    def _network(self) -> tuple[list[tuple[Code, str]], tuple[str, ...]]:
        """Blocks and warnings of the modem (/cgi/status). Without a network the device sells until A6 (§4)."""
        try:
            mask = field(self._session.question("/cgi/status", open_to_all=True), "dev_state")
        except Refused:
            return [], ()
        return state.network(mask)

    def _mask(self) -> int:
        try:
            return state.mask(self._session.question("/cgi/proc/state"))
        except Refused:
            return 0

    def _idle(self) -> None:
        """Wait until no document is open and none is made. Raises `Refused` (BUSY) when that does not come."""
        deadline = self._clock.monotonic() + SETTLING
        while (mask := self._mask()) & BUSY:
            if self._clock.monotonic() >= deadline:
                raise Refused(
                    Code.BUSY, "the registrar has a document open", raw=f"{mask:04X}", command="/cgi/proc/state"
                )
            self._clock.sleep(SETTLING_STEP)

    def _journal(self) -> list[Entry]:
        return documents.entries(self._session.question("/cgi/chk"))

    def _begun(self, device: Device) -> datetime | None:
        """Time of the first journal object of the shift; read once a shift, because a journal is long."""
        if self._shift is not None and self._shift[0] == device.z_number:
            return self._shift[1]
        if not device.working and not self._used():
            return None
        moments = [entry.at for entry in self._journal() if entry.at is not None and entry.kind not in ("Z1", "P", "L")]
        if not moments:
            return None
        self._shift = (device.z_number, min(moments))
        return self._shift[1]

    def _used(self) -> bool:
        """Whether the journal holds anything since the last Z."""
        try:
            return bool(field(self._session.question("/cgi/proc/getjrnroom"), "Used") > 0)
        except (Refused, LinkLost):
            return False

    def _post(self, body: Any) -> Any:
        """POST a document; a cashier who is not registered is registered first, once a shift (F9)."""
        try:
            return self._act(body)
        except Refused as fault:
            if refusals.NOT_REGISTERED not in fault.raw.split():
                raise
        self._enter()
        return self._act(body)

    def _enter(self) -> None:
        """Register the cashier (§3). Whatever goes wrong here, no document exists."""
        try:
            self._session.post("/cgi/chk", {"L": []})
        except Refused as fault:
            if fault.raw == refusals.ALREADY_REGISTERED:
                return
            if fault.raw == refusals.NO_RIGHTS:
                fault.what += ": give the registrar's URL a cashier and its cashier_password"
            fault.document = Existence.NO
            raise
        except Fault as fault:
            fault.document = Existence.NO
            raise

    def _act(self, body: Any) -> Any:
        try:
            return self._session.post("/cgi/chk", body)
        except Refused as fault:
            if set(fault.raw.split()) & refusals.HALFWAY or fault.raw.startswith("HTTP 5"):
                fault.document = Existence.UNKNOWN
            raise

    def _close_day(self, document: Document, before: Reading, device: Device) -> Result:
        totals = self._totals(device)
        try:
            self._session.order("/cgi/proc/printreport?0", cap=max(self._cap, REPORT_CAP))
        except Refused as fault:
            if set(fault.raw.split()) & refusals.HALFWAY or fault.raw.startswith("HTTP 5"):
                fault.document = Existence.UNKNOWN
            return verdict(fault, serial=before.serial)
        except Fault as fault:
            return verdict(fault, serial=before.serial)
        self._shift = None
        return replace(self._result(document, before, before.z_number), totals=totals)

    def _totals(self, device: Device) -> Totals:
        dialect = self._known_dialect()
        cash = dialect.forms[PaymentForm.CASH]
        letters, names = _by_row(dialect.taxes), _by_row(dialect.forms)
        journal = self._journal()
        sums: dict[str, tuple[dict[str, int], dict[str, int]]] = {"F": ({}, {}), "R": ({}, {})}
        for entry in journal:
            if entry.kind in sums:
                by_tax, by_form = sums[entry.kind]
                for row, amount in entry.taxes().items():
                    _add(by_tax, letters.get(row, str(row)), amount)
                for row, amount in entry.payments(cash).items():
                    _add(by_form, names.get(row, str(row)), amount)
        moves = [entry.total for entry in journal if entry.kind == "IO"]
        return Totals(
            z_number=device.z_number,
            sales_by_tax=sums["F"][0],
            refunds_by_tax=sums["R"][0],
            sales_by_form=sums["F"][1],
            refunds_by_form=sums["R"][1],
            cash_in=sum(amount for amount in moves if amount > 0),
            cash_out=-sum(amount for amount in moves if amount < 0),
            drawer=self.cash_in_drawer(),
            receipts=sum(entry.kind == "F" for entry in journal),
            refunds=sum(entry.kind == "R" for entry in journal),
        )

    def _registered(self, document: Document, before: Reading, answer: Any) -> Result:
        """The device answered with the journal object."""
        found = documents.entries(answer)
        if len(found) != 1:
            raise LinkLost(Code.FRAME, "the registrar's answer holds no document", command="/cgi/chk")
        return self._proven(document, before, found[0])

    def _proven(self, document: Document, before: Reading, entry: Entry) -> Result:
        result = self._result(document, before, entry.number)
        if entry.at is not None:
            result = replace(result, at=entry.at)
        if entry.pending:
            result = replace(result, state=State.REGISTERED_NOT_PRINTED)
        if document.lines:
            letters = _by_row(self._known_dialect().taxes)
            taxes = entry.taxes()
            by_tax = {letters.get(row, str(row)): amount for row, amount in taxes.items() if amount}
            result = replace(result, by_tax=by_tax)
            if sum(taxes.values()) != document.due:
                told = sum(taxes.values())
                warning = f"the registrar counted {told} kopecks, the till {document.due}"
                result = replace(result, total=told, warnings=(*result.warnings, warning))
        return result

    def _result(self, document: Document, before: Reading, number: int) -> Result:
        return Result(
            State.REGISTERED,
            number=str(number),
            at=self._clock.now() + self._offset,
            z_number=before.z_number,
            total=document.due,
            change=document.change,
            serial=self._serial,
            fiscal_number=self._fiscal_number,
        )

    def _judged(self, document: Document, before: Reading, after: Reading, journal: Sequence[Entry]) -> Result:
        state, why, entry = judge(document, before, after, journal)
        evidence = {f"before_{name}": value for name, value in before.to_json().items()}
        evidence |= {f"after_{name}": value for name, value in after.to_json().items()} | {"why": why}
        if entry is not None:
            return replace(self._proven(document, before, entry), evidence=evidence)
        if state is State.REGISTERED:
            self._shift = None
            done = self._result(document, before, before.z_number)
            return replace(done, at=datetime.fromisoformat(before.at), evidence=evidence)
        code = Code.OFFLINE if state is State.REJECTED else Code.TOTAL_MISMATCH
        return Result(state, serial=self._serial, fault=FaultInfo(str(code), why), evidence=evidence)


def _reading(device: Device) -> Reading:
    return Reading(
        serial=device.serial,
        receipt=device.receipt,
        z_number=device.z_number,
        at=device.time.isoformat(timespec="seconds"),
    )


def _by_row(rows: Mapping[str, int] | Mapping[PaymentForm, int]) -> dict[int, str]:
    """Row -> letter or form; of those that share a row the first."""
    found: dict[int, str] = {}
    for name, row in rows.items():
        found.setdefault(row, str(name))
    return found


def _add(sums: dict[str, int], key: str, amount: int) -> None:
    if amount:
        sums[key] = sums.get(key, 0) + amount
