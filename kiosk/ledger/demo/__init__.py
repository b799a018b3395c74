"""A small grocery for the first start and for tests: two enterprises, one active registrar, people, goods, customers.

    person               post            badge        PIN
    Ковальчук Оксана     cashier         2000000001   1111
    Мельник Андрій       cashier         2000000002   2222
    Шевченко Ірина       senior          2000000003   3333
    Бондаренко Петро     administrator   2000000004   4444
    Ткаченко Олена       owner           2000000005   5555
    Кравець Тарас        technician      2000000006   6666
    Лисенко Марія        auditor         2000000007   7777

    customer             card         discount
    Гончар Віра          7000000012   5 %
    Дорошенко Назар      7000000029   3 %
    Савчук Лідія         7000000036   10 %

On the software registrar the keys of the virtual tax service sign; the password of each of them is `demo`.

Nobody and nothing here is real; the tax numbers only have right check digits. A real shop begins with an empty ledger.
"""

from __future__ import annotations

from collections.abc import Sequence

from kiosk.ledger.demo.goods import goods
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import BindingRole, Enterprise, Role
from kiosk.people.pins import hash_pin

ENTERPRISES = (("ТОВ «Крамниця на розі»", "31456270"), ("ФОП Ткаченко Олена Іванівна", "3250719843"))
"""The first one trades at the workplace; the second is there to be bound to a registrar of its own."""
VAT_NUMBER = "314562726551"
"""The first one's, as the virtual tax service knows it."""
OUTLET = ("Крамниця на розі", "УКРАЇНА, м. Полтава, вул. Соборності, 1")
KEY_PASSWORD = "demo"

PEOPLE = (
    ("Ковальчук Оксана", Role.CASHIER, "2000000001", "1111"),
    ("Мельник Андрій", Role.CASHIER, "2000000002", "2222"),
    ("Шевченко Ірина", Role.SENIOR, "2000000003", "3333"),
    ("Бондаренко Петро", Role.ADMINISTRATOR, "2000000004", "4444"),
    ("Ткаченко Олена", Role.OWNER, "2000000005", "5555"),
    ("Кравець Тарас", Role.TECHNICIAN, "2000000006", "6666"),
    ("Лисенко Марія", Role.AUDITOR, "2000000007", "7777"),
)
CUSTOMERS = (
    ("7000000012", "Гончар Віра", 500),
    ("7000000029", "Дорошенко Назар", 300),
    ("7000000036", "Савчук Лідія", 1000),
)


def fill(ledger: Ledger, *, workplace: str, registrar_url: str, signers: Sequence[str] = ()) -> None:
    """Fill an empty ledger. What is there already stays, so a fill that was cut short is finished by the next one.

    `signers`: keys registered for a software registrar.

    Raises `LedgerError` when the ledger belongs to another shop.
    """
    there = {enterprise.tax_number: enterprise for enterprise in ledger.shop.enterprises()}
    if there.keys() - {tax_number for _, tax_number in ENTERPRISES}:
        raise LedgerError("not_empty", "the demo shop goes into an empty ledger only")
    trading, _ = (there.get(number) or ledger.shop.add_enterprise(name, number) for name, number in ENTERPRISES)
    _bind(ledger, trading, workplace, registrar_url, signers)
    for name, role, badge, pin in PEOPLE:
        if ledger.people.by_badge(badge) is None:
            ledger.people.add(name, role, badge=badge, pin_hash=hash_pin(pin))
    for card, name, discount in CUSTOMERS:
        if ledger.goods.customer(card) is None:
            ledger.goods.add_customer(card, name, discount)
    if ledger.goods.count() == 0:
        ledger.goods.put(goods(trading.id))


def _bind(ledger: Ledger, enterprise: Enterprise, workplace: str, url: str, signers: Sequence[str]) -> None:
    bound = [binding for binding in ledger.shop.bindings(workplace) if binding.enterprise_id == enterprise.id]
    active = next((binding for binding in bound if binding.role is BindingRole.ACTIVE), None)
    if active is None:
        active = ledger.shop.bind(enterprise.id, workplace, url, BindingRole.ACTIVE)
    if set(signers) - active.signers:
        ledger.shop.know_signers(active.id, signers)
