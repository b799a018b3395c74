"""A recorded session of a software registrar, looked at again.

It cannot be lived again as a device's can: a signature is fresh each time, a document's UID and moment are its own, and
the secrets of offline sessions are masked, so that the same bytes are never asked twice. What can be proved is what the
registrar makes of an act: out of the recorded call and the place in the sequence that the recorded XML names, this
program must build the same XML to the byte, and what the call returned must be what the server's ticket says.

A Z-report counts documents that the recording may not hold, and an offline document carries a number made of a secret:
those are told and not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile, zip_longest
from typing import Any
from uuid import UUID

from drivers.document import Document
from drivers.errors import Fault, Invalid
from drivers.prro.documents import Act, Heading, Record, build, close_shift, read_document, read_ticket
from drivers.prro.signing import cms
from drivers.prro.signing.errors import SignatureFault
from drivers.replay import Event, Outcome, Report, Session, arguments, ending_of

NOTE = "signatures are fresh each time and secrets are masked: the XML is compared, and what the tickets say"
UNCOMPARED = frozenset({Act.Z_REPORT, Act.BEGIN_OFFLINE, Act.END_OFFLINE})


def against_recording(session: Session) -> Report:
    """Build every online document of the session anew. Raises `Invalid` for a damaged recording."""
    outcomes: list[Outcome] = []
    same = 0
    for position, call in enumerate(session.events):
        if call.word != "call" or call.what[0] not in ("register", "reconcile"):
            continue
        document: Document = arguments(call)[0]
        rest = session.events[position + 1 :]
        during = list(takewhile(lambda event: event.word not in ("return", "raise", "call"), rest))
        ended = ending_of(session.events[position:], call)
        for message, answer in _documents(during):
            outcome, length = _compared(document, message, answer, ended)
            outcomes.append(outcome)
            same += length
    return Report(outcomes, "", same, NOTE)


def _documents(events: Sequence[Event]) -> Iterator[tuple[bytes, bytes]]:
    """Messages that were handed over and what came back, b"" for nothing."""
    asked = [place for place, event in enumerate(events) if event.word == "post" and event.what[0].endswith("/doc")]
    for place in asked:
        after = events[place + 1] if place + 1 < len(events) else None
        came = bytes.fromhex(after.what[1]) if after is not None and after.word == "answer" else b""
        yield bytes.fromhex(events[place].what[2]), came


def _compared(document: Document, message: bytes, answer: bytes, ended: list[Any]) -> tuple[Outcome, int]:
    """One document then and now, and the octets that are the same."""
    try:
        xml = cms.parse(message).content or b""
        record = read_document(xml)
    except (SignatureFault, Invalid) as fault:
        raise Invalid(fault.code, f"the recording holds a document that cannot be read: {fault.what}") from fault
    name = f"{record.act} {record.number}"
    if record.act in UNCOMPARED or record.offline:
        return Outcome(name, "sent", "not compared"), 0
    heading = Heading(UUID(record.uid), record.number, record.moment, record.cashier)
    try:
        if record.act is Act.CLOSE_SHIFT:
            made = close_shift(record.outlet, heading)
        else:
            made = build(record.outlet, heading, document)
    except Fault as fault:
        return Outcome(name, "built", "refused", f"{name}: it was built then, now {fault.code}: {fault.what}"), 0
    difference = "" if made == xml else f"{name}: {_apart(xml, made)}"
    told = _told(record, answer, ended)
    return Outcome(name, "sent", "built", difference or told), 0 if difference else len(xml)


def _apart(then: bytes, now: bytes) -> str:
    place = next(index for index, (one, other) in enumerate(zip_longest(then, now)) if one != other)
    around = slice(max(0, place - 20), place + 20)
    return f"the XML differs at byte {place}: {then[around]!r} then, {now[around]!r} now"


def _told(record: Record, answer: bytes, ended: list[Any]) -> str:
    """How what the call returned differs from the ticket; "" where it does not, or there is no ticket to read."""
    try:
        ticket = read_ticket(cms.parse(answer).content or b"")
    except (SignatureFault, Invalid):
        return ""
    result = ended[1] if len(ended) > 1 and ended[0] == "return" else {}
    if record.act is Act.CLOSE_SHIFT or not ticket.accepts(UUID(record.uid), record.number) or not result:
        return ""
    if result.get("number") == ticket.fiscal_number:
        return ""
    return f"the ticket gave {ticket.fiscal_number}, the call returned {result.get('number') or result.get('state')}"
