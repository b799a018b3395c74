"""What the tax service says about a key, asked with that key and beside the registrar's own work."""

from __future__ import annotations

import pytest

from drivers.document import DocumentKind
from drivers.errors import Code, Fault, Unreachable
from drivers.prro.emulator import demo
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.signing.errors import KeyLocked
from drivers.registrar import State
from tests.prro.registrar.world import Shop, VirtualClock, act, sale


def key_id(people: demo.Demo, who: str) -> str:
    return demo.key_id(people.people[who].certificate)


def test_a_registered_key_is_known_with_its_post(day: Shop, people: demo.Demo) -> None:
    before = len(day.ledger)
    own, senior = day.registrar.key_standing(), day.registrar.key_standing("senior")
    assert (own.registered, own.chief, own.key_id) == (True, False, key_id(people, "cashier"))
    assert (senior.registered, senior.chief, senior.key_id) == (True, True, key_id(people, "senior"))
    assert senior.name == "Шевченко Марія Василівна"
    assert len(day.ledger) == before
    assert day.must(sale()).state is State.REGISTERED, "the registrar works on with its own key"


def test_a_key_that_was_withdrawn_is_not_registered(day: Shop, emulator: FiscalEmulator) -> None:
    emulator.withdraw_operator("second")
    standing = day.registrar.key_standing("second")
    assert not standing.registered and not standing.chief
    assert day.registrar.key_standing().registered


def test_a_locked_key_and_a_dead_line_are_told(day: Shop, emulator: FiscalEmulator, clock: VirtualClock) -> None:
    day.keys.lock("second")
    with pytest.raises(KeyLocked):
        day.registrar.key_standing("second")
    emulator.unplug()
    with pytest.raises(Unreachable):
        day.registrar.key_standing()
    emulator.replug()
    assert day.must(act(DocumentKind.Z_REPORT)).z_number == 1


def test_another_registrars_number_is_not_this_keys(shop: Shop) -> None:
    """The key is known to the server, but not for the number of the address."""
    shop.restart(fn="4000123499")
    assert not shop.registrar.key_standing().registered


def test_a_server_that_answers_nonsense_tells_nothing(day: Shop, emulator: FiscalEmulator) -> None:
    emulator.add_fault("F20", "cmd:Objects")
    with pytest.raises(Fault) as caught:
        day.registrar.key_standing()
    assert caught.value.code in (Code.OFFLINE, Code.FRAME, Code.SERVER_ADDRESS)
