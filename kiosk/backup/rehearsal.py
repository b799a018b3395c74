"""The weekly proof: bring the newest copy back from a target and restore it into a temporary place, with every check.

The machine's own key opens it, so nobody has to type the recovery code; that the code opens the copies too was proved
when it was made, and `kiosk backup check-code` proves it again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from drivers.clock import Clock
from kiosk.backup import archive, gather, identity, making, manifest, permit, restore, targets
from kiosk.backup.errors import BackupError, NoRoom
from kiosk.backup.gather import Source
from kiosk.backup.manifest import Manifest
from kiosk.backup.targets import Target


@dataclass(frozen=True)
class Proof:
    """A copy that came back whole: which, from where, and what it holds."""

    target: str
    contents: Manifest


def rehearse(source: Source, clock: Clock, opened: Sequence[Target] | None = None) -> list[Proof]:
    """Try every target; the state remembers how it went. Raises `BackupError` for the first that failed."""
    machine = identity.machine_of(source.place)
    if machine is None:
        raise BackupError("NOT_SET_UP", "backups are not set up: run «kiosk backup setup» first")
    proofs: list[Proof] = []
    failure: BackupError | None = None
    with making.alone(source.place):
        making.sweep(source.place)
        for target in permit.all_targets(source.place) if opened is None else opened:
            try:
                proofs.append(prove(source, target, machine, clock))
            except BackupError as error:
                failure = failure or BackupError(error.code, f"{target.chosen.name}: {error.what}")
    if not proofs and failure is None:
        failure = BackupError("NO_TARGET", "no target is chosen: there is nothing to rehearse")
    state = msgspec.structs.replace(making.state_of(source.place), rehearsal_at=clock.now())
    if failure is None:
        state = msgspec.structs.replace(state, rehearsed_at=clock.now(), rehearsal_error="")
    else:
        state = msgspec.structs.replace(state, rehearsal_error=failure.what)
    making.keep_state(source.place, state)
    making.set_setting(source, making.TROUBLE, making.trouble(state))
    if failure is not None:
        raise failure
    return proofs


def prove(source: Source, target: Target, machine: identity.Machine, clock: Clock) -> Proof:
    """One target's newest copy, restored into a temporary folder that is gone afterwards. Raises `BackupError`."""
    found = targets.stored(target, machine.shop)
    if not found:
        raise BackupError("NO_COPY", "there is no complete copy")
    place = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=source.place.folder))
    try:
        path = place / found[0].name
        targets.bring(target, found[0], path)
        contents = archive.peek(path, [machine.key], machine.verify)
        if shutil.disk_usage(place).free < contents.size + gather.SPARE:
            raise NoRoom("a trial restore needs as much room as the data: free the disk")
        staging = place / "restored"
        archive.unpack(path, [machine.key], machine.verify, staging)
        restore.check(staging, contents, clock)
        if contents.name != found[0].name or manifest.shop_of(contents.name) != machine.shop:
            raise BackupError("SWAPPED", f"{found[0].name} is in truth {contents.name}")
        return Proof(target.chosen.name, contents)
    finally:
        shutil.rmtree(place, ignore_errors=True)
