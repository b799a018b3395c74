"""The fiscal server over HTTP: documents, packages, commands (fiscal-server.md §1, §2).

    POST {base}/doc                     CMS{ XML }              -> CMS{ TICKET }
    POST {base}/pck                     CMS{ package }          -> OK | {"OfflineSessionId", "OfflineSeed"}
    POST {base}/cmd?resultAsJson=true   CMS{ JSON } | JSON      -> JSON, 204 for "no data"

What became of a document is said in four words (§1.6): NOT_SENT (the connection was never made), REJECTED (the server
understood and refused), ACCEPTED (a ticket that proves itself), UNKNOWN (all else: ask before anything is repeated).
Every exchange stands in the wire log as it was sent, the secret seeds of offline sessions masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from drivers.clock import Clock
from drivers.errors import Code, Existence, Invalid, LinkLost, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.prro.answers import (
    Fields,
    Pair,
    decode64,
    encode64,
    moment_of,
    read_json,
    read_pair,
    rows,
    whole,
)
from drivers.prro.documents import Ticket, read_ticket
from drivers.prro.refusals import NO_CONTENT, Refusal, read_text
from drivers.prro.signing import Trust, cms, verify
from drivers.prro.signing.errors import SignatureFault

if TYPE_CHECKING:
    import httpx

OCTETS, JSON = "application/octet-stream", "application/json; charset=UTF-8"
COMMANDS = "/cmd?resultAsJson=true"
SENDING = frozenset({"SendDocument", "SendOflPackage"})
"""Commands that are no questions."""
MAX_ANSWER = 32 * 1024 * 1024
"""Longest answer read, octets: a shift's list of documents is the longest honest one."""
TAX_SERVICE = ("43005393",)
"""ЄДРПОУ of the tax service, who signs the tickets (signing.md §5.2)."""
NEAR = timedelta(seconds=2)
"""A difference of clocks below this is the resolution of HTTP dates and the way of the message."""
JUMP = timedelta(seconds=5)
"""A change of the difference of clocks within one question that is no resolution: somebody set this machine's clock."""
_SECRET = re.compile(rb'(OFFLINESEED>|OfflineSeed"\s*:\s*"?)(\d+)')


class Fate(StrEnum):
    """What became of a document or package that was handed to the server (§1.6)."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Delivery:
    """One try at one document. `answer` are the octets that came back; `ticket` stands only where it is believed."""

    fate: Fate
    ticket: Ticket | None = None
    answer: bytes = b""
    refusal: Refusal | None = None
    what: str = ""
    code: Code = Code.OFFLINE


@dataclass(frozen=True)
class PackageDelivery:
    """One try at one package; `pair` came with the acceptance of a session's end."""

    fate: Fate
    pair: Pair | None = None
    refusal: Refusal | None = None
    what: str = ""


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `connect` alone decides between "not sent" and "unknown" (§1.6)."""

    connect: float = 3.0
    document: float = 5.0
    """Shorter than the 15 s that others take: after it the server is *asked* for the document, which costs nothing, and
    the cashier knows within 7 s where they stand (cashier-flow.md VI-1), the question included."""
    package: float = 60.0
    command: float = 10.0


class ServerClock:
    """This machine's clock, corrected by the server's: documents are refused when their time is off (§5.3)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.offset = timedelta()
        self.known = False

    def now(self) -> datetime:
        return self._clock.now() + self.offset

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def measured(self, server: datetime) -> None:
        """The server's time, heard just now."""
        offset = server - self._clock.now()
        self.offset = timedelta() if abs(offset) < NEAR else offset
        self.known = True


class _NotSent(Exception):
    """The connection was never made."""


class _Lost(Exception):
    """The connection was made and no whole answer came back. `broken`: it was cut, nobody was waited for."""

    def __init__(self, what: str, *, broken: bool = False) -> None:
        super().__init__(what)
        self.broken = broken


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes


class FiscalServer:
    """One server as one registrar sees it. Not thread-safe. `sign` wraps commands and packages."""

    def __init__(
        self,
        base: str,
        log: WireLog,
        time: ServerClock,
        *,
        trust: Callable[[], tuple[Trust, Collection[str]]],
        sign: Callable[[bytes], bytes],
        timeouts: Timeouts | None = None,
        tls: bool | str = True,
    ) -> None:
        """`trust` gives the believed certificates and the codes that a ticket's signer must have (none: any)."""
        self._base = base.rstrip("/")
        self._log = log
        self.time = time
        self._trust = trust
        self._sign = sign
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._http: httpx.Client | None = None
        self.heard_at: float | None = None
        """Monotonic time of the server's last answer."""

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    # -- documents ------------------------------------------------------------------------------------------------

    def document(self, signed: bytes, uid: UUID, number: int) -> Delivery:
        """Hand over one signed document and judge the answer."""
        try:
            answer = self._post("/doc", signed, OCTETS, self._timeouts.document)
        except _NotSent as error:
            return Delivery(Fate.NOT_SENT, what=str(error))
        except _Lost as error:
            return Delivery(Fate.UNKNOWN, what=str(error), code=Code.TIMEOUT_UNKNOWN)
        if answer.status != 200:
            return _refused(answer)
        return self.judge(answer.body, uid, number)

    def judge(self, answer: bytes, uid: UUID, number: int) -> Delivery:
        """What a ticket's octets prove about this very document (§1.4)."""
        try:
            trust, codes = self._trust()
            ticket = read_ticket(verify(answer, trust, at=self.time.now(), codes=codes).content)
        except (SignatureFault, Invalid) as fault:
            refusal = _text_refusal(answer)
            if refusal is not None:
                return Delivery(Fate.REJECTED, answer=answer, refusal=refusal)
            what = f"the answer is no ticket that can be believed: {fault.what}"
            return Delivery(Fate.UNKNOWN, answer=answer, what=what, code=Code.FRAME)
        if not ticket.answers(uid, number):
            what = f"the ticket is about another document ({ticket.uid}, number {ticket.number})"
            return Delivery(Fate.UNKNOWN, answer=answer, what=what, code=Code.FRAME)
        if ticket.error:
            return Delivery(Fate.REJECTED, answer=answer, refusal=Refusal(ticket.error, ticket.error_text))
        if not ticket.accepts(uid, number):
            return Delivery(Fate.UNKNOWN, answer=answer, what="the ticket has no fiscal number", code=Code.FRAME)
        return Delivery(Fate.ACCEPTED, ticket, answer)

    def package(self, content: bytes) -> PackageDelivery:
        """Hand over one package of offline documents. Raises the faults of the key."""
        signed = self._sign(content)
        try:
            answer = self._post("/pck", signed, OCTETS, self._timeouts.package)
        except _NotSent as error:
            return PackageDelivery(Fate.NOT_SENT, what=str(error))
        except _Lost as error:
            return PackageDelivery(Fate.UNKNOWN, what=str(error))
        if answer.status != 200:
            judged = _refused(answer)
            return PackageDelivery(judged.fate, refusal=judged.refusal, what=judged.what)
        text = answer.body.decode("utf-8", "replace").strip().lstrip("\ufeff")
        if text.strip('"').upper() == "OK":
            return PackageDelivery(Fate.ACCEPTED)
        if refusal := _text_refusal(answer.body):
            return PackageDelivery(Fate.REJECTED, refusal=refusal)
        try:
            found = read_json(answer.body)
        except ValueError:
            return PackageDelivery(Fate.UNKNOWN, what=f"the answer to a package is nonsense: {text[:80]!r}")
        if number := whole(found.get("ErrorCode")):
            return PackageDelivery(Fate.REJECTED, refusal=Refusal(number, str(found.get("ErrorMessage") or "")))
        pair = read_pair(found)
        if pair is None:
            return PackageDelivery(Fate.UNKNOWN, what=f"the answer to a package is nonsense: {text[:80]!r}")
        return PackageDelivery(Fate.ACCEPTED, pair)

    # -- commands -------------------------------------------------------------------------------------------------

    def server_state(self) -> datetime | None:
        """Ping: the server's own time, aware, where it tells (§2.2). Raises `Unreachable` and `Refused`."""
        found = self._command("ServerState", signed=False) or {}
        moment = moment_of(found.get("Timestamp"))
        if moment is not None:
            self.time.measured(moment)
        return moment

    def schemas(self) -> dict[str, bytes]:
        """The server's XSDs by their field (§2.3)."""
        found = self._command("Schemas", signed=False) or {}
        return {name: decode64(value) for name, value in found.items() if name.startswith("XsdSchema")}

    def objects(self) -> list[Fields]:
        """Outlets and registrars of the key's owner (§2.4); empty when the key is not registered."""
        return rows(self._command("Objects"), "TaxObjects")

    def operators(self) -> list[Fields]:
        return rows(self._command("Operators"), "Operators")

    def state(self, register: int, pair: Pair | None = None, *, outlet: bool = False) -> Fields | None:
        """`TransactionsRegistrarState` (§2.6); None where the server has no data."""
        return self._command(
            "TransactionsRegistrarState",
            NumFiscal=register,
            OfflineSessionId=pair.session if pair else None,
            OfflineSeed=pair.seed if pair else None,
            **({"IncludeTaxObject": True} if outlet else {}),
        )

    def document_info(self, register: int, number: int) -> Fields | None:
        """What is registered under a local number (§2.13); None for nothing."""
        return self._command("DocumentInfoByLocalNum", NumFiscal=register, NumLocal=number)

    def shifts(self, register: int, since: datetime, until: datetime) -> list[Fields]:
        found = self._command("Shifts", NumFiscal=register, From=since.isoformat(), To=until.isoformat())
        return rows(found, "Shifts")

    def documents(self, register: int, *, shift: int | None = None, opened: str = "") -> list[Fields]:
        """Documents of a shift, named by its id or by the fiscal number of its opening (§2.11)."""
        key: dict[str, Any] = {"ShiftId": shift} if shift else {"OpenShiftFiscalNum": opened}
        return rows(self._command("Documents", NumFiscal=register, **key), "Documents")

    def last_shift_totals(self, register: int) -> Fields | None:
        """The server's draft of the Z-report (§2.12); sums are `Decimal`."""
        return self._command("LastShiftTotals", NumFiscal=register)

    def original(self, register: int, fiscal_number: str, *, z: bool = False) -> bytes | None:
        """The XML of a registered document as it was sent, by `CheckExt` or `ZRepExt` (§2.9); None for nothing."""
        found = self.stored(register, fiscal_number, 1, z=z)
        data = decode64((found or {}).get("Data"))
        if not data:
            return None
        if data[:1] == b"\x30":
            # Another kind than asked for: the sender's message, or the server's around it.
            return cms.parse(data).content
        return data

    def stored(
        self, register: int, fiscal_number: str, kind: int, *, z: bool = False, url: bool = False
    ) -> Fields | None:
        """`CheckExt` or `ZRepExt`: `kind` is the `Type` of §2.9, `url` asks for the cabinet's link."""
        return self._command(
            "ZRepExt" if z else "CheckExt",
            signed=z,
            RegistrarNumFiscal=register,
            NumFiscal=fiscal_number,
            Type=kind,
            **({"AcquireCabinetUrl": True} if url and not z else {}),
        )

    def copy(self, register: int, fiscal_number: str, *, z: bool = False, original: bool = False) -> bytes | None:
        """`Check` or `ZRep`: the document in a signed message, by default the server's (§2.7)."""
        fields = {"RegistrarNumFiscal": register, "NumFiscal": fiscal_number, "Original": original}
        answer = self._ask("ZRep" if z else "Check", z, fields)
        return answer.body if answer is not None else None

    def send_document(self, signed: bytes, uid: UUID, number: int) -> Delivery:
        """`SendDocument`: the same as `document` through the door of commands (§2.14)."""
        try:
            found = self._command("SendDocument", signed=False, Document=encode64(signed))
        except Refused as fault:
            number_ = int(fault.raw) if fault.raw.isdigit() else None
            return Delivery(Fate.REJECTED, refusal=Refusal(number_, fault.what))
        except Unreachable as fault:
            return Delivery(Fate.NOT_SENT, what=fault.what)
        except LinkLost as fault:
            return Delivery(Fate.UNKNOWN, what=fault.what, code=fault.code)
        return self.judge(decode64((found or {}).get("Ticket")), uid, number)

    def send_package(self, documents: Collection[bytes]) -> Pair | None:
        """`SendOflPackage`: the documents of a package in JSON; the next pair after a session's end (§2.14)."""
        found = self._command("SendOflPackage", Documents=[encode64(each) for each in documents])
        return read_pair(found or {})

    def register_device(self, register: int, device: str, *, forced: bool = False) -> str:
        """The device that the server knows as this registrar's (§2.14); ours, unless another took it before."""
        found = self._command("DeviceRegister", NumFiscal=register, DeviceId=device, Forced=forced)
        return str((found or {}).get("DeviceId") or "")

    def _command(self, command: str, *, signed: bool = True, **fields: Any) -> Fields | None:
        """The answer's fields, None for "no data".

        Raises `Refused` with the server's number, `Unreachable` when the command did not go out, `LinkLost` when its
        answer did not come; a question makes no document, so both say so. A question that was refused because this
        machine's clock jumped is asked once more: its `Timestamp` was old when it was made, and the refusal has told
        the server's time.
        """
        before = self.time.offset
        try:
            return self._answered(command, signed, fields)
        except Refused:
            if abs(self.time.offset - before) <= JUMP or command in SENDING:
                raise
        return self._answered(command, signed, fields)

    def _answered(self, command: str, signed: bool, fields: Fields) -> Fields | None:
        answer = self._ask(command, signed, fields)
        if answer is None:
            return None
        try:
            found = read_json(answer.body)
        except ValueError as error:
            refusal = _text_refusal(answer.body)
            if refusal is None:
                raise LinkLost(
                    Code.FRAME, f"the answer to {command} is no JSON", command=command, existence=Existence.NO
                ) from error
            found = {"ErrorCode": refusal.number, "ErrorMessage": refusal.text}
        number = whole(found.get("ErrorCode"))
        if number == NO_CONTENT:
            return None
        if number:
            raise Refusal(number, str(found.get("ErrorMessage") or "")).fault(command)
        return found

    def _ask(self, command: str, signed: bool, fields: Fields) -> _Answer | None:
        wait = self._timeouts.command
        body: dict[str, Any] = {"Command": command, "UID": str(uuid4()).upper(), **fields}
        if self.time.known:
            body["Timestamp"] = self.time.now().isoformat(timespec="seconds")
            body["Timeout"] = round(wait * 1000)
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        message, kind = (self._sign(content), OCTETS) if signed else (content, JSON)
        try:
            answer = self._question(message, kind, wait, again=command not in SENDING)
        except _NotSent as error:
            raise Unreachable(Code.OFFLINE, str(error), command=command) from error
        except _Lost as error:
            raise LinkLost(Code.OFFLINE, str(error), command=command, existence=Existence.NO) from error
        if answer.status == 204 or (answer.status == 200 and not answer.body):
            return None
        if answer.status != 200:
            judged = _refused(answer)
            if judged.refusal is None:
                raise LinkLost(judged.code, judged.what, command=command, existence=Existence.NO)
            if judged.refusal.number == NO_CONTENT:
                return None
            raise judged.refusal.fault(command)
        return answer

    def _question(self, message: bytes, kind: str, wait: float, *, again: bool) -> _Answer:
        """A question may be asked again at once when its connection was cut: mostly an old one that the server, or a
        box on the way, had forgotten. Documents never are."""
        try:
            return self._post(COMMANDS, message, kind, wait)
        except _Lost as error:
            if not (again and error.broken):
                raise
        return self._post(COMMANDS, message, kind, wait)

    # -- HTTP -----------------------------------------------------------------------------------------------------

    def _post(self, path: str, body: bytes, kind: str, wait: float) -> _Answer:
        """One exchange. `wait` bounds the whole answer, not each of its pieces. Raises `_NotSent` or `_Lost`."""
        import httpx

        url = self._base + path
        self._log.asked(url, kind, body, masked(body))
        deadline = self.time.monotonic() + wait + self._timeouts.connect
        try:
            timeout = httpx.Timeout(wait, connect=self._timeouts.connect, pool=self._timeouts.connect)
            headers = {"Content-Type": kind, "Accept-Encoding": "identity"}
            with self._client().stream("POST", url, content=body, headers=headers, timeout=timeout) as response:
                answer = bytearray()
                for piece in response.iter_bytes():
                    answer += piece
                    if len(answer) > MAX_ANSWER or self.time.monotonic() > deadline:
                        raise _Lost("the server's answer is too long or too slow")
                self._heard(response)
                status = response.status_code
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            self._log.unanswered(f"not sent: {type(error).__name__}")
            raise _NotSent(f"no connection to the fiscal server: {error or type(error).__name__}") from error
        except (httpx.LocalProtocolError, httpx.InvalidURL) as error:
            self._log.unanswered(f"not sent: {type(error).__name__}")
            raise _NotSent(f"the request could not be made: {error}") from error
        except _Lost:
            self._log.unanswered("lost: too long or too slow")
            raise
        except httpx.HTTPError as error:
            self._log.unanswered(f"lost: {type(error).__name__}")
            broken = not isinstance(error, httpx.TimeoutException)
            raise _Lost(f"the fiscal server did not answer: {error or type(error).__name__}", broken=broken) from error
        self._log.answered(status, masked(bytes(answer)))
        return _Answer(status, bytes(answer))

    def _heard(self, response: httpx.Response) -> None:
        if response.status_code < 500:
            self.heard_at = self.time.monotonic()
        try:
            moment = parsedate_to_datetime(response.headers.get("Date", ""))
        except (TypeError, ValueError):
            return
        if moment.tzinfo is not None and response.status_code < 500:
            self.time.measured(moment)

    def _client(self) -> httpx.Client:
        import httpx

        if self._http is None:
            verify_tls: Any = self._tls
            if isinstance(self._tls, str):
                import ssl

                verify_tls = ssl.create_default_context(cafile=self._tls)
            self._http = httpx.Client(
                verify=verify_tls,
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=45.0),
            )
        return self._http

    @contextmanager
    def patience(self, timeouts: Timeouts) -> Iterator[None]:
        """Other timeouts for a while."""
        usual, self._timeouts = self._timeouts, timeouts
        try:
            yield
        finally:
            self._timeouts = usual


def masked(data: bytes) -> bytes:
    """The octets with the seeds of offline sessions starred out, of the same length (§2.6: keep it secret)."""
    return _SECRET.sub(lambda found: found[1] + b"*" * len(found[2]), data)


def _text_refusal(body: bytes) -> Refusal | None:
    """A refusal that came where a ticket or JSON was expected."""
    if len(body) > 20_000 or b"\x00" in body:
        return None
    refusal = read_text(body.decode("utf-8", "replace").lstrip("\ufeff"), 200)
    return refusal if refusal.number is not None else None


def _refused(answer: _Answer) -> Delivery:
    """An HTTP answer other than 200 (§1.5, §1.6)."""
    refusal = read_text(answer.body.decode("utf-8", "replace").lstrip("\ufeff"), answer.status)
    # A 4xx is the server's own "no". A 408 says that it waited, a 5xx without a number and a redirect say nothing.
    if refusal.number is not None or (400 <= answer.status < 500 and answer.status != 408):
        return Delivery(Fate.REJECTED, answer=answer.body, refusal=refusal)
    what = f"the fiscal server answered HTTP {answer.status}: {refusal.text[:80]}".rstrip(": ")
    return Delivery(Fate.UNKNOWN, answer=answer.body, what=what, code=Code.OFFLINE)
