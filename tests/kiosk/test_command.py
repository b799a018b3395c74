"""The `kiosk` command: settings, check, a real terminal, logs that never meet the screen."""

from __future__ import annotations

import logging
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pexpect
import pyte
import pytest

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind
from drivers.prro.keys import ring
from drivers.registrar import Registrar, Result
from kiosk import demo, logs
from kiosk.cli import DAMAGED, DONE, USAGE, _parser, main
from kiosk.ledger.demo import KEY_PASSWORD, VAT_NUMBER
from kiosk.start import open_till


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def config(folder: Path, text: str = "") -> str:
    path = folder / "kiosk.toml"
    path.write_text(f'data = "{folder / "data"}"\n{text}', encoding="utf-8")
    return str(path)


def test_check_of_a_fresh_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    assert main(["check", "--config", config(tmp_path)]) == DONE
    assert "the chain holds" in capsys.readouterr().out


def test_check_of_a_damaged_ledger_leaves_it_untouched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "ledger.db"
    path.write_bytes(b"rubbish" * 999)
    assert main(["check", "--config", config(tmp_path)]) == DAMAGED
    assert "damaged" in capsys.readouterr().err
    assert path.read_bytes() == b"rubbish" * 999


def test_a_misspelt_setting_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", config(tmp_path, "langage = 'uk'")]) == USAGE
    assert "langage" in capsys.readouterr().err


def test_the_till_needs_a_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk.cli", "run", "--config", config(tmp_path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == USAGE and "terminal" in done.stderr


def test_the_help_is_quick_about_imports() -> None:
    code = "import sys, kiosk.cli; print([m for m in ('textual', 'sqlalchemy', 'asyncio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Terminal:
    """A real terminal of 80 × 25 with the kiosk in it."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._screen = pyte.Screen(80, 25)
        self._stream = pyte.Stream(self._screen)
        self.child = pexpect.spawn(
            sys.executable, ["-m", "kiosk.cli", *arguments],
            env=os.environ | environment, dimensions=(25, 80), encoding="utf-8", timeout=60,
        )  # fmt: skip

    def wait(self, text: str) -> str:
        """Read until the screen shows `text`; returns the screen."""
        while text not in "\n".join(self._screen.display):
            try:
                self._stream.feed(self.child.read_nonblocking(4096, timeout=60))
            except pexpect.EOF:
                raise AssertionError("\n".join(self._screen.display)) from None
        return "\n".join(self._screen.display)


@pytest.mark.parametrize("colours", [{}, {"NO_COLOR": "1"}])
def test_the_demo_in_a_real_terminal_twice(tmp_path: Path, colours: dict[str, str]) -> None:
    """A newcomer types one command, gets in with the PIN on the screen; the second start goes on with the same data."""
    for start in range(2):
        terminal = Terminal(["demo", "--data", str(tmp_path)], {"TERM": "linux", "LANG": "C.UTF-8", **colours})
        try:
            text = terminal.wait("PIN 1111")
            assert "скануйте бейдж" in text and ">" in text, "the cursor is marked without colour too"
            terminal.child.send("\x1b[B")  # down: the second name
            for digit in "1111":
                terminal.child.send(digit)
            terminal.child.send("\r")
            terminal.wait("Пломби")
            terminal.wait("FP-3530T")
            terminal.child.send("\x11")  # ctrl+q leaves the demo
            terminal.child.expect(pexpect.EOF)
        finally:
            terminal.child.close()
        assert terminal.child.exitstatus == DONE, start
    assert (tmp_path / "ledger.db").exists()
    assert list((tmp_path / "registrar").glob("tape.txt")) is not None


def test_the_demo_s_registrar_ends_with_the_till(tmp_path: Path) -> None:
    with demo.registrar(tmp_path) as place:
        port = Path(place.url.removeprefix("datecs+serial://"))
        assert port.exists()
    assert not port.exists() or not port.resolve().exists()


def test_every_family_has_a_shop_of_its_own(tmp_path: Path) -> None:
    """One folder, two families: neither sees the other's books, and each registrar answers the demo's own till."""
    for family in ("datecs", "helpmicro", "exellio"):
        with demo.registrar(tmp_path, family) as place:
            till = open_till(demo.settings(place, "uk"))
            try:
                (binding,) = till.workplace.bindings()
                assert binding.url == place.url and place.url.startswith(f"{family}+")
                info = till.workplace.desk(binding).access.call(lambda registrar: registrar.info())
                assert info.family == family and info.serial
            finally:
                till.close()
    assert sorted(path.parent.name for path in tmp_path.rglob("ledger.db")) == ["exellio", "helpmicro", tmp_path.name]


def open_shift(registrar: Registrar) -> Result:
    opening = Document(id=uuid4(), kind=DocumentKind.OPEN_SHIFT)
    return registrar.register(opening, registrar.snapshot(opening))


def test_the_software_registrar_s_demo_goes_on_with_its_keys_and_documents(tmp_path: Path) -> None:
    """Server, keys and till of `--registrar prro`: a shift opened in the first run is there in the second."""
    urls = []
    for run in range(2):
        with demo.registrar(tmp_path, "prro") as place:
            urls.append(place.url)
            till = open_till(demo.settings(place, "uk"), signers=place.signers)
            try:
                (binding,) = till.workplace.bindings()
                keys = place.folder / "keys"
                certificate = ring.unlock(keys, demo.SLOT, KEY_PASSWORD, at=SystemClock().now(), codes=["31456270"])
                assert (certificate.key_id or b"").hex() in binding.signers
                access = till.workplace.desk(binding).access
                assert access.call(lambda registrar: registrar.info()).tax_number == VAT_NUMBER
                if run == 0:
                    done = access.call(open_shift)
                    assert done.done, done.fault
                assert access.call(lambda registrar: registrar.status()).shift_open
            finally:
                till.close()
                ring.lock_all()
    assert urls[0] == urls[1] and (tmp_path / "prro" / "tape.txt").read_text(encoding="utf-8")
    assert "OPEN_SHIFT" in (tmp_path / "prro" / "registrar" / "server.txt").read_text(encoding="utf-8")


def test_the_command_offers_every_family_that_the_demo_knows() -> None:
    for family in demo.LINES:
        assert _parser("demo").parse_args(["demo", "--registrar", family]).registrar == family
    with pytest.raises(SystemExit):
        _parser("demo").parse_args(["demo", "--registrar", "another"])


def test_a_demo_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    with demo.registrar(tmp_path, "helpmicro"), pytest.raises(OSError, match="leave the other demo first"):
        demo.registrar(tmp_path, "helpmicro").__enter__()


def test_the_demo_lives_under_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert demo.folder(None) == tmp_path / "kasa" / "demo"
    assert demo.settings(demo.Place(tmp_path, "x"), "en").language == "en"


def test_logs_go_to_a_file_where_no_journal_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = logs.begin(tmp_path, journal=tmp_path / "absent")
    logging.getLogger("kiosk").error("something with Ukrainian: їжак")
    assert "їжак" in Path(where).read_text(encoding="utf-8")
    assert capsys.readouterr() == ("", "")


def test_logs_go_to_the_journal_in_its_own_protocol(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        assert logs.begin(tmp_path, journal=path) == "journald"
        logging.getLogger("kiosk").critical("two\nlines")
        data = journal.recv(65536)
    assert data.startswith(b"MESSAGE\n" + struct.pack("<Q", 9) + b"two\nlines\n")
    assert b"\nPRIORITY=2\n" in data and b"SYSLOG_IDENTIFIER=kiosk\n" in data
    assert not (tmp_path / "kiosk.log").exists()
