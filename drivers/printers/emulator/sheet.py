"""What the printer leaves on paper: lines of text as a person would read them, and a picture when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

FACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
)


@dataclass(frozen=True)
class Piece:
    """One thing on paper: `kind` is text, qr, barcode or raster. A raster is `width` dots of packed rows."""

    kind: str
    text: str = ""
    align: int = 0
    bold: bool = False
    high: int = 1
    wide: int = 1
    width: int = 0
    rows: bytes = b""
    module: int = 3


@dataclass
class Sheet:
    """The paper since the last cut."""

    columns: int
    pieces: list[Piece] = field(default_factory=list)

    def add(self, piece: Piece) -> list[str]:
        """Put it down; gives its lines for the tape."""
        self.pieces.append(piece)
        if piece.kind == "text":
            room = max(1, self.columns // piece.wide)
            lines = [piece.text[start : start + room] for start in range(0, max(1, len(piece.text)), room)]
            return [self._aligned(line, piece.align) for line in lines]
        if piece.kind == "qr":
            return [self._aligned(f"[QR] {piece.text}", piece.align)]
        if piece.kind == "barcode":
            return [self._aligned(f"[BARCODE] {piece.text}", piece.align)]
        height = len(piece.rows) // (piece.width // 8) if piece.width else 0
        return [f"[IMAGE {piece.width}x{height}]"]

    def _aligned(self, line: str, align: int) -> str:
        line = line.rstrip()
        if align == 1:
            return line.center(self.columns).rstrip()
        return line.rjust(self.columns) if align == 2 else line


def paint(pieces: Sequence[Piece], columns: int, dots: int, path: Path) -> None:
    """The paper as a PNG. Text is drawn with whatever face the machine has; raster and codes dot by dot."""
    from PIL import Image

    strips = [_strip(piece, columns, dots) for piece in pieces]
    sheet = Image.new("1", (dots, max(1, sum(strip.height for strip in strips))), 1)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _strip(piece: Piece, columns: int, dots: int) -> Image:
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    if piece.kind == "raster":
        height = len(piece.rows) // (piece.width // 8)
        # On paper a set bit is black.
        drawn = ImageOps.invert(Image.frombytes("1", (piece.width, height), piece.rows).convert("L")).convert("1")
    elif piece.kind == "qr":
        import segno

        matrix = segno.make(piece.text, error="m", micro=False, boost_error=False).matrix
        small = Image.new("1", (len(matrix) + 8, len(matrix) + 8), 1)
        for y, row in enumerate(matrix):
            for x, module in enumerate(row):
                small.putpixel((x + 4, y + 4), 0 if module else 1)
        drawn = small.resize((small.width * piece.module, small.height * piece.module))
    else:
        cell = dots // columns
        face = next((path for path in FACES if Path(path).is_file()), None)
        font = ImageFont.truetype(face, cell * 5 // 3) if face else ImageFont.load_default()
        drawn = Image.new("1", (dots, cell * 2), 1)
        pen = ImageDraw.Draw(drawn)
        for place, character in enumerate(piece.text):
            pen.text((place * cell, 0), character, fill=0, font=font)
        drawn = drawn.resize((dots * piece.wide, drawn.height * piece.high)).crop(
            (0, 0, dots, drawn.height * piece.high)
        )
    strip = Image.new("1", (dots, drawn.height), 1)
    left = {1: (dots - drawn.width) // 2, 2: dots - drawn.width}.get(piece.align, 0) if piece.kind != "text" else 0
    strip.paste(drawn, (left, 0))
    return strip
