"""What comes out of a container, and what its readers share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.errors import DamagedContainer, UnsupportedContainer, WrongPassword
from drivers.prro.signing.keys import PrivateKey, UnsupportedKey, read_private

MAX_ITERATIONS = 200_000


class Kind(Enum):
    """The form of a container."""

    KEY6 = "Key-6.dat"
    JKS = "JKS"
    PKCS12 = "PKCS#12"
    PBES2 = "PKCS#8"


@dataclass(frozen=True)
class ContainerKey:
    """A private key and the name that the container gives it (empty where there is none)."""

    private: PrivateKey
    alias: str = ""


@dataclass(frozen=True)
class Container:
    """An opened container. `locked` are the aliases of keys that this password does not open."""

    kind: Kind
    keys: tuple[ContainerKey, ...]
    certificates: tuple[Certificate, ...] = ()
    locked: tuple[str, ...] = ()

    def close(self) -> None:
        """Overwrite every key of it."""
        for key in self.keys:
            key.private.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an opened container is neither copied nor pickled")


def spellings(password: str) -> Iterator[bytes]:
    """The octets that a password may stand for: UTF-8, and windows-1251 as programs of the ANSI days wrote it."""
    seen = set()
    for encoding in ("utf-8", "cp1251"):
        try:
            octets = password.encode(encoding)
        except UnicodeEncodeError:
            continue
        if octets not in seen:
            seen.add(octets)
            yield octets


def private_key(info: Element) -> PrivateKey:
    """The key of an opened PrivateKeyInfo. Raises DamagedContainer, or UnsupportedContainer for a foreign algorithm."""
    try:
        return read_private(info)[0]
    except UnsupportedKey as error:
        raise UnsupportedContainer(f"{error}: ask the provider for a signature key of DSTU 4145") from error
    except Malformed as error:
        raise damaged(error) from error


def wrong_password() -> WrongPassword:
    return WrongPassword("the password does not open the key file: check the layout and Caps Lock, and type it again")


def damaged(why: object) -> DamagedContainer:
    return DamagedContainer(f"the key file is cut or altered ({why}): take it again from the provider's medium")
