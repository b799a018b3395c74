"""The command line as an owner and a technician use it, with the till's real program and a virtual registrar."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.emulation.server import EmulatorServer
from kiosk import cli
from kiosk.backup import making, permit
from kiosk.backup.identity import Place
from kiosk.ledger.store import open_ledger
from tests.till.shop.rig import ShiftedClock, Shop

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `kiosk …` with what is typed; gives status, output and errors."""

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = cli.main([str(each) for each in arguments])
        out = capsys.readouterr()
        return status, out.out, out.err

    return run


def test_an_owners_day_with_copies(launch: Callable[..., EmulatorServer], tmp_path: Path, say: Say) -> None:
    url = f"datecs+serial://{launch().address}?cap=5"
    shop = Shop(tmp_path / "old", url)
    shop.begin()
    shop.sold("1")
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    for path, data in ((old, tmp_path / "old"), (new, tmp_path / "new")):
        path.write_text(f'workplace = "Каса 1"\ndata = "{data}"\ninternet = ""\n')
    stick = tmp_path / "stick"
    stick.mkdir()

    status, out, err = say("backup", "now", "--config", old)
    assert status == 1 and "NOT_SET_UP" in err and "backup setup" in err
    status, out, _ = say("backup", "setup", "--config", old)
    code = next(line.strip() for line in out.splitlines() if line.strip().count("-") == 6)
    assert status == 0 and say("backup", "setup", "--config", old)[0] == 1, "a second identity is refused"
    status, _, err = say("backup", "now", "--config", old)
    assert status == 1 and "NO_TARGET" in err
    status, out, _ = say("backup", "target", "add", "stick", "--folder", stick, "--config", old)
    assert status == 0 and "WARNING" in out, "a stick lets the till delete: that is said"
    status, out, _ = say("backup", "now", "--progress", "--config", old)
    assert status == 0 and "stick: has it" in out and "progress\tarchive" in out
    assert say("backup", "status", "--config", old)[0] == 0
    name = next(path.name for path in stick.glob("*.age") if path.name.startswith("kasa-"))
    assert name in say("backup", "list", "--config", old)[1]
    assert "is whole" in say("backup", "verify", "--config", old)[1]
    assert "restores" in say("backup", "rehearse", "--config", old)[1]

    status, _, err = say("restore", "--folder", stick, "--config", old, typed=code + "\n")
    assert status == 1 and "RUNNING" in err, "the till runs"
    shop.sold("2")
    shop.close()
    wrong = code[:-1] + ("7" if code[-1] != "7" else "8")
    status, _, err = say("restore", "--folder", stick, "--config", new, typed=wrong + "\n")
    assert status == 1 and "BAD_CODE" in err and not (tmp_path / "new" / "ledger.db").exists()
    assert say("restore", "--folder", tmp_path, "--config", new, typed=code)[0] == 1, "no copies there"
    status, out, _ = say("restore", "--folder", stick, "--config", new, typed=code + "\n")
    assert status == 0 and name in out and "kiosk restore finish" in out
    status, out, _ = say("restore", "finish", "--config", new)
    assert status == 0 and "made 1 receipts" in out and "The till may sell." in out
    with open_ledger(tmp_path / "new" / "ledger.db", ShiftedClock()) as ledger:
        assert not permit.Permit(ledger, Place(tmp_path / "new" / "backup"), ShiftedClock()).closed
    # The new machine makes copies to the same stick, and the old one is out.
    assert say("backup", "now", "--config", new)[0] == 0
    status, _, err = say("backup", "now", "--config", old)
    assert status == 1 and "REPLACED" in err


def test_a_run_without_any_reachable_target_fails_and_keeps_the_copy(house: object, tmp_path: Path, say: Say) -> None:
    from tests.backup.conftest import House

    assert isinstance(house, House)
    house.shop.ledger.close()
    config = tmp_path / "till.toml"
    config.write_text(f'data = "{tmp_path / "till"}"\n')
    stick = tmp_path / "stick"
    stick.mkdir()
    assert say("backup", "target", "add", "stick", "--folder", stick, "--config", config)[0] == 0
    stick.rename(tmp_path / "pulled out")
    status, _, err = say("backup", "now", "--config", config)
    assert status == 1 and "TARGET_GONE" in err
    assert len(making.waiting(house.source.place)) == 1
    assert say("backup", "status", "--config", config)[0] == 1
    (tmp_path / "pulled out").rename(stick)
    assert say("backup", "now", "--config", config)[0] == 0
    assert len(list(stick.glob("kasa-*.sha256"))) >= 1 and not making.waiting(house.source.place)
    assert say("backup", "status", "--config", config)[0] == 0
