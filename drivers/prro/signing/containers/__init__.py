"""Key containers that owners have: Key-6.dat, .jks, .pfx/.p12/.zs2 and encrypted PKCS#8 (signing.md §8).

    FE ED FE ED                              JKS                    jks.py
    -----BEGIN                               PEM around one of the others
    SEQUENCE{ INTEGER 3 …                    PKCS#12, also .ZS2     pkcs12.py
    SEQUENCE{ SEQUENCE{ OID …19398.1.1.1.2   Key-6.dat of IIT       key6.py
    SEQUENCE{ SEQUENCE{ OID PBES2            encrypted PKCS#8       pbes2.py
    SEQUENCE{ INTEGER 0 …                    bare PKCS#8: refused, the key lies open in the file

The content decides, never the suffix. Opening takes 1–5 s on a development machine (ten thousand hashes by design), so
it is done once and in a worker; the password is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drivers.prro.signing import certificate, der, oids
from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.containers import jks, key6, pbes2, pkcs12
from drivers.prro.signing.containers.content import Container, ContainerKey, Kind
from drivers.prro.signing.der import Malformed
from drivers.prro.signing.errors import DamagedContainer, UnsupportedContainer

__all__ = ["MAX_SIZE", "Container", "ContainerKey", "Kind", "load"]

MAX_SIZE = 1 << 20
SUPPORTED = "Key-6.dat, .jks, .pfx, .p12, .zs2 or an encrypted PKCS#8 file"


def load(
    source: bytes | Path, password: str, *, key_password: str = "", certificates: Sequence[Certificate] = ()
) -> Container:
    """Open a container with its password.

    `key_password` is for JKS files whose key has another password than the file. `certificates` are files that the
    owner picked: a PKCS#12 stops at the first key that one of them (or of its own) fits, which halves the wait.

    Raises WrongPassword, DamagedContainer, UnsupportedContainer or NoSigningKey (drivers.prro.signing.errors), and
    OSError when a path cannot be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    else:
        data = source
    if len(data) > MAX_SIZE:
        raise UnsupportedContainer(f"the file is longer than {MAX_SIZE} octets: choose {SUPPORTED}")
    if data.lstrip().startswith(b"-----BEGIN"):
        blocks = certificate.pem_blocks(data)
        if not blocks:
            raise DamagedContainer("the text file is cut or altered: take the key file again")
        data = blocks[0]
    if data[:4] == jks.MAGIC:
        return jks.load(data, password, key_password)
    if data[:4] == jks.JCEKS_MAGIC:
        raise UnsupportedContainer(f"the file is a JCEKS store, which no provider issues: choose {SUPPORTED}")
    try:
        outer = der.parse(data)
        items = outer.items(der.SEQUENCE)
        first = items.take()
        if first.tag == der.INTEGER:
            version = first.integer()
            if version == 3:
                return pkcs12.load(outer, password, certificates)
            if version in (0, 1):
                raise UnsupportedContainer(f"the key lies in the file without a password: ask for {SUPPORTED}")
        elif first.tag == der.SEQUENCE:
            oid = first.items(der.SEQUENCE).take().oid()
            if oid == oids.IIT_CONTAINER:
                return key6.load(outer, password)
            if oid == oids.PBES2:
                return pbes2.load(outer, password)
    except Malformed as error:
        if data[:1] != b"\x30":
            raise UnsupportedContainer(f"the file is no key container: choose {SUPPORTED}") from error
        raise DamagedContainer(f"the key file is cut or altered ({error}): take it again") from error
    raise UnsupportedContainer(f"the file is no key container: choose {SUPPORTED}")
