"""The codec against the documents, journal objects, errors and the digest of helpmicro.md §3–6."""

from __future__ import annotations

import re
import uuid
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.document import CardSlip, Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.errors import Code, LinkLost
from drivers.helpmicro import documents, refusals, state, tables
from drivers.helpmicro.documents import Dialect
from drivers.helpmicro.wire import Parser, masked, request

DIALECT = Dialect(taxes={"А": 1, "Б": 2}, forms=tables.ROWS)
OLD = Dialect(taxes={"А": 1}, forms=tables.ROWS, uktzed_field=False, excise_field=False)
ANSWER = (
    '{"id":301,"no":18,"oper_id":1,"datetime":1709806560,"DI":46,"F":[{"S":{"code":100,"name":"Хліб","qty":2,'
    '"price":12.5,"sum":25,"tax":1}},{"P":{"no":1,"name":"ГОТІВКА","sum":30}}]}'
)
STATE = (
    '{"model":"MG-N707TS","name":"GP00000049","serial":"GP00000049","time":1709806530,"chkId":17,"JrnTime":1709790000,'
    '"currZ":12,"IsWrk":1,"Fiscalization":1,"FskMode":1,"CurrDI":45,"ID_SAM":1050451,"ID_DEV":411123233,"NPrLin":1724,'
    '"err":[]}'
)


def sale(line: Line, payment: Payment, kind: DocumentKind = DocumentKind.SALE, **more: Any) -> Document:
    return Document(id=uuid.uuid4(), kind=kind, lines=(line,), payments=(payment,), **more)


def body(document: Document, dialect: Dialect = DIALECT) -> str:
    """The document as it goes out, without the comment that carries its id and without the article's code."""
    text = documents.encode(documents.build(document, dialect)).decode()
    text = text.replace('{"C":{"cm":"' + documents.marker(document) + '"}},', "")
    return re.sub(r'"code":\d{1,13},', '"code":100,', text)


BREAD = Line(code="100", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А")


def test_a_sale() -> None:
    text = body(sale(BREAD, Payment(form=PaymentForm.CASH, amount=3000)))
    assert text == ('{"F":[{"S":{"code":100,"name":"Хліб","qty":2,"price":12.5,"tax":1}},{"P":{"no":1,"sum":30}}]}')
    assert len(text.encode()) == 97


def test_a_refund_to_a_card() -> None:
    slip = CardSlip(rrn="123456789012", auth_code="", pan_mask="4111XXXXXXXX1111", terminal="", payment_system="")
    line = Line(code="100", name="Хліб", quantity=1000, price=1250, sum=1250, tax="А")
    text = body(
        sale(
            line, Payment(form=PaymentForm.CARD, amount=1250, card=slip), DocumentKind.REFUND,
            original=Original(number="18"),
        )
    )  # fmt: skip
    assert text == (
        '{"R":[{"C":{"cm":"Повернення по чеку №18"}},{"S":{"code":100,"name":"Хліб","qty":1,"price":12.5,"tax":1}},'
        '{"P":{"no":4,"sum":12.5,"rrn":"123456789012","card":"4111XXXXXXXX1111"}}]}'
    )


def test_cash_in_and_out() -> None:
    moves = [
        Document(id=uuid.uuid4(), kind=kind, amount=amount)
        for kind, amount in ((DocumentKind.CASH_IN, 10000), (DocumentKind.CASH_OUT, 5050))
    ]
    assert [body(move) for move in moves] == [
        '{"IO":[{"IO":{"sum":100,"no":1}}]}',
        '{"IO":[{"IO":{"sum":-50.5,"no":1}}]}',
    ]


WINE = Line(
    code="7", name="Вино", quantity=1000, price=25000, sum=25000, tax="А", uktzed="2204210000", excise=("ABCD123456",)
)
CARD = CardSlip(
    rrn="123456789012", auth_code="123456", pan_mask="4111XXXXXXXX1111", terminal="S1A2B3C4", payment_system="VISA",
    acquirer="ПриватБанк",
)  # fmt: skip


def test_alcohol_by_card() -> None:
    assert body(sale(WINE, Payment(form=PaymentForm.CARD, amount=25000, card=CARD))) == (
        '{"F":[{"S":{"code":100,"name":"Вино","qty":1,"price":250,"tax":1,"uktzed":2204210000,'
        '"excise":[{"stamp":"ABCD123456"}]}},{"P":{"no":4,"sum":250,"rrn":"123456789012","card":"4111XXXXXXXX1111",'
        '"bank":"ПриватБанк","term":"S1A2B3C4","authcode":"123456"}}]}'
    )


def test_old_firmware_gets_texts() -> None:
    text = body(sale(WINE, Payment(form=PaymentForm.CASH, amount=25000)), OLD)
    assert '"name":"2204210000#Вино"' in text and "uktzed" not in text and "excise" not in text
    assert '{"C":{"cm":"Акцизна марка ABCD123456"}}' in text


def test_zero_receipt_and_corrections() -> None:
    zero = Document(id=uuid.uuid4(), kind=DocumentKind.ZERO)
    assert documents.build(zero, DIALECT) == {"F": [{"N": {"cm": zero.id.hex}}]}
    line = Line(code="1", name="Сир", quantity=275, price=19990, sum=5400, discount=97, tax="Б")
    document = sale(line, Payment(form=PaymentForm.CASH, amount=5205), discount=197, rounding=2)
    text = body(document)
    assert '"qty":0.275,"price":199.9,"tax":2}},{"D":{"sum":-2.92}},{"P":{"no":1,"sum":52.05}}' in text


def test_nothing_to_pay_is_paid_without_a_sum() -> None:
    line = Line(code="1", name="Подарунок", quantity=1000, price=100, sum=0, discount=100, tax="А")
    document = Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(line,))
    assert body(document).endswith('{"D":{"sum":-1}},{"P":{"no":1}}]}')


def test_a_journal_object() -> None:
    (entry,) = documents.entries(documents.decode(ANSWER.encode()))
    assert (entry.kind, entry.number, entry.total, entry.pending) == ("F", 18, 2500, False)
    assert entry.at == datetime.fromtimestamp(1709806560, UTC)
    assert entry.taxes() == {1: 2500} and entry.payments(1) == {1: 2500}, "change does not stay"
    spoiled = ANSWER.replace('"DI":46', '"DI":46,"pending":1')
    assert documents.entries([documents.decode(spoiled.encode())])[0].pending
    assert documents.entries({"err": []}) == []


def test_what_is_no_json() -> None:
    assert documents.decode(b"\xef\xbb\xbf[1.50]") == [Decimal("1.50")]
    for data in (b"", b"<html>", b"\xff", b"[" * 100_000):
        with pytest.raises(LinkLost):
            documents.decode(data)


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        ([{"e": "x8B", "line": 1}], ["8B"]),
        ({"e": "x32"}, ["32"]),
        ("xF9", ["F9"]),
        ([], []),
        ("", []),
        (None, []),
        ([{"e": "xa6"}, "x1"], ["A6", "01"]),
    ],
)
def test_errors_in_every_shape(errors: Any, found: list[str]) -> None:
    assert refusals.codes(errors) == found


def test_meanings_of_errors() -> None:
    wanted = {
        "8B": Code.PAPER_OUT,
        "A6": Code.TRANSMISSION_OVERDUE,
        "BD": Code.CLOCK,
        "C4": Code.ARTICLE_CONFLICT,
        "D3": Code.SHIFT_EXPIRED,
        "D0": Code.INSUFFICIENT_CASH,
        "F9": Code.CASHIER_REQUIRED,
        "E5": Code.BAD_FIELD,
        "99": Code.HARDWARE,
    }
    assert {code: refusals.meaning(code)[0] for code in wanted} == wanted


def test_the_state() -> None:
    device = state.device(documents.decode(STATE.encode()))
    assert (device.serial, device.receipt, device.z_number, device.working) == ("GP00000049", 17, 12, True)
    assert device.time == datetime(2024, 3, 7, 10, 15, 30, tzinfo=UTC) and not device.problems()
    ill = STATE.replace('"err":[]', '"err":[{"e":"x8B"}]').replace('"FskMode":1', '"FskMode":0')
    device = state.device(documents.decode(ill.encode()))
    assert device.paper_out
    assert [code for code, _, _ in device.problems()] == [Code.PAPER_OUT, Code.WRONG_STATE]
    assert [state.mask(answer) for answer in (5, "0021", {"state": "x0001"}, {"Mask": 4, "err": []}, None)] == [
        5,
        0x21,
        1,
        4,
        0,
    ]


def test_the_modem() -> None:
    assert state.network(0x35) == ([], ())
    blocks, warnings = state.network(0x39)
    assert [code for code, _ in blocks] == [Code.NOT_PERSONALISED] and not warnings
    assert state.network(0x55)[0] == [] and state.network(0x55)[1], "no network stops nothing by itself"


def test_tables() -> None:
    assert tables.taxes([{"id": 1, "name": "А 20%"}, {"id": 3, "letter": "Б"}]) == {"А": 1, "Б": 3}
    assert tables.taxes([{"no": 1, "prc": 20}, {"no": 2, "prc": 7}]) == {"А": 1, "Б": 2}
    assert tables.taxes(None)["В"] == 3
    forms = tables.forms([{"no": 2, "name": "КАРТКА"}, {"no": 5, "name": "Готівка"}], {PaymentForm.CREDIT: 9})
    assert (forms[PaymentForm.CARD], forms[PaymentForm.CASH], forms[PaymentForm.CREDIT]) == (2, 5, 9)
    assert tables.forms(None, {}) == dict(tables.ROWS)


@pytest.mark.parametrize(
    ("method", "target", "response"),
    [
        ("GET", "/cgi/state", "bf0031feae107532c59f89a6612d875d"),
        ("POST", "/cgi/chk", "82c83ed3662a7e8332a9c28b2947633f"),
        ("GET", "/cgi/proc/printreport?0", "56f2440dd8584532f88a9ca1b04761a3"),
    ],
)
def test_the_digest(method: str, target: str, response: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx does it; the page's example says that it does it as the device wants."""
    auth = httpx.DigestAuth("service", "751426")
    monkeypatch.setattr(auth, "_get_client_nonce", lambda *_: b"deadbeef")
    flow = auth.sync_auth_flow(httpx.Request(method, f"http://10.0.0.8{target}"))
    challenge = 'Digest realm="HTROM", nonce="0123456789abcdef", qop="auth", opaque="x"'
    first = next(flow)
    again = flow.send(httpx.Response(401, headers={"WWW-Authenticate": challenge}, request=first))
    assert f'response="{response}"' in again.headers["Authorization"]
    assert f'uri="{target}"' in again.headers["Authorization"]
    data = request(method, again.url.raw_path, again.headers.raw, b"")
    assert target.encode() in data.splitlines()[0]
    assert response.encode() not in masked(data) and b'response="' + b"*" * 32 in masked(data)


@pytest.mark.parametrize(
    ("wire", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[17]", 4),
        (b"HTTP/1.0 200\nCONTENT-LENGTH :4\n\n[17]", 4),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length:4\r\n\r\n[17]", 4),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n2;x\r\n7]\r\n0\r\n\r\n", 4),
    ],
    ids=["plain", "sloppy", "continue", "chunked"],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_replies(wire: bytes, length: int, size: int) -> None:
    parser = Parser()
    replies = [reply for at in range(0, len(wire), size) if (reply := parser.feed(wire[at : at + size])) is not None]
    assert replies[0].status == 200 and replies[0].body == b"[17]" and len(replies[0].body) == length


def test_a_reply_that_ends_with_its_connection() -> None:
    parser = Parser()
    assert parser.feed(b"HTTP/1.0 200 OK\r\nServer: MG\r\n\r\n[1") is None
    assert parser.feed(b"7]") is None
    reply = parser.end()
    assert reply is not None and reply.body == b"[17]" and not reply.stays


def test_a_reply_cut_short_is_none() -> None:
    parser = Parser()
    assert parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[17]") is None
    assert parser.end() is None
    with pytest.raises(ValueError):
        Parser().feed(b"SSH-2.0-OpenSSH\r\n")


def test_a_packed_body() -> None:
    for packed in (zlib.compress(ANSWER.encode()), zlib.compress(ANSWER.encode())[2:-4]):
        answer = httpx.Response(200, headers={"content-encoding": "deflate"}, content=packed)
        assert documents.decode(answer.content) == documents.decode(ANSWER.encode())


@given(st.integers(-(10**10), 10**10))
def test_money_travels_exactly(value: int) -> None:
    text = documents.encode(documents.money(value)).decode()
    assert "e" not in text.lower() and documents.kopecks(documents.decode(text.encode())) == value
