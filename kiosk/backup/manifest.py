"""The first member of a copy: what it holds, whose it is, and where the numbering stood. Signed by the shop.

Sizes in bytes, moments aware UTC, hashes SHA-256 in hex.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePosixPath

import msgspec

from kiosk.backup.errors import BadCopy

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LEDGER, SETTINGS, STORES, DATA, KEYS = "ledger/ledger.db", "settings/kiosk.toml", "prro", "data", "keys"
NAME = re.compile(r"kasa-(?P<shop>[0-9a-f]{8})-(?P<at>\d{8}T\d{6}Z)-(?P<why>[a-z]+)\.tar\.zst\.age", re.ASCII)


class Member(msgspec.Struct, frozen=True):
    """One file of the copy."""

    path: str
    size: int
    sha256: str


class Registrar(msgspec.Struct, frozen=True):
    """Where one registrar's numbering stood. `next_number` and the rest are None for a hardware registrar.

    `last_number` is the number of the last registered document in the ledger, as the registrar printed it; `waiting`
    counts offline documents that the server had not got.
    """

    binding: int
    url: str
    serial: str
    fiscal_number: str
    last_number: str = ""
    last_z: int | None = None
    shift_open: bool = False
    store: str = ""
    next_number: int | None = None
    waiting: int = 0
    session: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy says about itself. `unsettled`: ids of documents whose outcome the ledger did not know."""

    format: int
    shop: str
    machine: str
    generation: int
    workplace: str
    at: datetime
    why: str
    program: str
    revision: str = ""
    journal: int = 0
    journal_hash: str = ""
    documents: int = 0
    receipts: int = 0
    unsettled: tuple[str, ...] = ()
    data: str = ""
    """The data folder that the copy was made of."""
    registrars: tuple[Registrar, ...] = ()
    members: tuple[Member, ...] = ()

    @property
    def name(self) -> str:
        """The file's name on a target. It tells nothing but the shop's number and the time."""
        return f"kasa-{self.shop}-{self.at:%Y%m%dT%H%M%SZ}-{self.why}.tar.zst.age"

    @property
    def size(self) -> int:
        return sum(member.size for member in self.members)


def moment_of(name: str) -> datetime | None:
    """When a copy with this name was made, None for a stranger's file."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found["at"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return None


def shop_of(name: str) -> str:
    found = NAME.fullmatch(name)
    return found["shop"] if found else ""


class _Head(msgspec.Struct):
    format: int


def read(content: bytes) -> Manifest:
    """Decode and judge a manifest. Raises `BadCopy` for another version and for nonsense."""
    try:
        number = msgspec.json.decode(content, type=_Head).format
        if number > FORMAT:
            raise BadCopy(
                "NEWER", f"the copy has format {number}, this program reads {FORMAT}: update the program first"
            )
        if number < FORMAT:
            raise BadCopy(
                "OLDER", f"the copy has the old format {number}: restore it with the three tools of the README"
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCopy("DAMAGED", f"the copy's table of contents makes no sense: {error}") from error
    names = [member.path for member in manifest.members]
    if (
        len(set(names)) != len(names)
        or not all(map(safe, names))
        or any(member.size < 0 for member in manifest.members)
    ):
        raise BadCopy("DAMAGED", "the copy's table of contents names impossible files")
    return manifest


def safe(name: str) -> bool:
    """Whether a member stays inside the folder it is unpacked to."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name and len(parts) > 1
