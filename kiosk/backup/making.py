"""One run: make a copy, reopen it, bring it and whatever still waits to every target, thin out the old ones.

Runs in a process of its own with the lowest priority, beside a till that sells. Nothing begins while a document is on
its way to a registrar; an outcome that stays unknown for longer does not keep a shop without copies, and the copy says
so. A target that fails leaves its copies in the outbox for the next run, and the others get theirs.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from drivers.clock import Clock
from kiosk.backup import archive, files, gather, identity, manifest, permit, schedule, targets
from kiosk.backup.errors import BackupError, NotPermitted, Postponed
from kiosk.backup.gather import Source
from kiosk.backup.manifest import Manifest
from kiosk.backup.schedule import State, TargetState
from kiosk.backup.targets import Posture, Stored, Target

UNDER_WAY = timedelta(minutes=10)
"""A document open for longer is not half sent but unknown."""
LAST_BACKUP = "last_backup"
"""The ledger's setting that line 18 of the checklist shows."""

TROUBLE = "backup_trouble"
"""The ledger's setting that makes line 18 red: a code, "" where all is well."""

Progress = Callable[[str, int, int], None]
"""(step, done, all)."""

log = logging.getLogger(__name__)


def state_of(place: identity.Place) -> State:
    """What was done so far; a damaged record is begun anew: the copies matter, not the notes about them."""
    try:
        return files.load(place.folder / "state.json", State) or State()
    except BackupError as error:
        log.warning("%s", error.what)
        return State()


def keep_state(place: identity.Place, state: State) -> None:
    files.store(place.folder / "state.json", state)


def run(
    source: Source,
    clock: Clock,
    why: str = "manual",
    *,
    progress: Progress | None = None,
    opened: Sequence[Target] | None = None,
) -> State:
    """Make and send one copy. `opened`: targets to use instead of the owner's.

    Raises `Postponed`, `NotPermitted`, `NoRoom` and other `BackupError`s; what could be sent was sent, and the state is
    written in any case.
    """
    place = source.place
    machine = identity.machine_of(place)
    if machine is None:
        raise BackupError("NOT_SET_UP", "backups are not set up: run «kiosk backup setup» first")
    chosen = list(permit.all_targets(place) if opened is None else opened)
    if not chosen:
        raise BackupError("NO_TARGET", "no target is chosen: a copy on the same disk is no copy")
    with alone(place):
        state = state_of(place)
        _refuse_half_sent(source, clock)
        _refuse_replaced(source, chosen, machine, clock)
        state = msgspec.structs.replace(state, attempt_at=clock.now(), code="", error="")
        failure: BackupError | None = None
        try:
            contents = make(source, machine, clock, why, progress)
            state = msgspec.structs.replace(state, made_at=contents.at, name=contents.name)
        except BackupError as error:
            failure = error
        for target in chosen:
            state = _deliver(source, target, machine, clock, state, progress)
        _thin_outbox(source, state, [target.chosen.name for target in chosen])
        if failure is None:
            failure = _failure(state, chosen)
        if failure is not None:
            state = msgspec.structs.replace(state, code=failure.code, error=failure.what)
        keep_state(place, state)
        _tell_ledger(source, state)
    if failure is not None:
        raise failure
    return state


def make(
    source: Source, machine: identity.Machine, clock: Clock, why: str, progress: Progress | None = None
) -> Manifest:
    """A copy in the outbox, reopened and checked. Raises `BackupError`."""
    outbox = source.place.folder / "outbox"
    outbox.mkdir(parents=True, exist_ok=True, mode=0o700)
    staging = source.place.folder / "staging"
    sweep(source.place)
    staging.mkdir(mode=0o700)
    try:
        _step(progress, "snapshot", 0, 1)
        contents = gather.gather(source, staging).manifest(source, machine, clock.now(), why)
        _step(progress, "archive", 0, 1)
        part = outbox / f"{contents.name}.part"
        archive.write(part, contents, staging, machine, lambda done, total: _step(progress, "archive", done, total))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _step(progress, "verify", 0, 1)
    try:
        reopened = archive.read(part, [machine.key], machine.verify)
    except BackupError:
        part.unlink(missing_ok=True)
        raise
    if reopened != contents:
        part.unlink(missing_ok=True)
        raise BackupError("UNVERIFIED", "the new copy does not say what was written into it: it was thrown away")
    part.replace(outbox / contents.name)
    files.sync(outbox)
    return contents


def sweep(place: identity.Place) -> None:
    """Remove what a run, a rehearsal or a fetch left behind when it was cut off; call it alone."""
    for pattern in ("staging", "rehearsal-*", "fetched-*", "verify-*", "outbox/*.part", "outbox/.pieces-*"):
        for path in place.folder.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def waiting(place: identity.Place) -> list[Path]:
    """Copies in the outbox, oldest first."""
    found = [path for path in (place.folder / "outbox").glob("kasa-*.age") if manifest.moment_of(path.name)]
    return sorted(found, key=lambda path: path.name)


def half_sent(source: Source, now: datetime) -> bool:
    """Whether a document is on its way to a registrar at this moment."""
    ledger = source.ledger
    if ledger is None or not ledger.is_file():
        return False
    try:
        with gather.open_read(ledger) as connection:
            found = connection.execute(
                "SELECT made_at FROM fiscal_documents WHERE state IN ('pending', 'unknown')"
            ).fetchall()
    except sqlite3.Error as error:
        raise BackupError("TORN", f"the ledger cannot be read ({error}): keep it and call help") from error
    return any(timedelta() <= now - _moment(text) < UNDER_WAY for (text,) in found)


def last_z(source: Source) -> datetime | None:
    """When the last shift was closed."""
    ledger = source.ledger
    if ledger is None or not ledger.is_file():
        return None
    with contextlib.suppress(sqlite3.Error), gather.open_read(ledger) as connection:
        row = connection.execute("SELECT max(closed_at) FROM shifts").fetchone()
        return _moment(row[0]) if row and row[0] else None
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _refuse_half_sent(source: Source, clock: Clock) -> None:
    if half_sent(source, clock.now()):
        raise Postponed("a document is on its way to a registrar: the copy waits for it")


def _refuse_replaced(source: Source, chosen: Sequence[Target], machine: identity.Machine, clock: Clock) -> None:
    """A machine whose books moved elsewhere writes no copies over the new one's."""
    for target in chosen:
        try:
            claim = permit.successor(target, machine)
        except BackupError:
            continue
        if claim is not None:
            set_setting(source, permit.RETIRED, msgspec.json.encode(claim).decode())
            raise NotPermitted(
                "REPLACED", f"since {claim.at:%Y-%m-%d %H:%M} UTC another machine works with these books"
            )


def _deliver(
    source: Source,
    target: Target,
    machine: identity.Machine,
    clock: Clock,
    state: State,
    progress: Progress | None,
) -> State:
    """Everything that waits to one target, then thin out what is there. A failure is a line of the state."""
    name = target.chosen.name
    before = state.targets.get(name, TargetState())
    now = before
    try:
        there = target.names()
        for path in (source.place.identity, source.place.emergency):
            if path.name not in there and path.exists():
                target.put(path, path.name, archive.digest(path), absent=True)
        for path in waiting(source.place):
            sent = targets.send(target, path, lambda done, total: _step(progress, f"send {name}", done, total))
            newest = max(sent.at, now.newest) if now.newest else sent.at
            now = TargetState(newest, clock.now())
        if target.chosen.posture is not Posture.APPEND_ONLY:
            prune(target, machine.shop, source)
        now = msgspec.structs.replace(now, code="", error="")
    except BackupError as error:
        log.warning("backup to %s: %s", name, error.what)
        now = msgspec.structs.replace(now, code=error.code, error=error.what)
    return msgspec.structs.replace(state, targets={**state.targets, name: now})


def prune(target: Target, shop: str, source: Source) -> list[Stored]:
    """Delete this shop's copies that the rule keeps no more; returns them. A target that forbids it keeps all."""
    found = targets.stored(target, shop)
    stay = schedule.kept((copy.at for copy in found), source.settings.backup)
    gone = [copy for copy in found if copy.at not in stay]
    for copy in gone:
        try:
            targets.remove(target, copy)
        except BackupError as error:
            if error.code == "FORBIDDEN":
                return []
            raise
    return gone


def _thin_outbox(source: Source, state: State, names: Sequence[str]) -> None:
    """What every target has is not needed here; what waits too long gives way to what is younger."""
    left = waiting(source.place)
    states = [state.targets.get(name, TargetState()) for name in names]
    for path in left[:]:
        at = manifest.moment_of(path.name)
        if at is not None and all(each.newest is not None and each.newest >= at and not each.error for each in states):
            path.unlink()
            left.remove(path)
    room = source.settings.backup.outbox_mb * 2**20
    while len(left) > 1 and sum(path.stat().st_size for path in left) > room:
        log.warning("%s gives way: no target has taken it for too long", left[0].name)
        left.pop(0).unlink()


def _failure(state: State, chosen: Sequence[Target]) -> BackupError | None:
    """A run that reached no target is no backup."""
    states = [state.targets.get(target.chosen.name, TargetState()) for target in chosen]
    bad = next((each for each in states if each.error), None)
    if bad is not None and all(each.error for each in states):
        return BackupError(bad.code, bad.error)
    return None


def newest_safe(state: State) -> datetime | None:
    """The newest copy that is on some target."""
    return max((each.newest for each in state.targets.values() if each.newest is not None), default=None)


def trouble(state: State) -> str:
    """What the owner must see: copies that do not restore first, then those that are not made or sent."""
    if state.rehearsal_error:
        return "REHEARSAL"
    return state.code or next((each.code for each in state.targets.values() if each.code), "")


def _tell_ledger(source: Source, state: State) -> None:
    set_setting(source, TROUBLE, trouble(state))
    newest = newest_safe(state)
    if newest is not None:
        set_setting(source, LAST_BACKUP, newest.isoformat())


def set_setting(source: Source, name: str, value: str) -> None:
    """One line into the live ledger, without the weight of its engine; a busy ledger is told next time."""
    ledger = source.ledger
    if ledger is None or not ledger.is_file():
        return
    try:
        with contextlib.closing(sqlite3.connect(ledger, isolation_level=None, timeout=5)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(
                "INSERT INTO settings(name, value) VALUES (?, ?)"
                " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
    except sqlite3.Error as error:
        log.warning("the ledger was not told about %s: %s", name, error)


@contextmanager
def alone(place: identity.Place) -> Iterator[None]:
    """One run at a time. Raises `Postponed`."""
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (place.folder / "run.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Postponed("another backup is under way") from error
        yield


def _step(progress: Progress | None, name: str, done: int, total: int) -> None:
    if progress is not None:
        progress(name, done, total)
