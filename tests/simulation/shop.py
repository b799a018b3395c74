"""The shop: a till with its ledger on the simulated disk, its registrars on simulated cables; it dies and comes back.

Everything between the till's rooms and the emulators' bytes is the product itself. Only the worker's thread is missing:
`Direct` calls the driver at once (`kiosk.till.workplace.Access`).
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from drivers.clock import Clock
from drivers.document import CardSlip, Document
from drivers.emulation.memory import StateFile
from drivers.errors import Fault
from drivers.links import Link
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, Status
from drivers.registry import connect
from kiosk.config import Policy, Settings
from kiosk.desks import bound_url
from kiosk.ledger.records import Binding, BindingRole, Good, Role, User
from kiosk.ledger.store import SqlLedger, open_ledger
from kiosk.till.rights import Right
from kiosk.till.till import Till
from kiosk.till.workplace import Approval, Workplace
from tests.simulation import office
from tests.simulation.box import Box, Cable
from tests.simulation.disk import Disk
from tests.simulation.office import Office
from tests.simulation.world import VirtualClock, World

T = TypeVar("T")
PLACE = "Каса 1"
PEOPLE = {"Олена": Role.CASHIER, "Ігор": Role.SENIOR, "Марія": Role.ADMINISTRATOR, "Власник": Role.OWNER}
GOODS = (
    Good(0, "1", "Хліб", 2550, 1, barcode="4820000000017"),
    Good(0, "2", "Молоко", 4199, 1, barcode="4820000000024", tax="Б"),
    Good(0, "3", "Цукерка", 30, 1, barcode="4820000000031"),
    Good(0, "4", "Сир ваговий", 19990, 1, unit="кг", weighed=True),
    Good(0, "5", "Вживана книга", 5000, 1, barcode="4820000000055", fiscal=False, ground="exempt_art9"),
    Good(0, "6", "Плита", 399_999, 1, barcode="4820000000062"),
    Good(0, "7", "Ковбаса", 12_345, 1, unit="кг", weighed=True, tax="Б"),
    Good(0, "8", "Пакет", 99, 1, tax="В"),
)
SLIP = CardSlip(
    rrn="123456789012", auth_code="A1B2C3", pan_mask="XXXXXXXXXXXX1234", terminal="TERM0001", payment_system="VISA"
)


@dataclass(frozen=True)
class Family:
    """How a family of registrars is set up. `url` takes the name of the cable."""

    scheme: str
    transport: str
    url: str
    commands: Mapping[str, str]
    """Its commands by their part in a document: open, line, pay, close, cash, z."""
    faults: frozenset[str]
    """Ids of the catalogue (emulators.md §3) that its emulator knows how to do."""
    options: Mapping[str, str] = field(default_factory=dict)
    numbers_cash: bool = True
    """Whether it tells the numbers of cash movements; where it does not they are matched by sum and order."""
    wire: int = 500
    """Points on the wire in a sale: bytes out and reads."""


_ALL = frozenset(f"F{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20))
_LATE = _ALL | {"F22"}


def _commands(open: str, line: str, pay: str, close: str, cash: str, z: str) -> Mapping[str, str]:
    return {"open": open, "line": line, "pay": pay, "close": close, "cash": cash, "z": z}


FAMILIES = {
    "datecs": Family(
        "datecs", "serial", "datecs+serial:///sim/{name}?cap=30", _commands("48", "58", "53", "56", "70", "69"), _LATE
    ),
    "exellio": Family(
        "exellio", "tcp", "exellio+tcp://10.0.0.1:9100?cap=30", _commands("48", "58", "53", "56", "70", "69"), _LATE
    ),
    "krypton": Family(
        "krypton", "serial", "krypton+serial:///sim/{name}?cap=30", _commands("63", "64", "67", "65", "6E", "A1"), _LATE
    ),
    "ikc": Family(
        "ikc", "serial", "ikc+serial:///sim/{name}?cap=30", _commands("18", "18", "20", "20", "16", "13"), _LATE,
        {"jumper": "1"},
    ),
    "maria": Family(
        "maria", "serial", "maria+serial:///sim/{name}?cap=30",
        _commands("PREP", "FISC", "COMP", "COMP", "CAIO", "NREP"), _ALL, {"model": "304"}, numbers_cash=False,
    ),
    "helpmicro": Family(
        "helpmicro", "tcp", "helpmicro+http://10.0.0.2:80?cap=30&cashier=1&cashier_password=1111",
        _commands("F", "F", "F", "F", "IO", "proc/printreport?0"), _ALL, wire=4000,
    ),
    "prro": Family(
        "prro", "http", "", _commands(*["doc:CHECK"] * 5, "doc:ZREP"),
        frozenset({"F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F11", "F20", "F23"}), wire=4500,
    ),
}  # fmt: skip


class Direct:
    """The way to a registrar without a thread; answers `kiosk.till.workplace.Access`."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar
        self.capabilities = registrar.capabilities
        self.last: Status | None = None

    @property
    def check(self) -> Callable[[Document], None]:
        return self._registrar.check

    def call(self, work: Callable[[Registrar], T]) -> T:
        return work(self._registrar)

    def refresh(self) -> None:
        try:
            self.last = self._registrar.status()
        except Fault as fault:
            self.last = Status(reachable=False, blocks=(str(fault.code),), raw=str(fault))

    def close(self) -> None:
        self._registrar.close()


class Shop:
    """One workplace with one registrar of `family`."""

    def __init__(self, world: World, folder: Path, family: str, state: StateFile | None = None) -> None:
        self.world = world
        self.folder = folder
        self.family = FAMILIES[family]
        self.clock: Clock = VirtualClock(world)
        self.disk = Disk(folder, world)
        options, transport = dict(self.family.options), self.family.transport
        self.software = self.family.scheme == "prro"
        self.box: Any = (
            Office(world)
            if self.software
            else Box(world, self.family.scheme, options, transport=transport, state=state)
        )
        if self.software:
            office.lay_keys(folder / "keys")
        self.own_serial = self.box.serial()
        self.policy = Policy(cash_rounding=50, refund_limit=10**9, cash_out_limit=10**9, online_opening=False)
        self.deaths = 0
        self.cables: list[Any] = []
        self.wires: list[WireLog] = []
        self._users: dict[str, User] = {}
        self.till = self._open()

    @property
    def url(self) -> str:
        return office.url(self.folder) if self.software else self.family.url.format(name=self.family.scheme)

    def _open(self) -> Till:
        path = self.folder / "ledger.db"
        fresh = not path.exists()
        self.ledger: SqlLedger = open_ledger(path, self.clock)
        if fresh:
            self._furnish()
        settings = Settings(workplace=PLACE, data=str(self.folder), internet="", policy=self.policy)
        return Till(Workplace(self.ledger, settings, self.clock, self._connect))

    def _connect(self, binding: Binding) -> Direct:
        log = WireLog(self.clock, size=100_000, most=64 * 1024 * 1024)

        def tap(link: Link) -> Link:
            cable = Cable(self.box, link.name)
            self.cables.append(cable)
            return cable

        log.tap = tap
        self.wires.append(log)
        self._registrar = connect(bound_url(binding), clock=self.clock, log=log, record=False)
        return Direct(self._registrar)

    def _furnish(self) -> None:
        for name, role in PEOPLE.items():
            self.ledger.people.add(name, role, badge=f"BADGE-{name}", pin_hash="")
        enterprise = self.ledger.shop.add_enterprise("ФОП 1", office.TIN if self.software else "1234567891")
        binding = self.ledger.shop.bind(enterprise.id, PLACE, self.url, BindingRole.ACTIVE)
        if self.software:
            certificate = office.people().people["cashier"].certificate
            self.ledger.shop.know_signers(binding.id, [(certificate.key_id or b"").hex()])
        self.ledger.goods.put(GOODS)
        self.ledger.goods.add_customer("CARD-777", "Постійний покупець", 500)

    # -- people ---------------------------------------------------------------------------------------------------

    @property
    def binding(self) -> Binding:
        return self.till.workplace.main_binding()

    def login(self, name: str = "Ігор") -> None:
        user = self.till.workplace.user
        if user is not None and user.name != name:
            self.till.sale.leave()
            self.till.people.logout()
        self.till.people.login_badge(f"BADGE-{name}")
        if self.software:
            office.unlock(self.folder / "keys")

    def helps(self, right: Right, name: str = "Марія") -> Approval:
        return self.till.people.approve(right, badge=f"BADGE-{name}")

    # -- the end and the beginning of a process -------------------------------------------------------------------

    def bury(self, *, power: bool, dice: random.Random) -> None:
        """The process is gone: its objects, and with `power` what the disk had not synced."""
        self.world.dead = True
        self.world.strike = None
        self.till.workplace._desks.clear()
        self._let_go()
        if power:
            self.disk.cut_power(dice)
        else:
            self.disk.survive_kill()
        if not self.software:
            self.world.dead = False
            for cable in self.cables:
                cable.close()
        self.world.dead = False
        self.deaths += 1

    def _let_go(self) -> None:
        """The connections of a dead process: closed by the system, which folds nothing in."""
        if self.software:
            with suppress(BaseException):
                self._registrar.close()
            office.forget_keys()
        self.ledger.database.engine.dispose()
        gc.collect()

    def start(self) -> Till:
        """The program starts with the same data. Raises `LedgerError` where the ledger cannot be opened."""
        self.cables.clear()
        self.wires.clear()
        self.till = self._open()
        return self.till

    def restart(self) -> Till:
        """The program ends in order and starts again."""
        self.till.close()
        return self.start()

    def close(self) -> None:
        self.till.close()
        self.disk.forget()
