"""People: badges, PINs, posts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.ledger.errors import LedgerError
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import PinState, Role
from tests.kiosk.ledger.world import START, Shop


def test_a_person_comes_back_as_added(ledger: Ledger) -> None:
    added = ledger.people.add("Ґанна", Role.SENIOR, badge="77", pin_hash="h", denied=["storno", "z"], key_id="k1")
    assert added.denied == frozenset({"storno", "z"})
    assert added.has_pin
    assert ledger.people.get(added.id) == added
    assert ledger.people.by_badge("77") == added
    assert ledger.people.pin_hash(added.id) == "h"


def test_active_people_stand_in_the_order_of_the_ukrainian_alphabet(ledger: Ledger) -> None:
    for name in ("Яна", "Ірина", "Ґанна", "Дмитро", "Зоя", "Йосип"):
        ledger.people.add(name, Role.CASHIER)
    names = [user.name for user in ledger.people.active()]
    assert names == ["Ґанна", "Дмитро", "Зоя", "Ірина", "Йосип", "Оксана", "Яна"]


def test_a_badge_belongs_to_one_person_and_no_badge_to_many(ledger: Ledger) -> None:
    ledger.people.add("А", Role.CASHIER)
    ledger.people.add("Б", Role.CASHIER)
    with pytest.raises(LedgerError, match="another person") as caught:
        ledger.people.add("В", Role.CASHIER, badge="2000000001")
    assert caught.value.code == "badge"
    assert [user.name for user in ledger.people.active()] == ["А", "Б", "Оксана"]


@pytest.mark.parametrize("badge", ["", "unknown", "\x00", "\ud800", "9" * 10_000])
def test_an_unknown_badge_is_nobody(ledger: Ledger, badge: str) -> None:
    ledger.people.add("Без бейджа", Role.CASHIER)
    assert ledger.people.by_badge(badge) is None


def test_pin_state_and_hash_are_kept(shop: Shop) -> None:
    people = shop.ledger.people
    assert people.pin_state(shop.cashier.id) == PinState()
    state = PinState(5, START + timedelta(seconds=60))
    people.set_pin_state(shop.cashier.id, state)
    people.set_pin_hash(shop.cashier.id, "scrypt$…")
    assert people.pin_state(shop.cashier.id) == state
    assert people.pin_hash(shop.cashier.id) == "scrypt$…"
    assert people.get(shop.cashier.id).has_pin


def test_nobody_has_an_unknown_number(ledger: Ledger) -> None:
    for call in (ledger.people.get, ledger.people.pin_hash, ledger.people.pin_state):
        with pytest.raises(LedgerError, match="no user 99"):
            call(99)
    with pytest.raises(LedgerError, match="no user 99"):
        ledger.people.set_pin_hash(99, "x")
    with pytest.raises(LedgerError, match="no user 99"):
        ledger.people.set_pin_state(99, PinState(1))


def test_a_person_needs_a_name(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="name"):
        ledger.people.add("  ", Role.CASHIER)
