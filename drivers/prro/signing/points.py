"""Group law, multiplication and compression of points (signing.md §3.4, §3.5, §6).

A known point (a base point, a key that verifies often) is multiplied by a table of its multiples: the digits of the
scalar pick affine points, which are summed as a tree, each level with one batched inversion. An unknown point is
multiplied by a wNAF ladder in López–Dahab coordinates x = X/Z, y = Y/Z². On m = 257 the former takes 1.4 ms (after
40 ms for the table), the latter 8 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from drivers.prro.signing.curves import Curve, Point

_WINDOW = 6
_NAF = 5


def negate(point: Point) -> Point:
    """−(x, y) = (x, x + y)."""
    return None if point is None else (point[0], point[0] ^ point[1])


def on_curve(curve: Curve, point: tuple[int, int]) -> bool:
    """Whether y² + xy = x³ + Ax² + B."""
    field, (x, y) = curve.field, point
    square = field.square(x)
    right = field.multiply(square, x) ^ (square if curve.a else 0) ^ curve.b
    return field.square(y) ^ field.multiply(x, y) == right


def add(curve: Curve, first: Point, second: Point) -> Point:
    """The sum of two affine points."""
    return add_pairs(curve, [(first, second)])[0]


def add_pairs(curve: Curve, pairs: Sequence[tuple[Point, Point]]) -> list[Point]:
    """The sum of each pair, all with one inversion."""
    field = curve.field
    multiply, square, a = field.multiply, field.square, curve.a
    result: list[Point] = [None] * len(pairs)
    work: list[tuple[int, int, int, int, int]] = []
    denominators: list[int] = []
    for at, (first, second) in enumerate(pairs):
        if first is None or second is None:
            result[at] = second if first is None else first
            continue
        (x1, y1), (x2, y2) = first, second
        if x1 != x2:
            work.append((at, x1, y1, x2, y1 ^ y2))
            denominators.append(x1 ^ x2)
        elif y1 == y2 and x1:
            # λ = x + y/x = (x² + y)/x
            work.append((at, x1, y1, x1, square(x1) ^ y1))
            denominators.append(x1)
    for (at, x1, y1, x2, numerator), inverse in zip(work, field.inverses(denominators), strict=True):
        slope = multiply(numerator, inverse)
        x3 = square(slope) ^ slope ^ x1 ^ x2 ^ a
        result[at] = (x3, multiply(slope, x1 ^ x3) ^ x3 ^ y1)
    return result


def total(curve: Curve, points: Sequence[Point]) -> Point:
    """The sum of many affine points as a tree."""
    level = list(points)
    while len(level) > 1:
        odd = level.pop() if len(level) % 2 else None
        level = add_pairs(curve, list(zip(level[::2], level[1::2], strict=True)))
        if odd is not None:
            level.append(odd)
    return level[0] if level else None


class FixedBase:
    """Multiples of one point, 2^(6i)·j for j = 1…32: 1 376 points and 0.25 MiB on m = 257."""

    def __init__(self, curve: Curve, point: tuple[int, int]) -> None:
        self.curve = curve
        windows = curve.order.bit_length() // _WINDOW + 1
        columns: list[list[Point]] = [[base] for base in _doublings(curve, point, windows)]
        # From the multiples 1…t come t+1…2t, all windows in one batch: t + j, the last being a doubling.
        while len(columns[0]) < 1 << _WINDOW - 1:
            count = len(columns[0])
            sums = add_pairs(curve, [(column[-1], each) for column in columns for each in column])
            for at, column in enumerate(columns):
                column.extend(sums[at * count : (at + 1) * count])
        self._columns = columns

    def multiply(self, scalar: int) -> Point:
        """scalar · point, 0 ≤ scalar < n."""
        return total(self.curve, self.parts(scalar))

    def parts(self, scalar: int) -> list[Point]:
        """The points whose sum is scalar · point: a caller may sum several such lists at once."""
        half, full = 1 << _WINDOW - 1, 1 << _WINDOW
        parts: list[Point] = []
        for column in self._columns:
            digit = scalar & full - 1
            scalar >>= _WINDOW
            if digit > half:
                parts.append(negate(column[full - digit - 1]))
                scalar += 1
            elif digit:
                parts.append(column[digit - 1])
        return parts


@cache
def base(curve: Curve) -> FixedBase:
    """The table of the curve's own base point, built once in a process."""
    return FixedBase(curve, curve.generator)


def multiply(curve: Curve, scalar: int, point: tuple[int, int]) -> Point:
    """scalar · point for a point without a table, 0 ≤ scalar < n."""
    field = curve.field
    product, square, a, b = field.multiply, field.square, curve.a, curve.b
    double = add(curve, point, point)
    odd: list[Point] = [point]
    while len(odd) < 1 << _NAF - 2:
        odd.append(add(curve, odd[-1], double))
    x_3, y_3, z_3 = 1, 0, 0
    for digit in reversed(_wnaf(scalar)):
        if z_3:
            x_2, z_2 = square(x_3), square(z_3)
            bz_4 = product(b, square(z_2))
            z_3 = product(x_2, z_2)
            x_3 = square(x_2) ^ bz_4
            inner = square(y_3) ^ bz_4
            y_3 = product(bz_4, z_3) ^ product(x_3, inner ^ z_3 if a else inner)
        if not digit:
            continue
        picked = odd[digit >> 1] if digit > 0 else negate(odd[-digit >> 1])
        if picked is None:
            continue
        x, y = picked
        if not z_3:
            x_3, y_3, z_3 = x, y, 1
            continue
        z_2 = square(z_3)
        u = y_3 ^ product(y, z_2)
        v = x_3 ^ product(x, z_3)
        if v == 0:
            # The accumulator equals ± the picked point: too rare to be quick, too real to be wrong.
            met = add(curve, _affine(curve, x_3, y_3, z_3), picked)
            x_3, y_3, z_3 = (1, 0, 0) if met is None else (*met, 1)
            continue
        c = product(z_3, v)
        d = product(square(v), c ^ z_2 if a else c)
        z_3 = square(c)
        e = product(u, c)
        x_3 = square(u) ^ d ^ e
        f = x_3 ^ product(x, z_3)
        y_3 = product(e ^ z_3, f) ^ product(x ^ y, square(z_3))
    return _affine(curve, x_3, y_3, z_3)


def compress(curve: Curve, point: tuple[int, int]) -> bytes:
    """Little-endian octets of x with its lowest bit replaced by Tr(y/x)."""
    field, (x, y) = curve.field, point
    if x == 0:
        return bytes(curve.octets)
    sign = field.trace(field.multiply(y, field.inverse(x)))
    return (x >> 1 << 1 | sign).to_bytes(curve.octets, "little")


def decompress(curve: Curve, octets: bytes) -> tuple[int, int]:
    """The point of the prime-order subgroup. Raises ValueError when there is none."""
    field = curve.field
    packed = int.from_bytes(octets, "little")
    if len(octets) != curve.octets or packed.bit_length() > curve.m:
        raise ValueError("a compressed point has the wrong length")
    if packed == 0:
        # (0, √B) has order 2: it is no public key.
        raise ValueError("the point of order two is no key")
    sign, x = packed & 1, packed >> 1 << 1
    if field.trace(x) != curve.a:
        x ^= 1
    if x == 0:
        raise ValueError("the point of order two is no key")
    w = x ^ curve.a ^ field.multiply(curve.b, field.square(field.inverse(x)))
    z = field.half_trace(w)
    if field.square(z) ^ z != w:
        raise ValueError("no point of the curve has this x")
    if field.trace(z) != sign:
        z ^= 1
    return x, field.multiply(x, z)


def _affine(curve: Curve, x: int, y: int, z: int) -> Point:
    if not z:
        return None
    field = curve.field
    inverse = field.inverse(z)
    return field.multiply(x, inverse), field.multiply(y, field.square(inverse))


def _doublings(curve: Curve, point: tuple[int, int], windows: int) -> list[Point]:
    """point · 2^(6i), normalised together."""
    field = curve.field
    product, square, a, b = field.multiply, field.square, curve.a, curve.b
    x, y, z = *point, 1
    rows = [(x, y, z)]
    for _ in range(windows - 1):
        for _ in range(_WINDOW):
            x_2, z_2 = square(x), square(z)
            bz_4 = product(b, square(z_2))
            z = product(x_2, z_2)
            x = square(x_2) ^ bz_4
            inner = square(y) ^ bz_4
            y = product(bz_4, z) ^ product(x, inner ^ z if a else inner)
        rows.append((x, y, z))
    inverses = field.inverses([row[2] for row in rows])
    return [
        (product(x, inverse), product(y, square(inverse))) for (x, y, _), inverse in zip(rows, inverses, strict=True)
    ]


def _wnaf(scalar: int) -> list[int]:
    """Signed odd digits below 16 in absolute value, the lowest first; between two of them at least four zeros."""
    full, half = 1 << _NAF, 1 << _NAF - 1
    digits: list[int] = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & full - 1
            if digit >= half:
                digit -= full
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits
