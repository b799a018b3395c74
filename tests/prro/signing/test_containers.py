"""Key containers: published ones of other programs, our own of every kind, wrong passwords and spoilt files."""

from __future__ import annotations

import base64
import pickle
import secrets
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys  # type: ignore[import-untyped]
from asn1crypto import pkcs12 as asn1_pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.emulator.authority import Authority, Identity
from drivers.prro.signing import der, keys, load, oids
from drivers.prro.signing.containers import MAX_SIZE, Kind, jks, key6, pbes2, pkcs12
from drivers.prro.signing.errors import (
    DamagedContainer,
    KeyFault,
    NoSigningKey,
    UnsupportedContainer,
    WrongPassword,
)
from tests.prro.signing.conftest import NOW
from tests.prro.signing.shared import VECTORS, vectors

PASSWORD = "пароль-Їжак 7"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key-6 without its ten thousand hashes, for tests that open hundreds of files."""
    monkeypatch.setattr(key6, "ITERATIONS", 3)


def light(identity: Identity, kind: Kind) -> bytes:
    """A container with few iterations, so that it opens at once (JKS has none)."""
    info = keys.write_private(identity.key)
    if kind is Kind.PKCS12:
        return pkcs12.write(info, [identity.certificate.raw], PASSWORD, secrets.token_bytes, 3)
    if kind is Kind.PBES2:
        return pbes2.encrypt(info, PASSWORD, secrets.token_bytes, 3)
    if kind is Kind.JKS:
        return jks.write("ключ", info, [identity.certificate.raw], PASSWORD, secrets.token_bytes, at=NOW)
    return key6.write(info, PASSWORD)


KINDS = pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)


@pytest.mark.parametrize(
    "name",
    [
        "demo-key-6.dat",
        "dps-test-payer-key-6.dat",
        "demo-pbes2.p8e",
        "jkurwa-pbes2.dat",
        "demo.jks",
        "dps-test-payer.jks",
        "demo.pfx",
        "dps-test-payer-key-6.pfx",
        "iit-123456.pfx",
        "uapki-diia-test.p12",
    ],
)
def test_published_containers(name: str) -> None:
    """Each costs the seconds that its owner waits too."""
    (row,) = [each for each in vectors("containers.json") if each["file"] == f"containers/{name}"]
    password = row.get("password") or row["store_password"]
    opened = load(VECTORS / row["file"], password, key_password=row.get("key_password", ""))
    # Key-6 and JKS of IIT keep the agreement key in attributes, where it is of no use to a registrar.
    expected = row["keys"] if opened.kind is Kind.PKCS12 else row["keys"][:1]
    assert [f"{key.private.reveal():x}" for key in opened.keys] == [each["d"] for each in expected]
    assert len(opened.certificates) == row["certificates"]
    for key, each in zip(opened.keys, expected, strict=True):
        assert key.alias == row.get("alias", key.alias)
        assert key.private.public.octets.hex() == each.get("Q_compressed_le", key.private.public.octets.hex())


def test_published_jks_with_two_passwords() -> None:
    (row,) = [each for each in vectors("containers.json") if each["file"].endswith("payer.jks")]
    path = VECTORS / row["file"]
    with pytest.raises(WrongPassword, match="password of its own"):
        load(path, "123456")
    with pytest.raises(WrongPassword, match="does not open"):
        load(path, "qwerty", key_password="qwerty")


@KINDS
def test_own_containers(hurried: None, cashier: Identity, kind: Kind) -> None:
    opened = load(light(cashier, kind), PASSWORD)
    assert opened.kind is kind
    assert [key.private.public for key in opened.keys] == [cashier.key.public]
    assert opened.certificates == ((cashier.certificate,) if kind in (Kind.PKCS12, Kind.JKS) else ())
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(opened)
    assert f"{cashier.key.reveal():x}" not in repr(opened)
    opened.close()
    assert all(key.private.closed for key in opened.keys)


def test_full_strength() -> None:
    """The iterations that owners' files have; slow by design."""
    key = keys.generate()
    opened = load(key6.write(keys.write_private(key), PASSWORD), PASSWORD)
    assert opened.keys[0].private.public == key.public


@KINDS
def test_wrong_password(hurried: None, cashier: Identity, kind: Kind) -> None:
    data = light(cashier, kind)
    for wrong in ("", "пароль-їжак 7", PASSWORD + " ", "\ud800"):
        with pytest.raises(WrongPassword) as caught:
            load(data, wrong)
        assert wrong not in caught.value.what or not wrong
        assert caught.value.document == "no"


@pytest.mark.parametrize("kind", [Kind.KEY6, Kind.PBES2], ids=lambda kind: kind.name)
def test_passwords_in_windows_1251(hurried: None, cashier: Identity, kind: Kind) -> None:
    """Programs of the ANSI days hashed the octets of windows-1251 (the others spell passwords in UTF-16)."""

    class Ansi(str):
        """A password that a writer spells the old way."""

        __slots__ = ()

        def encode(self, *_: object, **__: object) -> bytes:
            return super().encode("cp1251")

    info = keys.write_private(cashier.key)
    old = Ansi(PASSWORD)
    data = key6.write(info, old) if kind is Kind.KEY6 else pbes2.encrypt(info, old, secrets.token_bytes, 3)
    assert load(data, PASSWORD).keys[0].private.public == cashier.key.public


def test_a_path_and_a_text_file(hurried: None, cashier: Identity, tmp_path: Path) -> None:
    data = light(cashier, Kind.PBES2)
    path = tmp_path / "key.anything"
    path.write_bytes(data)
    assert load(path, PASSWORD).kind is Kind.PBES2
    begin, end = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", b"-----END ENCRYPTED PRIVATE KEY-----\n"
    assert load(begin + base64.encodebytes(data) + end, PASSWORD).kind is Kind.PBES2
    with pytest.raises(DamagedContainer):
        load(begin + b"?" + end, PASSWORD)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent", PASSWORD)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a key",
        b"PK\x03\x04 a zip archive",
        bytes.fromhex("cececece0000000200000000"),
        bytes(MAX_SIZE + 1),
        der.sequence(der.integer(7)),
        der.sequence(der.sequence(der.oid(oids.SHA256))),
        der.octets(b"x"),
        keys.write_private(keys.generate()),
    ],
    ids=["empty", "text", "zip", "jceks", "huge", "version", "algorithm", "octets", "bare key"],
)
def test_files_that_are_no_container(data: bytes) -> None:
    with pytest.raises(UnsupportedContainer) as caught:
        load(data, "x")
    assert "Key-6.dat" in caught.value.what or "JCEKS" in caught.value.what


def test_a_store_without_a_key(cashier: Identity) -> None:
    data = pkcs12.write(keys.write_private(cashier.key), [cashier.certificate.raw], PASSWORD, secrets.token_bytes, 2)
    assert load(data, PASSWORD).keys
    body = jks.MAGIC + (2).to_bytes(4, "big") + (1).to_bytes(4, "big")
    raw = cashier.certificate.raw
    body += (2).to_bytes(4, "big") + b"\0\1a" + bytes(8) + b"\0\5X.509" + len(raw).to_bytes(4, "big") + raw
    with pytest.raises(NoSigningKey):
        load(body + jks._seal(body, PASSWORD), PASSWORD)


def test_two_persons_in_one_store(cashier: Identity, server: Identity) -> None:
    """A key with another password stays locked and is named; the other one opens."""
    one = jks.write("one", keys.write_private(cashier.key), [], PASSWORD, secrets.token_bytes, at=NOW)
    two = jks.write(
        "two", keys.write_private(server.key), [], PASSWORD, secrets.token_bytes, at=NOW, key_password="other"
    )
    body = jks.MAGIC + (2).to_bytes(4, "big") + (2).to_bytes(4, "big") + one[12:-20] + two[12:-20]
    opened = load(body + jks._seal(body, PASSWORD), PASSWORD)
    assert [key.alias for key in opened.keys] == ["one"]
    assert opened.locked == ("two",)
    both = load(body + jks._seal(body, PASSWORD), PASSWORD, key_password="other")
    assert [key.alias for key in both.keys] == ["one", "two"]


def test_pkcs12_stops_at_the_key_that_fits(authority: Authority, cashier: Identity) -> None:
    """Signature and agreement keys in one file: with the certificate at hand only the first is opened."""
    agreement = keys.generate(431)
    bags = [
        pkcs12._bag(oids.SHROUDED_KEY_BAG, pbes2.encrypt(keys.write_private(key), PASSWORD, secrets.token_bytes, 2))
        for key in (cashier.key, agreement)
    ]
    data = _pkcs12(bags)
    assert len(load(data, PASSWORD).keys) == 2
    assert len(load(data, PASSWORD, certificates=[cashier.certificate]).keys) == 1
    assert len(load(data, PASSWORD, certificates=[authority.certificate]).keys) == 2
    with pytest.raises(NoSigningKey):
        load(_pkcs12([]), PASSWORD)


def _pkcs12(bags: list[bytes]) -> bytes:
    from drivers.prro.signing import gost34311

    safes = der.sequence(pkcs12._data(der.sequence(*bags)))
    key = pkcs12._mac_key(gost34311.digest, 32, 32, PASSWORD, b"salt", 2)
    mac = der.sequence(der.sequence(der.oid(oids.GOST_34311)), der.octets(gost34311.hmac(key, safes)))
    return der.sequence(der.integer(3), pkcs12._data(safes), der.sequence(mac, der.octets(b"salt"), der.integer(2)))


def test_the_second_parser_reads_our_containers(cashier: Identity) -> None:
    store = asn1_pkcs12.Pfx.load(light(cashier, Kind.PKCS12), strict=True)
    assert store["version"].native == "v3"
    assert store["mac_data"]["iterations"].native == 3
    (safe,) = store.authenticated_safe
    bags = asn1_pkcs12.SafeContents.load(safe["content"].native, strict=True)
    assert [bag["bag_id"].native for bag in bags] == ["pkcs8_shrouded_key_bag", "cert_bag"]
    info = asn1_keys.EncryptedPrivateKeyInfo.load(light(cashier, Kind.PBES2), strict=True)
    assert info["encryption_algorithm"]["algorithm"].native == "pbes2"


def test_western_algorithms() -> None:
    """AES-CBC with HMAC-SHA-256, the default of some programs, around a Ukrainian key."""
    import hashlib

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = keys.generate()
    info = keys.write_private(key)
    pad = 16 - len(info) % 16
    derived = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 5, 32)
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(bytes(16))).encryptor()
    secret = encryptor.update(info + bytes((pad,)) * pad) + encryptor.finalize()
    prf = der.sequence(der.oid(oids.HMAC_SHA256), der.null())
    derivation = der.sequence(
        der.oid(oids.PBKDF2), der.sequence(der.octets(b"salt"), der.integer(5), der.integer(32), prf)
    )
    cipher = der.sequence(der.oid(oids.AES_256_CBC), der.octets(bytes(16)))
    scheme = der.sequence(der.oid(oids.PBES2), der.sequence(derivation, cipher))
    data = der.sequence(scheme, der.octets(secret))
    assert load(data, PASSWORD).keys[0].private.public == key.public
    with pytest.raises(WrongPassword):
        load(data, "x")


@KINDS
def test_a_key_of_another_country(hurried: None, kind: Kind) -> None:
    """An RSA key is whole, but no key for a registrar: the owner is told so, not that the file is damaged."""
    rsa = der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null())
    info = der.sequence(der.integer(0), rsa, der.octets(der.sequence(der.integer(0))))
    data = {
        Kind.KEY6: lambda: key6.write(info, PASSWORD),
        Kind.PBES2: lambda: pbes2.encrypt(info, PASSWORD, secrets.token_bytes, 2),
        Kind.PKCS12: lambda: pkcs12.write(info, [], PASSWORD, secrets.token_bytes, 2),
        Kind.JKS: lambda: jks.write("a", info, [], PASSWORD, secrets.token_bytes, at=NOW),
    }[kind]()
    with pytest.raises(UnsupportedContainer, match="DSTU 4145"):
        load(data, PASSWORD)


@pytest.mark.parametrize("iterations", [0, 200_001, 2**40])
def test_absurd_iterations_are_refused_at_once(cashier: Identity, iterations: int) -> None:
    """A file must not be able to hang the till."""
    _, secret = der.parse(light(cashier, Kind.PBES2)).items(der.SEQUENCE)
    prf = der.sequence(der.oid(oids.HMAC_GOST), der.null())
    derivation = der.sequence(der.oid(oids.PBKDF2), der.sequence(der.octets(bytes(32)), der.integer(iterations), prf))
    cipher = der.sequence(der.oid(oids.GOST_28147_CFB), der.sequence(der.octets(bytes(8))))
    whole = der.sequence(der.sequence(der.oid(oids.PBES2), der.sequence(derivation, cipher)), secret.raw)
    with pytest.raises(DamagedContainer, match="iterations"):
        load(whole, PASSWORD)


def spoil(data: st.DataObject, raw: bytes) -> bytes:
    """A cut, a flip, an insertion or a deletion."""
    at = data.draw(st.integers(0, len(raw) - 1))
    match data.draw(st.sampled_from(["cut", "flip", "insert", "delete", "set"])):
        case "cut":
            return raw[:at]
        case "flip":
            return raw[:at] + bytes((raw[at] ^ 1 << data.draw(st.integers(0, 7)),)) + raw[at + 1 :]
        case "insert":
            return raw[:at] + data.draw(st.binary(min_size=1, max_size=3)) + raw[at:]
        case "delete":
            return raw[:at] + raw[at + data.draw(st.integers(1, 3)) :]
        case _:
            return raw[:at] + data.draw(st.binary(min_size=1, max_size=1)) + raw[at + 1 :]


@KINDS
def test_spoilt_containers_open_or_are_refused_by_name(
    cashier: Identity, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key6, "ITERATIONS", 2)
    whole = light(cashier, kind)

    @given(st.data())
    @settings(max_examples=120, deadline=None)
    def check(data: st.DataObject) -> None:
        try:
            opened = load(spoil(data, whole), PASSWORD)
        except KeyFault as fault:
            assert fault.what and PASSWORD not in fault.what
        else:
            assert opened.keys

    check()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_octets_are_refused_by_name(data: bytes) -> None:
    for head in (b"", jks.MAGIC, b"\x30", b"-----BEGIN "):
        with pytest.raises(KeyFault):
            load(head + data, PASSWORD)


def test_a_spoilt_key_is_never_taken_for_the_real_one(cashier: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key-6, JKS and PKCS#12 check their integrity: no flipped bit of the secret part gives a key."""
    monkeypatch.setattr(key6, "ITERATIONS", 2)
    for kind in (Kind.KEY6, Kind.JKS, Kind.PKCS12):
        whole = light(cashier, kind)
        for at in range(len(whole) // 4, len(whole), 17):
            spoilt = bytearray(whole)
            spoilt[at] ^= 1
            with pytest.raises(KeyFault):
                load(bytes(spoilt), PASSWORD)
