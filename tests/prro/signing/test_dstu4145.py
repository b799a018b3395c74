"""DSTU 4145: the standard's own example, other programs' signatures, and the laws of the group."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.signing import curves, dstu4145, keys, points
from drivers.prro.signing.curves import Curve
from drivers.prro.signing.keys import PrivateKey, PublicKey
from tests.prro.signing.shared import vectors

# (m, d, compressed Q, digest, signature): signatures made by BouncyCastle 1.72.
FOREIGN = [
    (
        163,
        0x358B40E709EEBBFF3211FE4CB127B7A66EE1F884E,
        "045a864c09a55227fc075567e9cdb6f4476fa94302",
        "8a67f8ad2fa99bed2fc0de92e2fb096288f7e7fa3e408a43805d5175713ce2ed",
        "603ad77b97edb3fa9f48f99b60ba3027bf61626d03a3d8b6e836d87d59be84dfaef2fc02d802ba6dc801",
    ),
    (
        257,
        0x7A4F24AA41D7617558D35220A5C2D8D2A009E683B5E38FE1EC3C4BD875DD733A,
        "11c697d6ca0caa2e381926d5965547c6db2e5c2a43711dfd1f131b4ba459a1e600",
        "a80f24b40b41c4a53a2a012cef732df9335e1ce6d0508a093f3d153008718e64",
        "d79a28677142912aecd16489c5f5c49f53d0858b07e86c089b1b373ba8d8d945"
        "989df780dd4ccd59fb5559109e09d8e847be019cccdef3bf14161a459b422a04",
    ),
    (
        431,
        0x2945303BFBC7F27E8593BD76D398760442FCD4CE57B5239199940CAD2D163770A2339E6439ABD82993A93C9E93B3CDC86B22C27E01A0,
        "09992514193eb27d851c066f11e81a22e525bf69c669e9d695b996f63b88f9846966e2f940c682f3ce43d52a372092517c2471800a2c",
        "f97bbc66abfedf975f8e4af25ed04807660b4391d6612a65544f18b688981621",
        "057eb3973198130600c5c78336897911276dc212d673c27b5bd169f3c4c6a7328f01b49a1396eb413b6ca3d938aaf161a411070b5118"
        "5a6a5e58aed360f2ab8e4df67fe47ca9d9792febf2d98f02b695c979f3ab9576801231e9c10c9fee0c7d06bcf5d2d2a4ba4d656c001d",
    ),
]
CURVES = pytest.mark.parametrize("curve", curves.standard(), ids=lambda curve: f"m{curve.m}")


def test_annex_b_of_the_standard() -> None:
    curve = dataclasses.replace(
        curves.by_degree(163),
        generator=(0x72D867F93A93AC27DF9FF01AFFE74885C8C540420, 0x0224A9C3947852B97C5599D5F4AB81122ADC3FD9B),
    )
    d = 0x183F60FDF7951FF47D67193F8D073790C1C9B5A3E
    digest = bytes.fromhex("09c9c44277910c9aaee486883a2eb95b7180166ddf73532eeb76edaef52247ff")[::-1]
    public = dstu4145.public_key(curve, d)
    assert public == (0x57DE7FDE023FF929CB6AC785CE4B79CF64ABDC2DA, 0x3E85444324BCF06AD85ABF6AD7B5F34770532B9AA)
    signature = dstu4145.sign(curve, d, digest, lambda *_: 0x1025E40BD97DB012B7A1D79DE8E12932D247F61C6)
    r, s = 0x274EA2C0CAA014A0D80A424F59ADE7A93068D08A7, 0x2100D86957331832B8E8C230F5BD6A332B3615ACA
    assert signature == r.to_bytes(21, "little") + s.to_bytes(21, "little")
    assert dstu4145.verify(curve, public, digest, signature)


def test_a_fixed_nonce_known_from_another_program() -> None:
    curve = curves.by_degree(257)
    d = 0x3132333435363738393031323334353637383930313233343536373839303132
    digest = bytes.fromhex("5afa228bd63af795b198e81f66f44234bef54f4d943c70b452421ae0f922cac8")
    assert dstu4145.sign(curve, d, digest, lambda *_: d).hex() == (
        "a2f0f6927e40a651876548c53052dba0f6240adb5d0bffa23b5ed617c4398a60"
        "0dd1257022b776eb16290c71de9804600307ecb01a2990c387ab7269dd44d917"
    )


@pytest.mark.parametrize(("m", "d", "q", "digest", "signature"), FOREIGN, ids=lambda value: str(value)[:6])
def test_signatures_of_another_program(m: int, d: int, q: str, digest: str, signature: str) -> None:
    key = PrivateKey(curves.by_degree(m), d)
    assert key.public.octets.hex() == q
    assert key.public.verify(bytes.fromhex(digest), bytes.fromhex(signature))
    assert key.public.verify(bytes.fromhex(digest), b"\x04" + bytes((len(signature) // 2,)) + bytes.fromhex(signature))


def test_published_signatures() -> None:
    checked = 0
    for case in vectors("dstu4145_signatures.json")["cases"]:
        if "Q_compressed_le" not in case:
            continue
        key = PublicKey(curves.by_degree(case["m"]), bytes.fromhex(case["Q_compressed_le"]))
        digest, signature = bytes.fromhex(case["digest"]), bytearray.fromhex(case["signature_le"])
        assert key.verify(digest, bytes(signature)), case["name"]
        signature[3] ^= 0x10
        assert not key.verify(digest, bytes(signature)), case["name"]
        assert PrivateKey(key.curve, int(case["d"], 16)).public == key
        checked += 1
    assert checked >= 20


def test_published_points_without_compression() -> None:
    (case,) = [
        each for each in vectors("dstu4145_signatures.json")["cases"] if each["name"] == "cryptonite verify m367"
    ]
    curve = curves.by_degree(367)
    point = (int(case["Qx"], 16), int(case["Qy"], 16))
    assert points.on_curve(curve, point)
    signature = bytes.fromhex(case["r"])[::-1].ljust(46, b"\0") + bytes.fromhex(case["s"])[::-1].ljust(46, b"\0")
    assert dstu4145.verify(curve, point, bytes.fromhex(case["hash_be"])[::-1], signature)


@CURVES
def test_the_group(curve: Curve) -> None:
    base = points.base(curve)
    assert points.on_curve(curve, curve.generator)
    assert base.multiply(curve.order - 1) == points.negate(curve.generator)
    assert points.add(curve, base.multiply(curve.order - 1), curve.generator) is None
    assert points.multiply(curve, curve.order - 1, curve.generator) == points.negate(curve.generator)
    assert points.multiply(curve, 0, curve.generator) is None
    k = curve.order // 3
    point = base.multiply(k)
    assert point is not None
    assert points.on_curve(curve, point)
    assert points.multiply(curve, k, curve.generator) == point
    assert points.add(curve, point, point) == base.multiply(2 * k)
    assert points.decompress(curve, points.compress(curve, point)) == point


@CURVES
def test_the_field(curve: Curve) -> None:
    field = curve.field
    a, b, c = (pow(7, exponent) % (1 << curve.m) for exponent in (211, 373, 599))
    assert field.multiply(a, b) == _slow_product(curve, a, b)
    assert field.multiply(a, b ^ c) == field.multiply(a, b) ^ field.multiply(a, c)
    assert field.square(a) == field.multiply(a, a)
    assert field.multiply(a, field.inverse(a)) == 1
    assert field.inverses([a, b, c]) == [field.inverse(each) for each in (a, b, c)]
    assert field.square(field.root(a)) == a
    assert field.trace(a) == _slow_trace(curve, a)
    assert field.trace(field.square(b) ^ b) == 0
    w = field.square(b) ^ b
    z = field.half_trace(w)
    assert field.square(z) ^ z == w
    with pytest.raises(ZeroDivisionError):
        field.inverse(0)


def _slow_product(curve: Curve, a: int, b: int) -> int:
    result = 0
    for bit in range(curve.m - 1, -1, -1):
        result <<= 1
        if result >> curve.m:
            result ^= curve.field.polynomial
        if b >> bit & 1:
            result ^= a
    return result


def _slow_trace(curve: Curve, a: int) -> int:
    total = 0
    for _ in range(curve.m):
        total ^= a
        a = curve.field.square(a)
    return total


@given(st.integers(0, 2**256), st.integers(0, 2**256))
@settings(max_examples=15, deadline=None)
def test_multiplication_is_linear(first: int, second: int) -> None:
    curve = curves.by_degree(163)
    a, b = first % curve.order, second % curve.order
    base = points.base(curve)
    left = points.add(curve, base.multiply(a), points.multiply(curve, b, curve.generator))
    assert left == base.multiply((a + b) % curve.order)


@CURVES
def test_sign_and_verify(curve: Curve) -> None:
    key = keys.generate(curve.m)
    digest = bytes(range(32))
    signature = key.sign(digest)
    assert len(signature) == 2 * curve.half
    assert signature != key.sign(digest)
    assert key.public.verify(digest, signature)
    assert not key.public.verify(digest[::-1], signature)
    assert not keys.generate(curve.m).public.verify(digest, signature)
    key.public.prepare()
    assert key.public.verify(digest, signature)
    assert not key.public.verify(digest[::-1], signature)


def test_a_key_met_often_prepares_itself() -> None:
    """Only proved signatures count: forgeries must not make the till build tables."""
    key = keys.generate(163)
    public = PublicKey(key.curve, key.public.octets)
    signature = key.sign(bytes(32))
    for _ in range(20):
        assert not public.verify(b"x" * 32, signature)
    prepared = [public._table is not None]
    for _ in range(8):
        assert public.verify(bytes(32), signature)
        prepared.append(public._table is not None)
    assert prepared == [False] * 8 + [True]
    assert public.verify(bytes(32), signature)
    assert not public.verify(b"x" * 32, signature)


def test_every_flipped_bit_of_a_signature_fails() -> None:
    key = keys.generate(163)
    key.public.prepare()
    digest = b"\x5a" * 32
    signature = bytearray(key.sign(digest))
    for position in range(len(signature)):
        for bit in range(8):
            signature[position] ^= 1 << bit
            assert not key.public.verify(digest, bytes(signature)), (position, bit)
            signature[position] ^= 1 << bit


def test_r_and_s_out_of_range_fail() -> None:
    key = keys.generate(257)
    order, digest = key.curve.order, bytes(32)
    signature = key.sign(digest)
    r, s = signature[:32], signature[32:]
    raised = (int.from_bytes(s, "little") + order).to_bytes(33, "little")
    for forged in (b"", b"\x01", bytes(64), r + bytes(32), bytes(32) + s, b"\xff" * 64, r + b"\0" + raised):
        assert not key.public.verify(digest, forged)


def test_bare_octets_that_look_like_a_header() -> None:
    """One signature of 65 536 begins with 04 3E, as a wrapped one of 62 octets would: the length decides."""
    key = keys.generate(257)
    curve, nonce = key.curve, 12345
    point = points.base(curve).multiply(nonce)
    assert point is not None
    r = int.from_bytes(b"\x04\x3e" + bytes(29), "little") | 1 << 240
    h = curve.field.multiply(r, curve.field.inverse(point[0]))
    digest = h.to_bytes(48, "little")
    signature = dstu4145.sign(curve, key.reveal(), digest, lambda *_: nonce)
    assert signature[:2] == b"\x04\x3e"
    assert key.public.verify(digest, signature)
    assert key.public.verify(digest, b"\x04\x40" + signature)
    assert not key.public.verify(digest, b"\x04\x41" + signature)


def test_a_zero_digest_counts_as_one() -> None:
    key = keys.generate(257)
    assert key.public.verify(b"\x01" + bytes(31), key.sign(bytes(32)))


def test_a_useless_nonce_is_drawn_again() -> None:
    curve = curves.by_degree(163)
    drawn = iter([0, 5])
    key = PrivateKey(curve, 77)
    assert key.public.verify(b"d" * 32, dstu4145.sign(curve, 77, b"d" * 32, lambda *_: next(drawn)))


def test_nonces_are_hedged() -> None:
    order = curves.by_degree(257).order
    drawn = {dstu4145.hedged_nonce(order, 5, b"same") for _ in range(20)}
    assert len(drawn) == 20
    assert all(0 < each < order for each in drawn)


@pytest.mark.parametrize("octets", [bytes(33), b"\x01" + bytes(32), b"\xff" * 33, bytes(32), bytes(34)])
def test_points_that_are_no_keys(octets: bytes) -> None:
    key = PublicKey(curves.by_degree(257), octets)
    assert not key.verify(bytes(32), b"\x01" * 64)
    with pytest.raises(ValueError, match=r"point|length"):
        _ = key.point


@given(st.binary(min_size=33, max_size=33))
@settings(max_examples=40, deadline=None)
def test_decompression_gives_curve_points_or_refuses(octets: bytes) -> None:
    curve = curves.by_degree(257)
    try:
        point = points.decompress(curve, octets)
    except ValueError:
        return
    assert points.on_curve(curve, point)
    assert points.compress(curve, point) == octets
    assert points.multiply(curve, curve.order - 1, point) == points.negate(point)


def test_a_private_key_keeps_silent() -> None:
    key = keys.generate()
    d = key.reveal()
    for shown in (repr(key), str(key), f"{key}", repr([key]), repr(key.public)):
        assert f"{d:x}" not in shown
        assert str(d) not in shown
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(key)
    with pytest.raises(TypeError, match="copied"):
        copy.copy(key)
    with pytest.raises(TypeError, match="copied"):
        copy.deepcopy(key)
    buffer = key._buffer
    key.close()
    assert key.closed
    assert bytes(buffer) == bytes(32)
    with pytest.raises(ValueError, match="closed"):
        key.sign(bytes(32))
    key.close()


@pytest.mark.parametrize("d", [0, -1, curves.by_degree(257).order])
def test_a_private_key_has_a_range(d: int) -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        PrivateKey(curves.by_degree(257), d)
    with pytest.raises(ValueError, match="between 0 and n"):
        dstu4145.public_key(curves.by_degree(257), d)


def test_only_ten_curves() -> None:
    with pytest.raises(LookupError, match="m = 239"):
        curves.by_degree(239)
