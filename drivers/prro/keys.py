"""Key slots and the ring of unlocked keys (cashier-flow.md VIII.3, signing.md §9, §11).

A slot is a name in a folder: `cashier1.jks`, `cashier1.dat` … with `cashier1*.cer` beside it, or a folder `cashier1/`
that holds the provider's files as they came. The password opens the container once and is forgotten; the signer stays
in this process's memory alone, until it is locked or the process ends.

    ring.unlock(Path("/etc/kasa/keys"), "cashier1", password, at=clock.now())
    ring.signer(Path("/etc/kasa/keys"), "cashier1").sign(…)
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from drivers.errors import Code, Invalid
from drivers.prro.signing import Certificate, Signer, Trust, read_many
from drivers.prro.signing.errors import CertificateAbsent, CertificateDamaged, KeyLocked, NoSigningKey

CERTIFICATES = frozenset({".cer", ".crt", ".pem", ".p7b", ".p7c"})
TRUST = "trust"
"""Folder of the certificates that are believed, beside the slots."""
SLOT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


class KeyRing:
    """Unlocked keys by folder and slot. May be asked from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._signers: dict[tuple[Path, str], Signer] = {}

    def unlock(
        self,
        folder: Path,
        slot: str,
        password: str,
        *,
        at: datetime,
        key_password: str = "",
        codes: Collection[str] = (),
    ) -> Certificate:
        """Open the slot's container (1–5 s) and keep its signer; an older one of the slot is closed.

        `codes` are the taxpayer's and operator's, when they are known. Raises every fault of a key and a certificate
        (drivers.prro.signing.errors): wrong password, damaged, expired, foreign …
        """
        container, certificates = slot_files(folder, slot)
        try:
            signer = Signer.open(
                container, password, at=at, key_password=key_password, certificates=certificates, codes=codes
            )
        except OSError as error:
            raise NoSigningKey(f"the key file {container.name} cannot be read: {error.strerror}") from error
        signer.warm()
        with self._guard:
            older = self._signers.pop(_place(folder, slot), None)
            self._signers[_place(folder, slot)] = signer
        if older is not None:
            older.close()
        return signer.certificate

    def put(self, folder: Path, slot: str, signer: Signer) -> None:
        """Keep a signer that another back end made (a token, a certified library)."""
        with self._guard:
            self._signers[_place(folder, slot)] = signer

    def signer(self, folder: Path, slot: str) -> Signer:
        """The unlocked signer. Raises `KeyLocked`."""
        with self._guard:
            signer = self._signers.get(_place(folder, slot))
        if signer is None or signer.closed:
            raise KeyLocked(f"the key {slot} is locked: unlock it with its password")
        return signer

    def lock(self, folder: Path, slot: str) -> None:
        """Close and forget one key; nothing when it is not there."""
        with self._guard:
            signer = self._signers.pop(_place(folder, slot), None)
        if signer is not None:
            signer.close()

    def lock_all(self) -> None:
        with self._guard:
            signers, self._signers = self._signers, {}
        for signer in signers.values():
            signer.close()


ring = KeyRing()
"""The keys of this process."""


def slots(folder: Path) -> list[str]:
    """Names of the slots of a folder, in order."""
    if not folder.is_dir():
        return []
    found = set()
    for path in folder.iterdir():
        name = path.name if path.is_dir() else path.stem
        if name != TRUST and SLOT.fullmatch(name) and (path.is_dir() or path.suffix.lower() not in CERTIFICATES):
            found.add(name)
    return sorted(found)


def slot_files(folder: Path, slot: str) -> tuple[Path, list[Certificate]]:
    """The container of a slot and the certificates beside it. Raises `NoSigningKey` and `CertificateDamaged`."""
    check_slot(slot)
    inside = folder / slot
    paths = sorted(inside.iterdir() if inside.is_dir() else folder.glob(f"{slot}*")) if folder.is_dir() else []
    files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    containers = [
        path
        for path in files
        if path.suffix.lower() not in CERTIFICATES and (inside.is_dir() or path.stem == slot or path.name == slot)
    ]
    if not containers:
        raise NoSigningKey(f"there is no key {slot} in {folder}: put the provider's key file there as {slot}.<suffix>")
    if len(containers) > 1:
        names = ", ".join(path.name for path in containers)
        raise NoSigningKey(f"the key {slot} has several files ({names}): leave one")
    return containers[0], _certificates(path for path in files if path.suffix.lower() in CERTIFICATES)


def check_slot(slot: str) -> None:
    """A slot is a plain name, never a path. Raises `Invalid`."""
    if not SLOT.fullmatch(slot) or slot == TRUST:
        raise Invalid(Code.BAD_FIELD, f"a key is named by letters, digits, - _ and ., not {slot!r}", field="key")


def read_trust(folder: Path, *, demo: bool = False) -> tuple[Trust, bool]:
    """Whose tickets are believed, from the certificates in `folder`/trust; and whether the server itself is pinned.

    Certificates that are no authority's are the fiscal server's own: with one of them there, nobody else signs tickets.
    Raises `CertificateAbsent` when there is nothing to believe, `CertificateDamaged` for a file that is none.
    """
    place = folder / TRUST
    known = _certificates(sorted(place.iterdir())) if place.is_dir() else []
    if not known:
        raise CertificateAbsent(
            f"nobody's tickets can be believed: put CACertificates.p7b or the fiscal server's certificate into {place}"
        )
    pinned = [certificate for certificate in known if not certificate.authority]
    return Trust(pinned or known, demo=demo), bool(pinned)


def _place(folder: Path, slot: str) -> tuple[Path, str]:
    return folder.expanduser().absolute(), slot


def _certificates(paths: Iterable[Path]) -> list[Certificate]:
    found: list[Certificate] = []
    for path in paths:
        try:
            found += read_many(path.read_bytes())
        except OSError as error:
            raise CertificateDamaged(f"{path.name} cannot be read: {error.strerror}") from error
        except CertificateDamaged as error:
            raise CertificateDamaged(f"{path.name}: {error.what}") from error
    return found
