"""What goes into a copy, and consistent snapshots of it while the till sells.

    ledger/ledger.db      VACUUM INTO of the ledger     prro/<fiscal number>.sqlite3   of each software registrar
    settings/kiosk.toml   the settings file             data/…                         all else in the data folder

Each database is copied by `VACUUM INTO` (kiosk-platform.md §7.2: the stepwise backup API starves under writes) and
tested by `quick_check`. The ledger goes first: a registrar's memory that is a moment younger knows more documents,
which a restored till asks for; an older one would give numbers twice. When the journal moved meanwhile, all is taken
again, so that usually nothing moved at all.

Private keys stay out unless the owner wants them in: whoever has the copy and its code could sign for the shop.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from drivers.errors import Invalid
from drivers.registry import RegistrarUrl, parse_url
from kiosk.backup import identity, manifest
from kiosk.backup.errors import BackupError, NoRoom
from kiosk.backup.manifest import Manifest, Member, Registrar
from kiosk.config import Settings

MAGIC = b"SQLite format 3\0"
TRIES = 3
"""Snapshots of the whole set before one is taken as it comes."""
PRIVATE = frozenset({".dat", ".jks", ".pfx", ".p12", ".zs2", ".zs3", ".pk8", ".key", ".pem", ".sk"})
PASSING = ("-wal", "-shm", "-journal", ".lock", ".new", ".part", ".tmp")
SPARE = 64 * 1024 * 1024
"""Bytes that a run leaves free: a till that cannot write a sale is worse than one without a copy."""


@dataclass(frozen=True)
class Source:
    """Where everything lies."""

    settings: Settings
    settings_file: Path | None = None
    evidence: tuple[Path, ...] = ()
    """Folders beside the data folder that belong to it, such as recordings of the wire."""
    include_keys: bool = False

    @property
    def data(self) -> Path:
        return self.settings.folder

    @property
    def ledger(self) -> Path | None:
        """The ledger's file, None where a database server keeps it."""
        url = self.settings.ledger_url
        scheme, separator, rest = url.partition("://")
        if not separator:
            return Path(url)
        return Path(rest[1:]) if scheme.split("+")[0] == "sqlite" else None

    @property
    def place(self) -> identity.Place:
        return identity.Place(self.data / "backup")


@dataclass
class Snapshot:
    """The members in a folder of their own, and what they say."""

    folder: Path
    members: list[Member] = field(default_factory=list)
    registrars: tuple[Registrar, ...] = ()
    revision: str = ""
    journal: int = 0
    journal_hash: str = ""
    documents: int = 0
    receipts: int = 0
    unsettled: tuple[str, ...] = ()

    def manifest(self, source: Source, machine: identity.Machine, at: datetime, why: str) -> Manifest:
        return Manifest(
            format=manifest.FORMAT, shop=machine.shop, machine=machine.machine, generation=machine.generation,
            workplace=source.settings.workplace, at=at, why=why, program=_version(), revision=self.revision,
            journal=self.journal, journal_hash=self.journal_hash, documents=self.documents, receipts=self.receipts,
            unsettled=self.unsettled, data=str(source.data.absolute()), registrars=self.registrars,
            members=tuple(self.members),
        )  # fmt: skip


def gather(source: Source, folder: Path) -> Snapshot:
    """Fill an empty folder with one consistent set. Raises `NoRoom`, and `BackupError` for a database that is torn."""
    ledger = source.ledger
    if ledger is None:
        raise BackupError("SERVER", "the ledger is kept by a database server: copy it there with pg_dump")
    if not ledger.is_file():
        raise BackupError("NO_LEDGER", f"there is no ledger at {ledger} to copy")
    _room(source, folder)
    for attempt in range(TRIES):
        snapshot = Snapshot(folder)
        copy = folder / manifest.LEDGER
        _fresh(copy)
        _vacuum(ledger, copy)
        _read_ledger(copy, snapshot)
        stores = [_copy_store(registrar, folder) for registrar in _registrars(copy)]
        snapshot.registrars = tuple(stores)
        if attempt == TRIES - 1 or _journal(ledger) == (snapshot.journal, snapshot.journal_hash):
            break
    _add(snapshot, manifest.LEDGER)
    for registrar in snapshot.registrars:
        if registrar.store:
            _add(snapshot, registrar.store)
    for name, path in _loose(source, snapshot.registrars):
        _take(snapshot, name, path)
    return snapshot


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("kasa-kiosk")
    except PackageNotFoundError:
        return ""


def state_folder(url: str) -> str:
    """Where a software registrar of this URL keeps its memory (`drivers.prro.address`, without importing all of it)."""
    given = parse_url(url).options.get("state", "")
    if given:
        return str(Path(given).expanduser())
    return str(Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kasa" / "prro")


def key_folder(url: str) -> str:
    """Where the keys of a software registrar lie."""
    given = parse_url(url).options.get("keys", "")
    if given:
        return str(Path(given).expanduser())
    return str(Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kasa" / "keys")


def software(url: str) -> RegistrarUrl | None:
    """The URL's parts if it names a software registrar with a fiscal number."""
    try:
        parsed = parse_url(url)
    except Invalid:
        return None
    return parsed if parsed.family == "prro" and parsed.options.get("fn") else None


def open_read(path: Path) -> contextlib.closing[sqlite3.Connection]:
    """A connection that changes nothing of a database that others write to."""
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA query_only=ON")
    return contextlib.closing(connection)


def _vacuum(path: Path, copy: Path) -> None:
    try:
        # query_only forbids VACUUM INTO too, so this one connection goes without it.
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA busy_timeout=5000")
            connection.execute("VACUUM INTO ?", (str(copy),))
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        if "full" in str(error) or "I/O" in str(error):
            raise NoRoom(f"there is no room to copy {path.name} ({error}): free the disk") from error
        raise BackupError("TORN", f"{path} cannot be copied ({error}): keep it and call help") from error
    if verdict != "ok":
        raise BackupError("TORN", f"the copy of {path} does not hold together ({verdict}): keep it and call help")
    copy.chmod(0o600)


def _journal(path: Path) -> tuple[int, str]:
    with open_read(path) as connection:
        row = connection.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return (0, "") if row is None else (int(row[0]), str(row[1]))


def _read_ledger(copy: Path, snapshot: Snapshot) -> None:
    with open_read(copy) as connection:
        snapshot.revision = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        snapshot.documents = connection.execute("SELECT count(*) FROM fiscal_documents").fetchone()[0]
        snapshot.receipts = connection.execute("SELECT count(*) FROM receipts").fetchone()[0]
        found = connection.execute("SELECT id FROM fiscal_documents WHERE state IN ('pending', 'unknown') ORDER BY seq")
        snapshot.unsettled = tuple(_uuid(row[0]) for row in found)
    snapshot.journal, snapshot.journal_hash = _journal(copy)


def _uuid(value: bytes | str) -> str:
    from uuid import UUID

    return str(UUID(bytes=value) if isinstance(value, bytes) else UUID(value))


def _registrars(copy: Path) -> Iterator[Registrar]:
    with open_read(copy) as connection:
        for binding, url, serial, fiscal in connection.execute(
            "SELECT id, url, serial, fiscal_number FROM bindings ORDER BY id"
        ).fetchall():
            last = connection.execute(
                "SELECT number FROM fiscal_documents WHERE binding_id = ? AND number <> ''"
                " ORDER BY done_seq DESC LIMIT 1",
                (binding,),
            ).fetchone()
            z = connection.execute(
                "SELECT z_number FROM shifts WHERE binding_id = ? AND z_number IS NOT NULL ORDER BY id DESC LIMIT 1",
                (binding,),
            ).fetchone()
            open_ = connection.execute(
                "SELECT 1 FROM shifts WHERE binding_id = ? AND closed_at IS NULL", (binding,)
            ).fetchone()
            yield Registrar(
                binding=binding, url=url, serial=serial, fiscal_number=fiscal, last_number=last[0] if last else "",
                last_z=z[0] if z else None, shift_open=open_ is not None,
            )  # fmt: skip


def _copy_store(registrar: Registrar, folder: Path) -> Registrar:
    """A software registrar's memory: the queue of offline documents lives there."""
    import json

    import msgspec

    parsed = software(registrar.url)
    if parsed is None:
        return registrar
    number = parsed.options["fn"]
    path = Path(state_folder(registrar.url)) / f"{number}.sqlite3"
    if not path.is_file():
        return registrar
    name = f"{manifest.STORES}/{number}.sqlite3"
    copy = folder / name
    _fresh(copy)
    _vacuum(path, copy)
    with open_read(copy) as connection:
        facts = {
            key: json.loads(value)
            for key, value in connection.execute("SELECT name, value FROM facts WHERE name IN ('next_number', 'pair')")
        }
        waiting = connection.execute("SELECT count(*) FROM documents WHERE state = 'offline_queued'").fetchone()[0]
        session = connection.execute("SELECT session FROM sessions WHERE state <> 'done' ORDER BY id DESC").fetchone()
    return msgspec.structs.replace(
        registrar, store=name, next_number=facts.get("next_number"), waiting=waiting,
        session=session[0] if session else "",
    )  # fmt: skip


def _fresh(copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy.unlink(missing_ok=True)


def _loose(source: Source, registrars: tuple[Registrar, ...]) -> Iterator[tuple[str, Path]]:
    """Files that are copied as they are, with their names in the copy."""
    if source.settings_file is not None and source.settings_file.is_file():
        yield manifest.SETTINGS, source.settings_file
    skipped = {source.place.folder.absolute()}
    if source.settings.demo:
        # The virtual registrar's own memory is a device, not the till's data.
        skipped.add((source.data / "registrar").absolute())
    databases = {path.absolute() for path in (source.ledger,) if path is not None}
    keys = {Path(key_folder(each.url)).absolute() for each in registrars if software(each.url)}
    for each in registrars:
        if each.store:
            databases.add((Path(state_folder(each.url)) / Path(each.store).name).absolute())
    if not source.include_keys:
        skipped |= keys
    roots = [(manifest.DATA, source.data), *((f"evidence-{n}", path) for n, path in enumerate(source.evidence, 1))]
    if source.include_keys:
        roots += [(f"{manifest.KEYS}-{n}", path) for n, path in enumerate(sorted(keys - {source.data.absolute()}), 1)]
    for name, root in roots:
        for path in _walk(root.absolute(), skipped):
            if any(path.parent == base.parent and path.name.startswith(base.name) for base in databases):
                continue
            if path.suffix.lower() in PRIVATE and not source.include_keys:
                continue
            yield f"{name}/{path.relative_to(root.absolute()).as_posix()}", path


def _walk(folder: Path, skipped: set[Path]) -> Iterator[Path]:
    """Plain files below a folder in a stable order; links and devices are left where they are."""
    if folder in skipped or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name.startswith((".restore-", "before-restore-")):
            continue
        if path.is_dir():
            yield from _walk(path, skipped)
        elif path.is_file() and not path.name.endswith(PASSING):
            yield path


def _take(snapshot: Snapshot, name: str, path: Path) -> None:
    """One loose file: a database by VACUUM INTO, anything else up to the length that it has now."""
    copy = snapshot.folder / name
    _fresh(copy)
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            if head != MAGIC:
                file.seek(0)
                with copy.open("xb") as out:
                    shutil.copyfileobj(file, out, 1024 * 1024)
                copy.chmod(0o600)
    except FileNotFoundError:
        # It was there a moment ago: rotated away.
        return
    except OSError as error:
        raise NoRoom(f"{path} cannot be copied: {error.strerror or error}") from error
    if head == MAGIC:
        _vacuum(path, copy)
    _add(snapshot, name)


def _add(snapshot: Snapshot, name: str) -> None:
    path = snapshot.folder / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    snapshot.members.append(Member(name, path.stat().st_size, digest))


def _room(source: Source, folder: Path) -> None:
    """The plain snapshot and the archive lie on this disk for a while: twice the data at the worst."""
    ledger = source.ledger
    needed = ledger.stat().st_size if ledger is not None else 0
    needed += sum(path.stat().st_size for _, path in _loose(source, ()))
    free = shutil.disk_usage(folder).free
    if free < 2 * needed + SPARE:
        raise NoRoom(
            f"a copy needs {(2 * needed + SPARE) // 2**20} MB for a while, {free // 2**20} MB are free: free the disk"
        )
