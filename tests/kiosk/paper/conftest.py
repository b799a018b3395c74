"""A shop with a software registrar: virtual fiscal server, virtual receipt printer, real till and ledger."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
import pytest
from textual.pilot import Pilot

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import TcpLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from drivers.links.wire import WireLog
from drivers.printers.emulator.machine import EscposMachine
from drivers.printers.emulator.machine import build as build_printer
from drivers.prro.emulator.web import FiscalEmulator, build
from drivers.prro.keys import ring
from drivers.prro.signing import Signer
from drivers.registrar import Registrar
from kiosk.app import KioskApp
from kiosk.config import Policy, Settings
from kiosk.desks import worker
from kiosk.ledger.demo import fill
from kiosk.ledger.store import open_ledger
from kiosk.screens.outcome import OutcomeScreen
from kiosk.till.paper import paper_wanted
from kiosk.till.sale import Paid
from kiosk.till.till import Till
from kiosk.till.workplace import Workplace
from tests.kiosk.selling import CASHIER, GREEN, PATIENCE, Selling

FN = "4000123456"


@dataclass
class Rig:
    """The world around a till. `till()` makes another process of it: the same disk, the same registrar."""

    fiscal: FiscalEmulator
    paper: EmulatorServer
    printer: EscposMachine
    settings: Settings
    log: WireLog
    key_id: str
    made: list[Till]

    def till(self, **changes: Any) -> Till:
        while self.made:
            self.made.pop().close()
        settings = msgspec.structs.replace(self.settings, **changes)
        clock = SystemClock()
        ledger = open_ledger(settings.ledger_url, clock)
        fill(ledger, workplace=settings.workplace, registrar_url=settings.registrar)
        enterprise = ledger.shop.enterprises()[0].id
        ledger.goods.put([replace(GREEN, enterprise_id=enterprise)])
        _register_keys(settings.ledger_url, self.key_id)

        def access(binding: Any) -> Any:
            wanted = paper_wanted(ledger, settings.workplace)
            return worker(binding, clock, self.log, settings=settings, paper=wanted)

        till = Till(Workplace(ledger, settings, clock, access))
        self.made.append(till)
        return till

    def open(self, **changes: Any) -> Till:
        """A till with a cashier and an open shift."""
        till = self.till(**changes)
        till.people.login_badge(CASHIER)
        binding = till.workplace.main_binding()
        if till.shifts.current(binding) is None:
            till.shifts.open(binding, counted=0, float_=0)
        till.workplace.desk(binding).access.call(_opened)
        return till

    def sell(self, till: Till, **how: Any) -> Paid:
        till.sale.enter(GREEN.barcode)
        return till.sale.pay(**({"received": till.sale.quote().due} | how))

    @property
    def sent(self) -> bytes:
        """Every byte that left the till, to the server and to the printer."""
        return b"".join(exchange.data for exchange in self.log if exchange.direction == ">")

    @property
    def lines(self) -> list[str]:
        return self.printer.tape.lines

    def documents(self) -> list[dict[str, Any]]:
        return list(self.fiscal.registers()["journal"])


def _opened(registrar: Registrar) -> None:
    """The registrar's own shift, where the till has not opened it by a document."""
    if not registrar.status().shift_open:
        document = Document(id=uuid4(), kind=DocumentKind.OPEN_SHIFT)
        assert registrar.register(document, registrar.snapshot(document)).done


def _register_keys(path: str, key_id: str) -> None:
    """The cashier's key, and whoever works without one of his own, may sign here (form 5-ПРРО)."""
    with sqlite3.connect(path) as database:
        database.execute("UPDATE bindings SET signers = ?", (json.dumps(["", key_id]),))
    database.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with furnished(tmp_path, build) as made:
        yield made


@contextmanager
def furnished(tmp_path: Path, build: Callable[[dict[str, str]], FiscalEmulator]) -> Iterator[Rig]:
    """Demo keys in the ring, a server on a port, a printer on another."""
    with ExitStack() as stack:
        fiscal = stack.enter_context(build({"fn": FN}))
        folder = tmp_path / "keys"
        (folder / "trust").mkdir(parents=True)
        (folder / "trust" / "authority.cer").write_bytes(fiscal.demo.authority.certificate.raw)
        identity = fiscal.demo.people["cashier"]
        ring.put(folder, "cashier", Signer(identity.key, identity.certificate))
        machine = build_printer({}, StateFile(None), Tape(tmp_path / "paper.txt"), FaultPlan())
        server = stack.enter_context(EmulatorServer(machine, TcpLine(0)))
        url = (
            f"prro+{fiscal.address}?fn={FN}&key=cashier&keys={quote(str(folder))}&state={quote(str(tmp_path / 'prro'))}"
            "&tsp=no&demo=yes"
        )
        settings = Settings(
            data=str(tmp_path / "till"), registrar=url, demo=True, printer=f"escpos+tcp://{server.address}",
            internet=fiscal.address.removeprefix("http://").removesuffix("/fs"),
            policy=Policy(cash_rounding="off", lock_minutes=0),
        )  # fmt: skip
        Path(settings.data).mkdir()
        made: list[Till] = []
        log = WireLog(SystemClock(), size=100_000, most=1 << 26)
        yield Rig(fiscal, server, machine, settings, log, (identity.certificate.key_id or b"").hex(), made)
        while made:
            made.pop().close()


Counter = Callable[..., Any]


@pytest.fixture
def counter(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """`async with counter(size=(80, 25)) as shop`: the sale screen of an open shift."""
    monkeypatch.setenv("TZ", "Europe/Kyiv")
    time.tzset()
    return lambda size=(80, 25), **changes: shop_of(rig, size, **changes)


@asynccontextmanager
async def shop_of(rig: Rig, size: tuple[int, int], **changes: Any) -> AsyncIterator[Selling]:
    """The till under the pilot."""

    def opener() -> Till:
        till = rig.open(**changes)
        till.people.logout()
        rig.made.clear()
        return till

    app = KioskApp(rig.settings, opener)
    app.REPEAT_GAP = 0.0
    async with app.run_test(size=size) as pilot:
        await _until(pilot, app.ready.is_set)
        assert app.failed is None, app.failed
        assert app.till is not None
        shop = Selling(app, pilot, rig.paper, Path(), app.till)
        app.scanned(CASHIER)
        await shop.until(lambda: shop.where == "SaleScreen", "the sale")
        await shop.quiet()
        yield shop


async def pay(shop: Selling, begin: Callable[[], None] = lambda: None) -> OutcomeScreen:
    """One good, the exact cash; on the screen with the painted code or words."""
    await shop.scan(GREEN.barcode)
    await shop.press("f6")
    await shop.until(lambda: shop.where == "PaymentScreen", "the payment")
    begin()
    await shop.pilot.press("ctrl+enter")
    await shop.until(lambda: shop.where == "OutcomeScreen", "the outcome")
    await shop.quiet()
    screen = shop.app.screen
    assert isinstance(screen, OutcomeScreen)
    return screen


async def _until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        await pilot.pause(0.01)
