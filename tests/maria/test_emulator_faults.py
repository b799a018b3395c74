"""Auto-baud, DTR, power, the state file, and the fault catalogue through a real port (emulators.md §1, §3)."""

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
from drivers.emulation.server import DTR_DROP, EmulatorServer
from drivers.maria.emulator.machine import MariaMachine
from tests.conftest import Launch
from tests.maria.client import Host, direct, frame, line, payment, split
from tests.maria.conftest import Make

READY = b"\xfdREADY\x06\xfe"
SILENCE = 0.7
"""Seconds without a byte after which this host believes that nothing comes."""


class Port:
    """A serial port at 8E2 that wakes the device up."""

    def __init__(self, path: str, baud: int = 57600, *, stop_bits: float = serial.STOPBITS_TWO) -> None:
        self.port = serial.Serial(path, baud, parity=serial.PARITY_EVEN, stopbits=stop_bits, timeout=SILENCE)

    def wake(self) -> bytes:
        for _ in range(2):
            self.port.write(b"U")
            time.sleep(0.005)  # the two bytes are apart on the line (maria.md §1)
        return self.port.read(len(READY))

    def exchange(self, data: bytes) -> bytes:
        self.port.write(data)
        return self.listen()

    def listen(self) -> bytes:
        answer = b""
        while not answer.endswith(READY) and (byte := self.port.read(1)):
            answer += byte
        return answer

    def close(self) -> None:
        self.port.close()


def connect(server: EmulatorServer) -> Host:
    """A fresh port, awake, with a cashier logged in."""
    port = Port(server.address)
    host = Host(port.exchange)
    if port.wake() != READY:
        port.port.reset_input_buffer()
        assert split(host.raw(b"\xfd\xfd\xfe\xfe\xfe\xfe"))[-1] == b"READY"
    host.login()
    return host


@pytest.fixture
def server(launch: Launch) -> EmulatorServer:
    return launch("maria", cash=100_000)


@pytest.fixture
def port(server: EmulatorServer) -> Iterator[Port]:
    port = Port(server.address)
    assert port.wake() == READY
    yield port
    port.close()


@pytest.fixture
def awake(port: Port) -> Host:
    host = Host(port.exchange)
    host.login()
    return host


def test_power_loss_rolls_back_and_forgets(machine: MariaMachine, host: Host) -> None:
    host.sale()
    host.done("PREP")
    host.done("FISC", line())
    host.done("CSIN", "1")
    machine.power_off()
    assert host.raw(frame(b"SYNC")) == b""
    machine.power_on()
    assert host.done("CONF")[72:73] == b"0"
    assert not machine.registers()["open_receipt"]
    assert machine.till.tape.lines[-2].strip() == "НЕДІЙСНИЙ ЧЕК"
    assert host.number() == 1
    host.login()
    host.refused("COMP", payment(2500, cash=2500), "SOFTPROTOC")


def test_the_state_file_is_the_memory(make: Make, tmp_path: Path) -> None:
    machine = make(cash=500)
    host = Host(direct(machine))
    host.login()
    host.sale()
    host.done("PREP")
    host.done("FISC", line("Сир", code="0002"))
    killed = machine.registers()
    again = make(cash=0)
    assert again.registers() == {**killed, "open_receipt": False}
    assert again.till.tape.lines[-2].strip() == "НЕДІЙСНИЙ ЧЕК"
    plain = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
    plain.pop("books")
    (tmp_path / "state.json").write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(ValueError, match="not the memory"):
        make()


def test_auto_baud_on_a_real_port(server: EmulatorServer) -> None:
    deaf = Port(server.address, stop_bits=serial.STOPBITS_ONE)
    assert deaf.wake() == b""
    deaf.close()
    port = Port(server.address, 38400)
    assert port.wake() == READY
    assert split(port.exchange(frame(b"SYNC")))[0] == b"WAIT"
    port.port.baudrate = 115_200
    assert port.exchange(frame(b"SYNC")) == b""
    port.port.baudrate = 38400
    assert split(port.exchange(frame(b"SYNC")))[0] == b"WAIT"
    port.close()


def test_a_port_that_is_closed_for_long_drops_dtr(server: EmulatorServer) -> None:
    port = Port(server.address)
    assert port.wake() == READY
    Host(port.exchange).login()
    port.close()
    port = Port(server.address)
    assert Host(port.exchange).done("CONF")[72:73] == b"1"  # back within two seconds: still connected
    port.close()
    closed = time.monotonic()
    while server.machine.connected:  # type: ignore[attr-defined]
        assert time.monotonic() < closed + DTR_DROP + 5
        time.sleep(0.05)
    assert time.monotonic() - closed > DTR_DROP - 0.1
    port = Port(server.address)
    assert port.exchange(frame(b"SYNC")) == b""
    assert port.wake() == READY
    assert Host(port.exchange).done("CONF")[72:73] == b"0"
    port.close()


def test_the_self_test_hears_nothing(launch: Launch) -> None:
    server = launch("maria", selftest_ms=1500)
    port = Port(server.address)
    assert port.wake() == b""
    deadline = time.monotonic() + 10
    while port.wake() != READY:
        assert time.monotonic() < deadline
    port.close()


def test_the_hook_drops_dtr(server: EmulatorServer, port: Port, awake: Host) -> None:
    server.set_dtr(False)
    assert port.exchange(frame(b"SYNC")) == b""
    server.set_dtr(True)
    assert port.wake() == READY
    awake.refused("PREP", "", "SOFTUPAS")


def test_tcp_needs_no_auto_baud_and_its_end_is_dtr() -> None:
    machine = build("maria", {}, None, None, FaultPlan())
    with EmulatorServer(machine, TcpLine(0)) as server:
        name, _, number = server.address.partition(":")
        for expected in (b"0", b"0"):
            with socket.create_connection((name, int(number)), timeout=5) as connection:

                def exchange(data: bytes, connection: socket.socket = connection) -> bytes:
                    connection.sendall(data)
                    answer = b""
                    while not answer.endswith(READY):
                        answer += connection.recv(4096)
                    return answer

                host = Host(exchange)
                assert host.done("CONF")[72:73] == expected
                host.login()
                assert host.done("CONF")[72:73] == b"1"


def test_f1_f2_f4(server: EmulatorServer, port: Port, awake: Host) -> None:
    cash = frame(b"CAIOI0000000100")
    server.add_fault("F1", "CAIO")
    assert port.exchange(cash) == b""
    assert server.registers()["cash_in"] == 0
    server.add_fault("F2", "CAIO")
    assert port.exchange(cash) == b"\xfdWAIT\x05\xfe"
    assert server.registers()["cash_in"] == 100
    server.add_fault("F2", "CAIO", when="before")
    assert port.exchange(cash) == b""
    assert server.registers()["cash_in"] == 200
    server.add_fault("F4", "CAIO")
    assert split(port.exchange(cash)) == [b"SOFTBLOCK", b"READY"]
    assert server.registers()["cash_in"] == 200
    awake.done("CAIO", "I0000000100")


def test_f3_spoils_every_frame_between_wait_and_ready(server: EmulatorServer, port: Port, awake: Host) -> None:
    server.add_fault("F3", "GLCN")
    spoilt = port.exchange(frame(b"GLCN"))
    whole = port.exchange(frame(b"GLCN"))
    assert len(spoilt) == len(whole)
    assert sum(a != b for a, b in zip(spoilt, whole, strict=True)) == 2
    assert spoilt.endswith(READY)


def test_f5_f6_f7_f20(server: EmulatorServer, port: Port, awake: Host) -> None:
    server.add_fault("F5", "NREP", seconds=0.4)
    assert split(port.exchange(frame(b"NREP")))[:4] == [b"WAIT", b"WRK", b"WRK", b"WRK"]
    server.add_fault("F7", "GLCN")
    assert port.exchange(frame(b"GLCN")) == frame(b"DONE") + READY
    assert split(port.listen())[0] == b"WAIT"
    server.add_fault("F20", "GLCN")
    assert port.exchange(frame(b"GLCN")).startswith(b"AT\r")
    server.add_fault("F6", "GLCN")
    port.port.write(frame(b"GLCN"))
    assert port.port.read(13) == frame(b"WAIT") + frame(b"WRK")
    server.power_off()
    server.power_on()
    port.port.reset_input_buffer()
    assert port.wake() == READY


@pytest.mark.parametrize("command", ["PREP", "FISC", "COMP"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ["F2", "F3", "F8", "F9", "F10", "F11"])
def test_after_a_disaster_the_number_tells_the_truth(
    fault: str, when: str, command: str, server: EmulatorServer, awake: Host
) -> None:
    how = {} if fault in ("F2", "F3") else {"restore_after": 0.1}
    server.add_fault(fault, command, when=when, **how)
    with suppress(AssertionError, IndexError, ValueError, serial.SerialException):
        awake.done("PREP")
        awake.done("FISC", line())
        awake.done("COMP", payment(2500, cash=2500))
    host = reconnect(server)
    host.done("CANC")
    number = host.number()
    registers = server.registers()
    assert registers["sales_turnover"] == 2500 * number
    assert len(registers["journal"]) == number
    executed = fault in ("F2", "F3") or (when == "after" and command == "COMP")
    assert number == int(executed and command == "COMP")


def reconnect(server: EmulatorServer) -> Host:
    deadline = time.monotonic() + 8
    while True:
        try:
            return connect(server)
        except (AssertionError, IndexError, ValueError, serial.SerialException):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_paper_that_ends_while_printing_is_a_warning(server: EmulatorServer, awake: Host) -> None:
    server.add_fault("F9", "COMP", restore_after=0.1)
    awake.done("PREP")
    awake.done("FISC", line())
    assert awake.ask("COMP", payment(2500, cash=2500))[1:] == [b"HARDPAPER", b"DONE"]
    assert server.registers()["receipts"] == 1


def test_f12_another_unit(server: EmulatorServer, port: Port, awake: Host) -> None:
    server.add_fault("F12", "GLCN", serial="ZZ00000001", restore_after=0.1, when="before")
    port.port.write(frame(b"GLCN"))
    assert reconnect(server).done("CONF")[:10] == b"ZZ00000001"
    assert server.registers()["journal"] == []


def test_f13_and_f15(server: EmulatorServer, awake: Host) -> None:
    awake.sale()
    server.add_fault("F13", "FISC", seconds=86_401)
    awake.sale()
    awake.refused("PREP", "", "SOFT24HOUR", "SOFTNREP")
    awake.done("NREP")
    server.add_fault("F15", "PREP", seconds=-90_000, when="before")
    awake.refused("PREP", "", "HARDTIMER")


def test_f14_blocks_and_heals(server: EmulatorServer, awake: Host) -> None:
    server.add_fault("F14", "PREP", when="before", restore_after=0.1)
    awake.refused("PREP", "", "SOFTpOVER72H")
    deadline = time.monotonic() + 5
    while awake.ask("PREP") != [b"DONE"]:
        assert time.monotonic() < deadline


def test_f16_f17_f18_f19_f23(server: EmulatorServer, awake: Host) -> None:
    server.add_fault("F16", "FISC", when="before")
    awake.done("PREP")
    awake.refused("FISC", line(), "SOFTDIFART")
    server.add_fault("F18", "CAIO", when="before")
    awake.refused("CAIO", "O0000000001", "SOFTNEED")
    server.add_fault("F17", "UPAS", when="before")
    awake.refused("UPAS", "1111111111007", "SOFTUPAS")
    server.add_fault("F19", "PREP", when="before")
    awake.refused("PREP", "", "SOFTFMFULL")
    server.add_fault("F23", "NREP", when="before")
    awake.refused("NREP", "", "HARDMEMORY")
    server.machine.later("heal")
    awake.done("NREP")


def test_the_shelf_keeps_the_other_unit(machine: MariaMachine, host: Host) -> None:
    host.sale()
    machine.set_serial("ZZ00000001")
    assert machine.registers()["journal"] == []
    machine.set_serial("AB12345678")
    assert machine.registers()["sales_turnover"] == 2500
