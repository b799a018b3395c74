"""Live a recorded session again: the driver against the recording, or its questions against another device.

`against_recording` gives the driver the recorded bytes and the recorded time: it must ask the same bytes and come to
the same verdicts. The whole is quick: silence and sleeps take no time. `against_device` puts the recorded calls to a
driver on another line, an emulator as a rule, and compares what can be compared: how each call ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from drivers.clock import SystemClock
from drivers.document import Document
from drivers.errors import Code, DifferentDevice, Existence, Fault, Invalid, LinkLost, Unreachable
from drivers.links import Link
from drivers.links.wire import WireLog
from drivers.recording import HEAD, VERSION, plain
from drivers.registrar import Registrar
from drivers.registry import connect, parse_url

ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "info": (),
    "status": (),
    "totals": (),
    "snapshot": (Document,),
    "register": (Document, dict[str, str | int]),
    "reconcile": (Document, dict[str, str | int]),
    "x_report": (),
    "cash_in_drawer": (),
    "slip": (list[str],),
    "copy_last": (),
    "open_drawer": (),
    "display": (str, str),
    "set_clock": (datetime,),
    "close": (),
}
COMPARED = ("state", "total", "change", "by_tax", "blocks", "family")
"""What two devices that were asked the same must tell alike; numbers, times and sums of a day are their own."""


class Diverged(Exception):
    """The driver did something else than in the recording. Not a `Fault`: no driver may fold it into a result."""


@dataclass(frozen=True)
class Event:
    """One line of a recording: its first word, what follows, its line number and its time."""

    word: str
    what: list[Any]
    line: int
    at: float

    def __str__(self) -> str:
        return f"line {self.line}: {self.word} {' '.join(map(str, self.what))}".strip()


@dataclass(frozen=True)
class Session:
    """A recording in memory."""

    url: str
    begun: datetime
    events: list[Event]


@dataclass(frozen=True)
class Outcome:
    """How one call ended, then and now. `difference` is empty where they agree."""

    call: str
    then: Any
    now: Any
    difference: str = ""


@dataclass(frozen=True)
class Report:
    """All calls of a session. `diverged` names the place where the driver left the recording."""

    outcomes: list[Outcome] = field(default_factory=list)
    diverged: str = ""
    sent: int = 0
    """Bytes to the device that were the same."""
    note: str = ""
    """What a reader must know about the comparison."""

    @property
    def same(self) -> bool:
        return not self.diverged and not any(outcome.difference for outcome in self.outcomes)


def load(path: Path) -> Session:
    """Read a recording; a torn last line is left out. Raises `Invalid` for anything else that is not one."""
    events = []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, text in enumerate(lines[:-1], 1):
        try:
            word, *what, at = json.loads(text)
            events.append(Event(str(word), what, number, float(at)))
        except (ValueError, TypeError) as error:
            raise Invalid(Code.BAD_FIELD, f"{path} is damaged at line {number}") from error
    if not events or events[0].word != HEAD or len(events[0].what) != 3:
        raise Invalid(Code.BAD_FIELD, f"{path} is not a recorded session")
    version, url, begun = events[0].what
    if version != VERSION:
        raise Invalid(Code.BAD_FIELD, f"{path} is of version {version}; this program reads {VERSION}")
    return Session(str(url), datetime.fromisoformat(str(begun)), events[1:])


def against_recording(session: Session) -> Report:
    """Run the driver of the recorded URL on the recorded bytes.

    A software registrar's session cannot be run again; its documents are built anew (`drivers.prro.replaying`).
    """
    if parse_url(session.url).family == "prro":
        from drivers.prro import replaying

        return replaying.against_recording(session)
    tape = Tape(session)
    registrar = connect(session.url, clock=tape, log=WireLog(SystemClock(), tap=tape.tap), record=False)
    outcomes: list[Outcome] = []
    try:
        while (call := tape.next_call()) is not None:
            then, now = tape.ending(call), ended(registrar, call.what[0], arguments(call))
            tape.expect("return", "raise")
            difference = "" if then == now else f"{call}: {then} then, {now} now"
            outcomes.append(Outcome(call.what[0], then, now, difference))
    except Diverged as error:
        return Report(outcomes, str(error), tape.sent)
    return Report(outcomes, "", tape.sent)


def against_device(session: Session, registrar: Registrar) -> Report:
    """Put the recorded calls to `registrar` and compare how each ended."""
    outcomes = []
    snapshots: dict[Any, Any] = {}
    for position, call in enumerate(session.events):
        if call.word != "call":
            continue
        if call.what[0] not in ARGUMENTS and parse_url(session.url).family == "prro":
            # Questions about keys and the way home: another server has its own.
            continue
        name, values = call.what[0], arguments(call)
        if name in ("register", "reconcile"):
            # Completion values are the device's own: its answer to the same question, not the recorded one.
            values = [values[0], snapshots.get(values[0].id, values[1])]
        then = ending_of(session.events[position:], call)
        now = ended(registrar, name, values)
        if name == "snapshot" and now[0] == "return":
            snapshots[values[0].id] = now[1]
        difference = "" if _core(then) == _core(now) else f"{call}: {_core(then)} then, {_core(now)} now"
        outcomes.append(Outcome(name, then, now, difference))
    return Report(outcomes)


def arguments(call: Event) -> list[Any]:
    """The values of a recorded call. Raises `Invalid` for a call that is none of a registrar's."""
    name, values = call.what
    kinds = ARGUMENTS.get(name)
    if kinds is None or len(values) != len(kinds):
        raise Invalid(Code.BAD_FIELD, f"line {call.line}: a registrar has no {name!r} with {len(values)} arguments")
    try:
        return [msgspec.convert(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except msgspec.ValidationError as error:
        raise Invalid(Code.BAD_FIELD, f"line {call.line}: {error}") from error


def ended(registrar: Registrar, name: str, values: Sequence[Any]) -> list[Any]:
    """How a call ends now, in the words of a recording."""
    try:
        return ["return", plain(getattr(registrar, name)(*values))]
    except Fault as fault:
        return ["raise", type(fault).__name__, str(fault.code), fault.what]


class Tape:
    """The recording as a link and a clock; the driver must take both in the recorded order.

    `monotonic` goes with the recorded events, so that every deadline passes where it did. A look at the clock gets the
    recorded moment where there is one before the next event, else a moment made of the time of the last event.
    """

    def __init__(self, session: Session) -> None:
        self._events = session.events
        self._begun = session.begun
        self._place = 0
        self._time = 0.0
        self.sent = 0
        self.name = ""

    # -- calls ----------------------------------------------------------------------------------------------------

    def next_call(self) -> Event | None:
        """The next recorded call, or None at the end. A call that the till did not survive is not run."""
        self._skip_looks()
        if self._place >= len(self._events):
            return None
        call = self.expect("call")
        return call if self.ending(call) else None

    def ending(self, call: Event) -> list[Any]:
        return ending_of(self._events[self._place :], call)

    def expect(self, *words: str) -> Event:
        """Take the next event, which must be one of `words`. Raises `Diverged`."""
        self._skip_looks()
        event = self._events[self._place] if self._place < len(self._events) else None
        if event is None or event.word not in words:
            raise Diverged(f"the driver does {' or '.join(words)!r} where the recording has {event or 'its end'}")
        self._place += 1
        self._time = max(self._time, event.at)
        return event

    def _skip_looks(self) -> None:
        while self._place < len(self._events) and self._events[self._place].word == "now":
            self._place += 1

    def _coming(self) -> str:
        rest: Iterator[Event] = (event for event in self._events[self._place :] if event.word != "now")
        return next((event.word for event in rest), "")

    # -- the clock ------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        if self._place < len(self._events) and self._events[self._place].word == "now":
            event = self._events[self._place]
            self._place += 1
            self._time = max(self._time, event.at)
            return datetime.fromisoformat(event.what[0])
        return self._begun + timedelta(seconds=self._time)

    def monotonic(self) -> float:
        return self._time

    def sleep(self, seconds: float) -> None:
        self._time += seconds

    # -- the link -------------------------------------------------------------------------------------------------

    def tap(self, link: Link) -> Link:
        self.name = link.name
        return self

    def open(self) -> None:
        event = self.expect("open", "open!")
        if event.word == "open":
            self.name = str(event.what[0])
            return
        kind, code, what, serial = event.what
        if kind == "DifferentDevice":
            raise DifferentDevice(Code(code), what, serial=serial, existence=Existence.NO)
        raise Unreachable(Code(code), what)

    def close(self) -> None:
        self.expect("close")

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        asked = data if shown is None else shown
        event = self.expect(">")
        if event.what[0] != asked.hex():
            raise Diverged(f"the driver asks {asked.hex(' ')} where the recording has {event}")
        self.sent += len(asked)
        self._lost_next()

    def read(self, timeout: float) -> bytes:
        if timeout <= 0:
            self._lost_next()
            return bytes.fromhex(self.expect("<<").what[0]) if self._coming() == "<<" else b""
        self._lost_next()
        event = self.expect("<", "_")
        return bytes.fromhex(event.what[0]) if event.what else b""

    def flush_input(self) -> None:
        self._lost_next()

    def _lost_next(self) -> None:
        if self._coming() == "lost":
            code, what = self.expect("lost").what
            raise LinkLost(Code(code), what)


def ending_of(events: Sequence[Event], call: Event) -> list[Any]:
    """How a recorded call ended; empty where the till died before. Calls are not nested."""
    for event in events:
        if event.word in ("return", "raise"):
            return [event.word, *event.what]
        if event.word == "call" and event is not call:
            break
    return []


def _core(ending: list[Any]) -> Any:
    """What must be alike on two devices."""
    if not ending or ending[0] == "raise":
        return ending[:3]
    value = ending[1]
    if not isinstance(value, dict):
        return "done"
    core = {name: value[name] for name in COMPARED if name in value}
    if value.get("fault"):
        core["fault"] = value["fault"]["code"]
    return core
