"""Online: every act is one document with the server's number; a doubt is asked about, never repeated."""

from __future__ import annotations

from drivers.document import DocumentKind
from tests.prro.registrar.world import Shop, act, cash_in, cash_out, line, refund, sale, storno, z_report


def test_a_whole_day(shop: Shop) -> None:
    opened = shop.open()
    shop.must(cash_in(50_000))
    sold = shop.must(sale(line(), line("Молоко", 4299, 1000, tax="Б")))
    shop.must(refund(sold.number, line(quantity=1000)))
    shop.must(cash_out(10_000))
    last = shop.must(sale())
    shop.must(storno(last.number))
    totals = shop.registrar.totals()
    registers = shop.emulator.registers()
    assert totals.sales == registers["sales_turnover"] == 6799
    assert totals.refunded == registers["refunds_turnover"] == 1250
    assert totals.drawer == registers["drawer"] == 50_000 + 6799 - 1250 - 10_000
    closed = shop.must(z_report())
    assert closed.totals == totals
    assert shop.emulator.registers()["shift_open"] is False
    numbers = [entry["number"] for entry in shop.ledger]
    assert numbers == list(range(1, len(numbers) + 1))
    assert opened.number == shop.ledger[0]["fiscal"]
    shop.must(act(DocumentKind.OPEN_SHIFT))
