"""DSTU 4145-2002 over a digest (signing.md §3.6, §3.7).

    private d, 0 < d < n;  public Q = −dP
    h   the digest as a little-endian integer, its lowest m bits; 0 counts as 1
    r   the lowest bitlen(n) − 1 bits of h · x(eP)            s = (e + d·r) mod n
    accept when 0 < r, s < n and the lowest bitlen(n) − 1 bits of h · x(sP + rQ) are r
    octets: LE(r) ‖ LE(s), each ⌈bitlen(n)/8⌉ long

Two signatures with one nonce give the key away, so the nonce is hedged: it depends on the key, the digest and 32 fresh
random bytes, and stays secret with a broken random source as well as in a copied virtual machine.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.prro.signing import points
from drivers.prro.signing.curves import Curve
from drivers.prro.signing.points import FixedBase

Nonces = Callable[[int, bytes], int]
"""Gives a nonce in [1, n − 1] for (d, digest)."""


def sign(curve: Curve, d: int, digest: bytes, nonces: Nonces | None = None) -> bytes:
    """r ‖ s over `digest` (32 to 64 bytes). `nonces` is a hook for known answers in tests and must not be used else."""
    field, order = curve.field, curve.order
    if not 0 < d < order:
        raise ValueError("a private key lies between 0 and n")
    draw = nonces or (lambda key, octets: hedged_nonce(order, key, octets))
    h = _element(curve, digest)
    cut = (1 << order.bit_length() - 1) - 1
    table = points.base(curve)
    while True:
        e = draw(d, digest)
        point = table.multiply(e)
        if point is None or point[0] == 0:
            continue
        r = field.multiply(h, point[0]) & cut
        s = (e + d * r) % order
        if r and s:
            return r.to_bytes(curve.half, "little") + s.to_bytes(curve.half, "little")


def verify(
    curve: Curve, public: tuple[int, int], digest: bytes, signature: bytes, table: FixedBase | None = None
) -> bool:
    """Whether `signature` (r ‖ s, halves of any equal length) is good. `table` of `public` makes it five times as fast.

    `public` must be a point of the prime-order subgroup, as `points.decompress` gives it.
    """
    if len(signature) % 2 or not signature:
        return False
    middle = len(signature) // 2
    r = int.from_bytes(signature[:middle], "little")
    s = int.from_bytes(signature[middle:], "little")
    order = curve.order
    if not (0 < r < order and 0 < s < order):
        return False
    parts = points.base(curve).parts(s)
    if table is None:
        parts.append(points.multiply(curve, r, public))
    else:
        parts += table.parts(r)
    point = points.total(curve, parts)
    if point is None:
        return False
    cut = (1 << order.bit_length() - 1) - 1
    return curve.field.multiply(_element(curve, digest), point[0]) & cut == r


def public_key(curve: Curve, d: int) -> tuple[int, int]:
    """Q = −dP. Raises ValueError when d is out of range."""
    point = points.negate(points.base(curve).multiply(d)) if 0 < d < curve.order else None
    if point is None:
        raise ValueError("a private key lies between 0 and n")
    return point


def new_private_key(curve: Curve) -> int:
    """A fresh d, drawn below 2^(bitlen(n) − 1) as the standard does."""
    import secrets

    while True:
        d = secrets.randbits(curve.order.bit_length() - 1)
        if d:
            return d


def hedged_nonce(order: int, d: int, digest: bytes) -> int:
    """1 + (HMAC-SHA-512(d, 0‖rnd‖digest) ‖ HMAC-SHA-512(d, 1‖rnd‖digest)) mod (n − 1)."""
    import hmac
    import secrets

    key = d.to_bytes((order.bit_length() + 7) // 8, "big")
    fresh = secrets.token_bytes(32)
    wide = b"".join(hmac.digest(key, bytes((part,)) + fresh + digest, "sha512") for part in (0, 1))
    return 1 + int.from_bytes(wide, "big") % (order - 1)


def _element(curve: Curve, digest: bytes) -> int:
    return int.from_bytes(digest, "little") & (1 << curve.m) - 1 or 1
