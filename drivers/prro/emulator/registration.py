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
from zoneinfo import ZoneInfo

from drivers.prro.emulator import documents, offline, refusals, schema, sums, totals, verifier
from drivers.prro.emulator.demo import Demo
from drivers.prro.emulator.documents import (
    CLOSE_SHIFT,
    OFFLINE_BEGIN,
    OFFLINE_END,
    OPEN_SHIFT,
    RETURN,
    STORNO,
    Document,
    hryvnias,
)
from drivers.prro.emulator.refusals import Refused
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Entry, Facts, Operator, Registrar, Session, Shift, Store
from drivers.prro.emulator.verifier import Envelope

KYIV = ZoneInfo("Europe/Kyiv")
_SERVER_SIDE = ("REVOKED", "STORNED")
_FINANCIAL = range(5)


class Registration:
    """Registers documents in a store. Called inside a transaction."""

    def __init__(self, store: Store, demo: Demo, settings: Settings, now: Callable[[], datetime]) -> None:
        self._store = store
        self._demo = demo
        self._settings = settings
        self._now = now
        self._official = schema.official(settings.xsd_folder)
        self._trusted: set[bytes] = set()
        self._parsed: dict[tuple[int, int], Document] = {}
        self.unchecked = 0
        """How many more certificates cannot be checked, as when the authority's OCSP is silent."""

    # -- who ------------------------------------------------------------------------------------------------------

    def envelope(self, message: bytes, at: datetime | None = None) -> Envelope:
        """A proved message, its certificate judged at the aware time `at` (now). Raises verifier.Unsigned, Refused."""
        try:
            envelope = verifier.check(message)
        except verifier.Forged as error:
            raise Refused(refusals.CRYPTOGRAPHY, str(error)) from error
        if at is not None:
            self._check_certificate(envelope, at)
        return envelope

    def _check_certificate(self, envelope: Envelope, at: datetime) -> None:
        certificate = envelope.certificate
        if self.unchecked:
            self.unchecked -= 1
            raise Refused(
                refusals.CRYPTOGRAPHY, "Неможливо перевірити статус сертифіката: OCSP-сервер видавця недоступний"
            )
        if certificate.raw not in self._trusted:
            if not certificate.signed_by(self._demo.authority.certificate):
                raise Refused(refusals.CRYPTOGRAPHY, "Сертифікат видано невідомим надавачем довірчих послуг")
            self._trusted.add(certificate.raw)
        if not certificate.not_before <= at <= certificate.expires:
            raise Refused(refusals.CRYPTOGRAPHY, "Строк дії сертифіката не настав або закінчився")
        revoked = self._demo.authority.revoked.get(certificate.serial)
        if revoked is not None and revoked <= at:
            raise Refused(refusals.CRYPTOGRAPHY, "Сертифікат скасовано")

    def facts(self) -> Facts:
        facts = self._store.facts()
        if facts is None:
            raise LookupError("the memory has no taxpayer")
        return facts

    def operator(self, envelope: Envelope, at: datetime) -> Operator | None:
        """The registered operator with this key at the aware time `at`."""
        for operator in self.facts().operators:
            if operator.key == envelope.key_id:
                ended = operator.withdrawn and datetime.fromisoformat(operator.withdrawn) <= at
                return None if ended else operator
        return None

    def owner(self, envelope: Envelope, at: datetime) -> Operator:
        """The operator who signs a command or a package. Raises Refused 3 or 2."""
        if self.facts().tin not in (envelope.certificate.drfo, envelope.certificate.edrpou):
            raise Refused(refusals.INVALID_TIN, "Код платника в сертифікаті не відповідає власнику ПРРО")
        operator = self.operator(envelope, at)
        if operator is None:
            raise Refused(refusals.ACCESS_DENIED, "Оператора з таким ключем не зареєстровано (форма 5-ПРРО)")
        return operator

    # -- documents ------------------------------------------------------------------------------------------------

    def online(self, message: bytes) -> Entry:
        """Register a document of /doc. Raises verifier.Unsigned, Refused."""
        envelope = self.envelope(message, self._now())
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
        self._check_content(document, registrar, shift)
        facts = self.facts()
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
            envelope = self.envelope(message)
        except verifier.Unsigned as error:
            raise Refused(refusals.CRYPTOGRAPHY, str(error)) from error
        document = self._read(envelope, message)
        at = document.at.replace(tzinfo=KYIV)
        self._check_certificate(envelope, at)
        registrar, operator = self._address(document, envelope, at)
        if fn is not None and document.fn != fn:
            raise Refused(refusals.PACKAGE_INVALID, "Документи пакета належать різним ПРРО")
        shift = self._check_shift(document, registrar, operator)
        self._check_number(document, registrar)
        session = self._check_session(document, registrar)
        self._check_time(document, registrar)
        self._check_content(document, registrar, shift)
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
        facts = self.facts()
        if document.tin != facts.tin:
            raise Refused(refusals.INVALID_TIN, f"Код платника {document.tin} не є кодом власника ПРРО {document.fn}")
        operator = self.owner(envelope, at)
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

    # -- content --------------------------------------------------------------------------------------------------

    def _check_content(self, document: Document, registrar: Registrar, shift: Shift | None) -> None:
        self._check_flags(document, shift)
        if document.zrep:
            if self._settings.z_check == "1" and shift is not None:
                fault = totals.differences(document, self.totals(registrar.fn, shift.id))
                if fault:
                    raise Refused(refusals.DOCUMENT_INVALID, f"Z-звіт не відповідає документам зміни: {fault}")
            return
        self._check_subtype(document)
        if shift is not None and shift.z_fiscal and document.doctype < OPEN_SHIFT:
            raise Refused(refusals.DOCUMENT_INVALID, "Після Z-звіту зміну може бути лише закрито")
        try:
            sums.check(document, strict=self._settings.strict == "1")
        except sums.Wrong as error:
            raise Refused(refusals.DOCUMENT_INVALID, str(error)) from error
        cash = document.cash
        if (document.doctype, document.subtype) == (0, RETURN):
            self._check_return(document)
        if (document.doctype, document.subtype) == (0, STORNO):
            cash = -self.document(self._stornable(document, registrar)).cash
        if document.doctype == OFFLINE_BEGIN and documents.flag(document.root[0], "REVOKELASTONLINEDOC"):
            self._revocable(registrar)
        if cash < 0 and self._settings.drawer == "1":
            drawer = self._store.drawer(registrar.fn, testing=document.testing)
            if drawer + cash < 0:
                raise Refused(
                    refusals.DOCUMENT_INVALID,
                    f"Сума видачі {hryvnias(-cash)} перевищує готівку в касі {hryvnias(drawer)}",
                )

    def _check_flags(self, document: Document, shift: Shift | None) -> None:
        if document.head("VER").strip() != "1":
            raise Refused(refusals.DOCUMENT_INVALID, "VER повинна дорівнювати 1")
        for name in _SERVER_SIDE:
            if documents.flag(document.root[0], name):
                raise Refused(refusals.DOCUMENT_INVALID, f"{name} встановлює лише фіскальний сервер")
        if not document.uid.strip():
            raise Refused(refusals.DOCUMENT_INVALID, "UID не може бути порожнім")
        if document.doctype in (OFFLINE_BEGIN, OFFLINE_END):
            if document.testing:
                raise Refused(refusals.DOCUMENT_INVALID, "TESTING не допускається в документах 102 та 103")
        elif shift is not None and document.testing != shift.testing:
            raise Refused(refusals.DOCUMENT_INVALID, "Тестові та фіскальні документи не поєднуються в одній зміні")

    def _check_subtype(self, document: Document) -> None:
        if document.doctype not in documents.TYPE_NAMES:
            raise Refused(refusals.DOCUMENT_INVALID, f"Невідомий DOCTYPE {document.doctype}")
        if document.doctype >= OPEN_SHIFT and document.subtype >= 0:
            raise Refused(refusals.DOCUMENT_INVALID, f"DOCSUBTYPE не зазначається для DOCTYPE {document.doctype}")
        if document.doctype == 0 and document.subtype not in documents.SUBTYPE_NAMES:
            raise Refused(refusals.DOCUMENT_INVALID, f"DOCSUBTYPE {document.subtype} недопустимий для DOCTYPE 0")
        kind = (document.doctype, document.subtype)
        if kind != (0, RETURN) and any(
            document.head(name) for name in ("ORDERRETNUM", "ORDERRETDATE", "ORDERRETCASHREGNUM")
        ):
            raise Refused(refusals.DOCUMENT_INVALID, "ORDERRET… зазначається лише у видатковому чеку")
        if (document.subtype == STORNO) != bool(document.head("ORDERSTORNUM")):
            raise Refused(refusals.DOCUMENT_INVALID, "ORDERSTORNUM зазначається в сторно, і лише в ньому")
        if document.head("REVOKELASTONLINEDOC") and document.doctype != OFFLINE_BEGIN:
            raise Refused(refusals.DOCUMENT_INVALID, "REVOKELASTONLINEDOC зазначається лише в документі 102")

    def _check_return(self, document: Document) -> None:
        number, other = document.head("ORDERRETNUM"), document.head("ORDERRETCASHREGNUM").strip()
        if not number:
            raise Refused(refusals.DOCUMENT_INVALID, "Видатковий чек повинен містити ORDERRETNUM")
        if other and not document.head("ORDERRETDATE"):
            raise Refused(refusals.DOCUMENT_INVALID, "ORDERRETCASHREGNUM зазначається разом з ORDERRETDATE")
        fn = int(other) if other else document.fn
        if self._store.registrar(fn) is None:
            return  # a receipt of a registrar that this server does not know: nothing to compare with
        sale = self._store.entry(fn, fiscal=number)
        if sale is None or (sale.doctype, sale.subtype) != (0, 0):
            raise Refused(refusals.DOCUMENT_INVALID, f"Чек {number}, за яким здійснюється повернення, не знайдено")
        if not sale.live:
            raise Refused(refusals.DOCUMENT_INVALID, f"Чек {number} сторновано або відкликано")
        left = sale.total - self._store.returned(fn, number)
        if document.paid > left:
            raise Refused(
                refusals.DOCUMENT_INVALID,
                f"Сума повернення {hryvnias(document.paid)} перевищує залишок за чеком {number}: {hryvnias(left)}",
            )

    def _stornable(self, document: Document, registrar: Registrar) -> Entry:
        number = document.head("ORDERSTORNUM")
        last = self._store.last(registrar.fn)
        wanted = self._store.entry(registrar.fn, fiscal=number)
        if wanted is not None and wanted.doctype == 2 and wanted.shift == registrar.shift and wanted.live:
            return wanted  # currency trade: any operation of the shift (§3.9)
        if last is None or wanted is None or last.local != wanted.local:
            raise Refused(refusals.DOCUMENT_INVALID, f"Сторнуватись може лише останній документ, а не {number}")
        if last.shift != registrar.shift or last.doctype not in _FINANCIAL or last.subtype == STORNO or not last.live:
            raise Refused(
                refusals.DOCUMENT_INVALID,
                f"Документ {number} не може бути сторнований. Сторнуватись може лише останній документ",
            )
        return last

    def _revocable(self, registrar: Registrar) -> Entry:
        last = self._store.last(registrar.fn)
        if last is None or last.offline:
            raise Refused(refusals.DOCUMENT_INVALID, "Останній онлайн-документ відсутній і не може бути відкликаний")
        if last.doctype not in _FINANCIAL:
            name = "ZRep" if last.zrep else documents.TYPE_NAMES[last.doctype]
            raise Refused(
                refusals.DOCUMENT_INVALID, f"Документ {last.fiscal} має тип '{name}' і не може бути відкликаний"
            )
        if not last.live:
            raise Refused(refusals.DOCUMENT_INVALID, f"Документ {last.fiscal} уже сторновано або відкликано")
        return last

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
            cancelled = self._stornable(document, registrar)
            cancelled.storned = True
            self._store.update(cancelled)
            return f"{cancelled.fn}/{cancelled.fiscal}"
        if document.doctype == OFFLINE_BEGIN and documents.flag(document.root[0], "REVOKELASTONLINEDOC"):
            revoked = self._revocable(registrar)
            revoked.revoked = True
            self._store.update(revoked)
            if revoked.subtype == STORNO:
                self._mark(revoked.refers, storned=False)
            return f"{revoked.fn}/{revoked.fiscal}"
        if (document.doctype, document.subtype) == (0, RETURN):
            fn = document.head("ORDERRETCASHREGNUM").strip() or str(document.fn)
            return f"{int(fn)}/{document.head('ORDERRETNUM')}"
        return ""

    def _mark(self, refers: str, **marks: bool) -> None:
        fn, _, fiscal = refers.partition("/")
        entry = self._store.entry(int(fn), fiscal=fiscal) if fn else None
        if entry is not None:
            for name, value in marks.items():
                setattr(entry, name, value)
            self._store.update(entry)

    def _open(self, document: Document, registrar: Registrar, operator: Operator, fiscal: str) -> Shift:
        facts = self.facts()
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
        facts = self.facts()
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
            self._mark(entry.refers, revoked=False)
        self._parsed.pop((entry.fn, entry.local), None)
        return entry

    # -- questions ------------------------------------------------------------------------------------------------

    def document(self, entry: Entry) -> Document:
        """A registered document, parsed."""
        key = (entry.fn, entry.local)
        found = self._parsed.get(key)
        xml, cms = self._store.octets(entry)
        if found is None or found.cms != cms:
            found = documents.read(xml, cms, None)
            self._parsed[key] = found
        return found

    def totals(self, fn: int, shift: int) -> totals.Totals:
        """Totals of the documents of a shift that stand."""
        return totals.Totals.of(
            self.document(entry) for entry in self._store.entries(fn, shift) if entry.live and entry.subtype != STORNO
        )
