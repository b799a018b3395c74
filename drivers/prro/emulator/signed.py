"""Signed answers of the virtual fiscal server, with the liberties that the real one and other programs take.

See signing.md §1.2 and §4.2 for where each quirk was met, and §10 for the switches an emulator offers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drivers.prro.emulator.authority import Identity
from drivers.prro.signing import der, oids
from drivers.prro.signing.algorithms import Digest

PLAIN, KEY_ID, EXPLICIT_KEY_ID = "serial", "key", "explicit-key"


@dataclass(frozen=True)
class Manner:
    """How a message is written. The default is that of the official samples of the tax service, tidied."""

    digest: Digest = Digest.GOST_34311
    sid: str = PLAIN
    """serial: issuer and serial; key: [0] primitive; explicit-key: [0] around an OCTET STRING, as in the samples."""
    unsorted: bool = False
    wrapped: bool = False
    """r ‖ s inside an inner OCTET STRING."""
    signing_time: bool = False
    with_null: bool = False
    """NULL parameters in the algorithm identifiers."""
    certificate: bool = True
    """Whether the signer's certificate is inside."""
    broken: bool = False
    """One bit of the signature is wrong."""
    content_type: str = oids.DATA


def message(
    content: bytes,
    by: Identity,
    at: datetime,
    manner: Manner | None = None,
    stamp: Callable[[bytes, Digest], bytes] | None = None,
) -> bytes:
    """A CMS SignedData around `content`; `stamp` makes a time-stamp token over the octets of the signature."""
    chosen = manner or Manner()
    digest, certificate = chosen.digest, by.certificate
    null = der.null() if chosen.with_null else b""
    digest_algorithm = der.sequence(der.oid(digest.oid), null)
    issuer_serial = der.sequence(
        der.sequence(der.write(der.context(4), certificate.issuer_der)), certificate.serial_der
    )
    named = der.sequence(digest_algorithm, der.octets(digest.of(certificate.raw)), issuer_serial)
    attributes = [
        _attribute(oids.MESSAGE_DIGEST, der.octets(digest.of(content))),
        _attribute(oids.CONTENT_TYPE, der.oid(chosen.content_type)),
        _attribute(oids.SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(named))),
    ]
    if chosen.signing_time:
        attributes.append(_attribute(oids.SIGNING_TIME, der.time(at)))
    covered = b"".join(attributes if chosen.unsorted else sorted(attributes))
    signature = by.key.sign(digest.of(der.write(der.SET, covered)))
    if chosen.broken:
        signature = bytes((signature[0] ^ 1,)) + signature[1:]
    key_id = certificate.key_id or b""
    sid = {
        PLAIN: der.sequence(certificate.issuer_der, certificate.serial_der),
        KEY_ID: der.write(der.context(0, constructed=False), key_id),
        EXPLICIT_KEY_ID: der.write(der.context(0), der.octets(key_id)),
    }[chosen.sid]
    stored = der.octets(signature) if chosen.wrapped else signature
    signer = der.sequence(
        der.integer(3 if chosen.sid == KEY_ID else 1),
        sid,
        digest_algorithm,
        der.write(der.context(0), covered),
        der.sequence(der.oid(digest.signature_oid), null),
        der.octets(stored),
        der.write(der.context(1), _attribute(oids.SIGNATURE_TIMESTAMP, stamp(stored, digest))) if stamp else b"",
    )
    signed = der.sequence(
        der.integer(1 if chosen.content_type == oids.DATA else 3),
        der.set_of(digest_algorithm),
        der.sequence(der.oid(chosen.content_type), der.write(der.context(0), der.octets(content))),
        der.write(der.context(0), certificate.raw) if chosen.certificate else b"",
        der.set_of(signer),
    )
    return der.sequence(der.oid(oids.SIGNED_DATA), der.write(der.context(0), signed))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))
