"""A whole day in a real terminal, as a cashier would meet it: once with keys only, once with a finger only.

Login → check → float → three scans and a card → mixed basket → cash → return of one → X → cash-out → count → Z. In the
end the registrar's paper, its registers, the ledger and the screen tell the same, to the kopeck.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.document import DocumentKind
from kiosk.ledger.store import open_ledger
from tests.terminal.terminal import Terminal

CASHIER, PIN = "Ковальчук Оксана", "1111"
BREADS = ("1001", "1002", "3*1003")
NEWSPAPER = "1105"
CUSTOMER = "7000000012"


class Keys:
    """A cashier without a touch screen."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def act(self, key: str, label: str) -> None:
        """Press the key whose touchable place bears `label`."""
        self.terminal.shows(label)
        self.terminal.key(key)

    def digits(self, text: str) -> None:
        self.terminal.type(text)

    def login(self) -> None:
        self.terminal.key("Down")
        self.digits(PIN)
        self.act("Enter", "••••")

    def rare(self, key: str) -> None:
        """A key that the bar shows on its second page."""
        self.terminal.key(key)

    def choose(self, row: int, text: str) -> None:
        """The `row`-th entry of a list."""
        self.terminal.shows(text)
        for _ in range(row):
            self.terminal.key("Down")
        self.terminal.key("Enter")

    def point(self, row: int, text: str) -> None:
        """Make the `row`-th line of a table the current one."""
        self.terminal.shows(text)
        for _ in range(row):
            self.terminal.key("Down")


class Fingers:
    """A cashier without a keyboard."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def act(self, key: str, label: str) -> None:
        del key
        self.terminal.touch(label, nth=-1)

    def digits(self, text: str) -> None:
        for digit in text:
            self.terminal.touch(f"  {digit}  ", nth=-1)

    def login(self) -> None:
        self.terminal.touch(CASHIER)
        self.digits(PIN)
        self.terminal.shows("••••")
        self.terminal.touch("Enter", nth=-1)

    def rare(self, key: str) -> None:
        if not self.terminal.places(key):
            self.terminal.touch("···")
        self.terminal.touch(key)

    def choose(self, row: int, text: str) -> None:
        del row
        self.terminal.touch(text)

    def point(self, row: int, text: str) -> None:
        del row
        self.terminal.touch(text)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(["-m", "kiosk.cli", "demo", "--data", str(tmp_path / "shop")])
    yield terminal
    terminal.close()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("hand", [Keys, Fingers])
def test_a_whole_day(terminal: Terminal, tmp_path: Path, hand: type[Keys] | type[Fingers]) -> None:
    cashier = hand(terminal)
    terminal.shows(CASHIER)
    cashier.login()

    cashier.act("F2", "Пломби")
    terminal.shows("зміну можна відкрити")
    cashier.act("F6", "Відкрити")
    terminal.shows("Пораховано готівки")
    cashier.digits("500")
    terminal.shows("500")
    cashier.act("F6", "Відкрити")
    cashier.choose(1, "Принесено розмінну монету")
    terminal.shows("500,00 грн, документ № 1")
    cashier.act("Enter", "Зрозуміло")

    for number, code in enumerate(BREADS, 1):
        terminal.shows("Код >")
        terminal.scan(code)
        terminal.shows(f"> {number} ")
    terminal.scan(CUSTOMER)
    terminal.shows("Гончар Віра")
    terminal.scan(NEWSPAPER)
    terminal.shows("НЕФ.")
    cashier.act("F6", "Оплата")
    terminal.shows("ДО СПЛАТИ")
    cashier.digits("200")
    terminal.shows("РЕШТА")
    cashier.act("Ctrl+Enter", "Підтвердити")
    terminal.shows("ЗАРЕЄСТРОВАНО")
    assert "Товарний чек: надруковано" in terminal.text
    cashier.act("Enter", "Новий чек")

    terminal.shows("Код >")
    cashier.rare("F12")
    terminal.shows("Знайдіть продаж")
    terminal.scan("1")
    terminal.shows("Що повертається")
    cashier.point(2, "Хліб пшеничний")
    cashier.act("F2", "Кількість")
    terminal.shows("щонайбільше 3 шт")
    cashier.digits("1")
    cashier.act("Enter", "Enter")
    terminal.shows("До повернення: 28,50")
    cashier.act("F6", "Далі")
    cashier.choose(0, "Неякісний товар")
    terminal.shows("Усі умови виконано")
    cashier.act("F6", "Повернути гроші")
    cashier.act("Ctrl+Enter", "Ctrl+Enter")
    terminal.shows("Повернення зареєстровано")
    cashier.act("Esc", "Завершити")
    terminal.shows("Код >")

    menu(cashier, 1, "X-звіт")
    terminal.shows("Реєстратор і програма збігаються")
    cashier.act("Esc", "Назад")
    terminal.shows("Код >")

    menu(cashier, 3, "Службова видача")
    terminal.shows("Готівка в реєстраторі")
    cashier.digits("400")
    cashier.act("F6", "Зареєструвати")
    cashier.act("Ctrl+Enter", "Ctrl+Enter")
    terminal.shows("Службова видача 400,00 грн")
    cashier.act("Enter", "Зрозуміло")
    terminal.shows("Код >")

    menu(cashier, 4, "Закрити зміну (Z)")
    terminal.shows("Порахуйте готівку")
    cashier.point(2, "200 грн")
    cashier.digits("1")
    terminal.shows("Пораховано: 200,00")
    cashier.act("F6", "Далі")
    terminal.shows("Реєстратор, термінал, програма")
    terminal.shows("Нестача в касі: 35,00")
    cashier.act("F6", "Далі")
    cashier.choose(0, "адміністратор знає")
    terminal.shows("4/6")
    cashier.act("F8", "Пропустити")
    cashier.choose(1, "Термінал зараз не дає звіту")
    terminal.shows("5/6")
    cashier.act("F6", "Z-звіт")
    cashier.act("Ctrl+Enter", "Ctrl+Enter")
    terminal.shows("6/6")
    terminal.shows("Зміну закрито")
    terminal.close()
    compare(tmp_path / "shop")


def menu(cashier: Keys | Fingers, row: int, text: str) -> None:
    """One entry of the registrar's menu (F11)."""
    cashier.rare("F11")
    cashier.terminal.shows("Фіскальний реєстратор")
    cashier.choose(row, text)


def compare(shop: Path) -> None:
    """Paper, registers and ledger hold the same documents."""
    ledger = open_ledger(shop / "ledger.db", SystemClock())
    try:
        shift = ledger.shifts.last_closed(1)
        assert shift is not None
        documents = [item for item in ledger.receipts.documents(shift.id) if item.done]
        kinds = [item.kind for item in documents]
        assert kinds == [
            DocumentKind.CASH_IN, DocumentKind.SALE, DocumentKind.REFUND, DocumentKind.CASH_OUT, DocumentKind.Z_REPORT,
        ]  # fmt: skip
        assert ledger.journal.verify(full=True) == 2 * len(documents)
        _, sale, refund, _, _ = documents
        kept = 50_000 + sale.document.due - refund.document.due - 40_000
        assert shift.cash_left == kept
        device = json.loads((shop / "registrar" / "state.json").read_text(encoding="utf-8"))
        assert device["drawer"] == kept
        tape = next((shop / "registrar").glob("*tape*")).read_text(encoding="utf-8")
        sums = [int(found.replace(".", "")) for found in re.findall(r"^СУМА\D*(\d+\.\d\d)", tape, re.MULTILINE)]
        assert sums == [item.document.due for item in documents[:4]]
        assert tape.count("Вечірні новини") == 1, "the red line stands on the slip alone"
        assert all("Вечірні" not in line.name for line in sale.document.lines)
    finally:
        ledger.close()
