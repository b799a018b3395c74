"""The server's own look at a signed message: what it takes and refuses (fiscal-server.md §1.3; signing.md §1.1).

    SEQ{ signedData, [0]{ SEQ{ version, SET{ digests }, SEQ{ data, [0]{ content } }, [0]{ certificates },
         SET{ SEQ{ version, sid, digest, [0]{ signed }, signature algorithm, signature, [1]{ unsigned }? } } } } }

Exactly one signature, the signer's certificate and no other, no revocation data, no content time stamp. The reader of
messages is written here anew; certificates, digests and the curve are those of drivers.prro.signing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import lru_cache

from drivers.prro.signing import certificate as certificates
from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.errors import CertificateFault

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
_SIGNATURE_STAMP = bytes.fromhex("060b2a864886f70d010910020e")
_CONTENT_STAMP = bytes.fromhex("060b2a864886f70d0109100214")
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")

NOT_SIGNED = "Повідомлення повинно бути засвідчене КЕП (envelopeType)"


class Unsigned(Exception):
    """A gross error of form: the answer carries no code (fiscal-server.md §1.5)."""


class Forged(Exception):
    """The signature, the certificate or the time stamp does not hold: code 12."""


@dataclass(frozen=True)
class Envelope:
    """A message whose signature was proved by the certificate inside."""

    content: bytes
    certificate: Certificate
    stamped: bool

    @property
    def key_id(self) -> str:
        """The subject key identifier as `Operators` shows it: hex."""
        return (self.certificate.key_id or b"").hex()


@dataclass(frozen=True)
class _Node:
    tag: int
    body: bytes
    raw: bytes

    def children(self) -> list[_Node]:
        nodes, at = [], 0
        while at < len(self.body):
            node, at = _node(self.body, at)
            nodes.append(node)
        return nodes

    def octets(self) -> bytes:
        """An OCTET STRING, also in pieces, as BER allows."""
        if self.tag == 0x24:
            return b"".join(child.octets() for child in self.children())
        return self.body


def _node(data: bytes, at: int) -> tuple[_Node, int]:
    start = at
    if at + 2 > len(data):
        raise Unsigned(NOT_SIGNED)
    tag, size = data[at], data[at + 1]
    at += 2
    if size > 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[at : at + count], "big")
        at += count
        if count > 4:
            raise Unsigned(NOT_SIGNED)
    elif size == 0x80:
        raise Unsigned(f"{NOT_SIGNED}: очікується DER")
    end = at + size
    if end > len(data):
        raise Unsigned(NOT_SIGNED)
    return _Node(tag, data[at:end], data[start:end]), end


def _root(data: bytes) -> _Node:
    node, end = _node(data, 0)
    if end != len(data) or node.tag != 0x30:
        raise Unsigned(NOT_SIGNED)
    return node


def content(message: bytes) -> bytes:
    """What is inside, without any proof. Raises Unsigned."""
    return _take(message).content


@dataclass(frozen=True)
class _Parts:
    content: bytes
    content_type: bytes
    certificates: tuple[bytes, ...]
    sid: _Node
    digest: bytes
    signed: _Node
    signature: bytes
    unsigned: tuple[_Node, ...]


def _take(message: bytes, content_type: bytes = _DATA) -> _Parts:
    try:
        kind, wrapped = _root(message).children()
        (signed,) = wrapped.children()
        if kind.raw != _SIGNED_DATA or wrapped.tag != 0xA0:
            raise Unsigned(NOT_SIGNED)
        members = signed.children()
        typed, *inner = members[2].children()
        infos = members[-1].children()
        extra = {node.tag: node for node in members[3:-1]}
        if 0xA1 in extra:
            raise Unsigned("Повідомлення не повинно містити CRL та відповідей OCSP")
        if len(infos) != 1:
            raise Unsigned(f"Повідомлення повинно мати один підпис, знайдено {len(infos)}")
        if not inner:
            raise Unsigned(f"{NOT_SIGNED}: підпис повинен містити документ (envelopeType)")
        if typed.raw != content_type:
            raise Unsigned(f"{NOT_SIGNED}: невідомий тип вмісту")
        held = tuple(node.raw for node in extra[0xA0].children()) if 0xA0 in extra else ()
        fields = infos[0].children()
        unsigned = fields[6].children() if len(fields) > 6 else []
        return _Parts(
            content=inner[0].children()[0].octets(),
            content_type=typed.raw,
            certificates=held,
            sid=fields[1],
            digest=fields[2].children()[0].raw,
            signed=fields[3],
            signature=fields[5].octets(),
            unsigned=tuple(unsigned),
        )
    except (ValueError, IndexError) as error:
        raise Unsigned(NOT_SIGNED) from error


def check(message: bytes) -> Envelope:
    """Prove a request. Raises Unsigned or Forged. Whether its certificate is known is another question."""
    parts = _take(message)
    if _attribute(parts.signed.children(), _CONTENT_STAMP) is not None:
        raise Unsigned("Атрибут content-time-stamp не допускається")
    if len(parts.certificates) != 1:
        raise Unsigned("Повідомлення повинно містити лише сертифікат підписувача")
    signer = _prove(parts)
    token = _attribute(parts.unsigned, _SIGNATURE_STAMP)
    if token is not None:
        _check_stamp(token.raw, parts.signature)
    return Envelope(parts.content, signer, token is not None)


def _prove(parts: _Parts) -> Certificate:
    try:
        signer = _read(parts.certificates[0])
    except (CertificateFault, IndexError) as error:
        raise Forged("Сертифікат підписувача не прочитано") from error
    named = parts.sid.raw if parts.sid.tag == 0x30 else b""
    key_id = parts.sid.children()[0].body if parts.sid.tag == 0xA0 else parts.sid.body
    if named and parts.sid.body != signer.issuer_der + signer.serial_der:
        raise Forged("Підписувач не є власником сертифіката")
    if not named and key_id != signer.key_id:
        raise Forged("Підписувач не є власником сертифіката")
    digest = next((each for each in Digest if each.identifier()[2:] == parts.digest), None)
    if digest is None:
        raise Forged("Невідомий алгоритм гешування")
    attributes = parts.signed.children()
    hashed = _attribute(attributes, _MESSAGE_DIGEST)
    typed = _attribute(attributes, _CONTENT_TYPE)
    if hashed is None or typed is None or typed.raw != parts.content_type:
        raise Forged("Підписані атрибути неповні")
    if hashed.body != digest.of(parts.content):
        raise Forged("Документ змінено після підписання")
    own = _attribute(attributes, _CERTIFICATE_V2)
    if own is not None and not any(each.of(signer.raw) in own.raw for each in Digest):
        raise Forged("Підпис посилається на інший сертифікат")
    covered = b"\x31" + parts.signed.raw[1:]
    if signer.key is None or not signer.key.verify(digest.of(covered), parts.signature):
        raise Forged("Підпис не відповідає документу")
    if not signer.signs:
        raise Forged("Ключ не призначено для підпису")
    return signer


@lru_cache(maxsize=64)
def _read(raw: bytes) -> Certificate:
    """A certificate, ready for many signatures of the same key."""
    signer = certificates.read(raw)
    if signer.key is not None:
        with contextlib.suppress(ValueError):  # no point of the curve: its signatures will not verify
            signer.key.prepare()
    return signer


def _check_stamp(token: bytes, signature: bytes) -> None:
    """The time stamp must be over this signature, by its own words and by its own signature."""
    try:
        parts = _take(token, _TST_INFO)
        _prove(parts)
        imprint = _root(parts.content).children()[2].children()
        algorithm, hashed = imprint[0].children()[0].raw, imprint[1].body
    except (Unsigned, IndexError) as error:
        raise Forged("Позначку часу не прочитано") from error
    digest = next((each for each in Digest if each.identifier()[2:] == algorithm), None)
    if digest is None or digest.of(signature) != hashed:
        raise Forged("Позначка часу належить іншому підпису")


def _attribute(attributes: list[_Node] | tuple[_Node, ...], oid: bytes) -> _Node | None:
    for attribute in attributes:
        kind, values = attribute.children()
        if kind.raw == oid:
            found = values.children()
            if len(found) != 1:
                raise Forged("Атрибут повторюється")
            return found[0]
    return None
