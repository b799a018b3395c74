"""Storno of the last document: online, offline, refused, unknown (cashier-flow.md V-6, V-7, I-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drivers.document import DocumentKind
from drivers.registrar import Totals
from kiosk.ledger.records import DocumentState, FiscalDocument, Receipt, ReceiptState
from kiosk.till.errors import Denied, Doubt, Refusal
from kiosk.till.rights import Right
from kiosk.till.storno import storno_of
from tests.till.prro.rig import Software
from tests.till.shop.conftest import Found as FoundHardware
from tests.till.shop.conftest import found as found_hardware
from tests.till.shop.conftest import server
from tests.till.shop.rig import SLIP

__all__ = ["found_hardware", "server"]


def books(shop: Software) -> tuple[Totals, object, dict[str, int]]:
    """What a storno must bring back: the registrar's totals, the till's sums, the stock."""
    report = shop.till.reports.x(shop.binding, paper=False)
    assert report.agrees, [row for row in report.rows if row.difference]
    stornos = sum(item.kind is DocumentKind.STORNO for item in shop.documents)
    assert report.sums.stornos == stornos
    return report.totals, replace(report.sums, stornos=0), {code: shop.stock(code) for code in ("1", "2", "3")}


def cancel(shop: Software, reason: str = "Double receipt") -> FiscalDocument:
    last = shop.till.stornos.last(shop.binding)
    return shop.till.stornos.cancel(last, reason=reason, approval=shop.helps(Right.STORNO))


def refund_one(shop: Software, sale: Receipt, code: str = "1") -> Receipt:
    line = next(line for line in sale.lines if line.code == code)
    draft = shop.till.refunds.take(shop.till.refunds.draft(sale.id), line.id or 0, 1_000)
    done = shop.till.refunds.refund(draft, reason="Goods of poor quality", slip=SLIP)
    assert done.state is ReceiptState.DONE, done.fault
    return done.receipt


def test_v_6_online_the_stream_has_one_storno_and_the_totals_return(shop: Software) -> None:
    shop.begin()
    shop.sold("2")
    before = books(shop)
    sale = shop.sold("2*1", "3")
    (document,) = shop.ledger.receipts.documents_of(sale.id)
    assert document.result is not None
    done = cancel(shop)
    assert done.state is DocumentState.REGISTERED and done.document.original is not None
    assert done.document.original.number == document.result.number
    assert books(shop) == before
    assert shop.kinds == ["open_shift", "cash_in", "sale", "sale", "storno"]
    assert [entry["storned"] for entry in shop.stream] == [False, False, False, True, False]
    shop.agrees()
    cancelled = shop.ledger.receipts.receipt(sale.id)
    assert cancelled.state is ReceiptState.CANCELLED
    past = shop.till.stornos.recent(shop.binding)
    assert [(item.document.kind, item.cancelled_at is not None) for item in past[:2]] == [
        (DocumentKind.STORNO, False), (DocumentKind.SALE, True),
    ]  # fmt: skip
    assert done.result is not None and past[1].cancelled_at == done.result.at
    assert shop.till.closing.z(shop.binding, counted=0).document.done
    assert shop.till.shifts.left_at_close(shop.binding) == 54_200


def test_v_6_offline_it_travels_in_the_session(shop: Software) -> None:
    shop.begin()
    shop.emulator.unplug()
    shop.sold("2")
    before = books(shop)
    sale = shop.sold("2*1")
    done = cancel(shop)
    assert done.state is DocumentState.REGISTERED and done.result is not None and done.result.evidence["offline"]
    assert books(shop) == before
    assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.CANCELLED
    shop.emulator.replug()
    access: Any = shop.till.workplace.desk(shop.binding).access
    assert access.call(lambda registrar: registrar.synchronise())
    kinds = [kind for kind in shop.kinds if "offline" not in kind]
    assert kinds == ["open_shift", "cash_in", "sale", "sale", "storno"]
    assert sum(entry["storned"] for entry in shop.stream) == 1
    assert books(shop) == before


def test_a_cancelled_sale_cannot_be_returned_and_says_when_it_was_cancelled(shop: Software) -> None:
    shop.begin()
    sale = shop.sold("2*1")
    number = shop.ledger.receipts.documents_of(sale.id)[0].result.number  # type: ignore[union-attr]
    done = cancel(shop)
    for code in (str(sale.number), number):
        with pytest.raises(Refusal, match="CANCELLED") as caught:
            shop.till.refunds.by_code(code)
        assert done.result is not None and caught.value.values["at"] == done.result.at
    with pytest.raises(Refusal, match="NOT_A_SALE"):
        shop.till.refunds.draft(sale.id)
    assert sale.id not in [one.id for one in shop.till.refunds.recent()]
    (document,) = shop.ledger.receipts.documents_of(sale.id)
    storno = storno_of(shop.ledger, document)
    assert storno is not None and storno.id == done.id


def test_a_cancelled_refund_frees_its_quantities_and_takes_the_goods_again(shop: Software) -> None:
    shop.begin()
    sale = shop.sold("2*1", "2")
    before = books(shop)
    refund = refund_one(shop, sale)
    assert shop.ledger.receipts.receipt(sale.id).lines[0].returned == 1_000
    cancel(shop, "Wrong goods")
    assert books(shop) == before
    now = shop.ledger.receipts.receipt(sale.id)
    assert [line.returned for line in now.lines] == [0, 0] and now.state is ReceiptState.DONE
    assert shop.ledger.receipts.refunds_of(sale.id) == []
    assert shop.ledger.receipts.receipt(refund.id).state is ReceiptState.CANCELLED
    again = shop.till.refunds.take_all(shop.till.refunds.draft(sale.id))
    assert shop.till.refunds.refund(again, reason="Wrong goods").receipt.due == sale.due
    shop.agrees()


@pytest.mark.parametrize("out", [False, True])
def test_cash_movements_are_cancelled_too(out: bool, shop: Software) -> None:
    shop.begin()
    before = books(shop)
    (shop.till.cash.take_out if out else shop.till.cash.put_in)(shop.binding, 12_300)
    assert cancel(shop, "Wrong sum").done
    assert books(shop) == before
    assert shop.till.cash.available(shop.binding) == 50_000
    assert shop.till.shifts.float_waiting(shop.binding) == 0


def test_a_card_sale_tells_how_much_money_stays_on_the_card(shop: Software) -> None:
    shop.begin()
    before = books(shop)
    shop.sold("1", card=-1)
    assert shop.till.stornos.last(shop.binding).by_card == 2_550
    assert cancel(shop).done
    assert books(shop) == before


def test_a_mixed_basket_is_taken_back_with_its_non_fiscal_part(shop: Software) -> None:
    shop.begin()
    before = books(shop)
    sale = shop.sold("1", "5")
    assert shop.till.reports.x(shop.binding).sums.nonfiscal_cash == 5_000
    cancel(shop)
    assert books(shop) == before
    assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.CANCELLED
    assert not shop.ledger.receipts.waiting_slips()


def test_v_7_the_one_before_last_is_not_offered(shop: Software) -> None:
    shop.begin()
    first = shop.till.stornos.last
    shop.sold("1")
    early = first(shop.binding)
    shop.sold("2")
    assert shop.till.stornos.last(shop.binding).document.id != early.document.id
    with pytest.raises(Refusal, match="NOT_LAST"):
        shop.till.stornos.cancel(early, reason="Double receipt", approval=shop.helps(Right.STORNO))
    assert cancel(shop).done
    with pytest.raises(Refusal, match="NOT_LAST"):
        # The last document is the storno now: the sale before it is the one before last.
        shop.till.stornos.last(shop.binding)
    assert shop.kinds.count("storno") == 1


def test_v_7_with_a_closed_shift_it_is_not_offered(shop: Software) -> None:
    shop.begin(0)
    with pytest.raises(Refusal, match="NOT_LAST"):
        shop.till.stornos.last(shop.binding)
    shop.sold("1")
    shop.till.closing.z(shop.binding, counted=0)
    with pytest.raises(Refusal, match="SHIFT_CLOSED"):
        shop.till.stornos.last(shop.binding)
    shop.unlock()
    shop.till.shifts.open(shop.binding, counted=0, float_=0, reason="Розмін")
    with pytest.raises(Refusal, match="NOT_LAST"):
        shop.till.stornos.last(shop.binding)
    assert "storno" not in shop.kinds


def test_v_7_a_hardware_registrar_offers_the_act_instead(found_hardware: FoundHardware, server: Any) -> None:
    hardware = found_hardware(server)
    hardware.begin()
    hardware.sold("1")
    assert hardware.till.stornos.offered() is None
    with pytest.raises(Refusal, match="NO_STORNO"):
        hardware.till.stornos.last(hardware.binding)


def test_i_3_without_the_right_nothing_cancels_and_the_audit_knows(shop: Software) -> None:
    shop.begin()
    shop.sold("1")
    last = shop.till.stornos.last(shop.binding)
    with pytest.raises(Denied):
        shop.till.stornos.cancel(last, reason="Double receipt")
    place = shop.till.workplace
    assert place.user is not None
    place.user = replace(place.user, denied=frozenset({"storno"}))
    for act in (
        lambda: shop.till.stornos.last(shop.binding),
        lambda: shop.till.stornos.cancel(last, reason="Double receipt", approval=shop.helps(Right.STORNO)),
    ):
        with pytest.raises(Denied):
            act()
    tries = [record for record in shop.ledger.audit.records(action="storno") if not record.allowed]
    assert len(tries) == 3 and all(record.user_id == place.user.id for record in tries)
    assert "storno" not in shop.kinds


def test_a_refused_storno_changes_nothing(shop: Software) -> None:
    shop.begin()
    sale = shop.sold("1")
    before = books(shop)
    shop.emulator.add_fault("refusal", "doc", code=9, text="Документ не прийнято")
    done = cancel(shop)
    assert done.state is DocumentState.REJECTED
    assert books(shop) == before
    assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.DONE
    assert cancel(shop).done


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_of_a_storno_blocks_until_the_server_has_answered(when: str, shop: Software) -> None:
    shop.begin()
    before = books(shop)
    sale = shop.sold("1")
    shop.emulator.add_fault("F11", "doc:CHECK", when=when)
    done = cancel(shop)
    if done.state is DocumentState.UNKNOWN:
        for act in (lambda: shop.till.stornos.last(shop.binding), shop.till.sale.ready):
            with pytest.raises((Doubt, Refusal)):
                act()
        shop.emulator.replug()
        done = shop.till.unknowns.ask(done.id)
    shop.emulator.replug()
    if done.state is DocumentState.REJECTED:
        done = cancel(shop)
    assert done.done
    assert books(shop) == before
    assert shop.ledger.receipts.receipt(sale.id).state is ReceiptState.CANCELLED
    assert shop.kinds.count("storno") == 1
