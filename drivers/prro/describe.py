"""Messages to and from the fiscal server in words (fiscal-server.md §1–4): XML out of its CMS, tickets, JSON.

For the evidence, not for the driver: nothing is verified here but that the octets can be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from drivers.describing import Described
from drivers.prro.signing import cms
from drivers.prro.signing.errors import SignatureFault


def describe(direction: str, data: bytes) -> list[Described]:
    """Answers `drivers.describing.Describer`."""
    return list(_any(data))


def content(data: bytes) -> bytes | None:
    """What a signed message holds; None for what is none."""
    if data[:1] != b"\x30":
        return None
    try:
        return cms.parse(data).content
    except SignatureFault:
        return None


def package(data: bytes) -> list[bytes] | None:
    """The signed documents of a package (§6.6); None for what is none."""
    found, position = [], 0
    while position + 4 <= len(data):
        length = int.from_bytes(data[position : position + 4], "little")
        part = data[position + 4 : position + 4 + length]
        if len(part) != length or part[:1] != b"\x30":
            return None
        found.append(part)
        position += 4 + length
    return found if found and position == len(data) else None


def _any(data: bytes) -> Iterator[Described]:
    inside = content(data)
    if inside is not None:
        yield from _any(inside)
    elif (documents := package(data)) is not None:
        for document in documents:
            yield from _any(document)
    elif b"<?xml" in data[:64] or data[:1] == b"<":
        yield _xml(data)
    elif data[:1] == b"\x30":
        yield Described("time stamp or certificate status", (("bytes", str(len(data))),))
    else:
        yield _json(data)


def _xml(data: bytes) -> Described:
    # The parser knows no Windows-1251 declaration on every platform: the text is decoded here.
    head, _, _ = data.partition(b"?>")
    encoding = "cp1251" if b"1251" in head else "utf-8"
    text = data.decode(encoding, "replace")
    root = ElementTree.fromstring(text[text.find("?>") + 2 :] if text.startswith("<?xml") else text)
    fields = tuple(_leaves("", root))
    known = dict(fields)
    code = known.get("ERRORCODE", "0")
    refused = f"{code} {known.get('ERRORTEXT', '')}".strip() if root.tag == "TICKET" and code not in ("", "0") else ""
    kind = known.get("CHECKHEAD.DOCTYPE", "")
    return Described(root.tag + (f" type {kind}" if kind else ""), fields, refused)


def _leaves(where: str, element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for child in element:
        name = f"{where}.{child.tag}" if where else child.tag
        if len(child):
            yield from _leaves(name, child)
        else:
            yield name, child.text or ""


def _json(data: bytes) -> Described:
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        value = json.loads(text)
    except ValueError:
        return Described(text[:60] or "empty", (("text", text[:4000]),))
    name = str(value.get("Command", "answer")) if isinstance(value, dict) else "answer"
    fields = tuple(_flat("", value))
    refused = next((f"{key} {part}" for key, part in fields if key == "ErrorCode" and part not in ("0", "None")), "")
    return Described(name, fields, refused)


def _flat(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(f"{where}.{name}" if where else str(name), part)
    elif isinstance(value, list):
        for part in value:
            yield from _flat(where, part)
    else:
        yield where, str(value)
