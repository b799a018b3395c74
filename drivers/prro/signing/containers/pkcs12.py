"""PKCS#12 (.pfx, .p12, .zs2) with Ukrainian algorithms (RFC 7292; signing.md §8.4).

    PFX       SEQ{ 3, ContentInfo data{ OCTET STRING authSafe }, MacData{ SEQ{ digest, value }, salt, iterations } }
    authSafe  SEQ OF ContentInfo, each `data` or PBES2 `encryptedData` around SEQ OF SafeBag
    SafeBag   SEQ{ OID, [0] value, SET attributes? }: shrouded key bags, certificate bags; others are skipped

The MAC is checked first: it tells a wrong password in a second. Key bags are opened until one fits a certificate that
signs, because each costs two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drivers.prro.signing import der, gost34311, oids
from drivers.prro.signing.certificate import Certificate, read
from drivers.prro.signing.containers import pbes2
from drivers.prro.signing.containers.content import (
    MAX_ITERATIONS,
    Container,
    ContainerKey,
    Kind,
    damaged,
    private_key,
    spellings,
    wrong_password,
)
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.errors import CertificateDamaged, NoSigningKey, UnsupportedContainer

_SHA = {oids.SHA1: ("sha1", 64), oids.SHA256: ("sha256", 64), oids.SHA512: ("sha512", 128)}

Hash = Callable[[bytes], bytes]


def load(outer: Element, password: str, certificates: Sequence[Certificate] = ()) -> Container:
    """Open it. Raises WrongPassword, DamagedContainer, UnsupportedContainer, NoSigningKey; Malformed."""
    items = outer.items(der.SEQUENCE)
    items.take()
    content = items.take().items(der.SEQUENCE)
    if content.take().oid() != oids.DATA:
        raise UnsupportedContainer("the file is sealed with a key, not with a password: ask for another")
    safes = content.take().inside(der.context(0)).octets()
    if not items:
        raise UnsupportedContainer("the file has no check of integrity: ask for another")
    _check_mac(items.take(), safes, password)
    bags: list[Element] = []
    for safe in der.parse(safes).items(der.SEQUENCE):
        bags += _bags(safe, password)
    own = [found for bag in bags if (found := _certificate(bag))]
    signing = [certificate.key for certificate in (*own, *certificates) if certificate.signs]
    opened: list[ContainerKey] = []
    foreign: UnsupportedContainer | None = None
    for bag in bags:
        try:
            key = _key(bag, password)
        except UnsupportedContainer as error:
            foreign = error
            continue
        if key is None:
            continue
        opened.append(key)
        if key.private.public in signing:
            break
    if not opened and foreign is not None:
        raise foreign
    if not opened:
        raise NoSigningKey("the file holds certificates but no key: choose the key file itself")
    return Container(Kind.PKCS12, tuple(opened), tuple(own))


def write(
    info: bytes,
    certificates: Sequence[bytes],
    password: str,
    random: Callable[[int], bytes],
    iterations: int = 10_000,
) -> bytes:
    """A file around one PrivateKeyInfo and its certificates; `random(n)` gives n octets."""
    bags = [_bag(oids.SHROUDED_KEY_BAG, pbes2.encrypt(info, password, random, iterations))]
    for certificate in certificates:
        value = der.write(der.context(0), der.octets(certificate))
        bags.append(_bag(oids.CERT_BAG, der.sequence(der.oid(oids.X509_CERTIFICATE), value)))
    safes = der.sequence(_data(der.sequence(*bags)))
    salt = random(32)
    key = _mac_key(gost34311.digest, gost34311.SIZE, gost34311.BLOCK, password, salt, iterations)
    algorithm = der.sequence(der.oid(oids.GOST_34311), der.null())
    mac = der.sequence(algorithm, der.octets(gost34311.hmac(key, safes)))
    return der.sequence(der.integer(3), _data(safes), der.sequence(mac, der.octets(salt), der.integer(iterations)))


def _check_mac(element: Element, safes: bytes, password: str) -> None:
    items = element.items(der.SEQUENCE)
    info = items.take().items(der.SEQUENCE)
    algorithm = info.take().items(der.SEQUENCE).take().oid()
    expected = info.take().octets()
    salt = items.take().octets()
    iterations = items.take().integer() if items else 1
    if not 1 <= iterations <= MAX_ITERATIONS or not salt:
        raise Malformed("its check has no salt or an absurd count of iterations")
    import hmac

    if algorithm == oids.GOST_34311:
        key = _mac_key(gost34311.digest, gost34311.SIZE, gost34311.BLOCK, password, salt, iterations)
        mac = gost34311.hmac(key, safes)
    elif algorithm in _SHA:
        import hashlib

        name, block = _SHA[algorithm]
        key = _mac_key(
            lambda data: hashlib.new(name, data).digest(),
            hashlib.new(name).digest_size,
            block,
            password,
            salt,
            iterations,
        )
        mac = hmac.digest(key, safes, name)
    else:
        raise UnsupportedContainer(f"the file is checked with {algorithm}, which is not supported: ask for another")
    if not hmac.compare_digest(mac, expected):
        raise wrong_password()


def _mac_key(hashed: Hash, size: int, block: int, password: str, salt: bytes, iterations: int) -> bytes:
    """RFC 7292 appendix B, id 3, one block of output."""

    def filled(data: bytes) -> bytes:
        length = (len(data) + block - 1) // block * block
        return (data * (length // len(data) + 1))[:length]

    value = b"\x03" * block + filled(salt) + filled(password.encode("utf-16-be", "surrogatepass") + b"\x00\x00")
    for _ in range(iterations):
        value = hashed(value)
    return value[:size]


def _bags(safe: Element, password: str) -> list[Element]:
    """The bags of one safe."""
    items = safe.items(der.SEQUENCE)
    kind = items.take().oid()
    content = items.take().inside(der.context(0))
    if kind == oids.DATA:
        return list(der.parse(content.octets()).items(der.SEQUENCE))
    if kind != oids.ENCRYPTED_DATA:
        return []
    encrypted = content.items(der.SEQUENCE)
    encrypted.take().small(2)
    info = encrypted.take().items(der.SEQUENCE)
    info.take()
    algorithm = info.take()
    secret = info.take(der.context(0, constructed=False)).body
    for octets in spellings(password):
        try:
            return list(der.parse(pbes2.decrypt(algorithm, secret, octets)).items(der.SEQUENCE))
        except Malformed:
            continue
    raise damaged("an encrypted part does not open")


def _opened(bag: Element) -> tuple[str, Element, str]:
    """(kind, value, friendly name) of a bag."""
    items = bag.items(der.SEQUENCE)
    kind = items.take().oid()
    value = items.take().inside(der.context(0))
    alias = ""
    for attribute in items.take().items(der.SET) if items else ():
        pair = attribute.items(der.SEQUENCE)
        if pair.take().oid() == oids.FRIENDLY_NAME:
            alias = pair.take().inside(der.SET).text()
    return kind, value, alias


def _certificate(bag: Element) -> Certificate | None:
    kind, value, _ = _opened(bag)
    if kind != oids.CERT_BAG:
        return None
    items = value.items(der.SEQUENCE)
    if items.take().oid() != oids.X509_CERTIFICATE:
        return None
    try:
        return read(items.take().inside(der.context(0)).octets())
    except CertificateDamaged:
        # The key may still fit a certificate that the owner picks.
        return None


def _key(bag: Element, password: str) -> ContainerKey | None:
    kind, value, alias = _opened(bag)
    if kind == oids.SHROUDED_KEY_BAG:
        value = pbes2.decrypt_info(value, password)
    elif kind != oids.KEY_BAG:
        return None
    return ContainerKey(private_key(value), alias)


def _data(content: bytes) -> bytes:
    return der.sequence(der.oid(oids.DATA), der.write(der.context(0), der.octets(content)))


def _bag(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.write(der.context(0), value))
