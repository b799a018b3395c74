"""What is owed: the official numbers of fiscal-server.md §3.6, and what a tax table refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Code, Invalid
from drivers.prro.documents import TAXES, Rate, TaxKind, TaxTable, build
from drivers.prro.documents.taxes import Taxed, distribute, included, tax_rows
from tests.prro.documents.shop import SHOP, heading, line, sale

RATES = TAXES.at(date(2026, 3, 5))


@pytest.mark.parametrize(
    ("gross", "percent", "tax"),
    [
        (25990, 500, 1238),
        (24752, 2000, 4125),
        (5000, 2000, 833),
        (16000, 700, 1047),
        (1257, 2000, 209),
        (8500, 2000, 1417),
        (1500, 2000, 250),
        (7735, 2000, 1289),
        (100, 0, 0),
        (0, 2000, 0),
        (1, 2000, 0),
    ],
)
def test_the_official_numbers(gross: int, percent: int, tax: int) -> None:
    assert included(gross, percent) == tax


def test_excise_first_then_vat_on_the_rest() -> None:
    vat, excise = tax_rows([Taxed("АГ", 25990, 25990)], RATES, pays_vat=True)
    assert (vat.letter, vat.turnover, vat.source, vat.sum) == ("А", 25990, 24752, 4125)
    assert (excise.letter, excise.turnover, excise.source, excise.sum) == ("Г", 25990, 25990, 1238)


def test_a_discount_and_a_part_lower_the_base_only() -> None:
    rows = tax_rows([Taxed("А", 10000, 5000), Taxed("Б", 20000, 16000)], RATES, pays_vat=True)
    assert [(row.turnover, row.source, row.sum) for row in rows] == [(10000, 5000, 833), (20000, 16000, 1047)]


def test_letters_without_a_tax_make_no_row() -> None:
    assert tax_rows([Taxed("Е", 100, 100), Taxed("З", 100, 100)], RATES, pays_vat=False) == ()


def test_a_zero_rate_makes_a_row() -> None:
    (row,) = tax_rows([Taxed("В", 100, 100)], RATES, pays_vat=True)
    assert (row.percent, row.source, row.sum) == (0, 100, 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["А", "Б", "В", "Д", "Е", "АГ", "БГ", "ГВ", "ЕГ", "Г"]), st.integers(0, 10**7)),
        min_size=1,
    )
)
def test_no_kopeck_of_the_base_is_lost(goods: list[tuple[str, int]]) -> None:
    lines = [Taxed(letters, gross, gross) for letters, gross in goods]
    rows = {row.letter: row for row in tax_rows(lines, RATES, pays_vat=True)}
    excise = rows["Г"].sum if "Г" in rows else 0
    with_vat = sum(gross for letters, gross in goods if set(letters) & set("АБВД"))
    levied_elsewhere = sum(gross for letters, gross in goods if "Г" in letters and not set(letters) & set("АБВД"))
    sources = sum(row.source for row in rows.values() if row.kind == TaxKind.VAT)
    assert with_vat - excise <= sources <= with_vat
    if not levied_elsewhere:
        assert sources == with_vat - excise
    for row in rows.values():
        assert 0 <= row.sum <= row.source <= row.turnover
        exact = row.source * row.percent / (10_000 + row.percent)
        assert abs(row.sum - exact) <= 0.5 + 1e-6


@given(st.lists(st.integers(0, 10**6), min_size=1), st.data())
def test_spreading_loses_nothing_and_overdraws_nobody(weights: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(weights)))
    shares = distribute(total, weights)
    assert sum(shares) == total
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


def test_nothing_can_be_spread_over_nothing() -> None:
    assert distribute(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="nothing"):
        distribute(1, [0, 0])


@pytest.mark.parametrize(
    ("letters", "ipn"), [("Я", "123456712345"), ("АБ", "123456712345"), ("А", ""), ("ГГ", "123456712345")]
)
def test_letters_that_cannot_be(letters: str, ipn: str) -> None:
    with pytest.raises(Invalid) as caught:
        build(replace(SHOP, ipn=ipn), heading(1), sale(line("Хліб", 100), line("Сир", 100, tax=letters)))
    assert (caught.value.code, caught.value.field) == (Code.TAX, "lines[0].tax" if not ipn else "lines[1].tax")
    assert ipn == "" or "Сир" in caught.value.what


def test_a_seller_without_vat_sends_no_tax_rows() -> None:
    data = build(replace(SHOP, ipn=""), heading(1), sale(line("Хліб", 100, tax="Е")))
    assert b"CHECKTAX" not in data and b"<IPN>" not in data


def test_rates_change_on_their_day() -> None:
    table = TaxTable(
        [
            Rate("А", TaxKind.VAT, "ПДВ", 2000),
            Rate("А", TaxKind.VAT, "ПДВ", 2200, date(2027, 1, 1)),
            Rate("Ж", TaxKind.EXCISE, "Акциз", 700, date(2027, 1, 1)),
        ]
    )
    assert table.at(date(2026, 12, 31))["А"].percent == 2000
    assert "Ж" not in table.at(date(2026, 12, 31))
    assert table.at(date(2027, 1, 1))["А"].percent == 2200
    before = build(SHOP, heading(1), sale(line("Хліб", 12000)), taxes=table).decode("cp1251")
    assert "<PRC>20.00</PRC>" in before and "<SUM>20.00</SUM>" in before


@pytest.mark.parametrize(
    "rates",
    [
        [Rate("A", TaxKind.VAT, "ПДВ", 2000)],
        [Rate("АБ", TaxKind.VAT, "ПДВ", 2000)],
        [Rate("Ы", TaxKind.VAT, "ПДВ", 2000)],
        [Rate("А", TaxKind.VAT, "ПДВ", 2000), Rate("А", TaxKind.VAT, "ПДВ", 700)],
        [Rate("А", TaxKind.VAT, "ПДВ", -1)],
    ],
    ids=["Latin", "two letters", "not Ukrainian", "twice", "negative"],
)
def test_a_table_that_cannot_be(rates: list[Rate]) -> None:
    with pytest.raises(ValueError, match=r"letter|rate"):
        TaxTable(rates)
