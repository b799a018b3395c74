"""The contract on Exellio, the relative of the classic protocol, over a pseudo-terminal and over TCP."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.suite import RegistrarContract
from tests.contract.test_datecs import DATECS

EXELLIO = replace(
    DATECS,
    scheme="exellio",
    url=DATECS.url.replace("datecs", "exellio"),
    first_serial="AB12345678",
)


class TestExellioSerial(RegistrarContract):
    family = EXELLIO
    asked_before = frozenset({"70"})


class TestExellioTcp(RegistrarContract):
    full_only = True
    family = replace(EXELLIO, url=EXELLIO.url.replace("serial", "tcp"), line="tcp", exclusive=False)
    asked_before = frozenset({"70"})
