"""What happens to the server apart from its clients, and what a test may read off it."""

from __future__ import annotations

from typing import Any

from drivers.prro.emulator import foreign, signed, view
from drivers.prro.emulator.server import FiscalServer
from drivers.prro.emulator.signed import Manner
from drivers.prro.emulator.store import Entry


class World:
    """Acts on a server from outside. Without `fn` the first registrar is meant."""

    def __init__(self, server: FiscalServer) -> None:
        self._server = server

    def foreign_document(self, fn: int | None = None, device: str = "") -> Entry:
        """Another device takes the next number. Raises Refused."""
        registrar = self._server.registrar(fn)
        if device:
            with self._server.store.transaction():
                registrar.device = device
                self._server.store.put_registrar(registrar)
        shift = self._server.store.shift(registrar.shift) if registrar.shift else None
        who = self._server.demo.cashier
        for identity in self._server.demo.people.values():
            if shift is not None and (identity.certificate.key_id or b"").hex() == shift.open_key:
                who = identity
        xml = foreign.document(
            self._server.rules.access.facts(), registrar, shift, who.certificate.name, self._server.kyiv()
        )
        with self._server.store.transaction():
            entry = self._server.rules.online(signed.message(xml, who, self._server.now(), Manner()))
        self._server.print(entry)
        return entry

    def lose_documents(self, count: int = 1, fn: int | None = None) -> list[Entry]:
        """The server comes back from a backup: its last documents never were."""
        lost = []
        with self._server.store.transaction():
            for _ in range(count):
                entry = self._server.rules.undo(self._server.registrar(fn).fn)
                if entry is not None:
                    lost.append(entry)
        return lost

    def close_offline_session(self, fn: int | None = None) -> None:
        """The server ends the offline session by itself: another pair is current until the old one is shown to it."""
        with self._server.store.transaction():
            registrar = self._server.registrar(fn)
            if registrar.session is not None:
                registrar.replaced = registrar.session
                registrar.session = self._server.rules.new_session()
                self._server.store.put_registrar(registrar)

    def drop_offline_pair(self, fn: int | None = None) -> None:
        """No pair for offline work until the next shift opens online."""
        with self._server.store.transaction():
            registrar = self._server.registrar(fn)
            registrar.session = registrar.replaced = None
            self._server.store.put_registrar(registrar)

    def set_offline(self, supported: bool, fn: int | None = None) -> None:
        with self._server.store.transaction():
            registrar = self._server.registrar(fn)
            registrar.offline_supported = supported
            self._server.store.put_registrar(registrar)

    def cancel_registration(self, closed: bool = True, fn: int | None = None) -> None:
        """The registration of a registrar ends (§2.6 `Closed`); an open shift may still be finished."""
        with self._server.store.transaction():
            registrar = self._server.registrar(fn)
            registrar.closed = closed
            self._server.store.put_registrar(registrar)

    def withdraw_operator(self, key: str) -> None:
        """«Припинення роботи»: the key has no access from now on."""
        with self._server.store.transaction():
            facts = self._server.rules.access.facts()
            for operator in facts.operators:
                if operator.key == key:
                    operator.withdrawn = self._server.now().isoformat()
            self._server.store.put_facts(facts)

    def registers(self, fn: int | None = None) -> dict[str, Any]:
        """What the hardware emulators call registers, of the shift since its opening and until its Z. Kopecks."""
        registrar = self._server.registrar(fn)
        shift = self._server.store.shift(registrar.shift) if registrar.shift else None
        counted = shift is not None and not shift.z_fiscal
        totals = self._server.rules.content.totals(registrar.fn, registrar.shift if counted else -1)
        entries = self._server.store.entries(registrar.fn)
        testing = shift is not None and shift.testing
        return {
            "serial": str(registrar.fn),
            "sales_turnover": totals.sales.amount,
            "refunds_turnover": totals.returns.amount,
            "sales_by_tax": dict(totals.sales.letters),
            "refunds_by_tax": dict(totals.returns.letters),
            "sales_by_form": _by_form(totals.sales.forms),
            "refunds_by_form": _by_form(totals.returns.forms),
            "cash_in": totals.cash_in,
            "cash_out": totals.cash_out,
            "drawer": self._server.store.drawer(registrar.fn, testing=testing),
            "last_document": registrar.next_local - 1,
            "receipts": sum((entry.doctype, entry.subtype) in ((0, 0), (0, 1)) for entry in entries),
            "z_number": sum(entry.zrep for entry in entries),
            "open_receipt": False,
            "shift_open": shift is not None,
            "next_local": registrar.next_local,
            "offline_next": registrar.session.next if registrar.session is not None else 0,
            "device": registrar.device,
            "journal": [self._journal(entry) for entry in entries],
        }

    def _journal(self, entry: Entry) -> dict[str, Any]:
        return {
            "number": entry.local,
            "fiscal": entry.fiscal,
            "uid": entry.uid,
            "kind": view.kind_name(entry),
            "amount": entry.total,
            "sums": view.sums_by_form(self._server.rules.content.document(entry)),
            "at": entry.at,
            "offline": entry.offline,
            "testing": entry.testing,
            "revoked": entry.revoked,
            "storned": entry.storned,
        }


def _by_form(forms: dict[tuple[int, str], int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (code, _), amount in forms.items():
        name = view.form_name(code)
        found[name] = found.get(name, 0) + amount
    return found
