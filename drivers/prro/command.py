"""What the `registrar` command says about software registrars: servers, keys, offline work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.clock import kyiv
from drivers.prro.address import settings
from drivers.prro.keys import slots
from drivers.registrar import Status, served
from drivers.registry import connect, parse_url

PATIENCE = 5.0
"""Seconds that a server may take to tell its time."""


@dataclass(frozen=True)
class Server:
    """A registrar's server and the keys that lie here for it. `latency` seconds, None where nobody answers."""

    url: str
    server: str
    fiscal_number: str
    latency: float | None
    key: str
    folder: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        answers = f"answers in {self.latency:.2f} s" if self.latency is not None else "does not answer"
        absent = "" if self.key in self.keys else " (no such key)"
        return (
            f"{self.server}: the fiscal server {answers}\n"
            f"    registrar {self.fiscal_number}, key {self.key}{absent}\n"
            f"    keys in {self.folder}: {', '.join(self.keys) or 'none'}"
        )


def look(urls: Sequence[str]) -> list[Server]:
    """Ask each server for its time; no key is unlocked and nothing is asked about a registrar. Raises `Invalid`."""
    found = []
    for text in urls:
        chosen = settings(parse_url(text))
        registrar = connect(text, record=False)
        line = served(registrar)
        try:
            seconds = line.latency(PATIENCE) if line is not None else None
        finally:
            registrar.close()
        keys = tuple(slots(chosen.keys))
        found.append(Server(text, chosen.base, chosen.register, seconds, chosen.slot, str(chosen.keys), keys))
    return found


def described(status: Status) -> list[str]:
    """Offline work, registration and key in two lines; none for a device."""
    offline = status.offline
    if offline is None:
        return []
    minutes = int(offline.month_left.total_seconds() // 60) if offline.month_left is not None else None
    month = f", {minutes // 60}:{minutes % 60:02d} left of the month" if minutes is not None else ""
    right = {True: "granted", False: "not granted", None: "not known"}[offline.allowed]
    force = {True: "in force", False: "CANCELLED", None: "not known"}[status.registered]
    until = f"{kyiv(status.key_until):%d.%m.%Y}" if status.key_until else "not known"
    reason = f": {offline.reason}" if offline.reason else ""
    return [
        f"{offline.mode}, {offline.queued} documents wait{month}, offline right {right}{reason}",
        f"key {status.key_id[:16] or '-'} until {until}, registration {force}",
    ]
