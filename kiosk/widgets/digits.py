"""Huge figures of half blocks: 3 columns × 3 rows each, the comma and the space one column."""

from __future__ import annotations

HEIGHT = 3
_PIXELS = {
    "0": ("###", "#.#", "#.#", "#.#", "###"),
    "1": (".#.", "##.", ".#.", ".#.", "###"),
    "2": ("###", "..#", "###", "#..", "###"),
    "3": ("###", "..#", ".##", "..#", "###"),
    "4": ("#.#", "#.#", "###", "..#", "..#"),
    "5": ("###", "#..", "###", "..#", "###"),
    "6": ("###", "#..", "###", "#.#", "###"),
    "7": ("###", "..#", ".#.", ".#.", ".#."),
    "8": ("###", "#.#", "###", "#.#", "###"),
    "9": ("###", "#.#", "###", "..#", "###"),
    "-": ("...", "...", "###", "...", "..."),
    ",": (".", ".", ".", ".", "#"),
    " ": (".", ".", ".", ".", "."),
}
_HALVES = {("#", "#"): "█", ("#", "."): "▀", (".", "#"): "▄", (".", "."): " "}


def _glyph(pixels: tuple[str, ...]) -> tuple[str, ...]:
    rows = (*pixels, "." * len(pixels[0]))
    return tuple(
        "".join(_HALVES[above, below] for above, below in zip(rows[y], rows[y + 1], strict=True)) for y in (0, 2, 4)
    )


_GLYPHS = {character: _glyph(pixels) for character, pixels in _PIXELS.items()}


def big(text: str) -> tuple[str, ...]:
    """Three rows that draw a sum; a character without a figure is left out."""
    glyphs = [_GLYPHS[character] for character in text.replace("\u00a0", " ") if character in _GLYPHS]
    return tuple(" ".join(glyph[row] for glyph in glyphs) for row in range(HEIGHT))
