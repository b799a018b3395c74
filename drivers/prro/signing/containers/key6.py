"""Key-6.dat of IIT (signing.md §8.3).

SEQ{ SEQ{ OID …19398.1.1.1.2, SEQ{ OCTET STRING mac(4), OCTET STRING pad(0–7) } }, OCTET STRING body }
key        GOST 34.311 applied 10 000 times to the password
plaintext  GOST 28147 ECB decryption of body ‖ pad, cut to the length of body: a PrivateKeyInfo
mac        GOST 28147 MAC32 of the plaintext under the same key: tells a wrong password from a damaged key
"""

from __future__ import annotations

from drivers.prro.signing import der, gost34311, oids
from drivers.prro.signing.containers.content import (
    Container,
    ContainerKey,
    Kind,
    damaged,
    private_key,
    spellings,
    wrong_password,
)
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.gost28147 import Cipher

ITERATIONS = 10_000


def load(outer: Element, password: str) -> Container:
    """Open it. Raises WrongPassword, DamagedContainer; Malformed when the form is broken."""
    items = outer.items(der.SEQUENCE)
    header = items.take().items(der.SEQUENCE)
    body = items.take().octets()
    items.end()
    header.take()
    check = header.take().items(der.SEQUENCE)
    mac, pad = check.take().octets(), check.take().octets()
    check.end()
    if len(mac) != 4 or len(pad) > 7 or (len(body) + len(pad)) % 8 or not body:
        raise Malformed("the lengths of its parts do not fit")
    for octets in spellings(password):
        cipher = Cipher(gost34311.repeated(octets, ITERATIONS))
        plain = cipher.decrypt_ecb(body + pad)[: len(body)]
        if cipher.mac(plain) == mac:
            break
    else:
        raise wrong_password()
    try:
        info = der.parse(plain)
    except Malformed as error:
        raise damaged(error) from error
    return Container(Kind.KEY6, (ContainerKey(private_key(info)),))


def write(info: bytes, password: str) -> bytes:
    """The container around a PrivateKeyInfo."""
    cipher = Cipher(gost34311.repeated(password.encode(), ITERATIONS))
    body = cipher.encrypt_ecb(info + bytes(-len(info) % 8))
    mac = cipher.mac(info)
    check = der.sequence(der.octets(mac), der.octets(body[len(info) :]))
    return der.sequence(der.sequence(der.oid(oids.IIT_CONTAINER), check), der.octets(body[: len(info)]))
