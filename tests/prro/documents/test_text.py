"""windows-1251, strictly: substituted by the table or refused with the good's name, never an entity (§1.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Code, Invalid
from drivers.prro.documents import build, read_document
from drivers.prro.documents.text import TABLE, fit, fits
from tests.prro.documents.shop import SHOP, by_schema, heading, line, sale


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Обʼєм 0,5 л", "Об'єм 0,5 л"),
        ("м’ята «ґрунт» — 20 °C, №5 ™ €", "м’ята «ґрунт» — 20 °C, №5 ™ €"),
        ("100 ₴", "100 грн"),
        ("Торт 🎂 святковий", "Торт святковий"),
        ("🎂🎉 Торт", "Торт"),
        ("Кава 👩🏽‍🍳☕️", "Кава"),
        ("½ піци", "1/2 піци"),
        ("⅓ піци", "1/3 піци"),
        ("2×4", "2x4"),
        ("А→Б", "А->Б"),
        ("чорно‑білий", "чорно-білий"),
        ("Café Crème brûlée", "Cafe Creme brulee"),
        ("Jägermeister Œuvre Straße", "Jagermeister Oeuvre Strasse"),
        ("за\u0301мок", "замок"),
        ("і\u0308жак и\u0306", "їжак й"),
        ("м² ①", "м2 1"),
        ("25 ℃", "25 °C"),
        ("Ⅻ", "XII"),
        ("ТОВ  Обʼєм", "ТОВ  Об'єм"),
        ("a\u00a0b", "a\u00a0b"),
        ("a\u202fb", "a\u00a0b"),
    ],
)
def test_the_table(text: str, expected: str) -> None:
    assert fit(text, "lines[0].name") == expected


def test_every_substitute_is_in_the_alphabet() -> None:
    for sign, substitute in TABLE.items():
        assert not fits(sign), f"{sign!r} needs no substitute"
        assert not substitute or fits(substitute)


@given(st.text())
def test_whatever_is_typed_is_written_strictly_or_refused(text: str) -> None:
    try:
        result = fit(text, "name")
    except Invalid:
        return
    assert result.encode("cp1251").decode("cp1251") == result
    assert fit(result, "name") == result, "fitting twice changes nothing"


@pytest.mark.parametrize("name", ["Сир 奶酪", "Қазы", "Ωмега"])
def test_a_strange_alphabet_is_reported_with_the_good(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(line("Хліб", 100), line(name, 200)))
    assert caught.value.code is Code.BAD_FIELD
    assert caught.value.field == "lines[1].name"
    assert name in caught.value.what and "U+" in caught.value.what


def test_a_name_of_pictures_only() -> None:
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(1), sale(line("🎂", 200)))
    assert caught.value.field == "lines[0].name"


def test_a_name_written_like_markup_stays_a_name() -> None:
    name = "<b>&amp; ]]> \"Сир\" 'Т' & <!-- -->"
    data = build(SHOP, heading(1), sale(line(name, 200)))
    by_schema(data)
    assert read_document(data).rows[0].name == name


def test_no_entity_is_ever_written_for_a_letter() -> None:
    data = build(SHOP, heading(1), sale(line("Ґанок ʼ ₴ 🎂 ½ × → é", 200)))
    assert b"&#" not in data
    assert "Ґанок".encode("cp1251") in data


@pytest.mark.parametrize("bad", ["Ялинка\n2", "\x00", "a\tb", "\x98", "\ud800"])
def test_control_characters_are_refused_in_the_outlets_texts_too(bad: str) -> None:
    with pytest.raises(Invalid) as caught:
        build(replace(SHOP, point=bad), heading(1), sale(line("Хліб", 100)))
    assert caught.value.field == "outlet.point"
