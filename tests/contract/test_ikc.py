"""The contract on IKC, over a pseudo-terminal and over TCP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.document import DocumentKind
from drivers.errors import Code, Refused
from drivers.registrar import State
from tests.contract.bench import Bench, Family
from tests.contract.suite import RegistrarContract, Till, act, sale

IKC = Family(
    scheme="ikc",
    url="ikc+serial://{address}?cap=3&silence_ms=150&working_ms=400",
    commands={"open": "18", "line": "18", "pay": "20", "close": "20", "cash": "16", "z": "13"},
    faults=frozenset(f"F{number}" for number in (*range(1, 16), 17, 18, 19, 20, 22, 23)),
    texts={"uktzed": "{}#", "excise": "Акцизна марка {}", "original": "Повернення по чеку №{}"},
    first_serial="IK00012345",
    other_serial="ZZ00000001",
    # The date of a fiscal unit is set with a jumper only, and an hour ahead may be tomorrow (§5).
    options={"jumper": "1"},
    # The page has no і of its own, so the driver sends the Latin letter (ikc.md §2).
    misread=str.maketrans("Ii", "Іі"),
    secret="00",
)


class IkcContract(RegistrarContract):
    """What the protocol answers differently (ikc.md §4–6)."""

    def test_out_of_paper_at_the_close(self, bench: Bench, till: Till) -> None:
        """20 pays and closes in one: stopped before it was executed, without RESERVE bit 1, nothing was paid."""
        document = sale()
        till.registrar.info()
        bench.fault("F9", "20", when="before")
        assert till.do(document, patience=0.3).state is State.REJECTED
        assert bench.registers()["journal"] == []
        bench.paper(True)
        till.must(document)
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 5000

    def test_a_shift_of_a_day_wants_a_z(self, bench: Bench, till: Till) -> None:
        """While STATUS says 20h an X report is not executed (§4), but the day registers are told."""
        till.must(sale())
        bench.advance_clock(24 * 3600 + 1)
        result = till.do(sale())
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.SHIFT_EXPIRED
        with pytest.raises(Refused) as caught:
            till.registrar.x_report()
        assert caught.value.code is Code.SHIFT_EXPIRED
        assert till.registrar.totals().sales == 2500
        assert Code.SHIFT_EXPIRED in till.registrar.status().blocks
        assert till.must(act(DocumentKind.Z_REPORT)).totals is not None
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 2500


class TestIkcSerial(IkcContract):
    family = IKC


class TestIkcTcp(IkcContract):
    full_only = True
    family = replace(IKC, url=IKC.url.replace("serial", "tcp"), line="tcp", exclusive=False)


class TestIkcNewFirmware(IkcContract):
    """ЕП-11: a CRC behind every reply, asked for or not (§2)."""

    full_only = True
    family = replace(IKC, url=IKC.url + "&crc=on", options={"jumper": "1", "firmware": "ЕП-11"})
