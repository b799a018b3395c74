"""QR codes as matrices of modules, for paper and for screens; the squares are segno's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A QR code without its quiet zone: `rows[y][x]` is True for a dark module. `level` is L or M."""

    rows: tuple[tuple[bool, ...], ...]
    level: str

    @property
    def side(self) -> int:
        """Modules a side: 21..177."""
        return len(self.rows)

    def dark(self, x: int, y: int) -> bool:
        """Whether the module is dark; everything outside is light."""
        return 0 <= x < self.side and 0 <= y < self.side and self.rows[y][x]


def code(text: str, level: str = "M") -> Code:
    """The smallest code that holds `text` with error correction of a level. Raises ValueError for too long a text."""
    import segno

    made = segno.make(text, error=level, micro=False, boost_error=False)
    return Code(tuple(tuple(bool(module) for module in row) for row in made.matrix), level)


def half_blocks(made: Code, quiet: int) -> list[str]:
    """Rows of text, two modules a character: █ ▀ ▄ and space stand for LIGHT modules, to be drawn white on black.

    `quiet` modules of light surround the code; an odd height is filled up with light.
    """
    size = made.side + 2 * quiet
    height = size + size % 2
    shapes = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}
    return [
        "".join(
            shapes[made.dark(x - quiet, y - quiet), made.dark(x - quiet, y + 1 - quiet)]
            for x in range(size)
        )
        for y in range(0, height, 2)
    ]  # fmt: skip
