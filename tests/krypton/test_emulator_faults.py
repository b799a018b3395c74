"""SEQ repetition, power, the state file, and the fault catalogue through a real port (emulators.md §1, §3)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import serial

from drivers.emulation.command import build
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import TcpLine
from drivers.emulation.server import EmulatorServer
from drivers.krypton.emulator.machine import KryptonMachine
from tests.conftest import Launch
from tests.krypton.client import Host, direct, frame
from tests.krypton.conftest import Make


def test_the_same_seq_repeats_the_reply_and_executes_nothing(machine: KryptonMachine, host: Host) -> None:
    first = host.ask(0x6E, "1;50.00;")
    again = host.ask(0x6E, "1;50.00;", same_seq=True)
    assert again == first
    assert host.ask(0x80, same_seq=False).code == "0000"
    assert machine.registers()["drawer"] == 105_000


def test_power_loss_keeps_the_receipt_and_forgets_the_seq(machine: KryptonMachine, host: Host) -> None:
    host.article()
    host.done(0x63, "01;01;0;")
    host.done(0x64, "100;2.000;12.50;")
    machine.power_off()
    machine.power_on()
    assert host.ask(0x80).state == 2
    host.done(0x6D, "0;")
    host.done(0x67, "0;25.00;")
    assert host.ask(0x65, "1;").fields == ["1"]
    machine.power_off()
    machine.power_on()
    assert host.ask(0x65, "1;", same_seq=True).code == "000B"
    assert machine.registers()["sales_turnover"] == 2500


def test_a_unit_may_drop_the_receipt_with_the_mains(make: Make) -> None:
    machine = make(keep_receipt=0)
    host = Host(direct(machine))
    host.article()
    host.done(0x63, "01;01;0;")
    machine.power_off()
    machine.power_on()
    assert host.ask(0x80).state == 0
    assert "НЕДІЙСНИЙ ЧЕК" in "\n".join(machine.printer.tape.lines)


def test_the_state_file_is_the_memory(make: Make, tmp_path: Path) -> None:
    machine = make(cash=500)
    host = Host(direct(machine))
    host.article()
    host.sale()
    host.done(0x63, "01;01;1;")
    registers = machine.registers()
    second = make(cash=0)
    assert second.registers() == registers
    assert Host(direct(second)).ask(0x80).state == 0x12
    plain = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
    plain.pop("books")
    (tmp_path / "state.json").write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(ValueError, match="not the memory"):
        make()


def test_another_unit_has_its_own_memory(machine: KryptonMachine, host: Host) -> None:
    host.article()
    host.sale()
    machine.set_serial("ZZ00000001")
    assert host.done(0x42) == ["ZZ00000001"]
    assert machine.registers()["journal"] == []
    machine.set_serial("AB12345678")
    assert machine.registers()["sales_turnover"] == 2500


def test_the_print_buffer_empties_with_time(make: Make) -> None:
    host = Host(direct(make(print_ms=300)))
    assert host.ask(0xA1, "1;").status[1] == 0xC0
    assert host.ask(0x80).status[1] == 0xC0
    deadline = time.monotonic() + 5
    while host.ask(0x80).status[1] != 0x80:
        assert time.monotonic() < deadline


@pytest.fixture
def server(launch: Launch) -> EmulatorServer:
    return launch("krypton", cash=100_000)


SILENCE = 0.7
"""Seconds without a byte after which this host believes that nothing comes."""


class Port:
    """A serial port and nothing else."""

    def __init__(self, path: str, baud: int = 115_200) -> None:
        self.port = serial.Serial(path, baud, timeout=SILENCE)

    def exchange(self, data: bytes) -> bytes:
        self.port.write(data)
        return self.listen()

    def listen(self) -> bytes:
        answer = b""
        while not answer.endswith((b"\x03", b"\x15")) and (byte := self.port.read(1)):
            answer += byte
        return answer


@pytest.fixture
def port(server: EmulatorServer) -> Iterator[Port]:
    port = Port(server.address)
    yield port
    port.port.close()


SALE = {
    "24": "100;Хліб;0;1;00;шт;",
    "63": "01;01;0;",
    "64": "100;2.000;12.50;",
    "6D": "0;",
    "67": "0;25.00;",
    "65": "1;",
}


def sell(host: Host) -> None:
    for cmd, fields in SALE.items():
        host.done(int(cmd, 16), fields)


@pytest.mark.parametrize("command", SALE)
@pytest.mark.parametrize("fault", ["F1", "F2", "F3", "F4"])
def test_a_repeat_after_a_lost_packet_makes_one_receipt(
    fault: str, command: str, server: EmulatorServer, port: Port
) -> None:
    server.add_fault(fault, command)
    host = Host(port.exchange)
    for cmd, fields in SALE.items():
        if cmd != command:
            host.done(int(cmd, 16), fields)
            continue
        if fault == "F3":  # a wrong sum is for the host to see; the test below looks at it
            host.ask(int(cmd, 16), fields)
        else:
            with pytest.raises((AssertionError, IndexError)):
                host.ask(int(cmd, 16), fields)
        assert host.ask(int(cmd, 16), fields, same_seq=True).code == "0000"
    assert server.registers()["sales_turnover"] == 2500
    assert len(server.registers()["journal"]) == 1


def test_f3_spoils_the_sum(server: EmulatorServer, port: Port) -> None:
    server.add_fault("F3", "E2")
    spoilt = port.exchange(frame(0x30, 0xE2, b"000000;3;"))
    whole = port.exchange(frame(0x30, 0xE2, b"000000;3;"))
    assert len(spoilt) == len(whole)
    assert spoilt != whole
    assert spoilt[:-5] == whole[:-5]


def test_f5_and_f6_send_syn(server: EmulatorServer, port: Port) -> None:
    server.add_fault("F5", "E2", seconds=0.2)
    reply = port.exchange(frame(0x30, 0xE2, b"000000;3;"))
    assert reply.lstrip(b"\x16")[4:10] == b"0000;0"
    assert 2 <= len(reply) - len(reply.lstrip(b"\x16")) <= 8
    server.add_fault("F6", "E2")
    port.port.write(frame(0x31, 0xE2, b"000000;3;"))
    assert port.port.read(5) == b"\x16" * 5
    server.power_off()
    server.power_on()
    port.port.reset_input_buffer()
    host = Host(port.exchange)
    assert host.ask(0x80).code == "0000"
    server.add_fault("F6", "6E", restore_after=0.3)
    port.port.write(frame(0x32, 0x6E, b"000000;1;5.00;"))
    assert port.port.read(2) == b"\x16\x16"
    while port.port.read(1):
        pass  # until the plug is pulled
    assert host.done(0x6E, "1;0.00;") == ["1005.00"]


def test_f7_f20_f22_strange_bytes(server: EmulatorServer, port: Port) -> None:
    server.add_fault("F7", "E2")
    stale, real = port.exchange(frame(0x30, 0xE2, b"000000;3;")), port.listen()
    assert stale[2] != 0x30
    assert real[2] == 0x30
    server.add_fault("F20", "E2")
    assert port.exchange(frame(0x31, 0xE2, b"000000;3;")).startswith(b"AT\r")
    server.add_fault("F22", "E2")
    assert port.exchange(frame(0x32, 0xE2, b"000000;3;"))[3] == 0x21


@pytest.mark.parametrize("command", list(SALE)[1:])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["F8", "F9", "F10", "F11"])
def test_after_a_disaster_the_number_tells_the_truth(
    fault: str, when: str, command: str, server: EmulatorServer, port: Port
) -> None:
    server.add_fault(fault, command, when=when, restore_after=0.1)
    host = Host(port.exchange)
    with suppress(AssertionError, IndexError, serial.SerialException):
        sell(host)
    host = _reconnect(server)
    deadline = time.monotonic() + 5
    while host.ask(0x80).status[0] != 0x80:
        assert time.monotonic() < deadline
    state = host.ask(0x80).state
    if state:
        host.done(0x6B, "0;")
    number = int(host.done(0xE2, "3;")[0])
    registers = server.registers()
    assert registers["sales_turnover"] == 2500 * number
    assert len(registers["journal"]) == number
    if fault in ("F8", "F11"):
        assert number == (1 if (command, when) == ("65", "after") else 0)


def _reconnect(server: EmulatorServer) -> Host:
    deadline = time.monotonic() + 5
    while True:
        try:
            host = Host(Port(server.address).exchange)
            host.seq = 0x55
            host.ask(0x80)
        except (AssertionError, IndexError, serial.SerialException):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return host


def test_f12_another_unit(server: EmulatorServer, port: Port) -> None:
    server.add_fault("F12", "E2", serial="ZZ00000001", restore_after=0.1, when="before")
    port.port.write(frame(0x30, 0xE2, b"000000;3;"))
    assert _reconnect(server).done(0x42) == ["ZZ00000001"]


def test_f13_and_f15_move_the_clock(server: EmulatorServer, port: Port) -> None:
    host = Host(port.exchange)
    sell(host)
    server.add_fault("F13", "67", seconds=86_401)
    sell(host)
    host.refused(0x63, SALE["63"], "0905")
    host.done(0xA1, "0;")
    server.add_fault("F15", "63", seconds=-90_000, when="before")
    host.refused(0x63, SALE["63"], "0305")


def test_f14_blocks_and_heals(server: EmulatorServer, port: Port) -> None:
    host = Host(port.exchange)
    host.done(0x24, SALE["24"])
    server.add_fault("F14", "63", when="before", restore_after=0.1)
    host.refused(0x63, SALE["63"], "0F05")
    deadline = time.monotonic() + 5
    while host.ask(0x63, SALE["63"]).code != "0000":
        assert time.monotonic() < deadline


def test_f16_somebody_elses_article(server: EmulatorServer, port: Port) -> None:
    host = Host(port.exchange)
    server.add_fault("F16", "25", when="before")
    assert host.done(0x25, "100;") == ["000001"]
    host.refused(0x24, SALE["24"], "040A")


def test_f17_f18_f19_f23(server: EmulatorServer, port: Port) -> None:
    host = Host(port.exchange)
    server.add_fault("F18", "6E", when="before")
    host.refused(0x6E, "1;-1.00;", "080B")
    server.add_fault("F23", "63", when="before")
    host.refused(0x63, SALE["63"], "0901")
    server.machine.later("heal")
    host.done(0x63, SALE["63"])
    host.done(0x6B, "0;")
    server.add_fault("F17", "80", when="before")
    host.refused(0x80, "", "0006")


def test_another_speed_is_not_heard(server: EmulatorServer) -> None:
    port = Port(server.address, 9600)
    assert port.exchange(frame(0x30, 0x80, b"000000;")) == b""
    port.port.baudrate = 115_200
    assert port.exchange(frame(0x30, 0x80, b"000000;"))[3] == 0x80
    port.port.close()


def test_tcp_twin() -> None:
    machine = build("krypton", {}, None, None, FaultPlan())
    with EmulatorServer(machine, TcpLine(0)) as server:
        name, _, number = server.address.partition(":")
        with socket.create_connection((name, int(number)), timeout=5) as connection:
            connection.sendall(frame(0x30, 0x42, b"000000;"))
            assert b"AB12345678" in connection.recv(100)
        with pytest.raises(ValueError, match="DTR"):
            server.set_dtr(True)
        server.set_link(False)
        server.set_link(True)
