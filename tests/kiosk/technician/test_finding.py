"""Finding and connecting registrars from the till's own screen (cashier-flow.md XI.2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.discovery import Attempt, Finding
from drivers.emulation.command import build, timing
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine, TcpLine
from drivers.emulation.server import EmulatorServer
from kiosk.config import Settings
from kiosk.ledger.records import BindingRole
from kiosk.screens import make
from kiosk.screens.finder import check_address, details
from kiosk.start import open_till
from kiosk.technician.finding import Finder, Found, Offer, probe, same_taxpayer
from kiosk.till.errors import Denied, Refusal
from kiosk.till.rights import Right
from kiosk.till.till import Till
from kiosk.widgets.rows import Rows
from tests.conftest import Launch
from tests.kiosk.conftest import Open, app_of, login, scan, shown, until

TECHNICIAN, OWNER, CASHIER = "2000000006", "2000000005", "2000000001"
DATECS_TAX_NUMBER = "1234567890"
"""What the virtual printer tells (datecs-fp3530t.md, command 99)."""


@pytest.fixture
def till(tmp_path: Path, url: str) -> Iterator[Till]:
    opened = open_till(Settings(data=str(tmp_path / "data"), registrar=url, demo=True, internet=""))
    yield opened
    opened.close()


@contextmanager
def krypton(folder: Path) -> Iterator[EmulatorServer]:
    folder.mkdir(exist_ok=True)
    machine = build("krypton", {"serial": "KR00000007"}, folder / "state.json", folder / "tape.txt", FaultPlan())
    with EmulatorServer(machine, PtyLine(folder / "tty"), timing({})) as server:
        yield server


@pytest.mark.parametrize(
    ("told", "known", "same"),
    [
        ("ПН 1234567890", "1234567890", True),
        ("001234567890", "1234567890", True),
        ("314562726598", "31456270", True),
        ("325071984312", "3250719843", True),
        ("314562826598", "31456270", False),
        ("", "31456270", False),
        ("0", "00000000", False),
    ],
)
def test_a_taxpayer_by_code_or_vat_number(told: str, known: str, same: bool) -> None:
    assert same_taxpayer(told, known) is same


def test_xi_1_and_xi_2_a_foreign_unit_is_named_and_refused(launch: Launch, till: Till) -> None:
    other = launch(serial="CD00000002")
    till.people.login_badge(TECHNICIAN)
    finder = Finder(till.workplace)
    found = finder.judge(probe(other.address))
    assert found.offer is Offer.FOREIGN
    approval = till.people.approve(Right.REGISTRAR, badge=OWNER)
    with pytest.raises(Refusal, match="taxpayer"):
        finder.use(found, approval)
    assert len(till.workplace.bindings()) == 1
    assert other.registers()["journal"] == [], "identification is no fiscal command"


def test_a_new_unit_is_connected_with_the_owners_help(launch: Launch, till: Till) -> None:
    other = launch(serial="CD00000002")
    shop = till.workplace.ledger.shop
    enterprise = shop.add_enterprise("ФОП Третій", DATECS_TAX_NUMBER)
    till.people.login_badge(TECHNICIAN)
    finder = Finder(till.workplace)
    found = finder.judge(probe(other.address))
    assert (found.offer, found.enterprise) == (Offer.NEW, enterprise)
    with pytest.raises(Denied):
        finder.use(found)
    binding = finder.use(found, till.people.approve(Right.REGISTRAR, badge=OWNER))
    assert (binding.serial, binding.role, binding.enterprise_id) == ("CD00000002", BindingRole.ACTIVE, enterprise.id)
    assert till.workplace.desk(binding).access.call(lambda registrar: registrar.info()).serial == "CD00000002"
    assert finder.judge(found.finding or Finding("")).offer is Offer.OURS
    again = finder.judge(probe(launch(serial="EF00000003").address))
    assert again.offer is Offer.TAKEN
    with pytest.raises(Refusal, match="Another registrar"):
        finder.use(again, till.people.approve(Right.REGISTRAR, badge=OWNER))


def test_xi_4_the_same_unit_on_another_port_keeps_its_binding(tmp_path: Path, till: Till) -> None:
    shop = till.workplace.ledger.shop
    mine = till.workplace.main_binding()
    with krypton(tmp_path / "k") as device:
        serial = probe(device.address).info
        assert serial is not None
        shop.met(mine.id, serial=serial.serial, fiscal_number="3000000001", model="")
        till.people.login_badge(TECHNICIAN)
        finder = Finder(till.workplace)
        found = finder.judge(probe(device.address))
        assert found.offer is Offer.MOVED
        moved = finder.use(found, till.people.approve(Right.REGISTRAR, badge=OWNER))
    assert (moved.id, moved.serial, moved.fiscal_number) == (mine.id, serial.serial, "3000000001")
    assert moved.url.startswith(f"krypton+serial://{device.address}")


def test_a_cashier_may_not_look(till: Till) -> None:
    till.people.login_badge(CASHIER)
    with pytest.raises(Denied):
        Finder(till.workplace).places()


def test_the_port_at_work_is_left_alone(till: Till, url: str) -> None:
    till.people.login_badge(TECHNICIAN)
    binding = till.workplace.main_binding()
    access = till.workplace.desk(binding).access
    assert binding.url == url
    port = url.partition("://")[2].partition("?")[0]
    finder = Finder(till.workplace)
    assert port in finder.places(), "nobody has answered there yet"
    access.refresh().result()  # type: ignore[attr-defined]
    (found,) = [row for row in finder.places() if isinstance(row, Found)]
    assert (found.port, found.offer) == (port, Offer.IN_USE)


def test_what_nobody_said_is_shown_in_hex() -> None:
    attempts = (Attempt("datecs+serial:///dev/x?baud=19200", "OFFLINE", "01 24", ""),
                Attempt("ikc+serial:///dev/x?baud=9600", "FRAME", "10 02", "45 52 52"))  # fmt: skip
    rows = details(Found("/dev/x", Offer.NOBODY, Finding("/dev/x", attempts=attempts)))
    assert rows[0].startswith("ikc") and "45 52 52" in rows[0] and rows[1].endswith("< -")


@pytest.mark.parametrize("text", ["10.0.0.7", ":9100", "host:0", "host:70000", "a b:9100", "host:٣"])
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(Refusal):
        check_address(text)


@pytest.mark.parametrize("size", [(80, 25), (64, 18)])
async def test_the_screen_finds_and_connects(
    kiosk: Open, settings: Settings, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A technician, keys only: search, a network address, connect with the owner's badge."""
    with krypton(tmp_path / "k") as serial:
        machine = build("ikc", {}, tmp_path / "i.json", tmp_path / "i.txt", FaultPlan())
        with EmulatorServer(machine, TcpLine(0), timing({})) as network:
            monkeypatch.setattr("kiosk.technician.finding.ports", lambda: [serial.address])
            monkeypatch.setattr("kiosk.technician.finding.usb_devices", list)
            async with kiosk(size) as pilot:
                app = app_of(pilot)
                assert app.till is not None
                await login(pilot, "Кравець", "6666")
                app.push_screen(make("finder"))
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "FinderScreen")
                rows = pilot.app.screen.query_one("#rows", Rows)
                await until(pilot, lambda: rows.rows and all(isinstance(row, Found) for row in rows.rows))
                assert "krypton" in shown(pilot) and "KR00000007" in shown(pilot)
                found = {row.port: row.offer for row in rows.rows}
                assert found[serial.address] is Offer.NEW, "the second enterprise has none"
                await pilot.press("f3")
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "AskText")
                pilot.app.screen.query_one("#value").value = network.address  # type: ignore[attr-defined]
                await pilot.press("enter")
                await until(pilot, lambda: [row for row in rows.rows if getattr(row, "port", "") == network.address])
                rows.move_to(next(index for index, row in enumerate(rows.rows) if row.port == serial.address))
                await pilot.press("f6")
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "ApproveDialog")
                await scan(pilot, OWNER)
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "ConfirmDialog")
                # The scan ended with an Enter: a finger needs longer than this for a fresh one.
                await pilot.pause(app.REPEAT_GAP + 0.1)
                await pilot.press("enter")
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "MessageDialog")
                await pilot.pause(app.REPEAT_GAP + 0.1)
                await pilot.press("enter")
                await until(pilot, lambda: type(pilot.app.screen).__name__ == "FinderScreen")
                bound = {binding.url.partition("?")[0] for binding in app.till.workplace.bindings()}
                assert f"krypton+serial://{serial.address}" in bound and len(bound) == 2
