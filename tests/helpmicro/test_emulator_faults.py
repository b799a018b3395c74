"""The fault catalogue of emulators.md §3 where it applies to HTTP, through a real socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpmicro.emulator_host import SALE, Till, item, pay, running

Z = "proc/printreport?0"


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    with running(tmp_path, cash=100_000, timeout=1.0) as till:
        yield till


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def turnover(till: Till) -> int:
    return int(till.registers()["sales_turnover"])


def test_f1_dropped(till: Till) -> None:
    till.server.add_fault("F1", "F")
    with pytest.raises(httpx.RemoteProtocolError):
        till.post(SALE)
    assert turnover(till) == 0
    till.done(SALE)


def test_f2_executed_and_the_answer_lost(till: Till) -> None:
    till.server.add_fault("F2", "F")
    with pytest.raises(httpx.RemoteProtocolError):
        till.post({"F": [item(), {"N": {"cm": "my-mark"}}, pay()]})
    assert turnover(till) == 2500
    [found] = [entry for entry in till.get("/cgi/chk") if {"N": {"cm": "my-mark"}} in entry.get("F", [])]
    assert found["no"] == till.get("/cgi/state")["chkId"] == 1


def test_f2_in_silence(till: Till) -> None:
    till.server.add_fault("F2", Z, seconds=1.5)
    with pytest.raises(httpx.ReadTimeout):
        till.z()
    assert till.registers()["z_number"] == 1


def test_f3_corrupted(till: Till) -> None:
    till.server.add_fault("F3", "F")
    reply = till.http.post("/cgi/chk", json=SALE)
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert turnover(till) == 2500


def test_f4_and_f20(till: Till) -> None:
    till.server.add_fault("F4", "F")
    assert till.http.post("/cgi/chk", json=SALE).status_code == 400
    till.server.add_fault("F20", "state")
    assert till.http.get("/cgi/state").headers["Content-Type"] == "text/html"
    assert turnover(till) == 0
    till.done(SALE)


def test_f5_slow_and_f6_hang(till: Till) -> None:
    till.server.add_fault("F5", "F", seconds=0.5)
    began = time.monotonic()
    till.done(SALE)
    assert time.monotonic() - began >= 0.5
    till.server.add_fault("F6", "F")
    with pytest.raises(httpx.ReadTimeout):
        till.post(SALE)
    assert turnover(till) == 5000
    till.server.power_off()
    till.server.power_on()
    assert till.get("/cgi/state")["chkId"] == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("command", ["F", "R", "IO", Z])
def test_f8_power(till: Till, command: str, when: str) -> None:
    till.server.add_fault("F8", command, when=when)
    documents: dict[str, Any] = {"F": SALE, "R": {"R": [item(), pay()]}, "IO": {"IO": [{"IO": {"sum": 25}}]}}
    with pytest.raises(httpx.TransportError):
        if command == Z:
            till.z()
        else:
            till.post(documents[command])
    till.server.power_on()
    registers = till.registers()
    assert len(registers["journal"]) == (when == "after")
    assert len(till.get("/cgi/chk")) == (0 if command == Z and when == "after" else 1 + (when == "after"))


def test_without_power_nobody_answers(till: Till) -> None:
    till.get("/cgi/state")
    till.server.power_off()
    with pytest.raises(httpx.TransportError):
        till.get("/cgi/state")
    with pytest.raises(httpx.ConnectError):
        till.get("/cgi/state")
    till.server.unplug()
    till.server.replug()
    with pytest.raises(httpx.ConnectError):
        till.get("/cgi/state")
    till.server.power_on()
    till.get("/cgi/state")


@pytest.mark.parametrize("fault", ["F9", "F10"])
def test_paper_out_before_and_after(tmp_path: Path, till: Till, fault: str) -> None:
    def mend() -> None:
        till.server.set_paper(True)
        till.server.set_cover(False)

    till.server.add_fault(fault, "F", when="before")
    till.refused(SALE, "8B" if fault == "F9" else "88", 1)
    assert turnover(till) == 0
    mend()
    till.server.add_fault(fault, "F", when="after")
    assert till.done(SALE)["pending"] == 1
    assert turnover(till) == 2500 and "ФІСКАЛЬНИЙ ЧЕК" not in (tmp_path / "tape.txt").read_text(encoding="utf-8")
    assert till.get("/cgi/chk?no=1")[0]["pending"] == 1
    assert till.get("/cgi/proc/state")["state"] == 0x2000
    mend()
    assert "pending" not in till.get("/cgi/chk?no=1")[0]
    assert "ФІСКАЛЬНИЙ ЧЕК" in (tmp_path / "tape.txt").read_text(encoding="utf-8")


def test_pending_is_printed_after_power_up(tmp_path: Path, till: Till) -> None:
    till.server.add_fault("F9", "F")
    till.done(SALE)
    till.server.power_off()
    till.server.set_paper(True)
    till.server.power_on()
    assert (tmp_path / "tape.txt").read_text(encoding="utf-8").count("ФІСКАЛЬНИЙ ЧЕК") == 1
    assert "pending" not in till.get("/cgi/chk?no=1")[0]


def test_a_z_without_paper_is_done(till: Till) -> None:
    till.server.add_fault("F9", Z, restore_after=0.1)
    assert till.z() == {"err": [{"e": "x8B"}]}
    assert till.registers()["z_number"] == 1
    wait_for(lambda: till.get("/cgi/state")["err"] == [])


def test_f11_unplugged_and_f12_another_unit(till: Till) -> None:
    till.done(SALE)
    till.server.add_fault("F11", "state")
    with pytest.raises(httpx.TransportError):
        till.get("/cgi/state")
    with pytest.raises(httpx.ConnectError):
        till.get("/cgi/state")
    till.server.replug()
    till.get("/cgi/state")
    till.server.add_fault("F12", "state", serial="GP99999999", restore_after=0.0)
    with pytest.raises(httpx.TransportError):
        till.get("/cgi/state")
    wait_for(lambda: till.registers()["serial"] == "GP99999999")
    assert till.get("/cgi/state")["serial"] == "GP99999999" and till.get("/cgi/chk") == []
    till.server.unplug()
    till.server.replug("GP00000049")
    assert till.get("/cgi/state")["chkId"] == 1


def test_states(till: Till) -> None:
    till.server.add_fault("F14", "F", when="before")
    till.refused(SALE, "A6")
    till.server.set_link(True)
    till.server.add_fault("F16", "F", when="before")
    till.refused(SALE, "C4", 1)
    till.server.add_fault("F18", "R", when="before")
    till.refused({"R": [item(code=7), pay()]}, "D0")
    for fault, code in (("F19", "C8"), ("F23", "C6")):
        till.server.add_fault(fault, "F", when="before")
        till.refused({"F": [item(code=8), pay()]}, code)
        till.server.heal()
    till.server.add_fault("F13", "F", seconds=86_500)
    till.done({"F": [item(code=8), pay()]})
    till.refused({"F": [item(code=8), pay()]}, "D3")
    till.server.add_fault("F17", "state")
    till.get("/cgi/state")
    assert till.http.get("/cgi/state").status_code == 401
    till.server.machine.later("password")
    till.get("/cgi/state")


def test_a_hook_cuts_a_slow_answer(till: Till) -> None:
    till.server.add_fault("F5", "F", seconds=20)
    cutter = threading.Timer(0.3, till.server.power_off)
    cutter.start()
    with pytest.raises(httpx.TransportError):
        till.post(SALE)
    cutter.join()
    assert turnover(till) == 2500
