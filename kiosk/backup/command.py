"""`kiosk backup …` and `kiosk restore …`: everything about copies without a screen.

    kiosk backup setup                              make the owner's identity and show the recovery code, once
    kiosk backup target add NAME --folder DIR       a second disk, a stick, a mounted share
    kiosk backup target add NAME --rclone KIND --where PATH [-o key=value …]      any cloud that rclone knows
    kiosk backup target list | remove NAME | test NAME
    kiosk backup now | list | status                make a copy; what is on the targets; how it stands
    kiosk backup verify [COPY]                      bring a copy back and check every byte
    kiosk backup rehearse                           the weekly trial restore, now
    kiosk restore [--folder DIR | --target NAME] [--copy NAME] [--future]      put a copy in place of what is here
    kiosk restore finish [--accept-lost]            compare the registrars and give permission to sell

A recovery code is typed or read from the standard input, never an argument: arguments are public. Exit status: 0 done,
1 a copy or a check failed, 2 usage or settings, 3 not now (try later).
"""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any, TextIO

import msgspec

from drivers.clock import Clock, SystemClock, kyiv
from kiosk import config
from kiosk.backup import archive, identity, making, manifest, permit, rehearsal, restore, schedule, targets
from kiosk.backup.errors import BackupError, Postponed
from kiosk.backup.gather import Source
from kiosk.backup.targets import Chosen, Posture, Stored, Target

DONE, FAILED, USAGE, LATER = 0, 1, 2, 3


def add(commands: Any) -> None:
    """Add the two commands to the `kiosk` program's."""
    backup = commands.add_parser("backup", help="copies of the data: make, list, verify, rehearse")
    actions = backup.add_subparsers(required=True, metavar="ACTION")
    for name, run, text in (
        ("setup", setup, "make the owner's identity and show the recovery code, once"),
        ("now", now, "make a copy and bring it to every target"),
        ("list", list_copies, "what is on the targets"),
        ("status", status, "how the backups stand"),
        ("verify", verify, "bring a copy back and check every byte"),
        ("rehearse", rehearse, "restore the newest copy into a temporary place"),
    ):
        action = actions.add_parser(name, help=text)
        action.set_defaults(run=_guarded(run))
        _config(action)
        if name == "now":
            action.add_argument("--why", default="manual", choices=("manual", "schedule", "z"), help=argparse.SUPPRESS)
            action.add_argument("--progress", action="store_true", help="tell the steps on the standard output")
        if name == "verify":
            action.add_argument("copy", nargs="?", default="", help="name of the copy (the newest of each target)")
    target = actions.add_parser("target", help="where copies go").add_subparsers(required=True, metavar="ACTION")
    adding = target.add_parser("add", help="choose a target")
    adding.add_argument("name")
    where = adding.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, metavar="DIR", help="a second disk, a stick, a mounted share")
    where.add_argument("--rclone", metavar="KIND", help="webdav, s3, sftp, drive, … (rclone's name)")
    adding.add_argument("--where", default="kasa", metavar="PATH", help="folder or bucket/folder on the cloud")
    adding.add_argument("-o", "--option", action="append", default=[], metavar="KEY=VALUE", help="option of rclone")
    adding.add_argument("--limit", default="", metavar="RATE", help="most bytes a second, such as 2M")
    adding.set_defaults(run=_guarded(target_add))
    listing = target.add_parser("list", help="the targets and what they give")
    listing.set_defaults(run=_guarded(target_list))
    for name, run in (("remove", target_remove), ("test", target_test)):
        action = target.add_parser(name)
        action.add_argument("name")
        action.set_defaults(run=_guarded(run))
        _config(action)
    for action in (adding, listing):
        _config(action)
    restoring = commands.add_parser("restore", help="put a copy in place of what is here")
    restoring.add_argument("step", nargs="?", choices=("begin", "finish"), default="begin")
    source = restoring.add_mutually_exclusive_group()
    source.add_argument("--folder", type=Path, metavar="DIR", help="copies on a disk, stick or share")
    source.add_argument("--target", default="", metavar="NAME", help="a target chosen with «kiosk backup target add»")
    restoring.add_argument("--copy", default="", metavar="NAME", help="the copy to take (the newest)")
    restoring.add_argument("--future", action="store_true", help="take a copy that says it is of the future")
    restoring.add_argument("--accept-lost", action="store_true", help="the owner has read which documents are lost")
    restoring.set_defaults(run=_guarded(restore_))
    _config(restoring)


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (see kiosk/config.py for places)")


def _guarded(run: Any) -> Any:
    """An action with its failures as exit states."""

    def go(options: argparse.Namespace) -> int:
        try:
            return int(run(options))
        except Postponed as error:
            print(f"not now: {error.what}", file=sys.stderr)
            return LATER
        except BackupError as error:
            print(f"error: {error.code}: {error.what}", file=sys.stderr)
            return FAILED

    return go


def source_of(options: argparse.Namespace) -> Source:
    """Where everything lies, by the settings file that the options or the usual places name."""
    path = options.config or next((place for place in config.places() if place.exists()), None)
    return source_with(config.load(path), path)


def source_with(settings: config.Settings, path: Path | None = None) -> Source:
    """The same for settings that are read already."""
    import os

    recordings = Path(os.environ.get("KASA_RECORD", "") or "/nonexistent")
    outside = recordings.is_dir() and not recordings.absolute().is_relative_to(settings.folder.absolute())
    return Source(settings, path, (recordings,) if outside else (), settings.backup.include_keys)


# -- backup -----------------------------------------------------------------------------------------------------------


def setup(options: argparse.Namespace) -> int:
    source = source_of(options)
    code = identity.found(source.place)
    print("The recovery code of this shop's copies. Write it down or print it NOW: it is shown once and kept nowhere.")
    print(f"\n    {code}\n")
    print("Without it no copy can be restored on another machine. Keep it away from the till and from the copies.")
    print("Next: kiosk backup target add NAME --folder DIR (or --rclone KIND)")
    return DONE


def now(options: argparse.Namespace) -> int:
    source = source_of(options)

    def tell(step: str, done: int, total: int) -> None:
        if options.progress:
            print(f"progress\t{step}\t{done}\t{total}", flush=True)

    state = making.run(source, SystemClock(), options.why, progress=tell)
    print(f"made {state.name}")
    for name, target in state.targets.items():
        print(f"{name}: {target.error or 'has it'}")
    return DONE


def status(options: argparse.Namespace) -> int:
    source = source_of(options)
    state = making.state_of(source.place)
    machine = identity.machine_of(source.place)
    if machine is None:
        print("backups are not set up")
        return FAILED
    print(f"shop {machine.shop}, machine {machine.machine[:8]} of generation {machine.generation}")
    print(f"newest safe copy: {_when(making.newest_safe(state))}")
    print(f"last trial restore that went well: {_when(state.rehearsed_at)}")
    for line in problems(state):
        print(f"! {line}")
    waiting = making.waiting(source.place)
    if waiting:
        print(f"{len(waiting)} copies wait for a target")
    return FAILED if problems(state) else DONE


def problems(state: schedule.State) -> list[str]:
    """What is wrong with the backups, in words."""
    found = [f"{name}: {target.error}" for name, target in state.targets.items() if target.error]
    if state.error and state.error not in {target.error for target in state.targets.values()}:
        found.append(state.error)
    if state.rehearsal_error:
        found.append(f"the trial restore failed: {state.rehearsal_error}")
    return found


def list_copies(options: argparse.Namespace) -> int:
    source = source_of(options)
    machine = identity.machine_of(source.place)
    result = DONE
    for target in permit.all_targets(source.place):
        try:
            found = targets.stored(target, machine.shop if machine else "")
        except BackupError as error:
            print(f"{target.chosen.name}: {error.what}")
            result = FAILED
            continue
        print(f"{target.chosen.name}: {len(found)} copies")
        for copy in found:
            print(f"    {_when(copy.at)}  {copy.name}")
    return result


def verify(options: argparse.Namespace) -> int:
    source = source_of(options)
    machine = identity.machine_of(source.place)
    if machine is None:
        raise BackupError("NOT_SET_UP", "backups are not set up: run «kiosk backup setup» first")
    checked = 0
    for target in permit.all_targets(source.place):
        found = [copy for copy in targets.stored(target, machine.shop) if options.copy in ("", copy.name)]
        for copy in found[:1]:
            path = source.place.folder / f"verify-{copy.name}"
            try:
                targets.bring(target, copy, path)
                contents = archive.read(path, [machine.key], machine.verify)
            finally:
                path.unlink(missing_ok=True)
            print(f"{target.chosen.name}: {copy.name} is whole: {describe(contents)}")
            checked += 1
    if not checked:
        raise BackupError("NO_COPY", "there is no such copy on any target")
    return DONE


def describe(contents: manifest.Manifest) -> str:
    """A copy in one line."""
    return (
        f"{contents.workplace}, {contents.receipts} receipts, {contents.documents} documents, "
        f"{contents.journal} journal records, {contents.size // 1024} KB, made {_when(contents.at)}"
    )


def rehearse(options: argparse.Namespace) -> int:
    for proof in rehearsal.rehearse(source_of(options), SystemClock()):
        print(f"{proof.target}: {proof.contents.name} restores: {describe(proof.contents)}")
    return DONE


# -- targets ----------------------------------------------------------------------------------------------------------


def target_add(options: argparse.Namespace) -> int:
    pairs = dict(pair.partition("=")[::2] for pair in options.option)
    if options.folder is not None:
        chosen = add_folder(source_of(options).place, options.name, options.folder)
    else:
        chosen = add_cloud(source_of(options).place, options.name, options.rclone, options.where, pairs, options.limit)
    print(f"{chosen.name}: {say_posture(chosen.posture)}")
    return DONE


def add_folder(place: identity.Place, name: str, where: Path) -> Chosen:
    """Choose a folder: marked, tried, remembered. Raises `TargetGone`."""
    from kiosk.backup.targets import folder

    chosen = Chosen(name, "folder", str(where.absolute()), mark=folder.mark(where))
    return _remember(place, chosen)


def add_cloud(
    place: identity.Place, name: str, kind: str, where: str, pairs: dict[str, str], limit: str = ""
) -> Chosen:
    """Choose a cloud: into rclone's encrypted configuration, tried, remembered. Raises `BackupError`."""
    from kiosk.backup.targets import rclone

    machine = identity.machine_of(place)
    # A new machine that is to restore has no identity yet: rclone's password waits in a file of its own.
    password = _interim_password(place) if machine is None else machine.config_password
    rclone.add_remote(place.folder / "rclone.conf", password, name, kind, pairs)
    return _remember(place, Chosen(name, "rclone", f"{name}:{where}", limit=limit), password)


def _interim_password(place: identity.Place) -> str:
    import secrets

    from kiosk.backup import files

    path = place.folder / "rclone.password"
    if not path.exists():
        files.write(path, secrets.token_urlsafe(32).encode())
    return path.read_text()


def _remember(place: identity.Place, chosen: Chosen, password: str = "") -> Chosen:
    posture = targets.open_target(chosen, place.folder, password).probe()
    chosen = msgspec.structs.replace(chosen, posture=posture)
    targets.choose(place.folder, chosen)
    return chosen


def say_posture(posture: Posture) -> str:
    """What the target gives against ransomware, in plain words."""
    if posture is Posture.APPEND_ONLY:
        return "append-only: whoever takes over this till can neither delete nor overwrite the copies here"
    return (
        "WARNING: this target lets the till delete its copies, so a program that takes over the till can too. "
        "Use object lock, an append-only account or a stick that is unplugged between copies for one of the targets."
    )


def target_list(options: argparse.Namespace) -> int:
    place = source_of(options).place
    for chosen in targets.choices(place.folder):
        print(f"{chosen.name}\t{chosen.kind}\t{chosen.where}\t{chosen.posture.value}")
    return DONE


def target_remove(options: argparse.Namespace) -> int:
    targets.forget(source_of(options).place.folder, options.name)
    print(f"{options.name} is used no more; its copies stay there")
    return DONE


def target_test(options: argparse.Namespace) -> int:
    place = source_of(options).place
    chosen = next((each for each in targets.choices(place.folder) if each.name == options.name), None)
    if chosen is None:
        raise BackupError("NO_TARGET", f"no target {options.name}: see «kiosk backup target list»")
    machine = identity.machine_of(place)
    chosen = _remember(place, chosen, machine.config_password if machine else _interim_password(place))
    print(f"{chosen.name}: {say_posture(chosen.posture)}")
    return DONE


# -- restore ----------------------------------------------------------------------------------------------------------


def restore_(options: argparse.Namespace) -> int:
    if options.step == "finish":
        return finish(options)
    source, clock = source_of(options), SystemClock()
    target = restore_target(source.place, options.folder, options.target)
    secret, beside = ask_code(target, source.place, clock, read_line("Recovery code: "))
    found = targets.stored(target, secret.shop)
    chosen = next((copy for copy in found if options.copy in ("", copy.name)), None)
    if chosen is None:
        raise BackupError("NO_COPY", f"{target.chosen.name} holds no such copy of this shop")
    print(f"restoring {chosen.name} of {_when(chosen.at)}; {len(found)} copies are there", flush=True)
    contents = begin(source, clock, target, secret, beside, chosen, future=options.future)
    print(f"restored: {describe(contents)}")
    if contents.unsettled:
        print(f"! {len(contents.unsettled)} documents had no known outcome when the copy was made")
    print("Next: lay the keys of software registrars, connect the registrar, then: kiosk restore finish")
    return DONE


def restore_target(place: identity.Place, folder: Path | None, name: str) -> Target:
    """The target to restore from. Raises `BackupError`."""
    if folder is not None:
        return targets.open_target(Chosen(str(folder), "folder", str(folder.absolute())), place.folder)
    machine = identity.machine_of(place)
    known = targets.choices(place.folder)
    chosen = next((each for each in known if name in ("", each.name)), None)
    if chosen is None:
        raise BackupError("NO_TARGET", "say where the copies are: --folder DIR, or «kiosk backup target add» first")
    return targets.open_target(chosen, place.folder, machine.config_password if machine else _interim_password(place))


def ask_code(
    target: Target, place: identity.Place, clock: Clock, typed: str
) -> tuple[identity.Secret, dict[str, bytes]]:
    """Unlock the identity beside the copies; gives the secret and the identity's files. Raises `BackupError`."""
    beside = {name: target.get(name) for name in (place.identity.name, place.emergency.name)}
    sealed = identity.sealed_of(beside[place.identity.name])
    return identity.unlock(sealed, typed, place, clock), beside


def begin(
    source: Source,
    clock: Clock,
    target: Target,
    secret: identity.Secret,
    beside: dict[str, bytes],
    chosen: Stored,
    *,
    future: bool = False,
    progress: restore.Progress | None = None,
) -> manifest.Manifest:
    """Fetch, check, put in place, and leave the note that this machine works with the books now."""
    place = source.place
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place.folder / f"fetched-{chosen.name}"
    try:
        targets.bring(target, chosen, path, None if progress is None else lambda done, _: progress("fetch", done, 0))
        prepared = restore.prepare(path, secret, source, clock, future=future, progress=progress)
    finally:
        path.unlink(missing_ok=True)
    if prepared.contents.name != chosen.name:
        raise BackupError("SWAPPED", f"{chosen.name} is in truth {prepared.contents.name}: take another copy")
    number = max(prepared.contents.generation, permit.generation(target, secret.shop)) + 1
    contents = restore.commit(prepared, secret, source, clock, generation=number, identity_files=beside)
    machine = identity.machine_of(place)
    assert machine is not None
    _keep_cloud(place, machine)
    if target.chosen.kind == "folder" and not target.chosen.mark:
        from kiosk.backup.targets import folder

        name = Path(target.chosen.where).name or "disk"
        targets.choose(
            place.folder, Chosen(name, "folder", target.chosen.where, mark=folder.mark(Path(target.chosen.where)))
        )
    permit.claim(target, machine, clock.now(), place.folder)
    return contents


def _keep_cloud(place: identity.Place, machine: identity.Machine) -> None:
    """rclone's configuration of the new machine keeps its password, which moves into the machine's own file."""
    from kiosk.backup import files

    interim = place.folder / "rclone.password"
    if interim.exists():
        files.store(place.machine, msgspec.structs.replace(machine, config_password=interim.read_text()))
        interim.unlink()


def finish(options: argparse.Namespace) -> int:
    """Compare every registrar with the books and give permission to sell."""
    from kiosk.backup import gap
    from kiosk.start import open_till

    source = source_of(options)
    till = open_till(source.settings)
    try:
        gate = till.workplace.gate
        if not isinstance(gate, permit.Permit):
            raise BackupError("NOT_RESTORED", "these books did not come from a copy")
        _unlock_keys(till)
        found = gap.compare(till)
        for each in found:
            report(each, sys.stdout)
        if not gap.finish(till, gate, found, accept_lost=options.accept_lost):
            print("Selling is not permitted yet: see above.", file=sys.stderr)
            return FAILED
    finally:
        till.close()
    print("The till may sell.")
    return DONE


def _unlock_keys(till: Any) -> None:
    from drivers.errors import Fault
    from drivers.prro.keys import ring
    from kiosk.till.keys import folder_of, slot_of

    for binding in till.workplace.bindings():
        if not till.keys.locked(binding):
            continue
        password = read_line(f"Password of the key {slot_of(binding)}: ")
        try:
            ring.unlock(folder_of(binding), slot_of(binding), password, at=till.workplace.clock.now())
        except Fault as fault:
            print(f"! the key {slot_of(binding)}: {fault}", file=sys.stderr)


def report(found: Any, out: TextIO) -> None:
    """One registrar's finding, document by document."""
    name = found.binding.fiscal_number or found.binding.serial or found.binding.url
    if found.fault:
        print(f"{name}: could not be asked: {found.fault}", file=out)
        return
    if found.agrees:
        print(f"{name}: agrees with the books", file=out)
    for each in found.missing:
        money = f"{each.sum // 100}.{each.sum % 100:02}"
        print(f"{name}: not in the books: No {each.local} {each.number} {each.kind} {_when(each.at)} {money}", file=out)
    if found.documents or found.z_reports:
        print(
            f"{name}: the registrar made {found.documents} receipts of the open day and {found.z_reports} Z reports "
            "that are not in the books: enter them from its control tape",
            file=out,
        )
    for numbers, what in (
        (found.delivered, "the server had these offline documents already"),
        (found.sent, "sent to the server now"),
        (found.lost, "LOST: the server takes these offline documents no more; write to support"),
    ):
        if numbers:
            print(f"{name}: {what}: {', '.join(numbers)}", file=out)
    if found.unsettled:
        print(f"{name}: {found.unsettled} documents are unsettled: the till asks about them at its start", file=out)


def read_line(prompt: str) -> str:
    """A secret from the terminal without echo, or a line of the standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    return sys.stdin.readline().rstrip("\n")


def _when(moment: Any) -> str:
    return f"{kyiv(moment):%Y-%m-%d %H:%M}" if moment is not None else "never"
