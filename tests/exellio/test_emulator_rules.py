"""Where an Exellio differs from a Datecs (exellio.md A.1, A.2), its faults and its power."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import serial

from drivers.datecs.emulator.machine import DatecsMachine, build
from drivers.emulation.command import build as build_any
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import TcpLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from tests.conftest import Launch
from tests.exellio.client import Host, direct, frame
from tests.exellio.conftest import Make


def test_four_programmable_forms(machine: DatecsMachine, host: Host) -> None:
    host.stock()
    host.done(48, "00001,0000,00001,I")
    host.done(58, "1*2.000")
    assert host.done(53, "\tI5.00") == "D2000"
    assert host.done(53, "\tL5.00") == "D1500"
    assert host.done(53, "\tK99.00") == "F0"
    assert host.done(53, "\tP20.00") == "R500"
    host.refused(53, "\tX1.00", s0=0xA1, s1=0x80)
    host.done(56)
    registers = machine.registers()
    assert registers["sales_by_form"] == {"form_i": 500, "form_l": 500, "cash": 1500}
    assert (registers["sales_turnover"], registers["drawer"]) == (2500, 11_500)
    assert host.done(110).split(",")[:4] == ["+00001500", "+00000000", "+00000000", "+00000000"]
    assert "form_i" in "\n".join(machine.printer.tape.lines)


def test_the_classic_dialect_has_no_such_forms() -> None:
    host = Host(direct(build({}, StateFile(None), Tape(), FaultPlan())))
    host.stock()
    host.done(48, "00001,0000,00001,I")
    host.done(58, "1*2.000")
    host.refused(53, "\tI5.00", s0=0xA1, s1=0x80)
    host.done(54, "x" * 36)


def test_operators_up_to_16_and_block_after_three_passwords(machine: DatecsMachine, host: Host) -> None:
    host.done(48, "00016,0000,00001,I")
    host.done(57)
    host.refused(48, "00017,0000,00001,I", s0=0xA1, s1=0x80)
    for _ in range(3):
        host.refused(48, "00001,1234,00001,I")
    host.refused(48, "00001,0000,00001,I")
    machine.power_off()
    machine.power_on()
    host.done(48, "00001,0000,00001,I")


def test_fiscal_text_is_narrow_and_bounded(host: Host) -> None:
    host.done(48, "00001,0000,00001,I")
    host.refused(54, "x" * 35, s0=0xA1, s1=0x80)
    for _ in range(30):
        host.done(54, "x" * 34)
    host.refused(54, "x" * 34)
    host.done(54, "xxxx")


def test_accounting_codes_of_an_fp2000(make: Make) -> None:
    old = Host(direct(make()))
    assert old.done(107, "PА11800,1,1.00,0000,Сіль") == "P"
    assert old.done(107, "PА11801,1,1.00,0000,Сіль") == "F"
    old.refused(107, "PА999999999,1,1.00,0000,Сіль", s0=0xA1, s1=0x80)
    new = Host(direct(make(model="FP-2000", capacity=2)))
    assert new.done(107, "PА999999999,1,1.00,0000,Сіль") == "P"
    assert new.done(107, "PА5,1,1.00,0000,Сіль") == "F"
    new.done(48, "00001,0000,00001,I")
    new.done(58, "999999999*1.000")
    with pytest.raises(ValueError, match="FP-700 or FP-2000"):
        make(model="FP-1")


def test_clock_once_after_a_z(host: Host) -> None:
    host.done(61, "24-11-26 10:20:00")
    host.refused(61, "24-11-26 10:21:00")
    host.done(69, "0000,0")
    host.done(61, "24-11-26 10:30:00")
    host.refused(61, "24-11-26 10:31:00")


def test_status_bits(make: Make) -> None:
    assert Host(direct(make(no_display=1, near_end=1, journal_near=1))).ask(74, "X")[1][:3] == b"\x88\x80\x92"


def test_cover_and_journal_stop_printing(make: Make, tmp_path: Path) -> None:
    machine = make()
    host = Host(direct(machine))
    machine.set_cover(True)
    host.refused(48, "00001,0000,00001,I", s1=0xA2)
    assert host.ask(113)[1][:2] == b"\x80\xa0"
    machine.set_cover(False)
    machine.set_paper(False)
    assert host.ask(48, "00001,0000,00001,I")[1][:3] == b"\xa0\x80\x81"
    machine.set_paper(True)
    host.done(48, "00001,0000,00001,I")
    (tmp_path / "state.json").unlink()
    assert Host(direct(make(journal_out=1))).ask(69, "0000,2")[1][:3] == b"\xa0\x80\x85"


def test_24_and_72_hours(machine: DatecsMachine, host: Host) -> None:
    host.stock()
    host.sale()
    machine.advance_clock(86_401)
    host.refused(48, "00001,0000,00001,I")
    host.refused(85, "00001,0000,00001,I")
    host.done(69, "0000,2")
    host.done(69, "0000,0")
    host.sale()
    host.done(69, "0000,0")
    machine.set_link(False)
    host.sale()
    host.done(69, "0000,0")
    machine.advance_clock(72 * 3600)
    host.refused(48, "00001,0000,00001,I")
    host.done(69, "0000,0")
    machine.set_link(True)
    host.sale()


def test_power_and_state_file(make: Make) -> None:
    machine = make(cash=10_000)
    host = Host(direct(machine))
    host.stock()
    host.done(85, "00001,0000,00001,I")
    host.done(58, "1*2.000")
    machine.power_off()
    machine.power_on()
    assert host.ask(74, "X")[1][1:3] == b"\x88\x88"
    again = make()
    assert again.registers() == machine.registers()
    assert Host(direct(again)).done(76, "T") == "1,0001,+00002500,+00000000"


def test_another_unit(machine: DatecsMachine, host: Host) -> None:
    machine.set_serial("ZZ00000001")
    assert "ZZ00000001" in host.done(90, "0")
    assert machine.registers()["drawer"] == 0


def test_faults_of_state(machine: DatecsMachine, host: Host) -> None:
    from drivers.emulation.faults import Fault

    host.stock()
    for fault, command in (("F16", "107"), ("F18", "70"), ("F14", "48"), ("F17", "85")):
        machine.plan.add(Fault(fault, command, when="before"))
    assert host.done(107, "PА1,1,1.00,0000,Хліб") == "F"
    assert host.done(70, "-1.00").startswith("F")
    host.refused(48, "00001,0000,00001,I")
    machine.later("link")
    host.done(48, "00001,0000,00001,I")
    host.done(57)
    host.refused(85, "00001,0000,00001,I")


def test_speed_and_ports(launch: Launch) -> None:
    server = launch("exellio")
    with serial.Serial(server.address, 19200, timeout=0.7) as port:
        port.write(frame(0x31, 74, b"X"))
        assert port.read(1) == b""
        port.baudrate = 115_200
        port.write(frame(0x31, 74, b"X"))
        assert port.read(23)[4:10] == b"\x80\x80\x80\x80\x80\xba"
    server.add_fault("F2", "70")
    with serial.Serial(server.address, 115_200, timeout=0.7) as port:
        for expected in (0, 48):
            port.write(frame(0x32, 70, b"5.00"))
            assert len(port.read(48)) == expected
    assert server.registers()["drawer"] == 500


def test_tcp_twin() -> None:
    machine = build_any("exellio", {}, None, None, FaultPlan())
    with EmulatorServer(machine, TcpLine(0)) as server:
        name, _, number = server.address.partition(":")
        with socket.create_connection((name, int(number)), timeout=5) as connection:
            connection.sendall(frame(0x31, 74, b"X"))
            assert connection.recv(100)[:4] == b"\x01\x31\x31\x4a"
