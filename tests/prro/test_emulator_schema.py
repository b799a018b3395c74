"""The emulator's own tables against the tax service's schemas and samples, where those are at hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.prro.emulator import schema
from tests.prro.conftest import Launch
from tests.prro.fiscal import EXAMPLE_CARD, EXAMPLE_CASH, EXAMPLE_Z, EXAMPLES, GOODS, SALE, XSD, Till, Z

Connect = Callable[..., Till]


@pytest.fixture(scope="module")
def official() -> schema.Validator:
    found = schema.official(XSD)
    if found is None:
        pytest.skip(f"the official schemas ({XSD}) are not here, or lxml is not")
    return found


def samples() -> list[Any]:
    paths = sorted(EXAMPLES.glob("*.xml")) if EXAMPLES.is_dir() else []
    missing = pytest.param(
        None, marks=pytest.mark.skip(reason=f"the samples of the tax service ({EXAMPLES}) are not here")
    )
    return [pytest.param(path, id=path.stem) for path in paths] or [missing]


@pytest.mark.parametrize("path", samples())
def test_official_samples_follow_the_tables(path: Path) -> None:
    text = path.read_bytes().decode("utf-8-sig")  # published in UTF-8 under a declaration of windows-1251
    schema.check(schema.parse(text.encode("cp1251")))


def good(till: Till, blocks: str) -> str:
    return till.xml(Z if blocks is EXAMPLE_Z else SALE, blocks).decode("cp1251")


SPOILT = [
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<UKTZED>22082012</UKTZED>", True),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<UKTZED>00123</UKTZED>", True),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<UKTZED>22082</UKTZED>", False),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<UKTZED>0000000000</UKTZED>", False),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<DKPP>11.22</DKPP>", True),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<DKPP>11.22.33-44.55</DKPP>", True),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<DKPP>11.22.33-4.5</DKPP>", None),
    (EXAMPLE_CARD, "<UKTZED>2208201200</UKTZED>", "<DKPP>11</DKPP>", False),
    (EXAMPLE_CARD, "<UNITCD>2009", "<UNITCD>0", False),
    (EXAMPLE_CARD, "<UNITCD>2009", "<UNITCD>100000", False),
    (EXAMPLE_CARD, "<UNITCD>2009", "<UNITCD>+2009", True),
    (EXAMPLE_CARD, "<AMOUNT>2.000", "<AMOUNT>2", True),
    (EXAMPLE_CARD, "<AMOUNT>2.000", "<AMOUNT>.5", False),
    (EXAMPLE_CARD, "<PRICE>149.90", "<PRICE> 149.90 ", True),
    (EXAMPLE_CARD, "<POSTRANSDATE>05032026101135", "<POSTRANSDATE>05032026101195", False),
    (EXAMPLE_CARD, "<POSTRANSDATE>05032026101135", "<POSTRANSDATE>35032026101135", False),
    (EXAMPLE_CARD, "<LETTER>Г", "<LETTER>ГГ", False),
    (EXAMPLE_CARD, "<LETTER>Г", "<LETTER>", True),
    (EXAMPLE_CARD, "<EXCISELABEL>AAAB123456</EXCISELABEL>", "", False),
    (EXAMPLE_CARD, "<SIGN>false", "<SIGN>0", True),
    (EXAMPLE_CARD, "<SIGN>false", "<SIGN>no", False),
    (EXAMPLE_CARD, "<TYPE>1", "<TYPE>-1", False),
    (EXAMPLE_CASH, "<RNDSUM>-0.15", "<RNDSUM>-0.1", False),
    (EXAMPLE_CASH, "<REMAINS>22.50</REMAINS>", "<REMAINS>22.50</REMAINS><REMAINS>22.50</REMAINS>", False),
    (EXAMPLE_CASH, "<PROVIDED>100.00</PROVIDED>\n", "", None),
    (GOODS, "<TIN>12345678", "<TIN>1234", False),
    (GOODS, "<TIN>12345678", "<TIN>КВ123456", True),
    (GOODS, "<TIN>12345678", "<TIN>KB123456", False),
    (GOODS, "<IPN>123456712345", "<IPN>0", True),
    (GOODS, "<IPN>123456712345", "<IPN>12345", False),
    (GOODS, "<ORDERNUM>1<", "<ORDERNUM>0<", False),
    (GOODS, "<ORDERNUM>1<", "<ORDERNUM>00001<", True),
    (GOODS, "<CHECKPAY>", "<CHECKPAY> ", True),
    (GOODS, "<VER>1</VER>", "<VER>1</VER><REVOKED>true</REVOKED><OFFLINE>true</OFFLINE>", False),
    (EXAMPLE_Z, "<ORDERSCNT>2", "<ORDERSCNT>two", False),
    (EXAMPLE_Z, "<PAYFORMCD>301", "<PAYFORMCD>301.00", True),
    (EXAMPLE_Z, "<SUM>767.32</SUM>", "", False),
    (EXAMPLE_Z, "<VER>1</VER>", "<VER>1</VER><COMMENT>x</COMMENT>", False),
]


@pytest.mark.parametrize(("blocks", "old", "new", "valid"), SPOILT)
def test_tables_and_schemas_agree(
    official: schema.Validator, till: Till, blocks: str, old: str, new: str, valid: bool | None
) -> None:
    """One spoilt place at a time: both say the same, and (unless None) what the page says."""
    text = good(till, blocks)
    assert old in text or valid is None
    spoilt = text.replace(old, new, 1).encode("cp1251")
    assert (ours(spoilt), theirs(official, spoilt)) == (
        (valid, valid) if valid is not None else (theirs(official, spoilt),) * 2
    )


def ours(document: bytes) -> bool:
    try:
        schema.check(schema.parse(document))
    except schema.Invalid:
        return False
    return True


def theirs(official: schema.Validator, document: bytes) -> bool:
    try:
        official(document, "ZREP" if b"<ZREP " in document else "CHECK")
    except schema.Invalid:
        return False
    return True


def elements(schema_text: str) -> set[str]:
    return set(re.findall(r'<xs:element name="([A-Z]+)"', schema_text))


@pytest.mark.parametrize(("name", "root"), [("check01", "CHECK"), ("zrep01", "ZREP"), ("ticket01", "TICKET")])
def test_every_element_of_the_schemas_is_in_the_tables(name: str, root: str) -> None:
    path = XSD / f"{name}.xsd"
    if not path.is_file():
        pytest.skip(f"the official schemas ({XSD}) are not here")
    wanted = elements(path.read_text(encoding="utf-8-sig")) - {"ROW"}
    known: set[str] = {root}
    waiting = [root]
    while waiting:
        for names, _, kinds in schema._table(waiting.pop()):
            known |= set(names)
            waiting += [kind.removesuffix("[]") for kind in kinds if kind.removesuffix("[]") in schema._TABLES]
    assert wanted == known


def test_the_official_schema_is_asked_too(
    fiscal: Launch, connect: Connect, official: schema.Validator, monkeypatch: Any
) -> None:
    """With the own tables out of the way, the XSD alone refuses."""
    till = connect(fiscal(xsd=XSD))
    till.open()
    monkeypatch.setattr(schema, "check", lambda root: None)
    reply = till.register(SALE, GOODS.replace("<UNITCD>2009", "<UNITCD>abc"))
    assert (reply.code, "Помилки валідації XML" in reply.text) == (9, True)
