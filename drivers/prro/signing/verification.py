"""Verification of signed messages: tickets of the fiscal server, our own documents, demo traffic (signing.md §5.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from drivers.prro.signing import cms, oids, timestamp
from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.errors import SignerUntrusted
from drivers.prro.signing.timestamp import Stamp
from drivers.prro.signing.trust import Trust


@dataclass(frozen=True)
class Verified:
    """What a message proved. `content` are the signed octets: read the document from here and from nowhere else."""

    content: bytes
    signer: Certificate
    digest: Digest
    signing_time: datetime | None
    """The signer's own claim, aware UTC; tickets seldom carry it."""
    stamp: Stamp | None
    """The proved time stamp over the signature."""


def verify(
    message: bytes,
    trusted: Trust,
    *,
    at: datetime,
    codes: Collection[str] = (),
    content: bytes | None = None,
) -> Verified:
    """Prove a signed message at the aware time `at`: 11 ms for a new signer, 4 for one met often, twice with a stamp.

    `codes` narrows the signers: every taxpayer of Ukraine has a certificate that leads to the state root, so a ticket
    is believed only from the codes (ЄДРПОУ, РНОКПП) of the tax service, unless the store pins its certificates alone.
    `content` is given for a detached signature.

    Raises SignatureMalformed, SignatureBad or SignerUntrusted; their `document` is unknown, because a ticket that is
    not believed may still mean a registered document.
    """
    parsed = cms.parse(message)
    signer = parsed.signer(trusted.anchors + trusted.authorities)
    if signer is None:
        raise SignerUntrusted("the message does not carry its signer's certificate and the store does not hold it")
    octets = parsed.check(signer, content)
    if not signer.signs:
        raise SignerUntrusted(f"the key of {signer.name} is not for signing")
    if codes and not ({signer.drfo, signer.edrpou} - {""}) & set(codes):
        raise SignerUntrusted(f"{signer.name} signed, who is none of {', '.join(sorted(codes))}")
    trusted.check(signer, at, parsed.certificates)
    token = parsed.unsigned(oids.SIGNATURE_TIMESTAMP)
    stamp = timestamp.check(token, parsed.signature, trusted) if token is not None else None
    return Verified(octets, signer, parsed.digest, parsed.signing_time, stamp)
