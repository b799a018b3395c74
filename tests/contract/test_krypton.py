"""The contract on Datecs Krypton, over a pseudo-terminal and over TCP."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.bench import Family
from tests.contract.suite import RegistrarContract

KRYPTON = Family(
    scheme="krypton",
    url="krypton+serial://{address}?cap=3&silence_ms=150&working_ms=300",
    commands={"open": "63", "line": "64", "pay": "67", "close": "65", "cash": "6E", "z": "A1"},
    faults=frozenset(
        f"F{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 22, 23)
    ),
    texts={"uktzed": "{}#", "excise": "Акцизна марка {}", "original": "Повернення по чеку №{}"},
    first_serial="AB12345678",
    other_serial="ZZ00000001",
    secret="000000",
)


class TestKryptonSerial(RegistrarContract):
    family = KRYPTON


class TestKryptonTcp(RegistrarContract):
    full_only = True
    family = replace(KRYPTON, url=KRYPTON.url.replace("serial", "tcp"), line="tcp", exclusive=False)
