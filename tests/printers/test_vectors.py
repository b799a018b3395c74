"""Bytes and answers of escpos.md, computed there and here by different hands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Invalid
from drivers.printers import QR_ROW, PaperState, Trouble, status
from drivers.printers.job import DRAWERS, Look, document
from drivers.printers.job import test_page as pages_of
from drivers.printers.letters import UKRAINIAN, Page, fitted, page_of, profiles
from drivers.printers.status import is_queued, is_status, read

CP1251, CP1125, CP866 = Page("cp1251", 46), Page("cp1125", 44), Page("cp866", 17)
QR_EXAMPLE = bytes.fromhex(
    "1D286B0400314132001D286B03003143061D286B03003145311D286B190031503068747470733A2F2F6578616D706C652E746573742F31"
    "1D286B0300315130"
)


def test_the_words_of_section_6() -> None:
    assert CP1251.encode("Їжак і Ґава") == bytes.fromhex("AFE6E0EA20B320A5E0E2E0")
    assert CP1125.encode("Їжак і Ґава") == bytes.fromhex("F8A6A0AA20F720F2A0A2A0")


def test_a_row_begins_and_ends_as_in_section_6() -> None:
    data = document(["ЧЕК"], "", Look(CP1251))
    assert data.startswith(bytes.fromhex("1B401C2E1B742E"))
    assert bytes.fromhex("D7C5CA0A") in data
    assert data.endswith(bytes.fromhex("1D564200"))


def test_the_code_of_section_6() -> None:
    assert QR_EXAMPLE in document([QR_ROW], "https://example.test/1", Look(CP1251, module=6))


def test_the_length_of_the_example_of_section_3() -> None:
    link = "https://cabinet.tax.gov.ua/cashregs/check?fn=3000000001&id=1"
    # The page counts 61 bytes and p = 64; the text it gives has 60, so p is 63.
    assert len(link) == 60
    assert bytes.fromhex("1D286B3F00315030") + b"http" in document([QR_ROW], link, Look(CP1251))


def test_the_drawer_of_section_6() -> None:
    assert DRAWERS["2"] == (bytes.fromhex("1B700019FA"), bytes.fromhex("1014010002"))


def test_large_rows_are_twice_as_high() -> None:
    data = document(["   КОПІЯ"], "", Look(CP1251))
    assert bytes.fromhex("1D2101") + CP1251.encode("   КОПІЯ") + b"\n" + bytes.fromhex("1D2100") in data


@pytest.mark.parametrize(
    ("answers", "trouble", "low"),
    [
        ({1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}, None, False),
        ({1: 0x16, 2: 0x12, 3: 0x12, 4: 0x1E}, None, True),
        ({1: 0x1A, 2: 0x32, 3: 0x12, 4: 0x72}, Trouble.PAPER_OUT, False),
        ({1: 0x1A, 2: 0x32, 3: 0x12, 4: 0x7E}, Trouble.PAPER_OUT, True),
        ({1: 0x12, 2: 0x12, 3: 0x12, 4: 0x72}, Trouble.PAPER_OUT, False),
        ({1: 0x1A, 2: 0x32, 3: 0x12, 4: 0x12}, Trouble.PAPER_OUT, False),
        ({1: 0x1A, 2: 0x16, 3: 0x12, 4: 0x12}, Trouble.COVER_OPEN, False),
        ({1: 0x1A, 2: 0x52, 3: 0x1A, 4: 0x12}, Trouble.CUTTER, False),
        ({1: 0x1A, 2: 0x52, 3: 0x52, 4: 0x12}, Trouble.HEAD, False),
        ({1: 0x1A, 2: 0x12, 3: 0x12, 4: 0x12}, Trouble.OFFLINE, False),
        ({1: 0x1A}, Trouble.OFFLINE, False),
    ],
)
def test_answers_of_section_4(answers: dict[int, int], trouble: Trouble | None, low: bool) -> None:
    assert read(answers) == PaperState(True, trouble, low)


def test_no_answer_is_no_knowledge() -> None:
    assert read({}) == PaperState(told=False)


@given(st.integers(0, 255))
def test_a_byte_is_one_kind_of_answer(byte: int) -> None:
    assert is_status(byte) == (byte & 0b10010011 == 0b00010010)
    assert not (is_status(byte) and is_queued(byte))


def test_16h_is_a_status_and_not_a_filler() -> None:
    assert is_status(0x16) and status.read({1: 0x16}).trouble is None


# -- code pages ------------------------------------------------------------------------------------------------------


def test_every_profile_has_a_page_with_the_whole_alphabet_or_says_what_it_lacks() -> None:
    lacking = {name: pages[0].lacks(UKRAINIAN) for name, pages in profiles().items()}
    assert {name: letters for name, letters in lacking.items() if letters} == {"chinese866": "ҐІґі"}


def test_the_numbers_of_section_2() -> None:
    known = {name: {page.codec: page.number for page in pages} for name, pages in profiles().items()}
    assert known["epson"] == {"cp866": 17, "cp1251": 46, "cp1125": 44}
    assert known["chinese"] == {"cp866": 59, "cp1251": 73}
    assert [known[name]["cp866"] for name in ("kr306", "ocd", "rp326", "star")] == [37, 11, 7, 10]
    assert [known[name]["cp1251"] for name in ("kr306", "ocd", "rp326", "star")] == [51, 12, 6, 34]


def test_a_page_is_chosen() -> None:
    assert page_of("epson") == CP1251
    assert page_of("epson", "cp866") == CP866
    assert page_of("epson", "cp1251:77") == Page("cp1251", 77)


@pytest.mark.parametrize("wanted", ["cp437", "cp1251:", "cp1251:256", "utf-8:3", "nonsense:1", ":"])
def test_a_wrong_page_is_refused(wanted: str) -> None:
    with pytest.raises(Invalid):
        page_of("epson", wanted)


def test_letters_that_cp866_lacks_are_written_as_they_look() -> None:
    assert fitted("Зошит і Ґава, їжак", CP866) == "Зошит i Гава, їжак"
    assert fitted("Їжа «Є» — 5 ’", CP866) == 'Їжа "Є" - 5 \''


def test_the_hryvnia_sign_keeps_the_sums_in_their_column() -> None:
    row = "Ціна ₴" + " " * 20 + "12.50 А"
    assert fitted(row, CP1251) == "Ціна грн" + " " * 18 + "12.50 А"
    assert fitted("₴₴", CP1251) == "грнгрн"


@given(st.text(max_size=60), st.sampled_from([CP1251, CP1125, CP866]))
def test_any_text_goes_into_any_page(text: str, page: Page) -> None:
    assert not page.lacks(fitted(text, page))
    assert min(page.encode(text), default=0x20) >= 0x20


def test_a_name_commands_nothing() -> None:
    assert CP1251.encode("Хліб\x1bp0\x10\x14\n") == "Хліб p0   ".encode("cp1251")


@given(st.text(alphabet=UKRAINIAN + " .,0123456789", max_size=60))
def test_ukrainian_is_untouched_where_the_page_has_it(text: str) -> None:
    assert fitted(text, CP1251) == text == CP1251.encode(text).decode("cp1251")


def test_the_pages_of_a_printer_that_nobody_knows() -> None:
    data = pages_of(profiles()["epson"], Look(CP1251))
    for page in profiles()["epson"]:
        assert b"\x1bt" + bytes([page.number]) + f"{page.codec}:{page.number}\n".encode() in data
