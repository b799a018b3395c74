"""Copies on their way: folders, sticks, and real WebDAV, S3 and SFTP servers on loopback."""

from __future__ import annotations

import hashlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kiosk.backup import targets
from kiosk.backup.errors import BackupError, BadCopy, TargetFull, TargetGone
from kiosk.backup.targets import Chosen, Posture, Target, folder, rclone
from tests.backup.servers import KINDS, PASSWORD, Server, append_only, serve

CONFIG_PASSWORD = "of the configuration"
NAME = "kasa-0a0b0c0d-20260301T080000Z-z.tar.zst.age"


def copy_file(where: Path, size: int = 300_000, name: str = NAME) -> Path:
    """Stands for a copy: targets look at nothing but the name and the bytes."""
    where.mkdir(parents=True, exist_ok=True)
    path = where / name
    path.write_bytes(hashlib.shake_256(name.encode()).digest(size))
    return path


@pytest.fixture
def stick(tmp_path: Path) -> Target:
    place = tmp_path / "stick"
    place.mkdir()
    return folder.FolderTarget(Chosen("stick", "folder", str(place), mark=folder.mark(place)))


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with serve(request.param, tmp_path / "server") as server:
        yield server


def remote(server: Server, tmp_path: Path, **options: str) -> rclone.RcloneTarget:
    config = tmp_path / "backup" / "rclone.conf"
    rclone.add_remote(config, CONFIG_PASSWORD, server.kind, server.kind, server.options | options)
    chosen = Chosen(server.kind, "rclone", f"{server.kind}:{server.where}")
    target = rclone.RcloneTarget(chosen, config, CONFIG_PASSWORD)
    target.probe()
    return target


def there_and_back(target: Target, tmp_path: Path, size: int) -> None:
    path = copy_file(tmp_path / "out", size)
    sent = targets.send(target, path)
    assert [each.name for each in targets.stored(target)] == [NAME]
    found = targets.stored(target, "0a0b0c0d")[0]
    assert found == sent and not targets.stored(target, "ffffffff")
    back = tmp_path / "back"
    targets.bring(target, found, back)
    assert back.read_bytes() == path.read_bytes()
    if isinstance(target, folder.FolderTarget):
        targets.send(target, path)
    assert len(target.names()) == len(found.pieces) + 1, "sending it again changes nothing"
    targets.remove(target, found)
    assert not targets.stored(target) and not [name for name in target.names() if name.startswith("kasa-0a")]


def test_a_real_server_takes_a_copy_and_gives_it_back(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "PIECE", 150_000)
    target = remote(server, tmp_path)
    there_and_back(target, tmp_path, 250_000)
    # A server that went away is said so, and comes back.
    server.stop()
    with pytest.raises(TargetGone):
        target.names()
    server.start()
    target.names()


def test_an_upload_goes_on_where_the_line_broke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "PIECE", 100_000)
    path = copy_file(tmp_path / "out", 450_000)
    with serve("webdav", tmp_path / "server") as server:
        target = remote(server, tmp_path)
        arrived: list[int] = []

        def broken_after_two(done: int, _: int) -> None:
            arrived.append(done)
            if len(arrived) == 2:
                server.stop()

        with pytest.raises(TargetGone):
            targets.send(target, path, broken_after_two)
        stored = sorted((tmp_path / "server" / "shop" / "copies").glob("kasa-0a*"))
        assert [each.name[-5:] for each in stored] == [".0001", ".0002"]
        before = {each.name: each.stat().st_ino for each in stored}
        server.start()
        assert targets.stored(target) == [], "an incomplete copy is no copy"
        targets.send(target, path)
        again = {each.name: each.stat().st_ino for each in (tmp_path / "server" / "shop" / "copies").glob("*.000[12]")}
        assert again == before, "what had arrived was not sent again"
        targets.bring(target, targets.stored(target)[0], tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    # Two common tools put it together and check it without us.
    place = tmp_path / "server" / "shop" / "copies"
    subprocess.run(f"cd {place} && sha256sum -c --quiet {NAME}.sha256", shell=True, check=True)
    subprocess.run(f"cd {place} && cat {NAME}.0* | cmp - {path}", shell=True, check=True)


@pytest.mark.parametrize("server", ["webdav"], indirect=True)
def test_damage_on_the_server_is_found(server: Server, tmp_path: Path) -> None:
    target = remote(server, tmp_path)
    path = copy_file(tmp_path / "out")
    found = targets.send(target, path)
    for name in found.pieces:
        stored = next((tmp_path / "server").rglob(name))
        content = bytearray(stored.read_bytes())
        content[1000] ^= 1
        stored.write_bytes(content)
    with pytest.raises(BadCopy):
        targets.bring(target, found, tmp_path / "back")
    # The next run sees by the hash that it must send it again.
    targets.send(target, path)
    targets.bring(target, found, tmp_path / "back")


def test_rclones_configuration_is_encrypted(tmp_path: Path) -> None:
    config = tmp_path / "backup" / "rclone.conf"
    rclone.add_remote(config, CONFIG_PASSWORD, "cloud", "webdav", {"url": "http://x", "user": "u", "pass": PASSWORD})
    content = config.read_bytes()
    assert b"RCLONE_ENCRYPT_V0" in content and b"cloud" not in content and PASSWORD.encode() not in content
    assert config.stat().st_mode & 0o077 == 0
    assert rclone.remotes(config, CONFIG_PASSWORD) == ["cloud"]
    with pytest.raises(BackupError):
        rclone.remotes(config, "another password")
    with pytest.raises(BackupError):
        rclone.add_remote(config, CONFIG_PASSWORD, "a b;", "webdav", {})
    with pytest.raises(BackupError):
        rclone.add_remote(config, CONFIG_PASSWORD, "x", "no-such-cloud", {})


def test_a_target_that_lets_nobody_delete_is_told_from_one_that_does(tmp_path: Path) -> None:
    with serve("webdav", tmp_path / "server") as server:
        assert remote(server, tmp_path).probe() is Posture.DELETABLE
        with append_only(server) as port:
            guarded = remote(server, tmp_path / "guarded", url=f"http://127.0.0.1:{port}")
            assert guarded.probe() is Posture.APPEND_ONLY
            path = copy_file(tmp_path / "out")
            found = targets.send(guarded, path)
            with pytest.raises(BackupError) as caught:
                targets.remove(guarded, found)
            assert caught.value.code == "FORBIDDEN"
            targets.bring(guarded, targets.stored(guarded)[0], tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_a_folder_takes_a_copy_and_gives_it_back(
    stick: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there_and_back(stick, tmp_path, 250_000)
    monkeypatch.setattr(targets, "PIECE", 100_000)
    there_and_back(stick, tmp_path, 250_000)


def test_a_mount_point_without_its_stick_is_not_written_to(stick: Target, tmp_path: Path) -> None:
    (tmp_path / "stick" / folder.MARK).rename(tmp_path / "mark")
    for ask in (stick.names, lambda: targets.send(stick, copy_file(tmp_path / "out"))):
        with pytest.raises(TargetGone):
            ask()
    assert list((tmp_path / "stick").iterdir()) == []
    (tmp_path / "stick" / folder.MARK).write_text('{"target": "another"}')
    with pytest.raises(TargetGone):
        stick.names()


def test_a_broken_copy_to_a_stick_goes_on(stick: Target, tmp_path: Path) -> None:
    path = copy_file(tmp_path / "out", 3 * folder.BLOCK)
    part = tmp_path / "stick" / f"{NAME}.part"
    part.write_bytes(path.read_bytes()[: 2 * folder.BLOCK] + b"garbage")
    seen: list[int] = []
    targets.send(stick, path, lambda done, _: seen.append(done))
    assert seen[0] == 3 * folder.BLOCK, "the first two blocks were there already"
    assert (tmp_path / "stick" / NAME).read_bytes() == path.read_bytes() and not part.exists()


def test_a_full_stick_is_said_and_what_is_on_it_stays(tmp_path: Path, stick: Target) -> None:
    good = targets.send(stick, copy_file(tmp_path / "out"))
    later = copy_file(tmp_path / "out", name=NAME.replace("0800", "0900"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(TargetFull):
            targets.send(stick, later)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert targets.stored(stick) == [good]


def test_a_swapped_copy_is_refused(stick: Target, tmp_path: Path) -> None:
    one = targets.send(stick, copy_file(tmp_path / "out"))
    other = targets.send(stick, copy_file(tmp_path / "out", name=NAME.replace("0800", "0900")))
    place = tmp_path / "stick"
    (place / one.name).rename(place / "x")
    (place / other.name).rename(place / one.name)
    (place / "x").rename(place / other.name)
    for each in (one, other):
        with pytest.raises(BadCopy):
            targets.bring(stick, each, tmp_path / "back")


@pytest.mark.parametrize("content", [b"", b"nonsense\n", b"\xff" * 100, b"0" * 64 + b"  ../../etc/passwd\n"])
def test_a_nonsense_list_is_no_copy(stick: Target, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stick" / f"{NAME}.sha256").write_bytes(content)
    assert targets.stored(stick) == []


def test_choices_are_kept(tmp_path: Path) -> None:
    one = Chosen("stick", "folder", "/media/stick")
    targets.choose(tmp_path, one)
    targets.choose(tmp_path, Chosen("cloud", "rclone", "drive:kasa"))
    targets.choose(tmp_path, msgspec.structs.replace(one, where="/media/other"))
    assert [(each.name, each.where) for each in targets.choices(tmp_path)] == [
        ("cloud", "drive:kasa"), ("stick", "/media/other"),
    ]  # fmt: skip
    targets.forget(tmp_path, "cloud")
    assert len(targets.choices(tmp_path)) == 1
    with pytest.raises(BackupError):
        targets.open_target(Chosen("x", "telepathy", ""), tmp_path)
