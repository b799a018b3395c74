"""Two implementations that share constants only: what the driver signs, the virtual server's own code believes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.emulator import inspector, responders, textbook
from drivers.prro.emulator.authority import Authority, Identity, Subject
from drivers.prro.emulator.inspector import Rejected, inspect
from drivers.prro.emulator.signed import EXPLICIT_KEY_ID, KEY_ID, Manner, message
from drivers.prro.signing import Digest, Signer, Timestamper, curves, der, gost34311, keys, kupyna, oids
from drivers.prro.signing.curves import Curve
from tests.prro.signing.conftest import NOW
from tests.prro.signing.test_services import Provider, StillClock

DOCUMENT = b"<CHECK/>"


@given(st.binary(max_size=300))
@settings(max_examples=25, deadline=None)
def test_hashes_agree(data: bytes) -> None:
    assert textbook.gost(data) == gost34311.digest(data)
    for bits in (256, 384, 512):
        assert textbook.kupyna(data, bits) == kupyna.digest(data, bits)


@pytest.mark.parametrize("curve", curves.standard(), ids=lambda curve: f"m{curve.m}")
def test_signatures_agree(curve: Curve) -> None:
    key = keys.generate(curve.m)
    digest = b"\x77" * 32
    signature = key.sign(digest)
    assert textbook.holds(curve.m, key.public.octets, digest, signature)
    assert not textbook.holds(curve.m, key.public.octets, b"\x76" + digest[1:], signature)
    # A digest is cut to the field: what does not fit is not signed (signing.md §3.6).
    other_end = digest[:-1] + b"\x76"
    assert textbook.holds(curve.m, key.public.octets, other_end, signature) == (curve.m < 256)
    assert key.public.verify(other_end, signature) == (curve.m < 256)
    assert not textbook.holds(curve.m, keys.generate(curve.m).public.octets, digest, signature)
    assert not textbook.holds(curve.m, key.public.octets, digest, bytes(len(signature)))
    assert textbook.plane(curve.m).unpacked(key.public.octets) == key.public.point


def test_points_agree() -> None:
    on = textbook.plane(257)
    assert on.plus(on.base, None) == on.base
    x, y = on.base
    assert on.plus(on.base, (x, x ^ y)) is None
    with pytest.raises(ValueError, match="no key"):
        on.unpacked(b"\x01" + bytes(32))


@pytest.fixture
def signer(cashier: Identity) -> Signer:
    return Signer(cashier.key, cashier.certificate)


def test_the_server_accepts_what_we_sign(signer: Signer, cashier: Identity, authority: Authority) -> None:
    root = authority.certificate.raw
    found = inspect(signer.sign(DOCUMENT, at=NOW), root, NOW)
    assert found.content == DOCUMENT
    assert found.signer.certificate == cashier.certificate.raw
    assert found.signer.key_id == (cashier.certificate.key_id or b"").hex()
    assert "3184710691" in found.signer.codes
    assert found.signature_algorithm == authority.generation.signature_oid
    assert found.stamped_at is None
    stamped = signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(Provider(authority), StillClock()), required=True)
    assert inspect(stamped, root, NOW, stamp_required=True).stamped_at == NOW
    with pytest.raises(Rejected, match="stamp is required"):
        inspect(signer.sign(DOCUMENT, at=NOW), root, NOW, stamp_required=True)


@pytest.mark.parametrize("digest", Digest)
def test_every_digest(cashier: Identity, authority: Authority, digest: Digest) -> None:
    signed = Signer(cashier.key, cashier.certificate, digest=digest).sign(DOCUMENT, at=NOW)
    assert inspect(signed, authority.certificate.raw, NOW).content == DOCUMENT


@pytest.mark.parametrize("sid", [KEY_ID, EXPLICIT_KEY_ID])
def test_other_manners_of_naming(cashier: Identity, authority: Authority, sid: str) -> None:
    signed = message(DOCUMENT, cashier, NOW, Manner(sid=sid, unsorted=True, signing_time=True))
    assert inspect(signed, authority.certificate.raw, NOW).content == DOCUMENT


def test_what_the_server_rejects(signer: Signer, cashier: Identity, authority: Authority) -> None:
    root = authority.certificate.raw
    good = signer.sign(DOCUMENT, at=NOW)
    stranger = Authority.create(NOW, generation=authority.generation)
    for why, spoilt in {
        "does not match": good.replace(DOCUMENT, b"<CHECK!>"),
        "signature is wrong": message(DOCUMENT, cashier, NOW, Manner(broken=True)),
        "no other": message(DOCUMENT, cashier, NOW, Manner(certificate=False)),
        "octets follow": good + b"\x05\x00",
        "at most": bytes(inspector.MAX_SIZE + 1),
        "no SignedData": der.sequence(der.oid(oids.DATA), b"\xa0\x02\x05\x00"),
        "cut": good[:-1],
        "not signed by|unknown authority": message(DOCUMENT, stranger.cashier(NOW), NOW),
        "the one whose": good.replace(cashier.certificate.raw, authority.cashier(NOW).certificate.raw, 1),
    }.items():
        with pytest.raises(Rejected, match=why):
            inspect(spoilt, root, NOW)
    with pytest.raises(Rejected, match="out of its time"):
        inspect(good, root, NOW + timedelta(days=3000))


def test_a_stamp_by_anybody_is_rejected(signer: Signer, authority: Authority) -> None:
    person = authority.issue(Subject("Не сервер"), NOW)

    def anybody(signature: bytes, digest: Digest, _: object) -> bytes:
        members = der.parse(responders.stamp(_request(signature, digest), person, NOW)).items(der.SEQUENCE)
        members.take()
        return members.take().raw

    def elsewhere(_: bytes, digest: Digest, own: object) -> bytes:
        members = der.parse(Provider(authority)("x/tsp", _request(b"other", digest), responders.TSP_TYPE))
        items = members.items(der.SEQUENCE)
        items.take()
        return items.take().raw

    for stamp, why in ((anybody, "not made by"), (elsewhere, "another signature")):
        with pytest.raises(Rejected, match=why):
            inspect(signer.sign(DOCUMENT, at=NOW, stamp=stamp), authority.certificate.raw, NOW)


def _request(signature: bytes, digest: Digest) -> bytes:
    from drivers.prro.signing import timestamp

    return timestamp.request(signature, digest, 9)


@given(st.integers(0, 2**31), st.binary(max_size=2), st.integers(0, 2))
@settings(max_examples=20, deadline=None)
def test_spoilt_messages_are_rejected(
    signer_of_both: Signer, root_of_both: bytes, at: int, octets: bytes, lost: int
) -> None:
    good = signer_of_both.sign(DOCUMENT, at=NOW)
    at %= len(good)
    try:
        found = inspect(good[:at] + octets + good[at + lost :], root_of_both, NOW)
    except Rejected:
        return
    assert found.content == DOCUMENT


@pytest.fixture(scope="module")
def signer_of_both(cashier: Identity) -> Signer:
    return Signer(cashier.key, cashier.certificate)


@pytest.fixture(scope="module")
def root_of_both(authority: Authority) -> bytes:
    return authority.certificate.raw
