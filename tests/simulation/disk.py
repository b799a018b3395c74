"""The disk under SQLite: a file system of SQLite's own kind (VFS) that knows what was synced and what was not.

Every connection of this process opens its files through it, whatever made the connection; files outside the simulated
folders pass untouched. Reads, locks and shared memory are the real ones, at full speed; the five calls that change a
file are watched:

    write, truncate   a point of the world (`World.point`); undone by a power cut unless a sync came after
    sync              a point before and one after; what was written before it is durable from then on, unless it lies
    delete            refused to a dead process, so that it cannot clean up behind itself

A power cut takes the un-synced writes back, sector by sector (512 bytes): each survives by its own chance, so that
pages are torn and the order of writes is no promise. What is proven so: the till relies on nothing but SQLite's syncs.
What is not: other disks' own bugs (bits that rot), and directory entries, which count as durable at once.

It is made with ctypes on the library that Python's `sqlite3` is linked to; where that is built in, `available()` is
False and the simulation does not run.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import random
from ctypes import CFUNCTYPE, POINTER, Structure, addressof, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.world import Dead, World

OK, FULL = 0, 13
IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE, IOERR_DELETE = 778, 1034, 1546, 2570
IOERR_READ, CANTOPEN = 266, 14
SECTOR = 512

_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_Close = CFUNCTYPE(c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(Structure):
    _fields_ = [
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _Open),
        ("xDelete", _Delete),
        *[(name, c_void_p) for name in ("xAccess", "xFullPathname", "xDlOpen", "xDlError", "xDlSym", "xDlClose")],
        *[(name, c_void_p) for name in ("xRandomness", "xSleep", "xCurrentTime", "xGetLastError", "xCurrentTimeInt64")],
        *[(name, c_void_p) for name in ("xSetSystemCall", "xGetSystemCall", "xNextSystemCall")],
    ]


class _Methods(Structure):
    _fields_ = [
        ("iVersion", c_int),
        ("xClose", _Close),
        ("xRead", c_void_p),
        ("xWrite", _Write),
        ("xTruncate", _Truncate),
        ("xSync", _Sync),
        *[(name, c_void_p) for name in ("xFileSize", "xLock", "xUnlock", "xCheckReservedLock", "xFileControl")],
        *[(name, c_void_p) for name in ("xSectorSize", "xDeviceCharacteristics")],
        *[(name, c_void_p) for name in ("xShmMap", "xShmLock", "xShmBarrier", "xShmUnmap", "xFetch", "xUnfetch")],
    ]


class _File(Structure):
    _fields_ = [("methods", POINTER(_Methods))]


@dataclass
class Change:
    """One un-synced change: what stood there before and what was written (None: the file was cut at `offset`)."""

    offset: int
    before: bytes
    size: int
    after: bytes | None


@dataclass
class Disk:
    """The disk of one shop: everything under `folder`.

    `failing` is what a write or a sync meets: "" nothing, "full", "io", "readonly"; `lies` makes syncs do nothing.
    """

    folder: Path
    world: World
    failing: str = ""
    lies: bool = False
    unsynced: dict[str, list[Change]] = field(default_factory=dict)
    writes: int = 0
    syncs: int = 0

    def __post_init__(self) -> None:
        _register()
        _disks[str(self.folder)] = self

    def forget(self) -> None:
        """The disk leaves the computer."""
        _disks.pop(str(self.folder), None)

    def dirty(self) -> int:
        """How many changes a power cut could take away now."""
        return sum(len(changes) for changes in self.unsynced.values())

    def at_stake(self) -> int:
        """How many of them nothing else holds.

        A fold of the write-ahead log into its database that failed half way leaves pages un-synced; the log still has
        them, and is begun anew only after the database was synced.
        """
        return sum(
            len(changes)
            for path, changes in self.unsynced.items()
            if not (os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"))  # noqa: PTH110, PTH202
        )

    def cut_power(self, dice: random.Random, luck: float | None = None) -> None:
        """Everything that was not synced is gone, or not, sector by sector. Call it when nothing is open any more.

        `luck` is a sector's chance to survive.
        """
        if luck is None:
            luck = dice.choice((0.0, 0.0, 0.5, 1.0))
        for name, changes in sorted(self.unsynced.items()):
            path = Path(name)
            if not changes or not path.exists():
                continue
            with path.open("r+b") as file:
                for change in reversed(changes):
                    file.seek(change.offset)
                    file.write(change.before)
                    file.truncate(change.size)
                for change in changes:
                    if change.after is None:
                        if dice.random() < luck:
                            file.truncate(change.offset)
                        continue
                    for start in range(0, len(change.after), SECTOR):
                        if dice.random() < luck:
                            file.seek(change.offset + start)
                            file.write(change.after[start : start + SECTOR])
        self.survive_kill()

    def survive_kill(self) -> None:
        """Only the process died: the system writes out what it holds."""
        self.unsynced.clear()
        for shared in self.folder.glob("*-shm"):
            shared.unlink()  # shared memory lives in RAM

    # -- what SQLite asks ------------------------------------------------------------------------------------------

    def write(self, path: str, offset: int, data: bytes) -> int:
        code = self._reach("write", path)
        if code:
            return {FULL: FULL}.get(code, IOERR_WRITE)
        size = os.path.getsize(path)  # noqa: PTH202 - called for every page
        before = b""
        if offset < size:
            with open(path, "rb") as file:  # noqa: PTH123
                file.seek(offset)
                before = file.read(len(data))
        self.unsynced.setdefault(path, []).append(Change(offset, before, size, data))
        self.writes += 1
        return OK

    def truncate(self, path: str, size: int) -> int:
        if self._reach("truncate", path):
            return IOERR_TRUNCATE
        old = os.path.getsize(path)  # noqa: PTH202
        if size < old:
            with open(path, "rb") as file:  # noqa: PTH123
                file.seek(size)
                before = file.read()
            self.unsynced.setdefault(path, []).append(Change(size, before, old, None))
        return OK

    def sync(self, path: str) -> int:
        if self._reach("sync", path):
            return IOERR_FSYNC
        if not self.lies:
            self.unsynced.pop(path, None)
        self.syncs += 1
        return IOERR_FSYNC if self._struck(f"after sync {Path(path).name}") else OK

    def delete(self) -> int:
        return IOERR_DELETE if self.world.dead else OK

    def _reach(self, what: str, path: str) -> int:
        if self._struck(f"{what} {Path(path).name}"):
            return IOERR_WRITE
        return {"": OK, "full": FULL}.get(self.failing, IOERR_WRITE)

    def _struck(self, name: str) -> bool:
        """Whether the process is gone; it must not be told by an exception, for SQLite stands in between."""
        if self.world.dead:
            return True
        try:
            self.world.point("disk", name)
        except Dead:
            return True
        return False


_disks: dict[str, Disk] = {}
_open_files: dict[int, tuple[Disk, str]] = {}
_tables: dict[int, tuple[_Methods, Any]] = {}
_keep: list[Any] = []
_dead_letters: list[BaseException] = []


def available() -> bool:
    """Whether Python's sqlite3 uses a library that can be reached from here."""
    return _library() is not None


def _library() -> Any:
    import _sqlite3
    import sqlite3

    where = getattr(_sqlite3, "__file__", None)
    if where is None:
        return None
    ctypes.CDLL(where)
    try:
        with Path("/proc/self/maps").open() as maps:
            names = {line.split()[-1] for line in maps if "libsqlite3" in line}
    except OSError:
        return None
    for name in names:
        library = ctypes.CDLL(name)
        library.sqlite3_libversion.restype = c_char_p
        if library.sqlite3_libversion().decode() == sqlite3.sqlite_version:
            return library
    return None


def _register() -> None:
    if _keep:
        return
    library = _library()
    assert library is not None, "Python's sqlite3 is built in: there is no library to put a disk under"
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    library.sqlite3_vfs_register.argtypes = [POINTER(_Vfs), c_int]
    real = library.sqlite3_vfs_find(None).contents
    mine = _Vfs()
    ctypes.memmove(addressof(mine), addressof(real), ctypes.sizeof(_Vfs))
    mine.zName = b"simulated"
    mine.pNext = None
    real_open, real_delete = real.xOpen, real.xDelete

    def open_(vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        code: int = real_open(vfs, name, file, flags, out)
        path = ctypes.string_at(name).decode() if name else ""
        disk = _disk_of(path)
        if code == OK and disk is not None:
            handle = _File.from_address(file)
            if handle.methods:
                handle.methods = ctypes.pointer(_table(addressof(handle.methods.contents)))
                _open_files[file] = (disk, path)
        return code

    def delete(vfs: int, name: int, sync: int) -> int:
        path = ctypes.string_at(name).decode()
        disk = _disk_of(path)
        if disk is not None:
            if code := disk.delete():
                return code
            disk.unsynced.pop(path, None)
        answer: int = real_delete(vfs, name, sync)
        return answer

    mine.xOpen, mine.xDelete = _Open(open_), _Delete(delete)
    _keep.extend((library, real, mine, mine.xOpen, mine.xDelete, real_open, real_delete))
    assert library.sqlite3_vfs_register(ctypes.byref(mine), 1) == OK


def _disk_of(path: str) -> Disk | None:
    if path.endswith("-shm"):
        return None
    return next((disk for folder, disk in _disks.items() if path.startswith(f"{folder}/")), None)


def _table(address: int) -> _Methods:
    """The methods of a kind of file with ours in the places that matter. Pages are never mapped, so all are written."""
    if address in _tables:
        return _tables[address][0]
    for table, _ in _tables.values():
        if addressof(table) == address:
            return table
    real = _Methods.from_address(address)
    mine = _Methods()
    ctypes.memmove(addressof(mine), address, ctypes.sizeof(_Methods))
    mine.iVersion = min(real.iVersion, 2)
    real_close, real_write, real_truncate, real_sync = real.xClose, real.xWrite, real.xTruncate, real.xSync

    def close(file: int) -> int:
        _open_files.pop(file, None)
        answer: int = real_close(file)
        return answer

    def write(file: int, data: int, amount: int, offset: int) -> int:
        disk, path = _open_files[file]
        code = disk.write(path, offset, ctypes.string_at(data, amount))
        return code or int(real_write(file, data, amount, offset))

    def truncate(file: int, size: int) -> int:
        disk, path = _open_files[file]
        return disk.truncate(path, size) or int(real_truncate(file, size))

    def sync(file: int, flags: int) -> int:
        # What is synced is our own book-keeping: the real call would only cost time.
        disk, path = _open_files[file]
        return disk.sync(path)

    mine.xClose, mine.xWrite, mine.xTruncate, mine.xSync = (
        _Close(close),
        _Write(write),
        _Truncate(truncate),
        _Sync(sync),
    )
    _tables[address] = (mine, (mine.xClose, mine.xWrite, mine.xTruncate, mine.xSync, real_close, real_write, real_sync))
    _keep.append(real_truncate)
    return mine
