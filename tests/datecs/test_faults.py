"""Faults of one document (F5, F14–F18, F21, F24 of emulators.md §3) and printers that are not like ours.

F14 (72 hours without transmission) has no field in this protocol: such a unit shows the same bare "not allowed".
F21 is `test_the_port_has_one_owner` of the contract.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock import SystemClock
from drivers.datecs.articles import PROBES, keys, printed_name
from drivers.datecs.emulator import commands as device
from drivers.document import Document, DocumentKind, Original, PartPayment, Payment, PaymentForm, Stage
from drivers.emulation.server import EmulatorServer
from drivers.errors import Code, Fault, Invalid
from drivers.registrar import Registrar, Result, State
from drivers.registry import connect
from drivers.road import walk
from tests.conftest import Launch
from tests.contract.memory import MemoryJournal
from tests.contract.suite import act, line, refund, sale

HASTE = "cap=3&silence_ms=150&working_ms=300"


@pytest.fixture
def registrar(emulator: EmulatorServer) -> Iterator[Registrar]:
    registrar = connect(f"datecs+serial://{emulator.address}?{HASTE}")
    yield registrar
    registrar.close()


def do(registrar: Registrar, document: Document) -> Result:
    return walk(registrar, document, MemoryJournal(), SystemClock(), patience=1, ask_again=0.1)


def code(result: Result) -> str:
    assert result.state is State.REJECTED, result
    assert result.fault is not None
    return result.fault.code


# -- articles (F16) -----------------------------------------------------------------------------------------------


def test_f16_another_tax_takes_another_article(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert do(registrar, sale(line(tax="А"))).done
    assert do(registrar, sale(line(tax="Б"))).done
    assert do(registrar, sale(line("Хліб новий", code="Хліб"))).done
    assert emulator.registers()["sales_by_tax"] == {"А": 5000, "Б": 2500}
    assert emulator.registers()["articles"] == 3


def test_f16_every_probed_place_is_taken(launch: Launch) -> None:
    """A printer of three places: the fourth good is refused by name before a receipt is opened."""
    server = launch(capacity=3)
    registrar = connect(f"datecs+serial://{server.address}?{HASTE}")
    for name in ("Хліб", "Сіль", "Чай"):
        assert do(registrar, sale(line(name))).done
    assert code(do(registrar, sale(line("Кава")))) == Code.ARTICLE_FULL
    assert server.registers()["sales_turnover"] == 7500 and not server.registers()["open_receipt"]
    assert do(registrar, sale(line("Сіль", 999, 1000))).done
    assert do(registrar, act(DocumentKind.Z_REPORT)).done
    assert do(registrar, sale(line("Кава"))).done
    registrar.close()


def test_a_new_till_finds_the_articles_again(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert do(registrar, sale()).done
    registrar.close()
    other = connect(f"datecs+serial://{emulator.address}?{HASTE}")
    assert do(other, sale(line(price=1300))).done
    assert emulator.registers()["articles"] == 1
    assert emulator.registers()["sales_turnover"] == 5100
    other.close()


def test_keys_and_names() -> None:
    bread, dear = line(price=1000, quantity=1000), line(price=2000, quantity=1000)
    assert [key[3] for key in keys([bread, dear, bread, dear])] == [0, 2000, 0, 2000]
    assert printed_name(line("Коньяк " + "x" * 60, uktzed="2208201200")) == "2208201200#Коньяк " + "x" * 18
    assert PROBES > 1


# -- passwords (F17), cash (F18) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cashed", [False, True], ids=["closed", "open"])
def test_f17_a_wrong_password_is_tried_once(emulator: EmulatorServer, cashed: bool) -> None:
    registrar = connect(f"datecs+serial://{emulator.address}?{HASTE}&password=1111")
    if cashed:
        assert do(registrar, act(DocumentKind.CASH_IN, 100)).done
        assert do(registrar, act(DocumentKind.Z_REPORT)).done
        assert do(registrar, act(DocumentKind.CASH_IN, 100)).done
    assert code(do(registrar, sale())) == Code.PASSWORD
    assert not emulator.registers()["open_receipt"]
    registrar.close()
    again = connect(f"datecs+serial://{emulator.address}?{HASTE}")
    assert do(again, sale()).done, "one wrong try must not have blocked the printer"
    again.close()


def test_f17_the_report_password_is_another(emulator: EmulatorServer) -> None:
    registrar = connect(f"datecs+serial://{emulator.address}?{HASTE}&report_password=1111")
    assert do(registrar, sale()).done
    assert code(do(registrar, act(DocumentKind.Z_REPORT))) == Code.PASSWORD
    with pytest.raises(Fault):
        registrar.x_report()
    assert emulator.registers()["z_number"] == 0
    registrar.close()


def test_f18_a_refund_beyond_the_drawer(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert code(do(registrar, refund(line(price=60_000)))) == Code.INSUFFICIENT_CASH
    assert code(do(registrar, act(DocumentKind.CASH_OUT, 100_001))) == Code.INSUFFICIENT_CASH
    mixed = (Payment(form=PaymentForm.CARD, amount=30_000), Payment(form=PaymentForm.CASH, amount=90_000))
    assert do(registrar, refund(line(price=60_000), payments=mixed)).done
    assert emulator.registers()["drawer"] == 10_000 and not emulator.registers()["open_receipt"]


# -- time (F13, F15, F24) -----------------------------------------------------------------------------------------


def test_f15_a_clock_that_runs_ahead_is_a_warning(emulator: EmulatorServer, registrar: Registrar) -> None:
    emulator.advance_clock(2_400)
    (warning,) = registrar.status().warnings
    assert "40 minutes" in warning
    assert do(registrar, sale()).done


def test_f15_a_clock_before_the_last_z_sells_nothing(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert do(registrar, act(DocumentKind.Z_REPORT)).done
    emulator.advance_clock(-2 * 86_400)
    registrar.close()
    assert code(do(registrar, sale())) == Code.CLOCK
    assert registrar.status().blocks == (Code.CLOCK,)
    registrar.set_clock(SystemClock().now() + timedelta(seconds=5))
    assert do(registrar, sale()).done


def test_the_clock_is_set_only_with_a_closed_day(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert do(registrar, sale()).done
    with pytest.raises(Fault) as caught:
        registrar.set_clock(SystemClock().now())
    assert caught.value.code is Code.CLOCK and "after a Z" in caught.value.what


def test_a_shift_of_cash_only_expires_too(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert do(registrar, act(DocumentKind.CASH_IN, 100)).done
    emulator.advance_clock(86_401)
    assert code(do(registrar, sale())) == Code.SHIFT_EXPIRED


def test_a_shift_of_refunds_only_is_open(registrar: Registrar) -> None:
    card = (Payment(form=PaymentForm.CARD, amount=2500),)
    assert do(registrar, refund(payments=card)).done
    assert registrar.status().shift_open is True


def test_when_the_shift_was_opened_is_known_to_who_saw_it(emulator: EmulatorServer, registrar: Registrar) -> None:
    assert registrar.status().shift_opened_at is None
    first = do(registrar, sale())
    assert do(registrar, sale()).done
    assert registrar.status().shift_opened_at == first.at
    other = connect(f"datecs+serial://{emulator.address}?{HASTE}")
    registrar.close()
    assert other.status().shift_open is True and other.status().shift_opened_at is None
    other.close()


class Autumn(SystemClock):
    """The second 03:30 of the night in which Kyiv's clocks go back."""

    def now(self) -> datetime:
        return datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_f24_the_repeated_hour(launch: Launch) -> None:
    server = launch(clock="2026-10-25T03:30:00")
    registrar = connect(f"datecs+serial://{server.address}?{HASTE}", clock=Autumn())
    status = registrar.status()
    assert status.clock is not None
    assert abs(status.clock - Autumn().now()) < timedelta(minutes=1), "not the same hour an hour ago"
    assert not status.warnings
    registrar.close()


# -- receipts left open --------------------------------------------------------------------------------------------


def test_a_strangers_unpaid_receipt_is_cancelled(emulator: EmulatorServer, registrar: Registrar) -> None:
    stranger(emulator, paid=False)
    assert do(registrar, sale()).done
    assert len(emulator.registers()["journal"]) == 1


def test_a_strangers_paid_receipt_needs_a_person(emulator: EmulatorServer, registrar: Registrar) -> None:
    stranger(emulator, paid=True)
    assert code(do(registrar, sale())) == Code.RECEIPT_OPEN
    assert registrar.status().receipt_open
    assert emulator.registers()["journal"] == []


def stranger(emulator: EmulatorServer, *, paid: bool) -> None:
    from drivers.datecs.session import Session
    from drivers.links.serial import SerialLink

    session = Session(SerialLink(emulator.address), SystemClock())
    session.ask(107, "PА1,1,5.00,0000,Чуже")
    session.ask(48, "00002,0000,00001,I")
    session.ask(58, "1*1.000")
    if paid:
        session.ask(53, "\tP5.00")
    session.close()


# -- other printers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        lambda kopecks: f"{kopecks / 100:.2f}",
        lambda kopecks: str(kopecks),
        lambda kopecks: f"{kopecks:+012d}",
        lambda kopecks: f"{kopecks / 100:+.2f}",
        lambda kopecks: f" {kopecks:09d}",
    ],
    ids=["hryvnias", "plain", "long", "signed hryvnias", "spaced"],
)
def test_a_day_with_sums_in_another_form(
    monkeypatch: pytest.MonkeyPatch, emulator: EmulatorServer, registrar: Registrar, form: object
) -> None:
    """§5: "if there is a '.', it is hryvnias, else kopecks" - whatever the firmware, the day comes out the same."""
    monkeypatch.setattr(device, "_padded", form)
    for document in (
        act(DocumentKind.CASH_IN, 500),
        sale(line(discount=100), discount=50),
        refund(line(quantity=1000)),
    ):
        assert do(registrar, document).done
    emulator.add_fault("F8", "56", when="after", restore_after=0.1)
    assert do(registrar, sale()).done
    totals = registrar.totals()
    assert (totals.sales, totals.refunded, totals.cash_in) == (4850, 1250, 500)
    assert totals.drawer == emulator.registers()["drawer"]
    assert registrar.x_report() == totals
    assert do(registrar, act(DocumentKind.Z_REPORT)).done


@pytest.mark.parametrize(
    "settings", [{"delay_ms": 40}, {"chunk": 1}, {"chunk": -1, "seed": 7}, {"realtime": 1}], ids=repr
)
def test_a_slow_or_stuttering_printer(launch: Launch, settings: dict[str, int]) -> None:
    server = launch(cash=100_000, **settings)
    registrar = connect(f"datecs+serial://{server.address}?{HASTE}")
    assert do(registrar, sale()).done
    assert server.registers()["sales_turnover"] == 2500
    registrar.close()


def test_f5_a_printer_that_works_long_is_waited_for(emulator: EmulatorServer, registrar: Registrar) -> None:
    registrar.info()
    for command in ("56", "69"):
        emulator.add_fault("F5", command, seconds=1.0)
    begin, journal = time.monotonic(), MemoryJournal()
    for document in (sale(), act(DocumentKind.Z_REPORT)):
        assert walk(registrar, document, journal, SystemClock()).state is State.REGISTERED
    assert time.monotonic() - begin > 2
    assert journal.events == ["intent", "registered"] * 2, "waited for, not lost and found again"
    assert len(emulator.registers()["journal"]) == 2


def test_f6_a_printer_that_works_for_ever_is_given_up(emulator: EmulatorServer) -> None:
    registrar = connect(f"datecs+serial://{emulator.address}?cap=1&silence_ms=100&working_ms=200")
    registrar.info()
    emulator.add_fault("F6", "56")
    result = do(registrar, sale())
    assert result.state is State.UNKNOWN and result.fault is not None
    emulator.power_off()
    emulator.power_on()
    registrar.close()


def test_a_printer_that_knows_only_the_minimum(
    monkeypatch: pytest.MonkeyPatch, emulator: EmulatorServer, registrar: Registrar
) -> None:
    """emulators.md §5: 64 is not among the commands that every unit must have."""
    monkeypatch.delitem(device.COMMANDS, 64)
    assert do(registrar, sale()).done
    emulator.advance_clock(86_401)
    assert code(do(registrar, sale())) == Code.SHIFT_EXPIRED
    assert do(registrar, act(DocumentKind.Z_REPORT)).done
    assert registrar.status().shift_open is False


def test_a_line_that_says_no_for_ever(emulator: EmulatorServer, registrar: Registrar) -> None:
    registrar.info()
    for nth in range(1, 21):
        emulator.add_fault("F4", "48", nth=nth)
    assert do(registrar, sale()).state is State.REJECTED
    assert emulator.registers()["journal"] == []


def test_text_of_a_card_slip_is_checked_before_the_first_byte(registrar: Registrar) -> None:
    import msgspec

    from tests.contract.suite import CARD

    slip = msgspec.structs.replace(CARD, payment_system="寿")
    with pytest.raises(Invalid):
        do(registrar, sale(payments=(Payment(form=PaymentForm.CARD, amount=2500, card=slip),)))


def test_what_only_a_software_registrar_does_is_refused_before_the_first_byte(
    emulator: EmulatorServer, registrar: Registrar
) -> None:
    opened = act(DocumentKind.OPEN_SHIFT)
    undone = Document(id=uuid.uuid4(), kind=DocumentKind.STORNO, original=Original(number="1"))
    part = sale(
        part=PartPayment(stage=Stage.PREPAYMENT, amount=100), payments=(Payment(form=PaymentForm.CASH, amount=100),)
    )
    for document in (opened, undone, part):
        document.check()
        with pytest.raises(Invalid) as caught:
            do(registrar, document)
        assert caught.value.code is Code.UNSUPPORTED
    assert emulator.registers()["journal"] == []
