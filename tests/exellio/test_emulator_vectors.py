"""The byte-exact examples of exellio.md A.3, and the packets that must be refused (emulators.md §4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.datecs.emulator.machine import DatecsMachine, build_exellio
from drivers.emulation.faults import FaultPlan
from drivers.emulation.memory import StateFile, Tape
from tests.exellio.client import Host, direct, frame
from tests.exellio.conftest import Make

REQUESTS = {
    "status": (74, b"X", "01 25 31 4A 58 05 30 30 3F 3D 03"),
    "return": (
        85,
        b"00001,0000,00001,I",
        "01 36 33 55 30 30 30 30 31 2C 30 30 30 30 2C 30 30 30 30 31 2C 49 05 30 34 33 32 03",
    ),
    "card": (53, b"\tD25.00", "01 2B 34 35 09 44 32 35 2E 30 30 05 30 31 3D 3B 03"),
    "cash-out": (70, b"-50.00", "01 2A 35 46 2D 35 30 2E 30 30 05 30 31 3C 3A 03"),
    "copy": (109, b"1", "01 25 36 6D 31 05 30 30 3F 3E 03"),
    "drawer": (106, b"", "01 24 37 6A 05 30 30 3C 3A 03"),
}


def wire(name: str) -> bytes:
    return bytes.fromhex(REQUESTS[name][2])


@pytest.mark.parametrize(("cmd", "data", "text"), REQUESTS.values(), ids=REQUESTS.keys())
def test_request_vectors(cmd: int, data: bytes, text: str) -> None:
    assert frame(bytes.fromhex(text)[2], cmd, data) == bytes.fromhex(text)


def test_idle_status(host: Host) -> None:
    reply = "01 31 31 4A 80 80 80 80 80 BA 04 80 80 80 80 80 BA 05 30 37 32 39 03"
    assert host.raw(wire("status")) == bytes.fromhex(reply)


def test_cover_open(machine: DatecsMachine, host: Host) -> None:
    machine.set_cover(True)
    reply = "01 31 32 4A 80 A0 80 80 80 BA 04 80 A0 80 80 80 BA 05 30 37 36 3A 03"
    assert host.raw(frame(0x32, 74, b"X")) == bytes.fromhex(reply)


def test_return_receipt(machine: DatecsMachine, host: Host) -> None:
    machine.printer.memory.receipts = 2
    reply = "01 34 33 55 30 30 30 33 2C 30 30 30 31 04 80 88 88 80 80 BA 05 30 35 3B 3F 03"
    assert host.raw(wire("return")) == bytes.fromhex(reply)


def test_cash_out(make: Make) -> None:
    machine = make()
    host = Host(direct(machine))
    assert host.done(70, "100.00") == "P,+00010000,+00010000,+00000000"
    reply = (
        "01 4A 35 46 50 2C 2B 30 30 30 30 35 30 30 30 2C 2B 30 30 30 31 30 30 30 30 2C 2B 30 30 30 30 35 30 30 30 04 "
        "80 80 80 80 80 BA 05 30 39 3E 38 03"
    )
    assert host.raw(wire("cash-out")) == bytes.fromhex(reply)


def test_card_copy_and_drawer(host: Host) -> None:
    host.stock()
    host.done(48, "00001,0000,00001,I")
    host.done(58, "1*2.000")
    assert host.raw(wire("card"))[4:6] == b"R0"
    host.done(56)
    assert host.raw(wire("copy"))[4:5] == b"\x04"
    assert host.raw(wire("drawer"))[4:5] == b"\x04"


@pytest.mark.parametrize("name", REQUESTS)
def test_one_flipped_bit_is_refused(name: str) -> None:
    data = bytearray(wire(name))
    for position in range(len(data)):
        for bit in range(8):
            data[position] ^= 1 << bit
            machine = build_exellio({}, StateFile(None), Tape(), FaultPlan())
            assert direct(machine)(bytes(data)).replace(b"\x15", b"") == b"", (position, bit)
            data[position] ^= 1 << bit


@pytest.mark.parametrize("step", [-1, 1])
def test_len_off_by_one_is_refused(step: int, host: Host) -> None:
    body = bytes([0x25 + step, 0x31, 74]) + b"X\x05"
    bcc = bytes(0x30 + (sum(body) >> shift & 15) for shift in (12, 8, 4, 0))
    assert host.raw(b"\x01" + body + bcc + b"\x03") == b"\x15"


@given(st.integers(0x20, 0x7F), st.integers(0x20, 0x7F), st.text(st.characters(codec="cp1251"), max_size=60))
def test_any_command_with_any_data_gets_one_reply(seq: int, cmd: int, text: str) -> None:
    machine = build_exellio({}, StateFile(None), Tape(), FaultPlan())
    data = "".join(letter for letter in text if letter >= " ").encode("cp1251")
    reply = direct(machine)(frame(seq, cmd, data))
    assert (reply[0], reply[2], reply[3], reply[-1]) == (1, seq, cmd, 3)
    assert machine.registers()["sales_turnover"] == 0


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_survived(chunks: list[bytes]) -> None:
    machine = build_exellio({}, StateFile(None), Tape(), FaultPlan())
    exchange = direct(machine)
    for chunk in chunks:
        exchange(chunk)
    machine.power_off()
    assert exchange(frame(0x31, 74, b"X")) != b""


def test_the_frame_of_the_x_dialect_is_refused(host: Host) -> None:
    assert host.raw(bytes.fromhex("01 30 30 32 3B 21 30 30 35 3A 31 05 30 31 3F 33 03")) == b"\x15"
