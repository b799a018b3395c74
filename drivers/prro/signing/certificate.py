"""X.509 certificates of Ukrainian providers, as far as a software registrar reads them (signing.md §4.3–§4.5).

Parsing is lenient where the field is (padded key usage, over-long names, unknown critical extensions) and strict in
what a signature stands on. A certificate with a foreign key algorithm still loads, so that it can be shown: its
`key` is None and it verifies nothing.

Codes of people and firms: old certificates carry ДРФО (РНОКПП) and ЄДРПОУ in subjectDirectoryAttributes, new ones write
`TINUA-…` into serialNumber and `NTRUA-…` into organizationIdentifier of the subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from drivers.prro.signing import der, oids
from drivers.prro.signing.algorithms import Digest, algorithm, digest_by_signature
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.errors import CertificateDamaged, CertificateEarly, CertificateExpired, CertificateForeign
from drivers.prro.signing.keys import PublicKey, read_public

MAX_SIZE = 64 * 1024
DEMO_MARK = "НЕ ЧИННИЙ"
DEMO_SERIAL = "UA-00000000-DEMO"

DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_AGREEMENT, CERTIFICATE_SIGNING = 0x80, 0x40, 0x08, 0x04

Value = TypeVar("Value")

Name = tuple[tuple[str, str], ...]
"""(attribute type, text) in the order of the certificate."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """One certificate. Certificates are equal when their octets are. Times are aware UTC."""

    raw: bytes
    tbs: bytes
    signed_with: Digest | None
    """The digest of the issuer's signature; None for an algorithm that is not DSTU 4145."""
    signature: bytes
    """As stored: r ‖ s in an OCTET STRING."""
    serial: int
    serial_der: bytes
    issuer_der: bytes
    subject_der: bytes
    issuer: Name
    subject: Name
    not_before: datetime
    not_after: datetime
    key: PublicKey | None
    key_problem: str
    """Why `key` is None."""
    key_usage: int | None
    """The first octet of keyUsage; None when the extension is absent."""
    key_not_after: datetime | None
    """The end of privateKeyUsagePeriod."""
    authority: bool
    purposes: tuple[str, ...]
    """Extended key usages."""
    key_id: bytes | None
    authority_key_id: bytes | None
    drfo: str
    """РНОКПП of the person, or empty."""
    edrpou: str
    """ЄДРПОУ of the firm, or empty."""
    tsp_urls: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    issuer_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Certificate({self.name!r}, serial={self.serial:x}, until={self.expires:%Y-%m-%d})"

    @property
    def name(self) -> str:
        """Who it is, for people: common name, else organisation, else serial number."""
        for oid in (oids.COMMON_NAME, oids.ORGANIZATION, oids.SERIAL_NUMBER):
            if text := self.attribute(oid):
                return text
        return f"{self.serial:x}"

    def attribute(self, oid: str) -> str:
        """The first subject attribute of this type, or empty."""
        return next((text for kind, text in self.subject if kind == oid), "")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate as hex; the first eight characters name the key in logs."""
        import hashlib

        return hashlib.sha256(self.raw).hexdigest()

    @property
    def expires(self) -> datetime:
        """When signing with it ends: the earlier of the certificate's and the private key's time."""
        return self.not_after if self.key_not_after is None else min(self.not_after, self.key_not_after)

    @property
    def signs(self) -> bool:
        """Whether its key may sign documents (a key-agreement or CA-only certificate may not)."""
        return self.key_usage is None or bool(self.key_usage & (DIGITAL_SIGNATURE | NON_REPUDIATION))

    @property
    def seal(self) -> bool:
        """A firm's seal, not a person: marked so, or ЄДРПОУ without РНОКПП."""
        return oids.EKU_SEAL in self.purposes or bool(self.edrpou and not self.drfo)

    @property
    def demo(self) -> bool:
        """Made by the demo authority: of no legal force, never to be trusted or used in production."""
        texts = [text for name in (self.subject, self.issuer) for _, text in name]
        return any(DEMO_MARK in text or text == DEMO_SERIAL for text in texts)

    @property
    def kupyna(self) -> bool:
        """Whether it belongs to the new, Kupyna generation: signed with it, or its key identifier is made by it."""
        if self.signed_with not in (None, Digest.GOST_34311):
            return True
        return self.key is not None and self.key_id == Digest.KUPYNA_256.of(der.octets(self.key.octets))

    def check_time(self, at: datetime) -> None:
        """Raises CertificateEarly or CertificateExpired unless `at` is within the certificate's time."""
        if at < self.not_before:
            raise CertificateEarly(
                f"the certificate of {self.name} begins on {self.not_before:%Y-%m-%d %H:%M} UTC, and it is "
                f"{at:%Y-%m-%d %H:%M} UTC: check the clock"
            )
        if at > self.not_after:
            raise CertificateExpired(
                f"the certificate of {self.name} ended on {self.not_after:%Y-%m-%d %H:%M} UTC: get a new one from "
                "the provider (and check the clock)"
            )

    def check_signing_time(self, at: datetime) -> None:
        """As `check_time`, with the end of the private key's own time."""
        self.check_time(at)
        if at > self.expires:
            raise CertificateExpired(
                f"the private key of {self.name} may sign until {self.expires:%Y-%m-%d %H:%M} UTC: get a new one "
                "from the provider (and check the clock)"
            )

    def check_codes(self, codes: Iterable[str]) -> None:
        """Raises CertificateForeign unless one of the taxpayer's `codes` (РНОКПП, ЄДРПОУ) is in the certificate."""
        wanted = {code for code in codes if code}
        if not wanted & {self.drfo, self.edrpou}:
            own = ", ".join(code for code in (self.edrpou, self.drfo) if code) or "none"
            raise CertificateForeign(
                f"the certificate of {self.name} holds the codes {own}, not {', '.join(sorted(wanted))}: "
                "choose the key of this taxpayer"
            )

    def signed_by(self, issuer: Certificate) -> bool:
        """Whether `issuer`'s name and key stand behind this certificate's signature (11 ms)."""
        if issuer.subject_der != self.issuer_der or issuer.key is None or self.signed_with is None:
            return False
        return issuer.key.verify(self.signed_with.of(self.tbs), self.signature)


@lru_cache(maxsize=32)
def read(data: bytes) -> Certificate:
    """A DER certificate. Raises CertificateDamaged.

    The same octets give the same object for a while: the key of the fiscal server, which comes with every ticket, then
    keeps its point and its table of multiples.
    """
    if len(data) > MAX_SIZE:
        raise CertificateDamaged(f"a certificate of {len(data)} octets is too long: choose the right file")
    try:
        return _read(der.parse(data))
    except Malformed as error:
        raise CertificateDamaged(f"the file is no readable certificate ({error}): take it again") from error


def read_many(data: bytes) -> list[Certificate]:
    """All certificates of a .cer, .crt, .pem or .p7b file. Raises CertificateDamaged when there is none."""
    if b"-----BEGIN" in data:
        found = [certificate for block in pem_blocks(data) for certificate in read_many(block)]
        if not found:
            raise CertificateDamaged("the text file holds no certificate: choose another file")
        return found
    if len(data) > 1 << 24:
        raise CertificateDamaged(f"a file of {len(data)} octets is too long for certificates: choose another file")
    try:
        items = der.parse(data).items(der.SEQUENCE)
        if items.peek() != der.OID:
            return [read(data)]
        if items.take().oid() != oids.SIGNED_DATA:
            raise Malformed("neither a certificate nor a bundle")
        bundle = items.take().inside(der.context(0)).items(der.SEQUENCE)
        while bundle and bundle.peek() != der.context(0):
            bundle.take()
        return [read(member.raw) for member in bundle.take().items(der.context(0))]
    except Malformed as error:
        raise CertificateDamaged(f"the file holds no readable certificate ({error}): choose another file") from error


def pem_blocks(data: bytes) -> list[bytes]:
    """The DER blocks of a PEM text; a block that does not decode is left out."""
    import binascii

    blocks = []
    for part in data.split(b"-----BEGIN ")[1:]:
        body = part.partition(b"-----")[2].partition(b"-----END")[0]
        try:
            blocks.append(binascii.a2b_base64(b"".join(body.split()), strict_mode=True))
        except binascii.Error:
            continue
    return blocks


def _read(element: Element) -> Certificate:
    outer = element.items(der.SEQUENCE)
    tbs = outer.take()
    signed_with = algorithm(outer.take(), curve=True)
    signature = outer.take().bits()
    outer.end()
    items = tbs.items(der.SEQUENCE)
    items.maybe(der.context(0))
    serial = items.take(der.INTEGER)
    if algorithm(items.take(), curve=True) != signed_with:
        raise Malformed("its two signature algorithms disagree")
    issuer = items.take(der.SEQUENCE)
    validity = items.take().items(der.SEQUENCE)
    not_before, not_after = validity.take().time(), validity.take().time()
    validity.end()
    subject = items.take(der.SEQUENCE)
    key_info = items.take()
    extensions: dict[str, bytes] = {}
    for extra in items:
        if extra.tag == der.context(3):
            extensions = _extensions(extra)
    try:
        key, problem = read_public(key_info), ""
    except Malformed as error:
        key, problem = None, str(error)
    names = _name(subject)
    drfo, edrpou = _codes(names, extensions)
    usage = _part(extensions, oids.KEY_USAGE)
    access = _lenient(_access, extensions, oids.AUTHORITY_INFO_ACCESS) or []
    services = _lenient(_access, extensions, oids.SUBJECT_INFO_ACCESS) or []
    return Certificate(
        raw=element.raw,
        tbs=tbs.raw,
        signed_with=digest_by_signature(signed_with),
        signature=signature,
        serial=int.from_bytes(serial.body, "big", signed=True),
        serial_der=serial.raw,
        issuer_der=issuer.raw,
        subject_der=subject.raw,
        issuer=_name(issuer),
        subject=names,
        not_before=not_before,
        not_after=not_after,
        key=key,
        key_problem=problem,
        key_usage=None if usage is None else _usage(usage.expect(der.BIT_STRING).body),
        key_not_after=_key_end(extensions),
        authority=_authority(extensions),
        purposes=_purposes(extensions),
        key_id=_lenient(_key_id, extensions),
        authority_key_id=_lenient(_authority_key_id, extensions),
        drfo=drfo,
        edrpou=edrpou,
        tsp_urls=_urls(services, oids.ACCESS_TIMESTAMPING),
        ocsp_urls=_urls(access, oids.ACCESS_OCSP),
        issuer_urls=_urls(access, oids.ACCESS_CA_ISSUERS),
        crl_urls=_lenient(_crl_urls, extensions) or (),
    )


def _lenient(reader: Callable[..., Value], *arguments: Any) -> Value | None:
    """What `reader` finds, or None: an ill-made extension that only helps to find things does not spoil the rest."""
    try:
        return reader(*arguments)
    except Malformed:
        return None


def _name(element: Element) -> Name:
    found: list[tuple[str, str]] = []
    for part in element.items(der.SEQUENCE):
        for pair in part.items(der.SET):
            items = pair.items(der.SEQUENCE)
            oid = items.take().oid()
            value = items.take()
            try:
                found.append((oid, value.text()))
            except Malformed:
                found.append((oid, value.body.hex()))
    return tuple(found)


def _extensions(element: Element) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for member in element.inside(der.context(3)).items(der.SEQUENCE):
        items = member.items(der.SEQUENCE)
        oid = items.take().oid()
        items.maybe(der.BOOLEAN)
        found.setdefault(oid, items.take().octets())
    return found


def _part(extensions: dict[str, bytes], oid: str) -> Element | None:
    return der.parse(extensions[oid]) if oid in extensions else None


def _codes(subject: Name, extensions: dict[str, bytes]) -> tuple[str, str]:
    codes = {oids.SUBJECT_DRFO: "", oids.SUBJECT_EDRPOU: ""}
    element = _part(extensions, oids.SUBJECT_DIRECTORY_ATTRIBUTES)
    for member in element.items(der.SEQUENCE) if element else ():
        items = member.items(der.SEQUENCE)
        oid = items.take().oid()
        values = items.take().items(der.SET)
        if oid in codes and values:
            codes[oid] = values.take().text().strip()
    for oid, text in subject:
        prefix, _, code = text.partition("-")
        if oid == oids.SERIAL_NUMBER and prefix == "TINUA":
            codes[oids.SUBJECT_DRFO] = codes[oids.SUBJECT_DRFO] or code
        if oid == oids.ORGANIZATION_IDENTIFIER and prefix == "NTRUA":
            codes[oids.SUBJECT_EDRPOU] = codes[oids.SUBJECT_EDRPOU] or code
    return codes[oids.SUBJECT_DRFO], codes[oids.SUBJECT_EDRPOU]


def _usage(body: bytes) -> int:
    """The first octet of bits; some makers write the flags as a 32-bit number, whose last octet it then is."""
    return body[-1] if len(body) > 3 else (body + b"\x00\x00")[1]


def _key_end(extensions: dict[str, bytes]) -> datetime | None:
    element = _part(extensions, oids.PRIVATE_KEY_USAGE_PERIOD)
    for member in element.items(der.SEQUENCE) if element else ():
        if member.tag == der.context(1, constructed=False):
            return Element(der.GENERALIZED_TIME, member.body, member.raw).time()
    return None


def _authority(extensions: dict[str, bytes]) -> bool:
    element = _part(extensions, oids.BASIC_CONSTRAINTS)
    flag = element.items(der.SEQUENCE).maybe(der.BOOLEAN) if element else None
    return flag is not None and flag.boolean()


def _purposes(extensions: dict[str, bytes]) -> tuple[str, ...]:
    element = _part(extensions, oids.EXTENDED_KEY_USAGE)
    return tuple(member.oid() for member in element.items(der.SEQUENCE)) if element else ()


def _key_id(extensions: dict[str, bytes]) -> bytes | None:
    element = _part(extensions, oids.SUBJECT_KEY_IDENTIFIER)
    return element.octets() if element else None


def _authority_key_id(extensions: dict[str, bytes]) -> bytes | None:
    element = _part(extensions, oids.AUTHORITY_KEY_IDENTIFIER)
    first = element.items(der.SEQUENCE).maybe(der.context(0, constructed=False)) if element else None
    return first.body if first else None


def _access(extensions: dict[str, bytes], oid: str) -> list[tuple[str, str]]:
    """(method, URL) pairs of an information-access extension."""
    found = []
    element = _part(extensions, oid)
    for member in element.items(der.SEQUENCE) if element else ():
        items = member.items(der.SEQUENCE)
        method = items.take().oid()
        place = items.take()
        if place.tag == der.context(6, constructed=False):
            found.append((method, place.body.decode("latin-1")))
    return found


def _urls(access: list[tuple[str, str]], method: str) -> tuple[str, ...]:
    return tuple(url for kind, url in access if kind == method)


def _crl_urls(extensions: dict[str, bytes]) -> tuple[str, ...]:
    found = []
    element = _part(extensions, oids.CRL_DISTRIBUTION_POINTS)
    for point in element.items(der.SEQUENCE) if element else ():
        full = point.items(der.SEQUENCE).maybe(der.context(0))
        names = full.items(der.context(0)).maybe(der.context(0)) if full else None
        for name in names.items(der.context(0)) if names else ():
            if name.tag == der.context(6, constructed=False):
                found.append(name.body.decode("latin-1"))
    return tuple(found)
