"""The fault catalogue of emulators.md §3, through a real pseudo-terminal and a real socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from drivers.emulation.lines import PtyLine, TcpLine
from drivers.emulation.server import EmulatorServer
from tests.ikc.emulator_host import CLOSE, PASSWORD, Host, direct, frame, item, split, tender, virtual

PAY = tender(3000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmulatorServer]:
    with EmulatorServer(virtual(tmp_path, cash=100_000), PtyLine(tmp_path / "tty")) as server:
        yield server


class Cable:
    """A port that waits for one whole reply; `silence` seconds end it."""

    def __init__(self, path: str, baud: int = 9600) -> None:
        self.port = serial.Serial(path, baud, timeout=0.6)

    def __call__(self, data: bytes) -> bytes:
        self.port.write(data)
        taken = b""
        while not taken.endswith(b"\x10\x03") and (more := self.port.read(1)):
            taken += more
            if taken == b"\x15":
                break
        return taken


@pytest.fixture
def cable(server: EmulatorServer) -> Iterator[Cable]:
    cable = Cable(server.address)
    yield cable
    cable.port.close()


@pytest.fixture
def host(cable: Cable) -> Host:
    host = Host(cable)
    host.login()
    return host


def again(host: Host, code: int, params: bytes = b"") -> bytes:
    """The same NUM and CODE once more."""
    return host.raw(frame(host.num, code, params))


def lost(host: Host, code: int, params: bytes = b"") -> bytes:
    host.num += 1
    return host.raw(frame(host.num, code, params))


def turnover(server: EmulatorServer) -> int:
    return int(server.registers()["sales_turnover"])


def test_a_sale_through_a_pty(server: EmulatorServer, host: Host) -> None:
    assert host.sale().number(4) == 1
    assert turnover(server) == 2500


def test_another_speed_hears_nothing(server: EmulatorServer) -> None:
    wrong = Cable(server.address, 115_200)
    assert wrong(frame(1, 0)) == b""
    wrong.port.close()
    right = Cable(server.address)
    assert right(frame(1, 0))[:1] == b"\x06"
    right.port.close()


def test_a_sale_over_tcp(tmp_path: Path) -> None:
    with EmulatorServer(virtual(tmp_path), TcpLine(0)) as server:
        name, _, port = server.address.partition(":")
        with socket.create_connection((name, int(port)), timeout=10) as connection:

            def exchange(data: bytes) -> bytes:
                connection.sendall(data)
                taken = b""
                while not taken.endswith(b"\x10\x03"):
                    taken += connection.recv(100)
                return taken

            host = Host(exchange)
            host.login()
            host.sale()
        assert turnover(server) == 2500


def test_f1_and_f2_and_the_stored_reply(server: EmulatorServer, host: Host) -> None:
    host.done(18, item())
    server.add_fault("F1", "20")
    assert lost(host, 20, PAY) == b"" and turnover(server) == 0
    server.add_fault("F2", "20")
    assert again(host, 20, PAY) == b"\x06" and turnover(server) == 2500
    reply = split(again(host, 20, PAY)[1:], host.num, 20)
    assert (reply.number(0), reply.number(4)) == (500 | 1 << 31, 1)
    assert len(server.registers()["journal"]) == 1


def test_f3_f4(server: EmulatorServer, host: Host) -> None:
    host.done(18, item())
    server.add_fault("F4", "20")
    assert lost(host, 20, PAY) == b"\x15"
    server.add_fault("F3", "20")
    broken = again(host, 20, PAY)[1:]
    assert sum(broken[2:-2].replace(b"\x10\x10", b"\x10")) % 256
    assert split(again(host, 20, PAY)[1:], host.num, 20).number(4) == 1
    assert len(server.registers()["journal"]) == 1


def test_f5_f6(server: EmulatorServer, host: Host) -> None:
    server.add_fault("F5", "13", seconds=0.5)
    slow = lost(host, 13, PASSWORD)
    assert slow[:1] == b"\x06" and 2 <= slow.count(b"\x16") <= 4
    server.add_fault("F6", "9", restore_after=0.3)
    assert set(lost(host, 9, PASSWORD)[1:]) == {0x16}
    assert host.done(42, b"\0").data[:2] == b"\1\0"


def test_f7_f20_f22(server: EmulatorServer, host: Host) -> None:
    server.add_fault("F7", "0")
    stale = lost(host, 0)
    assert stale[:2] == b"\x10\x02" and stale[2] != host.num
    server.add_fault("F20", "1")
    time.sleep(0.1)
    host.raw.port.reset_input_buffer()  # type: ignore[attr-defined]
    assert lost(host, 1)[:2] == b"AT"
    server.add_fault("F22", "42")
    assert lost(host, 42)[2:5] == bytes([0x02, host.num, 1])


@pytest.mark.parametrize("code", [18, 20, 13])
@pytest.mark.parametrize("when", ["before", "after"])
def test_f8_power(server: EmulatorServer, host: Host, code: int, when: str) -> None:
    params = {18: item(), 20: PAY, 13: PASSWORD}[code]
    if code == 20:
        host.done(18, item())
    server.add_fault("F8", str(code), when=when)
    assert lost(host, code, params) in (b"", b"\x06")
    server.power_on()
    registers = server.registers()
    done = when == "after"
    if code == 18:
        assert registers["open_receipt"] is done
    elif code == 20:
        assert (registers["sales_turnover"], registers["open_receipt"]) == ((2500, False) if done else (0, True))
    else:
        assert registers["z_number"] == done
    # The last NUM is forgotten: the same packet is executed as a new one.
    assert host.ask(0).status == 0


@pytest.mark.parametrize(("fault", "result", "status"), [("F9", 2, 1), ("F10", 1, 1), ("F23", 4, 4), ("F19", 8, 4)])
def test_stopped_before_and_after(server: EmulatorServer, host: Host, fault: str, result: int, status: int) -> None:
    def restore() -> None:
        server.set_paper(True)
        server.set_cover(False)
        server.heal()

    host.done(18, item())
    server.add_fault(fault, "20", when="before")
    reply = host.ask(20, PAY)
    assert (reply.status, reply.result, reply.reserve & 0x42) == (status, result, 0x40)
    assert turnover(server) == 0
    restore()
    server.add_fault(fault, "20", when="after")
    reply = host.ask(20, PAY)
    assert (reply.status, reply.result, reply.reserve & 0x42, reply.data) == (status, result, 0x02, b"")
    assert host.ask(0).data[1] == 0x20
    assert turnover(server) == 2500
    restore()
    reply = host.done(0)
    assert not reply.reserve & 0x02 and reply.data[1] == 0


def test_unprinted_survives_the_mains(server: EmulatorServer, host: Host, tmp_path: Path) -> None:
    host.done(18, item())
    server.add_fault("F9", "20")
    host.ask(20, PAY)
    server.power_off()
    server.set_paper(True)
    server.power_on()
    assert (tmp_path / "tape.txt").read_text(encoding="utf-8").count("ФІСКАЛЬНИЙ ЧЕК") == 1


def test_f11_f12(server: EmulatorServer, host: Host, cable: Cable) -> None:
    host.sale()
    cable.port.close()
    server.unplug()
    assert not Path(server.address).exists()
    server.replug("IK00000002")
    other = Cable(server.address)
    assert b"IK00000002" in other(frame(1, 0))
    other.port.close()
    assert turnover(server) == 0
    server.unplug()
    server.replug("IK00012345")
    assert turnover(server) == 2500


def test_states(server: EmulatorServer, host: Host) -> None:
    server.add_fault("F14", "18", when="before")
    host.refused(47, 18, item())
    server.set_link(True)
    server.add_fault("F16", "18", when="before")
    host.refused(28, 18, item())
    server.add_fault("F17", "13", when="before")
    host.refused(21, 13, PASSWORD)
    server.machine.later("password")
    server.add_fault("F18", "20", when="before")
    host.done(8, item(code=7))
    host.refused(35, 20, CLOSE)
    host.done(15)
    server.add_fault("F13", "0", seconds=86_500, when="before")
    host.done(0)
    server.add_fault("F15", "42", seconds=-1000, when="before")
    host.ask(42)


def test_a_busy_device_does_not_take_a_packet(tmp_path: Path) -> None:
    with EmulatorServer(virtual(tmp_path, print_ms=500), PtyLine(tmp_path / "tty")) as server:
        cable = Cable(server.address)
        host = Host(cable)
        host.login()
        cable.port.write(frame(0x50, 18, item()))
        assert cable.port.read(2) == b"\x06\x16"
        cable.port.write(frame(0x51, 15))
        rest = b""
        while not rest.endswith(b"\x10\x03") and (more := cable.port.read(1)):
            rest += more
        rest += cable.port.read(100)
        assert rest.lstrip(b"\x16")[:4] == bytes([0x10, 0x02, 0x50, 18])
        assert bytes([0x51, 15]) not in rest
        assert server.registers()["open_receipt"] is True
        cable.port.close()


def test_nothing_is_told_without_a_program(tmp_path: Path) -> None:
    """The machine alone, without a server, obeys the same plan."""
    machine = virtual(tmp_path)
    host = Host(direct(machine))
    host.login()
    host.sale()
    assert machine.registers()["journal"][0]["sums"] == {"cash": 2500}
