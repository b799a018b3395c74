"""A session written down so that it can be lived again: what was asked of a registrar, every byte, and the time.

One JSON array a line; the first word tells what it is, the last is the number of seconds since the start:

    ["kasa-wire", 1, URL, begun, t]   the head; secrets in the URL are zeros of the same length
    ["call", name, arguments, t]      a method of the registrar is called …
    ["return", value, t]              … and returns
    ["raise", type, code, what, t]    … or raises
    ["now", moment, t]                the driver looked at the clock
    ["open", name, t]                 the link was opened, or ["open!", type, code, what, serial, t]: it was not
    [">", hex, t]                     bytes to the device, secrets masked as in the wire log, amounts as they were
    ["<", hex, t]                     bytes from it;  ["<<", hex, t] stale ones that were only flushed
    ["_", t]                          a wait that ended in silence
    ["lost", code, what, t]           the link broke
    ["close", t]
    ["post", url, kind, hex, t]       a request to a server (the tax service, a key's authority), secrets masked
    ["answer", status, hex, t]        the whole answer to it, secrets masked
    ["post!", why, t]                 none came, or the request did not go out

A killed till leaves at most one torn line at the end. `drivers.replay` reads it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from drivers.clock import Clock
from drivers.document import Document
from drivers.errors import Code, DifferentDevice, Fault, Invalid, LinkLost, Unreachable
from drivers.links import Link
from drivers.registrar import Capabilities, Info, PrintsApart, Registrar, Result, Snapshot, Status, Totals

HEAD, VERSION = "kasa-wire", 1
SECRETS = frozenset(
    {"password", "report_password", "program_password", "cashier_password", "key_password", "token", "pin"}
)
"""Options of a registrar URL that are nobody else's business."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Recorder:
    """Writes one session to `path`, which is replaced. A folder takes a file of its own for each session.

    Raises `Invalid` for a path that cannot be written. A disk that fills up later ends the recording, not the sale.
    """

    def __init__(self, path: Path, url: str, clock: Clock) -> None:
        self._real = clock
        begun = clock.now()
        if path.is_dir():
            path = path / f"{urlsplit(url).scheme.partition('+')[0]}-{begun:%Y%m%d-%H%M%S-%f}.wire"
        self.path = path
        self.clock = RecordingClock(self, clock)
        try:
            path.write_bytes(b"")
        except OSError as error:
            raise Invalid(Code.BAD_FIELD, f"cannot record to {path}: {error}", field="record") from error
        self._given_up = False
        self._start = clock.monotonic()
        self.note(HEAD, VERSION, without_secrets(url), begun.isoformat())

    def note(self, *what: Any) -> None:
        """One more line."""
        moment = round(self._real.monotonic() - self._start, 6)
        # A registrar is closed and used again at any time, so that no moment is the last: nothing is kept open.
        line = json.dumps([*what, moment], separators=(",", ":")) + "\n"
        try:
            if not self._given_up:
                with self.path.open("a", encoding="ascii") as file:
                    file.write(line)
        except OSError as error:
            self._given_up = True
            logging.getLogger(__name__).warning("the recording %s ends here: %s", self.path, error)

    def tap(self, link: Link) -> Link:
        """The same link, written down."""
        return RecordingLink(self, link)


class RecordingClock:
    """The driver's clock; what it told is part of the session, because some bytes are made of it."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock

    def now(self) -> datetime:
        moment = self._clock.now()
        self._recorder.note("now", moment.isoformat())
        return moment

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class RecordingLink:
    """Any link, every call of it written down."""

    def __init__(self, recorder: Recorder, link: Link) -> None:
        self._recorder = recorder
        self._link = link

    @property
    def name(self) -> str:
        return self._link.name

    def open(self) -> None:
        try:
            self._link.open()
        except (Unreachable, DifferentDevice) as fault:
            serial = fault.serial if isinstance(fault, DifferentDevice) else ""
            self._recorder.note("open!", type(fault).__name__, str(fault.code), fault.what, serial)
            raise
        self._recorder.note("open", self.name)

    def close(self) -> None:
        self._link.close()
        self._recorder.note("close")

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        self._recorder.note(">", (data if shown is None else shown).hex())
        try:
            self._link.write(data, shown)
        except LinkLost as fault:
            self._recorder.note("lost", str(fault.code), fault.what)
            raise

    def read(self, timeout: float) -> bytes:
        try:
            data = self._link.read(timeout)
        except LinkLost as fault:
            self._recorder.note("lost", str(fault.code), fault.what)
            raise
        if data:
            self._recorder.note("<" if timeout > 0 else "<<", data.hex())
        elif timeout > 0:
            self._recorder.note("_")
        return data

    def flush_input(self) -> None:
        try:
            self._link.flush_input()
        except LinkLost as fault:
            self._recorder.note("lost", str(fault.code), fault.what)
            raise


class RecordedRegistrar:
    """Any registrar, every question and answer of it written down; answers `drivers.registrar.Registrar`."""

    def __init__(self, registrar: Registrar, recorder: Recorder) -> None:
        self._registrar = registrar
        self._recorder = recorder

    @property
    def capabilities(self) -> Capabilities:
        return self._registrar.capabilities

    def check(self, document: Document) -> None:
        self._registrar.check(document)

    def info(self) -> Info:
        return self._call(self._registrar.info)

    def status(self) -> Status:
        return self._call(self._registrar.status)

    def totals(self) -> Totals:
        return self._call(self._registrar.totals)

    def snapshot(self, document: Document) -> Snapshot:
        return self._call(self._registrar.snapshot, document)

    def register(self, document: Document, snapshot: Snapshot) -> Result:
        return self._call(self._registrar.register, document, snapshot)

    def reconcile(self, document: Document, snapshot: Snapshot) -> Result:
        return self._call(self._registrar.reconcile, document, snapshot)

    def x_report(self) -> Totals:
        return self._call(self._registrar.x_report)

    def cash_in_drawer(self) -> int:
        return self._call(self._registrar.cash_in_drawer)

    def slip(self, lines: Sequence[str]) -> None:
        self._call(self._registrar.slip, lines)

    def copy_last(self) -> None:
        self._call(self._registrar.copy_last)

    def open_drawer(self) -> None:
        self._call(self._registrar.open_drawer)

    def display(self, upper: str, lower: str) -> None:
        self._call(self._registrar.display, upper, lower)

    def set_clock(self, moment: datetime) -> None:
        self._call(self._registrar.set_clock, moment)

    def set_paper(self, wanted: bool) -> None:
        if isinstance(self._registrar, PrintsApart):
            self._call(self._registrar.set_paper, wanted)

    def reprint(self, document: Document) -> None:
        if isinstance(self._registrar, PrintsApart):
            self._call(self._registrar.reprint, document)

    def close(self) -> None:
        self._call(self._registrar.close)

    def __getattr__(self, name: str) -> Any:
        """What only some registrars offer (`drivers.registrar.Served`) passes too, and is written down alike."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._registrar, name)
        return partial(self._call, found) if callable(found) else found

    def _call(
        self, method: Callable[Arguments, Answer], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Answer:
        self._recorder.note("call", method.__name__, plain(arguments))
        try:
            answer = method(*arguments, **named)
        except Fault as fault:
            self._recorder.note("raise", type(fault).__name__, str(fault.code), fault.what)
            raise
        self._recorder.note("return", plain(answer))
        return answer


def plain(value: Any) -> Any:
    """What JSON makes of a value of this package; a path is its text, a function is nothing."""
    return json.loads(msgspec.json.encode(value, enc_hook=_text))


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else None


def without_secrets(url: str) -> str:
    """The URL with zeros for secrets: a driver that checks their form takes them, and masks them alike."""
    parts = urlsplit(url)
    options = [
        (name, "0" * len(value) if name in SECRETS else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    host = parts.netloc.rpartition("@")[2]
    tail = f"?{urlencode(options, safe='/:')}" if options else ""
    return f"{parts.scheme}://{host}{parts.path}{tail}"
