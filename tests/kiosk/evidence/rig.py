"""A shop whose every byte is kept twice: by the till's own evidence, and by a recorder on the registrar's side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from drivers.emulation.lines import Line
from drivers.emulation.memory import Tape
from drivers.prro.emulator import demo
from drivers.prro.emulator.authority import Authority
from drivers.prro.emulator.requests import Answer, Request
from drivers.prro.emulator.web import FiscalEmulator, build
from drivers.prro.keys import ring
from drivers.prro.signing import Signer
from kiosk.desks import worker
from kiosk.evidence.book import Book
from kiosk.ledger.store import open_ledger
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace
from tests.contract.bench import EmulatorBench, Family, emulator_bench
from tests.till.conftest import Shop


class Heard:
    """What an outsider heard on the line, in order: `>` towards the registrar, `<` from it."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, bytearray]] = []

    def note(self, direction: str, data: bytes, *, whole: bool = False) -> None:
        """`whole`: a message by itself, even an empty one."""
        if not data and not whole:
            return
        if self.runs and self.runs[-1][0] == direction and not whole:
            self.runs[-1][1].extend(data)
        else:
            self.runs.append((direction, bytearray(data)))

    def all(self, direction: str) -> bytes:
        return b"".join(bytes(data) for way, data in self.runs if way == direction)


class TappedLine:
    """The registrar's own line with somebody listening at its end of the cable."""

    def __init__(self, line: Any, heard: Heard) -> None:
        self._line, self._heard = line, heard

    def read(self) -> bytes:
        data: bytes = self._line.read()
        self._heard.note(">", data)
        return data

    def write(self, data: bytes) -> None:
        self._heard.note("<", data)
        self._line.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


class EvidentShop(Shop):
    """`tests.till.conftest.Shop` with the evidence book that `kiosk.start` opens."""

    def start(self) -> Till:
        ledger = open_ledger(self.path, self.clock)
        self.book = Book(self.path.with_name("evidence.db"))
        place = Workplace(
            ledger, self.settings, self.clock, lambda binding: worker(binding, self.clock, book=self.book), self.book
        )
        self.till = Till(place)
        return self.till


@contextmanager
def tapped(family: Family, folder: Path, heard: Heard) -> Iterator[EmulatorBench]:
    """The family's virtual registrar with a listener on its line."""
    from tests.contract import bench

    real = bench.line_of

    @contextmanager
    def listening(*arguments: Any) -> Iterator[Line]:
        with real(*arguments) as line:
            yield TappedLine(line, heard)  # type: ignore[misc]

    with mock.patch.object(bench, "line_of", listening), emulator_bench(family, folder) as running:
        yield running


@contextmanager
def fiscal_server(
    people: demo.Demo, folder: Path, heard: Heard, patch: pytest.MonkeyPatch
) -> Iterator[tuple[FiscalEmulator, str]]:
    """The virtual fiscal server with a listener at its port, and the URL of a registrar on it."""

    def load(settings: Any, state: Path | None, url: str, at: Any) -> demo.Demo:
        authority = Authority(people.authority.root, people.authority.generation, url)
        return demo.Demo(authority, people.people, people.services, None)

    patch.setattr(demo, "load", load)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        emulator = stack.enter_context(build({}, state=folder / "fs.db", tape=Tape(None)))
        answer = emulator.exchange

        def listening(request: Request, cut: Any) -> Answer:
            heard.note(">", request.body, whole=True)
            said = answer(request, cut)
            heard.note("<", said.body, whole=True)
            return said

        patch.setattr(emulator, "exchange", listening)
        keys = folder / "keys"
        (keys / "trust").mkdir(parents=True)
        (keys / "trust" / "authority.cer").write_bytes(emulator.demo.authority.certificate.raw)
        ring.put(keys, "cashier", Signer(emulator.demo.cashier.key, emulator.demo.cashier.certificate))
        options = {
            "fn": "4000123456", "key": "cashier", "keys": keys, "state": folder / "state", "demo": "yes", "tsp": "no",
            "connect_ms": 500, "read_ms": 3000, "command_ms": 3000, "tape": folder / "tape.txt",
        }  # fmt: skip
        query = "&".join(f"{name}={value}" for name, value in options.items())
        yield emulator, f"prro+{emulator.address}?{query}"
