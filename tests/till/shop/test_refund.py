"""Returns on a hardware registrar (cashier-flow.md V)."""

from __future__ import annotations

import pytest

from drivers.emulation.server import EmulatorServer
from kiosk.config import Policy
from kiosk.ledger.records import ReceiptKind, ReceiptState
from kiosk.till.errors import Denied, Refusal
from kiosk.till.rights import Right
from kiosk.till.scan import receipt_barcode
from tests.conftest import Launch
from tests.till.shop.conftest import Found
from tests.till.shop.rig import SLIP, Shop

WHY = "Goods of poor quality"


def test_v1_barcode_opens_the_list_and_a_second_full_return_is_impossible(shop: Shop) -> None:
    till = shop.begin()
    sale = shop.sold("2*1", "2")
    (found,) = till.refunds.by_code(receipt_barcode(sale.number))
    assert found.id == sale.id
    draft = till.refunds.take_all(till.refunds.draft(found.id))
    assert till.refunds.refund(draft, reason=WHY).state is ReceiptState.DONE
    again = till.refunds.draft(till.refunds.by_code(receipt_barcode(sale.number))[0].id)
    assert [(line.quantity, line.returned) for line in again.sale.lines] == [(2000, 2000), (1000, 1000)]
    with pytest.raises(Refusal) as refused:
        till.refunds.take(again, again.sale.lines[0].id, 1000)
    assert refused.value.code == "ABOVE_REST"
    # The old draft, kept by a second screen, cannot return it twice either.
    with pytest.raises(Refusal) as stale:
        till.refunds.refund(draft, reason=WHY)
    assert stale.value.code == "PRECHECK"


def test_v2_partial_return_carries_the_number_of_the_original(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    before = shop.stock("1")
    sale = shop.sold("5*1")
    original = shop.ledger.receipts.documents_of(sale.id)[0].result
    assert original is not None
    draft = till.refunds.draft(sale.id)
    done = till.refunds.refund(till.refunds.take(draft, sale.lines[0].id or 0, 1000), reason=WHY)
    assert done.state is ReceiptState.DONE
    (document,) = done.documents
    assert [line.quantity for line in document.document.lines] == [1000]
    assert document.document.original is not None
    assert document.document.original.number == original.number
    assert document.document.original.fiscal_number == original.fiscal_number
    line = shop.ledger.receipts.receipt(sale.id).lines[0]
    assert line.quantity - line.returned == 4000
    assert shop.stock("1") == before - 5000 + 1000
    assert server.registers()["refunds_turnover"] == 2550
    assert any(f"№{original.number}" in line for line in server.machine.printer.tape.lines)  # type: ignore[attr-defined]


def test_v8_the_kind_of_a_sale_cannot_be_changed_by_its_return(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    mixed = shop.sold("1", "5")
    draft = till.refunds.draft(mixed.id)
    red = next(line for line in mixed.lines if not line.fiscal)
    done = till.refunds.refund(till.refunds.take(draft, red.id or 0, 1000), reason=WHY)
    assert done.state is ReceiptState.DONE
    assert done.documents == ()
    assert [slip.lines[0] for slip in done.slips] == [f"ПОВЕРНЕННЯ ТОВАРУ, чек {mixed.number}"]
    assert server.registers()["refunds_turnover"] == 0
    green = till.refunds.take_all(till.refunds.draft(mixed.id))
    assert [line.fiscal for line in till.refunds.refund(green, reason=WHY).receipt.lines] == [True]
    assert server.registers()["refunds_turnover"] == 2550
    kind = next(check for check in till.refunds.checks(till.refunds.take(draft, red.id or 0, 1000)) if check.value)
    assert kind.value == "non-fiscal"


def test_returns_in_parts_give_back_what_was_paid_and_not_a_kopeck_more(shop: Shop) -> None:
    """3 × 0.30 are 0.90, paid 1.00 in coins of 50: rounded one by one they would return as 1.50."""
    till = shop.begin()
    sale = shop.sold("3*3")
    assert sale.due == 100
    paid_out = []
    for _ in range(3):
        draft = till.refunds.take(till.refunds.draft(sale.id), sale.lines[0].id or 0, 1000)
        done = till.refunds.refund(draft, reason=WHY)
        assert done.state is ReceiptState.DONE
        paid_out.append(done.receipt.due)
    assert paid_out == [50, 30, 20]
    assert till.cash.available(shop.binding) == 50_000


def test_mixed_payment_returns_by_its_means_in_proportion(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    sale = shop.sold("3*1", card=2551)  # 76.50: 25.51 by card, 50.99 -> 51.00 in cash
    parts = []
    for _ in range(3):
        draft = till.refunds.take(till.refunds.draft(sale.id), sale.lines[0].id or 0, 1000)
        done = till.refunds.refund(draft, reason=WHY, slip=SLIP)
        assert done.state is ReceiptState.DONE
        parts.append((done.documents[0].document.paid - _cash(done), _cash(done)))
    assert [sum(column) for column in zip(*parts, strict=True)] == [2551, 5100]
    assert server.registers()["refunds_by_form"] == {"card": 2551, "cash": 5100}


def _cash(done: object) -> int:
    return sum(p.amount for p in done.documents[0].document.payments if p.form.value == "cash")  # type: ignore[attr-defined]


def test_another_means_needs_a_senior_and_a_reason(shop: Shop, server: EmulatorServer) -> None:
    till = shop.begin()
    sale = shop.sold("2*1", card=-1)
    draft = till.refunds.take_all(till.refunds.draft(sale.id))
    with pytest.raises(Denied) as denied:
        till.refunds.refund(draft, reason=WHY, card=0)
    assert denied.value.right == Right.REFUND_OTHER_MEANS.value
    helped = till.refunds.refund(draft, reason=WHY, card=0, means_approval=shop.helps(Right.REFUND_OTHER_MEANS))
    assert helped.state is ReceiptState.DONE
    assert server.registers()["refunds_by_form"] == {"cash": 5100}


def test_only_what_was_paid_by_card_goes_back_to_it(shop: Shop) -> None:
    till = shop.begin()
    cash = shop.sold("2*1")
    draft = till.refunds.take_all(till.refunds.draft(cash.id))
    with pytest.raises(Refusal) as refused:
        till.refunds.offer(draft, card=100)
    assert refused.value.code == "CARD_ABOVE_DUE"
    card = shop.sold("2*1", card=-1)
    half = till.refunds.take(till.refunds.draft(card.id), card.lines[0].id or 0, 1000)
    assert till.refunds.refund(half, reason=WHY, slip=SLIP).state is ReceiptState.DONE
    rest = till.refunds.take_all(till.refunds.draft(card.id))
    assert till.refunds.offer(rest).most_card == 2550


def test_card_paid_sum_returned_in_cash_is_never_rounded_above_it(shop: Shop) -> None:
    till = shop.begin(name="Ігор")
    sale = shop.sold("2", card=-1)  # 41.99
    draft = till.refunds.take_all(till.refunds.draft(sale.id))
    assert till.refunds.offer(draft, card=0).due == 4150


def test_cash_missing_in_the_registrar_is_told_with_its_sum_before_anything_is_sent(
    shop: Shop, server: EmulatorServer
) -> None:
    till = shop.begin(float_=0)
    sale = shop.sold("2*1")
    till.cash.take_out(shop.binding, 4000)
    draft = till.refunds.take_all(till.refunds.draft(sale.id))
    check = next(check for check in till.refunds.checks(draft) if not check.passed)
    assert check.missing_cash == 4000
    journal = len(server.registers()["journal"])
    with pytest.raises(Refusal):
        till.refunds.refund(draft, reason=WHY)
    assert len(server.registers()["journal"]) == journal
    assert check.binding is not None
    till.cash.put_in(check.binding, check.missing_cash)
    assert till.refunds.refund(draft, reason=WHY).state is ReceiptState.DONE
    assert [entry["kind"] for entry in server.registers()["journal"]][-2:] == ["CASH_IN", "REFUND"]


def test_above_the_limit_and_after_the_return_period_a_senior_helps(shop: Shop) -> None:
    till = shop.begin()
    stove = shop.sold("6", card=-1)
    draft = till.refunds.take_all(till.refunds.draft(stove.id))
    with pytest.raises(Denied):
        till.refunds.refund(draft, reason=WHY, slip=SLIP)
    helped = till.refunds.refund(draft, reason=WHY, slip=SLIP, approval=shop.helps(Right.REFUND_ANY))
    assert helped.state is ReceiptState.DONE
    bread = shop.sold("1")
    shop.allow(return_days=-1)
    late = till.refunds.take_all(till.refunds.draft(bread.id))
    with pytest.raises(Denied):
        till.refunds.refund(late, reason=WHY)
    assert till.refunds.refund(late, reason=WHY, approval=shop.helps(Right.REFUND_ANY)).state is ReceiptState.DONE


def test_without_a_receipt_goods_lead_to_the_sale_they_came_from(shop: Shop) -> None:
    till = shop.begin()
    shop.sold("2")
    sale = shop.sold("1", "2")
    with pytest.raises(Denied) as denied:
        till.refunds.goods("4820000000017", reason="Чек загублено")
    assert not denied.value.approvable
    shop.login("Ігор")
    permit = shop.helps(Right.REFUND_WITHOUT_RECEIPT)
    with pytest.raises(Denied):
        till.refunds.goods("4820000000017", reason="Чек загублено")
    (bread,) = till.refunds.goods("4820000000017", reason="Чек загублено", approval=permit)
    (found,) = till.refunds.sales_of(bread, reason="Чек загублено", approval=permit)
    assert found.id == sale.id
    draft = till.refunds.draft(found.id, without_receipt=True, permit=permit)
    draft = till.refunds.take(draft, found.lines[0].id or 0, 1000)
    assert till.refunds.refund(draft, reason="Чек загублено").state is ReceiptState.DONE
    with pytest.raises(Refusal) as gone:
        till.refunds.sales_of(bread, reason="Чек загублено", approval=permit)
    assert gone.value.code == "NEVER_SOLD"
    bare = till.refunds.take(till.refunds.draft(found.id, without_receipt=True), found.lines[1].id or 0, 1000)
    with pytest.raises(Denied):
        till.refunds.refund(bare, reason="Чек загублено")


def test_the_customer_and_the_list_find_a_sale(shop: Shop) -> None:
    till = shop.begin()
    customer = shop.ledger.goods.customer("CARD-777")
    assert customer is not None
    theirs = shop.sold("2*1", customer=customer)
    other = shop.sold("2")
    assert [sale.id for sale in till.refunds.recent(customer=customer)] == [theirs.id]
    assert [sale.id for sale in till.refunds.recent(total=4199)] == [other.id]
    assert [sale.id for sale in till.refunds.recent()] == [other.id, theirs.id]
    with pytest.raises(Refusal):
        till.refunds.by_code("x" * 10_000)
    with pytest.raises(Refusal):
        till.refunds.by_code("999999")


def test_two_enterprises_return_on_their_own_registrars_by_their_own_means(launch: Launch, found: Found) -> None:
    first, second = launch(), launch(serial="CD87654321")
    shop = found(first, enterprises=2, urls=(f"datecs+serial://{second.address}?cap=5",))
    till = shop.begin()
    sale = shop.sold("2*1", "9", card=5100)  # bread by card (51.00), honey in cash (100.00)
    honey = next(line for line in sale.lines if line.enterprise_id == 2)
    draft = till.refunds.take(till.refunds.draft(sale.id), honey.id or 0, 1000)
    offer = till.refunds.offer(draft)
    assert (offer.card, offer.cash) == (0, 10_000)
    assert till.refunds.refund(draft, reason=WHY).state is ReceiptState.DONE
    assert second.registers()["refunds_by_form"] == {"cash": 10_000}
    assert first.registers()["refunds_turnover"] == 0


def test_a_refused_document_leaves_no_other_one_in_doubt(launch: Launch, found: Found) -> None:
    """IV-4: what was not sent because of another's refusal is settled: it blocks nobody, the basket is back."""
    first, second = launch(), launch(serial="CD87654321")
    shop = found(first, enterprises=2, urls=(f"datecs+serial://{second.address}?cap=5",))
    till = shop.begin()
    first.set_paper(False)
    paid = shop.sell("1", "9")
    assert paid.state is ReceiptState.FAILED
    assert [line.good.code for line in till.sale.basket.lines] == ["1", "9"]
    assert shop.ledger.receipts.unsettled() == []
    first.set_paper(True)
    second.set_paper(False)
    half = till.sale.pay(received=12_550)
    assert half.state is ReceiptState.PENDING
    second.set_paper(True)
    assert till.sale.again(half.receipt.id).state is ReceiptState.DONE
    assert [len([e for e in server.registers()["journal"] if e["kind"] == "SALE"]) for server in (first, second)] == [
        1,
        1,
    ]
    with pytest.raises(Refusal):
        till.sale.again(half.receipt.id)


def test_another_registrar_of_the_enterprise_names_the_original(
    shop: Shop, launch: Launch, server: EmulatorServer
) -> None:
    """V-9: the sale was made on another unit of the same enterprise."""
    till = shop.begin()
    sale = shop.sold("1")
    till.closing.z(shop.binding)
    other = launch(serial="EF11112222", cash=10_000)
    with shop.ledger.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE bindings SET url = ?, serial = '', fiscal_number = ''", (f"datecs+serial://{other.address}?cap=5",)
        )
    till = shop.restart()
    shop.login()
    till.shifts.open(shop.binding, counted=0, float_=0, reason="Інший РРО")
    draft = till.refunds.take_all(till.refunds.draft(sale.id))
    done = till.refunds.refund(draft, reason=WHY)
    assert done.state is ReceiptState.DONE, done.fault
    original = done.documents[0].document.original
    assert original is not None
    assert original.registrar == server.registers()["serial"]
    assert other.registers()["refunds_turnover"] == 2550


def test_a_limit_of_nothing_blocks_every_cashier_but_not_a_senior(server: EmulatorServer, found: Found) -> None:
    shop = found(server, policy=Policy(refund_limit=0, cash_rounding=50))
    till = shop.begin()
    sale = shop.sold("1")
    draft = till.refunds.take_all(till.refunds.draft(sale.id))
    with pytest.raises(Denied):
        till.refunds.refund(draft, reason=WHY)
    assert [r.kind for r in shop.ledger.receipts.refunds_of(sale.id)] == []
    shop.login("Ігор")
    assert till.refunds.refund(draft, reason=WHY).receipt.kind is ReceiptKind.REFUND


def test_a_receipt_of_nothing_is_sold_and_returned(shop: Shop, server: EmulatorServer) -> None:
    """A discount of 100 %: the printer wants its payment named even when it is 0.00."""
    till = shop.begin(name="Ігор")
    till.sale.enter("1")
    till.sale.discount(percent=10_000)
    paid = till.sale.pay()
    assert paid.state is ReceiptState.DONE, paid.fault
    draft = till.refunds.take_all(till.refunds.draft(paid.receipt.id))
    assert till.refunds.refund(draft, reason=WHY).state is ReceiptState.DONE
    assert [entry["kind"] for entry in server.registers()["journal"]] == ["CASH_IN", "SALE", "REFUND"]
