"""Drawing in cells: cut, pad and wrap text by the width that a terminal gives it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def fit(text: str, width: int, align: str = "left") -> str:
    """Exactly `width` cells: cut with an ellipsis, or padded on the side that `align` leaves free."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 1 else set_cell_size(text, width)
    if align == "right":
        return " " * (width - length) + text
    if align == "center":
        left = (width - length) // 2
        return " " * left + text + " " * (width - length - left)
    return text + " " * (width - length)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at spaces, long words cut; newlines are kept."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            while cell_len(word) > width > 0:
                if line:
                    lines.append(line)
                    line = ""
                lines.append(word[:width])
                word = word[width:]
            if line and cell_len(line) + 1 + cell_len(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def strip(parts: Iterable[tuple[str, Style]]) -> Strip:
    """A line of styled parts; neighbours of one style become one segment (fewer bytes to the console)."""
    segments: list[Segment] = []
    for text, style in parts:
        if segments and segments[-1].style == style:
            segments[-1] = Segment(segments[-1].text + text, style)
        elif text:
            segments.append(Segment(text, style))
    return Strip(segments)


def label_lines(text: str, width: int, height: int) -> list[str]:
    """A label centred in a block of `width` × `height` cells."""
    lines = wrap(text, width)[:height]
    top = (height - len(lines)) // 2
    empty = [""] * top
    return [fit(line, width, "center") for line in [*empty, *lines, *[""] * (height - top - len(lines))]]
