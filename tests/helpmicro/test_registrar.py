"""The driver against a scripted HTTP peer that answers as helpmicro.md §1–4 and §7 describe."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind, Line, Payment, PaymentForm
from drivers.errors import Code, Fault, Invalid, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, State
from drivers.registry import connect

LINE = Line(code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А")
SALE = Document(
    id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE,), payments=(Payment(form=PaymentForm.CASH, amount=3000),)
)
CASH_IN = Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=2500)
Z = Document(id=uuid.uuid4(), kind=DocumentKind.Z_REPORT)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Unit:
    """One connection after another; digest, a journal, errors that the test orders."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any]] = []
        self.serial, self.receipt, self.z, self.working = "GP00000049", 17, 12, 0
        self.errors: list[Any] = []
        self.dev_state = 0x35
        self.masks: list[int] = []
        self.journal: list[dict[str, Any]] = []
        self.drawer = 1000
        self.refuse: dict[str, list[Any]] = {}
        """Answers instead of the next ones of a target; a document is not registered."""
        self.mute = 0
        """How many of the next documents are registered and not answered."""
        self.drop = 0
        """How many of the next documents are neither registered nor answered."""
        self.password = "751426"
        self.users = {"service", "1"}
        self.nonce = "abcdef"
        self.tables: dict[str, Any] = {}
        self.keeps = True
        self._server = socket.create_server(("127.0.0.1", 0))
        self._stopping = False
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def stop(self) -> None:
        self._stopping = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()
        self._thread.join(5)

    def hang_up(self) -> None:
        if self._client is not None:
            with suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        while not self._stopping:
            try:
                self._client, _ = self._server.accept()
            except OSError:
                return
            with self._client, suppress(OSError):
                self._talk(self._client)

    def _talk(self, client: socket.socket) -> None:
        buffer = b""
        while chunk := client.recv(4096):
            buffer += chunk
            head, end, rest = buffer.partition(b"\r\n\r\n")
            if not end:
                continue
            found = re.search(rb"content-length: *(\d+)", head, re.I)
            length = int(found[1]) if found else 0
            if len(rest) < length:
                continue
            body, buffer = rest[:length], rest[length:]
            answer = self._answer(head.decode(), body)
            if answer is not None:
                client.sendall(answer)
                if not self.keeps:
                    return

    def _answer(self, head: str, body: bytes) -> bytes | None:
        method, target, _ = head.split("\r\n")[0].split(" ")
        if target != "/cgi/status" and not self._knows(method, target, head):
            challenge = f'Digest realm="HTROM", nonce="{self.nonce}", qop="auth", opaque="1"'
            return f"HTTP/1.1 401 No\nWWW-Authenticate : {challenge}\nContent-Length : 0\n\n".encode()
        plain = json.loads(body) if body else None
        self.seen.append((method, target, plain))
        content = self.refuse[target].pop(0) if self.refuse.get(target) else self._do(method, target, plain)
        if content is None:
            return None
        data = json.dumps(content, ensure_ascii=False).encode()
        return b"HTTP/1.1 200 OK\nContent-Length : %d\n\n" % len(data) + data

    def _knows(self, method: str, target: str, head: str) -> bool:
        pairs = dict(re.findall(r'(\w+)="?([^",\r]+)"?', head.partition("Authorization: Digest ")[2]))
        if pairs.get("username") not in self.users or pairs.get("nonce") != self.nonce:
            return False
        first = md5(f"{pairs['username']}:HTROM:{self.password}")
        second = md5(f"{method}:{target}")
        expected = md5(f"{first}:{pairs['nonce']}:{pairs['nc']}:{pairs['cnonce']}:auth:{second}")
        return bool(pairs["response"] == expected and pairs["uri"] == target)

    def _do(self, method: str, target: str, plain: Any) -> Any:
        match target:
            case "/cgi/state":
                return {
                    "model": "MG-N707TS", "serial": self.serial, "time": int(time.time()), "chkId": self.receipt,
                    "currZ": self.z, "IsWrk": self.working, "Fiscalization": 1, "FskMode": 1, "err": self.errors,
                }  # fmt: skip
            case "/cgi/status":
                return {"dev_state": self.dev_state}
            case "/cgi/dev_info":
                return {"dev_zn": self.serial, "dev_ver": "1.5", "dev_fn": "3000012345", "dev_nn": "123456789012"}
            case "/cgi/proc/state":
                return self.masks.pop(0) if self.masks else 0
            case "/cgi/rep/pay":
                return [{"no": 1, "sum": self.drawer}, {"no": 4, "sum": 7}]
            case "/cgi/proc/getjrnroom":
                return {"total": 100, "USED": len(self.journal)}
            case "/cgi/proc/printreport?0":
                self.z, self.receipt, self.journal = self.z + 1, 0, []
                return {"err": []}
            case "/cgi/chk" if method == "GET":
                return self.journal
            case "/cgi/chk":
                return self._document(plain)
        table = target.removeprefix("/cgi/tbl/")
        return self.tables.get(table, []) if table != target else {"err": []}

    def _document(self, plain: dict[str, Any]) -> Any:
        if self.drop:
            self.drop -= 1
            return None
        ((kind, lines),) = plain.items()
        for line in lines:
            if "S" in line:
                line["S"]["sum"] = round(line["S"]["qty"] * line["S"]["price"], 2)
        if kind in ("F", "R"):
            self.receipt += 1
        number = 300 + len(self.journal)
        entry = {"id": number, "no": self.receipt, "datetime": int(time.time()), "DI": number, kind: lines}
        self.journal.append(entry)
        if self.mute:
            self.mute -= 1
            return None
        return entry

    def posted(self) -> list[Any]:
        return [plain for method, _, plain in self.seen if method == "POST"]


@pytest.fixture
def unit() -> Iterator[Unit]:
    unit = Unit()
    yield unit
    unit.stop()


@pytest.fixture
def registrar(unit: Unit) -> Iterator[Registrar]:
    registrar = connect(f"helpmicro+http://{unit.address}?cap=1")
    yield registrar
    registrar.close()


def test_who_is_there(registrar: Registrar, unit: Unit) -> None:
    info, status = registrar.info(), registrar.status()
    assert (info.serial, info.model, info.firmware, info.fiscal_number) == (
        "GP00000049", "MG-N707TS", "1.5", "3000012345",
    )  # fmt: skip
    assert status.clock is not None and abs(status.clock - datetime.now(UTC)) < timedelta(seconds=5)
    assert status.drawer == 100_000 and status.shift_open is False and not status.blocks and status.read_at is not None


def test_a_sale(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    result = registrar.register(SALE, before)
    assert (result.state, result.number, result.total, result.change) == (State.REGISTERED, "18", 2500, 500)
    assert dict(result.by_tax) == {"А": 2500} and result.fiscal_number == "3000012345"
    ((first, good, payment),) = [plain["F"] for plain in unit.posted()]
    assert first == {"C": {"cm": SALE.id.hex}}
    assert (good["S"]["name"], good["S"]["qty"], good["S"]["price"], good["S"]["tax"]) == ("Хліб", 2, 12.5, 1)
    assert payment == {"P": {"no": 1, "sum": 30}}


def test_rows_come_from_the_devices_tables(registrar: Registrar, unit: Unit) -> None:
    unit.tables = {
        "Tax": [{"id": 4, "name": "А"}, {"id": 5, "name": "Б"}],
        "Pay": [{"id": 1, "name": "КАРТКА"}, {"id": 2, "name": "ГОТІВКА"}],
    }
    unit.drawer = 0
    registrar.register(SALE, registrar.snapshot(SALE))
    (lines,) = [plain["F"] for plain in unit.posted()]
    assert lines[1]["S"]["tax"] == 4 and lines[2]["P"]["no"] == 2
    line = Line(code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="В")
    with pytest.raises(Refused) as caught:
        registrar.snapshot(Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(line,), payments=SALE.payments))
    assert caught.value.code is Code.TAX


@pytest.mark.parametrize("document", [SALE, CASH_IN], ids=["sale", "cash_in"])
def test_a_lost_answer_is_found_by_its_id(registrar: Registrar, unit: Unit, document: Document) -> None:
    before = registrar.snapshot(document)
    unit.mute = 1
    assert registrar.register(document, before).state is State.UNKNOWN
    result = registrar.reconcile(document, before)
    assert result.state is State.REGISTERED and result.number == str(unit.receipt)
    assert len(unit.posted()) == 1


def test_a_lost_document_is_proven_undone(registrar: Registrar, unit: Unit) -> None:
    registrar.register(SALE, registrar.snapshot(SALE))
    other = Document(id=uuid.uuid4(), kind=SALE.kind, lines=SALE.lines, payments=SALE.payments)
    before = registrar.snapshot(other)
    unit.drop = 1
    assert registrar.register(other, before).state is State.UNKNOWN
    assert registrar.reconcile(other, before).state is State.REJECTED, "the same goods under another id are not ours"


def test_the_device_is_waited_for_until_it_is_idle(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.mute = 1
    assert registrar.register(SALE, before).state is State.UNKNOWN
    unit.seen.clear()
    unit.masks = [0x0021, 0x0084, 0]
    assert registrar.reconcile(SALE, before).state is State.REGISTERED
    targets = [target for _, target, _ in unit.seen]
    assert targets.count("/cgi/proc/state") == 3 and targets[-1] == "/cgi/chk"


def test_firmware_that_drops_comments(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.mute = 1
    assert registrar.register(SALE, before).state is State.UNKNOWN
    del unit.journal[0]["F"][0]
    result = registrar.reconcile(SALE, before)
    assert result.state is State.REGISTERED and "goods, sum and time" in str(result.evidence["why"])
    unit.journal.append(dict(unit.journal[0]))
    assert registrar.reconcile(SALE, before).state is State.UNKNOWN


def test_a_z_in_between_leaves_a_doubt(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.z, unit.journal = 13, []
    assert registrar.reconcile(SALE, before).state is State.UNKNOWN


def test_registered_and_not_printed(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.mute = 1
    registrar.register(SALE, before)
    unit.journal[0]["pending"] = 1
    assert registrar.reconcile(SALE, before).state is State.REGISTERED_NOT_PRINTED


def test_a_cashier_registers_once_a_shift(unit: Unit) -> None:
    registrar = connect(f"helpmicro+http://{unit.address}?cap=1&cashier=1")
    before = registrar.snapshot(SALE)
    unit.refuse = {"/cgi/chk": [{"err": [{"e": "x31"}]}]}
    assert registrar.register(SALE, before).state is State.REGISTERED
    assert [next(iter(plain)) for plain in unit.posted()] == ["L", "F"], "a shift begins"
    unit.working = 1
    unit.seen.clear()
    other = Document(id=uuid.uuid4(), kind=SALE.kind, lines=SALE.lines, payments=SALE.payments)
    before = registrar.snapshot(other)
    unit.refuse = {"/cgi/chk": [{"err": [{"e": "xF9"}]}]}
    assert registrar.register(other, before).state is State.REGISTERED
    assert [next(iter(plain)) for plain in unit.posted()] == ["F", "L", "F"]
    registrar.close()


def test_a_service_account_registers_nobody(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.refuse = {"/cgi/chk": [{"err": "xF9"}, {"err": "xFA"}]}
    result = registrar.register(SALE, before)
    assert result.state is State.REJECTED and result.fault and "cashier_password" in result.fault.what


@pytest.mark.parametrize(
    ("error", "code", "state"),
    [
        ([{"e": "x8B", "line": 1}], Code.PAPER_OUT, State.UNKNOWN),
        ([{"e": "xD3"}], Code.SHIFT_EXPIRED, State.REJECTED),
        ({"e": "xA6"}, Code.TRANSMISSION_OVERDUE, State.REJECTED),
        ("xF8", Code.PAYMENT, State.REJECTED),
        ([{"e": "x37", "line": 2}], Code.BAD_FIELD, State.REJECTED),
        ([{"e": "xC9"}], Code.FM_ERROR, State.UNKNOWN),
    ],
)
def test_refusals(error: Any, code: Code, state: State, registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.refuse = {"/cgi/chk": [{"err": error}]}
    result = registrar.register(SALE, before)
    assert result.state is state and result.fault is not None and result.fault.code == code
    assert registrar.reconcile(SALE, before).state is State.REJECTED


def test_states_that_stop_a_sale(registrar: Registrar, unit: Unit) -> None:
    for change, code in (
        ({"errors": [{"e": "x8B"}]}, Code.PAPER_OUT),
        ({"errors": [], "dev_state": 0x39}, Code.NOT_PERSONALISED),
    ):
        for name, value in change.items():
            setattr(unit, name, value)
        with pytest.raises(Refused) as caught:
            registrar.snapshot(SALE)
        assert caught.value.code is code and str(code) in registrar.status().blocks
    assert unit.posted() == []


def test_cash_moves_under_the_block_of_72_hours(registrar: Registrar, unit: Unit) -> None:
    unit.errors = [{"e": "xA6"}]
    with pytest.raises(Refused) as caught:
        registrar.snapshot(SALE)
    assert caught.value.code is Code.TRANSMISSION_OVERDUE
    assert registrar.register(CASH_IN, registrar.snapshot(CASH_IN)).state is State.REGISTERED


def test_a_z(registrar: Registrar, unit: Unit) -> None:
    registrar.register(SALE, registrar.snapshot(SALE))
    before = registrar.snapshot(Z)
    result = registrar.register(Z, before)
    assert (result.state, result.number) == (State.REGISTERED, "12")
    assert result.totals is not None and dict(result.totals.sales_by_tax) == {"А": 2500}
    assert dict(result.totals.sales_by_form) == {"cash": 2500}
    assert registrar.reconcile(Z, before).state is State.REGISTERED


def test_the_nonce_is_kept_and_a_new_one_taken(registrar: Registrar, unit: Unit) -> None:
    registrar.info()
    first = len(unit.seen)
    unit.nonce = "fedcba"
    unit.hang_up()
    assert registrar.register(SALE, registrar.snapshot(SALE)).state is State.REGISTERED
    assert len(unit.seen) > first and len(unit.posted()) == 1


def test_a_device_that_closes_every_connection(registrar: Registrar, unit: Unit) -> None:
    unit.keeps = False
    assert registrar.register(SALE, registrar.snapshot(SALE)).state is State.REGISTERED


def test_a_wrong_password_is_sent_once(unit: Unit) -> None:
    log = WireLog(SystemClock())
    registrar = connect(f"helpmicro+http://{unit.address}?cap=1&password=000000", log=log)
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            registrar.status()
        assert caught.value.code is Code.PASSWORD
    registrar.close()
    sent = [exchange.data for exchange in log if exchange.direction == ">"]
    assert sum(b"Authorization" in data for data in sent) == 1 and unit.seen == []


@pytest.mark.parametrize("noise", ["\x88\x91", 'a", "broken'], ids=["letters", "quotes"])
def test_noise_in_the_login_is_a_lost_answer_and_the_next_one_is_taken(
    registrar: Registrar, unit: Unit, noise: str
) -> None:
    """httpx can neither write such a challenge back nor read it: that must not end the till."""
    before = registrar.snapshot(SALE)
    unit.nonce = noise
    result = registrar.register(SALE, before)
    assert result.state is not State.REGISTERED and result.fault is not None
    unit.nonce = "fedcba"
    assert registrar.reconcile(SALE, before).state is State.REJECTED
    assert registrar.register(SALE, registrar.snapshot(SALE)).state is State.REGISTERED


def test_the_digest_is_not_in_the_wire_log(unit: Unit) -> None:
    log = WireLog(SystemClock())
    registrar = connect(f"helpmicro+http://{unit.address}?cap=1", log=log)
    registrar.info()
    registrar.close()
    sent = [exchange.data for exchange in log if exchange.direction == ">"]
    assert any(b'response="' + b"*" * 32 in data for data in sent)
    assert not any(re.search(rb'response="[0-9a-f]', data) for data in sent)


def test_another_unit_is_refused(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.serial = "GP00000099"
    result = registrar.register(SALE, before)
    assert result.state is State.REJECTED and result.fault and result.fault.code == Code.DIFFERENT_DEVICE
    assert registrar.reconcile(SALE, before).state is State.UNKNOWN
    assert unit.posted() == []


def test_nobody_and_a_stranger(unit: Unit) -> None:
    gone = connect("helpmicro+http://127.0.0.1:9?cap=1")
    with pytest.raises(Unreachable):
        gone.info()
    unit.refuse = {"/cgi/state": ["<html>"]}
    registrar = connect(f"helpmicro+http://{unit.address}?cap=1")
    with pytest.raises(Fault) as caught:
        registrar.info()
    assert caught.value.code is Code.FRAME
    registrar.close()


def test_wrong_options() -> None:
    for url in (
        "helpmicro+tcp://10.0.0.8",
        "helpmicro+http://10.0.0.8?uktzed=maybe",
        "helpmicro+http://10.0.0.8?pin=1",
    ):
        with pytest.raises(Invalid):
            connect(url)


def test_httpx_is_loaded_only_when_asked() -> None:
    import subprocess
    import sys

    program = (
        "import sys\nfrom drivers.registry import connect\nconnect('helpmicro+http://10.0.0.8')\n"
        "sys.exit('httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
