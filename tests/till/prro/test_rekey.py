"""Another key for the same registrar: at rest, in an open shift, and back again (cashier-flow.md VIII.3, VIII-3)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import Code, Fault
from kiosk.ledger.records import DocumentState, ReceiptState, Role
from kiosk.till.errors import Denied, Refusal
from kiosk.till.keys import slot_of
from tests.till.prro.conftest import Found
from tests.till.prro.rig import PASSWORD, Software


def opener(shop: Software) -> str:
    """Whose key opened the server's shift."""
    access: Any = shop.till.workplace.desk(shop.binding).access
    shift = access.call(lambda registrar: registrar._desk.store.last_shift())
    people = shop.emulator.demo.people
    return next(who for who, one in people.items() if (one.certificate.key_id or b"").hex() == shift.opener)


def test_viii_3_a_key_replaced_in_an_open_shift_the_senior_closes_and_the_new_one_opens(shop: Software) -> None:
    till = shop.begin(20_000, name="Ігор")
    shop.sold("1")
    shop.emulator.withdraw_operator("cashier")
    dead = shop.sell("2")
    assert dead.state is ReceiptState.FAILED and dead.fault is not None
    assert dead.fault.code in (Code.ACCESS_DENIED, Code.REGISTRAR_UNKNOWN)
    till.sale.clear()

    new = till.rekeying.check(shop.binding, "second", PASSWORD)
    assert new.registered and not new.chief
    change = till.rekeying.replace(shop.binding, new)
    assert change.waits and slot_of(shop.binding) == "cashier" and till.rekeying.next(shop.binding) == "second"
    with pytest.raises(Refusal, match="NOT_SENIOR"):
        till.rekeying.close_with(shop.binding, new)

    senior = till.rekeying.check(shop.binding, "senior", PASSWORD)
    assert senior.chief
    till.rekeying.close_with(shop.binding, senior)
    assert slot_of(shop.binding) == "senior" and not till.keys.locked(shop.binding)
    sale = shop.sell("2")
    assert sale.state is ReceiptState.FAILED, "a senior's key closes another's shift and sells nothing in it"
    till.sale.clear()
    closed = till.closing.z(shop.binding, counted=0)
    assert closed.document.state is DocumentState.REGISTERED, closed.document.result
    assert not closed.shift.is_open

    assert slot_of(shop.binding) == "second" and till.rekeying.next(shop.binding) == ""
    assert not till.keys.locked(shop.binding)
    opened = till.shifts.open(shop.binding, counted=22_550, float_=22_550)
    assert opened.shift is not None and opened.cash_in is not None and opened.cash_in.done
    assert opener(shop) == "second"
    assert till.rekeying.before(shop.binding) == "", "the first document has proved the new key"
    assert shop.sold("1").state is ReceiptState.DONE
    assert slot_of(shop.killed().workplace.main_binding()) == "second"
    shop.agrees()


def test_at_rest_the_new_key_signs_at_once_and_the_old_slot_is_kept_until_it_has(shop: Software) -> None:
    shop.login("Ігор")
    shop.unlock()
    till = shop.till
    assert [view.slot for view in till.rekeying.slots(shop.binding)] == ["cashier", "head", "second", "senior"]
    view = till.rekeying.check(shop.binding, "second", PASSWORD)
    assert not till.rekeying.replace(shop.binding, view).waits
    assert slot_of(shop.binding) == "second" and till.rekeying.before(shop.binding) == "cashier"
    shop.emulator.add_fault("refusal", "doc", code=9, text="Документ не прийнято")
    assert till.shifts.open(shop.binding, counted=0, float_=0).shift is None
    assert till.rekeying.before(shop.binding) == "cashier"
    assert slot_of(till.rekeying.back(shop.binding)) == "cashier"
    with pytest.raises(Refusal, match="NO_OLD_KEY"):
        till.rekeying.back(shop.binding)
    shop.unlock()
    view = till.rekeying.check(shop.binding, "second", PASSWORD)
    till.rekeying.replace(shop.binding, view)
    assert till.shifts.open(shop.binding, counted=0, float_=0).shift is not None
    assert till.rekeying.before(shop.binding) == ""
    assert opener(shop) == "second"


def test_a_key_that_is_not_registered_is_refused_and_the_old_one_stays(shop: Software) -> None:
    shop.emulator.withdraw_operator("second")
    shop.login("Ігор")
    shop.unlock()
    with pytest.raises(Refusal, match="FOREIGN_KEY"):
        shop.till.rekeying.check(shop.binding, "second", PASSWORD)
    view = shop.till.keys.view(shop.binding, "second")
    assert view is not None and not view.unlocked, "what was refused is locked again"
    assert slot_of(shop.binding) == "cashier" and not shop.till.keys.locked(shop.binding)


def test_without_a_link_nothing_is_replaced(shop: Software) -> None:
    shop.login("Ігор")
    shop.emulator.unplug()
    with pytest.raises(Refusal, match="NO_ANSWER"):
        shop.till.rekeying.check(shop.binding, "second", PASSWORD)
    assert slot_of(shop.binding) == "cashier"


def test_a_wrong_password_and_another_taxpayers_key_change_nothing(found: Found, tmp_path: Path) -> None:
    other = found("other", tin="87654321")
    shop = found("shop")
    for suffix in (".jks", ".cer"):
        shutil.copy(other.keys / f"second{suffix}", shop.keys / f"second{suffix}")
    shop.login("Ігор")
    with pytest.raises(Fault) as caught:
        shop.till.rekeying.check(shop.binding, "second", "ne-toi-parol")
    assert caught.value.code is Code.KEY_PASSWORD
    with pytest.raises(Refusal, match="KEY_OF_ANOTHER"):
        shop.till.rekeying.check(shop.binding, "second", PASSWORD)
    assert slot_of(shop.binding) == "cashier"


def test_a_cashier_needs_a_senior_to_replace_a_key(shop: Software) -> None:
    shop.login()
    view = shop.till.rekeying.check(shop.binding, "second", PASSWORD)
    with pytest.raises(Denied):
        shop.till.rekeying.replace(shop.binding, view)
    assert slot_of(shop.binding) == "cashier"


def test_between_shifts_each_cashier_signs_with_the_key_of_their_own(shop: Software) -> None:
    """The key is found by its certificate; in an open shift, and for people who share a seal, nothing changes."""
    people = shop.emulator.demo.people
    key_id = (people["second"].certificate.key_id or b"").hex()
    shop.ledger.people.add("Ірина", Role.CASHIER, badge="B-IRYNA", key_id=key_id)
    till = shop.begin(0)
    till.people.logout()
    till.people.login_badge("B-IRYNA")
    till.rekeying.for_cashier()
    assert slot_of(shop.binding) == "cashier", "the shift goes on with the key that opened it"
    till.people.logout()
    shop.login("Ігор")
    till.rekeying.for_cashier()
    shop.unlock()
    assert till.closing.z(shop.binding, counted=0).document.done
    till.people.logout()
    till.people.login_badge("B-IRYNA")
    till.rekeying.for_cashier()
    assert slot_of(shop.binding) == "second" and till.rekeying.before(shop.binding) == ""
    shop.unlock()
    assert till.shifts.open(shop.binding, counted=0, float_=0).shift is not None
    assert opener(shop) == "second"
