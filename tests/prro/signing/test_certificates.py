"""Certificates: real ones of the state and of providers, our own of both generations, and spoilt ones."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest
from asn1crypto import x509  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.emulator.authority import AGREEMENT, SIGNING, Authority, Identity, Subject
from drivers.prro.signing import Digest, Trust, certificate, der, keys, oids, read, read_many
from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.der import Malformed
from drivers.prro.signing.errors import (
    CertificateDamaged,
    CertificateEarly,
    CertificateExpired,
    CertificateForeign,
    SignerUntrusted,
)
from tests.prro.signing.conftest import NOW
from tests.prro.signing.shared import VECTORS, vectors

HOUR = timedelta(hours=1)


def published() -> dict[str, Certificate]:
    rows = vectors("certs.json")
    return {row["file"]: read((VECTORS / row["file"]).read_bytes()) for row in rows}


def test_published_certificates() -> None:
    found = published()
    for row in vectors("certs.json"):
        each = found[row["file"]]
        assert each.key is not None, each.key_problem
        assert each.key.octets.hex() == row["public_key_le"]
        assert each.key.curve.m == row["m"]
        assert (each.key_id or b"").hex() == row["ski"]
        assert (each.not_before.isoformat(), each.not_after.isoformat()) == (row["not_before"], row["not_after"])
        digest = Digest.KUPYNA_256 if row["ski_hash"] == "kupyna256" else Digest.GOST_34311
        assert digest.of(der.octets(each.key.octets)).hex() == row["ski"]
        assert each.kupyna == (row["ski_hash"] == "kupyna256")
        assert [name for name, other in found.items() if each.signed_by(other)] == row["verified_with"]


def test_a_published_chain() -> None:
    found = published()
    root, leaf = found["certs/czo-2020-root-m431.cer"], found["certs/diia-test-sign-m257.cer"]
    middle = found["certs/diia-ca-2020-m257.cer"]
    at = leaf.not_before + HOUR
    Trust([root], [middle]).check(leaf, at)
    Trust([root]).check(leaf, at, [middle])
    with pytest.raises(SignerUntrusted, match="not issued by"):
        Trust([root]).check(leaf, at)
    with pytest.raises(SignerUntrusted, match="not issued by"):
        Trust([found["certs/czo-2012-root-m431.cer"]], [middle]).check(leaf, at)
    assert leaf.edrpou == "43395033"
    assert leaf.tsp_urls == ("http://ca.informjust.ua/services/tsp/",)
    assert leaf.ocsp_urls == ("http://ca.informjust.ua/services/ocsp/",)
    assert leaf.seal


def test_codes_of_the_new_generation() -> None:
    each = published()["certs/czo-test-kupyna-2026-m257.cer"]
    assert (each.drfo, each.edrpou, each.seal) == ("1234567892", "", False)


def test_the_second_parser_agrees(cashier: Identity) -> None:
    own = cashier.certificate
    other = x509.Certificate.load(own.raw, strict=True)
    assert other.serial_number == own.serial
    assert other["tbs_certificate"]["validity"].native == {"not_before": own.not_before, "not_after": own.not_after}
    assert other["tbs_certificate"]["subject"].native["common_name"] == own.name
    assert other.key_identifier == own.key_id
    assert other.authority_key_identifier == own.authority_key_id
    assert other.key_usage_value is not None
    assert other.key_usage_value.native == {"digital_signature", "non_repudiation"}
    assert other.ocsp_urls == list(own.ocsp_urls)
    assert other["tbs_certificate"].dump() == own.tbs
    assert other["signature_algorithm"]["algorithm"].dotted == own.signed_with.signature_oid if own.signed_with else ""


def test_own_certificates(authority: Authority, cashier: Identity, server: Identity) -> None:
    root, person, firm = authority.certificate, cashier.certificate, server.certificate
    assert root.signed_by(root)
    assert person.signed_by(root)
    assert not root.signed_by(person)
    assert not person.signed_by(firm)
    assert (person.drfo, person.edrpou) == ("3184710691", "3184710691")
    assert (firm.drfo, firm.edrpou, firm.seal) == ("", "43005393", True)
    assert person.kupyna == (authority.generation is Digest.KUPYNA_256)
    assert person.demo and root.demo
    assert person.signs and not root.signs
    assert root.authority and not person.authority
    assert "Касир" in repr(person)


def test_names_and_fingerprint(cashier: Identity) -> None:
    own = cashier.certificate
    assert own == read(own.raw)
    assert hash(own) == hash(read(own.raw))
    assert own != cashier
    assert len(own.fingerprint) == 64
    assert own.attribute(oids.COUNTRY) == "UA"
    assert own.attribute(oids.TITLE) == ""


def test_time(authority: Authority) -> None:
    own = authority.issue(Subject("Касир"), NOW, days=10).certificate
    own.check_signing_time(NOW)
    with pytest.raises(CertificateEarly, match="check the clock"):
        own.check_time(NOW - timedelta(days=2))
    with pytest.raises(CertificateExpired, match="ended on"):
        own.check_time(NOW + timedelta(days=11))


def test_the_end_of_the_private_key(cashier: Identity) -> None:
    """privateKeyUsagePeriod may end before the certificate does."""
    end = NOW + timedelta(days=5)
    period = der.sequence(
        der.write(der.context(0, constructed=False), b"20260101000000Z"),
        der.write(der.context(1, constructed=False), end.strftime("%Y%m%d%H%M%SZ").encode()),
    )
    own = read(_with_extension(cashier.certificate, oids.PRIVATE_KEY_USAGE_PERIOD, period))
    assert own.key_not_after == own.expires == end
    own.check_time(end + HOUR)
    with pytest.raises(CertificateExpired, match="private key"):
        own.check_signing_time(end + HOUR)


def test_taxpayer_codes(cashier: Identity) -> None:
    cashier.certificate.check_codes(["12345678", "3184710691"])
    with pytest.raises(CertificateForeign, match="not 12345678"):
        cashier.certificate.check_codes(["12345678"])
    with pytest.raises(CertificateForeign):
        cashier.certificate.check_codes([""])


def test_trust(authority: Authority, cashier: Identity, server: Identity) -> None:
    trust = Trust([authority.certificate], demo=True)
    trust.check(cashier.certificate, NOW)
    trust.check(cashier.certificate, NOW)
    Trust([cashier.certificate], demo=True).check(cashier.certificate, NOW)
    with pytest.raises(SignerUntrusted, match="out of its time"):
        trust.check(cashier.certificate, NOW + timedelta(days=4000))
    with pytest.raises(SignerUntrusted, match="not issued by"):
        Trust([server.certificate], demo=True).check(cashier.certificate, NOW)
    with pytest.raises(SignerUntrusted, match="not issued by"):
        Trust([], demo=True).check(authority.certificate, NOW, [authority.certificate])


def test_production_refuses_the_demo(authority: Authority, cashier: Identity) -> None:
    with pytest.raises(SignerUntrusted, match="demonstration"):
        Trust([authority.certificate])
    with pytest.raises(SignerUntrusted, match="demonstration"):
        Trust([]).check(cashier.certificate, NOW)


def test_a_person_cannot_issue(authority: Authority, cashier: Identity) -> None:
    """A leaf that signs another certificate makes no path, although the signature is good."""
    forger = Authority(cashier, authority.generation)
    victim = forger.issue(Subject("Підроблений сервер", edrpou="43005393"), NOW)
    assert victim.certificate.signed_by(cashier.certificate)
    with pytest.raises(SignerUntrusted):
        Trust([authority.certificate], demo=True).check(victim.certificate, NOW, [cashier.certificate])
    with pytest.raises(SignerUntrusted):
        Trust([cashier.certificate], demo=True).check(victim.certificate, NOW)


def test_an_authority_below_the_root(authority: Authority) -> None:
    middle = authority.issue(Subject("Проміжний"), NOW, usage=0x06)
    assert not middle.certificate.authority
    trust = Trust([authority.certificate], demo=True)
    leaf = Authority(middle, authority.generation).issue(Subject("Особа"), NOW)
    with pytest.raises(SignerUntrusted):
        trust.check(leaf.certificate, NOW, [middle.certificate])


def test_a_ring_of_authorities(authority: Authority) -> None:
    """Two roots of one name and key sign each other: the search ends."""
    root = authority.certificate
    twin = _resigned(authority, root.tbs.replace(root.serial_der, der.integer(root.serial ^ 1)))
    assert twin.signed_by(root) and root.signed_by(twin)
    with pytest.raises(SignerUntrusted):
        Trust([], [root, twin], demo=True).check(twin, NOW, [root, twin])
    Trust([root], demo=True).check(twin, NOW, [twin])


def _resigned(authority: Authority, tbs: bytes) -> Certificate:
    digest = authority.generation
    signature = der.bits(der.octets(authority.root.key.sign(digest.of(tbs))))
    return read(der.sequence(tbs, digest.signature_identifier(), signature))


def test_files_with_certificates(authority: Authority, cashier: Identity) -> None:
    pair = [authority.certificate, cashier.certificate]
    raws = [each.raw for each in pair]
    text = b"".join(
        b"subject=x\n-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(raw) + b"-----END CERTIFICATE-----\n"
        for raw in raws
    )
    bundle = der.sequence(
        der.oid(oids.SIGNED_DATA),
        der.write(
            der.context(0),
            der.sequence(
                der.integer(1),
                der.set_of(),
                der.sequence(der.oid(oids.DATA)),
                der.write(der.context(0), *raws),
                der.set_of(),
            ),
        ),
    )
    assert read_many(text) == read_many(bundle) == pair
    assert read_many(raws[1]) == [cashier.certificate]
    for rubbish in (
        b"",
        b"hello",
        b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----",
        b"\x30\x00",
        raws[0][:-1],
    ):
        with pytest.raises(CertificateDamaged):
            read_many(rubbish)
    with pytest.raises(CertificateDamaged, match="too long"):
        read(bytes(certificate.MAX_SIZE + 1))


def test_curves_of_strangers_are_refused(cashier: Identity) -> None:
    """A changed coefficient of the curve leaves a certificate that can be shown and verifies nothing."""
    curve = keys.generate().curve
    b = curve.b.to_bytes(curve.octets, "little")
    spoilt = read(cashier.certificate.raw.replace(b, bytes((b[0] ^ 1,)) + b[1:]))
    assert spoilt.key is None
    assert "not the standard one" in spoilt.key_problem
    assert not spoilt.signed_by(spoilt)


def test_both_copies_of_the_algorithm_must_agree(cashier: Identity) -> None:
    """The outer one is not covered by the signature (signing.md §4.3)."""
    tbs, _, signature = der.parse(cashier.certificate.raw).items(der.SEQUENCE)
    other = der.sequence(tbs.raw, Digest.KUPYNA_512.signature_identifier(), signature.raw)
    with pytest.raises(CertificateDamaged, match="disagree"):
        read(other)


def test_forms_of_curve_parameters() -> None:
    for m in (163, 257, 431):
        curve = keys.generate(m).curve
        for algorithm in (
            keys.write_algorithm(curve),
            keys.write_algorithm(curve, explicit=True),
            keys.write_algorithm(curve, explicit=True, sbox=True),
            der.sequence(der.oid(oids.DSTU4145_GOST), der.oid(f"{oids.NAMED_CURVE}.{curve.index}")),
        ):
            assert keys.read_algorithm(der.parse(algorithm)) == (curve, False)
    with pytest.raises(Malformed, match="no standard curve"):
        keys.read_curve(der.oid(f"{oids.NAMED_CURVE}.10"))
    with pytest.raises(Malformed, match="S-box"):
        keys.read_curve(der.sequence(der.oid(f"{oids.NAMED_CURVE}.6"), der.octets(bytes(64))))
    with pytest.raises(Malformed, match="not DSTU"):
        keys.read_algorithm(der.parse(der.sequence(der.oid(oids.SHA256), der.null())))


def test_big_endian_keys_are_read() -> None:
    key = keys.generate()
    curve = key.curve
    parameters = der.sequence(der.oid(f"{oids.NAMED_CURVE}.{curve.index}"))
    algorithm = der.sequence(der.oid(oids.DSTU4145_GOST_BIG_ENDIAN), parameters)
    public = der.sequence(algorithm, der.bits(der.octets(key.public.octets[::-1])))
    assert keys.read_public(der.parse(public)) == key.public
    d = key.reveal().to_bytes(curve.half, "big")
    private, _ = keys.read_private(der.parse(der.sequence(der.integer(0), algorithm, der.octets(d))))
    assert private.public == key.public


@pytest.mark.parametrize("form", ["bare", "octets", "integer", "sec1", "zeros"])
def test_forms_of_the_scalar(form: str) -> None:
    key = keys.generate()
    little = key.reveal().to_bytes(key.curve.half, "little")
    secret = {
        "bare": little,
        "octets": der.octets(little),
        "integer": der.integer(key.reveal()),
        "sec1": der.sequence(der.integer(1), der.octets(little[::-1])),
        "zeros": little + bytes(8),
    }[form]
    info = der.sequence(der.integer(0), keys.write_algorithm(key.curve), der.octets(secret))
    private, _ = keys.read_private(der.parse(info))
    assert private.reveal() == key.reveal()


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, bytes(70)])
def test_scalars_out_of_range(secret: bytes) -> None:
    info = der.sequence(der.integer(0), keys.write_algorithm(keys.generate().curve), der.octets(secret))
    with pytest.raises(Malformed, match="private key"):
        keys.read_private(der.parse(info))


def test_key_usage_written_as_a_number(cashier: Identity) -> None:
    usage = der.write(der.BIT_STRING, bytes.fromhex("07000000c0"))
    assert read(_with_extension(cashier.certificate, oids.KEY_USAGE, usage, critical=True)).key_usage == 0xC0


def test_an_agreement_key_does_not_sign(authority: Authority) -> None:
    assert not authority.issue(Subject("Шифрування"), NOW, usage=AGREEMENT, m=431).certificate.signs
    assert authority.issue(Subject("Підпис"), NOW, usage=SIGNING).certificate.signs


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_spoilt_certificates_are_read_or_refused(cashier: Identity, data: st.DataObject) -> None:
    raw = bytearray(cashier.certificate.raw)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for octets in (bytes(raw), bytes(raw[:cut])):
        try:
            found = read(octets)
        except CertificateDamaged:
            continue
        assert found.raw == octets
        assert isinstance(found.name, str)


def test_no_flipped_bit_of_the_body_keeps_the_signature(authority: Authority, cashier: Identity) -> None:
    raw = cashier.certificate.raw
    root_key = authority.certificate.key
    assert root_key is not None
    root_key.prepare()
    start = raw.index(cashier.certificate.tbs)
    for position in range(start, start + len(cashier.certificate.tbs), 23):
        spoilt = bytearray(raw)
        spoilt[position] ^= 1 << position % 8
        try:
            found = read(bytes(spoilt))
        except CertificateDamaged:
            continue
        assert not found.signed_by(authority.certificate), position


def _with_extension(own: Certificate, oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """`own` with one extension replaced or added; its signature is no longer good."""
    outer = der.parse(own.raw).items(der.SEQUENCE)
    tbs, algorithm, signature = outer.take(), outer.take(), outer.take()
    members = list(tbs.items(der.SEQUENCE))
    rows = [each.raw for each in members[-1].inside(der.context(3)).items(der.SEQUENCE) if der.oid(oid) not in each.raw]
    flag = der.boolean(True) if critical else b""
    rows.append(der.sequence(der.oid(oid), flag, der.octets(value)))
    extensions = der.write(der.context(3), der.sequence(*rows))
    return der.sequence(der.sequence(*(each.raw for each in members[:-1]), extensions), algorithm.raw, signature.raw)


def test_times_are_aware(cashier: Identity) -> None:
    assert isinstance(cashier.certificate.not_after, datetime)
    assert cashier.certificate.not_after.utcoffset() == timedelta(0)
