"""Words: every message id is translated, the compiled catalogues are fresh, every error can be explained."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from drivers.errors import Code, Existence, LinkLost, Refused, Unreachable
from drivers.registrar import FaultInfo
from kiosk import i18n, locale
from kiosk.faults import FAULTS
from kiosk.ledger.errors import Damaged, LedgerError
from kiosk.till.errors import Denied, Refusal


@pytest.fixture(autouse=True)
def ukrainian() -> Iterator[None]:
    i18n.use("uk")
    yield
    i18n.use("uk")


def test_every_message_id_is_translated() -> None:
    catalogue = locale.read("uk")
    missing = []
    for key in locale.extracted():
        found = catalogue.get(key if isinstance(key, str) else key[0])
        texts = [found.string] if found and isinstance(found.string, str) else list(found.string) if found else []
        if not texts or not all(texts):
            missing.append(key)
    assert not missing, "run python -m kiosk.locale and translate"


def test_a_plural_has_three_ukrainian_forms() -> None:
    one, many = "{count} line stops the opening", "{count} lines stop the opening"
    assert len({i18n.ngettext(one, many, count) for count in (1, 2, 5)}) == 3
    assert i18n.ngettext(one, many, 21) == i18n.ngettext(one, many, 1)


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_the_compiled_catalogue_is_fresh(language: str) -> None:
    path = locale.HERE / language / "LC_MESSAGES" / "kiosk.mo"
    assert path.read_bytes() == locale.compiled(locale.read(language)), "run python -m kiosk.locale"


def test_a_translation_keeps_the_fields_of_its_message() -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for message in locale.read("uk"):
        for text in [message.string] if isinstance(message.string, str) else message.string:
            key = message.id if isinstance(message.id, str) else message.id[0]
            if key and text:
                assert names(text) == names(key), key


def test_no_translation_outside_the_syntax_tree() -> None:
    """Message ids are literals: a name or an f-string inside `_()` could never be collected."""
    found = locale.extracted()
    assert "UAH" in found, "ids inside f-strings are collected too"


@pytest.mark.parametrize("code", list(Code))
@pytest.mark.parametrize("existence", list(Existence))
def test_every_fault_says_what_is_at_risk_and_the_next_step(code: Code, existence: Existence) -> None:
    what, advice = i18n.explain(Refused(code, "english text", existence=existence))
    assert "english" not in what + advice
    assert advice.endswith(".")
    risk = {Existence.NO: "не створено", Existence.YES: "існує", Existence.UNKNOWN: "НЕВІДОМО"}[existence]
    assert risk in what
    assert any("а" <= letter <= "я" for letter in what + advice)


def test_a_fault_has_a_text_for_every_code() -> None:
    assert set(FAULTS) == set(Code)
    assert len({FAULTS[code][0] for code in Code}) == len(list(Code)), "two codes may not read the same"


def test_a_stored_fault_reads_like_the_fault_without_guessing_the_risk() -> None:
    fault = Unreachable(Code.OFFLINE, "no answer")
    assert i18n.explain(FaultInfo.of(fault))[1] == i18n.explain(fault)[1]
    assert "НЕВІДОМО" in i18n.explain(FaultInfo.of(fault), document=Existence.UNKNOWN)[0]


def test_kopecks_in_an_error_read_as_money_and_counts_as_numbers() -> None:
    short = Refusal("CASH_SHORT", "The registrar holds {available}, less than {amount}", available=123456, amount=5)
    assert i18n.explain(short)[0] == "У реєстраторі 1\u00a0234,56 грн, це менше ніж 0,05 грн"
    wrong = Refusal("WRONG_PIN", "Wrong PIN", "{left} attempts left.", left=4)
    assert i18n.explain(wrong) == ("Хибний PIN", "Лишилося спроб: 4.")


def test_a_denial_and_the_ledger_are_explained() -> None:
    assert i18n.explain(Denied("storno", approvable=True, user="Олена"))[0] == "Олена не має на це права"
    assert "пошкоджено" in i18n.explain(Damaged("damaged", "x"))[0]
    assert i18n.explain(LedgerError("name", "x"))[0] == "Облік каси цього не дозволяє; нічого не змінено"


def test_a_message_with_a_missing_value_still_shows() -> None:
    assert "{sum}" in i18n.explain(Refusal("X", "UNKNOWN: a document of {sum} is not resolved"))[0]


def test_the_technician_gets_code_command_and_hex() -> None:
    lost = LinkLost(Code.TIMEOUT_UNKNOWN, "no answer", command="53", raw="E12", wire="01 2F")
    text = i18n.technical(lost)
    assert "TIMEOUT_UNKNOWN" in text and "command: 53" in text and "raw: E12" in text and "hex: 01 2F" in text


def test_english_shows_the_message_ids() -> None:
    i18n.use("en")
    assert i18n._("Wrong PIN") == "Wrong PIN"
    with pytest.raises(ValueError, match="fr"):
        i18n.use("fr")
