"""A till with a software registrar: real ledger, real driver behind its worker, a virtual fiscal server, one clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import msgspec

from drivers.document import Document, DocumentKind
from drivers.links.wire import WireLog
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.registrar import PrroRegistrar
from drivers.registrar import Mode, Registrar, Result, State, Status
from drivers.registry import connect
from drivers.road import walk
from drivers.worker import Worker
from kiosk.config import Policy, Settings
from kiosk.ledger.records import Binding, BindingRole, Role, Shift
from kiosk.ledger.store import SqlLedger, open_ledger
from kiosk.people.pins import hash_pin
from kiosk.till.offline import Alert, OfflineView
from kiosk.till.sale import Paid
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace
from tests.contract.memory import MemoryJournal
from tests.prro.registrar.world import FN, Keys, VirtualClock
from tests.till.shop.rig import GOODS, PLACE

BADGE = "2000000001"
BREAD, MILK = "4820000000017", "4820000000024"
PIN = "1111"
_HASH = hash_pin(PIN)


@dataclass
class PrroShop:
    """`restart` is a new start of the program with the same disk."""

    emulator: FiscalEmulator
    keys: Keys
    folder: Path
    clock: VirtualClock
    who: str = "cashier"
    policy: Policy = field(default_factory=lambda: Policy(cash_rounding="off", lock_minutes=0))
    options: dict[str, Any] = field(default_factory=dict)
    reserve: bool = False

    def __post_init__(self) -> None:
        self.till = self._open()

    @property
    def url(self) -> str:
        options = {
            "fn": FN, "key": self.who, "keys": self.keys.folder, "state": self.folder / "state", "tsp": "no",
            "demo": "yes", "connect_ms": 2000, "read_ms": 8000, "command_ms": 8000, "tape": self.folder / "tape.txt",
        } | self.options  # fmt: skip
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"prro+{self.emulator.address}?{query}"

    def _open(self) -> Till:
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = not (self.folder / "ledger.db").exists()
        self.ledger = open_ledger(self.folder / "ledger.db", self.clock)
        if fresh:
            _settle_in(self.ledger, self.url, reserve=self.reserve)
        settings = Settings(workplace=PLACE, data=str(self.folder), internet="", policy=self.policy)
        self.registrars: list[PrroRegistrar] = []
        till = Till(Workplace(self.ledger, settings, self.clock, self._connect))
        if self.ledger.people.by_badge(BADGE) is not None:
            till.people.login_badge(BADGE)
        return till

    def _connect(self, binding: Binding) -> Worker:
        registrar = connect(binding.url, clock=self.clock, log=WireLog(self.clock))
        self.registrars.append(cast(PrroRegistrar, registrar))
        return Worker(registrar)

    def restart(self) -> Till:
        self.till.close()
        self.till = self._open()
        return self.till

    def close(self) -> None:
        self.till.close()

    def allow(self, **changes: object) -> None:
        self.policy = msgspec.structs.replace(self.policy, **changes)
        place = self.till.workplace
        place.settings = msgspec.structs.replace(place.settings, policy=self.policy)

    # -- acts ---------------------------------------------------------------------------------------------------------

    @property
    def binding(self) -> Binding:
        return self.till.workplace.main_binding()

    def pass_time(self, seconds: float) -> None:
        """Let time pass between two questions to the registrar: a jump within one would be a line that is too slow."""
        self.call(lambda registrar: self.clock.advance(seconds))

    def call(self, work: Callable[[Registrar], Any]) -> Any:
        return self.till.workplace.desk(self.binding).access.call(work)

    def fiscal(self, kind: DocumentKind, amount: int = 0) -> Result:
        """A document past the till's own rooms (the opening, a Z): the driver's road with a journal of the test's."""
        document = Document(id=uuid4(), kind=kind, amount=amount)
        result = self.call(lambda registrar: walk(registrar, document, MemoryJournal(), self.clock, patience=5.0))
        assert isinstance(result, Result)
        assert result.state is State.REGISTERED, result
        return result

    def open(self) -> None:
        """The shift on the server and in the ledger."""
        self.fiscal(DocumentKind.OPEN_SHIFT)
        self._ledger_shift()
        self.look()

    def _ledger_shift(self) -> None:
        user = self.till.workplace.cashier()
        self.ledger.shifts.open(
            Shift(
                id=0,
                binding_id=self.binding.id,
                enterprise_id=self.binding.enterprise_id,
                workplace=PLACE,
                opened_by=user.id,
                opened_at=self.clock.now(),
            )
        )

    def new_day(self) -> None:
        """Z and the next opening, offline or not, in the registrar and in the ledger."""
        self.fiscal(DocumentKind.Z_REPORT)
        shift = self.till.shifts.current(self.binding)
        assert shift is not None
        user = self.till.workplace.cashier()
        self.ledger.shifts.close(
            shift.id, by=user.id, at=self.clock.now(), z_number=1, cash_left=0, closing={"reason": "test"}
        )
        self.fiscal(DocumentKind.OPEN_SHIFT)
        self._ledger_shift()
        self.look()

    def sell(self, *codes: str) -> Paid:
        for code in codes or (BREAD,):
            self.till.sale.enter(code)
        return self.till.sale.pay(received=self.till.sale.quote().cash_due)

    # -- what there is ------------------------------------------------------------------------------------------------

    def look(self) -> OfflineView:
        """The bar after the worker has asked the registrar."""
        access = self.till.workplace.desk(self.binding).access
        access.refresh().result()  # type: ignore[attr-defined]
        return self.seen()

    def seen(self) -> OfflineView:
        """The bar from memory."""
        found = self.till.offline.view(self.binding)
        assert found is not None
        return found

    def alerts(self) -> list[Alert]:
        self.look()
        return list(self.till.offline.alerts())

    @property
    def last(self) -> Status:
        status = self.till.workplace.desk(self.binding).access.last
        assert status is not None
        return status

    @property
    def mode(self) -> Mode:
        return self.look().mode

    @property
    def store(self) -> Any:
        """The driver's memory; only while its worker is idle."""
        return self.registrars[-1]._desk.store

    @property
    def server(self) -> list[dict[str, Any]]:
        """Documents of the server that count, oldest first."""
        return [entry for entry in self.emulator.registers()["journal"] if not entry["revoked"]]

    @property
    def sales(self) -> list[int]:
        return [entry["amount"] for entry in self.server if entry["kind"] == "SALE"]

    def home(self, seconds: float = 15.0, most: int = 40) -> None:
        """Let time pass with nobody touching the till, until the documents are home."""
        for _ in range(most):
            self.clock.advance(seconds)
            if self.mode is Mode.ONLINE:
                return
        raise AssertionError(f"not home: {self.seen()}")


def _settle_in(ledger: SqlLedger, url: str, *, reserve: bool) -> None:
    ledger.people.add("Олена", Role.CASHIER, badge=BADGE, pin_hash=_HASH, key_id="cashier")
    ledger.people.add("Ігор", Role.SENIOR, badge="2000000003", pin_hash=_HASH)
    ledger.people.add("Власник", Role.OWNER, badge="2000000004", pin_hash=_HASH)
    enterprise = ledger.shop.add_enterprise("ФОП Тест", "1234567899")
    binding = ledger.shop.bind(enterprise.id, PLACE, url, BindingRole.ACTIVE)
    ledger.shop.met(binding.id, serial=FN, fiscal_number=FN, model="ПРРО")
    if reserve:
        ledger.shop.bind(enterprise.id, PLACE, "datecs+serial:///dev/null", BindingRole.RESERVE)
    ledger.goods.put(GOODS)
