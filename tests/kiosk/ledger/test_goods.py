"""The catalogue: lookup, search, pages, customers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.ledger.errors import LedgerError
from kiosk.ledger.folding import fold, sort_key
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import Good
from tests.kiosk.ledger.world import Shop


def names(ledger: Ledger, text: str, limit: int = 50) -> list[str]:
    return [good.name for good in ledger.goods.search(text, limit)]


@pytest.fixture
def stocked(shop: Shop) -> Ledger:
    shelf = [
        "Молоко 2,5 % «Яготинське»",
        "Молоко згущене",
        "Шоколад молочний",
        "М’ята свіжа",
        "Об'єктив фото",
        "Ґудзики",
        "Сік 100 % яблучний",
        "Олія_особлива",
        "Йогурт",
    ]
    shop.ledger.goods.put(
        Good(0, f"70{place}", name, 100 + place, shop.enterprise.id, barcode=f"48212345{place:05d}")
        for place, name in enumerate(shelf)
    )
    return shop.ledger


def test_a_good_comes_back_as_put(shop: Shop) -> None:
    good = Good(
        0, "9", "Пиво", 4290, shop.enterprise.id, barcode="4829000000011", unit="шт", tax="А", uktzed="2203000100",
        excisable=True, adult=True, department=8, stock=-3,
    )  # fmt: skip
    assert shop.ledger.goods.put([good]) == 1
    found = shop.ledger.goods.by_barcode("4829000000011")
    assert found == replace(good, id=found.id if found else 0)
    assert found is not None
    assert shop.ledger.goods.by_code("9") == shop.ledger.goods.get(found.id) == found


def test_put_replaces_by_code_and_keeps_the_id(shop: Shop) -> None:
    before = shop.ledger.goods.count()
    shop.ledger.goods.put([replace(shop.bread, id=555, name="Паляниця", price=1500, barcode="")])
    found = shop.ledger.goods.by_code("1")
    assert found == replace(shop.bread, name="Паляниця", price=1500, barcode="")
    assert shop.ledger.goods.count() == before
    assert names(shop.ledger, "хліб") == []
    assert names(shop.ledger, "аляниц") == ["Паляниця"]
    assert shop.ledger.goods.by_barcode(shop.bread.barcode) is None


@pytest.mark.parametrize("code", ["", "4820000000000", "\x00", "\ud800", "1" * 10_000, "фис123", "' OR 1=1 --"])
def test_an_unknown_code_is_nothing(ledger: Ledger, code: str) -> None:
    assert ledger.goods.by_barcode(code) is None
    assert ledger.goods.by_code(code) is None


def test_an_empty_barcode_is_no_barcode(shop: Shop) -> None:
    assert shop.paper.barcode == ""
    assert shop.ledger.goods.by_barcode("") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("молоко", ["Молоко 2,5 % «Яготинське»", "Молоко згущене"]),
        ("МОЛОЧ", ["Шоколад молочний"]),
        ("моло", ["Молоко 2,5 % «Яготинське»", "Молоко згущене", "Шоколад молочний"]),
        ("згущ моло", ["Молоко згущене"]),
        ("м'ята", ["М’ята свіжа"]),
        ("мʼята", ["М’ята свіжа"]),
        ("об`єкт", ["Об'єктив фото"]),
        ("ҐУДЗ", ["Ґудзики"]),
        ("мо", ["Молоко 2,5 % «Яготинське»", "Молоко згущене", "Шоколад молочний"]),
        ("ло", []),
        ("м", ["Молоко 2,5 % «Яготинське»", "Молоко згущене", "М’ята свіжа"]),
        ("м с", ["М’ята свіжа"]),
        ("м я", []),
        ("мята", ["М’ята свіжа"]),
        ("шоколад м", ["Шоколад молочний"]),
        ("шоколад мо", ["Шоколад молочний"]),
        ("со шоколад", []),
        ("сік 10", ["Сік 100 % яблучний"]),
        ("мо зг", ["Молоко згущене"]),
        ("2,5 %", ["Молоко 2,5 % «Яготинське»"]),
        ("707", ["Олія_особлива"]),
        ("4821234500007", ["Олія_особлива"]),
        ("482123450000", [f"{n}" for n in ("Молоко 2,5 % «Яготинське»", "Молоко згущене", "Шоколад молочний",
         "М’ята свіжа", "Об'єктив фото", "Ґудзики", "Сік 100 % яблучний", "Олія_особлива", "Йогурт")]),
        ("Йогурт", ["Йогурт"]),
        ("Йогурт", ["Йогурт"]),
        ("ія_ос", ["Олія_особлива"]),
        ("ія%ос", []),
    ],
)  # fmt: skip
def test_search(stocked: Ledger, text: str, found: list[str]) -> None:
    assert names(stocked, text) == found


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00\x01", "\ud800", "x" * 10_000, '"', '""', "AND OR NOT *", "name_ci:", "%", "(("]
)
def test_search_survives_anything(stocked: Ledger, text: str) -> None:
    assert names(stocked, text) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_search_never_fails_and_finds_only_what_holds_the_words(stocked: Ledger, text: str) -> None:
    for good in stocked.goods.search(text):
        typed = text.strip()
        by_code = good.code.startswith(typed) or good.barcode.startswith(typed)
        begins = sort_key(fold(good.name)).startswith(sort_key(fold(text)))
        assert by_code or begins or all(word in fold(good.name) for word in fold(text).split())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_part_of_three_letters_finds_its_good(stocked: Ledger, data: st.DataObject) -> None:
    good = data.draw(st.sampled_from(list(stocked.goods.page("", 100))))
    words = [word for word in fold(good.name).split() if len(word) >= 3]
    word = data.draw(st.sampled_from(words))
    start = data.draw(st.integers(0, len(word) - 3))
    assert good in stocked.goods.search(word[start : start + 3].upper())


def test_the_limit_holds_and_beginnings_come_first(stocked: Ledger) -> None:
    assert names(stocked, "моло", 2) == ["Молоко 2,5 % «Яготинське»", "Молоко згущене"]
    assert names(stocked, "моло", 0) == []


def test_pages_go_through_all_even_with_equal_names(shop: Shop) -> None:
    shop.ledger.goods.put(Good(0, f"e{n}", "Однакова назва", 100, shop.enterprise.id) for n in range(7))
    seen: list[Good] = []
    while page := shop.ledger.goods.page(seen[-1].code if seen else "", 3):
        seen += page
    assert len(seen) == shop.ledger.goods.count() == len({good.id for good in seen})
    keys = [sort_key(fold(good.name)) for good in seen]
    assert keys == sorted(keys)
    with pytest.raises(LedgerError, match="nothing like it"):
        shop.ledger.goods.page("nothing like it", 3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": ""}, "code"),
        ({"code": "a\nb"}, "code"),
        ({"barcode": "1" * 65}, "code"),
        ({"name": " \x00 "}, "name"),
        ({"name": "я" * 251}, "name"),
        ({"price": -1}, "price"),
        ({"price": 10**10}, "price"),
        ({"fiscal": False, "ground": ""}, "ground"),
        ({"excisable": True, "uktzed": ""}, "excisable"),
        ({"excisable": True, "uktzed": "2203000100", "fiscal": False, "ground": "x"}, "excisable"),
        ({"enterprise_id": 99}, "integrity"),
    ],
)
def test_a_bad_good_is_refused_and_nothing_of_its_list_is_stored(
    shop: Shop, change: dict[str, object], code: str
) -> None:
    good = Good(0, "new", "Новий", 100, shop.enterprise.id)
    bad = replace(replace(good, code="bad"), **change)  # type: ignore[arg-type]
    with pytest.raises(LedgerError) as caught:
        shop.ledger.goods.put([good, bad])
    assert caught.value.code == code
    assert shop.ledger.goods.by_code("new") is None


def test_the_books_themselves_refuse_a_red_good_without_ground(shop: Shop) -> None:
    from sqlalchemy import text

    with pytest.raises(LedgerError) as caught, shop.ledger.database.write() as connection:
        connection.execute(text("UPDATE goods SET fiscal = false, ground = ''"))
    assert caught.value.code == "integrity"


def test_customers(ledger: Ledger) -> None:
    added = ledger.goods.add_customer("2900000000012", "Гончар Віра", 500)
    other = ledger.goods.add_customer("2900000000029", "О’Коннор Ян")
    assert ledger.goods.customer("2900000000012") == ledger.goods.customer_by_id(added.id) == added
    assert ledger.goods.customer("nothing") is None
    assert ledger.goods.customer("") is None
    assert ledger.goods.customer_by_id(99) is None
    assert ledger.goods.find_customers("віра ГОНЧ") == [added]
    assert ledger.goods.find_customers("о'коннор") == [other]
    assert ledger.goods.find_customers("29000000000") == [added, other]
    assert ledger.goods.find_customers("29000000000", 1) == [added]
    assert ledger.goods.find_customers("") == []
    with pytest.raises(LedgerError, match="another customer"):
        ledger.goods.add_customer("2900000000012", "Хтось")
    with pytest.raises(LedgerError, match="discount"):
        ledger.goods.add_customer("1", "Хтось", 10_001)
