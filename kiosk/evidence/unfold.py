"""Every form in which bytes may carry text: as they are, unpacked, out of base64, out of stuffing; to any depth.

A value that is hidden in any of them is found by looking for its bytes in all of them (`needles` writes a value in
each code page that a registrar of ours speaks).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress

from drivers.datecs import text as datecs
from drivers.errors import Invalid

DEPTH = 4
"""Layers that are taken off: base64 in JSON in gzip in HTTP is four."""
MOST = 64 * 1024 * 1024
"""Bytes that one unpacking may give: a bomb ends here."""
ENCODINGS = ("utf-8", "cp1251", "cp866", "cp1125", "koi8-u", "utf-16-le", "utf-16-be")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}(?:[\\r\n]*[A-Za-z0-9+/_-]{4,}={0,2})*")
_STREAMS = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_ESCAPES = re.compile(rb"\\u[0-9a-fA-F]{4}")
_PERCENT = re.compile(rb"%[0-9a-fA-F]{2}")
_DOS = str.maketrans({"ґ": "г", "Ґ": "Г", "і": "i", "І": "I"})
"""How registrars of code page 866 spell what the page lacks."""
_NO_GHE = str.maketrans({"ґ": "г", "Ґ": "Г"})
_HAS_ENTITY = re.compile(rb"&#?\w{1,8};")


def unfold(data: bytes, depth: int = DEPTH) -> Iterator[bytes]:
    """The bytes, then every other form of them that differs."""
    yield data
    if depth == 0 or len(data) < 4:
        return
    seen = {data}
    for form in _forms(data):
        if len(form) >= 3 and form not in seen:
            seen.add(form)
            yield from unfold(form, depth - 1)


def _forms(data: bytes) -> Iterator[bytes]:
    if b"\x10" in data:
        # Datecs writes control bytes as 10h, byte + 40h; IKC doubles the 10h. Both hide no letter, but they split text.
        yield data.replace(b"\x10\x10", b"\x10")
    if b"\x00" in data or b"\r\n" in data:
        chunked = _dechunked(data)
        if chunked is not None:
            yield chunked
    for found in _STREAMS.finditer(data):
        unpacked = _inflate(data[found.start() :], 47)
        if unpacked:
            yield unpacked
    if b"deflate" in data:
        body = data.partition(b"\r\n\r\n")[2]
        unpacked = _inflate(body, -15) if body else b""
        if unpacked:
            yield unpacked
    for found in _BASE64.finditer(data):
        yield from _decoded(found.group())
    if _ESCAPES.search(data):
        yield _ESCAPES.sub(lambda found: _character(found.group()), data)
    if _PERCENT.search(data):
        yield _PERCENT.sub(lambda found: bytes((int(found.group()[1:], 16),)), data)
    if _HAS_ENTITY.search(data):
        plain = data
        for name, value in ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'), (b"&apos;", b"'"), (b"&amp;", b"&")):
            plain = plain.replace(name, value)
        yield plain


def _decoded(text: bytes) -> Iterator[bytes]:
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", text.replace(b"-", b"+").replace(b"_", b"/"))
    # The run may have begun inside a longer one: each of the four places where a group may begin.
    for start in range(4):
        part = clean[start:]
        part = part[: len(part) // 4 * 4] if start else part + b"A" * (-len(part) % 4)
        try:
            yield base64.b64decode(part, validate=True)
        except (binascii.Error, ValueError):
            continue


def _inflate(data: bytes, window: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(data, MOST)
    except zlib.error:
        return b""


def _dechunked(data: bytes) -> bytes | None:
    """An HTTP body out of its chunks."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found or b"chunked" not in head.lower():
        return None
    body = b""
    while rest:
        line, found, rest = rest.partition(b"\n")
        try:
            size = int(line.split(b";")[0].strip() or b"0", 16)
        except ValueError:
            break
        if size == 0 or not found:
            break
        body += rest[:size]
        rest = rest[size:].lstrip(b"\r\n")
    return head + b"\r\n\r\n" + body


def _character(escape: bytes) -> bytes:
    text = json.loads(b'"' + escape + b'"')
    return str(text).encode("utf-8", "surrogatepass")


def needles(text: str) -> set[bytes]:
    """The bytes of a text in every code page; spellings of the old pages included."""
    found: set[bytes] = set()
    for encoding in ENCODINGS:
        for spelled in {text, text.translate(_DOS), text.translate(_NO_GHE)}:
            try:
                found.add(spelled.encode(encoding))
            except UnicodeEncodeError:
                continue
    with suppress(Invalid):  # a sign that the page lacks cannot have been sent on it
        found.add(datecs.encode(text, "datecs_dos"))
    return {needle for needle in found if needle}
