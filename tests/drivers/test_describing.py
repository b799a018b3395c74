"""Bytes in words: each family's own vectors, and never an exception whatever the bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.datecs.frame import request as datecs
from drivers.describing import DESCRIBERS, describe
from drivers.ikc.frame import request as ikc
from drivers.maria.frame import frame as maria
from drivers.prro.documents.offline import package

NAME = "Хліб білий"


@pytest.mark.parametrize(
    ("family", "data", "name", "fields"),
    [
        ("datecs", datecs(0x20, 48, b"00001,0000,00001,I"), "open sale", {"operator": "00001", "invoice": "I"}),
        ("exellio", datecs(0x20, 54, NAME.encode("cp1251")), "text line", {"text": NAME}),
        (
            "krypton",
            datecs(0x20, 0x24, f"000000;7;{NAME};1;1;00;шт;".encode("cp1251"), last_command=0xFF),
            "article",
            {"password": "000000", "code": "7", "name": NAME, "unit": "шт"},
        ),
        ("ikc", ikc(1, 18, "Молоко".encode("cp866")), "sale line", {"parameters": "Молоко"}),
        ("maria", maria(b"CONF"), "configuration CONF", {}),
        (
            "maria",
            maria(
                b"FISC" + "Торт святков".encode("cp866") + b"000002500000002500000011" + b"0" * 49 + b"0007"
                + b"-" + b" " * 13 + b"000000000" + "ий з ягодою".encode("cp866")
            ),
            "sale line FISC",
            {"name": "Торт святковий з ягодою", "article": "0007"},
        ),
        (
            "helpmicro",
            b"POST /cgi/chk HTTP/1.1\r\nHost: x\r\n\r\n" + '{"F":[{"S":{"name":"Хліб білий"}}]}'.encode(),
            "POST /cgi/chk",
            {"F.S.name": NAME},
        ),
        (
            "prro",
            '<?xml version="1.0" encoding="windows-1251"?><CHECK><CHECKBODY><ROW><NAME>Хліб білий</NAME></ROW>'
            "</CHECKBODY></CHECK>".encode("cp1251"),
            "CHECK",
            {"CHECKBODY.ROW.NAME": NAME},
        ),
        ("prro", b'{"Command":"ServerState","UID":"1"}', "ServerState", {"UID": "1"}),
    ],
)  # fmt: skip
def test_a_question_in_words(family: str, data: bytes, name: str, fields: dict[str, str]) -> None:
    (said,) = describe(family, ">", data)
    assert said.name == name and not said.refusal
    told = dict(said.fields)
    assert {key: told[key] for key in fields} == fields


@pytest.mark.parametrize(
    ("family", "data", "refusal"),
    [
        ("datecs", b"\x15", "the packet was not understood"),
        ("ikc", b"\x15", "the packet was not understood"),
        ("maria", maria(b"SOFTPAPER"), "SOFTPAPER"),
        ("helpmicro", b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "HTTP 401"),
        ("prro", b'{"ErrorCode": 5, "ErrorMessage": "x"}', "ErrorCode 5"),
        (
            "prro",
            '<?xml version="1.0" encoding="windows-1251"?><TICKET><ERRORCODE>8</ERRORCODE><ERRORTEXT>Ні</ERRORTEXT>'
            "</TICKET>".encode("cp1251"),
            "8 Ні",
        ),
    ],
)
def test_a_refusal_is_told(family: str, data: bytes, refusal: str) -> None:
    assert [item.refusal for item in describe(family, "<", data)] == [refusal]


@given(st.sampled_from(sorted(DESCRIBERS)), st.sampled_from("><"), st.binary(max_size=300))
def test_no_bytes_raise(family: str, direction: str, data: bytes) -> None:
    for item in describe(family, direction, data):
        assert isinstance(item.name, str) and all(isinstance(part, str) for pair in item.fields for part in pair)


def test_an_unknown_family_is_told_as_bytes_only() -> None:
    assert describe("stranger", ">", b"abc") == [] and describe("datecs", ">", b"") == []


def test_a_package_is_told_document_by_document() -> None:
    said = describe("prro", ">", package([b"\x30\x01a", b"\x30\x01b"]))
    assert len(said) == 2
