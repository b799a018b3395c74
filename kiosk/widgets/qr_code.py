"""A QR code made of half-blocks: white light modules on the black ground, two modules a character high.

On a cell of 8 × 16 dots a module is a square of 8. Terminals are small and receipts' links are long, so the code that
fits best is chosen: more correction and a full quiet zone of 4 modules where there is room, less of both where not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from drivers.printers.codes import Code, code, half_blocks
from kiosk.widgets import palette
from kiosk.widgets.drawing import strip

WAYS = (("M", 4), ("L", 4), ("L", 3), ("L", 2))
"""Level and quiet zone, best first: phones read a code with half the standard's zone of 4, and hardly with less."""
LIGHT = Style(color="bright_white", bgcolor="black")


@dataclass(frozen=True)
class Fitted:
    """A code for a place on the screen. `short`: the link without its hash, because the whole one is too large."""

    code: Code
    quiet: int
    text: str
    short: bool = False

    @property
    def width(self) -> int:
        """Columns."""
        return self.code.side + 2 * self.quiet

    @property
    def height(self) -> int:
        """Rows."""
        return (self.width + 1) // 2


@lru_cache(maxsize=8)
def fitted(text: str, width: int, height: int) -> Fitted | None:
    """The best code of a receipt's link for a place of so many cells; None where none fits.

    An offline link carries a hash of 64 characters (`mac`) that no 25 rows hold. It is left out then: the cabinet looks
    a receipt up by number, time and sum (fiscal-server.md §7.1), and the whole link is on paper and in the file.
    """
    for link in dict.fromkeys((text, _without_hash(text))):
        for level, quiet in WAYS:
            try:
                made = Fitted(code(link, level), quiet, link, short=link != text)
            except ValueError:
                continue
            if made.width <= width and made.height <= height:
                return made
    return None


def _without_hash(link: str) -> str:
    parts = urlsplit(link)
    fields = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "mac"]
    return urlunsplit(parts._replace(query=urlencode(fields)))


class QrCode(Widget):
    """Draws one code in its own size."""

    DEFAULT_CSS = """
    QrCode { width: auto; height: auto; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown: Fitted | None = None
        self._rows: list[str] = []

    def show(self, made: Fitted | None) -> None:
        """Another code, or none."""
        if made != self.shown:
            self.shown = made
            self._rows = half_blocks(made.code, made.quiet) if made is not None else []
            self.refresh(layout=True)
        self.display = made is not None

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self.shown.width if self.shown is not None else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._rows):
            return strip([(" " * self.size.width, palette.TEXT)])
        return strip([(self._rows[y], LIGHT)])
