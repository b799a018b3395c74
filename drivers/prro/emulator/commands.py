"""The commands of /cmd (fiscal-server.md §2): a JSON object in, a JSON object or a document out.

Readers are tolerant as the page asks: numbers may be strings, enums names or numbers, booleans text.

Choices where the page is silent: a late command (`Timestamp` + `Timeout` passed) is refused with 11; a command with an
unknown name, a missing or an unreadable field likewise; one that has to be signed and is not, with 12. A registrar
whose registration ended with its shift closed gives no data. Any registered operator may ask everything; offline fields
are for the opener of the shift (for anybody's own eyes when none is open), a senior cashier and the head.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from drivers.clock import KYIV
from drivers.prro.emulator import documents, offline, refusals, shapes, tickets, view
from drivers.prro.emulator.query import Query
from drivers.prro.emulator.refusals import Nothing, Refused
from drivers.prro.emulator.registration import Registration
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Entry, Facts, Operator, Registrar, Shift, Store

UNSIGNED = frozenset({"ServerState", "Schemas", "Check", "CheckExt", "SendDocument"})

AVAILABILITY, ORIGINAL_XML, BY_SERVER, VISUALIZATION, BY_SENDER, BY_BOTH = range(6)
_TYPES = (
    "Availability",
    "OriginalXml",
    "SignedByServerXml",
    "Visualization",
    "SignedBySenderXml",
    "SignedBySenderAndServerXml",
)
_RESULTS = (
    "Ok",
    "OnlineDocumentAbsent",
    "OfflineNumberReserved",
    "OfflineNumberNotReserved",
    "TransactionsRegistrarNotRegistered",
    "DocumentAbsent",
)


Answer = dict[str, Any] | bytes


class Commands:
    """Answers commands from the store. Called inside a transaction."""

    def __init__(
        self, store: Store, rules: Registration, settings: Settings, sign: tickets.Sign, now: Callable[[], datetime]
    ):
        self._store = store
        self._rules = rules
        self._settings = settings
        self._sign = sign
        self._now = now
        self._table: dict[str, Callable[[Query], Answer]] = {
            "ServerState": lambda query: {},
            "Schemas": self._schemas,
            "Objects": self._objects,
            "Operators": self._operators,
            "TransactionsRegistrarState": self._state,
            "Check": lambda query: self._fetch(query, zrep=False),
            "ZRep": lambda query: self._fetch(query, zrep=True),
            "CheckExt": lambda query: self._fetch_extended(query, zrep=False),
            "ZRepExt": lambda query: self._fetch_extended(query, zrep=True),
            "Shifts": self._shifts,
            "Documents": self._documents,
            "LastShiftTotals": self._last_totals,
            "DocumentInfoByLocalNum": self._info,
            "DeviceRegister": self._device,
        }

    def run(self, query: Query) -> Answer:
        """`SendDocument` and `SendOflPackage` are the server's own. Raises Refused, Nothing."""
        self.check(query)
        answer = self._table[query.text("Command")](query)
        return answer if isinstance(answer, bytes) else self.dress(query, answer)

    def check(self, query: Query) -> None:
        """Name, signature and time of a command. Raises Refused."""
        name = query.text("Command")
        if name not in self._table and name not in ("SendDocument", "SendOflPackage"):
            raise Refused(refusals.QUERY_INVALID, f"Невідома команда «{name}»")
        if query.signer is None and name not in UNSIGNED:
            raise Refused(refusals.CRYPTOGRAPHY, f"Команда {name} повинна бути засвідчена КЕП")
        begun, patience = query.time("Timestamp"), query.number("Timeout")
        if begun is not None and patience is not None:
            try:
                late = self._now() > begun + timedelta(milliseconds=patience)
            except OverflowError:
                late = False
            if late:
                raise Refused(refusals.QUERY_INVALID, f"Строк очікування команди {name} минув, її скасовано")

    def dress(self, query: Query, answer: dict[str, Any]) -> dict[str, Any]:
        """The common fields of an answer."""
        head: dict[str, Any] = {"UID": query.body.get("UID"), "Timestamp": self._moment(self._now())}
        return head | answer

    # -- who and what ---------------------------------------------------------------------------------------------

    def _operator(self, query: Query) -> Operator:
        assert query.signer is not None
        return self._rules.access.owner(query.signer, self._now())

    def _registrar(self, query: Query, name: str = "NumFiscal") -> Registrar:
        registrar = self._store.registrar(query.need(name))
        if registrar is None:
            raise Refused(refusals.REGISTRAR_ABSENT, f"ПРРО {query.number(name)} не зареєстровано")
        return registrar

    def _schemas(self, query: Query) -> Answer:
        folder = self._settings.xsd_folder
        found = {}
        for field, name in (("XsdSchemaCheck", "check01.xsd"), ("XsdSchemaZRep", "zrep01.xsd")):
            path = folder / name if folder is not None else None
            if path is None or not path.is_file():
                raise Nothing
            found[field] = base64.b64encode(path.read_bytes()).decode()
        return found

    def _objects(self, query: Query) -> Answer:
        assert query.signer is not None
        operator = self._rules.access.operator(query.signer, self._now())
        facts = self._rules.access.facts()
        if operator is None or facts.tin not in (query.signer.certificate.drfo, query.signer.certificate.edrpou):
            raise Nothing  # the key is not registered by 5-ПРРО (§8.2)
        return {"TaxObjects": [self._tax_object(facts, operator)]}

    def _tax_object(self, facts: Facts, operator: Operator) -> dict[str, Any]:
        registrars = [each for each in self._store.registrars() if not each.closed or each.shift]
        return {
            "Entity": 112233,
            "TaxObjGuid": "0A1B2C3D-0000-4000-8000-000000005566",
            "TaxObjId": 5566,
            "SingleTax": not facts.ipn,
            "Name": facts.point,
            "Address": facts.address,
            "Tin": facts.tin,
            "Ipn": facts.ipn or None,
            "OrgName": facts.organization,
            "ChiefCashier": operator.chief,
            "TransactionsRegistrars": [
                {"NumFiscal": each.fn, "NumLocal": each.local, "Name": each.name, "Closed": each.closed}
                for each in registrars
            ],
        }

    def _operators(self, query: Query) -> Answer:
        self._operator(query)
        facts = self._rules.access.facts()
        now = self._now()
        found = [
            {"SubjectKeyId": each.key, "RegNum": each.reg_num, "ChiefCashier": each.chief}
            for each in facts.operators
            if not each.withdrawn or datetime.fromisoformat(each.withdrawn) > now
        ]
        return {"Tin": facts.tin, "Operators": found}

    # -- state ----------------------------------------------------------------------------------------------------

    def _state(self, query: Query) -> Answer:
        operator = self._operator(query)
        registrar = self._registrar(query)
        if registrar.closed and not registrar.shift:
            raise Nothing
        shift = self._store.shift(registrar.shift) if registrar.shift else None
        entitled = shift is None or operator.key == shift.open_key or operator.chief
        if entitled:
            self._show_pair(query, registrar)
        last = self._store.entries(registrar.fn, shift.id)[-1:] if shift is not None else []
        answer: dict[str, Any] = {
            "ShiftState": 1 if shift is not None else 0,
            "ShiftId": registrar.shift,
            "OpenShiftFiscalNum": shift.open_fiscal if shift is not None else None,
            "ZRepPresent": bool(shift is not None and shift.z_fiscal),
            "Testing": bool(shift is not None and shift.testing),
            "Name": shift.open_name if shift is not None else None,
            "SubjectKeyId": shift.open_key if shift is not None else None,
            "FirstLocalNum": shift.first_local if shift is not None else 0,
            "NextLocalNum": registrar.next_local,
            "LastFiscalNum": last[0].fiscal if last else None,
            "OfflineSupported": registrar.offline_supported,
            "ChiefCashier": operator.chief,
        }
        answer |= self._offline_fields(registrar, entitled=entitled)
        answer["Closed"] = registrar.closed
        wanted = query.flag("IncludeTaxObject")
        answer["TaxObject"] = self._tax_object(self._rules.access.facts(), operator) if wanted else None
        return answer

    def _show_pair(self, query: Query, registrar: Registrar) -> None:
        """The pair of a session that the server had closed by itself brings that session back (§2.6, §6.6)."""
        given, seed = query.text("OfflineSessionId"), query.text("OfflineSeed")
        lost = registrar.replaced
        if lost is not None and (given, seed) == (lost.id, lost.seed):
            registrar.session, registrar.replaced = lost, None
            registrar.rolled_back = True
            registrar.rollback_uid = query.text("UID") or None
            self._store.put_registrar(registrar)

    def _offline_fields(self, registrar: Registrar, *, entitled: bool) -> dict[str, Any]:
        session = registrar.session
        duration = 0
        if session is not None and session.last:
            duration = int(
                (datetime.fromisoformat(session.last) - datetime.fromisoformat(session.begun)).total_seconds()
            )
        month = f"{self._now().astimezone(KYIV):%Y-%m}"
        spent = registrar.offline_seconds.get(month, 0) + duration
        values: dict[str, Any] = {
            "OfflineSessionId": session.id if session is not None else None,
            "OfflineSeed": session.seed if session is not None else None,
            "OfflineNextLocalNum": str(session.next) if session is not None else None,
            "OfflineSessionDuration": duration // 60,
            "OfflineSessionsMonthlyDuration": spent // 60,
            "OfflineSessionRolledBack": registrar.rolled_back,
            "OfflineSessionRollbackCmdUID": registrar.rollback_uid,
        }
        if entitled:
            return values
        return {name: False if name == "OfflineSessionRolledBack" else None for name in values}

    def _device(self, query: Query) -> Answer:
        self._operator(query)
        registrar = self._registrar(query)
        device = query.text("DeviceId")
        if len(device) != 64:
            raise Refused(refusals.QUERY_INVALID, "DeviceId повинен мати 64 символи")
        if not registrar.device or query.flag("Forced"):
            registrar.device = device
            self._store.put_registrar(registrar)
        return {"DeviceId": registrar.device}

    # -- documents ------------------------------------------------------------------------------------------------

    def _find(self, query: Query, fn: int, *, zrep: bool) -> Entry | None:
        fiscal, local = query.text("NumFiscal").strip(), query.number("NumLocal")
        if not fiscal and local is None:
            raise Refused(refusals.QUERY_INVALID, "Потрібен NumFiscal або NumLocal")
        entry = self._store.entry(fn, fiscal=fiscal) if fiscal else self._store.entry(fn, local=local)
        return entry if entry is not None and entry.zrep == zrep else None

    def _fetch(self, query: Query, *, zrep: bool) -> Answer:
        if zrep:
            self._operator(query)
        registrar = self._registrar(query, "RegistrarNumFiscal")
        entry = self._find(query, registrar.fn, zrep=zrep)
        if entry is None:
            raise Nothing
        document = self._rules.content.document(entry)
        if query.flag("Original"):
            return document.cms
        return self._sign(tickets.copy(document, entry), query.flag("SetTimestamp"))

    def _fetch_extended(self, query: Query, *, zrep: bool) -> Answer:
        if zrep:
            self._operator(query)
        kind = query.choice("Type", _TYPES)
        registrar = self._store.registrar(query.need("RegistrarNumFiscal"))
        entry = self._find(query, registrar.fn, zrep=zrep) if registrar is not None else None
        result = 0 if entry is not None else self._absent(query, registrar)
        answer: dict[str, Any] = {
            "Data": None,
            "ShiftId": entry.shift if entry is not None else None,
            "ResultCode": result,
            "ResultText": _RESULTS[result],
        }
        if not zrep:
            answer["CabinetUrl"] = None
        if entry is None:
            return answer
        document = self._rules.content.document(entry)
        stamped = query.flag("SetTimestamp")
        data = {
            ORIGINAL_XML: lambda: document.xml,
            BY_SERVER: lambda: self._sign(tickets.copy(document, entry), stamped),
            VISUALIZATION: lambda: "\r\n".join(view.view(document, entry)).encode(),
            BY_SENDER: lambda: document.cms,
            BY_BOTH: lambda: self._sign(document.cms, stamped),
        }.get(kind)
        if data is not None:
            answer["Data"] = base64.b64encode(data()).decode()
        if not zrep and query.flag("AcquireCabinetUrl"):
            answer["CabinetUrl"] = cabinet_url(document, entry)
        return answer

    def _absent(self, query: Query, registrar: Registrar | None) -> int:
        """ResultCode of a document that is not here."""
        if registrar is None:
            return 4
        number = offline.number(query.text("NumFiscal").strip())
        if number is not None:
            reserved = {session.id for session in (registrar.session, registrar.replaced) if session is not None}
            return 2 if number[0] in reserved else 3
        return 1 if query.text("NumFiscal").strip().isdigit() else 5

    def _info(self, query: Query) -> Answer:
        self._operator(query)
        registrar = self._registrar(query)
        entry = self._store.entry(registrar.fn, local=query.need("NumLocal"))
        if entry is None:
            raise Nothing
        return {"NumFiscal": entry.fiscal, **self._kinds(entry), "Revoked": entry.revoked, "Storned": entry.storned}

    def _kinds(self, entry: Entry) -> dict[str, Any]:
        """DocClass, CheckDocType, CheckDocSubType as names or numbers; `CheckGoods` stands in for no subtype."""
        subtype = max(entry.subtype, 0)
        if self._settings.enums == "numbers":
            kinds: tuple[Any, Any] = (None, None) if entry.zrep else (entry.doctype, subtype)
            return {"DocClass": int(entry.zrep), "CheckDocType": kinds[0], "CheckDocSubType": kinds[1]}
        return {
            "DocClass": "ZRep" if entry.zrep else "Check",
            "CheckDocType": None if entry.zrep else documents.TYPE_NAMES[entry.doctype],
            "CheckDocSubType": None if entry.zrep else documents.SUBTYPE_NAMES.get(subtype, "CheckGoods"),
        }

    def _shifts(self, query: Query) -> Answer:
        self._operator(query)
        registrar = self._registrar(query)
        number, begin, end = query.number("ShiftId"), query.time("From"), query.time("To")
        if number is None and (begin is None or end is None):
            raise Refused(refusals.QUERY_INVALID, "Потрібен ShiftId або From та To")
        found = []
        for shift in self._store.shifts(registrar.fn):
            opened = datetime.fromisoformat(shift.opened).replace(tzinfo=KYIV)
            inside = begin is not None and end is not None and begin <= opened <= end
            if shift.id == number if number is not None else inside:
                found.append(self._shift(shift))
        return {"Shifts": found}

    def _shift(self, shift: Shift) -> dict[str, Any]:
        return {
            "ShiftId": shift.id,
            "OpenShiftFiscalNum": shift.open_fiscal,
            "CloseShiftFiscalNum": shift.close_fiscal or None,
            **self._people(shift),
        }

    @staticmethod
    def _people(shift: Shift) -> dict[str, Any]:
        return {
            "Testing": shift.testing,
            "Opened": shift.opened,
            "OpenName": shift.open_name,
            "OpenSubjectKeyId": shift.open_key,
            "Closed": shift.closed or None,
            "CloseName": shift.close_name or None,
            "CloseSubjectKeyId": shift.close_key or None,
            "ZRepFiscalNum": shift.z_fiscal or None,
        }

    def _documents(self, query: Query) -> Answer:
        self._operator(query)
        registrar = self._registrar(query)
        number, fiscal = query.number("ShiftId"), query.text("OpenShiftFiscalNum")
        if number is None and not fiscal:
            raise Refused(refusals.QUERY_INVALID, "Потрібен ShiftId або OpenShiftFiscalNum")
        shift = next(
            (
                each
                for each in self._store.shifts(registrar.fn)
                if (each.id == number if number is not None else each.open_fiscal == fiscal)
            ),
            None,
        )
        entries = self._store.entries(registrar.fn, shift.id) if shift is not None else []
        return {
            "Documents": [
                {
                    "NumFiscal": entry.fiscal,
                    "NumLocal": entry.local,
                    "DocDateTime": entry.at,
                    **self._kinds(entry),
                    "Revoked": entry.revoked,
                    "Storned": entry.storned,
                }
                for entry in entries
            ]
        }

    def _last_totals(self, query: Query) -> Answer:
        self._operator(query)
        registrar = self._registrar(query)
        shifts = self._store.shifts(registrar.fn)
        if not shifts:
            raise Nothing
        shift = shifts[-1]
        is_open = registrar.shift == shift.id
        return {
            "ShiftState": int(is_open),
            "ZRepPresent": bool(shift.z_fiscal),
            **self._people(shift),
            "Totals": shapes.of_totals(self._rules.content.totals(registrar.fn, shift.id)) if is_open else None,
        }

    @staticmethod
    def _moment(moment: datetime) -> str:
        return moment.astimezone(KYIV).isoformat(timespec="seconds")


def cabinet_url(document: documents.Document, entry: Entry) -> str:
    """The link behind the QR code of a receipt (§7.1)."""
    mac = f"mac={document.previous}&" if entry.offline and document.previous else ""
    amount = f"&sm={document.sum_text()}" if document.sum_text() else ""
    return (
        f"https://cabinet.tax.gov.ua/cashregs/check?{mac}date={document.at:%Y%m%d}&time={document.at:%H%M%S}"
        f"&id={entry.fiscal}{amount}&fn={entry.fn}"
    )
