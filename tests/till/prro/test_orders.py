"""Advances, debts, stamps and returns on the software registrar (cashier-flow.md IV.5, V.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lxml import etree

from drivers.document import DocumentKind
from kiosk.ledger.records import BindingRole, FiscalDocument, Good, ReceiptState
from kiosk.till.errors import Refusal
from kiosk.till.payment import Wish
from kiosk.till.rights import Right
from kiosk.till.sale import Paid
from tests.till.orders import COGNAC, furnish, order, settle, take
from tests.till.prro.conftest import Found
from tests.till.prro.rig import FN, Software, url_of
from tests.till.shop.rig import Shop

WHY = "Wrong goods"
ONE, LATIN_ONE = "АВЕІ123456", "ABEI123456"


@pytest.fixture
def day(shop: Software) -> Software:
    furnish(shop)
    shop.begin()
    return shop


def only(paid: Paid) -> FiscalDocument:
    assert paid.state is ReceiptState.DONE, paid.fault
    (document,) = paid.documents
    return document


def number_of(document: FiscalDocument) -> str:
    assert document.result is not None
    return document.result.number


def sent(shop: Software, document: FiscalDocument, fn: str = FN) -> dict[str, list[str]]:
    """The document as the fiscal server keeps it: texts by element, in order."""
    store = shop.emulator.server.store
    entry = store.entry(int(fn), fiscal=number_of(document))
    assert entry is not None
    found: dict[str, list[str]] = {}
    for node in etree.fromstring(store.octets(entry)[0]).iter():
        found.setdefault(str(node.tag), []).append((node.text or "").strip())
    return found


def paper(shop: Software) -> str:
    return (shop.folder.parent / "tape.txt").read_text(encoding="utf-8")


# -- IV.5 -------------------------------------------------------------------------------------------------------------


def test_iv_19_advance_300_of_1000_then_final_700(day: Software) -> None:
    first = only(order(day, number="15"))
    xml = sent(day, first)
    assert xml["NAME"][-2:] == ["Аванс за: Диван", "Аванс за: Лампа"]
    assert (xml["PARTPAYTYPE"], xml["PARTPAYSUM"], xml["SUM"][0]) == (["1"], ["300.00", "240.00", "60.00"], "1000.00")
    assert "PARTPAYORDPREPAYNUM" not in xml
    assert day.stock("70") == 5_000, "the goods are still here"
    last = only(settle(day, "15"))
    xml = sent(day, last)
    assert xml["NAME"][-2:] == ["Диван", "Лампа"]
    assert (xml["AMOUNT"], xml["PRICE"], xml["COST"]) == (
        ["1.000", "2.000"],
        ["800.00", "100.00"],
        ["800.00", "200.00"],
    )
    assert (xml["PARTPAYTYPE"], xml["PARTPAYSUM"][0], xml["SUM"][0]) == (["2"], "700.00", "1000.00")
    assert xml["PARTPAYORDPREPAYNUM"] == [number_of(first)]
    tape = paper(day)
    for words in ("Аванс за: Диван", "Залишок до сплати", f"Передплата за чеком № {number_of(first)}",
                  "Передплата зараховано", "До сплати", "Замовлення № 15"):  # fmt: skip
        assert words in tape, words
    assert (day.stock("70"), day.stock("71")) == (4_000, 3_000)
    report = day.till.reports.x(day.binding)
    assert report.totals.sales == 100_000
    assert report.agrees, [row for row in report.rows if row.difference]
    assert day.emulator.registers()["sales_turnover"] == 100_000
    closed = day.till.closing.z(day.binding, counted=day.till.cash.available(day.binding))
    assert closed.document.done
    z = sent(day, closed.document)
    assert "1000.00" in z["SUM"] and z["ORDERSCNT"] == ["2"]
    day.agrees()


def test_iv_19_the_whole_price_in_parts_and_a_final_receipt_of_nothing(day: Software) -> None:
    first = only(order(day, 33_333, number="15"))
    take(day, "15")
    second = only(day.till.advances.pay(Wish(66_667), received=66_650))
    xml = sent(day, second)
    assert xml["PARTPAYTYPE"] == ["3"] and xml["NAME"][-2:] == ["Аванс за: Диван", "Аванс за: Лампа"]
    last = only(settle(day, "15"))
    xml = sent(day, last)
    assert xml["PARTPAYSUM"] == ["0.00", "0.00", "0.00"] and xml["PARTPAYORDPREPAYNUM"] == [number_of(first)]
    assert day.till.reports.x(day.binding).agrees


def test_iv_20_the_refund_of_an_advance_names_its_number(day: Software) -> None:
    first = only(order(day, number="15"))
    (waiting,) = day.till.advances.open_orders("15")
    done = day.till.give_back.give(waiting.id, reason=WHY)
    assert done.state is ReceiptState.DONE, done.fault
    xml = sent(day, done.documents[0])
    assert xml["ORDERRETNUM"] == [number_of(first)]
    assert xml["DOCSUBTYPE"] == ["1"] and xml["PARTPAYTYPE"] == ["1"] and xml["PARTPAYSUM"][0] == "300.00"
    assert f"Повернення за чеком № {number_of(first)}" in paper(day)
    assert day.till.advances.open_orders() == []
    report = day.till.reports.x(day.binding)
    assert (report.totals.sales, report.totals.refunded, report.agrees) == (30_000, 30_000, True)
    assert day.till.cash.available(day.binding) == 50_000


def test_iv_20_a_settled_order_goes_back_receipt_by_receipt(day: Software) -> None:
    numbers = [number_of(only(order(day, number="15"))), number_of(only(settle(day, "15")))]
    found = day.till.advances.by_number("15")
    assert found is not None
    for number in reversed(numbers):
        done = day.till.give_back.give(found.id, reason=WHY)
        assert done.state is ReceiptState.DONE, done.fault
        assert sent(day, done.documents[0])["ORDERRETNUM"] == [number]
    assert (day.stock("70"), day.stock("71")) == (5_000, 5_000)
    report = day.till.reports.x(day.binding)
    assert report.totals.refunded == 100_000 and report.agrees


def test_iv_21_a_debt_is_a_sale_and_never_a_service_cash_in(day: Software) -> None:
    first = only(order(day, 40_000, number="15", later=True))
    assert sent(day, first)["NAME"][-2:] == ["Диван", "Лампа"], "the goods left: the names are their own"
    assert (day.stock("70"), day.till.advances.debts()) == (4_000, 60_000)
    before = day.kinds
    for words in ("борг Петренка", "A buyer pays a debt or an advance"):
        with pytest.raises(Refusal, match="DEBT_IS_SALE"):
            day.till.cash.put_in(day.binding, 60_000, note=words)
    assert day.kinds == before
    last = only(settle(day, "15"))
    xml = sent(day, last)
    assert (xml["DOCTYPE"], xml["DOCSUBTYPE"]) == (["0"], ["0"]), "a sale, not a service document"
    assert xml["NAME"][-2:] == ["Оплата за: Диван", "Оплата за: Лампа"]
    assert (day.stock("70"), day.till.advances.debts()) == (4_000, 0)
    report = day.till.reports.x(day.binding)
    assert (report.totals.sales, report.totals.cash_in, report.agrees) == (100_000, 50_000, True)


@pytest.mark.parametrize("step", ["intent", "outcome", "settled"])
def test_a_kill_in_an_order_s_receipt_leaves_one_part_or_none(day: Software, step: str) -> None:
    """The till dies before the intent, after it, and between the outcome and the books."""
    order(day, number="15")
    take(day, "15")
    place = day.till.workplace
    journal, receipts = place.ledger.journal, place.ledger.receipts

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        if step == "intent":
            patch.setattr(day.till.fiscal, "complete", die)
        elif step == "outcome":
            patch.setattr(day.till.fiscal, "_settle", die)
        else:
            patch.setattr(receipts, "finish", die)
        day.till.advances.pay(received=70_000)
    assert journal is place.ledger.journal
    day.killed()
    day.login()
    day.unlock()
    day.till.fiscal.recover()
    found = day.till.advances.by_number("15")
    assert found is not None and not found.busy
    done = step != "intent"
    assert (found.paid, found.closed_at is not None) == ((100_000, True) if done else (30_000, False))
    assert day.emulator.registers()["sales_turnover"] == (100_000 if done else 30_000)
    if not done:
        assert day.till.sale.basket.order == found.id, "the basket is back and still an order"
        only(day.till.advances.pay(received=70_000))
    assert day.till.reports.x(day.binding).agrees


# -- V.4 --------------------------------------------------------------------------------------------------------------


def test_v_3_a_refund_of_150_in_a_new_shift_without_cash(shop: Software) -> None:
    shop.begin(0)
    shop.ledger.goods.put([Good(0, "80", "Чайник", 15_000, 1)])
    sold = shop.sold("80")
    shop.till.closing.z(shop.binding, counted=15_000)
    shop.unlock()
    shop.till.shifts.open(shop.binding, counted=15_000, float_=0, reason="x")
    till, before = shop.till, shop.kinds
    assert till.cash.available(shop.binding) == 0, "a new shift begins without cash, whatever lies in the drawer"
    draft = till.refunds.take_all(till.refunds.draft(sold.id))
    (check,) = [check for check in till.refunds.checks(draft) if check.missing_cash]
    assert (check.passed, check.missing_cash) == (False, 15_000)
    with pytest.raises(Refusal, match="PRECHECK"):
        till.refunds.refund(draft, reason=WHY)
    assert shop.kinds == before, "refused before anything was sent"
    assert check.binding is not None
    assert till.cash.put_in(check.binding, check.missing_cash, note="Cash for a refund").done
    assert till.refunds.refund(draft, reason=WHY).state is ReceiptState.DONE
    assert shop.kinds[len(before) :] == ["cash_in", "refund"]
    shift = shop.ledger.shifts.open_shift(shop.binding.id)
    assert shift is not None
    kinds = [item.kind for item in shop.ledger.receipts.documents(shift.id)]
    assert kinds == [DocumentKind.OPEN_SHIFT, DocumentKind.CASH_IN, DocumentKind.REFUND]
    shop.agrees()


@contextmanager
def second_till(shop: Software, url: str, enterprise: int, place: str) -> Iterator[Shop]:
    """Another workplace on the same ledger; the first one closes its shift's day meanwhile."""
    shop.ledger.shop.bind(enterprise, place, url, BindingRole.ACTIVE)
    other = Software(shop.folder, url, policy=shop.policy, workplace=place, emulator=shop.emulator, keys=shop.keys)
    try:
        yield other
    finally:
        other.close()


def test_v_9_a_second_registrar_of_the_enterprise_names_the_original(found: Found) -> None:
    shop = found(registrars=2)
    shop.begin()
    sold = shop.sold("1")
    (original,) = shop.ledger.receipts.documents_of(sold.id)
    url = url_of(shop.emulator, shop.keys, shop.folder.parent / "second", "second", fn="4000123457")
    with second_till(shop, url, 1, "Каса 2") as other:
        other.begin()
        sale = other.till.refunds.by_code(number_of(original))[0]
        draft = other.till.refunds.take_all(other.till.refunds.draft(sale.id))
        done = other.till.refunds.refund(draft, reason=WHY)
        assert done.state is ReceiptState.DONE, done.fault
        xml = sent(shop, done.documents[0], fn="4000123457")
        assert xml["ORDERRETNUM"] == [number_of(original)]
        assert xml["ORDERRETCASHREGNUM"] == [FN] and len(xml["ORDERRETDATE"]) == 1
    assert shop.emulator.registers(4000123457)["refunds_turnover"] == sold.due


def test_v_9_a_registrar_of_another_enterprise_is_refused(found: Found) -> None:
    shop = found(registrars=2)
    shop.begin()
    sold = shop.sold("1")
    stranger = shop.ledger.shop.add_enterprise("ФОП Чужий", "3184710691")
    url = url_of(shop.emulator, shop.keys, shop.folder.parent / "second", "second", fn="4000123457")
    with second_till(shop, url, stranger.id, "Каса 3") as other:
        other.login()
        before = shop.emulator.registers(4000123457)["journal"]
        draft = other.till.refunds.take_all(other.till.refunds.draft(sold.id))
        failed = [check.name for check in other.till.refunds.checks(draft) if not check.passed]
        assert "Enterprise of the original" in failed
        with pytest.raises(Refusal, match="PRECHECK"):
            other.till.refunds.refund(draft, reason=WHY)
        assert shop.emulator.registers(4000123457)["journal"] == before
    line = shop.ledger.receipts.receipt(sold.id).lines[0]
    assert line.returned == 0, "nothing was reserved"


def test_v_10_and_iv_3_a_stamp_goes_out_comes_back_and_goes_out_again(day: Software) -> None:
    sale = day.till.sale
    sale.enter(COGNAC.barcode)
    with pytest.raises(Refusal, match="STAMPS"):
        sale.ready()
    sale.enter(ONE)
    first = only(day.sell())
    assert sent(day, first)["EXCISELABEL"] == [ONE]
    sale.enter(COGNAC.barcode)
    with pytest.raises(Refusal, match="STAMP_SOLD"):
        sale.enter(LATIN_ONE)
    sale.clear()
    assert first.receipt_id is not None
    draft = day.till.refunds.take_all(day.till.refunds.draft(first.receipt_id))
    back = day.till.refunds.refund(draft, reason=WHY)
    assert back.state is ReceiptState.DONE, back.fault
    assert sent(day, back.documents[0])["EXCISELABEL"] == [ONE]
    sale.enter(COGNAC.barcode)
    sale.enter(LATIN_ONE)
    again = only(day.sell())
    assert sent(day, again)["EXCISELABEL"] == [LATIN_ONE], "sent as it was scanned"
    day.agrees()


def test_an_advance_for_bottles_bears_no_stamps_and_its_settlement_does(day: Software) -> None:
    day.till.sale.enter(COGNAC.barcode)
    first = only(day.till.advances.pay(Wish(20_000, number="7"), received=20_000))
    assert "EXCISELABEL" not in sent(day, first)
    take(day, "7")
    with pytest.raises(Refusal, match="STAMPS"):
        day.till.advances.pay(received=30_000)
    day.till.sale.enter(ONE)
    last = only(day.till.advances.pay(received=30_000))
    assert sent(day, last)["EXCISELABEL"] == [ONE]
    found = day.till.advances.by_number("7")
    assert found is not None
    day.till.give_back.give(found.id, reason=WHY)
    assert not day.ledger.orders.stamp_is_out(ONE)


# -- storno -----------------------------------------------------------------------------------------------------------


def cancel(shop: Software) -> FiscalDocument:
    last = shop.till.stornos.last(shop.binding)
    done = shop.till.stornos.cancel(last, reason="Double receipt", approval=shop.helps(Right.STORNO))
    assert done.done, done.result
    return done


def test_the_storno_of_an_advance_and_of_a_settlement_takes_the_part_back(day: Software) -> None:
    order(day, number="15")
    only(settle(day, "15"))
    cancel(day)
    (found,) = day.till.advances.open_orders("15")
    assert (found.paid, found.rest) == (30_000, 70_000)
    assert (day.stock("70"), day.stock("71")) == (5_000, 5_000)
    only(settle(day, "15"))
    cancel(day)
    report = day.till.reports.x(day.binding)
    assert report.totals.sales == 30_000 and report.agrees
    order(day, 10_000, codes=("4820000000703",), number="16")
    cancel(day)
    closed = day.till.advances.by_number("16")
    assert closed is not None and closed.closed_at is not None and closed.paid == 0


def test_the_storno_of_an_order_s_refund_lets_its_money_stand(day: Software) -> None:
    order(day, number="15")
    (waiting,) = day.till.advances.open_orders("15")
    day.till.give_back.give(waiting.id, reason=WHY)
    cancel(day)
    (found,) = day.till.advances.open_orders("15")
    assert found.paid == 30_000
    only(settle(day, "15"))
    assert day.till.reports.x(day.binding).agrees


def test_a_storno_frees_the_stamp_and_takes_it_again(day: Software) -> None:
    day.till.sale.enter(COGNAC.barcode)
    day.till.sale.enter(ONE)
    only(day.sell())
    cancel(day)
    assert not day.ledger.orders.stamp_is_out(ONE)
    day.till.sale.enter(COGNAC.barcode)
    day.till.sale.enter(LATIN_ONE)
    sold = only(day.sell())
    assert sold.receipt_id is not None
    draft = day.till.refunds.take_all(day.till.refunds.draft(sold.receipt_id))
    day.till.refunds.refund(draft, reason=WHY)
    assert not day.ledger.orders.stamp_is_out(ONE)
    cancel(day)
    assert day.ledger.orders.stamp_is_out(ONE), "the bottle is sold after all"
