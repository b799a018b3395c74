"""How the virtual fiscal server reads a signed message (signing.md §1.1, §5.2), with code of its own.

It takes what the tax service's description allows and refuses the rest: attached content, exactly one signature, the
signer's certificate and nothing else beside it, no revocation lists, no content time stamp, at most 200 KB. It trusts
the demo authority only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from drivers.prro.emulator import textbook
from drivers.prro.signing import oids

MAX_SIZE = 200 * 1024

_HASHES: dict[str, Callable[[bytes], bytes]] = {
    oids.DSTU4145_GOST: textbook.gost,
    oids.DSTU4145_KUPYNA_256: textbook.kupyna,
    oids.DSTU4145_KUPYNA_384: lambda data: textbook.kupyna(data, 384),
    oids.DSTU4145_KUPYNA_512: lambda data: textbook.kupyna(data, 512),
}
_DIGESTS = {
    oids.DSTU4145_GOST: oids.GOST_34311,
    oids.DSTU4145_KUPYNA_256: oids.KUPYNA_256,
    oids.DSTU4145_KUPYNA_384: oids.KUPYNA_384,
    oids.DSTU4145_KUPYNA_512: oids.KUPYNA_512,
}


class Rejected(Exception):
    """The message is refused; the text says why in the words of a technician."""


@dataclass(frozen=True)
class Node:
    """A value and, when it is constructed, its members."""

    tag: int
    body: bytes
    raw: bytes

    @property
    def members(self) -> list[Node]:
        return nodes(self.body)

    @property
    def identifier(self) -> str:
        """The dotted text of an OBJECT IDENTIFIER."""
        if self.tag != 6 or not self.body:
            raise Rejected("an identifier is missing")
        arcs, value = [self.body[0] // 40, self.body[0] % 40], 0
        for octet in self.body[1:]:
            value = value * 128 + octet % 128
            if octet < 128:
                arcs.append(value)
                value = 0
        return ".".join(map(str, arcs))


@dataclass(frozen=True)
class Person:
    """A signer as the server sees it: octets of the certificate, key identifier as 64 hex digits, codes."""

    certificate: bytes
    key_id: str
    codes: tuple[str, ...]
    """РНОКПП and ЄДРПОУ in the order of the certificate."""


@dataclass(frozen=True)
class Inspected:
    """An accepted message."""

    content: bytes
    signer: Person
    signature_algorithm: str
    stamped_at: datetime | None
    """The time of a proved signature time stamp, aware UTC."""


def nodes(data: bytes) -> list[Node]:
    """The values that fill `data`. Raises Rejected."""
    found, at = [], 0
    while at < len(data):
        start = at
        try:
            tag, length = data[at], data[at + 1]
            at += 2
            if length >= 128:
                count = length - 128
                if not 1 <= count <= 3:
                    raise Rejected("an indefinite or absurd length")
                length = int.from_bytes(data[at : at + count], "big")
                at += count
        except IndexError:
            raise Rejected("the message is cut") from None
        if at + length > len(data):
            raise Rejected("the message is cut")
        found.append(Node(tag, data[at : at + length], data[start : at + length]))
        at += length
    return found


def inspect(message: bytes, authority: bytes, at: datetime, *, stamp_required: bool = False) -> Inspected:
    """Check a message against the demo authority's certificate at the aware time `at`. Raises Rejected."""
    if len(message) > MAX_SIZE:
        raise Rejected(f"{len(message)} octets, at most {MAX_SIZE}")
    try:
        parts = _signed(message, oids.DATA)
        if len(parts.certificates) != 1:
            raise Rejected("the certificates must be the signer's and no other")
        person = _certificate(parts.certificates[0], authority, at)
        _prove(parts, person)
        if oids.CONTENT_TIMESTAMP in parts.signed:
            raise Rejected("a content time stamp is forbidden")
        token = parts.unsigned.get(oids.SIGNATURE_TIMESTAMP)
        if token is None and stamp_required:
            raise Rejected("a signature time stamp is required")
        stamped = None if token is None else _stamp(token.raw, parts.signature, authority, at)
    except (LookupError, ValueError) as error:
        raise Rejected(f"the message has not the expected form ({type(error).__name__}: {error})") from error
    return Inspected(parts.content, person.public, parts.algorithm, stamped)


@dataclass(frozen=True)
class _Signed:
    content: bytes
    certificates: list[Node]
    sid: Node
    algorithm: str
    signed: dict[str, Node]
    covered: bytes
    signature: bytes
    unsigned: dict[str, Node]


@dataclass(frozen=True)
class _Certificate:
    public: Person
    m: int
    key: bytes
    issuer_serial: bytes
    purposes: bytes


def _one(raw: bytes) -> Node:
    found = nodes(raw)
    if len(found) != 1:
        raise Rejected("octets follow the message")
    return found[0]


def _signed(message: bytes, kind: str) -> _Signed:
    outer = _one(message).members
    if outer[0].identifier != oids.SIGNED_DATA or len(outer) != 2:
        raise Rejected("no SignedData")
    fields = _one(outer[1].body).members
    content_info = fields[2].members
    if content_info[0].identifier != kind:
        raise Rejected("another type of content")
    if len(content_info) < 2:
        raise Rejected("the content is not attached")
    if any(field.tag == 0xA1 for field in fields):
        raise Rejected("revocation lists are forbidden")
    infos = fields[-1].members
    if len(infos) != 1:
        raise Rejected("exactly one signature is allowed")
    signer = infos[0].members
    certificates = [field for field in fields[3:-1] if field.tag == 0xA0]
    algorithm = signer[4].members[0].identifier
    digest = signer[2].members[0].identifier
    if _DIGESTS.get(algorithm) != digest:
        raise Rejected("the digest and the signature algorithm are unknown or disagree")
    return _Signed(
        content=_one(content_info[1].body).body,
        certificates=certificates[0].members if certificates else [],
        sid=signer[1],
        algorithm=algorithm,
        signed=_attributes(signer[3]),
        covered=b"\x31" + signer[3].raw[1:],
        signature=signer[5].body,
        unsigned=_attributes(signer[6]) if len(signer) > 6 else {},
    )


def _attributes(node: Node) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for attribute in node.members:
        kind, values = attribute.members
        if kind.identifier in found:
            raise Rejected("an attribute is there twice")
        found[kind.identifier] = _one(values.body)
    return found


def _prove(parts: _Signed, by: _Certificate) -> None:
    hashed = _HASHES[parts.algorithm]
    if parts.signed[oids.MESSAGE_DIGEST].body != hashed(parts.content):
        raise Rejected("the content does not match its digest")
    named = parts.sid.body
    if parts.sid.tag == 0xA0:
        named = _one(named).body
    if named not in (by.issuer_serial, bytes.fromhex(by.public.key_id)):
        raise Rejected("the signer is not the one whose certificate is attached")
    reference = _one(_one(_one(parts.signed[oids.SIGNING_CERTIFICATE_V2].body).body).raw).members
    if reference[1].body != _hashed(parts.algorithm, by.public.certificate):
        raise Rejected("the signature names another certificate")
    if not textbook.holds(by.m, by.key, hashed(parts.covered), parts.signature):
        raise Rejected("the signature is wrong")


def _certificate(node: Node, authority: bytes, at: datetime) -> _Certificate:
    """Read a certificate and check that the authority issued it and that it is in time."""
    own = _read(node.raw)
    root = _read(authority)
    tbs, algorithm, signature = node.members
    # BIT STRING: an octet of unused bits, then an OCTET STRING.
    value = _one(signature.body[1:]).body
    issuer = tbs.members[3].raw
    if issuer != _one(authority).members[0].members[5].raw:
        raise Rejected("the certificate is of an unknown authority")
    if not _holds(root.m, root.key, algorithm.members[0].identifier, tbs.raw, value):
        raise Rejected("the certificate is not signed by the authority")
    begin, end = (_time(each) for each in tbs.members[4].members)
    if not begin <= at <= end:
        raise Rejected("the certificate is out of its time")
    return own


@lru_cache(maxsize=256)
def _holds(m: int, key: bytes, algorithm: str, data: bytes, signature: bytes) -> bool:
    """The signature of a certificate, checked once."""
    return textbook.holds(m, key, _HASHES[algorithm](data), signature)


@lru_cache(maxsize=256)
def _hashed(algorithm: str, certificate: bytes) -> bytes:
    """The digest of a certificate, computed once."""
    return _HASHES[algorithm](certificate)


@lru_cache(maxsize=256)
def _read(raw: bytes) -> _Certificate:
    tbs = _one(raw).members[0].members
    info = tbs[6].members
    curve = info[0].members[1].members[0]
    # The degree is the first number of the explicit curve; the rest of it is the standard's, or the signature fails.
    m = int.from_bytes(curve.members[0].members[0].body, "big")
    extensions = {}
    for extension in _one(tbs[7].body).members:
        extensions[extension.members[0].identifier] = extension.members[-1].body
    key_id = _one(extensions[oids.SUBJECT_KEY_IDENTIFIER]).body.hex()
    person = Person(raw, key_id, tuple(_codes(tbs[5], extensions)))
    issuer_serial = tbs[3].raw + tbs[1].raw
    key = _one(info[1].body[1:]).body
    return _Certificate(person, m, key, issuer_serial, extensions.get(oids.EXTENDED_KEY_USAGE, b""))


def _codes(subject: Node, extensions: dict[str, bytes]) -> list[str]:
    found = []
    if oids.SUBJECT_DIRECTORY_ATTRIBUTES in extensions:
        for attribute in _one(extensions[oids.SUBJECT_DIRECTORY_ATTRIBUTES]).members:
            found.append(_one(attribute.members[1].body).body.decode())
    for part in subject.members:
        text = _one(part.body).members[1].body.decode()
        if text.startswith(("TINUA-", "NTRUA-")) and text[6:] not in found:
            found.append(text[6:])
    return found


def _time(node: Node) -> datetime:
    text = node.body.decode()
    if node.tag == 0x17:
        text = ("20" if text < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _stamp(token: bytes, signature: bytes, authority: bytes, at: datetime) -> datetime:
    """The proved time of a token over these signature octets."""
    parts = _signed(token, oids.TST_INFO)
    by = _certificate(parts.certificates[0], authority, at)
    if oids.EKU_TIMESTAMPING not in [each.identifier for each in (_one(by.purposes).members if by.purposes else [])]:
        raise Rejected("the time stamp is not made by a time-stamp authority")
    _prove(parts, by)
    info = _one(parts.content).members
    imprint = info[2].members
    kind = imprint[0].members[0].identifier
    hashed = next(_HASHES[algorithm] for algorithm, digest in _DIGESTS.items() if digest == kind)
    if imprint[1].body != hashed(signature):
        raise Rejected("the time stamp belongs to another signature")
    return _time(info[4])
