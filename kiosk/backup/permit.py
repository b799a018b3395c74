"""Whether this machine may sell with these books: not before a restore is finished, and not after another took over.

Every restore makes the next generation of machines and leaves a note of it on the targets,
`kasa-<shop>-machine-<generation>.json`, signed by the shop. A till that finds a younger generation than its own there
was replaced: it opens no shift any more (X-25), whoever switches it on. A software registrar is guarded by the fiscal
server besides (`DeviceRegister`), and a hardware one stands at the new machine.

A target that cannot be reached says nothing; a shop must be able to open without the internet.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from drivers.clock import Clock, kyiv
from kiosk.backup import identity
from kiosk.backup.errors import BackupError
from kiosk.backup.targets import Target, choices, open_target
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import AuditRecord
from kiosk.till.errors import N_, Refusal

PENDING = "restore.pending"
"""Setting: the books came from a copy and the registrars were not compared yet; JSON of `Pending`."""
RETIRED = "backup.retired"
"""Setting: another machine works with these books; JSON of `Claim`."""
NOTE = re.compile(r"kasa-(?P<shop>[0-9a-f]{8})-machine-(?P<generation>\d{4,})\.json", re.ASCII)

log = logging.getLogger(__name__)


class Claim(msgspec.Struct, frozen=True):
    """Which machine works with the books of a shop since when."""

    shop: str
    machine: str
    generation: int
    at: datetime
    signature: bytes = b""

    @property
    def name(self) -> str:
        return f"kasa-{self.shop}-machine-{self.generation:04}.json"

    def signed(self, signing: bytes) -> Claim:
        return msgspec.structs.replace(self, signature=identity.sign(signing, self._body()))

    def genuine(self, verify: bytes) -> bool:
        return identity.signed_by(verify, self.signature, self._body())

    def _body(self) -> bytes:
        return msgspec.json.encode(msgspec.structs.replace(self, signature=b""))


class Pending(msgspec.Struct, frozen=True):
    """A restore that is not finished. `waiting`: offline documents of the copy that nobody had got."""

    copy: str
    copied_at: datetime
    restored_at: datetime
    waiting: int = 0


class Permit:
    """Asked by the till before it opens a shift or sells; answers `kiosk.till.workplace.Gate`."""

    def __init__(
        self, ledger: Ledger, place: identity.Place, clock: Clock, targets: Callable[[], Sequence[Target]] | None = None
    ) -> None:
        self._ledger = ledger
        self._place = place
        self._clock = clock
        self._targets = targets or (lambda: all_targets(place))
        self._pending = ledger.shop.setting(PENDING) or ""

    @property
    def closed(self) -> bool:
        """Nothing may be asked of a registrar but what the restore asks."""
        return bool(self._pending)

    def selling(self) -> None:
        """Raises `Refusal` while a restore is not finished."""
        if self._pending:
            # It may have been finished meanwhile.
            self._pending = self._ledger.shop.setting(PENDING) or ""
        if self._pending:
            pending = msgspec.json.decode(self._pending, type=Pending)
            raise Refusal(
                "RESTORING",
                N_("These books came from the copy of {at}, and the registrar was not compared with them yet"),
                N_("Nothing was sent. Finish the restore: F11, «Copies of the data», F7."),
                at=f"{kyiv(pending.copied_at):%d.%m.%Y %H:%M}",
            )

    def opening(self) -> None:
        """Raises `Refusal` as `selling` does, and on a machine that was replaced."""
        self.selling()
        claim = self.retired() or self._look()
        if claim is not None:
            raise Refusal(
                "REPLACED",
                N_("Since {at} another machine works with these books"),
                N_("Nothing was sent. Sell at the new machine; to come back here, restore its newest copy."),
                at=f"{kyiv(claim.at):%d.%m.%Y %H:%M}",
            )

    def retired(self) -> Claim | None:
        """Who replaced this machine, as far as it is known here."""
        text = self._ledger.shop.setting(RETIRED)
        return msgspec.json.decode(text, type=Claim) if text else None

    def _look(self) -> Claim | None:
        machine = identity.machine_of(self._place)
        if machine is None:
            return None
        for target in self._targets():
            try:
                claim = successor(target, machine)
            except BackupError as error:
                log.warning(
                    "whether this machine was replaced cannot be asked at %s: %s", target.chosen.name, error.what
                )
                continue
            if claim is not None:
                self._ledger.shop.set_setting(RETIRED, msgspec.json.encode(claim).decode())
                self._ledger.audit.add(
                    AuditRecord(self._clock.now(), None, "machine_replaced", {"machine": claim.machine}, allowed=False)
                )
                return claim
        return None

    def finish(self) -> None:
        """Permission to sell: every registrar was compared with the books."""
        self._ledger.shop.set_setting(PENDING, "")
        self._pending = ""


def all_targets(place: identity.Place) -> list[Target]:
    """The owner's targets, opened."""
    machine = identity.machine_of(place)
    password = machine.config_password if machine is not None else ""
    return [open_target(chosen, place.folder, password) for chosen in choices(place.folder)]


def successor(target: Target, machine: identity.Machine) -> Claim | None:
    """The youngest machine that works with this shop's books, where it is not this one. Raises `TargetGone`."""
    youngest = None
    for name in target.names():
        found = NOTE.fullmatch(name)
        if found is None or found["shop"] != machine.shop or int(found["generation"]) < machine.generation:
            continue
        try:
            claim = msgspec.json.decode(target.get(name), type=Claim)
        except (msgspec.DecodeError, UnicodeDecodeError, json.JSONDecodeError):
            continue
        genuine = claim.genuine(machine.verify) and claim.name == name and claim.machine != machine.machine
        if genuine and (youngest is None or claim.generation > youngest.generation):
            youngest = claim
    return youngest


def generation(target: Target, shop: str) -> int:
    """The youngest generation that a target knows, 0 for none."""
    found = [NOTE.fullmatch(name) for name in target.names()]
    return max((int(each["generation"]) for each in found if each is not None and each["shop"] == shop), default=0)


def claim(target: Target, machine: identity.Machine, at: datetime, folder: Path) -> None:
    """Leave the note that this machine works with the books from now on. Raises as `Target.put`."""
    note = Claim(machine.shop, machine.machine, machine.generation, at).signed(machine.signing)
    content = msgspec.json.encode(note)
    import hashlib

    path = folder / note.name
    path.write_bytes(content)
    try:
        target.put(path, note.name, hashlib.sha256(content).hexdigest())
    finally:
        path.unlink(missing_ok=True)
