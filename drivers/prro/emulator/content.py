"""What a document may contain at its place in the shift (fiscal-server.md §3.3, §3.9, §4, §5.5, §6.8)."""

from __future__ import annotations

from drivers.prro.emulator import documents, refusals, sums, totals
from drivers.prro.emulator.documents import OFFLINE_BEGIN, OFFLINE_END, OPEN_SHIFT, RETURN, STORNO, Document, hryvnias
from drivers.prro.emulator.refusals import Refused
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Entry, Registrar, Shift, Store

_SERVER_SIDE = ("REVOKED", "STORNED")
_FINANCIAL = range(5)


class Content:
    """Checks documents against those that are registered."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._parsed: dict[tuple[int, int], Document] = {}

    def check(self, document: Document, registrar: Registrar, shift: Shift | None) -> None:
        """Everything that is inside of a document. Raises Refused 9."""
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
            cash = -self.document(self.stornable(document, registrar)).cash
        if document.doctype == OFFLINE_BEGIN and documents.flag(document.root[0], "REVOKELASTONLINEDOC"):
            self.revocable(registrar)
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

    def stornable(self, document: Document, registrar: Registrar) -> Entry:
        """What a storno cancels. Raises Refused 9."""
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

    def revocable(self, registrar: Registrar) -> Entry:
        """What REVOKELASTONLINEDOC revokes. Raises Refused 9."""
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
