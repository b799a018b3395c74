"""The hash GOST 34.311-95 with the S-box DKE-1 and a zero start vector, its HMAC and two key derivations.

    H ← χ(H, M) for each block of 32 octets (the last padded with zeros), then χ(H, bit length), χ(H, Σ M mod 2^256)
    χ: U = H, V = M; K1 = P(U⊕V); three times U ← A(U) (⊕ C3 before K3), V ← A(A(V)), K = P(U⊕V)
       s_i = GOST28147(h_i, K_i), i = 1…4 (h_1 lowest);   H' = ψ⁶¹(H ⊕ ψ(M ⊕ ψ¹²(S)))

The four encryptions of a step run side by side in one integer of four 64-bit lanes: 30 µs a block instead of 60
(signing.md §6). ψ is linear, so its powers are tables of 32 × 256 words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from drivers.prro.signing import gost28147

SIZE = 32
BLOCK = 32

_Octets = list[list[int]]

_LANE32 = sum(0xFFFFFFFF << 64 * lane for lane in range(4))
_NIBBLES = int.from_bytes(b"\x0f" * 32, "little")
# The high nibble of each octet of a lane says which S-box row its low nibble goes through.
_TAGS = int.from_bytes(bytes(position << 4 for position in range(8)) * 4, "little")
_TWICE = (1 << 32) + 1
_MASK = (1 << 256) - 1
_C3 = int.from_bytes(bytes.fromhex("00ff00ff00ff00ffff00ff00ff00ff0000ffff00ff0000ffff000000ffff00ff"), "little")


def digest(data: bytes, start: bytes = bytes(32)) -> bytes:
    """The 32-octet hash of `data`. `start` is another start vector, which only test vectors use."""
    state = int.from_bytes(start, "little")
    total = 0
    for at in range(0, len(data), BLOCK):
        block = int.from_bytes(data[at : at + BLOCK], "little")
        state = _step(state, block)
        total += block
    return _finish(state, len(data), total)


def hmac(key: bytes, data: bytes) -> bytes:
    """RFC 2104 with a block of 32 octets."""
    return Hmac(key).digest(data)


class Hmac:
    """HMAC with one key; the first blocks of both hashes are paid once. `repr` shows nothing."""

    __slots__ = ("_inner", "_inner_key", "_outer", "_outer_key")

    def __init__(self, key: bytes) -> None:
        if len(key) > BLOCK:
            key = digest(key)
        padded = int.from_bytes(key, "little")
        self._inner_key = padded ^ int.from_bytes(b"\x36" * BLOCK, "little")
        self._outer_key = padded ^ int.from_bytes(b"\x5c" * BLOCK, "little")
        self._inner = _step(0, self._inner_key)
        self._outer = _step(0, self._outer_key)

    def digest(self, data: bytes) -> bytes:
        state, total = self._inner, self._inner_key
        for at in range(0, len(data), BLOCK):
            block = int.from_bytes(data[at : at + BLOCK], "little")
            state = _step(state, block)
            total += block
        inner = int.from_bytes(_finish(state, BLOCK + len(data), total), "little")
        return _finish(_step(self._outer, inner), 2 * BLOCK, self._outer_key + inner)


def pbkdf2(password: bytes, salt: bytes, iterations: int, length: int = 32) -> bytes:
    """PBKDF2 with HMAC-GOST 34.311: 10 000 iterations take two seconds, so never call it in a sale."""
    mac = Hmac(password)
    result = b""
    index = 0
    while len(result) < length:
        index += 1
        value = mac.digest(salt + index.to_bytes(4, "big"))
        mixed = int.from_bytes(value, "big")
        for _ in range(iterations - 1):
            value = mac.digest(value)
            mixed ^= int.from_bytes(value, "big")
        result += mixed.to_bytes(SIZE, "big")
    return result[:length]


def repeated(data: bytes, times: int) -> bytes:
    """The hash of the hash of … `data`: the key of Key-6.dat (signing.md §8.3)."""
    for _ in range(times):
        data = digest(data)
    return data


def _finish(state: int, length: int, total: int) -> bytes:
    return _step(_step(state, 8 * length), total & _MASK).to_bytes(SIZE, "little")


def _step(state: int, block: int) -> int:
    """χ(H, M)."""
    table = _substitution()
    tables = _mixing()
    # The key schedule: strided slices of one buffer are P and the widening to 64-bit lanes at once.
    u, v = state, block
    keys = u ^ v
    u = _a(u)
    v = _aa(v)
    keys |= (u ^ v) << 512
    u = _a(u) ^ _C3
    v = _aa(v)
    keys |= (u ^ v) << 1024
    u = _a(u)
    v = _aa(v)
    buffer = (keys | (u ^ v) << 1536).to_bytes(256, "little")
    words = [int.from_bytes(buffer[at::8], "little") for at in range(8)]
    n1 = state & _LANE32
    n2 = state >> 32 & _LANE32
    for word in (*words, *words, *words, *words[::-1]):
        x = n1 + word & _LANE32
        y = int.from_bytes(((x | x << 28) & _NIBBLES | _TAGS).to_bytes(32, "little").translate(table), "little")
        n1, n2 = n2 ^ ((y ^ y >> 32) & _LANE32) * _TWICE >> 21 & _LANE32, n1
    result = 0
    octets = (n2 | n1 << 32).to_bytes(32, "little") + block.to_bytes(32, "little") + state.to_bytes(32, "little")
    for row, octet in zip(tables, octets, strict=True):
        result ^= row[octet]
    return result


def _a(y: int) -> int:
    """A(y4‖y3‖y2‖y1) = (y1⊕y2)‖y4‖y3‖y2."""
    return y >> 64 | ((y ^ y >> 64) & 0xFFFFFFFFFFFFFFFF) << 192


def _aa(y: int) -> int:
    """A twice: (y2⊕y3)‖(y1⊕y2)‖y4‖y3."""
    return y >> 128 | ((y ^ y >> 64) & 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF) << 128


@cache
def _substitution() -> bytes:
    """Tag and nibble to substituted nibble: octets 0–3 of a lane are the even nibbles, 4–7 the odd ones."""
    boxes = gost28147.rows(gost28147.DKE1)
    table = bytearray(256)
    for position in range(8):
        odd = position >= 4
        box = boxes[2 * (position - 4) + 1] if odd else boxes[2 * position]
        for nibble in range(16):
            table[position << 4 | nibble] = box[nibble] << 4 if odd else box[nibble]
    return bytes(table)


@cache
def _mixing() -> _Octets:
    """ψ⁷⁴ of the ciphertext, ψ⁶² of the block and ψ⁶¹ of the state, octet by octet: 96 rows of 256."""
    images = []
    for bit in range(256):
        word, image = 1 << bit, {}
        for power in range(1, 75):
            word = _psi(word)
            if power in (61, 62, 74):
                image[power] = word
        images.append(image)
    return [row for power in (74, 62, 61) for row in _rows([image[power] for image in images])]


def _rows(images: Sequence[int]) -> _Octets:
    """A linear map, given by the images of its 256 bits, as 32 rows for whole octets."""
    result = []
    for octet in range(32):
        row = [0]
        for bit in range(8):
            image = images[8 * octet + bit]
            row += [word ^ image for word in row]
        result.append(row)
    return result


def _psi(y: int) -> int:
    """One step of the shift register on 16-bit words w1 (lowest) … w16."""
    top = (y ^ y >> 16 ^ y >> 32 ^ y >> 48 ^ y >> 192 ^ y >> 240) & 0xFFFF
    return y >> 16 | top << 240
