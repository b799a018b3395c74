"""II on the software registrar: every cell of lines 1–11 that has text, forced with the virtual fiscal server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from drivers.document import Document, DocumentKind
from drivers.errors import Refused
from drivers.prro.keys import ring
from drivers.registrar import Registrar, Result, served
from kiosk.config import Policy
from kiosk.till.checklist import Checks
from kiosk.till.judge import Colour
from kiosk.till.keys import folder_of, slot_of
from tests.till.prro.conftest import Found
from tests.till.prro.rig import FN, PASSWORD, Software

G, A, R = Colour.GREEN, Colour.AMBER, Colour.RED
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def in_kyiv(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program counts in Kyiv time from its start; line 11 looks at it."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Kyiv")
        time.tzset()
        yield
    time.tzset()


def check(shop: Software) -> Checks:
    return shop.till.checklist.run(shop.binding)


def cell(shop: Software, key: str) -> tuple[Colour, str, bool]:
    """Colour, words and whether it blocks."""
    line = check(shop).line(key)
    return line.colour, line.value.format(**line.values), line.blocks


def later(shop: Software, seconds: float) -> None:
    """Time goes on for everybody."""
    shop.clock.ahead += timedelta(seconds=seconds)
    shop.emulator.advance_clock(seconds)


def act(shop: Software, kind: DocumentKind) -> Result:
    """One act past the till: another installation's, as far as its ledger goes."""
    document = Document(id=uuid4(), kind=kind)

    def go(registrar: Registrar) -> Result:
        return registrar.register(document, registrar.snapshot(document))

    return shop.till.workplace.desk(shop.binding).access.call(go)


@pytest.fixture
def ready(shop: Software) -> Software:
    """Somebody is logged in and the key is unlocked; no shift is open."""
    shop.login()
    shop.unlock()
    return shop


# -- criteria ---------------------------------------------------------------------------------------------------------


def test_ii_1_without_a_network_the_online_policy_decides(found: Found) -> None:
    shop = found(policy=Policy(online_opening=True))
    shop.begin(0)  # the first day of all is opened online: it brings the offline numbers
    shop.till.closing.z(shop.binding, counted=0, terminal=0)
    shop.unlock()
    checks = check(shop)
    assert checks.line("internet").colour is G and checks.action == "open"
    shop.emulator.unplug()
    begun = time.monotonic()
    checks = check(shop)
    assert time.monotonic() - begun <= 10, "the criterion's own bound"
    line = checks.line("internet")
    assert (line.colour, line.blocks, checks.action) == (R, True, "")
    shop.allow(online_opening=False)
    checks = check(shop)
    assert (checks.line("internet").colour, checks.action) == (R, "open")
    assert checks.line("server").colour is A
    shop.emulator.replug()
    assert check(shop).line("internet").colour is G


def test_ii_2_the_clock_is_measured_against_the_server_s(ready: Software) -> None:
    assert cell(ready, "clock")[0] is G
    ready.clock.ahead = timedelta(minutes=10)
    assert cell(ready, "clock")[::2] == (R, True)
    ready.clock.ahead = timedelta(seconds=-75)
    assert cell(ready, "clock")[0] is A
    ready.clock.ahead = timedelta()
    assert cell(ready, "clock")[0] is G, "without a restart"


def test_ii_3_five_days_left_are_amber_and_one_notice_a_day(ready: Software) -> None:
    assert cell(ready, "key")[::2] == (G, False)
    assert not ready.till.notices.unread()
    until = ready.emulator.demo.cashier.certificate.expires
    later(ready, (until - ready.clock.now()).total_seconds() - 5 * DAY - 3600)
    for _ in range(3):
        assert cell(ready, "key")[::2] == (A, False)
    (notice,) = ready.till.notices.unread()
    assert notice.detail["about"] == "key_expires" and notice.detail["days"] == 5
    assert (notice.detail["registrar"], notice.detail["date"]) == (FN, f"{until:%d.%m.%Y}")
    ready.restart()
    ready.login()
    ready.unlock()
    assert cell(ready, "key")[0] is A
    assert len(ready.till.notices.unread()) == 1, "a restart repeats nothing"
    later(ready, DAY)
    assert cell(ready, "key")[0] is A and cell(ready, "key")[0] is A
    assert [one.detail["days"] for one in ready.till.notices.unread()] == [5, 4]
    ready.till.notices.read(ready.till.notices.unread()[-1])
    assert not ready.till.notices.unread()


def test_ii_5_a_shift_of_25_hours_offers_its_z_alone(shop: Software) -> None:
    shop.begin()
    later(shop, 25 * 3600)
    checks = check(shop)
    line = checks.line("shift")
    assert (line.colour, line.blocks, checks.action) == (R, True, "z")


# -- II-6: the cells, line by line ------------------------------------------------------------------------------------


def test_ii_6_lines_1_to_3_the_server(ready: Software) -> None:
    assert [cell(ready, key)[0] for key in ("internet", "server", "registration")] == [G, G, G]
    assert FN in cell(ready, "server")[1]
    ready.emulator.add_fault("F5", "cmd:ServerState", seconds=3.3)
    checks = check(ready)
    assert checks.line("internet").colour is A and checks.line("server").colour is A
    text = "Невідомий запит"
    ready.emulator.add_fault("refusal", "cmd:TransactionsRegistrarState", code=11, text=text)
    colour, words, blocks = cell(ready, "server")
    assert (colour, blocks) == (R, True) and "11" in words and text in words
    ready.emulator.cancel_registration()
    assert cell(ready, "registration")[::2] == (R, True)
    assert cell(ready, "server")[::2] == (R, True) and check(ready).action == ""
    assert cell(ready, "key")[0] is G, "the key is not to blame"
    ready.emulator.cancel_registration(False)
    assert cell(ready, "registration")[::2] == (G, False)


def test_ii_6_a_cancelled_registration_with_an_open_shift_leaves_the_z(shop: Software) -> None:
    shop.begin()
    shop.emulator.cancel_registration()
    checks = check(shop)
    assert checks.line("registration").colour is R and checks.action == "z"


def test_ii_6_lines_4_and_5_the_shift(ready: Software) -> None:
    assert (cell(ready, "shift")[0], cell(ready, "previous_z")[0]) == (G, A)
    ready.open(0)
    checks = check(ready)
    assert (checks.line("shift").colour, checks.action) == (A, "continue")
    assert checks.line("previous_z").colour is G
    # With another key of the shop: the shift is not its own.
    folder, slot = folder_of(ready.binding), slot_of(ready.binding)
    ring.put(folder, slot, ring.signer(folder, slot))
    for suffix in (".jks", ".cer"):
        (ready.keys / f"cashier{suffix}").write_bytes((ready.keys / f"second{suffix}").read_bytes())
    ready.unlock()
    checks = check(ready)
    assert (checks.line("shift").colour, checks.line("shift").blocks, checks.action) == (R, True, "z")


def test_ii_6_a_shift_that_another_till_left_open(ready: Software) -> None:
    assert act(ready, DocumentKind.OPEN_SHIFT).done
    checks = check(ready)
    assert (checks.line("shift").colour, checks.line("previous_z").colour, checks.action) == (R, R, "z")
    assert act(ready, DocumentKind.Z_REPORT).done
    checks = check(ready)
    assert (checks.line("shift").colour, checks.action) == (G, "open")


def test_ii_6_another_device_has_the_registrar(ready: Software) -> None:
    ready.open(0)
    ready.emulator.foreign_document(device="f" * 64)
    checks = check(ready)
    line = checks.line("shift")
    assert (line.colour, line.blocks, checks.action) == (R, True, "")
    assert checks.line("server").colour is A


def test_ii_6_lines_6_to_9_offline_work(shop: Software) -> None:
    shop.begin()
    assert [cell(shop, key)[0] for key in ("unsent", "right", "budget", "numbers")] == [G, G, G, G]
    shop.emulator.unplug()
    shop.sold("1")
    colour, words, blocks = cell(shop, "unsent")
    assert (colour, blocks) == (A, False) and "2" in words, "the session's begin and the receipt"
    assert cell(shop, "budget")[0] is G
    later(shop, 25 * 3600)
    assert cell(shop, "budget")[0] is A
    later(shop, 12 * 3600)
    assert cell(shop, "budget")[::2] == (R, True), "36 hours are over and there is no link"
    shop.emulator.add_fault("package", "pck", position=1, code=9, text="Помилка в документі")
    shop.emulator.replug()

    def home(registrar: Registrar) -> None:
        line = served(registrar)
        assert line is not None
        line.synchronise()

    with pytest.raises(Refused):
        shop.till.workplace.desk(shop.binding).access.call(home)
    colour, words, blocks = cell(shop, "unsent")
    assert (colour, blocks) == (R, True) and "Помилка в документі" in words


def test_ii_6_no_right_and_no_numbers(ready: Software) -> None:
    ready.emulator.set_offline(False)
    assert cell(ready, "right")[::2] == (A, False)
    ready.emulator.set_offline(True)
    assert cell(ready, "right")[0] is G


def test_ii_6_no_offline_numbers(shop: Software) -> None:
    shop.emulator.drop_offline_pair()
    shop.login()
    shop.unlock()
    assert cell(shop, "numbers")[::2] == (R, False), "only offline work is blocked"
    shop.emulator.unplug()
    assert cell(shop, "numbers")[::2] == (R, True)


def test_ii_6_line_10_the_key(shop: Software) -> None:
    shop.login()
    line = check(shop).line("key")
    assert (line.colour, line.blocks, line.action) == (A, False, "unlock") and "date" in line.values
    assert check(shop).line("server").action == "unlock"
    shop.unlock()
    assert cell(shop, "key")[0] is G
    shop.emulator.withdraw_operator("cashier")
    colour, words, blocks = cell(shop, "key")
    assert (colour, blocks) == (R, True) and FN in words


def test_ii_6_a_revoked_and_an_expired_key(ready: Software) -> None:
    ready.emulator.revoke("cashier")
    assert cell(ready, "key")[::2] == (R, True)
    assert cell(ready, "key")[1] == "revoked"
    until = ready.emulator.demo.cashier.certificate.expires
    later(ready, (until - ready.clock.now()).total_seconds() + 60)
    ready.emulator.unplug()
    assert cell(ready, "key") == (R, "expired", True)
    ready.restart()
    assert cell(ready, "key") == (R, "expired", True), "the certificate beside a locked key tells it too"


def test_the_password_of_the_key_is_in_no_check(ready: Software) -> None:
    stored = str(check(ready).stored())
    assert PASSWORD not in stored and "'key'" in stored


def test_a_new_shift_begins_with_an_empty_drawer(shop: Software) -> None:
    """Cash that lies in the drawer overnight is no difference: the tax service counts from nothing (III)."""
    shop.begin(20_000)
    assert cell(shop, "cash")[0] is G
    shop.till.closing.z(shop.binding, counted=20_000, terminal=0)
    shop.unlock()
    assert cell(shop, "cash")[0] is G
