"""What one line says about a software registrar (registry.RegistrarUrl): where, which, with whose key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from drivers.prro.client import TAX_SERVICE, Timeouts


@dataclass(frozen=True)
class Settings:
    """`base` is the server's address up to `/fs`, `register` the registrar's fiscal number, `slot` the key's.

    `lost`: what an offline session does about the online document whose answer never came: `ask` waits for the server,
    `reissue` issues the act again after `doubt` seconds and takes the other one back when it turns out to exist
    (REVOKELASTONLINEDOC, fiscal-server.md §6.8). `signers`: codes whose tickets are believed; none means any of them.
    """

    base: str
    register: str
    slot: str
    keys: Path
    state: Path
    testing: bool = False
    stamps: bool = True
    timeouts: Timeouts = field(default_factory=Timeouts)
    demo: bool = False
    lost: str = "ask"
    doubt: float = 20.0
    signers: Collection[str] = TAX_SERVICE
    bound: str = ""
    """The registrar that the till is bound to; "" for whichever the address names."""
    tape: Path | None = None
    authority: Path | None = None
    """File of the TLS authorities that are believed instead of the system's."""

    @property
    def number(self) -> int:
        """The fiscal number as commands want it."""
        return int(self.register)
