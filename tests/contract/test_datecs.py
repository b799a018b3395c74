"""The contract on the Datecs classic protocol, over a pseudo-terminal and over TCP."""

from __future__ import annotations

from dataclasses import replace

from tests.contract.bench import Family
from tests.contract.suite import RegistrarContract

DATECS = Family(
    scheme="datecs",
    url="datecs+serial://{address}?cap=3&silence_ms=150&working_ms=300",
    commands={"open": "48", "line": "58", "pay": "53", "close": "56", "cash": "70", "z": "69"},
    faults=frozenset(
        {
            "F1",
            "F2",
            "F3",
            "F4",
            "F5",
            "F6",
            "F7",
            "F8",
            "F9",
            "F10",
            "F11",
            "F12",
            "F13",
            "F15",
            "F19",
            "F20",
            "F22",
            "F23",
        }
    ),
    texts={"uktzed": "{}#", "excise": "Акцизна марка {}", "original": "Повернення по чеку №{}"},
    first_serial="AB12345678",
    other_serial="ZZ00000001",
)


class TestDatecsSerial(RegistrarContract):
    family = DATECS
    asked_before = frozenset({"70"})


class TestDatecsTcp(RegistrarContract):
    full_only = True
    family = replace(DATECS, url=DATECS.url.replace("serial", "tcp"), line="tcp", exclusive=False)
    asked_before = frozenset({"70"})


class TestDatecsUsb(RegistrarContract):
    """No serial driver at all: pyusb on a virtual bus. Another unit is refused by the serial of its descriptor."""

    full_only = True
    family = replace(DATECS, url=DATECS.url.replace("serial", "usb"), line="usb", exclusive=False)
    asked_before = frozenset({"70"})


class TestDatecsDosPage(RegistrarContract):
    """The other code page: Ukrainian letters that look Latin come back as Latin (datecs-fp3530t.md §4)."""

    full_only = True
    family = replace(
        DATECS,
        url=DATECS.url + "&codepage=datecs_dos",
        options={"codepage": "datecs_dos"},
        misread=str.maketrans("Ii", "Іі"),
        texts=dict(DATECS.texts) | {"original": "Повернення по чеку N{}"},
    )
    asked_before = frozenset({"70"})
