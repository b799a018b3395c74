"""Faults of the fiscal server and its link: whatever breaks, the server knows how many documents there are."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from drivers.clock import kyiv
from drivers.emulation.faults import Fault, FaultPlan, load
from drivers.prro.emulator.web import FiscalEmulator, build
from drivers.prro.signing import Signer, Trust, containers, read, verify
from drivers.prro.signing.errors import SignatureFault
from tests.prro.conftest import CLOCK, Launch
from tests.prro.fiscal import BEGIN, END, GOODS, OCTETS, REPOSITORY, SALE, Till

Connect = Callable[..., Till]


def sold(shop: Till) -> int:
    return int(shop.emulator.registers()["sales_turnover"])


@pytest.mark.parametrize(
    ("fault", "exists"),
    [
        ({"id": "F1"}, False),
        ({"id": "F2"}, True),
        ({"id": "F2", "seconds": 0.2}, True),
        ({"id": "F6", "when": "before"}, False),
        ({"id": "F6", "when": "after"}, True),
        ({"id": "F8", "when": "before", "restore_after": 0.05}, False),
        ({"id": "F8", "when": "after", "restore_after": 0.05}, True),
        ({"id": "F11", "when": "before", "restore_after": 0.05}, False),
        ({"id": "F11", "when": "after", "restore_after": 0.05}, True),
    ],
)
def test_an_answer_that_never_comes(shop: Till, fault: dict[str, Any], exists: bool) -> None:
    """The client cannot tell; the state command can (§1.6)."""
    id = fault.pop("id")
    shop.emulator.add_fault(id, "doc:CheckGoods", **fault)
    signed = shop.sign(shop.xml(SALE, GOODS))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout)):
        shop.http.post(f"{shop.emulator.address}/doc", content=signed, headers=OCTETS, timeout=1)
    wait_until_it_answers(shop)
    assert sold(shop) == (2500 if exists else 0)
    assert shop.state()["NextLocalNum"] == (3 if exists else 2)
    again = shop.read(shop.post("doc", signed))
    assert again.code == (7 if exists else 0)
    assert sold(shop) == 2500


def wait_until_it_answers(shop: Till) -> None:
    """The other side may take a moment to come back; nothing is registered by asking."""
    for _ in range(200):
        try:
            shop.ask("ServerState", signed=False)
            return
        except httpx.TransportError:
            threading.Event().wait(0.02)
    raise AssertionError("the server did not come back")


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_lost_answer_is_a_reset(shop: Till, seconds: float) -> None:
    shop.emulator.add_fault("F2", "doc", seconds=seconds)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        shop.sell()


def test_a_corrupted_ticket(shop: Till) -> None:
    shop.emulator.add_fault("F3", "doc:CHECK")
    with pytest.raises(SignatureFault):
        shop.sell()
    assert sold(shop) == 2500


def test_a_corrupted_answer_to_a_command(shop: Till) -> None:
    shop.emulator.add_fault("F3", "cmd:TransactionsRegistrarState")
    answer = shop.ask("TransactionsRegistrarState", NumFiscal=shop.fn)
    with pytest.raises(ValueError):
        json.loads(answer.content)


def test_a_ticket_of_another_document(shop: Till) -> None:
    shop.emulator.add_fault("F7", "doc")
    signed = shop.sign(shop.xml(SALE, GOODS, uid="0F8B6A10-0000-4000-8000-000000000503"))
    reply = shop.read(shop.post("doc", signed))
    assert reply.code == 0 and reply.number and reply.fields["ORDERNUM"] != "2"
    assert reply.fields["UID"] != "0F8B6A10-0000-4000-8000-000000000503"
    assert sold(shop) == 2500


@pytest.mark.parametrize(
    ("fault", "status", "exists"),
    [
        ({"id": "F4"}, 400, False),
        ({"id": "F4", "status": 415}, 415, False),
        ({"id": "F20"}, 200, True),
        ({"id": "F20", "when": "before"}, 200, False),
        ({"id": "F22", "when": "before"}, 200, False),
        ({"id": "F22"}, 200, True),
        ({"id": "F23"}, 500, True),
        ({"id": "F23", "when": "before"}, 500, False),
        ({"id": "F23", "status": 502}, 502, True),
        ({"id": "F23", "status": 503, "when": "before"}, 503, False),
    ],
)
def test_answers_that_say_nothing(shop: Till, fault: dict[str, Any], status: int, exists: bool) -> None:
    shop.emulator.add_fault(fault.pop("id"), "doc", **fault)
    answer = shop.post("doc", shop.sign(shop.xml(SALE, GOODS)))
    assert answer.status_code == status and "Код помилки" not in answer.text
    assert sold(shop) == (2500 if exists else 0)


def test_a_slow_answer(shop: Till) -> None:
    shop.emulator.add_fault("F5", "doc", seconds=0.5)
    body = shop.sign(shop.xml(SALE, GOODS))
    with pytest.raises(httpx.ReadTimeout):
        shop.http.post(f"{shop.emulator.address}/doc", content=body, headers=OCTETS, timeout=0.2)
    assert shop.read(shop.post("doc", body)).code == 7
    shop.emulator.add_fault("F5", "doc", seconds=0.1)
    shop.next = 3
    assert shop.sell().number


@pytest.mark.parametrize(("code", "status"), [(1, 404), (2, 401), (3, 400), (7, 400), (9, 400), (12, 400), (0, 400)])
def test_any_refusal(shop: Till, code: int, status: int) -> None:
    shop.emulator.add_fault("refusal", "doc", code=code, text="Так склалося")
    reply = shop.sell()
    assert (reply.status, reply.code) == (status, code or 9) and "Так склалося" in reply.text
    assert sold(shop) == 0 and shop.sell().number


def test_a_refusal_with_a_code_and_a_server_error(shop: Till) -> None:
    shop.emulator.add_fault("refusal", "doc", code=12, status=500)
    reply = shop.sell()
    assert (reply.status, reply.code) == (500, 12)


def test_another_device_takes_the_number(shop: Till) -> None:
    """§1.6.3: NextLocalNum is ahead, and the document there is not ours."""
    shop.command("DeviceRegister", NumFiscal=shop.fn, DeviceId="a" * 64)
    shop.emulator.add_fault("F12", "doc", serial="other till")
    reply = shop.sell()
    assert reply.code == 7 and re.findall(r"\d+", reply.text)[-1] == "3"
    assert shop.command("DocumentInfoByLocalNum", NumFiscal=shop.fn, NumLocal=2)["CheckDocSubType"] == "ServiceDeposit"
    device = shop.command("DeviceRegister", NumFiscal=shop.fn, DeviceId="a" * 64)["DeviceId"]
    assert device != "a" * 64 and len(device) == 64
    assert (sold(shop), shop.emulator.registers()["cash_in"]) == (0, 100)


def test_another_device_opens_and_closes(till: Till) -> None:
    assert till.emulator.foreign_document().local == 1
    assert till.state()["ShiftState"] == 1
    assert till.open().code == 4
    till.next = 2
    assert till.register("Z").number
    till.emulator.foreign_document()
    assert till.state()["ShiftState"] == 0


def test_a_server_from_a_backup(shop: Till) -> None:
    shop.sell()
    shop.sell()
    shop.emulator.add_fault("behind", "cmd:TransactionsRegistrarState", position=2)
    assert shop.state()["NextLocalNum"] == 2
    assert sold(shop) == 0
    shop.next = 2
    assert shop.sell().number


def test_losing_a_shift_and_a_storno(shop: Till) -> None:
    number = shop.sell().number
    shop.register("0/5", head=f"<ORDERSTORNUM>{number}</ORDERSTORNUM>")
    (lost,) = shop.emulator.lose_documents()
    assert lost.local == 3 and sold(shop) == 2500
    assert len(shop.emulator.lose_documents(5)) == 2
    assert shop.state()["ShiftState"] == 0 and shop.state()["NextLocalNum"] == 1
    shop.next = 1
    assert shop.open().number


def test_a_package_refused_in_its_middle(shop: Till) -> None:
    shop.emulator.add_fault("package", "pck", position=1, text="Щось не так")
    shop.offline(BEGIN)
    shop.offline(SALE, GOODS)
    shop.offline(END)
    reply = shop.deliver()
    assert reply.code == 10 and "за № 1 в пакеті" in reply.text and "Щось не так" in reply.text
    assert shop.state()["OfflineNextLocalNum"] == "2"
    assert shop.deliver(shop.sent[1:]).json["OfflineSeed"]
    assert sold(shop) == 2500


def test_a_lost_answer_to_a_package(shop: Till) -> None:
    """§6.6: another OfflineSessionId says that the session was accepted in full."""
    shop.offline(BEGIN)
    shop.offline(SALE, GOODS)
    shop.offline(END)
    shop.emulator.add_fault("F2", "pck")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        shop.deliver()
    state = shop.state(OfflineSessionId=shop.pair[0], OfflineSeed=shop.pair[1])
    assert state["OfflineSessionId"] != shop.pair[0] and state["NextLocalNum"] == shop.next


def test_the_rest_of_the_plan(shop: Till) -> None:
    shop.emulator.add_fault("unchecked", "doc")
    reply = shop.sell()
    assert (reply.code, "OCSP" in reply.text) == (12, True)
    assert shop.sell().number
    shop.emulator.add_fault("no-offline-pair", "cmd")
    assert shop.state()["OfflineSessionId"] is None
    shop.emulator.add_fault("F13", "doc", seconds=3600)
    stale = shop.sell()
    assert (stale.code, "поточному часу" in stale.text) == (9, True)
    shop.emulator.add_fault("offline-closed", "cmd")
    assert shop.state()["OfflineSessionId"] is None  # there was none to close
    shop.emulator.add_fault("unregistered", "cmd")
    assert shop.state()["Closed"] is True
    shop.emulator.add_fault("revoked", "doc")
    assert shop.sell().code == 12


def test_faults_count_their_commands(shop: Till) -> None:
    shop.emulator.add_fault("refusal", "doc:CHECK", nth=2, code=9)
    shop.emulator.add_fault("refusal", "doc:ZREP", code=8)
    assert shop.sell().number
    assert shop.sell().code == 9
    assert shop.sell().number
    assert shop.register("Z").code == 8


def test_a_plan_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('[{"id": "refusal", "command": "doc", "code": 7, "status": 400, "text": "ні", "position": 1}]')
    assert load(path).take("doc", "doc:CHECK") == [Fault("refusal", "doc", code=7, status=400, text="ні", position=1)]
    for wrong in ('[{"id": "refusal", "code": "7"}]', '[{"id": "surprise"}]', '[{"id": "F23", "status": 5.5}]'):
        path.write_text(wrong)
        with pytest.raises(ValueError):
            load(path)


# -- link and power -----------------------------------------------------------------------------------------------


def test_no_link_is_a_refused_connection(shop: Till) -> None:
    shop.sell()
    shop.emulator.unplug()
    # The connection that the client kept may end a moment later, in the middle of the first question.
    with pytest.raises((httpx.ConnectError, httpx.ReadError)):
        shop.sell()
    with pytest.raises(httpx.ConnectError):
        shop.sell()
    shop.emulator.replug()
    assert shop.sell().number


def test_power_breaks_what_is_waiting(shop: Till) -> None:
    shop.emulator.add_fault("F6", "doc", when="after")
    failures: list[Exception] = []

    def sell() -> None:
        try:
            shop.sell()
        except httpx.TransportError as error:
            failures.append(error)

    waiting = threading.Thread(target=sell)
    waiting.start()
    for _ in range(500):
        if sold(shop):
            break
        threading.Event().wait(0.01)
    shop.emulator.power_off()
    waiting.join(10)
    assert len(failures) == 1
    with pytest.raises(httpx.ConnectError):
        shop.ask("ServerState", signed=False)
    shop.emulator.power_on()
    assert sold(shop) == 2500


def test_state_and_clock_survive(fiscal: Launch, connect: Connect, tmp_path: Path) -> None:
    state, tape = tmp_path / "fs.db", tmp_path / "fs.txt"
    emulator = fiscal(state=state, tape=tape)
    till = connect(emulator)
    till.open()
    till.sell()
    till.offline(BEGIN)
    assert till.deliver().status == 200
    emulator.advance_clock(5000)
    before, time = emulator.registers(), emulator.now()
    port = int(emulator.address.split(":")[2].split("/")[0])
    emulator.stop()
    again = fiscal(state=state, tape=tape, port=port)
    assert again.registers() == before
    assert 0 <= (again.now() - time).total_seconds() < 60
    till.emulator = again
    till.offline(END)
    assert till.deliver().json["OfflineSeed"]
    text = tape.read_text(encoding="utf-8")
    assert text.count("#DOC ") == 4 and "#DOC 0004 OFFLINE_END" in text
    again.revoke("cashier")
    again.stop()
    third = fiscal(state=state, port=port)
    till.emulator = third
    assert till.sell().code == 12


def test_a_file_that_is_no_memory(fiscal: Launch, tmp_path: Path) -> None:
    path = tmp_path / "fs.db"
    path.write_text("a shopping list, of some length, that is no data base at all" * 20)
    with pytest.raises(ValueError, match="not the memory"):
        fiscal(state=path)
    assert path.read_text().startswith("a shopping list")


def test_a_taken_port(emulator: FiscalEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(emulator.address.split(":")[2].split("/")[0])
    monkeypatch.setattr("drivers.prro.emulator.listener.PATIENCE", 0.1)
    with pytest.raises(OSError):
        build({"clock": CLOCK}, port=port, plan=FaultPlan())


# -- the program --------------------------------------------------------------------------------------------------


class Program:
    """`registrar emulate prro` as a process of its own."""

    def __init__(self, folder: Path, *more: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "drivers.cli", "emulate", "prro", "--port", str(port)]
        command += ["--state", str(folder / "fs.db"), "--tape", str(folder / "fs.txt"), *more]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()

    @property
    def address(self) -> str:
        return self.ready.removeprefix("ready ")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        status = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


class Stranger:
    """A client that knows nothing but the demo folder."""

    def __init__(self, folder: Path) -> None:
        demo = folder / "fs.demo"
        self.page = json.loads((demo / "demo.json").read_text(encoding="utf-8"))
        self.trust = Trust([read((demo / self.page["authority"]).read_bytes())], demo=True)
        own = self.page["operators"]["cashier"]
        container = containers.load(demo / own["key"], self.page["password"])
        certificate = read((demo / own["certificate"]).read_bytes())
        self.signer = Signer(container.keys[0].private, certificate)
        self.http = httpx.Client(timeout=20, verify=False)

    def xml(self, kind: str, number: int, blocks: str, now: Any) -> bytes:
        page = self.page
        return (
            f'<?xml version="1.0" encoding="windows-1251"?><CHECK><CHECKHEAD>{kind}<UID>U{number}</UID>'
            f"<TIN>{page['tin']}</TIN>"
            f"<IPN>{page['ipn']}</IPN><ORGNM>{page['org']}</ORGNM><POINTNM>{page['point']}</POINTNM>"
            f"<POINTADDR>{page['address']}</POINTADDR><ORDERDATE>{now:%d%m%Y}</ORDERDATE><ORDERTIME>{now:%H%M%S}</ORDERTIME>"
            f"<ORDERNUM>{number}</ORDERNUM><CASHDESKNUM>{page['desk']}</CASHDESKNUM>"
            f"<CASHREGISTERNUM>{page['fn']}</CASHREGISTERNUM><VER>1</VER></CHECKHEAD>{blocks}</CHECK>"
        ).encode("cp1251")

    def send(self, address: str, kind: str, number: int, blocks: str = "") -> httpx.Response:
        now = datetime.now(UTC)
        body = self.signer.sign(self.xml(kind, number, blocks, kyiv(now)), at=now)
        answer = self.http.post(f"{address}/doc", content=body, headers=OCTETS)
        if answer.headers.get("Content-Type") == "application/octet-stream":
            assert b"<ERRORCODE>0<" in verify(answer.content, self.trust, at=now).content
        return answer


def test_the_program_killed_and_started_again(tmp_path: Path) -> None:
    """kill -9 keeps exactly what was acknowledged; the demo folder is all that a client needs."""
    program = Program(tmp_path)
    assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+/fs", program.ready)
    port = int(program.address.split(":")[2].split("/")[0])
    client = Stranger(tmp_path)
    try:
        assert client.page["url"] == program.address
        assert client.send(program.address, "<DOCTYPE>100</DOCTYPE>", 1).status_code == 200
        kind = "<DOCTYPE>0</DOCTYPE><DOCSUBTYPE>0</DOCSUBTYPE>"
        assert client.send(program.address, kind, 2, GOODS).status_code == 200
        assert program.end(signal.SIGKILL) == -signal.SIGKILL
        program = Program(tmp_path, port=port)
        repeated = client.send(program.address, kind, 2, GOODS)
        assert repeated.text.splitlines()[0] == "Код помилки: 7 CheckLocalNumberInvalid"
        assert client.send(program.address, kind, 3, GOODS).status_code == 200
        assert (tmp_path / "fs.txt").read_text(encoding="utf-8").count("#DOC ") == 3
        assert (tmp_path / "fs.demo" / "cashier.jks").stat().st_mode & 0o077 == 0
    finally:
        client.http.close()
        status = program.end(signal.SIGTERM)
    assert status == 0


def test_the_program_with_a_plan(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[{"id": "F23", "command": "doc", "status": 503, "when": "before"}]')
    program = Program(tmp_path, "--faults", str(plan), "--option", "container=pkcs12", "--option", "password=таємно")
    client = Stranger(tmp_path)
    try:
        assert client.page["operators"]["cashier"]["key"] == "cashier.pfx"
        assert client.send(program.address, "<DOCTYPE>100</DOCTYPE>", 1).status_code == 503
        assert client.send(program.address, "<DOCTYPE>100</DOCTYPE>", 1).status_code == 200
    finally:
        client.http.close()
        assert program.end(signal.SIGINT) == 0


@pytest.mark.parametrize("arguments", [["--link", "tty"], ["--port", "0", "--option", "nonsense=1"]])
def test_the_program_refuses(tmp_path: Path, arguments: list[str]) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "drivers.cli", "emulate", "prro", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60)
    assert done.returncode == 2 and done.stderr.startswith("error: ")
