"""Small durable files: written whole or not at all, readable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from kiosk.backup.errors import BackupError

T = TypeVar("T")


def write(path: Path, content: bytes) -> None:
    """Replace `path` in one step that a power cut cannot halve. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def store(path: Path, value: msgspec.Struct) -> None:
    """A struct as readable JSON."""
    write(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def load(path: Path, kind: type[T]) -> T | None:
    """The struct that was stored, None where there is none. Raises `BackupError` for a damaged file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupError("DAMAGED_FILE", f"{path} is damaged: {error}") from error
