"""The driver against a scripted peer that answers byte by byte as datecs-krypton.md §5–8 describe."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from drivers.document import Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.errors import Code, Fault, Invalid, Unreachable
from drivers.registrar import Registrar, State
from drivers.registry import connect
from tests.peers import pty_peer

LINE = Line(
    code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А", excise=("ABCD123456",), comment="свіжий"
)
CASH = Payment(form=PaymentForm.CASH, amount=3000)
SALE = Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE,), payments=(CASH,))
FORMS = ["83;Готівка;", "03;КАРТКА;", "01;КРЕДИТ;", "02;ЧЕК;"]
IDLE = b"\x80\x80\x80\x80\xb3\x80"
FISCAL = b"\x80\x80\x82\x80\xb3\x80"


class Unit:
    """Answers from a table; knows SEQ, and counts a receipt when it is closed."""

    def __init__(self) -> None:
        self.table: dict[tuple[int, str], str] = {}
        self.seen: list[tuple[int, str]] = []
        self.status = IDLE
        self.receipts = 10
        self.turnover = 0
        self.lose: set[int] = set()
        self.nak: set[int] = set()
        self.refuse: dict[int, str] = {}
        self.programmed: set[str] = set()
        self.total = 2500
        self._last = b""
        self._buffer = b""

    def __call__(self, chunk: bytes) -> bytes:
        self._buffer += chunk
        answer = b""
        while len(self._buffer) >= 2 and len(self._buffer) >= (size := self._buffer[1] - 0x20 + 6):
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            answer += self._frame(frame)
        return answer

    def _frame(self, frame: bytes) -> bytes:
        seq, command, data = frame[2], frame[3], frame[4:-6].decode("cp1251")
        assert frame[0] == 1 and frame[-1] == 3 and frame[-6] == 5
        assert frame[-5:-1] == self._bcc(frame[1:-5])
        if command in self.nak:
            self.nak.remove(command)
            return b"\x15"
        if self._last and self._last[2] == seq:
            return self._last
        password, _, fields = data.partition(";")
        assert password == "000000"
        self.seen.append((command, fields))
        text = self.refuse.get(command)
        if text == "0101":
            self.status = bytes.fromhex("90 84 80 80 B3 80")
        reply = (f"{text};" if text else "0000;" + self._do(command, fields)).encode("cp1251")
        body = bytes((0x20 + 0x0B + len(reply), seq, command)) + reply + b"\x04" + self.status + b"\x05"
        self._last = b"\x16\x01" + body + self._bcc(body) + b"\x03"
        self._last = self._last[1:]
        if command in self.lose:
            self.lose.remove(command)
            return b""
        return b"\x16" + self._last

    def _do(self, command: int, fields: str) -> str:
        match command:
            case 0x80:
                return "Datecs FP-T88;4.00;Україна;Mar 18 2015;37092;18182;6400;360;40;5;10;"
            case 0x42:
                return "ПБ41012345;"
            case 0x44:
                return "3000012345;"
            case 0x2E:
                row = int(fields[:-1])
                return FORMS[row] if row < len(FORMS) else ";;"
            case 0x21:
                return "070324;1015;"
            case 0x25:
                return "000001;" if fields in self.programmed else "FFFFFF;"
            case 0x24:
                self.programmed.add(fields.split(";")[0] + ";")
            case 0x63:
                self.status = FISCAL
            case 0xE1:
                return f"{self.total // 100}.{self.total % 100:02d};"
            case 0x67:
                return "5.00;"
            case 0x65:
                self.status = IDLE
                self.receipts += 1
                self.turnover += self.total
                return f"{self.receipts};"
            case 0x6B:
                self.status = IDLE
            case 0x6E:
                return "100.00;"
            case 0xE0:
                return f"{self.turnover};0;"
            case 0xE2:
                return f"{self.receipts if fields == '3;' else 7};"
        return ""

    @staticmethod
    def _bcc(body: bytes) -> bytes:
        return bytes(0x30 + int(nibble, 16) for nibble in f"{sum(body) & 0xFFFF:04X}")


@pytest.fixture
def unit() -> Unit:
    return Unit()


@pytest.fixture
def registrar(unit: Unit) -> Iterator[Registrar]:
    with pty_peer(unit) as path:
        registrar = connect(f"krypton+serial://{path}?cap=4")
        try:
            yield registrar
        finally:
            registrar.close()


def sell(registrar: Registrar, document: Document = SALE) -> tuple[State, str]:
    result = registrar.register(document, registrar.snapshot(document))
    return result.state, result.number


def test_a_sale_byte_by_byte(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.seen.clear()
    result = registrar.register(SALE, before)
    assert (result.state, result.number, result.change, result.serial) == (State.REGISTERED, "11", 500, "ПБ41012345")
    find, program, *rest = unit.seen
    code = find[1][:-1]
    assert find == (0x25, f"{code};")
    assert program == (0x24, f"{code};Хліб;0;1;00;шт;")
    assert rest == [
        (0x63, "01;01;0;"),
        (0x64, f"{code};2.000;12.50;"),
        (0x61, "Акцизна марка ABCD123456;"),
        (0x61, "свіжий;"),
        (0xE1, "3;1;"),
        (0x6D, "0;"),
        (0x67, "0;30.00;"),
        (0x65, "1;"),
    ]


def test_discounts_travel_with_the_lines(registrar: Registrar, unit: Unit) -> None:
    second = Line(code="8", name="Сир", quantity=1000, price=1000, sum=900, discount=100, tax="Б")
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE, second), discount=340, rounding=-3,
        payments=(Payment(form=PaymentForm.CARD, amount=3057),),
    )  # fmt: skip
    unit.total = 3057
    assert sell(registrar, document)[0] is State.REGISTERED
    corrections = [fields for command, fields in unit.seen if command == 0x69]
    assert sum(round(float(text[:-1]) * 100) for text in corrections) == -100 - 340 - 3
    assert (0x67, "1;30.57;") in unit.seen


def test_a_refund_names_its_original(registrar: Registrar, unit: Unit) -> None:
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.REFUND, lines=(LINE,), original=Original(number="10"),
        payments=(Payment(form=PaymentForm.CASH, amount=2500),),
    )  # fmt: skip
    assert sell(registrar, document)[0] is State.REGISTERED
    assert (0x63, "01;01;1;") in unit.seen
    assert (0x61, "Повернення по чеку №10;") in unit.seen


def test_a_nak_is_repeated_with_the_same_seq(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.nak = {0x64, 0x65}
    assert registrar.register(SALE, before).state is State.REGISTERED
    assert [command for command, _ in unit.seen].count(0x64) == 1


def test_a_lost_reply_of_a_line_is_taken_from_memory(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lose = {0x64}
    assert registrar.register(SALE, before).state is State.REGISTERED
    assert [command for command, _ in unit.seen].count(0x64) == 1


def test_a_lost_reply_of_the_closing_is_reconciled(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lose = {0x65}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    result = registrar.reconcile(SALE, before)
    assert (result.state, result.number) == (State.REGISTERED, "11")
    assert [command for command, _ in unit.seen].count(0x65) == 1


def test_a_receipt_left_open_is_cancelled(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lose = {0x67}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    assert registrar.reconcile(SALE, before).state is State.REJECTED
    assert (0x6B, "0;") in unit.seen
    assert unit.receipts == 10


def test_a_paid_receipt_that_will_not_go_is_closed(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lose = {0x67}
    registrar.register(SALE, before)
    unit.refuse = {0x6B: "000B"}
    assert registrar.reconcile(SALE, before).state is State.REGISTERED
    assert unit.receipts == 11


def test_a_foreign_sum_is_never_closed(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lose = {0x67}
    registrar.register(SALE, before)
    unit.refuse, unit.total = {0x6B: "000B"}, 9900
    assert registrar.reconcile(SALE, before).state is State.UNKNOWN
    assert unit.receipts == 10


def test_a_wrong_total_is_caught_before_money(registrar: Registrar, unit: Unit) -> None:
    unit.total = 5000
    result = registrar.register(SALE, registrar.snapshot(SALE))
    assert result.state is State.REJECTED and result.fault and result.fault.code == Code.TOTAL_MISMATCH
    assert not any(command in (0x67, 0x65) for command, _ in unit.seen)
    assert unit.status == IDLE


BLOCKS = [("0905", Code.SHIFT_EXPIRED), ("0F05", Code.TRANSMISSION_OVERDUE), ("0507", Code.NOT_PERSONALISED)]


@pytest.mark.parametrize(("error", "code"), BLOCKS)
def test_blocks_keep_the_makers_code(error: str, code: Code, registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.refuse = {0x63: error}
    result = registrar.register(SALE, before)
    assert result.state is State.REJECTED and result.fault is not None
    assert (result.fault.code, result.fault.raw, result.fault.command) == (code, error, "63h")


def test_a_wrong_password_is_sent_once(registrar: Registrar, unit: Unit) -> None:
    unit.refuse = {0x80: "0006"}
    for _ in range(3):
        with pytest.raises(Fault) as caught:
            registrar.status()
        assert caught.value.code is Code.PASSWORD
    assert unit.seen == [(0x80, "")]


def test_no_payment_form_no_receipt(registrar: Registrar, unit: Unit) -> None:
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.REFUND, lines=(LINE,), original=Original(number="1"),
        payments=(Payment(form=PaymentForm.CREDIT, amount=2500),),
    )  # fmt: skip
    with pytest.raises(Fault) as caught:
        registrar.snapshot(document)
    assert caught.value.code is Code.PAYMENT
    assert not any(command == 0x63 for command, _ in unit.seen)


def test_paper_out_at_the_closing(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.refuse = {0x65: "0101"}
    result = registrar.register(SALE, before)
    assert result.state is State.UNKNOWN and result.fault and result.fault.code == Code.PAPER_OUT


def test_somebody_else_answers(unit: Unit) -> None:
    with pty_peer(lambda chunk: chunk) as path:
        registrar = connect(f"krypton+serial://{path}?cap=3")
        with pytest.raises(Unreachable):
            registrar.info()


def test_password_is_not_in_the_wire_log(unit: Unit) -> None:
    from drivers.clock import SystemClock
    from drivers.links.wire import WireLog

    log = WireLog(SystemClock())
    with pty_peer(unit) as path:
        registrar = connect(f"krypton+serial://{path}?cap=3", log=log)
        registrar.info()
        registrar.close()
    sent = [exchange.data for exchange in log if exchange.direction == ">"]
    assert sent and not any(b"000000" in data for data in sent)


def test_a_wrong_password_option() -> None:
    with pytest.raises(Invalid):
        connect("krypton+serial:///dev/null?password=12")
