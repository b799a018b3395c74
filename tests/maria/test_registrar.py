"""The driver against a scripted peer that talks byte by byte as maria.md §1–4 and §8 describe."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from drivers.clock import SystemClock
from drivers.document import CardSlip, Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.errors import Code, Fault, Invalid, Unreachable
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, State
from drivers.registry import connect
from tests.peers import pty_peer

LINE = Line(
    code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А", excise=("ABCD123456",), comment="свіжий"
)
SALE = Document(
    id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE,), payments=(Payment(form=PaymentForm.CASH, amount=3000),)
)
TAXES = b"2024010110200020240101210700" + b"0" * 84


def crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value


class Unit:
    """A device that is tuned by UU, checks CRC once told so and counts a receipt at COMP."""

    def __init__(self, *, modern: bool = False, mode: int = 0) -> None:
        self.modern, self.mode = modern, mode
        self.seen: list[bytes] = []
        self.tuned = self.crc = self.logged = False
        self.key = 1
        self.left = 999_999_999
        self.receipt, self.received, self.other, self.cash_in = 250461, 0, 0, 0
        self.refuse: dict[bytes, list[bytes]] = {}
        self.silent: set[bytes] = set()
        self.lost: set[bytes] = set()
        self.broken: set[bytes] = set()
        self._buffer = b""

    def power_cut(self) -> None:
        self.tuned = self.crc = self.logged = False

    def __call__(self, chunk: bytes) -> bytes:
        if not self.tuned:
            if chunk[-1:] == b"U":
                self.tuned = chunk == b"UU" or self._buffer == b"U"
                self._buffer = b"" if self.tuned else b"U"
            return self._frame(b"READY") if self.tuned else b""
        self._buffer += chunk
        answer = b""
        while b"\xfe" in self._buffer:
            raw, _, self._buffer = self._buffer.partition(b"\xfe")
            start = raw.rfind(b"\xfd")
            body = raw[start + 1 :]
            if start < 0 or len(body) < 5 or body[-1] != len(body):
                answer += self._frame(b"SOFTBLOCK") + self._frame(b"READY") if raw else b""
                continue
            tail, self._buffer = self._buffer[:2], self._buffer[2:]
            assert len(tail) == 2, "the driver always sends its CRC"
            assert crc16(b"\xfd" + body + b"\xfe") == tail[0] + 256 * tail[1]
            answer += self._command(body[:-1])
        return answer

    def _frame(self, payload: bytes, *, spoil: bool = False) -> bytes:
        body = b"\xfd" + payload + bytes((len(payload) + 1 + spoil,)) + b"\xfe"
        value = crc16(body)
        return body + bytes((value & 0xFF, value >> 8)) if self.crc else body

    def _command(self, payload: bytes) -> bytes:
        self.seen.append(payload)
        command = payload[:4]
        if command in self.silent:
            self.silent.remove(command)
            return b""
        words = self.refuse.get(command)
        if words:
            return self._all(b"WAIT", *words, b"READY")
        data = self._do(command, payload[4:])
        if command in self.lost:
            self.lost.remove(command)
            return self._all(b"WAIT")
        if command in self.broken:
            self.broken.remove(command)
            return self._all(b"WAIT") + self._frame(b"DONE", spoil=True) + self._frame(b"READY")
        if data is None:
            return self._all(b"WAIT", b"SOFTCOMMAN", b"READY")
        answer = self._all(b"WAIT", b"WRK", *data, b"DONE", b"READY")
        if command == b"CSIN":
            self.crc = payload[4:] == b"1"
        return answer

    def _all(self, *payloads: bytes) -> bytes:
        return b"".join(self._frame(payload) for payload in payloads)

    def _do(self, command: bytes, parameters: bytes) -> list[bytes] | None:
        match command:
            case b"SYNC":
                return [command + parameters]
            case b"CONF":
                body = b"MA00012345" + b"3000012345" + b" " * 36 + b"20240307" + b"101530" + bytes((self.key, 3))
                body += (b"1" if self.logged else b"0") + b"1   " + b"\x00" + b"%012d" % 965 + b"%012d" % self.receipt
                return [command + (body + b"COMP2.0120150318").ljust(148)]
            case b"GLCN":
                return [command + b"%010d%010d%010d%d00%04d" % (self.receipt, 12, 34, self.mode, 965)]
            case b"GETD":
                return [command + b"20240307101530"]
            case b"CNAL":
                return [command + TAXES]
            case b"CCAS":
                drawer = 10000 + self.received + self.cash_in
                rows = (10000, self.cash_in, 0, self.received, 0, drawer, self.other, 0)
                return [command + b"".join(b"%011d" % row for row in rows)]
            case b"CFIS":
                return [command + b"%012d" % (self.received + self.other) + b"0" * 228]
            case b"MDMD":
                if not self.modern:
                    return None
                counters = b"".join(value.to_bytes(4, "little") for value in (1, 2, 3, 4, self.left))
                return [b"MDMD47" + counters.hex().encode()]
            case b"UPAS":
                self.logged = parameters[:10] == b"1111111111"
            case b"FISC" | b"FICD":
                return [b"FISC0000000000"]
            case b"COMP":
                self.receipt += 1
                self.received += int(parameters[:10]) - int(parameters[40:50])
                self.other += int(parameters[40:50])
                return [command + b"%010d" % self.receipt + b"0" * 80]
            case b"CAIO":
                self.cash_in += int(parameters[1:])
        return []


def start(unit: Unit, path: str, options: str = "") -> Registrar:
    return connect(f"maria+serial://{path}?wait=2&cap=6{options}")


@pytest.fixture
def unit() -> Unit:
    return Unit()


@pytest.fixture
def registrar(unit: Unit) -> Iterator[Registrar]:
    with pty_peer(unit) as path:
        registrar = start(unit, path)
        try:
            yield registrar
        finally:
            registrar.close()


def act(registrar: Registrar, unit: Unit, document: Document) -> list[bytes]:
    before = registrar.snapshot(document)
    unit.seen.clear()
    assert registrar.register(document, before).state is State.REGISTERED
    return [payload for payload in unit.seen if payload[:4] != b"GLCN"]


def test_the_start(registrar: Registrar, unit: Unit) -> None:
    info = registrar.info()
    assert (info.serial, info.model, info.tax_rates) == ("MA00012345", "Maria-301MTM", {"А": "20.00", "Б": "7.00"})
    assert unit.seen[0] == b"CSIN1"
    assert b"UPAS11111111111        " in unit.seen


def test_a_sale_byte_by_byte(registrar: Registrar, unit: Unit) -> None:
    cancel, prep, note, line, comp = act(registrar, unit, SALE)
    assert (cancel, prep) == (b"CANC", b"PREP" + "Каса 1".encode("cp866"))
    assert note == b"FINF" + "Акцизна марка ABCD123456 свiжий".encode("cp866")
    assert line.startswith(b"FISC" + "Хлiб".encode("cp866").ljust(12) + b"0000025000000012500000210")
    assert line[41:89] == "А02000".encode("cp866") + b"0" * 42
    assert comp == b"COMP" + b"0000002500" + b"0" * 40 + b"0000003000"


def test_a_304_has_fields_of_its_own() -> None:
    unit = Unit(modern=True, mode=2)
    slip = CardSlip(rrn="123", auth_code="A1", pan_mask="****1", terminal="T1", payment_system="VISA", acquirer="Банк")
    line = Line(
        code="7", name="Хліб", quantity=500, price=2000, sum=1000, tax="АБ", uktzed="1905", excise=("ABCD123456",)
    )
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(line,),
        payments=(Payment(form=PaymentForm.CARD, amount=1000, card=slip),),
    )  # fmt: skip
    with pty_peer(unit) as path:
        registrar = start(unit, path)
        seen = act(registrar, unit, document)
        registrar.close()
    assert b"ACLD10ABCD123456" in seen
    assert b"PSDt04" + "Банк".encode("cp866") + b"02T105****103123" in seen
    (sold,) = [payload for payload in seen if payload[:4] == b"FICD"]
    assert sold[4:28] == "1905000000#Хлiб".encode("cp866").ljust(24)
    assert sold[46:56] == b"000500" + b"0" + b"0" + "АБ".encode("cp866")
    assert seen[-1] == b"COMP" + b"0000001000" + b"0" * 10 + b"0" * 10 + b"0000001000" + b"0" * 20
    assert registrar.capabilities.name_length == 128


def test_a_refund(registrar: Registrar, unit: Unit) -> None:
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.REFUND, lines=(LINE,), original=Original(number="250461"),
        payments=(Payment(form=PaymentForm.CASH, amount=2500),),
    )  # fmt: skip
    seen = act(registrar, unit, document)
    assert seen[1] == b"BCHN250461"
    assert any(payload[:4] == b"BFIS" for payload in seen)
    assert seen[-1] == b"COMP" + b"0" * 10 + b"0000002500" + b"0" * 30 + b"0000002500"


def test_a_lost_answer_is_never_repeated(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lost = {b"COMP"}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    result = registrar.reconcile(SALE, before)
    assert (result.state, result.number) == (State.REGISTERED, "250462")
    assert [payload[:4] for payload in unit.seen].count(b"COMP") == 1


def test_a_lost_command_is_proven_undone(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.silent = {b"COMP"}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    assert registrar.reconcile(SALE, before).state is State.REJECTED
    assert unit.receipt == 250461


def test_power_cut_loses_tuning_crc_and_login(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.power_cut()
    assert registrar.register(SALE, before).state is State.REJECTED
    assert registrar.reconcile(SALE, before).state is State.REJECTED
    assert unit.logged and unit.crc
    assert registrar.register(SALE, registrar.snapshot(SALE)).state is State.REGISTERED


def test_a_damaged_done_is_a_doubt(registrar: Registrar, unit: Unit) -> None:
    document = Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=2500)
    before = registrar.snapshot(document)
    unit.broken = {b"CAIO"}
    assert registrar.register(document, before).state is State.UNKNOWN
    assert registrar.reconcile(document, before).state is State.REGISTERED
    assert unit.cash_in == 2500


def test_a_damaged_question_is_asked_again(registrar: Registrar, unit: Unit) -> None:
    registrar.info()
    unit.broken = {b"CCAS"}
    assert registrar.cash_in_drawer() == 10000


def test_another_good_under_the_number(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.refuse = {b"FISC": [b"SOFTDIFART"]}
    result = registrar.register(SALE, before)
    assert result.state is State.REJECTED and result.fault and result.fault.code == Code.ARTICLE_CONFLICT
    numbers = {payload[89:93] for payload in unit.seen if payload[:4] == b"FISC"}
    assert len(numbers) == 8
    assert not any(payload[:4] == b"COMP" for payload in unit.seen)


@pytest.mark.parametrize(
    ("words", "code", "state"),
    [
        ([b"SOFT24HOUR", b"SOFTNREP"], Code.SHIFT_EXPIRED, State.REJECTED),
        ([b"SOFTpOVER72H"], Code.TRANSMISSION_OVERDUE, State.REJECTED),
        ([b"SOFTNEED"], Code.INSUFFICIENT_CASH, State.REJECTED),
        ([b"HARDPAPER"], Code.PAPER_OUT, State.UNKNOWN),
    ],
)
def test_refusals_at_the_end(words: list[bytes], code: Code, state: State, registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.refuse = {b"COMP": words}
    result = registrar.register(SALE, before)
    assert result.state is state and result.fault is not None
    assert (result.fault.code, result.fault.raw, result.fault.command) == (code, b" ".join(words).decode(), "COMP")


def test_a_wrong_password_is_sent_once(unit: Unit) -> None:
    unit.refuse = {b"UPAS": [b"SOFTUPAS"]}
    with pty_peer(unit) as path:
        registrar = start(unit, path)
        for _ in range(3):
            with pytest.raises(Fault) as caught:
                registrar.status()
            assert caught.value.code is Code.PASSWORD
        registrar.close()
    assert [payload[:4] for payload in unit.seen].count(b"UPAS") == 1


def test_password_is_not_in_the_wire_log(unit: Unit) -> None:
    log = WireLog(SystemClock())
    with pty_peer(unit) as path:
        registrar = connect(f"maria+serial://{path}?wait=2", log=log)
        registrar.info()
        registrar.close()
    sent = [exchange.data for exchange in log if exchange.direction == ">"]
    assert any(b"UPAS**********" in data for data in sent)
    assert not any(b"1111111111" in data for data in sent)


def test_an_echo_is_no_maria() -> None:
    with pty_peer(lambda chunk: chunk) as path:
        registrar = connect(f"maria+serial://{path}?wait=1")
        with pytest.raises(Unreachable):
            registrar.info()


def test_what_does_not_fit_is_refused_before_a_byte(registrar: Registrar) -> None:
    heavy = Line(code="1", name="Пісок", quantity=100_500, price=100, sum=10050, tax="А")
    three = Line(code="1", name="Пісок", quantity=1000, price=100, sum=100, tax="АБВ")
    for line in (heavy, three):
        document = Document(
            id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(line,),
            payments=(Payment(form=PaymentForm.CASH, amount=line.sum),),
        )  # fmt: skip
        with pytest.raises(Invalid):
            registrar.check(document)


def test_blocks_stop_sales_and_not_a_z() -> None:
    unit = Unit(modern=True)
    unit.key, unit.left = 4, 0
    with pty_peer(unit) as path:
        registrar = start(unit, path)
        assert set(registrar.status().blocks) == {Code.WRONG_STATE, Code.TRANSMISSION_OVERDUE}
        with pytest.raises(Fault) as caught:
            registrar.snapshot(SALE)
        assert caught.value.code is Code.WRONG_STATE
        report = Document(id=uuid.uuid4(), kind=DocumentKind.Z_REPORT)
        assert registrar.register(report, registrar.snapshot(report)).state is State.REGISTERED
        registrar.close()
    assert b"NREP" in unit.seen
