"""Signed messages and the signer: samples of the tax service, other programs' messages, our own, and forgeries."""

from __future__ import annotations

import copy
import logging
import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.emulator.authority import AGREEMENT, Authority, Identity, Subject
from drivers.prro.emulator.signed import EXPLICIT_KEY_ID, KEY_ID, PLAIN, Manner, message
from drivers.prro.signing import (
    Certificate,
    Digest,
    Signer,
    Trust,
    candidates,
    choose,
    cms,
    der,
    keys,
    oids,
    read,
    timestamp,
    verify,
)
from drivers.prro.signing.algorithms import digest_by_oid
from drivers.prro.signing.containers import Container, ContainerKey, Kind
from drivers.prro.signing.errors import (
    CertificateAbsent,
    CertificateEarly,
    CertificateExpired,
    CertificateForeign,
    KeyFault,
    KeyLocked,
    NoSigningKey,
    SignatureBad,
    SignatureFailed,
    SignatureFault,
    SignatureMalformed,
    SignerUntrusted,
    WrongPassword,
)
from drivers.prro.signing.keys import PrivateKey, PublicKey
from tests.prro.signing.conftest import NOW
from tests.prro.signing.shared import VECTORS, example, vectors

DOCUMENT = '<?xml version="1.0" encoding="windows-1251"?><CHECK>Кава</CHECK>'.encode("cp1251")


@pytest.fixture(scope="module")
def signer(cashier: Identity) -> Signer:
    return Signer(cashier.key, cashier.certificate)


def test_the_signed_sample_of_the_tax_service() -> None:
    parsed = cms.parse(example("чек.xml.signed"))
    signer = parsed.signer()
    assert signer is not None
    document = parsed.check(signer)
    assert document.startswith(b'<?xml version="1.0" encoding="windows-1251"?>')
    assert parsed.signing_time is None
    assert [each.oid for each in parsed.signed_attributes] == [
        oids.MESSAGE_DIGEST,
        oids.CONTENT_TYPE,
        oids.SIGNING_CERTIFICATE_V2,
    ]
    token = parsed.unsigned(oids.SIGNATURE_TIMESTAMP)
    assert token is not None
    stamp = timestamp.check(token, parsed.signature)
    assert stamp.time.year == 2020
    assert verify(example("чек.xml.signed"), Trust([signer]), at=stamp.time).content == document
    with pytest.raises(SignatureBad):
        timestamp.check(token, parsed.signature[::-1])


def test_published_messages() -> None:
    pool = [read(path.read_bytes()) for path in sorted((VECTORS / "certs").glob("*.cer"))]
    for row in vectors("cms.json"):
        if row["file"].endswith(".p7e"):
            continue
        parsed = cms.parse((VECTORS / row["file"]).read_bytes())
        signer = parsed.signer(pool)
        assert signer is not None, row["file"]
        content = bytes.fromhex(row["content"]) if "content" in row else None
        detached = content if parsed.content is None else None
        if row.get("problems"):
            with pytest.raises(SignatureBad):
                parsed.check(signer, detached)
            continue
        proved = parsed.check(signer, detached)
        if content is not None:
            assert proved == content
            assert parsed.digest is digest_by_oid(row["digest_oid"])
            assert {each.oid for each in parsed.signed_attributes} == set(row["signed_attributes"])
            assert [each.oid for each in parsed.unsigned_attributes] == row["unsigned_attributes"]
            with pytest.raises(SignatureBad):
                parsed.check(signer, proved + b" ")
        if token := parsed.unsigned(oids.SIGNATURE_TIMESTAMP):
            # The real authority's token comes without its certificate: the store has it.
            stamp = timestamp.check(token, parsed.signature, Trust([], pool, demo=True))
            assert not stamp.trusted


def test_what_the_fiscal_server_wants(signer: Signer, cashier: Identity, trust: Trust, authority: Authority) -> None:
    """signing.md §1.1: attached, one signer, its certificate only, no CRLs, no content time stamp, DER."""
    signed = signer.sign(DOCUMENT, at=NOW)
    assert signer.digest is authority.generation
    proved = verify(signed, trust, at=NOW, codes=["3184710691"])
    assert proved.content == DOCUMENT
    assert proved.signer == cashier.certificate
    assert proved.digest is authority.generation
    assert proved.signing_time == NOW
    assert proved.stamp is None
    parsed = cms.parse(signed)
    assert parsed.certificates == (cashier.certificate,)
    assert not parsed.revocations
    assert not parsed.unsigned_attributes
    assert [each.oid for each in parsed.signed_attributes] == [
        oids.CONTENT_TYPE,
        oids.SIGNING_TIME,
        oids.MESSAGE_DIGEST,
        oids.SIGNING_CERTIFICATE_V2,
    ]
    assert signed != signer.sign(DOCUMENT, at=NOW)


def test_the_second_parser_agrees(signer: Signer, cashier: Identity) -> None:
    signed = signer.sign(DOCUMENT, at=NOW)
    info = asn1_cms.ContentInfo.load(signed, strict=True)
    assert info["content_type"].native == "signed_data"
    data = info["content"]
    assert data["version"].native == "v1"
    assert data["encap_content_info"]["content_type"].native == "data"
    assert data["encap_content_info"]["content"].native == DOCUMENT
    (only,) = data["signer_infos"]
    assert only["digest_algorithm"]["algorithm"].dotted == signer.digest.oid
    assert only["signature_algorithm"]["algorithm"].dotted == signer.digest.signature_oid
    assert only["sid"].chosen["serial_number"].native == cashier.certificate.serial
    attributes = {each["type"].native: each["values"] for each in only["signed_attrs"]}
    assert attributes["message_digest"][0].native == signer.digest.of(DOCUMENT)
    assert attributes["content_type"][0].native == "data"
    assert attributes["signing_time"][0].native == NOW
    covered = only["signed_attrs"].untag().dump()
    assert cashier.key.public.verify(signer.digest.of(covered), only["signature"].native)
    (certificate,) = data["certificates"]
    assert certificate.dump() == cashier.certificate.raw


@pytest.mark.parametrize("sid", [PLAIN, KEY_ID, EXPLICIT_KEY_ID])
@pytest.mark.parametrize("digest", [Digest.GOST_34311, Digest.KUPYNA_256, Digest.KUPYNA_384, Digest.KUPYNA_512])
def test_tickets_in_every_manner(server: Identity, trust: Trust, sid: str, digest: Digest) -> None:
    """The digest is told by the signer, not by the certificate (signing.md §1.3)."""
    for manner in (
        Manner(digest=digest, sid=sid),
        Manner(digest=digest, sid=sid, unsorted=True, wrapped=True, with_null=True, signing_time=True),
    ):
        proved = verify(message(b"ticket", server, NOW, manner), trust, at=NOW, codes=["43005393"])
        assert (proved.content, proved.digest) == (b"ticket", digest)


def test_a_signer_known_to_the_store(authority: Authority, server: Identity, trust: Trust) -> None:
    signed = message(b"ticket", server, NOW, Manner(certificate=False, sid=KEY_ID))
    with pytest.raises(SignerUntrusted, match="does not carry"):
        verify(signed, trust, at=NOW)
    pinned = Trust([server.certificate], demo=True)
    assert verify(signed, pinned, at=NOW).signer == server.certificate


def test_forged_tickets(authority: Authority, server: Identity, cashier: Identity, trust: Trust) -> None:
    with pytest.raises(SignatureBad, match="does not belong"):
        verify(message(b"ticket", server, NOW, Manner(broken=True)), trust, at=NOW)
    with pytest.raises(SignerUntrusted, match="who is none of"):
        verify(message(b"ticket", cashier, NOW), trust, at=NOW, codes=["43005393"])
    with pytest.raises(SignerUntrusted, match="out of its time"):
        verify(message(b"ticket", server, NOW), trust, at=NOW + timedelta(days=1000))
    stranger = Authority.create(NOW).fiscal_server(NOW)
    with pytest.raises(SignerUntrusted, match="not issued by"):
        verify(message(b"ticket", stranger, NOW), trust, at=NOW)
    with pytest.raises(SignerUntrusted, match="demonstration"):
        verify(message(b"ticket", server, NOW), Trust([]), at=NOW)
    agreement = authority.issue(Subject("Шифрування"), NOW, usage=AGREEMENT)
    with pytest.raises(SignerUntrusted, match="not for signing"):
        verify(message(b"ticket", agreement, NOW), trust, at=NOW)
    other = authority.fiscal_server(NOW)
    swapped = Identity(other.key, server.certificate)
    with pytest.raises(SignatureBad):
        verify(message(b"ticket", swapped, NOW), trust, at=NOW)
    with pytest.raises(SignatureBad) as fault:
        verify(message(b"t", server, NOW, Manner(broken=True)), trust, at=NOW)
    assert fault.value.document == "unknown"


def test_altered_content(server: Identity, trust: Trust) -> None:
    signed = message(b"<SUM>10.00</SUM>", server, NOW)
    with pytest.raises(SignatureBad, match="altered"):
        verify(signed.replace(b"10.00", b"90.00"), trust, at=NOW)


def test_detached_signatures(server: Identity, trust: Trust) -> None:
    signed = message(b"ticket", server, NOW)
    assert verify(signed, trust, at=NOW, content=b"ticket").content == b"ticket"
    with pytest.raises(SignatureBad, match="another document"):
        verify(signed, trust, at=NOW, content=b"other")
    wrapped = der.write(der.context(0), der.octets(b"ticket"))
    inner = der.sequence(der.oid(oids.DATA), wrapped)
    assert inner in signed
    parsed = cms.parse(signed)
    detached = cms.Message(**{name: getattr(parsed, name) for name in parsed.__dataclass_fields__} | {"content": None})
    assert detached.check(server.certificate, b"ticket") == b"ticket"
    with pytest.raises(SignatureMalformed, match="without the document"):
        detached.check(server.certificate)


def test_no_flipped_bit_survives(server: Identity, trust: Trust) -> None:
    """Every bit of a message, in steps that visit all its parts: refused, or it was outside what is believed."""
    signed = message(b"<TICKET>1</TICKET>", server, NOW)
    key = server.certificate.key
    assert key is not None
    original = verify(signed, trust, at=NOW)
    survivors = []
    for position in range(0, len(signed), 7):
        spoilt = bytearray(signed)
        spoilt[position] ^= 1 << position % 8
        try:
            proved = verify(bytes(spoilt), trust, at=NOW)
        except SignatureFault:
            continue
        survivors.append(position)
        assert (proved.content, proved.signer) == (original.content, original.signer)
    # The version numbers and the list of digests above the signer are not covered and not used.
    assert len(survivors) <= 3, survivors


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_spoilt_messages_are_refused_by_name(server: Identity, trust: Trust, data: st.DataObject) -> None:
    raw = message(b"<TICKET>1</TICKET>", server, NOW)
    at = data.draw(st.integers(0, len(raw) - 1))
    how = data.draw(st.sampled_from(["cut", "set", "insert", "delete"]))
    octets = data.draw(st.binary(min_size=1, max_size=3))
    spoilt = {
        "cut": raw[:at],
        "set": raw[:at] + octets + raw[at + len(octets) :],
        "insert": raw[:at] + octets + raw[at:],
        "delete": raw[:at] + raw[at + len(octets) :],
    }[how]
    try:
        proved = verify(spoilt, trust, at=NOW)
    except SignatureFault:
        return
    assert proved.content == b"<TICKET>1</TICKET>"


@given(st.binary(max_size=100))
@settings(deadline=None)
def test_any_octets_are_no_message(data: bytes) -> None:
    with pytest.raises(SignatureMalformed):
        cms.parse(data)


def test_a_message_has_a_limit() -> None:
    with pytest.raises(SignatureMalformed, match="longer"):
        cms.parse(bytes(cms.MAX_SIZE + 1))


def test_two_signers_are_refused(server: Identity) -> None:
    signed = message(b"t", server, NOW)
    outer = der.parse(signed).items(der.SEQUENCE)
    oid, members = outer.take(), list(outer.take().inside(der.context(0)).items(der.SEQUENCE))
    only = members[-1].inside(der.SET).raw
    twice = der.sequence(*(each.raw for each in members[:-1]), der.write(der.SET, only, only))
    with pytest.raises(SignatureMalformed):
        cms.parse(der.sequence(oid.raw, der.write(der.context(0), twice)))


def test_a_crowd_of_certificates_is_refused(server: Identity) -> None:
    """Certificates that sign one another in a ring must not keep the till busy."""
    signed = message(b"t", server, NOW)
    own = der.write(der.context(0), server.certificate.raw)
    outer = der.parse(signed).items(der.SEQUENCE)
    oid, members = outer.take(), list(outer.take().inside(der.context(0)).items(der.SEQUENCE))
    for count, fits in ((cms.MAX_CERTIFICATES, True), (cms.MAX_CERTIFICATES + 1, False)):
        crowd = der.write(der.context(0), server.certificate.raw * count)
        body = der.sequence(*(crowd if each.raw == own else each.raw for each in members))
        whole = der.sequence(oid.raw, der.write(der.context(0), body))
        if fits:
            assert len(cms.parse(whole).certificates) == count
        else:
            with pytest.raises(SignatureMalformed, match="17 certificates"):
                cms.parse(whole)


def test_an_attribute_given_twice_is_refused(server: Identity) -> None:
    parsed = cms.parse(message(b"t", server, NOW))
    first = parsed.signed_attributes[0]
    doubled = cms.Message(
        **{name: getattr(parsed, name) for name in parsed.__dataclass_fields__}
        | {"signed_attributes": (*parsed.signed_attributes, first)}
    )
    with pytest.raises(SignatureMalformed, match="more than once"):
        doubled.check(server.certificate)


@pytest.mark.parametrize("digest", Digest)
def test_the_digest_can_be_chosen(cashier: Identity, trust: Trust, digest: Digest) -> None:
    chosen = Signer(cashier.key, cashier.certificate, digest=digest)
    assert verify(chosen.sign(DOCUMENT, at=NOW), trust, at=NOW).digest is digest


@pytest.mark.parametrize("m", [163, 233, 431])
def test_other_curves(authority: Authority, trust: Trust, m: int) -> None:
    person = authority.issue(Subject("Особа"), NOW, m=m)
    assert verify(Signer(person.key, person.certificate).sign(DOCUMENT, at=NOW), trust, at=NOW).content == DOCUMENT


def test_a_large_document(signer: Signer, trust: Trust) -> None:
    document = DOCUMENT * 3000
    assert len(document) > 190_000
    assert verify(signer.sign(document, at=NOW), trust, at=NOW).content == document


def test_no_signature_outside_the_certificate(authority: Authority) -> None:
    person = authority.issue(Subject("Особа"), NOW, days=10)
    signer = Signer(person.key, person.certificate)
    signer.sign(DOCUMENT, at=NOW + timedelta(days=9))
    with pytest.raises(CertificateExpired):
        signer.sign(DOCUMENT, at=NOW + timedelta(days=11))
    with pytest.raises(CertificateEarly):
        signer.sign(DOCUMENT, at=NOW - timedelta(days=2))


def test_a_closed_signer(authority: Authority) -> None:
    person = authority.cashier(NOW)
    with Signer(person.key, person.certificate) as signer:
        signer.warm()
    assert signer.closed
    assert "closed" in repr(signer)
    with pytest.raises(KeyLocked, match="unlock"):
        signer.sign(DOCUMENT, at=NOW)


def test_certificate_and_key_must_be_a_pair(authority: Authority, cashier: Identity, server: Identity) -> None:
    with pytest.raises(CertificateForeign, match="another key"):
        Signer(cashier.key, server.certificate)
    agreement = authority.issue(Subject("Шифрування"), NOW, usage=AGREEMENT)
    with pytest.raises(NoSigningKey):
        Signer(agreement.key, agreement.certificate)


class Faulty:
    """A key whose signatures come out wrong, as from a box with bad memory."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.closed = False

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign(digest[::-1])

    def close(self) -> None:
        self.closed = True


class Vanishing(Faulty):
    """A key that another thread closes in the middle."""

    def sign(self, digest: bytes) -> bytes:
        raise ValueError("the private key is closed")


def test_a_key_closed_while_it_signs(cashier: Identity) -> None:
    with pytest.raises(KeyLocked, match="while it signed"):
        Signer(Vanishing(cashier.key), cashier.certificate).sign(DOCUMENT, at=NOW)


def test_a_wrong_signature_is_not_released(cashier: Identity) -> None:
    faulty = Signer(Faulty(cashier.key), cashier.certificate)
    with pytest.raises(SignatureFailed):
        faulty.sign(DOCUMENT, at=NOW)


def test_open_a_container(authority: Authority, cashier: Identity, trust: Trust, tmp_path: Path) -> None:
    path = tmp_path / "key.jks"
    path.write_bytes(cashier.container(Kind.JKS, "secret", at=NOW, chain=[authority.certificate]))
    with Signer.open(path, "secret", at=NOW, codes=["3184710691"]) as signer:
        assert verify(signer.sign(DOCUMENT, at=NOW), trust, at=NOW).content == DOCUMENT
    with pytest.raises(WrongPassword):
        Signer.open(path, "Secret", at=NOW)
    with pytest.raises(CertificateForeign):
        Signer.open(path, "secret", at=NOW, codes=["12345678"])
    with pytest.raises(CertificateExpired):
        Signer.open(path, "secret", at=NOW + timedelta(days=2000))
    with pytest.raises(CertificateEarly):
        Signer.open(path, "secret", at=NOW - timedelta(days=2000))


def test_choosing_key_and_certificate(authority: Authority, cashier: Identity, server: Identity) -> None:
    old = _renewed(authority, cashier, 10)
    new = _renewed(authority, cashier, 800)
    container = Container(Kind.KEY6, (ContainerKey(cashier.key, "a"), ContainerKey(server.key, "b")))
    pairs = candidates(container, [old, server.certificate, new, authority.certificate])
    assert [pair.certificate for pair in pairs] == [new, server.certificate, old]
    assert choose(pairs, NOW).certificate == new
    assert choose(pairs, NOW, ["43005393"]).alias == "b"
    with pytest.raises(CertificateForeign):
        choose(pairs, NOW, ["99999999"])
    with pytest.raises(CertificateExpired):
        choose(pairs, NOW + timedelta(days=900), ["43005393"])
    with pytest.raises(CertificateAbsent, match=r"\.cer"):
        candidates(container, [authority.certificate])
    with pytest.raises(CertificateAbsent):
        choose([], NOW)
    with pytest.raises(NoSigningKey):
        candidates(Container(Kind.KEY6, ()), [new])
    agreement = authority.issue(Subject("Шифрування"), NOW, usage=AGREEMENT)
    with pytest.raises(NoSigningKey, match="encryption"):
        candidates(Container(Kind.KEY6, (ContainerKey(agreement.key),)), [agreement.certificate])


def _renewed(authority: Authority, person: Identity, days: int) -> Certificate:
    """Another certificate of the same key."""
    fresh = authority.issue(Subject("Касир", drfo="3184710691"), NOW, days=days).certificate
    assert fresh.key is not None
    tbs = fresh.tbs.replace(fresh.key.octets, person.key.public.octets)
    digest = authority.generation
    signature = der.bits(der.octets(authority.root.key.sign(digest.of(tbs))))
    return read(der.sequence(tbs, digest.signature_identifier(), signature))


def test_another_certificate_of_the_same_key(authority: Authority, cashier: Identity, signer: Signer) -> None:
    """A renewed certificate must not be slipped under an old signature: signingCertificateV2 names the one meant."""
    parsed = cms.parse(signer.sign(DOCUMENT, at=NOW))
    assert parsed.check(cashier.certificate) == DOCUMENT
    with pytest.raises(SignatureBad, match="another certificate"):
        parsed.check(_renewed(authority, cashier, 100))


def test_nothing_secret_is_shown(cashier: Identity, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the password nor the scalar is in a repr, a log line, an exception or a pickle."""
    password = "дуже-таємно-1"
    secret = cashier.key.reveal()
    marks = (password, str(secret), f"{secret:x}", secret.to_bytes(32, "little").hex())
    seen = []
    with caplog.at_level(logging.DEBUG):
        data = cashier.container(Kind.JKS, password, at=NOW)
        signer = Signer.open(data, password, at=NOW)
        signer.sign(DOCUMENT, at=NOW, stamp=_no_stamp)
        seen += [repr(signer), repr(signer.__dict__), str(signer._key)]
        for wrong in (data[:-1], data[:200]):
            with pytest.raises(KeyFault) as fault:
                Signer.open(wrong, password, at=NOW)
            seen += [str(fault.value), repr(fault.value), repr(fault.value.__dict__)]
        signer.close()
    seen.append(caplog.text)
    assert "without a time stamp" in caplog.text
    for text in seen:
        assert not any(mark in text for mark in marks), text
    for keep in (signer, keys.generate()):
        with pytest.raises(TypeError):
            pickle.dumps(keep)
        with pytest.raises(TypeError):
            copy.copy(keep)


def _no_stamp(*_: object) -> bytes:
    from drivers.prro.signing.errors import TimestampFault

    raise TimestampFault("the server is asleep")
