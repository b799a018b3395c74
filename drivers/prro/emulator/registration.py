"""What makes a document registered, and what refuses it (fiscal-server.md §3, §5, §6).

The order of the questions: signature, structure, registrar, taxpayer, operator, registered names, shift, number, time,
then everything about the content. The shift comes before the number, because a repeated «open shift» answers 4 and a
repeated Z report 8 (§1.6); the number comes before the content, because a stale resend answers 7.

Choices where the page is silent:
- A refusal leaves everything as it was; each document of a package is a transaction of its own.
- An operator other than the opener is refused with 2; a senior cashier and the head may make Z and close.
- After Z only 101 (and 102, 103) is taken.
- Times may repeat, as in the official package; they never go back.
- While an offline session has begun and not ended, online documents are refused.
- Offline documents past 36 h of their session or 168 h of their month are refused, 103 is not.
- A certificate withdrawn later does not spoil an offline document: it is judged at the document's own time.
- A return may not give back more than the receipt had; the receipt must be here unless another registrar is named.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from drivers.clock import KYIV
from drivers.prro.emulator import documents, offline, refusals, schema, verifier
from drivers.prro.emulator.access import Access
from drivers.prro.emulator.content import Content
from drivers.prro.emulator.demo import Demo
from drivers.prro.emulator.documents import (
    CLOSE_SHIFT,
    OFFLINE_BEGIN,
    OFFLINE_END,
    OPEN_SHIFT,
    RETURN,
    STORNO,
    Document,
)
from drivers.prro.emulator.refusals import Refused
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Entry, Operator, Registrar, Session, Shift, Store
from drivers.prro.emulator.verifier import Envelope


class Registration:
    """Registers documents in a store. Called inside a transaction."""

    def __init__(self, store: Store, demo: Demo, settings: Settings, now: Callable[[], datetime]) -> None:
        self._store = store
        self.access = Access(store, demo, now)
        self.content = Content(store, settings)
        self._settings = settings
        self._now = now
        self._official = schema.official(settings.xsd_folder)

    # -- documents ------------------------------------------------------------------------------------------------

    def online(self, message: bytes) -> Entry:
        """Register a document of /doc. Raises verifier.Unsigned, Refused."""
        envelope = self.access.envelope(message, self._now())
        if self._settings.stamp == "required" and not envelope.stamped:
            raise Refused(refusals.CRYPTOGRAPHY, "Підпис не містить позначки часу (signature-time-stamp)")
        document = self._read(envelope, message)
        registrar, operator = self._address(document, envelope, self._now())
        if document.offline or document.tax_number or document.previous is not None:
            raise Refused(
                refusals.DOCUMENT_INVALID, "OFFLINE, ORDERTAXNUM та PREVDOCHASH зазначаються лише в офлайн-документах"
            )
        if document.doctype in (OFFLINE_BEGIN, OFFLINE_END):
            raise Refused(refusals.DOCUMENT_INVALID, f"Документ {document.kind} подається лише в офлайн-пакеті")
        shift = self._check_shift(document, registrar, operator)
        self._check_number(document, registrar)
        if registrar.session is not None and registrar.session.running:
            raise Refused(refusals.DOCUMENT_INVALID, "Офлайн-сесію не завершено: очікується документ OfflineEnd")
        self._check_time(document, registrar)
        self.content.check(document, registrar, shift)
        facts = self.access.facts()
        fiscal = str(facts.next_fiscal)
        facts.next_fiscal += 1
        self._store.put_facts(facts)
        return self._commit(document, registrar, shift, operator, fiscal)

    def check_sender(self, operator: Operator, messages: Iterable[bytes]) -> None:
        """Who may send a package: the opener of the shift, a senior cashier, the head (§1.3). Raises Refused 2."""
        first = next(iter(messages), b"")
        try:
            root = schema.parse(verifier.content(first))
            fn = int(documents.text(root[0], "CASHREGISTERNUM"))
        except (schema.Invalid, verifier.Unsigned, ValueError, IndexError):
            return  # the document itself will be refused, with its place in the package
        registrar = self._store.registrar(fn)
        shift = self._store.shift(registrar.shift) if registrar is not None else None
        if shift is not None and shift.open_key != operator.key and not operator.chief:
            raise Refused(refusals.ACCESS_DENIED, "Пакет надсилає особа, що відкрила зміну, старший касир або керівник")

    def from_package(self, message: bytes, fn: int | None) -> Entry:
        """Register one document of a package for the registrar `fn` (any when None). Raises Refused."""
        try:
            envelope = self.access.envelope(message)
        except verifier.Unsigned as error:
            raise Refused(refusals.CRYPTOGRAPHY, str(error)) from error
        document = self._read(envelope, message)
        at = document.at.replace(tzinfo=KYIV)
        self.access.check_certificate(envelope, at)
        registrar, operator = self._address(document, envelope, at)
        if fn is not None and document.fn != fn:
            raise Refused(refusals.PACKAGE_INVALID, "Документи пакета належать різним ПРРО")
        shift = self._check_shift(document, registrar, operator)
        self._check_number(document, registrar)
        session = self._check_session(document, registrar)
        self._check_time(document, registrar)
        self.content.check(document, registrar, shift)
        return self._commit(document, registrar, shift, operator, document.tax_number, session)

    def _read(self, envelope: Envelope, message: bytes) -> Document:
        try:
            return documents.read(envelope.content, message, self._official)
        except schema.Invalid as error:
            raise Refused(refusals.DOCUMENT_INVALID, str(error)) from error

    def _address(self, document: Document, envelope: Envelope, at: datetime) -> tuple[Registrar, Operator]:
        """Whose document it is: codes 1, 3, 2, then the registered names."""
        registrar = self._store.registrar(document.fn)
        if registrar is None or (registrar.closed and (not registrar.shift or document.doctype == OPEN_SHIFT)):
            raise Refused(refusals.REGISTRAR_ABSENT, f"ПРРО {document.fn} не зареєстровано")
        facts = self.access.facts()
        if document.tin != facts.tin:
            raise Refused(refusals.INVALID_TIN, f"Код платника {document.tin} не є кодом власника ПРРО {document.fn}")
        operator = self.access.owner(envelope, at)
        expected = {
            "IPN": facts.ipn,
            "ORGNM": facts.organization,
            "POINTNM": facts.point,
            "CASHDESKNUM": str(registrar.local),
        }
        if document.head("POINTADDR"):  # XSD lets it be absent; when it is there it must be the registered one
            expected["POINTADDR"] = facts.address
        for name, value in expected.items():
            given = document.head(name)
            if (str(document.desk) if name == "CASHDESKNUM" else given) != value:
                raise Refused(
                    refusals.DOCUMENT_INVALID,
                    f"{name} «{given}» не відповідає значенню «{value}» з реєстраційних даних",
                )
        return registrar, operator

    def _check_shift(self, document: Document, registrar: Registrar, operator: Operator) -> Shift | None:
        shift = self._store.shift(registrar.shift) if registrar.shift else None
        if document.doctype == OPEN_SHIFT:
            if shift is not None:
                raise Refused(
                    refusals.SHIFT_OPENED,
                    f"Зміну для ПРРО {registrar.fn} наразі відкрито особою {shift.open_name}, "
                    f"ідентифікатор ключа суб'єкта {shift.open_key}",
                )
            return None
        if document.doctype in (OFFLINE_BEGIN, OFFLINE_END):
            if shift is not None and operator.key != shift.open_key and not operator.chief:
                raise Refused(refusals.ACCESS_DENIED, f"Зміну відкрито особою {shift.open_name}")
            return shift
        if shift is None:
            raise Refused(refusals.SHIFT_NOT_OPENED, f"Зміну для ПРРО {registrar.fn} не відкрито")
        finishing = document.zrep or document.doctype == CLOSE_SHIFT
        if operator.key != shift.open_key and not (finishing and operator.chief and not document.offline):
            raise Refused(
                refusals.ACCESS_DENIED,
                f"Зміну відкрито особою {shift.open_name}, ідентифікатор ключа суб'єкта {shift.open_key}",
            )
        if document.zrep and shift.z_fiscal:
            raise Refused(refusals.Z_REGISTERED, f"Z-звіт зміни вже зареєстровано: {shift.z_fiscal}")
        if document.doctype == CLOSE_SHIFT and not shift.z_fiscal:
            raise Refused(refusals.Z_MUST_BE_LAST, "Останнім документом перед закриттям зміни повинен бути Z-звіт")
        return shift

    def _check_number(self, document: Document, registrar: Registrar) -> None:
        if document.local != registrar.next_local:
            raise Refused(
                refusals.NUMBER_INVALID,
                f"Локальний номер {document.local} некоректний. "
                f"Номер документа повинен дорівнювати {registrar.next_local}",
            )

    def _check_time(self, document: Document, registrar: Registrar) -> None:
        now = self._now().astimezone(KYIV).replace(tzinfo=None, microsecond=0)
        tolerance = timedelta(seconds=int(self._settings.tolerance))
        if registrar.last_at and document.at < datetime.fromisoformat(registrar.last_at):
            raise Refused(
                refusals.DOCUMENT_INVALID,
                f"Час документа {document.at:%d.%m.%Y %H:%M:%S} не може бути меншим часу попереднього документа",
            )
        late = document.at < now - tolerance and not document.offline
        if late or document.at > now + tolerance:
            raise Refused(
                refusals.DOCUMENT_INVALID,
                f"Час документа {document.at:%d.%m.%Y %H:%M:%S} не відповідає поточному часу фіскального сервера "
                f"{now:%d.%m.%Y %H:%M:%S}",
            )

    def _check_session(self, document: Document, registrar: Registrar) -> Session:
        """Offline rules; returns the session as it will be after the document."""
        session = registrar.session
        if not document.offline:
            raise Refused(refusals.DOCUMENT_INVALID, "Офлайн-документ повинен мати OFFLINE=true")
        if session is None or not registrar.offline_supported:
            raise Refused(refusals.DOCUMENT_INVALID, "Офлайн-режим для ПРРО не дозволено")
        given = offline.number(document.tax_number)
        if given is None:
            raise Refused(refusals.DOCUMENT_INVALID, f"Фіскальний номер офлайн «{document.tax_number}» некоректний")
        if given[0] != session.id:
            raise Refused(refusals.DOCUMENT_INVALID, f"Офлайн-сесія {given[0]} не є поточною")
        if given[1] != session.next:
            raise Refused(
                refusals.DOCUMENT_INVALID, f"Номер документа в офлайн-сесії повинен дорівнювати {session.next}"
            )
        if (document.doctype == OFFLINE_BEGIN) != (session.next == 1):
            raise Refused(refusals.DOCUMENT_INVALID, "Офлайн-сесія починається документом OfflineBegin, лише одним")
        fault = offline.chain_fault(document, session.next, session.hashes, lenient=self._settings.chain == "lenient")
        if fault:
            raise Refused(refusals.DOCUMENT_INVALID, fault)
        if given[2] != offline.control(session.seed, document):
            raise Refused(refusals.DOCUMENT_INVALID, f"Контрольне число {given[2]} некоректне")
        begun = document.at if session.next == 1 else datetime.fromisoformat(session.begun)
        if document.doctype != OFFLINE_END:
            self._check_limits(registrar, begun, document.at)
        hashes = [offline.digest(document.cms)]
        if self._settings.chain == "lenient":
            hashes.append(offline.digest(document.xml))
        return Session(
            id=session.id,
            seed=session.seed,
            next=session.next + 1,
            begun=begun.isoformat(),
            last=document.at.isoformat() if document.financial else session.last,
            hashes=tuple(hashes),
        )

    def _check_limits(self, registrar: Registrar, begun: datetime, at: datetime) -> None:
        if at - begun > offline.SESSION_LIMIT:
            raise Refused(refusals.DOCUMENT_INVALID, "Перевищено тривалість офлайн-сесії: 36 годин")
        spent = offline.months(begun, at) or {f"{at:%Y-%m}": 0}
        for month, seconds in spent.items():
            used = registrar.offline_seconds.get(month, 0)
            if used + seconds > offline.MONTH_LIMIT.total_seconds() or (not seconds and self._exhausted(used)):
                raise Refused(refusals.DOCUMENT_INVALID, f"Вичерпано 168 годин офлайн за місяць {month}")

    @staticmethod
    def _exhausted(used: int) -> bool:
        return used >= offline.MONTH_LIMIT.total_seconds()

    # -- effects --------------------------------------------------------------------------------------------------

    def _commit(
        self,
        document: Document,
        registrar: Registrar,
        shift: Shift | None,
        operator: Operator,
        fiscal: str,
        session: Session | None = None,
    ) -> Entry:
        """Everything a registered document changes. `session` is the offline session after it."""
        before = self._store.registrar(registrar.fn)
        assert before is not None
        shift_before = self._store.shift(registrar.shift) if registrar.shift else None
        refers = self._effects(document, registrar)
        if document.doctype == OPEN_SHIFT:
            shift = self._open(document, registrar, operator, fiscal)
        elif shift is not None and document.zrep:
            shift.z_fiscal = fiscal
        elif shift is not None and document.doctype == CLOSE_SHIFT:
            shift.closed, shift.close_fiscal = document.at.isoformat(), fiscal
            shift.close_name, shift.close_key = operator.name, operator.key
            registrar.shift = 0
        if shift is not None:
            self._store.put_shift(shift)
        registrar.next_local += 1
        registrar.last_at = document.at.isoformat()
        if session is not None:
            registrar.session = session
        if document.doctype == OFFLINE_END and session is not None:
            self._end_session(registrar, session)
        self._store.put_registrar(registrar)
        entry = Entry(
            fn=registrar.fn,
            local=document.local,
            fiscal=fiscal,
            shift=shift.id if shift is not None else 0,
            uid=document.uid,
            doctype=document.doctype,
            subtype=document.subtype,
            at=document.at.isoformat(),
            total=document.paid if not document.zrep else 0,
            key=operator.key,
            testing=document.testing,
            offline=document.offline,
            refers=refers,
            registrar_before=before,
            shift_before=shift_before,
        )
        self._store.add(entry, document.cash, document.xml, document.cms)
        return entry

    def _effects(self, document: Document, registrar: Registrar) -> str:
        """Marks on other documents; returns what the document refers to."""
        if (document.doctype, document.subtype) == (0, STORNO):
            cancelled = self.content.stornable(document, registrar)
            cancelled.storned = True
            self._store.update(cancelled)
            return f"{cancelled.fn}/{cancelled.fiscal}"
        if document.doctype == OFFLINE_BEGIN and documents.flag(document.root[0], "REVOKELASTONLINEDOC"):
            revoked = self.content.revocable(registrar)
            revoked.revoked = True
            self._store.update(revoked)
            if revoked.subtype == STORNO:
                self._mark(revoked.refers, storned=False)
            return f"{revoked.fn}/{revoked.fiscal}"
        if (document.doctype, document.subtype) == (0, RETURN):
            fn = document.head("ORDERRETCASHREGNUM").strip() or str(document.fn)
            return f"{int(fn)}/{document.head('ORDERRETNUM')}"
        return ""

    def _mark(self, refers: str, **marks: bool) -> Entry | None:
        """Change marks of the document that another one refers to."""
        fn, _, fiscal = refers.partition("/")
        entry = self._store.entry(int(fn), fiscal=fiscal) if fn else None
        if entry is not None:
            for name, value in marks.items():
                setattr(entry, name, value)
            self._store.update(entry)
        return entry

    def _open(self, document: Document, registrar: Registrar, operator: Operator, fiscal: str) -> Shift:
        facts = self.access.facts()
        registrar.shift = facts.next_shift
        facts.next_shift += 1
        self._store.put_facts(facts)
        if registrar.session is None and registrar.offline_supported:
            registrar.session = self.new_session()
        return Shift(
            id=registrar.shift,
            fn=registrar.fn,
            opened=document.at.isoformat(),
            open_name=operator.name,
            open_key=operator.key,
            open_fiscal=fiscal,
            first_local=document.local,
            testing=document.testing,
        )

    def new_session(self) -> Session:
        """The next pair of offline session and secret number."""
        facts = self.access.facts()
        session = Session(id=str(facts.next_session), seed=str(10**14 + secrets.randbelow(9 * 10**14)))
        facts.next_session += 1
        self._store.put_facts(facts)
        return session

    def _end_session(self, registrar: Registrar, session: Session) -> None:
        begun = datetime.fromisoformat(session.begun)
        ended = datetime.fromisoformat(session.last) if session.last else begun
        for month, seconds in offline.months(begun, ended).items():
            registrar.offline_seconds[month] = registrar.offline_seconds.get(month, 0) + seconds
        registrar.session = self.new_session()
        registrar.replaced = None
        registrar.rolled_back, registrar.rollback_uid = False, None

    def undo(self, fn: int) -> Entry | None:
        """Forget the last document of a registrar as if it had never come; the server is then behind its clients."""
        entry = self._store.last(fn)
        if entry is None:
            return None
        self._store.remove(entry)
        if entry.doctype == OPEN_SHIFT:
            self._store.drop_shift(entry.shift)
        elif entry.shift_before is not None:
            self._store.put_shift(entry.shift_before)
        self._store.put_registrar(entry.registrar_before)
        if entry.subtype == STORNO:
            self._mark(entry.refers, storned=False)
        elif entry.doctype == OFFLINE_BEGIN and entry.refers:
            again = self._mark(entry.refers, revoked=False)
            if again is not None and again.subtype == STORNO:
                self._mark(again.refers, storned=True)
        return entry
