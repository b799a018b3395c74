"""GOST 28147, GOST 34.311 and Kupyna by known answers, written here and published, and by their own laws."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.signing import gost28147, gost34311, kupyna
from drivers.prro.signing.gost28147 import Cipher
from tests.prro.signing.shared import vectors

GOST = {
    b"": "da37bdf41145e39e34111775b40646e8059c2e969c1460bb98abccb26f0f76a5",
    b"\x00": "267a02fc973147e189849143b52c606cdce3392f3d614f3eb93d0e6b820e09aa",
    b"\xff": "bed2107bb031588bb0368829d151c3cc806438a6989203f45133ef290d11d140",
    b"abc": "a34a53504d8ba070cb73a583146167a0a3c226d793440d9cea24465fe02251f2",
    b"message digest": "ab68a193346fd3e8d00865701ac06d591d18d57052470c51df7d71e0aaeb352a",
    b"12345678901234567890123456789011": "7686f3f4b113aadc97bca9ea054f41821f0676c5c28ffb987e41797a568e1ed4",
    b"The quick brown fox jumps over the lazy dog": "0f1355130b4a820a1e4e3f6474f6bdecc718a4a73345595edc1c1809832b2333",
}
KUPYNA = {
    (256, b""): "cd5101d1ccdf0d1d1f4ada56e888cd724ca1a0838a3521e7131d4fb78d0f5eb6",
    (256, b"\xff"): "ea7677ca4526555680441c117982ea14059ea6d0d7124d6ecdb3deec49e890f4",
    (256, bytes(range(64))): "08f4ee6f1be6903b324c4e27990cb24ef69dd58dbe84813ee0a52f6631239875",
    (256, b"abc"): "0bd1b36109f1318411a0517315aa46b8839df06622a278676f5487996c9cfc04",
    (384, b"abc"): "72945012b0820c3132846ddc90da511f80bb7b70abd0cb1ab8df785d600c187b9d0ac567e8b6f76fde8a0b417a2ebf88",
    (512, b"\xff"): "871b18cf754b72740307a97b449abeb32b64444cc0d5a4d65830ae5456837a72"
    "d8458f12c8f06c98c616abe11897f86263b5cb77c420fb375374bec52b6d0292",
    (512, bytes(range(64))): "3813e2109118cdfb5a6d5e72f7208dccc80a2dfb3afdfb02f46992b5edbe536b"
    "3560dd1d7e29c6f53978af58b444e37ba685c0dd910533ba5d78efffc13de62a",
}
KEY = bytes(range(32))
PLAIN = b"GOST 28147 in CFB mode, 37 bytes long"


@pytest.mark.parametrize(("message", "expected"), GOST.items(), ids=[str(len(message)) for message in GOST])
def test_gost_34311(message: bytes, expected: str) -> None:
    assert gost34311.digest(message).hex() == expected


@pytest.mark.parametrize(("case", "expected"), KUPYNA.items(), ids=[f"{bits}-{len(m)}" for bits, m in KUPYNA])
def test_kupyna(case: tuple[int, bytes], expected: str) -> None:
    bits, message = case
    assert kupyna.digest(message, bits).hex() == expected


def test_kupyna_has_three_lengths() -> None:
    with pytest.raises(ValueError, match="256, 384 or 512"):
        kupyna.digest(b"", 224)


def test_gost_28147() -> None:
    cipher = Cipher(KEY)
    iv = bytes(range(1, 9))
    assert cipher.encrypt_cfb(iv, PLAIN).hex() == (
        "45431092f5dfa3b4fd65ec70f7c3c75b1110052e69d05355308642cfc970b2bc4a6f5348f2"
    )
    assert cipher.encrypt_ecb(PLAIN[:32]).hex() == "567c168cee0afbc42317a56d65ba202885a4e3dfea842f1102cdea41a18e3d7a"
    assert cipher.mac(PLAIN[:32]).hex() == "5ccf0cbb"


def test_another_s_box() -> None:
    sbox = bytes.fromhex(
        "4a92d80e6b1c7f53eb4c6dfa23810759581da342efc7609b7da1089fe46cb253"
        "6c715fd84a9e03b24ba0721d36859cfedb413f590ae7682c1fd057a4923e6b8c"
    )
    key = bytes.fromhex("348724a4c1a67667153dde5933884250e3248c657d413b8c1c9ca09a56d968cf")
    plain = bytes.fromhex("34c01533e37d1c56e9431604f57e37a18f90eb0333a33362")
    assert Cipher(key, sbox).encrypt_ecb(plain).hex() == "863e78dd2d60d13ce38f0f691f68f7feb99bb76c3073142d"


@given(st.binary(max_size=70), st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=8))
@settings(max_examples=30, deadline=None)
def test_the_cipher_returns_what_it_took(data: bytes, key: bytes, iv: bytes) -> None:
    cipher = Cipher(key)
    assert cipher.decrypt_cfb(iv, cipher.encrypt_cfb(iv, data)) == data
    whole = data[: len(data) // 8 * 8]
    assert cipher.decrypt_ecb(cipher.encrypt_ecb(whole)) == whole


def test_the_cipher_refuses_odd_sizes() -> None:
    with pytest.raises(ValueError, match="32 octets"):
        Cipher(b"short")
    with pytest.raises(ValueError, match="whole blocks"):
        Cipher(KEY).encrypt_ecb(b"1234567")
    with pytest.raises(ValueError, match="64 octets"):
        gost28147.Cipher(KEY, b"short")


def test_hmac_and_derivations() -> None:
    message = bytes.fromhex("31a58dc1462981189cf6c701e276c7553a5ab5f6e36d8418e4aa40c930cf3876")
    mac = "482e7ae77f7607584c883961770fb374bd85062a1970df77a847c3f9c18ea9a0"
    assert gost34311.hmac(b"password", message).hex() == mac
    long_key = b"k" * 33
    assert gost34311.hmac(long_key, b"x") == gost34311.hmac(gost34311.digest(long_key), b"x")
    key = gost34311.pbkdf2(b"testpassword", bytes(32), 1000)
    assert key.hex() == "b4d4aae8d8055801ee8ed7b6d0e265ab1b1776c6eaa52b029abeeb0af260d8da"
    assert gost34311.pbkdf2(b"p", b"s", 3, 48)[:32] == gost34311.pbkdf2(b"p", b"s", 3)
    assert gost34311.repeated(b"x", 2) == gost34311.digest(gost34311.digest(b"x"))


def test_published_hashes() -> None:
    gost = vectors("gost34311.json")
    assert len(gost["cases"]) >= 20
    for case in gost["cases"]:
        start = bytes.fromhex(case.get("start", "00" * 32))
        assert gost34311.digest(bytes.fromhex(case["message"]), start).hex() == case["digest"], case
    for case in gost["hmac"]:
        assert gost34311.hmac(bytes.fromhex(case["key"]), bytes.fromhex(case["message"])).hex() == case["mac"]
    for case in vectors("kupyna.json")["cases"]:
        assert kupyna.digest(bytes.fromhex(case["message"]), case["bits"]).hex() == case["digest"], case


def test_published_ciphers() -> None:
    for case in vectors("gost28147.json")["cases"]:
        sbox = bytes.fromhex(case["sbox_packed"]) if "sbox_packed" in case else gost28147.DKE1
        cipher = Cipher(bytes.fromhex(case["key"]), sbox)
        plain = bytes.fromhex(case["plain"])
        if "ecb" in case:
            assert cipher.encrypt_ecb(plain).hex() == case["ecb"]
        if "cfb" in case:
            assert cipher.encrypt_cfb(bytes.fromhex(case["iv"]), plain).hex() == case["cfb"]
        if "mac32" in case:
            assert cipher.mac(plain).hex() == case["mac32"]
