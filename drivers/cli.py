"""The `registrar` command: detect, question and test a registrar without a till.

Exit status: 0 done, 2 usage, 3 rejected, 4 unknown, 5 not reachable.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from drivers.clock import SystemClock, kyiv

DONE, USAGE, REJECTED, UNKNOWN, UNREACHABLE = 0, 2, 3, 4, 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(_JsonParser if "--json" in arguments else argparse.ArgumentParser).parse_args(arguments)
    from drivers.errors import Fault, Invalid

    try:
        return int(options.run(options))
    except Invalid as fault:
        _say(options, {"error": _fault(fault)}, f"refused, nothing was sent: {fault}", error=True)
        return USAGE
    except Fault as fault:
        _say(options, {"error": _fault(fault)}, f"failed: {fault}", error=True)
        return _status_of(fault)
    except (OSError, ValueError) as error:
        _say(options, {"error": {"code": "USAGE", "what": str(error)}}, f"error: {error}", error=True)
        return USAGE
    except KeyboardInterrupt:
        what = "interrupted: a document that was under way is in the journal; ask again with the same id"
        _say(options, {"error": {"code": "INTERRUPTED", "what": what}}, what, error=True)
        return UNKNOWN


class _JsonParser(argparse.ArgumentParser):
    """Complaints about the command line as JSON too, for scripts that read stdout only."""

    def error(self, message: str) -> NoReturn:
        import json

        print(json.dumps({"error": {"code": "USAGE", "what": message}}, ensure_ascii=False))
        self.exit(USAGE)


def _parser(make: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
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

    detect = add("detect", "Find registrars with identification commands only.", _detect)
    what = (
        "device path, host:port or usb:VID:PID[:SERIAL], or the URL of a software registrar; "
        "all serial ports and known USB devices when left out"
    )
    detect.add_argument("port", nargs="*", help=what)
    detect.add_argument("--exclude", action="append", default=[], metavar="PORT", help="never touch this port")
    detect.add_argument("--watch", action="store_true", help="then probe what is plugged in, until stopped")
    add("status", "Show who answers and in which state.", _status, url=True)
    what = "Register a document from a JSON file ('-' is stdin)."
    register = _with_patience(add("register", what, _register, url=True))
    register.add_argument("document", metavar="DOCUMENT.json")
    add("x", "Print an X report.", _x, url=True)
    _with_id(add("z", "Print a Z report: closes the shift.", _z, url=True))
    for name, what in (("cash-in", "Service cash-in."), ("cash-out", "Service cash-out.")):
        cash = _with_id(add(name, what, _cash, url=True))
        cash.add_argument("sum", metavar="SUM", help="hryvnias, e.g. 100 or 99.50")
        cash.set_defaults(kind=name.replace("-", "_"))
    _with_id(add("open-shift", "Open the shift of a software registrar.", _open_shift, url=True))
    what = "Bring the offline documents of a software registrar home."
    sync = add("sync", what, _sync, url=True)
    sync.add_argument("--again", action="store_true", help="send once more what the server refused")
    what = "Make this machine the software registrar's own (DeviceRegister by force)."
    take_over = add("take-over", what, _take_over, url=True)
    take_over.add_argument("--yes", action="store_true", help="I know that no other machine holds unsent documents")
    receipt = add(
        "receipt", "Show or save the paper of a document that a software registrar keeps.", _receipt, url=True
    )
    receipt.add_argument("number", metavar="NUMBER", help="its fiscal number")
    form = receipt.add_mutually_exclusive_group()
    form.add_argument("--text", type=Path, metavar="FILE", nargs="?", help="as text; to stdout without a file")
    form.add_argument("--png", type=Path, metavar="FILE", help="as a picture")
    printer = add("printer", "Ask a receipt printer how it is; print its test page.", _printer)
    printer.add_argument("url", metavar="URL", help="e.g. escpos+tcp://10.0.0.9:9100?profile=epson")
    printer.add_argument("--wire", action="store_true", help="print the bytes both ways to stderr")
    printer.add_argument("--pages", action="store_true", help="print the alphabet under every known code page number")
    printer.add_argument("--drawer", action="store_true", help="open the cash drawer")
    journal = add("journal", "Show what this command registered, from its own journal.", _journal)
    journal.add_argument("--last", type=int, default=20, metavar="N", help="records to show (20)")
    emulate = add("emulate", "Run a virtual registrar until stopped.", _emulate)
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
    replay = add("replay", "Run the driver against a recorded session: same bytes asked, same verdicts.", _replay)
    replay.add_argument("recording", type=Path, metavar="FILE", help="written by --record")
    what = "put the recorded calls to this emulator instead: a registrar URL, or a family to start one"
    replay.add_argument("--emulator", metavar="URL|SCHEME", help=what)
    replay.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="setting of that emulator")
    _with_key(replay)
    add("schema", "Print the JSON Schema of a document.", _schema)
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


def _detect(options: argparse.Namespace) -> int:
    from drivers import discovery

    servers = [port for port in options.port if port.startswith("prro+")]
    if servers:
        return _detect_servers(options, servers)
    devices = [] if options.port else discovery.usb_devices()
    known = [device.port for device in devices if device.kind == "registrar" and not device.driver]
    where = options.port or [*discovery.ports(), *known]
    if options.watch:
        return _watch(options, where)
    found = discovery.detect(where, SystemClock(), exclude=options.exclude)
    lines = _told(found)
    lines += [
        f"{device.port}: {device.product or 'a USB device'} without a serial port ({device.kind}"
        + (", held by a kernel driver)" if device.driver else ")")
        for device in devices
        if device.port not in known
    ]
    _say(options, {"ports": found, "usb": devices}, "\n".join(lines) or "no ports to try; name one")
    return DONE if any(finding.info for finding in found) else UNREACHABLE


def _detect_servers(options: argparse.Namespace, urls: Sequence[str]) -> int:
    """Whether the servers of software registrars answer, and which keys lie here: no key is unlocked for that."""
    from drivers.prro.command import look

    if others := [port for port in options.port if port not in urls]:
        raise ValueError(f"look for {others[0]} by a command of its own")
    found = look(urls)
    _say(options, {"servers": found}, "\n".join(map(str, found)))
    return DONE if all(one.latency is not None for one in found) else UNREACHABLE


def _watch(options: argparse.Namespace, where: Sequence[str]) -> int:
    """Probe what is there, then everything that is plugged in, one line of JSON or a few of text each."""
    from drivers import discovery
    from drivers.links.hotplug import HotPlug

    with suppress(KeyboardInterrupt), HotPlug() as plugs:
        fresh: Sequence[str] = where
        while True:
            for finding in discovery.detect(fresh, SystemClock(), exclude=options.exclude):
                _say(options, {"port": finding}, "\n".join(_told([finding])))
                sys.stdout.flush()
            change = plugs.wait(3600)
            fresh = [change.port] if change is not None and change.present and _is_for(change.port) else []
            if change is not None and not change.present:
                _say(options, {"gone": change.port}, f"{change.port}: gone")
                sys.stdout.flush()
    return DONE


def _is_for(port: str) -> bool:
    """Whether a device that was just plugged in may be asked: a serial port, or a known registrar without one."""
    from drivers import discovery

    return (port.startswith("/") and port in discovery.nodes()) or any(
        device.port == port and device.kind == "registrar" and not device.driver for device in discovery.usb_devices()
    )


def _told(found: Sequence[Any]) -> list[str]:
    """Findings as people read them."""
    lines = []
    for finding in found:
        if (info := finding.info) is not None:
            lines += [
                f"{finding.port}: {info.model}",
                f"    serial {info.serial}, fiscal number {info.fiscal_number or '-'}, firmware {info.firmware}",
                f"    {finding.url}",
            ]
            continue
        lines.append(f"{finding.port}: nothing here")
        for attempt in finding.attempts:
            lines.append(f"    {attempt.url}: {attempt.ended}")
            lines += [f"        asked     {attempt.asked}"] if attempt.asked else []
            lines += [f"        came back {attempt.answered or 'nothing'}"] if attempt.asked else []
    return lines


def _status(options: argparse.Namespace) -> int:
    from drivers.errors import Unreachable
    from drivers.registrar import served

    info = silent = None
    with _Device(options) as registrar:
        try:
            info = registrar.info()
        except Unreachable as fault:
            # What a software registrar knows without its server is worth telling: queue, limits, key.
            if served(registrar) is None:
                raise
            silent = fault
        status = registrar.status()
    clock = f"{kyiv(status.clock):%d.%m.%Y %H:%M:%S}" if status.clock else "not set"
    lines = [
        *(
            _named(info)
            if info is not None
            else [f"the fiscal server does not answer ({silent}); as it is known here:"]
        ),
        f"clock {clock}, shift {_shift(status)}, Z {status.z_number}",
        f"cash {_hryvnias(status.drawer or 0)}, status bytes {status.raw}",
        *_offline(status),
        *(f"warning: {warning}" for warning in status.warnings),
        f"blocked by {', '.join(status.blocks)}" if status.blocks else "ready to sell",
    ]
    _say(options, {"info": info, "status": status}, "\n".join(lines))
    return UNREACHABLE if silent is not None else REJECTED if status.blocks else DONE


def _named(info: Any) -> list[str]:
    rates = ", ".join(f"{letter} {rate}" for letter, rate in info.tax_rates.items())
    return [
        f"{info.model} firmware {info.firmware}, serial {info.serial}, fiscal memory {info.fiscal_number or '-'}",
        f"tax number {info.tax_number or '-'}, rates {rates or '-'}",
    ]


def _offline(status: Any) -> list[str]:
    """Lines that a software registrar has; a device's status does not load its driver."""
    if status.offline is None:
        return []
    from drivers.prro.command import described

    return described(status)


def _shift(status: Any) -> str:
    if not status.shift_open:
        return "closed" if status.shift_open is False else "not known"
    return f"open since {kyiv(status.shift_opened_at):%d.%m.%Y %H:%M}" if status.shift_opened_at else "open"


def _register(options: argparse.Namespace) -> int:
    from drivers.document import parse

    data = sys.stdin.buffer.read() if options.document == "-" else Path(options.document).read_bytes()
    return _walk(options, parse(data))


def _x(options: argparse.Namespace) -> int:
    with _Device(options) as registrar:
        totals = registrar.x_report()
    _say(options, {"totals": totals}, _totals(totals))
    return DONE


def _z(options: argparse.Namespace) -> int:
    from drivers.document import Document, DocumentKind

    return _walk(options, Document(id=options.id or uuid.uuid4(), kind=DocumentKind.Z_REPORT))


def _cash(options: argparse.Namespace) -> int:
    from drivers.document import Document, DocumentKind

    try:
        exact = Decimal(options.sum.replace(",", ".")) * 100
    except InvalidOperation:
        exact = Decimal(-1)
    if not exact.is_finite() or exact <= 0 or exact != exact.to_integral_value():
        raise ValueError(f"{options.sum!r} is not a sum of money above zero with at most two decimals")
    identity = options.id or uuid.uuid4()
    return _walk(options, Document(id=identity, kind=DocumentKind(options.kind), amount=int(exact)))


def _open_shift(options: argparse.Namespace) -> int:
    from drivers.document import Document, DocumentKind

    return _walk(options, Document(id=options.id or uuid.uuid4(), kind=DocumentKind.OPEN_SHIFT))


def _served(registrar: Any) -> Any:
    """The registrar as one behind a server. Raises `Invalid` for a device."""
    from drivers.errors import Code, Invalid
    from drivers.registrar import served

    found = served(registrar)
    if found is None:
        raise Invalid(Code.UNSUPPORTED, "a hardware registrar has no server of its own to speak with")
    return found


def _sync(options: argparse.Namespace) -> int:
    def told(sent: int, all_: int) -> None:
        if not options.json:
            print(f"{sent} of {all_} delivered", file=sys.stderr)

    with _Device(options) as registrar:
        _served(registrar).synchronise(told, again=options.again)
        offline = registrar.status().offline
    text = f"all documents are delivered: {offline.mode}"
    _say(options, {"offline": offline}, text)
    return DONE


def _take_over(options: argparse.Namespace) -> int:
    if not options.yes:
        raise ValueError(
            "offline documents that another machine has not sent yet could never be delivered after this: "
            "send them there first, then say --yes"
        )
    with _Device(options) as registrar:
        _served(registrar).take_over()
        info = registrar.info()
    _say(options, {"info": info}, f"the registrar {info.fiscal_number} belongs to this machine now")
    return DONE


def _receipt(options: argparse.Namespace) -> int:
    from drivers.errors import Code, Invalid
    from drivers.printers import files, tape

    with _Device(options) as registrar:
        keeps = getattr(registrar, "paper", None)
        if keeps is None:
            raise Invalid(Code.UNSUPPORTED, "only a software registrar keeps its documents: ask it for a copy on paper")
        rows, qr = keeps(options.number)
        width = registrar.capabilities.line_length
    text = tape.told(rows, qr)
    if options.png:
        files.write_picture(options.png, rows, qr, width)
    elif options.text:
        files.write_text(options.text, rows, qr)
    where = options.png or options.text
    _say(options, {"number": options.number, "text": text, "qr": qr, "file": where}, f"{where}" if where else text)
    return DONE


def _printer(options: argparse.Namespace) -> int:
    from drivers.errors import Code, Invalid
    from drivers.links.wire import WireLog
    from drivers.printers.address import at
    from drivers.printers.escpos import EscposPrinter
    from drivers.printers.letters import profiles

    log = WireLog(SystemClock())
    printer = at(options.url, log)
    if not isinstance(printer, EscposPrinter):
        raise Invalid(Code.UNSUPPORTED, "only an ESC/POS printer can be asked")
    try:
        state = printer.state()
        text = f"{printer.name}: {state.trouble or ('ready' if state.told else 'does not tell how it is')}"
        if state.paper_low:
            text += ", the roll is near its end"
        if options.pages:
            printer.print_pages(list(dict.fromkeys(page for pages in profiles().values() for page in pages)))
        if options.drawer:
            printer.open_drawer()
    finally:
        if options.wire:
            print(log.tail(1000), file=sys.stderr)
    _say(options, {"printer": printer.name, "state": state}, text)
    return DONE if state.trouble is None else REJECTED


def _journal(options: argparse.Namespace) -> int:
    from drivers.journal import read

    records = list(read(_journal_path()))[-max(options.last, 0) :]
    lines = [
        f"{record['seq']:>5} {record['at'][:19]} {record['event']:<8} {record['id']} "
        + (record["document"]["kind"] if record["event"] == "intent" else record["result"]["state"])
        for record in records
    ]
    _say(options, {"records": records}, "\n".join(lines) or "the journal is empty")
    return DONE


def _emulate(options: argparse.Namespace) -> int:
    from drivers.emulation.command import serve

    settings = dict(item.partition("=")[::2] for item in options.option)
    return serve(
        options.scheme,
        link=options.link,
        port=options.port,
        state=options.state,
        tape=options.tape,
        faults=options.faults,
        options=settings,
        as_json=options.json,
    )


def _replay(options: argparse.Namespace) -> int:
    from drivers import replay

    session = replay.load(options.recording)
    if options.emulator is None:
        report = replay.against_recording(session)
    else:
        from drivers.emulation.command import running
        from drivers.registry import connect

        settings = dict(item.partition("=")[::2] for item in options.option)
        with running(options.emulator, settings) as url:
            registrar = connect(url, record=False)
            _unlock(options, url)
            report = replay.against_device(session, registrar)
            registrar.close()
            _lock()
    lines = [
        f"{'same' if not outcome.difference else 'DIFFERS'}  {outcome.call}"
        + (f"\n    {outcome.difference}" if outcome.difference else "")
        for outcome in report.outcomes
    ]
    if report.note:
        lines.append(report.note)
    if report.diverged:
        lines.append(f"DIVERGED  {report.diverged}")
    lines.append(
        f"{len(report.outcomes)} calls, {report.sent} bytes asked alike: {'same' if report.same else 'NOT the same'}"
    )
    _say(options, {"same": report.same, "report": report}, "\n".join(lines))
    return DONE if report.same else REJECTED


def _schema(options: argparse.Namespace) -> int:
    import json

    from drivers.document import schema

    print(json.dumps(schema(), ensure_ascii=False, indent=None if options.json else 2))
    return DONE


def _walk(options: argparse.Namespace, document: Any) -> int:
    """One document down the road, with the command's own journal."""
    from drivers.journal import FileJournal
    from drivers.registrar import State
    from drivers.registry import parse_url
    from drivers.road import settle_open, walk

    clock = SystemClock()
    url = parse_url(options.url)
    where = f"{url.family}+{url.transport}://{url.address}"
    if "fn" in url.options:
        # Many software registrars share one server: their unknown outcomes are not each other's.
        where += f"?fn={url.options['fn']}"
    with FileJournal(_journal_path(), clock, where) as journal, _Device(options) as registrar:
        if any(begun.id != document.id for begun, _ in journal.open_intents()):
            # Another document's trace must be read before this one moves the same registers.
            for begun, earlier in settle_open(registrar, journal, clock, patience=options.patience):
                if earlier.state is State.UNKNOWN and begun.id != document.id:
                    return _blocked(options, begun, earlier)
        result = walk(registrar, document, journal, clock, patience=options.patience)
    text = f"{result.state}: {document.kind} {_hryvnias(document.due)}, number {result.number or '-'}"
    if result.fault is not None:
        text += f"\n{result.fault.code}: {result.fault.what}"
    if result.state is State.UNKNOWN:
        text += f"\nDo not repeat it under another id. Ask again later: the same command with id {document.id}."
    _say(options, {"id": document.id, "result": result}, text)
    if result.done:
        return DONE
    if result.fault is not None and result.state is State.REJECTED and result.fault.code in ("OFFLINE", "BUSY"):
        return UNREACHABLE
    return UNKNOWN if result.state is State.UNKNOWN else REJECTED


def _blocked(options: argparse.Namespace, begun: Any, earlier: Any) -> int:
    """An earlier document is still open: nothing new goes out."""
    what = (
        f"nothing was sent: the {begun.kind} {begun.id} of {_hryvnias(begun.due)} is still unknown; "
        "settle it first by the same command with that id"
    )
    _say(options, {"error": {"code": "UNSETTLED", "what": what}, "id": begun.id, "result": earlier}, what, error=True)
    return UNKNOWN


class _Device:
    """A connected registrar for one command; shows the wire afterwards when asked to."""

    def __init__(self, options: argparse.Namespace) -> None:
        from drivers.links.wire import WireLog
        from drivers.registry import connect

        self._wire = options.wire
        self._log = WireLog(SystemClock())
        self._registrar = connect(options.url, log=self._log, record=options.record or True)
        _unlock(options, options.url)

    def __enter__(self) -> Any:
        return self._registrar

    def __exit__(self, *_: object) -> None:
        self._registrar.close()
        _lock()
        if self._wire:
            print(self._log.tail(1000), file=sys.stderr)


def _unlock(options: argparse.Namespace, text: str) -> None:
    """The key of a software registrar's URL, where it is one."""
    from drivers.registry import parse_url

    url = parse_url(text)
    if url.family == "prro":
        from drivers.prro.unlocking import unlock

        unlock(url, SystemClock(), options.key_password_file)
    elif options.key_password_file is not None:
        raise ValueError("--key-password-file is for software registrars: a device has no key")


def _lock() -> None:
    """Forget every key, where any was unlocked."""
    if (keys := sys.modules.get("drivers.prro.keys")) is not None:
        keys.ring.lock_all()


def _status_of(fault: Any) -> int:
    """For the commands that ask only: a link that broke is as good as none, because no document was under way."""
    from drivers.errors import LinkLost, Unreachable

    return UNREACHABLE if isinstance(fault, Unreachable | LinkLost) else REJECTED


def _journal_path() -> Path:
    """$KASA_JOURNAL, else under the XDG state folder."""
    if path := os.environ.get("KASA_JOURNAL"):
        return Path(path)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kasa" / "registrar.journal"


def _say(options: argparse.Namespace, data: dict[str, Any], text: str, *, error: bool = False) -> None:
    """Human text, or one line of JSON on stdout; human errors go to stderr."""
    if options.json:
        import msgspec

        print(msgspec.json.encode(data).decode())
    else:
        print(text, file=sys.stderr if error else sys.stdout)


def _fault(fault: Any) -> Any:
    from drivers.registrar import FaultInfo

    return FaultInfo.of(fault)


def _totals(totals: Any) -> str:
    rows = [f"Z {totals.z_number}"]
    for name, sums in (
        ("sales", totals.sales_by_tax),
        ("refunds", totals.refunds_by_tax),
        ("paid", totals.sales_by_form),
    ):
        rows += [f"{name:<8} {key:<8} {_hryvnias(value):>14}" for key, value in sums.items()]
    rows.append(f"{'cash':<8} {'':<8} {_hryvnias(totals.drawer or 0):>14}")
    return "\n".join(rows)


def _hryvnias(kopecks: int) -> str:
    return f"{'-' if kopecks < 0 else ''}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"


if __name__ == "__main__":
    sys.exit(main())
