"""The `kiosk` command: run the till, run the demo, check the ledger, read the evidence.

Exit status: 0 done, 1 the ledger does not hold together, 2 usage or settings, 70 the kiosk crashed
(the unit starts it again).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk import config
from kiosk.catalogue import cli as catalogue
from kiosk.evidence import cli as evidence

if TYPE_CHECKING:
    from kiosk.till.till import Till

DONE, DAMAGED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(given[0] if given else "").parse_args(given)
    try:
        return int(options.run(options))
    except config.ConfigError as error:
        print(f"settings: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE


def _parser(first: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kiosk", description="Kasa Kiosk: the till.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the till full screen")
    run.set_defaults(run=_run)
    demo = commands.add_parser("demo", help="run the till on a virtual registrar with a demo shop")
    demo.add_argument("--data", type=Path, metavar="DIR", help="where the demo lives (XDG state folder)")
    demo.add_argument(
        "--registrar",
        default="datecs",
        choices=("datecs", "exellio", "krypton", "maria", "ikc", "helpmicro", "prro"),
        help="family of the virtual registrar (datecs); each has a shop of its own; prro is the software registrar",
    )
    demo.set_defaults(run=_demo)
    check = commands.add_parser("check", help="open the ledger and verify the journal's chain")
    check.set_defaults(run=_check)
    if first in ("backup", "restore"):
        # The till itself loads none of it before its first paint.
        from kiosk.backup import command as backup_command

        backup_command.add(commands)
    else:
        commands.add_parser("backup", help="copies of the data: make, list, verify, rehearse")
        commands.add_parser("restore", help="put a copy in place of what is here")
    evidence.add(commands)
    catalogue.add(commands)
    for command in (run, check):
        command.add_argument("--config", type=Path, metavar="FILE", help="settings (see kiosk/config.py for places)")
    for command in (run, demo):
        command.add_argument("--language", choices=("uk", "en"), help="language of the screens")
    return parser


def _settings(options: argparse.Namespace) -> config.Settings:
    import msgspec

    settings = config.load(options.config)
    language = getattr(options, "language", None)
    return msgspec.structs.replace(settings, language=language) if language else settings


def _run(options: argparse.Namespace) -> int:
    return _face(
        _settings(options), settings_file=options.config or next((at for at in config.places() if at.exists()), None)
    )


def _demo(options: argparse.Namespace) -> int:
    from kiosk import demo

    with demo.registrar(demo.folder(options.data), options.registrar) as place:
        return _face(demo.settings(place, options.language or "uk"), place.signers)


def _check(options: argparse.Namespace) -> int:
    from kiosk.ledger.errors import LedgerError
    from kiosk.start import check

    settings = _settings(options)
    try:
        count = check(settings)
    except LedgerError as error:
        print(f"the ledger {settings.ledger_url} cannot be used: {error.code}: {error.what}", file=sys.stderr)
        return DAMAGED
    print(f"{settings.ledger_url}: {count} journal records, the chain holds")
    return DONE


def _face(settings: config.Settings, signers: Sequence[str] = (), settings_file: Path | None = None) -> int:
    """Show the till until it is left. Nothing may be printed while it runs: the face is drawn on stderr.

    `signers`: keys that the demo's fiscal server has registered.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print("error: the till needs a terminal", file=sys.stderr)
        return USAGE
    import time

    from kiosk import logs

    # Receipts, logs and the checklist's line 11 count in Kyiv time whatever zone the image was made with.
    os.environ["TZ"] = "Europe/Kyiv"
    time.tzset()

    logs.begin(settings.folder)
    # Neither colours that the console lacks nor key reports that it does not make (kiosk-platform.md §1.5, §2.5).
    os.environ.pop("COLORTERM", None)
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    from kiosk.app import KioskApp

    def opener() -> Till:
        from kiosk.start import open_till

        return open_till(settings, signers=signers)

    app = KioskApp(settings, opener)
    app.settings_file = settings_file
    result = app.run()
    return result if result is not None else (app.return_code or DONE)


if __name__ == "__main__":
    sys.exit(main())
