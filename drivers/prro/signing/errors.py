"""Faults of keys, certificates and signatures.

    Fault (drivers.errors)
    └── SigningFault
        ├── KeyFault                       the owner's key cannot be used; nothing was signed     document: no
        │   ├── WrongPassword                the container is whole, the password is not its own
        │   ├── DamagedContainer             a known container that is cut or altered
        │   ├── UnsupportedContainer         no container that this program opens
        │   ├── NoSigningKey                 the container holds no key for signing
        │   ├── KeyLocked                    the signer was closed: the key must be unlocked again
        │   └── SignatureFailed              the fresh signature did not verify: it was not released
        ├── CertificateFault               the key is there, its certificate will not do          document: no
        │   ├── CertificateAbsent            no certificate belongs to the key
        │   ├── CertificateDamaged           the file is no certificate that can be read
        │   ├── CertificateExpired           its time, or the time of its private key, is over
        │   ├── CertificateEarly             its time has not come: look at the clock first
        │   ├── CertificateRevoked           its authority took it back
        │   └── CertificateForeign           it is of another taxpayer or of another key
        ├── SignatureFault                 a signed message is not to be believed                 document: unknown
        │   ├── SignatureMalformed           no CMS message of the expected form
        │   ├── SignatureBad                 the content or the signature was altered
        │   └── SignerUntrusted              signed well, by a stranger
        └── TimestampFault                 no usable time stamp; the document is signed without   document: no

Each class has one code, so that a screen has one message for each. None of them carries a password, a key or content.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.errors import Code, Existence, Fault


class SigningFault(Fault):
    """`what` is one English sentence with the next step."""

    existence = Existence.NO
    own: ClassVar[Code] = Code.SIGNATURE_FAILED

    def __init__(self, what: str) -> None:
        super().__init__(self.own, what)

    def __reduce__(self) -> tuple[type[SigningFault], tuple[str]]:
        return type(self), (self.what,)


class KeyFault(SigningFault):
    own = Code.KEY_UNSUPPORTED


class WrongPassword(KeyFault):
    own = Code.KEY_PASSWORD


class DamagedContainer(KeyFault):
    own = Code.KEY_DAMAGED


class UnsupportedContainer(KeyFault):
    own = Code.KEY_UNSUPPORTED


class NoSigningKey(KeyFault):
    own = Code.KEY_ABSENT


class KeyLocked(KeyFault):
    own = Code.KEY_LOCKED


class SignatureFailed(KeyFault):
    own = Code.SIGNATURE_FAILED


class CertificateFault(SigningFault):
    own = Code.CERTIFICATE_DAMAGED


class CertificateAbsent(CertificateFault):
    own = Code.CERTIFICATE_ABSENT


class CertificateDamaged(CertificateFault):
    own = Code.CERTIFICATE_DAMAGED


class CertificateExpired(CertificateFault):
    own = Code.CERTIFICATE_EXPIRED


class CertificateEarly(CertificateFault):
    own = Code.CERTIFICATE_EARLY


class CertificateRevoked(CertificateFault):
    own = Code.CERTIFICATE_REVOKED


class CertificateForeign(CertificateFault):
    own = Code.CERTIFICATE_FOREIGN


class SignatureFault(SigningFault):
    existence = Existence.UNKNOWN
    own = Code.SIGNATURE_BAD


class SignatureMalformed(SignatureFault):
    own = Code.SIGNATURE_MALFORMED


class SignatureBad(SignatureFault):
    own = Code.SIGNATURE_BAD


class SignerUntrusted(SignatureFault):
    own = Code.CERTIFICATE_UNTRUSTED


class TimestampFault(SigningFault):
    own = Code.TIMESTAMP
