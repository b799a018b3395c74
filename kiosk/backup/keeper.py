"""The till's watch over its copies: starts a run when one is due, in a process of its own, and knows how it goes.

A look costs a few small reads and never waits. Nothing is started while the till works with a registrar or a document
is half sent; a run that is under way has the lowest priority of processor and disk (`child`).
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from drivers.clock import Clock
from kiosk.backup import identity, making, schedule
from kiosk.backup.command import source_with
from kiosk.backup.errors import BackupError
from kiosk.backup.targets import Chosen, choices
from kiosk.config import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """How the backups stand. `step` is what the run under way does, "" for none; `percent` of that step.

    `code` and `error`: why the last run or rehearsal failed. `ready` is False before the owner set backups up.
    """

    ready: bool
    running: str = ""
    step: str = ""
    percent: int = 0
    newest: datetime | None = None
    rehearsed: datetime | None = None
    code: str = ""
    error: str = ""
    rehearsal_error: str = ""
    waiting: int = 0
    targets: tuple[tuple[Chosen, schedule.TargetState], ...] = ()


@dataclass
class _Run:
    process: subprocess.Popen[bytes]
    action: str
    step: str = ""
    percent: int = 0
    code: str = ""
    text: str = ""
    reader: threading.Thread | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Keeper:
    """One till's copies. Every call belongs to one thread; the run's lines are read on a thread of their own."""

    def __init__(self, settings: Settings, clock: Clock, settings_file: Path | None = None) -> None:
        self._source = source_with(settings, settings_file)
        self._clock = clock
        self._run: _Run | None = None

    @property
    def place(self) -> identity.Place:
        return self._source.place

    def tick(self, *, busy: bool = False) -> str:
        """Start what is due; gives what was started: `copy`, `rehearse` or "". `busy`: the till is at work."""
        if self._running() is not None or busy or not self.place.machine.exists() or not choices(self.place.folder):
            return ""
        now, rule = self._clock.now(), self._source.settings.backup
        state = making.state_of(self.place)
        try:
            why = schedule.due(state, now, rule, making.last_z(self._source))
            if why and not making.half_sent(self._source, now):
                return self.start("copy", why)
        except BackupError as error:
            log.warning("%s", error.what)
            return ""
        # Only what has reached a target can be brought back from it.
        if not why and making.newest_safe(state) is not None and schedule.rehearsal_due(state, now, rule):
            return self.start("rehearse")
        return ""

    def start(self, action: str, why: str = "manual") -> str:
        """Begin a run unless one is under way."""
        if self._running() is not None:
            return ""
        from kiosk.backup.child import Job

        place = str(self._source.settings_file or "")
        job = msgspec.json.encode(Job(self._source.settings, action, why, place))
        calm = ["ionice", "-c3"] if shutil.which("ionice") else []
        process = subprocess.Popen(
            [*calm, sys.executable, "-m", "kiosk.backup.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(job)
        process.stdin.close()
        run = _Run(process, action)
        run.reader = threading.Thread(target=_listen, args=(run, process.stdout), name="backup", daemon=True)
        run.reader.start()
        self._run = run
        return action

    def wait(self, seconds: float) -> bool:
        """Wait for the run under way; True when none is left."""
        return self._run is None or self._run.done.wait(seconds)

    def view(self) -> View:
        """How the backups stand now."""
        state = making.state_of(self.place)
        run = self._running()
        last = self._run
        code, error = state.code, state.error
        if run is None and last is not None and last.code and last.action == "copy" and last.code != "POSTPONED":
            code, error = last.code, last.text
        return View(
            ready=self.place.machine.exists(),
            running=run.action if run is not None else "",
            step=run.step if run is not None else "",
            percent=run.percent if run is not None else 0,
            newest=making.newest_safe(state),
            rehearsed=state.rehearsed_at,
            code=code,
            error=error,
            rehearsal_error=state.rehearsal_error,
            waiting=len(making.waiting(self.place)),
            targets=tuple(
                (chosen, state.targets.get(chosen.name, schedule.TargetState()))
                for chosen in choices(self.place.folder)
            ),
        )

    def close(self) -> None:
        """The till ends; a copy that is under way is finished without it."""
        self._run = None

    def _running(self) -> _Run | None:
        return self._run if self._run is not None and not self._run.done.is_set() else None


def _listen(run: _Run, lines: IO[bytes]) -> None:
    with lines:
        for line in lines:
            kind, _, rest = line.decode(errors="replace").rstrip("\n").partition("\t")
            fields = rest.split("\t")
            if kind == "progress" and len(fields) == 3 and fields[1].isdigit() and fields[2].isdigit():
                run.step = fields[0]
                run.percent = 100 * int(fields[1]) // max(1, int(fields[2]))
            elif kind == "end" and len(fields) == 2:
                run.code, run.text = fields
    if run.process.wait() and not run.code:
        run.code, run.text = "STOPPED", "the copy was stopped before its end: it is made again"
    run.done.set()
