"""PINs of four to eight digits, kept as scrypt hashes (cashier-flow.md I, login screen).

    scrypt$n$r$p$salt$hash          salt and hash in base64

A PIN is short, so the hash only slows a thief of the database down; the attempts at the till are limited by the
ledger's `PinState`. One check costs 16 MiB and some tens of milliseconds on a desktop: keep it off the screen's thread.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re

PIN = re.compile(r"[0-9]{4,8}", re.ASCII)
COST, BLOCK, PARALLEL = 2**14, 8, 1
MOST_PARALLEL = 16
SALT_BYTES, HASH_BYTES = 16, 32
MEMORY = 64 * 1024 * 1024
"""Most memory a hash may ask for, bytes: a damaged database must not exhaust a small box (nor may its parallelism)."""


def hash_pin(pin: str) -> str:
    """A salted hash of a PIN. Raises `ValueError` unless it is 4–8 ASCII digits."""
    if not PIN.fullmatch(pin):
        raise ValueError("a PIN is four to eight digits")
    salt = os.urandom(SALT_BYTES)
    digest = _scrypt(pin, salt, COST, BLOCK, PARALLEL)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${_text(salt)}${_text(digest)}"


def check_pin(pin: str, hashed: str) -> bool:
    """Whether the PIN is the one that was hashed; False for anything malformed. Compares in constant time."""
    if not PIN.fullmatch(pin):
        return False
    try:
        scheme, cost, block, parallel, salt, digest = hashed.split("$")
        if scheme != "scrypt" or int(parallel) > MOST_PARALLEL:
            return False
        expected = base64.b64decode(digest, validate=True)
        given = _scrypt(pin, base64.b64decode(salt, validate=True), int(cost), int(block), int(parallel))
    except (ValueError, TypeError, binascii.Error, OverflowError, MemoryError):
        return False
    return hmac.compare_digest(given, expected)


def _scrypt(pin: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=MEMORY, dklen=HASH_BYTES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
