"""`registrar emulate`: every family as a program on a pseudo-terminal and on TCP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import serial

PROGRAM = [sys.executable, "-m", "drivers.cli", "emulate"]
READY = bytes.fromhex("FD 52 45 41 44 59 06 FE")
FAMILIES = {
    "datecs": (19200, 1, bytes.fromhex("01 25 31 4A 58 05 30 30 3F 3D 03"), b"\x01\x31\x31\x4a"),
    "exellio": (115_200, 1, bytes.fromhex("01 25 31 4A 58 05 30 30 3F 3D 03"), b"\x01\x31\x31\x4a"),
    "ikc": (9600, 1, bytes.fromhex("10 02 01 00 FF 10 03"), bytes.fromhex("06 10 02 01 00 00 00 10 10 00 00")),
    "krypton": (115_200, 1, bytes.fromhex("01 2B 24 21 30 30 30 30 30 30 3B 05 30 31 3D 30 03"), b"\x01\x3c\x24\x21"),
    "maria": (57600, 2, bytes.fromhex("FD 53 59 4E 43 05 FE"), b"\xfdWAIT\x05\xfe"),
}


def start(*arguments: str) -> subprocess.Popen[str]:
    """A program that is ready to be spoken to."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, env=environment)
    assert program.stdout is not None
    assert program.stdout.readline().startswith("ready ")
    return program


def stop(program: subprocess.Popen[str]) -> None:
    program.terminate()
    assert program.wait(20) == 0
    assert program.stdout is not None
    program.stdout.close()


@pytest.mark.parametrize("scheme", FAMILIES)
def test_on_a_pseudo_terminal(scheme: str, tmp_path: Path) -> None:
    baud, stop_bits, question, answer = FAMILIES[scheme]
    link, state, faults = (tmp_path / name for name in ("tty", "state.json", "faults.json"))
    faults.write_text(json.dumps([{"id": "F1", "command": "none"}]), encoding="utf-8")
    program = start(scheme, "--link", str(link), "--state", str(state), "--faults", str(faults))
    try:
        with serial.Serial(str(link), baud, stopbits=stop_bits, timeout=20) as port:
            if scheme == "maria":
                port.write(b"UU")
                assert port.read(len(READY)) == READY
            port.write(question)
            assert port.read(len(answer)) == answer
    finally:
        stop(program)
    if scheme in ("krypton", "maria"):  # the classic ones save nothing of a question
        assert json.loads(state.read_text(encoding="utf-8"))


@pytest.mark.parametrize("scheme", FAMILIES)
def test_on_tcp(scheme: str) -> None:
    _, _, question, answer = FAMILIES[scheme]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
    program = start(scheme, "--port", str(number))
    try:
        with socket.create_connection(("127.0.0.1", number), timeout=20) as connection:
            connection.sendall(question)
            read = b""
            while len(read) < len(answer) and (more := connection.recv(len(answer) - len(read))):
                read += more
            assert read == answer
    finally:
        stop(program)


def test_help_micro_answers_http() -> None:
    program = subprocess.Popen(
        [*PROGRAM, "helpmicro", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert program.stdout is not None
        word, _, url = program.stdout.readline().strip().partition(" ")
        assert word == "ready" and url.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=url, auth=httpx.DigestAuth("service", "751426"), trust_env=False) as client:
            assert client.get("/cgi/state").json()["model"] == "MG-N707TS"
    finally:
        stop(program)


def test_help_micro_has_no_serial_line(tmp_path: Path) -> None:
    arguments = [*PROGRAM, "helpmicro", "--link", str(tmp_path / "tty")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 2 and "--port" in done.stderr
