"""The `registrar` command on a software registrar, both ends as programs: keys, shift, offline, recording."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from drivers.replay import load
from tests.drivers.test_cli import Place

PASSWORD = "parol-Kluch-7319"
STATUS_REJECTED, STATUS_USAGE, STATUS_UNREACHABLE = 3, 2, 5


class Software(Place):
    """A fiscal server and a machine with its keys."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.keys = folder / "keys"
        self.secret = folder / "password"
        self.secret.touch(mode=0o600)
        self.secret.write_text(PASSWORD + "\n", encoding="utf-8")
        self.address = self.serve()
        made = folder / "fs.demo"
        (self.keys / "trust").mkdir(parents=True)
        shutil.copy(made / "authority.cer", self.keys / "trust")
        for name in ("cashier.jks", "cashier.cer"):
            shutil.copy(made / name, self.keys)

    def serve(self, port: int = 0) -> str:
        """Start the server; the same port brings the same one back."""
        arguments = ["--port", str(port), "--state", str(self.folder / "fs.db"), "--tape", str(self.folder / "fs.txt")]
        command = [sys.executable, "-m", "drivers.cli", "emulate", "prro", *arguments, "--option"]
        process = subprocess.Popen([*command, f"password={PASSWORD}"], stdout=subprocess.PIPE, text=True)
        self._emulators.append(process)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 60)[0], "the server does not become ready"
        return process.stdout.readline().strip().removeprefix("ready ")

    @property
    def server(self) -> subprocess.Popen[str]:
        return self._emulators[-1]

    def on(self, name: str = "one") -> str:
        """The registrar's URL on one machine; another name is another machine."""
        options = f"fn=4000123456&key=cashier&keys={self.keys}&state={self.folder / name}&demo=yes&connect_ms=1000"
        return f"prro+{self.address}?{options}&tape={self.folder / 'tape.txt'}"

    def ask(self, command: str, *more: str, status: int = 0, name: str = "one") -> Any:
        return self.data(command, self.on(name), *more, "--key-password-file", str(self.secret), status=status)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Software]:
    place = Software(tmp_path)
    yield place
    place.close()


def test_a_day_by_commands(place: Software) -> None:
    status = place.ask("status")
    assert status["info"]["fiscal_number"] == "4000123456" and status["status"]["registered"]
    assert place.ask("open-shift")["result"]["state"] == "registered"
    assert place.ask("cash-in", "100")["result"]["state"] == "registered"
    sold = place.ask("register", place.sale())["result"]
    assert (sold["state"], sold["total"], sold["change"]) == ("registered", 2500, 500)
    assert place.ask("cash-out", "20.50")["result"]["total"] == 2050
    assert place.ask("x")["totals"]["drawer"] == 10_000 + 2_500 - 2_050
    closed = place.ask("z")["result"]
    assert (closed["totals"]["sales_by_form"], closed["totals"]["receipts"]) == ({"cash": 2500}, 1)
    tape = (place.folder / "fs.txt").read_text(encoding="utf-8")
    kinds = [line.split()[2] for line in tape.splitlines() if line.startswith("#DOC")]
    assert kinds == ["OPEN_SHIFT", "CASH_IN", "SALE", "CASH_OUT", "Z_REPORT", "CLOSE_SHIFT"]
    text = place.run("status", place.on(), "--key-password-file", str(place.secret)).stdout
    assert "registration in force" in text and "online, 0 documents wait" in text


def test_where_the_password_comes_from(place: Software) -> None:
    place.secret.chmod(0o644)
    told = place.ask("status", status=STATUS_USAGE)["error"]
    assert "chmod 600" in told["what"] and told["field"] == "key-password-file"
    place.secret.chmod(0o600)
    place.secret.write_text("wrong\n", encoding="utf-8")
    assert place.ask("status", status=STATUS_REJECTED)["error"]["code"] == "KEY_PASSWORD"
    place.secret.write_text("", encoding="utf-8")
    assert "empty" in place.ask("status", status=STATUS_USAGE)["error"]["what"]
    device = ("status", "datecs+serial:///dev/null", "--key-password-file", str(place.secret))
    assert "no key" in place.data(*device, status=STATUS_USAGE)["error"]["what"]


def test_without_a_terminal_and_by_the_environment_no_password_is_taken(place: Software) -> None:
    command = [sys.executable, "-m", "drivers.cli", "status", place.on()]
    for extra, word in (
        ({}, "--key-password-file"),
        ({"KASA_KEY_PASSWORD": PASSWORD}, "KASA_KEY_PASSWORD is not read"),
    ):
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, start_new_session=True,
            env=os.environ | extra,
        )  # fmt: skip
        assert done.returncode == STATUS_USAGE and word in done.stderr
        assert PASSWORD not in done.stdout + done.stderr


def test_the_password_is_asked_for_on_a_terminal(place: Software) -> None:
    child = pexpect.spawn(sys.executable, ["-m", "drivers.cli", "status", place.on()], encoding="utf-8", timeout=60)
    child.expect("Password of the key cashier: ")
    child.sendline(PASSWORD)
    child.expect("ready to sell")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and PASSWORD not in str(child.before)


def test_detect_needs_no_key(place: Software) -> None:
    found = place.data("detect", place.on())["servers"][0]
    assert found["keys"] == ["cashier"] and found["latency"] is not None
    place.stop(place.server)
    assert place.data("detect", place.on(), status=STATUS_UNREACHABLE)["servers"][0]["latency"] is None


def test_offline_documents_are_brought_home_by_sync(place: Software) -> None:
    place.ask("open-shift")
    port = int(place.address.rpartition(":")[2].partition("/")[0])
    place.stop(place.server)
    sold = place.ask("register", place.sale())["result"]
    assert sold["state"] == "registered" and sold["evidence"]["offline"] == 1
    assert place.ask("sync", status=STATUS_UNREACHABLE)["error"]["code"] == "OFFLINE"
    alone = place.ask("status", status=STATUS_UNREACHABLE)
    assert alone["info"] is None and alone["status"]["offline"]["queued"] == 2
    place.serve(port)
    home = place.ask("sync")["offline"]
    assert (home["mode"], home["queued"]) == ("online", 0)
    assert "SALE" in (place.folder / "fs.txt").read_text(encoding="utf-8")


def test_another_machine_takes_the_registrar_over(place: Software) -> None:
    place.ask("open-shift")
    assert place.ask("status", name="two", status=STATUS_REJECTED)["error"]["code"] == "DIFFERENT_DEVICE"
    assert "--yes" in place.ask("take-over", name="two", status=STATUS_USAGE)["error"]["what"]
    assert place.ask("take-over", "--yes", name="two")["info"]["fiscal_number"] == "4000123456"
    assert place.ask("status", name="two")["status"]["shift_open"]
    assert place.ask("status", status=STATUS_REJECTED)["error"]["code"] == "DIFFERENT_DEVICE"


def test_a_recording_holds_every_exchange_and_its_documents_are_built_again(place: Software) -> None:
    for number, act in enumerate((("open-shift",), ("register", place.sale()), ("z",))):
        place.ask(act[0], *act[1:], "--record", str(place.folder / f"{number}.wire"))
    sale = load(place.folder / "1.wire")
    words = [event.word for event in sale.events]
    assert words.count("post") == words.count("answer") > 3
    assert any(event.what[0].endswith("/doc") for event in sale.events if event.word == "post")
    assert any(event.what[0].endswith("/tsp") for event in sale.events if event.word == "post"), "the authority too"
    raw = b"".join(
        bytes.fromhex(event.what[-1]) for event in sale.events if event.word in ("post", "answer")
    )  # fmt: skip
    assert "Хліб".encode("cp1251") in raw and PASSWORD.encode() not in raw
    database = place.folder / "one" / "4000123456.sqlite3"
    seeds = [json.loads(value) for (value,) in _facts(database, "pair")]
    for number in range(3):
        text = (place.folder / f"{number}.wire").read_text(encoding="ascii")
        assert PASSWORD not in text and PASSWORD.encode().hex() not in text
        assert seeds and all(pair[1].encode().hex() not in text for pair in seeds)
    for number, documents in ((0, 1), (1, 1), (2, 2)):
        told = place.data("replay", str(place.folder / f"{number}.wire"))
        assert told["same"] and len(told["report"]["outcomes"]) == documents
        assert "fresh each time" in told["report"]["note"]
    live = (place.on(), "--key-password-file", str(place.secret))
    told = place.data("replay", str(place.folder / "0.wire"), "--emulator", *live)
    assert told["same"] and told["report"]["outcomes"], "the same act put to the registrar again is the same document"
    # What the call asked for is changed after the fact: the XML gives it away.
    path = place.folder / "1.wire"
    path.write_text(path.read_text(encoding="ascii").replace('"quantity":2000', '"quantity":1000'), encoding="ascii")
    assert not place.data("replay", str(path), status=STATUS_REJECTED)["same"]


def _facts(database: Path, name: str) -> list[tuple[str]]:
    import sqlite3

    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchall()
