"""Commands that issue a document: all go down the one road with the command's own journal."""

from __future__ import annotations

import argparse
import sys
import uuid
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from drivers.cli.device import Device, journal_path
from drivers.cli.saying import DONE, REJECTED, UNKNOWN, UNREACHABLE, hryvnias, say
from drivers.clock import SystemClock


def register(options: argparse.Namespace) -> int:
    from drivers.document import parse

    data = sys.stdin.buffer.read() if options.document == "-" else Path(options.document).read_bytes()
    return _walk(options, parse(data))


def z_report(options: argparse.Namespace) -> int:
    from drivers.document import Document, DocumentKind

    return _walk(options, Document(id=options.id or uuid.uuid4(), kind=DocumentKind.Z_REPORT))


def cash(options: argparse.Namespace) -> int:
    from drivers.document import Document, DocumentKind

    try:
        exact = Decimal(options.sum.replace(",", ".")) * 100
    except InvalidOperation:
        exact = Decimal(-1)
    if not exact.is_finite() or exact <= 0 or exact != exact.to_integral_value():
        raise ValueError(f"{options.sum!r} is not a sum of money above zero with at most two decimals")
    identity = options.id or uuid.uuid4()
    return _walk(options, Document(id=identity, kind=DocumentKind(options.kind), amount=int(exact)))


def open_shift(options: argparse.Namespace) -> int:
    from drivers.document import Document, DocumentKind

    return _walk(options, Document(id=options.id or uuid.uuid4(), kind=DocumentKind.OPEN_SHIFT))


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
    with FileJournal(journal_path(), clock, where) as journal, Device(options) as registrar:
        if any(begun.id != document.id for begun, _ in journal.open_intents()):
            # Another document's trace must be read before this one moves the same registers.
            for begun, earlier in settle_open(registrar, journal, clock, patience=options.patience):
                if earlier.state is State.UNKNOWN and begun.id != document.id:
                    return _blocked(options, begun, earlier)
        result = walk(registrar, document, journal, clock, patience=options.patience)
    text = f"{result.state}: {document.kind} {hryvnias(document.due)}, number {result.number or '-'}"
    if result.fault is not None:
        text += f"\n{result.fault.code}: {result.fault.what}"
    if result.state is State.UNKNOWN:
        text += f"\nDo not repeat it under another id. Ask again later: the same command with id {document.id}."
    say(options, {"id": document.id, "result": result}, text)
    if result.done:
        return DONE
    if result.fault is not None and result.state is State.REJECTED and result.fault.code in ("OFFLINE", "BUSY"):
        return UNREACHABLE
    return UNKNOWN if result.state is State.UNKNOWN else REJECTED


def _blocked(options: argparse.Namespace, begun: Any, earlier: Any) -> int:
    """An earlier document is still open: nothing new goes out."""
    what = (
        f"nothing was sent: the {begun.kind} {begun.id} of {hryvnias(begun.due)} is still unknown; "
        "settle it first by the same command with that id"
    )
    say(options, {"error": {"code": "UNSETTLED", "what": what}, "id": begun.id, "result": earlier}, what, error=True)
    return UNKNOWN
