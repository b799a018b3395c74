"""The receipt's code on the outcome screen: read back from the cells that a phone's camera would see."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kiosk.ledger.records import DocumentState
from kiosk.screens.outcome import OutcomeScreen
from kiosk.widgets.qr_code import QrCode, fitted
from tests.kiosk.paper.conftest import Counter, Rig, pay
from tests.kiosk.selling import Selling

zxingcpp = pytest.importorskip("zxingcpp")

ONLINE = "https://cabinet.tax.gov.ua/cashregs/check?date=20260305&time=101500&id=834000504&sm=77.50&fn=4000123456"
OFFLINE = (
    "https://cabinet.tax.gov.ua/cashregs/check?mac=49496c32e796" + "a5" * 26 + "&date=20260305&time=101700"
    "&id=48866.2.8471&sm=77.50&fn=4000123456"
)
LIGHT = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}


def scanned(rows: list[str], border: int = 2) -> str:
    """What a camera reads off rows of half-blocks; everything around them is the dark of the screen."""
    from PIL import Image

    width = max(len(row) for row in rows)
    image = Image.new("L", (width + 2 * border, len(rows) * 2 + 2 * border), 0)
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            for half in (0, 1):
                image.putpixel((x + border, y * 2 + half + border), 255 * LIGHT.get(character, (0, 0))[half])
    found = zxingcpp.read_barcodes(image.resize((image.width * 8, image.height * 8), 0))
    return found[0].text if found else ""


def code_rows(shop: Selling) -> list[str]:
    """The cells of the code as they are painted."""
    region = shop.app.screen.query_one(QrCode).region
    return [row[region.x : region.right] for row in shop.text().split("\n")[region.y : region.bottom]]


def words(shop: Selling) -> str:
    """What is written beside the code, as one line."""
    region = shop.app.screen.query_one(QrCode).region
    return " ".join(" ".join(row[region.right :] for row in shop.text().split("\n")).split())


def link(screen: OutcomeScreen) -> str:
    result = screen._paid.documents[0].result
    assert result is not None
    return str(result.evidence["qr"])


async def test_iv_13_printer_off_the_sale_completes_and_its_code_is_on_the_screen(counter: Counter, rig: Rig) -> None:
    async with counter() as shop:
        rig.paper.unplug()
        screen = await pay(shop)
        assert screen._paid.documents[0].state is DocumentState.NOT_PRINTED
        assert scanned(code_rows(shop)) == link(screen)
        assert "НЕ НАДРУКОВАНО" in words(shop)
        await shop.press("enter")
        assert shop.where == "SaleScreen"


async def test_an_offline_receipt_has_a_short_code_on_the_screen_and_the_whole_on_paper(
    counter: Counter, rig: Rig
) -> None:
    """VI-9: mark, number and control number are on paper; the code on 25 rows leaves the hash out of its link."""
    async with counter() as shop:
        rig.fiscal.unplug()
        await pay(shop)
        await shop.press("enter")
        # The first document of a session has no hash of another before it.
        screen = await pay(shop)
        whole = link(screen)
        (hash_,) = parse_qs(urlsplit(whole).query)["mac"]
        assert len(hash_) == 64
        assert scanned(code_rows(shop)) == whole.replace(f"mac={hash_}&", "")
        paper = "\n".join(rig.lines)
        number = parse_qs(urlsplit(whole).query)["id"][0]
        assert f"[QR] {whole}" in paper and "ОФЛАЙН" in paper and f"ЧЕК № {number}" in paper
        controls = [row.split()[-1] for row in rig.lines if "Контрольне число" in row]
        assert controls[-1] == number.rpartition(".")[2]


@pytest.mark.parametrize("size", [(80, 25), (100, 30), (160, 48)])
async def test_the_code_and_the_keys_are_whole_on_every_grid(counter: Counter, rig: Rig, size: tuple[int, int]) -> None:
    async with counter(size=size) as shop:
        screen = await pay(shop)
        assert scanned(code_rows(shop)) == link(screen)
        code = screen.query_one(QrCode).shown
        assert code is not None and code.quiet >= 4
        region = screen.query_one(QrCode).region
        assert region.bottom <= size[1] and region.height == code.height and region.width == code.width
        for name in ("copy", "show-code", "paper", "next"):
            key = screen.query_one(f"#{name}").region
            assert key.width >= 8 and key.height >= 3 and key.bottom <= size[1], f"{name}: {key}"
            assert not key.overlaps(region)
        change = screen.query_one("#change").region
        assert change.height >= 3 and change.bottom <= size[1]


async def test_a_screen_that_is_too_small_says_so(counter: Counter, rig: Rig) -> None:
    async with counter(size=(64, 18)) as shop:
        screen = await pay(shop)
        assert not screen.query_one(QrCode).display
        assert "замалий" in shop.text()
        await shop.touch("#next")
        assert shop.where == "SaleScreen"


async def test_print_now_without_paper_and_back(counter: Counter, rig: Rig) -> None:
    async with counter() as shop:
        rig.paper.set_paper(False)
        screen = await pay(shop)
        await shop.touch("#copy")
        assert "У принтері чеків немає паперу" in words(shop)
        rig.paper.set_paper(True)
        registered = rig.documents()
        await shop.touch("#copy")
        assert screen._paid.documents[0].state is DocumentState.REGISTERED
        assert "НЕ НАДРУКОВАНО" not in words(shop)
        assert "ФІСКАЛЬНИЙ ЧЕК" in [line.strip() for line in rig.lines] and rig.documents() == registered


async def test_the_choice_without_paper_is_kept(counter: Counter, rig: Rig) -> None:
    async with counter() as shop:
        await pay(shop)
        await shop.touch("#paper")
        assert not await shop.ask_till(lambda: shop.till.paper.wanted)
        await shop.press("enter")
        rig.lines.clear()
        screen = await pay(shop)
        assert "ФІСКАЛЬНИЙ ЧЕК" not in [line.strip() for line in rig.lines]
        assert screen._paid.documents[0].state is DocumentState.REGISTERED
        await shop.press("f9", "enter")
        await pay(shop)
        assert "ФІСКАЛЬНИЙ ЧЕК" in [line.strip() for line in rig.lines]


async def test_the_code_is_taken_off_and_put_back(counter: Counter, rig: Rig) -> None:
    async with counter() as shop:
        screen = await pay(shop)
        await shop.touch("#show-code")
        assert not screen.query_one(QrCode).display and "█" * 20 not in shop.text()
        assert screen.query_one("KeyBar").display
        await shop.press("f8")
        assert scanned(code_rows(shop)) == link(screen)


async def test_what_is_owed_is_printed_from_the_menu(counter: Counter, rig: Rig) -> None:
    async with counter() as shop:
        rig.paper.set_paper(False)
        for _ in range(2):
            await pay(shop)
            await shop.press("enter")
        registered = rig.documents()
        await shop.press("f11")
        menu: Any = shop.app.screen
        place = next(number for number, item in enumerate(menu._items) if item.screen == "unprinted")
        await shop.press(*["down"] * place, "enter")
        await shop.until(lambda: shop.where == "UnprintedScreen")
        await shop.quiet()
        screen: Any = shop.app.screen
        assert len(screen.owed) == 2
        await shop.press("f6")
        assert len(screen.owed) == 2 and "немає паперу" in shop.text()
        rig.paper.set_paper(True)
        await shop.touch("#print")
        assert len(screen.owed) == 1
        await shop.touch("#all")
        assert not screen.owed and "Усе надруковано" in shop.text()
        assert rig.documents() == registered


@pytest.mark.parametrize("text", [ONLINE, ONLINE.replace("77.50", "123456.78"), OFFLINE])
def test_a_code_fits_eighty_columns_and_twenty_five_rows(text: str) -> None:
    made = fitted(text, 49, 25)
    assert made is not None and made.quiet >= 2
    widget = QrCode()
    widget.show(made)
    assert scanned(widget._rows) == made.text
    whole, shown = (parse_qs(urlsplit(each).query) for each in (text, made.text))
    assert made.short == ("mac" in whole)
    assert {name: shown[name] for name in ("date", "time", "id", "sm", "fn")} == {
        name: whole[name] for name in ("date", "time", "id", "sm", "fn")
    }


def test_a_larger_screen_shows_the_whole_link() -> None:
    made = fitted(OFFLINE, 129, 43)
    assert made is not None and not made.short and made.quiet == 4 and made.code.level == "M"
    assert fitted(ONLINE, 20, 10) is None
