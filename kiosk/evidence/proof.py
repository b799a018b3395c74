"""*Доказ*: everything that was ever exchanged in one signed file, and its verification.

    messages.ndjson   every record of the book, data in base64, with its hash
    readable.txt      every exchange in words
    fields.json       every command and field name that was ever sent
    absence.json      what private values were sought and found; values that were not found are only counted
    manifest.json     SHA-256 of each of these, the number of records, the chain's last hash, flaws of the chain
    manifest.sig      Ed25519 over manifest.json       key.pub   the installation's public key (PEM)

A stranger can check it with these pages alone: the hashes, the signature over them, the chain from its first record.
That the key is this shop's is known by its fingerprint, which the till shows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from kiosk.evidence.absence import Absence
from kiosk.evidence.book import EvidenceError, Flaw, Message, check_chain, flaws, messages
from kiosk.evidence.index import Index, Progress
from kiosk.evidence.reading import exchanges

FORMAT = "kasa-evidence-proof 1"
PARTS = ("messages.ndjson", "readable.txt", "fields.json", "absence.json")
LONGEST_MANIFEST = 1 << 20


@dataclass(frozen=True)
class Verdict:
    """What a verification found. `problems` is empty for a proof that holds."""

    records: int
    head: str
    fingerprint: str
    made: str
    problems: tuple[str, ...]
    hits: int = 0

    @property
    def holds(self) -> bool:
        return not self.problems


def installation_key(folder: Path) -> Ed25519PrivateKey:
    """The key of this installation, made at the first call. Raises `EvidenceError` for a damaged one."""
    path = folder / "evidence-key.pem"
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        return key
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, OSError, TypeError) as error:
        raise EvidenceError(f"the evidence key {path} cannot be read: {error}") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise EvidenceError(f"{path} holds a key of another kind")
    return found


def fingerprint(key: Ed25519PublicKey) -> str:
    """How people compare keys: 32 hexadecimal digits in groups of four."""
    digest = hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32].upper()
    return " ".join(digest[place : place + 4] for place in range(0, 32, 4))


def export(
    index: Index, absence: Absence, key: Ed25519PrivateKey, target: Path, at: datetime, on: Progress | None = None
) -> bool:
    """Write the signed proof to `target`; False when `on` cancelled it (then nothing is left behind).

    `on` is told (records written, records in all). A book with flaws is exported all the same: they are listed.
    """
    draft = target.with_name(target.name + ".part")
    try:
        whole = _write(index, absence, key, draft, at, on)
        if whole:
            draft.replace(target)
        return whole
    except OSError as error:
        raise EvidenceError(f"the proof cannot be written to {target}: {error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _write(
    index: Index, absence: Absence, key: Ed25519PrivateKey, draft: Path, at: datetime, on: Progress | None
) -> bool:
    last, head = index.book.execute("SELECT seq, hash FROM messages ORDER BY seq DESC LIMIT 1").fetchone() or (0, b"")
    count, found = flaws(index.book)
    sums: dict[str, str] = {}
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        with _part(archive, "messages.ndjson", sums) as part:
            for number, message in enumerate(messages(index.book, last=last)):
                if on is not None and number % 500 == 0 and not on(number, count):
                    return False
                part.write(_line(message))
        with _part(archive, "readable.txt", sums) as part:
            for exchange in exchanges(index.book, last=last):
                part.write("\n".join([*readable(exchange), "", ""]).encode())
        with _part(archive, "fields.json", sums) as part:
            part.write(_json([{"family": f, "command": c, "field": n} for f, c, n in index.names()]))
        with _part(archive, "absence.json", sums) as part:
            part.write(_json(asdict(absence)))
        public = key.public_key()
        manifest = _json(
            {
                "format": FORMAT,
                "made": at.isoformat(),
                "records": count,
                "last": last,
                "head": head.hex() if isinstance(head, bytes) else str(head),
                "key": fingerprint(public),
                "flaws": [asdict(flaw) for flaw in found],
                "files": sums,
            }
        )
        archive.writestr("manifest.json", manifest)
        archive.writestr("manifest.sig", base64.b64encode(key.sign(manifest)))
        archive.writestr("key.pub", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return True


class _Part:
    """A file in the archive whose hash is taken as it is written."""

    def __init__(self, file: IO[bytes], name: str, sums: dict[str, str]) -> None:
        self._file, self._name, self._sums = file, name, sums
        self._hash = hashlib.sha256()

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._sums[self._name] = self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)


def _part(archive: zipfile.ZipFile, name: str, sums: dict[str, str]) -> _Part:
    return _Part(archive.open(name, "w", force_zip64=True), name, sums)


def _line(message: Message) -> bytes:
    plain = asdict(message) | {"data": base64.b64encode(message.data).decode(), "hash": message.hash.hex()}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def readable(exchange: Any) -> list[str]:
    """An exchange as lines of text: when, to whom, what was sent and said, both as words and as bytes."""
    question = exchange.question
    about = f" document {question.document}" if question.document else ""
    lines = [f"{exchange.number} {question.at} {question.channel} {question.source}{about}"]
    lines += [f"  # {remark}" for remark in exchange.remarks]
    for mark, said, data in (
        (">", exchange.question_in_words(), exchange.sent),
        ("<", exchange.answer_in_words(), exchange.received),
    ):
        for item in said:
            lines.append(f"  {mark} {item.name}" + (f" - {item.refusal}" if item.refusal else ""))
            lines += [f"      {name}: {value}" for name, value in item.fields]
        lines.append(f"  {mark} {len(data)} bytes: {data[:64].hex(' ')}{' …' if len(data) > 64 else ''}")
    return lines


# -- verification -------------------------------------------------------------------------------------------------


def verify(path: Path) -> Verdict:
    """Check a proof with nothing but itself. Raises `EvidenceError` for a file that is none at all."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        # What zipfile raises for a foreign compression (NotImplementedError) and an encrypted member (RuntimeError).
        raise EvidenceError(f"{path} is no proof or is damaged: {error}") from error


def _verify(archive: zipfile.ZipFile) -> Verdict:
    names = archive.namelist()
    expected = {*PARTS, "manifest.json", "manifest.sig", "key.pub"}
    problems = [f"{name} is missing" for name in sorted(expected - set(names))]
    if len(names) != len(set(names)):
        problems.append("a part is there twice")
    problems += [f"{name} does not belong here" for name in sorted(set(names) - expected)]
    if problems:
        return Verdict(0, "", "", "", tuple(problems))
    for name in ("manifest.json", "manifest.sig", "key.pub"):
        if archive.getinfo(name).file_size > LONGEST_MANIFEST:
            raise EvidenceError(f"{name} is too long to be one")
    manifest = archive.read("manifest.json")
    mark = ""
    try:
        key = load_pem_public_key(archive.read("key.pub"))
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("a key of another kind")
        mark = fingerprint(key)
        key.verify(base64.b64decode(archive.read("manifest.sig"), validate=True), manifest)
    except (InvalidSignature, ValueError) as error:
        problems.append(f"the signature does not match the manifest: {error or 'changed'}")
    try:
        told = json.loads(manifest)
        files, count, head, made = dict(told["files"]), int(told["records"]), str(told["head"]), str(told["made"])
        told_flaws = [Flaw(int(flaw["seq"]), str(flaw["why"])) for flaw in told["flaws"]]
    except (ValueError, KeyError, TypeError) as error:
        return Verdict(0, "", mark, "", (*problems, f"the manifest cannot be read: {error!r}"))
    if told.get("format") != FORMAT:
        problems.append(f"the format is {told.get('format')!r}, {FORMAT!r} was expected")
    for name in PARTS:
        if _sum(archive, name) != files.get(name):
            problems.append(f"{name} was changed")
    try:
        checked, found = check_chain(_records(archive))
        last = None
        for record in _records(archive):
            last = record
        if checked != count:
            problems.append(f"{checked} records where the manifest says {count}")
        if (last.hash.hex() if last else "") != head:
            problems.append("the last record is not the manifest's")
        for flaw in found:
            known = " (known when it was exported)" if flaw in told_flaws else ""
            problems.append(f"record {flaw.seq}: {flaw.why}{known}")
        hits = len(json.loads(archive.read("absence.json"))["hits"])
    except (ValueError, KeyError, TypeError) as error:
        return Verdict(0, head, mark, made, (*problems, f"the records cannot be read: {error!r}"))
    return Verdict(count, head, mark, made, tuple(problems), hits)


def _sum(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with archive.open(name) as part:
            while data := part.read(1 << 16):
                digest.update(data)
    except zipfile.BadZipFile:
        return "damaged"
    return digest.hexdigest()


def _records(archive: zipfile.ZipFile) -> Iterator[Message]:
    with archive.open("messages.ndjson") as part:
        for line in part:
            plain = json.loads(line)
            data, hash_ = base64.b64decode(plain.pop("data")), bytes.fromhex(plain.pop("hash"))
            yield Message(**plain, data=data, hash=hash_)
