"""The worked digest and the example exchanges of helpmicro.md §5-6, and what must be refused."""

from __future__ import annotations

import hashlib
import json
import socket
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulation.faults import FaultPlan
from drivers.emulation.machine import HangUp, Send
from drivers.emulation.memory import StateFile, Tape
from drivers.helpmicro.emulator import digest
from drivers.helpmicro.emulator.codes import Failed, told
from drivers.helpmicro.emulator.documents import parse, plain, scaled, shown
from drivers.helpmicro.emulator.http import Bad, Inbox, Request, answer
from drivers.helpmicro.emulator.machine import HelpMicroMachine, build
from tests.helpmicro.emulator_host import SALE, item, pay, running

NONCE = "0123456789abcdef"
EXAMPLES = {
    ("GET", "/cgi/state"): "bf0031feae107532c59f89a6612d875d",
    ("POST", "/cgi/chk"): "82c83ed3662a7e8332a9c28b2947633f",
    ("GET", "/cgi/proc/printreport?0"): "56f2440dd8584532f88a9ca1b04761a3",
}
SALE_TEXT = '{"F":[{"S":{"code":100,"name":"Хліб","qty":2,"price":12.5,"tax":1}},{"P":{"no":1,"sum":30}}]}'.encode()
STATE_TEXT = (
    '{"model":"MG-N707TS","name":"GP00000049","serial":"GP00000049","time":1709806530,"chkId":17,'
    '"JrnTime":1709790000,"currZ":12,"IsWrk":1,"Fiscalization":1,"FskMode":1,"CurrDI":45,"ID_SAM":1050451,'
    '"ID_DEV":411123233,"NPrLin":1724,"err":[]}'
)
ANSWER_TEXT = (
    '{"id":301,"no":18,"oper_id":1,"datetime":1709806560,"DI":46,"F":[{"S":{"code":100,"name":"Хліб","qty":2,'
    '"price":12.5,"sum":25,"tax":1}},{"P":{"no":1,"name":"ГОТІВКА","sum":30}}]}'
)


def authorization(uri: str, response: str, /, **changes: str) -> str:
    values = {
        "username": "service", "realm": "HTROM", "nonce": NONCE, "uri": uri, "response": response, "qop": "auth",
        "nc": "00000001", "cnonce": "deadbeef", **changes,
    }  # fmt: skip
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in values.items())


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture
def machine(tmp_path: Path) -> HelpMicroMachine:
    """At the moment of the page's examples."""
    moment = datetime(2024, 3, 7, 10, 15, 30, tzinfo=UTC)
    machine = build({}, StateFile(tmp_path / "state.json"), Tape(), FaultPlan(), lambda: moment)
    memory = machine.device.memory
    memory.last_id, memory.last_no, memory.last_di, memory.printed_lines = 300, 17, 45, 1724
    memory.objects = [{"id": 283, "no": 0, "oper_id": 1, "datetime": 1709790000, "DI": 28, "L": []}]
    memory.cashiers = [1]
    memory.books.z_number, memory.books.day.first = 11, "2024-03-07T07:40:00"
    memory.white_listed = True
    return machine


def ask(machine: HelpMicroMachine, wire: bytes) -> bytes:
    return b"".join(action.data for action in machine.receive(wire) if isinstance(action, Send))


def body(wire: bytes) -> str:
    return wire.partition(b"\r\n\r\n")[2].decode()


# -- digest -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method,uri", EXAMPLES)
def test_the_worked_digest(method: str, uri: str) -> None:
    assert digest.md5("service:HTROM:751426") == "956e6b865b5f3d3f47273b40a571be69"
    response = EXAMPLES[method, uri]
    assert digest.response("service", "751426", method, uri, NONCE, "00000001", "deadbeef") == response
    guard = digest.Guard(60, lambda: 0.0, lambda: NONCE)
    assert f'nonce="{NONCE}"' in guard.challenge(stale=False)
    header = authorization(uri, response)
    assert guard.user(header, method, uri, {"service": "751426"}.get) == ("service", False)
    assert guard.user(header, method, uri, {"service": "751426"}.get) == ("", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"response": "bf0031feae107532c59f89a6612d875c"},
        {"username": "nobody"},
        {"realm": "HTROm"},
        {"nc": "00000002"},
        {"nc": "1"},
        {"cnonce": ""},
        {"qop": "auth-int"},
        {"uri": "/cgi/state?1"},
        {"algorithm": "SHA-256"},
    ],
    ids=repr,
)
def test_a_changed_digest_proves_nothing(changes: dict[str, str]) -> None:
    guard = digest.Guard(60, lambda: 0.0, lambda: NONCE)
    guard.challenge(stale=False)
    header = authorization("/cgi/state", EXAMPLES["GET", "/cgi/state"], **changes)
    assert guard.user(header, "GET", "/cgi/state", {"service": "751426"}.get) == ("", False)


def test_no_other_target_no_other_scheme() -> None:
    guard = digest.Guard(60, lambda: 0.0, lambda: NONCE)
    guard.challenge(stale=False)
    header = authorization("/cgi/state", EXAMPLES["GET", "/cgi/state"])
    assert guard.user(header, "GET", "/cgi/status", {"service": "751426"}.get) == ("", False)
    assert guard.user(header, "POST", "/cgi/state", {"service": "751426"}.get) == ("", False)
    assert guard.user(header.replace("Digest", "Basic"), "GET", "/cgi/state", {"service": "751426"}.get)[0] == ""


def test_a_nonce_lives_and_counts() -> None:
    now = [0.0]
    guard = digest.Guard(60, lambda: now[0], lambda: NONCE)
    guard.challenge(stale=False)

    def try_with(count: int) -> tuple[str, bool]:
        nc = f"{count:08x}"
        ha1, ha2 = md5("service:HTROM:751426"), md5("GET:/cgi/state")
        response = md5(f"{ha1}:{NONCE}:{nc}:deadbeef:auth:{ha2}")
        header = authorization("/cgi/state", response, nc=nc)
        return guard.user(header, "GET", "/cgi/state", {"service": "751426"}.get)

    assert try_with(1) == try_with(2) == try_with(9) == ("service", False)
    assert try_with(9) == try_with(3) == ("", True)
    now[0] = 61
    assert try_with(10) == ("", True)
    assert "stale=true" in guard.challenge(stale=True)
    assert try_with(1) == ("service", False)
    guard.forget()
    assert try_with(2) == ("", True)


@given(st.text(max_size=80))
def test_no_header_breaks_the_digest(text: str) -> None:
    found = digest.fields("Digest " + text)
    assert found is None or all(isinstance(value, str) for value in found.values())
    guard = digest.Guard(60, lambda: 0.0)
    assert guard.user("Digest " + text, "GET", "/", {"service": "1"}.get) == ("", False)


def test_a_real_client_passes(tmp_path: Path) -> None:
    with running(tmp_path) as till:
        for _ in range(3):
            assert till.get("/cgi/state")["serial"] == "GP00000049"
        with httpx.Client(base_url=till.http.base_url, trust_env=False) as stranger:
            till.http.close()
            assert stranger.get("/cgi/status").status_code == 200
            refused = stranger.get("/cgi/state")
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith('Digest realm="HTROM", nonce="')
            for user, password in (("service", "751427"), ("17", "1111"), ("1", "751426")):
                assert stranger.get("/cgi/state", auth=httpx.DigestAuth(user, password)).status_code == 401


# -- the examples -------------------------------------------------------------------------------------------------


def test_the_state_of_the_page(machine: HelpMicroMachine) -> None:
    assert body(ask(machine, b"GET /cgi/state HTTP/1.1\r\n\r\n")) == STATE_TEXT


def test_the_sale_of_the_page(machine: HelpMicroMachine) -> None:
    assert len(SALE_TEXT) == 97
    machine.advance_clock(30)
    wire = b"POST /cgi/chk HTTP/1.1\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 97\r\n\r\n" + SALE_TEXT
    assert body(ask(machine, wire)) == ANSWER_TEXT
    assert machine.registers()["sales_turnover"] == 2500
    answered = json.loads(body(ask(machine, b"GET /cgi/chk?id=301 HTTP/1.1\r\n\r\n")))
    assert answered == [{**json.loads(ANSWER_TEXT), "beg_id": 283}]
    last = json.loads(body(ask(machine, b"GET /cgi/proc/lastreceipt HTTP/1.1\r\n\r\n")))
    assert last == {"NRcpt": 18, "Total": 25, "GMTTime": 1709806560, "NOper": 1, "UI": 301}


def test_the_other_documents_of_the_page(tmp_path: Path) -> None:
    with running(tmp_path, cash=100_000) as till:
        card = {"no": 4, "sum": 12.5, "rrn": 123456789012, "card": "4111XXXXXXXX1111"}
        entry = till.done({"R": [{"C": {"cm": "чек 18"}}, item(qty=1), {"P": card}]})
        assert entry["R"][2]["P"] == {**card, "name": "КАРТКА"} and entry["R"][0] == {"C": {"cm": "чек 18"}}
        assert till.done({"IO": [{"IO": {"sum": 100}}]})["IO"][0]["IO"]["sum"] == 100
        assert till.done({"IO": [{"IO": {"sum": -50.5, "no": 1}}]})["IO"][0]["IO"]["sum"] == -50.5
        wine = item("Вино", 250, 1, 7, uktzed=2204210000, excise=[{"stamp": "ABCD123456"}])
        slip = {
            "no": 4, "sum": 250, "rrn": "123456789012", "card": "4111XXXXXXXX1111", "bank": "ПриватБанк",
            "term": "S1A2B3C4", "authcode": "123456",
        }  # fmt: skip
        entry = till.done({"F": [wine, {"P": slip}]})
        assert entry["F"][0]["S"]["uktzed"] == 2204210000 and entry["F"][0]["S"]["excise"] == [{"stamp": "ABCD123456"}]
        assert till.done({"F": [{"N": {"cm": ""}}]})["F"] == [{"N": {"cm": ""}}]
        before = till.get("/cgi/state")
        assert till.z() == {"err": []}
        after = till.get("/cgi/state")
        assert (after["currZ"], after["chkId"], after["IsWrk"]) == (before["currZ"] + 1, 0, 0)
        assert till.get("/cgi/proc/getjrnroom")["Used"] == 0
        till.server.set_paper(False)
        assert till.register() == {"err": [{"e": "x8B"}]}
        till.server.set_paper(True)
        till.refused(SALE, "F9")
        till.register()
        till.server.set_paper(False)
        till.refused(SALE, "8B", 1)


def test_the_three_forms_of_an_error() -> None:
    assert told("8B", 3, "list") == {"err": [{"e": "x8B", "line": 3}]}
    assert told("32", 0, "object") == {"err": {"e": "x32"}}
    assert told("F9", 0, "text") == {"err": "xF9"}


def test_deflate_and_bom(tmp_path: Path) -> None:
    with running(tmp_path, registered=False, deflate=1, bom=1) as till:
        reply = till.http.get("/cgi/state")
        assert reply.headers["Content-Encoding"] == "deflate" and reply.content[:3] == b"\xef\xbb\xbf"
        assert json.loads(reply.content.decode("utf-8-sig"))["serial"] == "GP00000049"


def test_healthy_and_unpersonalised(tmp_path: Path) -> None:
    with running(tmp_path / "one", registered=False) as till:
        assert till.get("/cgi/status")["dev_state"] == 0x35
    with running(tmp_path / "two", unpersonalised=1) as till:
        assert till.get("/cgi/status")["dev_state"] == 0x39
        till.refused(SALE, "C9")


# -- HTTP ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"\x01\x02\x03\r\n\r\n", 400),
        (b"get /cgi/status HTTP/1.1\r\n\r\n", 400),
        (b"GET /cgi/status HTTP/2\r\n\r\n", 400),
        (b"GET  /cgi/status HTTP/1.1\r\n\r\n", 400),
        (b"GET /cgi/status HTTP/1.1\r\nBad header\r\n\r\n", 400),
        (b"POST /cgi/chk HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /cgi/chk HTTP/1.1\r\nContent-Length: 9x\r\n\r\n", 400),
        (b"POST /cgi/chk HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /cgi/chk HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 9000, 400),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_requests(machine: HelpMicroMachine, wire: bytes, status: int) -> None:
    first, last = machine.receive(wire)
    assert isinstance(first, Send) and first.data.startswith(f"HTTP/1.1 {status} ".encode())
    assert last == HangUp()
    assert ask(machine, b"GET /cgi/status HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_paths_that_are_not_there(machine: HelpMicroMachine) -> None:
    for start in (
        b"GET /cgi/nothing",
        b"GET /",
        b"POST /cgi/state",
        b"PUT /cgi/tbl/Tax",
        b"GET /cgi/proc/",
        b"GET /x?y",
    ):
        assert ask(machine, start + b" HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404"), start


def test_a_request_in_pieces(machine: HelpMicroMachine) -> None:
    wire = b"POST /cgi/chk HTTP/1.1\r\ncontent-length:97\r\n\r\n" + SALE_TEXT
    answers = [ask(machine, bytes([value])) for value in wire]
    assert all(piece == b"" for piece in answers[:-1]) and b'"no":18' in answers[-1]
    two = ask(machine, b"GET /cgi/state HTTP/1.1\r\n\r\nGET /cgi/rep/pay HTTP/1.1\r\n\r\n")
    assert two.count(b"HTTP/1.1 200") == 2


def test_a_length_that_lies_registers_nothing(machine: HelpMicroMachine) -> None:
    short = b"POST /cgi/chk HTTP/1.1\r\nContent-Length: 96\r\n\r\n" + SALE_TEXT[:96]
    assert body(ask(machine, short)) == '{"err":[{"e":"x3E"}]}'
    long = b"POST /cgi/chk HTTP/1.1\r\nContent-Length: 98\r\n\r\n" + SALE_TEXT
    assert ask(machine, long) == b""
    machine.set_dtr(False, serial=False)
    machine.set_dtr(True, serial=False)
    assert ask(machine, b"GET /cgi/status HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert machine.registers()["journal"] == []


def test_a_half_sent_post_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, white_listed=1) as till:
        till.http.close()
        host, _, port = till.server.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as half:
            half.sendall(b"POST /cgi/chk HTTP/1.1\r\nContent-Length: 97\r\n\r\n" + SALE_TEXT[:50])
        with socket.create_connection((host, int(port)), timeout=10) as rest:
            rest.sendall(SALE_TEXT[50:] + b"\r\n\r\n")
            assert rest.recv(100).startswith(b"HTTP/1.1 400")
        assert till.registers()["journal"] == []


def test_one_connection_at_a_time(tmp_path: Path) -> None:
    with running(tmp_path) as till:
        till.get("/cgi/state")
        with httpx.Client(base_url=till.http.base_url, timeout=0.5, trust_env=False) as second:
            with pytest.raises(httpx.ReadTimeout):
                second.get("/cgi/status")
            till.http.close()
        with httpx.Client(base_url=till.http.base_url, timeout=20, trust_env=False) as third:
            assert third.get("/cgi/status").status_code == 200


_TOKEN = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)


@given(
    st.sampled_from(["GET", "POST"]),
    st.from_regex(r"/[a-z0-9/?&=.:-]{0,30}", fullmatch=True),
    st.dictionaries(_TOKEN.map(str.lower), st.from_regex(r"[ -9;-~]{0,20}", fullmatch=True).map(str.strip), max_size=4),
    st.binary(max_size=60),
    st.lists(st.integers(1, 50), max_size=10),
)
def test_every_request_survives_the_wire(
    method: str, target: str, headers: dict[str, str], content: bytes, cuts: list[int]
) -> None:
    headers = {name: value for name, value in headers.items() if name not in ("content-length", "transfer-encoding")}
    headers["content-length"] = str(len(content))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    wire = f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + content
    inbox, taken, place = Inbox(), [], 0
    for size in [*cuts, len(wire)]:
        taken += list(inbox.take(wire[place : place + size]))
        place += size
    assert taken == [Request(method, target, headers, content)]


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_no_stream_breaks_the_inbox(chunks: list[bytes]) -> None:
    inbox = Inbox()
    for chunk in chunks:
        for part in inbox.take(chunk):
            assert isinstance(part, Bad | Request)
    inbox.clear()
    assert list(inbox.take(b"GET / HTTP/1.1\r\n\r\n")) == [Request("GET", "/")]


@given(st.binary(max_size=200), st.booleans())
def test_an_answer_is_read_by_a_real_client(content: bytes, deflate: bool) -> None:
    wire = answer(200, content, deflate=deflate)
    head, _, rest = wire.partition(b"\r\n\r\n")
    headers = dict(line.decode().split(":", 1) for line in head.split(b"\r\n")[1:])
    assert httpx.Response(200, headers=headers, content=rest).content == content


# -- numbers and documents ----------------------------------------------------------------------------------------


@given(st.integers(-(10**12), 10**12))
def test_kopecks_go_and_come(kopecks: int) -> None:
    text = json.dumps(shown(kopecks))
    assert scaled(json.loads(text, parse_float=Decimal), 100, "EA") == kopecks


@pytest.mark.parametrize("value", ["1", None, True, Decimal("12.345"), Decimal("1e-400"), Decimal("1e400"), 10**40, []])
def test_what_is_no_sum(value: Any) -> None:
    with pytest.raises(Failed):
        scaled(value, 100, "EA")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_NAMES = [
    "code", "name", "qty", "price", "tax", "ctype", "dep", "grp", "uktzed", "excise", "sum", "prc", "all", "dn", "no",
    "cm", "attr", "rrn", "fee",
]  # fmt: skip
_FIELDS = st.dictionaries(
    st.sampled_from(_NAMES),
    st.none() | st.integers(-3, 200) | st.floats(-10, 300) | st.text(max_size=5) | st.just([{"stamp": "A"}]),
)
_DOCUMENT = st.dictionaries(
    st.sampled_from(["F", "R", "IO", "P", "L", "VD", "X"]),
    st.lists(st.dictionaries(st.sampled_from(["S", "D", "P", "C", "N", "BC", "VP", "IO", "L"]), _FIELDS, max_size=2)),
    min_size=1,
    max_size=1,
)


@given(st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_parse_reads_or_refuses(content: bytes) -> None:
    try:
        kind, lines = parse(content)
    except Failed as failure:
        assert failure.code in ("3E", "F5")
    else:
        assert isinstance(kind, str) and all(isinstance(fields, dict) for _, fields in lines)
        json.dumps(plain([fields for _, fields in lines]))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"F":[],"R":[]}', b'{"F":{}}', b'{"F":[7]}', b'{"F":[{"S":7}]}', b'{"F":[{}]}', b"\xff",
     b'{"F":[{"S":{},"P":{}}]}', b'{"F":[{"S":{"qty":NaN}}]}', b"[" * 5000],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_document(content: bytes) -> None:
    with pytest.raises(Failed):
        parse(content)


@pytest.fixture(scope="module")
def sturdy() -> HelpMicroMachine:
    machine = build({"cash": "100000", "white_listed": "1"}, StateFile(None), Tape(), FaultPlan())
    machine.device.memory.cashiers = [1]
    return machine


@given(_DOCUMENT | _JSON)
def test_no_document_breaks_the_device(sturdy: HelpMicroMachine, document: Any) -> None:
    before = len(sturdy.device.memory.objects)
    content = json.dumps(document).encode()
    wire = f"POST /cgi/chk HTTP/1.1\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
    reply = ask(sturdy, wire)
    if reply.startswith(b"HTTP/1.1 401"):
        assert isinstance(document, dict) and "L" in document
        return
    told = json.loads(body(reply))
    registered = len(sturdy.device.memory.objects) - before
    assert registered == ("id" in told) and ("err" in told) != registered
    registers = sturdy.registers()
    assert registers["sales_turnover"] == sum(registers["sales_by_form"].values())
    assert registers["drawer"] >= 0


_GOODS = st.lists(st.tuples(st.integers(0, 99_999), st.integers(1, 9999), st.integers(1, 4)), min_size=1, max_size=5)


@given(_GOODS, st.integers(-100, 100))
def test_the_books_add_up(sturdy: HelpMicroMachine, goods: list[tuple[int, int, int]], percent: int) -> None:
    lines: list[dict[str, Any]] = []
    total = 0
    for price, quantity, tax in goods:
        code = price * 10_000 * 10 + quantity * 10 + tax
        lines.append(
            {"S": {"code": code, "name": f"Т{code}", "qty": quantity / 1000, "price": price / 100, "tax": tax}}
        )
        total += (price * quantity + 500) // 1000
    if total:
        lines.append({"D": {"prc": percent, "all": 1}})
        step = (total * abs(percent) + 50) // 100
        total += step if percent > 0 else -step
    before = sturdy.registers()
    content = json.dumps({"F": [*lines, pay(1)]}).encode()
    wire = f"POST /cgi/chk HTTP/1.1\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
    assert '"id":' in body(ask(sturdy, wire))
    after = sturdy.registers()
    assert after["sales_turnover"] - before["sales_turnover"] == after["drawer"] - before["drawer"] == total
