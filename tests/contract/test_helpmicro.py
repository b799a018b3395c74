"""The contract on Help Micro over HTTP."""

from __future__ import annotations

from dataclasses import replace

from drivers.errors import Code
from drivers.registrar import State
from tests.contract.bench import Bench, Family
from tests.contract.suite import RegistrarContract, Till, sale

HELPMICRO = Family(
    scheme="helpmicro",
    url="helpmicro+http://{address}?cap=2&cashier=1&cashier_password=1111",
    commands={"open": "F", "line": "F", "pay": "F", "close": "F", "cash": "IO", "z": "proc/printreport?0"},
    faults=frozenset(f"F{number}" for number in (*range(1, 16), 17, 18, 19, 20, 23)),
    texts={"uktzed": "{}", "excise": "{}", "original": "Повернення по чеку №{}"},
    first_serial="GP00000049",
    other_serial="ZZ00000001",
    line="tcp",
    unprintable="",
    covers=False,
    exclusive=False,
    secret="751426",
)


class HelpMicroContract(RegistrarContract):
    """What the protocol answers differently (helpmicro.md §3, §4, §7)."""

    def test_out_of_paper_at_the_close(self, bench: Bench, till: Till) -> None:
        """A receipt is one transaction: an error in any line cancels all of it, and its journal proves it."""
        document = sale()
        till.registrar.info()
        bench.fault("F9", "F", when="before")
        result = till.do(document, patience=0.3)
        assert result.state is State.REJECTED
        assert result.fault is not None and result.fault.code == Code.PAPER_OUT
        assert bench.registers()["journal"] == []
        bench.paper(True)
        till.must(document)
        till.must(sale())
        assert bench.registers()["sales_turnover"] == 5000


class TestHelpMicro(HelpMicroContract):
    family = HELPMICRO


class TestHelpMicroVariants(HelpMicroContract):
    """Firmware that packs its answers, marks their encoding, writes errors and names its own way (§1, §2, §4) and wants
    a new digest every second."""

    full_only = True
    family = replace(HELPMICRO, options={"deflate": "1", "bom": "1", "err": "text", "case": "lower", "nonce_life": "1"})


class TestHelpMicroOld(HelpMicroContract):
    """Firmware without fields for УКТЗЕД and excise stamps (§3)."""

    full_only = True
    family = replace(
        HELPMICRO,
        url=HELPMICRO.url + "&uktzed=name&excise=comment",
        options={"old": "1", "err": "object"},
        texts=dict(HELPMICRO.texts) | {"uktzed": "{}#", "excise": "Акцизна марка {}"},
    )
