"""What must hold after every step, whatever happened in it, and at each day's end.

The registrar's own journal (the emulator's memory) is the truth about what exists; the ledger is what the till knows;
`Told` is what the cashier saw. None of the checks asks the till's own code to judge itself, but for the status view.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from drivers.document import DocumentKind
from drivers.errors import Code
from drivers.registrar import Mode
from kiosk.ledger.records import DocumentState, FiscalDocument, ReceiptKind
from tests.simulation.box import Box
from tests.simulation.people import Told
from tests.simulation.shop import GOODS, Shop

KINDS = {
    DocumentKind.SALE: "SALE",
    DocumentKind.REFUND: "REFUND",
    DocumentKind.CASH_IN: "CASH_IN",
    DocumentKind.CASH_OUT: "CASH_OUT",
    DocumentKind.Z_REPORT: "Z",
    DocumentKind.OPEN_SHIFT: "OPEN_SHIFT",
    DocumentKind.STORNO: "STORNO",
}
MOVES = (DocumentKind.CASH_IN, DocumentKind.CASH_OUT)
FISCAL = frozenset(KINDS.values())
FINAL = frozenset({"registered", "registered_not_printed", "rejected"})


class Invariants:
    """The eyes of one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._world = shop.world
        self._seen = len(shop.box.journal())
        self.strict = False
        """At the day's end nothing is on its way any more."""
        shop.box.watch = self._effect

    # -- at every act of the device -------------------------------------------------------------------------------

    def _effect(self, box: Box) -> None:
        """No fiscal act without its prior intent on the disk."""
        journal = box.journal()
        fresh = journal[self._seen :]
        if len(journal) < self._seen:
            return  # another unit stands in its place
        self._seen = len(journal)
        for entry in fresh:
            if entry["kind"] not in FISCAL or entry.get("offline"):
                continue  # what comes in a package was announced when it was made
            self._world.note(f"  ⟶ {entry['kind']} {entry['number']} of {entry['amount']}")
            if box.serial() != self._shop.own_serial:
                self._world.violate(f"another unit registered {entry}")
            elif (why := self._unannounced(str(entry["kind"]))) != "":
                self._world.violate(f"{entry['kind']} of {entry['amount']} without its intent on the disk: {why}")

    def _unannounced(self, kind: str) -> str:
        if self._shop.disk.at_stake():
            return "the disk holds un-synced changes"
        path = self._shop.folder / "ledger.db"
        with sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True) as connection:
            rows = connection.execute(
                "SELECT event, document_id, payload FROM journal ORDER BY seq DESC LIMIT 200"
            ).fetchall()
        connection.close()
        settled: set[Any] = set()
        for event, document, payload in rows:
            content = json.loads(payload)
            if event != "intent":
                if content["result"]["state"] in FINAL:
                    settled.add(document)
                continue
            wanted = KINDS[DocumentKind(content["document"]["kind"])]
            if self._shop.software and wanted != kind:
                continue  # what an offline session was begun with comes to the server when there is a link again
            if document in settled and not self._shop.software:
                return "the last intent is settled already"
            return "" if wanted == kind else f"the last intent is a {wanted}"
        return "there is no intent at all"

    # -- after every step -----------------------------------------------------------------------------------------

    def look(self, told: Told | None, *, trouble: bool) -> None:
        """`told` None: the cashier was told nothing. `trouble`: something has struck and was not repaired since."""
        shop = self._shop
        self._ledger_and_registrar()
        if told is not None:
            self._told(told)
        unsettled = shop.ledger.receipts.unsettled()
        for document in unsettled:
            if not trouble:
                self._world.violate(f"{document.kind.value} of {document.document.due} is open without a cause")
        self._receipts()
        self._stock()
        self._drawer(settled=not unsettled)
        self._status(len(unsettled))
        self._evidence()
        shop.ledger.journal.verify()

    def _documents(self) -> list[FiscalDocument]:
        """Every fiscal document of the ledger, in order, by its own rows."""
        with self._shop.ledger.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT id FROM shifts ORDER BY id").all()
        return [item for (shift,) in rows for item in self._shop.ledger.receipts.documents(int(shift))]

    def truth(self, document: FiscalDocument) -> dict[str, Any] | None:
        """The registrar's entry that is this unsettled document, None where there is none: what a person reads on
        the paper."""
        free = self._unclaimed(self._documents())
        return next((entry for entry in free if _may_be(document, entry)), None)

    def _unclaimed(self, documents: Iterable[FiscalDocument]) -> list[dict[str, Any]]:
        """Entries of the registrar that no registered document of the ledger claims."""
        free = [entry for entry in self._journal() if entry["kind"] in FISCAL]
        for document in documents:
            if not document.done:
                continue
            number = document.result.number if document.result is not None else ""
            if document.kind in MOVES and not self._shop.family.numbers_cash:
                number = ""
            mine = [entry for entry in free if _is(document, entry, number)]
            if not mine and self._on_its_way(document):
                continue
            if not mine:
                self._world.violate(
                    f"the ledger has {document.kind.value} {number} of {document.document.due}, the registrar has not"
                )
                continue
            free.remove(mine[0])
        return free

    def _on_its_way(self, document: FiscalDocument) -> bool:
        """A document of an offline session, which the server gets later; its number has the session's in it."""
        number = document.result.number if document.result is not None else ""
        return self._shop.software and not self.strict and "." in number

    def _journal(self) -> list[dict[str, Any]]:
        box = self._shop.box
        if box.serial() == self._shop.own_serial:
            mine: list[dict[str, Any]] = box.journal()
            return mine
        machine: Any = box.machine
        memory = machine._shelf[self._shop.own_serial]
        found: list[dict[str, Any]] = getattr(memory, "books", memory).journal
        return found

    def _ledger_and_registrar(self) -> None:
        documents = self._documents()
        free = self._unclaimed(documents)
        doubtful = [document for document in documents if not document.settled]
        for entry in free:
            owner = next((item for item in doubtful if _may_be(item, entry)), None)
            if owner is None:
                self._world.violate(f"the registrar has {entry}, the ledger has not")
            else:
                doubtful.remove(owner)

    def _told(self, told: Told) -> None:
        for document in told.documents:
            now = self._shop.ledger.receipts.document(document.id)
            # What was open may have been found out in the meantime; what was told as settled stays so.
            if document.settled and now.state is not document.state:
                self._world.violate(f"the cashier was told {document.state}, the ledger says {now.state}")

    def _receipts(self) -> None:
        """A receipt is what its documents are."""
        with self._shop.ledger.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT r.number, r.state, d.state FROM receipts r JOIN fiscal_documents d ON d.receipt_id = r.id"
            ).all()
        for number, receipt, document in rows:
            done = str(document).startswith("registered")
            if (receipt == "done") != done and receipt in ("done", "failed"):
                self._world.violate(f"receipt {number} is {receipt}, its document {document}")
            if receipt == "pending" and document != "pending":
                self._world.violate(f"receipt {number} is still pending, its document {document}")

    def _stock(self) -> None:
        """What was sold less what came back is what left the shelf."""
        with self._shop.ledger.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT r.kind, l.code, SUM(l.quantity) FROM receipt_lines l JOIN receipts r ON r.id = l.receipt_id"
                " WHERE r.state = 'done' GROUP BY r.kind, l.code"
            ).all()
        moved: Counter[str] = Counter()
        for kind, code, quantity in rows:
            moved[str(code)] += int(quantity) if kind == ReceiptKind.REFUND.value else -int(quantity)
        for good in GOODS:
            now = self._shop.ledger.goods.by_code(good.code)
            if now is None or now.stock - good.stock != moved[good.code]:
                self._world.violate(f"the stock of {good.name} is {now and now.stock}, it moved by {moved[good.code]}")

    def _drawer(self, *, settled: bool) -> None:
        """Money in the registrar's drawer, counted anew from its own documents and from the till's books."""
        shop = self._shop
        if shop.software or shop.box.serial() != shop.own_serial:
            return  # a server's drawer begins anew with each shift: the X report compares it
        signs = {"SALE": 1, "REFUND": -1, "CASH_IN": 1, "CASH_OUT": -1}
        counted = 0
        for entry in shop.box.journal():
            moved = entry["amount"] if entry["kind"].startswith("CASH") else entry["sums"].get("cash", 0)
            counted += signs.get(entry["kind"], 0) * moved
        drawer = shop.box.registers()["drawer"]
        if counted != drawer:
            self._world.violate(f"the registrar's drawer holds {drawer}, its documents make {counted}")
        if settled:
            mine = sum(signs.get(KINDS[item.document.kind], 0) * _cash(item) for item in self._documents() if item.done)
            if mine != drawer:
                self._world.violate(f"the registrar's drawer holds {drawer}, the ledger's documents make {mine}")

    def _status(self, unsettled: int) -> None:
        shop = self._shop
        view = shop.till.status.view()
        shift = shop.till.shifts.current(shop.binding)
        if view.unknown != unsettled:
            self._world.violate(f"the status bar tells {view.unknown} unknown outcomes, the ledger {unsettled}")
        if (view.shift_opened is None) != (shift is None):
            self._world.violate("the status bar and the ledger disagree about the shift")

    def _evidence(self) -> None:
        """Nothing left the box that the wire log does not show, byte for byte but for masked secrets."""
        for cable, log in zip(self._shop.cables, self._shop.wires, strict=not self._shop.software):
            shown = [exchange.data for exchange in log if exchange.direction == ">"]
            if len(shown) < len(cable.sent):
                self._world.violate(f"{len(cable.sent)} writes went out, the wire log has {len(shown)}")
            for real, kept in zip(cable.sent, shown[: len(cable.sent)], strict=False):
                if not _shows(kept, bytes(real)):
                    self._world.violate(f"went out: {real.hex(' ')}; the wire log shows: {kept.hex(' ')}")
            cable.sent.clear()
            log.clear()

    # -- at the day's end -----------------------------------------------------------------------------------------

    def day_is_over(self) -> bool:
        """Everything is repaired, resolved and closed. False: the day stands at the help desk, and nothing is lost."""
        shop = self._shop
        if self._for_the_help_desk():
            self._world.note("the server wants a document that it takes no more: kept, shown, for the help desk")
            shop.ledger.journal.verify(full=True)
            return False
        if shop.ledger.receipts.unsettled():
            self._world.violate("the day ended with open outcomes")
        if shop.till.unknowns.halves():
            self._world.violate("the day ended with half a receipt")
        if shop.till.shifts.current(shop.binding) is not None:
            self._world.violate("the day could not be closed")
        registers = shop.box.registers()
        if any(registers[name] for name in ("sales_turnover", "refunds_turnover", "cash_in", "cash_out")):
            self._world.violate("the registrar's day goes on although the till closed it")
        self.strict = True
        self._ledger_and_registrar()
        self.strict = False
        shop.ledger.journal.verify(full=True)
        return True

    def _for_the_help_desk(self) -> bool:
        """The case that the official texts leave open (fiscal-server.md §6.8, d).

        An online document was lost on its way, offline ones follow it under the next numbers, and back on line the
        server wants the lost one first but takes its time no more. Everything is kept and shown; a person must go on.
        """
        last = self._shop.till.workplace.desk(self._shop.binding).access.last
        if last is None or last.offline is None or last.offline.mode is not Mode.REJECTED:
            return False
        refused = last.offline.refused
        return refused is not None and refused.code == Code.LOCAL_NUMBER and last.offline.queued > 0


def _shows(kept: bytes, real: bytes) -> bool:
    """Whether the log's bytes are what went out, or a longer frame of which that is the beginning.

    A masked secret is stars, and behind it the frame may have another checksum, escaped or not.
    """
    if b"*" not in kept:
        return kept.startswith(real)
    clear = kept.index(b"*")
    return kept[:clear].startswith(real[:clear]) and len(real) <= len(kept) + 2


def _is(document: FiscalDocument, entry: dict[str, Any], number: str) -> bool:
    if entry["kind"] != KINDS[document.kind]:
        return False
    if document.kind is DocumentKind.Z_REPORT:
        return True  # counted in order: makers number them in different ways
    return number in ("", str(entry["number"])) and entry["amount"] == _amount(document)


def _may_be(document: FiscalDocument, entry: dict[str, Any]) -> bool:
    if entry["kind"] != KINDS[document.kind]:
        return False
    return document.kind is DocumentKind.Z_REPORT or entry["amount"] == _amount(document)


def _amount(document: FiscalDocument) -> int:
    return document.document.amount if document.kind in MOVES else document.document.due


def _cash(document: FiscalDocument) -> int:
    inner = document.document
    if document.kind in MOVES:
        return inner.amount
    return sum(payment.amount for payment in inner.payments if payment.form.value == "cash") - inner.change


__all__ = ["DocumentState", "Invariants"]
