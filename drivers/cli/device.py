"""The registrar of one command: connected, its key opened, closed again; and the command's own journal."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from drivers.clock import SystemClock


class Device:
    """A connected registrar for one command; shows the wire afterwards when asked to."""

    def __init__(self, options: argparse.Namespace) -> None:
        from drivers.links.wire import WireLog
        from drivers.registry import connect

        self._wire = options.wire
        self._log = WireLog(SystemClock())
        self._registrar = connect(options.url, log=self._log, record=options.record or True)
        unlock_key(options, options.url)

    def __enter__(self) -> Any:
        return self._registrar

    def __exit__(self, *_: object) -> None:
        self._registrar.close()
        lock_keys()
        if self._wire:
            print(self._log.tail(1000), file=sys.stderr)


def unlock_key(options: argparse.Namespace, text: str) -> None:
    """The key of a software registrar's URL, where it is one."""
    from drivers.registry import parse_url

    url = parse_url(text)
    if url.family == "prro":
        from drivers.prro.unlocking import unlock

        unlock(url, SystemClock(), options.key_password_file)
    elif options.key_password_file is not None:
        raise ValueError("--key-password-file is for software registrars: a device has no key")


def lock_keys() -> None:
    """Forget every key, where any was unlocked."""
    if (keys := sys.modules.get("drivers.prro.keys")) is not None:
        keys.ring.lock_all()


def journal_path() -> Path:
    """$KASA_JOURNAL, else under the XDG state folder."""
    if path := os.environ.get("KASA_JOURNAL"):
        return Path(path)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kasa" / "registrar.journal"
