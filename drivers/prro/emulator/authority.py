"""A certification authority for the demo, the emulator and the tests (signing.md §10).

Made on first use, never shipped. Its name says that it is of no force («ДЕМО - НЕ ЧИННИЙ», `UA-00000000-DEMO`), which
is what `Certificate.demo` looks at and what production refuses. Two generations as in the field: certificates signed
over GOST 34.311 (explicit curve with S-box, codes in subjectDirectoryAttributes) and over Kupyna-256 (explicit curve
without S-box, codes as TINUA-/NTRUA- in the name).

The arithmetic and the DER writer are those of drivers.prro.signing; what the emulator *checks*, it checks with its own
code (`verifier`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from drivers.prro.signing import der, keys, oids
from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.certificate import DEMO_MARK, DEMO_SERIAL, Certificate, read
from drivers.prro.signing.containers import Kind, jks, key6, load, pbes2, pkcs12
from drivers.prro.signing.keys import PrivateKey, PublicKey

NAME = "Тестовий КНЕДП (демо)"
ORGANIZATION = f"ДЕМО - {DEMO_MARK}"
PASSWORD = "demo"

SIGNING, AGREEMENT, AUTHORITY = 0xC0, 0x08, 0x06
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Subject:
    """Whom a certificate is for. `drfo` (РНОКПП) marks a person, `edrpou` alone a firm's seal."""

    name: str
    organization: str = "ФІЗИЧНА ОСОБА"
    drfo: str = ""
    edrpou: str = ""
    serial: str = ""


@dataclass(frozen=True)
class Identity:
    """A key and its certificate."""

    key: PrivateKey
    certificate: Certificate

    def container(self, kind: Kind, password: str, *, at: datetime, chain: Sequence[Certificate] = ()) -> bytes:
        """The key as an owner would get it. JKS and PKCS#12 carry the certificate and `chain`, the others neither."""
        info = keys.write_private(self.key)
        certificates = [each.raw for each in (self.certificate, *chain)]
        if kind is Kind.JKS:
            return jks.write("key", info, certificates, password, secrets.token_bytes, at=at)
        if kind is Kind.PKCS12:
            return pkcs12.write(info, certificates, password, secrets.token_bytes)
        if kind is Kind.PBES2:
            return pbes2.encrypt(info, password, secrets.token_bytes)
        return key6.write(info, password)


@dataclass
class Authority:
    """The authority. `url` is where its /tsp and /ocsp answer, written into certificates when given."""

    root: Identity
    generation: Digest
    url: str = ""
    revoked: dict[int, datetime] = field(default_factory=dict)
    """Serial number -> aware time of revocation."""

    @classmethod
    def create(cls, at: datetime, *, generation: Digest = Digest.GOST_34311, m: int = 257, url: str = "") -> Authority:
        """A fresh authority, valid for ten years from the day before the aware time `at`."""
        key = keys.generate(m)
        subject = Subject(NAME, ORGANIZATION, serial=DEMO_SERIAL)
        name = _name(subject, generation)
        certificate = _certificate(
            generation=generation,
            issuer=name,
            signer=key,
            subject=name,
            public=key.public,
            not_before=at - DAY,
            not_after=at + 3650 * DAY,
            extensions=[
                _extension(oids.KEY_USAGE, _usage(AUTHORITY), critical=True),
                _extension(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True)), critical=True),
            ],
            authority_key_id=_key_id(key.public, generation),
        )
        return cls(Identity(key, certificate), generation, url)

    @property
    def certificate(self) -> Certificate:
        return self.root.certificate

    def issue(
        self,
        subject: Subject,
        at: datetime,
        *,
        days: int = 730,
        usage: int = SIGNING,
        purposes: Sequence[str] = (),
        m: int = 257,
        generation: Digest | None = None,
    ) -> Identity:
        """A fresh key and a certificate valid from the day before the aware time `at` for `days`."""
        chosen = generation or self.generation
        key = keys.generate(m)
        extensions = [
            _extension(oids.KEY_USAGE, _usage(usage), critical=True),
            _extension(oids.BASIC_CONSTRAINTS, der.sequence(), critical=True),
            _extension(
                oids.CERTIFICATE_POLICIES, der.sequence(der.sequence(der.oid(oids.CERTIFICATE_POLICY))), critical=True
            ),
        ]
        if purposes:
            extensions.append(_extension(oids.EXTENDED_KEY_USAGE, der.sequence(*map(der.oid, purposes))))
        if chosen is Digest.GOST_34311 and (subject.drfo or subject.edrpou):
            extensions.append(_extension(oids.SUBJECT_DIRECTORY_ATTRIBUTES, _codes(subject)))
        if self.url:
            stamping = _access(oids.ACCESS_TIMESTAMPING, f"{self.url}/tsp")
            extensions.append(_extension(oids.SUBJECT_INFO_ACCESS, der.sequence(stamping)))
            standing = _access(oids.ACCESS_OCSP, f"{self.url}/ocsp")
            extensions.append(_extension(oids.AUTHORITY_INFO_ACCESS, der.sequence(standing)))
        certificate = _certificate(
            generation=chosen,
            issuer=self.certificate.subject_der,
            signer=self.root.key,
            subject=_name(subject, chosen),
            public=key.public,
            not_before=at - DAY,
            not_after=at + days * DAY,
            extensions=extensions,
            authority_key_id=self.certificate.key_id or b"",
        )
        return Identity(key, certificate)

    def cashier(self, at: datetime, name: str = "Демо Касир Тестович", drfo: str = "0000000000") -> Identity:
        """A person who signs receipts."""
        return self.issue(Subject(name, drfo=drfo, edrpou=drfo), at)

    def seal(self, at: datetime, name: str = "ТОВ «Демо»", edrpou: str = "00000000") -> Identity:
        """A firm's seal."""
        return self.issue(Subject(name, name, edrpou=edrpou), at, purposes=[oids.EKU_SEAL])

    def fiscal_server(self, at: datetime, edrpou: str = "00000001") -> Identity:
        """The key that signs tickets."""
        return self.issue(Subject("Фіскальний сервер (демо)", ORGANIZATION, edrpou=edrpou), at)

    def stamping(self, at: datetime) -> Identity:
        """The key of the time-stamp server."""
        subject = Subject("Сервер позначок часу (демо)", ORGANIZATION, serial=DEMO_SERIAL)
        return self.issue(subject, at, purposes=[oids.EKU_TIMESTAMPING])

    def standing(self, at: datetime) -> Identity:
        """The key of the OCSP server."""
        subject = Subject("OCSP-сервер (демо)", ORGANIZATION, serial=DEMO_SERIAL)
        return self.issue(subject, at, purposes=[oids.EKU_OCSP])

    def revoke(self, certificate: Certificate, at: datetime) -> None:
        """From now on OCSP says so."""
        self.revoked[certificate.serial] = at

    def save(self, folder: Path) -> None:
        """Keep the authority for the next start: a key store and a page of facts, readable by the owner only."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        facts = {
            "generation": self.generation.value,
            "url": self.url,
            "revoked": {f"{serial:x}": at.isoformat() for serial, at in self.revoked.items()},
        }
        save_identity(self.root, folder / "authority.jks")
        (folder / "authority.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")

    @classmethod
    def restore(cls, folder: Path) -> Authority:
        """What `save` kept. Raises FileNotFoundError when there is nothing."""
        facts = json.loads((folder / "authority.json").read_text(encoding="utf-8"))
        revoked = {int(serial, 16): datetime.fromisoformat(at) for serial, at in facts["revoked"].items()}
        return cls(restore_identity(folder / "authority.jks"), Digest(facts["generation"]), facts["url"], revoked)


def save_identity(identity: Identity, path: Path, password: str = PASSWORD) -> None:
    """A demo identity as a JKS that only the owner of the process reads: it opens in milliseconds on any box."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(identity.container(Kind.JKS, password, at=identity.certificate.not_before))


def restore_identity(path: Path, password: str = PASSWORD) -> Identity:
    """What `save_identity` kept."""
    container = load(path, password)
    return Identity(container.keys[0].private, container.certificates[0])


def _certificate(
    *,
    generation: Digest,
    issuer: bytes,
    signer: PrivateKey,
    subject: bytes,
    public: PublicKey,
    not_before: datetime,
    not_after: datetime,
    extensions: list[bytes],
    authority_key_id: bytes,
) -> Certificate:
    algorithm = keys.write_algorithm(public.curve, explicit=True, sbox=generation is Digest.GOST_34311)
    identifiers = [
        _extension(oids.SUBJECT_KEY_IDENTIFIER, der.octets(_key_id(public, generation))),
        _extension(
            oids.AUTHORITY_KEY_IDENTIFIER,
            der.sequence(der.write(der.context(0, constructed=False), authority_key_id)),
        ),
    ]
    tbs = der.sequence(
        der.write(der.context(0), der.integer(2)),
        der.integer(int.from_bytes(secrets.token_bytes(19), "big") | 1 << 152),
        generation.signature_identifier(),
        issuer,
        der.sequence(der.time(not_before), der.time(not_after)),
        subject,
        keys.write_public(public, algorithm),
        der.write(der.context(3), der.sequence(*identifiers, *extensions)),
    )
    signature = signer.sign(generation.of(tbs))
    return read(der.sequence(tbs, generation.signature_identifier(), der.bits(der.octets(signature))))


def _key_id(public: PublicKey, generation: Digest) -> bytes:
    """The hash of the OCTET STRING of the point, with its header."""
    return generation.of(der.octets(public.octets))


def _name(subject: Subject, generation: Digest) -> bytes:
    kupyna = generation is not Digest.GOST_34311
    serial = subject.serial or (f"TINUA-{subject.drfo}" if subject.drfo else f"UA-{subject.edrpou or '00000000'}")
    parts = [
        (oids.ORGANIZATION, der.utf8(subject.organization)),
        (oids.COMMON_NAME, der.utf8(subject.name)),
        (oids.SERIAL_NUMBER, der.printable(serial)),
        (oids.COUNTRY, der.printable("UA")),
        (oids.LOCALITY, der.utf8("Київ")),
    ]
    if kupyna and subject.edrpou:
        parts.append((oids.ORGANIZATION_IDENTIFIER, der.utf8(f"NTRUA-{subject.edrpou}")))
    return der.sequence(*(der.set_of(der.sequence(der.oid(oid), value)) for oid, value in parts))


def _codes(subject: Subject) -> bytes:
    found = ((oids.SUBJECT_DRFO, subject.drfo), (oids.SUBJECT_EDRPOU, subject.edrpou))
    return der.sequence(*(der.sequence(der.oid(oid), der.set_of(der.printable(code))) for oid, code in found if code))


def _usage(flags: int) -> bytes:
    """A BIT STRING of the flags in one octet, without trailing zero bits."""
    return der.bits(bytes((flags,)), unused=(flags & -flags).bit_length() - 1)


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    flag = der.boolean(True) if critical else b""
    return der.sequence(der.oid(oid), flag, der.octets(value))


def _access(method: str, url: str) -> bytes:
    return der.sequence(der.oid(method), der.write(der.context(6, constructed=False), url.encode("ascii")))
