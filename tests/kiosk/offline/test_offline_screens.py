"""Offline work on the screens (cashier-flow.md VI): the bar, the payment key, the card of a refusal, the way home."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from drivers.registrar import Mode
from kiosk.ledger.records import ReceiptState
from kiosk.widgets.key_strip import KeyStrip
from kiosk.widgets.status_bar import StatusBar
from kiosk.widgets.touch import Touch
from tests.kiosk.offline.conftest import selling
from tests.kiosk.selling import Selling
from tests.till.offline.conftest import OpenShop
from tests.till.offline.rig import BREAD, MILK, PrroShop

HOUR = 3600.0
AWAY = 31.0
SIZES = pytest.mark.parametrize("size", [(80, 25), (64, 18)], ids=["80x25", "64x18"])


async def sees(one: Selling, mode: Mode) -> None:
    """Until the application has heard of this mode by itself."""
    await one.until(lambda: one.app.view and one.app.view.offline and one.app.view.offline.mode is mode, str(mode))
    await one.quiet()


def bar(one: Selling) -> str:
    """The third row of the status bar of the screen on top."""
    return one.app.screen.query_one(StatusBar).third


def hush(one: Selling) -> None:
    """The warning over the bar has been read."""
    for status in one.app.screen.query(StatusBar):
        status.shout(status._shout[0], "")


async def pay(one: Selling) -> None:
    await one.press("f6")
    await one.press("ctrl+enter")
    await one.until(lambda: one.where == "OutcomeScreen", "the outcome")
    await one.quiet()


async def past(one: Selling, shop: PrroShop, seconds: float) -> None:
    """Time goes by; nobody touches the till."""
    await one.ask_till(lambda: shop.pass_time(seconds))


def words(one: Selling) -> str:
    """What is painted, without boxes and line breaks."""
    return " ".join("".join(" " if "─" <= letter <= "╿" else letter for letter in one.text()).split())


async def home(one: Selling, shop: PrroShop) -> None:
    """Time goes by and nobody touches the till."""
    for _ in range(40):
        if one.app.view is not None and one.app.view.offline is not None and one.app.view.offline.mode is Mode.ONLINE:
            return
        await past(one, shop, AWAY)
        await one.pilot.pause(0.5)
    raise AssertionError(one.text())


def on_server(shop: PrroShop) -> list[int]:
    return shop.sales


@SIZES
async def test_vi_1_f6_without_a_link_ends_in_an_offline_receipt(open_shop: OpenShop, size: tuple[int, int]) -> None:
    shop = open_shop()
    async with selling(shop, size=size) as one:
        await one.scan(BREAD)
        await one.press("f6")
        shop.emulator.unplug()
        await one.press("ctrl+enter")
        await one.until(lambda: one.where == "OutcomeScreen")
        await one.quiet()
        text = one.text()
        assert "ЗАРЕЄСТРОВАНО ОФЛАЙН" in text
        (document,) = one.app.screen._paid.documents  # type: ignore[attr-defined]
        assert f"ОФЛАЙН-чек {document.result.number}" in text
        assert document.result.number.count(".") == 2
        assert "РЕШТА" in text
    shop.restart()
    shop.emulator.replug()
    shop.home()
    assert on_server(shop) == [2550]


async def test_vi_1_a_lost_answer_is_a_clear_unknown_and_is_found_out_by_itself(shop: PrroShop) -> None:
    async with selling(shop) as one:
        await one.scan(BREAD)
        shop.emulator.add_fault("F11", "doc", when="after")
        await pay(one)
        assert "НЕВІДОМО" in one.text()
        assert "сама запитає фіскальний сервер" in one.text()
        await sees(one, Mode.OFFLINE)
        shop.emulator.replug()
        await home(one, shop)
        await one.until(lambda: not shop.ledger.receipts.unsettled(), "found out")
        await one.until(lambda: one.where == "MessageDialog", "told")
        await one.until(lambda: "25,50 грн: зареєстровано" in words(one), "what became of it")
        assert on_server(shop) == [2550]
        receipt = await one.ask_till(lambda: shop.ledger.receipts.by_number(1))
        assert receipt.state is ReceiptState.DONE


@SIZES
async def test_the_bar_tells_the_figures_and_is_gone_online(open_shop: OpenShop, size: tuple[int, int]) -> None:
    shop = open_shop()
    async with selling(shop, size=size) as one:
        assert bar(one) == ""
        assert one.app.screen.query_one(StatusBar).size.height == 2
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        await one.press("enter")
        await sees(one, Mode.OFFLINE)
        await one.until(lambda: "Робота ОФЛАЙН" in bar(one), "the warning")
        hush(one)
        await past(one, shop, 72 * 60)
        await one.until(lambda: "ОФЛАЙН 01:12" in bar(one), "an hour and twelve minutes")
        text = bar(one)
        # The begin document stands at a whole second: the minute may turn on either side of it.
        assert re.search(r"сесія ще 34:4[78] · місяць ще 166:4[78]", text), text
        assert "у черзі 2" in text
        if size[0] == 80:
            assert "номери є" in text
        assert text.strip() in one.text(), "nothing is cut off"
        shop.emulator.replug()
        await home(one, shop)
        await one.until(lambda: bar(one) == "", "no bar online")
        assert on_server(shop) == [2550]


async def test_vi_2_the_payment_key_is_dim_at_the_limit_and_says_why(open_shop: OpenShop) -> None:
    shop = open_shop(reserve=True)
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        await one.press("enter")
        await one.scan(MILK)
        await one.press("f6")
        assert one.where == "PaymentScreen"
        await past(one, shop, 36.1 * HOUR)
        await sees(one, Mode.BLOCKED)
        await one.until(lambda: one.app.screen.query_one("#confirm", Touch).disabled, "the payment window's key")
        assert "Офлайн вичерпано" in one.text()
        await one.press("escape")
        (key,) = one.app.screen.query_one("#pay", KeyStrip).keys
        assert key.off
        await one.press("f6")
        assert one.where == "OfflineBlockedDialog"
        text = words(one)
        assert "Офлайн вичерпано. Продаж заборонено до відновлення звʼязку" in text
        await one.touch("#reserve")
        assert "старший касир" in one.text()
        await one.press("enter")
        assert one.where == "SaleScreen"
        assert one.basket.total == 4199, "the basket is kept"
        shop.emulator.replug()
        await home(one, shop)
        await one.until(lambda: one.app.screen.query_one("#pay", KeyStrip).keys[0].main, "the payment key")
        assert on_server(shop) == [2550]


async def test_vi_2_a_press_at_a_blocked_till_asks_for_the_line_first(shop: PrroShop) -> None:
    """The link is back and nobody has noticed: F6 finds out and goes on."""
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        await one.press("enter")
        await past(one, shop, 36.1 * HOUR)
        await sees(one, Mode.BLOCKED)
        await one.scan(MILK)
        one.app.POLL = 1000.0
        shop.emulator.replug()
        await one.press("f6")
        await one.until(lambda: on_server(shop) == [2550], "home by the press")
        assert one.where in ("SaleScreen", "PaymentScreen")
        assert "Офлайн вичерпано" not in one.text()


async def test_without_a_reserve_there_is_no_key_for_it(shop: PrroShop) -> None:
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        await one.press("enter")
        await past(one, shop, 36.1 * HOUR)
        await sees(one, Mode.BLOCKED)
        await one.scan(MILK)
        await one.press("f6")
        assert one.where == "OfflineBlockedDialog"
        assert not one.app.screen.query("#reserve")


async def test_vi_4_no_right_is_told_with_the_form(open_shop: OpenShop) -> None:
    shop = open_shop({"offline": 0})
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await past(one, shop, AWAY * 2)
        await sees(one, Mode.BLOCKED)
        await one.press("f6")
        assert one.where == "OfflineBlockedDialog"
        assert "1-ПРРО" in one.text()
    shop.restart()
    shop.look()
    assert shop.store.session() is None


@SIZES
async def test_vi_6_the_card_of_a_refusal_sends_again_and_exports_and_deletes_nothing(
    open_shop: OpenShop, size: tuple[int, int], tmp_path: Path
) -> None:
    shop = open_shop()
    async with selling(shop, size=size) as one:
        shop.emulator.unplug()
        for _ in range(3):
            await one.ask_till(shop.sell)
        shop.emulator.replug()
        shop.emulator.add_fault("package", "pck", position=2, code=9, text="Помилки валідації XML")
        await past(one, shop, AWAY)
        await sees(one, Mode.REJECTED)
        await one.until(lambda: "відхилив офлайн-документ" in bar(one), "the warning")
        await one.pilot.click(StatusBar, offset=(20, 2))
        await one.until(lambda: one.where == "SyncRejectedScreen")
        await one.quiet()
        text = one.text()
        number = shop.server[-1]["number"] + 1
        assert f"Документ № {number}" in text
        assert "Помилки валідації" in text
        assert "Прийнято до нього: 2" in text
        actions = {binding.action for binding in one.app.screen.keymap()}  # type: ignore[attr-defined]
        assert actions == {"again", "export", "back", "help", "lock"}, "no role deletes anything here"
        await one.press("f7")
        assert one.where == "ChooseDialog"
        await one.press("end", "enter")
        assert one.where == "AskText"
        await one.press("backspace")
        await type_text(one, str(tmp_path / "stick"))
        await one.press("enter")
        await one.until(lambda: one.where == "SyncRejectedScreen")
        await one.quiet()
        (folder,) = (tmp_path / "stick").iterdir()
        assert len(list(folder.iterdir())) == 2
        await one.press("f6")
        await one.until(lambda: on_server(shop) == [2550] * 3, "sent again")
        await one.until(lambda: "Відмов немає" in one.text(), "the card is green")


async def type_text(one: Selling, text: str) -> None:
    names = {"/": "slash", "-": "minus", "_": "underscore", ".": "full_stop"}
    for character in text:
        await one.pilot.press(names.get(character, character))
    await one.quiet()


async def test_vi_7_the_link_comes_back_during_a_basket_without_a_key(shop: PrroShop) -> None:
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        await one.press("enter")
        await one.scan(MILK)
        await sees(one, Mode.OFFLINE)
        shop.emulator.replug()
        await home(one, shop)
        assert on_server(shop) == [2550]
        assert one.where == "SaleScreen"
        assert one.basket.total == 4199


async def test_progress_is_shown_while_documents_go_home_and_nothing_waits(
    shop: PrroShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drivers.prro import line as registrar_line
    from drivers.prro import offline

    monkeypatch.setattr(registrar_line, "SHORT_QUEUE", 1)
    monkeypatch.setattr(registrar_line, "SLICE", 0.0001)
    monkeypatch.setattr(offline, "PACKAGE_DOCUMENTS", 2)
    async with selling(shop) as one:
        shop.emulator.unplug()
        for _ in range(15):
            await one.ask_till(shop.sell)
        shop.emulator.replug()
        shown: list[str] = []
        beats = 0
        tell = StatusBar.tell

        def watched(self: StatusBar, lamp: Any, texts: Any) -> None:
            shown.extend(texts[:1])
            tell(self, lamp, texts)

        async def beat() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0.005)

        monkeypatch.setattr(StatusBar, "tell", watched)
        pulse = asyncio.get_running_loop().create_task(beat())
        await past(one, shop, AWAY)
        await one.until(lambda: on_server(shop) == [2550] * 15, "home")
        await sees(one, Mode.ONLINE)
        pulse.cancel()
        progress = [text for text in shown if text.startswith("Синхронізація")]
        assert len(set(progress)) >= 3, "the bar moves"
        assert all("/16" in text for text in progress)
        assert beats > len(set(progress)), "the event loop went on meanwhile"


async def test_vi_8_the_servers_refusal_shows_no_offline(shop: PrroShop) -> None:
    async with selling(shop) as one:
        shop.emulator.add_fault("refusal", "doc", code=9, text="Помилки валідації XML")
        await one.scan(BREAD)
        await pay(one)
        assert "НЕ ЗАРЕЄСТРОВАНО" in one.text()
        assert "ОФЛАЙН" not in one.text()
        assert bar(one) == ""
        assert one.app.view is not None
        assert one.app.view.offline is not None
        assert one.app.view.offline.mode is Mode.ONLINE


async def test_vi_9_the_outcome_has_the_mark_and_the_offline_number(shop: PrroShop) -> None:
    async with selling(shop) as one:
        shop.emulator.unplug()
        await one.scan(BREAD)
        await pay(one)
        (document,) = one.app.screen._paid.documents  # type: ignore[attr-defined]
        assert f"ОФЛАЙН-чек {document.result.number}" in one.text()
        tape = one.tape_text()
        assert "ОФЛАЙН" in tape
        assert document.result.number in tape


async def test_each_warning_is_one_sound(shop: PrroShop, monkeypatch: pytest.MonkeyPatch) -> None:
    async with selling(shop) as one:
        rung: list[int] = []
        monkeypatch.setattr(one.app, "bell", lambda: rung.append(1))
        shop.emulator.unplug()
        await one.ask_till(shop.sell)
        await sees(one, Mode.OFFLINE)
        await one.until(lambda: rung, "the start")
        await one.pilot.pause(0.6)
        assert len(rung) == 1
        await past(one, shop, 24.5 * HOUR)
        await one.until(lambda: "Офлайн-сесія закінчиться через 11:" in bar(one), "twelve hours")
        await one.pilot.pause(0.6)
        assert len(rung) == 2


async def test_f6_during_synchronisation_says_how_far_it_is(shop: PrroShop, monkeypatch: pytest.MonkeyPatch) -> None:
    from drivers.prro import line as registrar_line
    from drivers.prro import offline

    monkeypatch.setattr(registrar_line, "SHORT_QUEUE", 1)
    monkeypatch.setattr(registrar_line, "SLICE", 0.0001)
    monkeypatch.setattr(offline, "PACKAGE_DOCUMENTS", 2)
    async with selling(shop) as one:
        shop.emulator.unplug()
        for _ in range(11):
            await one.ask_till(shop.sell)
        await one.scan(BREAD)
        one.app.FOLLOW = 1000.0
        one.app.POLL = 1000.0
        shop.emulator.replug()
        await past(one, shop, AWAY)
        await one.app._poll()
        await sees(one, Mode.SYNCING)
        await one.press("f6")
        assert one.where == "SaleScreen"
        await one.until(lambda: re.search(r"Синхронізація \d+/12: продаж піде після неї", words(one)), "the notice")
        assert one.basket.total == 2550
