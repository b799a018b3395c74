"""The fiscal server without its sockets: a request in, an answer out (fiscal-server.md §1, §2)."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from drivers.clock import KYIV
from drivers.emulation.memory import Tape
from drivers.prro.emulator import (
    commands,
    documents,
    offline,
    refusals,
    responders,
    signed,
    tickets,
    verifier,
    view,
)
from drivers.prro.emulator.demo import Demo
from drivers.prro.emulator.query import Query, document_of, package_of
from drivers.prro.emulator.refusals import Gross, Nothing, Refused
from drivers.prro.emulator.registration import Registration
from drivers.prro.emulator.requests import JSON, OCTETS, TEXT, Answer, Request, open_body
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Entry, Facts, Operator, Registrar, Store
from drivers.prro.signing import der, timestamp
from drivers.prro.signing.algorithms import Digest

log = logging.getLogger(__name__)


class FiscalServer:
    """Registers, answers, remembers. Called from one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        state: Path | None,
        demo: Callable[[datetime], Demo],
        tape: Tape,
        wall: Callable[[], datetime],
    ) -> None:
        """`demo` makes or restores the people at the aware time of the server. Raises ValueError for a foreign file."""
        self.settings = settings
        self.tape = tape
        self._state = state
        self._wall = wall
        self._offset = 0.0
        self.store = Store(state)
        facts = self.store.facts()
        if facts is None:
            if settings.clock:
                start = datetime.fromisoformat(settings.clock)
                start = start if start.tzinfo is not None else start.replace(tzinfo=KYIV)
                self._offset = (start - wall()).total_seconds()
        else:
            self._offset = facts.offset
        self.demo = demo(self.now())
        if facts is None:
            self._found()
        self._start()

    def _found(self) -> None:
        settings = self.settings
        facts = Facts(
            tin=settings.tin,
            ipn=settings.ipn,
            organization=settings.org,
            point=settings.point,
            address=settings.address,
            offset=self._offset,
            operators=self.demo.operators(),
        )
        with self.store.transaction():
            self.store.put_facts(facts)
            for index in range(int(settings.registrars)):
                registrar = Registrar(
                    fn=int(settings.fn) + index,
                    local=int(settings.desk) + index,
                    name=f"Каса {index + 1}",
                    offline_supported=settings.offline == "1",
                )
                self.store.put_registrar(registrar)

    def _start(self) -> None:
        self.rules = Registration(self.store, self.demo, self.settings, self.now)
        self.commands = commands.Commands(self.store, self.rules, self.settings, self.sign, self.now)
        self._package_fault: tuple[int, Refused] | None = None

    def close(self) -> None:
        self.store.close()

    def reload(self) -> None:
        """Come back from the disk as after a power cut; a memory without a file stays."""
        if self._state is not None:
            self.store.close()
            self.store = Store(self._state)
        self._start()

    def now(self) -> datetime:
        """The server's own time, aware UTC."""
        return (self._wall() + timedelta(seconds=self._offset)).astimezone(UTC)

    def kyiv(self) -> datetime:
        """The same as Kyiv wall time, whole seconds."""
        return self.now().astimezone(KYIV).replace(tzinfo=None, microsecond=0)

    def sign(self, content: bytes, stamped: bool = False) -> bytes:
        """A CMS of the server, in the manner that the options want."""
        return signed.message(
            content, self.demo.server, self.now(), self.settings.manner, self._stamp if stamped else None
        )

    def _stamp(self, octets: bytes, digest: Digest) -> bytes:
        query = timestamp.request(octets, digest, 1)
        answer = responders.stamp(query, self.demo.services["stamping"], self.now())
        items = der.parse(answer).items(der.SEQUENCE)
        items.take()
        return items.take().raw

    # -- requests -------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Answer:
        """Answer a request. Everything it changes is on the disk when this returns."""
        try:
            if request.path.endswith("/tsp"):
                answer = responders.stamp(request.body, self.demo.services["stamping"], self.now())
                return Answer(200, responders.TSP_ANSWER, answer)
            if request.path.endswith("/ocsp"):
                answer = responders.standing(
                    request.body, self.demo.authority, self.demo.services["standing"], self.now()
                )
                return Answer(200, responders.OCSP_ANSWER, answer)
            body = open_body(request)
            if request.path == "/fs/cmd":
                return self._command(request, body)
            return self._document(body) if request.path == "/fs/doc" else self._package(body)
        except Gross as error:
            return Answer(error.status, TEXT, error.text.encode())
        except verifier.Unsigned as error:
            return Answer(400, TEXT, str(error).encode())
        except Refused as refusal:
            return Answer(refusal.status, TEXT, refusal.body)
        except Nothing:
            return Answer(204, TEXT, b"")
        except Exception:
            log.exception("the request failed")
            return Answer(500, TEXT, "Внутрішня помилка фіскального сервера".encode())

    def _document(self, message: bytes) -> Answer:
        try:
            return Answer(200, OCTETS, self.ticket(message))
        except Refused as refusal:
            if self.settings.refusals == "ticket" and (ticket := self._refusal_ticket(message, refusal)) is not None:
                return Answer(200, OCTETS, ticket)
            raise

    def ticket(self, message: bytes) -> bytes:
        """Register a document; the signed ticket. Raises Refused, verifier.Unsigned."""
        with self.store.transaction():
            entry = self.rules.online(message)
            registrar = self.store.registrar(entry.fn)
        self.print(entry)
        opened = entry.doctype == documents.OPEN_SHIFT and registrar is not None
        return self.sign(tickets.accepted(entry, registrar.session if opened and registrar is not None else None))

    def _refusal_ticket(self, message: bytes, refusal: Refused) -> bytes | None:
        try:
            content = verifier.content(message)
        except verifier.Unsigned:
            return None
        fields = {}
        for name in ("UID", "ORDERNUM"):
            found = re.search(rb"<%s>([^<]+)</" % name.encode(), content)
            if found is None:
                return None
            fields[name] = found[1].decode("cp1251", "replace").strip()
        if not fields["ORDERNUM"].isdigit() or not int(fields["ORDERNUM"]):
            return None
        return self.sign(tickets.refused(fields["UID"], self.kyiv(), fields["ORDERNUM"], refusal))

    def _package(self, message: bytes) -> Answer:
        envelope = self.rules.access.envelope(message, self.now())
        sender = self.rules.access.owner(envelope, self.now())
        try:
            parts = offline.unpack(envelope.content)
        except ValueError as error:
            raise Refused(refusals.PACKAGE_INVALID, f"Пакет пошкоджено: {error}") from error
        pair = self._deliver(sender, parts)
        if pair is None:
            return Answer(200, TEXT, b"OK")
        return Answer(200, JSON, self._json(pair))

    def _deliver(self, sender: Operator, parts: list[tuple[int, bytes]]) -> dict[str, str] | None:
        """Register the documents of a package one by one; those before a refused one stay (§6.6, §10.15).

        The next pair when document 103 was among them.
        """
        if len(parts) > offline.MAX_DOCUMENTS:
            raise Refused(refusals.PACKAGE_INVALID, f"Пакет містить більше ніж {offline.MAX_DOCUMENTS} документів")
        self.rules.check_sender(sender, [octets for _, octets in parts])
        fault, self._package_fault = self._package_fault, None
        ended: Entry | None = None
        fn: int | None = None
        for position, (offset, octets) in enumerate(parts):
            try:
                if fault is not None and position == fault[0]:
                    raise fault[1]
                with self.store.transaction():
                    entry = self.rules.from_package(octets, fn)
            except Refused as refusal:
                raise refusals.located(position, offset, refusal) from refusal
            fn = entry.fn
            self.print(entry)
            if entry.doctype == documents.OFFLINE_END:
                ended = entry
        registrar = self.store.registrar(ended.fn) if ended is not None else None
        if registrar is None:
            return None
        session = registrar.session
        return {
            "OfflineSessionId": session.id if session is not None else "",
            "OfflineSeed": session.seed if session is not None else "",
        }

    def refuse_package(self, position: int, refusal: Refused) -> None:
        """Refuse the document at `position` of the next package, whatever it is."""
        self._package_fault = (position, refusal)

    # -- commands -------------------------------------------------------------------------------------------------

    def _command(self, request: Request, body: bytes) -> Answer:
        head: dict[str, Any] = {}
        try:
            query = self._query(request, body)
            head = query.body if isinstance(query.body, dict) else {}
            answer = self._run(query)
        except Refused as refusal:
            if not request.as_json:
                raise
            return self._failure(head, refusal.code, refusal.text)
        except verifier.Unsigned as error:
            if not request.as_json:
                raise
            return self._failure(head, refusals.CRYPTOGRAPHY, str(error))
        except Nothing:
            if not request.as_json:
                raise
            return self._failure(head, refusals.NO_CONTENT, "Дані відсутні")
        if isinstance(answer, bytes):
            return Answer(200, OCTETS, answer)
        return Answer(200, JSON, self._json(answer))

    def _query(self, request: Request, body: bytes) -> Query:
        signer = None
        if request.content_type == OCTETS:
            signer = self.rules.access.envelope(body, self.now())
            body = signer.content
        try:
            plain = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise Refused(refusals.QUERY_INVALID, "Тіло команди не є JSON у кодуванні UTF-8") from error
        if not isinstance(plain, dict):
            raise Refused(refusals.QUERY_INVALID, "Тіло команди повинне бути об'єктом JSON")
        return Query(plain, signer)

    def _run(self, query: Query) -> commands.Answer:
        name = query.text("Command")
        if name == "SendDocument":
            self.commands.check(query)
            ticket = self.ticket(document_of(query))
            return self.commands.dress(query, {"Ticket": base64.b64encode(ticket).decode()})
        if name == "SendOflPackage":
            self.commands.check(query)
            assert query.signer is not None
            sender = self.rules.access.owner(query.signer, self.now())
            parts, at = [], 4
            for octets in package_of(query):
                parts.append((at, octets))
                at += len(octets) + 4
            return self.commands.dress(query, dict(self._deliver(sender, parts) or {}))
        with self.store.transaction():
            return self.commands.run(query)

    def _failure(self, head: dict[str, Any], code: int, text: str) -> Answer:
        body = {
            "UID": head.get("UID"),
            "Timestamp": self.now().astimezone(KYIV).isoformat(timespec="seconds"),
            "ErrorCode": code,
            "ErrorMessage": text,
        }
        return Answer(200, JSON, self._json(body))

    def _json(self, answer: Any) -> bytes:
        return msgspec.json.encode(_strings(answer) if self.settings.numbers == "strings" else answer)

    # -- the world ------------------------------------------------------------------------------------------------

    def print(self, entry: Entry) -> None:
        """Put a registered document on the tape."""
        self.tape.print(view.tape(self.rules.content.document(entry), entry))

    def registrar(self, fn: int | None = None) -> Registrar:
        """A registrar, the first when not named. Raises LookupError."""
        registrar = self.store.registrar(fn or int(self.settings.fn)) or next(iter(self.store.registrars()), None)
        if registrar is None:
            raise LookupError("the memory has no registrar")
        return registrar

    def advance_clock(self, seconds: float) -> None:
        with self.store.transaction():
            facts = self.rules.access.facts()
            facts.offset = self._offset + seconds
            self.store.put_facts(facts)
        self._offset += seconds


def _strings(value: Any) -> Any:
    """Numbers as strings, all the way down."""
    if isinstance(value, dict):
        return {name: _strings(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_strings(each) for each in value]
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
