"""Requests and answers of Help Micro in words (helpmicro.md §1, §3): for the evidence, not for the driver."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

from drivers.describing import Described
from drivers.helpmicro.wire import Parser


def describe(direction: str, data: bytes) -> list[Described]:
    """Answers `drivers.describing.Describer`."""
    if direction == ">":
        head, _, body = data.partition(b"\r\n\r\n")
        first = head.split(b"\r\n")[0].decode("latin-1").rpartition(" ")[0]
        return [Described(first, tuple(_fields(body)))]
    parser = Parser()
    reply = parser.feed(data) or parser.end()
    if reply is None:
        return [Described("? half an answer")]
    body = reply.body
    encoding = dict(reply.headers).get("content-encoding", "")
    if encoding in ("gzip", "deflate"):
        body = zlib.decompress(body, 47 if encoding == "gzip" or body[:1] == b"\x78" else -15)
    fields = tuple(_fields(body))
    refused = "" if reply.status == 200 else f"HTTP {reply.status}"
    refused = refused or next((f"{name} {value}" for name, value in fields if "err" in name.lower()), "")
    return [Described(f"HTTP {reply.status}", fields, refused)]


def _fields(body: bytes) -> Iterator[tuple[str, str]]:
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if not text:
        return
    try:
        yield from _flat("", json.loads(text))
    except ValueError:
        yield "text", text[:4000]


def _flat(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(f"{where}.{name}" if where else str(name), part)
    elif isinstance(value, list):
        for part in value:
            yield from _flat(where, part)
    else:
        yield where, str(value)
