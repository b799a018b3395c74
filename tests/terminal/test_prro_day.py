"""A whole day on the software registrar in a real terminal, by keys: the server, the paper, the ledger and the screen.

Login → unlock → check → opening and float → three scans and a card → mixed basket and cash → return 1 of 3 → storno of
the last sale → X → cash-out → count → Z.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.document import DocumentKind, PaymentForm
from drivers.emulation.memory import Tape
from drivers.prro.emulator.web import build
from kiosk.ledger.demo import KEY_PASSWORD
from kiosk.ledger.records import DocumentState, FiscalDocument
from kiosk.ledger.store import open_ledger
from tests.terminal.terminal import Terminal
from tests.terminal.test_day import BREADS, CASHIER, CUSTOMER, NEWSPAPER, Keys, menu

SENIOR_BADGE = "2000000003"
SLIP = ("123456789012", "12AB34", "4321", "TERM0001")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    shop = ["--data", str(tmp_path / "shop")]
    terminal = Terminal(["-m", "kiosk.cli", "demo", "--registrar", "prro", *shop])
    yield terminal
    terminal.close()


@pytest.mark.timeout(400)
def test_a_whole_day_on_the_software_registrar(terminal: Terminal, tmp_path: Path) -> None:
    cashier = Keys(terminal)
    terminal.shows(CASHIER)
    terminal.shows(f"пароль ключа {KEY_PASSWORD}"[:12])
    cashier.login()

    terminal.shows("ключ заблоковано")
    terminal.key("Enter")
    terminal.shows("Коваль Олена")
    terminal.type(KEY_PASSWORD)
    terminal.key("Enter")
    terminal.shows("відповідає для 4000123456")
    terminal.shows("зміну можна відкрити")
    cashier.act("F6", "Відкрити")
    terminal.shows("Пораховано готівки")
    cashier.digits("500")
    terminal.shows("500")
    cashier.act("F6", "Відкрити")
    cashier.choose(1, "Принесено розмінну монету")
    terminal.shows("Відкриття: документ №")
    cashier.act("Enter", "Зрозуміло")

    card_sale(cashier)
    cash_sale(cashier)
    take_back(cashier)
    cancel(cashier)

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

    close(cashier)
    terminal.close()
    compare(tmp_path / "shop" / "prro")


def card_sale(cashier: Keys) -> None:
    """Three scans, paid by card with the data of the terminal's slip."""
    terminal = cashier.terminal
    for number, code in enumerate(BREADS, 1):
        terminal.shows("Код >")
        terminal.scan(code)
        terminal.shows(f"> {number} ")
    cashier.act("F6", "Оплата")
    terminal.shows("ДО СПЛАТИ")
    cashier.act("F7", "F7")
    for field in SLIP:
        terminal.type(field)
        terminal.key("Enter")
    terminal.key("F2")
    terminal.key("Ctrl+Enter")
    terminal.shows("ДО СПЛАТИ")
    cashier.act("Ctrl+Enter", "Підтвердити")
    terminal.shows("ЗАРЕЄСТРОВАНО")
    cashier.act("Enter", "Новий чек")


def cash_sale(cashier: Keys) -> None:
    """A customer's basket of green and red lines, paid in cash: a fiscal receipt and a slip."""
    terminal = cashier.terminal
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
    cashier.act("Enter", "Новий чек")


def take_back(cashier: Keys) -> None:
    """One of the three loaves of the second receipt comes back."""
    terminal = cashier.terminal
    terminal.shows("Код >")
    cashier.rare("F12")
    terminal.shows("Знайдіть продаж")
    terminal.scan("2")
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


def cancel(cashier: Keys) -> None:
    """A sale by mistake is cancelled at once, with a senior's badge."""
    terminal = cashier.terminal
    terminal.shows("Код >")
    terminal.scan("1001")
    terminal.shows("> 1 ")
    cashier.act("F6", "Оплата")
    terminal.shows("ДО СПЛАТИ")
    cashier.digits("100")
    cashier.act("Ctrl+Enter", "Підтвердити")
    terminal.shows("ЗАРЕЄСТРОВАНО")
    cashier.act("Enter", "Новий чек")
    terminal.shows("Код >")
    terminal.key("Ctrl+Z")
    terminal.shows("Буде скасовано тільки цей документ")
    cashier.act("F6", "Сторнувати")
    cashier.choose(0, "Що було не так?")
    terminal.shows("Бейдж або PIN старшого")
    terminal.scan(SENIOR_BADGE)
    cashier.act("Ctrl+Enter", "Ctrl+Enter")
    terminal.shows("Поверніть покупцеві")
    cashier.act("Enter", "Зрозуміло")
    terminal.shows("Код >")


def close(cashier: Keys) -> None:
    """Count, compare, Z."""
    terminal = cashier.terminal
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


def compare(shop: Path) -> None:
    """The server's registers and paper, the till's paper and the ledger hold the same documents, to the kopeck."""
    ledger = open_ledger(shop / "ledger.db", SystemClock())
    try:
        shift = ledger.shifts.last_closed(1)
        assert shift is not None
        documents = [item for item in ledger.receipts.documents(shift.id) if item.result is not None]
        kinds = [item.kind for item in documents]
        assert kinds == [
            DocumentKind.OPEN_SHIFT, DocumentKind.CASH_IN, DocumentKind.SALE, DocumentKind.SALE, DocumentKind.REFUND,
            DocumentKind.SALE, DocumentKind.STORNO, DocumentKind.CASH_OUT, DocumentKind.Z_REPORT,
        ]  # fmt: skip
        assert ledger.journal.verify(full=True) == 2 * len(documents)
        card, cash, refund, wrong = documents[2:6]
        assert card.document.paid_by(PaymentForm.CARD) == card.document.due
        assert wrong.state is DocumentState.CANCELLED
        kept = 50_000 + cash.document.due - refund.document.due - 40_000
        assert shift.cash_left == kept
        assert all("Вечірні" not in line.name for item in documents for line in item.document.lines)
        told = [(item.kind.value, item.document.due, number_of(item)) for item in documents]
    finally:
        ledger.close()
    with build({}, state=shop / "registrar" / "fs.db", tape=Tape(None)) as server:
        registers = server.registers()
    seen = [one for one in registers["journal"] if one["kind"] != "CLOSE_SHIFT"]
    assert [(one["kind"].lower(), one["fiscal"]) for one in seen] == [(kind, number) for kind, _due, number in told]
    money = ("cash_in", "sale", "refund", "cash_out")
    assert [one["amount"] for one in seen if one["kind"].lower() in money] == [
        due for kind, due, _ in told if kind in money
    ]
    assert (registers["shift_open"], [one["fiscal"] for one in seen if one["storned"]]) == (False, [number_of(wrong)])
    z_report = documents[-1].result
    assert z_report is not None and z_report.totals is not None
    assert z_report.totals.sales_by_form == {"card": card.document.due, "cash": cash.document.due}
    assert (z_report.totals.refunded, z_report.totals.drawer) == (refund.document.due, kept)
    paper = (shop / "tape.txt").read_text(encoding="utf-8")
    printed = (documents[1], card, cash, refund, wrong, documents[-2])
    for item in printed:
        assert number_of(item) in paper
    # A receipt shows its sum before rounding, and what is to be paid where that is another.
    sums = [int(found.replace(".", "")) for found in re.findall(r"^СУМА\D*(\d+\.\d\d)", paper, re.MULTILINE)]
    assert sums == [item.document.total or item.document.due for item in printed]
    paid = [int(found.replace(".", "")) for found in re.findall(r"^До сплати\D*(\d+\.\d\d)", paper, re.MULTILINE)]
    assert paid == [item.document.due for item in printed if item.document.rounding]
    assert paper.count("Вечірні новини") == 1, "the red line stands on the slip alone"


def number_of(item: FiscalDocument) -> str:
    assert item.result is not None
    return item.result.number
