"""The parts of the software registrar by themselves: answers, refusals, the door of HTTP, keys, addresses, stamps."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from drivers.clock import KYIV, SystemClock
from drivers.document import DocumentKind
from drivers.emulation.memory import Tape
from drivers.errors import Code, DifferentDevice, Fault, Invalid, LinkLost, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.prro import answers, rules
from drivers.prro.address import settings
from drivers.prro.client import Fate, FiscalServer, ServerClock, Timeouts, masked
from drivers.prro.emulator.web import build
from drivers.prro.keys import KeyRing, read_trust, ring, slot_files, slots
from drivers.prro.refusals import read_text
from drivers.prro.signing import Trust, cms, oids
from drivers.prro.signing.errors import KeyLocked, NoSigningKey, SigningFault, WrongPassword
from drivers.registrar import State
from drivers.registry import connect, parse_url
from drivers.road import walk
from tests.contract.memory import MemoryJournal
from tests.prro.registrar.world import act, sale

# -- readers and refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), ("505", 505), (" 7 ", 7), (Decimal("3.0"), 3), (None, None), ("", None), (True, None), ("x", None),
     ("9" * 40, None), ([], None)],
)  # fmt: skip
def test_numbers_in_any_dress(value: Any, number: int | None) -> None:
    assert answers.whole(value) == number


def test_other_readers() -> None:
    assert [answers.yes(value) for value in (True, "true", "True", 1, "1", False, "false", None, 0)] == [True] * 5 + [
        False
    ] * 4
    assert [answers.digits(value) for value in (48866, "48866", None, "0", 0, "x", True)] == ["48866"] * 2 + [""] * 5
    assert answers.moment_of("2026-03-05T10:00:00") == datetime(2026, 3, 5, 8, tzinfo=UTC)
    assert answers.moment_of("2026-03-05T10:00:00+02:00") == datetime(2026, 3, 5, 8, tzinfo=UTC)
    assert answers.moment_of("/Date(1772697600000)/") == datetime(2026, 3, 5, 8, tzinfo=UTC)
    assert answers.moment_of("yesterday") is None and answers.moment_of(None) is None
    assert answers.rows({"Shifts": [{"a": 1}, 2, None]}, "Shifts") == [{"a": 1}]
    assert answers.rows(None, "Shifts") == [] and answers.rows({"Shifts": "x"}, "Shifts") == []
    assert answers.read_pair({"OfflineSessionId": "1", "OfflineSeed": None}) is None


def test_a_refusal_keeps_the_servers_words() -> None:
    refusal = read_text("Код помилки: 7 CheckLocalNumberInvalid\r\nНомер документа повинен дорівнювати 505", 400)
    assert (refusal.number, refusal.code) == (7, Code.LOCAL_NUMBER) and "505" in refusal.text
    fault = refusal.fault("doc")
    assert "505" in fault.what and fault.raw == "7"
    words = {
        "Код помилки: 9 X\r\nДані не відповідають реєстраційних даних": Code.REGISTRY_DATA,
        "Код помилки: 9 X\r\nЧас не відповідає поточному часу фіскального сервера": Code.CLOCK,
        "Код помилки: 9 X\r\nСторнуватись може лише останній документ": Code.NOT_LAST,
        "Код помилки: 9 DocumentValidationError": Code.DOCUMENT_REFUSED,
        "Код помилки: 99 Strange": Code.DOCUMENT_REFUSED,
        "<html>403 Forbidden</html>": Code.SERVER_ADDRESS,
    }
    for text, code in words.items():
        assert read_text(text, 403).code is code, text
    package = read_text("Код помилки: 10 P\r\nПомилка обробки документа за № 40 в пакеті, дислокація 123", 400)
    assert package.place == 40
    assert read_text("Код помилки: 12 CryptographyError\r\nНе вдалося перевірити статус (OCSP)", 400).servers_fault
    assert read_text("Код помилки: 12 C\r\nСертифікат відкликано", 400).code is Code.CERTIFICATE_REVOKED
    assert not read_text("Код помилки: 12 CryptographyError\r\nПідпис невірний", 400).servers_fault


def test_seeds_are_starred_out() -> None:
    texts = (b'{"OfflineSeed":"271828182845904"}', b'{"OfflineSeed": 271828182845904}',
             b"<OFFLINESEED>271828182845904</OFFLINESEED>")  # fmt: skip
    for text in texts:
        assert b"2718" not in masked(text) and len(masked(text)) == len(text)


# -- the door of HTTP -------------------------------------------------------------------------------------------------


@contextmanager
def answering(raw: bytes | None, *, read: bool = True, drip: float = 0) -> Iterator[str]:
    """A port that answers each request with raw octets; None resets the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if read:
                    connection.settimeout(5)
                    data = b""
                    while b"\r\n\r\n" not in data:
                        data += connection.recv(65536)
                    head, _, body = data.partition(b"\r\n\r\n")
                    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                    while len(body) < length:
                        body += connection.recv(65536)
                if raw is None:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    continue
                for start in range(0, len(raw), 64 if drip else len(raw) or 1):
                    try:
                        connection.sendall(raw[start : start + (64 if drip else len(raw))])
                    except OSError:
                        break
                    if drip:
                        stop.wait(drip)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/fs"
    finally:
        stop.set()
        listener.close()
        thread.join(5)


def http(status: int, body: bytes, extra: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n".encode() + body


def door(base: str, wait: float = 1.0) -> FiscalServer:
    return FiscalServer(
        base,
        WireLog(SystemClock()),
        ServerClock(SystemClock()),
        trust=lambda: (Trust([]), ()),
        sign=lambda content: content,
        timeouts=Timeouts(0.5, wait, wait, wait),
    )


@pytest.mark.parametrize(
    ("raw", "fate"),
    [
        (None, Fate.UNKNOWN),
        (b"", Fate.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", Fate.UNKNOWN),
        (b"not http at all\r\n\r\n", Fate.UNKNOWN),
        (http(200, b"<html>It works!</html>"), Fate.UNKNOWN),
        (http(200, b""), Fate.UNKNOWN),
        (http(302, b"", "Location: http://portal/\r\n"), Fate.UNKNOWN),
        (http(408, b"slow"), Fate.UNKNOWN),
        (http(500, b"Internal"), Fate.UNKNOWN),
        (http(502, b"Bad Gateway"), Fate.UNKNOWN),
        (http(503, b"Unavailable"), Fate.UNKNOWN),
        (http(403, b"Forbidden"), Fate.REJECTED),
        (http(415, b"type"), Fate.REJECTED),
        (http(400, "Код помилки: 9 DocumentValidationError\r\nПомилки валідації XML".encode()), Fate.REJECTED),
        (http(500, "Код помилки: 12 CryptographyError\r\n".encode()), Fate.REJECTED),
        (http(200, "Код помилки: 7 CheckLocalNumberInvalid\r\n".encode()), Fate.REJECTED),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, bytes) else str(value),
)
def test_what_became_of_a_document(raw: bytes | None, fate: Fate) -> None:
    with answering(raw) as base:
        server = door(base)
        delivery = server.document(b"document", uuid4(), 1)
        server.close()
    assert delivery.fate is fate, delivery
    assert bool(delivery.refusal) == (fate is Fate.REJECTED)


def test_nobody_there_is_not_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/fs"
    server = door(address)
    assert server.document(b"document", uuid4(), 1).fate is Fate.NOT_SENT
    assert server.package(b"package").fate is Fate.NOT_SENT
    with pytest.raises(Unreachable):
        server.server_state()
    tls = door(address.replace("http:", "https:"))
    assert tls.document(b"document", uuid4(), 1).fate is Fate.NOT_SENT
    for each in (server, tls):
        each.close()


def test_a_server_that_speaks_no_tls_is_not_sent() -> None:
    with answering(http(200, b""), read=False) as base:
        server = door(base.replace("http:", "https:"))
        assert server.document(b"document", uuid4(), 1).fate is Fate.NOT_SENT
        server.close()


def test_an_answer_that_drips_has_an_end() -> None:
    clock = SystemClock()
    begin = clock.monotonic()
    with answering(http(200, b"x" * 100_000), drip=0.2) as base:
        server = door(base, 0.5)
        assert server.document(b"document", uuid4(), 1).fate is Fate.UNKNOWN
        server.close()
    assert clock.monotonic() - begin < 6


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (http(204, b""), None),
        (http(200, b'{"ErrorCode":13,"ErrorMessage":""}'), None),
        (http(200, b'{"ErrorCode":"2","ErrorMessage":"no"}'), Refused),
        (http(401, "Код помилки: 2 OperatorAccess\r\n".encode()), Refused),
        (http(200, b"[1,2]"), LinkLost),
        (http(200, b"\xff\xfe"), LinkLost),
        (http(200, b"[" * 100_000), LinkLost),
        (http(503, b""), LinkLost),
        (None, LinkLost),
    ],
    ids=str,
)
def test_what_a_question_gets(raw: bytes | None, expected: type[Fault] | None) -> None:
    with answering(raw) as base:
        server = door(base)
        if expected is None:
            assert server.document_info(4000123456, 1) is None
        else:
            with pytest.raises(expected) as caught:
                server.document_info(4000123456, 1)
            assert caught.value.document == "no", "a question makes no document"
        server.close()


def test_what_a_package_gets() -> None:
    cases = {
        http(200, b"OK"): Fate.ACCEPTED,
        http(200, b'{"OfflineSessionId":"5","OfflineSeed":"77"}'): Fate.ACCEPTED,
        http(200, b"{}"): Fate.UNKNOWN,
        http(200, b"hello"): Fate.UNKNOWN,
        http(200, b'{"ErrorCode":10,"ErrorMessage":"x"}'): Fate.REJECTED,
        http(400, "Код помилки: 10 PackageValidationError\r\n".encode()): Fate.REJECTED,
        http(502, b""): Fate.UNKNOWN,
    }
    for raw, fate in cases.items():
        with answering(raw) as base:
            server = door(base)
            delivery = server.package(b"package")
            server.close()
        assert delivery.fate is fate, raw
        assert (delivery.pair is not None) == (b"OfflineSeed" in raw)


def test_the_log_holds_what_was_sent() -> None:
    with answering(http(400, b"no", "Date: Thu, 05 Mar 2026 08:00:00 GMT\r\n")) as base:
        server = door(base)
        server.document(b"the signed document", uuid4(), 1)
        server.close()
    entries = list(server._log)
    assert [entry.data for entry in entries if entry.direction == ">"] == [b"the signed document"]
    assert [entry.data for entry in entries if entry.direction == "<"] == [b"no"]
    assert any("POST" in entry.note and "/fs/doc" in entry.note for entry in entries)
    assert abs(server.time.now() - datetime(2026, 3, 5, 8, tzinfo=UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("uid", "number", "error", "fiscal", "fate"),
    [
        ("mine", 5, 0, "834000505", Fate.ACCEPTED),
        ("mine", 5, 9, "", Fate.REJECTED),
        ("other", 5, 0, "834000505", Fate.UNKNOWN),
        ("other", 5, 9, "", Fate.UNKNOWN),
        ("mine", 6, 0, "834000505", Fate.UNKNOWN),
        ("mine", 6, 7, "", Fate.UNKNOWN),
        ("mine", 5, 0, "", Fate.UNKNOWN),
    ],
)
def test_whom_a_ticket_is_about(shelf: Any, uid: str, number: int, error: int, fiscal: str, fate: Fate) -> None:
    """A ticket, good or bad, counts for its own document only (§1.4)."""
    emulator, _ = shelf
    own = uuid4()
    named = own if uid == "mine" else uuid4()
    tax = f"<ORDERTAXNUM>{fiscal}</ORDERTAXNUM>" if fiscal else ""
    xml = (
        f'<?xml version="1.0" encoding="windows-1251"?><TICKET><UID>{str(named).upper()}</UID><ORDERDATE>5032026'
        f"</ORDERDATE><ORDERTIME>90000</ORDERTIME><ORDERNUM>{number}</ORDERNUM>{tax}<ERRORCODE>{error}</ERRORCODE>"
        "<VER>1</VER></TICKET>"
    )
    server = door("http://127.0.0.1:9/fs")
    server._trust = lambda: (Trust([emulator.demo.authority.certificate], demo=True), ())
    delivery = server.judge(emulator.server.sign(xml.encode("cp1251")), own, 5)
    assert delivery.fate is fate


# -- addresses --------------------------------------------------------------------------------------------------------

GOOD = "prro+https://fs.tax.gov.ua:8643/fs?fn=4000123456&key=cashier1"


def test_the_plain_line_of_the_design() -> None:
    chosen = settings(parse_url(GOOD))
    assert (chosen.base, chosen.register, chosen.slot) == ("https://fs.tax.gov.ua:8643/fs", "4000123456", "cashier1")
    assert chosen.signers == ("43005393",) and not chosen.demo and chosen.stamps
    assert connect(GOOD).capabilities.hardware is False


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (GOOD.replace("4000123456", "12"), "fn"),
        (GOOD.replace("&key=cashier1", ""), "key"),
        (GOOD.replace("cashier1", "../cashier"), "key"),
        (GOOD.replace("https", "http"), "plain"),
        (GOOD + "&demo=yes", "demo"),
        (GOOD + "&read_ms=fast", "read_ms"),
        (GOOD + "&lost=never", "lost"),
        (GOOD + "&colour=red", "colour"),
    ],
)
def test_a_wrong_line_is_refused_by_name(text: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        connect(text)
    assert caught.value.field == field


def test_the_till_is_bound_to_a_number() -> None:
    assert connect(GOOD + "&serial=4000123456")
    stranger = connect(GOOD + "&serial=4000123457")
    for question in (stranger.info, stranger.status):
        with pytest.raises(DifferentDevice) as caught:
            question()
    assert caught.value.serial == "4000123456"


# -- limits -----------------------------------------------------------------------------------------------------------


def test_limits_have_dates_and_sources() -> None:
    now = rules.rule(datetime(2026, 3, 5, tzinfo=UTC))
    assert (now.session, now.month, now.shift) == (timedelta(hours=36), timedelta(hours=168), timedelta(hours=24))
    assert now.since <= date(2026, 3, 5) and now.source
    assert rules.rule(datetime(2000, 1, 1, tzinfo=UTC)) == now


def test_spans_are_cut_at_the_month() -> None:
    begin = datetime(2026, 3, 31, 20, 0, tzinfo=KYIV)
    end = datetime(2026, 4, 1, 4, 0, tzinfo=KYIV)
    since = rules.month_start(end)
    assert rules.elapsed([(begin, end)], end, since) == timedelta(hours=4)
    assert rules.elapsed([(begin, end)], end) == timedelta(hours=8)
    assert rules.elapsed([(begin, None)], begin - timedelta(hours=1)) == timedelta()


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server with keys on the disk, its address and folder."""
    folder = tmp_path_factory.mktemp("shelf")
    with build({}, state=folder / "fs.db", tape=Tape(None)) as emulator:
        keys = folder / "fs.demo"
        (keys / "trust").mkdir()
        (keys / "authority.cer").rename(keys / "trust" / "authority.cer")
        yield emulator, keys


def test_slots_of_a_folder(shelf: Any, tmp_path: Path) -> None:
    _, keys = shelf
    own = KeyRing()
    now = SystemClock().now()
    with pytest.raises(KeyLocked):
        own.signer(keys, "cashier")
    with pytest.raises(WrongPassword):
        own.unlock(keys, "cashier", "wrong", at=now)
    assert own.unlock(keys, "cashier", "demo", at=now).name == own.signer(keys, "cashier").certificate.name
    with pytest.raises(Fault) as caught:
        own.unlock(keys, "cashier", "demo", at=now + timedelta(days=3650))
    assert caught.value.code is Code.CERTIFICATE_EXPIRED
    with pytest.raises(Fault) as caught:
        own.unlock(keys, "cashier", "demo", at=now, codes=["99999999"])
    assert caught.value.code is Code.CERTIFICATE_FOREIGN
    own.lock(keys, "cashier")
    with pytest.raises(KeyLocked):
        own.signer(keys, "cashier")
    own.unlock(keys, "senior", "demo", at=now)
    own.lock_all()
    with pytest.raises(KeyLocked):
        own.signer(keys, "senior")
    folder = tmp_path / "keys"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "Key-6.dat").write_bytes(b"x")
    (folder / "two.jks").write_bytes(b"x")
    (folder / "two.dat").write_bytes(b"x")
    (folder / "two.cer").write_bytes((keys / "cashier.cer").read_bytes())
    assert slots(folder) == ["mine", "two"]
    assert slot_files(folder, "mine")[0].name == "Key-6.dat"
    with pytest.raises(NoSigningKey, match="leave one"):
        slot_files(folder, "two")
    with pytest.raises(NoSigningKey, match="there is no key"):
        slot_files(folder, "absent")
    with pytest.raises(Invalid):
        slot_files(folder, "../two")


def test_whom_to_believe(shelf: Any, tmp_path: Path) -> None:
    emulator, keys = shelf
    trust, pinned = read_trust(keys, demo=True)
    assert not pinned and trust.anchors[0] == emulator.demo.authority.certificate
    with pytest.raises(SigningFault) as caught:
        read_trust(tmp_path)
    assert caught.value.code is Code.CERTIFICATE_ABSENT
    with pytest.raises(SigningFault) as caught:
        read_trust(keys)
    assert caught.value.code is Code.CERTIFICATE_UNTRUSTED, "a demo authority is believed in a demo only"
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "server.cer").write_bytes(emulator.demo.server.certificate.raw)
    (tmp_path / "trust" / "authority.cer").write_bytes(emulator.demo.authority.certificate.raw)
    trust, pinned = read_trust(tmp_path, demo=True)
    assert pinned and trust.anchors == (emulator.demo.server.certificate,)
    (tmp_path / "trust" / "readme.txt").write_bytes(b"hello")
    with pytest.raises(SigningFault) as caught:
        read_trust(tmp_path, demo=True)
    assert caught.value.code is Code.CERTIFICATE_DAMAGED and "readme.txt" in caught.value.what


@pytest.fixture
def till(shelf: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    emulator, keys = shelf
    ring.unlock(keys, "cashier", "demo", at=SystemClock().now())
    made = []

    def start(**options: str) -> Any:
        query = {"fn": "4000123456", "key": "cashier", "keys": str(keys), "state": str(tmp_path), "demo": "yes"}
        text = "&".join(f"{name}={value}" for name, value in (query | options).items())
        registrar = connect(f"prro+{emulator.address}?{text}")
        made.append(registrar)
        return registrar

    yield start
    for registrar in made:
        registrar.close()


def test_stamps_and_the_standing_of_the_certificate(shelf: Any, till: Callable[..., Any]) -> None:
    """With keys from the disk: a time stamp online, none where the provider is silent, a revoked key is told."""
    emulator, _ = shelf
    clock = SystemClock()
    registrar = till()

    def do(document: Any) -> Any:
        return walk(registrar, document, MemoryJournal(), clock, patience=3)

    assert do(act(DocumentKind.OPEN_SHIFT)).done
    assert do(sale()).done
    assert registrar._desk.store.fact("standing")[0] == registrar._desk.signer().certificate.fingerprint
    stamped = cms.parse(registrar._desk.store.last().signed)
    assert stamped.unsigned(oids.SIGNATURE_TIMESTAMP) is not None
    emulator.add_fault("F23", "tsp", when="before")
    result = do(sale())
    assert result.done, "a silent provider stops no sale"
    assert cms.parse(registrar._desk.store.last().signed).unsigned(oids.SIGNATURE_TIMESTAMP) is None
    assert do(act(DocumentKind.Z_REPORT)).done
    emulator.revoke("cashier")
    with registrar._desk.store.step("test"):
        registrar._desk.store.learn(standing=["", ""])
    registrar._desk.forget()
    result = do(act(DocumentKind.OPEN_SHIFT))
    assert result.state is State.REJECTED and result.fault.code == Code.CERTIFICATE_REVOKED
    registrar.close()
    assert "CERTIFICATE_REVOKED" in registrar.status().blocks
