"""Unlocking the key and opening the shift of a software registrar by keys and fingers."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from kiosk.screens.dialogs.unlock import UnlockDialog
from kiosk.widgets.banner import Banner
from tests.kiosk.day.pilot import Day, day
from tests.till.prro.rig import PASSWORD, Software
from tests.till.prro.test_opening import open_unknown_to_the_books

SIZES = [(80, 25), (64, 18)]


async def password(one: Day, text: str = PASSWORD) -> None:
    """Type into the dialog and press Enter."""
    await one.on("UnlockDialog")
    one.app.screen.query_one("#secret", Input).value = text
    await one.press("enter")


@pytest.mark.parametrize("size", SIZES)
async def test_iii_1_the_screen_shows_the_numbers_of_the_opening_and_of_the_cash_in(
    size: tuple[int, int], shop: Software
) -> None:
    shop.login()
    async with day(shop, "opening", size=size) as one:
        one.fits()
        await one.sees("locked", "until")
        assert ("Коваль Олена Петрівна" in one.words) == (size[0] == 80)
        await one.type("300")
        await one.press("enter", "enter")
        await one.on("ChooseDialog")
        await one.press("enter")
        await password(one)
        await one.on("MessageDialog")
        opening, cash_in = (entry["fiscal"] for entry in shop.stream)
        assert f"Opening: document No. {opening}" in one.words
        assert f"300,00 UAH: document No. {cash_in}" in one.words
        await one.press("enter")
        await one.until(lambda: one.answers == [True])
        assert shop.till.shifts.current(shop.binding) is not None


async def test_iii_2_a_refused_opening_is_told_and_the_screen_stays(shop: Software) -> None:
    shop.login()
    shop.unlock()
    shop.emulator.add_fault("refusal", "doc", code=9, text="Документ не прийнято")
    async with day(shop, "opening") as one:
        await one.sees("unlocked")
        await one.type("300")
        await one.press("f6")
        await one.on("ChooseDialog")
        await one.press("enter")
        await one.on("MessageDialog")
        await one.sees("Not registered: Opening of the shift")
        await one.press("enter")
        await one.on("OpeningScreen")
        assert not one.answers
    assert shop.stream == []


async def test_iii_5_an_unknown_opening_is_asked_for_on_the_spot(shop: Software) -> None:
    shop.login()
    shop.unlock()
    async with day(shop, "opening") as one:
        shop.emulator.add_fault("F11", "doc:CHECK", when="after")
        await one.press("f6")
        await one.on("MessageDialog")
        await one.sees("UNKNOWN: Opening of the shift")
        await one.press("enter")
        await one.on("UnknownScreen")
        shop.emulator.replug()
        await one.press("f5")
        await one.on("MessageDialog")
        await one.sees("It was registered")
        await one.press("enter", "escape")
        await one.until(lambda: one.answers == [True])
    assert shop.kinds == ["open_shift"]


async def test_the_password_is_masked_and_the_field_is_emptied_whatever_the_answer(shop: Software) -> None:
    shop.login()
    async with day(shop, "unlock", binding=shop.binding) as one:
        field = one.app.screen.query_one("#secret", Input)
        assert field.password
        await one.type("nepravylnyi")
        assert "nepravylnyi" not in one.text
        await one.press("enter")
        assert field.value == ""
        wrong = one.app.screen.query_one("#wrong", Banner)
        assert "The password of the key is wrong" in wrong.text
        assert shop.till.keys.locked(shop.binding)
        await password(one)
        await one.until(lambda: one.answers == [True])
        assert PASSWORD not in one.text
        assert not shop.till.keys.locked(shop.binding)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("wrong", "Пароль ключа хибний"),
        ("damaged", "Файл ключа пошкоджено"),
        ("revoked", "Сертифікат ключа скасовано"),
        ("absent", "Немає ключа"),
    ],
)
async def test_each_fault_of_a_key_has_its_own_ukrainian_words(case: str, words: str, shop: Software) -> None:
    if case == "damaged":
        (shop.keys / "cashier.jks").write_bytes((shop.keys / "cashier.jks").read_bytes()[:300])
    elif case == "revoked":
        shop.emulator.revoke("cashier")
    elif case == "absent":
        (shop.keys / "cashier.jks").unlink()
    shop.login()
    async with day(shop, "unlock", language="uk", binding=shop.binding) as one:
        await password(one, "ne-toi" if case == "wrong" else PASSWORD)
        wrong = one.app.screen.query_one("#wrong", Banner)
        await one.until(lambda: wrong.text and "відкриваю" not in wrong.text)
        assert words in wrong.text
        assert not one.answers


async def test_the_event_loop_runs_while_the_key_is_opened(found: object, shop: Software) -> None:
    """The dialog says what goes on, and presses are taken, while the container's password is tried."""
    shop.login()
    real, seen = shop.till.keys.unlock, []

    async with day(shop, "unlock", binding=shop.binding) as one:
        import threading

        go = threading.Event()

        def slow(*arguments: object, **named: object) -> object:
            go.wait(10)
            return real(*arguments, **named)  # type: ignore[arg-type]

        shop.till.keys.unlock = slow  # type: ignore[method-assign,assignment]
        dialog = one.app.screen
        assert isinstance(dialog, UnlockDialog)
        dialog.query_one("#secret", Input).value = PASSWORD
        dialog.action_unlock()
        for _ in range(5):
            await one.pilot.pause(0.05)
            seen.append(dialog.query_one("#wrong", Banner).text)
        assert seen[-1] == "opening the key …"
        assert dialog.query_one("#secret", Input).value == ""
        go.set()
        await one.until(lambda: one.answers == [True])


@pytest.mark.parametrize("size", SIZES)
async def test_the_password_can_be_typed_by_fingers(size: tuple[int, int], shop: Software) -> None:
    shop.login()
    async with day(shop, "unlock", size=size, binding=shop.binding) as one:
        one.fits()
        await one.touch("pad")
        one.fits()
        pad = one.app.screen.query_one("#letters")
        await one.tap(pad, 1, 1)
        await one.touch("layer")
        await one.tap(pad, 1, 1)
        assert one.app.screen.query_one("#secret", Input).value == "aA"
        await one.touch("rub")
        assert one.app.screen.query_one("#secret", Input).value == "a"
        await one.touch("no")
        assert one.answers == [False]


async def test_after_a_restart_the_password_is_asked_and_the_missing_float_is_offered(shop: Software) -> None:
    """Killed between the opening and the cash-in: one of both in the end (III-5)."""
    shop.login()
    shop.unlock()
    opened = shop.till.shifts.open(shop.binding, counted=20_000, float_=0, reason="Розмін")
    assert opened.shift is not None
    with shop.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE shifts SET float = 20000")
    shop.killed()
    async with day(shop, "lock") as one:
        await one.scan("BADGE-1111")
        await password(one)
        await one.on("ConfirmDialog")
        await one.sees("The float is not in the registrar yet", "200,00")
        await one.press("ctrl+enter")
        await one.on("MessageDialog")
        await one.sees("Registered")
        await one.press("enter")
        await one.on("SaleScreen")
        assert shop.till.cash.available(shop.binding) == 20_000
    assert shop.kinds == ["open_shift", "cash_in"]


async def test_a_locked_key_in_the_middle_of_the_day_offers_to_unlock_and_the_payment_goes_on(shop: Software) -> None:
    shop.begin()
    shop.killed()
    shop.login()
    async with day(shop, "sale") as one:
        await one.type("1")
        await one.press("enter")
        await one.press("f6")
        await one.on("UnlockDialog")
        await one.press("escape")
        await one.on("SaleScreen")
        await one.press("f6")
        await password(one)
        await one.on("PaymentScreen")
    assert shop.kinds == ["open_shift", "cash_in"]


async def test_a_shift_that_the_books_do_not_know_is_offered_to_go_on_with(shop: Software) -> None:
    shop.login()
    shop.unlock()
    open_unknown_to_the_books(shop)
    async with day(shop, "opening") as one:
        await one.press("f6")
        await one.on("ConfirmDialog")
        await one.until(lambda: "an open shift that this till does not know" in one.words)
        await one.press("ctrl+enter")
        await one.until(lambda: one.answers == [True])
        assert shop.till.shifts.current(shop.binding) is not None
    assert shop.kinds == ["open_shift"]
