"""Keys of a software registrar: unlocking, guarding, locking; nothing of them on the disk (I-4, I-6)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.errors import Code, Fault
from drivers.prro.keys import ring, slot_files
from drivers.prro.signing.containers import load
from kiosk.config import Policy
from kiosk.ledger.records import ReceiptState
from kiosk.ledger.store import SqlLedger
from kiosk.start import open_till
from kiosk.till.errors import Refusal
from kiosk.till.keys import Keys
from tests.till.prro.conftest import Found
from tests.till.prro.rig import FN, PASSWORD, Software
from tests.till.shop.rig import Shop


def key_id(shop: Software, who: str) -> str:
    return (shop.emulator.demo.people[who].certificate.key_id or b"").hex()


# -- unlocking --------------------------------------------------------------------------------------------------------


def test_the_status_of_a_locked_key_is_known_before_the_shift_opens(shop: Software) -> None:
    shop.login()
    view = shop.till.keys.view(shop.binding)
    assert view is not None
    assert (view.unlocked, view.registered, view.key_id) == (False, None, key_id(shop, "cashier"))
    assert view.owner == "Коваль Олена Петрівна" and view.until is not None
    now = shop.unlock()
    assert (now.unlocked, now.registered, now.chief) == (True, True, False)
    assert shop.binding.signers == {key_id(shop, "cashier")}
    assert shop.unlock("senior").chief


def test_a_wrong_password_unlocks_nothing_and_is_written_down_without_the_password(shop: Software) -> None:
    shop.login()
    with pytest.raises(Fault) as caught:
        shop.till.keys.unlock(shop.binding, "wrong-Parol-1")
    assert caught.value.code is Code.KEY_PASSWORD
    assert shop.till.keys.locked(shop.binding)
    record = shop.ledger.audit.records(action="key_unlock")[0]
    assert not record.allowed and record.detail == {"slot": "cashier", "why": "KEY_PASSWORD"}


def test_a_damaged_key_says_so(shop: Software) -> None:
    path = shop.keys / "cashier.jks"
    path.write_bytes(path.read_bytes()[:200])
    shop.login()
    with pytest.raises(Fault) as caught:
        shop.unlock()
    assert caught.value.code is Code.KEY_DAMAGED


def test_an_absent_key_says_so(shop: Software) -> None:
    for path in shop.keys.glob("cashier.*"):
        path.unlink()
    shop.login()
    view = shop.till.keys.view(shop.binding)
    assert view is not None and view.fault is not None and view.fault.code == Code.KEY_ABSENT


def test_an_expired_key_says_so(shop: Software) -> None:
    shop.login()
    shop.clock.ahead = timedelta(days=3 * 365)
    with pytest.raises(Fault) as caught:
        shop.unlock()
    assert caught.value.code is Code.CERTIFICATE_EXPIRED
    view = shop.till.keys.view(shop.binding)
    assert view is not None and view.fault is not None and view.fault.code == Code.CERTIFICATE_EXPIRED


def test_a_revoked_key_is_refused_and_locked_again(shop: Software) -> None:
    shop.emulator.revoke("cashier")
    shop.login()
    with pytest.raises(Fault) as caught:
        shop.unlock()
    assert caught.value.code is Code.CERTIFICATE_REVOKED
    assert shop.till.keys.locked(shop.binding)


def test_xi_8_the_key_of_another_taxpayer_is_refused(found: Found, tmp_path: Path) -> None:
    other = found("other", tin="87654321")
    shop = found("shop")
    for suffix in (".jks", ".cer"):
        shutil.copy(other.keys / f"cashier{suffix}", shop.keys / f"cashier{suffix}")
    shop.login()
    with pytest.raises(Refusal, match="KEY_OF_ANOTHER") as caught:
        shop.unlock()
    assert caught.value.values["codes"] == "87654321, 3184710691"
    assert shop.till.keys.locked(shop.binding)


# -- guarding ---------------------------------------------------------------------------------------------------------


def test_i_4_a_key_not_listed_for_the_registrar_stops_the_opening_before_anything_is_sent(shop: Software) -> None:
    shop.ledger.shop.know_signers(shop.binding.id, [key_id(shop, "senior")])
    shop.emulator.unplug()
    shop.login()
    assert shop.unlock().registered is None
    with pytest.raises(Refusal, match="FOREIGN_KEY") as caught:
        shop.open()
    assert caught.value.values == {"key": key_id(shop, "cashier"), "number": FN}
    assert shop.stream == [] and shop.documents == []
    assert shop.ledger.receipts.unsettled() == []
    assert not list(shop.ledger.journal.records())


def test_i_4_a_key_that_the_server_does_not_know_stops_the_opening_too(shop: Software) -> None:
    """Where nobody has entered the registered keys, the tax service is asked."""
    shop.emulator.withdraw_operator("cashier")
    shop.login()
    assert shop.unlock().registered is False
    with pytest.raises(Refusal, match="FOREIGN_KEY") as caught:
        shop.open()
    assert key_id(shop, "cashier") in str(caught.value) and FN in str(caught.value)
    assert shop.stream == [] and shop.documents == []


def test_i_4_a_cashier_with_a_key_of_their_own_opens_with_no_other(shop: Software) -> None:
    shop.ledger.people.add("Ірина", shop.user("Олена").role, badge="B-IRYNA", key_id=key_id(shop, "second"))
    shop.till.people.login_badge("B-IRYNA")
    shop.unlock()
    with pytest.raises(Refusal, match="KEY_OF_OTHER_PERSON"):
        shop.open()
    assert shop.stream == []


def test_after_a_restart_nothing_is_issued_until_the_key_is_unlocked(shop: Software) -> None:
    shop.begin()
    shop.killed()
    shop.login()
    assert shop.till.keys.waiting() == shop.binding
    shop.till.sale.enter("1")
    for act in (
        shop.till.sale.ready,
        lambda: shop.till.cash.put_in(shop.binding, 100),
        lambda: shop.till.closing.z(shop.binding),
    ):
        with pytest.raises(Refusal, match="KEY_LOCKED"):
            act()
    assert shop.kinds == ["open_shift", "cash_in"] and shop.ledger.receipts.unsettled() == []
    shop.unlock()
    assert shop.till.keys.waiting() is None
    assert shop.sold().state is ReceiptState.DONE


def test_an_unknown_outcome_waits_for_the_key_and_is_found_out_with_it(shop: Software) -> None:
    shop.begin()
    shop.emulator.add_fault("F11", "doc", when="after")
    paid = shop.sell("1")
    assert paid.state is ReceiptState.UNKNOWN
    shop.emulator.replug()
    shop.killed()
    shop.login()
    assert shop.till.fiscal.recover() == []
    (open_,) = shop.ledger.receipts.unsettled()
    with pytest.raises(Refusal, match="KEY_LOCKED"):
        shop.till.unknowns.ask(open_.id)
    shop.unlock()
    (found,) = shop.till.fiscal.recover()
    assert found.state is ReceiptState.DONE
    shop.agrees()


def test_a_hardware_registrar_has_no_key(tmp_path: Path) -> None:
    hardware = Shop(tmp_path / "hardware", "datecs+serial:///dev/none")
    keys: Keys = hardware.till.keys
    assert keys.view(hardware.binding) is None
    assert not keys.locked(hardware.binding) and keys.waiting() is None
    keys.guard(hardware.binding)
    hardware.close()


# -- locking ----------------------------------------------------------------------------------------------------------


def test_the_key_is_locked_with_the_shift_and_with_its_owners_leave(shop: Software) -> None:
    shop.begin()
    shop.till.people.lock()
    assert not shop.till.keys.locked(shop.binding), "F10 keeps the day's key"
    shop.till.people.login_badge("BADGE-1111")
    shop.till.people.logout()
    assert shop.till.keys.locked(shop.binding)
    shop.login()
    shop.unlock()
    assert shop.till.closing.z(shop.binding, counted=0).document.done
    assert shop.till.keys.locked(shop.binding)


def test_another_person_over_the_lock_finds_the_key_locked(shop: Software) -> None:
    shop.begin()
    shop.till.people.lock()
    shop.till.people.login_badge("BADGE-2222")
    assert shop.till.keys.locked(shop.binding)


def test_the_policy_may_keep_the_key_over_a_logout(found: Found) -> None:
    shop = found(policy=Policy(cash_rounding=50, online_opening=False, lock_key_on_logout=False))
    shop.begin()
    shop.till.people.logout()
    assert not shop.till.keys.locked(shop.binding)
    shop.till.close()
    with pytest.raises(Fault):
        ring.signer(shop.keys, "cashier")
    shop.till = shop._open()


# -- I-6 --------------------------------------------------------------------------------------------------------------


def test_i_6_neither_password_nor_private_key_is_found_anywhere_on_the_disk(
    shop: Software, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole day with a wrong password in it: every file but the key containers is searched, and every log line."""
    caplog.set_level(1)
    container, certificates = slot_files(shop.keys, "cashier")
    secret = load(container, PASSWORD, certificates=certificates).keys[0].private
    number = secret.reveal()
    settings = shop.till.workplace.settings
    shop.close()
    # The till as the program opens it: with the evidence of every byte.
    shop.till = open_till(settings, shop.clock)
    assert isinstance(shop.till.workplace.ledger, SqlLedger)
    shop.ledger = shop.till.workplace.ledger
    shop.login()
    with pytest.raises(Fault):
        shop.till.keys.unlock(shop.binding, PASSWORD + "x")
    shop.unlock()
    shop.open()
    shop.sold("1", "2")
    shop.emulator.unplug()
    shop.sold("1")
    shop.emulator.replug()
    shop.till.closing.z(shop.binding, counted=0)
    needles = [PASSWORD.encode(), PASSWORD.encode("utf-16-le"), PASSWORD.encode("utf-16-be")]
    size = (number.bit_length() + 7) // 8
    for order in ("big", "little"):
        raw = number.to_bytes(size, order)
        needles += [raw, raw.hex().encode(), raw.hex().upper().encode()]
    needles.append(str(number).encode())
    files = [path for path in shop.folder.parent.rglob("*") if path.is_file()]
    private = [path for path in files if path.suffix == ".jks" or "private" in path.parts or path.name == "demo.json"]
    searched = [path for path in files if path not in private]
    names = {path.name for path in searched}
    assert {"ledger.db", "evidence.db", "tape.txt"} <= names
    assert any("prro" in path.parts for path in searched), "the registrar's memory"
    for path in searched:
        data = path.read_bytes()
        assert not any(needle in data for needle in needles), path
    wire = shop.till.workplace.desk(shop.binding).access._registrar._desk.log  # type: ignore[attr-defined]
    octets = b"".join(exchange.data for exchange in wire)
    assert len(octets) > 10_000
    assert not any(needle in octets for needle in needles)
    said = "\n".join(f"{record.getMessage()} {record.args!r}" for record in caplog.records).encode()
    assert not any(needle in said for needle in needles)
