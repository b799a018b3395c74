"""The digests that a DSTU 4145 signature may stand on, and their identifiers (signing.md §3.10)."""

from __future__ import annotations

from enum import Enum

from drivers.prro.signing import der, gost34311, kupyna, oids


class Digest(Enum):
    """A digest: `value` names it in logs and settings."""

    GOST_34311 = "gost34311"
    KUPYNA_256 = "kupyna256"
    KUPYNA_384 = "kupyna384"
    KUPYNA_512 = "kupyna512"

    @property
    def oid(self) -> str:
        """The digest's own identifier."""
        return _OIDS[self][0]

    @property
    def signature_oid(self) -> str:
        """DSTU 4145 (polynomial basis, little-endian) over this digest."""
        return _OIDS[self][1]

    def of(self, data: bytes) -> bytes:
        """Hash `data`: 32, 48 or 64 octets, about 1 µs an octet."""
        bits = _KUPYNA_BITS.get(self)
        return gost34311.digest(data) if bits is None else kupyna.digest(data, bits)

    def identifier(self) -> bytes:
        """AlgorithmIdentifier of the digest, without parameters."""
        return der.sequence(der.oid(self.oid))

    def signature_identifier(self) -> bytes:
        """AlgorithmIdentifier of the signature, without parameters."""
        return der.sequence(der.oid(self.signature_oid))


_OIDS = {
    Digest.GOST_34311: (oids.GOST_34311, oids.DSTU4145_GOST),
    Digest.KUPYNA_256: (oids.KUPYNA_256, oids.DSTU4145_KUPYNA_256),
    Digest.KUPYNA_384: (oids.KUPYNA_384, oids.DSTU4145_KUPYNA_384),
    Digest.KUPYNA_512: (oids.KUPYNA_512, oids.DSTU4145_KUPYNA_512),
}

_KUPYNA_BITS = {Digest.KUPYNA_256: 256, Digest.KUPYNA_384: 384, Digest.KUPYNA_512: 512}


def digest_by_oid(oid: str) -> Digest | None:
    """The digest with this identifier."""
    return next((digest for digest, (own, _) in _OIDS.items() if own == oid), None)


def digest_by_signature(oid: str) -> Digest | None:
    """The digest of the signature algorithm with this identifier."""
    return next((digest for digest, (_, signature) in _OIDS.items() if signature == oid), None)


def algorithm(element: der.Element, *, curve: bool = False) -> str:
    """The identifier in an AlgorithmIdentifier whose parameters are absent or NULL. Raises Malformed.

    With `curve` the parameters may also be those of a curve, as some signers write them; they are not used, because
    the curve of a signature is that of the signer's key.
    """
    items = element.items(der.SEQUENCE)
    oid = items.take().oid()
    if items.peek() in ((der.NULL, der.SEQUENCE) if curve else (der.NULL,)):
        items.take()
    items.end()
    return oid
