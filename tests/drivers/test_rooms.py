"""Registry, worker, clock and road: the small rooms between a caller and a driver."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint

import pytest

from drivers import registry
from drivers.clock import SystemClock, from_kyiv, kyiv
from drivers.datecs.registrar import DatecsRegistrar
from drivers.document import Document, DocumentKind
from drivers.emulation.server import EmulatorServer
from drivers.errors import Code, Invalid
from drivers.registrar import Registrar, Result, State
from drivers.road import settle_open, walk
from drivers.worker import Worker
from tests.contract.memory import MemoryJournal


def cash(amount: int = 100) -> Document:
    return Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=amount)


# -- registry -----------------------------------------------------------------------------------------------------


def test_a_registrar_url() -> None:
    url = registry.parse_url(" datecs+serial:///dev/pos/fr-1?baud=9600&till=2 ")
    assert (url.family, url.transport, url.address) == ("datecs", "serial", "/dev/pos/fr-1")
    assert (url.number("baud", 1, 300, 115200), url.number("operator", 3, 1, 9)) == (9600, 3)
    assert registry.parse_url("maria+tcp://10.0.0.7:2001").address == "10.0.0.7:2001"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "datecs",
        "datecs://x",
        "datecs+serial://",
        "datecs+serial:///d?baud",
        "datecs+serial:///d?a=1&a=2",
        "datecs+tcp://[::1",
        "datecs+carrier:///pigeon",
        "datecs+tcp://host:port",
        "datecs+serial:///d?baud=19200.0",
        "datecs+serial:///d?baud=9",
        "datecs+serial:///d?baud=²",
        "datecs+serial:///d?codepage=koi8",
        "datecs+serial:///d?sped=9600",
        "nobody+serial:///d",
    ],
)
def test_a_wrong_url_says_what_is_wrong(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        registry.connect(text)
    assert len(caught.value.what) > 20


def test_strangers_bring_drivers_and_replace_none(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("acme", "tests.drivers.test_rooms:stranger", registry.ENTRY_POINTS),
        EntryPoint("datecs", "tests.drivers.test_rooms:stranger", registry.ENTRY_POINTS),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    assert set(registry.families()) >= {"acme", "datecs"}
    with pytest.raises(Invalid, match="stranger was asked"):
        registry.connect("acme+serial:///dev/x")
    assert isinstance(registry.connect("datecs+serial:///dev/x"), DatecsRegistrar)


def stranger(url: registry.RegistrarUrl, *_: object) -> Registrar:
    raise Invalid(Code.UNSUPPORTED, f"the stranger was asked for {url.address}")


# -- clock --------------------------------------------------------------------------------------------------------


def test_kyiv_time_and_the_repeated_hour() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 03:30 in summer time
    second = first + timedelta(hours=1)  # 03:30 once more, in winter time
    wall = kyiv(first).replace(tzinfo=None)
    assert wall == kyiv(second).replace(tzinfo=None, fold=0)
    assert from_kyiv(wall, near=first) == first
    assert from_kyiv(wall, near=second + timedelta(minutes=2)) == second
    assert from_kyiv(wall) == first
    with pytest.raises(ValueError, match="naive"):
        kyiv(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


# -- worker -------------------------------------------------------------------------------------------------------


def test_one_worker_owns_one_device(url: str) -> None:
    worker = Worker(registry.connect(url))
    names: set[str] = set()
    active = threading.Semaphore(1)

    def work(registrar: Registrar) -> int:
        assert active.acquire(blocking=False), "two calls at once on one device"
        names.add(threading.current_thread().name)
        try:
            return registrar.cash_in_drawer()
        finally:
            active.release()

    futures = [worker.submit(work) for _ in range(20)]
    assert worker.busy
    assert {future.result(10) for future in futures} == {100_000}
    assert len(names) == 1
    assert worker.call(work) == 100_000
    status = worker.refresh().result(10)
    assert status.reachable and worker.last == status
    worker.close()
    assert not worker.busy


def test_a_worker_answers_for_a_device_that_is_away(emulator: EmulatorServer, url: str) -> None:
    worker = Worker(registry.connect(f"{url}&silence_ms=100"))
    emulator.unplug()
    status = worker.refresh().result(10)
    assert not status.reachable and status.blocks == (Code.OFFLINE,)
    emulator.replug()
    assert worker.refresh().result(10).reachable
    with pytest.raises(ZeroDivisionError):
        worker.call(lambda _: 1 // 0)
    assert worker.call(lambda registrar: registrar.info().family) == "datecs"
    worker.close()


# -- road ---------------------------------------------------------------------------------------------------------


class Ledger(MemoryJournal):
    """A journal that fails at one step, as a full disk would."""

    def __init__(self, fails: str) -> None:
        super().__init__()
        self.fails = fails

    def intent(self, document: Document, snapshot: Mapping[str, str | int]) -> None:
        if self.fails == "intent":
            raise OSError("no room")
        super().intent(document, snapshot)

    def outcome(self, document: Document, result: Result) -> None:
        if self.fails == "outcome":
            raise OSError("no room")
        super().outcome(document, result)


def test_no_intent_no_document(emulator: EmulatorServer, url: str) -> None:
    registrar, document = registry.connect(url), cash()
    with pytest.raises(OSError, match="no room"):
        walk(registrar, document, Ledger("intent"), SystemClock())
    assert emulator.registers()["journal"] == []
    registrar.close()


def test_an_outcome_that_was_not_stored_is_found_again(emulator: EmulatorServer, url: str) -> None:
    registrar, document, journal = registry.connect(url), cash(), Ledger("outcome")
    with pytest.raises(OSError, match="no room"):
        walk(registrar, document, journal, SystemClock())
    journal.fails = ""
    ((settled, result),) = settle_open(registrar, journal, SystemClock())
    assert (settled, result.state) == (document, State.REGISTERED)
    assert walk(registrar, document, journal, SystemClock()) == result
    assert len(emulator.registers()["journal"]) == 1
    registrar.close()


def test_settling_is_bounded_by_its_clock(emulator: EmulatorServer, url: str) -> None:
    """A clock of the test's own: the road waits by it and by nothing else."""

    class Quick(SystemClock):
        passed = 0.0

        def monotonic(self) -> float:
            return self.passed

        def sleep(self, seconds: float) -> None:
            self.passed += seconds

    registrar, document, journal, clock = registry.connect(url), cash(), MemoryJournal(), Quick()
    journal.intent(document, registrar.snapshot(document))
    emulator.unplug()
    ((_, result),) = settle_open(registrar, journal, clock, patience=3600, ask_again=60)
    assert result.state is State.UNKNOWN and result.fault is not None and result.fault.code == Code.OFFLINE
    assert clock.passed == 3600
    emulator.replug()
    ((_, result),) = settle_open(registrar, journal, clock, patience=3600, ask_again=60)
    assert result.state is State.REJECTED and journal.open_intents() == []
    registrar.close()
