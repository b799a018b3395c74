"""The hash Kupyna, DSTU 7564:2014, for 256, 384 and 512 bits (signing.md §3.9).

    state    8 columns of 64 bits (16 for more than 256 bits), 10 (14) rounds; start: first octet 64 (128), the rest 0
    padding  80h, zeros, the bit length in 96 bits little-endian
    H ← H ⊕ T⊕(H ⊕ M) ⊕ T₊(M); the result is the last octets of H ⊕ T⊕(H)
    a round  T⊕: XOR of (column << 4 ^ round) into octet 0 of each column; T₊: a constant added to each column;
             then S-boxes by row, row r rotated by r columns (row 7 of 16 columns by 11), and the circulant
             01 01 05 01 08 06 07 04 over x⁸ + x⁴ + x³ + x² + 1

T⊕ and T₊ run side by side in one integer, column by column: ⊕0, +0, ⊕1, +1, … Rows are strided slices, an S-box is
`bytes.translate`, and the matrix is three doublings of the whole state: no tables to build, 1 MB/s.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

BOXES = (
    bytes.fromhex(
        "a8435f066b756c5971df879517f0d8096df31dcbc94d2caf79e097fd6f4b4539"
        "3edda34fb4b69a0e1fbf15e149d293c692729e61d163faeef419d5ad58a4bba1"
        "dcf2833742e47a329cccab4a8f6e04272ee7e25a9616232bc265660fbca94741"
        "3448fcb76a88a55386f95bdb387bc31e2233242836c7b23b8e77baf5149f0855"
        "9b4cfe605cda1846cd7d21b03f1b89ffeb84693a9dd7d3706740b5de5d3091b1"
        "781101e5006898a0c502a6742d0ba276b3becebdaee98a311cecf19994aaf626"
        "2fefe88c3503d47ffb05c15e90203d82f7ea0a0d7ef8501ac40757b83c62e3c8"
        "ac526410d0d9130c122951b9cfd6738d8154c0ed4e44a72a8525e6ca7c8b5680"
    ),
    bytes.fromhex(
        "cebbeb92eacb13c1e93ad6b2d29017f8421556b4651c8843c55c36baf557678d"
        "31f664589ef422aa750f02b1df6d734d7c262ef7085d443e9f14c8ae5410d8bc"
        "1a6b69f3bd33abfad19b684e169591ee4c638e5bcc3c19a181497bd96f3760ca"
        "e72b48fd9645fc41120d79e5898ce32030dcb76c4ab53f97d4622d06a4a5835f"
        "2adac9007ea255bf11d59ccf0e0a3d517d931bfec44709860b8f9d6a07b9b098"
        "1832714bef3b70a0e440ffc3a9e678f98b46801e38e1b8a8e00c23761d252405"
        "f16e94289a84e8a34f77d385e252f282507a2f7453b361af3935decd1f99acad"
        "722cddd087be5ea6ec04c60334fbdb59b6c201f05aeda766217f8a27c7c029d7"
    ),
    bytes.fromhex(
        "93d99ab5982245fcba6adf029fdc51594a172bc294f4bba362e471d4cd7016e1"
        "493cc0d85c9bad8553a17ac82de0d172a62cc4e37678b7b4093b0e414cdeb290"
        "25a5d7031100c32e92ef4e129d7dcb3510d54f9e4da955c6d07b1897d336e648"
        "56818f77cc9cb9e2acb82f15a47cda381e0b05d6146e6c7e66fdb1e560af5e33"
        "87c9f05d6d3f888dc7f71de9eced802927cf99a8500f3724283095d23e5b4083"
        "b369571f071c8abc20ebce8eabee31a273f9ca3a1afb0dc1fefaf26fbd96dd43"
        "52b608f3aebe19893226b0ea4b6484826bf579bf015f75631b233d682a65e891"
        "f6ff1358f1470a7fc5a7e7615a0646444204a0db398654aa8c34218bf80c7467"
    ),
    bytes.fromhex(
        "688dca4d734b4e2ad45226b3541e191f2203463d2d4a5383138ab7d52579f5bd"
        "582f0d02ed519e11f23e555ed1163c66705df34540cce8945608ce1a3ad2e1df"
        "b5386e0ee5f4f986e94fd68523cf32993114aeeec848d330a19241b118c42c71"
        "724415fd37be5faa9b88d8ab899cfa60eabc620c24a6a8ec6720db7c28ddac5b"
        "347e10f17b8f63a0059a437721bf2709c39fb6d729c2ebc0a48b8c1dfbffc1b2"
        "972ef865f67507044933e4d9b9d042c76c90008e6f5001c5da473fcd69a2e27a"
        "a7c6930f0a06e62b96a31caf6a128439e7b082f7fe9d875c8135deb4a5fc80ef"
        "cbbb6b76ba5a7d780b95e3ad74983b36646ddcf059a94c177f91b8c9571be061"
    ),
)
_ADDEND = 0x00F0F0F0F0F0F0F3


def digest(data: bytes, bits: int = 256) -> bytes:
    """The hash of `data`; `bits` is 256, 384 or 512 (ValueError otherwise)."""
    if bits not in (256, 384, 512):
        raise ValueError("Kupyna gives 256, 384 or 512 bits")
    shape = _shape(8 if bits == 256 else 16)
    size = 8 * shape.columns
    padded = data + b"\x80" + bytes((-len(data) - 13) % size) + (8 * len(data)).to_bytes(12, "little")
    state = size
    for at in range(0, len(padded), size):
        block = int.from_bytes(padded[at : at + size], "little")
        first, second = _transform(shape, state ^ block, block)
        state ^= first ^ second
    state ^= _transform(shape, state, 0)[0]
    return state.to_bytes(size, "little")[-bits // 8 :]


@dataclass(frozen=True)
class _Shape:
    """What depends on the number of columns only."""

    columns: int
    words: struct.Struct
    pairs: struct.Struct
    rounds: tuple[tuple[int, int, int], ...]
    """Of each round: the XOR constant of T⊕, the addend of T₊ without its top bits, and these top bits."""
    top: int
    low: int
    rows: tuple[tuple[slice, bytes], ...]
    bits: int
    mask: int
    sevens: int
    ones: int


@cache
def _shape(columns: int) -> _Shape:
    octets = 16 * columns
    top = sum(1 << 128 * column + 127 for column in range(columns))
    rounds = []
    for number in range(10 if columns == 8 else 14):
        toggle = sum((column << 4 ^ number) << 128 * column for column in range(columns))
        addend = 0
        for column in range(columns):
            high = ((columns - 1 - column) * 16 + number) % 256
            addend |= (_ADDEND + (high << 56)) % (1 << 64) << 128 * column + 64
        rounds.append((toggle, addend & ~top, addend & top))
    turns = [*range(7), 11 if columns == 16 else 7]
    starts = [octets - 16 * turn + row for row, turn in enumerate(turns)]
    return _Shape(
        columns=columns,
        words=struct.Struct(f"<{columns}Q"),
        pairs=struct.Struct(f"<{2 * columns}Q"),
        rounds=tuple(rounds),
        top=top,
        low=(1 << 8 * octets) - 1 ^ top,
        rows=tuple((slice(start, start + octets, 8), BOXES[row % 4]) for row, start in enumerate(starts)),
        bits=8 * octets,
        mask=(1 << 8 * octets) - 1,
        sevens=int.from_bytes(b"\x7f" * octets, "little"),
        ones=int.from_bytes(b"\x01" * octets, "little"),
    )


def _transform(shape: _Shape, first: int, second: int) -> tuple[int, int]:
    """T⊕(first) and T₊(second)."""
    size, octets = 8 * shape.columns, 16 * shape.columns
    words = [0] * (2 * shape.columns)
    words[::2] = shape.words.unpack(first.to_bytes(size, "little"))
    words[1::2] = shape.words.unpack(second.to_bytes(size, "little"))
    state = shape.pairs.pack(*words)
    low, top, rows, width, bits, mask = shape.low, shape.top, shape.rows, 2 * shape.columns, shape.bits, shape.mask
    sevens, ones, columns = shape.sevens, shape.ones, range(2 * shape.columns)
    r1, r2, r3, r4, r5, r6, r7 = (bits // 8 * row for row in range(1, 8))
    for toggle, addend, high in shape.rounds:
        v = int.from_bytes(state, "little") ^ toggle
        v = (v & low) + addend ^ (v & top) ^ high
        state = v.to_bytes(octets, "little")
        state += state
        v = int.from_bytes(b"".join([state[row].translate(box) for row, box in rows]), "little")
        w = v | v << bits
        w5, w6 = w >> r5, w >> r6
        v8 = w >> r4 & mask
        v2 = w5 ^ w6
        v4 = (v2 ^ w >> r2 ^ w >> r7) & mask
        v1 = w ^ w >> r1 ^ w >> r2 ^ w >> r3 ^ w6
        v = (v8 & sevens) << 1 ^ (v8 >> 7 & ones) * 0x1D ^ v4
        v = (v & sevens) << 1 ^ (v >> 7 & ones) * 0x1D ^ v2 & mask
        v = (v & sevens) << 1 ^ (v >> 7 & ones) * 0x1D ^ v1 & mask
        state = v.to_bytes(octets, "little")
        state = b"".join([state[column::width] for column in columns])
    words[:] = shape.pairs.unpack(state)
    return (
        int.from_bytes(shape.words.pack(*words[::2]), "little"),
        int.from_bytes(shape.words.pack(*words[1::2]), "little"),
    )
