"""From a copy to a till: unpacked beside the live data, checked whole, and only then put in their place.

    prepare   unpack into <data>/.restore-…, hashes, integrity, foreign keys, the journal's whole chain
    commit    write <data>/restore.json (what goes where), move the old files to <data>/before-restore-…, the new in

Until `restore.json` is written the live data are untouched, whatever happens; from then on `resume` carries the moves
to their end at the next start, each of which may have happened already. Nothing of the old data is deleted.

The books then wait for `gap`: selling is refused until every registrar was compared with them (`permit`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from drivers.clock import Clock
from kiosk.backup import archive, files, gather, identity, manifest, permit
from kiosk.backup.errors import BackupError, BadCopy, NoRoom
from kiosk.backup.gather import Source
from kiosk.backup.manifest import Manifest
from kiosk.ledger.errors import LedgerError

PLAN = "restore.json"
AHEAD = timedelta(hours=26)
"""A copy younger than now by more than this was made by a machine whose clock was wrong, or this one's is."""

Progress = Callable[[str, int, int], None]
"""(step, done, all)."""


class Move(msgspec.Struct, frozen=True):
    """A file that goes to its place. Absolute paths."""

    source: str
    target: str


class Plan(msgspec.Struct, frozen=True):
    """What is left to do after the point of no return."""

    staging: str
    old: str
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Prepared:
    """A copy that was checked and waits to be put in its place."""

    staging: Path
    contents: Manifest
    warnings: tuple[str, ...] = ()


def prepare(
    copy: Path,
    secret: identity.Secret,
    source: Source,
    clock: Clock,
    *,
    future: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Unpack and check a copy; the live data are untouched. `future`: the owner knows that the clock was wrong.

    Raises `BadCopy` (damaged, foreign, newer, from the future), `NoRoom`.
    """
    data = source.data
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(data)
    contents = archive.peek(copy, [secret.key], secret.verify)
    if contents.shop != secret.shop:
        raise BadCopy("FOREIGN", f"{copy.name} is a copy of another shop")
    now = clock.now()
    if contents.at - now > AHEAD and not future:
        raise BadCopy(
            "FUTURE",
            f"the copy is of {contents.at:%Y-%m-%d %H:%M} UTC and here it is {now:%Y-%m-%d %H:%M}: set the clock",
        )
    if shutil.disk_usage(data).free < contents.size + gather.SPARE:
        raise NoRoom(f"the copy needs {(contents.size + gather.SPARE) // 2**20} MB: free the disk")
    staging = data / f".restore-{secrets.token_hex(6)}"
    staging.mkdir(mode=0o700)
    try:
        archive.unpack(copy, [secret.key], secret.verify, staging, _step(progress, "unpack", contents.size))
        check(staging, contents, clock)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    warnings = []
    if contents.unsettled:
        warnings.append(f"{len(contents.unsettled)} documents had no known outcome when the copy was made")
    return Prepared(staging, contents, tuple(warnings))


def commit(
    prepared: Prepared,
    secret: identity.Secret,
    source: Source,
    clock: Clock,
    *,
    generation: int,
    identity_files: Mapping[str, bytes],
) -> Manifest:
    """Put a checked copy in place of whatever is there. Raises `BackupError` (`RUNNING`) while the till runs.

    `generation` is the new machine's number (see `permit`); `identity_files` are what lay beside the copies.
    """
    ledger = source.ledger
    if ledger is None:
        raise BackupError("SERVER", "the ledger is kept by a database server: restore it there")
    refuse_running(ledger)
    staging, contents = prepared.staging, prepared.contents
    _adapt(staging, contents, source, clock)
    moves = []
    for target, path in _targets(staging, contents, source, ledger):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.stat().st_dev != target.parent.stat().st_dev:
            near = target.parent / f".restore-{secrets.token_hex(6)}"
            shutil.copyfile(path, near)
            with near.open("rb") as file:
                os.fsync(file.fileno())
            path = near
        moves.append(Move(str(path.absolute()), str(target.absolute())))
    old = source.data / f"before-restore-{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    for folder in {Path(move.source).parent for move in moves}:
        files.sync(folder)
    _take_identity(secret, source, old, generation, identity_files)
    files.store(source.data / PLAN, Plan(str(staging), str(old), tuple(moves)))
    resume(source.data)
    return contents


def _take_identity(
    secret: identity.Secret, source: Source, old: Path, generation: int, identity_files: Mapping[str, bytes]
) -> None:
    """This machine belongs to the shop of the copy from now on; before the books do: they are never unguarded."""
    place = source.place
    before = identity.machine_of(place)
    if before is not None and before.shop == secret.shop:
        # The same machine goes back to its own copy; its targets and their passwords stay.
        files.store(place.machine, msgspec.structs.replace(before, generation=generation))
    else:
        if place.folder.exists():
            old.mkdir(mode=0o700, exist_ok=True)
            for path in sorted(place.folder.iterdir()):
                if path.name in (place.machine.name, place.identity.name, place.emergency.name):
                    path.replace(old / path.name)
        identity.adopt(place, secret, generation=generation)
    for path in (place.identity, place.emergency):
        if path.name in identity_files and not path.exists():
            files.write(path, identity_files[path.name])


def resume(data: Path) -> bool:
    """Carry an interrupted `commit` to its end; True when there was one. Called at each start before anything opens."""
    plan = files.load(data / PLAN, Plan)
    if plan is None:
        return False
    old = Path(plan.old)
    old.mkdir(mode=0o700, exist_ok=True)
    for number, move in enumerate(plan.moves):
        source, target = Path(move.source), Path(move.target)
        if not source.exists():
            # It is in its place already: a move is one step.
            continue
        # The old database's log must be gone before the new file has its name, or SQLite would mix the two.
        for name in (f"{target.name}-wal", f"{target.name}-shm", target.name):
            there = target.parent / name
            if there.exists():
                _aside(there, old / f"{number:03}-{name}")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        source.replace(target)
        files.sync(target.parent)
    files.sync(old)
    shutil.rmtree(plan.staging, ignore_errors=True)
    (data / PLAN).unlink()
    files.sync(data)
    return True


def sweep(data: Path) -> None:
    """Remove what an interrupted `prepare` left. Nothing is removed while a `commit` waits for its end."""
    resume(data)
    for path in data.glob(".restore-*"):
        shutil.rmtree(path, ignore_errors=True)


def refuse_running(ledger: Path) -> None:
    """Raises `BackupError` (`RUNNING`) while any program has the ledger open."""
    if not ledger.exists():
        return
    try:
        with contextlib.closing(sqlite3.connect(ledger, isolation_level=None, timeout=0)) as connection:
            # In WAL every open connection holds a shared lock that an exclusive one cannot pass.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise BackupError("RUNNING", f"the till is running ({error}): end it, then restore") from error
    except sqlite3.DatabaseError:
        # A torn ledger is a good reason to restore.
        return


def check(staging: Path, contents: Manifest, clock: Clock) -> None:
    """The databases hold together, and the journal's chain from its first record to the one that the copy names."""
    from kiosk.ledger.store import open_ledger

    for path in sorted(staging.rglob("*")):
        if not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(len(gather.MAGIC)) != gather.MAGIC:
                continue
        try:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        except sqlite3.DatabaseError as error:
            raise BadCopy("DAMAGED", f"{path.name} in the copy does not hold together ({error})") from error
        if verdict != "ok" or broken is not None:
            raise BadCopy("DAMAGED", f"{path.name} in the copy does not hold together ({verdict}): take another copy")
    try:
        with open_ledger(staging / manifest.LEDGER, clock) as ledger:
            count = ledger.journal.verify(full=True)
            last = ledger.journal.records(after=count - 1, limit=1) if count else ()
    except LedgerError as error:
        code = "NEWER" if error.code == "newer" else "DAMAGED"
        raise BadCopy(code, f"the ledger in the copy cannot be used: {error.what}") from error
    if count != contents.journal or (last and last[0].hash != contents.journal_hash):
        raise BadCopy("DAMAGED", f"the copy's journal ends at record {count}, not at {contents.journal}")


def _adapt(staging: Path, contents: Manifest, source: Source, clock: Clock) -> None:
    """The copied books learn that they came from a copy, and where this machine keeps its registrars' memories."""
    from kiosk.ledger.store import open_ledger

    pending = permit.Pending(
        contents.name, contents.at, clock.now(), sum(registrar.waiting for registrar in contents.registrars)
    )
    with open_ledger(staging / manifest.LEDGER, clock) as ledger:
        ledger.shop.set_setting(permit.PENDING, msgspec.json.encode(pending).decode())
        ledger.shop.set_setting(permit.RETIRED, "")
    with contextlib.closing(sqlite3.connect(staging / manifest.LEDGER)) as connection, connection:
        for registrar in contents.registrars:
            connection.execute(
                "UPDATE bindings SET url = ? WHERE id = ?", (moved(registrar.url, contents, source), registrar.binding)
            )
    with (staging / manifest.LEDGER).open("rb") as file:
        os.fsync(file.fileno())


def moved(url: str, contents: Manifest, source: Source) -> str:
    """A registrar's URL on this machine: folders inside the old data folder are inside the new one now."""
    if gather.software(url) is None or not contents.data:
        return url
    parts = urlsplit(url)
    options = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        path = Path(value).expanduser()
        if name in ("state", "keys", "tape") and path.is_relative_to(contents.data):
            value = str(source.data.absolute() / path.relative_to(contents.data))
        options.append((name, value))
    return parts._replace(query=urlencode(options, safe="/:")).geturl()


def _targets(staging: Path, contents: Manifest, source: Source, ledger: Path) -> list[tuple[Path, Path]]:
    """(place, file of the copy) of each member; the ledger comes last, because it makes the till start."""
    stores = {each.store: Path(gather.state_folder(moved(each.url, contents, source))) for each in contents.registrars}
    found: list[tuple[Path, Path]] = []
    last: list[tuple[Path, Path]] = []
    for member in contents.members:
        path = staging / member.path
        room, _, rest = member.path.partition("/")
        if member.path == manifest.LEDGER:
            last.append((ledger, path))
        elif member.path == manifest.SETTINGS:
            found.append((source.data / "settings.restored.toml", path))
        elif room == manifest.STORES:
            found.append((stores.get(member.path, source.data / "prro") / rest, path))
        elif room == manifest.DATA:
            found.append((source.data / rest, path))
        else:
            found.append((source.data / "restored" / room / rest, path))
    return found + last


def _aside(path: Path, target: Path) -> None:
    """Keep an old file; from another file system it is copied."""
    try:
        path.replace(target)
    except OSError:
        shutil.copyfile(path, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
        path.unlink()


def _step(progress: Progress | None, name: str, total: int) -> archive.Progress | None:
    return None if progress is None else lambda done, _: progress(name, done, total)
