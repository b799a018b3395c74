"""DSTU 4145, GOST 34.311 and Kupyna once more, straight from the text of the standards (signing.md §3).

The virtual fiscal server checks signatures with this code, so that a misreading in drivers.prro.signing does not agree
with itself. It shares constants only (curves, S-boxes) and no trick: school products, affine points, octets in lists.
A signature takes some 60 ms and a hash 8 (Kupyna: 18) µs an octet on a development machine, seven times the driver's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from drivers.prro.signing.curves import by_degree
from drivers.prro.signing.gost28147 import DKE1
from drivers.prro.signing.kupyna import BOXES

Place = tuple[int, int] | None


@dataclass(frozen=True)
class Plane:
    """A curve as plain numbers: the field's degree and polynomial, A, B, n and the base point."""

    m: int
    polynomial: int
    a: int
    b: int
    order: int
    base: tuple[int, int]

    def times(self, p: int, q: int) -> int:
        """The product of two field elements: shifted copies of p, then the powers from x^m on folded down."""
        result = 0
        for shift, bit in enumerate(reversed(f"{q:b}")):
            if bit == "1":
                result ^= p << shift
        low = self.polynomial ^ 1 << self.m
        while high := result >> self.m:
            result &= (1 << self.m) - 1
            for shift, bit in enumerate(reversed(f"{low:b}")):
                if bit == "1":
                    result ^= high << shift
        return result

    def over(self, p: int, q: int) -> int:
        """p / q by the extended Euclid of polynomials."""
        first, second, left, right = q, self.polynomial, 1, 0
        while first:
            while second.bit_length() >= first.bit_length():
                by = second.bit_length() - first.bit_length()
                second ^= first << by
                right ^= left << by
            first, second, left, right = second, first, right, left
        while right.bit_length() > self.m:
            right ^= self.polynomial << right.bit_length() - 1 - self.m
        return self.times(p, right)

    def plus(self, p: Place, q: Place) -> Place:
        """The sum of two affine points."""
        if p is None or q is None:
            return q if p is None else p
        (x1, y1), (x2, y2) = p, q
        if x1 != x2:
            slope = self.over(y1 ^ y2, x1 ^ x2)
            x3 = self.times(slope, slope) ^ slope ^ x1 ^ x2 ^ self.a
            return x3, self.times(slope, x1 ^ x3) ^ x3 ^ y1
        if y1 != y2 or x1 == 0:
            return None
        slope = x1 ^ self.over(y1, x1)
        x3 = self.times(slope, slope) ^ slope ^ self.a
        return x3, self.times(x1, x1) ^ self.times(slope ^ 1, x3)

    @lru_cache(maxsize=64)  # noqa: B019 - planes are ten and live as long as the program
    def unpacked(self, octets: bytes) -> tuple[int, int]:
        """The point behind a compressed one. Raises ValueError when there is none."""
        packed = int.from_bytes(octets, "little")
        sign, x = packed & 1, packed & ~1
        if self._trace(x) != self.a:
            x |= 1
        if x == 0:
            raise ValueError("no key")
        w = x ^ self.a ^ self.over(self.b, self.times(x, x))
        z, term = w, w
        for _ in range((self.m - 1) // 2):
            term = self.times(term, term)
            term = self.times(term, term)
            z ^= term
        if self.times(z, z) ^ z != w:
            raise ValueError("the point is not on the curve")
        return x, self.times(x, z if self._trace(z) == sign else z ^ 1)

    def _trace(self, p: int) -> int:
        total = 0
        for _ in range(self.m):
            total ^= p
            p = self.times(p, p)
        return total


@cache
def plane(m: int) -> Plane:
    """The standard curve over GF(2^m). Raises LookupError."""
    curve = by_degree(m)
    return Plane(m, curve.field.polynomial, curve.a, curve.b, curve.order, curve.generator)


def holds(m: int, key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether `signature` (r ‖ s) over `digest` was made by the compressed `key` on the standard curve of degree m."""
    on = plane(m)
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half], "little"), int.from_bytes(signature[half:], "little")
    if not (0 < r < on.order and 0 < s < on.order):
        return False
    try:
        public = on.unpacked(key)
    except ValueError:
        return False
    # s·P + r·Q, both at once from the highest bit.
    both = on.plus(on.base, public)
    point: Place = None
    for bit in range(on.order.bit_length() - 1, -1, -1):
        point = on.plus(point, point)
        pick = (s >> bit & 1, r >> bit & 1)
        if pick != (0, 0):
            point = on.plus(point, {(1, 0): on.base, (0, 1): public, (1, 1): both}[pick])
    if point is None:
        return False
    h = int.from_bytes(digest, "little") % (1 << on.m) or 1
    return on.times(h, point[0]) % (1 << on.order.bit_length() - 1) == r


def gost(data: bytes) -> bytes:
    """GOST 34.311."""
    state, checksum = bytes(32), 0
    for at in range(0, len(data), 32):
        block = data[at : at + 32].ljust(32, b"\0")
        state = _gost_step(state, block)
        checksum += int.from_bytes(block, "little")
    state = _gost_step(state, (8 * len(data)).to_bytes(32, "little"))
    return _gost_step(state, (checksum % (1 << 256)).to_bytes(32, "little"))


def _gost_step(state: bytes, block: bytes) -> bytes:
    u, v = state, block
    keys = [_shuffled(_xor(u, v))]
    for number in range(3):
        u = _a(u)
        if number == 1:
            u = _xor(u, _C3)
        v = _a(_a(v))
        keys.append(_shuffled(_xor(u, v)))
    sealed = b"".join(_encrypted(state[8 * at : 8 * at + 8], key) for at, key in enumerate(keys))
    words = _words(sealed)
    words = _turned(words, 12)
    words = _turned([a ^ b for a, b in zip(words, _words(block), strict=True)], 1)
    words = _turned([a ^ b for a, b in zip(words, _words(state), strict=True)], 61)
    return b"".join(word.to_bytes(2, "little") for word in words)


_C3 = bytes.fromhex("00ff00ff00ff00ffff00ff00ff00ff0000ffff00ff0000ffff000000ffff00ff")
_ROWS = [[DKE1[8 * row + value // 2] >> (0 if value % 2 else 4) & 15 for value in range(16)] for row in range(8)]


def _a(y: bytes) -> bytes:
    return y[8:] + _xor(y[:8], y[8:16])


def _shuffled(y: bytes) -> bytes:
    return bytes(y[8 * i + j] for j in range(8) for i in range(4))


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, 32, 2)]


def _turned(w: list[int], times: int) -> list[int]:
    for _ in range(times):
        w = [*w[1:], w[0] ^ w[1] ^ w[2] ^ w[3] ^ w[12] ^ w[15]]
    return w


def _encrypted(block: bytes, key: bytes) -> bytes:
    low, high = int.from_bytes(block[:4], "little"), int.from_bytes(block[4:], "little")
    parts = [int.from_bytes(key[at : at + 4], "little") for at in range(0, 32, 4)]
    for part in (*parts, *parts, *parts, *reversed(parts)):
        mixed = (low + part) % (1 << 32)
        replaced = sum(_ROWS[row][mixed >> 4 * row & 15] << 4 * row for row in range(8))
        low, high = high ^ (replaced << 11 | replaced >> 21) & 0xFFFFFFFF, low
    return high.to_bytes(4, "little") + low.to_bytes(4, "little")


def kupyna(data: bytes, bits: int = 256) -> bytes:
    """Kupyna: a state of columns of eight octets."""
    columns, rounds = (8, 10) if bits == 256 else (16, 14)
    size = 8 * columns
    state = bytes((size,)) + bytes(size - 1)
    padded = data + b"\x80"
    padded += bytes((size - 12 - len(padded)) % size) + (8 * len(data)).to_bytes(12, "little")
    for at in range(0, len(padded), size):
        block = padded[at : at + size]
        first = _permuted(_xor(state, block), rounds, _with_xor)
        second = _permuted(block, rounds, _with_sum)
        state = _xor(_xor(first, second), state)
    return _xor(_permuted(state, rounds, _with_xor), state)[-bits // 8 :]


_Constant = Callable[[list[bytes], int], list[bytes]]


def _permuted(state: bytes, rounds: int, constant: _Constant) -> bytes:
    columns = [state[at : at + 8] for at in range(0, len(state), 8)]
    count = len(columns)
    for number in range(rounds):
        columns = constant(columns, number)
        turns = [*range(7), 11 if count == 16 else 7]
        columns = [
            bytes(BOXES[row % 4][columns[(column - turns[row]) % count][row]] for row in range(8))
            for column in range(count)
        ]
        columns = [_mixed(column) for column in columns]
    return b"".join(columns)


def _with_xor(columns: list[bytes], number: int) -> list[bytes]:
    return [bytes((each[0] ^ column << 4 ^ number,)) + each[1:] for column, each in enumerate(columns)]


def _with_sum(columns: list[bytes], number: int) -> list[bytes]:
    result = []
    for column, each in enumerate(columns):
        addend = 0x00F0F0F0F0F0F0F3 + (((len(columns) - 1 - column) * 16 + number) % 256 << 56)
        result.append(((int.from_bytes(each, "little") + addend) % (1 << 64)).to_bytes(8, "little"))
    return result


def _mixed(column: Sequence[int]) -> bytes:
    products = _products()
    result = []
    for row in range(8):
        total = 0
        for at, factor in enumerate((1, 1, 5, 1, 8, 6, 7, 4)):
            total ^= products[factor][column[(row + at) % 8]]
        result.append(total)
    return bytes(result)


@cache
def _products() -> dict[int, list[int]]:
    """Products by the matrix's factors over x⁸ + x⁴ + x³ + x² + 1."""

    def product(a: int, b: int) -> int:
        result = 0
        while b:
            if b & 1:
                result ^= a
            a = a << 1 ^ (0x11D if a & 0x80 else 0)
            b >>= 1
        return result

    return {factor: [product(value, factor) for value in range(256)] for factor in (1, 4, 5, 6, 7, 8)}
