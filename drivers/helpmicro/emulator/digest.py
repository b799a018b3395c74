"""HTTP Digest as the device checks it: MD5, realm HTROM, qop auth, a nonce with a life and a counter.

helpmicro.md §1, §5:

HA1 = MD5(user:realm:password)   HA2 = MD5(method:uri)   response = MD5(HA1:nonce:nc:cnonce:auth:HA2)

A nonce lives `life` seconds after it was given out, is known until the power goes, and its counter only grows.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from hmac import compare_digest

REALM = "HTROM"
OPAQUE = "5ccc069c403ebaf9f0171e9517f40e41"
KEPT = 16
"""Nonces that the device remembers at once."""
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))\s*(?:,|$)')


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def response(user: str, password: str, method: str, uri: str, nonce: str, nc: str, cnonce: str) -> str:
    ha1, ha2 = md5(f"{user}:{REALM}:{password}"), md5(f"{method}:{uri}")
    return md5(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")


def fields(header: str) -> dict[str, str] | None:
    """The pairs of an Authorization header; None for anything but a well-formed Digest."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
        return None
    found: dict[str, str] = {}
    place = 0
    while place < len(rest):
        pair = _PAIR.match(rest, place)
        if pair is None or pair[1].lower() in found:
            return None
        found[pair[1].lower()] = pair[2] if pair[2] is not None else pair[3]
        place = pair.end()
    return found


class Guard:
    """Gives out nonces and checks answers to them."""

    def __init__(self, life: float, now: Callable[[], float], fresh: Callable[[], str] | None = None) -> None:
        self._life = life
        self._now = now
        self._fresh = fresh or (lambda: os.urandom(8).hex())
        self._nonces: dict[str, tuple[float, int]] = {}

    def forget(self) -> None:
        self._nonces.clear()

    def challenge(self, *, stale: bool) -> str:
        """A WWW-Authenticate header with a nonce of its own."""
        nonce = self._fresh()
        self._nonces[nonce] = (self._now(), 0)
        while len(self._nonces) > KEPT:
            del self._nonces[next(iter(self._nonces))]
        late = ", stale=true" if stale else ""
        return f'Digest realm="{REALM}", nonce="{nonce}", qop="auth", opaque="{OPAQUE}"{late}'

    def user(self, header: str, method: str, target: str, password: Callable[[str], str | None]) -> tuple[str, bool]:
        """Who asks, "" when it is not proved; and whether only the nonce was too old or used before."""
        given = fields(header)
        if given is None or given.get("realm") != REALM or given.get("qop") != "auth" or given.get("uri") != target:
            return "", False
        if given.get("algorithm", "MD5").upper() != "MD5":
            return "", False
        name, nonce, nc = given.get("username", ""), given.get("nonce", ""), given.get("nc", "")
        secret = password(name)
        if secret is None or not re.fullmatch(r"[0-9a-fA-F]{8}", nc) or not given.get("cnonce"):
            return "", False
        due = response(name, secret, method, target, nonce, nc, given["cnonce"])
        if not compare_digest(due, given.get("response", "").lower().encode("ascii", "replace").decode()):
            return "", False
        born, used = self._nonces.get(nonce, (float("-inf"), 0))
        if self._now() - born > self._life or int(nc, 16) <= used:
            return "", True
        self._nonces[nonce] = (born, int(nc, 16))
        return name, False
