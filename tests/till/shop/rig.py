"""A shop to test in: real ledger on the disk, real driver behind its worker, real virtual registrar on a pty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec

from drivers.clock import SystemClock
from drivers.document import CardSlip
from kiosk.config import Policy, Settings
from kiosk.desks import worker
from kiosk.ledger.records import Binding, BindingRole, Customer, Good, Receipt, ReceiptState, Role, User
from kiosk.ledger.store import SqlLedger, open_ledger
from kiosk.people.pins import hash_pin
from kiosk.till.rights import Right
from kiosk.till.sale import Paid
from kiosk.till.till import Till
from kiosk.till.workplace import Approval, Workplace

PLACE = "Каса 1"
PINS = {"Олена": "1111", "Ігор": "2222", "Марія": "3333", "Власник": "4444"}
GOODS = (
    Good(0, "1", "Хліб", 2550, 1, barcode="4820000000017"),
    Good(0, "2", "Молоко", 4199, 1, barcode="4820000000024", tax="Б"),
    Good(0, "3", "Цукерка", 30, 1, barcode="4820000000031"),
    Good(0, "4", "Сир ваговий", 19990, 1, unit="кг", weighed=True),
    Good(0, "5", "Вживана книга", 5000, 1, barcode="4820000000055", fiscal=False, ground="exempt_art9"),
    Good(0, "6", "Плита", 399_999, 1, barcode="4820000000062"),
)
SLIP = CardSlip(
    rrn="123456789012", auth_code="A1B2C3", pan_mask="XXXXXXXXXXXX1234", terminal="TERM0001", payment_system="VISA"
)


class ShiftedClock(SystemClock):
    """The machine's clock, set forward (or back) by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@cache
def _hash(pin: str) -> str:
    return hash_pin(pin)


def settle_in(
    ledger: SqlLedger, url: str, *, enterprises: int = 1, urls: Iterable[str] = (), tax_number: str = "1234567891"
) -> None:
    """People, goods and registrars of a fresh shop."""
    roles = {"Олена": Role.CASHIER, "Ігор": Role.SENIOR, "Марія": Role.ADMINISTRATOR, "Власник": Role.OWNER}
    for name, role in roles.items():
        ledger.people.add(name, role, badge=f"BADGE-{PINS[name]}", pin_hash=_hash(PINS[name]))
    for number, where in zip(range(1, enterprises + 1), (url, *urls), strict=True):
        code = tax_number if number == 1 else f"123456789{number}"
        enterprise = ledger.shop.add_enterprise(f"ФОП {number}", code)
        ledger.shop.bind(enterprise.id, PLACE, where, BindingRole.ACTIVE)
    ledger.goods.put(GOODS)
    if enterprises > 1:
        ledger.goods.put([Good(0, "9", "Мед", 10_000, 2, barcode="4820000000093")])
    ledger.goods.add_customer("CARD-777", "Постійний покупець", 500)


@dataclass
class Shop:
    """A till in its shop. `restart` is what a new start of the program does with the same data."""

    folder: Path
    url: str
    policy: Policy = field(default_factory=lambda: Policy(cash_rounding=50))
    clock: ShiftedClock = field(default_factory=ShiftedClock)
    enterprises: int = 1
    urls: tuple[str, ...] = ()
    workplace: str = PLACE
    tax_number: str = "1234567891"

    def __post_init__(self) -> None:
        self.till = self._open()

    def _open(self) -> Till:
        fresh = not (self.folder / "ledger.db").exists()
        self.ledger = open_ledger(self.folder / "ledger.db", self.clock)
        if fresh:
            settle_in(self.ledger, self.url, enterprises=self.enterprises, urls=self.urls, tax_number=self.tax_number)
        settings = Settings(workplace=self.workplace, data=str(self.folder), internet="", policy=self.policy)
        return Till(Workplace(self.ledger, settings, self.clock, lambda binding: worker(binding, self.clock)))

    def restart(self) -> Till:
        """The program ends in order and starts again."""
        self.till.close()
        self.till = self._open()
        return self.till

    def close(self) -> None:
        self.till.close()

    def allow(self, **changes: object) -> None:
        """Other policy from now on."""
        self.policy = msgspec.structs.replace(self.policy, **changes)
        settings = self.till.workplace.settings
        self.till.workplace.settings = msgspec.structs.replace(settings, policy=self.policy)

    # -- people ---------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User:
        return next(user for user in self.ledger.people.active() if user.name == name)

    def login(self, name: str = "Олена") -> User:
        if self.till.workplace.user is not None:
            self.till.sale.leave()
            self.till.people.logout()
        return self.till.people.login_pin(self.user(name).id, PINS[name])

    def helps(self, right: Right, name: str = "Ігор") -> Approval:
        return self.till.people.approve(right, user_id=self.user(name).id, pin=PINS[name])

    # -- the day --------------------------------------------------------------------------------------------------

    @property
    def binding(self) -> Binding:
        return self.till.workplace.main_binding()

    def open(self, float_: int = 50_000) -> None:
        for binding in self.till.workplace.bindings():
            self.till.shifts.open(binding, counted=float_, float_=float_, reason="Розмін")

    def begin(self, float_: int = 50_000, name: str = "Олена") -> Till:
        self.login(name)
        self.open(float_)
        return self.till

    def sell(self, *codes: str, card: int = 0, received: int | None = None, customer: Customer | None = None) -> Paid:
        """`codes` may be `2*1`; paid exactly unless `received` is given."""
        for code in codes:
            self.till.sale.enter(code)
        if customer is not None:
            self.till.sale.customer(customer)
        if card < 0:
            card = self.till.sale.basket.fiscal
        due = self.till.sale.quote(card=card).cash_due
        return self.till.sale.pay(
            received=due if received is None else received, card=card, slip=SLIP if card else None
        )

    def sold(self, *codes: str, card: int = 0, customer: Customer | None = None) -> Receipt:
        paid = self.sell(*codes, card=card, customer=customer)
        assert paid.state is ReceiptState.DONE, paid.fault
        return self.ledger.receipts.receipt(paid.receipt.id)

    def stock(self, code: str) -> int:
        good = self.ledger.goods.by_code(code)
        assert good is not None
        return good.stock
