"""Whose copies these are: the owner's identity, the recovery code that unlocks it, and this machine's keys.

    <data>/backup/machine.json      this machine's own: public recipient, rehearsal key, signing seed; never archived
    <data>/backup/identity.json     the owner's secret, sealed with the recovery code; goes beside the copies
    <data>/backup/identity.age      the same secret as a passphrase-encrypted age file, for `age -d` without us

`identity.json` is Argon2id(code) -> AES-256-GCM over `Secret`; its open fields are authenticated as associated data.
A copy is encrypted to two recipients: the owner's identity, and this machine's rehearsal key, so that a copy can be
reopened here without the code. The machine's key is worth no more than the data that lie beside it.

A copy is signed too (Ed25519): age proves that it was not altered, the signature that this shop made it. The code has
120 random bits in six groups of four and a seventh group that finds typing errors; I, L, O and the Cyrillic letters
that look Latin are understood. It is shown once and stored nowhere.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec

from drivers.clock import Clock
from kiosk.backup import files
from kiosk.backup.errors import BackupError, BadCode, BadCopy, Locked

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKALIKE = str.maketrans("OILАВСЕНКМОРТХІ", "011ABCEHKM0PTX1")
GROUPS, GROUP = 6, 4
MEMORY_KIB, ITERATIONS, LANES = 32 * 1024, 4, 1
MOST_MEMORY_KIB = 1024 * 1024
"""A forged identity must not exhaust a small box."""
TRIES = 10
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)
FORMAT = 1


class Machine(msgspec.Struct, frozen=True):
    """This machine's part. `generation` counts the machines that worked with these books; see `permit`."""

    machine: str
    shop: str
    recipient: str
    key: str
    signing: bytes
    generation: int = 1
    config_password: str = ""
    """Of rclone's encrypted configuration."""

    @property
    def verify(self) -> bytes:
        """The public key of the signatures."""
        return public_key(self.signing)


class Secret(msgspec.Struct, frozen=True):
    """What the recovery code unlocks."""

    shop: str
    key: str
    signing: bytes

    @property
    def verify(self) -> bytes:
        return public_key(self.signing)


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The file `identity.json`."""

    format: int
    shop: str
    memory_kib: int
    iterations: int
    lanes: int
    salt: bytes
    nonce: bytes
    sealed: bytes

    def open_part(self) -> bytes:
        return msgspec.json.encode(msgspec.structs.replace(self, sealed=b""))


class Attempts(msgspec.Struct, frozen=True):
    """Wrong codes in a row."""

    wrong: int = 0
    until: datetime | None = None


@dataclass(frozen=True)
class Place:
    """The folder of backups: `<data>/backup`."""

    folder: Path

    @property
    def machine(self) -> Path:
        return self.folder / "machine.json"

    @property
    def identity(self) -> Path:
        return self.folder / "identity.json"

    @property
    def emergency(self) -> Path:
        return self.folder / "identity.age"

    @property
    def attempts(self) -> Path:
        return self.folder / "attempts.json"


def found(place: Place) -> str:
    """Make this shop's identity; returns the recovery code, the only time it is ever known.

    `machine.json` is written last: a power cut before it leaves nothing that a copy could have been made with.

    Raises `BackupError` when there is one already: a second would make the old copies unreadable.
    """
    if place.machine.exists():
        raise BackupError("IDENTITY_EXISTS", f"{place.folder} has an identity already; the old copies need it")
    import pyrage

    code = new_code()
    secret = Secret(shop=secrets.token_hex(4), key=str(pyrage.x25519.Identity.generate()), signing=os.urandom(32))
    files.write(place.emergency, emergency_file(secret, code))
    files.store(place.identity, seal(secret, code))
    adopt(place, secret, generation=1)
    return code


def adopt(place: Place, secret: Secret, *, generation: int) -> Machine:
    """Make this machine one that works for the shop of `secret`."""
    import pyrage

    machine = Machine(
        machine=uuid4().hex,
        shop=secret.shop,
        recipient=str(pyrage.x25519.Identity.from_str(secret.key).to_public()),
        key=str(pyrage.x25519.Identity.generate()),
        signing=secret.signing,
        generation=generation,
        config_password=secrets.token_urlsafe(32),
    )
    files.store(place.machine, machine)
    return machine


def machine_of(place: Place) -> Machine | None:
    """This machine's keys, None before backups were set up."""
    return files.load(place.machine, Machine)


def sealed_of(content: bytes) -> Sealed:
    """Read `identity.json`. Raises `BadCopy`."""
    try:
        sealed = msgspec.json.decode(content, type=Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCopy(
            "IDENTITY_DAMAGED", f"the identity beside the copies is damaged ({error}): take another"
        ) from error
    if sealed.format != FORMAT:
        raise BadCopy("NEWER", f"the identity has format {sealed.format}: update this program")
    if not (0 < sealed.memory_kib <= MOST_MEMORY_KIB and 0 < sealed.iterations <= 100 and 0 < sealed.lanes <= 16):
        raise BadCopy("IDENTITY_DAMAGED", "the identity beside the copies asks for senseless work: take another")
    return sealed


def seal(secret: Secret, code: str) -> Sealed:
    """The secret under a recovery code."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    open_part = Sealed(
        format=FORMAT, shop=secret.shop, memory_kib=MEMORY_KIB, iterations=ITERATIONS, lanes=LANES,
        salt=os.urandom(16), nonce=os.urandom(12), sealed=b"",
    )  # fmt: skip
    cipher = AESGCM(_stretch(code, open_part))
    sealed = cipher.encrypt(open_part.nonce, msgspec.json.encode(secret), open_part.open_part())
    return msgspec.structs.replace(open_part, sealed=sealed)


def unlock(sealed: Sealed, typed: str, place: Place, clock: Clock) -> Secret:
    """The secret, if the code is right. Raises `BadCode`, and `Locked` after ten wrong ones in a row.

    The count of wrong tries lies in `place` and survives a restart.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    attempts = files.load(place.attempts, Attempts) or Attempts()
    now = clock.now()
    if attempts.until is not None and now < attempts.until:
        raise Locked(attempts.until)
    # Counted before it is tried: pulling the plug must not give a free try.
    wrong = attempts.wrong + 1
    pause = min(FIRST_DELAY * 2 ** min(max(0, wrong - TRIES), 10), LONGEST_DELAY) if wrong >= TRIES else None
    files.store(place.attempts, Attempts(wrong, now + pause if pause else None))
    left = max(0, TRIES - wrong)
    code = read_code(typed)
    if code is None:
        raise BadCode(f"the recovery code is mistyped: seven groups of four, {left} tries left", left)
    try:
        content = AESGCM(_stretch(code, sealed)).decrypt(sealed.nonce, sealed.sealed, sealed.open_part())
    except (InvalidTag, ValueError) as error:
        raise BadCode(f"this recovery code does not open these copies, {left} tries left", left) from error
    secret = msgspec.json.decode(content, type=Secret)
    place.attempts.unlink(missing_ok=True)
    return secret


def emergency_file(secret: Secret, code: str) -> bytes:
    """An age identity file that asks for the recovery code as printed: `age -d -i identity.age …`."""
    import pyrage

    return bytes(pyrage.passphrase.encrypt(f"# Kasa Kiosk, shop {secret.shop}\n{secret.key}\n".encode(), code, True))


def new_code() -> str:
    """A fresh recovery code as it is printed."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP))
    return _printed(body + _check(body))


def read_code(typed: str) -> str | None:
    """The code as printed, None where it cannot be one."""
    text = "".join(letter for letter in typed.upper().translate(LOOKALIKE) if letter.isalnum())
    body, check = text[: GROUPS * GROUP], text[GROUPS * GROUP :]
    if len(body) != GROUPS * GROUP or set(body) - set(ALPHABET) or check != _check(body):
        return None
    return _printed(text)


def sign(signing: bytes, content: bytes) -> bytes:
    """An Ed25519 signature, 64 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(signing).sign(content)


def signed_by(verify: bytes, signature: bytes, content: bytes) -> bool:
    """Whether the signature is this shop's."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(verify).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def public_key(signing: bytes) -> bytes:
    """The public half of a signing seed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(signing).public_key().public_bytes_raw()


def _stretch(code: str, sealed: Sealed) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(
        salt=sealed.salt, length=32, iterations=sealed.iterations, lanes=sealed.lanes, memory_cost=sealed.memory_kib
    ).derive(code.encode())


def _check(body: str) -> str:
    """Four letters that catch any single wrong letter and nearly every other error."""
    number = int.from_bytes(hashlib.sha256(body.encode()).digest()[:3], "big") & 0xFFFFF
    return "".join(ALPHABET[number >> shift & 31] for shift in (15, 10, 5, 0))


def _printed(text: str) -> str:
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))
