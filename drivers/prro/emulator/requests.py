"""Requests as they come to the door: types, sizes, compression, names (fiscal-server.md §1.1, §1.2)."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from drivers.prro.emulator import documents, verifier
from drivers.prro.emulator.refusals import Gross

MAX_SIZE, MIN_SIZE = 200 * 1024, 10
OCTETS, JSON, TEXT = "application/octet-stream", "application/json; charset=utf-8", "text/plain; charset=utf-8"
PATHS = ("/fs/doc", "/fs/pck", "/fs/cmd")


@dataclass(frozen=True)
class Request:
    """A POST as it came. `path` without its query, `as_json` is resultAsJson=true."""

    path: str
    content_type: str
    encoding: str
    body: bytes
    as_json: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes


def open_body(request: Request) -> bytes:
    """The uncompressed body of a request with the right type and size. Raises Gross 415, 416, 400."""
    signed_only = request.path != "/fs/cmd"
    if request.content_type != OCTETS and (signed_only or request.content_type != "application/json"):
        raise Gross(415, f"Непідтримуваний Content-Type «{request.content_type}»")
    body = request.body
    if request.encoding in ("gzip", "x-gzip", "deflate"):
        body = _inflate(body)
    elif request.encoding not in ("", "identity"):
        raise Gross(400, f"Непідтримуваний Content-Encoding «{request.encoding}»")
    if not MIN_SIZE <= len(body) <= MAX_SIZE:
        raise Gross(416, f"Розмір повідомлення {len(body)} байт поза межами {MIN_SIZE}…{MAX_SIZE}")
    return body


def _inflate(data: bytes) -> bytes:
    """gzip, zlib or bare deflate, whatever the label says: the real server is as tolerant (§1.2). Bounded."""
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        stream = zlib.decompressobj(window)
        try:
            body = stream.decompress(data, MAX_SIZE + 1)
        except zlib.error:
            continue
        if stream.eof or len(body) > MAX_SIZE:
            return body
    raise Gross(400, "Тіло запиту не вдалося розпакувати")


def names(request: Request) -> tuple[str, ...]:
    """What a fault plan calls a request: doc, doc:CHECK, doc:CheckGoods; pck; cmd, cmd:NAME; tsp, ocsp."""
    short = request.path.rpartition("/")[2]
    if short not in ("doc", "cmd"):
        return (short,)
    try:
        body = open_body(request)
        content = verifier.content(body) if request.content_type == OCTETS else body
    except (Gross, verifier.Unsigned):
        return (short,)
    if short == "cmd":
        found = re.search(rb'"Command"\s*:\s*"(\w+)"', content)
        return ("cmd", f"cmd:{found[1].decode()}") if found else ("cmd",)
    root = re.search(rb"<(CHECK|ZREP)[\s>]", content)
    if root is None:
        return ("doc",)
    kinds = [f"doc:{root[1].decode()}"]
    kind, subtype = (re.search(rb"<%s>(\d+)<" % name, content) for name in (b"DOCTYPE", b"DOCSUBTYPE"))
    if kind is not None:
        code = int(kind[1])
        detail = documents.SUBTYPE_NAMES.get(int(subtype[1])) if subtype is not None and code == 0 else None
        kinds.append(f"doc:{detail or documents.TYPE_NAMES.get(code, code)}")
    return ("doc", *kinds)
