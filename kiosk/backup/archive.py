"""The file of a copy: tar, compressed with zstd, encrypted with age. Nothing of ours is needed to open it:

    age -d -i identity.age kasa-….tar.zst.age | zstd -d | tar x

                 ┌ age: header for two recipients, then 64 KiB chunks, each authenticated, the last one marked ┐
                 │ ┌ zstd with a checksum ────────────────────────────────────────────────────────────────────┐│
                 │ │ tar: manifest.json │ manifest.sig │ ledger/ledger.db │ prro/…│ settings/… │ data/…        ││
                 │ └──────────────────────────────────────────────────────────────────────────────────────────┘│
                 └──────────────────────────────────────────────────────────────────────────────────────────────┘

age authenticates every byte and the end, so flipped, cut and reordered files are refused; the signature over the
manifest and the hashes in it refuse a copy that somebody else made for our public recipient. Everything streams: no
member is ever whole in memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from kiosk.backup import identity, manifest
from kiosk.backup.errors import BackupError, BadCopy, NoRoom
from kiosk.backup.manifest import MANIFEST, SIGNATURE, Manifest, Member

CHUNK = 256 * 1024
LEVEL = 3
MOST_MANIFEST = 64 * 1024 * 1024
MOST_WINDOW = 128 * 1024 * 1024

Progress = Callable[[int, int], None]
"""(bytes done, bytes in all) of the members."""


class Sink(Protocol):
    """Where members go while a copy is read: an open file, or None to check and forget."""

    def __call__(self, member: Member) -> IO[bytes] | None: ...


def write(
    path: Path, contents: Manifest, folder: Path, machine: identity.Machine, progress: Progress | None = None
) -> str:
    """Write the members that lie in `folder` as one copy; durable when this returns. Returns the file's SHA-256.

    Raises `NoRoom`; a half-written file is removed.
    """
    import pyrage
    import zstandard

    recipients = [
        pyrage.x25519.Recipient.from_str(machine.recipient),
        pyrage.x25519.Identity.from_str(machine.key).to_public(),
    ]
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).chunker(chunk_size=CHUNK)

    def compressed() -> Iterator[bytes]:
        for block in _tar(contents, folder, machine.signing, progress):
            yield from compressor.compress(block)
        yield from compressor.finish()  # type: ignore[no-untyped-call]

    try:
        handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb", buffering=0) as file:
            counted = _Hashing(file)
            pyrage.encrypt_io(_Pull(compressed()), counted, recipients)
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise NoRoom(f"the copy cannot be written to {path.parent}: {error.strerror or error}") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return counted.digest.hexdigest()


def read(
    source: Path, keys: Sequence[str], verify: bytes, sink: Sink | None = None, *, only_contents: bool = False
) -> Manifest:
    """Read a whole copy and check all of it; members go to `sink`. Returns the manifest.

    `keys`: age secret keys to try. Raises `BadCopy`; what the sink has got by then must be thrown away.
    """
    import pyrage
    import zstandard

    identities = [pyrage.x25519.Identity.from_str(key) for key in keys]
    out, into = os.pipe()
    failure: list[BaseException] = []

    def decrypt() -> None:
        with os.fdopen(into, "wb", buffering=0) as writer:
            try:
                with source.open("rb") as file:
                    pyrage.decrypt_io(file, writer, identities)
            except BaseException as error:
                failure.append(error)

    thread = threading.Thread(target=decrypt, name="backup-decrypt", daemon=True)
    thread.start()
    trouble: BadCopy | None = None
    found: Manifest | None = None
    try:
        with os.fdopen(out, "rb", buffering=CHUNK) as reader:
            plain = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).stream_reader(reader, closefd=False)
            with tarfile.open(fileobj=plain, mode="r|", bufsize=CHUNK) as tar:
                found = _contents(tar, verify)
                if only_contents:
                    return found
                _members(tar, found, sink)
            # The age stream's last chunk must come through too: it says that nothing was cut off.
            while plain.read(CHUNK) or reader.read(CHUNK):
                pass
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        trouble = BadCopy("DAMAGED", f"{source.name} is damaged or incomplete ({error}): take another copy")
    except BadCopy as error:
        trouble = error
    finally:
        # A reader that stopped early has closed its end: the thread meets a broken pipe and ends too.
        thread.join()
    if failure and not _stopped(failure[0]):
        raise _undecrypted(source, failure[0])
    if trouble is not None or failure or found is None:
        raise trouble or BadCopy("DAMAGED", f"{source.name} is incomplete: take another copy")
    return found


def unpack(
    source: Path, keys: Sequence[str], verify: bytes, folder: Path, progress: Progress | None = None
) -> Manifest:
    """Read a copy into an empty folder, durable when this returns. Raises `BadCopy` and `NoRoom`."""
    done = 0

    def sink(member: Member) -> IO[bytes]:
        nonlocal done
        path = folder / member.path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        done += member.size
        if progress is not None:
            progress(done, 0)
        return _Durable(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    try:
        return read(source, keys, verify, sink)
    except OSError as error:
        raise NoRoom(f"the copy cannot be unpacked to {folder}: {error.strerror or error}") from error


def peek(source: Path, keys: Sequence[str], verify: bytes) -> Manifest:
    """The manifest alone; the rest is not checked. Raises `BadCopy`."""
    return read(source, keys, verify, only_contents=True)


def digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Hashing:
    """A file that knows the hash of what was written."""

    def __init__(self, file: io.RawIOBase | Any) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, block: bytes) -> int:
        view = memoryview(block)
        self.digest.update(view)
        while view:
            view = view[self._file.write(view) :]
        return len(block)

    def flush(self) -> None:
        self._file.flush()


class _Durable(io.FileIO):
    """A file that is on the disk when it is closed."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle, "wb")

    def close(self) -> None:
        if not self.closed:
            os.fsync(self.fileno())
        super().close()


class _Pull:
    """What is made piece by piece, read as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)


def _tar(contents: Manifest, folder: Path, signing: bytes, progress: Progress | None) -> Iterator[bytes]:
    text = msgspec.json.encode(contents)
    for name, data in ((MANIFEST, text), (SIGNATURE, identity.sign(signing, text))):
        yield _header(name, len(data), contents)
        yield data + bytes(-len(data) % tarfile.BLOCKSIZE)
    done, total = 0, contents.size
    for member in contents.members:
        yield _header(member.path, member.size, contents)
        left = member.size
        with (folder / member.path).open("rb") as file:
            while left:
                block = file.read(min(CHUNK, left))
                if not block:
                    raise BackupError("CHANGED", f"{member.path} became shorter while it was copied")
                left -= len(block)
                yield block
        yield bytes(-member.size % tarfile.BLOCKSIZE)
        done += member.size
        if progress is not None:
            progress(done, total)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(name: str, size: int, contents: Manifest) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(contents.at.timestamp())
    return info.tobuf(tarfile.PAX_FORMAT)


def _contents(tar: tarfile.TarFile, verify: bytes) -> Manifest:
    text = _small(tar, MANIFEST)
    signature = _small(tar, SIGNATURE)
    if not identity.signed_by(verify, signature, text):
        raise BadCopy("FORGED", "the copy was not made by this shop: take another")
    return manifest.read(text)


def _members(tar: tarfile.TarFile, contents: Manifest, sink: Sink | None) -> None:
    for member in contents.members:
        info = tar.next()
        if info is None or info.name != member.path or not info.isreg() or info.size != member.size:
            raise BadCopy("DAMAGED", f"the copy lacks {member.path}: take another")
        file = tar.extractfile(info)
        assert file is not None
        target = sink(member) if sink is not None else None
        counted = hashlib.sha256()
        try:
            while block := file.read(CHUNK):
                counted.update(block)
                if target is not None:
                    target.write(block)
        finally:
            if target is not None:
                target.close()
        if counted.hexdigest() != member.sha256:
            raise BadCopy("DAMAGED", f"{member.path} is not what was copied: take another copy")
    if tar.next() is not None:
        raise BadCopy("DAMAGED", "the copy holds more than its table of contents says")


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    info = tar.next()
    if info is None or info.name != name or not info.isreg() or info.size > MOST_MANIFEST:
        raise BadCopy("DAMAGED", f"the copy has no {name}")
    file = tar.extractfile(info)
    assert file is not None
    return file.read()


def _stopped(error: BaseException) -> bool:
    """Whether decryption ended only because the reader wanted no more."""
    return isinstance(error, BrokenPipeError) or "Broken pipe" in str(error)


def _undecrypted(source: Path, error: BaseException) -> BackupError:
    import pyrage

    if isinstance(error, FileNotFoundError):
        return BadCopy("ABSENT", f"{source} is not there")
    if isinstance(error, pyrage.DecryptError) and "No matching keys" in str(error):
        return BadCopy("FOREIGN", f"{source.name} belongs to another shop, or was made for another recovery code")
    return BadCopy("DAMAGED", f"{source.name} is damaged or incomplete ({error}): take another copy")
