"""The part of a device that survives the mains: one JSON file, replaced atomically, and the paper tape."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class StateFile:
    """Non-volatile memory. Without a path it lives in this object only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @property
    def kept(self) -> bool:
        """Whether there is a file at all."""
        return self._path is not None

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None on the first start. Raises ValueError for a file that is no memory."""
        if self._path is None or not self._path.exists():
            return None
        content = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"{self._path} is not the memory of a device")
        return content

    def save(self, content: dict[str, Any]) -> None:
        """Replace the file; the old content stays until the new one is on the disk."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Tape:
    """Paper: lines kept in memory and appended to a file that a person can read along."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.lines: list[str] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def print(self, lines: Sequence[str]) -> None:
        self.lines += lines
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
