"""Excise stamps (cashier-flow.md IV-3, V-10; fiscal-server.md §9.3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import Receipt, ReceiptState
from kiosk.till import stamps
from kiosk.till.errors import Denied, Refusal
from kiosk.till.rights import Right
from kiosk.till.sale import Happened
from kiosk.till.stamps import Form
from tests.till.orders import COGNAC, furnish
from tests.till.shop.conftest import found, server, shop
from tests.till.shop.rig import Shop

__all__ = ["found", "server", "shop"]
ONE, TWO, THREE = "АВЕІ123456", "АВЕІ123457", "АВЕІ123458"
LATIN_ONE = "ABEI123456"
MATRIX = "]d2010482000000072721AB12CD34EF56GH78\x1d91EE06"


@pytest.fixture
def day(shop: Shop) -> Shop:
    furnish(shop)
    shop.begin(200_000)
    return shop


def bottles(shop: Shop, *numbers: str) -> Receipt:
    """Sell bottles on one line, one a stamp."""
    shop.till.sale.enter(f"{len(numbers)}*{COGNAC.barcode}")
    for number in numbers:
        assert shop.till.sale.enter(number).happened is Happened.STAMP
    paid = shop.sell()
    assert paid.state is ReceiptState.DONE, paid.fault
    return shop.ledger.receipts.receipt(paid.receipt.id)


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scan", "number", "form"),
    [
        ("АВЕІ123456", "АВЕІ123456", Form.PAPER),
        ("abei123456", "ABEI123456", Form.PAPER),
        ("]C0AAAB123456\r", "AAAB123456", Form.PAPER),
        (" ЇЄҐЖ000001 ", "ЇЄҐЖ000001", Form.PAPER),
        (MATRIX, "AB12CD34EF56", Form.ELECTRONIC),
        ("\x1d010482000000072721AB12CD34EF56GH78\x1d91EE06", "AB12CD34EF56", Form.ELECTRONIC),
        ("]d221ZZ99YY88XX77", "ZZ99YY88XX77", Form.ELECTRONIC),
        ("10АБВГ 0123456789", "10АБВГ 0123456789", Form.OLDER),
    ],
)
def test_what_is_a_stamp(scan: str, number: str, form: Form) -> None:
    stamp = stamps.read(scan)
    assert (stamp.number, stamp.form) == (number, form)


@pytest.mark.parametrize(
    ("scan", "code"),
    [
        ("https://cabinet.tax.gov.ua/stamp/AAAB123456", "QR_STAMP"),
        ("WWW.TAX.GOV.UA", "QR_STAMP"),
        ("id=АВЕІ123456&x=1", "QR_STAMP"),
        ("4820000000727", "GOODS_NOT_STAMP"),
        ("]d2010482000000072721AB12", "BAD_STAMP"),
        ("мотлох", "BAD_STAMP"),
        ("A" * 60 + "12345", "BAD_STAMP"),
        ("АВЕІ1", "BAD_STAMP"),
        (" ", "EMPTY_SCAN"),
        ("]C0", "EMPTY_SCAN"),
    ],
)
def test_iv_3_what_is_none_is_refused_with_its_reason(scan: str, code: str) -> None:
    with pytest.raises(Refusal, match=f"^{code}:"):
        stamps.read(scan)


def test_look_alike_letters_are_one_letter() -> None:
    assert stamps.read("ABEIKMHOPCTX"[:4] + "123456").key == stamps.read("АВЕІ123456").key
    for latin, cyrillic in zip("ABEIKMHOPCTX", "АВЕІКМНОРСТХ", strict=True):
        assert stamps.read(f"{latin * 4}000001").key == stamps.read(f"{cyrillic * 4}000001").key


# -- selling ----------------------------------------------------------------------------------------------------------


def test_iv_3_three_bottles_want_three_stamps(day: Shop) -> None:
    sale = day.till.sale
    with pytest.raises(Refusal, match="NO_STAMP_WANTED"):
        sale.enter(ONE)
    sale.enter(f"3*{COGNAC.barcode}")
    for number in (ONE, TWO):
        sale.enter(number)
    assert sale.basket.lines[0].excise == (ONE, TWO)
    for act in (sale.ready, lambda: sale.pay(received=150_000)):
        with pytest.raises(Refusal, match="STAMPS") as refused:
            act()
        assert refused.value.values["count"] == "2" and refused.value.values["needed"] == "3"
    for again in (ONE, LATIN_ONE, "abei123456"):
        with pytest.raises(Refusal, match="STAMP_TWICE"):
            sale.enter(again)
    with pytest.raises(Refusal, match="QR_STAMP"):
        sale.stamp("https://cabinet.tax.gov.ua/АВЕІ123459")
    assert sale.basket.lines[0].excise == (ONE, TWO), "nothing was lost"
    day.till.sale.enter(THREE)
    paid = day.sell()
    assert paid.state is ReceiptState.DONE
    assert paid.documents[0].document.lines[0].excise == (ONE, TWO, THREE)
    with pytest.raises(Refusal, match="NO_STAMP_WANTED"):
        sale.enter("АВЕІ123499")


def test_iv_3_a_stamp_is_sold_once_in_the_shift_and_ever(day: Shop, server: EmulatorServer) -> None:
    bottles(day, ONE)
    assert f"Акцизна марка {ONE}" in (Path(server.address).parent / "tape.txt").read_text(encoding="utf-8")
    day.till.sale.enter(COGNAC.barcode)
    for again in (ONE, LATIN_ONE):
        with pytest.raises(Refusal, match="STAMP_SOLD"):
            day.till.sale.enter(again)
    day.till.sale.clear()
    day.till.closing.z(day.binding, counted=day.till.cash.available(day.binding))
    day.restart()
    day.login()
    day.open(day.till.shifts.left_at_close(day.binding))
    day.till.sale.enter(COGNAC.barcode)
    with pytest.raises(Refusal, match="STAMP_SOLD"):
        day.till.sale.enter(LATIN_ONE)


def test_an_e_stamp_is_sent_by_its_identifier_and_its_scan_is_kept(day: Shop) -> None:
    sold = bottles(day, MATRIX)
    assert sold.lines[0].excise == ("AB12CD34EF56",)
    (record,) = day.ledger.audit.records(action="stamp")
    assert record.detail["raw"] == MATRIX.strip()
    day.till.sale.enter(COGNAC.barcode)
    with pytest.raises(Refusal, match="STAMP_SOLD"):
        day.till.sale.stamp(MATRIX)


def test_a_stamp_goes_to_the_current_line_and_comes_off(day: Shop) -> None:
    sale = day.till.sale
    sale.enter(COGNAC.barcode)
    sale.enter(COGNAC.barcode)
    assert [line.quantity for line in sale.basket.lines] == [1_000, 1_000]
    sale.choose(0)
    sale.enter(ONE)
    sale.enter(TWO)
    assert [line.excise for line in sale.basket.lines] == [(ONE,), (TWO,)]
    sale.choose(0)
    sale.unstamp(LATIN_ONE)
    assert sale.basket.lines[0].excise == ()
    with pytest.raises(Refusal, match="NO_STAMP"):
        sale.unstamp(ONE)
    sale.enter(ONE)
    sale.set_quantity(2_000)
    with pytest.raises(Refusal, match="STAMPS"):
        sale.ready()


def test_a_failed_sale_gives_its_stamps_back(day: Shop, server: EmulatorServer) -> None:
    server.set_paper(False)
    day.till.sale.enter(COGNAC.barcode)
    day.till.sale.enter(ONE)
    assert day.sell().state is ReceiptState.FAILED
    assert not day.ledger.orders.stamp_is_out(ONE)
    server.set_paper(True)
    assert day.sell().state is ReceiptState.DONE
    assert day.ledger.orders.stamp_is_out(LATIN_ONE)


def test_two_tills_cannot_sell_one_stamp(day: Shop) -> None:
    """The second till took the stamp into its basket before the first one sold it."""
    day.till.sale.enter(COGNAC.barcode)
    day.till.sale.enter(ONE)
    held = day.till.sale.basket
    assert day.sell().state is ReceiptState.DONE
    day.till.sale.take_in_hand(held)
    sent = day.till.fiscal.issued
    with pytest.raises(Refusal, match="STAMP_SOLD"):
        day.sell()
    assert day.till.fiscal.issued == sent
    assert day.till.sale.basket.lines[0].excise == (ONE,)


# -- returns ----------------------------------------------------------------------------------------------------------


def test_v_10_a_refund_frees_the_stamp_for_a_new_sale(day: Shop) -> None:
    sold = bottles(day, ONE)
    draft = day.till.refunds.take_all(day.till.refunds.draft(sold.id))
    done = day.till.refunds.refund(draft, reason="Wrong goods")
    assert done.state is ReceiptState.DONE, done.fault
    assert done.documents[0].document.lines[0].excise == (ONE,)
    again = bottles(day, LATIN_ONE)
    assert again.lines[0].excise == (LATIN_ONE,)
    assert day.till.reports.x(day.binding).agrees


def test_v_10_part_of_a_line_comes_back_by_its_stamps(day: Shop) -> None:
    sold = bottles(day, ONE, TWO, THREE)
    refunds = day.till.refunds
    line = sold.lines[0].id
    assert line is not None
    blind = refunds.take(refunds.draft(sold.id), line, 1_000)
    with pytest.raises(Refusal, match="PRECHECK"):
        refunds.refund(blind, reason="Wrong goods")
    with pytest.raises(Refusal, match="FOREIGN_STAMP"):
        refunds.take_stamp(refunds.draft(sold.id), "АВЕІ999999")
    draft = refunds.take_stamp(refunds.draft(sold.id), "ABEI123457")
    with pytest.raises(Refusal, match="FOREIGN_STAMP"):
        refunds.take_stamp(draft, TWO)
    done = refunds.refund(draft, reason="Wrong goods")
    assert done.documents[0].document.lines[0].excise == (TWO,)
    assert [day.ledger.orders.stamp_is_out(one) for one in (ONE, TWO, THREE)] == [True, False, True]
    with pytest.raises(Refusal, match="FOREIGN_STAMP"):
        refunds.take_stamp(refunds.draft(sold.id), TWO)
    bottles(day, TWO)
    rest = refunds.refund(refunds.take_all(refunds.draft(sold.id)), reason="Wrong goods")
    assert rest.documents[0].document.lines[0].excise == (ONE, THREE)
    assert [day.ledger.orders.stamp_is_out(one) for one in (ONE, TWO, THREE)] == [False, True, False]


def test_a_stamp_without_a_barcode_wants_a_senior(day: Shop) -> None:
    day.till.sale.enter(f"2*{COGNAC.barcode}")
    day.till.sale.enter(ONE)
    with pytest.raises(Denied):
        day.till.sale.without_stamp(reason="An old stamp without a barcode")
    day.till.sale.without_stamp(reason="An old stamp without a barcode", approval=day.helps(Right.STAMPLESS))
    with pytest.raises(Refusal, match="NO_STAMP_WANTED"):
        day.till.sale.without_stamp(reason="again", approval=day.helps(Right.STAMPLESS))
    paid = day.sell()
    assert paid.documents[0].document.lines[0].excise == (ONE,)
    (record,) = day.ledger.audit.records(action="without_stamp")
    assert record.detail["code"] == COGNAC.code
    draft = day.till.refunds.take_all(day.till.refunds.draft(paid.receipt.id))
    assert day.till.refunds.refund(draft, reason="Wrong goods").state is ReceiptState.DONE
    assert not day.ledger.orders.stamp_is_out(ONE)


def test_beer_bears_no_stamp(day: Shop) -> None:
    day.ledger.goods.put([replace(COGNAC, code="73", barcode="", uktzed="2203000100")])
    assert day.sold("73").lines[0].excise == ()
