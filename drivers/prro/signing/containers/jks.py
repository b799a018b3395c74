"""The Java key store of PrivatBank and others (signing.md §8.5).

    FE ED FE ED, version 2, count; entries; SHA-1(UTF-16BE password ‖ "Mighty Aphrodite" ‖ all before it)
    entry 1 (key)          alias, time ms, length, EncryptedPrivateKeyInfo, chain of "X.509" certificates
    entry 2 (certificate)  alias, time ms, certificate
    EncryptedPrivateKeyInfo with the Sun algorithm: salt 20 ‖ data ⊕ keystream ‖ SHA-1(UTF-16BE password ‖ data)
    keystream              SHA-1(password ‖ salt), SHA-1(password ‖ previous), …

File and key may have different passwords. SHA-1 is the format's own choice; the key it guards is only as safe as the
password.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from drivers.prro.signing import der, oids
from drivers.prro.signing.certificate import Certificate, read
from drivers.prro.signing.containers.content import Container, ContainerKey, Kind, damaged, private_key, wrong_password
from drivers.prro.signing.der import Malformed
from drivers.prro.signing.errors import (
    CertificateDamaged,
    NoSigningKey,
    UnsupportedContainer,
    WrongPassword,
)

MAGIC, JCEKS_MAGIC = bytes.fromhex("FEEDFEED"), bytes.fromhex("CECECECE")
_WHITENER = b"Mighty Aphrodite"
_DIGEST = 20


def load(data: bytes, password: str, key_password: str = "") -> Container:
    """Open it. Raises WrongPassword, DamagedContainer, UnsupportedContainer, NoSigningKey."""
    body, check = data[:-_DIGEST], data[-_DIGEST:]
    entries, certificates = _entries(body)
    if not hmac.compare_digest(_seal(body, password), check):
        raise wrong_password()
    if not entries:
        raise NoSigningKey("the key store holds certificates but no key: choose the key file itself")
    opened: list[ContainerKey] = []
    locked: list[str] = []
    foreign: UnsupportedContainer | None = None
    for alias, secret in entries:
        plain = _unlock(secret, [key_password, password] if key_password else [password])
        if plain is None:
            locked.append(alias)
            continue
        try:
            # Some makers leave padding after the key; the check above covers it, so it is no damage.
            opened.append(ContainerKey(private_key(der.Items(plain).take()), alias))
        except Malformed as error:
            raise damaged(error) from error
        except UnsupportedContainer as error:
            foreign = error
    if not opened and foreign is not None:
        raise foreign
    if not opened:
        raise WrongPassword("the key inside the store has a password of its own: type it too")
    return Container(Kind.JKS, tuple(opened), tuple(certificates), tuple(locked))


def write(
    alias: str,
    info: bytes,
    certificates: Sequence[bytes],
    password: str,
    random: Callable[[int], bytes],
    *,
    at: datetime,
    key_password: str = "",
) -> bytes:
    """A store with one key and its chain; `random(n)` gives n octets, `at` is the entry's aware time."""
    salt = random(_DIGEST)
    octets = (key_password or password).encode("utf-16-be")
    mixed = _stream(octets, salt, info)
    secret = salt + mixed + hashlib.sha1(octets + info, usedforsecurity=False).digest()
    protected = der.sequence(der.sequence(der.oid(oids.JKS_PROTECTION), der.null()), der.octets(secret))
    body = MAGIC + _u32(2) + _u32(1) + _u32(1) + _text(alias) + int(at.timestamp() * 1000).to_bytes(8, "big")
    body += _u32(len(protected)) + protected + _u32(len(certificates))
    for certificate in certificates:
        body += _text("X.509") + _u32(len(certificate)) + certificate
    return body + _seal(body, password)


def _entries(body: bytes) -> tuple[list[tuple[str, bytes]], list[Certificate]]:
    """(alias, protected key) of each key, and every readable certificate."""
    walk = _Walk(body)
    entries: list[tuple[str, bytes]] = []
    certificates: list[Certificate] = []
    if walk.number(4) != int.from_bytes(MAGIC, "big") or walk.number(4) not in (1, 2):
        raise UnsupportedContainer("the key store is of an unknown version: ask for a .jks of version 2")
    for _ in range(walk.number(4)):
        tag, alias = walk.number(4), walk.text()
        walk.take(8)
        count = 1
        if tag == 1:
            entries.append((alias, walk.take(walk.number(4))))
            count = walk.number(4)
        elif tag != 2:
            raise damaged(f"an entry of kind {tag}")
        for _ in range(count):
            walk.text()
            try:
                certificates.append(read(walk.take(walk.number(4))))
            except CertificateDamaged:
                # The key may still fit a certificate that the owner picks.
                continue
    if not walk.over:
        raise damaged("octets follow the last entry")
    return entries, certificates


class _Walk:
    """Fields of the file in order; every step takes at least one octet, so the walk ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) != size:
            raise damaged("it ends too early")
        self._at += size
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def text(self) -> str:
        return self.take(self.number(2)).decode("utf-8", "replace")


def _unlock(protected: bytes, passwords: Sequence[str]) -> bytes | None:
    """The PrivateKeyInfo, or None when no password fits."""
    try:
        items = der.parse(protected).items(der.SEQUENCE)
        if items.take().items(der.SEQUENCE).take().oid() != oids.JKS_PROTECTION:
            raise UnsupportedContainer("the key in the store is protected by an unknown method: ask for another file")
        secret = items.take().octets()
    except Malformed as error:
        raise damaged(error) from error
    if len(secret) <= 2 * _DIGEST:
        raise damaged("a key is too short")
    salt, mixed, check = secret[:_DIGEST], secret[_DIGEST:-_DIGEST], secret[-_DIGEST:]
    for password in passwords:
        octets = password.encode("utf-16-be", "surrogatepass")
        plain = _stream(octets, salt, mixed)
        if hmac.compare_digest(hashlib.sha1(octets + plain, usedforsecurity=False).digest(), check):
            return plain
    return None


def _stream(password: bytes, salt: bytes, data: bytes) -> bytes:
    """`data` XOR the keystream."""
    stream = b""
    while len(stream) < len(data):
        salt = hashlib.sha1(password + salt, usedforsecurity=False).digest()
        stream += salt
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")


def _seal(body: bytes, password: str) -> bytes:
    octets = password.encode("utf-16-be", "surrogatepass")
    return hashlib.sha1(octets + _WHITENER + body, usedforsecurity=False).digest()


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _text(text: str) -> bytes:
    octets = text.encode()
    return len(octets).to_bytes(2, "big") + octets
