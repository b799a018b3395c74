"""The contract on Maria: a 304T and a 301 over a pseudo-terminal, a 304T over TCP and with accounting codes."""

from __future__ import annotations

from dataclasses import replace

from drivers.registrar import State
from tests.contract.bench import Bench, Family
from tests.contract.property import FULL
from tests.contract.suite import RegistrarContract, Till, line, sale

MARIA = Family(
    scheme="maria",
    url="maria+serial://{address}?cap=8&wait=3",
    commands={"open": "PREP", "line": "FISC", "pay": "COMP", "close": "COMP", "cash": "CAIO", "z": "NREP"},
    faults=frozenset(f"F{number}" for number in (*range(1, 16), 17, 18, 19, 20, 23)),
    texts={"uktzed": "{}#", "excise": "{}", "original": "417"},
    first_serial="AB12345678",
    other_serial="ZZ00000001",
    options={"model": "304"},
    # Old firmware has no і of its own, so the driver sends the Latin letter (maria.md §2).
    misread=str.maketrans("Ii", "Іі"),
    secret="1111111111",
    # It takes a time of day only, so the contract's hour ahead is out of reach before midnight: see below.
    sets_clock=False,
)


class MariaContract(RegistrarContract):
    """What the protocol answers differently (maria.md §3, §8)."""

    def test_out_of_paper_at_the_close(self, bench: Bench, till: Till) -> None:
        """COMP pays and closes in one: without DONE the receipt is rolled back, so it is proven not done."""
        document = sale()
        till.registrar.info()
        bench.fault("F9", "COMP", when="before")
        assert till.do(document, patience=0.3).state is State.REJECTED
        assert bench.registers()["journal"] == []
        bench.paper(True)
        till.must(document)
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 5000

    def test_registered_but_not_printed(self, bench: Bench, till: Till) -> None:
        """DONE after HARDPAPER is a warning of the paper's end: the registrar cannot say more."""
        till.registrar.info()
        bench.fault("F9", "COMP", when="after")
        result = till.do(sale())
        assert result.done and any("paper" in warning for warning in result.warnings)
        assert till.registrar.status().paper_low
        assert bench.registers()["sales_turnover"] == 2500

    def test_a_line_of_two_tax_letters_is_told_under_the_first(self, bench: Bench, till: Till) -> None:
        result = till.must(sale(line(tax="АБ"), line("Сіль", 1000, 1000, tax="Б"), discount=300))
        assert dict(result.by_tax) == bench.registers()["sales_by_tax"]


class TestMariaSerial(MariaContract):
    family = MARIA
    # Every new life waits 3 s without DTR (maria.md §1): every third death by default, each one with KASA_FULL=1.
    KILL_EVERY = 1 if FULL else 3


class TestMaria301(MariaContract):
    full_only = True
    family = replace(MARIA, options={"model": "301"})


class TestMariaCodes(MariaContract):
    full_only = True
    family = replace(
        MARIA, options={"model": "304", "article_mode": "2"}, commands=dict(MARIA.commands) | {"line": "FICD"}
    )


class TestMariaTcp(MariaContract):
    full_only = True
    family = replace(MARIA, url=MARIA.url.replace("serial", "tcp"), line="tcp", exclusive=False)
