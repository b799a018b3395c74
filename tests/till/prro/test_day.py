"""A cashier's whole day on a software registrar at the till's own door: three books agree to the kopeck."""

from __future__ import annotations

from typing import Any

from drivers.document import DocumentKind
from kiosk.ledger.records import DocumentState, ReceiptState
from kiosk.till.rights import Right
from tests.till.prro.rig import Software


def server_totals(shop: Software) -> dict[str, int]:
    """The server's own draft of the Z."""
    access: Any = shop.till.workplace.desk(shop.binding).access
    found = access.call(lambda registrar: registrar.server_totals())
    return dict(found) if found is not None else {}


def test_a_day_from_the_key_to_the_next_opening(shop: Software) -> None:
    till = shop.begin(50_000)
    binding = shop.binding
    cash = shop.sold("2*1", "2")
    card = shop.sold("6", card=-1)
    mixed = shop.sold("1", "3", "5", card=1_000)
    assert cash.due == 9_300 and cash.rounding == 1
    line = next(line for line in cash.lines if line.code == "1")
    back = till.refunds.refund(
        till.refunds.take(till.refunds.draft(cash.id), line.id or 0, 1_000), reason="Goods of poor quality"
    )
    assert back.state is ReceiptState.DONE
    wrong = shop.sold("7*2")
    last = till.stornos.last(binding)
    assert last.receipt is not None and last.receipt.id == wrong.id
    assert till.stornos.cancel(last, reason="Wrong goods", approval=shop.helps(Right.STORNO)).done
    assert till.cash.take_out(binding, 20_000).state is DocumentState.REGISTERED

    report = till.reports.x(binding)
    assert report.agrees, [row for row in report.rows if row.difference]
    again = till.reports.x(binding)
    assert again == report
    there = server_totals(shop)
    assert there == {
        "sales": report.totals.sales, "refunds": report.totals.refunded, "cash_in": 50_000, "cash_out": 20_000,
        "sales_count": report.totals.receipts, "refunds_count": report.totals.refunds,
    }  # fmt: skip
    red = mixed.lines[-1].sum
    assert report.totals.sales == cash.due + card.due + mixed.due - red
    drawer = 50_000 + cash.due + (mixed.due - red - 1_000) - back.receipt.due - 20_000
    assert report.totals.drawer == till.cash.available(binding) == drawer

    compared = till.closing.compare(binding, counted=drawer + red, terminal=card.due + 1_000)
    assert compared.agrees, compared
    assert till.closing.problems(binding) == []
    closed = till.closing.z(binding, counted=drawer + red, terminal=card.due + 1_000)
    assert closed.document.state is DocumentState.REGISTERED and not closed.shift.is_open
    assert closed.document.result is not None and closed.document.result.totals is not None
    assert not [text for text in closed.document.result.warnings if "otherwise" in text]
    assert closed.document.result.totals.drawer == closed.shift.cash_left == drawer
    kinds = [item.kind for item in shop.ledger.receipts.documents(closed.shift.id)]
    assert kinds == [
        DocumentKind.OPEN_SHIFT, DocumentKind.CASH_IN, DocumentKind.SALE, DocumentKind.SALE, DocumentKind.SALE,
        DocumentKind.REFUND, DocumentKind.SALE, DocumentKind.STORNO, DocumentKind.CASH_OUT, DocumentKind.Z_REPORT,
    ]  # fmt: skip
    shop.agrees()
    assert shop.emulator.registers()["shift_open"] is False
    assert till.keys.locked(binding)

    shop.login("Ігор")
    shop.unlock()
    opened = till.shifts.open(binding, counted=drawer, float_=drawer)
    assert opened.shift is not None and opened.cash_in is not None and opened.cash_in.done
    assert till.cash.available(binding) == drawer
    assert shop.sold("1").state is ReceiptState.DONE
    shop.agrees()


def test_a_day_without_a_link_after_its_opening_ends_with_the_same_books(shop: Software) -> None:
    """The Z is made offline; the key stays unlocked until its documents are home."""
    till = shop.begin(10_000)
    shop.sold("1")
    shop.emulator.unplug()
    shop.sold("2", card=-1)
    access: Any = till.workplace.desk(shop.binding).access
    access.refresh().result()
    closed = till.closing.z(shop.binding, counted=12_550, terminal=4_199)
    assert closed.document.done and not closed.shift.is_open
    assert not till.keys.locked(shop.binding), "the offline documents still need the key"
    shop.emulator.replug()
    assert access.call(lambda registrar: registrar.synchronise())
    there = [
        (entry["kind"].lower(), str(entry["fiscal"])) for entry in shop.stream
        if entry["kind"].lower() in {kind.value for kind in DocumentKind}
    ]  # fmt: skip
    assert there == [(item.kind.value, item.result.number if item.result else "") for item in shop.documents]
