"""`python -m tests.terminal.looks`: walks the demo's day in a real terminal and writes the README's pictures."""

from __future__ import annotations

import re
import tempfile
from io import StringIO
from itertools import groupby
from pathlib import Path

import pyte.screens
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from kiosk.ledger.demo import KEY_PASSWORD
from tests.terminal.terminal import Terminal
from tests.terminal.test_day import CASHIER, CUSTOMER, NEWSPAPER, Keys

LOOKS = Path(__file__).parent / "looks"
CONSOLE = TerminalTheme(
    (0, 0, 0),
    (170, 170, 170),
    [(0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170)],
    [
        (85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85),
        (85, 85, 255), (255, 85, 255), (85, 255, 255), (255, 255, 255),
    ],
)  # fmt: skip
"""The sixteen colours of the bare Linux console."""
CELL = 12.2
"""Width of a cell in the picture's units."""
LEADING = re.compile(r'(<text [^>]*x=")([\d.]+)(" [^>]*textLength=")([\d.]+)("[^>]*>)((?:&#160;)+)')
NAMES = {"brown": "yellow", "brightbrown": "brightyellow"}
"""Colours that the terminal emulator names otherwise than the picture's maker."""


def save(terminal: Terminal, name: str) -> None:
    """The cells as they are now, as an SVG picture."""
    screen = terminal.screen
    console = Console(record=True, width=screen.columns, height=screen.lines, file=StringIO())
    for row in range(screen.lines):
        text = Text(end="\n", no_wrap=True)
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        for style, run in groupby(cells, key=_style):
            text.append("".join(cell.data for cell in run), style)
        console.print(text, soft_wrap=True)
    LOOKS.mkdir(exist_ok=True)
    picture = LEADING.sub(_shifted, console.export_svg(title="Kasa Kiosk", theme=CONSOLE))
    (LOOKS / f"{name}.svg").write_text(picture, encoding="utf-8")


def _shifted(found: re.Match[str]) -> str:
    """Leading spaces as a place: some viewers drop them."""
    head, x, middle, length, rest, spaces = found.groups()
    by = CELL * (len(spaces) // len("&#160;"))
    return f"{head}{float(x) + by:g}{middle}{float(length) - by:g}{rest}"


def _style(cell: pyte.screens.Char) -> Style:
    return Style(color=_colour(cell.fg), bgcolor=_colour(cell.bg), bold=cell.bold, reverse=cell.reverse)


def _colour(name: str) -> str:
    if len(name) == 6 and all(digit in "0123456789abcdef" for digit in name):
        return f"#{name}"
    plain = NAMES.get(name, name)
    return plain.replace("bright", "bright_") if plain.startswith("bright") else plain


def main() -> None:
    """Both kinds of registrar."""
    hardware()
    software()


def software() -> None:
    """The checklist of the software registrar with its key open, and a receipt's code on the screen."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(["-m", "kiosk.cli", "demo", "--registrar", "prro", "--data", folder])
        cashier = Keys(terminal)
        try:
            terminal.shows(CASHIER)
            cashier.login()
            terminal.shows("ключ заблоковано")
            terminal.key("Enter")
            terminal.shows("Коваль Олена")
            terminal.type(KEY_PASSWORD)
            terminal.key("Enter")
            terminal.shows("зміну можна відкрити")
            save(terminal, "prro-checklist")
            cashier.act("F6", "Відкрити")
            terminal.shows("Пораховано готівки")
            cashier.digits("500")
            cashier.act("F6", "Відкрити")
            cashier.choose(1, "Принесено розмінну монету")
            terminal.shows("Відкриття: документ №")
            cashier.act("Enter", "Зрозуміло")
            terminal.shows("Код >")
            for number, code in enumerate(("1001", "1002"), 1):
                terminal.scan(code)
                terminal.shows(f"> {number} ")
            cashier.act("F6", "Оплата")
            terminal.shows("ДО СПЛАТИ")
            cashier.act("Ctrl+Enter", "Підтвердити")
            terminal.shows("ЗАРЕЄСТРОВАНО")
            save(terminal, "prro-outcome")
        finally:
            terminal.close()


def hardware() -> None:
    """Login, checklist, sale, payment, outcome, closing."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(["-m", "kiosk.cli", "demo", "--data", folder])
        cashier = Keys(terminal)
        try:
            terminal.shows(CASHIER)
            save(terminal, "login")
            cashier.login()
            cashier.act("F2", "Пломби")
            terminal.shows("зміну можна відкрити")
            save(terminal, "checklist")
            cashier.act("F6", "Відкрити")
            terminal.shows("Пораховано готівки")
            cashier.digits("500")
            cashier.act("F6", "Відкрити")
            cashier.choose(1, "Принесено розмінну монету")
            cashier.act("Enter", "Зрозуміло")
            terminal.shows("Код >")
            for number, code in enumerate(("1001", "1002", "3*1003", NEWSPAPER), 1):
                terminal.scan(code)
                terminal.shows(f"> {number} ")
            terminal.scan(CUSTOMER)
            terminal.shows("Гончар Віра")
            save(terminal, "sale")
            cashier.act("F6", "Оплата")
            terminal.shows("ДО СПЛАТИ")
            cashier.digits("200")
            terminal.shows("РЕШТА")
            save(terminal, "payment")
            cashier.act("Ctrl+Enter", "Підтвердити")
            terminal.shows("ЗАРЕЄСТРОВАНО")
            save(terminal, "outcome")
            cashier.act("Enter", "Новий чек")
            terminal.shows("Код >")
            cashier.rare("F11")
            cashier.choose(4, "Закрити зміну (Z)")
            terminal.shows("Порахуйте готівку")
            cashier.point(1, "500 грн")
            cashier.digits("1")
            terminal.shows("Пораховано: 500,00")
            cashier.act("F6", "Далі")
            terminal.shows("Нестача в касі")
            save(terminal, "closing")
        finally:
            terminal.close()


if __name__ == "__main__":
    main()
