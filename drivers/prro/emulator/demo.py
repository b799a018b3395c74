"""The people and keys of the virtual world, made on the first start (signing.md §10).

With a state file `fs.db` they live in the folder `fs.demo` beside it:

    demo.json            where the server is and what a client needs: fn, tin, names, files, the password
    cashier.jks .cer     the demo cashier: point a client at these two
    second.jks .cer      another cashier of the same shop
    senior.jks .cer      a senior cashier; head.jks .cer  the firm's seal, its head
    authority.cer        the demo authority: the only one to trust, `server.cer` signs the tickets
    private/             keys of the authority, the server, the time stamp and OCSP

The suffix of the containers follows `--option container=`. Their password is `--option password=` (demo).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from drivers.prro.emulator.authority import Authority, Identity, Subject, restore_identity, save_identity
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Operator
from drivers.prro.signing import oids
from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.certificate import Certificate

_SUFFIX = {"jks": ".jks", "pkcs12": ".pfx", "pbes2": ".pk8", "key6": ".dat"}
PEOPLE = {
    "cashier": ("Коваль Олена Петрівна", "3184710691", "cashier"),
    "second": ("Мельник Іван Іванович", "2911506231", "cashier"),
    "senior": ("Шевченко Марія Василівна", "2805312345", "senior"),
    "head": ("Печатка для РРО", "", "head"),
}
"""File name -> name, РНОКПП (a seal has none), role."""
_SERVICES = ("server", "stamping", "standing")
_BACKDATE = timedelta(days=30)
"""Certificates are older than the first start, so that a clock set back still finds them valid."""


@dataclass
class Demo:
    """Identities of the virtual world, by their file names."""

    authority: Authority
    people: dict[str, Identity]
    services: dict[str, Identity]
    folder: Path | None

    @property
    def cashier(self) -> Identity:
        return self.people["cashier"]

    @property
    def server(self) -> Identity:
        return self.services["server"]

    def operators(self) -> list[Operator]:
        """The keys that form 5-ПРРО would have registered."""
        return [
            Operator(key=key_id(identity.certificate), name=PEOPLE[who][0], reg_num=PEOPLE[who][1], role=PEOPLE[who][2])
            for who, identity in self.people.items()
        ]

    def revoke(self, certificate: Certificate, at: datetime) -> None:
        """Take a certificate back, for OCSP and for the server itself, at the aware time `at`; survives a restart."""
        self.authority.revoke(certificate, at)
        if self.folder is not None:
            self.authority.save(self.folder / "private")


def key_id(certificate: Certificate) -> str:
    """SubjectKeyId as `Operators` gives it."""
    return (certificate.key_id or b"").hex()


def load(settings: Settings, state: Path | None, url: str, at: datetime) -> Demo:
    """The world beside the state file, made if it is not there; without a file, in memory only.

    `url` is where /tsp and /ocsp answer, `at` the aware time of the first start.
    """
    folder = None if state is None else state.with_suffix(".demo")
    if folder is not None and (folder / "private" / "authority.json").is_file():
        return _restore(folder)
    demo = _create(settings, url, at - _BACKDATE)
    demo.folder = folder
    if folder is not None:
        _save(demo, folder, settings)
    return demo


def describe(demo: Demo, settings: Settings, base: str) -> None:
    """Write demo.json: everything a client has to be told. `base` is the URL of this run."""
    if demo.folder is None:
        return
    suffix = _SUFFIX[settings.container]
    page = {
        "url": base,
        "fn": int(settings.fn),
        "desk": int(settings.desk),
        "tin": settings.tin,
        "ipn": settings.ipn,
        "org": settings.org,
        "point": settings.point,
        "address": settings.address,
        "password": settings.password,
        "authority": "authority.cer",
        "server": "server.cer",
        "operators": {
            who: {
                "name": PEOPLE[who][0],
                "role": PEOPLE[who][2],
                "key": f"{who}{suffix}",
                "certificate": f"{who}.cer",
                "key_id": key_id(identity.certificate),
            }
            for who, identity in demo.people.items()
        },
    }
    (demo.folder / "demo.json").write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")


def _create(settings: Settings, url: str, at: datetime) -> Demo:
    authority = Authority.create(at, generation=Digest(settings.keys), url=url)
    people = {}
    for who, (name, drfo, role) in PEOPLE.items():
        seal = role == "head"
        subject = Subject(name, settings.org, drfo="" if seal else drfo, edrpou=settings.tin)
        people[who] = authority.issue(subject, at, purposes=[oids.EKU_SEAL] if seal else [])
    services = {
        "server": authority.fiscal_server(at),
        "stamping": authority.stamping(at),
        "standing": authority.standing(at),
    }
    return Demo(authority, people, services, None)


def _save(demo: Demo, folder: Path, settings: Settings) -> None:
    """Containers first, the authority last: its page of facts says that the folder is complete."""
    private = folder / "private"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for who, identity in demo.people.items():
        container = identity.container(
            settings.kind,
            settings.password,
            at=identity.certificate.not_before,
            chain=[demo.authority.certificate],
        )
        path = folder / f"{who}{_SUFFIX[settings.container]}"
        path.touch(mode=0o600)
        path.write_bytes(container)
        (folder / f"{who}.cer").write_bytes(identity.certificate.raw)
        save_identity(identity, private / f"{who}.jks")
    for name, identity in demo.services.items():
        save_identity(identity, private / f"{name}.jks")
    (folder / "authority.cer").write_bytes(demo.authority.certificate.raw)
    (folder / "server.cer").write_bytes(demo.server.certificate.raw)
    demo.authority.save(private)


def _restore(folder: Path) -> Demo:
    private = folder / "private"
    return Demo(
        Authority.restore(private),
        {who: restore_identity(private / f"{who}.jks") for who in PEOPLE},
        {name: restore_identity(private / f"{name}.jks") for name in _SERVICES},
        folder,
    )
