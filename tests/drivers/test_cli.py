"""The `registrar` command through real processes, both ends: the command and the virtual registrar."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SALE = {
    "kind": "sale",
    "lines": [{"code": "7", "name": "Хліб", "quantity": 2000, "price": 1250, "sum": 2500, "tax": "А"}],
    "payments": [{"form": "cash", "amount": 3000}],
}
HASTE = "cap=3&silence_ms=150&working_ms=300"


class Place:
    """A folder with a journal, and the commands that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self._emulators: list[subprocess.Popen[str]] = []

    def run(self, *arguments: str, stdin: str = "", program: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = program or (sys.executable, "-m", "drivers.cli")
        return subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | {"KASA_JOURNAL": str(self.journal)},
        )

    def data(self, *arguments: str, status: int = 0, stdin: str = "") -> Any:
        """Run with --json: exactly one JSON value on stdout and nothing beside it."""
        done = self.run(*arguments, "--json", stdin=stdin)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert done.stdout.count("\n") == 1 and done.stderr == ""
        return json.loads(done.stdout)

    def emulate(self, *arguments: str) -> tuple[str, subprocess.Popen[str]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "drivers.cli", "emulate", "datecs", *arguments], stdout=subprocess.PIPE, text=True
        )
        self._emulators.append(process)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 20)[0], "the emulator does not become ready"
        word, _, where = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        return where, process

    def url(self, *arguments: str) -> str:
        """The URL of a fresh virtual registrar on a pseudo-terminal, with 1000.00 in its drawer."""
        where, _ = self.emulate("--link", str(self.folder / "tty"), "--option", "cash=100000", *arguments)
        return f"datecs+serial://{where}?{HASTE}"

    def sale(self, **changes: Any) -> str:
        path = self.folder / "sale.json"
        path.write_text(json.dumps({"id": str(uuid.uuid4()), **SALE, **changes}), encoding="utf-8")
        return str(path)

    def faults(self, *faults: dict[str, Any]) -> str:
        path = self.folder / "faults.json"
        path.write_text(json.dumps(faults))
        return str(path)

    def stop(self, process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(how)
        status = process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
        self._emulators.remove(process)
        return status

    def close(self) -> None:
        for process in list(self._emulators):
            self.stop(process, signal.SIGKILL)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_status(place: Place) -> None:
    url = place.url()
    told = place.data("status", url)
    assert told["info"]["serial"] == "AB12345678" and told["info"]["tax_rates"]["А"] == "20.00"
    assert told["status"]["drawer"] == 100_000 and told["status"]["shift_open"] is False
    human = place.run("status", url)
    assert human.returncode == 0
    assert "AB12345678" in human.stdout and "ready to sell" in human.stdout and "1000.00" in human.stdout


def test_a_day(place: Place) -> None:
    tape = place.folder / "tape.txt"
    url = place.url("--tape", str(tape))
    assert place.data("cash-in", url, "50,50")["result"]["state"] == "registered"
    sale = place.data("register", url, place.sale())
    assert (sale["result"]["total"], sale["result"]["change"]) == (2500, 500)
    assert sale["result"]["at"].endswith(("Z", "+00:00"))
    totals = place.data("x", url)["totals"]
    assert (totals["sales_by_tax"], totals["drawer"]) == ({"А": 2500}, 107_550)
    assert place.data("cash-out", url, "1075.50")["result"]["state"] == "registered"
    assert place.data("z", url)["result"]["z_number"] == 1
    events = [record["event"] for record in place.data("journal")["records"]]
    assert events == ["intent", "outcome"] * 4
    paper = tape.read_text(encoding="utf-8")
    assert [line.split()[2] for line in paper.splitlines() if line.startswith("#DOC")] == [
        "CASH_IN", "SALE", "CASH_OUT", "Z",
    ]  # fmt: skip
    human = place.run("journal", "--last", "2")
    assert human.stdout.count("\n") == 2 and "registered" in human.stdout and "z_report" in human.stdout


def test_the_same_document_twice(place: Place) -> None:
    url, path = place.url(), place.sale()
    first = place.data("register", url, path)
    assert place.data("register", url, path) == first
    assert place.data("x", url)["totals"]["sales_by_tax"] == {"А": 2500}


def test_document_from_stdin(place: Place) -> None:
    text = json.dumps({"id": str(uuid.uuid4()), **SALE})
    assert place.data("register", place.url(), "-", stdin=text)["result"]["state"] == "registered"


def test_human_register(place: Place) -> None:
    done = place.run("register", place.url(), place.sale())
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("registered: sale 25.00, number 1")


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"discount": 2501},
        {"discount": 0.5},
        {"lines": []},
        {"payments": [{"form": "cash", "amount": 2400}]},
        {"kind": "gift"},
        {"id": "not-a-uuid"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_wrong_document_is_refused_before_anything(place: Place, changes: dict[str, Any]) -> None:
    # Nobody listens at this address: the refusal cannot have come from there.
    url = "datecs+serial:///nowhere"
    told = place.data("register", url, place.sale(**changes), status=2)
    assert told["error"]["what"]
    assert "nothing was sent" in place.run("register", url, place.sale(**changes)).stderr
    assert not place.journal.exists() or place.journal.read_bytes() == b""


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"id": NaN}', '{"id": 1e999}', "\xff\xfe", '{"kind":"zero","kind":"sale"}'], ids=repr
)
def test_what_is_no_document(place: Place, text: str) -> None:
    assert "error" in place.data("register", "datecs+serial:///nowhere", "-", stdin=text, status=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("register", "datecs+serial:///nowhere", "/no/such/file.json"),
        ("status", "no-url"),
        ("status", "strange+serial:///dev/null"),
        ("status", "datecs+serial:///dev/null?sped=1"),
        ("status", "datecs+serial:///dev/null?baud=fast"),
        ("status",),
        ("frobnicate",),
        ("cash-in", "datecs+serial:///nowhere", "0"),
        ("cash-in", "datecs+serial:///nowhere", "1.005"),
        ("cash-in", "datecs+serial:///nowhere", "NaN"),
        ("cash-out", "datecs+serial:///nowhere", "-5"),
        ("emulate", "datecs"),
        ("emulate", "toaster", "--port", "0"),
        ("emulate", "datecs", "--port", "0", "--option", "colour=red"),
        ("z", "datecs+serial:///nowhere", "--id", "7"),
    ],
    ids=" ".join,
)
def test_wrong_usage(place: Place, arguments: tuple[str, ...]) -> None:
    told = place.data(*arguments, status=2)
    assert told["error"]["code"] and told["error"]["what"]
    human = place.run(*arguments)
    assert human.returncode == 2 and human.stderr and "Traceback" not in human.stderr and human.stdout == ""


def test_rejected(place: Place) -> None:
    url = place.url()
    told = place.data("cash-out", url, "1000.01", status=3)
    assert (told["result"]["state"], told["result"]["fault"]["code"]) == ("rejected", "INSUFFICIENT_CASH")
    human = place.run("cash-out", url, "1000.01")
    assert human.returncode == 3 and "INSUFFICIENT_CASH" in human.stdout


@pytest.mark.parametrize("what", ["status", "x", "z", "register"])
def test_not_reachable(place: Place, what: str) -> None:
    more = (place.sale(),) if what == "register" else ()
    told = place.data(what, f"datecs+serial://{place.folder}/nothing?{HASTE}", *more, status=5)
    fault = told["error"] if "error" in told else told["result"]["fault"]
    assert fault["code"] == "OFFLINE"


def test_the_port_is_taken(place: Place) -> None:
    url = place.url()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert place.data("status", url, status=5)["error"]["code"] == "BUSY"
    holder.communicate("go\n", timeout=20)
    assert place.data("status", url)["info"]["serial"] == "AB12345678"


HOLD = """
import sys
from drivers.registry import connect
registrar = connect(sys.argv[1])
registrar.info()
print("held", flush=True)
sys.stdin.readline()
"""


def test_unknown_then_the_same_id_asks_first(place: Place) -> None:
    """The printer closes the receipt and dies: 4. Back again, the same command adopts the receipt and repeats none."""
    state, tape, link = place.folder / "state.json", place.folder / "tape.txt", place.folder / "tty"
    memory = ("--link", str(link), "--state", str(state), "--tape", str(tape))
    plan = place.faults({"id": "F8", "command": "56", "when": "after"})
    where, printer = place.emulate(*memory, "--faults", plan)
    url, path = f"datecs+serial://{where}?{HASTE}", place.sale()
    told = place.data("register", url, path, "--patience", "0.5", status=4)
    assert told["result"]["state"] == "unknown"
    # Something else must not pass before the question is answered.
    other = place.data("cash-in", url, "1", "--patience", "0.5", status=4)
    assert other["error"]["code"] == "UNSETTLED" and other["id"] == told["id"]
    human = place.run("register", url, path, "--patience", "0.5")
    assert human.returncode == 4 and told["id"] in human.stdout
    place.stop(printer)
    place.emulate(*memory)
    assert place.data("register", url, path)["result"]["state"] == "registered"
    assert place.data("x", url)["totals"]["sales_by_tax"] == {"А": 2500}
    assert tape.read_text(encoding="utf-8").count(" SALE ") == 1
    assert place.data("cash-in", url, "1")["result"]["state"] == "registered"


def test_a_killed_command_is_settled_by_the_next(place: Place) -> None:
    """SIGKILL while the printer works on the payment: the next command reads the trace before anything new."""
    plan = place.faults({"id": "F6", "command": "53", "restore_after": 3})
    url = place.url("--faults", plan)
    command = subprocess.Popen(
        [sys.executable, "-m", "drivers.cli", "register", url, place.sale()],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"KASA_JOURNAL": str(place.journal)},
    )
    deadline = time.monotonic() + 20
    while not (place.journal.exists() and b'"intent"' in place.journal.read_bytes()):
        assert time.monotonic() < deadline, "no intent was written"
        time.sleep(0.01)
    command.kill()
    command.wait(20)
    assert place.data("cash-in", url, "1")["result"]["state"] == "registered"
    records = place.data("journal")["records"]
    assert [record["event"] for record in records] == ["intent", "outcome", "intent", "outcome"]
    sold = place.data("x", url)["totals"]["sales_by_tax"]
    assert sold == ({"А": 2500} if records[1]["result"]["state"] == "registered" else {})


def test_cash_with_an_id_is_not_repeated(place: Place) -> None:
    url, identity = place.url(), str(uuid.uuid4())
    first = place.data("cash-in", url, "10", "--id", identity)
    assert place.data("cash-in", url, "10", "--id", identity) == first
    assert place.data("status", url)["status"]["drawer"] == 101_000
    assert "used for another" in place.data("cash-in", url, "11", "--id", identity, status=2)["error"]["what"]


def test_detect(place: Place) -> None:
    url = place.url()
    port = url.removeprefix("datecs+serial://").partition("?")[0]
    found = place.data("detect", port)["ports"]
    assert found[0]["info"]["serial"] == "AB12345678"
    assert found[0]["url"] == f"datecs+serial://{port}?baud=19200"
    assert place.data("status", found[0]["url"])["info"]["serial"] == "AB12345678"
    nothing = place.run("detect", str(place.folder / "nothing"))
    assert nothing.returncode == 5 and "nothing here" in nothing.stdout
    told = place.run("detect", port).stdout
    assert "FP-3530T" in told and "serial AB12345678, fiscal number" in told and "firmware 1.31" in told


def test_emulator_keeps_its_memory_and_takes_a_free_port(place: Place) -> None:
    state = place.folder / "state.json"
    where, process = place.emulate("--port", "0", "--state", str(state))
    url = f"datecs+tcp://{where}?{HASTE}"
    place.data("register", url, place.sale())
    assert place.stop(process) == 0
    where, _ = place.emulate("--port", "0", "--state", str(state))
    assert place.data("x", f"datecs+tcp://{where}?{HASTE}")["totals"]["sales_by_tax"] == {"А": 2500}


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '[{"id":"F99"}]', '[{"id":"F1","nth":0}]', '[{"id":"F1","colour":"red"}]', "["], ids=repr
)
def test_a_wrong_plan_of_faults(place: Place, text: str) -> None:
    path = place.folder / "faults.json"
    path.write_text(text)
    assert "error" in place.data("emulate", "datecs", "--port", "0", "--faults", str(path), status=2)


def test_a_file_that_is_no_memory(place: Place) -> None:
    path = place.folder / "state.json"
    path.write_text('{"colour": "red"}')
    assert "memory" in place.data("emulate", "datecs", "--port", "0", "--state", str(path), status=2)["error"]["what"]
    assert path.read_text() == '{"colour": "red"}'


def test_a_damaged_journal_is_refused_and_kept(place: Place) -> None:
    url = place.url()
    place.data("cash-in", url, "10")
    damaged = place.journal.read_bytes().replace(b'"cash_in"', b'"cash_on"')
    place.journal.write_bytes(damaged)
    assert "damaged" in place.data("journal", status=2)["error"]["what"]
    assert "damaged" in place.data("cash-in", url, "10", status=2)["error"]["what"]
    assert place.journal.read_bytes() == damaged


def test_schema_and_console_script(place: Place) -> None:
    schema = place.data("schema")
    assert schema["$ref"] and "Document" in schema["$defs"]
    script = Path(sys.executable).with_name("registrar")
    if not script.exists():
        pytest.skip("the package is not installed in this environment")
    assert json.loads(place.run("schema", program=(str(script),)).stdout) == schema


def test_wire_shows_bytes_and_hides_the_password(place: Place) -> None:
    url = place.url()
    done = place.run("register", url, place.sale(), "--wire")
    assert "> 01" in done.stderr and "< 01" in done.stderr
    assert "2A 2A 2A 2A" in done.stderr and "30 30 30 30 2C 30 30 30 30 31" not in done.stderr


@pytest.mark.parametrize("command", [(), ("register",), ("emulate",)], ids=["all", "register", "emulate"])
def test_help(place: Place, command: tuple[str, ...]) -> None:
    done = place.run(*command, "--help")
    assert done.returncode == 0 and "usage: registrar" in done.stdout


def test_record_and_replay(place: Place) -> None:
    where, _ = place.emulate("--link", str(place.folder / "tty"))
    url = f"datecs+serial://{where}?{HASTE}&password=0000"
    file = place.folder / "session.wire"
    assert place.run("register", url, place.sale(), "--record", str(file)).returncode == 0
    done = place.run("replay", str(file))
    assert done.returncode == 0 and "same  register" in done.stdout and "NOT" not in done.stdout
    again = place.data("replay", str(file), "--emulator", "datecs")
    assert again["same"] is True and again["report"]["outcomes"][0]["call"] == "snapshot"
    poor = place.run("replay", str(file), "--emulator", url)
    assert poor.returncode == 0
    file.write_text(file.read_text().replace('"state":"registered"', '"state":"rejected"'))
    changed = place.run("replay", str(file))
    assert changed.returncode == 3 and "DIFFERS  register" in changed.stdout
    file.write_text("nothing of the kind\n")
    assert place.data("replay", str(file), status=2)["error"]["code"] == "BAD_FIELD"
