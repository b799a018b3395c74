"""The cashier's key at work: choose key and certificate, sign documents, forget the key (signing.md §9, §12, §13)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Protocol

from drivers.prro.signing import cms
from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.containers import Container, load
from drivers.prro.signing.errors import (
    CertificateAbsent,
    CertificateFault,
    CertificateForeign,
    KeyLocked,
    NoSigningKey,
    SignatureFailed,
    TimestampFault,
)
from drivers.prro.signing.keys import PrivateKey, PublicKey

log = logging.getLogger(__name__)

Stamping = Callable[[bytes, Digest, Certificate], bytes]
"""(signature, digest, signer's certificate) -> time-stamp token; raises TimestampFault. See timestamp.Timestamper."""


class SigningKey(Protocol):
    """What makes raw signatures: `keys.PrivateKey`, or a back end with a token or a certified library behind it."""

    @property
    def public(self) -> PublicKey: ...

    @property
    def closed(self) -> bool: ...

    def sign(self, digest: bytes) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Candidate:
    """A key of a container with a certificate of the same public key."""

    key: PrivateKey
    certificate: Certificate
    alias: str = ""


def candidates(container: Container, certificates: Sequence[Certificate] = ()) -> list[Candidate]:
    """Keys and signing certificates paired by public key, the one that lives longest first.

    Raises NoSigningKey when no key is for signing, CertificateAbsent when no certificate belongs to any key.
    """
    if not container.keys:
        raise NoSigningKey("the file holds no key: choose the key file itself")
    known = dict.fromkeys((*container.certificates, *certificates))
    pairs = [
        Candidate(key.private, certificate, key.alias)
        for key in container.keys
        for certificate in known
        if certificate.key == key.private.public
    ]
    if not pairs:
        raise CertificateAbsent(
            "no certificate belongs to this key: choose the .cer file that the provider gave together with it"
        )
    signing = [pair for pair in pairs if pair.certificate.signs]
    if not signing:
        raise NoSigningKey("the key is for encryption, not for signing: choose the signature key and its certificate")
    return sorted(signing, key=lambda pair: pair.certificate.expires, reverse=True)


def choose(pairs: Sequence[Candidate], at: datetime, codes: Collection[str] = ()) -> Candidate:
    """The pair to sign with at the aware time `at`, of the taxpayer or operator with one of `codes` when given.

    Raises CertificateForeign, CertificateExpired or CertificateEarly when none will do.
    """
    fault: CertificateFault | None = None
    for pair in pairs:
        try:
            if codes:
                pair.certificate.check_codes(codes)
            pair.certificate.check_signing_time(at)
        except CertificateFault as error:
            # The longest-lived pair comes first: its reason is the one worth telling, unless it is someone else's.
            if fault is None or isinstance(fault, CertificateForeign):
                fault = error
            continue
        return pair
    raise fault or CertificateAbsent("there is no certificate to choose from")


class Signer:
    """Signs documents with one key, which stays in memory only. A context manager that closes the key.

    `sign` may be called from one thread at a time. The signer is neither shown with its key, copied nor pickled.
    """

    def __init__(self, key: SigningKey, certificate: Certificate, *, digest: Digest | None = None) -> None:
        """`digest` overrides the rule of signing.md §1.3: Kupyna-256 for a certificate of the Kupyna generation,
        GOST 34.311 for an older one.

        Raises CertificateForeign when the certificate is of another key, NoSigningKey when it is not for signing.
        """
        if certificate.key is None or certificate.key != key.public:
            raise CertificateForeign(
                f"the certificate of {certificate.name} belongs to another key: choose the one issued with this key"
            )
        if not certificate.signs:
            raise NoSigningKey(f"the certificate of {certificate.name} is for encryption: choose the signature one")
        self._key = key
        self.certificate = certificate
        self.digest = digest or (Digest.KUPYNA_256 if certificate.kupyna else Digest.GOST_34311)
        self._public = certificate.key
        self._certificate_digest = self.digest.of(certificate.raw)

    @classmethod
    def open(
        cls,
        source: bytes | Path,
        password: str,
        *,
        at: datetime,
        key_password: str = "",
        certificates: Sequence[Certificate] = (),
        codes: Collection[str] = (),
        digest: Digest | None = None,
    ) -> Signer:
        """Open a container (1–5 s), choose key and certificate, and try them on a text before anything depends on it.

        Raises every KeyFault and CertificateFault of drivers.prro.signing.errors, and OSError for a path.
        """
        container = load(source, password, key_password=key_password, certificates=certificates)
        chosen: PrivateKey | None = None
        try:
            pair = choose(candidates(container, certificates), at, codes)
            signer = cls(pair.key, pair.certificate, digest=digest)
            signer.sign(b"a text to try the key on", at=at)
            chosen = pair.key
        finally:
            for each in container.keys:
                if each.private is not chosen:
                    each.private.close()
        return signer

    @property
    def closed(self) -> bool:
        return self._key.closed

    @property
    def key_id(self) -> str:
        """The name of the key in logs."""
        return self.certificate.fingerprint[:8]

    def sign(self, content: bytes, *, at: datetime, stamp: Stamping | None = None, required: bool = False) -> bytes:
        """A CMS message around exactly these octets: 7 ms and 1 µs an octet once warm.

        `at` is the aware time written as signingTime. `stamp` adds a signature time stamp (online documents only);
        when it fails the message goes without, unless `required`. The result is not reproducible: store it before
        it is sent and never sign again.

        Raises KeyLocked, CertificateExpired, CertificateEarly, SignatureFailed; TimestampFault only when `required`.
        """
        self.certificate.check_signing_time(at)
        attributes = cms.signed_attributes(self.digest, content, self.certificate, self._certificate_digest, at)
        signature = self.sign_digest(self.digest.of(cms.covered(attributes)))
        token = b""
        if stamp is not None:
            try:
                token = stamp(signature, self.digest, self.certificate)
            except TimestampFault as error:
                if required:
                    raise
                log.warning("key %s: the document is signed without a time stamp: %s", self.key_id, error.what)
        return cms.build(content, self.certificate, self.digest, attributes, signature, timestamp=token)

    def sign_digest(self, digest: bytes) -> bytes:
        """r ‖ s over a digest, verified before it is released: a memory fault must not reach the server.

        Raises KeyLocked or SignatureFailed.
        """
        if self._key.closed:
            raise KeyLocked("the key is locked: unlock it with its password")
        try:
            signature = self._key.sign(digest)
        except ValueError as error:
            # Closed by another thread between the question and the signature.
            raise KeyLocked("the key was locked while it signed: unlock it with its password") from error
        self._public.prepare()
        if not self._public.verify(digest, signature):
            raise SignatureFailed("the fresh signature does not verify and was thrown away: restart and sign again")
        return signature

    def warm(self) -> None:
        """Build the tables of the curve and of the key (0.1 s): call it from a worker when the key is unlocked."""
        self.sign_digest(self._certificate_digest)

    def close(self) -> None:
        """Overwrite the key. `sign` raises KeyLocked from now on."""
        self._key.close()

    def __enter__(self) -> Signer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Signer({self.key_id}, {self.digest.value}, {'closed' if self.closed else 'open'})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a signer is neither copied nor pickled")
