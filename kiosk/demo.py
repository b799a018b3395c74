"""`kiosk demo`: a demo shop on a virtual registrar, a process of its own as a real one would be.

    DIR/ledger.db   the till's memory        DIR/registrar/state.json   the registrar's memory
    DIR/registrar/tty   its serial port      DIR/registrar/tape.txt     its paper

Starting it again goes on with the same data.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.config import Settings

PR_SET_PDEATHSIG = 1
PATIENCE = 15.0
"""Seconds that the virtual registrar may take to start."""


def folder(given: Path | None) -> Path:
    """Where the demo lives."""
    if given is not None:
        return given.expanduser().resolve()
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "kasa" / "demo"


def settings(where: Path, registrar: str, language: str) -> Settings:
    """The settings of the demo's workplace."""
    return Settings(data=str(where), registrar=registrar, demo=True, language="en" if language == "en" else "uk")


@contextmanager
def registrar(where: Path) -> Iterator[str]:
    """Run the virtual registrar beside the till; gives its URL. Raises OSError when it does not start."""
    place = where / "registrar"
    place.mkdir(parents=True, exist_ok=True)
    port = place / "tty"
    command = [sys.executable, "-m", "drivers.cli", "emulate", "datecs", "--link", str(port)]
    command += ["--state", str(place / "state.json"), "--tape", str(place / "tape.txt")]
    with (place / "registrar.log").open("ab") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        assert child.stdout is not None
        ready = child.stdout.readline().decode()
        if not ready.startswith("ready "):
            raise OSError(f"the virtual registrar did not start; see {place / 'registrar.log'}")
        yield f"datecs+serial://{port}"
    finally:
        child.terminate()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _end_with_parent() -> None:
    """A killed kiosk leaves no virtual registrar behind: the kernel ends it (prctl PR_SET_PDEATHSIG)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
