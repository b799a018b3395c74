"""The till's colours: 16 foregrounds and 8 backgrounds that a bare Linux console has (kiosk-platform.md §2.5).

Blocks are drawn reversed, so that with NO_COLOR they stay visible. A state is never told by colour alone: colour,
icon and word (cashier-flow.md, colour code). Icons are glyphs of every Cyrillic console font.
"""

from __future__ import annotations

from enum import StrEnum

from rich.style import Style
from textual.theme import Theme

from kiosk.till.errors import N_


class Lamp(StrEnum):
    """States of cashier-flow.md's colour code, and OFF for what says nothing."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    PURPLE = "purple"
    OFF = "off"


ICON = {Lamp.GREEN: "■", Lamp.AMBER: "!", Lamp.RED: "x", Lamp.PURPLE: "?", Lamp.OFF: " "}
WORD = {
    Lamp.GREEN: N_("FISCAL"),
    Lamp.AMBER: N_("OFFLINE"),
    Lamp.RED: N_("NON-FISCAL"),
    Lamp.PURPLE: N_("UNKNOWN"),
    Lamp.OFF: "",
}
"""Words of a receipt's or line's lamp, message ids."""

TEXT = Style(color="white", bgcolor="black")
STRONG = Style(color="bright_white", bgcolor="black", bold=True)
QUIET = Style(color="cyan", bgcolor="black")
BAR = Style(color="blue", bgcolor="white", reverse=True)
"""The status bar: light text on blue."""
BAR_STRONG = Style(color="blue", bgcolor="white", reverse=True, bold=True)
KEY = Style(color="white", bgcolor="black", reverse=True)
"""A key that may be pressed: dark text on light grey."""
KEY_OFF = Style(color="bright_black", bgcolor="black")
KEY_NAME = Style(color="white", bgcolor="blue", reverse=True)
CURSOR = Style(color="cyan", bgcolor="black", reverse=True)
"""The current row, and whatever has the focus."""
MAIN = Style(color="green", bgcolor="black", reverse=True)
DANGER = Style(color="red", bgcolor="white", reverse=True)

BLOCK = {
    Lamp.GREEN: MAIN,
    Lamp.AMBER: Style(color="yellow", bgcolor="black", reverse=True),
    Lamp.RED: DANGER,
    Lamp.PURPLE: Style(color="magenta", bgcolor="white", reverse=True),
    Lamp.OFF: KEY,
}
"""A filled card or cell in a state's colour."""
INK = {
    Lamp.GREEN: Style(color="bright_green", bgcolor="black"),
    Lamp.AMBER: Style(color="bright_yellow", bgcolor="black", bold=True),
    Lamp.RED: Style(color="bright_red", bgcolor="black", bold=True),
    Lamp.PURPLE: Style(color="bright_magenta", bgcolor="black", bold=True),
    Lamp.OFF: TEXT,
}
"""Text in a state's colour on the ground."""

THEME = Theme(
    name="kasa",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    accent="ansi_cyan",
    foreground="ansi_white",
    background="ansi_black",
    surface="ansi_black",
    panel="ansi_black",
    boost="ansi_black",
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border": "ansi_cyan",
        "border-blurred": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "scrollbar": "ansi_white",
        "scrollbar-background": "ansi_black",
    },
)
