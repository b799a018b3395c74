"""The /tsp and /ocsp of the virtual provider (RFC 3161, RFC 6960; signing.md §5.3, §5.4)."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from drivers.prro.emulator.authority import Authority, Identity
from drivers.prro.emulator.signed import Manner, message
from drivers.prro.signing import der, oids
from drivers.prro.signing.algorithms import algorithm, digest_by_oid
from drivers.prro.signing.der import Malformed

TSP_TYPE, TSP_ANSWER = "application/timestamp-query", "application/timestamp-reply"
OCSP_TYPE, OCSP_ANSWER = "application/ocsp-request", "application/ocsp-response"

_ENUMERATED = 0x0A
_REJECTION, _BAD_REQUEST = 2, 1
_SERIALS = itertools.count(1)


def stamp(request: bytes, by: Identity, at: datetime) -> bytes:
    """TimeStampResp to a TimeStampReq: a token, or a rejection of what cannot be read."""
    try:
        items = der.parse(request).items(der.SEQUENCE)
        items.take().small(1)
        imprint = items.take()
        members = imprint.items(der.SEQUENCE)
        digest = digest_by_oid(algorithm(members.take()))
        hashed = members.take().octets()
        if digest is None or len(hashed) != len(digest.of(b"")):
            raise Malformed("an imprint of an unknown kind")
        items.maybe(der.OID)
        nonce = items.maybe(der.INTEGER)
        wanted = items.maybe(der.BOOLEAN)
    except Malformed:
        return der.sequence(der.sequence(der.integer(_REJECTION)))
    info = der.sequence(
        der.integer(1),
        der.oid(oids.TIMESTAMP_POLICY),
        imprint.raw,
        der.integer(next(_SERIALS)),
        der.generalized_time(at),
        nonce.raw if nonce else b"",
    )
    with_certificate = wanted is not None and wanted.boolean()
    manner = Manner(digest=digest, content_type=oids.TST_INFO, certificate=with_certificate)
    return der.sequence(der.sequence(der.integer(0)), message(info, by, at, manner))


def standing(request: bytes, authority: Authority, by: Identity, at: datetime) -> bytes:
    """OCSPResponse about the first certificate asked for: good or revoked; the authority keeps no list of the issued,
    so it calls good whatever bears its key identifier, and unknown everything else."""
    try:
        tbs = der.parse(request).items(der.SEQUENCE).take().items(der.SEQUENCE)
        identifier = tbs.take().items(der.SEQUENCE).take().items(der.SEQUENCE).take()
        members = identifier.items(der.SEQUENCE)
        members.take()
        members.take()
        key_id = members.take().octets()
        serial = int.from_bytes(members.take(der.INTEGER).body, "big", signed=True)
    except Malformed:
        return der.sequence(der.write(_ENUMERATED, bytes((_BAD_REQUEST,))))
    revoked = authority.revoked.get(serial)
    if key_id != authority.certificate.key_id:
        status = der.write(der.context(2, constructed=False))
    elif revoked is not None:
        status = der.write(der.context(1), der.generalized_time(revoked))
    else:
        status = der.write(der.context(0, constructed=False))
    single = der.sequence(
        identifier.raw,
        status,
        der.generalized_time(at),
        der.write(der.context(0), der.generalized_time(at + timedelta(hours=12))),
    )
    data = der.sequence(
        der.write(der.context(1), by.certificate.subject_der), der.generalized_time(at), der.sequence(single)
    )
    digest = authority.generation
    signature = der.bits(der.octets(by.key.sign(digest.of(data))))
    certificates = der.write(der.context(0), der.sequence(by.certificate.raw))
    basic = der.sequence(data, digest.signature_identifier(), signature, certificates)
    wrapped = der.sequence(der.oid(oids.OCSP_BASIC), der.octets(basic))
    return der.sequence(der.write(_ENUMERATED, b"\x00"), der.write(der.context(0), wrapped))
