"""OCSP: has the authority taken the certificate back? (RFC 6960; signing.md §5.4, §12)

    request   SEQ{ SEQ{ SEQ{ SEQ{ CertID } } } }
    CertID    SEQ{ GOST 34.311, OCTET STRING H(issuer's Name), OCTET STRING issuer's key identifier, serial }
    response  SEQ{ ENUMERATED 0, [0]{ SEQ{ id-pkix-ocsp-basic, OCTET STRING basic } } }
    basic     SEQ{ SEQ{ version?, responder, producedAt, SEQ OF single }, algorithm, BIT STRING signature, [0] certs? }
    single    SEQ{ CertID, [0] good | [1] revoked{ time, … } | [2] unknown, thisUpdate, [0] nextUpdate?, … }

Asked when the key is unlocked and once a day in the background: "revoked" blocks, "unreachable" does not, because the
fiscal server checks for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from drivers.prro.signing import der, oids
from drivers.prro.signing.algorithms import Digest, algorithm, digest_by_signature
from drivers.prro.signing.certificate import Certificate, read
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.errors import CertificateDamaged, CertificateRevoked, SignatureFault
from drivers.prro.signing.timestamp import Post
from drivers.prro.signing.trust import Trust

MAX_AGE = timedelta(days=2)
_ENUMERATED = 0x0A
_REQUEST_TYPE = "application/ocsp-request"


class Standing(Enum):
    """What is known about a certificate that is not revoked."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """The responder does not know the certificate."""
    UNREACHABLE = "unreachable"
    """No believable answer, or no address to ask at."""


def check(
    certificate: Certificate, issuer: Certificate, post: Post, trust: Trust, *, at: datetime, url: str = ""
) -> Standing:
    """Ask about `certificate`. Raises CertificateRevoked when a proved answer says so."""
    address = url or next(iter(certificate.ocsp_urls), "")
    if not address:
        return Standing.UNREACHABLE
    try:
        answer = post(address, request(certificate, issuer), _REQUEST_TYPE)
        single = _proved(answer, certificate, issuer, trust, at)
    except (OSError, Malformed, SignatureFault, CertificateDamaged):
        return Standing.UNREACHABLE
    if single.revoked is not None:
        raise CertificateRevoked(
            f"the certificate of {certificate.name} was revoked on {single.revoked:%Y-%m-%d %H:%M} UTC: "
            "get a new key from the provider"
        )
    return Standing.GOOD if single.good else Standing.UNKNOWN


def request(certificate: Certificate, issuer: Certificate) -> bytes:
    """OCSPRequest about one certificate."""
    return der.sequence(der.sequence(der.sequence(der.sequence(_identifier(certificate, issuer)))))


@dataclass(frozen=True)
class _Single:
    good: bool
    revoked: datetime | None
    this_update: datetime
    next_update: datetime | None


def _identifier(certificate: Certificate, issuer: Certificate) -> bytes:
    key_id = certificate.authority_key_id or issuer.key_id or b""
    return der.sequence(
        Digest.GOST_34311.identifier(),
        der.octets(Digest.GOST_34311.of(issuer.subject_der)),
        der.octets(key_id),
        certificate.serial_der,
    )


def _proved(answer: bytes, certificate: Certificate, issuer: Certificate, trust: Trust, at: datetime) -> _Single:
    """The answer about `certificate`, signed by its issuer or by a responder that the issuer's root stands behind."""
    outer = der.parse(answer).items(der.SEQUENCE)
    if outer.take(_ENUMERATED).body != b"\x00" or not outer:
        raise Malformed("the responder refused")
    wrapped = outer.take().inside(der.context(0)).items(der.SEQUENCE)
    if wrapped.take().oid() != oids.OCSP_BASIC:
        raise Malformed("an unknown kind of answer")
    basic = der.parse(wrapped.take().octets()).items(der.SEQUENCE)
    data = basic.take()
    digest = digest_by_signature(algorithm(basic.take(), curve=True))
    signature = basic.take().bits()
    extra = basic.maybe(der.context(0))
    certificates = [read(each.raw) for each in extra.inside(der.context(0)).items(der.SEQUENCE)] if extra else []
    if digest is None or not _responder(certificates, data, digest, signature, issuer, trust, at):
        raise Malformed("nobody that may answer has signed the answer")
    single = _single(data, certificate)
    limit = single.next_update or single.this_update + MAX_AGE
    if single.this_update > at + timedelta(minutes=10) or limit < at - timedelta(minutes=10):
        raise Malformed("the answer is stale")
    return single


def _responder(
    certificates: Sequence[Certificate],
    data: Element,
    digest: Digest,
    signature: bytes,
    issuer: Certificate,
    trust: Trust,
    at: datetime,
) -> bool:
    hashed = digest.of(data.raw)
    for candidate in (issuer, *certificates):
        if candidate.key is None or not candidate.key.verify(hashed, signature):
            continue
        if candidate != issuer and oids.EKU_OCSP not in candidate.purposes:
            continue
        trust.check(candidate, at, certificates)
        return True
    return False


def _single(data: Element, certificate: Certificate) -> _Single:
    items = data.items(der.SEQUENCE)
    items.maybe(der.context(0))
    items.take()
    items.take(der.GENERALIZED_TIME)
    for response in items.take().items(der.SEQUENCE):
        members = response.items(der.SEQUENCE)
        identifier = members.take().items(der.SEQUENCE)
        identifier.take()
        identifier.take()
        key_id = identifier.take().octets()
        if identifier.take(der.INTEGER).raw != certificate.serial_der:
            continue
        if certificate.authority_key_id and key_id != certificate.authority_key_id:
            continue
        status = members.take()
        revoked = der.Items(status.body).take().time() if status.tag == der.context(1) else None
        if revoked is None and status.tag not in (
            der.context(0, constructed=False),
            der.context(2, constructed=False),
        ):
            raise Malformed("an unknown status")
        this_update = members.take().time()
        later = members.maybe(der.context(0))
        return _Single(
            good=status.tag == der.context(0, constructed=False),
            revoked=revoked,
            this_update=this_update,
            next_update=later.inside(der.context(0)).time() if later else None,
        )
    raise Malformed("the answer is about another certificate")
