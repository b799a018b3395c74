"""The whole virtual device: connection, digest, resources, faults, power (helpmicro.md §1-2, §7).

Options: serial, fiscal_number, model, clock (Kyiv time), cash (kopecks in the drawer), unfiscalised=1,
unpersonalised=1, link=0, fskmode=0, password (of `service`), cashier_password (of operators 1-16), white_listed=1,
nonce_life (seconds), deflate=1, bom=1, err (list, object or text), case=lower (of getjrnroom and getfmroom),
currz=last (the number of the last Z instead of the next), old=1 (no uktzed and excise: 37), capacity (journal objects),
midnight=1 (D3 on the next date).

Faults are planned for a document by its key (F, R, IO, P, L) and for everything else by its path without /cgi/, the
report number included: state, chk, rep/pay, proc/printreport?0. Only a request that passed the digest counts. F1 and F2
close the connection after `seconds` of silence; F3 spoils the first byte of the JSON; F4 is 400; F20 is a page of HTML.
A Z that runs out of paper while it prints is done and answers 8B.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from drivers.emulation.books import Books
from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.machine import Action, HangUp, Send, Work
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.mishaps import cut, hang, strike
from drivers.helpmicro.emulator import codes, resources
from drivers.helpmicro.emulator.codes import Failed, told
from drivers.helpmicro.emulator.device import SERVICE, Device
from drivers.helpmicro.emulator.digest import Guard
from drivers.helpmicro.emulator.documents import parse
from drivers.helpmicro.emulator.http import Bad, Inbox, Request, answer
from drivers.helpmicro.emulator.memory import OPERATORS, Article, Memory

OPTIONS = (
    "serial", "fiscal_number", "model", "clock", "cash", "unfiscalised", "unpersonalised", "link", "fskmode",
    "password", "cashier_password", "white_listed", "nonce_life", "deflate", "bom", "err", "case", "currz", "old",
    "capacity", "midnight",
)  # fmt: skip
LINE = ("baud", "realtime", "delay_ms", "chunk", "seed")
STYLES = ("list", "object", "text")
TICK = 0.2
DOCUMENTS = ("F", "R", "IO", "P", "L", "VD")
READ_ONLY = frozenset({"/cgi/status", "/cgi/state", "/cgi/dev_info", "/cgi/rep/pay", "/cgi/proc/state", "/desc"})


def build(
    options: Mapping[str, str],
    state: StateFile,
    tape: Tape,
    plan: FaultPlan,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> HelpMicroMachine:
    """A device from its options. Raises ValueError for an unknown option or a bad value."""
    if strange := sorted(set(options) - set(OPTIONS) - set(LINE)):
        raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join((*OPTIONS, *LINE))}")
    if options.get("err", "list") not in STYLES:
        raise ValueError(f"err is one of {', '.join(STYLES)}, not {options['err']!r}")
    saved = state.load()
    memory = Memory() if saved is None else Memory.restore(saved)
    if saved is None:
        _furnish(memory, options, wall)
        state.save(memory.dump())
    device = Device(
        memory,
        tape,
        wall,
        capacity=int(options.get("capacity", "10000")),
        midnight=options.get("midnight", "0") == "1",
        old=options.get("old", "0") == "1",
    )
    return HelpMicroMachine(device, state, plan, options)


def _furnish(memory: Memory, options: Mapping[str, str], wall: Callable[[], datetime]) -> None:
    books = memory.books
    books.serial = options.get("serial", books.serial)
    books.fiscal_number = options.get("fiscal_number", books.fiscal_number)
    memory.model = options.get("model", memory.model)
    memory.fiscalised = options.get("unfiscalised", "0") != "1"
    books.personalised = options.get("unpersonalised", "0") != "1"
    books.link = options.get("link", "1") == "1"
    memory.printer_mode = options.get("fskmode", "1") == "1"
    memory.white_listed = options.get("white_listed", "0") == "1"
    books.drawer = books.day.opening = int(options.get("cash", "0"))
    memory.service_password = options.get("password", memory.service_password)
    word = options.get("cashier_password", "1111")
    memory.operators = {str(number): word for number in range(1, OPERATORS + 1)}
    if "clock" in options:
        start = datetime.fromisoformat(options["clock"]).replace(tzinfo=ZoneInfo("Europe/Kyiv"))
        books.clock_offset = (start - wall()).total_seconds()


class HelpMicroMachine:
    """HTTP, memory and mains of one device."""

    on_network = True

    def __init__(self, device: Device, state: StateFile, plan: FaultPlan, options: Mapping[str, str]) -> None:
        self.device = device
        self.plan = plan
        self.guard = Guard(float(options.get("nonce_life", "300")), time.monotonic)
        self._state = state
        self._inbox = Inbox()
        self._deflate = options.get("deflate", "0") == "1"
        self._bom = options.get("bom", "0") == "1"
        self._style = options.get("err", "list")
        self._lower = options.get("case", "") == "lower"
        self._next_z = options.get("currz", "next") != "last"
        self._former: tuple[str, dict[str, str]] | None = None
        self._body = b""
        self._shelf: dict[str, Memory] = {}

    # -- line -----------------------------------------------------------------------------------------------------

    def line_matches(self, speed: int, parity: str, stop_bits: int) -> bool:
        return True

    def set_dtr(self, present: bool, *, serial: bool) -> None:
        """A connection comes or goes; a half-sent request goes with it."""
        self._inbox.clear()

    def receive(self, data: bytes) -> Iterator[Action]:
        for request in self._inbox.take(data):
            if isinstance(request, Bad):
                yield Send(answer(request.status))
                yield HangUp()
                return
            yield from self._handle(request)

    def _handle(self, request: Request) -> Iterator[Action]:
        user, challenge = self._who(request)
        if challenge:
            yield Send(answer(401, extra=[("WWW-Authenticate", challenge)]))
            return
        faults = {fault.id: fault for fault in self.plan.take(self._name(request))}
        if (dropped := faults.get("F1")) is not None:
            yield from self._silence(dropped)
            return
        if "F4" in faults:
            yield Send(answer(400))
            return
        if "F20" in faults:
            yield Send(answer(200, b"<html><body>It works!</body></html>", kind="text/html"))
            return
        self._body = request.body
        yield from strike(self, faults, before=True)
        if cut(faults, before=True):
            return
        reply = self._answer(request, user, faults)
        yield from strike(self, faults, before=False)
        if cut(faults, before=False):
            return
        if (lost := faults.get("F2")) is not None:
            yield from self._silence(lost)
            return
        if (stuck := faults.get("F6")) is not None:
            yield from hang(stuck, b"", TICK)
            return
        if (slow := faults.get("F5")) is not None:
            yield Work(slow.seconds, b"", TICK)
        yield Send(reply)

    def _silence(self, fault: Fault) -> Iterator[Action]:
        if fault.seconds:
            yield Work(fault.seconds, b"", TICK)
        yield HangUp()

    def _who(self, request: Request) -> tuple[str, str]:
        """Who asks, or the challenge to prove it."""
        if request.path == "/cgi/status":
            return SERVICE, ""
        given = request.headers.get("authorization")
        registering = request.path == "/cgi/chk" and _kind(request.body) == "L"
        if given is None and self.device.memory.white_listed and not registering:
            return SERVICE, ""
        stale = False
        if given is not None:
            user, stale = self.guard.user(given, request.method, request.target, self._password)
            if user:
                return user, ""
        return "", self.guard.challenge(stale=stale)

    def _password(self, user: str) -> str | None:
        memory = self.device.memory
        return memory.service_password if user == SERVICE else memory.operators.get(user)

    def _name(self, request: Request) -> str:
        if request.method == "POST" and request.path == "/cgi/chk":
            return _kind(request.body) or "chk"
        return resources.tells(request)

    # -- execution ------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, user: str, faults: Mapping[str, Fault]) -> bytes:
        self.device.transmit()
        self.device.holding = any(name in faults and not faults[name].before for name in ("F9", "F10"))
        try:
            content = self._resource(request, user)
        except resources.Absent:
            return answer(404)
        except Failed as failure:
            content = told(failure.code, failure.line, self._style)
        finally:
            self.device.holding = False
            if request.path not in READ_ONLY:
                self._save()
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        if "F3" in faults:
            body = bytes([body[0] ^ 1]) + body[1:]
        return answer(200, b"\xef\xbb\xbf" + body if self._bom else body, deflate=self._deflate)

    def _resource(self, request: Request, user: str) -> Any:
        device, method, path = self.device, request.method, request.path
        if path == "/cgi/chk" and method == "POST":
            kind, lines = parse(request.body)
            return device.post(kind, lines, user)
        if path == "/cgi/scr" and method == "POST":
            return resources.show(device, _json(request.body))
        name = path.removeprefix("/cgi/proc/")
        if name in ("printreport", "printfmreport") and method == "POST" and not request.body.strip():
            return resources.PROCEDURES[name](device, request.query)
        if method != "GET":
            raise resources.Absent
        return self._get(path, name, request.query)

    def _get(self, path: str, name: str, query: str) -> Any:
        device = self.device
        if path == "/cgi/status":
            return resources.status(device)
        if path == "/cgi/state":
            return resources.state(device, next_z=self._next_z)
        if path == "/cgi/dev_info":
            return resources.dev_info(device)
        if path == "/cgi/chk":
            return resources.journal(device, query)
        if path == "/cgi/rep/pay":
            return resources.payments(device)
        if path == "/cgi/scr":
            return {"cols": resources.COLUMNS, "rows": resources.ROWS}
        if path == "/desc":
            return {f"x{code}": text for code, text in sorted(codes.TEXTS.items())}
        if path.startswith("/cgi/tbl/"):
            return resources.table(device, path.removeprefix("/cgi/tbl/"))
        if path.startswith("/cgi/proc/") and name in ("getjrnroom", "getfmroom"):
            return resources.rooms(device, name, lower=self._lower)
        if path.startswith("/cgi/proc/") and name in resources.PROCEDURES:
            return resources.PROCEDURES[name](device, query)
        raise resources.Absent

    # -- the world ------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Half a request and the nonces are lost; what was registered stays, printed or not."""
        self._inbox.clear()
        self.guard.forget()
        saved = self._state.load()
        if saved is not None:
            self.device.memory = Memory.restore(saved)
        self.device.display[:] = ["", ""]

    def power_on(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        self.device.finish_printing()
        self._save()

    def later(self, what: str) -> None:
        memory = self.device.memory
        if what == "paper":
            self.set_paper(True)
        elif what == "cover":
            self.set_cover(False)
        elif what == "link":
            self.set_link(True)
        elif what in ("password", "heal"):
            if self._former is not None:
                memory.service_password, memory.operators = self._former
                self._former = None
            if what == "heal":
                memory.books.heal()
                self.set_link(True)
            self._save()

    def afflict(self, fault: str) -> None:
        memory, books = self.device.memory, self.device.books
        if fault == "F14":
            books.fall_silent(self.device.now())
        elif fault == "F16":
            self._take_article()
        elif fault == "F17":
            self._former = memory.service_password, memory.operators
            memory.service_password += "0"
            memory.operators = {number: word + "0" for number, word in memory.operators.items()}
        elif fault == "F18":
            books.drawer = 0
        elif fault == "F19":
            books.fm_full = True
        elif fault == "F23":
            books.hardware = True
        self._save()

    def _take_article(self) -> None:
        """Somebody else's article, already sold, sits under the codes that are asked about, or under every code."""
        articles = self.device.memory.articles
        wanted = list(articles)
        with suppress(Failed):
            wanted = [str(fields["code"]) for name, fields in parse(self._body)[1] if name == "S" and "code" in fields]
        for code in wanted:
            tax = 1 if code in articles and articles[code].tax == 2 else 2
            articles[code] = Article("ЧУЖИЙ АРТИКУЛ", tax)

    def set_serial(self, serial: str) -> None:
        """Another unit; the one that was unplugged keeps its memory on the shelf."""
        former = self.device.memory
        self._shelf[former.books.serial] = former
        stranger = Memory(
            books=Books(serial=serial, fiscal_number="3000099999"),
            service_password=former.service_password,
            operators=dict(former.operators),
        )
        self.device.memory = self._shelf.pop(serial, stranger)
        self._save()
        self.power_off()

    def set_paper(self, present: bool) -> None:
        self.device.books.paper = present
        self._go_on()

    def set_cover(self, opened: bool) -> None:
        self.device.books.cover = opened
        self._go_on()

    def set_link(self, up: bool) -> None:
        self.device.books.link = up
        self.device.transmit()
        self._save()

    def advance_clock(self, seconds: float) -> None:
        self.device.books.clock_offset += seconds
        self._save()

    def registers(self) -> dict[str, Any]:
        memory = self.device.memory
        return memory.books.registers(
            last_document=memory.last_no,
            open_receipt=False,
            articles=len(memory.articles),
            display=list(self.device.display),
        )

    def _save(self) -> None:
        if self._state.kept:
            self._state.save(self.device.memory.dump())


def _kind(body: bytes) -> str:
    """The key of a posted document, "" for none that is known."""
    plain = _json(body, strict=False)
    key = next(iter(plain), "") if isinstance(plain, dict) else ""
    return key if key in DOCUMENTS and len(plain) == 1 else ""


def _json(body: bytes, *, strict: bool = True) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        if strict:
            raise Failed(codes.FORBIDDEN) from None
        return None
