"""The command line: every command, its arguments and the function that runs it."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from drivers.cli import acts, finding, questions, served, virtual
from drivers.cli.saying import USAGE


class JsonParser(argparse.ArgumentParser):
    """Complaints about the command line as JSON too, for scripts that read stdout only."""

    def error(self, message: str) -> NoReturn:
        import json

        print(json.dumps({"error": {"code": "USAGE", "what": message}}, ensure_ascii=False))
        self.exit(USAGE)


def build(make: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = make(prog="registrar", description="Detect, question and test a fiscal registrar.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, what: str, run: Callable[[argparse.Namespace], int], *, url: bool = False) -> Any:
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--json", action="store_true", help="machine-readable output")
        command.set_defaults(run=run)
        if url:
            command.add_argument("url", metavar="URL", help="e.g. datecs+serial:///dev/registrar?baud=19200")
            command.add_argument("--wire", action="store_true", help="print the bytes both ways to stderr")
            what = "write the session to this file or folder, secrets masked ($KASA_RECORD)"
            command.add_argument("--record", type=Path, metavar="FILE", help=what)
            _with_key(command)
        return command

    detect = add("detect", "Find registrars with identification commands only.", finding.detect)
    what = (
        "device path, host:port or usb:VID:PID[:SERIAL], or the URL of a software registrar; "
        "all serial ports and known USB devices when left out"
    )
    detect.add_argument("port", nargs="*", help=what)
    detect.add_argument("--exclude", action="append", default=[], metavar="PORT", help="never touch this port")
    detect.add_argument("--watch", action="store_true", help="then probe what is plugged in, until stopped")
    add("status", "Show who answers and in which state.", questions.status, url=True)
    what = "Register a document from a JSON file ('-' is stdin)."
    register = _with_patience(add("register", what, acts.register, url=True))
    register.add_argument("document", metavar="DOCUMENT.json")
    add("x", "Print an X report.", questions.x_report, url=True)
    _with_id(add("z", "Print a Z report: closes the shift.", acts.z_report, url=True))
    for name, what in (("cash-in", "Service cash-in."), ("cash-out", "Service cash-out.")):
        cash = _with_id(add(name, what, acts.cash, url=True))
        cash.add_argument("sum", metavar="SUM", help="hryvnias, e.g. 100 or 99.50")
        cash.set_defaults(kind=name.replace("-", "_"))
    _with_id(add("open-shift", "Open the shift of a software registrar.", acts.open_shift, url=True))
    what = "Bring the offline documents of a software registrar home."
    sync = add("sync", what, served.sync, url=True)
    sync.add_argument("--again", action="store_true", help="send once more what the server refused")
    what = "Make this machine the software registrar's own (DeviceRegister by force)."
    take_over = add("take-over", what, served.take_over, url=True)
    take_over.add_argument("--yes", action="store_true", help="I know that no other machine holds unsent documents")
    receipt = add("receipt", "Show or save the paper of a document that a software registrar keeps.", questions.receipt)
    receipt.add_argument("url", metavar="URL", help="prro+https://…; no key is needed and nothing is sent")
    receipt.add_argument("number", metavar="NUMBER", help="its fiscal number")
    form = receipt.add_mutually_exclusive_group()
    form.add_argument("--text", type=Path, metavar="FILE", nargs="?", help="as text; to stdout without a file")
    form.add_argument("--png", type=Path, metavar="FILE", help="as a picture")
    printer = add("printer", "Ask a receipt printer how it is; print its test page.", questions.printer)
    printer.add_argument("url", metavar="URL", help="e.g. escpos+tcp://10.0.0.9:9100?profile=epson")
    printer.add_argument("--wire", action="store_true", help="print the bytes both ways to stderr")
    printer.add_argument("--pages", action="store_true", help="print the alphabet under every known code page number")
    printer.add_argument("--drawer", action="store_true", help="open the cash drawer")
    journal = add("journal", "Show what this command registered, from its own journal.", questions.journal)
    journal.add_argument("--last", type=int, default=20, metavar="N", help="records to show (20)")
    emulate = add("emulate", "Run a virtual registrar until stopped.", virtual.emulate)
    emulate.add_argument("scheme", metavar="SCHEME", help="family, e.g. datecs; prro is the fiscal server")
    where = emulate.add_mutually_exclusive_group(required=True)
    where.add_argument("--link", metavar="PATH", help="publish a pseudo-terminal under this name")
    where.add_argument("--port", type=int, metavar="N", help="listen on TCP; 0 takes a free port")
    for name, what in (("state", "keep the memory here"), ("tape", "print here"), ("faults", "JSON list of faults")):
        emulate.add_argument(f"--{name}", type=Path, metavar="FILE", help=what)
    emulate.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="setting of the device; a wrong name lists the known ones (prro: fn, tin, password of demo keys, clock…)",
    )
    replay = add("replay", "Put a recorded session to the driver: same bytes asked, same verdicts.", virtual.replay)
    replay.add_argument("recording", type=Path, metavar="FILE", help="written by --record")
    what = "put the recorded calls to this emulator instead: a registrar URL, or a family to start one"
    replay.add_argument("--emulator", metavar="URL|SCHEME", help=what)
    replay.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="setting of that emulator")
    _with_key(replay)
    add("schema", "Print the JSON Schema of a document.", questions.schema)
    return parser


def _with_key(command: argparse.ArgumentParser) -> None:
    what = "read the password of a software registrar's key from this file of mode 600 (asked on the terminal)"
    command.add_argument("--key-password-file", type=Path, metavar="FILE", help=what)


def _with_patience(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument(
        "--patience", type=float, default=20.0, metavar="S", help="seconds to ask on after a lost answer (20)"
    )
    return command


def _with_id(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _with_patience(command)
    command.add_argument(
        "--id", type=uuid.UUID, default=None, metavar="UUID", help="ask again about a document whose outcome is unknown"
    )
    return command
