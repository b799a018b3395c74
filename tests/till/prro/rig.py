"""A shop on a software registrar: a virtual fiscal server, real key containers with a password, a real ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.document import DocumentKind
from drivers.emulation.memory import Tape
from drivers.prro.emulator.web import FiscalEmulator, build
from drivers.prro.keys import ring
from kiosk.config import Policy
from kiosk.ledger.records import FiscalDocument
from kiosk.till.keys import KeyView
from kiosk.till.till import Till
from tests.till.shop.rig import Shop

FN = "4000123456"
TIN = "12345678"
PASSWORD = "parol-Kluch-7319"
"""Long and strange enough to be looked for in every file."""
PEOPLE = ("cashier", "second", "senior", "head")


def build_server(folder: Path, **options: Any) -> FiscalEmulator:
    """A fiscal server with its memory and the demo keys in `folder`."""
    settings = {"password": PASSWORD} | {name: str(value) for name, value in options.items()}
    return build(settings, state=folder / "fs.db", tape=Tape(None))


def lay_keys(emulator: FiscalEmulator, folder: Path, who: Sequence[str] = PEOPLE) -> Path:
    """The keys' folder of a till: containers with their certificates, and who is trusted."""
    made = emulator.demo.folder
    assert made is not None
    (folder / "trust").mkdir(parents=True, exist_ok=True)
    shutil.copy(made / "authority.cer", folder / "trust" / "authority.cer")
    for name in who:
        for suffix in (".jks", ".cer"):
            shutil.copy(made / f"{name}{suffix}", folder / f"{name}{suffix}")
    return folder


@dataclass
class Software(Shop):
    """The shop of the till's tests, with a key that must be unlocked."""

    emulator: FiscalEmulator = field(kw_only=True)
    keys: Path = field(kw_only=True)

    def unlock(self, slot: str = "") -> KeyView:
        return self.till.keys.unlock(self.binding, PASSWORD, slot=slot)

    def begin(self, float_: int = 50_000, name: str = "Олена") -> Till:
        """Log in, unlock, open."""
        self.login(name)
        self.unlock()
        self.open(float_)
        return self.till

    def killed(self) -> Till:
        """A new start after a kill: the keys died with the process."""
        ring.lock_all()
        self.till.workplace.close()
        self.till = self._open()
        return self.till

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def stream(self) -> list[dict[str, Any]]:
        """Documents of the server that count, oldest first."""
        return [entry for entry in self.emulator.registers()["journal"] if not entry["revoked"]]

    @property
    def kinds(self) -> list[str]:
        return [entry["kind"].lower() for entry in self.stream]

    @property
    def documents(self) -> list[FiscalDocument]:
        """Registered documents of the ledger, in their order."""
        with self.ledger.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT id FROM fiscal_documents WHERE done_seq IS NOT NULL ORDER BY done_seq"
            ).all()
        from uuid import UUID

        return [self.ledger.receipts.document(UUID(str(row[0]))) for row in rows]

    def agrees(self) -> None:
        """The ledger tells of the same documents as the server, with the same numbers."""
        closing = {"close_shift"}
        there = [
            (entry["kind"].lower(), str(entry["fiscal"]))
            for entry in self.stream
            if entry["kind"].lower() not in closing
        ]
        here = [(item.kind.value, item.result.number if item.result else "") for item in self.documents]
        assert here == there


def url_of(emulator: FiscalEmulator, keys: Path, state: Path, slot: str = "cashier", **more: object) -> str:
    options = {
        "fn": FN, "key": slot, "keys": keys, "state": state, "demo": "yes", "tsp": "no", "connect_ms": 1000,
        "read_ms": 3000, "command_ms": 3000,
    } | more  # fmt: skip
    return f"prro+{emulator.address}?" + "&".join(f"{name}={value}" for name, value in options.items())


@contextmanager
def software(
    folder: Path, *, slot: str = "cashier", policy: Policy | None = None, **options: Any
) -> Iterator[Software]:
    """A furnished shop beside its fiscal server; nobody has logged in yet."""
    folder.mkdir(parents=True, exist_ok=True)
    with build_server(folder, **options) as emulator:
        keys = lay_keys(emulator, folder / "keys")
        url = url_of(emulator, keys, folder / "prro", slot, tape=folder / "tape.txt")
        shop = Software(
            folder / "till",
            url,
            policy=policy or Policy(cash_rounding=50, online_opening=False),
            tax_number=TIN,
            emulator=emulator,
            keys=keys,
        )
        try:
            yield shop
        finally:
            shop.close()
            ring.lock_all()


__all__ = ["FN", "PASSWORD", "DocumentKind", "Software", "build_server", "lay_keys", "software", "url_of"]
