"""PKCS#5 PBES2 and the encrypted PKCS#8 that uses it (RFC 8018; signing.md §8.4).

EncryptedPrivateKeyInfo  SEQ{ AlgorithmIdentifier, OCTET STRING }
PBES2                    SEQ{ PBKDF2{ salt, iterations, length?, prf }, cipher }
Ukrainian                prf HMAC-GOST 34.311, cipher GOST 28147 CFB with SEQ{ iv 8, dke 64 }; 10 000 iterations
also met                 prf HMAC-SHA-1/256/512, cipher AES-CBC (the default of some programs)
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.prro.signing import der, gost28147, gost34311, oids
from drivers.prro.signing.containers.content import (
    MAX_ITERATIONS,
    Container,
    ContainerKey,
    Kind,
    private_key,
    spellings,
    wrong_password,
)
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.errors import UnsupportedContainer

_SHA = {oids.HMAC_SHA1: "sha1", oids.HMAC_SHA256: "sha256", oids.HMAC_SHA512: "sha512"}
_AES = {oids.AES_128_CBC: 16, oids.AES_256_CBC: 32}


def load(outer: Element, password: str) -> Container:
    """Open an EncryptedPrivateKeyInfo. Raises WrongPassword, DamagedContainer, UnsupportedContainer; Malformed."""
    return Container(Kind.PBES2, (ContainerKey(private_key(decrypt_info(outer, password))),))


def decrypt_info(outer: Element, password: str) -> Element:
    """The PrivateKeyInfo in an EncryptedPrivateKeyInfo. Nothing but its form tells a wrong password."""
    items = outer.items(der.SEQUENCE)
    algorithm = items.take()
    secret = items.take().octets()
    items.end()
    for octets in spellings(password):
        plain = decrypt(algorithm, secret, octets)
        try:
            info = der.parse(plain)
            info.items(der.SEQUENCE).take().small(1)
        except Malformed:
            continue
        return info
    raise wrong_password()


def decrypt(algorithm: Element, secret: bytes, password: bytes) -> bytes:
    """What PBES2 hides; garbage for a wrong password. Raises UnsupportedContainer and Malformed."""
    items = algorithm.items(der.SEQUENCE)
    if items.take().oid() != oids.PBES2:
        raise UnsupportedContainer("the key is encrypted by a method that is not supported: ask for PKCS#12 with PBES2")
    scheme = items.take().items(der.SEQUENCE)
    derivation, cipher = scheme.take().items(der.SEQUENCE), scheme.take().items(der.SEQUENCE)
    scheme.end()
    if derivation.take().oid() != oids.PBKDF2:
        raise UnsupportedContainer("the key is derived by a method that is not supported: ask for PKCS#12 with PBES2")
    kind = cipher.take().oid()
    if kind == oids.GOST_28147_CFB:
        parameters = cipher.take().items(der.SEQUENCE)
        iv = parameters.take().octets()
        sbox = parameters.maybe(der.OCTET_STRING)
        if len(iv) != 8 or (sbox is not None and len(sbox.body) != 64):
            raise Malformed("the cipher's parameters have wrong lengths")
        key = _derived(derivation, password, 32)
        return gost28147.Cipher(key, sbox.body if sbox else gost28147.DKE1).decrypt_cfb(iv, secret)
    if kind in _AES:
        iv = cipher.take().octets()
        if len(iv) != 16 or len(secret) % 16:
            raise Malformed("the cipher's parameters have wrong lengths")
        return _aes(_derived(derivation, password, _AES[kind]), iv, secret)
    raise UnsupportedContainer(f"the key is encrypted with {kind}, which is not supported: ask for PKCS#12 with PBES2")


def encrypt(plain: bytes, password: str, random: Callable[[int], bytes], iterations: int = 10_000) -> bytes:
    """EncryptedPrivateKeyInfo in the Ukrainian manner; `random(n)` gives n octets."""
    salt, iv = random(32), random(8)
    key = gost34311.pbkdf2(password.encode(), salt, iterations)
    prf = der.sequence(der.oid(oids.HMAC_GOST), der.null())
    derivation = der.sequence(der.oid(oids.PBKDF2), der.sequence(der.octets(salt), der.integer(iterations), prf))
    cipher = der.sequence(der.oid(oids.GOST_28147_CFB), der.sequence(der.octets(iv), der.octets(gost28147.DKE1)))
    scheme = der.sequence(der.oid(oids.PBES2), der.sequence(derivation, cipher))
    return der.sequence(scheme, der.octets(gost28147.Cipher(key).encrypt_cfb(iv, plain)))


def _derived(derivation: der.Items, password: bytes, length: int) -> bytes:
    items = derivation.take().items(der.SEQUENCE)
    salt = items.take().octets()
    iterations = items.take().integer()
    if not 1 <= iterations <= MAX_ITERATIONS:
        raise Malformed(f"{iterations} iterations of the key derivation")
    if (given := items.maybe(der.INTEGER)) is not None and given.integer() != length:
        raise Malformed("the derived key has the wrong length")
    prf = oids.HMAC_SHA1
    if (named := items.maybe(der.SEQUENCE)) is not None:
        prf = named.items(der.SEQUENCE).take().oid()
    if prf == oids.HMAC_GOST:
        return gost34311.pbkdf2(password, salt, iterations, length)
    if prf in _SHA:
        import hashlib

        return hashlib.pbkdf2_hmac(_SHA[prf], password, salt, iterations, length)
    raise UnsupportedContainer(f"the key is derived with {prf}, which is not supported: ask for PKCS#12 with PBES2")


def _aes(key: bytes, iv: bytes, secret: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(secret) + decryptor.finalize()
    pad = plain[-1] if plain else 0
    return plain[:-pad] if 1 <= pad <= 16 else plain
