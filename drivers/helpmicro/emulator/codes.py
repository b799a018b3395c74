"""Error codes of the device (helpmicro.md §4).

The page names some codes one by one and others only as a range. Within a range the numbers below are this emulator's
choice: a host may rely on the range alone.
"""

from __future__ import annotations

from typing import Any

NO_PRICE, NO_QUANTITY = "01", "02"
NO_PAPER, COVER = "8B", "88"
ALREADY_REGISTERED, WRONG_PASSWORD = "31", "32"
TABLE, FIELD, LENGTH, VALUE = "33", "37", "39", "3B"
FORBIDDEN, NEGATIVE_QUANTITY, NO_CHANGE = "3E", "42", "8D"
NOT_TRANSMITTED, WRONG_DATE, CLOCK_FORBIDDEN = "A6", "BD", "BE"
TAX, PARAMETER, PRINTER_MODE, ARTICLE_CHANGED = "C1", "C2", "C3", "C4"
FISCAL_LINK, FISCAL_FULL, FISCAL_STATE, CODE_TYPE, NO_Z = "C6", "C8", "C9", "CE", "CF"
NO_CASH, SHIFT_END, EMPTY, DISCOUNT, VOID, SUM, PERCENT = "D0", "D3", "D7", "D4", "D5", "D8", "D9"
PAYMENT, GROUP, DEPARTMENT, QUANTITY, PRICE, ARTICLE = "E0", "E3", "E5", "E8", "EA", "EC"
PAY_TYPE, NEGATIVE_SUM, RECEIPT_FULL, DAY_FULL, NO_COPY, NOT_PAID = "F1", "F3", "F5", "F6", "F7", "F8"
CASHIER, NO_RIGHTS, JOURNAL_FULL = "F9", "FA", "FF"

TEXTS = {
    NO_PRICE: "Не задано ціну", NO_QUANTITY: "Не задано кількість", NO_PAPER: "Немає паперу",
    COVER: "Немає паперу: кришку відкрито", ALREADY_REGISTERED: "Касира вже зареєстровано",
    WRONG_PASSWORD: "Невірний пароль", TABLE: "Невірний номер таблиці", FIELD: "Невідоме поле",
    LENGTH: "Невірна довжина", VALUE: "Невірне значення", FORBIDDEN: "Запит заборонено",
    NEGATIVE_QUANTITY: "Від'ємна кількість", NO_CHANGE: "Решту заборонено",
    NOT_TRANSMITTED: "Не передано 3 або більше звітів", WRONG_DATE: "Невірна дата",
    CLOCK_FORBIDDEN: "Зміну годинника заборонено", TAX: "Невірний номер податку",
    PARAMETER: "Невірний параметр процедури", PRINTER_MODE: "Режим фіскального принтера вимкнено",
    ARTICLE_CHANGED: "Назву або податок змінено після продажу", FISCAL_LINK: "Немає зв'язку з фіскальним модулем",
    FISCAL_FULL: "Фіскальний модуль заповнено", FISCAL_STATE: "Невірний стан фіскального модуля",
    CODE_TYPE: "Невірний тип коду", NO_Z: "Не виконано Z-звіт", NO_CASH: "Недостатньо готівки",
    EMPTY: "Документ порожній", SHIFT_END: "Кінець зміни, зробіть Z-звіт",
    DISCOUNT: "Помилка знижки", VOID: "Помилка сторно",
    SUM: "Помилка суми", PERCENT: "Помилка відсотка", PAYMENT: "Помилка оплати", GROUP: "Невірна група",
    DEPARTMENT: "Невірний відділ", QUANTITY: "Невірна кількість", PRICE: "Невірна ціна", ARTICLE: "Невірний артикул",
    PAY_TYPE: "Невірний тип оплати", NEGATIVE_SUM: "Від'ємна сума", RECEIPT_FULL: "Чек переповнено",
    DAY_FULL: "Денний лічильник переповнено", NO_COPY: "Немає такого чека", NOT_PAID: "Оплату не завершено",
    CASHIER: "Касира не зареєстровано", NO_RIGHTS: "Немає прав", JOURNAL_FULL: "Журнал переповнено",
}  # fmt: skip


class Failed(Exception):
    """Nothing was done. `line` counts the document's lines from 1, 0: none of them."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.line = line


def told(code: str, line: int, style: str) -> dict[str, Any]:
    """`style` is one of the three forms that the device has for an error: list, object or text."""
    if style == "text":
        return {"err": f"x{code}"}
    entry: dict[str, Any] = {"e": f"x{code}", "line": line} if line else {"e": f"x{code}"}
    return {"err": entry if style == "object" else [entry]}
