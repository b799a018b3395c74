"""Detection of every family on a line: identification only, the reply decides (usb-udev.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.discovery import detect
from drivers.emulation.command import build, timing
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine, TcpLine
from drivers.emulation.server import EmulatorServer
from drivers.registry import connect
from tests.peers import pty_peer


def server(scheme: str, line: PtyLine | TcpLine, folder: Path) -> EmulatorServer:
    machine = build(scheme, {}, folder / "state.json", folder / "tape.txt", FaultPlan())
    return EmulatorServer(machine, line, timing({}))


SERIALS = {"krypton": "AB12345678", "maria": "AB12345678", "ikc": "IK00012345"}


@pytest.mark.parametrize("scheme", SERIALS)
def test_a_registrar_on_a_serial_line(scheme: str, tmp_path: Path) -> None:
    with server(scheme, PtyLine(tmp_path / "tty"), tmp_path) as device:
        (found,) = detect([device.address], SystemClock())
        assert found.url.startswith(f"{scheme}+serial://{device.address}")
        assert found.info is not None and found.info.serial == SERIALS[scheme] and found.info.family == scheme
        assert device.registers()["journal"] == []
        registrar = connect(found.url)
        assert registrar.info() == found.info
        registrar.close()


def test_krypton_over_tcp(tmp_path: Path) -> None:
    with server("krypton", TcpLine(0), tmp_path) as device:
        (found,) = detect([device.address], SystemClock())
        assert found.url == f"krypton+tcp://{device.address}"


def test_ikc_over_tcp(tmp_path: Path) -> None:
    with server("ikc", TcpLine(0), tmp_path) as device:
        (found,) = detect([device.address], SystemClock())
        assert found.url == f"ikc+tcp://{device.address}"


@pytest.mark.parametrize("password", ["751426", "123456"])
def test_help_micro_at_an_address(password: str, tmp_path: Path) -> None:
    """A device with another login is told by its refusal, and its three attempts are not used up."""
    machine = build("helpmicro", {"password": password}, tmp_path / "state.json", tmp_path / "tape.txt", FaultPlan())
    with EmulatorServer(machine, TcpLine(0), timing({})) as device:
        (found,) = detect([device.address], SystemClock())
        if password == "751426":
            assert found.url == f"helpmicro+http://{device.address}"
            assert found.info is not None and found.info.serial == "GP00000049"
        else:
            assert found.info is None and f"helpmicro+http://{device.address}: PASSWORD" in found.tried
        assert device.registers()["journal"] == []


def test_an_echo_is_nobody() -> None:
    with pty_peer(lambda chunk: chunk) as path:
        (found,) = detect([path], SystemClock())
    assert found.url == "" and found.info is None
    assert any("maria" in attempt for attempt in found.tried)
