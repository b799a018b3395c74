"""The byte-exact examples of ikc.md §2 and §7, in both directions, and what must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.machine import Deaf, Send, Work
from drivers.emulation.memory import StateFile, Tape
from drivers.ikc.emulator.fields import Reader, Refused
from drivers.ikc.emulator.machine import IkcMachine, build
from drivers.ikc.emulator.packets import Garbled, Inbox, Packet, answer, crc
from tests.ikc.emulator_host import CLOSE, PASSWORD, Host, counted, direct, frame, item, virtual


def hexa(text: str) -> bytes:
    return bytes.fromhex(text)


STATUS = hexa("10 02 01 00 FF 10 03")
REQUESTS = {
    "status": (STATUS, Packet(1, 0, b"")),
    "status_with_crc": (hexa("10 02 01 00 FF 10 03 E0 D1"), Packet(1, 0, b"", crc=True)),
    "status_with_crc_swapped": (hexa("10 02 01 00 FF 10 03 D1 E0"), Packet(1, 0, b"", crc=True)),
    "doubled_num": (hexa("10 02 10 10 00 F0 10 03"), Packet(0x10, 0, b"")),
    "get_date": (hexa("10 02 03 01 FC 10 03"), Packet(3, 1, b"")),
    "login": (
        hexa("10 02 04 06 00 00 00 05 8E AB A5 AD A0 C6 10 03"),
        Packet(4, 6, PASSWORD + b"\0" + counted("Олена")),
    ),
    "sale": (
        hexa("10 02 05 12 02 00 00 00 E2 04 00 00 80 04 95 AB A5 A1 64 00 00 00 00 00 93 10 03"),
        Packet(5, 18, item()),
    ),
    "discount": (hexa("10 02 06 23 00 0A 00 00 82 00 4B 10 03"), Packet(6, 35, hexa("00 0A 00 00 82 00"))),
    "cash": (hexa("10 02 07 14 03 B8 0B 00 00 00 00 1F 10 03"), Packet(7, 20, hexa("03 B8 0B 00 00 00 00"))),
    "card": (hexa("10 02 08 14 00 00 00 00 80 00 00 64 10 03"), Packet(8, 20, hexa("00 00 00 00 80 00 00"))),
    "open_payout": (
        hexa("10 02 09 0B 8E 82 88 84 80 92 8A 8E 82 88 89 20 97 85 8A 4D 10 03"),
        Packet(9, 11, counted("ВИДАТКОВИЙ ЧЕК", 0x80)),
    ),
    "cash_in": (hexa("10 02 10 10 10 10 10 10 27 00 00 A9 10 03"), Packet(0x10, 16, hexa("10 27 00 00"))),
    "z": (hexa("10 02 0B 0D 00 00 E8 10 03"), Packet(11, 13, PASSWORD)),
    "day": (hexa("10 02 0C 2A 00 CA 10 03"), Packet(12, 42, b"\0")),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_read(name: str) -> None:
    wire, packet = REQUESTS[name]
    assert list(Inbox().take(wire)) == [packet]
    one_by_one = Inbox()
    pieces = [part for value in wire for part in one_by_one.take(bytes([value]))]
    assert pieces == [Packet(packet.num, packet.code, packet.params)]
    assert list(one_by_one.take(wire)) == [packet]
    if not packet.crc:
        assert frame(packet.num, packet.code, packet.params) == wire


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        ("10 02 02 0F 00 00 30 BF 10 03", answer(2, 15, b"\0\0\x30")),
        ("10 02 03 01 00 00 10 10 07 03 24 BE 10 03", answer(3, 1, b"\0\0\x10", b"\x07\x03\x24")),
        ("10 02 05 12 00 00 70 C4 09 00 00 C4 09 00 00 DF 10 03", answer(5, 18, b"\0\0\x70", hexa("C4090000" * 2))),
        ("10 02 07 14 00 00 30 F4 01 00 80 64 00 00 00 DC 10 03", answer(7, 20, b"\0\0\x30", hexa("F401008064000000"))),
        ("10 02 05 12 20 00 30 99 10 03", answer(5, 18, b"\x20\0\x30")),
        ("10 02 05 12 00 2F 30 8A 10 03", answer(5, 18, b"\0\x2f\x30")),
        ("10 02 07 14 01 02 36 AC 10 03", answer(7, 20, b"\x01\x02\x36")),
        ("10 02 01 00 FF 10 03 E0 D1", hexa("10 02 01 00 FF 10 03") + crc(b"\x01\x00\xff")),
    ],
)
def test_replies_are_built(wire: str, reply: bytes) -> None:
    assert reply == hexa(wire)


# -- a whole dialogue ---------------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> IkcMachine:
    return virtual(tmp_path, cash=100_000)


def test_the_date_of_the_page(tmp_path: Path) -> None:
    machine = virtual(tmp_path, clock="2024-03-07T12:00:00")
    assert direct(machine)(REQUESTS["get_date"][0]) == hexa("06 10 02 03 01 00 00 10 10 07 03 24 BE 10 03")


def test_the_sale_of_the_page(machine: IkcMachine) -> None:
    ask = direct(machine)
    assert ask(REQUESTS["login"][0]) == b"\x06" + answer(4, 6, b"\0\0\x10")
    machine.printer.memory.packet = 99
    assert ask(REQUESTS["sale"][0]) == hexa("06 10 02 05 12 00 00 70 C4 09 00 00 C4 09 00 00 DF 10 03")
    paid = ask(REQUESTS["cash"][0])
    assert paid == hexa("06 10 02 07 14 00 00 30 F4 01 00 80 64 00 00 00 DC 10 03")
    assert ask(REQUESTS["cash"][0]) == paid
    assert machine.registers()["sales_turnover"] == 2500 and machine.registers()["drawer"] == 102_500


def test_the_discount_and_the_card_of_the_page(machine: IkcMachine) -> None:
    ask = direct(machine)
    for name in ("login", "sale", "discount"):
        reply = ask(REQUESTS[name][0])
    # The change carries bit 31, as every sum under zero.
    assert reply == b"\x06" + answer(6, 35, b"\0\0\x70", hexa("FA 00 00 80 CA 08 00 00"))
    assert ask(REQUESTS["card"][0]) == b"\x06" + answer(8, 20, b"\0\0\x30", bytes(4) + hexa("01 00 00 00"))
    assert machine.registers()["sales_by_form"] == {"card": 2250}


def test_payout_and_cash_in_and_z_of_the_page(machine: IkcMachine) -> None:
    ask = direct(machine)
    ask(REQUESTS["login"][0])
    assert ask(REQUESTS["open_payout"][0]) == b"\x06" + answer(9, 11, b"\0\0\x78")
    assert ask(frame(0x21, 15)) == b"\x06" + answer(0x21, 15, b"\0\0\x10")
    assert ask(REQUESTS["cash_in"][0]) == b"\x06" + answer(0x10, 16, b"\0\0\x30", hexa("01 00 00 00"))
    assert machine.registers()["cash_in"] == 10_000
    assert ask(REQUESTS["z"][0]) == b"\x06" + answer(11, 13, b"\0\0\x10", hexa("02 00 00 00"))
    # Z 1, no sale and no payout, no shift, last Z 24.11.26, no article.
    assert ask(REQUESTS["day"][0]) == b"\x06" + answer(
        12, 42, b"\0\0\x10", hexa("0100 0000 0000 0000000000 241126 0000")
    )


def test_weight(machine: IkcMachine) -> None:
    assert item(quantity=1250, decimals=3)[:4] == hexa("E2 04 00 03")
    host = Host(direct(machine))
    host.login()
    assert host.done(18, item(quantity=1250, decimals=3)).number(0) == 1563


def test_syn_while_it_prints(tmp_path: Path) -> None:
    machine = virtual(tmp_path, print_ms=400)
    for name in ("login", "sale"):
        direct(machine)(REQUESTS[name][0])
    assert list(machine.receive(hexa("10 02 02 0F EF 10 03"))) == [
        Send(b"\x06"),
        Work(0.4, b"\x16", 0.2),
        Deaf(),
        Send(answer(2, 15, b"\0\0\x10")),
    ]
    assert len(list(machine.receive(REQUESTS["status"][0]))) == 2


def test_refusals_of_the_page(machine: IkcMachine) -> None:
    ask = direct(machine)
    ask(REQUESTS["login"][0])
    ask(REQUESTS["cash_in"][0])
    machine.afflict("F14")
    assert ask(REQUESTS["sale"][0]) == hexa("06 10 02 05 12 00 2F 30 8A 10 03")
    machine.set_link(True)
    machine.advance_clock(86_500)
    ask(STATUS)
    assert ask(REQUESTS["sale"][0]) == hexa("06 10 02 05 12 20 00 30 99 10 03")


def test_paper_out_at_the_closing_of_the_page(machine: IkcMachine) -> None:
    ask = direct(machine)
    for name in ("login", "sale"):
        ask(REQUESTS[name][0])
    machine.plan.add(Fault("F9", "20"))
    assert ask(REQUESTS["cash"][0]) == hexa("06 10 02 07 14 01 02 36 AC 10 03")
    assert machine.registers()["sales_turnover"] == 2500
    assert "ФІСКАЛЬНИЙ ЧЕК" not in "".join(machine.printer.tape.lines)
    machine.set_paper(True)
    assert "ФІСКАЛЬНИЙ ЧЕК" in "".join(machine.printer.tape.lines)


def test_the_crc_is_answered_with_a_crc(tmp_path: Path, machine: IkcMachine) -> None:
    reply = direct(machine)(REQUESTS["status_with_crc"][0])[1:]
    body = reply[2:-4].replace(b"\x10\x10", b"\x10")
    assert reply[-4:-2] == b"\x10\x03" and reply[-2:] == crc(body)
    newer = virtual(tmp_path / "newer", firmware="ЕП-11")
    reply = direct(newer)(STATUS)[1:]
    assert reply[-2:] == crc(reply[2:-4].replace(b"\x10\x10", b"\x10"))


# -- what must be refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in REQUESTS if "crc" not in name])
def test_no_flipped_bit_is_taken(name: str) -> None:
    wire, packet = REQUESTS[name]
    for place in range(len(wire)):
        for bit in range(8):
            broken = wire[:place] + bytes([wire[place] ^ 1 << bit]) + wire[place + 1 :]
            assert packet not in list(Inbox().take(broken))
            assert not any(isinstance(part, Packet) for part in Inbox().take(broken)), broken.hex(" ")


@pytest.mark.parametrize(
    "wire",
    [
        "10 10 02 01 00 FF 10 10 03",
        "10 02 01 00 FF 10 10 03",
        "02 01 00 FF 10 03",
        "01 00 FF",
        "10 02 01 00 FF",
        "10 02 01 00 FF 03",
    ],
    ids=repr,
)
def test_what_is_no_packet_gets_no_answer(machine: IkcMachine, wire: str) -> None:
    assert direct(machine)(hexa(wire)) == b""


@pytest.mark.parametrize(
    "wire",
    [
        "10 02 01 00 FE 10 03",
        "10 02 10 00 F0 10 03",
        "10 02 10 10 10 10 00 F0 10 03",
        "10 02 10 10 10 10 27 00 00 A9 10 03",
        "10 02 10 03",
        "10 02 00 00 10 03",
        "10 02 01 FF 10 03",
        "10 02 01 00 FF 10 04",
    ],
    ids=repr,
)
def test_a_broken_packet_is_naked_and_forgotten(machine: IkcMachine, wire: str) -> None:
    ask = direct(machine)
    assert ask(hexa(wire)) == b"\x15"
    assert ask(STATUS)[:4] == b"\x06\x10\x02\x01"


def test_a_length_that_lies(machine: IkcMachine) -> None:
    host = Host(direct(machine))
    host.login()
    good = item()
    for length in (0, 3, 5, 76, 200):
        host.refused(20, 18, good[:9] + bytes([length]) + good[10:])
    host.refused(20, 18, good[:-1])
    host.refused(20, 18, good + b"\0")
    assert machine.registers()["open_receipt"] is False


def test_a_new_start_restarts_the_packet(machine: IkcMachine) -> None:
    assert direct(machine)(hexa("10 02 01 00") + STATUS)[:4] == b"\x06\x10\x02\x01"


def test_a_gap_is_naked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, now = virtual(tmp_path, gap_ms=40), [100.0]
    monkeypatch.setattr("drivers.ikc.emulator.machine.time.monotonic", lambda: now[0])
    ask = direct(machine)
    assert ask(STATUS[:4]) == b""
    now[0] += 0.03
    assert ask(STATUS[4:])[:1] == b"\x06"
    assert ask(STATUS[:4]) == b""
    now[0] += 0.05
    assert ask(STATUS[4:]) == b"\x15"
    assert ask(STATUS)[:1] == b"\x06"


def test_a_late_crc_is_no_packet(machine: IkcMachine) -> None:
    ask = direct(machine)
    assert ask(STATUS)[:1] == b"\x06"
    assert ask(hexa("E0 D1")) == b""
    assert ask(hexa("E0 D1") + frame(2, 1))[:1] == b"\x06"


def test_a_crc_that_looks_like_a_start() -> None:
    for value in range(1 << 16):
        body = bytes([1, 0]) + value.to_bytes(2, "little")
        body += bytes([-sum(body) & 0xFF])
        if crc(body) in (b"\x10\x02", b"\x02\x10"):
            break
    else:
        pytest.fail("no such packet")
    wire = frame(1, 0, value.to_bytes(2, "little"))
    with_crc = Packet(1, 0, value.to_bytes(2, "little"), crc=True)
    assert list(Inbox().take(wire + b"\x10\x02" + STATUS)) == [with_crc, Packet(1, 0, b"")]
    assert list(Inbox().take(wire + STATUS)) == [Packet(1, 0, with_crc.params), Packet(1, 0, b"")]


# -- by property --------------------------------------------------------------------------------------------------


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60), st.binary(max_size=8), st.booleans())
def test_every_packet_survives_the_wire(num: int, code: int, params: bytes, noise: bytes, with_crc: bool) -> None:
    wire = frame(num, code, params)
    body = bytes([num, code]) + params
    body += bytes([-sum(body) & 0xFF])
    if with_crc:
        wire += crc(body)
    noise = noise.replace(b"\x10\x02", b"")
    if noise[-1:] == b"\x10" and noise:
        noise += b"\x00"
    taken = list(Inbox().take(noise.replace(b"\x10\x02", b"") + wire))
    assert [(part.num, part.code, part.params) for part in taken if isinstance(part, Packet)] == [(num, code, params)]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_stream_breaks_the_inbox(chunks: list[bytes]) -> None:
    inbox = Inbox()
    for chunk in chunks:
        for part in inbox.take(chunk):
            assert isinstance(part, Packet | Garbled)
    # An escape that is none ends whatever was open.
    assert list(inbox.take(b"\x00\x10\x00" + STATUS))[-1] == Packet(1, 0, b"")


@given(st.binary(max_size=12), st.lists(st.sampled_from(["1", "3", "4", "6", "d", "t"]), max_size=5))
def test_the_reader_reads_or_refuses(data: bytes, steps: list[str]) -> None:
    reader = Reader(data)
    try:
        for step in steps:
            if step == "d":
                reader.date()
            elif step == "t":
                reader.text(reader.number(1), 20)
            else:
                assert 0 <= reader.number(int(step)) < 1 << 8 * int(step)
        reader.end()
    except Refused as refusal:
        assert refusal.result in (20, 25, 30)


@pytest.fixture(scope="module")
def sturdy(tmp_path_factory: pytest.TempPathFactory) -> IkcMachine:
    return build({"cash": "100000"}, StateFile(None), Tape(), FaultPlan())


@given(st.integers(0, 255), st.integers(0, 70), st.binary(max_size=30))
def test_no_command_breaks_the_device(sturdy: IkcMachine, num: int, code: int, params: bytes) -> None:
    """Whatever the parameters are, one whole reply comes, and the books keep their balance."""
    host = Host(direct(sturdy))
    host.num = num
    if code == 55 and len(params) == 2:
        return
    sturdy.power_off()
    reply = host.ask(code, params)
    assert reply.status & 0x7F == 0 or reply.data == b"" or code in (0, 42, 43, 53)
    registers = sturdy.registers()
    assert registers["sales_turnover"] == sum(registers["sales_by_form"].values())
    assert registers["drawer"] >= 0


@given(st.lists(st.tuples(st.integers(1, 9999), st.integers(1, 5000), st.integers(0x80, 0x83)), min_size=1, max_size=4))
def test_the_books_add_up(sturdy: IkcMachine, goods: list[tuple[int, int, int]]) -> None:
    host = Host(direct(sturdy))
    host.ask(15)
    host.login()
    before = sturdy.registers()
    total = 0
    for place, (price, quantity, tax) in enumerate(goods):
        code = price * 10_000_000 + quantity * 1000 + tax + place
        reply = host.ask(18, item(f"Товар {code}", price, quantity, 3, tax, code))
        if reply.result == 28:
            continue
        assert reply.status == reply.result == 0, reply
        total += (price * quantity + 500) // 1000
        assert reply.number(4) == total
    if total:
        host.done(20, CLOSE)
        after = sturdy.registers()
        assert after["sales_turnover"] - before["sales_turnover"] == after["drawer"] - before["drawer"] == total
