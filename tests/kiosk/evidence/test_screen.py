"""«Що отримала податкова» under the pilot: by key and touch, each post's view, search, proof (X.6, X-17, X-19)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk import screens
from kiosk.app import KioskApp
from kiosk.evidence.book import EvidenceError
from kiosk.evidence.page import Filter, Page, Sight, open_page
from kiosk.evidence.proof import verify
from kiosk.ledger.records import ReceiptState, Role
from kiosk.people.pins import hash_pin
from kiosk.widgets.rows import Rows
from tests.conftest import Launch
from tests.kiosk.day.pilot import Day
from tests.kiosk.evidence.rig import EvidentShop

BADGES = {
    Role.CASHIER: "B-OLENA",
    Role.SENIOR: "B-MARIA",
    Role.OWNER: "B-OWNER",
    Role.TECHNICIAN: "B-TECH",
    Role.AUDITOR: "B-AUDIT",
}


@pytest.fixture(autouse=True)
def kyiv(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the program sets it at its start."""
    monkeypatch.setenv("TZ", "Europe/Kyiv")
    time.tzset()


@pytest.fixture
def shop(tmp_path: Path, launch: Launch) -> Iterator[EvidentShop]:
    """A shop that has sold bread and a bag without a receipt; nobody is logged in."""
    server = launch()
    shop = EvidentShop(tmp_path / "data", f"datecs+serial://{server.address}?cap=5")
    shop.emulator = server
    shop.furnish()
    people = shop.till.workplace.ledger.people
    people.add("Тарас", Role.TECHNICIAN, badge="B-TECH", pin_hash=hash_pin("6666"))
    people.add("Аудитор", Role.AUDITOR, badge="B-AUDIT", pin_hash=hash_pin("7777"))
    shop.open(10_000)
    shop.till.sale.enter("4820000000017")
    shop.till.sale.enter("4820000000031")
    assert shop.till.sale.pay(received=2800).state is ReceiptState.DONE
    shop.till.people.logout()
    yield shop
    shop.till.close()


def page(shop: EvidentShop, role: Role) -> Page:
    shop.till.people.logout()
    shop.till.people.login_badge(BADGES[role])
    return open_page(shop.till.workplace)


@asynccontextmanager
async def open_screen(
    shop: EvidentShop, role: Role, *, size: tuple[int, int] = (80, 25), language: str = "en", **arguments: Any
) -> AsyncIterator[Day]:
    shop.till.people.logout()
    shop.till.people.login_badge(BADGES[role])
    shop.till.workplace.settings = msgspec.structs.replace(shop.till.workplace.settings, language=language)
    app = KioskApp(shop.till.workplace.settings, lambda: shop.till)
    app._issued = shop.till.fiscal.issued  # what was sold before the start asks for no look after it
    async with app.run_test(size=size) as pilot:
        await app.ready.wait()
        one = Day(app, pilot, shop)  # type: ignore[arg-type]
        await one.settle()
        app.push_screen(screens.make("evidence", **arguments), one.answers.append)
        await pilot.pause()
        await calm(one)
        yield one


async def calm(one: Day) -> None:
    await one.until(lambda: not getattr(one.app.screen, "in_action", False))
    await one.settle()


# -- who sees what ------------------------------------------------------------------------------------------------


def test_a_cashier_sees_own_receipts_only(shop: EvidentShop) -> None:
    mine = page(shop, Role.CASHIER)
    everything = page(shop, Role.OWNER)
    own, all_ = mine.listing(Filter()).numbers, everything.listing(Filter()).numbers
    assert own and set(own) < set(all_)
    assert all(everything.row(number).document for number in own)
    strange = next(number for number in all_ if number not in own)
    with pytest.raises(EvidenceError, match="somebody else"):
        mine.detail(strange)
    shop.till.workplace.ledger.people.add("Інша", Role.CASHIER, badge="B-OTHER", pin_hash=hash_pin("8888"))
    shop.till.people.logout()
    shop.till.people.login_badge("B-OTHER")
    other = open_page(shop.till.workplace)
    assert other.listing(Filter()).numbers == ()
    with pytest.raises(EvidenceError):
        other.absence()
    for opened in (mine, everything, other):
        opened.close()


def test_a_technician_sees_no_sum(shop: EvidentShop) -> None:
    view, full = page(shop, Role.TECHNICIAN), page(shop, Role.OWNER)
    assert view.sight is Sight.TECHNICAL
    numbers = view.listing(Filter()).numbers
    assert numbers == full.listing(Filter()).numbers
    words = "\n".join(line for number in numbers for line in view.detail(number) if line.startswith("      "))
    assert words and not any(character.isdigit() for line in words.splitlines() for character in line.split(": ", 1)[1])
    assert any("25.00" in line for number in numbers for line in full.detail(number))
    assert not any("25.00" in line or "32 35 2e 30 30" in line for number in numbers for line in view.detail(number))
    with pytest.raises(EvidenceError, match="does not search"):
        view.listing(Filter(text="25.00"))
    view.close()
    full.close()


@pytest.mark.parametrize("role", [Role.CASHIER, Role.SENIOR, Role.TECHNICIAN])
def test_only_owner_and_auditor_prove(shop: EvidentShop, role: Role) -> None:
    opened = page(shop, role)
    with pytest.raises(EvidenceError, match="owner"):
        opened.absence()
    opened.close()


def test_the_right_can_be_taken_away(shop: EvidentShop) -> None:
    from dataclasses import replace

    shop.till.people.login_badge("B-OWNER")
    user = shop.till.workplace.cashier()
    shop.till.workplace.user = replace(user, denied=frozenset({"ledger"}))
    with pytest.raises(EvidenceError, match="may not see"):
        open_page(shop.till.workplace).listing(Filter())


def test_x_17_what_was_sold_without_a_receipt_went_to_a_printer_only(shop: EvidentShop) -> None:
    opened = page(shop, Role.OWNER)
    assert opened.listing(Filter(text="Пакет паперовий")).numbers == ()
    assert opened.listing(Filter(channel="printer", text="Пакет паперовий")).numbers
    assert opened.listing(Filter(text="Хліб білий")).numbers
    report = opened.absence()
    assert report.clean and [hit.kind for hit in report.hits] == ["non-fiscal line"]
    opened.close()


# -- the screen ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 25), (160, 48)])
async def test_the_owner_reads_searches_and_opens_by_key(shop: EvidentShop, size: tuple[int, int]) -> None:
    async with open_screen(shop, Role.OWNER, size=size) as one:
        await one.sees("What the tax service received", "Registrars and the fiscal server", "close receipt")
        one.fits()
        await one.type("Хліб")
        await one.press("enter")
        await calm(one)
        await one.sees("Shown: “Хліб”")
        await one.press("enter")
        await one.on("EvidenceItemScreen")
        await one.sees("Хліб білий", "datecs+serial", "sha256")
        one.fits()
        await one.press("escape")
        await one.on("EvidenceScreen")
        await one.press(*["backspace"] * 4)
        await one.type("zzz")
        await one.press("enter")
        await calm(one)
        await one.sees("Nothing to show")
        await one.press("escape")
        assert one.answers == [None]


async def test_by_touch(shop: EvidentShop) -> None:
    async with open_screen(shop, Role.OWNER) as one:
        await one.row("#rows", 2)
        await one.on("EvidenceItemScreen")
        await one.key("back")
        await one.on("EvidenceScreen")
        await one.key("channel")
        await one.on("ChooseDialog")
        await one.row("#rows", 1)
        await calm(one)
        await one.sees("The key's authority", "Nothing to show")
        await one.key("narrow")
        await one.on("ChooseDialog")
        await one.row("#rows", 1)
        await calm(one)
        await one.sees("Shown: today")


async def test_the_proof_is_written_and_holds(shop: EvidentShop) -> None:
    async with open_screen(shop, Role.OWNER) as one:
        await one.press("f6")
        await one.on("MessageDialog")
        await one.sees("The proof is written", "Key:")
        await one.press("enter")
        await one.press("f7")
        await one.on("EvidenceItemScreen")
        await one.sees("Absence report", "goods sold without a receipt", "customers")
        await one.press("escape")
        await one.press("f8")
        await calm(one)
        await one.sees("the chain holds")
    (proof,) = (shop.path.parent / "proofs").glob("*.zip")
    assert verify(proof).holds
    audit = shop.till.workplace.ledger.audit
    with pytest.raises(Exception, match="closed"):  # the application closed the till with itself
        audit.records()


async def test_a_changed_record_is_shown_and_located(shop: EvidentShop) -> None:
    with sqlite3.connect(shop.book.path) as connection:
        connection.execute("DROP TRIGGER no_change")
        connection.execute("UPDATE messages SET data = x'00' WHERE seq = 5")
    connection.close()
    async with open_screen(shop, Role.AUDITOR) as one:
        await one.press("f8")
        await calm(one)
        await one.sees("1 records do not fit the chain", "Records: 5.")
        rows = one.app.screen.query_one("#rows", Rows)
        assert 5 in rows.rows or 4 in rows.rows, "nothing is hidden"


async def test_refusals_are_calm(shop: EvidentShop) -> None:
    async with open_screen(shop, Role.SENIOR) as one:
        await one.press("f6")
        await one.on("MessageDialog")
        await one.sees("only the owner and the auditor", "Nothing was changed")
        await one.press("enter")
        await one.type("hex: 0")
        await one.press("enter")
        await one.on("MessageDialog")
        await one.sees("no hexadecimal")
        await one.press("enter")
        await calm(one)
        await one.sees("close receipt")


async def test_x_19_it_needs_no_network(shop: EvidentShop, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def never(*arguments: object, **named: object) -> object:
        raise AssertionError("the page opened a connection")

    shop.emulator.unplug()
    async with open_screen(shop, Role.OWNER) as one:
        monkeypatch.setattr(socket.socket, "connect", never)
        await one.press("f5")
        await calm(one)
        await one.sees("close receipt")
        await one.press("f7")
        await one.on("EvidenceItemScreen")


async def test_ukrainian(shop: EvidentShop) -> None:
    async with open_screen(shop, Role.OWNER, language="uk") as one:
        await one.sees("Що отримала податкова", "Доказ", "Фільтр")
        one.fits()


async def test_the_menu_leads_here(shop: EvidentShop) -> None:
    assert screens.exists("evidence") and screens.exists("evidence_item")
    from kiosk.screens.registrar_menu import ITEMS

    assert any(item.screen == "evidence" for item in ITEMS)
