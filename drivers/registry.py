"""Registrar URL -> driver: `family+transport://address?option=value`.

    datecs+serial:///dev/registrar?baud=19200        datecs+tcp://10.0.0.7:9100        ikc+usb://ffff:1c01

One line says which registrar a till uses; swapping the type is changing that line. Built-in families stand in a table
of module names, imported on use; strangers add theirs through the entry-point group `kasa.registrars`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from drivers.clock import Clock, SystemClock
from drivers.errors import Code, Invalid
from drivers.links.wire import WireLog
from drivers.registrar import Registrar

BUILT_IN: Mapping[str, str] = {
    "datecs": "drivers.datecs.registrar:connect",
    "exellio": "drivers.datecs.registrar:connect",
    "krypton": "drivers.krypton.registrar:connect",
    "maria": "drivers.maria.registrar:connect",
    "ikc": "drivers.ikc.registrar:connect",
    "helpmicro": "drivers.helpmicro.registrar:connect",
    "prro": "drivers.prro.address:connect",
}
ENTRY_POINTS = "kasa.registrars"


@dataclass(frozen=True)
class RegistrarUrl:
    """A parsed registrar URL. `options` keep their text; a driver takes what it knows and refuses the rest."""

    family: str
    transport: str
    address: str
    options: Mapping[str, str]
    text: str

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """An integer option within bounds. Raises `Invalid`."""
        text = self.options.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise Invalid(Code.BAD_FIELD, f"option {name} is a number {low}..{high}, not {text!r}", field=name)
        return int(text)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """An option out of a list. Raises `Invalid`."""
        text = self.options.get(name, default)
        if text not in allowed:
            raise Invalid(Code.BAD_FIELD, f"option {name} is one of {', '.join(allowed)}, not {text!r}", field=name)
        return text

    def refuse_unknown(self, *known: str) -> None:
        """A misspelt option would silently be a default: refuse it. Raises `Invalid`."""
        if strange := sorted(set(self.options) - set(known)):
            raise Invalid(Code.BAD_FIELD, f"unknown option {strange[0]!r}; known: {', '.join(known)}", field=strange[0])


Factory = Callable[[RegistrarUrl, Clock, WireLog], Registrar]


def parse_url(text: str) -> RegistrarUrl:
    """Read a registrar URL. Raises `Invalid` with what is wrong and an example."""
    example = "write e.g. datecs+serial:///dev/registrar?baud=19200"
    try:
        parts = urlsplit(text.strip())
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise Invalid(Code.BAD_FIELD, f"{text!r} is not a registrar URL ({error}); {example}") from error
    family, plus, transport = parts.scheme.partition("+")
    address = parts.path if transport in ("serial", "pty") else parts.netloc
    if not (plus and family and transport and address):
        raise Invalid(Code.BAD_FIELD, f"{text!r} is not a registrar URL; {example}")
    if len(dict(pairs)) != len(pairs):
        raise Invalid(Code.BAD_FIELD, "an option is given twice in the registrar URL")
    return RegistrarUrl(family, transport, address, dict(pairs), text.strip())


def families() -> dict[str, str]:
    """Every known family and where its factory lives; a stranger cannot replace a built-in one."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)} | dict(BUILT_IN)


def connect(
    text: str, *, clock: Clock | None = None, log: WireLog | None = None, record: Path | bool = True
) -> Registrar:
    """The driver for a URL; opens nothing yet. Raises `Invalid` for an unknown family or option.

    `record` writes the session to that file (`drivers.recording`); True: where $KASA_RECORD says, if it does.
    """
    url = parse_url(text)
    where = BUILT_IN.get(url.family) or families().get(url.family)
    if where is None:
        raise Invalid(Code.BAD_FIELD, f"no driver for {url.family!r}; known: {', '.join(sorted(families()))}")
    clock = clock or SystemClock()
    module, _, name = where.partition(":")
    factory: Factory = getattr(import_module(module), name)
    log = log or WireLog(clock)
    if record is True:
        place = os.environ.get("KASA_RECORD", "")
        record = Path(place) if place else False
    if not isinstance(record, Path):
        return factory(url, clock, log)
    from drivers.recording import RecordedRegistrar, Recorder

    recorder = Recorder(record, url.text, clock)
    log.tap, log.note = recorder.tap, recorder.note
    return RecordedRegistrar(factory(url, recorder.clock, log), recorder)
