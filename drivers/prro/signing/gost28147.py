"""GOST 28147-89: the block cipher, CFB and the 32-bit MAC, as key containers use them (signing.md §3.8).

    block   n1 = LE32 of octets 0–3, n2 = LE32 of 4–7; 32 rounds n2 ^= ROL11(S(n1 + k)), swap; no swap at the end
    key     eight LE32 words, k0…k7 three times, then k7…k0 (decryption: k0…k7 once, then k7…k0 three times)
    S-box   64 packed octets, eight rows of eight: octet i of a row holds the values for 2i (high nibble) and 2i + 1;
            row 0 substitutes the lowest nibble. Ukraine uses DKE-1.

16 µs a block; the containers hold at most a few hundred blocks.
"""

from __future__ import annotations

from functools import cache

DKE1 = bytes.fromhex(
    "a9d6eb45f13c708280c4967b231f5eadf658eba4c037291d38d96bf025ca4e17"
    "f8e9720dc615b43a28975f0bc1dea36438b564ea2c179fd0123e6db8fac57904"
)

_Tables = tuple[tuple[int, ...], ...]


def rows(sbox: bytes) -> list[list[int]]:
    """The eight substitution rows of 16 values. Raises ValueError unless `sbox` is 64 octets."""
    if len(sbox) != 64:
        raise ValueError("a packed S-box has 64 octets")
    return [[octet >> shift & 15 for octet in sbox[at : at + 8] for shift in (4, 0)] for at in range(0, 64, 8)]


class Cipher:
    """One key. The key is held as words that `repr` does not show."""

    __slots__ = ("_forward", "_reverse", "_words")

    def __init__(self, key: bytes, sbox: bytes = DKE1) -> None:
        """`key` is 32 octets; ValueError otherwise."""
        if len(key) != 32:
            raise ValueError("a GOST 28147 key has 32 octets")
        self._words = _tables(sbox)
        words = tuple(int.from_bytes(key[at : at + 4], "little") for at in range(0, 32, 4))
        self._forward = words * 3 + words[::-1]
        self._reverse = words + words[::-1] * 3

    def encrypt_ecb(self, data: bytes) -> bytes:
        """`data` is a whole number of 8-octet blocks."""
        return self._ecb(data, self._forward)

    def decrypt_ecb(self, data: bytes) -> bytes:
        """The reverse of `encrypt_ecb`."""
        return self._ecb(data, self._reverse)

    def encrypt_cfb(self, iv: bytes, data: bytes) -> bytes:
        """Cipher feedback of 64 bits; the last block may be short. `iv` is 8 octets."""
        result = bytearray()
        feedback = iv
        for at in range(0, len(data), 8):
            feedback = _xor(data[at : at + 8], self._ecb(feedback, self._forward))
            result += feedback
        return bytes(result)

    def decrypt_cfb(self, iv: bytes, data: bytes) -> bytes:
        """The reverse of `encrypt_cfb`."""
        stream = self._ecb((iv + data)[: (len(data) + 7) // 8 * 8], self._forward)
        return _xor(data, stream)

    def mac(self, data: bytes) -> bytes:
        """The 32-bit MAC of `data` padded with zeros to whole blocks."""
        n1 = n2 = 0
        for at in range(0, len(data), 8):
            block = int.from_bytes(data[at : at + 8], "little")
            n1, n2 = self._rounds(n1 ^ block & 0xFFFFFFFF, n2 ^ block >> 32, self._forward[:16])
        return n1.to_bytes(4, "little")

    def _ecb(self, data: bytes, schedule: tuple[int, ...]) -> bytes:
        if len(data) % 8:
            raise ValueError("the cipher works on whole blocks of 8 octets")
        result = bytearray()
        for at in range(0, len(data), 8):
            block = int.from_bytes(data[at : at + 8], "little")
            n1, n2 = self._rounds(block & 0xFFFFFFFF, block >> 32, schedule)
            result += (n1 << 32 | n2).to_bytes(8, "little")
        return bytes(result)

    def _rounds(self, n1: int, n2: int, schedule: tuple[int, ...]) -> tuple[int, int]:
        t0, t1, t2, t3 = self._words
        for word in schedule:
            x = n1 + word
            n1, n2 = n2 ^ t0[x & 255] ^ t1[x >> 8 & 255] ^ t2[x >> 16 & 255] ^ t3[x >> 24 & 255], n1
        return n1, n2


@cache
def _tables(sbox: bytes) -> _Tables:
    """Substitution of each octet of the word, already rotated left by 11."""
    boxes = rows(sbox)
    tables = []
    for octet in range(4):
        low, high = boxes[2 * octet], boxes[2 * octet + 1]
        words = [(high[value >> 4] << 4 | low[value & 15]) << 8 * octet for value in range(256)]
        tables.append(tuple((word << 11 | word >> 21) & 0xFFFFFFFF for word in words))
    return tuple(tables)


def _xor(first: bytes, second: bytes) -> bytes:
    """XOR over the length of `first`."""
    size = len(first)
    return (int.from_bytes(first, "big") ^ int.from_bytes(second[:size], "big")).to_bytes(size, "big")
