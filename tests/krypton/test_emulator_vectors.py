"""Every byte-exact example of datecs-krypton.md §2 and §7, and the packets that must be refused (emulators.md §4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulation.faults import FaultPlan
from drivers.emulation.memory import StateFile, Tape
from drivers.krypton.emulator import packets
from drivers.krypton.emulator.machine import KryptonMachine, build
from tests.krypton.client import Host, direct, frame
from tests.krypton.conftest import Make

REQUESTS = {
    "identify": (0x80, "", "01 2B 21 80 30 30 30 30 30 30 3B 05 30 32 32 3C 03"),
    "x": (0xA1, "1;", "01 2D 22 A1 30 30 30 30 30 30 3B 31 3B 05 30 32 3B 3C 03"),
    "z": (0xA1, "0;", "01 2D 23 A1 30 30 30 30 30 30 3B 30 3B 05 30 32 3B 3C 03"),
    "clock": (0x21, "", "01 2B 24 21 30 30 30 30 30 30 3B 05 30 31 3D 30 03"),
    "find": (0x25, "100;", "01 2F 25 25 30 30 30 30 30 30 3B 31 30 30 3B 05 30 32 3A 35 03"),
    "article": (
        0x24,
        "100;Хліб;0;1;00;шт;",
        "01 3E 26 24 30 30 30 30 30 30 3B 31 30 30 3B D5 EB B3 E1 3B 30 3B 31 3B 30 30 3B F8 F2 3B 05 30 39 3D 3A 03",
    ),
    "open": (0x63, "01;01;0;", "01 33 27 63 30 30 30 30 30 30 3B 30 31 3B 30 31 3B 30 3B 05 30 33 3C 30 03"),
    "open return": (0x63, "01;01;1;", "01 33 27 63 30 30 30 30 30 30 3B 30 31 3B 30 31 3B 31 3B 05 30 33 3C 31 03"),
    "line": (
        0x64,
        "100;2.000;12.50;",
        "01 3B 28 64 30 30 30 30 30 30 3B 31 30 30 3B 32 2E 30 30 30 3B 31 32 2E 35 30 3B 05 30 35 34 3F 03",
    ),
    "total": (0x6D, "0;", "01 2D 29 6D 30 30 30 30 30 30 3B 30 3B 05 30 32 38 3E 03"),
    "pay": (0x67, "0;30.00;", "01 33 2A 67 30 30 30 30 30 30 3B 30 3B 33 30 2E 30 30 3B 05 30 33 3B 3B 03"),
    "close": (0x65, "1;", "01 2D 2B 65 30 30 30 30 30 30 3B 31 3B 05 30 32 38 39 03"),
    "last number": (0xE2, "3;", "01 2D 2C E2 30 30 30 30 30 30 3B 33 3B 05 30 33 30 39 03"),
}
IDENTITY = (
    "01 74 21 80 30 30 30 30 3B 44 61 74 65 63 73 20 46 50 2D 54 38 38 3B 34 2E 30 30 3B D3 EA F0 E0 BF ED E0 3B 4D "
    "61 72 20 31 38 20 32 30 31 35 3B 33 37 30 39 32 3B 31 38 31 38 32 3B 36 34 30 30 3B 33 36 30 3B 34 30 3B 35 3B "
    "31 30 3B 04 80 80 80 80 B3 80 05 31 39 3A 32 03"
)


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


def machine_at(clock: str) -> KryptonMachine:
    return build({"clock": clock}, StateFile(None), Tape(), FaultPlan(), lambda: datetime(2026, 11, 24, tzinfo=UTC))


@pytest.mark.parametrize(("cmd", "fields", "wire"), REQUESTS.values(), ids=REQUESTS.keys())
def test_request_vectors(cmd: int, fields: str, wire: str) -> None:
    data = hexed(wire)
    assert list(packets.Inbox().take(data)) == [packets.Packet(data[2], cmd, f"000000;{fields}".encode("cp1251"))]
    assert frame(data[2], cmd, f"000000;{fields}".encode("cp1251")) == data


def test_captured_identity(host: Host) -> None:
    assert host.raw(hexed(REQUESTS["identify"][2])) == hexed(IDENTITY)


def test_captured_x_and_z_reports(host: Host) -> None:
    x = "01 30 22 A1 30 30 30 30 3B 04 80 C0 80 80 B3 80 05 30 35 36 3A 03"
    z = "01 30 23 A1 30 30 30 30 3B 04 80 80 80 80 B3 80 05 30 35 32 3B 03"
    assert host.raw(hexed(REQUESTS["x"][2])) == hexed(x)
    assert host.raw(hexed(REQUESTS["z"][2])) == hexed(z)


def test_captured_modem_state() -> None:
    host = Host(direct(machine_at("2015-08-25T16:45:00")))
    captured = (
        "01 4B 25 EA 30 30 30 30 3B 46 38 3B 32 35 30 38 31 35 3B 31 36 34 35 3B 31 37 30 36 31 35 3B 31 34 35 37 3B "
        "04 80 80 80 80 B3 80 05 30 3B 34 30 03"
    )
    assert host.raw(frame(0x25, 0xEA, b"000000;0;")) == hexed(captured)


def test_captured_header_line(host: Host) -> None:
    captured = "01 33 2E 23 30 30 30 30 3B 3B 30 3B 04 80 80 80 80 B3 80 05 30 35 36 31 03"
    assert host.raw(frame(0x2E, 0x23, b"000000;7;")) == hexed(captured)


def test_article_not_found(host: Host) -> None:
    reply = "01 37 25 25 30 30 30 30 3B 46 46 46 46 46 46 3B 04 80 80 80 80 B3 80 05 30 36 39 37 03"
    assert host.raw(hexed(REQUESTS["find"][2])) == hexed(reply)


def test_a_sale_by_vectors_closes_with_number_124(machine: KryptonMachine, host: Host) -> None:
    machine.printer.memory.last_number = 123
    for name in ("article", "open", "line", "total", "pay"):
        assert host.raw(hexed(REQUESTS[name][2]))[4:9] == b"0000;"
    reply = "01 34 2B 65 30 30 30 30 3B 31 32 34 3B 04 80 C0 80 80 B3 80 05 30 36 30 3D 03"
    assert host.raw(hexed(REQUESTS["close"][2])) == hexed(reply)
    assert host.raw(hexed(REQUESTS["last number"][2]))[4:13] == b"0000;124;"
    assert machine.registers()["sales_turnover"] == 2500


def test_refused_after_24_hours(machine: KryptonMachine, host: Host) -> None:
    host.article()
    host.sale()
    machine.advance_clock(86_401)
    reply = "01 30 27 63 30 39 30 35 3B 04 80 80 80 80 B3 80 05 30 34 3F 3F 03"
    assert host.raw(hexed(REQUESTS["open"][2])) == hexed(reply)


def test_refused_after_72_hours(machine: KryptonMachine, host: Host) -> None:
    machine.afflict("F14")
    reply = "01 30 27 63 30 46 30 35 3B 04 80 80 80 80 B3 80 05 30 35 30 3C 03"
    assert host.raw(hexed(REQUESTS["open"][2])) == hexed(reply)


def test_paper_out(machine: KryptonMachine, host: Host) -> None:
    machine.set_paper(False)
    reply = "01 30 28 64 30 31 30 31 3B 04 90 84 80 80 B3 80 05 30 35 30 39 03"
    assert host.raw(hexed(REQUESTS["line"][2])) == hexed(reply)


@pytest.mark.parametrize("wire", [wire for _, _, wire in REQUESTS.values()], ids=REQUESTS.keys())
def test_one_flipped_bit_is_refused(wire: str) -> None:
    data = bytearray(hexed(wire))
    for position in range(len(data)):
        for bit in range(8):
            data[position] ^= 1 << bit
            found = list(packets.Inbox().take(bytes(data)))
            assert not any(isinstance(each, packets.Packet) for each in found), (position, bit)
            data[position] ^= 1 << bit


@pytest.mark.parametrize("step", [-1, 1])
def test_len_off_by_one_is_refused_even_with_the_right_sum(step: int, host: Host) -> None:
    body = bytes([0x2B + step, 0x21, 0x80]) + b"000000;\x05"
    total = sum(body)
    wire = b"\x01" + body + bytes(0x30 + (total >> shift & 15) for shift in (12, 8, 4, 0)) + b"\x03"
    assert host.raw(wire) == b"\x15"


def test_upper_hex_digits_in_the_sum_are_refused(host: Host) -> None:
    assert host.raw(hexed("01 2B 21 80 30 30 30 30 30 30 3B 05 30 32 32 43 03")) == b"\x15"


def test_doubled_packet_half_packet_and_noise(host: Host) -> None:
    ask = hexed(REQUESTS["clock"][2])
    assert host.raw(b"\xff\x05garbage\x03" + ask[:6]) == b""
    first = host.raw(ask[6:])
    assert first[4:8] == b"0000"
    assert host.raw(ask + ask) == first + first
    assert host.raw(ask[:9] + ask) == first


def test_a_lower_case_command_is_another_command(host: Host) -> None:
    """E2 and e2 are the same byte; a field is not: the hex fields of a reply are upper case, a bad form is refused."""
    host.refused(0x63, "o1;01;0;", "0103")


def test_longest_request_and_beyond(host: Host) -> None:
    text = "x" * (219 - 7)
    assert host.raw(frame(0x30, 0x61, f"000000;{text}".encode()))[4:8] == b"0103"
    with pytest.raises(ValueError, match="256"):
        frame(0x31, 0x61, f"000000;{text}x".encode())


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_survived(chunks: list[bytes]) -> None:
    inbox = packets.Inbox()
    for chunk in chunks:
        for found in inbox.take(chunk):
            assert isinstance(found, packets.Packet | packets.Garbled)
    ask = hexed(REQUESTS["clock"][2])
    assert any(isinstance(found, packets.Packet) for found in inbox.take(ask))


@given(
    st.integers(0x20, 0x7F),
    st.integers(0x20, 0xFF),
    st.one_of(
        st.binary(max_size=212).map(lambda data: bytes(max(value, 0x20) for value in data)),
        st.lists(st.sampled_from(["0", "1", "-1", "01", "100", "2.000", "-0.01", "x", "", "999999"]), max_size=7).map(
            lambda fields: "".join(f"{field};" for field in fields).encode()
        ),
    ),
)
def test_any_command_with_any_fields_gets_one_whole_reply(seq: int, cmd: int, data: bytes) -> None:
    machine = machine_at("2026-11-24T10:15:00")
    reply = direct(machine)(frame(seq, cmd, b"000000;" + data))
    assert (reply[0], reply[2], reply[3], reply[-1]) == (1, seq, cmd, 3)
    assert reply[1] == 0x20 + len(reply) - 6
    assert reply[8:9] == b";"
    assert machine.registers()["sales_turnover"] == 0


@given(st.binary(max_size=200), st.integers(0x20, 0x7F), st.integers(0x20, 0xFF), st.integers(1, 9))
def test_packets_survive_any_chunking(data: bytes, seq: int, cmd: int, size: int) -> None:
    data = bytes(max(value, 0x20) for value in data)
    wire = frame(seq, cmd, data)
    inbox = packets.Inbox()
    found = [each for at in range(0, len(wire), size) for each in inbox.take(wire[at : at + size])]
    assert found == [packets.Packet(seq, cmd, data)]


def test_a_detector_of_the_classic_dialect_sees_krypton(make: Make) -> None:
    reply = direct(make())(hexed("01 25 21 4A 58 05 30 30 3E 3D 03"))
    assert (reply[3], reply[4:9]) == (0x4A, b"0002;")
