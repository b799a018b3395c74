"""Commands that ask and print, and issue no document."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from drivers.cli.device import Device, journal_path
from drivers.cli.saying import DONE, REJECTED, UNREACHABLE, hryvnias, say, totals_text
from drivers.clock import SystemClock, kyiv


def status(options: argparse.Namespace) -> int:
    from drivers.errors import Unreachable
    from drivers.registrar import served

    info = silent = None
    with Device(options) as registrar:
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
        f"cash {hryvnias(status.drawer or 0)}, status bytes {status.raw}",
        *_offline(status),
        *(f"warning: {warning}" for warning in status.warnings),
        f"blocked by {', '.join(status.blocks)}" if status.blocks else "ready to sell",
    ]
    say(options, {"info": info, "status": status}, "\n".join(lines))
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


def x_report(options: argparse.Namespace) -> int:
    with Device(options) as registrar:
        totals = registrar.x_report()
    say(options, {"totals": totals}, totals_text(totals))
    return DONE


def receipt(options: argparse.Namespace) -> int:
    from drivers.errors import Code, Invalid
    from drivers.printers import files, tape
    from drivers.registry import connect

    registrar = connect(options.url, record=False)
    try:
        keeps = getattr(registrar, "paper", None)
        if keeps is None:
            raise Invalid(Code.UNSUPPORTED, "only a software registrar keeps its documents: ask it for a copy on paper")
        rows, qr = keeps(options.number)
        width = registrar.capabilities.line_length
    finally:
        registrar.close()
    text = tape.told(rows, qr)
    if options.png:
        files.write_picture(options.png, rows, qr, width)
    elif options.text:
        files.write_text(options.text, rows, qr)
    where = options.png or options.text
    say(options, {"number": options.number, "text": text, "qr": qr, "file": where}, f"{where}" if where else text)
    return DONE


def printer(options: argparse.Namespace) -> int:
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
    say(options, {"printer": printer.name, "state": state}, text)
    return DONE if state.trouble is None else REJECTED


def journal(options: argparse.Namespace) -> int:
    from drivers.journal import read

    records = list(read(journal_path()))[-max(options.last, 0) :]
    lines = [
        f"{record['seq']:>5} {record['at'][:19]} {record['event']:<8} {record['id']} "
        + (record["document"]["kind"] if record["event"] == "intent" else record["result"]["state"])
        for record in records
    ]
    say(options, {"records": records}, "\n".join(lines) or "the journal is empty")
    return DONE


def schema(options: argparse.Namespace) -> int:
    import json

    from drivers.document import schema

    print(json.dumps(schema(), ensure_ascii=False, indent=None if options.json else 2))
    return DONE
