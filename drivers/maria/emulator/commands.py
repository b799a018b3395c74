"""Commands of Maria-301 and 304T (maria.md §4): fixed-width fields in, fields out. Text is CP866."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drivers.emulation.books import SILENCE_LIMIT, half_up
from drivers.maria.emulator.fields import Fields
from drivers.maria.emulator.lines import accounting_sale, sale
from drivers.maria.emulator.memory import DBEG, LETTERS, PREP, Session
from drivers.maria.emulator.till import Refused, Till

Handler = Callable[[Till, Fields], bytes | None]
"""Returns the data of the reply behind the command's name, or None for a command without data."""

NO_LOCK = 999_999_999
"""Seconds until lock when nothing waits for transmission (MDMD2701)."""


def _switch_crc(till: Till, fields: Fields) -> None:
    state = fields.letter("01")
    fields.end()
    till.session.crc = state == "1"


def _login(till: Till, fields: Fields) -> None:
    given, more = fields.text(10), fields.rest(10)
    if given != till.memory.password:
        raise Refused("SOFTUPAS")
    if len(more) == 10:
        till.memory.password = more
    else:
        till.session.cashier = more


def _sync(till: Till, fields: Fields) -> bytes:
    return fields.rest(248).encode("cp866")


def _state(till: Till, fields: Fields, *, printable: bool) -> bytes:
    fields.end()
    memory, books, at = till.memory, till.books, till.now()

    def raw(value: int) -> str:
        return chr((0x30 if printable else 0) + value)

    text = "".join(
        (
            f"{books.serial[:10]:<10}",
            f"{'' if till.training else books.fiscal_number[:10]:<10}",
            f"{memory.owner[:36]:<36}",
            f"{at:%Y%m%d%H%M%S}",
            raw(memory.key),
            raw(till.session.mask),
            "0" if till.session.cashier is None else "1",
            f"{(till.session.cashier or '')[:4]:<4}",
            raw(int(not books.day.first)),
            f"{0 if till.training else books.z_number:012d}",
            f"{memory.receipt_number:012d}",
            memory.last_command,
            "3.05" if till.model == "301" else "4.10",
            "20150318",
            f"{(memory.header[0] if memory.header else '')[:18]:<18}",
            "19960902",
            raw(2),
            "грн",
        )
    )
    return text.encode("cp866", errors="replace")


def _clock(till: Till, fields: Fields) -> bytes:
    fields.end()
    return f"{till.now():%Y%m%d%H%M%S}".encode()


def _set_clock(till: Till, fields: Fields) -> None:
    hour, minute, second = (fields.number(2) for _ in range(3))
    fields.end()
    till.expect(PREP)
    try:
        moment = till.now().replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError as error:
        raise Refused("SOFTPARAM") from error
    till.set_clock(moment)


def _numbers(till: Till, fields: Fields) -> bytes:
    fields.end()
    memory = till.memory
    z_number = 0 if till.training else till.books.z_number
    return (
        f"{memory.receipt_number:010d}{memory.host_documents:010d}{memory.device_documents:010d}"
        f"{memory.article_mode}0{int(not till.books.day.first)}{z_number % 10_000:04d}"
    ).encode()


def _schemes(till: Till, fields: Fields) -> bytes:
    schemes = till.memory.schemes
    if fields.left:
        return "".join(f"{scheme.name[:19]:<19}" for scheme in schemes).encode("cp866")
    return "".join(f"{s.since}{number}{s.kind}{s.rate:04d}" for number, s in enumerate(schemes, 1)).encode()


def _article_mode(till: Till, fields: Fields) -> None:
    mode = fields.letter("012")
    fields.end()
    till.expect(PREP)
    if till.books.day.first:
        raise Refused("SOFTNREP")
    till.memory.article_mode = mode


def _prepare(till: Till, fields: Fields) -> None:
    till.prepare(fields.rest(15 if till.model == "301" else 35))


def _complete(till: Till, fields: Fields) -> bytes:
    sold, returned, third, second, first, cash = (fields.number(10) for _ in range(6))
    fields.end()
    return "".join(f"{n:010d}" for n in till.complete(sold, returned, (third, second, first), cash)).encode()


def _cancel(till: Till, fields: Fields) -> None:
    fields.end()
    till.roll_back()


def _return_of(till: Till, fields: Fields) -> None:
    numbers = fields.rest(86)
    if not numbers:
        raise Refused("SOFTPARAM")
    till.expect(PREP)
    till.session.return_of = numbers


def _copy(till: Till, fields: Fields) -> None:
    fields.end()
    till.copy()


def _text(till: Till, fields: Fields) -> None:
    place = fields.letter("01")
    fields.letter("01")
    fields.letter("01")
    _put(till.session, fields.rest(43), after=place == "1")


def _put(session: Session, line: str, *, after: bool) -> None:
    if session.slip is not None:
        session.slip.append(line)
    else:
        (session.after if after else session.before).append(line)


def _clear_text(till: Till, fields: Fields) -> None:
    fields.end()
    till.session.before.clear()
    till.session.after.clear()


def _line_text(till: Till, fields: Fields) -> None:
    _put(till.session, fields.rest(86), after=False)


def _cash(till: Till, fields: Fields) -> None:
    direction, amount = fields.letter("IO"), fields.number(10)
    text = fields.rest(0 if till.model == "301" else 120)
    if amount == 0:
        raise Refused("SOFTPARAM")
    till.move_cash(amount if direction == "I" else -amount, text)


def _turnover(till: Till, fields: Fields) -> bytes:
    """CFIS: eight sales and eight returns by letter, then sales, returns and the taxes in each."""
    fields.end()
    day, schemes = till.books.day, till.memory.schemes
    sides = (day.sold, day.returned)
    numbers = [side.get(letter, 0) for side in sides for letter in LETTERS]
    numbers += [sum(side.values()) for side in sides]
    for side in sides:
        rates = [scheme.rate for scheme in schemes]
        numbers.append(
            sum(half_up(side.get(letter, 0) * rate, 10_000 + rate) for letter, rate in zip(LETTERS, rates, strict=True))
        )
    return "".join(f"{number:012d}" for number in numbers).encode()


def _cash_sums(till: Till, fields: Fields) -> bytes:
    which = fields.rest(0 if till.model == "301" else 1)
    if which not in ("", "0", "1"):
        raise Refused("SOFTPARAM")
    today = till.books.day
    day, closing = (till.memory.previous, today.opening) if which == "1" else (today, till.books.drawer)
    received, paid = day.paid.get("cash", 0), day.repaid.get("cash", 0)
    bank = [sum(forms.values()) - forms.get("cash", 0) for forms in (day.paid, day.repaid)]
    sums = (day.opening, day.cash_in, day.cash_out, received, paid, closing, *bank)
    return "".join(f"{sum_:011d}" for sum_ in sums).encode()


def _x_report(till: Till, fields: Fields) -> None:
    fields.rest(248)
    till.x_report()


def _z_report(till: Till, fields: Fields) -> None:
    fields.end()
    till.z_report()


def _open_shift(till: Till, fields: Fields) -> None:
    fields.end()
    till.expect(PREP)
    till.books.begin(till.now())


def _by_date(till: Till, fields: Fields) -> None:
    bounds = []
    for _ in range(2 if fields.left else 0):
        try:
            bounds.append(datetime.strptime(fields.text(8), "%Y%m%d").date())  # noqa: DTZ007 - the device has no zone
        except ValueError as error:
            raise Refused("SOFTPARAM") from error
    fields.end()
    records = [(datetime.fromisoformat(record["at"]).date(), record) for record in till.books.z_list]
    chosen = [record for day, record in records if not bounds or bounds[0] <= day <= bounds[1]]
    till.period_report("ЗВІТ ЗА ДАТАМИ", [f"Z {record['number']:04d} {record['at'][:10]}" for record in chosen])


def _by_number(till: Till, fields: Fields) -> None:
    bounds = [fields.number(4) for _ in range(2 if fields.left else 0)]
    fields.end()
    records = till.books.z_list
    chosen = [record for record in records if not bounds or bounds[0] <= record["number"] <= bounds[1]]
    till.period_report("ЗВІТ ЗА НОМЕРАМИ", [f"Z {record['number']:04d} {record['at'][:10]}" for record in chosen])


def _zero(till: Till, fields: Fields) -> None:
    fields.end()
    till.zero_receipt()


def _begin_slip(till: Till, fields: Fields) -> None:
    if fields.left:
        fields.letter("01")
    fields.end()
    till.expect(DBEG)
    till.need_paper()
    till.session.slip = []


def _print_slip(till: Till, fields: Fields) -> None:
    fields.end()
    till.print_slip()


def _drawer(till: Till, fields: Fields) -> None:
    fields.end()
    till.memory.pulses += 1


def _indicator(till: Till, fields: Fields) -> None:
    if not fields.left:
        till.indicators[0] = f"{till.now():%H-%M-%S}"
        return
    which, point = fields.number(1, "[123]"), fields.number(1)
    digits = fields.text(10)
    fields.end()
    till.indicators[which - 1] = f"{digits[: 10 - point]}.{digits[10 - point :]}" if point else digits


def _cutter(till: Till, fields: Fields) -> None:
    fields.letter("01")
    fields.letter("01")
    fields.end()


def _feed(till: Till, fields: Fields) -> None:
    steps = fields.rest(3)
    if not steps.isdigit():
        raise Refused("SOFTPARAM")
    till.need_paper()
    till.tape.print([""])


def _heading(till: Till, fields: Fields) -> None:
    till.memory.header = [fields.rest(43)]


def _footer(till: Till, fields: Fields) -> None:
    till.memory.footer = [fields.rest(43)]


def _excise(till: Till, fields: Fields) -> None:
    for stamp in fields.long_values():
        _put(till.session, f"АКЦИЗНА МАРКА {stamp}", after=False)


def _terminal_slip(till: Till, fields: Fields) -> None:
    for value in fields.long_values():
        if value:
            _put(till.session, f"ТЕРМІНАЛ {value}", after=True)


def _load_code(till: Till, fields: Fields) -> None:
    fields.number(2)
    fields.letter("LMQH")
    data = fields.rest(240)
    if not data:
        raise Refused("SOFTPARAM")
    _put(till.session, f"QR {data}", after=True)


def _modem(till: Till, fields: Fields) -> bytes:
    """MDMD2701: packages, receipts, service documents, Z and the seconds until lock, each little-endian in hex."""
    asked = fields.rest(248)
    if asked != "2701":
        raise Refused("SOFTpNODATA" if re.fullmatch("(?:[0-9A-F]{2})+", asked) else "SOFTPARAM")
    books, memory = till.books, till.memory
    left = NO_LOCK
    if books.waiting:
        left = max(0, int((SILENCE_LIMIT - books.silence(till.now())).total_seconds()))
    numbers = (
        len(books.journal),
        memory.receipt_number,
        memory.host_documents + memory.device_documents,
        books.z_number,
        left,
    )
    return b"47" + b"".join(number.to_bytes(4, "little").hex().upper().encode() for number in numbers)


def _send_now(till: Till, fields: Fields) -> None:
    fields.end()
    if not till.books.link:
        raise Refused("SOFTpMODEM")
    till.books.transmit(till.now())


@dataclass(frozen=True)
class Command:
    """`login`: a cashier is needed; `work`: the key stands in the work position; `receipt`: a refusal rolls the open
    receipt back; `busy`: what is sent while it computes and prints; `new`: only a 304T knows it."""

    run: Handler
    login: bool = True
    work: bool = False
    receipt: bool = False
    busy: tuple[str, ...] = ()
    new: bool = False
    reply: str = ""


def _read(run: Handler) -> Command:
    return Command(run, login=False)


COMMANDS: dict[str, Command] = {
    "CSIN": _read(_switch_crc),
    "UPAS": _read(_login),
    "SYNC": _read(_sync),
    "CONF": _read(lambda till, fields: _state(till, fields, printable=False)),
    "CONf": _read(lambda till, fields: _state(till, fields, printable=True)),
    "GETD": _read(_clock),
    "GLCN": _read(_numbers),
    "CNAL": _read(_schemes),
    "CFIS": _read(_turnover),
    "CCAS": _read(_cash_sums),
    "CANC": _read(_cancel),
    "CTIM": Command(_set_clock),
    "ARMO": Command(_article_mode),
    "PREP": Command(_prepare, work=True, receipt=True),
    "FISC": Command(sale(back=False), work=True, receipt=True, reply="FISC"),
    "BFIS": Command(sale(back=True), work=True, receipt=True, reply="FISC"),
    "FICD": Command(accounting_sale(back=False), work=True, receipt=True, new=True, reply="FISC"),
    "BFCD": Command(accounting_sale(back=True), work=True, receipt=True, new=True, reply="FISC"),
    "FINF": Command(_line_text, receipt=True),
    "TEXT": Command(_text, receipt=True),
    "CTXT": Command(_clear_text, receipt=True),
    "COMP": Command(_complete, work=True, receipt=True, busy=("PRN",)),
    "BCHN": Command(_return_of, work=True),
    "COPY": Command(_copy, busy=("PRN",)),
    "CAIO": Command(_cash, work=True, busy=("PRN",)),
    "ZREP": Command(_x_report, busy=("WRK", "PRN")),
    "NREP": Command(_z_report, busy=("WRK", "PRN")),
    "nrep": Command(_open_shift, work=True, new=True),
    "IREP": Command(_by_date, busy=("PRN",)),
    "FIRP": Command(_by_date, busy=("PRN",)),
    "IREN": Command(_by_number, busy=("PRN",)),
    "FIRN": Command(_by_number, busy=("PRN",)),
    "NULL": Command(_zero, work=True, busy=("PRN",)),
    "DBEG": Command(_begin_slip),
    "PRTX": Command(_print_slip, busy=("PRN",)),
    "KASS": _read(_drawer),
    "DISp": _read(_indicator),
    "CUTR": _read(_cutter),
    "FEED": _read(_feed),
    "HEAD": Command(_heading),
    "BOTM": Command(_footer),
    "ACLD": Command(_excise, receipt=True, new=True),
    "PSDt": Command(_terminal_slip, receipt=True, new=True),
    "GCQR": Command(_load_code, receipt=True, new=True),
    "MDMD": Command(_modem, login=False, new=True),
    "SPKF": Command(_send_now, login=False, new=True),
}
