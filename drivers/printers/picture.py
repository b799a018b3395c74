"""Rows as a picture: for printers without the letters, and for the PNG of a receipt. Pillow is imported when needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import Code as FaultCode
from drivers.errors import Invalid
from drivers.printers import LOUD, QR_ROW
from drivers.printers.codes import Code, code

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
    "/usr/share/fonts/truetype/freefont/FreeMono.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
)
"""Where distributions keep fixed-width fonts with Ukrainian letters; $KASA_FONT goes before them."""
MODULE = 4
"""Dots of a QR module: at least 3 at 203 dpi (fiscal-server.md §7.1)."""
QUIET = 4


def font_file(given: Path | None = None) -> Path:
    """The font to draw with. Raises `Invalid` where there is none."""
    wanted = [given] if given else [Path(path) for path in (os.environ.get("KASA_FONT", ""), *FONTS) if path]
    for path in wanted:
        if path.is_file():
            return path
    raise Invalid(
        FaultCode.BAD_FIELD,
        "no fixed-width font to draw receipts with: install Debian's fonts-dejavu-core",
        field="font",
    )


@lru_cache(maxsize=8)
def _font(path: Path, cell: int) -> FreeTypeFont:
    """The largest size whose letters are at most `cell` dots wide."""
    from PIL import ImageFont

    size = cell * 2
    while size > 4 and ImageFont.truetype(str(path), size).getlength("Ж") > cell:
        size -= 1
    return ImageFont.truetype(str(path), size)


def row_picture(row: str, *, columns: int, dots: int, font: Path) -> Image:
    """One row of `columns` characters, `dots` wide, black on white, as a bitmap."""
    from PIL import Image, ImageDraw

    cell = dots // columns
    drawn = _font(font, cell)
    ascent, descent = drawn.getmetrics()
    tall = 2 if row.strip() in LOUD else 1
    image = Image.new("L", (dots, ascent + descent), 255)
    draw = ImageDraw.Draw(image)
    for place, character in enumerate(row):
        # By the cell, not by the letter: columns stay columns whatever the font's own advance is.
        draw.text((place * cell, 0), character, fill=0, font=drawn)
    if tall > 1:
        image = image.resize((dots, image.height * tall))
    return image.point(lambda value: 255 if value > 127 else 0).convert("1")


def code_picture(made: Code, *, dots: int, module: int = MODULE) -> Image:
    """A QR code in the middle of a strip `dots` wide, with its quiet zone above and below."""
    from PIL import Image

    side = made.side + 2 * QUIET
    module = max(1, min(module, dots // side))
    small = Image.new("1", (side, side), 1)
    for y, row in enumerate(made.rows):
        for x, dark in enumerate(row):
            if dark:
                small.putpixel((x + QUIET, y + QUIET), 0)
    large = small.resize((side * module, side * module))
    strip = Image.new("1", (dots, large.height), 1)
    strip.paste(large, ((dots - large.width) // 2, 0))
    return strip


def receipt_picture(rows: Sequence[str], qr: str = "", *, columns: int, font: Path | None = None) -> Image:
    """A whole receipt as it would look on paper, with white margins. Raises `Invalid` without a font."""
    from PIL import Image

    face = font_file(font)
    dots = columns * 12
    strips = [
        code_picture(code(qr), dots=dots)
        if row == QR_ROW and qr
        else row_picture("" if row == QR_ROW else row, columns=columns, dots=dots, font=face)
        for row in rows
    ]
    margin = 24
    whole = Image.new("1", (dots + 2 * margin, sum(strip.height for strip in strips) + 2 * margin), 1)
    top = margin
    for strip in strips:
        whole.paste(strip, (margin, top))
        top += strip.height
    return whole
