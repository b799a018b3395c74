"""A whole till without screens: real ledger, real driver, a virtual registrar behind a pseudo-terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.emulation.server import EmulatorServer
from drivers.links.wire import WireLog
from kiosk.config import Policy, Settings
from kiosk.desks import worker
from kiosk.ledger.records import BindingRole, Good, Role, User
from kiosk.ledger.store import open_ledger
from kiosk.people.pins import hash_pin
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace

BREAD = Good(0, "1001", "Хліб білий", 2500, 1, barcode="4820000000017", tax="А", stock=50_000)
MILK = Good(0, "1002", "Молоко 2,5%", 4120, 1, barcode="4820000000024", tax="Б", stock=50_000)
CHEESE = Good(0, "2001", "Сир твердий", 19990, 1, tax="А", unit="кг", weighed=True, stock=20_000)
BAG = Good(0, "3001", "Пакет паперовий", 300, 1, barcode="4820000000031", fiscal=False, ground="exempt_art9")


class ShiftedClock(SystemClock):
    """The machine's clock, moved by hand."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return super().now() + self.offset


class Shop:
    """A shop that can be killed and started again: `till` is the one that runs."""

    emulator: EmulatorServer
    """Set where the fixture of this folder started the registrar."""

    def __init__(self, folder: Path, url: str, *, workplace: str = "Каса 1", policy: Policy | None = None):
        self.clock = ShiftedClock()
        self.url = url
        self.settings = Settings(
            workplace=workplace, data=str(folder), internet="127.0.0.1:9", policy=policy or Policy(cash_rounding=50)
        )
        self.path = folder / "ledger.db"
        self.till = self.start()

    def start(self) -> Till:
        """Another process would do this: open the ledger anew, connect to the same line."""
        ledger = open_ledger(self.path, self.clock)
        self.log = WireLog(self.clock)
        place = Workplace(ledger, self.settings, self.clock, lambda binding: worker(binding, self.clock, self.log))
        self.till = Till(place)
        return self.till

    def furnish(self) -> None:
        """People, goods and the registrar of an empty ledger."""
        ledger = self.till.workplace.ledger
        ledger.shop.add_enterprise("ТОВ Ромашка", "12345678")
        ledger.shop.bind(1, self.settings.workplace, self.url, BindingRole.ACTIVE)
        for name, role, badge, pin in (
            ("Олена", Role.CASHIER, "B-OLENA", "1111"),
            ("Марія", Role.SENIOR, "B-MARIA", "2222"),
            ("Власник", Role.OWNER, "B-OWNER", "3333"),
        ):
            ledger.people.add(name, role, badge=badge, pin_hash=hash_pin(pin))
        ledger.goods.put([BREAD, MILK, CHEESE, BAG])
        ledger.goods.add_customer("CARD-1", "Покупець Постійний", 500)

    def open(self, counted: int = 0) -> User:
        """Log the cashier in and open the shift."""
        user = self.till.people.login_badge("B-OLENA")
        binding = self.till.workplace.main_binding()
        self.till.shifts.open(binding, counted=counted, float_=counted, reason="початок" if counted else "")
        return user


NewShop = Callable[..., Shop]


@pytest.fixture(autouse=True)
def in_kyiv(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program counts in Kyiv time from its start; the checklist looks at it (line 11)."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Kyiv")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def new_shop(tmp_path: Path, launch: Callable[..., EmulatorServer]) -> Iterator[NewShop]:
    with ExitStack() as stack:

        def make(*, furnished: bool = True, policy: Policy | None = None, **device: object) -> Shop:
            server = launch(**device)
            shop = Shop(tmp_path / "data", f"datecs+serial://{server.address}?cap=5", policy=policy)
            shop.emulator = server
            if furnished:
                shop.furnish()
            stack.callback(lambda: shop.till.close())
            return shop

        yield make


@pytest.fixture
def shop(new_shop: NewShop) -> Shop:
    """An open shift with 100.00 of change."""
    shop = new_shop()
    shop.open(10_000)
    return shop
