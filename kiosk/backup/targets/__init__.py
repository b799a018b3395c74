"""Where copies go. A target keeps files under flat names; a copy on it is complete when its list of hashes is there.

    kasa-….tar.zst.age                   the copy, or in pieces where a big upload must be resumable:
    kasa-….tar.zst.age.0001, .0002, …    `cat kasa-….age.* > kasa-….age` puts them together
    kasa-….tar.zst.age.sha256            written last, checked by `sha256sum -c`: the copy is complete
    identity.json, identity.age          the owner's identity, sealed with the recovery code
    kasa-…-machine-0002.json             which machine works with these books now; see `permit`

What a target cannot give is said, never assumed: see `Posture`.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

import msgspec

from kiosk.backup import files, manifest
from kiosk.backup.errors import BackupError, BadCopy

PIECE = 32 * 1024 * 1024
"""Bytes of one piece: what a broken line costs at most."""
SUMS = ".sha256"
BLOCK = 1024 * 1024

Progress = Callable[[int, int], None]
"""(bytes done, bytes in all)."""


class Posture(StrEnum):
    """What somebody who has taken over the till can do to the copies (ransomware)."""

    APPEND_ONLY = "append_only"
    """Neither delete nor overwrite: tried, and refused by the target."""
    DELETABLE = "deletable"
    """The till's own credentials can destroy what they wrote."""


class Chosen(msgspec.Struct, frozen=True):
    """A target as the owner chose it. `kind`: folder or rclone; `where`: a path, or `remote:path`.

    `mark` is the random word that the folder was marked with, so that an empty mount point is not taken for the stick.
    """

    name: str
    kind: str
    where: str
    posture: Posture = Posture.DELETABLE
    mark: str = ""
    limit: str = ""
    """Most bytes a second for rclone, such as `2M`; "" for no limit."""


class Choices(msgspec.Struct, frozen=True):
    """The file `targets.json`."""

    targets: tuple[Chosen, ...] = ()


@dataclass(frozen=True)
class Stored:
    """A complete copy on a target. `pieces` are its files in order, with their SHA-256."""

    name: str
    at: datetime
    pieces: Mapping[str, str]


class Target(Protocol):
    """One place for copies. Every method raises `TargetGone` when it cannot be reached."""

    chosen: Chosen

    def names(self) -> Mapping[str, int]:
        """Files that are whole, with their sizes."""

    def put(
        self, path: Path, name: str, sha256: str, progress: Progress | None = None, *, absent: bool = False
    ) -> None:
        """Store a file and prove by its hash that it arrived; does nothing when it is there already, and goes on where
        it was interrupted as far as the target lets it. `absent`: the caller has just looked, and it is not there.
        Raises `TargetFull`."""

    def fetch(self, name: str, path: Path) -> None:
        """Bring a file. Raises `BadCopy` where there is none."""

    def get(self, name: str, most: int = 1024 * 1024) -> bytes:
        """A small file."""

    def delete(self, name: str) -> None:
        """Raises `BackupError` (`FORBIDDEN`) where the target lets nobody delete."""

    def probe(self) -> Posture:
        """Write a test file and try to destroy it: what the target really gives."""


def choices(folder: Path) -> tuple[Chosen, ...]:
    """The targets of the owner; `folder` is the place of backups."""
    found = files.load(folder / "targets.json", Choices)
    return found.targets if found is not None else ()


def choose(folder: Path, target: Chosen) -> None:
    """Add a target, or replace the one of the same name."""
    others = tuple(each for each in choices(folder) if each.name != target.name)
    files.store(folder / "targets.json", Choices((*others, target)))


def forget(folder: Path, name: str) -> None:
    """Use a target no more; its copies stay there."""
    files.store(folder / "targets.json", Choices(tuple(each for each in choices(folder) if each.name != name)))


def open_target(chosen: Chosen, folder: Path, password: str = "") -> Target:
    """The target behind a choice. `password` opens rclone's configuration in `folder`."""
    if chosen.kind == "folder":
        from kiosk.backup.targets.folder import FolderTarget

        return FolderTarget(chosen)
    if chosen.kind == "rclone":
        from kiosk.backup.targets.rclone import RcloneTarget

        return RcloneTarget(chosen, folder / "rclone.conf", password)
    raise BackupError("TARGET_KIND", f"no target is of the kind {chosen.kind!r}: folder or rclone")


def stored(target: Target, shop: str = "") -> list[Stored]:
    """Complete copies, newest first; of one shop where it is given."""
    found = []
    names = target.names()
    for name in names:
        copy = name.removesuffix(SUMS)
        at = manifest.moment_of(copy)
        if copy == name or at is None or (shop and manifest.shop_of(copy) != shop):
            continue
        pieces = read_sums(target.get(name), copy)
        if pieces and all(piece in names for piece in pieces):
            found.append(Stored(copy, at, pieces))
    return sorted(found, key=lambda each: (each.at, each.name), reverse=True)


def send(target: Target, path: Path, progress: Progress | None = None) -> Stored:
    """Bring a whole copy to a target: pieces first, the list of hashes last. Repeating goes on where it stopped."""
    at = manifest.moment_of(path.name)
    assert at is not None, path
    size = path.stat().st_size
    pieces: dict[str, str] = {}
    there = target.names()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pieces-") as spare, path.open("rb") as file:
        count = max(1, -(-size // PIECE))
        for number in range(1, count + 1):
            name = path.name if count == 1 else f"{path.name}.{number:04}"
            start = (number - 1) * PIECE
            piece = path if count == 1 else Path(spare) / name
            digest = _cut(file, min(PIECE, size - start), None if count == 1 else piece)
            target.put(piece, name, digest, _shifted(progress, start, size), absent=name not in there)
            if count > 1:
                piece.unlink()
            pieces[name] = digest
        sums = "".join(f"{digest}  {name}\n" for name, digest in pieces.items()).encode()
        listed = Path(spare) / f"{path.name}{SUMS}"
        listed.write_bytes(sums)
        target.put(listed, listed.name, hashlib.sha256(sums).hexdigest(), absent=listed.name not in there)
    return Stored(path.name, at, pieces)


def bring(target: Target, copy: Stored, path: Path, progress: Progress | None = None) -> None:
    """Fetch a copy into one file, each piece checked by its hash. Raises `BadCopy`, `TargetGone`."""
    done = 0
    piece_path = path.with_name(f"{path.name}.piece")
    with path.open("wb") as out:
        for name, digest in copy.pieces.items():
            target.fetch(name, piece_path)
            counted = hashlib.sha256()
            with piece_path.open("rb") as piece:
                while block := piece.read(BLOCK):
                    counted.update(block)
                    out.write(block)
                    done += len(block)
            piece_path.unlink()
            if counted.hexdigest() != digest:
                raise BadCopy("DAMAGED", f"{name} on {target.chosen.name} is not what was stored: take another copy")
            if progress is not None:
                progress(done, 0)


def read_sums(content: bytes, copy: str) -> dict[str, str]:
    """The list of hashes of a copy; empty for nonsense."""
    pieces = {}
    for line in content.decode("ascii", "replace").splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or not (name == copy or name.startswith(f"{copy}.")):
            return {}
        pieces[name] = digest
    return pieces


def remove(target: Target, copy: Stored) -> None:
    """Delete a copy, the list first: a half-deleted one is no copy."""
    for name in (f"{copy.name}{SUMS}", *copy.pieces):
        target.delete(name)


def _cut(file: IO[bytes], length: int, piece: Path | None) -> str:
    """The next bytes of a file into a piece of their own, with their SHA-256; None: only the hash."""
    counted = hashlib.sha256()
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(piece.open("wb")) if piece is not None else None
        while length and (block := file.read(min(BLOCK, length))):
            counted.update(block)
            length -= len(block)
            if out is not None:
                out.write(block)
    return counted.hexdigest()


def _shifted(progress: Progress | None, start: int, size: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(start + done, size)
