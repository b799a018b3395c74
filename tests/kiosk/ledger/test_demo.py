"""The demo shop is complete, lawful and filled once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stdnum import ean
from stdnum.ua import edrpou, rntrc

from kiosk.ledger import demo as demo_shop
from kiosk.ledger.demo import CUSTOMERS, PEOPLE, fill
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import BindingRole, Role
from kiosk.ledger.store import open_ledger
from kiosk.people.pins import check_pin
from tests.kiosk.ledger.world import Shop, TestClock

URL = "datecs+serial:///dev/registrar"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_ledger(Path(tmp_path_factory.mktemp("demo")) / "ledger.db", TestClock()) as ledger:
        fill(ledger, workplace="каса-1", registrar_url=URL)
        yield ledger


def test_everybody_can_log_in(demo: Ledger) -> None:
    assert {user.role for user in demo.people.active()} == set(Role)
    for name, role, badge, pin in PEOPLE:
        user = demo.people.by_badge(badge)
        assert user is not None
        assert (user.name, user.role) == (name, role)
        assert check_pin(pin, demo.people.pin_hash(user.id))


def test_the_documentation_names_every_badge_pin_and_card() -> None:
    text = demo_shop.__doc__
    assert text is not None
    for name, role, badge, pin in PEOPLE:
        assert any(line.split() == [*name.split(), role, badge, pin] for line in text.splitlines())
    for card, name, discount in CUSTOMERS:
        assert any(line.split() == [*name.split(), card, str(discount // 100), "%"] for line in text.splitlines())


def test_two_enterprises_one_active_registrar(demo: Ledger) -> None:
    first, second = demo.shop.enterprises()
    assert edrpou.is_valid(first.tax_number)
    assert rntrc.is_valid(second.tax_number)
    (binding,) = demo.shop.bindings("каса-1")
    assert (binding.enterprise_id, binding.url, binding.role) == (first.id, URL, BindingRole.ACTIVE)


def test_the_shelves(demo: Ledger) -> None:
    goods = demo.goods.page("", 1000)
    assert 110 <= len(goods) <= 140
    assert len({good.name for good in goods}) == len(goods)
    for good in goods:
        assert good.price > 0
        if good.weighed:
            assert (good.unit, good.barcode) == ("кг", "")
            assert 3 <= len(good.code) <= 5, "fits a weight label"
        else:
            assert ean.is_valid(good.barcode)
            assert good.barcode.startswith("482")
            assert demo.goods.by_barcode(good.barcode) == good
        assert good.fiscal or good.ground
        if good.excisable:
            assert len(good.uktzed) == 10
            assert good.uktzed.isdecimal()
            assert good.adult
    assert sum(good.weighed for good in goods) >= 10
    assert sum(good.excisable for good in goods) >= 4
    assert sum(not good.fiscal for good in goods) >= 3
    assert {good.tax for good in goods} == {"А", "Б"}


def test_customers_have_cards(demo: Ledger) -> None:
    for card, name, discount in CUSTOMERS:
        customer = demo.goods.customer(card)
        assert customer is not None
        assert (customer.name, customer.discount) == (name, discount)


def test_filling_again_changes_nothing(demo: Ledger) -> None:
    before = (demo.goods.page("", 1000), demo.people.active(), demo.shop.enterprises(), demo.shop.bindings("каса-1"))
    fill(demo, workplace="каса-1", registrar_url="other://")
    assert before == (
        demo.goods.page("", 1000),
        demo.people.active(),
        demo.shop.enterprises(),
        demo.shop.bindings("каса-1"),
    )


def test_a_real_shop_is_not_filled(shop: Shop) -> None:
    shop.ledger.shop.add_enterprise("Справжній магазин", "40789134")
    with pytest.raises(LedgerError, match="empty"):
        fill(shop.ledger, workplace="каса-1", registrar_url=URL)
    assert shop.ledger.goods.count() == 2
