"""A second disk, a USB stick or a mounted network share.

The folder is marked when it is chosen (`kasa-target.json`). Without the mark nothing is written: a mount point without
its stick is an empty folder on the very disk that the copy is to survive.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kiosk.backup import files
from kiosk.backup.errors import BackupError, BadCopy, TargetFull, TargetGone
from kiosk.backup.targets import Chosen, Posture, Progress

MARK = "kasa-target.json"
BLOCK = 1024 * 1024
PROBE = "kasa-probe"


def mark(folder: Path) -> str:
    """Mark a folder as a target; a folder that is marked already keeps its word. Raises `TargetGone`."""
    try:
        if (folder / MARK).exists():
            return _word(folder)
        if not folder.is_dir():
            raise TargetGone(f"{folder} is not there: plug the stick in or mount the share")
        word = secrets.token_hex(8)
        files.write(folder / MARK, json.dumps({"target": word}).encode())
    except OSError as error:
        raise TargetGone(f"{folder} cannot be written to: {error.strerror}") from error
    return word


def _word(folder: Path) -> str:
    try:
        return str(json.loads((folder / MARK).read_bytes())["target"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TargetGone(f"{folder} is not the target that was chosen: is the right stick plugged in?") from error


class FolderTarget:
    """Answers `kiosk.backup.targets.Target`."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self._folder = Path(chosen.where)

    def names(self) -> Mapping[str, int]:
        with self._there():
            return {
                entry.name: entry.stat().st_size
                for entry in os.scandir(self._folder)
                if entry.is_file() and not entry.name.endswith(".part") and entry.name != MARK
            }

    def put(
        self, path: Path, name: str, sha256: str, progress: Progress | None = None, *, absent: bool = False
    ) -> None:
        with self._there():
            final = self._folder / name
            if not absent and final.exists() and self._digest(final) == sha256:
                return
            part = self._folder / f"{name}.part"
            self._fill(part, path, progress)
            if self._digest(part) != sha256:
                part.unlink()
                raise BadCopy("DAMAGED", f"{name} arrived damaged on {self.chosen.name}: it is tried again")
            part.replace(final)
            files.sync(self._folder)

    def fetch(self, name: str, path: Path) -> None:
        with self._there(reading=True), (self._folder / name).open("rb") as source, path.open("wb") as out:
            while block := source.read(BLOCK):
                out.write(block)

    def get(self, name: str, most: int = 1024 * 1024) -> bytes:
        with self._there(reading=True), (self._folder / name).open("rb") as source:
            return source.read(most)

    def delete(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise BackupError("FORBIDDEN", f"{self.chosen.name} lets nothing be deleted: {error.strerror}") from error

    def probe(self) -> Posture:
        with self._there():
            path = self._folder / f"{PROBE}-{secrets.token_hex(4)}"
            path.write_bytes(b"probe")
            destroyed = False
            with contextlib.suppress(PermissionError):
                path.write_bytes(b"overwritten")
                destroyed = True
            with contextlib.suppress(PermissionError):
                path.unlink()
                destroyed = True
        return Posture.DELETABLE if destroyed else Posture.APPEND_ONLY

    def _fill(self, part: Path, path: Path, progress: Progress | None) -> None:
        """Copy, going on after what a broken run has left, if that is the beginning of this file."""
        total = path.stat().st_size
        with path.open("rb") as source, part.open("a+b") as out:
            done = self._common(source, out)
            out.truncate(done)
            source.seek(done)
            while block := source.read(BLOCK):
                out.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total)
            out.flush()
            os.fsync(out.fileno())
            # What is read back for the hash must come from the medium, not from memory.
            os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _common(self, ours: IO[bytes], theirs: IO[bytes]) -> int:
        """How many bytes of what lies there are the beginning of what is sent; whole blocks only."""
        theirs.seek(0)
        same = 0
        while (block := theirs.read(BLOCK)) and ours.read(len(block)) == block:
            same += len(block)
        return same

    def _digest(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def _there(self, *, reading: bool = False) -> Iterator[None]:
        """The chosen medium is here; its failures in the owner's words."""
        if self.chosen.mark and (not self._folder.is_dir() or _word(self._folder) != self.chosen.mark):
            raise TargetGone(f"{self._folder} is not the target that was chosen: is the right stick plugged in?")
        try:
            yield
        except FileNotFoundError as error:
            if reading and self._folder.is_dir():
                raise BadCopy("ABSENT", f"{error.filename} is not on {self.chosen.name}") from error
            raise TargetGone(f"{self.chosen.name} vanished: plug it in again") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise TargetFull(f"{self.chosen.name} is full: free it or choose another") from error
            raise TargetGone(f"{self.chosen.name} does not work: {error.strerror}") from error
