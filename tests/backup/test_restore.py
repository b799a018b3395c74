"""The way back: onto a machine without the original, over a power cut at any step, and never over good data."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from kiosk.backup import archive, files, gather, identity, making, permit, restore, targets
from kiosk.backup.errors import BackupError, BadCopy, NoRoom
from kiosk.backup.gather import Source
from kiosk.backup.targets import Chosen, folder
from kiosk.config import Settings
from kiosk.ledger.store import open_ledger
from kiosk.till.errors import Refusal
from tests.backup.conftest import House
from tests.backup.test_archive import small_manifest


def new_machine(folder: Path) -> Source:
    return Source(Settings(data=str(folder)))


def beside(house: House) -> dict[str, bytes]:
    place = house.source.place
    return {path.name: path.read_bytes() for path in (place.identity, place.emergency)}


def bring_back(house: House, copy: Path, target: Source, generation: int = 2) -> None:
    secret = house.secret()
    prepared = restore.prepare(copy, secret, target, house.clock)
    restore.commit(prepared, secret, target, house.clock, generation=generation, identity_files=beside(house))


def test_a_copy_makes_the_same_books_on_a_machine_without_the_original(house: House, tmp_path: Path) -> None:
    house.shop.ledger.goods.add_customer("CARD-5", "Надія", 100)
    copy, contents = house.copy(tmp_path / "out")
    target = new_machine(tmp_path / "new")
    bring_back(house, copy, target)
    ours, theirs = _rows(tmp_path / "till" / "ledger.db"), _rows(tmp_path / "new" / "ledger.db")
    assert ours.pop("settings") != theirs.pop("settings"), "the books know that they came from a copy"
    assert ours == theirs and sum(ours.values()) > 5
    with open_ledger(tmp_path / "new" / "ledger.db", house.clock) as ledger:
        assert ledger.journal.verify(full=True) == contents.journal
    assert (tmp_path / "new" / "templates" / "receipt.txt").read_text().startswith("Дякуємо")
    assert (tmp_path / "new" / "settings.restored.toml").read_text() == 'workplace = "Каса 1"\n'
    assert not list((tmp_path / "new").glob(".restore-*")) and not (tmp_path / "new" / "restore.json").exists()
    machine = identity.machine_of(target.place)
    assert machine is not None and machine.shop == house.machine.shop and machine.machine != house.machine.machine
    # The owner's code goes on working with what the new machine makes.
    sealed = identity.sealed_of(target.place.identity.read_bytes())
    assert identity.unlock(sealed, house.code, target.place, house.clock).key == house.secret().key


def _rows(path: Path) -> dict[str, object]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if not name.startswith(("goods_fts", "sqlite"))
        ]
        return {name: hash(tuple(connection.execute(f"SELECT * FROM {name}").fetchall())) for name in sorted(tables)}


def test_a_restored_till_waits_for_its_registrars(house: House, tmp_path: Path) -> None:
    copy, _ = house.copy(tmp_path / "out")
    target = new_machine(tmp_path / "new")
    bring_back(house, copy, target)
    with open_ledger(tmp_path / "new" / "ledger.db", house.clock) as ledger:
        gate = permit.Permit(ledger, target.place, house.clock)
        assert gate.closed
        for ask in (gate.selling, gate.opening):
            with pytest.raises(Refusal) as caught:
                ask()
            assert caught.value.code == "RESTORING" and str(caught.value)
        gate.finish()
        gate.opening()
        assert not permit.Permit(ledger, target.place, house.clock).closed


@pytest.mark.parametrize("damage", ["cut", "flip", "swap"])
def test_a_bad_copy_leaves_the_live_data_untouched(house: House, tmp_path: Path, damage: str) -> None:
    copy, _ = house.copy(tmp_path / "out")
    content = bytearray(copy.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[len(content) // 2] ^= 1
    else:
        content = bytearray(os.urandom(len(content)))
    copy.write_bytes(bytes(content))
    secret = house.secret()
    before = _tree(tmp_path / "till")
    with pytest.raises(BadCopy):
        restore.prepare(copy, secret, house.source, house.clock)
    assert _tree(tmp_path / "till") == before


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_a_copy_of_another_shop_is_named(house: House, tmp_path: Path) -> None:
    copy, _ = house.copy(tmp_path / "out")
    other = identity.Place(tmp_path / "other")
    code = identity.found(other)
    secret = identity.unlock(identity.sealed_of(other.identity.read_bytes()), code, other, house.clock)
    with pytest.raises(BadCopy) as caught:
        restore.prepare(copy, secret, new_machine(tmp_path / "new"), house.clock)
    assert caught.value.code == "FOREIGN"


def test_a_copy_from_the_future_needs_the_owners_word(house: House, tmp_path: Path) -> None:
    house.clock.moment += timedelta(days=400)
    copy, _ = house.copy(tmp_path / "out")
    house.clock.moment -= timedelta(days=400)
    with pytest.raises(BadCopy) as caught:
        restore.prepare(copy, house.secret(), new_machine(tmp_path / "new"), house.clock)
    assert caught.value.code == "FUTURE"
    assert restore.prepare(
        copy, house.secret(), new_machine(tmp_path / "new"), house.clock, future=True
    ).staging.is_dir()


def test_a_cut_off_journal_inside_a_sound_archive_is_found(house: House, tmp_path: Path) -> None:
    """Somebody with the keys made a well-formed copy of books whose last records were removed."""
    staging = tmp_path / "out" / "staging"
    staging.mkdir(parents=True)
    snapshot = gather.gather(house.source, staging)
    snapshot.journal += 1
    contents = snapshot.manifest(house.source, house.machine, house.clock.now(), "manual")
    copy = tmp_path / "out" / contents.name
    archive.write(copy, contents, staging, house.machine)
    with pytest.raises(BadCopy) as caught:
        restore.prepare(copy, house.secret(), new_machine(tmp_path / "new"), house.clock)
    assert caught.value.code == "DAMAGED"


def test_no_room_is_said_before_anything_is_unpacked(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, _ = house.copy(tmp_path / "out")
    monkeypatch.setattr("kiosk.backup.gather.SPARE", 2**62)
    with pytest.raises(NoRoom):
        restore.prepare(copy, house.secret(), new_machine(tmp_path / "new"), house.clock)
    assert not list((tmp_path / "new").glob(".restore-*"))


def test_a_running_till_is_not_pulled_away(house: House, tmp_path: Path) -> None:
    copy, _ = house.copy(tmp_path / "out")
    secret = house.secret()
    prepared = restore.prepare(copy, secret, house.source, house.clock)
    with pytest.raises(BackupError) as caught:
        restore.commit(prepared, secret, house.source, house.clock, generation=2, identity_files={})
    assert caught.value.code == "RUNNING"
    house.shop.ledger.close()
    restore.commit(prepared, secret, house.source, house.clock, generation=2, identity_files={})
    kept = list((tmp_path / "till").glob("before-restore-*/*ledger.db"))
    assert len(kept) == 1, "the old books are kept"
    assert house.machine.generation == 2


def killed_after(left: int, work: Callable[[], object]) -> int:
    """Do work in a process of its own that dies at the `left`-th change of the disk; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps = [0]

    def count(event: str, arguments: tuple[object, ...]) -> None:
        # Whatever changes names, and each file opened for writing, is a step that a power cut may hit.
        writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writing or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"):
            steps[0] += 1
            if steps[0] > left:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(count)
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)


def test_a_power_cut_at_each_step_of_a_restore(house: House, tmp_path: Path) -> None:
    """After a kill at any step the till starts with all of the old books or all of the restored ones.

    Every third step by default, each one with KASA_FULL=1.
    """
    copy, _ = house.copy(tmp_path / "out")
    secret = house.secret()
    first = tmp_path / "old"
    with open_ledger(first / "ledger.db", house.clock) as ledger:
        ledger.shop.set_setting("whose", "the old books")
    killed, seen, step, status = 0, set(), 0, -signal.SIGKILL
    while status != 0:
        data = tmp_path / f"new{step}"
        shutil.copytree(first, data)
        target = new_machine(data)

        def work(target: Source = target) -> None:
            prepared = restore.prepare(copy, secret, target, house.clock)
            restore.commit(prepared, secret, target, house.clock, generation=2, identity_files=beside(house))

        status = killed_after(step, work)
        assert status in (0, -signal.SIGKILL)
        restore.sweep(data)
        with open_ledger(data / "ledger.db", house.clock) as ledger:
            whose, pending = ledger.shop.setting("whose"), ledger.shop.setting(permit.PENDING)
            assert ledger.journal.verify(full=True) >= 0
        assert (whose == "the old books") != bool(pending), step
        if pending:
            assert (data / "templates" / "receipt.txt").exists() and (data / "backup" / "machine.json").exists()
        seen.add(bool(pending))
        assert not list(data.glob(".restore-*")) and not (data / "restore.json").exists()
        shutil.rmtree(data)
        killed += status != 0
        step += 1 if os.environ.get("KASA_FULL") else 3
    assert killed > 8 and seen == {True, False}


def test_a_power_cut_at_each_step_of_a_copy(house: House, tmp_path: Path) -> None:
    """The live data are what they were, the target holds complete copies only, and the next run goes well."""
    stick = tmp_path / "stick"
    stick.mkdir()
    target = folder.FolderTarget(Chosen("stick", "folder", str(stick), mark=folder.mark(stick)))
    secret = house.secret()
    house.shop.ledger.close()
    live = _rows(tmp_path / "till" / "ledger.db")
    copies, killed = 0, 0
    for step in [*range(0, 80, 1 if os.environ.get("KASA_FULL") else 9), sys.maxsize]:
        house.clock.sleep(61)
        status = killed_after(step, lambda: making.run(house.source, house.clock, opened=[target]))
        assert status in (0, -signal.SIGKILL)
        killed += status != 0
        found = targets.stored(target)
        for copy in found[: len(found) - copies]:
            targets.bring(target, copy, tmp_path / "back")
            assert archive.read(tmp_path / "back", [secret.key], secret.verify).name == copy.name
        copies = len(found)
        now = _rows(tmp_path / "till" / "ledger.db")
        assert {name: rows for name, rows in now.items() if name != "settings"} == {
            name: rows for name, rows in live.items() if name != "settings"
        }
    assert status == 0 and killed > 4 and copies and not list(house.source.place.folder.glob("staging"))
    assert not list((house.source.place.folder / "outbox").iterdir())


def test_a_plan_is_carried_out_twice_without_harm(house: House, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / ".restore-x").mkdir(parents=True)
    (data / ".restore-x" / "a").write_text("new")
    (data / "a").write_text("old")
    plan = restore.Plan(
        str(data / ".restore-x"), str(data / "before-restore-1"),
        (restore.Move(str(data / ".restore-x" / "a"), str(data / "a")),),
    )  # fmt: skip
    files.store(data / restore.PLAN, plan)
    assert restore.resume(data) and not restore.resume(data)
    assert (data / "a").read_text() == "new" and (data / "before-restore-1" / "000-a").read_text() == "old"


def test_a_registrars_folders_move_with_the_data(house: House) -> None:
    contents = house.source
    url = "prro+https://fs.tax.gov.ua:8643/fs?fn=4000123456&key=k&state=/old/data/prro&keys=/etc/keys"
    moved = restore.moved(url, msgspec.structs.replace(small_manifest(), data="/old/data"), contents)
    assert f"state={contents.data.absolute()}/prro" in moved and "keys=/etc/keys" in moved
    assert restore.moved("datecs+serial:///dev/ttyS0", small_manifest(), contents) == "datecs+serial:///dev/ttyS0"
