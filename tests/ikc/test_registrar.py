"""The driver against a scripted peer that talks byte by byte as ikc.md §2–5 and §8 describe."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock import SystemClock, kyiv
from drivers.document import CardSlip, Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.errors import Code, Fault, Invalid, Refused, Unreachable
from drivers.links.wire import WireLog
from drivers.registrar import Registrar, State
from drivers.registry import connect
from tests.peers import pty_peer

LINE = Line(
    code="7", name="Хліб", quantity=2000, price=1250, sum=2500, tax="А", uktzed="1905", excise=("ABCD123456",),
    comment="свіжий",
)  # fmt: skip
SALE = Document(
    id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE,), payments=(Payment(form=PaymentForm.CASH, amount=3000),)
)
REFUND = Document(
    id=uuid.uuid4(), kind=DocumentKind.REFUND, lines=(LINE,), original=Original(number="417"),
    payments=(Payment(form=PaymentForm.CASH, amount=2500),),
)  # fmt: skip
CASH_IN = Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=2500)
Z = Document(id=uuid.uuid4(), kind=DocumentKind.Z_REPORT)


def le(value: int, width: int) -> bytes:
    return value.to_bytes(width, "little")


class Unit:
    """A device with one buffer of bytes, a receipt, two counters, a drawer, and the memory of its last packet."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bytes]] = []
        self.raw: list[bytes] = []
        self.serial = b"IK00012345 07-03-20"
        self.status, self.reserve = 0, 0x10
        self.results: dict[int, tuple[int, int, int]] = {}
        """Forced STATUS, RESULT, RESERVE by command; the command is not executed."""
        self.after: dict[int, tuple[int, int, int]] = {}
        """The same, but executed first."""
        self.lost: set[int] = set()
        self.drop: set[int] = set()
        self.broken: set[int] = set()
        self.nak: set[int] = set()
        self.busy: set[int] = set()
        self.crc = b""
        self.total = self.paid = 0
        self.payout = False
        self.z, self.sales, self.payouts = 12, 3, 1
        self.sold = self.returned = self.moved_in = self.moved_out = 0
        self.drawer, self.packet = 100_000, 400
        self._memory: tuple[bytes, bytes] = (b"", b"")
        self._buffer = b""

    def power_cut(self) -> None:
        self._memory = (b"", b"")

    def __call__(self, chunk: bytes) -> bytes:
        self._buffer += chunk
        answer = b""
        while (end := self._end()) is not None:
            packet, self._buffer = self._buffer[:end], self._buffer[end:]
            answer += self._packet(packet)
        return answer

    def _end(self) -> int | None:
        place = 2
        while place + 1 < len(self._buffer):
            if self._buffer[place] == 0x10:
                if self._buffer[place + 1] == 0x03:
                    return place + 2
                place += 1
            place += 1
        return None

    def _packet(self, packet: bytes) -> bytes:
        assert packet[:2] == b"\x10\x02"
        self.raw.append(packet)
        body = packet[2:-2].replace(b"\x10\x10", b"\x10")
        assert sum(body) & 0xFF == 0
        code, parameters = body[1], body[2:-1]
        for fault in (self.nak, self.drop, self.busy):
            if code in fault:
                fault.discard(code)
                return {id(self.nak): b"\x15", id(self.drop): b"", id(self.busy): self._stranger()}[id(fault)]
        if self._memory[0] == body[:2]:
            return b"\x06" + self._memory[1]
        self.seen.append((code, parameters))
        result = 0
        data = b""
        status, reserve = self.status, self.reserve
        if code in self.results:
            status, result, reserve = self.results[code]
        elif self.status == 0 or code in (0, 28, 42, 43, 53) or (self.status == 0x20 and code == 13):
            data = self._do(code, parameters)
            reserve = self.reserve
            if code in self.after:
                data = b""
                status, result, reserve = self.after[code]
        reply = body[:2] + bytes((status, result, reserve)) + data
        reply += bytes((-sum(reply) & 0xFF,))
        framed = b"\x10\x02" + reply.replace(b"\x10", b"\x10\x10") + b"\x10\x03" + self.crc
        self._memory = (body[:2], framed)
        if code in self.lost:
            self.lost.discard(code)
            return b"\x06\x16"
        if code in self.broken:
            self.broken.discard(code)
            return b"\x06" + framed[:4] + bytes((framed[4] ^ 1,)) + framed[5:]
        return b"\x06\x16" + framed

    def _stranger(self) -> bytes:
        """SYN of the command before, then its reply."""
        return b"\x16\x16" + (self._memory[1] or bytes.fromhex("10 02 02 0F 00 00 30 BF 10 03"))

    def _do(self, code: int, data: bytes) -> bytes:
        now = kyiv(datetime.now(UTC))
        match code:
            case 0:
                texts = b"".join(bytes((len(row),)) + row for row in (b"", b"", b"", b"123456789012"))
                return le(0, 2) + self.serial + bytes(5) + b"3000012345" + texts + "ЕП-09".encode("cp866")
            case 1:
                return bytes.fromhex(f"{now:%d%m%y}")
            case 3:
                return bytes.fromhex(f"{now:%H%M%S}")
            case 33:
                return le(self.drawer, 5)
            case 42 if data:
                return le(self.z, 2) + le(self.sales, 2) + le(self.payouts, 2) + bytes(10)
            case 42:
                return self._side(self.sales, self.sold, self.moved_in) + self._side(
                    self.payouts, self.returned, self.moved_out
                )
            case 43:
                return le(self.total, 4) + bytes(20) + bytes(12) + le(self.paid, 4) + bytes(24) + b"\x01"
            case 44:
                return b"\x02" + bytes(3) + le(2000, 2) + le(700, 2) + b"\x00"
            case 11:
                self.reserve |= 0x40
                self.payout = self.payout or bool(data[0] & 0x80)
            case 18 | 8:
                self.reserve |= 0x60
                quantity = int.from_bytes(data[:3], "little")
                divisor: int = 10 ** (data[3] & 0x0F)
                price = int.from_bytes(data[4:8], "little")
                cost = (quantity * price + divisor // 2) // divisor
                self.total += cost
                return le(cost, 4) + le(self.total, 4)
            case 35:
                value = int.from_bytes(data[1:5], "little")
                self.total += -(value & 0x7FFFFFFF) if value >> 31 else value
                return data[1:5] + le(self.total, 4)
            case 20:
                return self._pay(int.from_bytes(data[1:5], "little"))
            case 15:
                self._clear()
            case 16 | 24:
                amount = int.from_bytes(data, "little")
                if code == 16:
                    self.moved_in += amount
                else:
                    self.moved_out += amount
                self.packet += 1
                return le(self.packet, 4)
            case 13:
                self.z += 1
                self.sales = self.payouts = self.sold = self.returned = self.moved_in = self.moved_out = 0
                self.reserve, self.status = 0x10, 0
                return le(self.packet, 4)
            case 48:
                return b"\x08"
            case 53:
                return b"\x00" + le(4, 2) + le(self.packet, 4)
        return b""

    def _pay(self, amount: int) -> bytes:
        self.paid += self.total - self.paid if amount >> 31 else amount
        left = self.total - self.paid
        if left > 0:
            return le(left, 4)
        if self.payout:
            self.payouts += 1
            self.returned += self.total
        else:
            self.sales += 1
            self.sold += self.total
        self.packet += 1
        self._clear()
        return le(-left | 0x80000000, 4) + le(self.packet, 4)

    def _clear(self) -> None:
        self.total = self.paid = 0
        self.payout = False
        self.reserve &= ~0x40

    def _side(self, count: int, turnover: int, cash: int) -> bytes:
        sums = [turnover] + [0] * 5 + [0, 0, 0, turnover] + [0] * 6 + [0, 0, cash]
        return le(count, 2) + b"".join(le(value, 4) for value in sums)

    def codes(self) -> list[int]:
        return [code for code, _ in self.seen]


def start(path: str, options: str = "", log: WireLog | None = None) -> Registrar:
    return connect(f"ikc+serial://{path}?cap=4&silence_ms=150&working_ms=400{options}", log=log)


@pytest.fixture
def unit() -> Unit:
    return Unit()


@pytest.fixture
def registrar(unit: Unit) -> Iterator[Registrar]:
    with pty_peer(unit) as path:
        registrar = start(path)
        try:
            yield registrar
        finally:
            registrar.close()


def act(registrar: Registrar, unit: Unit, document: Document) -> list[tuple[int, bytes]]:
    before = registrar.snapshot(document)
    unit.seen.clear()
    result = registrar.register(document, before)
    assert result.state is State.REGISTERED, result
    return unit.seen


def test_who_is_there(registrar: Registrar, unit: Unit) -> None:
    info = registrar.info()
    assert (info.serial, info.fiscal_number, info.firmware) == ("IK00012345", "3000012345", "ЕП-09")
    assert info.fiscalised and info.tax_rates == {"А": "20.00", "Б": "7.00"}
    assert unit.codes()[:2] == [0, 0] and unit.raw[0][2] != unit.raw[1][2], "command 0 under two NUMs (§3)"
    status = registrar.status()
    assert status.clock is not None and abs(status.clock - datetime.now(UTC)) < timedelta(seconds=10)
    assert status.read_at is not None and status.drawer == 100_000 and status.z_number == 12 and not status.blocks
    assert status.paper_low and not status.paper_out


def test_a_sale_byte_by_byte(registrar: Registrar, unit: Unit) -> None:
    login, line, stamp, comment, payment = act(registrar, unit, SALE)
    assert login == (6, b"\x00\x00\x00\x05" + "Касир".encode("cp866"))
    assert line[0] == 18
    assert line[1][:-6] == bytes.fromhex("02 00 00 00 E2 04 00 00 80 09") + "1905#Хлiб".encode("cp866")
    assert stamp == (11, bytes((24,)) + "Акцизна марка ABCD123456".encode("cp866"))
    assert comment == (11, bytes((6,)) + "свiжий".encode("cp866"))
    assert payment == (20, bytes.fromhex("03 B8 0B 00 00 00 00"))


def test_the_result_of_a_sale(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    result = registrar.register(SALE, before)
    assert (result.number, result.total, result.change, result.serial) == ("401", 2500, 500, "IK00012345")
    assert result.at is not None and abs(result.at - datetime.now(UTC)) < timedelta(seconds=10)


def test_a_refund_opens_with_its_title(registrar: Registrar, unit: Unit) -> None:
    seen = act(registrar, unit, REFUND)
    assert seen[1] == (11, bytes((0x8E,)) + "ВИДАТКОВИЙ ЧЕК".encode("cp866"))
    assert seen[2][1][1:].decode("cp866") == "Повернення по чеку №417"
    assert [code for code, _ in seen if code in (8, 18)] == [8]
    assert unit.payouts == 2


def test_an_article_code_tells_sale_from_refund_and_price_from_price(registrar: Registrar, unit: Unit) -> None:
    sold = act(registrar, unit, SALE)[1][1][-6:]
    assert act(registrar, unit, SALE)[1][1][-6:] == sold
    (returned,) = [data[-6:] for code, data in act(registrar, unit, REFUND) if code == 8]
    assert returned != sold


def test_a_zero_receipt(registrar: Registrar, unit: Unit) -> None:
    document = Document(id=uuid.uuid4(), kind=DocumentKind.ZERO)
    seen = act(registrar, unit, document)
    assert seen[1:] == [
        (11, bytes((12,)) + "НУЛЬОВИЙ ЧЕК".encode("cp866")),
        (20, bytes.fromhex("03 00 00 00 80 00 00")),
    ]


def test_cards_pay_first_and_carry_their_authorisation(registrar: Registrar, unit: Unit) -> None:
    slip = CardSlip(rrn="123456789012", auth_code="A1", pan_mask="****1", terminal="T1", payment_system="VISA")
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(LINE,),
        payments=(
            Payment(form=PaymentForm.CASH, amount=2000), Payment(form=PaymentForm.CARD, amount=1000, card=slip),
        ),
    )  # fmt: skip
    seen = act(registrar, unit, document)
    card, cash = [data for code, data in seen if code == 20]
    assert card == b"\x00" + le(1000, 4) + b"\x00" + bytes((19,)) + b"RRN 123456789012 A1"
    assert cash[:5] == b"\x03" + le(2000, 4)
    comments = [data[1:].decode("cp866") for code, data in seen if code == 11]
    assert comments[-2:] == ["VISA ****1", "Термiнал T1"]


def test_corrections_and_how_the_device_spread_them(registrar: Registrar, unit: Unit) -> None:
    line = Line(code="1", name="Сир", quantity=1250, price=2000, sum=2400, discount=100, tax="Б")
    document = Document(
        id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(line,), discount=398, rounding=-2,
        payments=(Payment(form=PaymentForm.CASH, amount=2000),),
    )  # fmt: skip
    before = registrar.snapshot(document)
    unit.seen.clear()
    result = registrar.register(document, before)
    assert result.state is State.REGISTERED and dict(result.by_tax) == {"А": 2000}, "as the device says, not the lines"
    corrections = [data[:5].hex(" ").upper() for code, data in unit.seen if code == 35]
    assert corrections == ["01 64 00 00 80", "03 8E 01 00 80", "03 02 00 00 80"]
    assert [data[:4].hex(" ").upper() for code, data in unit.seen if code == 18] == ["E2 04 00 03"]


def test_a_doubled_line_is_caught_before_money(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.total = 2500
    result = registrar.register(SALE, before)
    assert result.state is State.REJECTED and result.fault and result.fault.code == Code.TOTAL_MISMATCH
    assert 20 not in unit.codes() and unit.codes()[-1] == 15


def test_a_lost_reply_to_the_payment_is_proven_by_the_counters(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.lost = {20}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    result = registrar.reconcile(SALE, before)
    assert (result.state, result.number) == (State.REGISTERED, "401")
    assert (53, bytes.fromhex("00 00 06 00 09 00 00 01 04 00")) in unit.seen
    assert unit.codes().count(20) == 1 and unit.sales == 4


def test_a_lost_payment_is_proven_undone(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.drop = {20}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    assert registrar.reconcile(SALE, before).state is State.REJECTED
    assert unit.codes()[-1] != 20 and unit.sales == 3 and not unit.reserve & 0x40


def test_a_damaged_reply_is_sent_again_and_not_executed_again(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.broken = {18, 20}
    unit.crc = b"\x12\x34"
    assert registrar.register(SALE, before).state is State.REGISTERED
    assert (unit.codes().count(18), unit.codes().count(20), unit.sales) == (1, 1, 4)


@pytest.mark.parametrize("fault", ["nak", "busy"])
def test_a_packet_that_the_device_forgot_goes_out_again(registrar: Registrar, unit: Unit, fault: str) -> None:
    before = registrar.snapshot(CASH_IN)
    setattr(unit, fault, {16})
    result = registrar.register(CASH_IN, before)
    assert (result.state, result.number) == (State.REGISTERED, "401")
    assert unit.moved_in == 2500


def test_silence_after_a_question_repeats_the_same_num(registrar: Registrar, unit: Unit) -> None:
    registrar.info()
    unit.drop = {33}
    assert registrar.cash_in_drawer() == 100_000
    first, second = unit.raw[-2:]
    assert first == second


def test_a_cut_between_cash_and_its_answer(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(CASH_IN)
    unit.lost = {16}
    assert registrar.register(CASH_IN, before).state is State.UNKNOWN
    unit.power_cut()
    assert registrar.reconcile(CASH_IN, before).state is State.REGISTERED
    assert unit.moved_in == 2500 and unit.codes().count(16) == 1


def test_paper_out_while_closing_is_registered_and_finished_by_the_device(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.after = {20: (1, 2, 0x36)}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    unit.status, unit.reserve = 1, 0x36
    result = registrar.reconcile(SALE, before)
    assert result.state is State.REGISTERED_NOT_PRINTED and result.done
    assert 15 not in unit.codes()


def test_a_receipt_that_will_be_finished_is_waited_for(registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.results = {20: (1, 2, 0x76)}
    assert registrar.register(SALE, before).state is State.UNKNOWN
    unit.results = {}
    unit.status, unit.reserve, unit.paid = 1, 0x76, unit.total
    waiting = registrar.reconcile(SALE, before)
    assert waiting.state is State.UNKNOWN and waiting.fault is not None and waiting.fault.code == Code.PAPER_OUT
    unit.status, unit.reserve = 0, 0x30
    unit.sales, unit.sold = 4, 2500
    assert registrar.reconcile(SALE, before).state is State.REGISTERED
    assert 15 not in unit.codes()


@pytest.mark.parametrize(
    ("forced", "code"),
    [
        ((0x20, 0, 0x30), Code.SHIFT_EXPIRED),
        ((0, 47, 0x30), Code.TRANSMISSION_OVERDUE),
        ((0, 28, 0x70), Code.ARTICLE_CONFLICT),
        ((0x01, 0, 0x34), Code.PAPER_OUT),
        ((0x01, 0, 0x30), Code.COVER_OPEN),
        ((0x08, 0, 0x30), Code.CLOCK),
        ((0, 23, 0x30), Code.TAX),
    ],
)
def test_refusals_of_a_line(forced: tuple[int, int, int], code: Code, registrar: Registrar, unit: Unit) -> None:
    before = registrar.snapshot(SALE)
    unit.results = {18: forced}
    result = registrar.register(SALE, before)
    assert result.state is State.REJECTED and result.fault is not None
    assert (result.fault.code, result.fault.command) == (code, "18")
    assert f"RESULT={forced[1]}" in result.fault.raw and 20 not in unit.codes()


@pytest.mark.parametrize(
    ("status", "reserve", "code"),
    [
        (0x01, 0x14, Code.PAPER_OUT),
        (0x20, 0x30, Code.SHIFT_EXPIRED),
        (0x04, 0x10, Code.FM_ERROR),
        (0, 0x00, Code.NOT_FISCALISED),
        (0, 0x90, Code.NOT_PERSONALISED),
    ],
)
def test_states_that_stop_a_sale_before_it_begins(
    status: int, reserve: int, code: Code, registrar: Registrar, unit: Unit
) -> None:
    unit.status, unit.reserve = status, reserve
    with pytest.raises(Refused) as caught:
        registrar.snapshot(SALE)
    assert caught.value.code is code
    assert str(code) in registrar.status().blocks


def test_a_long_shift_wants_a_z_and_takes_it(registrar: Registrar, unit: Unit) -> None:
    unit.status, unit.reserve = 0x20, 0x30
    result = registrar.register(Z, registrar.snapshot(Z))
    assert (result.state, result.number, result.z_number) == (State.REGISTERED, "13", 13)


def test_a_foreign_receipt_is_cancelled_first(registrar: Registrar, unit: Unit) -> None:
    unit.reserve, unit.total = 0x70, 777
    assert registrar.register(SALE, registrar.snapshot(SALE)).state is State.REGISTERED
    assert unit.sold == 2500


def test_too_little_cash(registrar: Registrar, unit: Unit) -> None:
    with pytest.raises(Refused) as caught:
        registrar.snapshot(Document(id=uuid.uuid4(), kind=DocumentKind.CASH_OUT, amount=100_001))
    assert caught.value.code is Code.INSUFFICIENT_CASH and 24 not in unit.codes()


def test_a_wrong_password_is_sent_once(registrar: Registrar, unit: Unit) -> None:
    unit.results = {6: (0, 21, 0x10)}
    for _ in range(3):
        result = registrar.register(SALE, registrar.snapshot(SALE))
        assert result.state is State.REJECTED and result.fault and result.fault.code == Code.PASSWORD
    assert unit.codes().count(6) == 1


def test_a_wrong_programming_password_stops_the_journal_search_only(registrar: Registrar, unit: Unit) -> None:
    for place in (4, 5):
        document = Document(id=uuid.uuid4(), kind=SALE.kind, lines=SALE.lines, payments=SALE.payments)
        before = registrar.snapshot(document)
        unit.lost, unit.results = {20}, {53: (0, 21, 0x30)}
        assert registrar.register(document, before).state is State.UNKNOWN
        result = registrar.reconcile(document, before)
        assert (result.state, result.number) == (State.REGISTERED, str(place)) and "password" in result.warnings[0]
    assert unit.codes().count(53) == 1 and unit.sales == 5


def test_passwords_are_not_in_the_wire_log(unit: Unit) -> None:
    log = WireLog(SystemClock())
    with pty_peer(unit) as path:
        registrar = start(path, "&password=12337&report_password=12594", log)
        registrar.register(SALE, registrar.snapshot(SALE))
        registrar.register(Z, registrar.snapshot(Z))
        registrar.close()
    sent = b"".join(exchange.data for exchange in log if exchange.direction == ">")
    assert (6, b"10\x00\x05" + "Касир".encode("cp866")) in unit.seen and (13, b"21") in unit.seen
    assert b"\x06**\x00" in sent and b"\x0d**" in sent
    assert b"\x0610" not in sent and b"\x0d21" not in sent


def test_another_unit_is_refused(unit: Unit) -> None:
    with pty_peer(unit) as path:
        registrar = start(path, "&serial=IK00099999")
        with pytest.raises(Fault) as caught:
            registrar.status()
        registrar.close()
    assert caught.value.code is Code.DIFFERENT_DEVICE


def test_an_echo_is_no_registrar() -> None:
    with pty_peer(lambda chunk: chunk) as path:
        registrar = start(path)
        with pytest.raises(Unreachable):
            registrar.info()


def test_what_does_not_fit_is_refused_before_a_byte(registrar: Registrar, unit: Unit) -> None:
    good = Payment(form=PaymentForm.CASH, amount=100)
    for change in ({"quantity": 20_000_500}, {"tax": "Ж"}, {"price": 3_000_000_000}):
        fields = {"code": "1", "name": "Пісок", "quantity": 1000, "price": 100, "sum": 100, "tax": "А"} | change
        with pytest.raises(Invalid):
            registrar.check(
                Document(id=uuid.uuid4(), kind=DocumentKind.SALE, lines=(Line(**fields),), payments=(good,))  # type: ignore[arg-type]
            )
    assert unit.seen == []
