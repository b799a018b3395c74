"""One document as ESC/POS bytes (escpos.md §2, §3); python-escpos writes images, codes and pulses.

1B 40  1C 2E  1B 74 n     initialise, leave the Chinese mode, code page
text 0A …                 rows, high ones between 1D 21 01 and 1D 21 00
1D 28 6B …                QR, or 1D 76 30 … as a picture
1B 64 4  1D 56 42 0       feed past the blade, cut
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.printers import LOUD, QR_ROW
from drivers.printers.letters import Page

if TYPE_CHECKING:
    from PIL.Image import Image

INITIALISE = b"\x1b@"
LEAVE_CHINESE = b"\x1c."
HIGH, PLAIN = b"\x1d!\x01", b"\x1d!\x00"
LEFT, CENTRE = b"\x1ba\x00", b"\x1ba\x01"
FEED = b"\x1bd\x04"
GAP = b"\x1bJ\x18"
"""24 dots: the quiet zone that a printer does not leave around its own code."""
CUTS = {"partial": b"\x1dVB\x00", "full": b"\x1dVA\x00", "none": b""}
DRAWERS = {
    "2": (b"\x1bp\x00\x19\xfa", b"\x10\x14\x01\x00\x02"),
    "5": (b"\x1bp\x01\x19\xfa", b"\x10\x14\x01\x01\x02"),
    "none": (b"", b""),
}
"""Pin 2 or 5: 50 ms on, 500 ms off when its turn comes; 200 ms at once, by a printer that stands still."""
DOTS = {58: 384, 80: 576}
"""Dots across the paper at 203 dpi, by its width in millimetres."""


@dataclass(frozen=True)
class Look:
    """How a printer is written to. `columns` 32, 42 or 48; `paper` 58 or 80 mm.

    `letters`: what a row does that the page has no letters for: `alike` writes it as it looks, `drawn` draws that row,
    `picture` draws every row. `qr`: `native`, `raster` or `text` (the link in letters). `module` is dots of a module.
    """

    page: Page
    columns: int = 48
    paper: int = 80
    letters: str = "alike"
    qr: str = "native"
    module: int = 4
    cut: str = "partial"
    logo: Path | None = None
    font: Path | None = None


def document(rows: Sequence[str], qr: str, look: Look) -> bytes:
    """The bytes of a whole document. Raises `Invalid` where a row must be drawn and there is no font."""
    writer = _writer()
    out: list[bytes] = [INITIALISE, LEAVE_CHINESE, b"\x1bt" + bytes([look.page.number])]
    if look.logo is not None:
        out.append(_image(writer, _logo(look.logo, DOTS[look.paper])))
    for row in rows:
        if row == QR_ROW:
            out.append(_code(writer, qr, look) if qr else b"\n")
        elif look.letters == "picture" or (look.letters == "drawn" and look.page.lacks(row)):
            from drivers.printers.picture import font_file, row_picture

            dots = DOTS[look.paper]
            drawn = row_picture(row, columns=look.columns, dots=dots, font=font_file(look.font))
            out.append(_image(writer, drawn))
        else:
            text = look.page.encode(row) + b"\n"
            out.append(HIGH + text + PLAIN if row.strip() in LOUD else text)
    return b"".join((*out, FEED, CUTS[look.cut]))


def test_page(pages: Sequence[Page], look: Look) -> bytes:
    """The alphabet under each code page, so that a person sees which one prints letters (escpos.md §2)."""
    from drivers.printers.letters import UKRAINIAN

    out = [INITIALISE, LEAVE_CHINESE]
    for page in pages:
        out.append(b"\x1bt" + bytes([page.number]) + f"{page.codec}:{page.number}\n".encode("ascii"))
        for start in range(0, len(UKRAINIAN), look.columns):
            out.append(page.encode(UKRAINIAN[start : start + look.columns]) + b"\n")
    return b"".join((*out, FEED, CUTS[look.cut]))


def _code(writer: Any, qr: str, look: Look) -> bytes:
    if look.qr == "text":
        rows = [qr[start : start + look.columns] for start in range(0, len(qr), look.columns)]
        return b"".join(row.encode("ascii", "replace") + b"\n" for row in rows)
    if look.qr == "raster":
        from drivers.printers.codes import code
        from drivers.printers.picture import code_picture

        return _image(writer, code_picture(code(qr), dots=DOTS[look.paper], module=look.module))
    from escpos.constants import QR_ECLEVEL_M

    writer.clear()
    writer.qr(qr, ec=QR_ECLEVEL_M, size=look.module, native=True)
    return bytes(GAP + CENTRE + writer.output + LEFT + GAP)


def _image(writer: Any, image: Image) -> bytes:
    writer.clear()
    # In strips: a clone with a small buffer takes them (GS v 0).
    writer.image(image, impl="bitImageRaster", fragment_height=256)
    return bytes(writer.output)


def _logo(path: Path, dots: int) -> Image:
    """The shop's picture, black on white, in the middle of the paper. Raises OSError for a file that is no picture."""
    from PIL import Image

    with Image.open(path) as given:
        flat = Image.new("RGB", given.size, "white")
        flat.paste(given.convert("RGBA"), mask=given.convert("RGBA").getchannel("A"))
    if flat.width > dots:
        flat = flat.resize((dots, max(1, flat.height * dots // flat.width)))
    sheet = Image.new("1", (dots, flat.height), 1)
    sheet.paste(flat.convert("1"), ((dots - flat.width) // 2, 0))
    return sheet


def warm() -> None:
    """Import what writes documents, so that the first receipt need not wait for it."""
    _writer()


def _writer() -> Any:
    with warnings.catch_warnings():
        # Its imports warn about their own dependencies; a till has nobody to tell that to.
        warnings.simplefilter("ignore")
        from escpos.printer import Dummy

        # A profile that knows its width: the default one prints a complaint about it to the screen with every image.
        return Dummy(profile="TM-T20II")
