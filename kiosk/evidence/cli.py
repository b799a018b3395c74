"""`kiosk evidence list | show | search | check | absence | export | verify | wall`: the same page for a terminal.

Exit status: 0 done and nothing is wrong, 1 something was found (a flaw, a private value), 2 usage. Whoever can run it
reads the till's files anyway, so that it asks for no PIN; the export goes to the audit.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk import config

if TYPE_CHECKING:
    from kiosk.evidence.absence import Absence
    from kiosk.evidence.index import Index

FINE, FOUND, USAGE = 0, 1, 2


def add(commands: Any) -> None:
    """Put the command into the parser of `kiosk`."""
    parser = commands.add_parser("evidence", help="what left this box: list, search, prove")
    parts = parser.add_subparsers(required=True, metavar="WHAT")
    for name, run, text in (
        ("list", _list, "exchanges in order"),
        ("show", _show, "one exchange in words and bytes"),
        ("search", _search, "exchanges that hold a text, or bytes (hex: DE AD), in any code page"),
        ("check", _check, "check the whole hash chain"),
        ("absence", _absence, "seek every private value of the base in everything that was sent"),
        ("export", _export, "write the signed proof"),
    ):
        part = parts.add_parser(name, help=text)
        part.set_defaults(run=_guarded(run))
        part.add_argument("--config", type=Path, metavar="FILE", help="settings of the till")
        part.add_argument("--data", type=Path, metavar="DIR", help="the till's data instead")
        if name == "list":
            part.add_argument("--last", type=int, default=50, metavar="N", help="the newest N (50)")
            part.add_argument("--channel", default="", help="registrar, bank, printer, backup, receipt")
            part.add_argument("--documents", action="store_true", help="only what belongs to fiscal documents")
        elif name == "show":
            part.add_argument("number", type=int)
        elif name == "search":
            part.add_argument("text")
            part.add_argument("--most", type=int, default=1000, metavar="N", help="stop at N (1000)")
        elif name == "export":
            part.add_argument("file", type=Path)
    wall = parts.add_parser("wall", help="print the systemd drop-in that lets the till reach its own hosts only")
    wall.add_argument("--config", type=Path, metavar="FILE", help="settings of the till")
    wall.add_argument("--data", type=Path, metavar="DIR", help="the till's data instead")
    wall.add_argument("--allow", action="append", default=[], metavar="HOST", help="one more host, e.g. time stamps")
    wall.set_defaults(run=_guarded(_wall))
    verify = parts.add_parser("verify", help="check a signed proof; needs nothing but the file")
    verify.add_argument("file", type=Path)
    verify.add_argument("--key", default="", metavar="FINGERPRINT", help="the key that must have signed it")
    verify.set_defaults(run=_guarded(_verify))


def _guarded(run: Any) -> Any:
    def guarded(options: argparse.Namespace) -> int:
        from kiosk.evidence.book import EvidenceError
        from kiosk.ledger.errors import LedgerError

        try:
            return int(run(options))
        except EvidenceError as error:
            print(f"evidence: {error}", file=sys.stderr)
            return USAGE
        except LedgerError as error:
            print(f"ledger: {error.what}", file=sys.stderr)
            return USAGE
        except BrokenPipeError:
            return FINE

    return guarded


def _index(options: argparse.Namespace) -> Index:
    from kiosk.evidence.index import Index

    return Index(_folder(options) / "evidence.db")


def _folder(options: argparse.Namespace) -> Path:
    if options.data is not None:
        return Path(options.data).expanduser()
    return config.load(options.config).folder


def _list(options: argparse.Namespace) -> int:
    from kiosk.evidence.reading import exchange, numbers

    with _index(options) as index:
        found = numbers(index.book, channel=options.channel, documents=options.documents)
        for number in found[-options.last :]:
            _row(index, exchange(index.book, number))
    return FINE


def _row(index: Index, found: Any) -> None:
    entry = index.entry(found)
    question = found.question
    print(
        f"{found.number:>8} {question.at[:23]} {question.source:<36.36} {entry.name:<28.28} "
        f"{len(found.sent):>6} {len(found.received):>6} {entry.outcome.name.lower()}"
    )


def _show(options: argparse.Namespace) -> int:
    from kiosk.evidence.page import dump
    from kiosk.evidence.proof import readable
    from kiosk.evidence.reading import exchange

    with _index(options) as index:
        found = exchange(index.book, options.number)
        print("\n".join(readable(found)))
        for mark, data in ((">", found.sent), ("<", found.received)):
            for line in dump(data):
                print(mark, line)
    return FINE


def _search(options: argparse.Namespace) -> int:
    from kiosk.evidence.index import query
    from kiosk.evidence.reading import exchange

    with _index(options) as index:
        index.catch_up(_progress("reading"))
        found, whole = index.search(query(options.text), most=options.most, on=_progress("searching"))
        for number in reversed(found):
            _row(index, exchange(index.book, number))
        print(f"{len(found)} exchanges{'' if whole else ', and perhaps more: give --most'}", file=sys.stderr)
    return FINE


def _check(options: argparse.Namespace) -> int:
    from kiosk.evidence.book import flaws, reader

    connection = reader(_folder(options) / "evidence.db")
    try:
        count, found = flaws(connection)
    finally:
        connection.close()
    for flaw in found:
        print(f"record {flaw.seq}: {flaw.why}")
    print(f"{count} records, " + (f"{len(found)} flaws" if found else "the chain holds"))
    return FOUND if found else FINE


def _absence(options: argparse.Namespace) -> int:
    with _index(options) as index:
        report = _report(options, index)
    print("\n".join(lines(report)))
    return FINE if report.clean else FOUND


def _report(options: argparse.Namespace, index: Index) -> Absence:
    from drivers.clock import SystemClock
    from kiosk.evidence.absence import search_all
    from kiosk.evidence.private import values
    from kiosk.ledger.store import open_ledger

    url = str(options.data / "ledger.db") if options.data is not None else config.load(options.config).ledger_url
    index.catch_up(_progress("reading"))
    with open_ledger(url, SystemClock()) as ledger:
        return search_all(index, values(ledger.database), _progress("searching"))


def lines(report: Absence) -> list[str]:
    """The absence report as text."""
    found = [f"{report.exchanges} exchanges were searched"]
    found += [f"  {count} values of {kind!r} sought" for kind, count in sorted(report.sought.items())]
    found += [f"  {count} values of {kind!r} are too short to tell" for kind, count in sorted(report.short.items())]
    for hit in report.hits:
        also = ", which is also the name of goods or staff" if hit.known else ""
        found.append(
            f"FOUND {hit.kind} {hit.text!r} ({hit.column}{also}): {hit.count} exchanges "
            f"with {', '.join(hit.channels)}: " + ", ".join(map(str, hit.exchanges))
        )
    if not report.complete:
        found.append("the search was cancelled: this is not the whole")
    elif not report.hits:
        found.append("none of them was found in anything that was sent or received")
    return found


def _export(options: argparse.Namespace) -> int:
    from kiosk.evidence.proof import export, fingerprint, installation_key

    with _index(options) as index:
        report = _report(options, index)
        key = installation_key(_folder(options))
        export(index, report, key, options.file, datetime.now(UTC), _progress("writing"))
    print(f"{options.file}: signed with the key {fingerprint(key.public_key())}")
    print("\n".join(lines(report)))
    return FINE


def _verify(options: argparse.Namespace) -> int:
    from kiosk.evidence.proof import verify

    verdict = verify(options.file)
    problems = list(verdict.problems)
    wanted = options.key.replace(" ", "").upper()
    if wanted and wanted != verdict.fingerprint.replace(" ", ""):
        problems.append("it was signed with another key")
    for problem in problems:
        print(problem)
    print(f"made {verdict.made}, {verdict.records} records, key {verdict.fingerprint}")
    print(f"private values found in it: {verdict.hits}")
    print("the proof DOES NOT HOLD" if problems else "the proof holds")
    return FOUND if problems else FINE


def _wall(options: argparse.Namespace) -> int:
    from kiosk.evidence.wall import drop_in, hosts

    settings = config.load(options.config)
    ledger = str(options.data / "ledger.db") if options.data is not None else settings.ledger_url
    text, lost = drop_in([*hosts(settings, ledger), *options.allow])
    print(text, end="")
    for host in lost:
        print(f"{host} does not resolve: it is left out, try again with the network up", file=sys.stderr)
    return FOUND if lost else FINE


def _progress(what: str) -> Any:
    """Tell on a terminal how far it is."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int, of: int) -> bool:
        print(f"\r{what}: {done}{f' of {of}' if of else ''}   ", end="\r", file=sys.stderr, flush=True)
        return True

    return tell
