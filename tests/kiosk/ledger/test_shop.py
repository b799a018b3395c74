"""Enterprises, bindings, leases, settings."""

from __future__ import annotations

import pytest

from kiosk.ledger.errors import LedgerError
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import BindingRole, Lease
from tests.kiosk.ledger.world import START, WORKPLACE, Shop


def test_several_enterprises_are_kept(shop: Shop) -> None:
    other = shop.ledger.shop.add_enterprise("ФОП", "3250719843")
    assert shop.ledger.shop.enterprises() == [shop.enterprise, other]
    with pytest.raises(LedgerError, match="3250719843"):
        shop.ledger.shop.add_enterprise("ФОП ще раз", "3250719843")


def test_an_enterprise_has_one_active_registrar_at_a_workplace(shop: Shop) -> None:
    bind = shop.ledger.shop.bind
    with pytest.raises(LedgerError, match="active registrar") as caught:
        bind(shop.enterprise.id, WORKPLACE, "maria+tcp://10.0.0.7", BindingRole.ACTIVE)
    assert caught.value.code == "active"
    reserve = bind(shop.enterprise.id, WORKPLACE, "maria+tcp://10.0.0.7", BindingRole.RESERVE)
    other_place = bind(shop.enterprise.id, "каса-2", "maria+tcp://10.0.0.8", BindingRole.ACTIVE)
    assert shop.ledger.shop.bindings(WORKPLACE) == [shop.binding, reserve]
    assert shop.ledger.shop.bindings("каса-2") == [other_place]
    assert shop.ledger.shop.binding(reserve.id) == reserve


def test_a_binding_needs_an_enterprise(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="forbid"):
        ledger.shop.bind(99, WORKPLACE, "x://", BindingRole.RESERVE)
    with pytest.raises(LedgerError, match="no binding 99"):
        ledger.shop.binding(99)


def test_the_first_serial_stays(shop: Shop) -> None:
    met = shop.ledger.shop.met
    first = met(shop.binding.id, serial="ДТ0001", fiscal_number="3000000001", model="FP-3530T")
    assert (first.serial, first.fiscal_number, first.model) == ("ДТ0001", "3000000001", "FP-3530T")
    other = met(shop.binding.id, serial="ДТ0002", fiscal_number="3000000002", model="FP-320")
    assert other == first == shop.ledger.shop.binding(shop.binding.id)
    again = met(shop.binding.id, serial="ДТ0001", fiscal_number="3000000009", model="FP-3530T")
    assert again.fiscal_number == "3000000009"
    assert met(shop.binding.id, serial="", fiscal_number="", model="") == again


def test_i_5_a_lease_stands_in_the_way_of_another_workplace(ledger: Ledger) -> None:
    mine = Lease("ДТ0001", WORKPLACE, "Оксана", START)
    assert ledger.shop.lease("ДТ0001") is None
    assert ledger.shop.take_lease(mine) == mine
    assert ledger.shop.take_lease(Lease("ДТ0001", "каса-2", "Андрій", START)) == mine
    renewed = Lease("ДТ0001", WORKPLACE, "Ірина", START)
    assert ledger.shop.take_lease(renewed) == renewed
    ledger.shop.drop_lease("ДТ0001", "каса-2")
    assert ledger.shop.lease("ДТ0001") == renewed
    ledger.shop.drop_lease("ДТ0001", WORKPLACE)
    assert ledger.shop.lease("ДТ0001") is None


def test_settings_are_replaced(ledger: Ledger) -> None:
    assert ledger.shop.setting("rounding") is None
    ledger.shop.set_setting("rounding", "10")
    ledger.shop.set_setting("rounding", "50")
    assert ledger.shop.setting("rounding") == "50"
