"""The file of a copy: whole, sealed, and openable without this program."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import msgspec
import pyrage
import pytest

from kiosk.backup import archive, gather, identity, manifest
from kiosk.backup.errors import BackupError, BadCopy, NoRoom
from kiosk.backup.gather import Source
from kiosk.backup.manifest import Manifest, Member
from kiosk.config import Settings
from kiosk.ledger.store import open_ledger
from tests.backup.conftest import House
from tests.kiosk.ledger.world import START, TestClock, build

KEY = pyrage.x25519.Identity.generate()
OWNER = pyrage.x25519.Identity.generate()
MACHINE = identity.Machine("m" * 32, "0a0b0c0d", str(OWNER.to_public()), str(KEY), b"s" * 32)


def small(folder: Path, machine: identity.Machine = MACHINE, **changes: object) -> Path:
    """The smallest copy: one member of a few bytes."""
    staging = folder / "staging"
    (staging / "data").mkdir(parents=True, exist_ok=True)
    (staging / "data" / "note").write_bytes(b"hello")
    member = Member("data/note", 5, hashlib.sha256(b"hello").hexdigest())
    contents = Manifest(
        format=1, shop="0a0b0c0d", machine="m", generation=1, workplace="1", at=START, why="manual", program="",
        members=(member,),
    )  # fmt: skip
    contents = msgspec.structs.replace(contents, **changes)
    path = folder / contents.name
    archive.write(path, contents, staging, machine)
    return path


def test_a_copy_comes_back_byte_for_byte(house: House, tmp_path: Path) -> None:
    path, contents = house.copy(tmp_path / "out")
    back = tmp_path / "back"
    found = archive.unpack(path, [house.machine.key], house.machine.verify, back)
    assert found == contents
    for member in contents.members:
        assert (back / member.path).read_bytes() == (tmp_path / "out" / "staging" / member.path).read_bytes()
    names = [member.path for member in contents.members]
    assert names == ["ledger/ledger.db", "settings/kiosk.toml", "data/templates/receipt.txt"]
    with open_ledger(back / "ledger" / "ledger.db", house.clock) as ledger:
        assert ledger.goods.count() == house.shop.ledger.goods.count() > 0
        assert ledger.journal.verify(full=True) == contents.journal


def test_private_keys_stay_out_unless_the_owner_wants_them(house: House, tmp_path: Path) -> None:
    _, contents = house.copy(tmp_path / "without")
    assert not any("key-6" in member.path for member in contents.members)
    house.source = Source(house.source.settings, include_keys=True)
    _, contents = house.copy(tmp_path / "with")
    assert any("key-6" in member.path for member in contents.members)
    assert not any("machine.json" in member.path or "identity" in member.path for member in contents.members)


def test_three_common_tools_open_a_copy(house: House, tmp_path: Path) -> None:
    """The README's emergency: age, zstd, tar, the identity file and the printed code, and nothing of ours."""
    path, contents = house.copy(tmp_path / "out")
    back = tmp_path / "back"
    back.mkdir()
    if age := shutil.which("age"):
        plain_key = tmp_path / "key"
        # `age` asks a terminal for the code; a test has none, so the code's part is the age library's.
        plain_key.write_bytes(pyrage.passphrase.decrypt(house.source.place.emergency.read_bytes(), house.code))
        subprocess.run(f"{age} -d -i {plain_key} {path} | zstd -d | tar x -C {back}", shell=True, check=True)
    else:
        text = pyrage.passphrase.decrypt(house.source.place.emergency.read_bytes(), house.code).decode()
        key = pyrage.x25519.Identity.from_str(text.splitlines()[-1])
        packed = tmp_path / "packed.zst"
        packed.write_bytes(pyrage.decrypt(path.read_bytes(), [key]))
        subprocess.run(f"zstd -dc {packed} | tar x -C {back}", shell=True, check=True)
    for member in contents.members:
        assert archive.digest(back / member.path) == member.sha256
    with open_ledger(back / "ledger" / "ledger.db", house.clock) as ledger:
        assert ledger.journal.verify(full=True) == contents.journal


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    path = small(tmp_path)
    whole = path.read_bytes()
    flipped = tmp_path / "flipped"
    for place in range(len(whole)):
        flipped.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(BadCopy):
            archive.read(flipped, [str(OWNER)], MACHINE.verify)
    assert archive.read(path, [str(OWNER)], MACHINE.verify).members


def test_every_cut_and_every_tail_is_found(tmp_path: Path) -> None:
    path = small(tmp_path)
    whole = path.read_bytes()
    cut = tmp_path / "cut"
    for length in range(0, len(whole), 7):
        cut.write_bytes(whole[:length])
        with pytest.raises(BadCopy):
            archive.read(cut, [str(OWNER)], MACHINE.verify)
    for tail in (b"\0", b"x" * 100, whole):
        cut.write_bytes(whole + tail)
        with pytest.raises(BadCopy):
            archive.read(cut, [str(OWNER)], MACHINE.verify)


def test_reordered_chunks_are_found(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    (staging / "data").mkdir(parents=True)
    noise = hashlib.shake_256(b"noise").digest(400_000)
    (staging / "data" / "noise").write_bytes(noise)
    contents = Manifest(
        format=1, shop="0a0b0c0d", machine="m", generation=1, workplace="1", at=START, why="manual", program="",
        members=(Member("data/noise", len(noise), hashlib.sha256(noise).hexdigest()),),
    )  # fmt: skip
    path = tmp_path / contents.name
    archive.write(path, contents, staging, MACHINE)
    whole = bytearray(path.read_bytes())
    chunk = 64 * 1024 + 16
    head = len(whole) - (len(whole) - whole.index(b"\n---") - 100)
    first, second = whole[head : head + chunk], whole[head + chunk : head + 2 * chunk]
    whole[head : head + 2 * chunk] = second + first
    path.write_bytes(bytes(whole))
    with pytest.raises(BadCopy):
        archive.read(path, [str(OWNER)], MACHINE.verify)


def test_a_forged_copy_for_our_public_key_is_refused(tmp_path: Path) -> None:
    """Anybody can encrypt for a public key; only the shop can sign."""
    forged = small(tmp_path, msgspec.structs.replace(MACHINE, signing=b"t" * 32))
    with pytest.raises(BadCopy) as caught:
        archive.read(forged, [str(OWNER)], MACHINE.verify)
    assert caught.value.code == "FORGED"


def test_another_shops_copy_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    stranger = pyrage.x25519.Identity.generate()
    with pytest.raises(BadCopy) as caught:
        archive.read(small(tmp_path), [str(stranger)], MACHINE.verify)
    assert caught.value.code == "FOREIGN"


@pytest.mark.parametrize(("format_", "code"), [(0, "OLDER"), (2, "NEWER")])
def test_another_format_is_named(tmp_path: Path, format_: int, code: str) -> None:
    with pytest.raises(BadCopy) as caught:
        archive.read(small(tmp_path, format=format_), [str(OWNER)], MACHINE.verify)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["/etc/passwd", "data/../../x", "x", "data/a\0b"])
def test_a_member_cannot_leave_its_folder(name: str) -> None:
    contents = Manifest(
        format=1, shop="0a0b0c0d", machine="m", generation=1, workplace="1", at=START, why="manual", program="",
        members=(Member(name, 0, ""),),
    )  # fmt: skip
    with pytest.raises(BadCopy):
        manifest.read(msgspec.json.encode(contents))


def test_x_26_the_archive_holds_no_readable_customer_name(house: House, tmp_path: Path) -> None:
    name = "Надія Постійна-Незабутня"
    house.shop.ledger.goods.add_customer("CARD-9", name, 500)
    path, _ = house.copy(tmp_path / "out")
    content = path.read_bytes()
    needles = [name, "CARD-9", "Постійн", "sqlite", "ledger", "kiosk"]
    for needle in needles:
        for coding in ("utf-8", "cp1251", "utf-16-le", "koi8-u"):
            assert needle.encode(coding) not in content, (needle, coding)
            assert needle.encode(coding) not in path.name.replace("kasa", "").encode()
    for file in house.source.place.folder.iterdir():
        if file.name != "machine.json":
            assert name.encode() not in file.read_bytes()
    # The needle is in the copy, so that its absence above means something.
    archive.unpack(path, [house.machine.key], house.machine.verify, tmp_path / "back")
    assert name.encode() in (tmp_path / "back" / "ledger" / "ledger.db").read_bytes()


def test_a_snapshot_is_whole_while_the_till_writes(house: House, tmp_path: Path) -> None:
    """A writer that never rests: each copy holds together and its chain verifies."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def sell() -> None:
        try:
            while not stop.is_set():
                house.shop.ledger.goods.add_customer(f"CARD-{len(made)}", "Покупець", 0)
                made.append(1)
        except BaseException as error:
            failed.append(error)

    made: list[int] = []
    writer = threading.Thread(target=sell)
    writer.start()
    try:
        counts = []
        for number in range(3):
            path, contents = house.copy(tmp_path / str(number))
            back = tmp_path / f"back{number}"
            archive.unpack(path, [house.machine.key], house.machine.verify, back)
            with sqlite3.connect(back / "ledger" / "ledger.db") as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                counts.append(connection.execute("SELECT count(*) FROM customers").fetchone()[0])
            assert contents.members
    finally:
        stop.set()
        writer.join()
    assert not failed and counts == sorted(counts) and made


def test_no_room_leaves_nothing_behind(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SPARE", 2**62)
    with pytest.raises(NoRoom):
        house.copy(tmp_path / "out")
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(NoRoom):
        archive.write(full, small_manifest(), tmp_path, MACHINE)
    assert not full.is_symlink()


def small_manifest() -> Manifest:
    return Manifest(
        format=1, shop="0a0b0c0d", machine="m", generation=1, workplace="1", at=START, why="manual", program=""
    )


def test_a_damaged_ledger_is_not_copied_over_good_copies(tmp_path: Path, clock: TestClock) -> None:
    path = tmp_path / "ledger.db"
    build(path, clock).ledger.close()
    content = bytearray(path.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    path.write_bytes(content)
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(BackupError) as caught:
        gather.gather(Source(Settings(data=str(tmp_path))), staging)
    assert caught.value.code == "TORN"
    assert path.read_bytes() == content
