"""`registrar emulate escpos` and `registrar printer` as a technician runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.cli import DONE, REJECTED, USAGE, main
from tests.printers.conftest import Plug


@pytest.fixture
def program(tmp_path: Path) -> Iterator[str]:
    """The virtual printer as a program of its own; gives its URL."""
    command = [
        sys.executable,
        "-m",
        "drivers.cli",
        "emulate",
        "escpos",
        "--port",
        "0",
        "--tape",
        str(tmp_path / "tape"),
    ]
    child = subprocess.Popen([*command, "--option", "model=star"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield f"escpos+tcp://{child.stdout.readline().split()[1]}?profile=star"
    finally:
        child.terminate()
        child.wait(20)
        child.stdout.close()


def test_a_page_on_a_printer_that_is_a_program(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["printer", program, "--pages", "--drawer", "--wire"]) == DONE
    told = capsys.readouterr()
    assert "ready" in told.out and "10 04 01" in told.err
    tape = (tmp_path / "tape").read_text(encoding="utf-8")
    assert "cp1251:34" in tape and "АБВГҐДЕЄЖЗИІЇЙ" in tape and "[DRAWER 2]" in tape


def test_a_printer_in_trouble(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    rig = plug("tcp")
    rig.server.set_cover(True)
    assert main(["printer", rig.url, "--json"]) == REJECTED
    assert json.loads(capsys.readouterr().out)["state"] == {"told": True, "trouble": "cover open", "paper_low": False}
    assert main(["printer", rig.url, "--pages"]) == REJECTED
    assert main(["printer", "tape:///tmp/x"]) == USAGE
