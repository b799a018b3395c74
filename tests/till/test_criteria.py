"""Criteria of cashier-flow.md that a hardware till answers for, each named after its number."""

from __future__ import annotations

import socket
import time
from datetime import timedelta

import msgspec
import pytest

from drivers.document import DocumentKind
from kiosk.ledger.errors import LedgerError
from kiosk.ledger.records import DocumentState, Good, ReceiptState
from kiosk.till.errors import Denied, Refusal
from kiosk.till.judge import Colour
from kiosk.till.rights import Right
from tests.till.conftest import NewShop, Shop

VODKA = Good(0, "5001", "Горілка 0,5", 25_000, 1, tax="А", uktzed="2208601100", excisable=True, adult=True)


def test_i_1_a_badge_logs_its_user_in_and_an_unlinked_one_nobody(new_shop: NewShop) -> None:
    shop = new_shop()
    begin = time.monotonic()
    assert shop.till.people.login_badge("B-OLENA").name == "Олена"
    assert time.monotonic() - begin < 1
    shop.till.people.logout()
    with pytest.raises(Refusal, match="UNKNOWN_BADGE"):
        shop.till.people.login_badge("B-NOBODY")
    assert shop.till.workplace.user is None


def test_i_2_two_users_cannot_be_active_and_the_basket_is_parked(shop: Shop) -> None:
    till = shop.till
    till.sale.enter("4820000000017")
    with pytest.raises(Refusal, match="OCCUPIED"):
        till.people.login_badge("B-MARIA")
    till.sale.leave()
    till.people.lock()
    assert till.people.login_badge("B-MARIA").name == "Марія"
    assert not till.sale.basket.lines
    (parked,) = till.sale.parked()
    assert [line.good.code for line in till.sale.recall(parked[0].id).lines] == ["1001"]


def test_ii_1_without_internet_a_hardware_shift_opens(new_shop: NewShop) -> None:
    shop = new_shop()
    shop.till.people.login_badge("B-OLENA")
    begin = time.monotonic()
    checks = shop.till.checklist.run(shop.till.workplace.main_binding(), seals=True)
    assert time.monotonic() - begin < 10
    assert checks.line("internet").colour is Colour.RED
    assert checks.action == "open"


def test_ii_1_with_internet_the_line_is_green(new_shop: NewShop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        shop = new_shop()
        port = server.getsockname()[1]
        shop.till.workplace.settings = msgspec.structs.replace(shop.settings, internet=f"127.0.0.1:{port}")
        shop.till.people.login_badge("B-OLENA")
        checks = shop.till.checklist.run(shop.till.workplace.main_binding(), seals=True)
        assert checks.line("internet").colour is Colour.GREEN


def test_ii_2_a_wrong_clock_is_red_and_green_again_without_restart(new_shop: NewShop) -> None:
    shop = new_shop()
    binding = shop.till.workplace.main_binding()
    shop.till.people.login_badge("B-OLENA")
    shop.clock.offset = timedelta(minutes=10)
    checks = shop.till.checklist.run(binding, seals=True)
    assert checks.line("clock").colour is Colour.RED
    assert checks.action == ""
    shop.clock.offset = timedelta()
    checks = shop.till.checklist.run(binding, seals=True)
    assert checks.line("clock").colour is Colour.GREEN
    assert checks.action == "open"


def test_ii_4_another_unit_on_the_port_is_asked_who_it_is_and_nothing_else(new_shop: NewShop) -> None:
    shop = new_shop()
    shop.till.people.login_badge("B-OLENA")
    shop.till.checklist.run(shop.till.workplace.main_binding(), seals=True)
    shop.till.workplace.close()
    shop.emulator.unplug()
    shop.emulator.replug("ZZ00000001")
    shop.start()
    shop.log.clear()
    shop.till.people.login_badge("B-OLENA")
    checks = shop.till.checklist.run(shop.till.workplace.main_binding(), seals=True)
    line = checks.line("link")
    assert line.colour is Colour.RED
    assert line.values["serial"] == "ZZ00000001"
    assert checks.action == ""
    asked = {exchange.data[3] for exchange in shop.log if exchange.direction == ">"}
    assert asked <= {74, 90}, "status and identification commands alone (datecs-fp3530t.md §9)"


def test_ii_5_a_shift_of_25_hours_offers_its_z_alone(shop: Shop) -> None:
    shop.clock.offset = timedelta(hours=25)
    shop.emulator.advance_clock(25 * 3600)
    checks = shop.till.checklist.run(shop.till.workplace.main_binding(), seals=True)
    assert checks.line("shift").colour is Colour.RED
    assert checks.action == "z"


def test_iii_3_the_first_sale_opens_the_shift_at_the_devices_time(new_shop: NewShop) -> None:
    shop = new_shop()
    shop.emulator.advance_clock(90)
    shop.open(0)
    before = shop.clock.now()
    shop.till.sale.enter("4820000000017")
    assert shop.till.sale.pay(received=2_500).state is ReceiptState.DONE
    opened = shop.till.status.view().shift_opened
    assert opened is not None
    assert opened - before >= timedelta(seconds=85), "read from the device, not from this computer"


def test_iii_opening_with_cash_already_in_the_registrar_proposes_only_the_rest(new_shop: NewShop) -> None:
    shop = new_shop(cash=30_000)
    shop.till.people.login_badge("B-OLENA")
    binding = shop.till.workplace.main_binding()
    shop.till.checklist.run(binding, seals=True)
    shop.till.workplace.desk(binding).access.refresh().result()  # type: ignore[attr-defined]
    assert shop.till.shifts.held(binding) == 30_000


# -- IX: what is prohibited, on hardware -------------------------------------------------------------------------------


def test_ix_cash_in_before_opening(new_shop: NewShop) -> None:
    shop = new_shop()
    shop.till.people.login_badge("B-OLENA")
    with pytest.raises(Refusal, match="SHIFT_CLOSED"):
        shop.till.cash.put_in(shop.till.workplace.main_binding(), 10_000)
    assert shop.emulator.machine.registers()["cash_in"] == 0


def test_ix_selling_past_the_registrar_needs_the_right_and_is_closed_to_excisable_goods(shop: Shop) -> None:
    till = shop.till
    till.workplace.ledger.goods.put([VODKA])
    till.sale.enter("5001")
    with pytest.raises(Denied):
        till.sale.toggle_red(reason="без чека")
    till.people.lock()
    till.people.login_badge("B-MARIA")
    approval = till.people.approve(Right.NONFISCAL, badge="B-MARIA")
    with pytest.raises(Refusal, match="EXCISABLE"):
        till.sale.toggle_red(reason="без чека", approval=approval)
    assert not till.sale.basket.red
    assert [record.allowed for record in till.workplace.ledger.audit.records(action="nonfiscal")] == [True, False]


def test_ix_no_storno_on_hardware(shop: Shop) -> None:
    shop.till.sale.enter("4820000000017")
    shop.till.sale.pay(received=2_500)
    shop.till.people.lock()
    shop.till.people.login_badge("B-MARIA")
    with pytest.raises(Refusal, match="NO_STORNO"):
        shop.till.sale.storno()
    kinds = [entry["kind"] for entry in shop.emulator.machine.registers()["journal"]]
    assert len(kinds) == 2, "the float and the sale, nothing cancelled"


def test_ix_a_document_of_the_ledger_cannot_be_changed(shop: Shop) -> None:
    shop.till.sale.enter("4820000000017")
    paid = shop.till.sale.pay(received=2_500)
    with pytest.raises(LedgerError):
        shop.till.workplace.ledger.receipts.settle_document(paid.documents[0].id, DocumentState.REJECTED, None)
    assert paid.documents[0].kind is DocumentKind.SALE


def test_ix_nobody_works_after_a_lock(shop: Shop) -> None:
    shop.till.people.lock()
    with pytest.raises(Refusal, match="NOBODY"):
        shop.till.sale.enter("4820000000017")
