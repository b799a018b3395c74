"""One contract for every registrar. A family subclasses `RegistrarContract` with its `family` and gets all of it.

Nothing here knows a protocol: the bench names commands by their part in a document, and the device's own registers,
read past the driver, are the judge.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
import pytest

from drivers.clock import SystemClock
from drivers.document import CardSlip, Document, DocumentKind, Line, Original, Payment, PaymentForm, line_sum
from drivers.errors import Code, DifferentDevice, Invalid, Unreachable
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, Result, State
from drivers.registry import connect
from drivers.road import settle_open, walk
from tests.contract.bench import Bench, Family, emulator_bench
from tests.contract.memory import MemoryJournal


class Killed(BaseException):
    """The till's process dies here."""


class Mortal(WireLog):
    """A wire log that kills the till at the n-th write, just before it or just after its first answer."""

    def __init__(self, at: int, *, after: bool) -> None:
        super().__init__(SystemClock())
        self._left = at
        self._after = after

    def to_device(self, data: bytes, shown: bytes | None) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        super().to_device(data, shown)

    @property
    def unspent(self) -> bool:
        """Whether the road ended before the n-th write."""
        return self._left > 0

    def from_device(self, data: bytes) -> None:
        super().from_device(data)
        if self._left == 0 and self._after:
            raise Killed


def line(name: str = "Хліб", price: int = 1250, quantity: int = 2000, **more: Any) -> Line:
    """A line that adds up."""
    discount = more.get("discount", 0)
    fields: dict[str, Any] = {"code": name, "name": name, "tax": "А", "price": price, "quantity": quantity} | more
    return Line(**fields, sum=line_sum(price, quantity) - discount)


def sale(*lines: Line, **more: Any) -> Document:
    """A sale paid in cash to the kopeck unless payments are given; `kind` makes it a refund."""
    fields: dict[str, Any] = {"id": uuid.uuid4(), "kind": DocumentKind.SALE, "lines": lines or (line(),)} | more
    draft = Document(**fields)
    if draft.payments or not draft.due:
        return draft
    return msgspec.structs.replace(draft, payments=(Payment(form=PaymentForm.CASH, amount=draft.due),))


def refund(*lines: Line, **more: Any) -> Document:
    return sale(
        *lines, kind=DocumentKind.REFUND, original=Original(number="417", at="2026-11-24T10:15:00+02:00"), **more
    )


def act(kind: DocumentKind, amount: int = 0) -> Document:
    return Document(id=uuid.uuid4(), kind=kind, amount=amount)


def cash(amount: int) -> Payment:
    return Payment(form=PaymentForm.CASH, amount=amount)


CARD = CardSlip(rrn="123456789012", auth_code="A1B2C3", pan_mask="****4242", terminal="S1AB0001", payment_system="VISA")


class Till:
    """A registrar, a journal and the road between them."""

    def __init__(
        self,
        bench: Bench,
        journal: MemoryJournal | None = None,
        log: WireLog | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log or WireLog(SystemClock())
        more = urlencode(options or {})
        url = bench.url + (("&" if "?" in bench.url else "?") + more if more else "")
        self.registrar: Registrar = connect(url, log=self.log)
        self.journal = journal or MemoryJournal()

    def do(self, document: Document, *, patience: float = 1.0) -> Result:
        return walk(self.registrar, document, self.journal, SystemClock(), patience=patience, ask_again=0.1)

    def must(self, document: Document) -> Result:
        result = self.do(document)
        assert result.state is State.REGISTERED, result
        return result

    def restart(self, bench: Bench) -> Till:
        """The till dies and starts again with what its journal holds."""
        self.registrar.close()
        return Till(bench, self.journal)

    def settle_open(self) -> list[tuple[Document, Result]]:
        return settle_open(self.registrar, self.journal, SystemClock(), patience=1.0, ask_again=0.1)


class RegistrarContract:
    """Subclass, set `family`, and every test below runs against it."""

    family: ClassVar[Family]
    full_only: ClassVar[bool] = False
    """Another link or option of a family: runs with KASA_FULL=1 only."""
    KILL_EVERY: ClassVar[int] = 1
    """The till is killed at every n-th command."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with self.running(tmp_path / "registrar") as bench:
            yield bench

    def running(self, folder: Path) -> AbstractContextManager[Bench]:
        """A registrar with 1000.00 in its drawer, ready for documents; a family without a machine has its own."""
        return emulator_bench(self.family, folder, cash="100000")

    @pytest.fixture
    def till(self, bench: Bench) -> Iterator[Till]:
        till = Till(bench)
        yield till
        till.registrar.close()

    def needs(self, fault: str) -> None:
        if fault not in self.family.faults:
            pytest.skip(f"{self.family.scheme} has no fault {fault}")

    # -- who is there ---------------------------------------------------------------------------------------------

    def test_info_and_status(self, bench: Bench, till: Till) -> None:
        info, status = till.registrar.info(), till.registrar.status()
        assert info.serial == bench.registers()["serial"] == self.family.first_serial
        assert info.fiscalised and info.fiscal_number and info.family == till.registrar.capabilities.family
        assert status.reachable and not status.blocks and status.clock is not None
        assert abs(status.clock - SystemClock().now()) < timedelta(seconds=30)
        assert status.read_at is not None
        assert timedelta() <= SystemClock().now() - status.read_at < timedelta(seconds=30)
        assert status.drawer == 100_000
        assert status.shift_open is False and status.shift_opened_at is None

    def test_the_shift_opens_with_the_first_document(self, till: Till) -> None:
        till.registrar.status()
        result = till.must(act(DocumentKind.CASH_IN, 100))
        status = till.registrar.status()
        assert status.shift_open is True
        assert status.shift_opened_at == result.at
        till.must(act(DocumentKind.Z_REPORT))
        after = till.registrar.status()
        assert (after.shift_open, after.shift_opened_at) == (False, None)

    def test_the_time_of_a_document_is_the_registrars(self, bench: Bench, till: Till) -> None:
        bench.advance_clock(7_200)
        result = till.must(sale())
        assert result.at is not None
        assert timedelta(minutes=119) < result.at - SystemClock().now() < timedelta(minutes=121)

    # -- documents ------------------------------------------------------------------------------------------------

    def test_sale(self, bench: Bench, till: Till) -> None:
        result = till.must(sale(line(), line("Молоко", 4299, 1000, tax="Б")))
        registers = bench.registers()
        assert registers["sales_turnover"] == 6799 == result.total
        assert registers["sales_by_tax"] == {"А": 2500, "Б": 4299}
        assert registers["sales_by_form"] == {"cash": 6799}
        assert registers["drawer"] == 106_799
        assert result.number and result.serial == registers["serial"] and result.fiscal_number
        assert "Хліб" in bench.tape() and "Молоко" in bench.tape() and "67.99" in bench.tape()

    def test_change_stays_with_the_buyer(self, bench: Bench, till: Till) -> None:
        result = till.must(sale(payments=(cash(3000),)))
        assert (result.change, result.total) == (500, 2500)
        assert bench.registers()["drawer"] == 102_500

    def test_line_discount(self, bench: Bench, till: Till) -> None:
        till.must(sale(line(discount=250)))
        assert bench.registers()["sales_turnover"] == 2250

    def test_receipt_discount(self, bench: Bench, till: Till) -> None:
        till.must(sale(line(), line("Сіль", 2500, 1000, tax="Б"), discount=1000))
        registers = bench.registers()
        assert registers["sales_turnover"] == 4000
        assert registers["sales_by_tax"] == {"А": 2000, "Б": 2000}

    @pytest.mark.parametrize("kind", [DocumentKind.SALE, DocumentKind.REFUND])
    @pytest.mark.parametrize(("discount", "rounding"), [(0, 0), (1000, 0), (333, 1), (0, -2), (1001, 2)])
    def test_turnover_by_tax_is_told(
        self, bench: Bench, till: Till, kind: DocumentKind, discount: int, rounding: int
    ) -> None:
        """The till books a document by tax as the registrar counted it, also where it had to ask."""
        lines = (line("Сир", 3333, 1000), line("Сіль", 1777, 1000, tax="Б", discount=77), line("Чай", 999, 3000))
        document = sale(*lines, kind=kind, discount=discount, rounding=rounding)
        before = till.registrar.snapshot(document)
        result = till.must(document)
        plain = {"А": 3333 + 2997, "Б": 1700}
        told = dict(result.by_tax) or plain
        name = "refunds_by_tax" if kind is DocumentKind.REFUND else "sales_by_tax"
        assert told == bench.registers()[name]
        assert sum(told.values()) == document.due
        if discount or rounding:
            asked = till.registrar.reconcile(document, before)
            assert asked.state is State.REGISTERED and asked.by_tax == told

    @pytest.mark.parametrize("rounding", [-2, 2])
    def test_rounding(self, bench: Bench, till: Till, rounding: int) -> None:
        result = till.must(sale(line(price=1248 - rounding // 2), rounding=rounding))
        assert result.total == bench.registers()["sales_turnover"] == 2496

    def test_weighed_good_rounds_halves_up(self, bench: Bench, till: Till) -> None:
        till.must(sale(line("Сир", 19990, 275)))
        assert bench.registers()["sales_turnover"] == 5497

    def test_mixed_payment_with_a_slip(self, bench: Bench, till: Till) -> None:
        card = Payment(form=PaymentForm.CARD, amount=1000, card=CARD)
        till.must(sale(payments=(cash(2000), card)))
        assert bench.registers()["sales_by_form"] == {"card": 1000, "cash": 1500}
        assert "123456789012" in bench.tape()

    def test_many_lines(self, bench: Bench, till: Till) -> None:
        till.must(sale(*(line(f"Товар {number}", 100 + number, 1000) for number in range(40))))
        assert bench.registers()["sales_turnover"] == sum(100 + number for number in range(40))

    def test_one_good_at_two_prices(self, bench: Bench, till: Till) -> None:
        till.must(sale(line(price=1000, quantity=1000), line(price=900, quantity=1000)))
        till.must(sale(line(price=1100, quantity=1000)))
        assert bench.registers()["sales_turnover"] == 3000

    def test_zero_receipt(self, bench: Bench, till: Till) -> None:
        till.must(act(DocumentKind.ZERO))
        registers = bench.registers()
        assert (registers["sales_turnover"], len(registers["journal"])) == (0, 1)

    def test_receipt_of_nothing_to_pay(self, bench: Bench, till: Till) -> None:
        till.must(sale(line(discount=2500)))
        assert (bench.registers()["sales_turnover"], len(bench.registers()["journal"])) == (0, 1)

    def test_refund_names_the_original(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        till.must(refund(line(quantity=1000)))
        registers = bench.registers()
        assert (registers["sales_turnover"], registers["refunds_turnover"]) == (2500, 1250)
        assert registers["drawer"] == 101_250
        assert self.family.texts["original"].format("417") in bench.tape()

    def test_refund_to_a_card_leaves_the_drawer(self, bench: Bench, till: Till) -> None:
        till.must(refund(payments=(Payment(form=PaymentForm.CARD, amount=2500, card=CARD),)))
        assert bench.registers()["drawer"] == 100_000
        assert bench.registers()["refunds_by_form"] == {"card": 2500}

    def test_excise_and_uktzed_stand_on_paper(self, bench: Bench, till: Till) -> None:
        till.must(sale(line("Коньяк", 50000, 1000, uktzed="2208201200", excise=("АБВГ123456", "АБВГ123457"))))
        tape = bench.tape()
        assert self.family.texts["uktzed"].format("2208201200") in tape
        assert self.family.texts["excise"].format("АБВГ123456") in tape
        assert self.family.texts["excise"].format("АБВГ123457") in tape

    def test_header_comment_and_footer(self, bench: Bench, till: Till) -> None:
        till.must(sale(line(comment="Без цукру"), header=("Вітаємо",), footer=("Дякуємо за покупку",)))
        for words in ("Вітаємо", "Без цукру", "Дякуємо за покупку"):
            assert words in bench.tape()

    def test_cash_in_and_out(self, bench: Bench, till: Till) -> None:
        till.must(act(DocumentKind.CASH_IN, 5_000))
        till.must(act(DocumentKind.CASH_OUT, 105_000))
        registers = bench.registers()
        assert (registers["cash_in"], registers["cash_out"], registers["drawer"]) == (5_000, 105_000, 0)
        assert till.registrar.cash_in_drawer() == 0

    @pytest.mark.parametrize(
        "document", [act(DocumentKind.CASH_OUT, 100_001), refund(line(price=100_001, quantity=1000))]
    )
    def test_more_cash_than_there_is(self, bench: Bench, till: Till, document: Document) -> None:
        result = till.do(document)
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.INSUFFICIENT_CASH
        assert bench.registers()["journal"] == [] and bench.registers()["drawer"] == 100_000
        till.must(act(DocumentKind.CASH_OUT, 100_000))

    def test_x_twice_is_identical(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        before = bench.registers()
        first, second = till.registrar.x_report(), till.registrar.x_report()
        assert first == second and first.sales == 2500 and first.drawer == 102_500
        assert bench.registers()["z_number"] == before["z_number"]
        assert bench.registers()["sales_turnover"] == 2500

    def test_z_closes_the_day(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        till.must(refund(line(quantity=1000)))
        result = till.must(act(DocumentKind.Z_REPORT))
        assert result.totals is not None
        assert (result.totals.sales, result.totals.refunded) == (2500, 1250)
        registers = bench.registers()
        assert (registers["z_number"], registers["sales_turnover"], registers["refunds_turnover"]) == (1, 0, 0)
        assert registers["drawer"] == 101_250
        assert till.must(act(DocumentKind.Z_REPORT)).z_number == 2

    def test_totals_are_the_sum_of_the_documents(self, bench: Bench, till: Till) -> None:
        documents = [
            sale(),
            sale(line("Вода", 1999, 3000, discount=97), discount=100),
            sale(line("Чай", 8888, 500), payments=(Payment(form=PaymentForm.CARD, amount=4444),)),
            refund(line(quantity=1000)),
            sale(line("Сік", 333, 3000), rounding=1),
        ]
        before = till.registrar.totals()
        for document in documents:
            till.must(document)
        till.must(act(DocumentKind.CASH_IN, 777))
        till.must(act(DocumentKind.CASH_OUT, 55))
        totals, registers = till.registrar.totals(), bench.registers()
        sold = sum(document.due for document in documents if document.kind is DocumentKind.SALE)
        assert totals.sales == registers["sales_turnover"] == sold
        assert totals.refunded == registers["refunds_turnover"] == 1250
        assert dict(totals.sales_by_form) == registers["sales_by_form"] == {"cash": sold - 4444, "card": 4444}
        assert totals.drawer == registers["drawer"] == 100_000 + sold - 4444 - 1250 + 777 - 55
        assert ((totals.cash_in or 0) - (before.cash_in or 0), totals.cash_out) == (777, 55)
        assert [entry["amount"] for entry in registers["journal"]][:5] == [document.due for document in documents]

    def test_slip_copy_drawer_display(self, bench: Bench, till: Till) -> None:
        able = till.registrar.capabilities
        till.must(sale())
        if able.slips:
            till.registrar.slip(["Товарний чек", "Пакет 2.00"])
            assert "Товарний чек" in bench.tape()
        if able.copy_of_last:
            before = bench.tape()
            till.registrar.copy_last()
            assert len(bench.tape()) > len(before)
        if able.drawer:
            till.registrar.open_drawer()
        if able.display:
            till.registrar.display("Разом", "25.00")
            assert bench.registers()["display"] == ["Разом", "25.00"]
        assert bench.registers()["sales_turnover"] == 2500
        till.must(sale())

    # -- what is refused before the first byte ----------------------------------------------------------------------

    def test_long_name_is_cut(self, bench: Bench, till: Till) -> None:
        till.must(sale(line("Дуже довга назва товару " * 10, code="1")))
        assert "Дуже довга назва товару"[: till.registrar.capabilities.name_length] in bench.tape()

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            (lambda text: sale(line(text, code="1")), "name"),
            (lambda text: sale(line(comment=text)), "comment"),
            (lambda text: sale(footer=(text,)), "footer"),
            (lambda text: sale(line(excise=(text,))), "excise"),
        ],
        ids=["name", "comment", "footer", "excise"],
    )
    def test_a_character_that_it_cannot_print(
        self, bench: Bench, till: Till, change: Callable[[str], Document], field: str
    ) -> None:
        if not self.family.unprintable:
            pytest.skip(f"{self.family.scheme} prints everything")
        sent = till.log.sent
        with pytest.raises(Invalid) as caught:
            till.do(change(self.family.unprintable))
        assert field in caught.value.field
        assert till.log.sent == sent and not till.journal.events
        assert bench.registers()["journal"] == []

    def test_a_wrong_sum_never_leaves(self, bench: Bench, till: Till) -> None:
        good = sale()
        wrong = Document(id=good.id, kind=good.kind, lines=good.lines, payments=(cash(2400),))
        with pytest.raises(Invalid):
            till.do(wrong)
        assert till.log.sent == 0 and bench.registers()["journal"] == []

    def test_an_unknown_tax_letter(self, till: Till) -> None:
        with pytest.raises(Invalid) as caught:
            till.do(sale(line(tax="Ї")))
        assert "tax" in caught.value.field and till.log.sent == 0

    # -- nothing twice ----------------------------------------------------------------------------------------------

    def test_the_same_id_returns_the_stored_outcome(self, bench: Bench, till: Till) -> None:
        document = sale()
        first = till.must(document)
        sent = till.log.sent
        assert till.do(document) == first
        assert till.log.sent == sent and len(bench.registers()["journal"]) == 1
        assert till.journal.events == ["intent", "registered"]

    @pytest.mark.parametrize("part", ["open", "line", "pay", "close", "cash", "z"])
    def test_the_reply_is_lost(self, bench: Bench, till: Till, part: str) -> None:
        self.needs("F2")
        kind = {"cash": DocumentKind.CASH_IN, "z": DocumentKind.Z_REPORT}.get(part, DocumentKind.SALE)
        document = sale() if kind is DocumentKind.SALE else act(kind, 2500 if part == "cash" else 0)
        till.registrar.info()
        nth = 2 if part == "cash" and self.family.commands["cash"] in self.asked_before else 1
        bench.fault("F2", self.family.commands[part], nth=nth)
        assert till.do(document).state is State.REGISTERED
        assert len(bench.registers()["journal"]) == 1

    asked_before: ClassVar[frozenset[str]] = frozenset()
    """Commands that the driver sends once for its snapshot before the act itself."""

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize(
        "make",
        [
            sale,
            refund,
            lambda: act(DocumentKind.CASH_IN, 2500),
            lambda: act(DocumentKind.CASH_OUT, 2500),
            lambda: act(DocumentKind.Z_REPORT),
        ],
        ids=["sale", "refund", "cash_in", "cash_out", "z"],
    )
    def test_killed_at_any_command(self, tmp_path: Path, make: Callable[[], Document], after: bool) -> None:
        """A till that dies at any write finds out by itself at its next start."""
        deaths = 0
        for at in range(1, 60, self.KILL_EVERY):
            with self.running(tmp_path / f"registrar{at}") as bench:
                document, journal = make(), MemoryJournal()
                log = Mortal(at, after=after)
                till = Till(bench, journal, log)
                try:
                    till.do(document)
                except Killed:
                    deaths += 1
                else:
                    till.registrar.close()
                    if log.unspent:
                        break
                    continue  # a write that gets no answer of its own, such as the first byte of a tuning
                next_life = till.restart(bench)
                begun = len(journal.intents)
                settled = next_life.settle_open()
                assert len(settled) == begun
                count = len(bench.registers()["journal"])
                for _, result in settled:
                    assert result.state is not State.UNKNOWN, (at, result)
                    assert result.done == (count == 1), (at, result)
                if not settled:
                    assert count == 0, at
                next_life.must(document)
                assert len(bench.registers()["journal"]) == 1, at
                next_life.registrar.close()
        assert deaths > 3 or (self.KILL_EVERY > 1 and deaths > 1)

    # -- obstacles --------------------------------------------------------------------------------------------------

    def test_out_of_paper_before_a_sale(self, bench: Bench, till: Till) -> None:
        bench.paper(False)
        result = till.do(sale())
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.PAPER_OUT
        assert till.registrar.status().paper_out and Code.PAPER_OUT in till.registrar.status().blocks
        assert bench.registers()["journal"] == []
        bench.paper(True)
        till.must(sale())

    def test_out_of_paper_at_the_close(self, bench: Bench, till: Till) -> None:
        """The receipt is paid and only waits for paper: it is not "rejected", and it is finished afterwards."""
        self.needs("F9")
        document = sale()
        till.registrar.info()
        bench.fault("F9", self.family.commands["close"], when="before")
        first = till.do(document, patience=0.3)
        assert first.state is State.UNKNOWN or first.done
        bench.paper(True)
        assert till.must(document).total == 2500
        assert bench.registers()["sales_turnover"] == 2500
        till.must(sale())

    def test_registered_but_not_printed(self, bench: Bench, till: Till) -> None:
        self.needs("F9")
        till.registrar.info()
        bench.fault("F9", self.family.commands["close"], when="after")
        result = till.do(sale())
        assert result.state is State.REGISTERED_NOT_PRINTED and result.done
        assert bench.registers()["sales_turnover"] == 2500

    def test_cover_open(self, bench: Bench, till: Till) -> None:
        if not self.family.covers:
            pytest.skip("this family does not tell about its cover")
        bench.cover(True)
        result = till.do(sale())
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.COVER_OPEN
        assert till.registrar.status().cover_open
        bench.cover(False)
        till.must(sale())

    def test_a_shift_of_a_day_wants_a_z(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        bench.advance_clock(self.family.refuses_after_hours * 3600 + 1)
        result = till.do(sale())
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.SHIFT_EXPIRED
        assert till.registrar.x_report().sales == 2500
        assert till.must(act(DocumentKind.Z_REPORT)).totals is not None
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 2500

    def test_another_unit_is_refused(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        bench.unplug()
        bench.replug(self.family.other_serial)
        result = till.do(sale())
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.DIFFERENT_DEVICE
        with pytest.raises(DifferentDevice) as caught:
            till.registrar.info()
        assert caught.value.serial == self.family.other_serial
        assert bench.registers()["journal"] == []
        bench.unplug()
        bench.replug(self.family.first_serial)
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 5000

    def test_the_url_binds_one_unit(self, bench: Bench) -> None:
        """`serial=` in the URL: a till that starts beside a stranger meets nobody and moves nothing."""
        own = Till(bench, options={"serial": self.family.first_serial})
        assert own.registrar.info().serial == self.family.first_serial
        own.registrar.close()
        stranger = Till(bench, options={"serial": self.family.other_serial})
        with pytest.raises(DifferentDevice) as caught:
            stranger.registrar.info()
        assert caught.value.serial == self.family.first_serial
        result = stranger.do(sale())
        assert result.state is State.REJECTED and bench.registers()["journal"] == []
        stranger.registrar.close()

    def test_unplugged_and_back(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        bench.unplug()
        result = till.do(sale(), patience=0.2)
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.OFFLINE
        bench.replug()
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 5000

    def test_switched_off(self, bench: Bench, till: Till) -> None:
        till.must(sale())
        bench.power(False)
        assert till.do(sale(), patience=0.2).state is State.REJECTED
        bench.power(True)
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 5000

    def test_the_port_has_one_owner(self, bench: Bench, till: Till) -> None:
        if not self.family.exclusive:
            pytest.skip("this link has no exclusive lock")
        till.registrar.info()
        program = (
            "import sys\nfrom drivers.registry import connect\nfrom drivers.errors import Unreachable\n"
            "try:\n    connect(sys.argv[1]).info()\nexcept Unreachable as fault:\n    print(fault.code)\n"
        )
        other = subprocess.run([sys.executable, "-c", program, bench.url], capture_output=True, text=True, timeout=60)
        assert other.stdout.strip() == "BUSY", other.stderr
        till.must(sale())
        till.registrar.close()
        other = subprocess.run([sys.executable, "-c", program, bench.url], capture_output=True, text=True, timeout=60)
        assert other.stdout.strip() == "", other

    def test_set_clock(self, bench: Bench, till: Till) -> None:
        if not self.family.sets_clock:
            pytest.skip("this registrar does not set its clock")
        till.must(act(DocumentKind.Z_REPORT))
        moment = SystemClock().now() + timedelta(hours=1)
        till.registrar.set_clock(moment)
        clock = till.registrar.status().clock
        assert clock is not None and abs(clock - moment) < timedelta(seconds=30)
        assert any("clock" in warning for warning in till.registrar.status().warnings)

    # -- the record -------------------------------------------------------------------------------------------------

    def test_the_wire_log_hides_secrets(self, bench: Bench) -> None:
        secret = self.family.secret
        till = Till(bench)
        till.must(sale())
        till.must(act(DocumentKind.Z_REPORT))
        till.registrar.close()
        shown = [exchange.data for exchange in till.log if exchange.direction == ">"]
        assert shown and any(b"*" * len(secret) in data for data in shown)
        for data in shown:
            assert secret.encode() + b"," not in data, data

    def test_reaching_nobody(self, bench: Bench, till: Till) -> None:
        bench.power(False)
        with pytest.raises(Unreachable):
            till.registrar.info()
